"""Every family gives the recorded bits, recurrent ones too, on every machine, at every CPU level, whatever the threads and the
batch: a hash for each shape of family_goldens.json.

INLAY_WRITE_FAMILY_BITS=1 writes family_bits.json anew, after a change that raises the arithmetic version.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from family_weights import exact_weight, unfold_layers, write_folder
from test_family_shapes import LAYERS, run

TREE = Path(__file__).resolve().parent
VARIANTS = json.loads((TREE / "family_goldens.json").read_text(encoding="utf-8"))["variants"]
RECORD = TREE / "family_bits.json"
RECORDED = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
WRITES = os.environ.get("INLAY_WRITE_FAMILY_BITS") == "1"
LEVELS = ("avx2", "avxvnni", "avx512", "neon", "dotprod", "i8mm")


def bits(path: Path, case: dict, cpu: str, **options) -> str:
    import inlay

    with inlay.Model.open(path, cpu=cpu) as model, model.session(context=len(case["ids"]), **options) as session:
        return hashlib.sha256(run(session, case).tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_shape_of_a_family_gives_the_recorded_bits(name, tmp_path):
    import inlay

    case = VARIANTS[name]
    n_layer = case.get("n_layer") or next(case["config"][key] for key in LAYERS if key in case["config"])
    weights = {tensor: exact_weight(tensor, shape) for tensor, shape in unfold_layers(case["tensors"], n_layer).items()}
    write_folder(tmp_path, case["config"], weights, case.get("files", {}))
    if WRITES:
        RECORDED[name] = bits(tmp_path, case, "scalar", threads=1)
        RECORD.write_text(json.dumps(RECORDED, indent=0) + "\n", encoding="utf-8")
    assert bits(tmp_path, case, "scalar", threads=1) == RECORDED[name]
    assert bits(tmp_path, case, "", threads=2) == RECORDED[name]
    whole = case.get("kind", "causal") != "causal"
    for level in LEVELS:
        try:
            assert bits(tmp_path, case, level, threads=3, **({} if whole else {"batch": 7})) == RECORDED[name], level
        except inlay.UnsupportedError:
            pass


def test_the_recorded_bits_are_those_of_all_shapes():
    assert list(RECORDED) == list(VARIANTS)
