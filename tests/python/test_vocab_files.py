"""The vocabularies of the reference data give the ids recorded with them, and decoding gives the text back."""
import random
from pathlib import Path

import pytest
from vocabularies import data_folder, reference, vocabulary

import inlay


@pytest.mark.parametrize("name", ["gpt-2", "llama-bpe", "qwen2"])
def test_recorded_texts_give_the_recorded_ids(name):
    path = vocabulary(name)
    texts = path.with_name(path.name + ".inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    lines = path.with_name(path.name + ".out").read_text().split("\n")
    assert len(texts) == len(lines) > 40
    with inlay.Model.open(path, vocab_only=True) as model:
        for text, line in zip(texts, lines):
            ids = model.tokenize(text)
            assert ids == [int(word) for word in line.split()], text
            assert model.detokenize_bytes(ids) == text


def test_recorded_texts_give_the_recorded_ids_of_sentencepiece():
    path = vocabulary("llama-spm")
    texts = path.with_name(path.name + ".inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    lines = path.with_name(path.name + ".out").read_text().split("\n")
    assert len(texts) == len(lines) > 40
    with inlay.Model.open(path, vocab_only=True) as model:
        for text, line in zip(texts, lines):
            ids = model.tokenize(text)
            assert ids == [int(word) for word in line.split()], text
            assert model.detokenize_bytes(ids) == text


@pytest.mark.parametrize("name", ["gpt-2", "llama-bpe", "qwen2", "llama-spm", "bert-bge"])
def test_a_stream_writes_what_decoding_gives(name):
    path = vocabulary(name)
    texts = path.with_name(path.name + ".inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    with inlay.Model.open(path, vocab_only=True) as model:
        for text in texts:
            ids = model.tokenize(text)
            stream = inlay.TextStream(model)
            pieces = [stream.add(token) for token in ids] + [stream.finish()]
            assert "".join(pieces) == model.detokenize_bytes(ids).decode(), text


@pytest.mark.parametrize("name", ["gpt-2", "llama-bpe", "qwen2", "llama-spm"])
def test_spans_cover_the_text_in_order(name):
    path = vocabulary(name)
    texts = path.with_name(path.name + ".inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    with inlay.Model.open(path, vocab_only=True) as model:
        for text in texts:
            spans = model.tokenize_spans(text)
            assert [token for token, _, _ in spans] == model.tokenize(text)
            end = 0
            for token, begin, after in spans:
                assert begin == end or (begin < end and model.token_flags(token) & inlay.TOKEN_BYTE)
                end = after
                piece = model.token_bytes(token)
                if begin + len(piece) == after:
                    assert piece == text[begin:after]
            assert end == len(text)


@pytest.mark.parametrize("name", ["gpt-2", "llama-spm"])
def test_a_batch_gives_the_ids_of_its_texts(name):
    path = vocabulary(name)
    texts = path.with_name(path.name + ".inp").read_bytes().split(b"\n__ggml_vocab_test__\n") * 5
    with inlay.Model.open(path, vocab_only=True) as model:
        one_by_one = [model.tokenize(text) for text in texts]
        for threads in (0, 1, 2, 7):
            assert model.tokenize_batch(texts, threads=threads) == one_by_one
        assert model.tokenize_batch([]) == []
        with pytest.raises(inlay.ArgumentError):
            model.tokenize_batch(texts, threads=-1)


@pytest.mark.parametrize("name", ["gpt-2", "llama-bpe", "qwen2"])
def test_every_token_is_found_by_its_text(name):
    with inlay.Model.open(vocabulary(name), vocab_only=True) as model:
        for token in range(0, model.n_vocab, 37):
            assert model.find_token(model.token_text(token)) == token


@pytest.mark.parametrize("name", ["gpt-2", "llama-bpe", "qwen2"])
def test_any_bytes_come_back(name):
    with inlay.Model.open(vocabulary(name), vocab_only=True) as model:
        every_byte = bytes(range(256))
        for text in (every_byte, every_byte[::-1], every_byte * 5, b"\xff\xfe\x00 a\xc3", b"\xf0\x9f\x98", b"\xed\xa0\x80"):
            assert model.detokenize_bytes(model.tokenize(text)) == text


def test_recorded_texts_give_the_recorded_ids_of_wordpiece():
    path = vocabulary("bert-bge")
    texts = path.with_name(path.name + ".inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    lines = path.with_name(path.name + ".out").read_text().split("\n")
    assert len(texts) == len(lines) > 40
    with inlay.Model.open(path, vocab_only=True) as model:
        for text, line in zip(texts, lines):
            assert model.tokenize(text) == [int(word) for word in line.split()], text
        assert model.detokenize_bytes(model.tokenize("Hello, world.")) == b"hello, world."


def long_texts():
    """Code and prose, and the same with other letters and control characters here and there."""
    import textwrap
    text = Path(textwrap.__file__).read_text("utf-8") + Path(pytest.__file__).read_text("utf-8")
    rng = random.Random(3)
    words = text.split(" ")
    for some in (0.0, 0.01, 0.3):
        yield " ".join(word + rng.choice(["\u00e9", "\u4f60", "\u0301", "\x00", "\x0b", "\xa0"]) if rng.random() < some else word for word in words)
    yield "".join(rng.choice(["a", "\x00", "ab", "\x00\x00", " ", "\n", "A-B", "0", "\t"]) for _ in range(20000))


def vocabulary_files():
    """One of each family."""
    names = ["vocab/ggml-vocab-gpt-2.gguf", "vocab/ggml-vocab-llama-bpe.gguf", "vocab/ggml-vocab-llama-spm.gguf", "vocab/ggml-vocab-bert-bge.gguf",
             "tiny/bert/tokenizer.json"]
    return [data_folder() / name for name in names] if data_folder() else []


@pytest.mark.parametrize("path", vocabulary_files(), ids=lambda path: path.parent.name + "/" + path.name)
def test_long_texts(path):
    """What was tokenized before is remembered in long texts only, and not where places are asked for."""
    pytest.importorskip("tokenizers", reason="the reference is the package tokenizers")
    theirs = reference(path)
    with inlay.Model.open(path, vocab_only=True) as model:
        for text in long_texts():
            ids = model.tokenize(text)
            assert ids == [token for token, _, _ in model.tokenize_spans(text)]
            if not path.name.endswith("bge.gguf") or text.isascii() and "\x00" not in text:  # of other characters the two class some differently
                assert ids == theirs.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("path", sorted((data_folder() / "vocab").glob("*.inp")) if data_folder() else [], ids=lambda path: path.stem)
def test_any_vocabulary_gives_the_recorded_ids(path):
    """Of whatever vocabularies the reference data have."""
    texts = path.read_bytes().split(b"\n__ggml_vocab_test__\n")
    lines = path.with_suffix(".out").read_text().split("\n")
    with inlay.Model.open(path.with_suffix(""), vocab_only=True) as model:
        for text, line in zip(texts, lines):
            assert model.tokenize(text) == [int(word) for word in line.split()], text
