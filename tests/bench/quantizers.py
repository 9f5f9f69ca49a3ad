#!/usr/bin/env python3
"""What quantising while a model opens loses, beside ggml's quantisers and those of the package gguf.

    quantizers.py --cache FOLDER --encoder encode_floats --library libinlay.so.1 [--types q8_0,q4_0,...]

Weights go to blocks of a type and back, and the models run with them as floats, so that the quantisers alone differ:

- all-MiniLM-L6-v2, whose weights are floats: the error of all its matrices, squared, relative to the weights squared,
  and how far vectors of sentences turn (1 - cosine, the mean).
- SmolLM2-135M-Instruct: the mean KL divergence of the next token from that of the weights before, over this tree's
  documentation. Its file holds Q4_1, whose grid would help some; so blocks begin 16 elements off those of the file.

encode_floats is built by `cmake --build --preset release --target encode_floats`. ggml (ggml-python of the Python
Package Index, from source) and the package gguf are installed once into an environment of their own under --cache; the
package gguf has no quantisers of K types.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bindings" / "python"), str(Path(__file__).resolve().parent)]
PACKAGES = ("ggml-python==0.0.45", "gguf==0.19.0", "numpy", "safetensors")
SHIFT, N_TOKENS = 16, 512


def peer_python(cache: Path) -> Path:
    folder = cache / "peer-quantizers"
    python = folder / "bin" / "python"
    if not (folder / "ready").is_file():
        venv.create(folder, with_pip=True, clear=True)
        environment = {**os.environ, "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_LLAMAFILE=OFF -DGGML_OPENMP=OFF"}
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, env=environment)
        (folder / "ready").touch()
    return python


# ------------------------------------------------------------- to blocks and back


class Quantizers:
    """By name, functions of a type's name and of floats [n] that give the floats after the blocks; None where there is
    no such quantiser."""

    def __init__(self, encoder: Path):
        import ggml
        import gguf

        self.encoder, self.ggml, self.gguf = encoder, ggml, gguf
        self.by_name = {"inlay": self.own, "ggml": self.of_ggml, "gguf": self.of_gguf}

    def decode(self, type_name: str, blocks):
        return self.gguf.dequantize(blocks, self.gguf.GGMLQuantizationType[type_name.upper()])

    def own(self, type_name: str, x):
        import numpy

        done = subprocess.run([self.encoder, type_name], input=x.tobytes(), stdout=subprocess.PIPE, check=True)
        return self.decode(type_name, numpy.frombuffer(done.stdout, numpy.uint8))

    def of_ggml(self, type_name: str, x):
        import ctypes

        import numpy

        number = int(self.gguf.GGMLQuantizationType[type_name.upper()])
        length, size = self.gguf.GGML_QUANT_SIZES[self.gguf.GGMLQuantizationType(number)]
        blocks = numpy.zeros(x.size // length * size, numpy.uint8)
        floats = x.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        out = blocks.ctypes.data_as(ctypes.c_void_p)
        self.ggml.ggml_quantize_chunk(number, floats, out, 0, x.size // length, length, None)
        return self.decode(type_name, blocks)

    def of_gguf(self, type_name: str, x):
        try:
            return self.decode(type_name, self.gguf.quantize(x, self.gguf.GGMLQuantizationType[type_name.upper()]))
        except NotImplementedError:
            return None


class Loss:
    """Squared errors of weights relative to the weights squared, summed over matrices."""

    def __init__(self):
        self.error = self.power = 0.0

    def pass_through(self, quantize, type_name: str, matrix, shift: int):
        import numpy

        flat = numpy.ascontiguousarray(numpy.roll(matrix.ravel(), shift), numpy.float32)
        back = quantize(type_name, flat)
        if back is None:
            return None
        self.error += float(((back.astype(numpy.float64) - flat) ** 2).sum())
        self.power += float((flat.astype(numpy.float64) ** 2).sum())
        return numpy.roll(back, -shift).reshape(matrix.shape)


# ------------------------------------------------------------------------ models


def embed_folder(folder: Path, lines: list[str]):
    import inlay
    import numpy

    with inlay.Model.open(folder, threads=1) as model, model.session(threads=1, pooling="mean") as session:
        return numpy.array(session.embed(lines), numpy.float64)


def of_encoder(folder: Path, quantize, type_name: str, lines: list[str], expected):
    """The loss of its weights and the mean turn of its vectors, or None."""
    import safetensors.numpy

    tensors, loss = safetensors.numpy.load_file(folder / "model.safetensors"), Loss()
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and "encoder.layer" in name:
            tensors[name] = loss.pass_through(quantize, type_name, tensor, 0)
            if tensors[name] is None:
                return None
    with tempfile.TemporaryDirectory() as made:
        for file in folder.iterdir():
            if file.is_file() and file.suffix != ".safetensors":
                shutil.copy(file, made)
        safetensors.numpy.save_file(tensors, Path(made) / "model.safetensors")
        found = embed_folder(Path(made), lines)
    return loss.error / loss.power, float((1 - (found * expected).sum(axis=1)).mean())


def write_floats(source: Path, out: Path, change) -> None:
    """The file with the floats of its tensors, matrices after `change`."""
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(out, str(reader.fields["general.architecture"].contents()))
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        of = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, of)
    for tensor in reader.tensors:
        x = gguf.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, change(x) if x.ndim == 2 else x)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def log_probabilities(model_path: Path, text: str):
    import inlay
    import numpy

    with inlay.Model.open(model_path) as model, model.session(context=N_TOKENS) as session:
        logits = session.eval_all(model.tokenize(text)[:N_TOKENS]).astype(numpy.float64)
    logits -= logits.max(axis=1, keepdims=True)
    return logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))


def of_decoder(source: Path, quantize, type_name: str, text: str, expected) -> float:
    import numpy

    with tempfile.TemporaryDirectory() as made:
        out = Path(made) / "changed.gguf"
        write_floats(source, out, lambda x: Loss().pass_through(quantize, type_name, x, SHIFT))
        found = log_probabilities(out, text)
    return float((numpy.exp(expected) * (expected - found)).sum(axis=1).mean())


def compare(arguments: argparse.Namespace) -> None:
    from embeddings import made_lines
    from fetch_model import fetch

    folder, source = (fetch(arguments.cache / "models", name) for name in ("minilm", "smollm2"))
    quantizers, lines = Quantizers(arguments.encoder.resolve()), made_lines(64)
    vectors = embed_folder(folder, lines)
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as made:
        write_floats(source, Path(made) / "floats.gguf", lambda x: x)
        expected = log_probabilities(Path(made) / "floats.gguf", text)
    print("| type | quantiser | squared error | vectors turn by | mean KL |\n|---|---|---:|---:|---:|")
    for type_name in arguments.types.split(","):
        for name, quantize in quantizers.by_name.items():
            row = of_encoder(folder, quantize, type_name, lines, vectors)
            if row is not None:
                kl = of_decoder(source, quantize, type_name, text, expected)
                print(f"| {type_name.upper()} | {name} | {row[0]:.3e} | {row[1]:.3e} | {kl:.5f} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--types", default="q8_0,q4_0,q4_k,q6_k")
    arguments = parser.parse_args()
    if arguments.library:
        os.environ["INLAY_LIBRARY"] = str(arguments.library.resolve())
    python = peer_python(arguments.cache)
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        return subprocess.run([python, __file__, *sys.argv[1:]], check=False).returncode
    compare(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
