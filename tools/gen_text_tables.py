#!/usr/bin/env python3
"""Writes lib/tokenizer/normal_tables.c and lib/tokenizer/class_tables.c: what tokenizer.json files ask of characters.

    pip install tokenizers==0.23.3 unicodedata2==16.0.0 regex==2026.11.19
    python3 tools/gen_text_tables.py lib/tokenizer

The package that defines tokenizer.json brings several versions of Unicode, one with each library it is made of, some of
them of 2015. Its vocabularies were made with them, so that its answers are asked for here, character by character, and
not those of one version: normal forms, lower case, marks, punctuation, control characters, numbers, scripts. Only the
breaks between graphemes, which it does not show alone, are those of the module regex.
"""
import sys
from pathlib import Path

import regex
import unicodedata2
from tokenizers import __version__ as PACKAGE
from tokenizers import normalizers, pre_tokenizers

from case_ranges import write_ranges
from staged_table import lines, write_staged

assert unicodedata2.unidata_version == "16.0.0"
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)

# The bits of INLAY__CLASS_ and the values of INLAY__BREAK_ in characters.h.
PUNCTUATION, CONTROL, MARK, ACCENT, NUMBER = 1, 2, 4, 8, 16
BREAKS = ["Other", "CR", "LF", "Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend", "SpacingMark", "L", "V", "T",
          "LV", "LVT"]
PICTOGRAPH, LINKER, CONSONANT = 16, 32, 64


def asked(tool, alone):
    """The characters which, after an 'a', the splitter or normalizer does not leave alone."""
    if hasattr(tool, "normalize_str"):
        return {code for code in CODES if tool.normalize_str("a" + chr(code) + "b") == "ab"}
    return {code for code in CODES if len(tool.pre_tokenize_str("a" + chr(code))) == alone}


def classes():
    bert = {"handle_chinese_chars": False, "lowercase": False}
    sets = [
        (PUNCTUATION, asked(pre_tokenizers.Punctuation(), 2)),
        (CONTROL, asked(normalizers.BertNormalizer(clean_text=True, strip_accents=False, **bert), 0)),
        (MARK, asked(normalizers.StripAccents(), 0)),
        (ACCENT, asked(normalizers.BertNormalizer(clean_text=False, strip_accents=True, **bert), 0)),
        (NUMBER, asked(pre_tokenizers.Digits(), 2)),
    ]
    values = [0] * 0x110000
    for bit, members in sets:
        for code in members:
            values[code] |= bit
    return values


def breaks():
    values = [0] * 0x110000
    patterns = [(i, regex.compile(rf"\p{{GCB={name}}}")) for i, name in enumerate(BREAKS) if i > 0]
    extra = [(PICTOGRAPH, regex.compile(r"\p{Extended_Pictographic}")), (LINKER, regex.compile(r"\p{InCB=Linker}")),
             (CONSONANT, regex.compile(r"\p{InCB=Consonant}"))]
    text = "".join(map(chr, CODES))
    for value, pattern in patterns + extra:
        for match in pattern.finditer(text):
            values[ord(match.group())] |= value
    return values


def scripts():
    """Numbers of scripts: 0 is the one that never splits."""
    splitter = pre_tokenizers.UnicodeScripts()
    values, examples = [0] * 0x110000, {}

    def together(a, b):
        return len(splitter.pre_tokenize_str(a + b)) == 1

    def number(code, before):
        char = chr(code)
        if not splitter.pre_tokenize_str(char):
            return 0
        if before and together(examples[before], char):
            return before
        for known, example in examples.items():
            if together(example, char):
                return known
        examples[len(examples) + 1] = char
        return len(examples)

    before = 0
    for code in CODES:
        values[code] = number(code, before)
        before = values[code] or before
    assert len(examples) < 256
    return values, {char: n for n, char in examples.items()}


def lower():
    tool = normalizers.Lowercase()
    return {code: tool.normalize_str(chr(code)) for code in CODES if tool.normalize_str(chr(code)) != chr(code)}


def combining():
    """The classes by which marks are ordered: those of Unicode 16, of the marks that the package knows."""
    form, values = normalizers.NFD(), [0] * 0x110000
    for code in CODES:
        value = unicodedata2.combining(chr(code))
        if value == 0:
            continue
        # Before U+0334 (class 1) or after U+0345 (class 240) a known mark moves.
        other = "\u0334" if value > 1 else "\u0345"
        text = "a" + (chr(code) + other if value > 1 else other + chr(code))
        if form.normalize_str(text) != text:
            values[code] = value
    return values


def decompositions(name):
    form = getattr(normalizers, name)()
    return {code: form.normalize_str(chr(code)) for code in CODES
            if code not in HANGUL and form.normalize_str(chr(code)) != chr(code)}


def compositions():
    """(first, second) to what NFC makes of them."""
    form, pairs = normalizers.NFC(), {}
    for code in CODES:
        parts = unicodedata2.decomposition(chr(code))
        if not parts or parts.startswith("<") or code in HANGUL:
            continue
        parts = [int(part, 16) for part in parts.split()]
        if len(parts) == 2 and form.normalize_str(chr(parts[0]) + chr(parts[1])) == chr(code):
            pairs[tuple(parts)] = code
    return pairs


def array(out, kind, name, values, per_line=12):
    out.write(f"const {kind} inlay__{name}[{len(values)}] = {{\n")
    out.writelines(lines(values, per_line))
    out.write("};\n\n")


def unite(texts):
    """One text in which each of them is found."""
    pool = ""
    for text in sorted(texts, key=lambda text: (-len(text), text)):
        if text not in pool:
            pool += text
    return pool


def write_decompositions(out, canonical, compatible):
    """As lib/tokenizer/characters.h draws it."""
    assert set(canonical) <= set(compatible)
    pool = unite({*canonical.values(), *compatible.values()})
    others = {code: text for code, text in canonical.items() if compatible[code] != text}
    runs, starts, sizes = [], [], []

    def place(text):
        return len(pool[:pool.index(text)].encode()), len(text.encode())

    for code in sorted(compatible):
        if not runs or code != runs[-1][0] + runs[-1][1]:
            runs.append([code, 0, len(starts)])
        runs[-1][1] += 1
        start, size = place(compatible[code])
        starts.append(start)
        sizes.append(size | (128 if canonical.get(code) == compatible[code] else 0))
    assert max(size & 127 for size in sizes) < 128 and len(pool.encode()) < 65536
    out.write("const inlay__decomposition_run inlay__decomposition_runs[] = {\n")
    for i in range(0, len(runs), 5):
        out.write("    " + " ".join(f"{{0x{a:x}, {n}, {entry}}}," for a, n, entry in runs[i:i + 5]) + "\n")
    out.write(f"}};\nconst size_t inlay__decomposition_runs_count = {len(runs)};\n\n")
    array(out, "uint16_t", "decomposition_starts", starts)
    array(out, "uint8_t", "decomposition_sizes", sizes)
    out.write("const inlay__canonical_other inlay__canonical_others[] = {\n")
    for code, text in sorted(others.items()):
        out.write("    {0x%x, %d, %d},\n" % (code, *place(text)))
    out.write(f"}};\nconst size_t inlay__canonical_others_count = {len(others)};\n\n")
    array(out, "uint8_t", "decomposition_pool", pool.encode(), 20)


def write_compositions(out, pairs):
    """The low 16 bits of both and of the result, which are of one plane, sorted; plane 1 begins at composition_plane."""
    items = sorted((a >> 16, a & 0xFFFF, b & 0xFFFF, code & 0xFFFF) for (a, b), code in pairs.items())
    assert all(a >> 16 == b >> 16 == code >> 16 <= 1 for (a, b), code in pairs.items())
    out.write(f"const size_t inlay__composition_plane = {sum(item[0] == 0 for item in items)};\n")
    out.write(f"const size_t inlay__composition_count = {len(items)};\n\n")
    out.write(f"const uint16_t inlay__compositions[{len(items)}][3] = {{\n")
    for i in range(0, len(items), 5):
        out.write("    " + " ".join("{0x%x, 0x%x, 0x%x}," % item[1:] for item in items[i:i + 5]) + "\n")
    out.write("};\n\n")


HEAD = "Written by tools/gen_text_tables.py, which asked the package tokenizers {}. */\n#include \"tokenizer/characters.h\"\n\n"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    with open(folder / "class_tables.c", "w", encoding="ascii", newline="\n") as out:
        out.write("/* Classes, breaks and scripts of characters. " + HEAD.format(PACKAGE))
        write_staged(out, "class", classes())
        write_staged(out, "break", breaks())
        numbers, names = scripts()
        numbers[0x20] = 0
        write_staged(out, "script", numbers)
        print("scripts", len(names))
    with open(folder / "normal_tables.c", "w", encoding="ascii", newline="\n") as out:
        out.write("/* Normal forms and lower case. " + HEAD.format(PACKAGE))
        write_staged(out, "combining", combining())
        write_decompositions(out, decompositions("NFD"), decompositions("NFKD"))
        write_compositions(out, compositions())
        small = lower()
        assert {code: text for code, text in small.items() if len(text) > 1} == {0x130: "i\u0307"}
        write_ranges(out, "small", {code: ord(text) for code, text in small.items() if len(text) == 1})



if __name__ == "__main__":
    main()
