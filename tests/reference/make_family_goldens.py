"""Makes tests/python/family_goldens.json: logits of small models of many shapes, by transformers in float32.

    python make_family_goldens.py tests/python/family_goldens.json          # what CI compares with
    python make_family_goldens.py OUT.json --variants 200 --seed 7          # more of them, of random shapes

Weights are not recorded: tests/python/family_weights.py makes them again from their names. Needs torch and transformers 5.23.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from pathlib import Path

import numpy
import torch
import transformers
from transformers import (AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM,
                          AutoModelForSequenceClassification)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from family_weights import make_weights  # noqa: E402

N_TOKENS = 40
NOT_SAID = ("transformers_version", "architectures", "dtype", "id2label", "label2id", "_name_or_path", "initializer_range")


def rope(kind: str, **more) -> dict:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **more}}


LLAMA = dict(hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
             vocab_size=96, max_position_embeddings=64)
YARN = dict(factor=4.0, original_max_position_embeddings=16)
LONG = dict(short_factor=[1.0, 1.1, 1.3, 1.5], long_factor=[2.0, 2.5, 3.0, 4.0])
GPT = dict(n_embd=48, n_layer=2, n_head=3, vocab_size=96, n_positions=64)
OPT = dict(hidden_size=48, ffn_dim=64, num_hidden_layers=2, num_attention_heads=3, vocab_size=96, max_position_embeddings=64,
           word_embed_proj_dim=48)
NEOX = dict(hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=3, vocab_size=96,
            max_position_embeddings=64)
FALCON = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=6, vocab_size=96)
BLOOM = dict(hidden_size=60, n_layer=2, n_head=5, vocab_size=96)
MOE = dict(LLAMA, num_local_experts=5, num_experts_per_tok=2)
QWEN_MOE = dict(LLAMA, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=24, head_dim=8)
GEMMA = dict(LLAMA, head_dim=16, num_attention_heads=3, num_key_value_heads=1, num_hidden_layers=3, sliding_window=8)
MAMBA = dict(hidden_size=40, num_hidden_layers=2, state_size=7, vocab_size=96)
MAMBA2 = dict(hidden_size=40, num_hidden_layers=2, state_size=9, vocab_size=96, num_heads=8, head_dim=10, chunk_size=16)
RWKV = dict(hidden_size=40, num_hidden_layers=3, vocab_size=96, attention_hidden_size=40)
LFM2 = dict(LLAMA, num_hidden_layers=3, layer_types=["conv", "full_attention", "conv"], block_multiple_of=8)
GRIFFIN = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=4, num_attention_heads=3, num_key_value_heads=1,
               vocab_size=96, lru_width=60, attention_window_size=8, max_position_embeddings=64, head_dim=16)

BERT = dict(hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=3, vocab_size=97, max_position_embeddings=64,
            pad_token_id=0)
ROBERTA = dict(BERT, type_vocab_size=1, pad_token_id=1, max_position_embeddings=66)
DISTIL = dict(dim=48, hidden_dim=80, n_layers=2, n_heads=3, vocab_size=97, max_position_embeddings=64, pad_token_id=0)
MODERN = dict(BERT, num_hidden_layers=5, local_attention=8, cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2)
T5 = dict(d_model=48, d_kv=16, d_ff=80, num_layers=2, num_decoder_layers=3, num_heads=3, vocab_size=97, decoder_start_token_id=0,
          pad_token_id=0)
BART = dict(d_model=48, encoder_layers=2, decoder_layers=3, encoder_attention_heads=3, decoder_attention_heads=4, encoder_ffn_dim=80,
            decoder_ffn_dim=64, vocab_size=97, max_position_embeddings=64, decoder_start_token_id=2)
MASKED, STATES, LABELS, ANSWER = dict(kind="masked"), dict(kind="states"), dict(kind="labels"), dict(kind="answer")
MODELS = {"causal": AutoModelForCausalLM, "masked": AutoModelForMaskedLM, "states": AutoModel,
          "labels": AutoModelForSequenceClassification, "answer": AutoModelForSeq2SeqLM}
LAST_TOKEN = dict(kind="states", files={"1_Pooling/config.json": dict(pooling_mode_lasttoken=True), "modules.json": [
    dict(type="sentence_transformers.models.Transformer", path=""), dict(type="sentence_transformers.models.Pooling", path="1_Pooling"),
    dict(type="sentence_transformers.models.Normalize", path="2_Normalize")]})
YARN_HALF = rope("yarn", **YARN, partial_rotary_factor=0.5)

# name: model_type, what its config says and, unless it is causal with 40 tokens, what else it is
VARIANTS = {
    "llama one key head": ("llama", dict(LLAMA, num_key_value_heads=1)),
    "llama odd heads": ("llama", dict(LLAMA, hidden_size=40, num_attention_heads=5, num_key_value_heads=5)),
    "llama wide heads": ("llama", dict(LLAMA, head_dim=20)),
    "llama tied": ("llama", dict(LLAMA, tie_word_embeddings=True)),
    "llama biases": ("llama", dict(LLAMA, attention_bias=True, mlp_bias=True)),
    "llama linear": ("llama", dict(LLAMA, **rope("linear", factor=3.0))),
    "llama dynamic": ("llama", dict(LLAMA, **rope("dynamic", factor=2.0))),
    "llama dynamic long": ("llama", dict(LLAMA, **rope("dynamic", factor=2.0), max_position_embeddings=16)),
    "llama yarn": ("llama", dict(LLAMA, **rope("yarn", **YARN))),
    "llama yarn betas": ("llama", dict(LLAMA, **rope("yarn", **YARN, beta_fast=16.0, beta_slow=2.0, attention_factor=1.3))),
    "llama yarn mscale": ("llama", dict(LLAMA, **rope("yarn", **YARN, mscale=1.2, mscale_all_dim=0.8))),
    "llama yarn untruncated": ("llama", dict(LLAMA, head_dim=32, **rope("yarn", **YARN, truncate=False))),
    "llama llama3": ("llama", dict(LLAMA, **rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                                 original_max_position_embeddings=32))),
    "llama longrope": ("llama", dict(LLAMA, **rope("longrope", **LONG, factor=4.0, original_max_position_embeddings=16))),
    "llama epsilon": ("llama", dict(LLAMA, rms_norm_eps=1e-2)),
    "llama theta": ("llama", dict(LLAMA, rope_parameters={"rope_type": "default", "rope_theta": 500.0})),
    "mistral": ("mistral", dict(LLAMA, sliding_window=8, head_dim=12)),
    "mistral no window": ("mistral", dict(LLAMA, sliding_window=None)),
    "mixtral": ("mixtral", MOE),
    "mixtral window": ("mixtral", dict(MOE, sliding_window=8, num_experts_per_tok=1)),
    "qwen2": ("qwen2", LLAMA),
    "qwen2 window": ("qwen2", dict(LLAMA, use_sliding_window=True, sliding_window=8, max_window_layers=1, num_hidden_layers=3)),
    "qwen2 tied": ("qwen2", dict(LLAMA, tie_word_embeddings=True)),
    "qwen3": ("qwen3", dict(LLAMA, head_dim=20)),
    "qwen3 bias": ("qwen3", dict(LLAMA, head_dim=8, attention_bias=True)),
    "qwen3 moe": ("qwen3_moe", QWEN_MOE),
    "qwen3 moe normed": ("qwen3_moe", dict(QWEN_MOE, norm_topk_prob=True)),
    "qwen3 moe sparse": ("qwen3_moe", dict(QWEN_MOE, mlp_only_layers=[0])),
    "phi3": ("phi3", dict(LLAMA, pad_token_id=0)),
    "phi3 window": ("phi3", dict(LLAMA, pad_token_id=0, sliding_window=8)),
    "phi3 partial": ("phi3", dict(LLAMA, pad_token_id=0, num_attention_heads=3, num_key_value_heads=1,
                                  rope_parameters={"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5})),
    "phi3 longrope": ("phi3", dict(LLAMA, pad_token_id=0, original_max_position_embeddings=16,
                                   **rope("longrope", **LONG, original_max_position_embeddings=16))),
    "gemma2": ("gemma2", dict(GEMMA, query_pre_attn_scalar=20)),
    "gemma2 caps": ("gemma2", dict(GEMMA, attn_logit_softcapping=5.0, final_logit_softcapping=3.0)),
    "gemma2 no caps": ("gemma2", dict(GEMMA, attn_logit_softcapping=None, final_logit_softcapping=None)),
    "gemma3": ("gemma3_text", dict(GEMMA, num_hidden_layers=7)),
    "gemma3 pattern": ("gemma3_text", dict(GEMMA, num_hidden_layers=4, layer_types=["full_attention", "sliding_attention"] * 2)),
    "gemma3 linear": ("gemma3_text", dict(GEMMA, rope_parameters={
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}})),
    "smollm3": ("smollm3", dict(LLAMA, num_hidden_layers=5, pad_token_id=0, no_rope_layer_interval=3)),
    "olmo2": ("olmo2", dict(LLAMA, num_key_value_heads=6)),
    "olmo2 shared": ("olmo2", LLAMA),
    "granite": ("granite", dict(LLAMA, attention_multiplier=0.2, embedding_multiplier=3.0, residual_multiplier=0.4,
                                logits_scaling=2.5)),
    "granite biases": ("granite", dict(LLAMA, attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "gpt1": ("openai-gpt", GPT),
    "gpt2": ("gpt2", GPT),
    "gpt2 wide relu": ("gpt2", dict(GPT, n_inner=72, activation_function="relu")),
    "gpt2 by layer": ("gpt2", dict(GPT, scale_attn_by_inverse_layer_idx=True)),
    "gpt2 unscaled": ("gpt2", dict(GPT, scale_attn_weights=False)),
    "gpt2 untied": ("gpt2", dict(GPT, tie_word_embeddings=False)),
    "neox": ("gpt_neox", NEOX),
    "neox in turn": ("gpt_neox", dict(NEOX, use_parallel_residual=False)),
    "neox whole rotation": ("gpt_neox", dict(NEOX, rope_parameters={"rope_type": "default", "rope_theta": 1e4,
                                                                    "partial_rotary_factor": 1.0})),
    "neox no bias": ("gpt_neox", dict(NEOX, attention_bias=False, hidden_act="gelu_new")),
    "neox tied": ("gpt_neox", dict(NEOX, tie_word_embeddings=True)),
    "opt": ("opt", OPT),
    "opt norms behind": ("opt", dict(OPT, do_layer_norm_before=False)),
    "opt narrow words": ("opt", dict(OPT, word_embed_proj_dim=24)),
    "opt 350m": ("opt", dict(OPT, do_layer_norm_before=False, word_embed_proj_dim=24)),
    "opt no bias": ("opt", dict(OPT, enable_bias=False, activation_function="gelu")),
    "opt plain norms": ("opt", dict(OPT, layer_norm_elementwise_affine=False)),
    "opt no last norm": ("opt", dict(OPT, _remove_final_layer_norm=True)),
    "opt untied": ("opt", dict(OPT, tie_word_embeddings=False)),
    "bloom odd heads": ("bloom", BLOOM),
    "falcon 7b": ("falcon", dict(FALCON, multi_query=True)),
    "falcon 40b": ("falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=2)),
    "falcon 11b": ("falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1)),
    "falcon alibi": ("falcon", dict(FALCON, num_attention_heads=4, alibi=True, multi_query=False, parallel_attn=False, bias=True)),
    "falcon alibi parallel": ("falcon", dict(FALCON, num_attention_heads=8, alibi=True, multi_query=True)),
    "falcon heads": ("falcon", dict(FALCON, multi_query=False, parallel_attn=False, bias=True)),
    "falcon untied": ("falcon", dict(FALCON, multi_query=True, tie_word_embeddings=False, ffn_hidden_size=64)),
    "mamba": ("mamba", MAMBA),
    "mamba rank": ("mamba", dict(MAMBA, time_step_rank=5, expand=3, conv_kernel=3, use_bias=True, tie_word_embeddings=False)),
    "mamba no conv bias": ("mamba", dict(MAMBA, use_conv_bias=False, state_size=16)),
    "mamba2": ("mamba2", MAMBA2),
    "mamba2 groups": ("mamba2", dict(MAMBA2, n_groups=4, use_bias=True)),
    "mamba2 limits": ("mamba2", dict(MAMBA2, n_groups=2, time_step_limit=(0.4, 1.1), tie_word_embeddings=True)),
    "mamba2 expand": ("mamba2", dict(MAMBA2, expand=3, n_groups=1, num_heads=5, head_dim=24, conv_kernel=3, use_conv_bias=False)),
    "rwkv": ("rwkv", RWKV),
    "rwkv wide": ("rwkv", dict(RWKV, attention_hidden_size=56, intermediate_size=72, tie_word_embeddings=True)),
    "rwkv rescaled": ("rwkv", dict(RWKV, num_hidden_layers=5, rescale_every=2)),
    "lfm2": ("lfm2", LFM2),
    "lfm2 bias": ("lfm2", dict(LFM2, conv_bias=True, conv_L_cache=4, block_auto_adjust_ff_dim=False)),
    "recurrentgemma": ("recurrent_gemma", GRIFFIN),
    "recurrentgemma bias": ("recurrent_gemma", dict(GRIFFIN, attention_bias=True, conv1d_width=3, num_key_value_heads=3,
                                                    block_types=["attention", "recurrent"], lru_width=48)),
    "llama gelu": ("llama", dict(LLAMA, hidden_act="gelu", num_hidden_layers=1, vocab_size=101)),
    "llama relu2 odd heads": ("llama", dict(LLAMA, hidden_act="relu2", num_attention_heads=7, num_key_value_heads=7, head_dim=10,
                                            hidden_size=70)),
    "llama part is whole": ("llama", dict(LLAMA, **rope("default", partial_rotary_factor=0.5))),
    "mistral beyond window": ("mistral", dict(LLAMA, sliding_window=300, max_position_embeddings=700), dict(n_tokens=420)),
    "mixtral quick gelu": ("mixtral", dict(MOE, hidden_act="quick_gelu", head_dim=20, num_local_experts=3, num_experts_per_tok=3)),
    "qwen2 tanh": ("qwen2", dict(LLAMA, hidden_act="tanh")),
    "qwen3 window": ("qwen3", dict(LLAMA, head_dim=8, use_sliding_window=True, sliding_window=5, max_window_layers=1,
                                   num_hidden_layers=3)),
    "qwen3 moe window": ("qwen3_moe", dict(QWEN_MOE, use_sliding_window=True, sliding_window=5, max_window_layers=1)),
    "qwen3 moe steps": ("qwen3_moe", dict(QWEN_MOE, decoder_sparse_step=2, hidden_act="relu", num_experts_per_tok=1)),
    "phi3 partial longrope": ("phi3", dict(LLAMA, pad_token_id=0, num_attention_heads=3, num_key_value_heads=3,
                                           original_max_position_embeddings=16,
                                           **rope("longrope", **LONG, original_max_position_embeddings=16,
                                                  partial_rotary_factor=0.5))),
    "phi3 relu": ("phi3", dict(LLAMA, pad_token_id=0, hidden_act="relu")),
    "gemma2 relu": ("gemma2", dict(GEMMA, hidden_activation="relu")),
    "gemma3 no caps of scores": ("gemma3_text", dict(GEMMA, attn_logit_softcapping=6.0, final_logit_softcapping=4.0)),
    "gemma3 yarn": ("gemma3_text", dict(GEMMA, rope_parameters={
        "full_attention": {"rope_type": "yarn", "rope_theta": 1e5, **YARN},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e3}})),
    "smollm3 window": ("smollm3", dict(LLAMA, pad_token_id=0, use_sliding_window=True, sliding_window=6, no_rope_layers=[1, 0])),
    "olmo2 longrope": ("olmo2", dict(LLAMA, **rope("longrope", **LONG, factor=4.0, original_max_position_embeddings=64))),
    "granite one key head": ("granite", dict(LLAMA, num_attention_heads=5, num_key_value_heads=1, head_dim=14, hidden_size=60,
                                             attention_multiplier=0.05, logits_scaling=16.0)),
    "gpt1 silu": ("openai-gpt", dict(GPT, afn="silu", n_layer=1)),
    "neox yarn": ("gpt_neox", dict(NEOX, **YARN_HALF)),
    "neox dynamic": ("gpt_neox", dict(NEOX, **rope("dynamic", factor=2.0, partial_rotary_factor=0.5), max_position_embeddings=16)),
    "opt behind, plain": ("opt", dict(OPT, do_layer_norm_before=False, enable_bias=False, layer_norm_elementwise_affine=False,
                                      word_embed_proj_dim=20)),
    "bloom residual after norm": ("bloom", dict(BLOOM, apply_residual_connection_post_layernorm=True)),
    "bloom residual after norm, one layer": ("bloom", dict(BLOOM, apply_residual_connection_post_layernorm=True, n_layer=1,
                                                           layer_norm_epsilon=1e-3)),
    "falcon linear": ("falcon", dict(FALCON, multi_query=True, **rope("linear", factor=2.5), activation="relu")),
    "falcon one norm, alibi": ("falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=3, num_ln_in_parallel_attn=1,
                                              alibi=True, bias=True)),
    "mamba2 narrow heads": ("mamba2", dict(MAMBA2, num_heads=80, head_dim=1, n_groups=8)),
    "lfm2 attention alone": ("lfm2", dict(LFM2, layer_types=["full_attention"] * 3, tie_word_embeddings=False)),
    "lfm2 convolutions alone": ("lfm2", dict(LFM2, layer_types=["conv"] * 3, block_ffn_dim_multiplier=1.3)),
    "recurrentgemma attention alone": ("recurrent_gemma", dict(GRIFFIN, block_types=["attention"], logits_soft_cap=0.5)),
    "recurrentgemma whole rotation": ("recurrent_gemma", dict(GRIFFIN, **rope("default", partial_rotary_factor=1.0))),
    "bert": ("bert", dict(BERT, type_vocab_size=5), MASKED),
    "bert relu": ("bert", dict(BERT, hidden_act="relu"), MASKED),
    "bert untied": ("bert", dict(BERT, tie_word_embeddings=False), MASKED),
    "bert labels": ("bert", dict(BERT, num_labels=3), LABELS),
    "bert states": ("bert", dict(BERT, num_hidden_layers=1, hidden_size=70, num_attention_heads=7), STATES),
    "bert 512": ("bert", dict(BERT, max_position_embeddings=512), dict(MASKED, n_tokens=512)),
    "roberta relu": ("roberta", dict(ROBERTA, hidden_act="relu"), MASKED),
    "roberta untied": ("roberta", dict(ROBERTA, tie_word_embeddings=False), MASKED),
    "roberta labels": ("roberta", dict(ROBERTA, num_labels=2), LABELS),
    "xlm-roberta full": ("xlm-roberta", ROBERTA, dict(STATES, n_tokens=64)),
    "distilbert": ("distilbert", dict(DISTIL, activation="relu"), MASKED),
    "distilbert labels": ("distilbert", dict(DISTIL, num_labels=3), LABELS),
    "modernbert biases": ("modernbert", dict(MODERN, attention_bias=True, mlp_bias=True, norm_bias=True), MASKED),
    "modernbert odd window": ("modernbert", dict(MODERN, local_attention=7, global_attn_every_n_layers=2), MASKED),
    "modernbert mean": ("modernbert", dict(MODERN, classifier_pooling="mean", classifier_activation="relu", num_labels=3), LABELS),
    "modernbert 512": ("modernbert", dict(MODERN, local_attention=128, max_position_embeddings=512), dict(MASKED, n_tokens=512)),
    "qwen3 embeddings": ("qwen3", dict(LLAMA, head_dim=20, tie_word_embeddings=True), LAST_TOKEN),
    "qwen2 embeddings, window": ("qwen2", dict(LLAMA, use_sliding_window=True, sliding_window=8, max_window_layers=1, num_hidden_layers=3),
                                 LAST_TOKEN),
    "mistral embeddings": ("mistral", dict(LLAMA, sliding_window=8, head_dim=12), dict(LAST_TOKEN, n_tokens=64)),
    "neox odd rotation": ("gpt_neox", dict(NEOX, hidden_size=36)),
    "rwkv other epsilon, rescaled": ("rwkv", dict(RWKV, num_hidden_layers=5, rescale_every=2, layer_norm_epsilon=1e-2)),
    "opt wide words": ("opt", dict(OPT, word_embed_proj_dim=60)),
    "t5": ("t5", T5, ANSWER),
    "t5 gated relu": ("t5", dict(T5, feed_forward_proj="gated-relu", num_heads=5, d_kv=10), ANSWER),
    "t5 gated gelu": ("t5", dict(T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False), ANSWER),
    "t5 silu": ("t5", dict(T5, feed_forward_proj="silu", relative_attention_num_buckets=16, relative_attention_max_distance=20), ANSWER),
    "t5 odd buckets": ("t5", dict(T5, relative_attention_num_buckets=13, relative_attention_max_distance=30), ANSWER),
    "t5 512": ("t5", dict(T5, num_layers=1, num_decoder_layers=1), dict(ANSWER, n_tokens=512, n_answer=300)),
    "bart": ("bart", dict(BART, scale_embedding=True), ANSWER),
    "bart tanh": ("bart", dict(BART, activation_function="tanh", encoder_layers=1), ANSWER),
    "bart 512": ("bart", dict(BART, max_position_embeddings=512), dict(ANSWER, n_tokens=512, n_answer=300)),
}


EPSILONS = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps")
ACTIVATIONS = ("silu", "gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "relu2", "tanh")
# Keys of sizes that follow from nothing else.
WIDTHS = ("intermediate_size", "ffn_dim", "ffn_hidden_size", "hidden_dim", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "n_inner",
          "moe_intermediate_size")
COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers", "encoder_layers", "decoder_layers")
# Families whose heads share hidden_size, and what configs call heads and hidden size.
HEADS = {"gpt_neox": ("num_attention_heads", "hidden_size"), "opt": ("num_attention_heads", "hidden_size"),
         "bloom": ("n_head", "hidden_size"), "bert": ("num_attention_heads", "hidden_size"),
         "roberta": ("num_attention_heads", "hidden_size"), "xlm-roberta": ("num_attention_heads", "hidden_size"),
         "modernbert": ("num_attention_heads", "hidden_size"), "distilbert": ("n_heads", "dim"), "gpt2": ("n_head", "n_embd"),
         "openai-gpt": ("n_head", "n_embd")}
MAY_BE_BIASED = ("llama", "granite", "qwen3", "qwen3_moe", "olmo2", "smollm3", "modernbert")
MAY_BE_TIED = ("llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "phi3", "smollm3", "olmo2", "granite", "gpt2", "gpt_neox",
               "opt", "falcon", "bloom", "mamba", "mamba2", "rwkv", "lfm2", "bert", "distilbert", "modernbert", "t5", "roberta")


def resize(model_type: str, said: dict, rng: random.Random) -> None:
    """Other heads and widths, where nothing else depends on them."""
    if "num_key_value_heads" in said and "layer_types" not in said and "short_factor" not in str(said):
        groups, heads = rng.choice([1, 2, 3, 4]), rng.choice([1, 2, 3])
        said.update(num_key_value_heads=heads, num_attention_heads=groups * heads, hidden_size=8 * groups * heads * rng.choice([1, 2]))
        if model_type == "recurrent_gemma":
            said["lru_width"] = said["hidden_size"]
    if model_type in HEADS and "rope_parameters" not in said:
        heads, width = HEADS[model_type]
        said[heads] = rng.randrange(1, 8)
        said[width] = said[heads] * rng.choice([8, 10, 12, 16])
        if said.get("word_embed_proj_dim") == 48:
            said["word_embed_proj_dim"] = said[width]
    if model_type == "t5":
        said.update(num_heads=rng.randrange(1, 6), d_kv=rng.choice([4, 10, 16, 24]), d_model=8 * rng.randrange(2, 9))
    if model_type == "bart":
        said.update(d_model=48, encoder_attention_heads=rng.choice([1, 2, 3, 4, 6]), decoder_attention_heads=rng.choice([1, 2, 3, 4, 6]))
    if model_type == "mamba":
        said.update(hidden_size=8 * rng.randrange(2, 9), state_size=rng.randrange(2, 20), conv_kernel=rng.randrange(2, 6))
    if model_type == "rwkv":
        said["hidden_size"] = 8 * rng.randrange(2, 9)
    if model_type == "falcon" and not said.get("alibi"):  # transformers rounds slopes times positions to bfloat16
        said["num_attention_heads"] = (said.get("num_kv_heads") or 1) * rng.randrange(1, 6)
        said["hidden_size"] = said["num_attention_heads"] * rng.choice([8, 16, 20])
    if model_type == "mamba2":
        said.update(n_groups=rng.randrange(1, 4), head_dim=rng.choice([4, 10, 16]), state_size=rng.randrange(2, 20), expand=rng.choice([1, 2]))
        said["num_heads"] = said["n_groups"] * said["expand"] * rng.randrange(1, 4)
        said["hidden_size"] = said["num_heads"] * said["head_dim"] // said["expand"]
    if model_type == "lfm2":
        said["layer_types"] = [rng.choice(["conv", "full_attention"]) for _ in range(rng.randrange(1, 6))]
        said.update(num_hidden_layers=len(said["layer_types"]), conv_L_cache=rng.randrange(2, 6), block_multiple_of=rng.choice([1, 8, 12]))
    if model_type == "t5":
        said.update(relative_attention_num_buckets=2 * rng.randrange(4, 20), relative_attention_max_distance=rng.randrange(40, 200))
    for key in ("sliding_window", "attention_window_size", "local_attention"):
        if said.get(key):
            said[key] = rng.randrange(2, 50)


def random_variant(rng: random.Random) -> tuple:
    """One of the above, with other sizes, numbers and flags where they are free."""
    model_type, said, *more = rng.choice(list(VARIANTS.values()))
    said = dict(said)
    resize(model_type, said, rng)
    for key in WIDTHS:
        if said.get(key):
            said[key] = 8 * rng.randrange(3, 20)
    for key in COUNTS:
        if key in said and not {"layer_types", "no_rope_layers", "mlp_only_layers", "max_window_layers"} & set(said):
            said[key] = rng.randrange(1, 5)
    said["vocab_size"] = rng.randrange(64, 200)
    if "num_experts_per_tok" in said:
        experts = "num_experts" if "num_experts" in said else "num_local_experts"
        said[experts] = rng.randrange(2, 9)
        said["num_experts_per_tok"] = rng.randrange(1, said[experts] + 1)
    if rng.random() < 0.5 and not more:
        said.update({key: 10 ** rng.uniform(-6, -2) for key in EPSILONS if hasattr(AutoConfig.for_model(model_type), key)})
    if rng.random() < 0.3 and "rope_parameters" not in said and "num_key_value_heads" in said and "gemma" not in model_type:
        said["rope_parameters"] = {"rope_type": "default", "rope_theta": round(10 ** rng.uniform(2, 6), 1)}
    if model_type in MAY_BE_BIASED and rng.random() < 0.4:
        said["attention_bias"] = True
    if model_type in MAY_BE_TIED and rng.random() < 0.5:
        said["tie_word_embeddings"] = rng.random() < 0.5
    if "hidden_act" in said or rng.random() < 0.2:
        key = next((key for key in ("hidden_act", "hidden_activation", "activation_function", "activation")
                    if isinstance(getattr(AutoConfig.for_model(model_type), key, None), str)), None)
        if key and model_type not in ("mamba", "mamba2", "recurrent_gemma", "rwkv", "lfm2", "t5"):
            said[key] = rng.choice(ACTIVATIONS)
    return model_type, said, *more


def make_one(model_type: str, said: dict, more: dict = {}) -> dict:
    kind, n_tokens, n_answer = more.get("kind", "causal"), more.get("n_tokens", N_TOKENS), more.get("n_answer", 15)
    config = AutoConfig.for_model(model_type, **said)
    config._attn_implementation = "sdpa" if model_type == "falcon" else "eager"  # the eager one adds its slopes twice
    model = MODELS[kind].from_config(config, dtype=torch.float32).eval()
    state = model.state_dict()
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    shapes = {name: list(tensor.shape) for name, tensor in state.items()
              if name not in tied and tensor.is_floating_point()}
    written = dict(to_published(model_type, shapes))
    weights = make_weights({name: shape for name, (shape, _) in written.items()})
    with torch.no_grad():
        for name, tensor in state.items():
            if name in tied or not tensor.is_floating_point():
                continue
            tensor.copy_(from_published(model_type, name, list(tensor.shape), weights))
    model.tie_weights()
    ids = [(7 * i * i + 3 * i + 5) % said["vocab_size"] for i in range(n_tokens)]
    if said.get("pad_token_id") is not None or model_type in ("opt", "recurrent_gemma") or kind != "causal":
        ids = [max(i, 4) for i in ids]
    answer = [config.decoder_start_token_id] + [max((5 * i * i + i + 3) % said["vocab_size"], 4) for i in range(1, n_answer)] \
        if kind == "answer" else []
    given = {"input_ids": torch.tensor([ids])}
    if answer:
        given["decoder_input_ids"] = torch.tensor([answer])
    if kind in ("causal", "answer"):
        given["use_cache"] = False
    with torch.no_grad():
        out = model(**given)
    logits = (out.last_hidden_state if kind == "states" else out.logits)[0].double().numpy().reshape(-1, out[0].shape[-1])
    text = json.loads(config.to_json_string(use_diff=False))
    text = {key: value for key, value in text.items() if key not in NOT_SAID and value is not None or key in said}
    text["model_type"] = model_type
    n_layer = config.num_hidden_layers
    if kind != "causal":
        text["architectures"] = [type(model).__name__]
    extra = {"kind": kind, "n_layer": n_layer, **({"answer": answer} if answer else {})} if kind != "causal" else {}
    if "files" in more:
        extra["files"] = more["files"]
    return {**extra, "config": text, "ids": ids, "tensors": fold_layers({n: s for n, (s, _) in written.items()}, n_layer),
            "argmax": logits.argmax(axis=1).tolist(), "margin": round(float(margin(logits)), 6),
            "greatest": round(float(numpy.abs(logits[-1]).max()), 6),
            "logits": [float(f"{x:.6g}") for x in logits[-1]]}


def margin(logits: numpy.ndarray) -> float:
    two = numpy.sort(logits, axis=1)[:, -2:]
    return (two[:, 1] - two[:, 0]).min()


def to_published(model_type: str, shapes: dict) -> list:
    """Names and shapes as save_pretrained writes them: experts one by one."""
    out = []
    for name, shape in shapes.items():
        stem, _, part = name.rpartition(".")
        if stem.endswith(".experts") and part in ("gate_up_proj", "down_proj"):
            for i in range(shape[0]):
                for each, rows in expert_parts(model_type, part, shape[1]):
                    out.append((published_expert(model_type, stem, i, each), ([rows, shape[2]], name)))
        elif model_type == "mixtral" and name.endswith(".mlp.gate.weight"):
            out.append((name.replace(".mlp.", ".block_sparse_moe."), (shape, name)))
        else:
            out.append((name, (shape, name)))
    return out


def expert_parts(model_type: str, part: str, rows: int) -> list:
    names = {"mixtral": {"gate": "w1", "up": "w3", "down": "w2"}}.get(
        model_type, {"gate": "gate_proj", "up": "up_proj", "down": "down_proj"})
    return [(names["gate"], rows // 2), (names["up"], rows // 2)] if part == "gate_up_proj" else [(names["down"], rows)]


def published_expert(model_type: str, stem: str, i: int, each: str) -> str:
    if model_type == "mixtral":
        stem = stem.replace(".mlp.", ".block_sparse_moe.")
    return f"{stem}.{i}.{each}.weight"


def from_published(model_type: str, name: str, shape: list, weights: dict) -> torch.Tensor:
    stem, _, part = name.rpartition(".")
    if stem.endswith(".experts") and part in ("gate_up_proj", "down_proj"):
        parts = expert_parts(model_type, part, shape[1])
        return torch.from_numpy(numpy.stack([numpy.concatenate(
            [weights[published_expert(model_type, stem, i, each)] for each, _ in parts]) for i in range(shape[0])]))
    if model_type == "mixtral" and name.endswith(".mlp.gate.weight"):
        name = name.replace(".mlp.", ".block_sparse_moe.")
    return torch.from_numpy(weights[name])


def fold_layers(shapes: dict, n_layer: int) -> dict:
    """Tensors that every layer has are written once, with % for its number."""
    folded: dict = {}
    for name, shape in shapes.items():
        pattern = re.sub(r"\.(\d+)\.", ".%.", name, count=1)
        numbers = re.search(r"\.(\d+)\.", name)
        folded.setdefault(json.dumps([pattern, shape]), []).append(int(numbers.group(1)) if numbers else None)
    out: dict = {}
    for key, layers in folded.items():
        pattern, shape = json.loads(key)
        if layers == list(range(n_layer)):
            out[pattern] = shape
        else:
            for layer in layers:
                out[pattern if layer is None else pattern.replace("%", str(layer), 1)] = shape
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--variants", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    chosen = {f"random {i}": random_variant(rng) for i in range(arguments.variants)} or VARIANTS
    made = {}
    for name, (model_type, said, *more) in chosen.items():
        if arguments.only not in name:
            continue
        try:
            made[name] = make_one(model_type, said, *more)
        except Exception as error:  # a shape that transformers itself does not run
            print(f"{name} ({model_type}): {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
    head = {"program": f"transformers {transformers.__version__}, torch {torch.__version__.partition('+')[0]}",
            "script": "tests/reference/make_family_goldens.py"}
    lines = [f"{json.dumps(name)}: {json.dumps(each, separators=(',', ':'))}" for name, each in made.items()]
    arguments.out.write_text('{"made": ' + json.dumps(head) + ',\n"variants": {\n' + ",\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main()
