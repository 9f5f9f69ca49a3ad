"""Writes a small LLaMA model with random weights and a byte-level BPE vocabulary: a real model in all but size."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy

N_LAYER, N_EMBD, N_HEAD, N_HEAD_KV, N_FF, N_CONTEXT = 2, 64, 4, 2, 96, 128
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld", "t h", "Ġ th", "Ġth e", "e r"]


def byte_characters() -> list[str]:
    """The printable character that stands for each byte in a byte-level vocabulary."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    characters, n_moved = [], 0
    for byte in range(256):
        if byte in plain:
            characters.append(chr(byte))
        else:
            characters.append(chr(256 + n_moved))
            n_moved += 1
    return characters


def vocabulary() -> list[str]:
    return CONTROL + byte_characters() + [merge.replace(" ", "") for merge in MERGES]


def write(
    path: Path, *, seed: int = 1, architecture: str = "llama", n_layer: int = N_LAYER, endless: bool = False,
    quantized: bool = False
) -> Path:
    """A model file. Greedy text of it is nonsense, but the same nonsense each time; `endless`, it never ends; `quantized`,
    its matrices are of type Q8_0."""
    rng = numpy.random.default_rng(seed)
    tokens = vocabulary()
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name("tiny")
    writer.add_context_length(N_CONTEXT)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(N_FF)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(N_HEAD_KV)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(N_EMBD // N_HEAD)
    writer.add_vocab_size(len(tokens))

    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(CONTROL) + [1] * (len(tokens) - len(CONTROL)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)

    def add(name: str, *shape: int) -> None:
        """A weight; shape with the fastest dimension last, as numpy has it."""
        values = rng.standard_normal(shape) * (2.0 / shape[-1] ** 0.5)
        if len(shape) == 1:
            values = 1.0 + 0.1 * rng.standard_normal(shape)
        if endless and name == "token_embd.weight":
            values[: len(CONTROL)] = 0  # logits of zero, never the greatest
        values = values.astype(numpy.float32)
        if quantized and len(shape) == 2:
            q8_0 = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, q8_0), raw_dtype=q8_0)
        else:
            writer.add_tensor(name, values)

    n_embd_kv = N_EMBD // N_HEAD * N_HEAD_KV
    add("token_embd.weight", len(tokens), N_EMBD)
    add("output_norm.weight", N_EMBD)
    for layer in range(n_layer):
        add(f"blk.{layer}.attn_norm.weight", N_EMBD)
        add(f"blk.{layer}.attn_q.weight", N_EMBD, N_EMBD)
        add(f"blk.{layer}.attn_k.weight", n_embd_kv, N_EMBD)
        add(f"blk.{layer}.attn_v.weight", n_embd_kv, N_EMBD)
        add(f"blk.{layer}.attn_output.weight", N_EMBD, N_EMBD)
        add(f"blk.{layer}.ffn_norm.weight", N_EMBD)
        add(f"blk.{layer}.ffn_gate.weight", N_FF, N_EMBD)
        add(f"blk.{layer}.ffn_up.weight", N_FF, N_EMBD)
        add(f"blk.{layer}.ffn_down.weight", N_EMBD, N_FF)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
