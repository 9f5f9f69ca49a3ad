"""Templates are rendered as Jinja renders them, byte for byte.

The conversations and templates of INLAY_DATA were rendered by jinja2 3.1.6 with trim_blocks and lstrip_blocks; the
expressions and statements below are rendered here by the same, in its immutable sandbox with loop controls and with
tojson as transformers has it."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from jinja_reference import difference, render
from template_cases import GENERATED, STATEMENTS, VARIABLES, expressions


def differences(sources: list[str]) -> list[str]:
    found = ((source, difference(source, VARIABLES)) for source in sources)
    return [f"{source!r}\n    {what}" for source, what in found if what]


def report(found: list[str], total: int) -> None:
    assert not found, f"{len(found)} of {total} differ:\n" + "\n".join(found[:20])


def test_expressions_give_what_jinja_gives() -> None:
    sources = ["{{ " + expression + " }}" for expression in expressions()]
    report(differences(sources), len(sources))


def test_statements_give_what_jinja_gives() -> None:
    report(differences(STATEMENTS), len(STATEMENTS))


def test_generated_templates_give_what_jinja_gives() -> None:
    sources = list(GENERATED(2000))
    report(differences(sources), len(sources))


def test_numbers_are_rounded_as_python_rounds_them() -> None:
    rng = random.Random(9)
    edges = [250.00000000000003, 350.0, 249.99999999999997, 5.0, 15.0, 4.999999999999999, 9.5, 95.0, 99.5, 1e22, 5e22, 123456789012345680000.0,
             9007199254740993.0, 1.7e308, 1.2e308, 5e-324, 0.0, 123456.5, 55.55]
    numbers = edges + [rng.uniform(-1, 1) * 10.0 ** rng.randrange(25) for _ in range(300)] + [float(rng.randrange(10 ** 6)) / 2 for _ in range(300)]
    sources = [f"{{{{ {sign}{abs(number)!r} | round({digits}) }}}}" for number in numbers for sign in ("", "-")
               for digits in (-1, -2, -3, -7, -22, -308, -309, 0, 1, 5)]
    report(differences(sources), len(sources))


def test_real_templates_give_the_expected_conversations() -> None:
    folder = Path(os.environ.get("INLAY_DATA", "")) / "templates"
    if not (folder / "golden.json").is_file():
        pytest.skip(f"{folder} has no golden.json")
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    found, total = [], 0
    for name, cases in golden["expected"].items():
        source = (folder / f"{name}.jinja").read_bytes().decode()
        for case, expected in cases.items():
            total += 1
            variables = dict(golden["cases"][case], now=golden["now"], bos_token=golden["bos_token"], eos_token=golden["eos_token"])
            ok, text = render(source, variables)
            if "error" in expected:
                right = not ok and expected["error"] in text and "line" in text
            else:
                right = ok and text == expected["output"]
            if not right:
                found.append(f"{name}, {case}: expected {expected!r}\n    got {text!r}")
    assert total >= 80 and not found, "\n".join(found)
