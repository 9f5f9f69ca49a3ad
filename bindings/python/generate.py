#!/usr/bin/env python3
"""Writes inlay/_declarations.py from include/inlay.h and the headers beside it that it includes.

    python3 generate.py            rewrite the file
    python3 generate.py --check    exit with 1 when it is not what the header gives

The header keeps to a small part of C (see its rules), and this reads just that part: anything it does not
understand is an error, never left out.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADER = HERE.parent.parent / "include" / "inlay.h"
TARGET = HERE / "inlay" / "_declarations.py"

SCALARS = {
    "int32_t": "c_int32",
    "int64_t": "c_int64",
    "uint64_t": "c_uint64",
    "size_t": "c_size_t",
    "uint8_t": "c_uint8",
    "float": "c_float",
    "double": "c_double",
}

COMMENT_OR_FUNCTION = re.compile(
    r"/\*(?P<comment>.*?)\*/|"
    r"^INLAY_API (?P<type>[\w ]+?[ *]+)(?P<name>inlay_\w+)\((?P<parameters>[^)]*)\);",
    re.S | re.M,
)


class Unreadable(Exception):
    """The header has something this script does not understand."""


def strip_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def comment_text(comment: str) -> str:
    """The words of a comment as one docstring, a line a line."""
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in comment.split("\n")]
    return "\n".join(lines).strip()


def handles(code: str) -> list[str]:
    return re.findall(r"typedef struct (\w+) \1;", code)


def callbacks(code: str) -> dict[str, tuple[str, str]]:
    """name -> (return type, parameters), of `typedef R (*name)(...)`."""
    found = re.findall(r"typedef ([\w ]+?[ *]+)\(\*(\w+)\)\(([^)]*)\);", code)
    return {name: (returned.strip(), " ".join(parameters.split())) for returned, name, parameters in found}


class Types:
    """C types as ctypes expressions."""

    def __init__(self, handle_names: list[str], callback_names: list[str]):
        self.handles = handle_names
        self.callbacks = callback_names

    def base(self, name: str) -> str | None:
        return SCALARS.get(name) or (name if name in self.callbacks else None)

    def of(self, c_type: str) -> str:
        words = c_type.replace("*", " * ").replace("const", " ").split()
        name, stars = words[0], len(words) - 1
        if words[1:] != ["*"] * stars:
            raise Unreadable(f"type '{c_type}'")
        if name == "void":
            if stars > 1:
                raise Unreadable(f"type '{c_type}'")
            return ("None", "c_void_p")[stars]
        if name == "char":
            # A text that comes back by pointer and length may hold NULs, so its address is kept.
            if stars not in (1, 2):
                raise Unreadable(f"type '{c_type}'")
            return ("c_char_p", "POINTER(c_void_p)")[stars - 1]
        if name in self.handles:
            if stars not in (1, 2):
                raise Unreadable(f"type '{c_type}'")
            return (f"{name}_p", f"POINTER({name}_p)")[stars - 1]
        base = self.base(name)
        if base is None:
            raise Unreadable(f"type '{c_type}'")
        for _ in range(stars):
            base = f"POINTER({base})"
        return base

    def parameter(self, text: str) -> str:
        """`const float *x`, `uint64_t shape[4]`"""
        text, n_arrays = re.subn(r"\[\d*\]\s*$", "", text)
        match = re.fullmatch(r"\s*(.*?)(\w+)\s*", text, flags=re.S)
        if match is None:
            raise Unreadable(f"parameter '{text}'")
        return self.of(match.group(1) + "*" * n_arrays)

    def parameters(self, text: str) -> list[str]:
        if text.strip() in ("", "void"):
            return []
        return [self.parameter(part) for part in text.split(",")]


def functions(text: str) -> list[tuple[str, str, str, str]]:
    """(name, return type, parameters, comment above); functions of one block share its comment."""
    found = []
    comment = ""
    end = 0
    for match in COMMENT_OR_FUNCTION.finditer(text):
        if match.group("comment") is not None:
            comment = comment_text(match.group("comment"))
        else:
            if text[end : match.start()].count("\n\n"):
                comment = ""
            found.append((match.group("name"), match.group("type").strip(), match.group("parameters"), comment))
        end = match.end()
    return found


def statuses(text: str) -> list[tuple[str, int, str]]:
    block = re.search(r"#define INLAY_STATUS_LIST\(X\)(.*?)\n\n", text, flags=re.S)
    if block is None:
        raise Unreadable("the header has no INLAY_STATUS_LIST")
    rows = re.findall(r'X\((\w+), (-?\d+), "([^"]*)"\)', block.group(1))
    if len(rows) != block.group(1).count("X("):
        raise Unreadable("a row of INLAY_STATUS_LIST")
    return [(name, int(value), meaning) for name, value, meaning in rows]


def enumerators(code: str) -> list[tuple[str, int]]:
    found = []
    for body in re.findall(r"\benum \{(.*?)\}", code, flags=re.S):
        if "INLAY_STATUS_LIST" in body:
            continue  # the X-macro, read apart
        for entry in body.split(","):
            if not entry.strip():
                continue
            match = re.fullmatch(r"\s*INLAY_(\w+) = (-?\d+)\s*", entry)
            if match is None:
                raise Unreadable(f"enumerator '{entry.strip()}'")
            found.append((match.group(1), int(match.group(2))))
    return found


def numbers(code: str) -> list[tuple[str, int]]:
    return [(name, int(value)) for name, value in re.findall(r"^#define INLAY_(\w+) (\d+)$", code, flags=re.M)]


def generate(text: str) -> str:
    code = strip_comments(text)
    types = Types(handles(code), list(callbacks(code)))
    declared = functions(text)
    if len(declared) != len(re.findall(r"^INLAY_API ", text, flags=re.M)):
        raise Unreadable("a function that INLAY_API announces")

    out = [
        '"""Declarations of libinlay. Generated by generate.py from include/inlay.h: do not edit."""',
        "",
        "# ruff: noqa: E501",
        "from __future__ import annotations",
        "",
        "from ctypes import CFUNCTYPE, POINTER, c_char_p, c_void_p",
        f"from ctypes import {', '.join(sorted(SCALARS.values()))}",
        "from typing import Any",
        "",
        'ALL = c_size_t(-1).value  # a length: "up to the NUL"',
        "",
        "# Versions of the header",
    ]
    constants = dict(numbers(code))
    out += [f"{name} = {value}" for name, value in constants.items()]
    release = ".".join(str(constants[f"VERSION_{part}"]) for part in ("MAJOR", "MINOR", "PATCH"))
    out += [f'VERSION = "{release}"']
    out += ["", "# name: (value, meaning)", "STATUSES: dict[str, tuple[int, str]] = {"]
    out += [f'    "{name}": ({value}, "{meaning}"),' for name, value, meaning in statuses(text)]
    out += ["}", ""]
    out += [f"{name} = {value}" for name, value, _ in statuses(text)]
    out += ["", "# Constants"]
    out += [f"{name} = {value}" for name, value in enumerators(code)]
    out += ["", "", "# Handles, a type each, so that one cannot pass for another"]
    for index, name in enumerate(handles(code)):
        out += ["", ""] if index else [""]
        out += [f"class {name}_p(c_void_p):", f'    """{name} *"""']
    out += ["", "", "# Callbacks"]
    for name, (returned, parameters) in callbacks(code).items():
        # CFUNCTYPE functions hand an address over as an int or None.
        arguments = ", ".join([types.of(returned), *types.parameters(parameters)])
        out.append(f"{name} = CFUNCTYPE({arguments})")
    out += ["", "# name: (restype, argtypes, the header's words)"]
    out += ["FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...], str]] = {"]
    for name, returned, parameters, comment in declared:
        arguments = "".join(f"{argument}, " for argument in types.parameters(parameters)).rstrip()
        if '"""' in comment or comment.endswith('"') or "\\" in comment:
            comment = comment.replace("\\", "\\\\").replace('"', '\\"')
        out += [f'    "{name}": (', f"        {types.of(returned)},", f"        ({arguments}),"]
        out += [f'        """{comment}""",', "    ),"]
    out += ["}", ""]
    return "\n".join(out)


def read_header(path: Path) -> str:
    """Its text and those of the headers beside inlay.h that it includes."""
    text = path.read_text(encoding="utf-8")
    included = re.findall(r'^#include "(\w+\.h)"', text, flags=re.M)
    return "\n".join([text, *((HEADER.parent / name).read_text(encoding="utf-8") for name in included)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--header", type=Path, default=HEADER)
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()

    try:
        text = generate(read_header(arguments.header))
    except Unreadable as error:
        print(f"generate.py: {arguments.header}: cannot read {error}", file=sys.stderr)
        return 1
    if arguments.check:
        if not arguments.target.exists() or arguments.target.read_text(encoding="utf-8") != text:
            print(f"{arguments.target} is not what {arguments.header} gives; run generate.py", file=sys.stderr)
            return 1
        return 0
    arguments.target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
