"""all-MiniLM-L6-v2 from its folder, against transformers in float32: the same tokens, the same vectors.

INLAY_MINILM names the folder, INLAY_DATA the folder of reference data; without them these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy
import pytest

MODEL = os.environ.get("INLAY_MINILM", "")
REFERENCE = Path(os.environ.get("INLAY_DATA", "")) / "real" / "all-minilm-l6-v2.json"

needs_model = pytest.mark.skipif(not MODEL, reason="INLAY_MINILM is not set")
needs_reference = pytest.mark.skipif(not (MODEL and REFERENCE.is_file()),
                                     reason="INLAY_MINILM and INLAY_DATA are not both set")
LINES = ["The cat sits outside", "A man is playing guitar", "", "naïve café — 東京 №5", "word " * 90,
         "x", "Is it? It is!"]
TYPES = ("none", "q16_0")


@pytest.fixture(scope="module", params=TYPES)
def model(request):
    import inlay

    with inlay.Model.open(MODEL, quantize=request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def cases() -> list[dict]:
    return json.loads(REFERENCE.read_text(encoding="utf-8"))["cases"]


@needs_reference
def test_its_tokens_are_those_of_the_reference(model, cases):
    for case in cases:
        assert list(model.tokenize(case["text"], add_special=True)) == case["ids"], case["text"]


@needs_reference
def test_its_vectors_are_those_of_the_reference(model, cases):
    expected = numpy.array([case["embedding"] for case in cases], numpy.float64)
    expected /= numpy.linalg.norm(expected, axis=1, keepdims=True)
    with model.session() as session:
        found = numpy.array(session.embed([case["text"] for case in cases]), numpy.float64)
    assert numpy.abs(numpy.linalg.norm(found, axis=1) - 1).max() < 1e-6
    assert (found * expected).sum(axis=1).min() >= 0.99999


@needs_model
def test_vectors_with_integers_of_16_bits_are_near_those_of_floats():
    import inlay

    vectors = []
    for type_name in TYPES:
        with inlay.Model.open(MODEL, quantize=type_name) as opened, opened.session() as session:
            vectors.append(numpy.array(session.embed(LINES), numpy.float64))
    assert (vectors[0] * vectors[1]).sum(axis=1).min() >= 0.999999
    assert 0 < numpy.abs(vectors[0] - vectors[1]).max() < 2e-4


@needs_model
def test_the_program_makes_integers_of_16_bits_too():
    import inlay

    with inlay.Model.open(MODEL, quantize="q16_0") as opened, opened.session() as session:
        expected = numpy.array(session.embed(LINES[:2]))
    done = subprocess.run([os.environ["INLAY_PROGRAM"], "embed", MODEL, "--json", "--quantize", "q16_0"], check=True,
                          input="\n".join(LINES[:2]).encode(), capture_output=True)
    found = numpy.array([json.loads(line) for line in done.stdout.splitlines()], numpy.float32)
    assert (found == expected).all()


@needs_model
@pytest.mark.parametrize("type_name", TYPES)
def test_vectors_are_the_same_bits_on_every_cpu_level_and_in_any_company(type_name):
    import inlay

    expected = None
    for level in ("scalar", "avx2", "avxvnni", "avx512", "amx", "neon", "dotprod", "i8mm"):
        try:
            opened = inlay.Model.open(MODEL, quantize=type_name, cpu=level)
        except inlay.InlayError as problem:
            assert "this machine and build go up to" in str(problem)
            continue
        lines = LINES[:2] if level == "scalar" else LINES
        with opened, opened.session() as session:
            together = numpy.array(session.embed(lines))
            alone = numpy.concatenate([numpy.array(session.embed([line])) for line in lines])
        assert (together == alone).all(), level
        if expected is None:
            expected = together
        assert (together[:2] == expected[:2]).all(), level
