/* Causal decoders: LLaMA and kin, the Gemmas, the GPTs, OPT, BLOOM, Falcon, mixtures of experts. */
#include <math.h>

#include "import/family.h"

#define END {NULL, NULL, INLAY__AS_IT_IS}
#define CONFIG_END {NULL, INLAY__CONFIG_INT, NULL, NULL}

/* -------------------------------------------------------------- what many share */

#define CONFIG_SIZES                                                                          \
    {"context_length", INLAY__CONFIG_INT, "max_position_embeddings", "2048"},                 \
    {"embedding_length", INLAY__CONFIG_INT, "hidden_size", "!"},                              \
    {"block_count", INLAY__CONFIG_INT, "num_hidden_layers", "!"},                             \
    {"feed_forward_length", INLAY__CONFIG_INT, "intermediate_size", "!"},                     \
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},                                    \
    {"attention.head_count", INLAY__CONFIG_INT, "num_attention_heads", "!"}

#define CONFIG_SHARED_HEADS                                                                   \
    {"attention.head_count_kv", INLAY__CONFIG_INT, "num_key_value_heads", "=num_attention_heads"}, \
    {"attention.key_length", INLAY__CONFIG_INT, "head_dim", NULL},                            \
    {"attention.value_length", INLAY__CONFIG_INT, "head_dim", NULL}

#define CONFIG_LLAMA                                                                          \
    CONFIG_SIZES, CONFIG_SHARED_HEADS,                                                        \
    {"attention.layer_norm_rms_epsilon", INLAY__CONFIG_FLOAT, "rms_norm_eps", "1e-6"},        \
    {"", INLAY__CONFIG_EXPECT_ACTIVATION, "hidden_act", "silu"}

#define CONFIG_EXPERTS                                                                        \
    {"expert_count", INLAY__CONFIG_INT, "num_local_experts|num_experts", "!"},                \
    {"expert_used_count", INLAY__CONFIG_INT, "num_experts_per_tok", "!"}

#define TENSORS_ENDS                                                                          \
    {"embed_tokens.weight", "token_embd.weight", INLAY__AS_IT_IS},                            \
    {"norm.weight", "output_norm.weight", INLAY__AS_IT_IS},                                   \
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS},                                     \
    {"layers.%.self_attn.rotary_emb.inv_freq", NULL, INLAY__IGNORED}

#define TENSORS_ATTENTION(q_kind, k_kind)                                                     \
    {"layers.%.self_attn.q_proj.*", "blk.%.attn_q.*", q_kind},                                \
    {"layers.%.self_attn.k_proj.*", "blk.%.attn_k.*", k_kind},                                \
    {"layers.%.self_attn.v_proj.*", "blk.%.attn_v.*", INLAY__AS_IT_IS},                       \
    {"layers.%.self_attn.o_proj.*", "blk.%.attn_output.*", INLAY__AS_IT_IS}

#define TENSORS_FEED_FORWARD                                                                  \
    {"layers.%.mlp.gate_proj.*", "blk.%.ffn_gate.*", INLAY__AS_IT_IS},                        \
    {"layers.%.mlp.up_proj.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},                            \
    {"layers.%.mlp.down_proj.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS}

#define TENSORS_NORMS                                                                         \
    {"layers.%.input_layernorm.weight", "blk.%.attn_norm.weight", INLAY__AS_IT_IS},           \
    {"layers.%.post_attention_layernorm.weight", "blk.%.ffn_norm.weight", INLAY__AS_IT_IS}

#define TENSORS_HEAD_NORMS(kind)                                                              \
    {"layers.%.self_attn.q_norm.weight", "blk.%.attn_q_norm.weight", kind},                   \
    {"layers.%.self_attn.k_norm.weight", "blk.%.attn_k_norm.weight", kind}

/* GGUF has LLaMA's rotary rows in pairs, Qwen's in halves, as here. */
static const inlay__tensor_line tensors_llama[] = {
    TENSORS_ENDS, TENSORS_NORMS, TENSORS_ATTENTION(INLAY__ROTARY_Q, INLAY__ROTARY_K), TENSORS_FEED_FORWARD, END};

static const inlay__tensor_line tensors_qwen[] = {
    TENSORS_ENDS, TENSORS_NORMS, TENSORS_ATTENTION(INLAY__AS_IT_IS, INLAY__AS_IT_IS), TENSORS_HEAD_NORMS(INLAY__AS_IT_IS),
    TENSORS_FEED_FORWARD, END};

static int32_t special_rope(inlay__config *c) { return inlay__config_put_rope(c, 1.0); }

/* ------------------------------------------------------------ LLaMA and Mistral */

static const inlay__config_line config_llama[] = {CONFIG_LLAMA, CONFIG_END};

static int32_t special_mistral(inlay__config *c) {
    INLAY__TRY(inlay__config_put_rope(c, 1.0));
    return inlay__config_put_window(c, "sliding_window", INLAY__WINDOW_ALL, 0);
}

static const inlay__config_line config_mixtral[] = {CONFIG_LLAMA, CONFIG_EXPERTS, CONFIG_END};

static const inlay__tensor_line tensors_mixtral[] = {
    TENSORS_ENDS, TENSORS_NORMS, TENSORS_ATTENTION(INLAY__ROTARY_Q, INLAY__ROTARY_K),
    {"layers.%.block_sparse_moe.gate.weight", "blk.%.ffn_gate_inp.weight", INLAY__AS_IT_IS},
    {"layers.%.block_sparse_moe.experts.%.w1.weight", "blk.%.ffn_gate_exps.weight", INLAY__AS_IT_IS},
    {"layers.%.block_sparse_moe.experts.%.w3.weight", "blk.%.ffn_up_exps.weight", INLAY__AS_IT_IS},
    {"layers.%.block_sparse_moe.experts.%.w2.weight", "blk.%.ffn_down_exps.weight", INLAY__AS_IT_IS},
    END};

/* ------------------------------------------------------------------------- Qwen */

/* The first max_window_layers attend to all, and without use_sliding_window every one does. */
static int32_t special_qwen(inlay__config *c) {
    bool use;
    int64_t n;
    INLAY__TRY(inlay__config_put_rope(c, 1.0));
    INLAY__TRY(inlay__config_bool(c, "use_sliding_window", false, &use));
    INLAY__TRY(inlay__config_int(c, "max_window_layers", 28, &n));
    return use ? inlay__config_put_window(c, "sliding_window", INLAY__WINDOW_FROM, n) : INLAY_OK;
}

static const inlay__config_line config_qwen3_moe[] = {
    CONFIG_LLAMA, CONFIG_EXPERTS,
    {"expert_feed_forward_length", INLAY__CONFIG_INT, "moe_intermediate_size", "!"},
    {"expert_weights_norm", INLAY__CONFIG_BOOL, "norm_topk_prob", "false"},
    {"", INLAY__CONFIG_EXPECT, "decoder_sparse_step", "1"},
    {"", INLAY__CONFIG_EXPECT, "mlp_only_layers", "an empty list"},
    CONFIG_END};

static const inlay__tensor_line tensors_qwen3_moe[] = {
    TENSORS_ENDS, TENSORS_NORMS, TENSORS_ATTENTION(INLAY__AS_IT_IS, INLAY__AS_IT_IS), TENSORS_HEAD_NORMS(INLAY__AS_IT_IS),
    {"layers.%.mlp.gate.weight", "blk.%.ffn_gate_inp.weight", INLAY__AS_IT_IS},
    {"layers.%.mlp.experts.%.gate_proj.weight", "blk.%.ffn_gate_exps.weight", INLAY__AS_IT_IS},
    {"layers.%.mlp.experts.%.up_proj.weight", "blk.%.ffn_up_exps.weight", INLAY__AS_IT_IS},
    {"layers.%.mlp.experts.%.down_proj.weight", "blk.%.ffn_down_exps.weight", INLAY__AS_IT_IS},
    END};

/* -------------------------------------------------------------------------- Phi */

/* Query, key and value rows are one tensor, gate and up rows another; GGUF leaves them so. */
static const inlay__tensor_line tensors_phi3[] = {
    TENSORS_ENDS, TENSORS_NORMS,
    {"layers.%.self_attn.qkv_proj.weight", "blk.%.attn_qkv.weight", INLAY__AS_IT_IS},
    {"layers.%.self_attn.o_proj.weight", "blk.%.attn_output.weight", INLAY__AS_IT_IS},
    {"layers.%.mlp.gate_up_proj.weight", "blk.%.ffn_up.weight", INLAY__AS_IT_IS},
    {"layers.%.mlp.down_proj.weight", "blk.%.ffn_down.weight", INLAY__AS_IT_IS},
    END};

/* ------------------------------------------------------------------------ Gemma */

/* Its norms multiply by one more than their weight; GGUF has the sum. */
#define TENSORS_GEMMA                                                                         \
    {"embed_tokens.weight", "token_embd.weight", INLAY__AS_IT_IS},                            \
    {"norm.weight", "output_norm.weight", INLAY__PLUS_ONE},                                   \
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS},                                     \
    {"layers.%.input_layernorm.weight", "blk.%.attn_norm.weight", INLAY__PLUS_ONE},           \
    {"layers.%.post_attention_layernorm.weight", "blk.%.post_attention_norm.weight", INLAY__PLUS_ONE}, \
    {"layers.%.pre_feedforward_layernorm.weight", "blk.%.ffn_norm.weight", INLAY__PLUS_ONE},  \
    {"layers.%.post_feedforward_layernorm.weight", "blk.%.post_ffw_norm.weight", INLAY__PLUS_ONE}, \
    TENSORS_ATTENTION(INLAY__AS_IT_IS, INLAY__AS_IT_IS), TENSORS_FEED_FORWARD

static const inlay__tensor_line tensors_gemma2[] = {TENSORS_GEMMA, END};
static const inlay__tensor_line tensors_gemma3[] = {TENSORS_GEMMA, TENSORS_HEAD_NORMS(INLAY__PLUS_ONE), END};

static const inlay__config_line config_gemma[] = {
    CONFIG_SIZES, CONFIG_SHARED_HEADS,
    {"attention.layer_norm_rms_epsilon", INLAY__CONFIG_FLOAT, "rms_norm_eps", "1e-6"},
    {"", INLAY__CONFIG_EXPECT_ACTIVATION, "hidden_activation", "gelu_tanh"},
    {"attn_logit_softcapping", INLAY__CONFIG_FLOAT, "attn_logit_softcapping", NULL},
    {"final_logit_softcapping", INLAY__CONFIG_FLOAT, "final_logit_softcapping", NULL},
    {"", INLAY__CONFIG_EXPECT, "use_bidirectional_attention", "false"},
    CONFIG_END};

static int32_t special_gemma(inlay__config *c, inlay__window_rule rule, int64_t n) {
    double scalar;
    INLAY__TRY(inlay__config_float(c, "query_pre_attn_scalar", 256, &scalar));
    if (!(scalar > 0))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'query_pre_attn_scalar' is %g, expected more than 0", c->name, scalar);
    inlay__config_put_float(c, "attention.scale", 1.0 / sqrt(scalar));
    INLAY__TRY(inlay__config_put_rope(c, 1.0));
    return inlay__config_put_window(c, "sliding_window", rule, n);
}

static int32_t special_gemma2(inlay__config *c) { return special_gemma(c, INLAY__WINDOW_NOT_LAST, 2); }

static int32_t special_gemma3(inlay__config *c) {
    int64_t n;
    INLAY__TRY(inlay__config_int(c, "sliding_window_pattern|_sliding_window_pattern", 6, &n));
    return special_gemma(c, INLAY__WINDOW_NOT_LAST, n);
}

/* ------------------------------------------------------ SmolLM3, OLMo 2, Granite */

/* no_rope_layers lists, against its name, 1 for each layer that does rotate; without it each fourth does not. */
static int32_t special_smollm3(inlay__config *c) {
    enum { MAX_LAYERS = 4096 };
    uint8_t rotates[MAX_LAYERS];
    int64_t n_layers, interval, each_value;
    bool use;
    inlay__text key;
    INLAY__TRY(inlay__config_put_rope(c, 1.0));
    INLAY__TRY(inlay__config_bool(c, "use_sliding_window", false, &use));
    if (use) INLAY__TRY(inlay__config_put_window(c, "sliding_window", INLAY__WINDOW_ALL, 0));
    INLAY__TRY(inlay__config_int(c, "num_hidden_layers", -1, &n_layers));
    INLAY__TRY(inlay__config_int(c, "no_rope_layer_interval", 4, &interval));
    const inlay__json_node *list = inlay__config_get(c, "no_rope_layers", &key);
    if (n_layers > MAX_LAYERS || (list != NULL && (list->kind != INLAY__JSON_ARRAY || list->n_children != (uint64_t)n_layers)))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'no_rope_layers' does not list the %lld layers of "
                           "'num_hidden_layers'", c->name, (long long)n_layers);
    const inlay__json_node *each = list != NULL ? inlay__json_first(list) : NULL;
    for (int64_t i = 0; i < n_layers; i++) {
        rotates[i] = interval == 0 || (i + 1) % interval != 0;
        if (each == NULL) continue;
        if (!inlay__json_i64(each, &each_value) || each_value < 0 || each_value > 1)
            return inlay__config_fail(c, INLAY_ERR_FORMAT, key, each, "a list of 0 and 1");
        rotates[i] = each_value == 1;
        each = inlay__json_next(&c->json, each);
    }
    inlay__gguf_put_array(c->out, "smollm3.rope.layer_pattern", INLAY__GGUF_BOOL, rotates, (size_t)n_layers);
    return INLAY_OK;
}

/* Norms stand behind the blocks, not before. */
static const inlay__tensor_line tensors_olmo2[] = {
    TENSORS_ENDS,
    {"layers.%.post_attention_layernorm.weight", "blk.%.post_attention_norm.weight", INLAY__AS_IT_IS},
    {"layers.%.post_feedforward_layernorm.weight", "blk.%.post_ffw_norm.weight", INLAY__AS_IT_IS},
    TENSORS_ATTENTION(INLAY__AS_IT_IS, INLAY__AS_IT_IS), TENSORS_HEAD_NORMS(INLAY__AS_IT_IS), TENSORS_FEED_FORWARD, END};

static const inlay__config_line config_granite[] = {
    CONFIG_LLAMA,
    {"attention.scale", INLAY__CONFIG_FLOAT, "attention_multiplier", "1"},
    {"embedding_scale", INLAY__CONFIG_FLOAT, "embedding_multiplier", "1"},
    {"residual_scale", INLAY__CONFIG_FLOAT, "residual_multiplier", "1"},
    {"logit_scale", INLAY__CONFIG_FLOAT, "logits_scaling", "1"},
    CONFIG_END};

/* ------------------------------------------------------------------- GPT-1, GPT-2 */

/* Their matrices are written as [inputs, outputs]. */
#define TENSORS_GPT_BLOCK                                                                     \
    {"h.%.attn.c_attn.*", "blk.%.attn_qkv.*", INLAY__TRANSPOSED},                             \
    {"h.%.attn.c_proj.*", "blk.%.attn_output.*", INLAY__TRANSPOSED},                          \
    {"h.%.mlp.c_fc.*", "blk.%.ffn_up.*", INLAY__TRANSPOSED},                                  \
    {"h.%.mlp.c_proj.*", "blk.%.ffn_down.*", INLAY__TRANSPOSED},                              \
    {"h.%.attn.bias", NULL, INLAY__IGNORED},                                                  \
    {"h.%.attn.masked_bias", NULL, INLAY__IGNORED},                                           \
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS}

static const inlay__tensor_line tensors_gpt1[] = {
    {"tokens_embed.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"positions_embed.weight", "position_embd.weight", INLAY__AS_IT_IS},
    {"h.%.ln_1.*", "blk.%.attn_output_norm.*", INLAY__AS_IT_IS},
    {"h.%.ln_2.*", "blk.%.layer_output_norm.*", INLAY__AS_IT_IS},
    TENSORS_GPT_BLOCK, END};

static const inlay__tensor_line tensors_gpt2[] = {
    {"wte.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"wpe.weight", "position_embd.weight", INLAY__AS_IT_IS},
    {"h.%.ln_1.*", "blk.%.attn_norm.*", INLAY__AS_IT_IS},
    {"h.%.ln_2.*", "blk.%.ffn_norm.*", INLAY__AS_IT_IS},
    {"ln_f.*", "output_norm.*", INLAY__AS_IT_IS},
    TENSORS_GPT_BLOCK, END};

#define CONFIG_GPT                                                                            \
    {"context_length", INLAY__CONFIG_INT, "n_positions|n_ctx", "1024"},                       \
    {"embedding_length", INLAY__CONFIG_INT, "n_embd", "!"},                                   \
    {"block_count", INLAY__CONFIG_INT, "n_layer", "!"},                                       \
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},                                    \
    {"attention.head_count", INLAY__CONFIG_INT, "n_head", "!"},                               \
    {"attention.layer_norm_epsilon", INLAY__CONFIG_FLOAT, "layer_norm_epsilon", "1e-5"}

static const inlay__config_line config_gpt1[] = {CONFIG_GPT, CONFIG_END};
static const inlay__config_line config_gpt2[] = {
    CONFIG_GPT,
    {"activation", INLAY__CONFIG_ACTIVATION, "activation_function", "gelu_tanh"},
    {"", INLAY__CONFIG_EXPECT, "scale_attn_weights", "true"},
    {"", INLAY__CONFIG_EXPECT, "scale_attn_by_inverse_layer_idx", "false"},
    {"", INLAY__CONFIG_EXPECT, "add_cross_attention", "false"},
    CONFIG_END};

static int32_t put_four_times(inlay__config *c, const char *keys, const char *embd_keys) {
    int64_t n_embd, n_ff;
    INLAY__TRY(inlay__config_int(c, embd_keys, -1, &n_embd));
    INLAY__TRY(inlay__config_int(c, keys, n_embd < INT32_MAX / 4 ? 4 * n_embd : 0, &n_ff));
    inlay__config_put_int(c, "feed_forward_length", n_ff);
    return INLAY_OK;
}

static int32_t special_gpt2(inlay__config *c) { return put_four_times(c, "n_inner", "n_embd"); }

/* Its "gelu" is the one by tanh. */
static int32_t special_gpt1(inlay__config *c) {
    inlay__text key;
    const inlay__json_node *afn = inlay__config_get(c, "afn", &key);
    const char *name = "gelu_tanh";
    if (inlay__json_equals(afn, "relu")) name = "relu";
    if (inlay__json_equals(afn, "silu") || inlay__json_equals(afn, "swish")) name = "silu";
    if (afn != NULL && strcmp(name, "gelu_tanh") == 0 && !inlay__json_equals(afn, "gelu"))
        return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, afn, "gelu, relu, silu or swish");
    inlay__config_put_string(c, "activation", name);
    return put_four_times(c, "n_inner", "n_embd");
}

/* --------------------------------------------------- GPT-NeoX, OPT, BLOOM, Falcon */

static const inlay__tensor_line tensors_gpt_neox[] = {
    {"embed_in.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"embed_out.weight", "output.weight", INLAY__AS_IT_IS},
    {"final_layer_norm.*", "output_norm.*", INLAY__AS_IT_IS},
    {"layers.%.input_layernorm.*", "blk.%.attn_norm.*", INLAY__AS_IT_IS},
    {"layers.%.post_attention_layernorm.*", "blk.%.ffn_norm.*", INLAY__AS_IT_IS},
    {"layers.%.attention.query_key_value.*", "blk.%.attn_qkv.*", INLAY__FUSED_QKV},
    {"layers.%.attention.dense.*", "blk.%.attn_output.*", INLAY__AS_IT_IS},
    {"layers.%.mlp.dense_h_to_4h.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},
    {"layers.%.mlp.dense_4h_to_h.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS},
    {"layers.%.attention.bias", NULL, INLAY__IGNORED},
    {"layers.%.attention.masked_bias", NULL, INLAY__IGNORED},
    {"layers.%.attention.rotary_emb.inv_freq", NULL, INLAY__IGNORED},
    END};

static const inlay__config_line config_gpt_neox[] = {
    CONFIG_SIZES,
    {"attention.layer_norm_epsilon", INLAY__CONFIG_FLOAT, "layer_norm_eps", "1e-5"},
    {"use_parallel_residual", INLAY__CONFIG_BOOL, "use_parallel_residual", "true"},
    {"activation", INLAY__CONFIG_ACTIVATION, "hidden_act", "gelu"},
    CONFIG_END};

static int32_t special_gpt_neox(inlay__config *c) { return inlay__config_put_rope(c, 0.25); }

/* Positions count from 2. */
static const inlay__tensor_line tensors_opt[] = {
    {"decoder.embed_tokens.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"decoder.embed_positions.weight", "position_embd.weight", INLAY__POSITIONS},
    {"decoder.project_in.weight", "token_embd_project.weight", INLAY__AS_IT_IS},
    {"decoder.project_out.weight", "output_project.weight", INLAY__AS_IT_IS},
    {"decoder.final_layer_norm.*", "output_norm.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.self_attn.q_proj.*", "blk.%.attn_q.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.self_attn.k_proj.*", "blk.%.attn_k.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.self_attn.v_proj.*", "blk.%.attn_v.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.self_attn.out_proj.*", "blk.%.attn_output.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.self_attn_layer_norm.*", "blk.%.attn_norm.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.final_layer_norm.*", "blk.%.ffn_norm.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.fc1.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.fc2.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS},
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS},
    END};

static const inlay__config_line config_opt[] = {
    {"context_length", INLAY__CONFIG_INT, "max_position_embeddings", "2048"},
    {"embedding_length", INLAY__CONFIG_INT, "hidden_size", "!"},
    {"embedding_length_in", INLAY__CONFIG_INT, "word_embed_proj_dim", NULL},
    {"block_count", INLAY__CONFIG_INT, "num_hidden_layers", "!"},
    {"feed_forward_length", INLAY__CONFIG_INT, "ffn_dim", "!"},
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},
    {"attention.head_count", INLAY__CONFIG_INT, "num_attention_heads", "!"},
    {"attention.layer_norm_epsilon", INLAY__CONFIG_FLOAT, "layer_norm_eps", "1e-5"},
    {"norm_before", INLAY__CONFIG_BOOL, "do_layer_norm_before", "true"},
    {"activation", INLAY__CONFIG_ACTIVATION, "activation_function", "relu"},
    CONFIG_END};

static int32_t special_opt(inlay__config *c) {
    c->position_offset = 2;
    return INLAY_OK;
}

static const inlay__tensor_line tensors_bloom[] = {
    {"word_embeddings.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"word_embeddings_layernorm.*", "token_embd_norm.*", INLAY__AS_IT_IS},
    {"ln_f.*", "output_norm.*", INLAY__AS_IT_IS},
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS},
    {"h.%.input_layernorm.*", "blk.%.attn_norm.*", INLAY__AS_IT_IS},
    {"h.%.post_attention_layernorm.*", "blk.%.ffn_norm.*", INLAY__AS_IT_IS},
    {"h.%.self_attention.query_key_value.*", "blk.%.attn_qkv.*", INLAY__FUSED_QKV},
    {"h.%.self_attention.dense.*", "blk.%.attn_output.*", INLAY__AS_IT_IS},
    {"h.%.mlp.dense_h_to_4h.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},
    {"h.%.mlp.dense_4h_to_h.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS},
    END};

static const inlay__config_line config_bloom[] = {
    {"context_length", INLAY__CONFIG_INT, "seq_length", "2048"},
    {"embedding_length", INLAY__CONFIG_INT, "hidden_size|n_embed", "!"},
    {"block_count", INLAY__CONFIG_INT, "n_layer|num_hidden_layers", "!"},
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},
    {"attention.head_count", INLAY__CONFIG_INT, "n_head|num_attention_heads", "!"},
    {"attention.layer_norm_epsilon", INLAY__CONFIG_FLOAT, "layer_norm_epsilon", "1e-5"},
    {"", INLAY__CONFIG_EXPECT, "apply_residual_connection_post_layernorm", "false"},
    CONFIG_END};

static int32_t special_bloom(inlay__config *c) {
    inlay__config_put_float(c, "attention.max_alibi_bias", 8.0);
    return put_four_times(c, "n_inner", "hidden_size|n_embed");
}

static const inlay__tensor_line tensors_falcon[] = {
    {"word_embeddings.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"ln_f.*", "output_norm.*", INLAY__AS_IT_IS},
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS},
    {"h.%.input_layernorm.*", "blk.%.attn_norm.*", INLAY__AS_IT_IS},
    {"h.%.post_attention_layernorm.*", "blk.%.ffn_norm.*", INLAY__AS_IT_IS},
    {"h.%.ln_mlp.*", "blk.%.attn_norm.*", INLAY__AS_IT_IS},
    {"h.%.ln_attn.*", "blk.%.attn_norm_2.*", INLAY__AS_IT_IS},
    {"h.%.self_attention.query_key_value.*", "blk.%.attn_qkv.*", INLAY__FUSED_QKV},
    {"h.%.self_attention.dense.*", "blk.%.attn_output.*", INLAY__AS_IT_IS},
    {"h.%.mlp.dense_h_to_4h.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},
    {"h.%.mlp.dense_4h_to_h.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS},
    END};

static const inlay__config_line config_falcon[] = {
    {"context_length", INLAY__CONFIG_INT, "max_position_embeddings", "2048"},
    {"embedding_length", INLAY__CONFIG_INT, "hidden_size|n_embed", "!"},
    {"block_count", INLAY__CONFIG_INT, "num_hidden_layers|n_layer", "!"},
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},
    {"attention.head_count", INLAY__CONFIG_INT, "num_attention_heads|n_head", "!"},
    {"attention.layer_norm_epsilon", INLAY__CONFIG_FLOAT, "layer_norm_epsilon", "1e-5"},
    {"use_parallel_residual", INLAY__CONFIG_BOOL, "parallel_attn", "true"},
    {"activation", INLAY__CONFIG_ACTIVATION, "activation", "gelu"},
    {"", INLAY__CONFIG_EXPECT, "alibi", "false"},
    CONFIG_END};

/* Key and value heads: one for all in the first models, as many as queries without multi_query, or what is said. */
static int32_t special_falcon(inlay__config *c) {
    bool multi_query, grouped;
    int64_t n_head, n_kv;
    INLAY__TRY(inlay__config_int(c, "num_attention_heads|n_head", -1, &n_head));
    INLAY__TRY(inlay__config_bool(c, "multi_query", true, &multi_query));
    INLAY__TRY(inlay__config_bool(c, "new_decoder_architecture", false, &grouped));
    INLAY__TRY(inlay__config_int(c, "num_kv_heads|n_head_kv", n_head, &n_kv));
    inlay__config_put_int(c, "attention.head_count_kv", grouped ? n_kv : multi_query ? 1 : n_head);
    INLAY__TRY(put_four_times(c, "ffn_hidden_size", "hidden_size|n_embed"));
    return inlay__config_put_rope(c, 1.0);
}

/* ------------------------------------------------------------------------ table */

const inlay__family inlay__families_decoder[] = {
    {"llama", "llama", "model.", config_llama, tensors_llama, special_rope},
    {"mistral", "llama", "model.", config_llama, tensors_llama, special_mistral},
    {"mixtral", "llama", "model.", config_mixtral, tensors_mixtral, special_mistral},
    {"qwen2", "qwen2", "model.", config_llama, tensors_qwen, special_qwen},
    {"qwen3", "qwen3", "model.", config_llama, tensors_qwen, special_qwen},
    {"qwen3_moe", "qwen3moe", "model.", config_qwen3_moe, tensors_qwen3_moe, special_qwen},
    {"phi3", "phi3", "model.", config_llama, tensors_phi3, special_mistral},
    {"gemma2", "gemma2", "model.", config_gemma, tensors_gemma2, special_gemma2},
    {"gemma3_text", "gemma3", "model.", config_gemma, tensors_gemma3, special_gemma3},
    {"smollm3", "smollm3", "model.", config_llama, tensors_llama, special_smollm3},
    {"olmo2", "olmo2", "model.", config_llama, tensors_olmo2, special_rope},
    {"granite", "granite", "model.", config_granite, tensors_llama, special_rope},
    {"openai-gpt", "openai-gpt", "transformer.", config_gpt1, tensors_gpt1, special_gpt1},
    {"gpt2", "gpt2", "transformer.", config_gpt2, tensors_gpt2, special_gpt2},
    {"gpt_neox", "gptneox", "gpt_neox.", config_gpt_neox, tensors_gpt_neox, special_gpt_neox},
    {"opt", "opt", "model.", config_opt, tensors_opt, special_opt},
    {"bloom", "bloom", "transformer.", config_bloom, tensors_bloom, special_bloom},
    {"falcon", "falcon", "transformer.", config_falcon, tensors_falcon, special_falcon},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
