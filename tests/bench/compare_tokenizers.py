#!/usr/bin/env python3
"""Sets Inlay's tokenizer beside those of the packages tokenizers and llama-cpp-python, on one thread.

    python3 tests/bench/compare_tokenizers.py MODEL.gguf|tokenizer.json [--peer PYTHON] [--rounds 5] [--text FILE ...]

Every engine encodes the same bytes with the same vocabulary; rounds are interleaved, medians are printed, and that all
ids are equal is checked. `--peer` is a Python that has llama-cpp-python; without it, and for a tokenizer.json, that column is left out. Without
--text the texts are Python's own sources (code) and English prose made from the licences and docstrings of its library.
"""
import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests" / "python"), str(TREE / "bindings" / "python")]
os.environ["TOKENIZERS_PARALLELISM"] = "false"
SIZE = 2_000_000  # bytes of each text

PEER = r"""
import ctypes, json, sys, time
import llama_cpp as c
quiet = c.llama_log_callback(lambda *_: None)
c.llama_log_set(quiet, None)
c.llama_backend_init()
params = c.llama_model_default_params()
params.vocab_only = True
model = c.llama_model_load_from_file(sys.argv[1].encode(), params)
vocab = c.llama_model_get_vocab(model)
for line in sys.stdin:
    text = open(json.loads(line), "rb").read()
    tokens = (ctypes.c_int32 * (len(text) + 16))()
    start = time.perf_counter()
    n = c.llama_tokenize(vocab, text, len(text), tokens, len(tokens), False, False)
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, tokens[:n]]), flush=True)
"""


def own_texts(folder):
    """Code, and prose: both are in every Python."""
    library = Path(inspect.__file__).parent
    sources = [path.read_text("utf-8", "replace") for path in sorted(library.glob("*.py"))]
    prose = []
    for source in sources:
        parts = source.split('"""')
        prose += [part for part in parts[1::2] if part.count(" ") > 40]
    made = []
    for name, text in (("code", "".join(sources)), ("english", "\n\n".join(prose))):
        path = Path(folder) / f"{name}.txt"
        data = text.encode()[:SIZE]
        path.write_bytes(data.decode("utf-8", "ignore").encode())
        made.append(path)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--peer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--text", action="append", default=[])
    arguments = parser.parse_args()

    import ctypes
    import tempfile

    import inlay
    from inlay._library import lib
    from vocabularies import reference

    model = inlay.Model.open(arguments.model, vocab_only=True)
    theirs = reference(arguments.model)
    peer = None
    if arguments.peer and arguments.model.endswith(".gguf"):
        peer = subprocess.Popen([arguments.peer, "-c", PEER, arguments.model], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True)

    def run_inlay(path, data):
        tokens, n = (ctypes.c_int32 * (len(data) + 16))(), ctypes.c_size_t()
        start = time.perf_counter()
        status = lib.inlay_tokenize(model._open_handle, data, len(data), 0, tokens, len(tokens), n)
        seconds = time.perf_counter() - start
        assert status == 0
        return seconds, tokens[: n.value]

    def run_tokenizers(path, data):
        text = data.decode()
        start = time.perf_counter()
        encoded = theirs.encode_batch_fast([text], add_special_tokens=False)[0]
        seconds = time.perf_counter() - start
        return seconds, encoded.ids

    def run_peer(path, data):
        peer.stdin.write(json.dumps(str(path)) + "\n")
        peer.stdin.flush()
        return json.loads(peer.stdout.readline())

    engines = {"inlay": run_inlay, "tokenizers": run_tokenizers, **({"llama.cpp": run_peer} if peer else {})}
    print(Path(arguments.model).name)
    print(f"{'text':<12} {'bytes':>9} " + " ".join(f"{name + ' MB/s':>16}" for name in engines) + "   inlay is faster by")
    with tempfile.TemporaryDirectory() as folder:
        for path in [Path(text) for text in arguments.text] or own_texts(folder):
            data = path.read_bytes()
            times, ids = {name: [] for name in engines}, {}
            for _ in range(arguments.rounds):
                for name, run in engines.items():
                    seconds, ids[name] = run(path, data)
                    times[name].append(seconds)
            speed = {name: len(data) / statistics.median(t) / 1e6 for name, t in times.items()}
            ratios = ", ".join(f"{speed['inlay'] / speed[name]:.1f}x {name}" for name in engines if name != "inlay")
            same = all(found == ids["inlay"] for found in ids.values())
            print(f"{path.stem:<12} {len(data):>9} " + " ".join(f"{speed[name]:>16.1f}" for name in engines) +
                  f"   {ratios}{'' if same else '   DIFFERENT IDS'}", flush=True)


if __name__ == "__main__":
    main()
