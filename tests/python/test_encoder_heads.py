"""RoBERTa, and encoders that classify, against their formulas written down with numpy: random small models, each in a folder
of its own."""

from __future__ import annotations

import numpy
import pytest
from encoder_reference import N_CONTEXT, N_VOCAB, Encoder

CLASSIFIERS = (("bert", "cls"), ("roberta", "cls"), ("distilbert", "cls"), ("modernbert", "cls"), ("modernbert", "mean"))
SEQUENCES = [[0, 9, 2], [0] + [5 + 7 * i % 50 for i in range(30)] + [2], [0, 4, 2], [0, 20, 21, 22, 23, 2]]


def close(found: numpy.ndarray, expected: numpy.ndarray) -> bool:
    return bool(numpy.abs(found - expected).max() <= 2e-5 * max(1.0, float(numpy.abs(expected).max())))


@pytest.mark.parametrize("model_type", ("bert", "roberta"))
def test_masked_tokens_and_states_follow_the_formulas(model_type, tmp_path):
    import inlay

    reference = Encoder(model_type)
    with inlay.Model.open(reference.write(tmp_path / "model")) as model, model.session() as session:
        assert model.facts["token_mask"] == 4
        assert model.facts["n_context_train"] == N_CONTEXT
        for ids in SEQUENCES + [[0] + [7] * (N_CONTEXT - 1)]:
            session.encode(ids)
            assert close(session.hidden_states, reference.states(ids))
            expected = reference.logits(ids)
            assert close(numpy.stack([session.logits_at(i) for i in range(len(ids))]), expected)
        with pytest.raises(inlay.InlayError, match="do not fit"):
            session.encode([0] * (N_CONTEXT + 1))


@pytest.mark.parametrize("name,pooling", CLASSIFIERS)
@pytest.mark.parametrize("classes", (1, 3))
def test_scores_follow_the_formulas(name, pooling, classes, tmp_path):
    import inlay

    reference = Encoder(name, classes, pooling=pooling)
    with inlay.Model.open(reference.write(tmp_path / "model")) as model, model.session() as session:
        assert model.facts["n_labels"] == classes
        expected = numpy.stack([reference.scores(ids) for ids in SEQUENCES])
        found = session.scores(SEQUENCES)
        assert found.shape == (len(SEQUENCES), classes)
        assert close(found, expected)
        for i, ids in enumerate(SEQUENCES):
            assert session.scores([ids]).tobytes() == found[i].tobytes()
        with pytest.raises(inlay.InlayError, match="no head that predicts masked tokens"):
            session.encode(SEQUENCES[0])
            session.logits_at(0)


@pytest.mark.parametrize("name", ("bert", "roberta", "distilbert"))
def test_pairs_are_those_of_the_tokenizer_and_are_scored(name, tmp_path):
    import inlay

    reference = Encoder(name, 2)
    tokenizer = reference.tokenizer()
    pairs = [("word1 word2", "word3"), ("word7", "word8 word9 nothing word4"), ("", "word5")]
    with inlay.Model.open(reference.write(tmp_path / "model")) as model, model.session() as session:
        rows = []
        for first, second in pairs:
            expected = tokenizer.encode(first, second)
            ids, segments = model.tokenize_pair(first, second)
            assert ids == expected.ids
            told = expected.type_ids if name == "bert" else [0] * len(ids)
            assert segments == told
            rows.append(reference.scores(ids, told))
        assert close(session.score_pairs(pairs), numpy.stack(rows))
        assert 4 not in model.tokenize_pair("[MASK] <mask>", "[MASK] <mask>")[0]  # nothing a user types is a control token


def test_a_model_that_does_not_classify_says_so(tmp_path):
    import inlay

    with inlay.Model.open(Encoder("bert").write(tmp_path / "model")) as model, model.session() as session:
        assert model.facts["n_labels"] == 0
        with pytest.raises(inlay.InlayError, match="is an encoder and has no head that classifies"):
            session.scores([[0, 9, 2]])
        with pytest.raises(inlay.InlayError, match=f"vocabulary of 0 to {N_VOCAB - 1}"):
            session.embeddings([[0, N_VOCAB, 2]])


def test_a_folder_that_contradicts_itself_is_refused(tmp_path):
    import inlay

    reference = Encoder("bert")
    reference.tensors["bert.embeddings.token_type_embeddings.weight"] = numpy.zeros((3, 48), dtype=numpy.float32)
    with pytest.raises(inlay.InlayError, match="token_type_count' is 2, but tensor 'token_types.weight' has 3 rows"):
        inlay.Model.open(reference.write(tmp_path / "types"))
    reference = Encoder("bert")
    del reference.tensors["bert.encoder.layer.1.attention.self.key.weight"]
    with pytest.raises(inlay.InlayError, match=r"'bert\.encoder\.layer\.1\.attention\.self\.key\.weight' is missing"):
        inlay.Model.open(reference.write(tmp_path / "missing"))
    reference = Encoder("roberta")
    reference.tensors["roberta.embeddings.position_embeddings.weight"] = numpy.zeros((N_CONTEXT, 48), dtype=numpy.float32)
    with pytest.raises(inlay.InlayError, match="position"):
        inlay.Model.open(reference.write(tmp_path / "positions"))
    reference = Encoder("modernbert", 2)
    reference.put("model.layers.0.attn_norm.weight", 48)
    with pytest.raises(inlay.InlayError, match=r"\(layers\.0\.attn_norm\.weight\) is not one that this version knows"):
        inlay.Model.open(reference.write(tmp_path / "extra"))
