"""Sessions: logits, sampling, generation, cancelling, callbacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy
import pytest

import inlay

PROMPT = [5, 90, 17, 200, 33, 64, 128, 7, 99, 101]


def bits(logits) -> bytes:
    return numpy.asarray(logits, dtype=numpy.float32).tobytes()


def test_rows_of_logits_are_those_of_the_last_position(model):
    with model.session() as one, model.session() as other:
        rows = one.eval_all(PROMPT)
        assert rows.shape == (len(PROMPT), model.n_vocab) and rows.dtype == numpy.float32
        assert bits(rows[-1]) == bits(one.logits)
        for position, token in enumerate(PROMPT):
            other.eval([token])
            assert bits(other.logits) == bits(rows[position])
        assert one.length == other.length == len(PROMPT)


def test_slices_change_no_bit_and_can_be_given_up(model):
    with model.session() as one, model.session() as other:
        one.eval(PROMPT)
        other.begin(PROMPT)
        assert not other.step(0)
        with pytest.raises(inlay.StateError, match="pending"):
            other.eval([1])
        while not other.step(20e-6):
            pass
        assert bits(other.logits) == bits(one.logits)
        other.begin([1, 2, 3])
        other.abandon()
        assert other.length == len(PROMPT) and bits(other.logits) == bits(one.logits)


def test_a_saved_sequence_goes_on_elsewhere(model, tmp_path):
    with model.session() as one, model.session(sequences=2, sequence=1) as other:
        one.eval(PROMPT)
        state = one.save()
        other.load(state)
        assert other.length == len(PROMPT) and bits(other.logits) == bits(one.logits) and other.save() == state
        one.save_file(tmp_path / "state")
        other.load_file(tmp_path / "state", 0)
        other.sequence = 0
        one.eval([5])
        other.eval([5])
        assert bits(other.logits) == bits(one.logits)
        with pytest.raises(inlay.InlayError, match="damaged"):
            other.load(state[:-1])
        with pytest.raises(inlay.InlayError, match="sequence 2 is not there"):
            other.save(2)


def test_the_best_of_several_answers_is_the_most_probable(model):
    scores = []
    for n in 1, 4:
        with model.session(sequences=5) as session:
            session.eval(PROMPT)
            tokens, score = session.best_of(n, 6, 0.0, inlay.Sampler(model.n_vocab, seed=2).temperature(2))
            assert len(tokens) <= 6 and session.length == len(PROMPT)
            session.truncate(len(PROMPT) - 1)
            logs = session.score(PROMPT[-1:] + tokens)[1:]
            assert len(tokens) < 6 or score == pytest.approx(sum(logs), rel=1e-4)
            scores.append(score)
    assert scores[1] >= scores[0]


def test_of_a_prompt_only_what_is_new_is_read(model):
    with model.session() as one, model.session(keep=3, keep_tokens=4096) as other:
        one.eval(PROMPT)
        assert other.eval_prompt(PROMPT[:3] + [1, 2, 3]) == 0 and other.kept == 0
        assert other.eval_prompt(PROMPT) == 3 and other.kept == 1
        assert bits(other.logits) == bits(one.logits)
        other.keep()
        assert other.recall(PROMPT[:3] + [1, 2, 4]) == 5 and other.length == 5
        other.forget()
        assert other.kept == 0 and other.recall(PROMPT) == 3
        with pytest.raises(inlay.ContextFullError):
            other.eval_prompt([1] * (other.context + 1))


@pytest.mark.parametrize("options", [{"batch": 1}, {"batch": 3}, {"threads": 1}, {"threads": 3}])
def test_batch_and_threads_change_no_bit(model, options):
    with model.session() as one, model.session(**options) as other:
        assert bits(one.eval_all(PROMPT)) == bits(other.eval_all(PROMPT))


def test_the_scalar_kernels_give_the_same_bits(model, tiny_path, session):
    with inlay.Model.open(tiny_path, cpu="scalar") as scalar, scalar.session() as other:
        assert bits(session.eval_all(PROMPT)) == bits(other.eval_all(PROMPT))


def test_logits_without_numpy(tiny_path):
    program = """
import sys
sys.modules["numpy"] = None
import inlay
with inlay.Model.open(sys.argv[1]) as model, model.session() as session:
    rows = session.eval_all([5, 6, 7])
    assert isinstance(rows, memoryview) and rows.shape == (3, model.n_vocab) and rows.format == "f"
    logits = session.logits
    assert isinstance(logits, memoryview)
    assert logits.tolist() == rows.tolist()[2]
    best = max(range(model.n_vocab), key=logits.__getitem__)
    assert session.sample() == best
    session.set_logits([0.0] * 9 + [1.0] + [0.0] * (model.n_vocab - 10))
    assert session.sample() == 9
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(inlay.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program, str(tiny_path)], check=True, env=environment)


def test_greedy_sampling_takes_the_greatest_logit(session):
    session.eval(PROMPT)
    assert session.sample() == int(numpy.argmax(session.logits))


def test_set_logits_changes_the_choice(session):
    session.eval(PROMPT)
    logits = session.logits
    best = session.sample()
    logits[best] = -numpy.inf
    assert session.sample() == best  # logits are a copy
    session.set_logits(logits)
    assert session.sample() == int(numpy.argmax(logits)) != best
    with pytest.raises(ValueError):
        session.set_logits([1.0])


def test_the_same_seed_gives_the_same_text(model):
    def text(seed: int) -> str:
        with model.session(temperature=1.5, seed=seed) as session:
            return "".join(session.generate("hello", 24))

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(8)}) > 1


def test_sampling_options_can_change(session):
    session.eval(PROMPT)
    greedy = session.sample()
    session.set(temperature=2.0, top_k=1, seed=7)
    assert session.sample() == greedy
    session.set(top_k=0)
    assert len({session.sample() for _ in range(50)}) > 1
    with pytest.raises(inlay.ArgumentError):
        session.set(temperature=float("nan"))
    with pytest.raises(inlay.StateError):
        session.set(context=10)
    with pytest.raises(TypeError):
        session.set(heat=1)


def test_truncate_goes_back(session):
    session.eval(PROMPT)
    before = bits(session.logits)
    session.eval([40, 41])
    session.truncate(len(PROMPT) - 1)
    with pytest.raises(inlay.StateError):
        session.sample()
    session.eval(PROMPT[-1:])
    assert bits(session.logits) == before and session.length == len(PROMPT)
    for length in (-1, 1000):
        with pytest.raises(inlay.ArgumentError):
            session.truncate(length)


def test_bad_tokens_leave_the_sequence(session):
    session.eval(PROMPT)
    for bad in ([-1], [5, 10**6], [2**40], [-(2**31)]):
        with pytest.raises(inlay.TokenError):
            session.eval(bad)
    with pytest.raises(inlay.ArgumentError):
        session.eval([])
    with pytest.raises(TypeError):
        session.eval("text")
    assert session.length == len(PROMPT)


def test_a_full_context_is_an_error_for_eval_and_an_end_for_generate(model):
    with model.session(context=12) as session:
        with pytest.raises(inlay.ContextFullError):
            session.eval([5] * 13)
        assert session.length == 0
        session.eval(PROMPT)
        list(session.generate((), None))
        assert session.length <= 12
        with pytest.raises(inlay.ContextFullError):
            list(session.generate([5] * 20))


def test_generate_is_sampling_and_evaluating(model, session):
    tokens = model.tokenize("hello world", add_special=True)
    session.eval(tokens)
    expected = []
    while len(expected) < 16:
        token = session.sample()
        if model.is_end(token):
            break
        expected.append(token)
        session.eval([token])
    session.truncate(0)
    pieces = list(session.generate("hello world", 16))
    assert "".join(pieces) == model.detokenize(expected)
    assert all(pieces)


def test_generate_reads_long_prompts_in_batches(model):
    tokens = [5 + i % 200 for i in range(50)]
    with model.session(batch=8) as one, model.session() as other:
        assert list(one.generate(tokens, 4)) == list(other.generate(tokens, 4))


def test_text_stream_never_splits_a_character(model):
    text = "é漢🎉"
    stream = inlay.TextStream(model)
    pieces = [stream.add(token) for token in model.tokenize(text)]
    assert "".join(pieces) == text and "" in pieces and stream.finish() == ""
    stream.add(model.tokenize("漢")[0])
    assert stream.finish() == "\ufffd"


def test_state_errors(model):
    session = model.session()
    with pytest.raises(inlay.StateError):
        session.sample()
    with pytest.raises(inlay.StateError):
        session.logits
    session.close()
    session.close()
    session.cancel()
    with pytest.raises(inlay.StateError):
        session.eval([5])


def test_cancel_from_another_thread(model):
    """Cancels until one lands in a running call, then the session goes on."""
    with model.session(context=128) as session:
        stop = threading.Event()

        def canceller():
            while not stop.is_set():
                session.cancel()

        thread = threading.Thread(target=canceller)
        thread.start()
        cancelled = 0
        deadline = time.monotonic() + 20
        try:
            while not cancelled and time.monotonic() < deadline:
                try:
                    session.truncate(0)
                    session.eval([5] * 120)
                except inlay.CancelledError:
                    cancelled += 1
                    assert session.length == 0
        finally:
            stop.set()
            thread.join()
        assert cancelled
        session.truncate(0)
        session.eval(PROMPT)
        assert session.length == len(PROMPT)


def test_two_threads_in_one_session_are_refused(model):
    entered, leave = threading.Event(), threading.Event()

    def wait(done, total):
        entered.set()
        leave.wait(20)

    with model.session(progress=wait) as session:
        thread = threading.Thread(target=session.eval, args=(PROMPT,))
        thread.start()
        assert entered.wait(20)
        with pytest.raises(inlay.BusyError):
            session.eval([5])
        with pytest.raises(inlay.BusyError):
            session.close()
        leave.set()
        thread.join()
        assert session.length == len(PROMPT)


def test_sessions_run_in_parallel_on_one_model(model):
    with model.session() as session:
        expected = "".join(session.generate("hello", 16))
    found = []

    def work():
        with model.session(threads=1) as mine:
            found.append("".join(mine.generate("hello", 16)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_progress_of_an_evaluation(model):
    told = []
    with model.session(batch=4, progress=lambda done, total: told.append((done, total))) as session:
        session.eval(PROMPT)
        assert told[-1] == (len(PROMPT), len(PROMPT)) and [done for done, _ in told] == sorted(d for d, _ in told)


def test_an_exception_in_a_callback_cancels_and_is_raised(model):
    calls = []

    def fail(done, total):
        calls.append(done)
        raise LookupError("from the callback")

    with model.session(batch=1, progress=fail) as session:
        with pytest.raises(LookupError, match="from the callback"):
            session.eval(PROMPT)
        assert session.length == 0 and len(calls) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill cannot send SIGINT there")
def test_ctrl_c_during_a_callback_stops_the_call(model):
    def interrupt(done, total):
        if done < total:
            os.kill(os.getpid(), signal.SIGINT)

    with model.session(batch=1, progress=interrupt) as session:
        with pytest.raises(KeyboardInterrupt):
            session.eval(PROMPT)
        assert session.length == 0


@pytest.mark.skipif(sys.platform == "win32", reason="pthread_kill cannot send SIGINT there")
def test_ctrl_c_between_callbacks_stops_the_call(model):
    """The signal arrives while C code runs; Python raises it at the entry of the next callback."""
    main = threading.main_thread().ident
    begun = threading.Event()

    def interrupt():
        begun.wait(20)
        signal.pthread_kill(main, signal.SIGINT)

    with model.session(batch=1, progress=lambda done, total: begun.set()) as session:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in range(2000):
                session.truncate(0)
                session.eval([5] * 100)
        thread.join()
    assert sys.unraisablehook is not None


def test_smollm2_answers(smollm2):
    with inlay.Model.open(smollm2) as model, model.session() as session:
        text = "".join(session.generate("The capital of France is", 8))
    assert "Paris" in text


def test_tokens_are_taken_out_of_the_midst(model):
    with model.session() as one, model.session() as other:
        for session in (one, other):
            session.eval(PROMPT)
            before = bits(session.logits)
            session.drop(2, 5)
            assert session.length == len(PROMPT) - 3 and bits(session.logits) == before
            session.eval([7, 8])
        assert bits(one.logits) == bits(other.logits)
        with pytest.raises(inlay.ArgumentError, match="sequence has 9"):
            one.drop(5, 10)
        with pytest.raises(inlay.ArgumentError):
            one.drop(-1, 2)


def test_speculation_gives_the_same_text(model):
    prompt = PROMPT * 3
    with model.session() as plain, model.session() as session, model.session() as draft:
        expected = "".join(plain.generate(prompt, max_tokens=40, temperature=0.5, seed=3))
        with inlay.Speculator(model.n_vocab, guesses=8) as speculator:
            found = "".join(session.generate(prompt, 40, speculator=speculator, temperature=0.5, seed=3))
            assert found == expected
            session.truncate(0)
            speculator.reset()
            pieces = session.generate(prompt, 40, speculator=speculator, draft=draft, temperature=0.5, seed=3)
            assert "".join(pieces) == expected
            assert speculator.kept > 0 and speculator.calls > 0
        with pytest.raises(ValueError, match="speculator"):
            session.generate(prompt, draft=draft)


def test_what_a_session_did_comes_out_equal_elsewhere(tiny_path, tmp_path):
    path = tmp_path / "session.rec"
    with inlay.Model.open(tiny_path) as model, model.session(temperature=0.8, seed=3) as session:
        with session.recording(path):
            "".join(session.generate("hello", max_tokens=10))
            session.truncate(2)
        told = model.replay(path)
        assert told["equal"] == 1 and told["record"] == -1 and told["tokens"] > 2 and told["same_model"] == 1
    with inlay.Model.open(tiny_path, cpu="scalar") as model:
        assert model.replay(path, threads=1)["equal"] == 1
        data = bytearray(path.read_bytes())
        data[-9] ^= 1
        path.write_bytes(data)
        with pytest.raises(inlay.FormatError):
            model.replay(path)
