"""Files that the `gguf` package writes, read back by the program: every metadata type, every array type, tensors of
several types, another alignment, and the same model in parts.

INLAY_PROGRAM names the program.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import gguf
import numpy
import pytest

PROGRAM = os.environ.get("INLAY_PROGRAM", "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="INLAY_PROGRAM does not name the program")

WIDTH = 32
TOKENS = ["<|endoftext|>", *(chr(c) for c in range(0x21, 0x7F)), "ab", "h\u00e4", "\U0001f600", 'quote"', "back\\slash"]

SCALARS = {
    "test.u8": ("uint8", 255),
    "test.i8": ("int8", -128),
    "test.u16": ("uint16", 65535),
    "test.i16": ("int16", -32768),
    "test.u32": ("uint32", 2**32 - 1),
    "test.i32": ("int32", -(2**31)),
    "test.u64": ("uint64", 2**64 - 1),
    "test.i64": ("int64", -(2**63)),
    "test.f32": ("float32", 0.15625),
    "test.f64": ("float64", -1.5e300),
    "test.yes": ("bool", True),
    "test.no": ("bool", False),
    "test.text": ("string", "naïve “text”\nwith two lines"),
}

ARRAYS = {
    "test.words": ["one", "zwei", "三", "quatre", "vijf"],
    "test.truths": [True, False, True],
    "test.integers": [1, -2, 3, -(2**31)],
    "test.fractions": [0.5, -0.25, 1024.0],
}


def as_text(value) -> str:
    """A value as `inlay info --json` writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def matrices() -> dict[str, tuple[numpy.ndarray, gguf.GGMLQuantizationType]]:
    """The tensors of a model of one layer, in several types."""
    rng = numpy.random.default_rng(3)
    types = gguf.GGMLQuantizationType

    def random(*shape: int) -> numpy.ndarray:
        return rng.standard_normal(shape).astype(numpy.float32)

    square = {"attn_q": types.Q8_0, "attn_k": types.Q4_0, "attn_v": types.Q5_1, "attn_output": types.BF16}
    square |= {"ffn_gate": types.Q4_1, "ffn_up": types.Q5_0, "ffn_down": types.F16}
    tensors = {"token_embd.weight": (random(len(TOKENS), WIDTH), types.Q8_0)}
    tensors |= {f"blk.0.{name}.weight": (random(WIDTH, WIDTH), kind) for name, kind in square.items()}
    for name in ("output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight"):
        tensors[name] = (random(WIDTH), types.F32)
    return tensors


def describe_model(writer: gguf.GGUFWriter) -> None:
    writer.add_context_length(16)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] + [1] * (len(TOKENS) - 1))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)


def add_tensors(writer: gguf.GGUFWriter) -> None:
    for name, (values, kind) in matrices().items():
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def info(path: Path) -> dict:
    done = subprocess.run([PROGRAM, "info", str(path), "--json", "--tensors"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.parametrize("alignment", [32, 64, 8, 4096])
def test_all_that_the_package_writes_is_read_back(tmp_path: Path, alignment: int):
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_custom_alignment(alignment)
    describe_model(writer)
    for key, (kind, value) in SCALARS.items():
        getattr(writer, f"add_{kind}")(key, value)
    for key, values in ARRAYS.items():
        writer.add_array(key, values)
    add_tensors(writer)
    finish(writer)

    found = info(path)
    assert found["architecture"] == "llama"
    assert found["n_vocab"] == len(TOKENS)
    assert found["file_bytes"] == path.stat().st_size
    metadata = found["metadata"]
    assert metadata["general.alignment"] == str(alignment)
    for key, (kind, value) in SCALARS.items():
        if kind.startswith("float"):
            assert float(metadata[key]) == value, key
        else:
            assert metadata[key] == as_text(value), key
    for key, values in ARRAYS.items():
        if isinstance(values[0], float):
            assert [float(text) for text in metadata[key]] == values
        else:
            assert metadata[key] == [as_text(value) for value in values]
    assert metadata["tokenizer.ggml.tokens"] == TOKENS

    expected = [(name, kind.name, list(values.shape[::-1])) for name, (values, kind) in matrices().items()]
    assert [(t["name"], t["type"], t["shape"]) for t in found["tensors"]] == expected


def test_a_model_in_parts_is_the_model_whole(tmp_path: Path):
    whole = tmp_path / "whole.gguf"
    writer = gguf.GGUFWriter(str(whole), "llama")
    describe_model(writer)
    add_tensors(writer)
    finish(writer)
    writer = gguf.GGUFWriter(str(tmp_path / "parts.gguf"), "llama", split_max_tensors=4)
    describe_model(writer)
    add_tensors(writer)
    finish(writer)
    parts = sorted(tmp_path.glob("parts-*.gguf"))
    assert len(parts) >= 3

    def logits(path: Path) -> bytes:
        command = [PROGRAM, "logits", str(path), "--ids", "5,6,7,8", "--all", "--raw", str(tmp_path / "raw")]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return (tmp_path / "raw").read_bytes()

    expected = logits(whole)
    assert len(expected) == 4 * 4 * len(TOKENS) and any(struct.unpack("<4f", expected[:16]))
    assert logits(parts[0]) == expected
    assert sorted(t["name"] for t in info(parts[0])["tensors"]) == sorted(matrices())
    assert info(parts[0])["file_bytes"] == sum(part.stat().st_size for part in parts)

    shutil.move(parts[-1], tmp_path / "elsewhere.gguf")
    done = subprocess.run([PROGRAM, "info", str(parts[0])], capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and parts[-1].name in done.stderr.decode()
