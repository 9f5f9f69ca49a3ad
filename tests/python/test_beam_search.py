"""Beam search against its definition over single evaluations."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy
import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "bindings" / "python" / "tests"))

import tiny  # noqa: E402 - the model that the tests of the bindings use

import inlay  # noqa: E402


def log_probabilities(session: inlay.Session, tokens: list[int]) -> numpy.ndarray:
    session.truncate(0)
    session.eval(tokens)
    logits = session.logits.astype(numpy.float64)
    return logits - logits.max() - numpy.log(numpy.exp(logits - logits.max()).sum())


def search(session, is_end, prompt: list[int], n: int, most: int, penalty: float) -> tuple[list[int], float]:
    """Beam search with n beams: of all successors the 2n best are looked at, those that end count if they are among the
    n best, and the n best others live on. The best answer by the sum of logarithms over length^penalty."""
    beams: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    for length in range(1, most + 1):
        successors = []
        for number, (total, answer) in enumerate(beams):
            logs = log_probabilities(session, prompt + answer)
            for token in numpy.argsort(-logs, kind="stable")[: 2 * n]:
                successors.append((total + logs[token], number, answer, int(token)))
        successors.sort(key=lambda found: -found[0])
        beams = []
        for rank, (total, _, answer, token) in enumerate(successors[: 2 * n]):
            if len(beams) == n:
                break
            if is_end(token):
                if rank < n:
                    finished.append((total / length**penalty, answer))
            else:
                beams.append((total, answer + [token]))
    finished += [(total / most**penalty, answer) for total, answer in beams]
    score, answer = max(finished, key=lambda found: found[0])
    return answer, score


@pytest.mark.parametrize("seed", range(1, 6))
def test_beam_search_finds_what_its_definition_finds(seed: int, tmp_path: Path):
    path = tiny.write(tmp_path / "tiny.gguf", seed=seed)
    n_ended = 0
    with inlay.Model.open(path) as model, model.session(sequences=6) as session, model.session() as single:
        prompt = model.tokenize("hello world")
        for n, most, penalty in [(1, 6, 0), (2, 6, 1), (3, 8, 0.5), (4, 7, 2), (5, 5, 0)]:
            session.truncate(0)
            session.eval(prompt)
            before = session.logits
            found, score = session.beam_search(n, most, penalty)
            expected, best = search(single, model.is_end, prompt, n, most, penalty)
            assert found == expected, (n, most, penalty)
            assert abs(score - best) < 1e-4
            assert session.length == len(prompt) and (session.logits == before).all()
            n_ended += len(found) < most
    assert n_ended > 0 or seed != 3, "no answer ends by itself"


def test_one_beam_is_the_most_probable_token_again_and_again(tmp_path: Path):
    path = tiny.write(tmp_path / "tiny.gguf", endless=True)
    with inlay.Model.open(path) as model, model.session(sequences=2) as session:
        session.eval(model.tokenize("hello"))
        found, _ = session.beam_search(1, 20)
        greedy = []
        for _ in range(20):
            greedy.append(session.sample())
            session.eval(greedy[-1:])
        assert found == greedy


def test_more_beams_than_sequences_are_refused_and_nothing_changes(tmp_path: Path):
    path = tiny.write(tmp_path / "tiny.gguf")
    with inlay.Model.open(path) as model, model.session(sequences=3, context=32) as session:
        with pytest.raises(inlay.StateError):
            session.beam_search(2, 5)
        session.eval(model.tokenize("hello"))
        for arguments in [(0, 5), (3, 5), (2, 0), (2, 5, -1.0), (2, 5, float("nan"))]:
            with pytest.raises(inlay.ArgumentError):
                session.beam_search(*arguments)
        with pytest.raises(inlay.ContextFullError):
            session.beam_search(2, 40)
        assert session.length == len(model.tokenize("hello"))
