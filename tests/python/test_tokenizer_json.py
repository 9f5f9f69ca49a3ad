"""A tokenizer.json gives the ids and the text that the package tokenizers gives, with every component and option.

INLAY_TEXTS: random texts for each file of the reference data (60 by default; the whole comparison has 100000), and for each
component of files made here, up to 1000.
INLAY_TOKENIZER_FILES: more files to compare, separated by ':'.
"""
import base64
import json
import os
import random
import struct

import pytest
from vocabularies import data_folder

import inlay

N_TEXTS = int(os.environ.get("INLAY_TEXTS", "60"))

# ---------------------------------------------------------------------- texts

LOOKALIKES = ["<s>", "</s>", "<unk>", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "<pad>", "<|endoftext|>", "<s", "[CLS", "<x1>", "<x2>",
              "<x3>", "<X1>", "＜s＞", "<0x41>", "##a", "▁", "▁▁a", "</w>", "<s></s>", "a<s>b", " <x2> ", "x<x3>y", "<x3>"]
WORDS = ("the quick Brown fox don't can't I'm we've they'll he'd 's 123 4567 3.14 foo_bar(x) => {}; #include https://a.b/c?d=e "
         "naïve café Ünïcödé ﬁn ＡＢＣ ① ½ Ⅷ İstanbul ΣΑΣ ß 你好 世界 東京 こんにちは カタカナー 안녕하세요 각 привет мир שלום مرحبا "
         "नमस्ते ไทย áéíóú e\u0301 a\u0323\u0302 \u0958 ﷺ \u1e9b\u0323 😀 👨‍👩‍👧 🇩🇪 ☕️ 🏳️‍🌈 x\u200dy \ufeff \u00a0 \u2003 "
         "\u2028 \u0085 \u00ad ﬀ ʼn ǆ Å Å ｶﾞ ㌔ ℃ 𝔘𝔫𝔦 𐐀 𠀀 \u1100\u1161\u11a8 ؀a ©\u200d® क्ष \r\n").split(" ")
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n ", "\u3000", "\u00a0", "\u200b", "          "]


def random_character(rng):
    kind = rng.randrange(8)
    if kind < 3:
        return chr(rng.randrange(32, 127))
    if kind == 3:
        return chr(rng.randrange(0x80, 0x800))
    if kind == 4:
        return chr(rng.choice([rng.randrange(0x800, 0xD800), rng.randrange(0xE000, 0x10000)]))
    if kind == 5:
        return chr(rng.choice([rng.randrange(0x10000, 0x20000), rng.randrange(0x20000, 0x110000)]))
    if kind == 6:
        return chr(rng.choice([rng.randrange(0x300, 0x370), rng.randrange(0x1AB0, 0x1B00), rng.randrange(0x0900, 0x0980)]))
    return chr(rng.randrange(0, 32))


def random_text(rng):
    parts = []
    for _ in range(rng.choice([1, 2, 3, 5, 8, 13])):
        kind = rng.randrange(9)
        if kind < 3:
            parts.append(rng.choice(WORDS))
        elif kind == 3:
            parts.append(rng.choice(SPACES))
        elif kind == 4:
            parts.append(rng.choice(LOOKALIKES))
        elif kind == 5:
            parts.append(rng.choice("aeiou .,!?'-_" + "éß你▁") * rng.randrange(1, 30))
        elif kind == 6:
            data = bytes(rng.choice([rng.randrange(256), rng.randrange(0x80, 0xC0), rng.randrange(0xC0, 0xF8)])
                         for _ in range(rng.randrange(1, 6)))
            parts.append(data.decode("utf-8", "replace"))
        else:
            parts.append("".join(random_character(rng) for _ in range(rng.randrange(1, 8))))
        if rng.randrange(3) == 0:
            parts.append(" ")
    return "".join(parts)


FIXED = ["", " ", "a", "  a  ", "\u035c\u06e8a", "a\u035c\u06e8", "Hello, world!", "the-final--countdown", "--a--", "A", "\u0301a", "\r\n\r\n",
         "<s>", "a <x2>  b", "<x3>a <x3>",
         " <x4> <x4>  x", "\ufffd", "\u0000", "a\u0000b", "x" * 150, "é" * 101, "1234567", "a1b22c333", "x do not y's", "ﬁﬁ ①②"]


def texts(seed, n=min(N_TEXTS, 1000)):
    rng = random.Random(seed)
    yield from FIXED
    for _ in range(n):
        yield random_text(rng)


# ----------------------------------------------------------------- comparing


def compare(path, seed, decode=True, n=N_TEXTS):
    from tokenizers import Tokenizer

    reference = Tokenizer.from_file(str(path))
    reference.no_truncation()
    reference.no_padding()
    with inlay.Model.open(path, vocab_only=True) as model:
        for text in texts(seed, n):
            check(reference, model, text, decode)


class Panic(Exception):
    """The package gave up: it cannot cut a few texts at the added tokens that it found itself."""


def encode(reference, text, **options):
    try:
        return reference.encode(text, **options).ids
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise Panic from error
        raise


def check(reference, model, text, decode):
    try:
        expected = encode(reference, text)
        plain = encode(reference, text, add_special_tokens=False)
    except Panic:
        model.tokenize(text, add_special=True, parse_special=True)
        return
    except Exception:  # the package has no token for it, and neither an unknown one
        with pytest.raises(inlay.InlayError):
            model.tokenize(text, add_special=True, parse_special=True)
        return
    assert model.tokenize(text, add_special=True, parse_special=True) == expected, repr(text)
    assert model.tokenize(text, add_special=False, parse_special=True) == plain, repr(text)
    check_unparsed(reference, model, text)
    if decode:
        back = reference.decode(expected)
        assert model.detokenize_bytes(expected).decode("utf-8", "replace") == back, repr(text)


def check_unparsed(reference, model, text):
    """Without control tokens. Here text never becomes one, which the package lets some models do."""
    reference.encode_special_tokens = True
    try:
        expected = encode(reference, text, add_special_tokens=False)
    except Exception:
        return
    finally:
        reference.encode_special_tokens = False
    decoder = reference.get_added_tokens_decoder()
    if not any(i in decoder and decoder[i].special for i in expected):
        assert model.tokenize(text, add_special=False, parse_special=False) == expected, repr(text)


def tiny():
    folder = data_folder()
    return sorted(p.parent.name for p in (folder / "tiny").glob("*/tokenizer.json")) if folder else []


def different():
    """One name for each content."""
    names = {}
    for name in tiny():
        names.setdefault((data_folder() / "tiny" / name / "tokenizer.json").read_bytes(), name)
    return sorted(names.values())


@pytest.mark.parametrize("name", different())
def test_real_shapes_of_files(name):
    compare(data_folder() / "tiny" / name / "tokenizer.json", name)


@pytest.mark.parametrize("name", tiny())
def test_recorded_ids(name):
    folder = data_folder() / "tiny" / name
    with inlay.Model.open(folder / "tokenizer.json", vocab_only=True) as model:
        cases = [case for case in json.loads((folder / "golden.json").read_text())["cases"] if "prompt" in case and "ids" in case]
        if not cases:
            pytest.skip("no texts with ids were recorded")
        for case in cases:
            assert model.tokenize(case["prompt"], add_special=True) == case["ids"], case["prompt"]


@pytest.mark.parametrize("path", [p for p in os.environ.get("INLAY_TOKENIZER_FILES", "").split(":") if p])
def test_named_files(path):
    compare(path, path)


# ------------------------------------------------------- files with one thing

BYTES = [f"<0x{b:02X}>" for b in range(256)]


def added(content, **options):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True,
            **options}


def byte_model(prefix=None, suffix=None, **options):
    """Every byte shows, and with a prefix where pieces begin."""
    vocab = {text: i for i, text in enumerate(["<unk>"] + BYTES)}
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": prefix,
            "end_of_word_suffix": suffix, "fuse_unk": False, "byte_fallback": True, "ignore_merges": False, "vocab": vocab,
            "merges": [], **options}


def document(model, **parts):
    tokens = parts.pop("added", [added("<s>"), added("</s>")])
    first = len(model["vocab"])
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": first + i, **token} for i, token in enumerate(tokens)],
            "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": model, **parts}


def compare_document(tmp_path, doc, seed="", decode=True):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(doc), encoding="utf-8")
    compare(path, seed, decode, min(N_TEXTS, 1000))


def charsmap(pairs):
    """A precompiled charsmap of UTF-8 keys, as a double array."""
    root = {}
    for key, value in pairs.items():
        node = root
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[None] = value
    units, texts, queue = {0: 0}, b"", [(root, 0)]
    used = {0}
    while queue:
        node, at = queue.pop(0)
        labels = [0 if byte is None else byte for byte in node]
        base = 1
        while any((base ^ label) in used or (at ^ base) >= 1 << 21 for label in labels):
            base += 1
        units[at] = (units[at] & 0x800000FF) | ((at ^ base) << 10) | (0x100 if None in node else 0)
        for byte, child in node.items():
            place = base ^ (byte or 0)
            used.add(place)
            if byte is None:
                units[place] = 0x80000000 | len(texts)
                texts += child.encode() + b"\0"
            else:
                units[place] = byte
                queue.append((child, place))
    array = [units.get(i, 0) for i in range(max(units) + 256)]
    blob = struct.pack("<I", 4 * len(array)) + struct.pack(f"<{len(array)}I", *array) + texts
    return base64.b64encode(blob).decode()


CHARSMAP = charsmap({"ﬁ": "fi", "①": "1", "Ａ": "A", "\r": " ", "\n": " ", "e\u0301": "é", "½": "1⁄2", "a": "X", "\u00a0": " ", "ﬀ": "",
                     "؀": "Z", "©": "c", "\u1100": "g", "\u3000": " "})

NORMALIZERS = {
    "NFC": {"type": "NFC"}, "NFD": {"type": "NFD"}, "NFKC": {"type": "NFKC"}, "NFKD": {"type": "NFKD"},
    "Lowercase": {"type": "Lowercase"}, "Nmt": {"type": "Nmt"}, "StripAccents": {"type": "StripAccents"},
    "ByteLevel": {"type": "ByteLevel"},
    "Strip": {"type": "Strip", "strip_left": True, "strip_right": True},
    "Strip left": {"type": "Strip", "strip_left": True, "strip_right": False},
    "Strip right": {"type": "Strip", "strip_left": False, "strip_right": True},
    "Replace": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    "Replace more": {"type": "Replace", "pattern": {"String": "aa"}, "content": ""},
    "Replace regex": {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "é"},
    "Replace class": {"type": "Replace", "pattern": {"Regex": "[\\p{P}\\d]+"}, "content": "<"},
    "Prepend": {"type": "Prepend", "prepend": "▁x"},
    "Precompiled": {"type": "Precompiled", "precompiled_charsmap": CHARSMAP},
    "Sequence": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Sequence", "normalizers": [
        {"type": "Lowercase"}, {"type": "StripAccents"}]}, {"type": "Strip", "strip_left": True, "strip_right": True}]},
    "Empty sequence": {"type": "Sequence", "normalizers": []},
}
for _clean in (True, False):
    for _chinese in (True, False):
        for _accents in (True, False, None):
            for _lower in (True, False):
                NORMALIZERS[f"Bert {_clean} {_chinese} {_accents} {_lower}"] = {
                    "type": "BertNormalizer", "clean_text": _clean, "handle_chinese_chars": _chinese,
                    "strip_accents": _accents, "lowercase": _lower}


@pytest.mark.parametrize("name", NORMALIZERS)
def test_normalizers(tmp_path, name):
    compare_document(tmp_path, document(byte_model(), normalizer=NORMALIZERS[name]), name)


def test_normalizers_of_every_character(tmp_path):
    """Characters alone, behind a letter and before a mark, a thousand a text."""
    from tokenizers import Tokenizer
    codes = [code for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    for name in ("NFC", "NFKC", "NFKD", "Lowercase", "Bert True True None True", "StripAccents", "Nmt"):
        path = tmp_path / "tokenizer.json"
        path.write_text(json.dumps(document(byte_model(), normalizer=NORMALIZERS[name])), encoding="utf-8")
        reference = Tokenizer.from_file(str(path))
        normalizer = reference.normalizer
        step = 1 if N_TEXTS > 1000 else 7
        with inlay.Model.open(path, vocab_only=True) as model:
            for i in range(0, len(codes), 1000 * step):
                text = "".join(f"{chr(c)} a{chr(c)}\u0323 " for c in codes[i:i + 1000])
                normal = normalizer.normalize_str(text).encode()
                assert model.tokenize(text) == [b + 1 for b in normal], (name, hex(codes[i]))


BEHAVIORS = ["Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext"]
SPLITTERS = {
    "Whitespace": {"type": "Whitespace"}, "WhitespaceSplit": {"type": "WhitespaceSplit"},
    "Bert": {"type": "BertPreTokenizer"}, "Scripts": {"type": "UnicodeScripts"},
    "Digits": {"type": "Digits", "individual_digits": False}, "Digit": {"type": "Digits", "individual_digits": True},
    "CharDelimiterSplit": {"type": "CharDelimiterSplit", "delimiter": "é"},
    "Fixed": {"type": "FixedLength", "length": 3},
    "Sequence": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"},
                                                       {"type": "Digits", "individual_digits": True}]},
    "Metaspace and Digits": {"type": "Sequence", "pretokenizers": [
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        {"type": "Digits", "individual_digits": True}]},
    "Punctuation default": {"type": "Punctuation"},
}
for _behavior in BEHAVIORS:
    SPLITTERS[f"Punctuation {_behavior}"] = {"type": "Punctuation", "behavior": _behavior}
    for _invert in (False, True):
        SPLITTERS[f"Split string {_behavior} {_invert}"] = {"type": "Split", "pattern": {"String": "a"}, "behavior": _behavior,
                                                           "invert": _invert}
        SPLITTERS[f"Split regex {_behavior} {_invert}"] = {"type": "Split", "pattern": {"Regex": "\\s+|\\p{N}"},
                                                          "behavior": _behavior, "invert": _invert}
for _scheme in ("always", "first", "never"):
    for _split in (True, False):
        SPLITTERS[f"Metaspace {_scheme} {_split}"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": _scheme,
                                                     "split": _split}
for _prefix in (True, False):
    for _regex in (True, False):
        SPLITTERS[f"ByteLevel {_prefix} {_regex}"] = {"type": "ByteLevel", "add_prefix_space": _prefix, "trim_offsets": True,
                                                     "use_regex": _regex}


@pytest.mark.parametrize("name", SPLITTERS)
def test_pre_tokenizers(tmp_path, name):
    compare_document(tmp_path, document(byte_model(prefix="#"), pre_tokenizer=SPLITTERS[name]), name)


@pytest.mark.parametrize("name", ["Metaspace first True", "Metaspace first False"])
def test_a_normalizer_that_drops_the_beginning_before_metaspace(tmp_path, name):
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    compare_document(tmp_path, document(byte_model(prefix="#"), normalizer=strip, pre_tokenizer=SPLITTERS[name]), name)
    between = {"type": "Replace", "pattern": {"Regex": " {0,}"}, "content": "_"}
    both = {"type": "Sequence", "pretokenizers": [SPLITTERS["Split string Isolated False"], SPLITTERS[name]]}
    compare_document(tmp_path, document(byte_model(prefix="#"), normalizer=between, pre_tokenizer=both), name)


def test_classes_of_every_character(tmp_path):
    from tokenizers import Tokenizer
    codes = [code for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    step = 1 if N_TEXTS > 1000 else 7
    for name in ("Whitespace", "Bert", "Digit", "Scripts"):
        path = tmp_path / "tokenizer.json"
        path.write_text(json.dumps(document(byte_model(prefix="#"), pre_tokenizer=SPLITTERS[name])), encoding="utf-8")
        reference = Tokenizer.from_file(str(path))
        with inlay.Model.open(path, vocab_only=True) as model:
            for i in range(0, len(codes), 300 * step):
                text = "".join(f"a{chr(c)}" for c in codes[i:i + 300])
                assert model.tokenize(text) == reference.encode(text).ids, (name, hex(codes[i]))


# ---------------------------------------------------------------------- models

CORPUS = (WORDS + "a an and are as at be by for from has he in is it its of on that the to was were will with".split()) * 3


def trained(kind, **options):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    special = ["<unk>", "[UNK]", "<s>", "</s>"]
    make = {"BPE": (models.BPE(unk_token="<unk>"), trainers.BpeTrainer(
                vocab_size=400, special_tokens=special, show_progress=False, continuing_subword_prefix=options.get(
                    "continuing_subword_prefix") or "", end_of_word_suffix=options.get("end_of_word_suffix") or "")),
            "bytes": (models.BPE(), trainers.BpeTrainer(vocab_size=500, special_tokens=special, show_progress=False,
                                                        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())),
            "WordPiece": (models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(
                vocab_size=400, special_tokens=special, show_progress=False)),
            "WordLevel": (models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(
                vocab_size=120, special_tokens=special, show_progress=False)),
            "Unigram": (models.Unigram(), trainers.UnigramTrainer(vocab_size=300, unk_token="<unk>", show_progress=False,
                                                                  special_tokens=special))}
    tokenizer = Tokenizer(make[kind][0])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False) if kind == "bytes" else pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(CORPUS, make[kind][1])
    model = json.loads(tokenizer.to_str())["model"]
    for key, value in options.items():
        model[key] = value
    return model


def with_bytes(model):
    if model["type"] == "Unigram":
        model["vocab"] += [[text, -20.0] for text in BYTES]
    else:
        for text in BYTES:
            model["vocab"][text] = len(model["vocab"])
    return model


MODELS = {
    "BPE": lambda: trained("BPE"), "BPE fuse": lambda: trained("BPE", fuse_unk=True),
    "BPE no unk": lambda: trained("BPE", unk_token=None),
    "BPE ignore": lambda: trained("BPE", ignore_merges=True),
    "BPE suffix": lambda: trained("BPE", end_of_word_suffix="</w>"),
    "BPE prefix": lambda: trained("BPE", continuing_subword_prefix="##"),
    "BPE bytes": lambda: with_bytes(trained("BPE", byte_fallback=True, fuse_unk=True)),
    "BPE some bytes": lambda: cut(with_bytes(trained("BPE", byte_fallback=True, fuse_unk=False)), 70),
    "WordPiece": lambda: trained("WordPiece"), "WordPiece short": lambda: trained("WordPiece", max_input_chars_per_word=4),
    "WordPiece plain": lambda: trained("WordPiece", continuing_subword_prefix=""),
    "WordLevel": lambda: trained("WordLevel"), "WordLevel no unk": lambda: trained("WordLevel", unk_token="nowhere"),
    "Unigram": lambda: trained("Unigram"), "Unigram bytes": lambda: with_bytes(trained("Unigram", byte_fallback=True)),
    "Unigram no unk": lambda: trained("Unigram", unk_id=None),
    "byte-level": lambda: trained("bytes"), "byte-level ignore": lambda: trained("bytes", ignore_merges=True),
}


def cut(model, n):
    for text in list(model["vocab"])[-n:]:
        del model["vocab"][text]
    return model


@pytest.mark.parametrize("name", MODELS)
def test_models(tmp_path, name):
    model = MODELS[name]()
    splitter = SPLITTERS["ByteLevel False True"] if name.startswith("byte-level") else SPLITTERS["WhitespaceSplit"]
    compare_document(tmp_path, document(model, pre_tokenizer=splitter), name)
    if not name.startswith("byte-level"):
        compare_document(tmp_path, document(model, pre_tokenizer=SPLITTERS["Metaspace first True"],
                                            normalizer=NORMALIZERS["NFKC"]), name)
        compare_document(tmp_path, document(model), name)


def test_models_without_type_and_with_old_merges(tmp_path):
    for name in ("BPE", "WordPiece", "WordLevel", "Unigram"):
        model = MODELS[name]()
        del model["type"]
        if "merges" in model:
            model["merges"] = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
        compare_document(tmp_path, document(model, pre_tokenizer=SPLITTERS["WhitespaceSplit"]), name)


# ------------------------------------------------------------- added tokens

ADDED = {
    "plain": {}, "lstrip": {"lstrip": True}, "rstrip": {"rstrip": True}, "both": {"lstrip": True, "rstrip": True},
    "single": {"single_word": True}, "single both": {"single_word": True, "lstrip": True, "rstrip": True},
    "normalized": {"normalized": True}, "normalized both": {"normalized": True, "lstrip": True, "rstrip": True},
    "text": {"special": False}, "text normalized": {"special": False, "normalized": True},
    "text single": {"special": False, "single_word": True},
}


@pytest.mark.parametrize("name", ADDED)
@pytest.mark.parametrize("normalizer", ["none", "Lowercase", "NFKC"])
def test_added_tokens(tmp_path, name, normalizer):
    options = ADDED[name]
    tokens = [added("<s>"), added("<x1>", **options), added("<x2>", **options), added("<x3>", **options), added("a", **options),
              added("ab", **options), added("fox", **options), added("é", **options), added(" ", **options), added("", **options)]
    for extra in ([], [added("<x2> ", special=False), added("x", rstrip=True)]):
        compare_document(tmp_path, document(byte_model(prefix="#"), normalizer=NORMALIZERS.get(normalizer),
                                            pre_tokenizer=SPLITTERS["WhitespaceSplit"], added=tokens + extra), name)


def test_added_tokens_that_the_model_has(tmp_path):
    model = trained("WordLevel")
    words = list(model["vocab"])
    for special in (True, False):
        tokens = [added(word, special=special) for word in words[:12]] + [added("new", special=special)]
        compare_document(tmp_path, document(model, pre_tokenizer=SPLITTERS["Whitespace"], added=tokens), "model")


def test_ids_of_added_tokens_are_those_of_the_package(tmp_path):
    from tokenizers import Tokenizer
    doc = document(byte_model(), added=[added("<a>"), added("<b>")])
    doc["added_tokens"][0]["id"] = 400
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(doc), encoding="utf-8")
    with inlay.Model.open(path, vocab_only=True) as model:
        reference = Tokenizer.from_file(str(path))
        assert model.tokenize("<a><b>", parse_special=True) == reference.encode("<a><b>").ids


# ------------------------------------------------------- post-processors, decoders


def template(single, ids):
    return {"type": "TemplateProcessing", "single": single, "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {name: {"id": name, "ids": numbers, "tokens": [name] * len(numbers)} for name, numbers in ids.items()}}


A = {"Sequence": {"id": "A", "type_id": 0}}


def special(name):
    return {"SpecialToken": {"id": name, "type_id": 0}}


PROCESSORS = {
    "template": template([special("<s>"), A, special("</s>")], {"<s>": [257], "</s>": [258]}),
    "several": template([special("<s>"), special("</s>"), A, special("x"), special("</s>")], {"<s>": [257], "</s>": [258], "x": [5, 6, 7]}),
    "only": template([A], {}),
    "bert": {"type": "BertProcessing", "sep": ["</s>", 258], "cls": ["<s>", 257]},
    "roberta": {"type": "RobertaProcessing", "sep": ["</s>", 258], "cls": ["<s>", 257], "trim_offsets": True, "add_prefix_space": True},
    "bytes": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
}
PROCESSORS["sequence"] = {"type": "Sequence", "processors": [PROCESSORS["bytes"], PROCESSORS["several"]]}


@pytest.mark.parametrize("name", PROCESSORS)
def test_post_processors(tmp_path, name):
    compare_document(tmp_path, document(byte_model(), post_processor=PROCESSORS[name]), name)


DECODERS = {
    "ByteLevel": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    "Metaspace": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    "Metaspace never": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True},
    "WordPiece": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "WordPiece unclean": {"type": "WordPiece", "prefix": "##", "cleanup": False},
    "BPE": {"type": "BPEDecoder", "suffix": "</w>"}, "BPE letter": {"type": "BPEDecoder", "suffix": "e"},
    "Fuse": {"type": "Fuse"}, "ByteFallback": {"type": "ByteFallback"},
    "Strip": {"type": "Strip", "content": "a", "start": 1, "stop": 0},
    "Replace": {"type": "Replace", "pattern": {"String": "a"}, "content": " b"},
    "Replace regex": {"type": "Replace", "pattern": {"Regex": "[aeiou]+"}, "content": "_"},
    "llama": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "fused": {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": {"String": "an"}, "content": ""},
                                               {"type": "Strip", "content": "t", "start": 3, "stop": 0}]},
}


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("model", ["BPE bytes", "WordPiece", "Unigram", "byte-level"])
def test_decoders(tmp_path, name, model):
    doc = document(MODELS[model](), pre_tokenizer=SPLITTERS["Metaspace always True"], decoder=DECODERS[name])
    if model == "byte-level":
        doc["pre_tokenizer"] = SPLITTERS["ByteLevel True True"]
    compare_document(tmp_path, doc, name)


def streamed(model, ids):
    """The pieces of text that inlay_stream_text gives, token by token."""
    import ctypes
    from inlay._library import lib
    state, size, text = ctypes.c_uint64(), ctypes.c_size_t(), ctypes.create_string_buffer(4096)
    for token in [*ids, -1]:
        assert lib.inlay_stream_text(model._open_handle, state, token, text, len(text), size) == 0
        yield text.raw[:size.value].decode("utf-8")
    assert state.value == 0


@pytest.mark.parametrize("name", ["ByteLevel", "Metaspace", "WordPiece", "llama"])
def test_streamed_text_is_the_decoded_text(tmp_path, name):
    doc = document(MODELS["BPE bytes"](), pre_tokenizer=SPLITTERS["Metaspace always True"], decoder=DECODERS[name])
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(doc), encoding="utf-8")
    with inlay.Model.open(path, vocab_only=True) as model:
        for text in texts(name):
            ids = model.tokenize(text, parse_special=True)
            assert "".join(streamed(model, ids)) == model.detokenize_bytes(ids).decode("utf-8", "replace"), repr(text)


# ---------------------------------------------------------- words that are bytes


def byte_level(**options):
    """Byte-level BPE trained on the texts, with each way to split that such files have."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=900, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([text for text in texts("train", 1500) if "\udcff" not in text], trainer)
    return {**json.loads(tokenizer.to_str())["model"], **options}


BYTE_SPLITTERS = {
    "GPT-2": SPLITTERS["ByteLevel False True"], "space before": SPLITTERS["ByteLevel True True"],
    "whole": SPLITTERS["ByteLevel False False"],
    "regex": {"type": "Sequence", "pretokenizers": [SPLITTERS["Split regex Isolated False"], SPLITTERS["ByteLevel False False"]]},
    "digits": {"type": "Sequence", "pretokenizers": [SPLITTERS["Digit"], SPLITTERS["ByteLevel False True"]]},
    "bytes twice": {"type": "Sequence", "pretokenizers": [SPLITTERS["ByteLevel False True"], SPLITTERS["ByteLevel False False"]]},
    "letters split": {"type": "Sequence", "pretokenizers": [SPLITTERS["ByteLevel False True"], SPLITTERS["Split string Isolated False"]]},
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("name", BYTE_SPLITTERS)
def test_words_of_bytes(tmp_path, name, whole):
    doc = document(byte_level(ignore_merges=whole), pre_tokenizer=BYTE_SPLITTERS[name], decoder=DECODERS["ByteLevel"])
    compare_document(tmp_path, doc, name)
    compare_document(tmp_path, {**doc, "normalizer": NORMALIZERS["NFC"]}, name)


def test_words_of_bytes_in_vocabularies_without_some(tmp_path):
    """Where letters are missing, or known under another text too, words stay letters."""
    model = byte_level()
    splitter = BYTE_SPLITTERS["GPT-2"]
    without = {**model, "vocab": {text: i for text, i in model["vocab"].items() if text != "Z"},
               "merges": [merge for merge in model["merges"] if "Z" not in "".join(merge)]}
    without["vocab"] = {text: i for text, i in without["vocab"].items() if "Z" not in text}
    compare_document(tmp_path, document(without, pre_tokenizer=splitter, decoder=DECODERS["ByteLevel"]), "without")
    aliased = {**model, "vocab": {**model["vocab"], "another name": model["vocab"]["a"]}}
    compare_document(tmp_path, document(aliased, pre_tokenizer=splitter), "alias", decode=False)


def test_any_bytes_come_back_from_byte_level_files(tmp_path):
    every_byte = bytes(range(256))
    path = tmp_path / "tokenizer.json"
    for name in ("GPT-2", "regex", "whole"):
        tokens = [added("<x>", special=False, lstrip=True, rstrip=True, single_word=True)]
        doc = document(byte_level(), pre_tokenizer=BYTE_SPLITTERS[name], decoder=DECODERS["ByteLevel"], added=tokens)
        path.write_text(json.dumps(doc), encoding="utf-8")
        with inlay.Model.open(path, vocab_only=True) as model:
            for text in (every_byte, every_byte[::-1], every_byte * 5, b"\xff\xfe\x00 a\xc3", b"\xf0\x9f\x98", b"a \x80<x>\x80 b"):
                assert model.detokenize_bytes(model.tokenize(text)) == text


# ------------------------------------------------------------------------ ByT5


def test_bytes_of_byt5(tmp_path):
    """Three tokens, the bytes, then those named in the configuration; the end is put behind a text."""
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({"tokenizer_class": "ByT5Tokenizer", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}))
    every_byte = bytes(range(256))
    with inlay.Model.open(path, vocab_only=True) as model:
        assert model.n_vocab == 3 + 256 + 125
        for text in (b"", b"Hello", "né你😀".encode(), every_byte, every_byte[::-1], b"<extra_id_3></s>", b"<0x41>"):
            ids = model.tokenize(text)
            assert ids == [byte + 3 for byte in text]
            assert model.detokenize_bytes(ids) == text
            assert model.tokenize(text, add_special=True) == [*ids, 1]
            assert [(begin, end) for _, begin, end in model.tokenize_spans(text)] == [(i, i + 1) for i in range(len(text))] or max(text) > 127
        assert model.tokenize("a<extra_id_3>b</s>", parse_special=True) == [ord("a") + 3, 262, ord("b") + 3, 1]
        assert model.is_end(1)
    path.write_text(json.dumps({"tokenizer_class": "ByT5Tokenizer", "extra_ids": 2}))
    with inlay.Model.open(path, vocab_only=True) as model:
        assert model.n_vocab == 3 + 256 + 2
    for wrong in (-1, "many", 10 ** 9):
        path.write_text(json.dumps({"tokenizer_class": "ByT5Tokenizer", "extra_ids": wrong}))
        with pytest.raises(inlay.FormatError, match="extra_ids"):
            inlay.Model.open(path, vocab_only=True)


def test_the_template_beside_a_file_renders_conversations(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document(byte_model())), encoding="utf-8")
    said = [{"role": "user", "content": "hi"}]

    def rendered(template=None):
        with inlay.Model.open(path, vocab_only=True) as model:
            return model.render_chat(said, template=template)

    assert rendered() == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"eos_token": "</s>", "chat_template": "A{{ messages[0].content }}{{ eos_token }}"}), encoding="utf-8")
    assert rendered() == "Ahi</s>"
    config.write_text(json.dumps({"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D{{ messages | length }}"}]}))
    assert rendered() == "D1"
    (tmp_path / "chat_template.jinja").write_text("B{{ messages[0].content }}", encoding="utf-8")
    assert rendered() == "Bhi"
    assert rendered("C{{ messages[0].role }}") == "Cuser"
