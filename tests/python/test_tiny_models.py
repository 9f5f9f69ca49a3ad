"""Small models of every family, written as GGUF by the gguf package, against transformers in float32.

INLAY_DATA names the folder of reference data; without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy
import pytest

DATA = Path(os.environ.get("INLAY_DATA", "")) / "tiny"
CAUSAL = ("bloom-alibi", "falcon", "gemma2", "gemma3", "gpt-neox", "gpt1", "gpt2", "granite", "llama", "llama-3-rope",
          "lfm2-conv", "lstm", "mamba", "mamba2", "mistral-swa", "mixtral", "olmo2", "opt", "phi3", "qwen2", "qwen3", "qwen3-moe",
          "recurrentgemma", "rwkv4", "smollm3-nope")
TYPE_F32 = 0

pytestmark = pytest.mark.skipif(not (os.environ.get("INLAY_DATA") and DATA.is_dir()),
                                reason="INLAY_DATA does not name the folder of reference data")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The GGUF file of a small model, written when it is first asked for."""
    import tiny_gguf

    folder, made = tmp_path_factory.mktemp("tiny"), {}

    def file_of(name: str) -> str:
        if name not in made:
            made[name] = folder / f"{name}.gguf"
            tiny_gguf.convert(DATA / name, made[name])
        return str(made[name])

    return file_of


def golden(name: str) -> dict:
    return json.loads((DATA / name / "golden.json").read_text(encoding="utf-8"))


def check_logits(found: numpy.ndarray, case: dict) -> float:
    """Returns the greatest difference as a part of what is allowed."""
    expected = numpy.array(case["logits_last"])
    most = 2e-4 * max(1.0, float(numpy.abs(expected).max()))
    difference = float(numpy.abs(found[-1] - expected).max())
    assert found.argmax(axis=1).tolist() == case["argmax_all"]
    assert difference <= most
    return difference / most


@pytest.mark.parametrize("name", CAUSAL)
def test_a_causal_decoder_gives_the_reference_logits_and_tokens(name, files):
    import inlay

    worst = 0.0
    with inlay.Model.open(files(name)) as model:
        for case in golden(name)["cases"]:
            with model.session(cache_type=TYPE_F32) as session:
                worst = max(worst, check_logits(session.eval_all(case["ids"]), case))
                made = []
                greedy = case.get("greedy16", [])  # the LSTM's reference has none
                for _ in greedy:
                    made.append(session.sample())
                    session.eval(made[-1:])
                assert made == greedy
    print(f"{name}: at most {worst:.4f} of the difference allowed")


@pytest.mark.parametrize("name", CAUSAL)
def test_every_way_of_running_gives_the_same_bits(name, files):
    import inlay

    ids = max((case["ids"] for case in golden(name)["cases"]), key=len)
    with inlay.Model.open(files(name)) as model:
        with model.session(threads=1) as session:
            expected = session.eval_all(ids).tobytes()
        for options in ({"threads": 2}, {"threads": 2, "batch": 1}, {"threads": 3, "batch": 7}, {"batch": 3}):
            with model.session(**options) as session:
                assert session.eval_all(ids).tobytes() == expected, options
    with inlay.Model.open(files(name), cpu="scalar") as model, model.session(threads=2) as session:
        assert session.eval_all(ids).tobytes() == expected


def test_a_recurrent_state_is_emptied_but_not_cut(files):
    import inlay

    ids = golden("mamba")["cases"][0]["ids"]
    with inlay.Model.open(files("mamba")) as model, model.session() as session:
        expected = session.eval_all(ids).tobytes()
        with pytest.raises(inlay.InlayError, match="goes forward only"):
            session.truncate(len(ids) - 1)
        session.truncate(0)
        with pytest.raises(inlay.InlayError):
            session.eval([ids[0], -1])
        assert session.eval_all(ids).tobytes() == expected
    with inlay.Model.open(files("mamba")) as model, pytest.raises(inlay.InlayError, match="prefix"):
        model.session(prefix=4)


def prefix_cases() -> list[dict]:
    return golden("prefix-lm")["cases"]


def test_a_prefix_sees_itself_whole_and_the_rest_what_is_before(files):
    import inlay

    worst = 0.0
    with inlay.Model.open(files("prefix-lm")) as model:
        for case in prefix_cases():
            with model.session(cache_type=TYPE_F32, prefix=case["prefix_length"]) as session:
                worst = max(worst, check_logits(session.eval_all(case["ids"]), case))
    print(f"at most {worst:.4f} of the difference allowed")


def test_a_prefix_gives_the_same_bits_in_every_way(files):
    import inlay

    case = max(prefix_cases(), key=lambda each: len(each["ids"]))
    ids, n = case["ids"], case["prefix_length"]
    with inlay.Model.open(files("prefix-lm")) as model:
        with model.session(prefix=n, threads=1) as session:
            expected = session.eval_all(ids)
        with model.session(prefix=n, batch=1, threads=2) as session:
            parts = [session.eval_all(ids[:n])] + [session.eval_all(ids[i : i + 1]) for i in range(n, len(ids))]
            assert numpy.concatenate(parts).tobytes() == expected.tobytes()
            with pytest.raises(inlay.InlayError, match="prefix"):
                session.truncate(n - 1)
            session.truncate(n)
            assert session.eval_all(ids[n:]).tobytes() == expected[n:].tobytes()
            session.truncate(0)
            with pytest.raises(inlay.InlayError, match="must come in one call"):
                session.eval(ids[: n - 1])
            assert session.eval_all(ids).tobytes() == expected.tobytes()


@pytest.mark.skipif(not os.environ.get("INLAY_PROGRAM"), reason="INLAY_PROGRAM does not name the program")
def test_the_program_takes_a_prefix(files):
    case = prefix_cases()[0]
    arguments = [os.environ["INLAY_PROGRAM"], "logits", files("prefix-lm"), "--ids", ",".join(map(str, case["ids"])),
                 "--prefix-length", str(case["prefix_length"]), "--all", "--raw", "-"]
    outputs = [subprocess.run(arguments + more, capture_output=True, check=True).stdout for more in ([], ["--batch", "1"])]
    rows = numpy.frombuffer(outputs[0], dtype="<f4").reshape(len(case["ids"]), -1)
    assert outputs[1] == outputs[0]
    assert rows.argmax(axis=1).tolist() == case["argmax_all"]
