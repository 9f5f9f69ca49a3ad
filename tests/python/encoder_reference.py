"""Small random encoders as Hugging Face folders, and what they give, by their papers' formulas in float64 with numpy."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy

N_VOCAB, N_EMBD, N_HEAD, N_FF, N_LAYER, N_CONTEXT, PAD = 60, 48, 3, 80, 2, 40, 1
WORDS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] + [f"word{i}" for i in range(N_VOCAB - 5)]
BERT_NAMES = {"<s>": "[CLS]", "<pad>": "[PAD]", "</s>": "[SEP]", "<unk>": "[UNK]", "<mask>": "[MASK]"}


def gelu(x: numpy.ndarray) -> numpy.ndarray:
    return 0.5 * x * (1 + numpy.vectorize(math.erf)(x / math.sqrt(2)))


class Encoder:
    """model_type "bert", "roberta", "distilbert" or "modernbert"; classes 0 predicts masked tokens."""

    def __init__(self, model_type: str, classes: int = 0, seed: int = 7, pooling: str = "cls"):
        self.type, self.classes, self.pooling = model_type, classes, pooling
        self.random = numpy.random.default_rng(seed)
        self.tensors: dict[str, numpy.ndarray] = {}
        getattr(self, f"make_{model_type}")()

    # ----------------------------------------------------------------- weights

    def put(self, name: str, *shape: int, centre: float = 0.0, scale: float = 0.3) -> None:
        self.tensors[name] = (centre + scale * self.random.standard_normal(shape)).astype(numpy.float32)

    def linear(self, name: str, n_in: int, n_out: int, bias: bool = True) -> None:
        self.put(f"{name}.weight", n_out, n_in, scale=1 / math.sqrt(n_in))
        if bias:
            self.put(f"{name}.bias", n_out)

    def norm(self, name: str, bias: bool = True) -> None:
        self.put(f"{name}.weight", N_EMBD, centre=1.0, scale=0.2)
        if bias:
            self.put(f"{name}.bias", N_EMBD)

    def make_bert(self) -> None:
        roberta = self.type == "roberta"
        body = self.type + "."
        self.put(body + "embeddings.word_embeddings.weight", N_VOCAB, N_EMBD, scale=1.0)
        self.put(body + "embeddings.position_embeddings.weight", N_CONTEXT + (PAD + 1 if roberta else 0), N_EMBD)
        self.put(body + "embeddings.token_type_embeddings.weight", 1 if roberta else 2, N_EMBD)
        self.norm(body + "embeddings.LayerNorm")
        for i in range(N_LAYER):
            layer = f"{body}encoder.layer.{i}."
            for part in ("query", "key", "value"):
                self.linear(f"{layer}attention.self.{part}", N_EMBD, N_EMBD)
            self.linear(layer + "attention.output.dense", N_EMBD, N_EMBD)
            self.norm(layer + "attention.output.LayerNorm")
            self.linear(layer + "intermediate.dense", N_EMBD, N_FF)
            self.linear(layer + "output.dense", N_FF, N_EMBD)
            self.norm(layer + "output.LayerNorm")
        if self.classes and roberta:
            self.linear("classifier.dense", N_EMBD, N_EMBD)
            self.linear("classifier.out_proj", N_EMBD, self.classes)
        elif self.classes:
            self.linear(body + "pooler.dense", N_EMBD, N_EMBD)
            self.linear("classifier", N_EMBD, self.classes)
        else:
            self.linear("lm_head.dense" if roberta else "cls.predictions.transform.dense", N_EMBD, N_EMBD)
            self.norm("lm_head.layer_norm" if roberta else "cls.predictions.transform.LayerNorm")
            self.put("lm_head.bias" if roberta else "cls.predictions.bias", N_VOCAB)

    make_roberta = make_bert

    def make_distilbert(self) -> None:
        self.put("distilbert.embeddings.word_embeddings.weight", N_VOCAB, N_EMBD, scale=1.0)
        self.put("distilbert.embeddings.position_embeddings.weight", N_CONTEXT, N_EMBD)
        self.norm("distilbert.embeddings.LayerNorm")
        for i in range(N_LAYER):
            layer = f"distilbert.transformer.layer.{i}."
            for part in ("q", "k", "v", "out"):
                self.linear(f"{layer}attention.{part}_lin", N_EMBD, N_EMBD)
            self.norm(layer + "sa_layer_norm")
            self.linear(layer + "ffn.lin1", N_EMBD, N_FF)
            self.linear(layer + "ffn.lin2", N_FF, N_EMBD)
            self.norm(layer + "output_layer_norm")
        self.linear("pre_classifier", N_EMBD, N_EMBD)
        self.linear("classifier", N_EMBD, self.classes)

    def make_modernbert(self) -> None:
        self.put("model.embeddings.tok_embeddings.weight", N_VOCAB, N_EMBD, scale=1.0)
        self.norm("model.embeddings.norm", bias=False)
        for i in range(N_LAYER):
            layer = f"model.layers.{i}."
            if i > 0:
                self.norm(layer + "attn_norm", bias=False)
            self.linear(layer + "attn.Wqkv", N_EMBD, 3 * N_EMBD, bias=False)
            self.linear(layer + "attn.Wo", N_EMBD, N_EMBD, bias=False)
            self.norm(layer + "mlp_norm", bias=False)
            self.linear(layer + "mlp.Wi", N_EMBD, 2 * N_FF, bias=False)
            self.linear(layer + "mlp.Wo", N_FF, N_EMBD, bias=False)
        self.norm("model.final_norm", bias=False)
        self.linear("head.dense", N_EMBD, N_EMBD, bias=False)
        self.norm("head.norm", bias=False)
        self.linear("classifier", N_EMBD, self.classes)

    # ------------------------------------------------------------------ folder

    def config(self) -> dict:
        name = {"bert": "Bert", "roberta": "Roberta", "distilbert": "DistilBert", "modernbert": "ModernBert"}[self.type]
        config = {"model_type": self.type, "vocab_size": N_VOCAB, "pad_token_id": PAD,
                  "architectures": [name + ("ForSequenceClassification" if self.classes else "ForMaskedLM")]}
        if self.classes:
            config["id2label"] = {str(i): f"LABEL_{i}" for i in range(self.classes)}
        if self.type == "distilbert":
            return config | {"dim": N_EMBD, "n_layers": N_LAYER, "n_heads": N_HEAD, "hidden_dim": N_FF,
                             "max_position_embeddings": N_CONTEXT, "activation": "gelu"}
        config |= {"hidden_size": N_EMBD, "num_hidden_layers": N_LAYER, "num_attention_heads": N_HEAD,
                   "intermediate_size": N_FF, "max_position_embeddings": N_CONTEXT + (PAD + 1 if self.type == "roberta" else 0)}
        if self.type == "modernbert":
            return config | {"norm_eps": 1e-5, "local_attention": 6, "global_attn_every_n_layers": 2, "global_rope_theta": 5e4,
                             "local_rope_theta": 1e4, "classifier_pooling": self.pooling, "classifier_bias": False}
        return config | {"hidden_act": "gelu", "layer_norm_eps": 1e-5, "type_vocab_size": 1 if self.type == "roberta" else 2}

    def write(self, folder: Path) -> Path:
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(self.config()), encoding="utf-8")
        header, data = {}, b""
        for name, x in self.tensors.items():
            header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [len(data), len(data) + x.nbytes]}
            data += x.tobytes()
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
        self.tokenizer().save(str(folder / "tokenizer.json"))
        return folder

    def tokenizer(self):
        import tokenizers

        roberta = self.type == "roberta"
        names = [word if roberta else BERT_NAMES.get(word, word) for word in WORDS]
        made = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: i for i, word in enumerate(names)}, unk_token=names[3]))
        made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
        made.add_special_tokens(names[:5])
        begin, end = names[0], names[2]
        pair = f"{begin} $A {end} {end} $B {end}" if roberta else f"{begin} $A {end} $B:1 {end}:1"
        made.post_processor = tokenizers.processors.TemplateProcessing(
            single=f"{begin} $A {end}", pair=pair, special_tokens=[(begin, 0), (end, 2)])
        return made

    # ---------------------------------------------------------------- formulas

    def times(self, name: str, x: numpy.ndarray) -> numpy.ndarray:
        y = x @ self.tensors[f"{name}.weight"].astype(float).T
        return y + self.tensors[f"{name}.bias"] if f"{name}.bias" in self.tensors else y

    def normed(self, name: str, x: numpy.ndarray, epsilon: float) -> numpy.ndarray:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / numpy.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon) * self.tensors[f"{name}.weight"]
        return x + self.tensors[f"{name}.bias"] if f"{name}.bias" in self.tensors else x

    @staticmethod
    def attend(q: numpy.ndarray, k: numpy.ndarray, v: numpy.ndarray, reach: int = N_CONTEXT) -> numpy.ndarray:
        n = q.shape[0]
        q, k, v = (x.reshape(n, N_HEAD, -1).swapaxes(0, 1) for x in (q, k, v))
        scores = q @ k.swapaxes(1, 2) / math.sqrt(N_EMBD // N_HEAD)
        apart = numpy.abs(numpy.arange(n)[:, None] - numpy.arange(n))
        weights = numpy.exp(numpy.where(apart <= reach, scores, -numpy.inf))
        return ((weights / weights.sum(axis=-1, keepdims=True)) @ v).swapaxes(0, 1).reshape(n, N_EMBD)

    @staticmethod
    def rotate(x: numpy.ndarray, theta: float) -> numpy.ndarray:
        n, width = x.shape[0], N_EMBD // N_HEAD
        angles = numpy.arange(n)[:, None] * theta ** (-numpy.arange(0, width, 2) / width)
        a, b = numpy.split(x.reshape(n, N_HEAD, width), 2, axis=-1)
        c, s = numpy.cos(angles)[:, None], numpy.sin(angles)[:, None]
        return numpy.concatenate([a * c - b * s, a * s + b * c], axis=-1).reshape(n, N_EMBD)

    def states(self, ids: list[int], segments: list[int] | None = None) -> numpy.ndarray:
        if self.type == "modernbert":
            return self.states_modernbert(ids)
        distil, epsilon = self.type == "distilbert", 1e-12 if self.type == "distilbert" else 1e-5
        body = f"{self.type}.embeddings."
        first = PAD + 1 if self.type == "roberta" else 0
        x = self.tensors[body + "word_embeddings.weight"][ids].astype(float)
        x = x + self.tensors[body + "position_embeddings.weight"][first : first + len(ids)]
        if not distil:
            x = x + self.tensors[body + "token_type_embeddings.weight"][segments or [0] * len(ids)]
        x = self.normed(body + "LayerNorm", x, epsilon)
        for i in range(N_LAYER):
            layer = f"distilbert.transformer.layer.{i}." if distil else f"{self.type}.encoder.layer.{i}."
            qkv = ("attention.q_lin", "attention.k_lin", "attention.v_lin") if distil else (
                "attention.self.query", "attention.self.key", "attention.self.value")
            names = ("attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm") if distil else (
                "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm")
            out, norm, up, down, last = (layer + name for name in names)
            attended = self.attend(*(self.times(layer + part, x) for part in qkv))
            x = self.normed(norm, x + self.times(out, attended), epsilon)
            x = self.normed(last, x + self.times(down, gelu(self.times(up, x))), epsilon)
        return x

    def states_modernbert(self, ids: list[int]) -> numpy.ndarray:
        x = self.normed("model.embeddings.norm", self.tensors["model.embeddings.tok_embeddings.weight"][ids].astype(float), 1e-5)
        for i in range(N_LAYER):
            layer, local = f"model.layers.{i}.", i % 2 != 0
            read = self.normed(layer + "attn_norm", x, 1e-5) if i > 0 else x
            q, k, v = numpy.split(self.times(layer + "attn.Wqkv", read), 3, axis=-1)
            theta = 1e4 if local else 5e4
            attended = self.attend(self.rotate(q, theta), self.rotate(k, theta), v, 3 if local else N_CONTEXT)
            x = x + self.times(layer + "attn.Wo", attended)
            gate, up = numpy.split(self.times(layer + "mlp.Wi", self.normed(layer + "mlp_norm", x, 1e-5)), 2, axis=-1)
            x = x + self.times(layer + "mlp.Wo", gelu(gate) * up)
        return self.normed("model.final_norm", x, 1e-5)

    def logits(self, ids: list[int]) -> numpy.ndarray:
        """Of masked tokens, at every position."""
        roberta = self.type == "roberta"
        dense, norm, bias = (("lm_head.dense", "lm_head.layer_norm", "lm_head.bias") if roberta else
                             ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.bias"))
        x = self.normed(norm, gelu(self.times(dense, self.states(ids))), 1e-5)
        return x @ self.tensors[f"{self.type}.embeddings.word_embeddings.weight"].astype(float).T + self.tensors[bias]

    def scores(self, ids: list[int], segments: list[int] | None = None) -> numpy.ndarray:
        states = self.states(ids, segments)
        x = states.mean(axis=0) if self.pooling == "mean" else states[0]
        if self.type == "bert":
            return self.times("classifier", numpy.tanh(self.times("bert.pooler.dense", x)))
        if self.type == "roberta":
            return self.times("classifier.out_proj", numpy.tanh(self.times("classifier.dense", x)))
        if self.type == "distilbert":
            return self.times("classifier", numpy.maximum(self.times("pre_classifier", x), 0))
        return self.times("classifier", self.normed("head.norm", gelu(self.times("head.dense", x)), 1e-5))
