"""JSON Schemas as grammars: whatever is made of one is valid to the package jsonschema, and what is written as JSON
usually is gets accepted. INLAY_OUTPUTS=10000 makes so many texts in all; INLAY_SCHEMA_SUITE names a folder with the
tests of the JSON Schema Test Suite for draft 2020-12 (the source distribution of jsonschema has it)."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from schema_cases import CASES, REFUSED  # noqa: E402

OUTPUTS = int(os.environ.get("INLAY_OUTPUTS", "2000"))
COMPACT = 1
Validator = jsonschema.Draft202012Validator


class Walk:
    """The program grammar_walk, which has one grammar at a time."""

    def __init__(self) -> None:
        self.program = subprocess.Popen(
            [os.environ["INLAY_GRAMMAR_WALK"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, line: str, data: bytes = b"") -> str:
        assert self.program.stdin is not None and self.program.stdout is not None
        self.program.stdin.write(line.encode() + b"\n" + data)
        self.program.stdin.flush()
        return self.program.stdout.readline().decode().rstrip("\n")

    def open(self, schema: object, flags: int = 0) -> str:
        text = json.dumps(schema).encode()
        return self.ask(f"schema {flags} {len(text)}", text)

    def make(self, seed: int, aim: int) -> str:
        size = int(self.ask(f"walk {seed} {aim}"))
        assert size > 0, "the text did not end"
        return self.program.stdout.read(size).decode()

    def matches(self, text: str) -> bool:
        data = text.encode()
        return self.ask(f"match {len(data)}", data) == "1"


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    walk = Walk()
    yield walk
    walk.program.stdin.close()
    assert walk.program.wait() == 0


@pytest.fixture(scope="module", autouse=True)
def any_number_of_digits() -> Iterator[None]:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


def name_of(schema: object) -> str:
    return re.sub(r"[^\w{}:,.$#^-]+", "", json.dumps(schema))[:60]


def has_fraction(text: str) -> bool:
    fractions: list[str] = []
    json.loads(text, parse_float=lambda number: fractions.append(number))
    return len(fractions) > 0


@pytest.mark.parametrize("schema", CASES, ids=name_of)
def test_every_text_is_valid(walk: Walk, schema: object) -> None:
    Validator.check_schema(schema)
    validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
    for i in range(max(2, OUTPUTS // len(CASES) + 1)):
        if i < 2:
            assert walk.open(schema, COMPACT * (1 - i)) == "ok"
        text = walk.make(i, 60 if i % 3 else 300)
        value = json.loads(text)
        errors = [error.message for error in validator.iter_errors(value)]
        assert errors == [], f"{text}\nby {json.dumps(schema)}"


@pytest.mark.parametrize("schema", CASES, ids=name_of)
def test_the_usual_ways_to_write_a_valid_value_are_accepted(walk: Walk, schema: object) -> None:
    assert walk.open(schema) == "ok"
    for seed in range(5):
        text = walk.make(1000 + seed, 40)
        assert walk.matches(text)
        if has_fraction(text):
            continue  # of which another text may be written
        value = json.loads(text)
        for style in ({"separators": (",", ":")}, {}, {"indent": 2}, {"indent": "\t"}):
            written = json.dumps(value, ensure_ascii=False, **style)
            assert walk.matches(written), f"{written}\nby {json.dumps(schema)}"


@pytest.mark.parametrize(("schema", "word"), REFUSED, ids=lambda value: name_of(value))
def test_what_cannot_be_held_to_is_refused_by_name(walk: Walk, schema: object, word: str) -> None:
    message = walk.open({"properties": {"p": schema}})
    assert word in message and "#/properties/p" in message


def test_values_that_are_not_valid_are_never_accepted(walk: Walk) -> None:
    """Every text made for one schema, tried on all others."""
    texts = []
    for i, schema in enumerate(CASES):
        assert walk.open(schema) == "ok"
        texts.append(walk.make(i, 30))
    n_accepted = 0
    for schema in CASES:
        walk.open(schema)
        validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
        for text in texts:
            if walk.matches(text):
                n_accepted += 1
                assert validator.is_valid(json.loads(text)), f"{text}\nby {json.dumps(schema)}"
    assert n_accepted > len(CASES)


def random_pattern(rng: random.Random, depth: int = 0) -> str:
    kind = rng.randrange(9 if depth < 3 else 4)
    if kind < 4:
        return rng.choice(["a", "b", "c", "ä", "\\d", "[ab]", "[^a]", "\\.", "\\n", '"', "(?:)", "[a-c]{1,2}"])
    parts = [random_pattern(rng, depth + 1) for _ in range(rng.randrange(1, 4))]
    if kind < 6:
        return "".join(parts)
    if kind < 7:
        return "(?:" + "|".join(parts) + ")"
    return f"(?:{parts[0]})" + rng.choice(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0}"])


def test_patterns_match_as_python_matches_them(walk: Walk) -> None:
    rng = random.Random(1)
    n_matches = 0
    for _ in range(300):
        pattern = rng.choice(["", "^"]) + random_pattern(rng) + rng.choice(["", "$"])
        least = rng.randrange(4)
        most = least + rng.randrange(5)
        bounded = rng.random() < 0.5
        schema = {"type": "string", "pattern": pattern, **({"minLength": least, "maxLength": most} if bounded else {})}
        message = walk.open(schema)
        expected = re.compile(pattern.removesuffix("$") + ("\\Z" if pattern.endswith("$") else ""), re.ASCII)
        if message != "ok":
            assert "no text matches" in message, f"{pattern}: {message}"
        for _ in range(40):
            text = "".join(rng.choice('abcä1.\n"') for _ in range(rng.randrange(7)))
            wanted = expected.search(text) is not None and (not bounded or least <= len(text) <= most)
            found = message == "ok" and walk.matches(json.dumps(text, ensure_ascii=False))
            assert found == wanted, f"{text!r} by {schema}"
            n_matches += found
    assert n_matches > 500


@pytest.mark.skipif("INLAY_SCHEMA_SUITE" not in os.environ, reason="INLAY_SCHEMA_SUITE names no folder")
def test_the_test_suite_holds_for_what_is_read(walk: Walk) -> None:
    n_read = 0
    for path in sorted(Path(os.environ["INLAY_SCHEMA_SUITE"]).rglob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            if walk.open(group["schema"]) != "ok":
                continue
            n_read += 1
            for case in group["tests"]:
                accepted = walk.matches(json.dumps(case["data"], ensure_ascii=False))
                assert case["valid"] or not accepted, f"{path.name}: {group['description']}: {case['description']}"
    assert n_read > 100
