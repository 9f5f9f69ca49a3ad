#!/usr/bin/env python3
"""Writes lib/template/letters_tables.c: upper, lower, title and folded case of every code point, as this Python has them.

    python3 tools/gen_letters.py lib/template/letters_tables.c

Templates are held against Jinja on Python, so that Python's own methods are the reference.
"""
import sys
import unicodedata

from case_ranges import write_ranges


def write_specials(out, name, mapping):
    out.write(f"const inlay__case_special {name}[] = {{\n")
    items = sorted(mapping.items())
    assert max(ord(c) for code, text in items for c in chr(code) + text) < 0x10000
    for i in range(0, len(items), 4):
        out.write("    " + " ".join(
            "{0x%x, {%s}}," % (code, ", ".join(f"0x{ord(c):x}" for c in text)) for code, text in items[i:i + 4]) + "\n")
    out.write(f"}};\nconst size_t {name}_count = {len(items)};\n\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    codes = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write(f"/* Upper, lower, title and folded case in Unicode {unicodedata.unidata_version}. Written by tools/gen_letters.py. */\n"
                  "#include \"letters.h\"\n\n")
        for name, convert in (("upper", str.upper), ("lower", str.lower)):
            full = {c: convert(chr(c)) for c in codes}
            write_ranges(out, name,
                         {c: ord(t) for c, t in full.items() if len(t) == 1 and ord(t) != c})
            write_specials(out, f"inlay__{name}_specials", {c: t for c, t in full.items() if len(t) > 1})
        titles = {c: chr(c).title() for c in codes}
        folds = {c: chr(c).casefold() for c in codes}
        write_specials(out, "inlay__fold_specials", {c: t for c, t in folds.items() if t != chr(c).lower()})
        write_specials(out, "inlay__title_specials", {c: t for c, t in titles.items() if t != chr(c).upper()})


if __name__ == "__main__":
    main()
