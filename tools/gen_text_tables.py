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


def array(out, kind, name, values):
    out.write(f"const {kind} inlay__{name}[{len(values)}] = {{\n")
    out.writelines(lines(values, 12))
    out.write("};\n\n")


def decomposition_table(out, name, table):
    codes, ends, pool = sorted(table), [], []
    for code in codes:
        pool += [ord(char) for char in table[code]]
        ends.append(len(pool))
    assert len(pool) < 65536
    out.write(f"const size_t inlay__{name}_count = {len(codes)};\n\n")
    array(out, "uint32_t", f"{name}_codes", codes)
    array(out, "uint16_t", f"{name}_ends", ends)
    array(out, "uint32_t", f"{name}_pool", pool)


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
        decomposition_table(out, "canonical", decompositions("NFD"))
        decomposition_table(out, "compatible", decompositions("NFKD"))
        pairs = sorted(compositions().items())
        out.write(f"const size_t inlay__composition_count = {len(pairs)};\n\n")
        array(out, "uint64_t", "composition_pairs", [f"{a << 32 | b}u" for (a, b), _ in pairs])
        array(out, "uint32_t", "composition_results", [code for _, code in pairs])
        small = lower()
        single = sorted((code, ord(text)) for code, text in small.items() if len(text) == 1)
        assert {code: text for code, text in small.items() if len(text) > 1} == {0x130: "i\u0307"}
        out.write(f"const size_t inlay__lower_count = {len(single)};\n\n")
        array(out, "uint32_t", "lower_codes", [code for code, _ in single])
        array(out, "uint32_t", "lower_results", [code for _, code in single])


if __name__ == "__main__":
    main()
