#!/usr/bin/env python3
"""How much sooner an edit of code comes when it is guessed from the text that is edited.

    speculation.py [--file MODEL.gguf] [--draft MODEL.gguf] [--library build/release/libinlay.so] [--times 5]
                   [--threads 2] [--cpu LEVEL] [--guesses 16] [--temperature 0] [--check] [--json]

Qwen2.5-Coder is asked to write a function of this tree again with a change, once token by token and once with guesses,
in turn; the answers must be equal. Told are the medians of seconds an answer. --check exits with 1 below 1.8 times the
speed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bindings" / "python")]
from fetch_model import fetch  # noqa: E402 - a tool of this tree

BAR = 1.8
CODE = '''
def read_rows(path, separator=","):
    """All rows of a table, each a dictionary by the names of the first line."""
    rows = []
    with open(path, encoding="utf-8") as file:
        names = file.readline().rstrip("\\n").split(separator)
        for number, line in enumerate(file, start=2):
            values = line.rstrip("\\n").split(separator)
            if len(values) != len(names):
                raise ValueError(f"{path}:{number}: {len(values)} values, expected {len(names)}")
            rows.append(dict(zip(names, values)))
    return rows


def write_rows(path, rows, separator=","):
    """Writes rows of the same names as a table."""
    names = list(rows[0]) if rows else []
    with open(path, "w", encoding="utf-8") as file:
        file.write(separator.join(names) + "\\n")
        for row in rows:
            file.write(separator.join(str(row[name]) for name in names) + "\\n")


def column(rows, name, kind=float):
    """One column as a list of numbers."""
    return [kind(row[name]) for row in rows]
'''
PROMPT = (
    "<|im_start|>system\nYou are a careful programmer.<|im_end|>\n<|im_start|>user\nRename the argument `separator` to "
    "`sep` everywhere in this file, change nothing else, and answer with the whole file alone.\n```python"
    + CODE + "```<|im_end|>\n<|im_start|>assistant\n"
)  # fmt: skip


def answer(inlay, model, draft_model, options: dict, tokens: list[int], most: int, guesses: int):
    """Text, seconds, and the speculator's counts; without guesses token by token."""
    session = model.session(**options)
    draft = draft_model.session(sequences=2, **options) if draft_model is not None and guesses else None
    speculator = inlay.Speculator(model.n_vocab, guesses=guesses) if guesses else None
    pieces = session.generate(tokens, most, speculator=speculator, draft=draft)
    parts = [next(pieces)]  # the prompt is read
    begin = time.perf_counter()
    parts += pieces
    seconds = time.perf_counter() - begin
    counts = (speculator.guessed, speculator.kept, speculator.calls) if speculator else (0, 0, 0)
    for one in (session, draft, speculator):
        if one is not None:
            one.close()
    return "".join(parts), seconds, counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--draft", type=Path)
    parser.add_argument("--library", default=str(ROOT / "build" / "release" / "libinlay.so"))
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu", default="")
    parser.add_argument("--guesses", type=int, default=16)
    parser.add_argument("--most", type=int, default=400, help="tokens of an answer")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("INLAY_LIBRARY", args.library)
    import inlay

    file = args.file or fetch("qwen2.5-coder")
    opening = {"threads": args.threads, **({"cpu": args.cpu} if args.cpu else {})}
    model = inlay.Model.open(file, **opening)
    draft = inlay.Model.open(args.draft, **opening) if args.draft else None
    options = {"threads": args.threads, "context": 2048, "temperature": args.temperature, "seed": 1}
    tokens = model.tokenize(PROMPT, parse_special=True)
    plain, guessed = [], []
    for _ in range(args.times):
        expected, seconds, _ = answer(inlay, model, draft, options, tokens, args.most, 0)
        plain.append(seconds)
        found, seconds, counts = answer(inlay, model, draft, options, tokens, args.most, args.guesses)
        guessed.append(seconds)
        if found != expected:
            sys.exit("the answers differ")
    n = len(model.tokenize(expected, parse_special=True))
    ratio = statistics.median(plain) / statistics.median(guessed)
    result = {"tokens": n, "plain_s": statistics.median(plain), "guessed_s": statistics.median(guessed), "ratio": ratio,
              "guessed": counts[0], "kept": counts[1], "calls": counts[2]}  # fmt: skip
    if args.json:
        print(json.dumps(result))
    else:
        print(f"{n} tokens: {n / result['plain_s']:.1f} tok/s one by one, {n / result['guessed_s']:.1f} with guesses: "
              f"{ratio:.2f} times; {counts[1]} of {counts[0]} guesses kept in {counts[2]} calls")  # fmt: skip
    return 1 if args.check and ratio < BAR else 0


if __name__ == "__main__":
    sys.exit(main())
