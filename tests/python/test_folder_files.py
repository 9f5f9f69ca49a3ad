"""What the files of a folder beside its tensors say: labels, biases, pooling and prompts of sentence-transformers, the ids of
special tokens, which layers have a window; and heads of tied pairs that stand where the embedding should.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from family_weights import make_weights, unfold_layers, write_folder

VARIANTS = json.loads(Path(__file__).with_name("family_goldens.json").read_text(encoding="utf-8"))["variants"]
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
TOKENIZER = {"model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(["a", "b", "c", "end", "begin"])},
                       "unk_token": "a"}, "pre_tokenizer": {"type": "WhitespaceSplit"}}
POOLING = "1_Pooling/config.json"


class Case:
    def __init__(self, name: str, path: Path):
        case = VARIANTS[name]
        self.path, self.config, self.ids = path, dict(case["config"]), case["ids"]
        n_layer = case.get("n_layer") or next(self.config[key] for key in LAYERS if key in self.config)
        self.tensors = make_weights(unfold_layers(case["tensors"], n_layer))
        self.files = dict(case.get("files", {}))

    def write(self) -> Path:
        write_folder(self.path, self.config, self.tensors, self.files)
        return self.path

    def error(self) -> str:
        import inlay

        with pytest.raises(inlay.InlayError) as caught:
            inlay.Model.open(self.write()).close()
        return str(caught.value)

    def logits(self) -> bytes:
        import inlay

        with inlay.Model.open(self.write()) as model, model.session(context=len(self.ids)) as session:
            return session.eval_all(self.ids).tobytes()

    def metadata(self) -> dict:
        import inlay

        with inlay.Model.open(self.write()) as model:
            return {key: model.metadata[key] for key in model.metadata}


# ---------------------------------------------------------------------- labels


def test_labels_of_a_classifier_are_told_in_their_order(tmp_path):
    case = Case("bert labels", tmp_path)
    case.config |= {"id2label": {"2": "bad", "0": "good", "1": "neither"}, "problem_type": "multi_label_classification"}
    metadata = case.metadata()
    assert metadata["bert.classifier.output_labels"] == ["good", "neither", "bad"]
    assert metadata["bert.classifier.problem_type"] == "multi_label_classification"


@pytest.mark.parametrize("name, tensor", [("bert labels", "classifier.weight"), ("roberta labels", "classifier.out_proj.weight"),
                                          ("distilbert labels", "classifier.weight"), ("modernbert mean", "classifier.weight")])
def test_labels_that_the_classifier_has_not_are_refused(name, tensor, tmp_path):
    case = Case(name, tmp_path)
    n = case.tensors[tensor].shape[0]
    case.config["id2label"] = {str(i): f"label {i}" for i in range(n + 2)}
    error = case.error()
    assert f"'id2label' has {n + 2} labels" in error and f"'{tensor}' has {n} rows" in error
    for wrong in ({"0": "a", "1": "b", "3": "c"}, {"0": "a", "x": "b"}, {"0": 1}, {}, [], "labels"):
        case.config["id2label"] = wrong
        assert "id2label" in case.error()
    del case.config["id2label"]
    case.config["problem_type"] = "guessing"
    assert "'problem_type' is 'guessing'" in case.error()


# ---------------------------------------------------------------------- biases


@pytest.mark.parametrize("name, key, tensor", [
    ("llama odd heads", "attention_bias", "model.layers.0.self_attn.q_proj.bias"),
    ("llama odd heads", "mlp_bias", "model.layers.0.mlp.gate_proj.bias"),
    ("granite", "attention_bias", "model.layers.0.self_attn.q_proj.bias"),
    ("qwen3", "attention_bias", "model.layers.0.self_attn.q_proj.bias"),
    ("qwen3 moe", "attention_bias", "model.layers.0.self_attn.q_proj.bias"),
    ("olmo2", "attention_bias", "model.layers.0.self_attn.q_proj.bias"),
    ("neox no bias", "attention_bias", "gpt_neox.layers.0.attention.query_key_value.bias"),
    ("opt no bias", "enable_bias", "model.decoder.layers.0.self_attn.q_proj.bias"),
    ("falcon 7b", "bias", "transformer.h.0.self_attention.query_key_value.bias"),
    ("mamba", "use_bias", "backbone.layers.0.mixer.in_proj.bias"),
    ("mamba no conv bias", "use_conv_bias", "backbone.layers.0.mixer.conv1d.bias"),
    ("mamba2", "use_bias", "backbone.layers.0.mixer.in_proj.bias"),
    ("lfm2", "conv_bias", "model.layers.0.conv.conv.bias"),
    ("recurrentgemma", "attention_bias", "model.layers.2.temporal_block.q_proj.bias"),
    ("modernbert odd window", "attention_bias", "layers.0.attn.Wqkv.bias"),
    ("modernbert odd window", "norm_bias", "layers.1.attn_norm.bias"),
])
def test_a_bias_that_the_config_promises_must_be_there(name, key, tensor, tmp_path):
    case = Case(name, tmp_path)
    case.config[key] = True
    error = case.error()
    assert f"key '{key}' is true" in error and tensor.split(".", 3)[-1] in error and error.endswith("is missing")


@pytest.mark.parametrize("name, key", [("llama biases", "attention_bias"), ("llama biases", "mlp_bias"), ("granite biases", "mlp_bias"),
                                       ("qwen3 bias", "attention_bias"), ("neox", "attention_bias"), ("opt", "enable_bias"),
                                       ("mamba rank", "use_bias"), ("lfm2 bias", "conv_bias"), ("modernbert biases", "mlp_bias")])
def test_a_bias_that_the_config_rules_out_must_not_be_there(name, key, tmp_path):
    case = Case(name, tmp_path)
    case.config[key] = False
    error = case.error()
    assert f"key '{key}' is false" in error and "bias' is there" in error


def test_qwen2_has_biases_whatever_its_config_says(tmp_path):
    case = Case("qwen2", tmp_path)
    case.tensors = {name: x for name, x in case.tensors.items() if not name.endswith("_proj.bias")}
    assert "q_proj.bias' is missing" in case.error()


# ------------------------------------------------------------------------ heads


@pytest.mark.parametrize("name, embedding, head", [
    ("llama tied", "model.embed_tokens.weight", "lm_head.weight"), ("qwen2 tied", "model.embed_tokens.weight", "lm_head.weight"),
    ("gpt2", "transformer.wte.weight", "lm_head.weight"), ("neox tied", "gpt_neox.embed_in.weight", "embed_out.weight"),
    ("opt", "model.decoder.embed_tokens.weight", "lm_head.weight"), ("rwkv wide", "rwkv.embeddings.weight", "head.weight"),
    ("mamba", "backbone.embeddings.weight", "lm_head.weight"), ("bloom odd heads", "transformer.word_embeddings.weight", "lm_head.weight"),
])
def test_of_a_tied_pair_the_head_may_stand_for_the_embedding(name, embedding, head, tmp_path):
    case = Case(name, tmp_path)
    expected = case.logits()
    case.tensors[head] = case.tensors.pop(embedding)
    assert case.logits() == expected
    case.config["tie_word_embeddings"] = False
    assert "is missing" in case.error() or "has no" in case.error()


def test_an_encoder_without_its_head_gives_states_alone(tmp_path):
    import inlay

    case = Case("modernbert odd window", tmp_path)
    case.tensors = {name: x for name, x in case.tensors.items() if not name.startswith(("head.", "decoder."))}
    with inlay.Model.open(case.write()) as model, model.session(context=len(case.ids)) as session:
        session.encode(case.ids)
        with pytest.raises(inlay.UnsupportedError):
            session.logits_at(0)


# ------------------------------------------------------------------ special tokens


def test_ids_of_special_tokens_come_from_the_configs_where_nothing_else_tells(tmp_path):
    import inlay

    case = Case("llama odd heads", tmp_path)
    case.files["tokenizer.json"] = TOKENIZER
    case.config |= {"bos_token_id": 4, "eos_token_id": 3, "pad_token_id": 0}
    with inlay.Model.open(case.write()) as model:
        assert (model.facts["token_bos"], model.facts["token_eos"], model.facts["token_pad"]) == (4, 3, 0)
        assert model.is_end(3) and not model.is_end(4)
    case.files["generation_config.json"] = {"eos_token_id": [2, 3]}
    with inlay.Model.open(case.write()) as model:
        assert model.facts["token_eos"] == 2 and model.is_end(2) and model.is_end(3)
    case.files["tokenizer_config.json"] = {"eos_token": "end", "bos_token": "b"}
    with inlay.Model.open(case.write()) as model:
        assert (model.facts["token_bos"], model.facts["token_eos"]) == (1, 3)
    case.config["bos_token_id"] = 90  # the network's, not the tokenizer's
    case.path, case.files = tmp_path / "another", {"tokenizer.json": TOKENIZER}
    with inlay.Model.open(case.write()) as model:
        assert model.facts["token_bos"] == -1


# ------------------------------------------------------------------------ windows


def test_a_pattern_of_windows_is_a_number_or_a_list(tmp_path):
    case = Case("gemma3", tmp_path)
    n_layer = case.config["num_hidden_layers"]
    case.config["layer_types"] = ["full_attention" if (i + 1) % 3 == 0 else "sliding_attention" for i in range(n_layer)]
    expected = case.logits()
    del case.config["layer_types"]
    unlike = case.logits()  # each sixth
    for key in ("sliding_window_pattern", "_sliding_window_pattern"):
        case.config[key] = 3
        assert case.logits() == expected != unlike
        case.config.pop(key)
    case.config["sliding_window_pattern"] = "three"
    assert "sliding_window_pattern" in case.error()


# ----------------------------------------------------------------------- dialects


def older(config: dict) -> dict:
    """As transformers 4 would have written it."""
    out = {key: value for key, value in config.items() if key not in ("rope_parameters", "dtype", "layer_types")}
    rope = config.get("rope_parameters") or {}
    out["torch_dtype"] = "float32"
    if "full_attention" in rope:
        names = ("global_rope_theta", "local_rope_theta") if config["model_type"] == "modernbert" else ("rope_theta", "rope_local_base_freq")
        out[names[1]] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
        out[names[0]] = rope["rope_theta"]
    elif rope:
        out["rope_theta"] = rope["rope_theta"]
    scaling = {key: value for key, value in rope.items() if key not in ("rope_theta", "partial_rotary_factor")}
    if scaling.get("rope_type", "default") != "default":
        out["rope_scaling"] = scaling
    if "partial_rotary_factor" in rope:
        out["rotary_pct" if config["model_type"] == "gpt_neox" else "partial_rotary_factor"] = rope["partial_rotary_factor"]
    if "layer_types" in config and config["model_type"] not in FOLLOW:
        out["layer_types"] = config["layer_types"]
    return out


# Families whose windows follow from other keys, as transformers 4 had no layer_types; not where a shape has its own.
FOLLOW = ("qwen2", "qwen3", "gemma2")
DIALECTS = [name for name, case in VARIANTS.items() if case.get("kind", "causal") == "causal" and case["config"].get("rope_parameters")]


@pytest.mark.parametrize("name", DIALECTS)
def test_the_dialect_of_transformers_4_says_the_same(name, tmp_path):
    case = Case(name, tmp_path)
    expected = case.logits()
    case.config = older(case.config)
    assert case.logits() == expected
    if "rope_scaling" in case.config:  # older still
        case.config["rope_scaling"]["type"] = case.config["rope_scaling"].pop("rope_type")
        assert case.logits() == expected


# --------------------------------------------------------------------- sentences


def modules(*types: str) -> list[dict]:
    return [{"idx": i, "path": f"{i}_{name}" if i else "", "type": f"sentence_transformers.models.{name}"} for i, name in enumerate(types)]


@pytest.mark.parametrize("written", [{"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, {"pooling_mode": "cls"}])
def test_pooling_is_what_its_module_says(written, tmp_path):
    case = Case("bert states", tmp_path)
    case.files |= {"modules.json": modules("Transformer", "Dropped", "Pooling"), "2_Pooling/config.json": written}
    case.files["modules.json"].pop(1)
    metadata = case.metadata()
    assert metadata["bert.pooling_type"] == "2" and metadata["bert.normalize_embeddings"] == "false"


def test_pooling_and_modules_that_are_not_known_are_named(tmp_path):
    case = Case("bert states", tmp_path)
    for wrong in ({"pooling_mode_max_tokens": True}, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
                  {"pooling_mode": "weightedmean"}, {}):
        case.files[POOLING] = wrong
        assert "1_Pooling/config.json" in case.error() and "pooling_mode_mean_tokens" in case.error()
    case.files[POOLING] = {"pooling_mode": "mean"}
    case.files["modules.json"] = modules("Transformer", "Pooling", "Dense")
    assert "modules.json" in case.error() and "models.Dense" in case.error()
    case.files["modules.json"] = [{"type": "sentence_transformers.models.Pooling", "path": "../elsewhere"}]
    assert "modules.json" in case.error()
    case.files["modules.json"] = modules("Transformer", "Lost", "Pooling")
    case.files["modules.json"].pop(1)
    assert "2_Pooling/config.json" in case.error()


def test_prompts_are_told_and_kept_by_a_converted_file(tmp_path):
    import inlay

    case = Case("qwen3 embeddings", tmp_path / "model")
    case.files["config_sentence_transformers.json"] = {"prompts": {"query": "Instruct: find\nQuery:", "document": ""},
                                                       "default_prompt_name": "query"}
    metadata = case.metadata()
    assert metadata["sentence_transformers.prompt_names"] == ["query", "document"]
    assert metadata["sentence_transformers.prompts"] == ["Instruct: find\nQuery:", ""]
    assert metadata["sentence_transformers.default_prompt_name"] == "query"
    inlay.convert(tmp_path / "model", tmp_path / "out.gguf")
    vectors = []
    for path in (tmp_path / "model", tmp_path / "out.gguf"):
        with inlay.Model.open(path) as model, model.session(context=len(case.ids)) as session:
            assert model.facts["kind"] == "encoder"
            assert model.metadata["sentence_transformers.prompts"] == metadata["sentence_transformers.prompts"]
            vectors.append(session.embeddings([case.ids, case.ids[:7]]))
            session.encode(case.ids)
            last = session.hidden_states[-1]
    assert (vectors[0] == vectors[1]).all()
    cosine = float((vectors[0][0] * last).sum() / (last @ last) ** 0.5)
    assert abs(cosine - 1) < 1e-5
