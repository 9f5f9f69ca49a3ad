"""SentencePiece vocabularies give the ids and texts of the package sentencepiece: published ones, whose models are put together
again from their GGUF files, and ones trained here, whose GGUF files are written here."""
import collections
import math
import re

import pytest
from test_tokenizer_reference import N_TEXTS, texts
from vocabularies import model_file, vocabulary

import inlay

gguf = pytest.importorskip("gguf", reason="vocabularies are read and written with the package gguf")
sentencepiece = pytest.importorskip("sentencepiece", reason="the reference is the package sentencepiece")
N = min(N_TEXTS, 20000)
BPE, UNIGRAM = 2, 1
USER_DEFINED = 4


def no_names(text):
    """Without what looks like the name of a token: those of this library's control tokens need not be those of the package."""
    return re.sub(r"<(\|?[\w\[\]]+\|?)>", r"<\1)", text)


def made_of(path):
    """The package's model with the pieces, scores and kinds of a GGUF file."""
    from sentencepiece import sentencepiece_model_pb2 as pb
    fields = gguf.GGUFReader(path).fields
    model = pb.ModelProto()
    model.trainer_spec.model_type = BPE
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.unk_id = fields["tokenizer.ggml.unknown_token_id"].contents()
    prefix = fields.get("tokenizer.ggml.add_space_prefix")
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = prefix is None or bool(prefix.contents())
    model.normalizer_spec.remove_extra_whitespaces = False
    for piece, score, kind in zip(*(fields["tokenizer.ggml." + key].contents() for key in ("tokens", "scores", "token_type"))):
        model.pieces.add(piece=piece.replace(" ", "▁"), score=score, type=kind)  # added ones have spaces as they are
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


def write(path, proto):
    """A GGUF file of a trained model."""
    from sentencepiece import sentencepiece_model_pb2 as pb
    model = pb.ModelProto()
    model.ParseFromString(proto)
    unigram = model.trainer_spec.model_type == UNIGRAM
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("t5" if unigram else "llama")
    writer.add_token_list([p.piece.replace("▁", " ") if p.type == USER_DEFINED else p.piece for p in model.pieces])
    writer.add_token_scores([piece.score for piece in model.pieces])
    writer.add_token_types([piece.type for piece in model.pieces])
    writer.add_unk_token_id(model.trainer_spec.unk_id)
    writer.add_add_space_prefix(model.normalizer_spec.add_dummy_prefix)
    if unigram:
        writer.add_remove_extra_whitespaces(model.normalizer_spec.remove_extra_whitespaces)
        if model.normalizer_spec.precompiled_charsmap:
            writer.add_precompiled_charsmap(model.normalizer_spec.precompiled_charsmap)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def train(tmp_path, **options):
    import io
    proto = io.BytesIO()
    lines = [no_names(text).replace("\n", " ") for text in texts("sentencepiece", 4000)]
    common = {c for c, _ in collections.Counter("".join(lines)).most_common(700)}
    lines = ["".join(c for c in line if c in common) for line in lines]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=proto, vocab_size=1800, character_coverage=1.0, minloglevel=2,
        hard_vocab_limit=False, max_sentence_length=100000, num_threads=1, **options)
    proto = proto.getvalue()
    return write(tmp_path / "v.gguf", proto), sentencepiece.SentencePieceProcessor(model_proto=proto)


def same_cost(theirs, ids, expected):
    """Of ways that cost the same, in exact arithmetic, the package takes one by the rounding of its 32 bits."""
    ours, best = (math.fsum(theirs.get_score(token) for token in tokens) for tokens in (ids, expected))
    return sum(map(len, map(theirs.id_to_piece, ids))) == sum(map(len, map(theirs.id_to_piece, expected))) and abs(ours - best) < 1e-4


def compare(path, theirs, name, n=N, unigram=False):
    without = re.compile("[▁\0]")  # the marked space comes back as a space; the package ends some texts at a NUL
    with inlay.Model.open(path, vocab_only=True) as ours:
        for text in texts(f"sentencepiece {name}", n):
            text = without.sub("", no_names(text))
            if unigram and not theirs.normalize(text).strip("▁"):
                continue  # of spaces alone the package makes one more, and llama.cpp does not
            ids, expected = ours.tokenize(text), theirs.encode(text)
            assert ids == expected or (unigram and same_cost(theirs, ids, expected)), text
            if not unigram:
                assert ours.detokenize_bytes(ids) == text.encode()


@pytest.mark.parametrize("name", ["llama-spm"])
def test_published_vocabularies(name):
    compare(vocabulary(name), made_of(vocabulary(name)), name)


def test_whole_models():
    """Those of this family beside the model that the build fetched."""
    for path in sorted(model_file().parent.glob("*.gguf")):
        if gguf.GGUFReader(path).fields["tokenizer.ggml.model"].contents() == "llama":
            compare(path, made_of(path), path.stem)


@pytest.mark.parametrize("prefix", [True, False])
def test_trained_byte_pairs(tmp_path, prefix):
    added = [] if prefix else ["<tool>", "\u20ac\u20ac", "▁▁"]  # behind added tokens this library puts a space, as llama.cpp does
    compare(*train(tmp_path, model_type="bpe", byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=prefix,
                   remove_extra_whitespaces=False, user_defined_symbols=added), f"bpe {prefix}")


@pytest.mark.parametrize("rule", ["identity", "nmt_nfkc", "nmt_nfkc_cf"])
@pytest.mark.parametrize("clean", [True, False])
def test_trained_unigrams(tmp_path, rule, clean):
    compare(*train(tmp_path, model_type="unigram", normalization_rule_name=rule, remove_extra_whitespaces=clean), f"{rule} {clean}", unigram=True)
