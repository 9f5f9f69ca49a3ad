"""The weights of the models in family_goldens.json, made from the names and shapes of their tensors: the same everywhere."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy


def make_weight(name: str, shape: list[int]) -> numpy.ndarray:
    """Norms about 1, biases about 0, matrices that keep the size of what they multiply. numpy does not change this generator."""
    x = numpy.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) == 1:
        centre = 1.0 if name.endswith(".weight") or name.endswith(".D") else 0.0
        x = centre + 0.2 * x
    elif "embed" in name or name.endswith(("wte.weight", "wpe.weight")):
        x = 0.4 * x
    elif name.endswith("A_log"):
        x = 0.3 * x
    elif "time_mix" in name:
        x = numpy.abs(numpy.tanh(x))
    else:
        x = 1.2 / numpy.sqrt(shape[-1]) * x
    return numpy.ascontiguousarray(x, dtype=numpy.float32)


def exact_weight(name: str, shape: list[int]) -> numpy.ndarray:
    """The same, and to the bit on every machine: integers [Steele et al. 2014, splitmix64] times powers of two."""
    n = int(numpy.prod(shape))
    with numpy.errstate(over="ignore"):
        z = (numpy.arange(1, n + 1, dtype=numpy.uint64) + numpy.uint64(zlib.crc32(name.encode()))) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> numpy.uint64(30)) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> numpy.uint64(27)) * numpy.uint64(0x94D049BB133111EB)
    x = ((z >> numpy.uint64(40)).astype(numpy.int32) - 2**23).astype(numpy.float32) / numpy.float32(2**23)
    x = x.reshape(shape)
    scale = 1.0
    while scale * scale * shape[-1] > 4:
        scale /= 2
    if len(shape) == 1:
        return numpy.float32(1.0 if name.endswith((".weight", ".D")) else 0.0) + numpy.float32(0.25) * x
    if "time_mix" in name:
        return numpy.abs(x)
    return numpy.float32(0.5 if "embed" in name or name.endswith("A_log") else scale) * x


def make_weights(shapes: dict[str, list[int]]) -> dict[str, numpy.ndarray]:
    return {name: make_weight(name, shape) for name, shape in shapes.items()}


def unfold_layers(tensors: dict[str, list[int]], n_layer: int) -> dict[str, list[int]]:
    out = {}
    for name, shape in tensors.items():
        for i in range(n_layer if "%" in name else 1):
            out[name.replace("%", str(i), 1)] = shape
    return out


def write_folder(folder: Path, config: dict, weights: dict[str, numpy.ndarray], files: dict[str, dict] | None = None) -> None:
    """`files` are more files of JSON, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    header, at = {}, 0
    for name, x in weights.items():
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + x.nbytes]}
        at += x.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for x in weights.values():
            file.write(x.tobytes())
