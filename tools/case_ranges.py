"""Ranges of codes that are the same distance away from others, as lib/base/case_range.h reads them."""


def ranges(mapping):
    """(first, last, step, delta) that cover {code: other code}, each with codes `step` apart."""
    found = []
    for code, other in sorted(mapping.items()):
        delta = other - code
        if found:
            first, last, step, before = found[-1]
            gap = code - last
            if before == delta and (gap == step or (first == last and gap in (1, 2))):
                found[-1] = (first, code, gap if first == last else step, delta)
                continue
        found.append((code, code, 1, delta))
    return found


def write_ranges(out, name, mapping):
    out.write(f"const inlay__case_range inlay__{name}_ranges[] = {{\n")
    found = ranges(mapping)
    for i in range(0, len(found), 4):
        out.write("    " + " ".join(f"{{0x{a:x}, {d}, {b - a}, {s}}}," for a, b, s, d in found[i:i + 4]) + "\n")
    out.write(f"}};\nconst size_t inlay__{name}_ranges_count = {len(found)};\n\n")
