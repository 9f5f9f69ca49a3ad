"""Stages of sampling and stop texts on the command line."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "bindings" / "python" / "tests"))

import tiny  # noqa: E402 - the model that the tests of the bindings use

import inlay  # noqa: E402

PROGRAM = os.environ.get("INLAY_PROGRAM", "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(tiny.write(tmp_path_factory.mktemp("cli") / "tiny.gguf", endless=True))


def run(*arguments: str) -> bytes:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def text_of(model: str, *arguments: str) -> bytes:
    return run("run", model, "-q", "-n", "40", "-p", "hello world", *arguments)


def test_the_stages_of_the_command_line_are_those_of_the_library(model):
    found = text_of(
        model, "--temp", "0.9", "--seed", "4", "--repeat-penalty", "1.3", "--presence-penalty", "0.2", "--top-n-sigma",
        "2", "--top-k", "60", "--typical", "0.95", "--min-p", "0.01", "--top-p", "0.98", "--xtc-probability", "0.4",
        "--ban", "7,8", "--bias", "9=1.5",
    )  # fmt: skip
    with inlay.Model.open(model) as opened, opened.session() as session:
        sampler = inlay.Sampler(opened.n_vocab, seed=4).bias({9: 1.5}).banned([7, 8])
        sampler.penalties(1.3, presence=0.2).top_n_sigma(2).top_k(60).typical(0.95).min_p(0.01).top_p(0.98)
        sampler.xtc(0.4).temperature(0.9)
        expected = "".join(session.generate("hello world", 40, sampler=sampler))
    assert found == expected.encode() + b"\n"
    assert found != text_of(model, "--temp", "0.9", "--seed", "4")


def test_mirostat_on_the_command_line_is_that_of_the_library(model):
    found = text_of(model, "--temp", "1", "--mirostat", "2", "--mirostat-tau", "4", "--seed", "4")
    with inlay.Model.open(model) as opened, opened.session() as session:
        sampler = inlay.Sampler(opened.n_vocab, seed=4).temperature(1).mirostat_v2(4)
        assert found == "".join(session.generate("hello world", 40, sampler=sampler)).encode() + b"\n"


def test_guesses_of_the_command_line_change_no_text(model):
    expected = text_of(model, "--temp", "0.5", "--seed", "4")
    assert text_of(model, "--temp", "0.5", "--seed", "4", "--lookup") == expected
    assert text_of(model, "--temp", "0.5", "--seed", "4", "--draft", model) == expected
    done = subprocess.run([PROGRAM, "run", model, "-p", "a", "--draft", model, "--lookup"], capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 2 and b"exclude" in done.stderr


def test_text_ends_before_a_stop_text_that_runs_across_tokens(model):
    whole = text_of(model).decode()
    with inlay.Model.open(model) as opened, opened.session() as session:
        for begin in range(2, len(whole) - 8, 3):
            stop = whole[begin : begin + 6]
            expected = whole[: whole.index(stop)]
            assert text_of(model, "--stop", "never comes", "--stop", stop).decode() == expected + "\n"
            session.truncate(0)
            assert "".join(session.generate("hello world", 40, stop=["never comes", stop])) == expected


@pytest.mark.parametrize("arguments", [
    ["--mirostat", "3"], ["--mirostat", "2", "--mirostat-eta", "2"], ["--bias", "1"], ["--bias", "1=x"],
    ["--bias", "99999999=1"], ["--ban", "99999999"], ["--typical", "2"], ["--dry-base", "nan"], ["--stop", ""],
    ["--xtc-threshold", "a"], ["--dry-allowed", "1.5"],
])  # fmt: skip
def test_values_that_make_no_sense_exit_with_2(model, arguments):
    done = subprocess.run([PROGRAM, "run", model, "-p", "a", *arguments], capture_output=True, timeout=60, check=False)
    message = done.stderr.decode()
    assert done.returncode == 2, message
    assert message.startswith("inlay: ") and message.count("\n") == 1


def test_a_saved_state_goes_on_with_the_text(model, tmp_path):
    state = str(tmp_path / "talk.state")
    whole = run("run", model, "-q", "-n", "30", "-p", "hello world").decode()
    for speculation in [], ["--lookup"]:
        first = run("run", model, "-q", "-n", "12", "-p", "hello world", "--save-state", state, *speculation).decode()
        second = run("run", model, "-q", "-n", "18", "-p", "", "--load-state", state, *speculation).decode()
        assert first[:-1] + second == whole or speculation and whole.startswith(first[:-1])
    refused = subprocess.run([PROGRAM, "run", model, "-p", "x", "--load-state", model], capture_output=True, check=False)
    assert refused.returncode == 1 and b"are not a saved state" in refused.stderr
    seen = subprocess.run(
        [PROGRAM, "chat", model, "-n", "3", "--timing", "--save-state", state], input=b"hello world\n", capture_output=True, check=True
    )
    again = subprocess.run(
        [PROGRAM, "chat", model, "-n", "3", "--timing", "--load-state", state], input=b"hello world\n", capture_output=True, check=True
    )
    assert again.stdout == seen.stdout and b", 1 of them new" in again.stderr


def test_a_chat_with_guesses_says_the_same(model):
    for lines in b"hello world hello world\nagain, hello\n", b"the\n":
        said = subprocess.run([PROGRAM, "chat", model, "-n", "25"], input=lines, capture_output=True, check=True)
        for guesses in ["--lookup"], ["--draft", model]:
            sooner = subprocess.run(
                [PROGRAM, "chat", model, "-n", "25", *guesses], input=lines, capture_output=True, check=True
            )
            assert sooner.stdout == said.stdout


def test_a_text_is_scored(model):
    found = json.loads(run("score", model, "--json", "-p", "hello world"))
    with inlay.Model.open(model) as opened, opened.session() as session:
        ids = opened.tokenize("hello world", add_special=True)
        logs = session.score(ids)
    assert [token["id"] for token in found["tokens"]] == ids
    assert found["tokens"][0]["log_probability"] is None
    assert [token["log_probability"] for token in found["tokens"][1:]] == pytest.approx(logs[1:], abs=1e-5)
    assert found["log_probability"] == pytest.approx(sum(logs), rel=1e-6)
    assert found["perplexity"] == pytest.approx(math.exp(-sum(logs) / (len(logs) - 1)), rel=1e-6)
    assert json.loads(run("score", model, "-j", "--ids", ",".join(map(str, ids)))) == found
    lines = run("score", model, "-p", "hello world").decode().splitlines()
    assert len(lines) == len(ids) + 1 and f"{len(ids) - 1} tokens, log-probability" in lines[-1]
    parts = json.loads(run("score", model, "--json", "--context", "4", "-p", "hello world"))["tokens"]
    assert [token["log_probability"] is None for token in parts] == [i % 4 == 0 for i in range(len(ids))]
