#!/usr/bin/env python3
"""How much memory is resident when a model runs with its context full, and what it is.

    memory.py [--models smollm2,gemma3,qwen2.5-coder] [--file MODEL.gguf] [--library build/release/libinlay.so]
              [--context 2048] [--threads 2] [--cache f16] [--low-memory] [--check] [--json]

Each model runs in a fresh process of memory_client.c, a host in C that links the library and has nothing else: it reads a
prompt and writes an answer until the context is full. What is resident then is told by /proc/self/smaps, beside the bar:
the bytes of the model's tensors, those of the keys and values, and 16 MB (of 10^6 bytes) for all else: text of the
metadata, tokenizer, buffers, stacks, the C library and the program. `peak` is the most that was resident at any time,
pages of the file that are read as weights are packed among it. --check exits with 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from fetch_model import MODELS, fetch  # noqa: E402 - a tool of this tree

ALLOWED = 16_000_000
PHASES = ["open", "prompt", "full"]
KINDS = ["anonymous", "file", "library", "system", "stack"]
CACHE_TYPES = {"f32": 0, "f16": 1, "q8_0": 8}
# Elements and bytes of a block of each type.
BLOCKS = {
    "F32": (1, 4), "F16": (1, 2), "BF16": (1, 2), "Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22), "Q5_1": (32, 24),
    "Q8_0": (32, 34), "Q2_K": (256, 84), "Q3_K": (256, 110), "Q4_K": (256, 144), "Q5_K": (256, 176), "Q6_K": (256, 210),
    "IQ4_NL": (32, 18), "IQ4_XS": (256, 136), "MXFP4": (32, 17), "TQ1_0": (256, 54), "TQ2_0": (256, 66),
}
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+\s*(.*)")


def build(folder: str, library: Path) -> str:
    """The client, linked with the library."""
    program = os.path.join(folder, "memory_client")
    command = [os.environ.get("CC", "cc"), "-std=c11", "-O1", "-I", str(ROOT / "include"), str(HERE / "memory_client.c"),
               "-o", program, str(library), f"-Wl,-rpath,{library.parent}"]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"memory: {' '.join(command)} failed")
    return program


def kind_of(path: str, permissions: str, after_guard: bool, model: str) -> str:
    if path == model:
        return "file"
    if "libinlay" in path or path.endswith("/memory_client"):
        return "library"
    if path.startswith("/") or path in ("[vdso]", "[vvar]"):
        return "system"
    # A thread's stack lies behind pages that nobody may touch.
    return "stack" if path == "[stack]" or (after_guard and permissions.startswith("rw")) else "anonymous"


def read_phase(text: str, model: str) -> dict[str, int]:
    """Resident bytes by kind, and `peak`."""
    kinds = dict.fromkeys(KINDS, 0)
    kind, guard = "anonymous", ""
    for line in text.splitlines():
        mapping = MAPPING.match(line)
        if mapping:
            begin, end, permissions, path = mapping.groups()
            kind = kind_of(path, permissions, begin == guard, model)
            guard = end if permissions.startswith("---") and not path else ""
        elif line.startswith("Rss:"):
            kinds[kind] += int(line.split()[1]) * 1024
        elif line.startswith("VmHWM:"):
            kinds["peak"] = int(line.split()[1]) * 1024
    return kinds


def measure(program: str, model: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [program, str(model), str(arguments.context), str(arguments.threads), str(CACHE_TYPES[arguments.cache]),
               "1" if arguments.low_memory else "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"memory: {model}: {done.stderr.strip()}")
    tensors = re.findall(r"^tensor (\S+) (\d+)$", done.stdout, re.M)
    facts = {name: int(value) for name, value in re.findall(r"^fact (\S+) (\d+)$", done.stdout, re.M)}
    assert facts["length"] == arguments.context
    result: dict[str, Any] = {
        "model": model.name,
        "context": arguments.context,
        "threads": arguments.threads,
        "weights": sum(int(n) // BLOCKS[name][0] * BLOCKS[name][1] for name, n in tensors),
        "cache": facts["cache"],
        "buffers": facts["session"] - facts["cache"],
    }
    phases = dict(part.split("\n", 1) for part in re.split(r"^phase ", done.stdout, flags=re.M)[1:])
    for name in PHASES:
        kinds = read_phase(phases[name], str(model))
        result[name] = {"resident": sum(kinds[kind] for kind in KINDS), **kinds}
    result["rest"] = result["full"]["resident"] - result["weights"] - result["cache"]
    result["bar"] = result["weights"] + result["cache"] + ALLOWED
    result["reached"] = result["full"]["resident"] <= result["bar"]
    return result


def show(result: dict[str, Any]) -> None:
    def megabytes(n: int) -> str:
        return f"{n / 1e6:10.2f}"

    full = result["full"]
    print(f"{result['model']}, context of {result['context']} full, {result['threads']} threads (MB of 10^6 bytes)")
    print("  weights     keys, values     16     the bar    resident    rest")
    print(f"{megabytes(result['weights'])} {megabytes(result['cache'])}    + 16  {megabytes(result['bar'])}  "
          f"{megabytes(full['resident'])} {megabytes(result['rest'])}   {'reached' if result['reached'] else 'MISSED'}")
    print(f"  {'phase':8}{'resident':>10} " + " ".join(f"{kind:>10}" for kind in KINDS) + f" {'peak':>10}")
    for name in PHASES:
        phase = result[name]
        print(f"  {name:8}{megabytes(phase['resident'])} " + " ".join(megabytes(phase[kind]) for kind in [*KINDS, "peak"]))
    print(f"  of the anonymous memory {megabytes(result['buffers']).strip()} are a session's buffers\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--models", default=",".join(name for name, model in MODELS.items() if not model.is_folder))
    parser.add_argument("--file", type=Path, action="append", help="a model file instead; may be given again")
    parser.add_argument("--library", type=Path, default=ROOT / "build/release/libinlay.so")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/cache/models", help="where fetched models are kept")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", choices=CACHE_TYPES, default="f16")
    parser.add_argument("--low-memory", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    files = arguments.file or [fetch(arguments.folder, name) for name in arguments.models.split(",")]
    results = []
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder, arguments.library.resolve())
        for model in files:
            results.append(measure(program, model.resolve(), arguments))
            if not arguments.json:
                show(results[-1])
    if arguments.json:
        json.dump(results, sys.stdout, indent=1)
        print()
    if arguments.check and not all(result["reached"] for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
