#!/usr/bin/env python3
"""How the time of encoding grows with the text, in every family, for texts that no white space cuts.

    python3 tests/bench/tokenizer_linear.py [FILE ...] [--megabytes 5] [--rounds 3]

A FILE is a GGUF file or a tokenizer.json; without any, the small ones of INLAY_DATA are taken, one of each family. Each text
is encoded at once, twice and four times the size; printed are the CPU's seconds for the largest, megabytes a second, and both
ratios of a doubling: 2 is linear, at most 2.3 is promised. A ratio is the least of the rounds, as other programs only slow.
"""
import argparse
import ctypes
import os
import random
import sys
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "bindings" / "python")]
FAMILIES = ["vocab/ggml-vocab-gpt-2.gguf", "vocab/ggml-vocab-llama-bpe.gguf", "vocab/ggml-vocab-llama-spm.gguf",
            "vocab/ggml-vocab-bert-bge.gguf", "tiny/t5/tokenizer.json", "tiny/llama/tokenizer.json", "tiny/gpt2/tokenizer.json",
            "tiny/bert/tokenizer.json", "tiny/llama-char/tokenizer.json", "tiny/llama-wordlevel/tokenizer.json"]
LIMIT = 2.3


def texts(size):
    """Of so many bytes each, and nowhere a space."""
    rng = random.Random(7)
    record = '{"id":%d,"name":"n%x","tags":["a","bc",null,true],"v":%d.%d},'
    json_text = "".join(record % (i, rng.getrandbits(32), rng.randrange(10000), i % 97) for i in range(size // 50 + 1))
    cjk = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(size // 3 + 1))
    letters = bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=size))
    for name, data in (("a", b"a" * size), ("letters", letters), ("CJK", cjk.encode()), ("JSON", json_text.encode())):
        yield name, data


def cut(data, size):
    return data[:size].decode("utf-8", "ignore").encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--megabytes", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    import inlay
    from inlay._library import lib

    data = Path(os.environ.get("INLAY_DATA", TREE.parent / "shared" / "data"))
    files = [Path(f) for f in arguments.files] or [data / f for f in FAMILIES]
    size = int(arguments.megabytes * 1e6)
    made = list(texts(4 * size))
    room = (ctypes.c_int32 * (4 * size + 16))()
    ctypes.memset(room, 1, ctypes.sizeof(room))
    worst = 0.0
    print(f"{'file':<34} {'text':<8} {'seconds':>8} {'MB/s':>8}   {size / 1e6:g} to {2 * size / 1e6:g} MB, to {4 * size / 1e6:g} MB")
    for path in files:
        with inlay.Model.open(path, vocab_only=True) as model:
            for name, text in made:
                parts = [cut(text, n * size) for n in (1, 2, 4)]
                best = [1e9, 1e9]
                for _ in range(arguments.rounds):
                    seconds = []
                    for part in parts:
                        n = ctypes.c_size_t()
                        start = time.thread_time()
                        status = lib.inlay_tokenize(model._open_handle, part, len(part), 0, room, len(room), n)
                        seconds.append(time.thread_time() - start)
                        assert status == 0, (path, name)
                    best = [min(b, y / x) for b, x, y in zip(best, seconds, seconds[1:])]
                worst = max(worst, *best)
                label = "/".join(path.parts[-2:]) if path.suffix == ".json" else path.name
                print(f"{label:<34} {name:<8} {seconds[2]:>8.3f} {len(parts[2]) / seconds[2] / 1e6:>8.1f}   {best[0]:.2f} {best[1]:.2f}",
                      flush=True)
    print(f"the largest ratio is {worst:.2f}, {'within' if worst <= LIMIT else 'above'} the limit of {LIMIT}")
    return worst > LIMIT


if __name__ == "__main__":
    sys.exit(main())
