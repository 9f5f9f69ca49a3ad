"""Speculation in every family: guesses, looked up or of a draft, change no bit of what is generated.

INLAY_DATA names the folder of reference data; without it these tests are skipped.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy
import pytest

from test_tiny_folders import CAUSAL

DATA = Path(os.environ.get("INLAY_DATA", "")) / "tiny"
N_CONTEXT, N_ANSWER = 120, 60

pytestmark = pytest.mark.skipif(not (os.environ.get("INLAY_DATA") and DATA.is_dir()),
                                reason="INLAY_DATA does not name the folder of reference data")


def plain(session, prompt: list[int]) -> tuple[list[int], list[bytes]]:
    """Tokens chosen one by one, and the bits of the logits after each number of them."""
    session.eval(prompt)
    answer, rows = [], [numpy.array(session.logits).tobytes()]
    for _ in range(N_ANSWER):
        answer.append(session.sample())
        session.eval(answer[-1:])
        rows.append(numpy.array(session.logits).tobytes())
    return answer, rows


def check(session, draft, n_vocab: int, prompt: list[int], answer: list[int], rows: list[bytes]) -> int:
    import inlay

    for one in (session, draft):
        if one is not None:
            one.eval(prompt)
    found: list[int] = []
    with inlay.Speculator(n_vocab, guesses=6, text=100) as speculator:
        speculator.accept(prompt)
        while len(found) < N_ANSWER:
            found += session.speculate(speculator, N_ANSWER - len(found), draft=draft)
            assert found == answer[: len(found)]
            assert numpy.array(session.logits).tobytes() == rows[len(found)]
        assert speculator.kept <= speculator.guessed and speculator.calls + speculator.kept == N_ANSWER
        return speculator.kept


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("name", CAUSAL)
def test_speculation_changes_no_bit(name, temperature):
    import inlay

    numbers = random.Random(name)
    options = {"context": N_CONTEXT, "temperature": temperature, "seed": 5, "threads": 1}
    with inlay.Model.open(DATA / name) as model:
        prompt = [numbers.randrange(model.n_vocab) for _ in range(15)] * 2
        with model.session(**options) as session:
            answer, rows = plain(session, prompt)
        with model.session(**options) as session:
            check(session, None, model.n_vocab, prompt, answer, rows)
        with model.session(**options) as session, model.session(sequences=2, **options) as draft:
            assert check(session, draft, model.n_vocab, prompt, answer, rows) >= N_ANSWER / 2  # it guesses what it chooses
