"""Models: opening, facts, metadata, tokens, and errors as exceptions."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest
import tiny

import inlay
from inlay import _declarations as c
from inlay import _errors


def test_memory_is_planned_to_the_byte(tiny_path):
    planned = inlay.plan(tiny_path, context=200, threads=2)
    with inlay.Model.open(tiny_path, threads=2) as model, model.session(context=200, threads=2) as session:
        assert planned["session"] == session.memory and planned["cache"] == session.cache_memory
        assert planned["packed"] <= planned["model"] <= planned["opening"] <= planned["peak"]
    with pytest.raises(inlay.FileError):
        inlay.plan("/nowhere.gguf")


def text_of(model: inlay.Model) -> str:
    with model, model.session() as session:
        return "".join(session.generate("hello", max_tokens=8))


def test_a_model_stands_inside_another_file(tiny_path, tmp_path):
    expected = text_of(inlay.Model.open(tiny_path))
    data = Path(tiny_path).read_bytes()
    for before in (0, 1, 7, 4096 + 3):
        outer = tmp_path / "outer.pak"
        outer.write_bytes(b"?" * before + data + b"!")
        for load in ("map", "copy"):
            with open(outer, "rb") as file:
                inside = inlay.Model.from_file(file, before, len(data), load=load)
            assert text_of(inside) == expected
            fd = os.open(outer, os.O_RDONLY)
            try:
                inside = inlay.Model.from_file(fd, before, len(data), load=load)
            finally:
                os.close(fd)
            assert text_of(inside) == expected
    with open(outer, "rb") as file:
        file.seek(3)
        for offset, size in ((0, None), (4099, len(data) - 1), (4098, len(data))):
            with pytest.raises(inlay.FormatError):
                inlay.Model.from_file(file, offset, size)
        with pytest.raises(inlay.ArgumentError):
            inlay.Model.from_file(file, 4099, len(data) + 2)
        assert file.tell() == 3


def test_a_model_is_opened_out_of_a_zip_archive(tiny_path, tmp_path):
    expected = text_of(inlay.Model.open(tiny_path))
    archive = tmp_path / "data.zip"
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(archive, "w", how) as out:
            out.writestr("readme.txt", "before")
            out.write(tiny_path, "tiny.gguf")
        with zipfile.ZipFile(archive) as zipped, zipped.open("tiny.gguf") as member:
            assert text_of(inlay.Model.from_file(member)) == expected
            info = zipped.getinfo("tiny.gguf")
        if how == zipfile.ZIP_STORED:  # where it stands: behind the local header, with its name and extra field
            with open(archive, "rb") as file:
                file.seek(info.header_offset + 26)
                n_name, n_extra = struct.unpack("<HH", file.read(4))
                begin = info.header_offset + 30 + n_name + n_extra
                assert text_of(inlay.Model.from_file(file, begin, info.file_size, load="map")) == expected


def test_what_a_file_object_raises_comes_out(tiny_path):
    class Broken(io.BytesIO):
        def readinto(self, buffer):
            if self.tell() > 0:
                raise OSError("the host's disk is on fire")
            return super().readinto(buffer)

    data = Path(tiny_path).read_bytes()
    assert inlay.Model.from_file(io.BytesIO(b"??" + data), 2).n_vocab > 0
    with pytest.raises(OSError, match="on fire"):
        inlay.Model.from_file(Broken(data))
    told = []
    inlay.Model.from_file(io.BytesIO(data), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(data), len(data)) and told == sorted(told)
    with pytest.raises(inlay.CancelledError):
        inlay.Model.from_file(io.BytesIO(data), progress=lambda done, total: True)


def test_every_status_has_its_exception():
    numbers = {value for value, _ in c.STATUSES.values() if value not in (c.OK, c.AGAIN)}
    assert set(_errors.BY_STATUS) == numbers
    assert all(value < 0 for value in numbers)  # the two that are no errors are not
    for name, (value, _) in c.STATUSES.items():
        if value:
            made = _errors.error(value, "why")
            assert made.status == value and made.status_name == f"INLAY_{name}" and str(made) == "why"


def test_facts_tell_what_was_written(model):
    facts = model.facts
    assert facts["architecture"] == "llama" and facts["name"] == "tiny"
    assert facts["n_vocab"] == model.n_vocab == len(tiny.vocabulary())
    assert facts["n_layer"] == tiny.N_LAYER and facts["n_embd"] == tiny.N_EMBD and facts["n_ff"] == tiny.N_FF
    assert facts["n_head"] == tiny.N_HEAD and facts["n_head_kv"] == tiny.N_HEAD_KV
    assert facts["n_context_train"] == tiny.N_CONTEXT
    assert facts["token_bos"] == 1 and facts["token_eos"] == 2 and facts["token_unknown"] == -1
    assert facts["tokenizer"] == "gpt2/smollm" and facts["chat_template"] == ""
    assert facts["cpu"] == inlay.cpu()


def test_metadata_is_a_mapping(model):
    metadata = model.metadata
    assert metadata["general.architecture"] == "llama"
    assert metadata["llama.block_count"] == str(tiny.N_LAYER)
    assert metadata["tokenizer.ggml.add_bos_token"] == "false"
    assert metadata["tokenizer.ggml.tokens"] == tiny.vocabulary()
    assert len(list(metadata)) == len(metadata) and "general.name" in metadata
    assert "no.such.key" not in metadata
    with pytest.raises(KeyError):
        metadata["no.such.key"]


def test_tensors_have_names_types_and_shapes(model):
    tensors = {tensor.name: tensor for tensor in model.tensors}
    assert tensors["token_embd.weight"] == ("token_embd.weight", "F32", (tiny.N_EMBD, model.n_vocab))
    assert tensors["output_norm.weight"].shape == (tiny.N_EMBD,)
    assert len(tensors) == 2 + 9 * tiny.N_LAYER


def test_the_same_model_opens_from_memory(model, tiny_path):
    data = tiny_path.read_bytes()
    for form in (data, bytearray(data), memoryview(data)):
        with inlay.Model.from_bytes(form) as other:
            assert other.facts["n_params"] == model.facts["n_params"]
            assert list(other.session().generate("hello", 4)) == list(model.session().generate("hello", 4))


def test_a_session_outlives_the_model_in_memory(tiny_path):
    model = inlay.Model.from_bytes(tiny_path.read_bytes())
    session = model.session()
    model.close()
    session.eval([5, 6, 7])
    assert 0 <= session.sample() < len(tiny.vocabulary())


@pytest.mark.parametrize("text", ["hello world", "", "a\0b", "Größe 漢字 🎉", "  two  spaces\n\n", "<|im_end|>"])
def test_text_survives_tokens(model, text):
    assert model.detokenize(model.tokenize(text)) == text


def test_merges_are_used(model):
    assert [model.token_text(token) for token in model.tokenize("hello world")] == ["hello", "Ġworld"]


def test_bytes_that_are_not_utf8_survive_tokens(model):
    data = bytes(range(256))
    assert model.detokenize_bytes(model.tokenize(data)) == data


def test_special_text_is_a_token_only_on_request(model):
    assert model.tokenize("<|im_end|>", parse_special=True) == [2]
    assert 2 not in model.tokenize("<|im_end|>")
    assert model.find_token("<|im_end|>") == 2 and model.token_text(2) == "<|im_end|>"
    assert model.is_end(2) and not model.is_end(5)
    assert model.token_flags(2) & inlay.TOKEN_CONTROL and model.token_flags(5) == 0


def test_unknown_things_are_errors(model):
    with pytest.raises(inlay.KeyNotFoundError):
        model.find_token("no such token")
    for token in (-1, model.n_vocab, 2**40):
        with pytest.raises(inlay.TokenError):
            model.token_text(token)
        with pytest.raises(inlay.TokenError):
            model.token_flags(token)
        with pytest.raises(inlay.TokenError):
            model.detokenize([token])


def test_files_that_are_no_models_say_so(tmp_path, tiny_path):
    with pytest.raises(inlay.FileError, match="nowhere.gguf") as raised:
        inlay.Model.open(tmp_path / "nowhere.gguf")
    assert isinstance(raised.value, OSError) and raised.value.status == c.ERR_IO

    data = tiny_path.read_bytes()
    for bad in (b"", b"GGUF", b"x" * 100, data[: len(data) // 2], data[:-1]):
        with pytest.raises(inlay.FormatError):
            inlay.Model.from_bytes(bad)


def test_an_unknown_architecture_is_named(tmp_path):
    with pytest.raises(inlay.UnsupportedError, match="zebra"):
        inlay.Model.open(tiny.write(tmp_path / "zebra.gguf", architecture="zebra"))


def test_options_go_by_name(tiny_path):
    assert {"threads", "cpu", "top_k", "temperature", "cache_type"} <= set(inlay.OPTIONS)
    with inlay.Model.open(tiny_path, cpu="scalar", load="map") as model:
        assert model.facts["cpu"] == "scalar"
        with model.session(context=17, threads=1, cache_type="f32", batch=3) as session:
            assert (session.context, session.threads, session.batch) == (17, 1, 3)
    with pytest.raises(TypeError, match="no option 'thread'"):
        inlay.Model.open(tiny_path, thread=1)
    with pytest.raises(ValueError):
        inlay.Model.open(tiny_path, load="quickly")
    with pytest.raises(inlay.ArgumentError):
        inlay.Model.open(tiny_path, threads=-1)
    with pytest.raises(ValueError):
        inlay.Model.open(tiny_path, threads=2**70)


def test_the_vocabulary_alone_makes_no_session(tiny_path):
    with inlay.Model.open(tiny_path, vocab_only=True) as model:
        assert model.tokenize("hello") and len(model.metadata) > 10
        with pytest.raises(inlay.StateError):
            model.session()


def test_a_closed_model_is_an_error(tiny_path):
    model = inlay.Model.open(tiny_path)
    model.close()
    model.close()
    assert model.closed
    with pytest.raises(inlay.StateError):
        model.tokenize("x")
    with pytest.raises(inlay.StateError):
        model.session()


def test_progress_is_told_and_can_cancel(tiny_path):
    told = []
    with inlay.Model.open(tiny_path, progress=lambda done, total: told.append((done, total))):
        pass
    assert told and told[-1][0] == told[-1][1] > 0
    with pytest.raises(inlay.CancelledError):
        inlay.Model.open(tiny_path, progress=lambda done, total: True)


def test_an_exception_in_progress_is_raised_by_the_call(tiny_path):
    def fail(done, total):
        raise ZeroDivisionError("from the callback")

    with pytest.raises(ZeroDivisionError, match="from the callback"):
        inlay.Model.open(tiny_path, progress=fail)


def test_a_model_without_marks_fills_no_gaps(model):
    with pytest.raises(inlay.UnsupportedError, match="was not trained to fill in"):
        model.fill_tokens("a", "b", name="c.py", files={"d.py": "e"})
