#!/usr/bin/env python3
"""How soon a cancel ends the reading of a long prompt.

    cancel.py [--file MODEL.gguf] [--library build/release/libinlay.so] [--tokens 4096] [--times 200] [--threads 2]
              [--cpu LEVEL] [--check] [--json]

The prompt is read again and again, each time until another thread cancels it at a random moment of the time
that it takes. What is told is the time from the call of inlay_session_cancel to the return of inlay_eval, Python's share
among it. --check exits with 1 when the 99th percentile is above 5 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bindings" / "python")]
from fetch_model import fetch  # noqa: E402 - a tool of this tree

BAR_MS = 5.0


def cancel_once(session, tokens: list[int], after: float) -> float:
    """Milliseconds that the cancel took."""
    import inlay

    returned = []

    def evaluate():
        try:
            session.eval(tokens)
        except inlay.CancelledError:
            returned.append(time.perf_counter())

    thread = threading.Thread(target=evaluate)
    thread.start()
    time.sleep(after)
    begin = time.perf_counter()
    session.cancel()
    thread.join()
    if not returned:
        sys.exit("the prompt was read before it was cancelled: give more --tokens")
    assert session.length == 0, "a cancelled prompt leaves tokens behind"
    return 1e3 * (returned[0] - begin)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--library", default=str(ROOT / "build" / "release" / "libinlay.so"))
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu", default="")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("INLAY_LIBRARY", arguments.library)
    import inlay
    from inlay._declarations import PACK_OPEN

    path = arguments.file or fetch(ROOT / "build" / "cache" / "models")
    chance = random.Random(1)
    took = []
    with inlay.Model.open(path, cpu=arguments.cpu, pack=PACK_OPEN) as model:
        tokens = [chance.randrange(1000, 20000) for _ in range(arguments.tokens)]
        with model.session(context=arguments.tokens + 1, threads=arguments.threads) as session:
            begin = time.perf_counter()
            session.eval(tokens)
            whole = time.perf_counter() - begin
            session.truncate(0)
            for i in range(arguments.times):
                took.append(cancel_once(session, tokens, chance.uniform(0.005, 0.9 * whole)))
                if sys.stderr.isatty():
                    print(f"\r{i + 1} of {arguments.times}", end="", file=sys.stderr)
    took.sort()
    found = {"median_ms": took[len(took) // 2], "p99_ms": took[min(len(took) - 1, len(took) * 99 // 100)], "worst_ms": took[-1]}
    print(json.dumps(found) if arguments.json else "  ".join(f"{name} {value:.2f}" for name, value in found.items()))
    return 1 if arguments.check and found["p99_ms"] > BAR_MS else 0


if __name__ == "__main__":
    sys.exit(main())
