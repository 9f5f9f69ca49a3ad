"""Real models against transformers in float32 on the same dequantised weights: greedy text, distance of the
distributions, and bits.

INLAY_MODEL_CACHE names the folder of the models (tools/fetch_model.py), INLAY_DATA that of the reference data; what is
not there is skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "bindings" / "python"))

FOLDER = os.environ.get("INLAY_MODEL_CACHE", "")
DATA = os.environ.get("INLAY_DATA", "")
PROGRAM = os.environ.get("INLAY_PROGRAM", "")
SMOLLM2 = Path(FOLDER) / "SmolLM2-135M-Instruct.Q4_1.gguf"
MODELS = {  # the reference's name: the file's
    "smollm2-135m-q4_1": SMOLLM2.name,
    "gemma3-270m-q4_k_m": "gemma-3-270m.Q4_K_M.gguf",
    "qwen-0.5b-q4": "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
}

pytestmark = pytest.mark.skipif(not (FOLDER and DATA), reason="INLAY_MODEL_CACHE and INLAY_DATA are not both set")

DECISIVE_MARGIN = 0.5  # below it two correct implementations may choose differently


@pytest.fixture(scope="module", params=MODELS)
def name(request) -> str:
    for path in Path(DATA) / "real" / f"{request.param}.json", Path(FOLDER) / MODELS[request.param]:
        if not path.is_file():
            pytest.skip(f"{path} is not there")
    return request.param


@pytest.fixture(scope="module")
def path(name) -> Path:
    return Path(FOLDER) / MODELS[name]


@pytest.fixture(scope="module")
def reference(name) -> dict:
    return json.loads((Path(DATA) / "real" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model(path):
    import inlay

    with inlay.Model.open(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def expected(name) -> dict[str, numpy.ndarray]:
    with numpy.load(Path(DATA) / "real" / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays}


class Found(NamedTuple):
    """What is asked of the model's log probabilities, in float64; those of all tokens are too many to keep."""

    top: numpy.ndarray  # [positions, 256] of the reference's likeliest tokens
    best: numpy.ndarray  # [positions] the likeliest token
    following: numpy.ndarray  # [positions - 1] of the text's next token


@pytest.fixture(scope="module")
def found(model, reference, expected) -> Found:
    ids, top, best, following = reference["ids"], [], [], []
    with model.session() as session:
        for begin in range(0, len(ids), 32):
            rows = session.eval_all(ids[begin : begin + 32]).astype(numpy.float64)
            rows -= rows.max(axis=1, keepdims=True)
            rows -= numpy.log(numpy.exp(rows).sum(axis=1, keepdims=True))
            for position, row in enumerate(rows, begin):
                top.append(row[expected["top_ids"][position]])
                best.append(row.argmax())
                following += [row[ids[position + 1]]] if position + 1 < len(ids) else []
    return Found(numpy.array(top), numpy.array(best), numpy.array(following))


def test_the_file_is_the_one_of_the_reference(path, reference):
    assert hashlib.sha256(path.read_bytes()).hexdigest() == reference["sha256"]


def test_text_becomes_the_same_tokens(model, reference):
    assert model.tokenize(reference["text"], add_special=True)[: len(reference["ids"])] == reference["ids"]
    for case in reference["greedy"]:
        assert model.tokenize(case["prompt"], add_special=True) == case["ids"]


def test_greedy_tokens_are_the_reference(model, reference):
    for case in reference["greedy"]:
        margins = case["top1_minus_top2"]
        decisive = next((i for i, margin in enumerate(margins) if margin < DECISIVE_MARGIN), len(margins))
        with model.session() as session:
            session.eval(case["ids"])
            made = []
            for _ in case["reference"]:
                made.append(session.sample())
                session.eval(made[-1:])
        same = next((i for i, (a, b) in enumerate(zip(made, case["reference"])) if a != b), len(made))
        print(f"{case['prompt']!r}: {same} of {len(made)} tokens equal, {decisive} needed")
        assert made[:decisive] == case["reference"][:decisive], case["prompt"]


def test_distributions_are_as_near_as_the_peers(reference, expected, found):
    """KL from the reference over its 256 likeliest tokens, all others taken as one."""
    theirs = expected["top_logprob"].astype(numpy.float64)
    ours = found.top
    assert theirs.shape == (reference["positions"], 256) and (numpy.diff(theirs, axis=1) <= 0).all()

    p, q = numpy.exp(theirs), numpy.exp(ours)
    rest_p, rest_q = 1 - p.sum(axis=1), 1 - q.sum(axis=1)
    assert (rest_q > 0).all()
    rest_p = numpy.maximum(rest_p, 1e-12)
    kl = (p * (theirs - ours)).sum(axis=1) + rest_p * numpy.log(rest_p / rest_q)
    agreement = (found.best == expected["top_ids"][:, 0]).mean()

    print(f"mean KL {kl.mean():.6f}, peer {reference['peer_mean_kl']:.6f}; max {kl.max():.4f}")
    print(f"top-1 agreement {agreement:.4f}, peer {reference['peer_top1_agreement']:.4f}")
    assert kl.mean() <= 1.05 * reference["peer_mean_kl"]
    assert agreement >= reference["peer_top1_agreement"] - 0.01


def test_the_text_is_as_probable(reference, expected, found):
    ours = found.following
    print(f"negative log-likelihood {-ours.mean():.5f}, reference {reference['reference_nll']:.5f}")
    assert expected["next_logprob"].shape == ours.shape
    assert abs(-ours.mean() - reference["reference_nll"]) < 0.01


needs_program = pytest.mark.skipif(not PROGRAM or not SMOLLM2.is_file(), reason="no INLAY_PROGRAM, or no SmolLM2")


@needs_program
def test_the_program_gives_the_same_bytes_in_every_way():
    reference = json.loads((Path(DATA) / "real" / "smollm2-135m-q4_1.json").read_text(encoding="utf-8"))

    def logits(*options: str) -> bytes:
        ids = ",".join(map(str, reference["ids"][:24]))
        arguments = [PROGRAM, "logits", SMOLLM2, "--ids", ids, "--all", "--raw", "-", *options]
        return subprocess.run(arguments, capture_output=True, check=True).stdout

    one = logits("--threads", "1")
    assert len(one) % (24 * 4) == 0 and len(one) > 0
    for options in (["--threads", "2"], ["--batch", "1"], ["--batch", "7"], ["--cpu", "scalar"]):
        assert logits(*options) == one, options


@needs_program
def test_the_program_answers():
    arguments = [PROGRAM, "run", SMOLLM2, "-p", "The capital of France is", "-n", "8", "-q"]
    assert b"Paris" in subprocess.run(arguments, capture_output=True, check=True).stdout
