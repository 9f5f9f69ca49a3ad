#!/usr/bin/env python3
"""Inlay beside llama.cpp: the same GGUF files, threads and tokens, in one run, by turns; medians and their ratios.

    cmake --preset release && cmake --build --preset release
    python3 tests/bench/compare.py [--level avx2|native] [--models smollm2,gemma3,qwen2.5-coder] [--rounds 5] ...

For each model: opening to the first evaluated token, a prompt of 256 tokens, and 64 tokens generated after 128; of the
smallest one also generation with four times the threads. With --long SmolLM2's prompt of 4096 too; with --together only
the generation of N sequences in one evaluation each, beside that of one.

The peer is llama-cpp-python of the Python Package Index, built from source for the level into an environment of its own
under --cache (some 10 minutes the first time). Inlay runs from --library (a build of the release preset) at that level:
with avx2, lowered by its option; with native, at the machine's best. Both engines live in processes of their own, one at
a time working. Nothing else should be running meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from fetch_model import MODELS, fetch  # noqa: E402 - a tool of this tree

PEER = "llama-cpp-python==0.3.36"
# Without AMX: virtual machines announce it whose kernels then stop the peer at its first tile.
NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
PEER_BUILD = {
    "native": f"-DGGML_NATIVE=ON '-DCMAKE_C_FLAGS={NO_AMX}' '-DCMAKE_CXX_FLAGS={NO_AMX}'",
    "avx2": "-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON",
}
# What is measured: (title, request, cache types); a request's median time gives tokens a second.
LONG = ("prompt of 4096", ["prompt", 4096], ("f16", "q8_0"))
SHORT = [("prompt of 256", ["prompt", 256], ("f16",)), ("generate 64 after 128", ["generate", 64, 128], ("f16",))]


def run(command: list[str], **options: Any) -> None:
    if subprocess.run(command, check=False, **options).returncode != 0:
        sys.exit(f"compare: {' '.join(command)} failed")


def peer_python(cache: Path, level: str) -> str:
    """The interpreter of an environment with the peer built for a level."""
    folder = cache / f"peer-{level}"
    if not (folder / "ready").is_file():
        print(f"building {PEER} for {level} ...", file=sys.stderr, flush=True)
        run([sys.executable, "-m", "venv", "--clear", str(folder)])
        environment = dict(os.environ, CMAKE_ARGS=PEER_BUILD[level], CMAKE_BUILD_PARALLEL_LEVEL=str(os.cpu_count()))
        run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-binary",
             "llama-cpp-python", PEER], env=environment)
        (folder / "ready").touch()
    return str(folder / "bin/python")


class Engine:
    """A process of engine.py."""

    def __init__(self, python: str, name: str, settings: dict[str, Any], library: str):
        environment = dict(os.environ, PYTHONPATH=str(ROOT / "bindings/python"), INLAY_LIBRARY=library,
                           PYTHONDONTWRITEBYTECODE="1")
        self.name = name
        self.process = subprocess.Popen([python, str(HERE / "engine.py"), name, json.dumps(settings)], text=True,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *request: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare: {self.name} ended while it was asked for {request}")
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


class Comparison:
    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.results: list[dict[str, Any]] = []
        self.python = arguments.peer_python or peer_python(arguments.cache, arguments.level)

    def engine(self, model: str, context: int, cache: str, threads: int = 0, peer: bool = False,
               file: Path | None = None, sequences: int = 1) -> Engine:
        """The peer or Inlay, with the stock file of a model or another one."""
        settings = {"model": str(file or fetch(self.arguments.cache / "models", model)),
                    "threads": threads or self.arguments.threads, "context": context, "cache": cache,
                    "sequences": sequences}
        if not peer and self.arguments.level == "avx2":
            settings["cpu"] = "avx2"
        return Engine(self.python if peer else sys.executable, "peer" if peer else "inlay", settings,
                      str(self.arguments.library.resolve()))

    def engines(self, model: str, context: int, cache: str, threads: int = 0) -> list[Engine]:
        return [self.engine(model, context, cache, threads, peer) for peer in (False, True)]

    def add(self, model: str, what: str, unit: str, ours: list[float], theirs: list[float], higher: bool) -> None:
        inlay, peer = statistics.median(ours), statistics.median(theirs)
        ratio = inlay / peer if higher else peer / inlay
        self.results.append({"model": model, "what": what, "unit": unit, "inlay": inlay, "peer": peer, "ratio": ratio})
        print(f"{model:14} {what:32} {inlay:10.3f} {peer:10.3f} {unit:6} {ratio:6.2f}", flush=True)

    def packed(self, model: str) -> Path:
        """The model as Inlay packs it, made by the program beside the library where that is newer."""
        program = self.arguments.library.resolve().parent / "inlay"
        packed = self.arguments.cache / "packed" / f"{model}.gguf"
        if not packed.is_file() or packed.stat().st_mtime < program.stat().st_mtime:
            packed.parent.mkdir(parents=True, exist_ok=True)
            run([str(program), "pack", str(fetch(self.arguments.cache / "models", model)), str(packed), "--quiet"])
        return packed

    def opening(self, model: str) -> None:
        """Each time in processes of their own, with the files in the page cache; the first round brings them there. What a
        prompt right after opening takes is told as well: engines may put work off until then."""
        packed = self.packed(model)
        first: dict[str, list[float]] = {"inlay": [], "packed": [], "peer": []}
        prompt: dict[str, list[float]] = {"inlay": [], "packed": [], "peer": []}
        for i in range(self.arguments.rounds + 1):
            for name in first:
                engine = self.engine(model, 512, "f16", peer=name == "peer", file=packed if name == "packed" else None)
                opened, read = engine.ask("open"), engine.ask("prompt", 256)
                engine.close()
                if i > 0:
                    first[name].append(opened)
                    prompt[name].append(opened + read)
        for name, title in ("inlay", ""), ("packed", ", packed"):
            self.add(model, f"open to first token{title}", "s", first[name], first["peer"], False)
            self.add(model, f"open, read 256{title}", "s", prompt[name], prompt["peer"], False)

    def speed(self, model: str, title: str, request: list[Any], cache: str) -> None:
        engines = self.engines(model, 4096 + 8 if title == LONG[0] else 512, cache)
        times: dict[str, list[float]] = {"inlay": [], "peer": []}
        for engine in engines:
            engine.ask("open")
        for i in range(self.arguments.rounds + 1):  # the first warms up
            for engine in engines[:: 1 if i % 2 else -1]:
                took = engine.ask(*request)
                if i > 0:
                    times[engine.name].append(request[1] / took)
        what = f"{title}, {cache} cache" if title == LONG[0] else title
        self.add(model, what, "tok/s", times["inlay"], times["peer"], True)
        for engine in engines:
            engine.close()

    def crowded(self, model: str) -> None:
        """Generation with four times the threads, as a share of each engine's own speed with as many as were asked for."""
        few, many = self.engines(model, 512, "f16"), self.engines(model, 512, "f16", 4 * self.arguments.threads)
        shares: dict[str, list[float]] = {"inlay": [], "peer": []}
        for engine in few + many:
            engine.ask("open")
        for _ in range(self.arguments.rounds):
            for alone, crowd in zip(few, many):
                shares[alone.name].append(alone.ask("generate", 32, 16) / crowd.ask("generate", 32, 16))
        self.add(model, f"{4 * self.arguments.threads} threads : {self.arguments.threads}", "share", shares["inlay"],
                 shares["peer"], True)
        for engine in few + many:
            engine.close()

    def together(self, model: str) -> None:
        """Tokens a second of several sequences, and as a multiple of those of one."""
        n = self.arguments.together
        one = [self.engine(model, 256, "f16", peer=peer) for peer in (False, True)]
        many = [self.engine(model, 256, "f16", peer=peer, sequences=n) for peer in (False, True)]
        speed: dict[str, list[float]] = {"inlay": [], "peer": []}
        gain: dict[str, list[float]] = {"inlay": [], "peer": []}
        for engine in one + many:
            engine.ask("open")
        for i in range(self.arguments.rounds + 1):
            for alone, all_of_them in zip(one, many):
                single, took = alone.ask("together", 32, 64), all_of_them.ask("together", 32, 64)
                if i > 0:
                    speed[alone.name].append(32 * n / took)
                    gain[alone.name].append(n * single / took)
        self.add(model, f"generate, {n} together", "tok/s", speed["inlay"], speed["peer"], True)
        self.add(model, f"{n} together : one", "times", gain["inlay"], gain["peer"], True)
        for engine in one + many:
            engine.close()

    def run(self) -> None:
        print(f"{'model':14} {'':32} {'Inlay':>10} {'peer':>10} {'':6} {'ratio':>6}")
        for model in self.arguments.models.split(","):
            if self.arguments.together > 1:
                self.together(model)
                continue
            self.opening(model)
            if self.arguments.opening:
                continue
            if model == "smollm2":
                self.crowded(model)
            for title, request, caches in SHORT + ([LONG] if model == "smollm2" and self.arguments.long else []):
                for cache in caches:
                    self.speed(model, title, request, cache)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", choices=PEER_BUILD, default="native",
                        help="instructions of both engines (default: native, all that this machine has)")
    models = ",".join(name for name, model in MODELS.items() if not model.is_folder)
    parser.add_argument("--models", default=models, help=f"fetched when they are not there (default: {models})")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine (default: 5)")
    parser.add_argument("--threads", type=int, default=2, help="of each engine (default: 2)")
    parser.add_argument("--opening", action="store_true", help="nothing but opening")
    parser.add_argument("--together", type=int, default=0, metavar="N",
                        help="nothing but N sequences together")
    parser.add_argument("--long", action="store_true", help="the prompt of 4096 tokens as well")
    parser.add_argument("--library", type=Path, default=ROOT / "build/release/libinlay.so.1",
                        help="default: build/release/libinlay.so.1")
    parser.add_argument("--cache", type=Path, default=ROOT / "build/cache",
                        help="where models and the peer are kept (default: build/cache)")
    parser.add_argument("--peer-python", default="", help="an interpreter that has the peer already")
    parser.add_argument("--json", type=Path, help="write the results there as well")
    arguments = parser.parse_args()
    if not arguments.library.is_file():
        parser.error(f"{arguments.library} is not there: build the release preset, or name another with --library")
    strange = sorted(set(arguments.models.split(",")) - set(models.split(",")))
    if strange:
        parser.error(f"no model is called '{strange[0]}', expected some of {models}")
    comparison = Comparison(arguments)
    comparison.run()
    if arguments.json:
        part = arguments.json.with_name(arguments.json.name + ".part")
        part.write_text(json.dumps({"level": arguments.level, "threads": arguments.threads, "peer": PEER,
                                    "results": comparison.results}, indent=1) + "\n", encoding="utf-8")
        os.replace(part, arguments.json)


if __name__ == "__main__":
    main()
