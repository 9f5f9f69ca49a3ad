#!/usr/bin/env python3
"""Writes tests/kernels/block_golden.c: a few blocks of each tensor type and the floats that the package `gguf` decodes
them to.

    pip install gguf==0.19.0 numpy
    python3 tests/reference/make_block_goldens.py tests/kernels/block_golden.c
"""
import random
import sys
from importlib.metadata import version

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

# Each type that the library decodes, and where its blocks hold their f16 scales.
TYPES = {
    "F16": [],
    "BF16": [],
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q8_0": [0],
    "IQ4_NL": [0],
    "MXFP4": [],
    "Q2_K": [80, 82],
    "Q3_K": [108],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
    "IQ4_XS": [0],
    "TQ1_0": [52],
    "TQ2_0": [64],
    "IQ1_S": [0],
    "IQ1_M": [],
    "IQ2_XXS": [0],
    "IQ2_XS": [0],
    "IQ2_S": [0],
    "IQ3_XXS": [0],
    "IQ3_S": [0],
}

FLOATS = 32  # of a golden of F16 or BF16
# Two bytes each: both zeros, the least and the greatest subnormal, the least and the greatest normal number.
EXTREMES = {
    "F16": [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0xFBFF],
    "BF16": [0x0000, 0x8000, 0x0001, 0x807F, 0x0080, 0xFF7F],
}


def f16_scale(rng, low, high):
    return np.float16(rng.uniform(low, high)).tobytes()


def float_blocks(name, rng):
    """Finite numbers: an exponent of all ones is infinite or NaN."""
    exponent = {"F16": 0x7C00, "BF16": 0x7F80}[name]
    found = EXTREMES[name][:]
    while len(found) < 2 * FLOATS:
        bits = rng.getrandbits(16)
        if bits & exponent != exponent:
            found.append(bits)
    for i in range(0, len(found), FLOATS):
        yield "any numbers", b"".join(bits.to_bytes(2, "little") for bits in found[i:i + FLOATS])


def quantised_blocks(name, rng):
    size = GGML_QUANT_SIZES[GGMLQuantizationType[name]][1]
    subnormal = rng.randrange(1, 0x400).to_bytes(2, "little")
    kinds = [
        ("any quants", rng.randbytes(size), lambda: f16_scale(rng, 0.001, 0.1)),
        ("negative scales", rng.randbytes(size), lambda: f16_scale(rng, -0.1, -0.001)),
        ("subnormal scales", rng.randbytes(size), lambda: subnormal),
        ("the greatest scales", rng.randbytes(size), lambda: np.float16(65504.0).tobytes()),
        ("all bits of the quants clear", bytes(size), lambda: f16_scale(rng, 0.001, 0.1)),
        ("all bits of the quants set", b"\xff" * size, lambda: f16_scale(rng, 0.001, 0.1)),
        ("all bits clear", bytes(size), lambda: bytes(2)),
    ]
    for what, block, scale in kinds:
        block = bytearray(block)
        for offset in TYPES[name]:
            block[offset:offset + 2] = scale()
        if name == "IQ1_M":  # the scale's nibbles are the upper ones of four u16
            half = int.from_bytes(scale(), "little")
            for i in range(4):
                block[49 + 2 * i] = block[49 + 2 * i] & 15 | (half >> 4 * i & 15) << 4
        if name == "MXFP4":  # an exponent
            block[0] = {"subnormal scales": 1, "the greatest scales": 251, "all bits clear": 0}.get(what, 120)
        yield what, bytes(block)


def blocks_of(name):
    rng = random.Random(name)  # of its own, so that another type changes nothing
    return float_blocks(name, rng) if name in EXTREMES else quantised_blocks(name, rng)


def write_numbers(out, declaration, numbers, form):
    out.write(f"{declaration} = {{\n")
    line = "   "
    for number in numbers:
        text = f" {form(number)},"
        if len(line) + len(text) > 120:
            out.write(line + "\n")
            line = "   "
        line += text
    out.write(line + "\n};\n\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data, floats, rows = b"", [], []
    for name in TYPES:
        type_ = GGMLQuantizationType[name]
        for what, block in blocks_of(name):
            expected = dequantize(np.frombuffer(block, np.uint8).reshape(1, -1), type_).ravel()
            if not np.isfinite(expected).all():
                sys.exit(f"{name}, {what}: the reference gives a value that is not finite")
            rows.append(f'    {{"{name}, {what}", INLAY_TYPE_{name}, {len(data)}, {len(block)}, {len(floats)}, {expected.size}}},\n')
            data += block
            floats += expected.view(np.uint32).tolist()
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write("/* Blocks of each tensor type and the bits of the floats that they stand for, as the package\n"
                  f" * gguf {version('gguf')} decodes them. Written by tests/reference/make_block_goldens.py. */\n"
                  "#include \"inlay.h\"\n#include \"kernels/block_golden.h\"\n\n")
        write_numbers(out, "const uint8_t golden_bytes[]", data, lambda number: f"0x{number:02x}" if number else "0")
        write_numbers(out, "const uint32_t golden_floats[]", floats, lambda number: f"0x{number:08x}" if number else "0")
        out.write(f"const size_t golden_n_blocks = {len(rows)};\n")
        out.write("const golden_block golden_blocks[] = {\n" + "".join(rows) + "};\n")


if __name__ == "__main__":
    main()
