"""GGUF files of the rarer families give the ids of the package tokenizers, or of the definition, for vocabularies made here."""
import random
import re
import unicodedata

import pytest
from test_tokenizer_reference import N_TEXTS, texts

import inlay

gguf = pytest.importorskip("gguf", reason="vocabularies are written with the package gguf")
pytest.importorskip("tokenizers", reason="the reference is the package tokenizers")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
N = min(N_TEXTS, 4000)


def write(path, model, tokens, types, *, pre=None, merges=None, scores=None, unknown=None):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if merges is not None:
        writer.add_token_merges(merges)
    if scores is not None:
        writer.add_token_scores(scores)
    if unknown is not None:
        writer.add_unk_token_id(unknown)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


# ------------------------------------------------- byte-pair encoding of characters


def trained(splitter, special, spaces):
    """A BPE model of characters with tokens for all bytes. Of line breaks there are no merges."""
    from tokenizers import Tokenizer, models, normalizers, trainers
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=special[0], fuse_unk=False))
    if spaces:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = splitter
    trainer = trainers.BpeTrainer(vocab_size=1600, special_tokens=special, show_progress=False, limit_alphabet=300)
    # No merges up to the names of control tokens, which this library never makes of plain text.
    learnt = (re.sub(r"<(\|?\w+\|?)>", r"<\1)", text.replace("\n", " ")) for text in texts("families", 3000))
    tokenizer.train_from_iterator(learnt, trainer)
    return tokenizer


def parts(tokenizer):
    import json
    model = json.loads(tokenizer.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].get), [" ".join(merge) for merge in model["merges"]]


@pytest.mark.parametrize("model, pre", [("gemma4", None), ("gpt2", "gemma4"), ("gpt2", "sarvam-moe"), ("gpt2", "granite-embed-multi-311m")])
def test_lines_of_marked_spaces(tmp_path, model, pre):
    from tokenizers import Regex, pre_tokenizers
    special = ["<unk>", *BYTES]
    tokenizer = trained(pre_tokenizers.Split(Regex("[^\\n]+|[\\n]+"), "isolated"), special, True)
    tokens, merges = parts(tokenizer)
    types = [UNKNOWN] + [BYTE] * 256 + [NORMAL] * (len(tokens) - 257)
    tokenizer.encode_special_tokens = True  # they are not looked for in text
    with inlay.Model.open(write(tmp_path / "v.gguf", model, tokens, types, pre=pre, merges=merges), vocab_only=True) as found:
        for text in texts(f"{model} {pre}", N):
            ids = found.tokenize(text)
            assert ids == tokenizer.encode(text, add_special_tokens=False).ids, text
            if "▁" not in text:
                assert found.detokenize_bytes(ids) == text.encode()


@pytest.mark.parametrize("model", ["gpt2", "whitespace"])
def test_words_between_white_space(tmp_path, model):
    from tokenizers import pre_tokenizers
    tokenizer = trained(pre_tokenizers.WhitespaceSplit(), ["<unk>"], False)
    tokens, merges = parts(tokenizer)
    types = [UNKNOWN] + [NORMAL] * (len(tokens) - 1)
    path = write(tmp_path / "v.gguf", model, tokens, types, pre="whitespace", merges=merges, unknown=0)
    tokenizer.encode_special_tokens = True
    with inlay.Model.open(path, vocab_only=True) as found:
        for text in texts(model, N):
            assert found.tokenize(text) == tokenizer.encode(text, add_special_tokens=False).ids, text


# ------------------------------------------------------------------------- DNA


def byte_letters():
    """GPT-2's letters for bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = iter(range(256, 512))
    return [chr(byte if byte in kept else next(moved)) for byte in range(256)]


def test_six_bases_are_a_token(tmp_path):
    """As llama-cpp-python 0.3.36 has it, which gave the same ids for the same file."""
    import itertools
    letters = byte_letters()
    mers = ["".join(mer) + "\ue000" for mer in itertools.product("ACGT", repeat=6)]
    tokens = [*letters, "CC", "CCCC", "CCCCCC", "<dna>", "</dna>", "<oov>", *mers]
    ids = {token: i for i, token in enumerate(tokens)}
    path = write(tmp_path / "v.gguf", "hybriddna", tokens, [NORMAL] * len(tokens), pre="qwen2", merges=["C C", "CC CC", "CCCC CC"])
    begin, end, unknown = (ids[token] for token in ("<dna>", "</dna>", "<oov>"))

    def words(text):
        return [ids[letters[byte]] for byte in text.encode()]

    def mer(text):
        return ids[text + "\ue000"]

    cases = {
        "<dna>ACGTAC</dna>": [begin, mer("ACGTAC"), end],
        "<dna>ACGTACCCCCCC</dna>": [begin, mer("ACGTAC"), mer("CCCCCC"), end],
        "<dna>acgtacgG</dna>": [begin, mer("ACGTAC"), mer("GGAAAA"), end],
        "<dna>ACGNACT</dna>": [begin, unknown, mer("TAAAAA"), end],
        "CCCCCC<dna>CCCCCC</dna>CCCCCC": [ids["CCCCCC"], begin, mer("CCCCCC"), end, ids["CCCCCC"]],
        "<dna></dna>": [begin, end],
        "é <dna>ACGTACé": [*words("é "), begin, mer("ACGTAC"), unknown],
        "<dna>A</dna> x <dna>C\nG</dna>": [begin, mer("AAAAAA"), end, *words(" x "), begin, unknown, end],
        "</dna>a<dn<dna": words("</dna>a<dn<dna"),
        "<dna><dna>ACG</dna></dna>": [begin, unknown, mer("CGAAAA"), end, *words("</dna>")],
        "<dna>ACGTAC\ue000": [begin, mer("ACGTAC"), unknown],
        "": [],
    }
    with inlay.Model.open(path, vocab_only=True) as found:
        for text, expected in cases.items():
            assert found.tokenize(text) == expected, text
            spans = found.tokenize_spans(text)
            assert [token for token, _, _ in spans] == expected
            assert [first for _, first, _ in spans] + [len(text.encode())] == [0] + [after for _, _, after in spans]
        assert found.detokenize(found.tokenize("CCCCCC<dna>ACGTACCCCCCC</dna>")) == "CCCCCC<dna>ACGTACCCCCCC</dna>"
        assert found.token_bytes(mer("GATTAC")) == b"GATTAC"
    without = write(tmp_path / "w.gguf", "hybriddna", letters, [NORMAL] * 256, pre="qwen2", merges=["C C"])
    with inlay.Model.open(without, vocab_only=True) as found:
        assert found.tokenize("<dna>AC</dna>") == words("<dna>AC</dna>")


# --------------------------------------------------------------------- PLaMo 2


def cheapest(scores, text):
    """The definition, character by character from the end: the least cost, then the longer first token."""
    costs, first = [0], [None]
    longest = max(map(len, scores))
    for at in range(len(text) - 1, -1, -1):
        best = None
        for size in range(min(longest, len(text) - at), 0, -1):
            score = scores.get(text[at:at + size])
            if score is not None and (best is None or costs[size - 1] - score < best[0]):
                best = (costs[size - 1] - score, size)
        if best is None or costs[0] + 10 ** 7 < best[0]:
            best = (costs[0] + 10 ** 7, 0)
        costs.insert(0, best[0])
        first.insert(0, best[1])
    at, pieces = 0, []
    while at < len(text):
        size = first[at]
        pieces += [text[at:at + size]] if size else [f"<0x{byte:02X}>" for byte in text[at].encode()]
        at += max(size, 1)
    return pieces


def test_the_cheapest_way(tmp_path):
    rng = random.Random(5)
    pieces = {}
    for text in texts("plamo", 2000):
        at, size = rng.randrange(len(text) + 1), rng.choice([1, 1, 1, 2, 2, 3, 4, 7])
        if text[at:at + size] and len(pieces) < 1200:
            pieces[text[at:at + size]] = float(rng.randrange(-200000, -10000)) / 10000
    tokens, types = BYTES + ["<bos>"] + list(pieces), [BYTE] * 256 + [CONTROL] + [NORMAL] * len(pieces)
    scores = [0.0] * 257 + list(pieces.values())
    path = write(tmp_path / "v.gguf", "plamo2", tokens, types, scores=scores)
    whole = {text: round(score * 10000) for text, score in pieces.items()}
    ids = {token: i for i, token in reversed(list(enumerate(tokens)))}
    with inlay.Model.open(path, vocab_only=True) as found:
        for text in texts("plamo texts", N):
            text = text.lstrip("\ufeff")
            expected = [ids[piece] for piece in cheapest(whole, text)]
            assert found.tokenize(text) == expected, text
            assert found.detokenize_bytes(expected) == text.encode()


# ------------------------------------------------------------------- WordPiece


@pytest.mark.parametrize("lowercase, strip_accents", [(True, None), (True, False), (False, True), (False, False)])
def test_wordpiece_with_case_and_accents(tmp_path, lowercase, strip_accents):
    """Letters, marks and ASCII: of other characters the two programs class some differently."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    rng = random.Random(11)
    words = ["Ünïcödé", "naïve", "İstanbul", "ΣΑΣ", "straße", "각", "한국어", "e\u0301te\u0301", "CAFÉ", "Å", "ǆ", "x\u0323\u0302", "Ж",
             "don't", "a-b", "你好", "नमस्ते", "Hello", "world", "ﬁn", "\u212b"]
    letters = sorted({c for word in words for form in (word, word.lower(), word.upper()) for n in ("NFC", "NFD")
                      for c in unicodedata.normalize(n, form)})
    vocab = ["[UNK]", *letters, *("##" + c for c in letters), "hel", "##lo", "##ld"]
    reference = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocab)}, unk_token="[UNK]", max_input_chars_per_word=10 ** 6))
    reference.normalizer = normalizers.BertNormalizer(True, True, strip_accents, lowercase)
    reference.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marked = [token[2:] if token.startswith("##") else token if token == "[UNK]" else "▁" + token for token in vocab]
    writer = gguf.GGUFWriter(tmp_path / "v.gguf", "bert")
    writer.add_tokenizer_model("bert")
    writer.add_token_list(marked)
    writer.add_token_types([UNKNOWN] + [NORMAL] * (len(vocab) - 1))
    writer.add_unk_token_id(0)
    writer.add_bool("tokenizer.ggml.normalizer.lowercase", lowercase)
    if strip_accents is not None:
        writer.add_bool("tokenizer.ggml.normalizer.strip_accents", strip_accents)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with inlay.Model.open(tmp_path / "v.gguf", vocab_only=True) as found:
        for _ in range(N):
            text = " ".join(rng.choice([str, str.upper, str.lower])(rng.choice(words)) for _ in range(rng.randrange(1, 8)))
            assert found.tokenize(text) == reference.encode(text, add_special_tokens=False).ids, text
