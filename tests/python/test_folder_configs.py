"""Configurations that contradict their tensors or themselves: each is an error that names the key, and none does
harm. What real folders hold besides their tensors opens.

Every family of INLAY_DATA is walked over, and shapes of family_goldens.json where that names no folder.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from family_weights import make_weights, unfold_layers, write_folder

TREE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("INLAY_DATA") or "nowhere") / "tiny"
VARIANTS = json.loads((TREE / "family_goldens.json").read_text(encoding="utf-8"))["variants"]
SHAPES = ["llama odd heads", "mixtral", "qwen2", "gpt2", "opt", "mamba2 groups", "recurrentgemma"]
MODELS = sorted(path.name for path in DATA.iterdir()) if DATA.is_dir() else []

# Keys from which a family takes sizes, as configs name them.
SIZE_KEYS = ("hidden_size d_model n_embd dim intermediate_size d_ff hidden_dim ffn_dim encoder_ffn_dim "
             "decoder_ffn_dim num_hidden_layers num_layers n_layer n_layers encoder_layers decoder_layers "
             "num_decoder_layers num_attention_heads n_head n_heads encoder_attention_heads "
             "num_key_value_heads head_dim d_kv vocab_size num_local_experts num_experts "
             "moe_intermediate_size state_size conv_kernel lru_width conv1d_width").split()
WRONG = {"text": "seven", "list": [], "object": {}, "true": True, "huge": 10**12, "infinite": 1e300, "negative": -3,
         "a fraction": 2.5}


def read(path: Path) -> dict[str, tuple[str, list[int], bytes]]:
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header.pop("__metadata__", None)
    return {name: (info["dtype"], info["shape"], data[begin + info["data_offsets"][0] : begin + info["data_offsets"][1]])
            for name, info in header.items()}


class Folder:
    """A folder that is written anew for each damage."""

    def __init__(self, path: Path, config: dict, tensors: dict[str, tuple[str, list[int], bytes]]):
        self.path, self.config, self.tensors = path, config, tensors
        path.mkdir(parents=True, exist_ok=True)

    def open(self, config: dict | None = None, **changes) -> str | None:
        """What the error says; None when it opens."""
        import inlay

        tensors = {**self.tensors, **changes.get("tensors", {})}
        tensors.pop(changes.get("without"), None)
        header, at = {}, 0
        for name, (dtype, shape, data) in tensors.items():
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
            at += len(data)
        text = json.dumps(header).encode()
        (self.path / "config.json").write_text(json.dumps(config if config is not None else self.config), encoding="utf-8")
        with open(self.path / "model.safetensors", "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for _, _, data in tensors.values():
                file.write(data)
        try:
            with inlay.Model.open(self.path, threads=1):
                return None
        except inlay.InlayError as error:
            return str(error)


def make_folder(name: str, path: Path) -> Folder:
    if name in MODELS:
        config = json.loads((DATA / name / "config.json").read_text(encoding="utf-8"))
        return Folder(path, config, read(DATA / name / "model.safetensors"))
    case = VARIANTS[name]
    n_layer = next(case["config"][key] for key in ("num_hidden_layers", "n_layer", "n_layers") if key in case["config"])
    write_folder(path / "made", case["config"], make_weights(unfold_layers(case["tensors"], n_layer)))
    return Folder(path, case["config"], read(path / "made" / "model.safetensors"))


@pytest.fixture(params=MODELS or SHAPES)
def folder(request, tmp_path) -> Folder:
    made = make_folder(request.param, tmp_path / "folder")
    assert made.open() is None
    return made


def check(problems: list[str], what: str, said: str | None, *words: str) -> None:
    if said is None:
        problems.append(f"{what}: opens")
    elif not all(word in said for word in words):
        problems.append(f"{what}: {said!r} lacks one of {words}")


def test_a_size_of_the_config_that_the_tensors_contradict_is_refused(folder):
    problems: list[str] = []
    for key in (key for key in SIZE_KEYS if isinstance(folder.config.get(key), int)):
        if key in ("intermediate_size",) and folder.config["model_type"] in ("mamba", "lfm2", "qwen3_moe"):
            continue  # follows from others, or no layer is dense
        for step in (1, -1):
            said = folder.open({**folder.config, key: folder.config[key] + step})
            if folder.config["model_type"] != "recurrent_gemma" or key != "intermediate_size" or step < 0:  # is halved
                check(problems, f"{key} {step:+}", said)
        for what, value in WRONG.items():
            check(problems, f"{key} is {what}", folder.open({**folder.config, key: value}), key)
    assert not problems, "\n".join(problems)


def test_wrong_values_of_any_key_do_no_harm(folder):
    for key in folder.config:
        for value in ("seven", [], 10**12, 1e300, -1, 2.5, None, 0):
            folder.open({**folder.config, key: value})
        folder.open({other: value for other, value in folder.config.items() if other != key})


def test_what_folders_hold_besides_opens(tmp_path):
    """Buffers of attention masks, rotary frequencies and positions; heads written again though they are the embedding."""
    besides = {"llama odd heads": "model.layers.0.self_attn.rotary_emb.inv_freq", "gpt2": "transformer.h.0.attn.masked_bias"}
    for name, extra in besides.items():
        folder = make_folder(name, tmp_path / extra)
        assert folder.open(tensors={extra: ("F32", [4], bytes(16))}) is None, name
    folder = make_folder("llama tied", tmp_path / "tied")
    assert folder.open(tensors={"lm_head.weight": folder.tensors["model.embed_tokens.weight"]}) is None


def test_a_kind_of_model_that_is_not_known_is_named(tmp_path):
    folder = make_folder("gpt2", tmp_path / "folder")
    said = folder.open({**folder.config, "model_type": "unheard_of"})
    assert "'unheard_of'" in said and "gpt2" in said and "config.json" in said


def test_parameters_of_rope_that_are_no_object_are_refused(tmp_path):
    folder = make_folder("llama odd heads", tmp_path / "folder")
    for value in ("yarn", [8.0], 8, True):
        for key in ("rope_scaling", "rope_parameters"):
            said = folder.open({**folder.config, key: value})
            assert said is not None and key in said and "an object" in said, (key, value, said)
