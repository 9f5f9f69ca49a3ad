#!/usr/bin/env python3
"""Sentences a second of an encoder folder beside transformers with torch, on one thread, 32 sentences at a time.

    embeddings.py --cache FOLDER [--model FOLDER] [--library libinlay.so.1] [--lines FILE] [--rounds N]
                  [--quantize q16_0,...]

The model is all-MiniLM-L6-v2 (tools/fetch_model.py), if none is named. The peer, in float32, is installed once into an
environment of its own under --cache. All embed the same lines (a file with one a line, or made ones of 4 to 40 words)
by the mean over tokens, normalised: Inlay as the file is, then with each type of --quantize. Rounds take turns, in the
first nothing is measured, and medians are told; so are whether the tokens are the same and the least cosine with the peer's
vectors. Speed follows the lengths: the peer pads 32 sentences to the longest of them.
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
sys.path[:0] = [str(HERE.parent.parent / "tools"), str(HERE.parent.parent / "bindings" / "python")]
from fetch_model import fetch  # noqa: E402 - a tool of this tree

BATCH = 32
PEER = """
import json, sys, time, torch, transformers
torch.set_num_threads(1)
folder = sys.argv[1]
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
def embed(lines):
    with torch.inference_mode():
        given = tokenizer(lines, padding=True, truncation=True, return_tensors="pt")
        mask = given["attention_mask"].unsqueeze(-1).float()
        states = model(**given).last_hidden_state
        return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)
print(f"transformers {transformers.__version__}, torch {torch.__version__}", flush=True)
for request in sys.stdin:
    lines, begin = json.loads(request), time.perf_counter()
    rows = [row for i in range(0, len(lines), 32) for row in embed(lines[i : i + 32])]
    seconds = time.perf_counter() - begin
    ids = tokenizer(lines, truncation=True)["input_ids"]
    print(json.dumps({"seconds": seconds, "rows": [row.tolist() for row in rows], "ids": ids}), flush=True)
"""


def peer_python(cache: Path) -> Path:
    folder = cache / "peer-embeddings"
    python = folder / "bin" / "python"
    if not (folder / "ready").is_file():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "torch", "--index-url", "https://download.pytorch.org/whl/cpu"], check=False)
        subprocess.run([*pip, "torch", "transformers", "numpy"], check=True)
        (folder / "ready").touch()
    return python


def made_lines(n: int) -> list[str]:
    words = ("the a cat music plays outside with seven friends and small green apples while rain falls on old stone "
             "roofs").split()
    generator = random.Random(1)
    return [" ".join(generator.choices(words, k=generator.randint(4, 40))) for _ in range(n)]


class Peer:
    def __init__(self, python: Path, model: Path):
        self.process = subprocess.Popen([python, "-c", PEER, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.name = self.process.stdout.readline().strip()
        if not self.name:
            raise SystemExit("embeddings.py: the peer did not start")

    def embed(self, lines: list[str]) -> dict:
        self.process.stdin.write(json.dumps(lines) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Own:
    """Inlay with the weights of a type, or as in the file."""

    def __init__(self, folder: Path, type_name: str):
        import inlay

        self.model = inlay.Model.open(folder, threads=1, quantize=type_name or "none")
        self.session = self.model.session(threads=1, pooling="mean")
        self.name = f"inlay {inlay.__version__}, {self.model.facts['cpu']}, {type_name or 'as in the file'}"
        self.rates: list[float] = []

    def embed(self, lines: list[str]) -> list:
        begin = time.perf_counter()
        rows = [row for i in range(0, len(lines), BATCH) for row in self.session.embed(lines[i : i + BATCH])]
        self.rates.append(len(lines) / (time.perf_counter() - begin))
        return rows


def least_cosine(rows: list, others: list) -> float:
    import numpy

    x, y = numpy.asarray(rows, numpy.float64), numpy.asarray(others, numpy.float64)
    return float(((x * y).sum(1) / numpy.linalg.norm(x, axis=1) / numpy.linalg.norm(y, axis=1)).min())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quantize", default="q16_0")
    arguments = parser.parse_args()
    if arguments.library:
        os.environ["INLAY_LIBRARY"] = str(arguments.library.resolve())
    folder = arguments.model or fetch(arguments.cache / "models", "minilm")
    lines = arguments.lines.read_text(encoding="utf-8").splitlines() if arguments.lines else made_lines(4 * BATCH)
    peer, theirs = Peer(peer_python(arguments.cache), folder), []
    own = [Own(folder, name) for name in ("", *filter(None, arguments.quantize.split(",")))]
    for turn in range(arguments.rounds + 1):
        rows = [each.embed(lines) for each in own]
        answer = peer.embed(lines)
        theirs.append(len(lines) / answer["seconds"])
    peer.close()
    other = statistics.median(theirs[1:])
    ids = [list(each) for each in own[0].model.tokenize_batch(lines, add_special=True)]
    n_tokens = sum(map(len, answer["ids"]))
    padded = sum(BATCH * max(map(len, answer["ids"][i : i + BATCH])) for i in range(0, len(lines), BATCH))
    print(f"{len(lines)} sentences of {n_tokens} tokens, {padded} with padding; the same tokens: "
          f"{'yes' if ids == answer['ids'] else 'NO'}")
    print(f"{peer.name}: {other:.0f} sentences a second")
    for each, vectors in zip(own, rows):
        rate = statistics.median(each.rates[1:])
        print(f"{each.name}: {rate:.0f} sentences a second, {rate / other:.2f} times; "
              f"least cosine {least_cosine(vectors, answer['rows']):.7f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
