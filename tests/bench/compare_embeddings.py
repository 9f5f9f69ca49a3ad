#!/usr/bin/env python3
"""Sentences a second of an encoder folder beside transformers with torch, in float32 on one thread, 32 sentences at a time.

    compare_embeddings.py --model FOLDER --cache FOLDER [--library libinlay.so.1] [--lines FILE] [--rounds N]

The peer is installed once into an environment of its own under --cache. Both embed the same lines (a file with one a line, or
made ones of 4 to 40 words) by the mean over tokens, normalised; rounds take turns and the median counts. The least cosine between
the two is told too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
BATCH = 32
PEER = """
import json, sys, torch, time
from transformers import AutoModel, AutoTokenizer
torch.set_num_threads(1)
folder = sys.argv[1]
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
def embed(lines):
    with torch.inference_mode():
        given = tokenizer(lines, padding=True, truncation=True, return_tensors="pt")
        mask = given["attention_mask"].unsqueeze(-1).float()
        states = model(**given).last_hidden_state
        return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
print("ready", flush=True)
for request in sys.stdin:
    lines, begin = json.loads(request), time.perf_counter()
    rows = [row for i in range(0, len(lines), 32) for row in embed(lines[i : i + 32])]
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "rows": [row.tolist() for row in rows]}), flush=True)
"""


def peer_python(cache: Path) -> Path:
    folder = cache / "peer-embeddings"
    python = folder / "bin" / "python"
    if not (folder / "ready").is_file():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "torch", "transformers", "numpy"], check=True)
        (folder / "ready").touch()
    return python


def made_lines(n: int) -> list[str]:
    words = "the a cat music plays outside with seven friends and small green apples while rain falls on old stone roofs".split()
    generator = random.Random(1)
    return [" ".join(generator.choices(words, k=generator.randint(4, 40))) for _ in range(n)]


class Peer:
    def __init__(self, python: Path, model: Path):
        self.process = subprocess.Popen([python, "-c", PEER, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def embed(self, lines: list[str]) -> tuple[float, list[list[float]]]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(lines) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["seconds"], answer["rows"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.library:
        os.environ["INLAY_LIBRARY"] = str(arguments.library)
    sys.path.insert(0, str(HERE.parent.parent / "bindings" / "python"))
    import inlay

    lines = arguments.lines.read_text(encoding="utf-8").splitlines() if arguments.lines else made_lines(4 * BATCH)
    peer = Peer(peer_python(arguments.cache), arguments.model)
    own, theirs, least = [], [], 1.0
    with inlay.Model.open(arguments.model, threads=1) as model, model.session(threads=1, pooling="mean") as session:
        for turn in range(arguments.rounds + 1):
            begin = time.perf_counter()
            rows = [row for i in range(0, len(lines), BATCH) for row in session.embed(lines[i : i + BATCH])]
            seconds = time.perf_counter() - begin
            peer_seconds, peer_rows = peer.embed(lines)
            if turn == 0:
                least = min(sum(a * b for a, b in zip(x, y)) for x, y in zip(rows, peer_rows))
                continue
            own.append(len(lines) / seconds)
            theirs.append(len(lines) / peer_seconds)
    peer.close()
    ours, other = statistics.median(own), statistics.median(theirs)
    print(f"inlay {ours:.0f} sentences a second, transformers with torch {other:.0f}: {ours / other:.2f} times")
    print(f"least cosine between the two: {least:.7f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
