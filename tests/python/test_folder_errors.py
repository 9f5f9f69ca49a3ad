"""What is wrong with a Hugging Face folder is an error that says what: every tensor of every family left out, of another shape,
one too many; every number of its config.json another, missing, or no number.

INLAY_DATA names the folder of reference data; without it these tests are skipped. INLAY_TEST_ALL=1 tries all blocks of a
model instead of the first and the last.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

DATA = Path(os.environ.get("INLAY_DATA", "")) / "tiny"
SIZES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}
# Buffers of zeros, and a bias that the config may turn off.
MAY_LACK = ("final_logits_bias", "decoder.bias")

pytestmark = pytest.mark.skipif(not (os.environ.get("INLAY_DATA") and DATA.is_dir()),
                                reason="INLAY_DATA does not name the folder of reference data")


def folders() -> list[str]:
    return sorted(p.parent.name for p in DATA.glob("*/model.safetensors"))


class Folder:
    """A copy of a model's folder, whose files can be written anew."""

    def __init__(self, name: str, path: Path):
        shutil.copytree(DATA / name, path)
        self.path = path
        self.config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        data = (path / "model.safetensors").read_bytes()
        n = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:n])
        header.pop("__metadata__", None)
        self.tensors = {key: (x["dtype"], x["shape"], data[n + x["data_offsets"][0]:n + x["data_offsets"][1]])
                        for key, x in header.items()}

    def error(self, config: dict | None = None, tensors: dict | None = None) -> str | None:
        """What opening it says with these in place of its own; None when it opens."""
        import inlay

        (self.path / "config.json").write_text(json.dumps(config or self.config), encoding="utf-8")
        if tensors is not None:
            self.write(tensors)
        try:
            inlay.Model.open(self.path).close()
        except inlay.InlayError as error:
            return str(error)
        return None

    def write(self, tensors: dict) -> None:
        header, at = {}, 0
        for key, (dtype, shape, data) in tensors.items():
            header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
            at += len(data)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        parts = [len(text).to_bytes(8, "little"), text, *(data for _, _, data in tensors.values())]
        (self.path / "model.safetensors").write_bytes(b"".join(parts))

    def names(self) -> list[str]:
        """Tensors of the first and the last block, and outside of blocks."""
        if os.environ.get("INLAY_TEST_ALL"):
            return list(self.tensors)
        blocks = {int(n) for key in self.tensors for n in re.findall(r"\.(\d+)\.", key)[:1]}
        wanted = {0, max(blocks, default=0)}
        return [key for key in self.tensors if all(int(n) in wanted for n in re.findall(r"\.(\d+)\.", key))]


@pytest.fixture(params=folders())
def folder(request, tmp_path):
    return Folder(request.param, tmp_path / "model")


def grown(tensor: tuple, axis: int) -> tuple:
    """With one more in a dimension, of zeros."""
    dtype, shape, data = tensor
    shape = [*shape[:axis], shape[axis] + 1, *shape[axis + 1:]]
    size = SIZES[dtype]
    for n in shape:
        size *= n
    return dtype, shape, (data + bytes(size))[:size]


def says(error: str, name: str) -> bool:
    """The tensor's name, with or without the prefix of its family, or which expert it is of."""
    expert = re.search(r"experts\.(\d+)\.", name)
    return name in error or name.split(".", 1)[-1] in error or (expert is not None and ".experts." in error)


def test_a_missing_tensor_is_named(folder):
    for name in folder.names():
        error = folder.error(tensors={key: x for key, x in folder.tensors.items() if key != name})
        if not name.endswith(MAY_LACK) or name.startswith("model."):
            assert error is not None, f"{name} is missing, and the model opens"
        assert error is None or says(error, name) or "wi_" in name, f"{name} is missing, and the error says: {error}"


def test_a_tensor_of_another_shape_is_named_with_both_shapes(folder):
    for name in folder.names():
        for axis, n in enumerate(folder.tensors[name][1]):
            tensors = dict(folder.tensors)
            tensors[name] = grown(tensors[name], axis)
            error = folder.error(tensors=tensors)
            assert error is not None, f"{name} has {tensors[name][1]}, and the model opens"
            about = says(error, name) or "wi_" in name or "token_type" in name
            assert about and re.search(r"expected|but|another type or shape", error), f"{name}, {tensors[name][1]}: {error}"


def test_a_tensor_too_many_is_named(folder):
    for name in ("model.layers.0.mystery.weight", "mystery"):
        error = folder.error(tensors=folder.tensors | {name: ("F32", [4], bytes(16))})
        assert error is not None and f"tensor '{name}' is not one" in error, error
    error = folder.error(tensors=folder.tensors | {"model.layers.99.input_layernorm.weight": ("F32", [4], bytes(16))})
    assert error is not None and "99" in error, error


def test_a_tensor_of_a_type_that_no_weights_have_is_named(folder):
    name = next(iter(folder.tensors))
    _, shape, data = folder.tensors[name]
    error = folder.error(tensors=folder.tensors | {name: ("I64", shape, data + data)})
    assert error is not None and "I64" in error and says(error, name), error


def test_an_unknown_model_type_is_named(folder):
    error = folder.error(config=folder.config | {"model_type": "mystery"})
    assert error is not None and "'mystery'" in error and "model_type" in error, error
    config = {key: value for key, value in folder.config.items() if key != "model_type"}
    config.pop("architectures", None)
    error = folder.error(config=config)
    assert error is not None and "model_type" in error, error


def numbers(config: dict) -> list[str]:
    return [key for key, value in config.items() if isinstance(value, int) and not isinstance(value, bool)]


# Values that no number of a config has, which the model must survive whatever the key.
WRONG = ("a word", [], {}, -1, 1.5, 1 << 40, 1e300, None, True)


def test_numbers_of_the_config_that_are_none_never_pass_where_they_count(folder):
    folder.write(folder.tensors)
    for key in folder.config:
        for value in WRONG:
            error = folder.error(config=folder.config | {key: value})
            assert error is None or len(error) > 20
    # Where a size is in every tensor, nothing but the right one passes.
    for key in ("hidden_size", "n_embd", "d_model", "dim", "num_hidden_layers", "n_layer", "n_layers", "num_layers"):
        if not isinstance(folder.config.get(key), int):
            continue
        for value in (folder.config[key] + 1, folder.config[key] - 1, *WRONG[:-2]):
            error = folder.error(config=folder.config | {key: value})
            assert error is not None, f"{key} is {value}, and the model opens"
