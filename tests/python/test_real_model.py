"""SmolLM2-135M-Instruct against transformers in float32: greedy text, distance of the distributions, and bits.

INLAY_SMOLLM2 names the model file, INLAY_DATA the folder of reference data; without them these tests are skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "bindings" / "python"))

MODEL = os.environ.get("INLAY_SMOLLM2", "")
DATA = os.environ.get("INLAY_DATA", "")
PROGRAM = os.environ.get("INLAY_PROGRAM", "")
NAME = "smollm2-135m-q4_1"

pytestmark = pytest.mark.skipif(not (MODEL and DATA), reason="INLAY_SMOLLM2 and INLAY_DATA are not both set")

DECISIVE_MARGIN = 0.5  # below it two correct implementations may choose differently


@pytest.fixture(scope="module")
def reference() -> dict:
    return json.loads((Path(DATA) / "real" / f"{NAME}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model():
    import inlay

    with inlay.Model.open(MODEL) as opened:
        yield opened


@pytest.fixture(scope="module")
def log_probabilities(model, reference) -> numpy.ndarray:
    """[positions, n_vocab] in float64"""
    with model.session() as session:
        logits = session.eval_all(reference["ids"]).astype(numpy.float64)
    logits -= logits.max(axis=1, keepdims=True)
    return logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def expected() -> dict[str, numpy.ndarray]:
    with numpy.load(Path(DATA) / "real" / f"{NAME}.npz") as arrays:
        return {name: arrays[name] for name in arrays}


def test_the_file_is_the_one_of_the_reference(reference):
    with open(MODEL, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == reference["sha256"]


def test_text_becomes_the_same_tokens(model, reference):
    assert model.tokenize(reference["text"])[: len(reference["ids"])] == reference["ids"]
    for case in reference["greedy"]:
        assert model.tokenize(case["prompt"]) == case["ids"]


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


def test_distributions_are_as_near_as_the_peers(reference, expected, log_probabilities):
    """KL from the reference over its 256 likeliest tokens, all others taken as one."""
    theirs = expected["top_logprob"].astype(numpy.float64)
    ours = numpy.take_along_axis(log_probabilities, expected["top_ids"].astype(numpy.int64), axis=1)
    assert theirs.shape == (reference["positions"], 256) and (numpy.diff(theirs, axis=1) <= 0).all()

    p, q = numpy.exp(theirs), numpy.exp(ours)
    rest_p, rest_q = 1 - p.sum(axis=1), 1 - q.sum(axis=1)
    assert (rest_q > 0).all()
    rest_p = numpy.maximum(rest_p, 1e-12)
    kl = (p * (theirs - ours)).sum(axis=1) + rest_p * numpy.log(rest_p / rest_q)
    agreement = (log_probabilities.argmax(axis=1) == expected["top_ids"][:, 0]).mean()

    print(f"mean KL {kl.mean():.6f}, peer {reference['peer_mean_kl']:.6f}; max {kl.max():.4f}")
    print(f"top-1 agreement {agreement:.4f}, peer {reference['peer_top1_agreement']:.4f}")
    assert kl.mean() <= 1.05 * reference["peer_mean_kl"]
    assert agreement >= reference["peer_top1_agreement"] - 0.01


def test_the_text_is_as_probable(reference, expected, log_probabilities):
    following = numpy.array(reference["ids"][1:])
    ours = log_probabilities[numpy.arange(len(following)), following]
    print(f"negative log-likelihood {-ours.mean():.5f}, reference {reference['reference_nll']:.5f}")
    assert expected["next_logprob"].shape == ours.shape
    assert abs(-ours.mean() - reference["reference_nll"]) < 0.01


@pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")
def test_the_program_gives_the_same_bytes_in_every_way(reference):
    def logits(*options: str) -> bytes:
        ids = ",".join(map(str, reference["ids"][:24]))
        arguments = [PROGRAM, "logits", MODEL, "--ids", ids, "--all", "--raw", "-", *options]
        return subprocess.run(arguments, capture_output=True, check=True).stdout

    one = logits("--threads", "1")
    assert len(one) % (24 * 4) == 0 and len(one) > 0
    for options in (["--threads", "2"], ["--batch", "1"], ["--batch", "7"], ["--cpu", "scalar"]):
        assert logits(*options) == one, options


@pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")
def test_the_program_answers(reference):
    arguments = [PROGRAM, "run", MODEL, "-p", "The capital of France is", "-n", "8", "-q"]
    assert b"Paris" in subprocess.run(arguments, capture_output=True, check=True).stdout
