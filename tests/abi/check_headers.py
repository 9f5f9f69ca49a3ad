#!/usr/bin/env python3
"""Holds today's headers and library to the headers kept of each release (headers-*/).

 - a function is declared today as it was then, to the word;
 - a constant has the value that it had: the compiler prints both, and abidiff does not see them;
 - the library exports the function, under the version that it had then.

--write RELEASE keeps today's headers.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MAY_CHANGE = re.compile(r"INLAY_(VERSION_\w+|API|H|\w+_LIST|\w+_ENUM|\w+_H)$")
VERSION_OF_RELEASE = {"0.1": "INLAY_1.0"}  # the nodes of lib/inlay.map

failures: list[str] = []


def run(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def preprocessed(compiler: str, folder: Path, *options: str) -> str:
    return run(compiler, "-std=c11", "-E", *options, "-I", folder, "-x", "c", folder / "inlay.h")


def functions(compiler: str, folder: Path) -> dict[str, str]:
    """Each declaration in one spacing."""
    text = preprocessed(compiler, folder, "-P")
    text = re.sub(r'__attribute__\(\(visibility\("default"\)\)\)', "API", text)
    found = re.findall(r"API ([^;{]*?\b(inlay_\w+)\([^;]*\));", text)
    return {name: re.sub(r"\s+", " ", declaration) for declaration, name in found}


def constants(compiler: str, folder: Path) -> set[str]:
    bodies = re.findall(r"enum\s*\w*\s*\{([^}]*)\}", preprocessed(compiler, folder, "-P"))
    names = {entry.split("=")[0].strip() for body in bodies for entry in body.split(",")}
    names |= set(re.findall(r"^#define (INLAY_\w+) \S", preprocessed(compiler, folder, "-dM"), re.MULTILINE))
    return {name for name in names if name.startswith("INLAY_") and not MAY_CHANGE.match(name)}


def values(compiler: str, folder: Path, names: list[str]) -> dict[str, int]:
    lines = "".join(f'    printf("{name} %lld\\n", (long long)({name}));\n' for name in names)
    with tempfile.TemporaryDirectory() as temporary:
        source, program = Path(temporary) / "values.c", Path(temporary) / "values"
        source.write_text(f"#include <inlay.h>\n#include <stdio.h>\nint main(void) {{\n{lines}    return 0;\n}}\n", encoding="ascii")
        run(compiler, "-std=c11", "-I", folder, source, "-o", program)
        return {line.split()[0]: int(line.split()[1]) for line in run(program).splitlines()}


def exported(library: Path) -> set[str]:
    return {line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()}


def compare(compiler: str, kept: Path, include: Path, library: Path) -> None:
    then, now = functions(compiler, kept), functions(compiler, include)
    for name, declaration in sorted(then.items()):
        if now.get(name) != declaration:
            failures.append(f"{kept.name}: '{declaration}' is now '{now.get(name, 'not declared')}'")
    names = constants(compiler, kept)
    gone = sorted(names - constants(compiler, include))
    before = values(compiler, kept, sorted(names))
    after = values(compiler, include, sorted(names - set(gone)))
    changed = [f"{name} was {before[name]} and is {after[name]}" for name in sorted(after) if before[name] != after[name]]
    failures.extend(f"{kept.name}: constant {text}" for text in [f"{name} is gone" for name in gone] + changed)
    version = VERSION_OF_RELEASE[kept.name.removeprefix("headers-")]
    symbols = exported(library)
    failures.extend(f"{kept.name}: {name}@@{version} is not exported" for name in then if f"{name}@@{version}" not in symbols)
    if len(then) < 50 or len(names) < 50:
        failures.append(f"{kept.name}: only {len(then)} functions and {len(names)} constants were found")
    print(f"{kept.name}: {len(then)} functions, {len(names)} constants")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the headers are kept")
    parser.add_argument("--include", type=Path, required=True, help="today's headers")
    parser.add_argument("--shared", type=Path, help="today's library")
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--write", metavar="RELEASE")
    arguments = parser.parse_args()
    if arguments.write:
        target = arguments.folder / f"headers-{arguments.write}"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(arguments.include, target)
        return
    releases = sorted(arguments.folder.glob("headers-*"))
    for kept in releases:
        compare(arguments.compiler, kept, arguments.include, arguments.shared)
    if not releases:
        failures.append("no headers are kept")
    for text in failures:
        print(text, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
