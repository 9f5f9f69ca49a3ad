#!/usr/bin/env python3
"""Writes lib/base/unicode_tables.c: the general category of every code point, and the ranges of some scripts.

    pip install unicodedata2==16.0.0 regex==2024.11.6
    python3 tools/gen_unicode.py lib/base/unicode_tables.c

The version is that of the regular expression engine behind the tokenizers package, so that both split
text alike. A Python whose own unicodedata has that version does without unicodedata2; scripts come from
the package regex, whose release 2024.11.6 has that version.
"""
import sys

from staged_table import lines, write_staged

VERSION = "16.0.0"

# The order of the enum in unicode.h.
CATEGORIES = ("Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No "
              "Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs").split()
# INLAY__CHAR_ bits of unicode.h, for the table of ASCII.
BITS = {"L": 1, "N": 2, "M": 4, "P": 8, "S": 16, "Z": 32}
SPACE, NEWLINE = 64, 128
# What \\p{Han} may name.
SCRIPTS = ("Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Han Hangul "
           "Hebrew Hiragana Kannada Katakana Khmer Lao Latin Malayalam Mongolian Myanmar Sinhala Tamil Telugu Thai "
           "Tibetan").split()


def load_unicodedata():
    import unicodedata
    if unicodedata.unidata_version == VERSION:
        return unicodedata
    try:
        import unicodedata2
    except ImportError:
        sys.exit(f"this Python has Unicode {unicodedata.unidata_version}; run: pip install unicodedata2=={VERSION}")
    if unicodedata2.unidata_version != VERSION:
        sys.exit(f"unicodedata2 has Unicode {unicodedata2.unidata_version}, needed is {VERSION}")
    return unicodedata2


def ascii_flags(code, category):
    flags = BITS.get(category[0], 0)
    if code in (9, 10, 11, 12, 13, 32):
        flags |= SPACE
    if code in (10, 13):
        flags |= NEWLINE
    return flags


def script_ranges(name):
    """Of a script, its ranges of code points, [first, last]."""
    import regex
    in_script = regex.compile(rf"\p{{Script={name}}}")
    ranges = []
    for code in range(0x110000):
        if not in_script.match(chr(code)):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges


def write_scripts(out):
    flat, index = [], []
    for name in SCRIPTS:
        ranges = script_ranges(name)
        index.append(f"    {{\"{name.lower()}\", {len(flat) // 2}, {len(ranges)}}},\n")
        flat += [hex(code) for pair in ranges for code in pair]
    out.write("/* First and last code points. */\n")
    out.write(f"const uint32_t inlay__unicode_script_ranges[{len(flat) // 2}][2] = {{\n")
    pairs = [f"{{{first}, {last}}}" for first, last in zip(flat[::2], flat[1::2])]
    out.writelines(lines(pairs, 5))
    out.write("};\n\n")
    out.write(f"const inlay__unicode_script inlay__unicode_scripts[INLAY__UNICODE_N_SCRIPTS] = {{\n")
    out.writelines(index)
    out.write("};\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = load_unicodedata()
    categories = [data.category(chr(code)) for code in range(0x110000)]
    numbers = [CATEGORIES.index(c) for c in categories]

    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write("/* General categories of Unicode " + VERSION + ", in three stages (staged.h).\n"
                  " * Written by tools/gen_unicode.py. */\n"
                  "#include \"unicode.h\"\n\n")
        out.write("const char inlay__unicode_version[] = \"" + VERSION + "\";\n\n")
        out.write("/* INLAY__CHAR_ bits. */\n")
        out.write("const uint8_t inlay__unicode_ascii[128] = {\n")
        out.writelines(lines([ascii_flags(c, categories[c]) for c in range(128)], 20))
        out.write("};\n\n")
        write_staged(out, "unicode", numbers)
        write_scripts(out)


if __name__ == "__main__":
    main()
