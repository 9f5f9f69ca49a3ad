#!/usr/bin/env python3
"""Which branches of lib/ the tests take, folder by folder, from a build of the preset 'coverage' whose tests have run.

    cmake --workflow --preset coverage
    python3 tools/coverage.py                            a line for each folder, and the parsers' gaps that nobody explains
    python3 tools/coverage.py --gaps lib/base/json.c     each branch of a file that no test takes

A parser has no branch that no test takes, except those in tests/coverage/gaps.txt, a line each: file :: the line of code :: why.
The exit status is 1 when a parser has another, or lib/ has fewer branches taken than GATE.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
EXPLAINED = TREE / "tests" / "coverage" / "gaps.txt"
GATE = 80.0  # of the branches of lib/, in percent

PARSERS = [
    "lib/base/json.c", "lib/base/cursor.h", "lib/base/decimal.c",
    "lib/format/gguf.c", "lib/format/gguf_tensors.c", "lib/format/gguf_values.c", "lib/format/safetensors.c", "lib/format/weights.c",
    "lib/format/number_runs.c", "lib/import/arpa.c", "lib/import/config.c", "lib/import/config_rope.c", "lib/import/import.c",
    "lib/import/shards.c", "lib/import/tensor_map.c",
    "lib/tokenizer/tokenizer_json.c", "lib/tokenizer/json_model.c", "lib/tokenizer/json_steps.c", "lib/tokenizer/charsmap.c",
    "lib/tokenizer/regex_parse.c", "lib/tokenizer/regex_class.c", "lib/tokenizer/pipeline_gguf.c", "lib/tokenizer/vocab.c",
    "lib/template/lexer.c", "lib/template/parser.c", "lib/template/parse_expression.c", "lib/template/parse_statement.c",
]


class Counts:
    """How often lines and branches of a file ran, over all objects that have it."""

    def __init__(self) -> None:
        self.lines: dict[int, int] = defaultdict(int)
        self.branches: dict[tuple[int, int], int] = defaultdict(int)


def read(build: Path) -> dict[str, Counts]:
    found: dict[str, Counts] = defaultdict(Counts)
    objects = sorted(build.glob("CMakeFiles/inlay_objects.dir/lib/**/*.gcda"))
    if not objects:
        sys.exit(f"{build} has no counts: run the tests of the preset 'coverage' first")
    for data in objects:
        done = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", str(data)], capture_output=True,
                              text=True, check=True, cwd=build)
        for part in map(json.loads, done.stdout.splitlines()):
            for file in part["files"]:
                path = (Path(part["current_working_directory"]) / file["file"]).resolve()
                if not path.is_relative_to(TREE / "lib"):
                    continue
                counts = found[str(path.relative_to(TREE))]
                place: dict[int, int] = defaultdict(int)
                for line in file["lines"]:
                    number = line["line_number"]
                    counts.lines[number] += line["count"]
                    for branch in line["branches"]:
                        counts.branches[number, place[number]] += branch["count"]
                        place[number] += 1
    return found


def share(counts: list[int]) -> str:
    taken = sum(count > 0 for count in counts)
    return f"{100 * taken / len(counts):6.2f} % of {len(counts):5}" if counts else "       none   "


def source(file: str, line: int) -> str:
    return (TREE / file).read_text(encoding="utf-8").splitlines()[line - 1].strip()


def gaps(file: str, counts: Counts) -> list[tuple[int, int]]:
    """Lines with branches that were not taken, and how many."""
    missed: dict[int, int] = defaultdict(int)
    for (line, _), count in counts.branches.items():
        missed[line] += count == 0
    return sorted((line, n) for line, n in missed.items() if n > 0)


def explained() -> set[tuple[str, str]]:
    if not EXPLAINED.exists():
        return set()
    lines = [line for line in EXPLAINED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {tuple(line.split(" :: ")[:2]) for line in lines}  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=TREE / "build" / "coverage")
    parser.add_argument("--gaps", nargs="+", metavar="FILE", help="tell the branches of these files that no test takes")
    arguments = parser.parse_args()
    files = read(arguments.build.resolve())
    for file in arguments.gaps or []:
        for line, n in gaps(file, files[file]):
            print(f"{file}:{line}: {n} not taken: {source(file, line)}")
    if arguments.gaps:
        return
    folders: dict[str, list[int]] = defaultdict(list)
    lines: dict[str, list[int]] = defaultdict(list)
    groups = {file: [file.split("/")[1], "all of lib/"] + ["parsers"] * (file in PARSERS) for file in files}
    for file, counts in files.items():
        for group in groups[file]:
            folders[group] += counts.branches.values()
            lines[group] += counts.lines.values()
    for group in sorted(folders, key=lambda name: (name in ("parsers", "all of lib/"), name)):
        print(f"{group:12} branches {share(folders[group])}   lines {share(lines[group])}")
    reasons = explained()
    open_gaps = [(file, line, n) for file in PARSERS for line, n in gaps(file, files[file])
                 if (file, source(file, line)) not in reasons]
    for file in PARSERS:
        print(f"  {file:36} branches {share(list(files[file].branches.values()))}, "
              f"{sum(n for name, _, n in open_gaps if name == file)} gaps unexplained")
    total = folders["all of lib/"]
    too_few = 100 * sum(count > 0 for count in total) / len(total) < GATE
    sys.exit(1 if open_gaps or too_few else 0)


if __name__ == "__main__":
    main()
