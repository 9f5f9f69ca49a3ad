"""Several sequences of one session, in every family: batches and forks give each the bits that it has alone.

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
N_SEQUENCES, N_CONTEXT, N_STEPS = 4, 300, 25

pytestmark = pytest.mark.skipif(not (os.environ.get("INLAY_DATA") and DATA.is_dir()),
                                reason="INLAY_DATA does not name the folder of reference data")


class Together:
    """A session of several sequences, and one that reads each of them alone."""

    def __init__(self, model, seed: int, room: int):
        self.random = random.Random(seed)
        self.n_vocab, self.room = model.n_vocab, room
        self.together = model.session(sequences=N_SEQUENCES, context=room, batch=64)
        self.alone = model.session(context=room, batch=50)
        self.texts: list[list[int]] = [[] for _ in range(N_SEQUENCES)]

    def check(self, sequence: int) -> None:
        self.together.sequence = sequence
        self.alone.truncate(0)
        self.alone.eval(self.texts[sequence])
        assert self.together.length == len(self.texts[sequence])
        assert numpy.array_equal(self.together.logits.view(numpy.uint32), self.alone.logits.view(numpy.uint32))

    def eval(self) -> None:
        runs = {}
        most = self.random.choice([1, 1, 20, 90])
        for sequence in self.random.sample(range(N_SEQUENCES), self.random.randint(1, N_SEQUENCES)):
            n = min(self.random.randint(1, most), self.room - len(self.texts[sequence]))
            if n > 0:
                runs[sequence] = [self.random.randrange(self.n_vocab) for _ in range(n)]
        if runs:
            self.together.eval_batch(runs)
        for sequence, tokens in runs.items():
            self.texts[sequence] += tokens
            self.check(sequence)

    def fork(self) -> None:
        source, target = self.random.randrange(N_SEQUENCES), self.random.randrange(N_SEQUENCES)
        self.together.fork(source, target)
        self.texts[target] = list(self.texts[source])

    def empty(self) -> None:
        sequence = self.random.randrange(N_SEQUENCES)
        self.together.sequence = sequence
        self.together.truncate(0)
        self.texts[sequence] = []


@pytest.mark.parametrize("name", CAUSAL)
def test_sequences_together_have_the_bits_of_each_alone(name):
    import inlay

    with inlay.Model.open(DATA / name) as model:
        with model.session() as session:
            both = Together(model, 5, min(N_CONTEXT, session.context))
        for _ in range(N_STEPS):
            both.random.choice([both.eval, both.eval, both.eval, both.fork, both.empty])()
        both.together.close()
        both.alone.close()


def test_an_error_names_the_run_and_changes_no_sequence():
    import inlay

    with inlay.Model.open(DATA / "llama") as model, model.session(sequences=2, context=64) as session:
        session.eval_batch({0: [1, 2, 3], 1: [4]})
        before = session.logits
        with pytest.raises(inlay.InlayError, match="run 1 of 2, of sequence 1: token 0 of 1 is 1000000, outside"):
            session.eval_batch({0: [5], 1: [1000000]})
        with pytest.raises(inlay.InlayError, match="inlay_eval_batch: sequence 2 is not there, the session has 0 to 1"):
            session.eval_batch({2: [5]})
        with pytest.raises(inlay.InlayError, match="inlay_sequence_fork: sequence -1 is not there"):
            session.fork(-1, 0)
        with pytest.raises(inlay.InlayError, match="sequence 7 is not there"):
            session.sequence = 7
        assert session.sequence == 0 and session.length == 3
        assert numpy.array_equal(session.logits, before)


def test_sequences_of_an_encoder_are_refused():
    import inlay

    with inlay.Model.open(DATA / "bert") as model:
        with pytest.raises(inlay.UnsupportedError, match="option 'sequences' is 2, but architecture 'bert'"):
            model.session(sequences=2)


LEARNT = {"gpt1", "gpt2", "opt"}
RECURRENT = {"mamba", "mamba2", "lfm2-conv", "recurrentgemma", "rwkv4", "lstm"}


@pytest.mark.parametrize("name", CAUSAL)
def test_what_is_taken_out_leaves_the_same_bits_in_shared_and_saved_sequences(name):
    import inlay

    numbers = random.Random(name)
    with inlay.Model.open(DATA / name) as model, model.session(sequences=2) as one, model.session(threads=1) as other:
        text = [numbers.randrange(model.n_vocab) for _ in range(40)]
        one.eval(text)
        other.eval(text)
        if name in LEARNT | RECURRENT:
            with pytest.raises(inlay.UnsupportedError, match="taken out of the midst"):
                one.drop(3, 9)
            assert one.length == 40
            return
        one.fork(0, 1)
        for session in (one, other):
            session.drop(3, 20)
            session.eval(text[:7])
        assert one.length == other.length == 30
        assert numpy.array_equal(one.logits.view(numpy.uint32), other.logits.view(numpy.uint32))
        one.sequence = 1  # which noticed nothing
        one.eval(text[:7])
        other.truncate(0)
        other.eval(text + text[:7])
        assert numpy.array_equal(one.logits.view(numpy.uint32), other.logits.view(numpy.uint32))
