"""Templates are rendered as Jinja renders them, byte for byte.

The conversations and templates of INLAY_DATA were rendered by jinja2 3.1.6 with trim_blocks and lstrip_blocks; the
expressions and statements below are rendered here by the same, in its immutable sandbox with loop controls and with
tojson as transformers has it."""

from __future__ import annotations

import json
import os
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
