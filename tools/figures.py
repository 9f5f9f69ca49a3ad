#!/usr/bin/env python3
"""Measures the figures of docs/reliability.md and writes them there.

    python3 tools/figures.py --build build/test              measures all, tells them beside their gates
    python3 tools/figures.py --build build/test faults       that one alone
    python3 tools/figures.py --build build/test --write      and writes them into docs/reliability.md
    python3 tools/figures.py --check                         holds what is written there against the gates

A figure is a line of FIGURES and a function that runs what measures it. Figures that are not measured keep the value
that is written. The exit status is 1 when a figure is worse than its gate.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

TREE = Path(__file__).resolve().parent.parent
PAGE = TREE / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: written by tools/figures.py -->", "<!-- end of figures -->"


@dataclass
class Figure:
    key: str
    what: str                           # a row of the page
    gate: str                           # "0", "at least 1,500", "at most 49152": of the first number of the value
    measure: Callable[[Path], str]      # of the build folder
    command: str                        # how to repeat it


def run(command: list[str | Path], **environment: str) -> str:
    """Its output, standard error too; what fails ends the script."""
    done = subprocess.run([str(word) for word in command], env=os.environ | environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def number(text: str) -> float:
    """The first number of a text, with its thousands apart: "12,345 of 12,345" is 12345."""
    found = re.search(r"-?\d[\d,]*(\.\d+)?", text)
    if found is None:
        sys.exit(f"'{text}' has no number")
    return float(found[0].replace(",", ""))


def holds(value: str, gate: str) -> bool:
    """Of "12,300 of 12,345" all must be there, and enough."""
    found, bound = number(value), number(gate)
    if " of " in value and found != number(value[value.index(" of ") :]):
        return False
    if gate.startswith("at least"):
        return found >= bound
    return found <= bound if gate.startswith("at most") else found == bound


# ------------------------------------------------------------------ measuring, a function each

def fault_points(build: Path) -> str:
    text = run([build / "tests" / "test_faults"], INLAY_FAULTS="all")
    points, recovered = re.search(r"fault points: (\d+), recovered: (\d+)", text).groups()
    return f"{int(recovered):,} of {int(points):,}"


def hostile_files(build: Path) -> str:
    text = run([build / "tests" / "hostile_files", "--every", "7", "--jobs", "2"])
    done, _, _, broken = re.search(r"(\d+) of (\d+) cases, (\d+) opened, (\d+) broke", text).groups()
    return f"{int(done) - int(broken):,} of {int(done):,}"


def named_files(build: Path) -> str:
    named, kept = re.search(r"named hostile cases: (\d+), kept: (\d+)", run([build / "tests" / "test_named"])).groups()
    return f"{int(kept):,} of {int(named):,}"


def deepest_stack(build: Path) -> str:
    text = run([build / "tests" / "test_host", "no_call_takes_more_than_48_kib_of_stack"])
    deepest = int(re.search(r"deepest stack: (\d+) bytes", text)[1])
    return f"{deepest:,} bytes"


MUTATED = ["lib/base/json.c", "lib/format/gguf.c", "lib/format/gguf_tensors.c", "lib/format/gguf_values.c", "lib/format/safetensors.c"]


def noticed_changes(build: Path) -> str:
    """Of a tenth of all; what is not noticed the script tells."""
    text = run([sys.executable, TREE / "tools" / "mutate.py", "--build", build, "--every", "10", *MUTATED])
    share, count = re.findall(r"^([\d.]+) % of (\d+) changes", text, re.MULTILINE)[-1]
    return f"{share} % ({int(count):,} tried)"


def changes_of_the_abi(build: Path) -> str:
    """The script fails when there is one."""
    folder = TREE / "tests" / "abi"
    text = run([sys.executable, folder / "check_headers.py", "--folder", folder, "--include", TREE / "include",
                "--shared", build / "libinlay.so"])
    compared = sum(int(functions) + int(constants) for functions, constants in re.findall(r"(\d+) functions, (\d+) constants", text))
    return f"0 ({compared:,} compared)"


FIGURES = [
    Figure("faults", "calls of the system made to fail, recovered from", "at least 25,000", fault_points,
           "INLAY_FAULTS=all build/test/tests/test_faults"),
    Figure("hostile", "generated hostile files: an error or finite numbers, in bounded memory", "at least 5,000,000",
           hostile_files, "build/test/tests/hostile_files --every 7 --jobs 2"),
    Figure("named", "named hostile cases, advisories among them", "at least 1,500", named_files, "build/test/tests/test_named"),
    Figure("stack", "the deepest stack of any call, its scenario's own among it", "at most 49,152", deepest_stack,
           "build/test/tests/test_host"),
    Figure("abi", "functions and constants of former releases that are not what they were", "0", changes_of_the_abi,
           "ctest --preset test -R abi/"),
    Figure("mutants", "changes of the parsers of JSON, GGUF and safetensors that their tests notice", "at least 95", noticed_changes,
           "python3 tools/mutate.py --every 10 lib/base/json.c lib/format/gguf.c ..."),
]


# ------------------------------------------------------------------ the page

def row(figure: Figure, value: str) -> str:
    return f"| {figure.what} | {value} | {figure.gate} | `{figure.command}` |"


def written(page: str) -> dict[str, str]:
    """The values that the page has, by what they are of."""
    table = page[page.index(BEGIN) : page.index(END)]
    return dict(re.findall(r"^\| (.+?) \| (.+?) \|", table, re.MULTILINE))


def write(page: str, values: dict[str, str]) -> str:
    rows = [row(figure, values[figure.what]) for figure in FIGURES if figure.what in values]
    table = "\n".join([BEGIN, "| figure | today | gate | command |", "|---|---|---|---|", *rows, END])
    return page[: page.index(BEGIN)] + table + page[page.index(END) + len(END) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=TREE / "build" / "test", help="a build of the preset 'test'")
    parser.add_argument("--write", action="store_true", help="write the values into docs/reliability.md")
    parser.add_argument("--check", action="store_true", help="measure nothing: hold what is written against the gates")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(f.key for f in FIGURES) + "; all by default")
    arguments = parser.parse_args()
    unknown = set(arguments.figures) - {figure.key for figure in FIGURES}
    if unknown:
        parser.error(f"no figure is called {', '.join(sorted(unknown))}")
    page = PAGE.read_text(encoding="utf-8")
    values = written(page)
    worse = []
    for figure in FIGURES:
        if not arguments.check and (not arguments.figures or figure.key in arguments.figures):
            values[figure.what] = figure.measure(arguments.build.resolve())
        if figure.what not in values:
            continue
        good = holds(values[figure.what], figure.gate)
        print(f"{figure.what}: {values[figure.what]} (gate: {figure.gate}){'' if good else ': WORSE'}", flush=True)
        worse += [figure.key] * (not good)
    if arguments.write:
        PAGE.write_text(write(page, values), encoding="utf-8")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
