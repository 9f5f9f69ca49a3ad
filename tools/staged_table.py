"""Writes a table with a byte for every code point of Unicode in three stages, as lib/base/staged.h reads it."""

LEAF, ROW = 16, 32  # code points of a leaf, leaves of a row


def unique(values, size):
    """The different blocks of `size` values, and the number of each block."""
    blocks, numbers = {}, []
    for start in range(0, len(values), size):
        numbers.append(blocks.setdefault(tuple(values[start:start + size]), len(blocks)))
    return list(blocks), numbers


def lines(values, per_line=20):
    for i in range(0, len(values), per_line):
        yield "    " + ", ".join(map(str, values[i:i + per_line])) + ",\n"


def write_array(out, kind, name, values):
    out.write(f"const {kind} inlay__{name}[{len(values)}] = {{\n")
    out.writelines(lines(values))
    out.write("};\n\n")


def write_blocks(out, kind, name, blocks):
    out.write(f"const {kind} inlay__{name}[{len(blocks)}][{len(blocks[0])}] = {{\n")
    for block in blocks:
        text = "    {" + ", ".join(map(str, block)) + "},\n"
        out.write(text if len(text) <= 120 else "    {\n" + "".join("    " + line for line in lines(block)) + "    },\n")
    out.write("};\n\n")


def write_staged(out, name, values):
    assert len(values) == 0x110000
    leaves, leaf_of = unique(values, LEAF)
    rows, row_of = unique(leaf_of, ROW)
    assert len(leaves) < 65536 and len(rows) <= 256
    write_array(out, "uint8_t", f"{name}_tops", row_of)
    write_blocks(out, "uint16_t", f"{name}_rows", rows)
    write_blocks(out, "uint8_t", f"{name}_leaves", leaves)
