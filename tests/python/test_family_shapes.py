"""Models of many shapes, straight from their folders, against what transformers computed from the same weights in float32.

family_goldens.json is made by tests/reference/make_family_goldens.py; INLAY_FAMILY_GOLDENS names another file of its kind.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy
import pytest

from family_weights import make_weights, unfold_layers, write_folder

TYPE_F32 = 0
GOLDENS = Path(os.environ.get("INLAY_FAMILY_GOLDENS") or Path(__file__).with_name("family_goldens.json"))
VARIANTS = json.loads(GOLDENS.read_text(encoding="utf-8"))["variants"]
LAYERS = ("num_hidden_layers", "n_layer", "n_layers")


def run(session, case: dict) -> numpy.ndarray:
    kind, ids = case.get("kind", "causal"), case["ids"]
    if kind == "causal":
        return session.eval_all(ids)
    if kind == "labels":
        return session.scores([ids])
    session.encode(ids)
    if kind == "answer":
        return session.eval_all(case["answer"])
    return session.hidden_states if kind == "states" else numpy.stack([session.logits_at(i) for i in range(len(ids))])


@pytest.mark.parametrize("name", VARIANTS)
def test_a_shape_of_a_family_gives_the_reference_logits(name, tmp_path):
    import inlay

    case = VARIANTS[name]
    n_layer = case.get("n_layer") or next(case["config"][key] for key in LAYERS if key in case["config"])
    write_folder(tmp_path / "model", case["config"], make_weights(unfold_layers(case["tensors"], n_layer)), case.get("files", {}))
    with inlay.Model.open(tmp_path / "model") as model, model.session(cache_type=TYPE_F32, context=len(case["ids"])) as session:
        rows = run(session, case)
    most = 2e-4 * max(1.0, case["greatest"])
    difference = float(numpy.abs(rows[-1] - numpy.array(case["logits"])).max())
    assert difference <= most, f"{name}: {difference} of {most}"
    if case["margin"] > most:
        assert rows.argmax(axis=1).tolist() == case["argmax"]


@pytest.mark.parametrize("name", [name for name in ("opt 350m", "opt narrow words", "mamba2 groups", "mamba2 limits",
                                                    "recurrentgemma bias", "llama dynamic long") if name in VARIANTS])
def test_every_way_of_running_a_shape_gives_the_same_bits(name, tmp_path):
    import inlay

    case = VARIANTS[name]
    write_folder(tmp_path / "model", case["config"],
                 make_weights(unfold_layers(case["tensors"], case["config"]["num_hidden_layers"])))
    options = {"context": len(case["ids"]), "cache_type": TYPE_F32}
    with inlay.Model.open(tmp_path / "model", cpu="scalar") as model, model.session(threads=1, **options) as session:
        expected = session.eval_all(case["ids"]).tobytes()
    with inlay.Model.open(tmp_path / "model") as model:
        for ways in ({"threads": 2}, {"threads": 2, "batch": 1}, {"threads": 3, "batch": 7}, {"batch": 3}):
            with model.session(**ways, **options) as session:
                assert session.eval_all(case["ids"]).tobytes() == expected, ways
