#!/usr/bin/env python3
"""What the tree promises about itself: layers look one way only, the map of lib/ is whole, files stay short, the
header tells what each function promises."""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Each layer and those it may include.
LAYERS = {
    "base": {"base"},
    "format": {"base", "format"},
    "kernels": {"base", "kernels"},
    "import": {"base", "format", "kernels", "import"},
    "tokenizer": {"base", "format", "kernels", "tokenizer"},
    "grammar": {"base", "format", "tokenizer", "grammar"},
    "template": {"base", "template"},
    "model": {"base", "format", "kernels", "model"},
    "sample": {"base", "format", "kernels", "tokenizer", "grammar", "model", "sample"},
    "api": {"base", "format", "kernels", "import", "tokenizer", "grammar", "model", "sample", "template", "api"},
}
MAX_LINES = 800
MAX_COLUMNS = 120
LONG_LINES = 200  # that are left from before there was this rule: the number only falls
GENERATED = ("_tables.c", "_golden.c", "_data.c", "_declarations.py")
# Functions whose number is no status.
NO_STATUS = {"inlay_abi_version", "inlay_arithmetic_version", "inlay_option_key", "inlay_token_flags", "inlay_token_is_end"}
SOURCE_FOLDERS = ("include", "lib", "examples", "bindings", "tests", "fuzz", "tools", "cmake", "docs")


def source_files(tree: Path, suffixes: set[str]) -> list[Path]:
    found = [path for folder in SOURCE_FOLDERS for path in (tree / folder).rglob("*") if path.suffix in suffixes]
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def check_layers(tree: Path) -> list[str]:
    problems = []
    for path in source_files(tree, {".c", ".h"}):
        if path.parts[len(tree.parts)] != "lib":
            continue
        layer = path.relative_to(tree / "lib").parts[0]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match is None or match[1] == "inlay.h":
                continue
            included = match[1].split("/")[0] if "/" in match[1] else layer
            if included not in LAYERS.get(layer, set()):
                problems.append(f"{path}:{number}: {layer} may not include {match[1]}")
    return problems


def check_map(tree: Path) -> list[str]:
    text = (tree / "lib" / "README.md").read_text(encoding="utf-8")
    names = set(re.findall(r"[\w.]+\.[ch]\b", text))
    files = {path.name for path in (tree / "lib").rglob("*.[ch]")}
    return ([f"lib/README.md does not name {name}" for name in sorted(files - names)]
            + [f"lib/README.md names {name}, which is not there" for name in sorted(names - files - {"inlay.h", "hello.c"})])


def check_lengths(tree: Path) -> list[str]:
    problems = []
    for path in source_files(tree, {".c", ".h", ".py"}):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES and not path.name.endswith(GENERATED):
            problems.append(f"{path}: {lines} lines, expected at most {MAX_LINES}")
    return problems


def check_columns(tree: Path) -> list[str]:
    long = []
    for path in source_files(tree, {".c", ".h"}):
        if path.name.endswith(GENERATED) or path.parent.name.startswith("headers-"): # kept as they were
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        long += [f"{path}:{number}" for number, line in enumerate(lines, 1) if len(line) > MAX_COLUMNS]
    if len(long) <= LONG_LINES:
        return []
    return [f"{len(long)} lines have more than {MAX_COLUMNS} columns, expected at most {LONG_LINES}: {' '.join(long)}"]


def check_names(tree: Path) -> list[str]:
    """File names are unique in lib/, so that a name is enough to speak of a file."""
    seen: dict[str, Path] = {}
    problems = []
    for path in sorted((tree / "lib").rglob("*.[ch]")):
        if path.name in seen:
            problems.append(f"{path} has the name of {seen[path.name]}")
        seen[path.name] = path
    return problems


def check_headers(tree: Path) -> list[str]:
    """Every public function says by which threads it may be called and since when, and what errors it gives."""
    return [problem for path in sorted((tree / "include").glob("*.h")) for problem in check_header(path)]


def check_header(path: Path) -> list[str]:
    text, name_of_file = path.read_text(encoding="utf-8"), f"include/{path.name}"
    documented, problems = set(), []
    for match in re.finditer(r"/\*((?:(?!\*/).)*)\*/\n((?:INLAY_API [^;]*;\n)+)", text, re.DOTALL):
        names, comment = re.findall(r"(inlay_\w+)\(", match[2]), re.sub(r"\s*\n \*\s*", " ", match[1])
        documented.update(names)
        wanted = ["hread rule", "Since"] + ["rrors"] * (not NO_STATUS & set(names) and "int32_t inlay_" in match[2])
        problems += [f"{name_of_file}: {', '.join(names)}: no '{word}'" for word in wanted if word not in comment]
    declared = set(re.findall(r"^INLAY_API [^;(]*?(inlay_\w+)\(", text, re.MULTILINE))
    return problems + [f"{name_of_file}: {name} has no comment of its own" for name in sorted(declared - documented)]


def check_named_tests(tree: Path) -> list[str]:
    """The tests that docs/reliability.md names are in the files that it names."""
    problems = []
    for file, names in re.findall(r"`((?:unit|api)/\w+\.c)`((?:,? [a-z0-9_]+)+)", (tree / "docs" / "reliability.md").read_text(encoding="utf-8")):
        path = tree / "tests" / file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        problems += [f"docs/reliability.md names {name}, which is no test of {file}" for name in re.findall(r"\w+", names)
                     if f"TEST({name})" not in text]
    return problems


def main() -> None:
    tree = Path(sys.argv[1]).resolve()
    problems = (check_layers(tree) + check_map(tree) + check_lengths(tree) + check_names(tree) + check_headers(tree)
                + check_columns(tree))
    problems += check_named_tests(tree)
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
