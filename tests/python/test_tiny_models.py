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
CAUSAL = ("bloom-alibi", "falcon", "gemma2", "gemma3", "gpt-neox", "gpt1", "gpt2", "granite", "llama", "llama-3-rope", "llama-char",
          "llama-wordlevel", "lfm2-conv", "lstm", "mamba", "mamba2", "mistral-swa", "mixtral", "olmo2", "opt", "phi3", "qwen2", "qwen3", "qwen3-moe",
          "recurrentgemma", "rwkv4", "smollm3-nope")
SEQ2SEQ = ("t5", "flan-t5-gated", "bart")
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


# --------------------------------------------------------------------- encoder-decoders


@pytest.fixture(params=("gguf", "folder"))
def seq2seq_path(request, files):
    """The path of a small encoder-decoder, written as GGUF or as it is."""
    return (lambda name: files(name)) if request.param == "gguf" else lambda name: str(DATA / name)


@pytest.mark.parametrize("name", SEQ2SEQ)
def test_an_encoder_decoder_gives_the_reference_logits_and_tokens(name, seq2seq_path):
    import inlay

    worst = 0.0
    with inlay.Model.open(seq2seq_path(name)) as model, model.session(cache_type=TYPE_F32) as session:
        assert model.facts["kind"] == "encoder-decoder"
        for case in golden(name)["cases"]:
            session.encode(case["ids"])
            assert session.encoded == len(case["ids"])
            session.eval(model.decoder_start)
            expected = numpy.array(case["logits_first"])
            most = 2e-4 * max(1.0, float(numpy.abs(expected).max()))
            difference = float(numpy.abs(numpy.array(session.logits) - expected).max())
            assert difference <= most
            worst, made = max(worst, difference / most), []
            for _ in case["greedy16"]:
                made.append(session.sample())
                session.eval(made[-1:])
            assert made == case["greedy16"]
    print(f"{name}: at most {worst:.4f} of the difference allowed")


@pytest.mark.parametrize("name", SEQ2SEQ)
def test_an_encoder_decoder_gives_the_same_bits_in_every_way(name, files):
    import inlay

    case = max(golden(name)["cases"], key=lambda each: len(each["ids"]))
    encoded, ids = case["ids"], [0, *case["greedy16"]]
    outputs = set()
    for cpu in ("scalar", ""):
        with inlay.Model.open(files(name), cpu=cpu) as model:
            for options in ({"threads": 1}, {"threads": 2, "batch": 1}, {"threads": 3, "batch": 7}):
                with model.session(**options) as session:
                    session.encode(encoded)
                    outputs.add(session.eval_all(ids).tobytes())
                    session.encode(encoded[:3])
                    session.encode(encoded)
                    outputs.add(numpy.concatenate([session.eval_all(ids[:6]), session.eval_all(ids[6:])]).tobytes())
    assert len(outputs) == 1


def test_a_decoder_says_nothing_before_something_was_encoded(files):
    import inlay

    with inlay.Model.open(files("t5")) as model, model.session() as session:
        with pytest.raises(inlay.StateError, match="inlay_encode comes first"):
            session.eval([0])
        session.encode([3, 158, 1])
        session.eval([0])
        with pytest.raises(inlay.InlayError, match="prefix"):
            session.set(prefix=2)


def run_program(*arguments: str) -> bytes:
    return subprocess.run([os.environ["INLAY_PROGRAM"], *arguments], capture_output=True, check=True).stdout


@pytest.mark.skipif(not os.environ.get("INLAY_PROGRAM"), reason="INLAY_PROGRAM does not name the program")
@pytest.mark.parametrize("name", SEQ2SEQ)
def test_the_program_encodes_and_decodes(name, seq2seq_path):
    case = golden(name)["cases"][0]
    path, ids = seq2seq_path(name), ",".join(map(str, case["ids"]))
    said = ",".join(map(str, [0, *case["greedy16"]]))
    rows = numpy.frombuffer(run_program("logits", path, "--ids", ids, "--decoder-ids", said, "--all", "--raw", "-"), dtype="<f4")
    rows = rows.reshape(len(case["greedy16"]) + 1, -1)
    assert rows.argmax(axis=1).tolist()[:-1] == case["greedy16"]
    first = numpy.frombuffer(run_program("logits", path, "--ids", ids, "--raw", "-"), dtype="<f4")
    assert first.tobytes() == rows[0].tobytes()


@pytest.mark.skipif(not os.environ.get("INLAY_PROGRAM"), reason="INLAY_PROGRAM does not name the program")
@pytest.mark.parametrize("name", SEQ2SEQ)
def test_the_program_answers_a_text(name):
    import inlay

    case = golden(name)["cases"][1]
    with inlay.Model.open(str(DATA / name)) as model:
        assert list(model.tokenize(case["prompt"], add_special=True)) == case["ids"]
        ends = [i for i, token in enumerate(case["greedy16"]) if model.is_end(token)]
        expected = model.detokenize(case["greedy16"][: ends[0] if ends else 8])
        with model.session(cache_type=TYPE_F32) as session:
            for _ in range(2):
                assert "".join(session.generate(case["prompt"], max_tokens=8)).strip() == expected.strip()
    said = run_program("run", str(DATA / name), "-q", "-n", "8", "-p", case["prompt"]).decode()
    assert said.strip() == expected.strip()
