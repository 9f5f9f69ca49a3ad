"""Rendering a template twice: by this library, and by Jinja as the package transformers has it set up."""

from __future__ import annotations

import copy
import ctypes
import datetime
import functools
import json
import os

import jinja2
import jinja2.ext
import jinja2.sandbox

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
    """{% generation %}: a block that is called, as transformers does to know where it begins and ends."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    @jinja2.pass_eval_context
    def _body(self, context, caller):
        return caller()


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


@functools.lru_cache(maxsize=4)
def compiled(source: str) -> jinja2.Template | Exception:
    try:
        return REFERENCE.from_string(source)
    except Exception as error:  # whatever Python raises is an error here
        return error


def reference(source: str, variables: dict) -> tuple[bool, str]:
    template = compiled(source)
    try:
        if isinstance(template, Exception):
            raise template
        return True, template.render(**copy.deepcopy(variables))  # indent changes lists
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"


def difference(source: str, variables: dict) -> str | None:
    """What the two make of a template where it is not the same. Of errors only that there is one is compared."""
    variables = dict(variables, now=NOW)
    expected = reference(source, variables)
    if " at 0x" in expected[1] or "lipsum" in source or "TemplateReference" in expected[1]:
        return None  # what Python prints of its own objects
    got = render(source, variables)
    if expected[0] == got[0] and (not expected[0] or expected[1] == got[1]):
        return None
    return f"expected {expected!r}\n    got      {got!r}"
