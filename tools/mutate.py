#!/usr/bin/env python3
"""Changes a parser in one place at a time and runs its tests: whatever they do not notice is a missing test.

    cmake --preset test && cmake --build --preset test
    python3 tools/mutate.py --build build/test                        every change of every file of TARGETS
    python3 tools/mutate.py --build build/test lib/base/json.c        of that one
    python3 tools/mutate.py --build build/test --every 10             of ten changes one
    python3 tools/mutate.py --build build/test --survivors            what is known to survive so far

What was found is kept in the build folder (mutants.jsonl), so that a run goes on where it was stopped; a file or test that changed
is run anew. Changes that give the same machine code are none. Texts of errors are left alone. Changes that make no difference
that a test could see stand in tests/mutation/explained.txt, a line each: file: the line of code: what was changed: why.
The exit status is 1 when fewer than GATE of all are noticed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
EXPLAINED = TREE / "tests" / "mutation" / "explained.txt"
GATE = 0.80

GGUF = ["unit/test_gguf", "unit/test_gguf_damage", "unit/test_gguf_hostile"]
TARGETS = {  # and the tests that hold it, the quickest first
    "lib/format/gguf.c": GGUF,
    "lib/format/gguf_tensors.c": GGUF,
    "lib/format/gguf_values.c": GGUF,
    "lib/format/safetensors.c": ["unit/test_safetensors", "unit/test_folder"],
    "lib/base/json.c": ["unit/test_json", "unit/test_safetensors"],
    "lib/base/decimal.c": ["unit/test_text", "unit/test_json"],
    "lib/template/lexer.c": ["unit/test_template_hostile", "api/test_api_chat"],
}

CPU_SECONDS, ADDRESS_SPACE = 20, 8 << 30


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int       # from 1
    begin: int      # where the text is changed
    end: int
    to: str
    source: str     # the line, trimmed
    what: str

    def key(self) -> str:
        return f"{self.file}:{self.line}:{self.begin}:{self.to}"


# ------------------------------------------------------------------ where a file can be changed

SWAPS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
    "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"],
    "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"], "+=": ["-="], "-=": ["+="], "|=": ["&="], "&=": ["|="],
    "++": ["--"], "--": ["++"],
}
TOKEN = re.compile(r"\b0x[0-9a-fA-F]+u?\b|\b\d+u?\b(?!\.)|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|->|[-+*/%&|]=|[-+*/%&|<>!]|\w+|\S")
STATEMENT = re.compile(r"^( +)(?! )((?!return|case|default|else|static|const|if|for|while|do|goto|enum|typedef|struct)[^{}]*;)"
                       r"(?:\s*/\*.*\*/)?$")


def blank(text: str) -> str:
    """The same length, without comments, texts, directives and what error messages are given."""
    def spaces(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = re.sub(r"/\*.*?\*/", spaces, text, flags=re.DOTALL)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', lambda m: m[0][0] + "_" * (len(m[0]) - 2) + m[0][0], text)
    text = re.sub(r"^#(?:.*\\\n)*.*$", spaces, text, flags=re.MULTILINE)
    return re.sub(r"(?<=fail\()[^;]*(?=\);)", spaces, text, flags=re.DOTALL)


def closing(text: str, opening: int) -> int:
    depth = 0
    for i in range(opening, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return len(text)


def find_mutants(file: str) -> list[Mutant]:
    text = (TREE / file).read_text(encoding="utf-8")
    bare = blank(text)
    lines = text.split("\n")
    found: list[Mutant] = []

    def add(begin: int, end: int, to: str, what: str) -> None:
        line = text.count("\n", 0, begin) + 1
        found.append(Mutant(file, line, begin, end, to, lines[line - 1].strip(), what))

    before = ""
    for match in TOKEN.finditer(bare):
        token = match[0]
        begin, end = match.span()
        binary = re.match(r"[\w)\]]", before[-1:] or " ") is not None and before not in ("return", "case")
        if token in SWAPS and (binary or token in ("++", "--")):
            pointer = token == "*" and re.match(r"\w+ \**$", bare[bare.rfind("\n", 0, begin) + 1 : begin].strip() + " ")
            if not pointer:
                for to in SWAPS[token]:
                    add(begin, end, to, f"{token} to {to}")
        elif token == "!":
            add(begin, end, "", "! left out")
        elif re.fullmatch(r"(0x[0-9a-fA-F]+|\d+)u?", token):
            value = int(token.rstrip("u"), 0)
            suffix = "u" if token.endswith("u") else ""
            for other in {value + 1, value - 1} - {-1}:
                add(begin, end, f"{other}{suffix}", f"{token} to {other}")
        elif token in ("if", "while"):
            opening = bare.index("(", end)
            stop = closing(bare, opening)
            choices = ["0", "1"] if token == "if" else ["0"]
            for value in choices:
                add(opening, stop + 1, f"({value})", f"{token} ({value})")
        before = token
    at = 0
    for number, line in enumerate(bare.split("\n")):
        match = STATEMENT.match(line)
        declares = re.match(r" +(?:\w+ )+\**\w+(?:\[\w*\])?(?: =|,|;)", line) or re.match(r" +[A-Z_]+ = ", line)
        continues = number > 0 and re.search(r"[,(&|?:=+]$", bare.split("\n")[number - 1].rstrip())
        if match and not declares and not continues and line.count("(") == line.count(")"):
            add(at + match.start(2), at + match.end(2), ";", "left out")
        at += len(line) + 1
    return found


# ------------------------------------------------------------------ building and running one

class Bench:
    def __init__(self, build: Path) -> None:
        self.build = build
        commands = json.loads(subprocess.run(
            ["cmake", "-S", str(TREE), "-B", str(build), "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"], capture_output=True, text=True,
            check=True) and (build / "compile_commands.json").read_text(encoding="utf-8"))
        self.commands = {str(Path(c["file"]).resolve().relative_to(TREE)): c for c in commands
                         if Path(c["file"]).resolve().is_relative_to(TREE)}

    def compile(self, file: str, text: str, folder: Path) -> Path | None:
        source, target = folder / Path(file).name, folder / "mutant.o"
        source.write_text(text, encoding="utf-8")
        words = [w for w in self.commands[file]["command"].split() if w not in ("ccache", "-Werror") and not w.startswith("-O")]
        words = words[: words.index("-o")] + ["-O1", "-w", f"-I{(TREE / file).parent}", "-o", str(target), "-c", str(source)]
        done = subprocess.run(words, cwd=self.build, capture_output=True, check=False)
        return target if done.returncode == 0 else None

    def link(self, target: Path, test: str, folder: Path) -> Path:
        kind, name = test.split("/")
        made = self.build / "tests" / "CMakeFiles" / f"{name}.dir" / kind / f"{name}.c.o"
        program = folder / name
        subprocess.run(["cc", "-o", str(program), str(target), str(made), str(self.build / "tests" / "libinlay_test_support.a"),
                        str(self.build / "libinlay.a"), "-lm", "-pthread"], check=True)
        return program

    def passes(self, program: Path) -> bool:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        try:
            done = subprocess.run([str(program)], preexec_fn=limit, timeout=600, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, cwd=program.parent, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode in (0, 77)


def code_of(target: Path) -> str:
    text = subprocess.run(["objdump", "-d", "-r", "-s", "-j", ".text", "-j", ".rodata", "-j", ".data", "--no-show-raw-insn", str(target)],
                          capture_output=True, text=True, check=False).stdout
    return hashlib.sha256(text.encode()).hexdigest()


def verdict(bench: Bench, mutant: Mutant, original: str, text: str, folder: Path) -> str:
    target = bench.compile(mutant.file, text[: mutant.begin] + mutant.to + text[mutant.end :], folder)
    if target is None:
        return "invalid"
    if code_of(target) == original:
        return "same"
    return "survived" if all(bench.passes(bench.link(target, test, folder)) for test in TARGETS[mutant.file]) else "killed"


# ------------------------------------------------------------------ the whole

def signature(file: str) -> str:
    """Of the file and its tests: what was found is true for these alone."""
    digest = hashlib.sha256((TREE / file).read_bytes())
    for test in TARGETS[file]:
        digest.update((TREE / "tests" / f"{test}.c").read_bytes())
    return digest.hexdigest()[:16]


def explained() -> set[tuple[str, str, str]]:
    if not EXPLAINED.exists():
        return set()
    lines = [line for line in EXPLAINED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {tuple(line.split(" :: ")[:3]) for line in lines}  # type: ignore[misc]


def run_file(bench: Bench, file: str, every: int, known: dict[str, str], log: Path) -> None:
    text = (TREE / file).read_text(encoding="utf-8")
    sign = signature(file)
    # Spread over the file, in an order that no run changes: a longer sample has a shorter one in it.
    mutants = sorted(find_mutants(file), key=lambda m: hashlib.sha256(m.key().encode()).hexdigest())
    mutants = mutants[: max(1, len(mutants) // every)]
    left = [m for m in mutants if f"{sign}:{m.key()}" not in known]
    print(f"{file}: {len(mutants)} changes, {len(left)} to try", flush=True)
    if not left:
        return
    with tempfile.TemporaryDirectory() as temporary, log.open("a", encoding="utf-8") as out:
        folder = Path(temporary)
        target = bench.compile(file, text, folder)
        if target is None:
            sys.exit(f"{file} does not compile")
        original = code_of(target)
        for test in TARGETS[file]:
            if not bench.passes(bench.link(target, test, folder)):
                sys.exit(f"{test} fails as it is")
        for i, mutant in enumerate(left):
            found = verdict(bench, mutant, original, text, folder)
            known[f"{sign}:{mutant.key()}"] = found
            out.write(json.dumps([f"{sign}:{mutant.key()}", found]) + "\n")
            out.flush()
            if found == "survived":
                print(f"  survived {mutant.file}:{mutant.line}: {mutant.what}: {mutant.source}", flush=True)
            if (i + 1) % 50 == 0:
                print(f"  {i + 1} of {len(left)}", flush=True)


def report(files: list[str], known: dict[str, str], show: bool) -> float:
    reasons = explained()
    total = {"killed": 0, "survived": 0, "explained": 0}
    for file in files:
        count = dict.fromkeys(total, 0)
        sign = signature(file)
        for mutant in find_mutants(file):
            found = known.get(f"{sign}:{mutant.key()}")
            if found == "survived" and (file, mutant.source, mutant.what) in reasons:
                found = "explained"
            if found in count:
                count[found] += 1
            if found == "survived" and show:
                print(f"{file}:{mutant.line}: {mutant.what}: {mutant.source}")
        tried = sum(count.values())
        if tried:
            noticed = 100 * (count["killed"] + count["explained"]) / tried
            print(f"{file}: {noticed:.1f} % of {tried}: {count['killed']} noticed, {count['explained']} explained, {count['survived']} not")
        for key, value in count.items():
            total[key] += value
    tried = sum(total.values())
    score = (total["killed"] + total["explained"]) / tried if tried else 0.0
    print(f"{100 * score:.1f} % of {tried} changes are noticed or explained ({total['explained']} explained)")
    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=TREE / "build" / "test", help="a build of the preset 'test'")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try one change of N")
    parser.add_argument("--survivors", action="store_true", help="try nothing: tell what is known")
    parser.add_argument("files", nargs="*", metavar="FILE", help="of TARGETS; all by default")
    arguments = parser.parse_args()
    files = arguments.files or list(TARGETS)
    log = arguments.build / "mutants.jsonl"
    known = dict(map(json.loads, log.read_text(encoding="utf-8").splitlines())) if log.exists() else {}
    if not arguments.survivors:
        bench = Bench(arguments.build.resolve())
        for file in files:
            run_file(bench, file, arguments.every, known, log)
    sys.exit(0 if report(files, known, arguments.survivors) >= GATE else 1)


if __name__ == "__main__":
    main()
