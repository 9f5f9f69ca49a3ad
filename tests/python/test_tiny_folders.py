"""Small models of every family straight from their Hugging Face folders (config.json, safetensors, tokenizer.json), against
transformers in float32.

INLAY_DATA names the folder of reference data; without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy
import pytest

DATA = Path(os.environ.get("INLAY_DATA", "")) / "tiny"
TYPE_F32 = 0

# The folders of each kind of golden.json; a new one is a word here.
CAUSAL = ("bloom-alibi falcon gemma2 gemma3 gpt-neox gpt1 gpt2 granite lfm2-conv llama llama-3-rope llama-char llama-wordlevel "
          "lstm mamba mamba2 mistral-swa mixtral olmo2 opt phi3 qwen2 qwen3 qwen3-moe recurrentgemma rwkv4 smollm3-nope").split()
PREFIX = ("prefix-lm",)
MASKED = ("bert", "distilbert", "modernbert")
ANSWER = ("t5", "flan-t5-gated", "bart")

pytestmark = pytest.mark.skipif(not (os.environ.get("INLAY_DATA") and DATA.is_dir()),
                                reason="INLAY_DATA does not name the folder of reference data")


def golden(name: str) -> dict:
    return json.loads((DATA / name / "golden.json").read_text(encoding="utf-8"))


def check_logits(found: numpy.ndarray, expected: list[float]) -> float:
    """The greatest difference, as a part of what is allowed."""
    expected = numpy.array(expected)
    part = float(numpy.abs(found - expected).max()) / (2e-4 * max(1.0, float(numpy.abs(expected).max())))
    assert part <= 1.0
    return part


def check_greedy(session, expected: list[int]) -> None:
    made = []
    for _ in expected:
        made.append(session.sample())
        session.eval(made[-1:])
    assert made == expected


def check_causal(model, case: dict) -> float:
    prefix = {"prefix": case["prefix_length"]} if "prefix_length" in case else {}
    with model.session(cache_type=TYPE_F32, **prefix) as session:
        rows = session.eval_all(case["ids"])
        assert rows.argmax(axis=1).tolist() == case["argmax_all"]
        check_greedy(session, case.get("greedy16", []))
        return check_logits(rows[-1], case["logits_last"])


def check_masked(model, case: dict) -> float:
    with model.session() as session:
        session.encode(case["masked_ids"])
        part = check_logits(session.logits_at(case["mask_position"]), case["logits_mask"])
        mean = numpy.array(session.hidden_states).mean(axis=0)
        return max(part, check_logits(session.hidden_states[0], case["cls_hidden"]),
                   check_logits(mean / numpy.linalg.norm(mean), case["mean_pool_unit"]))


def check_answer(model, case: dict) -> float:
    with model.session(cache_type=TYPE_F32) as session:
        session.encode(case["ids"])
        session.eval(model.decoder_start)
        part = check_logits(numpy.array(session.logits), case["logits_first"])
        check_greedy(session, case["greedy16"])
        return part


KINDS = {"causal": (CAUSAL, check_causal), "prefix": (PREFIX, check_causal), "masked": (MASKED, check_masked),
         "answer": (ANSWER, check_answer)}


def test_every_folder_is_one_of_these():
    assert sorted(name for names, _ in KINDS.values() for name in names) == sorted(path.name for path in DATA.iterdir())


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, (names, _) in KINDS.items() for name in names])
def test_a_folder_gives_the_reference_logits_and_tokens(kind, name):
    import inlay

    with inlay.Model.open(DATA / name) as model:
        worst = max(KINDS[kind][1](model, case) for case in golden(name)["cases"])
    print(f"{name}: at most {worst:.4f} of the difference allowed")


@pytest.mark.parametrize("name", CAUSAL)
def test_the_tokenizer_of_a_folder_gives_the_reference_ids(name):
    import inlay

    with inlay.Model.open(DATA / name) as model:
        for case in golden(name)["cases"]:
            assert model.tokenize(case["prompt"]) == case["ids"]


def test_every_way_of_running_a_folder_gives_the_same_bits():
    import inlay

    for name in ("mamba2", "recurrentgemma"):
        ids = max((case["ids"] for case in golden(name)["cases"]), key=len)
        with inlay.Model.open(DATA / name, cpu="scalar") as model, model.session(threads=1) as session:
            expected = session.eval_all(ids).tobytes()
        with inlay.Model.open(DATA / name) as model:
            for options in ({"threads": 2}, {"threads": 2, "batch": 1}, {"threads": 3, "batch": 7}, {"batch": 3}):
                with model.session(**options) as session:
                    assert session.eval_all(ids).tobytes() == expected, (name, options)


def test_a_folder_is_packed_with_its_tokenizer(tmp_path):
    import inlay

    case = golden("llama")["cases"][0]
    rows = []
    for path in (DATA / "llama", tmp_path / "packed.gguf"):
        if path.name == "packed.gguf":
            inlay.pack(DATA / "llama", path)
        with inlay.Model.open(path) as model, model.session() as session:
            assert model.tokenize(case["prompt"]) == case["ids"]
            rows.append(session.eval_all(case["ids"]).tobytes())
    assert rows[0] == rows[1]


def test_an_empty_folder_is_no_model(tmp_path):
    import inlay

    with pytest.raises(inlay.FileError, match="has no config.json"):
        inlay.Model.open(tmp_path)
