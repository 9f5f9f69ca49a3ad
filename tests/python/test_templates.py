"""Templates are rendered as Jinja renders them, byte for byte.

The conversations and templates of INLAY_DATA were rendered by jinja2 3.1.6 with trim_blocks and lstrip_blocks; the
expressions and statements below are rendered here by the same, in its immutable sandbox with loop controls and with
tojson as transformers has it."""

from __future__ import annotations

import copy
import ctypes
import datetime
import json
import os
from pathlib import Path

import jinja2
import jinja2.ext
import jinja2.sandbox
import pytest

from template_cases import GENERATED, STATEMENTS, VARIABLES, expressions

NOW = "2026-11-24T12:00:00"
BUFFER = -6


def load_library() -> ctypes.CDLL:
    library = ctypes.CDLL(os.environ["INLAY_LIBRARY"])
    library.inlay_error.restype = ctypes.c_char_p
    pointer, size = ctypes.c_char_p, ctypes.c_size_t
    library.inlay_template_render.argtypes = [pointer, size, pointer, size, pointer, size, ctypes.POINTER(size)]
    return library


LIBRARY = load_library()


def render(source: str, variables: dict) -> tuple[bool, str]:
    """(True, text) or (False, the error)"""
    template, data = source.encode(), json.dumps(variables).encode()
    capacity, needed = 1 << 14, ctypes.c_size_t()
    while True:
        text = ctypes.create_string_buffer(capacity + 1)
        status = LIBRARY.inlay_template_render(template, len(template), data, len(data), text, capacity, needed)
        if status != BUFFER:
            break
        capacity = needed.value
    return (True, text.raw[: needed.value].decode()) if status == 0 else (False, LIBRARY.inlay_error().decode())


class Generation(jinja2.ext.Extension):
    """{% generation %} as a block that only delimits."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


def reference_environment() -> jinja2.Environment:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols, Generation])

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.TemplateError(message)

    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = datetime.datetime.fromisoformat(NOW).strftime
    return environment


REFERENCE = reference_environment()


def reference(source: str, variables: dict) -> tuple[bool, str]:
    try:
        return True, REFERENCE.from_string(source).render(**copy.deepcopy(variables))  # indent changes lists
    except Exception as error:  # whatever Python raises is an error here
        return False, f"{type(error).__name__}: {error}"


def differences(sources: list[str]) -> list[str]:
    variables = dict(VARIABLES, now=NOW)
    found = []
    for source in sources:
        expected = reference(source, variables)
        if " at 0x" in expected[1] or "lipsum" in source or "TemplateReference" in expected[1]:
            continue  # what Python prints of its own objects
        got = render(source, variables)
        if expected[0] != got[0] or (expected[0] and expected[1] != got[1]):
            found.append(f"{source!r}\n    expected {expected!r}\n    got      {got!r}")
    return found


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
