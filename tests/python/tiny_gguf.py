"""Writes a small Hugging Face folder as GGUF with the gguf package: its names of tensors and metadata, F32 weights.

    python tiny_gguf.py FOLDER OUT.gguf

Rows, norms and stacks are laid out as llama.cpp's converter lays them out. The tokenizer is a stand-in: what these files are
for is the network.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import gguf
import numpy

# model_type: the architecture's name in GGUF
ARCHITECTURES = {
    "llama": "llama", "mistral": "llama", "mixtral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3_moe": "qwen3moe",
    "phi3": "phi3", "gemma2": "gemma2", "gemma3_text": "gemma3", "smollm3": "smollm3", "olmo2": "olmo2",
    "granite": "granite", "openai-gpt": "openai-gpt", "gpt2": "gpt2", "gpt_neox": "gptneox", "opt": "opt", "bloom": "bloom",
    "falcon": "falcon", "mamba": "mamba", "mamba2": "mamba2", "lfm2": "lfm2", "rwkv": "rwkv4",
    "lstm_lm": "lstm", "recurrent_gemma": "recurrentgemma",
    "bert": "bert", "roberta": "bert", "distilbert": "bert", "modernbert": "modern-bert",
    "t5": "t5", "bart": "bart",
}
# Families that the package has no names for.
OWN_NAMES = {
    "openai-gpt": {"tokens_embed": "token_embd", "positions_embed": "position_embd", "h.{}.attn.c_attn": "blk.{}.attn_qkv",
                   "h.{}.attn.c_proj": "blk.{}.attn_output", "h.{}.mlp.c_fc": "blk.{}.ffn_up",
                   "h.{}.mlp.c_proj": "blk.{}.ffn_down", "h.{}.ln_1": "blk.{}.attn_output_norm",
                   "h.{}.ln_2": "blk.{}.layer_output_norm"},
    "opt": {"decoder.embed_tokens": "token_embd", "decoder.embed_positions": "position_embd",
            "decoder.final_layer_norm": "output_norm", "decoder.layers.{}.self_attn.q_proj": "blk.{}.attn_q",
            "decoder.layers.{}.self_attn.k_proj": "blk.{}.attn_k", "decoder.layers.{}.self_attn.v_proj": "blk.{}.attn_v",
            "decoder.layers.{}.self_attn.out_proj": "blk.{}.attn_output", "decoder.layers.{}.fc1": "blk.{}.ffn_up",
            "decoder.layers.{}.fc2": "blk.{}.ffn_down", "decoder.layers.{}.self_attn_layer_norm": "blk.{}.attn_norm",
            "decoder.layers.{}.final_layer_norm": "blk.{}.ffn_norm"},
}
OWN_NAMES["rwkv4"] = {
    "embeddings": "token_embd", "head": "output", "ln_out": "output_norm", "blocks.{}.pre_ln": "token_embd_norm",
    "blocks.{}.ln1": "blk.{}.attn_norm", "blocks.{}.ln2": "blk.{}.attn_norm_2",
    "blocks.{}.attention.time_decay": "blk.{}.time_mix_decay", "blocks.{}.attention.time_first": "blk.{}.time_mix_first",
    **{f"blocks.{{}}.attention.{name}": f"blk.{{}}.time_mix_{name}" for name in ("key", "value", "receptance", "output")},
    **{f"blocks.{{}}.attention.time_mix_{name}": f"blk.{{}}.time_mix_lerp_{name[0]}" for name in ("key", "value", "receptance")},
    **{f"blocks.{{}}.feed_forward.{name}": f"blk.{{}}.channel_mix_{name}" for name in ("key", "value", "receptance")},
    **{f"blocks.{{}}.feed_forward.time_mix_{name}": f"blk.{{}}.channel_mix_lerp_{name[0]}" for name in ("key", "receptance")},
}
OWN_NAMES["lstm"] = {
    "embed": "token_embd", "head": "output",
    **{f"lstm.{kind}_{part}_l{i}": f"blk.{i}.lstm_{part}" for i in range(8) for kind in ("weight", "bias") for part in ("ih", "hh")},
}
# Heads that predict masked tokens, for which the package has no names.
MASK_HEADS = {
    "cls.predictions.transform.dense": "cls", "cls.predictions.transform.LayerNorm": "cls.norm", "cls.predictions": "output",
    "lm_head.dense": "cls", "lm_head.layer_norm": "cls.norm", "lm_head": "output",
    "vocab_transform": "cls", "vocab_layer_norm": "cls.norm", "vocab_projector": "output",
    "head.dense": "cls", "head.norm": "cls.norm", "decoder": "output",
}
ENCODERS = ("bert", "modern-bert")
OWN_NAMES["recurrentgemma"] = {
    "embed_tokens": "token_embd", "final_norm": "output_norm", "layers.{}.temporal_pre_norm": "blk.{}.attn_norm",
    "layers.{}.channel_pre_norm": "blk.{}.ffn_norm",
    **{f"layers.{{}}.mlp_block.{name}_proj": f"blk.{{}}.ffn_{name}" for name in ("gate", "up", "down")},
    **{f"layers.{{}}.temporal_block.{name}_proj": f"blk.{{}}.attn_{name if name != 'o' else 'output'}" for name in "qkvo"},
    **{f"layers.{{}}.temporal_block.linear_{name}": f"blk.{{}}.rglru_{name}" for name in ("x", "y", "out")},
    "layers.{}.temporal_block.conv_1d": "blk.{}.rglru_conv1d",
    **{f"layers.{{}}.temporal_block.rg_lru.{name}_gate_{part}": f"blk.{{}}.rglru_{name}_gate"
       for name in ("input", "recurrent") for part in ("weight", "bias")},
    "layers.{}.temporal_block.rg_lru.recurrent_param": "blk.{}.rglru_recurrent_param",
}
OWN_NAMES["bart"] = {"shared": "token_embd", "final_logits_bias": "output"}
for side, short in (("encoder", "enc"), ("decoder", "dec")):
    OWN_NAMES["bart"] |= {
        f"{side}.embed_positions": f"{short}.position_embd", f"{side}.layernorm_embedding": f"{short}.token_embd_norm",
        f"{side}.layers.{{}}.fc1": f"{short}.blk.{{}}.ffn_up", f"{side}.layers.{{}}.fc2": f"{short}.blk.{{}}.ffn_down",
        f"{side}.layers.{{}}.final_layer_norm": f"{short}.blk.{{}}.ffn_norm",
        **{f"{side}.layers.{{}}.{part}_layer_norm": f"{short}.blk.{{}}.{name}_norm"
           for part, name in (("self_attn", "attn"), ("encoder_attn", "cross_attn"))},
        **{f"{side}.layers.{{}}.{part}.{projection}_proj": f"{short}.blk.{{}}.{name}_{projection[0]}"
           for part, name in (("self_attn", "attn"), ("encoder_attn", "cross_attn"))
           for projection in ("q", "k", "v", "out")},
    }
PERMUTED = ("llama", "granite", "smollm3")
EPSILONS = ("rms_norm_eps", "norm_eps", "layer_norm_eps", "layer_norm_epsilon")
RMS_NORMS = ("mamba", "mamba2", "lfm2", "t5")  # whose keys do not say so


def read_safetensors(path: Path) -> dict[str, numpy.ndarray]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        assert info["dtype"] == "F32", f"{path}: tensor {name} is {info['dtype']}"
        begin, end = (8 + size + offset for offset in info["data_offsets"])
        tensors[name] = numpy.frombuffer(data[begin:end], dtype="<f4").reshape(info["shape"])
    return tensors


def get(config: dict, *keys: str, default=None):
    for key in keys:
        if config.get(key) is not None:
            return config[key]
    return default


def pairs_adjacent(rows: numpy.ndarray, n_head: int) -> numpy.ndarray:
    """Rows of heads whose halves rotate together, reordered so that neighbours do."""
    return rows.reshape(n_head, 2, rows.shape[0] // n_head // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def parts_together(rows: numpy.ndarray, n_head: int, n_head_kv: int) -> numpy.ndarray:
    """Rows [n_head_kv, queries + key + value] as all queries, all keys, all values."""
    n_group = n_head // n_head_kv
    grouped = rows.reshape(n_head_kv, n_group + 2, -1, *rows.shape[1:])
    parts = grouped[:, :n_group], grouped[:, n_group : n_group + 1], grouped[:, n_group + 1 :]
    return numpy.concatenate([part.reshape(-1, *rows.shape[1:]) for part in parts])


class Converter:
    def __init__(self, folder: Path):
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.tensors = read_safetensors(folder / "model.safetensors")
        self.arch = ARCHITECTURES[self.config["model_type"]]
        self.n_layer = get(self.config, "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers")
        heads = "num_heads" if self.arch == "t5" else "encoder_attention_heads"
        self.n_head = get(self.config, "num_attention_heads", "n_head", "n_heads", heads, default=0)
        self.n_embd = get(self.config, "hidden_size", "n_embd", "dim", "d_model")
        self.n_head_kv = get(self.config, "num_key_value_heads", default=self.n_head)
        if self.arch == "falcon":
            grouped = self.config["new_decoder_architecture"]
            self.n_head_kv = self.config["num_kv_heads"] if grouped else 1 if self.config["multi_query"] else self.n_head
        self.head_dim = get(self.config, "head_dim", "d_kv", default=self.n_embd // max(self.n_head, 1))

    # ------------------------------------------------------------ metadata

    def write_metadata(self, w: gguf.GGUFWriter) -> None:
        c = self.config
        if self.arch == "lfm2":  # the width that the block adjusts itself to
            n_ff, step = 2 * c["intermediate_size"] // 3, c["block_multiple_of"]
            c["intermediate_size"] = (int(n_ff * c["block_ffn_dim_multiplier"]) + step - 1) // step * step
        if self.arch == "recurrentgemma":
            c["intermediate_size"] //= 2
        n_ff = get(c, "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "hidden_dim", "d_ff", "encoder_ffn_dim",
                   default=4 * self.n_embd)
        w.add_name("tiny")
        n_context = get(c, "max_position_embeddings", "n_positions", default=2048)
        w.add_context_length(n_context - c["pad_token_id"] - 1 if c["model_type"] == "roberta" else n_context)
        w.add_embedding_length(self.n_embd)
        w.add_block_count(self.n_layer)
        w.add_feed_forward_length(n_ff)
        w.add_head_count(self.n_head)
        w.add_head_count_kv(self.n_head_kv if self.arch != "lfm2" else
                            [self.n_head_kv if kind == "full_attention" else 0 for kind in c["layer_types"]])
        w.add_vocab_size(c["vocab_size"])
        if get(c, "head_dim", "d_kv") is not None:
            w.add_key_length(self.head_dim)
            w.add_value_length(self.head_dim)
        epsilon = next((c[key] for key in EPSILONS if key in c), 1e-12 if c["model_type"] == "distilbert" else 1e-5)
        (w.add_layer_norm_rms_eps if "rms_norm_eps" in c or self.arch in RMS_NORMS else w.add_layer_norm_eps)(epsilon)
        self.write_rope(w)
        self.write_family(w)

    def write_rope(self, w: gguf.GGUFWriter) -> None:
        rope = self.config.get("rope_parameters")
        if rope is None:
            return
        if "full_attention" in rope:
            w.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])
            rope = rope["full_attention"]
        w.add_rope_freq_base(rope["rope_theta"])
        n = int(self.head_dim * rope.get("partial_rotary_factor", 1.0))
        w.add_rope_dimension_count(n)
        if rope["rope_type"] == "llama3":
            theta, n_original = rope["rope_theta"], rope["original_max_position_embeddings"]
            factors = []
            for i in range(0, n, 2):
                turns = n_original * theta ** (-i / n) / (2 * math.pi)
                smooth = (turns - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
                smooth = min(max(smooth, 0.0), 1.0)
                factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
            self.tensors["rope_freqs.weight"] = numpy.array(factors, dtype=numpy.float32)

    def write_family(self, w: gguf.GGUFWriter) -> None:
        c, arch = self.config, self.arch
        experts = get(c, "num_local_experts", "num_experts")
        if experts:
            w.add_expert_count(experts)
            w.add_expert_used_count(c["num_experts_per_tok"])
        if arch == "qwen3moe":
            w.add_expert_feed_forward_length(c["moe_intermediate_size"])
            w.add_expert_weights_norm(c["norm_topk_prob"])
        if c.get("sliding_window") and arch in ("llama", "phi3", "gemma2", "gemma3"):
            w.add_sliding_window(c["sliding_window"])
        if arch in ENCODERS:
            w.add_causal_attention(False)
            w.add_pooling_type(gguf.PoolingType.MEAN)
        if arch == "modern-bert":
            w.add_sliding_window(c["local_attention"])
            w.add_sliding_window_pattern([kind == "sliding_attention" for kind in c["layer_types"]])
        if c.get("layer_types") and c.get("sliding_window"):
            w.add_sliding_window_pattern([kind == "sliding_attention" for kind in c["layer_types"]])
        if arch == "gemma2":
            w.add_attn_logit_softcapping(c["attn_logit_softcapping"])
            w.add_final_logit_softcapping(c["final_logit_softcapping"])
        if arch.startswith("gemma"):
            w.add_attention_scale(c["query_pre_attn_scalar"] ** -0.5)
        if arch == "granite":
            w.add_attention_scale(c["attention_multiplier"])
            w.add_embedding_scale(c["embedding_multiplier"])
            w.add_residual_scale(c["residual_multiplier"])
            w.add_logit_scale(c["logits_scaling"])
        if arch == "gptneox":
            w.add_parallel_residual(c["use_parallel_residual"])
        if arch == "falcon":
            w.add_parallel_residual(c["parallel_attn"])
        if arch == "mamba":
            w.add_ssm_conv_kernel(c["conv_kernel"])
            w.add_ssm_inner_size(c["intermediate_size"])
            w.add_ssm_state_size(c["state_size"])
            w.add_ssm_time_step_rank(c["time_step_rank"])
        if arch == "mamba2":
            w.add_ssm_conv_kernel(c["conv_kernel"])
            w.add_ssm_inner_size(c["expand"] * self.n_embd)
            w.add_ssm_state_size(c["state_size"])
            w.add_ssm_time_step_rank(c["num_heads"])
            w.add_ssm_group_count(c["n_groups"])
        if arch == "recurrentgemma":
            types = c["block_types"]
            w.add_sliding_window(c["attention_window_size"])
            w.add_final_logit_softcapping(c["logits_soft_cap"])
            w.add_uint32(f"{arch}.rglru.width", c["lru_width"])
            w.add_uint32(f"{arch}.rglru.conv_kernel", c["conv1d_width"])
            w.add_array(f"{arch}.attention.layer_pattern", [types[i % len(types)] == "attention" for i in range(self.n_layer)])
        if arch == "lfm2":
            w.add_shortconv_l_cache(c["conv_L_cache"])
        if arch == "t5":
            w.add_decoder_block_count(c["num_decoder_layers"])
            w.add_relative_attn_buckets_count(c["relative_attention_num_buckets"])
        if arch == "bart":
            w.add_decoder_block_count(c["decoder_layers"])
            w.add_string("bart.activation", c["activation_function"])
            w.add_uint32("bart.decoder_feed_forward_length", c["decoder_ffn_dim"])
            w.add_uint32("bart.decoder_attention_head_count", c["decoder_attention_heads"])
        if "decoder_start_token_id" in c:
            w.add_decoder_start_token_id(c["decoder_start_token_id"])
        if arch == "smollm3":
            w.add_array(f"{arch}.rope.layer_pattern", [rotates == 1 for rotates in c["no_rope_layers"]])

    @staticmethod
    def write_tokenizer(w: gguf.GGUFWriter, n_vocab: int) -> None:
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre("gpt-2")
        w.add_token_list([f"token{i}" for i in range(n_vocab)])
        w.add_token_types([gguf.TokenType.NORMAL] * n_vocab)
        w.add_token_merges(["t o"])

    # ------------------------------------------------------------- tensors

    def name_of(self, name: str) -> str:
        stem, _, ending = name.rpartition(".")
        if name.startswith("rope_"):
            return name
        if self.arch in OWN_NAMES:
            if ending not in ("weight", "bias"):
                stem, ending = name, "bias" if ".bias_" in name or name.endswith("_bias") else "weight"
            for prefix in ("model.", "transformer.", "rwkv."):
                stem = stem.removeprefix(prefix)
            numbers = [part for part in stem.split(".") if part.isdigit()]
            key = ".".join("{}" if part.isdigit() else part for part in stem.split("."))
            ending = "" if name.endswith("_param") else "." + ending
            return OWN_NAMES[self.arch][key].format(*numbers) + ending
        if self.arch == "falcon" and stem.endswith("ln_attn"):
            return f"blk.{stem.split('.')[2]}.attn_norm_2.{ending}"
        for prefix in ("bert.", "distilbert.", "roberta."):
            name = name.removeprefix(prefix)
        if self.arch in ENCODERS and name.rpartition(".")[0] in MASK_HEADS:
            return f"{MASK_HEADS[name.rpartition('.')[0]]}.{ending}"
        arch = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == self.arch)
        names = gguf.get_tensor_name_map(arch, self.n_layer)
        spellings = (name.replace(".dt_bias", ".dt_proj.bias"), name.removeprefix("transformer."), name.removeprefix("model."))
        found = next(filter(None, (names.get_name(each, try_suffixes=(".weight", ".bias")) for each in spellings)), None)
        assert found is not None, f"the gguf package has no name for {name} in {self.arch}"
        return found

    def lay_out(self, name: str, x: numpy.ndarray) -> numpy.ndarray:
        arch = self.arch
        if arch in PERMUTED and ".q_proj." in name:
            return pairs_adjacent(x, self.n_head)
        if arch in PERMUTED and ".k_proj." in name:
            return pairs_adjacent(x, self.n_head_kv)
        if arch in ("gemma2", "gemma3", "recurrentgemma") and name.endswith("norm.weight"):
            return x + 1
        if arch in ("gpt2", "openai-gpt") and ".c_" in name and x.ndim == 2:
            return x.T
        if ".query_key_value." in name:
            return parts_together(x, self.n_head, self.n_head_kv)
        if "time_mix_" in name or name.endswith("final_logits_bias"):
            return x.reshape(-1)
        if name.endswith(("A_log", "time_decay")):
            return -numpy.exp(x.reshape(-1, 1) if arch == "mamba2" else x)
        if name.endswith((".conv1d.weight", ".conv.conv.weight", ".conv_1d.weight")):
            return x.squeeze(1)
        if arch == "mamba2" and name.endswith("mixer.norm.weight"):
            return x.reshape(self.config["n_groups"], -1)
        if arch == "mamba2" and name.endswith(".D"):
            return x.reshape(-1, 1)
        if name.endswith("_gate_weight"):
            return x.swapaxes(1, 2)
        if name.endswith("_gate_bias"):
            return x.reshape(-1)
        if arch in ("opt", "bart") and "embed_positions" in name:
            return x[2:]
        if self.config["model_type"] == "roberta" and "position_embeddings" in name:
            return x[self.config["pad_token_id"] + 1 :]
        return x

    def stack_experts(self) -> None:
        """[..experts.N.w.weight] of all N become one tensor."""
        stacks: dict[str, list[numpy.ndarray]] = {}
        for name in [name for name in self.tensors if ".experts." in name]:
            head, _, rest = name.partition(".experts.")
            number, _, tail = rest.partition(".")
            stack = stacks.setdefault(f"{head}.experts.{tail}", [])
            stack.append((int(number), self.tensors.pop(name)))
        for name, parts in stacks.items():
            self.tensors[name] = numpy.stack([part for _, part in sorted(parts, key=lambda each: each[0])])

    def write(self, out: Path) -> None:
        w = gguf.GGUFWriter(out, self.arch)
        self.write_metadata(w)
        self.write_tokenizer(w, self.config["vocab_size"])
        self.stack_experts()
        for name, x in self.tensors.items():
            if name.endswith((".attention.bias", ".masked_bias", "inv_freq")):
                continue
            w.add_tensor(self.name_of(name), numpy.ascontiguousarray(self.lay_out(name, x)))
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()


def convert(folder: Path, out: Path, without: tuple[str, ...] = ()) -> None:
    """Leaves out tensors whose names begin with one of `without`."""
    converter = Converter(folder)
    converter.tensors = {name: x for name, x in converter.tensors.items() if not name.startswith(without)}
    converter.write(out)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
