"""One engine in a process of its own, which measures when it is told to: `engine.py inlay|peer SETTINGS`.

SETTINGS is a JSON object: model, threads, context, cpu (Inlay alone), cache ("f16", "q8_0"), sequences (1), each of which
has the context. Each line on standard input
is a JSON list of one request; each answer is a JSON line:

    ["open"]              opens the model and evaluates one token: seconds
    ["prompt", n]         reads n tokens into an empty context: seconds
    ["generate", n, past] evaluates n single tokens after `past` ones: seconds
    ["together", n, past] the same of as many sequences as the settings say, each with a token in every evaluation: seconds
    ["memory"]            resident bytes of the process: [all, anonymous]
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable


def ids(n: int) -> list[int]:
    """Ids spread over any real vocabulary; the same ones every time."""
    return [i * 7919 % 32000 + 17 for i in range(n)]


class Inlay:
    def __init__(self, settings: dict[str, Any]):
        import inlay

        self.inlay, self.settings = inlay, settings

    def open(self) -> None:
        s = self.settings
        self.model = self.inlay.Model.open(s["model"], threads=s["threads"], **({"cpu": s["cpu"]} if s.get("cpu") else {}))
        self.session = self.model.session(
            threads=s["threads"], context=s["context"], batch=s.get("batch", 512), cache_type=s["cache"],
            sequences=s.get("sequences", 1))
        self.eval(ids(1))

    def clear(self) -> None:
        self.session.truncate(0)

    def eval(self, tokens: list[int]) -> None:
        self.session.eval(tokens)

    def begin_together(self, past: list[int]) -> None:
        for i in range(self.session.sequences):
            self.session.sequence = i
            self.session.truncate(0)
            self.session.eval(past)

    def eval_together(self, token: int, position: int) -> None:
        self.session.eval_batch({i: [token] for i in range(self.session.sequences)})

    def about(self) -> str:
        return f"inlay {self.inlay.__version__}, {self.settings.get('cpu') or self.inlay.cpu()}"


class Peer:
    """llama-cpp-python through its C API, with its defaults for the rest: flash attention where it chooses so."""

    def __init__(self, settings: dict[str, Any]):
        import llama_cpp

        self.c, self.settings = llama_cpp, settings

    def open(self) -> None:
        c, s = self.c, self.settings
        self.quiet = c.llama_log_callback(lambda *_: None)
        c.llama_log_set(self.quiet, None)
        c.llama_backend_init()
        self.model = c.llama_model_load_from_file(s["model"].encode(), c.llama_model_default_params())
        p = c.llama_context_default_params()
        self.sequences = s.get("sequences", 1)
        p.n_ctx, p.n_batch, p.n_ubatch = s["context"] * self.sequences, 2048, s.get("batch", 512)
        p.n_seq_max = self.sequences
        p.n_threads = p.n_threads_batch = s["threads"]
        if s["cache"] == "q8_0":
            p.type_k = p.type_v = c.GGML_TYPE_Q8_0
        self.context = c.llama_init_from_model(self.model, p)
        if not self.context:
            raise RuntimeError(f"{s['model']} does not open")
        self.eval(ids(1))

    def clear(self) -> None:
        self.c.llama_memory_clear(self.c.llama_get_memory(self.context), True)

    def eval(self, tokens: list[int]) -> None:
        for begin in range(0, len(tokens), 2048):
            part = tokens[begin : begin + 2048]
            array = (self.c.llama_token * len(part))(*part)
            if self.c.llama_decode(self.context, self.c.llama_batch_get_one(array, len(part))) != 0:
                raise RuntimeError("llama_decode failed")
        self.c.llama_synchronize(self.context)

    def decode(self, tokens: list[int], position: int, sequences: range) -> None:
        """The same tokens in each sequence, with logits of the last."""
        batch = self.c.llama_batch_init(len(tokens) * len(sequences), 0, 1)
        for sequence in sequences:
            for i, token in enumerate(tokens):
                k = batch.n_tokens
                batch.token[k], batch.pos[k], batch.n_seq_id[k] = token, position + i, 1
                batch.seq_id[k][0], batch.logits[k] = sequence, i + 1 == len(tokens)
                batch.n_tokens += 1
        status = self.c.llama_decode(self.context, batch)
        self.c.llama_synchronize(self.context)
        self.c.llama_batch_free(batch)
        if status != 0:
            raise RuntimeError("llama_decode failed")

    def begin_together(self, past: list[int]) -> None:
        self.clear()
        for sequence in range(self.sequences):
            self.decode(past, 0, range(sequence, sequence + 1))

    def eval_together(self, token: int, position: int) -> None:
        self.decode([token], position, range(self.sequences))

    def about(self) -> str:
        flags = self.c.llama_print_system_info().decode()
        return f"llama-cpp-python {self.c.__version__}, {' '.join(flags.split())}"


def seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def memory() -> list[int]:
    """VmHWM would count what opening needed for a moment; this is what stays."""
    found = {}
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                found[name] = int(value.split()[0]) * 1024
    return [found["VmRSS"], found["RssAnon"]]


def answer(engine: Any, request: list[Any]) -> Any:
    match request:
        case ["open"]:
            return seconds(engine.open)
        case ["about"]:
            return engine.about()
        case ["memory"]:
            return memory()
        case ["prompt", n]:
            engine.clear()
            return seconds(lambda: engine.eval(ids(n)))
        case ["generate", n, past]:
            engine.clear()
            engine.eval(ids(past))
            return seconds(lambda: [engine.eval([token]) for token in ids(n)])
        case ["together", n, past]:
            engine.begin_together(ids(past))
            return seconds(lambda: [engine.eval_together(token, past + i) for i, token in enumerate(ids(n))])
    raise ValueError(f"no such request: {request}")


def main() -> None:
    name, settings = sys.argv[1], json.loads(sys.argv[2])
    engine = {"inlay": Inlay, "peer": Peer}[name](settings)
    for line in sys.stdin:
        print(json.dumps(answer(engine, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
