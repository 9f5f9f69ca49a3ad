#!/usr/bin/env python3
"""Writes tests/golden/tokens_golden.c: a small vocabulary and the ids that the package `tokenizers` gives to texts
under each pre-tokenizer. The vocabulary is trained here, on the sentences below.

    pip install tokenizers==0.23.3 pytest
    python3 tests/reference/make_token_goldens.py tests/golden/tokens_golden.c
"""
import json
import random
import sys
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from vocabularies import PRETOKENIZERS, pretokenizer  # noqa: E402

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ADDED = ["<tool>", "</tool>"]
VOCAB_SIZE = 600

SENTENCES = [
    "The river was low that summer, and the boats lay on the sand like sleeping animals.",
    "Nobody knew who had painted the door, but everybody agreed that blue had been the right choice.",
    "It's late; we're tired, they've gone, I'd wait, you'll see, I'm sure he didn't mean it.",
    "When the train stopped, the passengers looked at their watches and then at each other.",
    "The committee will meet on the third Thursday of the month at 10:30 in room 214.",
    "A good sentence says one thing, says it once, and then makes room for the next.",
    "In 1987 the price was 12.50; by 2019 it had risen to 148.75, an increase of 1,090 percent.",
    "for (size_t i = 0; i < n; i++) {\n    total += values[i];\n}\nreturn total;\n",
    "def mean(values):\n    \"\"\"The average.\"\"\"\n    return sum(values) / len(values)\n",
    "{\"name\": \"example\", \"values\": [1, 2, 3], \"nested\": {\"ok\": true, \"none\": null}}",
    "Der Fluss war niedrig in jenem Sommer, und die Boote lagen im Sand; \u00fcber ihnen schwiegen die M\u00f6wen.",
    "L'\u00e9t\u00e9 \u00e9tait sec, et les p\u00eacheurs racontaient des histoires jusqu'au cr\u00e9puscule.",
    "\u0420\u0435\u043a\u0430 \u0431\u044b\u043b\u0430 \u043c\u0435\u043b\u043a\u043e\u0439, \u0438 \u043b\u043e\u0434\u043a\u0438 \u043b\u0435\u0436\u0430\u043b\u0438 \u043d\u0430 \u043f\u0435\u0441\u043a\u0435.",
    "\u6cb3\u6c34\u5f88\u6d45\uff0c\u5c0f\u8239\u8eba\u5728\u6c99\u6ee9\u4e0a\u3002\u6cb3\u6c34\u5f88\u6df1\u3002",
    "\u5ddd\u306f\u6d45\u304f\u3001\u8239\u306f\u7802\u306e\u4e0a\u3067\u7720\u3063\u3066\u3044\u305f\u3002",
]

TEXTS = SENTENCES + [
    "", " ", "  ", "   ", "\n", "\n\n", "\n\n\n", "\t", "\t\t", " \n", "\n ", "\r\n", " \r\n x", "a\n\n  b", "a  \n", "x \t y",
    "Hello", " Hello", "Hello world", "Hello  world", "   Hello", "HELLO World's END", "can't won't I'LL 'S 's 'x ''",
    "'\u017f it'\u017f", "we'Re'VE", "'", "''''", "don\u2019t", "3", "33", "333", "3333", "33333333", " 1 22  333", "v1.2.3-rc4",
    "\u00bd \u00b2\u00b3 \u2167 \u0663\u0664\u0665", "1\u00a02", "\u00a0x", "a\u3000b", "\u2028x\u2029", "x\x85y", "\u200b\ufeff",
    "!!!", "...wait", "(a)[b]{c}", "a->b == c != d", "// comment\n", " ;\n\n", "=====\n", "\\n \\t", "$5 \u20ac5 5%", "#tag @name",
    "e\u0301 n\u0303 \u0bb5\u0bbf", "\u0646\u0635 \u0639\u0631\u0628\u064a", "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "x\U0001f600y", "\U00020000\U0002a6df", "\U000e0041\U0010ffff",
    "\x00\x01\x1f\x7f", "a\x00b", "<|endoftext|>", "a<|im_start|>user\nhi<|im_end|>\n", "<|im_end", "<tool>x</tool>", "<<tool>>",
    "the the the the the the the the the the the the the the the the", "thethethethethethethethethethethethethethethe",
    "a" * 31, "a" * 32, "a" * 33, "a" * 70, " " * 33, "ab" * 40, "0" * 40, "." * 50, "\u00e9" * 20, "\u6cb3" * 25,
    "The committee\u2019s 214 boats; in 1987\u2013they\u2019re gone.\r\n\r\n\tNext: \u201cquote\u201d \u2026",
]


def more_texts(n):
    rng = random.Random(2024)
    pieces = [" ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "'", "the", " boat", "1", "42", "1234", ".", "->", "\u00e9", "\u6cb3",
              "\u0301", "\u00a0", "\U0001f600", "<tool>", "<|im_end|>", "_", "A", "z", "\u017f", "\u00bd", "\x00"]
    return ["".join(rng.choices(pieces, k=rng.choice([2, 4, 8, 16]))) for _ in range(n)]


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pretokenizer("gpt-2")
    trainer = trainers.BpeTrainer(vocab_size=VOCAB_SIZE - len(ADDED), special_tokens=CONTROL, show_progress=False,
                                  min_frequency=2, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(SENTENCES, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get) + ADDED
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    return tokens, merges


def reference(tokens, merges, name, special):
    vocab = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=name == "llama-bpe"))
    tokenizer.pre_tokenizer = pretokenizer(name)
    matched = ADDED + (CONTROL if special else [])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in matched])
    return tokenizer


def literal(data):
    """A C string; after an octal escape any character may follow."""
    return '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data) + '"'


def strings(out, declaration, values):
    out.write(f"{declaration} = {{\n")
    for value in values:
        out.write(f"    {literal(value.encode())},\n")
    out.write("};\n\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tokens, merges = train()
    texts = list(dict.fromkeys(TEXTS + more_texts(60)))
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write("/* A small byte-level vocabulary, and the ids of texts under each pre-tokenizer, as the package\n"
                  f" * tokenizers {tokenizers.__version__} gives them. Written by tests/reference/make_token_goldens.py. */\n"
                  "#include \"golden/tokens_golden.h\"\n\n")
        out.write(f"const size_t golden_n_tokens = {len(tokens)}, golden_n_merges = {len(merges)};\n")
        out.write(f"const size_t golden_n_control = {len(CONTROL)}, golden_n_added = {len(ADDED)};\n\n")
        strings(out, "const char *const golden_tokens[]", tokens)
        strings(out, "const char *const golden_merges[]", [" ".join(merge) for merge in merges])
        ids, rows = [], []
        for name in PRETOKENIZERS:
            for special in (False, True):
                tokenizer = reference(tokens, merges, name, special)
                for text in texts:
                    if special and "<|" not in text:
                        continue
                    found = tokenizer.encode(text, add_special_tokens=False).ids
                    data = text.encode()
                    rows.append(f'    {{"{name}", {int(special)}, {literal(data)}, {len(data)}, {len(ids)}, {len(found)}}},\n')
                    ids += found
        out.write("const int32_t golden_ids[] = {\n")
        for i in range(0, len(ids), 20):
            out.write("    " + ", ".join(map(str, ids[i:i + 20])) + ",\n")
        out.write("};\n\n")
        out.write(f"const size_t golden_n_texts = {len(rows)};\n")
        out.write("const golden_text golden_texts[] = {\n" + "".join(rows) + "};\n")


if __name__ == "__main__":
    main()
