"""The vocabularies of the reference data give the ids recorded with them, and decoding gives the text back."""
import pytest
from vocabularies import vocabulary

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
