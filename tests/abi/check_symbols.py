#!/usr/bin/env python3
"""What the libraries export and import.

 - libinlay.so exports exactly the functions that inlay.h declares, which are those of exports.txt;
 - libinlay.a defines no external symbol without the prefix inlay;
 - libinlay.so needs nothing but libc, libm and the loader, and imports no function that ends, prints or changes the process;
 - stripped, it is below MAX_STRIPPED bytes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FORBIDDEN = {
    "abort", "exit", "_exit", "_Exit", "quick_exit", "atexit", "__assert_fail", "printf", "fprintf", "sprintf", "snprintf",
    "vprintf", "vfprintf", "vsprintf", "vsnprintf", "puts", "putchar", "fputs", "fwrite", "perror", "signal", "sigaction",
    "raise", "kill", "setlocale", "system", "dlopen", "dlsym", "rand", "srand", "random", "getenv", "secure_getenv",
    "setenv", "strtod", "atof", "sscanf", "longjmp", "popen", "fork", "execve",
}
ALLOWED_LIBRARIES = re.compile(r"^(libc\.so|libm\.so|libpthread\.so|ld-linux|libgcc_s\.so|libc\.musl)")
MAX_STRIPPED = 1350 * 1000

failures: list[str] = []


def check(condition: bool, text: str) -> None:
    if not condition:
        failures.append(text)


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def declared(header: Path) -> set[str]:
    """By the header and those beside it."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(header.parent.glob("*.h")))
    return set(re.findall(r"^INLAY_API [^;(]*?\b(inlay_\w+)\(", text, re.MULTILINE))


def exported(library: Path) -> set[str]:
    lines = run("nm", "-D", "--defined-only", str(library)).splitlines()
    names = {line.split()[-1] for line in lines if line.split()[-2] != "A"}
    return {name.split("@")[0] for name in names}


def imported(library: Path) -> set[str]:
    lines = run("nm", "-D", "--undefined-only", str(library)).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("header", "exports", "shared", "static"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="write exports.txt from the header")
    arguments = parser.parse_args()
    functions = declared(arguments.header)
    if arguments.write:
        arguments.exports.write_text("".join(f"{name}\n" for name in sorted(functions)), encoding="ascii")
    kept = set(arguments.exports.read_text(encoding="ascii").split())
    found = exported(arguments.shared)
    check(functions == kept, f"inlay.h and exports.txt differ: {sorted(functions ^ kept)}")
    check(functions == found, f"inlay.h and the shared library differ: {sorted(functions ^ found)}")

    lines = run("nm", "--defined-only", "--extern-only", str(arguments.static)).splitlines()
    names = {line.split()[-1] for line in lines if len(line.split()) == 3}
    foreign = sorted(name for name in names if not name.startswith("inlay"))
    check(len(names) > len(functions) and not foreign, f"the static library defines {foreign}")

    needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", str(arguments.shared)))
    check(all(ALLOWED_LIBRARIES.match(name) for name in needed), f"the shared library needs {needed}")
    bad = sorted(name for name in imported(arguments.shared) if name.removesuffix("_chk").lstrip("_") in FORBIDDEN)
    check(not bad, f"the shared library imports {bad}")

    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "stripped.so"
        run("strip", "-o", str(stripped), str(arguments.shared))
        size = stripped.stat().st_size
    check(size < MAX_STRIPPED, f"stripped, the shared library has {size} bytes, expected below {MAX_STRIPPED}")
    print(f"{len(found)} functions, {size} bytes stripped, needs {', '.join(needed)}")
    for text in failures:
        print(text, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
