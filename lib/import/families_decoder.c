/* Causal decoders: LLaMA and kin, the Gemmas, the GPTs, OPT, BLOOM, Falcon, mixtures of experts. */
#include <math.h>

#include "import/family.h"

/* -------------------------------------------------------------- what many share */

#define CONFIG_SIZES                                                                                \
    "context_length int max_position_embeddings 2048\n"                                             \
    "embedding_length int hidden_size !\n"                                                          \
    "block_count int num_hidden_layers !\n"                                                         \
    "feed_forward_length int intermediate_size !\n"                                                 \
    "vocab_size int vocab_size\n"                                                                   \
    "attention.head_count int num_attention_heads !\n"

#define CONFIG_SHARED_HEADS                                                                         \
    "attention.head_count_kv int num_key_value_heads =num_attention_heads\n"                        \
    "attention.key_length int head_dim\n"                                                           \
    "attention.value_length int head_dim\n"

#define CONFIG_LLAMA                                                                                \
    CONFIG_SIZES CONFIG_SHARED_HEADS                                                                \
    "attention.layer_norm_rms_epsilon float rms_norm_eps 1e-6\n"                                    \
    "activation activation hidden_act silu\n"

#define CONFIG_ATTENTION_BIAS                                                                       \
    "blk.%.attn_q.* has_bias attention_bias\n"                                                      \
    "blk.%.attn_k.* has_bias attention_bias\n"                                                      \
    "blk.%.attn_v.* has_bias attention_bias\n"                                                      \
    "blk.%.attn_output.* has_bias attention_bias\n"

#define CONFIG_MLP_BIAS                                                                             \
    "blk.%.ffn_gate.* has_bias mlp_bias\n"                                                          \
    "blk.%.ffn_up.* has_bias mlp_bias\n"                                                            \
    "blk.%.ffn_down.* has_bias mlp_bias\n"

#define CONFIG_EXPERTS                                                                              \
    "expert_count int num_local_experts|num_experts !\n"                                            \
    "expert_used_count int num_experts_per_tok !\n"

#define TENSORS_ENDS                                                                                \
    "embed_tokens.weight token_embd.weight\n"                                                       \
    "norm.weight output_norm.weight\n"                                                              \
    "lm_head.weight output.weight\n"                                                                \
    "layers.%.self_attn.rotary_emb.inv_freq - ignored\n"

#define TENSORS_ATTENTION(q_kind, k_kind)                                                           \
    "layers.%.self_attn.q_proj.* blk.%.attn_q.* " q_kind "\n"                                       \
    "layers.%.self_attn.k_proj.* blk.%.attn_k.* " k_kind "\n"                                       \
    "layers.%.self_attn.v_proj.* blk.%.attn_v.*\n"                                                  \
    "layers.%.self_attn.o_proj.* blk.%.attn_output.*\n"

#define TENSORS_FEED_FORWARD                                                                        \
    "layers.%.mlp.gate_proj.* blk.%.ffn_gate.*\n"                                                   \
    "layers.%.mlp.up_proj.* blk.%.ffn_up.*\n"                                                       \
    "layers.%.mlp.down_proj.* blk.%.ffn_down.*\n"

#define TENSORS_NORMS                                                                               \
    "layers.%.input_layernorm.weight blk.%.attn_norm.weight\n"                                      \
    "layers.%.post_attention_layernorm.weight blk.%.ffn_norm.weight\n"

#define TENSORS_HEAD_NORMS(kind)                                                                    \
    "layers.%.self_attn.q_norm.weight blk.%.attn_q_norm.weight " kind "\n"                          \
    "layers.%.self_attn.k_norm.weight blk.%.attn_k_norm.weight " kind "\n"

/* GGUF has LLaMA's rotary rows in pairs, Qwen's in halves, as here. */
static const char tensors_llama[] =
    TENSORS_ENDS TENSORS_NORMS TENSORS_ATTENTION("rotary_q", "rotary_k") TENSORS_FEED_FORWARD;

static const char tensors_qwen2[] =
    TENSORS_ENDS TENSORS_NORMS
    "layers.%.self_attn.q_proj.+ blk.%.attn_q.*\n"
    "layers.%.self_attn.k_proj.+ blk.%.attn_k.*\n"
    "layers.%.self_attn.v_proj.+ blk.%.attn_v.*\n"
    "layers.%.self_attn.o_proj.weight blk.%.attn_output.weight\n"
    TENSORS_FEED_FORWARD;

static const char tensors_qwen3[] =
    TENSORS_ENDS TENSORS_NORMS TENSORS_ATTENTION("", "") TENSORS_HEAD_NORMS("") TENSORS_FEED_FORWARD;

static int32_t special_rope(inlay__config *c) { return inlay__config_put_rope(c); }

/* ------------------------------------------------------------ LLaMA and Mistral */

static const char config_llama[] = CONFIG_LLAMA CONFIG_ATTENTION_BIAS CONFIG_MLP_BIAS;
static const char config_plain[] = CONFIG_LLAMA;

static int32_t special_mistral(inlay__config *c) {
    INLAY__TRY(inlay__config_put_rope(c));
    return inlay__config_put_window(c, "sliding_window", INLAY__WINDOW_ALL, 0);
}

static const char config_mixtral[] = CONFIG_LLAMA CONFIG_EXPERTS;

static const char tensors_mixtral[] =
    TENSORS_ENDS TENSORS_NORMS TENSORS_ATTENTION("rotary_q", "rotary_k")
    "layers.%.block_sparse_moe.gate.weight blk.%.ffn_gate_inp.weight\n"
    "layers.%.block_sparse_moe.gate.weight blk.%.ffn_up_exps.weight needed\n"
    "layers.%.block_sparse_moe.experts.%.w1.weight blk.%.ffn_gate_exps.weight\n"
    "layers.%.block_sparse_moe.experts.%.w3.weight blk.%.ffn_up_exps.weight\n"
    "layers.%.block_sparse_moe.experts.%.w2.weight blk.%.ffn_down_exps.weight\n";

/* ------------------------------------------------------------------------- Qwen */

/* The first max_window_layers attend to all, and without use_sliding_window every one does. */
static int32_t special_qwen(inlay__config *c) {
    bool use;
    int64_t n;
    INLAY__TRY(inlay__config_put_rope(c));
    INLAY__TRY(inlay__config_bool(c, "use_sliding_window", false, &use));
    INLAY__TRY(inlay__config_int(c, "max_window_layers", 28, &n));
    return use ? inlay__config_put_window(c, "sliding_window", INLAY__WINDOW_FROM, n) : INLAY_OK;
}

/* Of the mixtures of experts all layers have the window. */
static int32_t special_qwen3_moe(inlay__config *c) {
    bool use;
    INLAY__TRY(inlay__config_put_rope(c));
    INLAY__TRY(inlay__config_bool(c, "use_sliding_window", false, &use));
    return use ? inlay__config_put_window(c, "sliding_window", INLAY__WINDOW_ALL, 0) : INLAY_OK;
}

static const char config_qwen3[] = CONFIG_LLAMA CONFIG_ATTENTION_BIAS;
static const char config_qwen3_moe[] =
    CONFIG_LLAMA CONFIG_EXPERTS CONFIG_ATTENTION_BIAS
    "expert_feed_forward_length int moe_intermediate_size !\n"
    "expert_weights_norm bool norm_topk_prob false\n";

/* Layers without a router are dense: those of mlp_only_layers, and by decoder_sparse_step. */
static const char tensors_qwen3_moe[] =
    TENSORS_ENDS TENSORS_NORMS TENSORS_ATTENTION("", "") TENSORS_HEAD_NORMS("") TENSORS_FEED_FORWARD
    "layers.%.mlp.gate.weight blk.%.ffn_gate_inp.weight\n"
    "layers.%.mlp.gate.weight blk.%.ffn_up_exps.weight needed\n"
    "layers.%.mlp.experts.%.gate_proj.weight blk.%.ffn_gate_exps.weight\n"
    "layers.%.mlp.experts.%.up_proj.weight blk.%.ffn_up_exps.weight\n"
    "layers.%.mlp.experts.%.down_proj.weight blk.%.ffn_down_exps.weight\n";

/* -------------------------------------------------------------------------- Phi */

/* Query, key and value rows are one tensor, gate and up rows another; GGUF leaves them so. */
static const char tensors_phi3[] =
    TENSORS_ENDS TENSORS_NORMS
    "layers.%.self_attn.qkv_proj.weight blk.%.attn_qkv.weight\n"
    "layers.%.self_attn.o_proj.weight blk.%.attn_output.weight\n"
    "layers.%.mlp.gate_up_proj.weight blk.%.ffn_up.weight\n"
    "layers.%.mlp.down_proj.weight blk.%.ffn_down.weight\n";

static int32_t special_phi3(inlay__config *c) {
    INLAY__TRY(inlay__config_put_partial_rope(c, 1.0));
    return inlay__config_put_window(c, "sliding_window", INLAY__WINDOW_ALL, 0);
}

/* ------------------------------------------------------------------------ Gemma */

/* Its norms multiply by one more than their weight; GGUF has the sum. */
#define TENSORS_GEMMA                                                                               \
    "embed_tokens.weight token_embd.weight\n"                                                       \
    "norm.weight output_norm.weight plus_one\n"                                                     \
    "lm_head.weight output.weight\n"                                                                \
    "layers.%.input_layernorm.weight blk.%.attn_norm.weight plus_one\n"                             \
    "layers.%.post_attention_layernorm.weight blk.%.post_attention_norm.weight plus_one\n"          \
    "layers.%.pre_feedforward_layernorm.weight blk.%.ffn_norm.weight plus_one\n"                    \
    "layers.%.post_feedforward_layernorm.weight blk.%.post_ffw_norm.weight plus_one\n"              \
    TENSORS_ATTENTION("", "") TENSORS_FEED_FORWARD

static const char tensors_gemma2[] = TENSORS_GEMMA;
static const char tensors_gemma3[] = TENSORS_GEMMA TENSORS_HEAD_NORMS("plus_one");

#define CONFIG_GEMMA                                                                                \
    CONFIG_SIZES CONFIG_SHARED_HEADS                                                                \
    "attention.layer_norm_rms_epsilon float rms_norm_eps 1e-6\n"                                    \
    "activation activation hidden_activation gelu_tanh\n"                                           \
    "final_logit_softcapping float final_logit_softcapping\n"                                       \
    "- expect use_bidirectional_attention false\n"

/* Gemma 3 caps no scores, whatever its config says. */
static const char config_gemma2[] = CONFIG_GEMMA "attn_logit_softcapping float attn_logit_softcapping\n";
static const char config_gemma3[] = CONFIG_GEMMA;

static int32_t special_gemma(inlay__config *c, inlay__window_rule rule, int64_t n) {
    double scalar;
    INLAY__TRY(inlay__config_float(c, "query_pre_attn_scalar", 256, &scalar));
    if (!(scalar > 0))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'query_pre_attn_scalar' is %g, expected more than 0", c->name, scalar);
    inlay__config_put_float(c, "attention.scale", 1.0 / sqrt(scalar));
    INLAY__TRY(inlay__config_put_rope(c));
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
    INLAY__TRY(inlay__config_put_rope(c));
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
static const char tensors_olmo2[] =
    TENSORS_ENDS
    "layers.%.post_attention_layernorm.weight blk.%.post_attention_norm.weight\n"
    "layers.%.post_feedforward_layernorm.weight blk.%.post_ffw_norm.weight\n"
    TENSORS_ATTENTION("", "") TENSORS_HEAD_NORMS("") TENSORS_FEED_FORWARD;

static const char config_granite[] =
    CONFIG_LLAMA CONFIG_ATTENTION_BIAS CONFIG_MLP_BIAS
    "attention.scale float attention_multiplier 1\n"
    "embedding_scale float embedding_multiplier 1\n"
    "residual_scale float residual_multiplier 1\n"
    "logit_scale float logits_scaling 1\n";

/* ------------------------------------------------------------------- GPT-1, GPT-2 */

/* Their matrices are written as [inputs, outputs]. */
#define TENSORS_GPT_BLOCK                                                                           \
    "h.%.attn.c_attn.+ blk.%.attn_qkv.* transposed\n"                                               \
    "h.%.attn.c_proj.+ blk.%.attn_output.* transposed\n"                                            \
    "h.%.mlp.c_fc.+ blk.%.ffn_up.* transposed\n"                                                    \
    "h.%.mlp.c_proj.+ blk.%.ffn_down.* transposed\n"                                                \
    "h.%.attn.bias - ignored\n"                                                                     \
    "h.%.attn.masked_bias - ignored\n"                                                              \
    "lm_head.weight output.weight\n"

static const char tensors_gpt1[] =
    "tokens_embed.weight token_embd.weight\n"
    "positions_embed.weight position_embd.weight\n"
    "h.%.ln_1.+ blk.%.attn_output_norm.*\n"
    "h.%.ln_2.+ blk.%.layer_output_norm.*\n"
    TENSORS_GPT_BLOCK;

static const char tensors_gpt2[] =
    "wte.weight token_embd.weight\n"
    "wpe.weight position_embd.weight\n"
    "h.%.ln_1.+ blk.%.attn_norm.*\n"
    "h.%.ln_2.+ blk.%.ffn_norm.*\n"
    "ln_f.+ output_norm.*\n"
    TENSORS_GPT_BLOCK;

#define CONFIG_GPT                                                                                  \
    "context_length int n_positions|n_ctx 1024\n"                                                   \
    "embedding_length int n_embd !\n"                                                               \
    "block_count int n_layer !\n"                                                                   \
    "vocab_size int vocab_size\n"                                                                   \
    "attention.head_count int n_head !\n"                                                           \
    "attention.layer_norm_epsilon float layer_norm_epsilon 1e-5\n"

static const char config_gpt1[] = CONFIG_GPT;
static const char config_gpt2[] =
    CONFIG_GPT
    "activation activation activation_function gelu_tanh\n"
    "attention.scale_by_layer bool scale_attn_by_inverse_layer_idx false\n"
    "- expect add_cross_attention false\n";

static int32_t put_four_times(inlay__config *c, const char *keys, const char *embd_keys) {
    int64_t n_embd, n_ff;
    INLAY__TRY(inlay__config_int(c, embd_keys, -1, &n_embd));
    INLAY__TRY(inlay__config_int(c, keys, n_embd < INT32_MAX / 4 ? 4 * n_embd : 0, &n_ff));
    inlay__config_put_int(c, "feed_forward_length", n_ff);
    return INLAY_OK;
}

static int32_t special_gpt2(inlay__config *c) {
    bool scaled;
    INLAY__TRY(inlay__config_bool(c, "scale_attn_weights", true, &scaled));
    if (!scaled) inlay__config_put_float(c, "attention.scale", 1.0);
    return put_four_times(c, "n_inner", "n_embd");
}

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

static const char tensors_gpt_neox[] =
    "embed_in.weight token_embd.weight\n"
    "embed_out.weight output.weight\n"
    "lm_head.weight output.weight\n"
    "final_layer_norm.+ output_norm.*\n"
    "layers.%.input_layernorm.+ blk.%.attn_norm.*\n"
    "layers.%.post_attention_layernorm.+ blk.%.ffn_norm.*\n"
    "layers.%.attention.query_key_value.* blk.%.attn_qkv.* fused_qkv\n"
    "layers.%.attention.dense.* blk.%.attn_output.*\n"
    "layers.%.mlp.dense_h_to_4h.+ blk.%.ffn_up.*\n"
    "layers.%.mlp.dense_4h_to_h.+ blk.%.ffn_down.*\n"
    "layers.%.attention.bias - ignored\n"
    "layers.%.attention.masked_bias - ignored\n"
    "layers.%.attention.rotary_emb.inv_freq - ignored\n";

static const char config_gpt_neox[] =
    CONFIG_SIZES
    "attention.layer_norm_epsilon float layer_norm_eps 1e-5\n"
    "use_parallel_residual bool use_parallel_residual true\n"
    "activation activation hidden_act gelu\n"
    "blk.%.attn_qkv.* has_bias attention_bias\n"
    "blk.%.attn_output.* has_bias attention_bias\n";

static int32_t special_gpt_neox(inlay__config *c) { return inlay__config_put_partial_rope(c, 0.25); }

/* Positions count from 2. */
static const char tensors_opt[] =
    "decoder.embed_tokens.weight token_embd.weight\n"
    "decoder.embed_positions.weight position_embd.weight positions\n"
    "decoder.project_in.weight token_embd_project.weight\n"
    "decoder.project_out.weight output_project.weight\n"
    "decoder.final_layer_norm.+ output_norm.*\n"
    "decoder.layers.%.self_attn.q_proj.* blk.%.attn_q.*\n"
    "decoder.layers.%.self_attn.k_proj.* blk.%.attn_k.*\n"
    "decoder.layers.%.self_attn.v_proj.* blk.%.attn_v.*\n"
    "decoder.layers.%.self_attn.out_proj.* blk.%.attn_output.*\n"
    "decoder.layers.%.self_attn_layer_norm.+ blk.%.attn_norm.*\n"
    "decoder.layers.%.final_layer_norm.+ blk.%.ffn_norm.*\n"
    "decoder.layers.%.fc1.* blk.%.ffn_up.*\n"
    "decoder.layers.%.fc2.* blk.%.ffn_down.*\n"
    "lm_head.weight output.weight\n";

static const char config_opt[] =
    "context_length int max_position_embeddings 2048\n"
    "embedding_length int hidden_size !\n"
    "embedding_length_in int word_embed_proj_dim\n"
    "block_count int num_hidden_layers !\n"
    "feed_forward_length int ffn_dim !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int num_attention_heads !\n"
    "attention.layer_norm_epsilon float layer_norm_eps 1e-5\n"
    "norm_before bool do_layer_norm_before true\n"
    "norm_weights bool layer_norm_elementwise_affine true\n"
    "activation activation activation_function relu\n"
    "blk.%.attn_q.* has_bias enable_bias\n"
    "blk.%.attn_k.* has_bias enable_bias\n"
    "blk.%.attn_v.* has_bias enable_bias\n"
    "blk.%.attn_output.* has_bias enable_bias\n"
    "blk.%.ffn_up.* has_bias enable_bias\n"
    "blk.%.ffn_down.* has_bias enable_bias\n";

static int32_t special_opt(inlay__config *c) {
    bool before, removed;
    INLAY__TRY(inlay__config_bool(c, "do_layer_norm_before", true, &before));
    INLAY__TRY(inlay__config_bool(c, "_remove_final_layer_norm", false, &removed));
    if (before && removed) inlay__config_put_bool(c, "output_norm", false);
    c->position_offset = 2;
    return INLAY_OK;
}

static const char tensors_bloom[] =
    "word_embeddings.weight token_embd.weight\n"
    "word_embeddings_layernorm.+ token_embd_norm.*\n"
    "ln_f.+ output_norm.*\n"
    "lm_head.weight output.weight\n"
    "h.%.input_layernorm.+ blk.%.attn_norm.*\n"
    "h.%.post_attention_layernorm.+ blk.%.ffn_norm.*\n"
    "h.%.self_attention.query_key_value.* blk.%.attn_qkv.* fused_qkv\n"
    "h.%.self_attention.dense.* blk.%.attn_output.*\n"
    "h.%.mlp.dense_h_to_4h.* blk.%.ffn_up.*\n"
    "h.%.mlp.dense_4h_to_h.* blk.%.ffn_down.*\n";

static const char config_bloom[] =
    "context_length int seq_length 2048\n"
    "embedding_length int hidden_size|n_embed !\n"
    "block_count int n_layer|num_hidden_layers !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int n_head|num_attention_heads !\n"
    "attention.layer_norm_epsilon float layer_norm_epsilon 1e-5\n"
    "residual_after_norm bool apply_residual_connection_post_layernorm false\n";

static int32_t special_bloom(inlay__config *c) {
    inlay__config_put_float(c, "attention.max_alibi_bias", 8.0);
    return put_four_times(c, "n_inner", "hidden_size|n_embed");
}

static const char tensors_falcon[] =
    "word_embeddings.weight token_embd.weight\n"
    "ln_f.+ output_norm.*\n"
    "lm_head.weight output.weight\n"
    "h.%.input_layernorm.+ blk.%.attn_norm.*\n"
    "h.%.post_attention_layernorm.+ blk.%.ffn_norm.*\n"
    "h.%.ln_mlp.+ blk.%.attn_norm.*\n"
    "h.%.ln_attn.+ blk.%.attn_norm_2.*\n"
    "h.%.self_attention.query_key_value.* blk.%.attn_qkv.* fused_qkv\n"
    "h.%.self_attention.dense.* blk.%.attn_output.*\n"
    "h.%.mlp.dense_h_to_4h.* blk.%.ffn_up.*\n"
    "h.%.mlp.dense_4h_to_h.* blk.%.ffn_down.*\n";

static const char config_falcon[] =
    "context_length int max_position_embeddings 2048\n"
    "embedding_length int hidden_size|n_embed !\n"
    "block_count int num_hidden_layers|n_layer !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int num_attention_heads|n_head !\n"
    "attention.layer_norm_epsilon float layer_norm_epsilon 1e-5\n"
    "use_parallel_residual bool parallel_attn true\n"
    "activation activation activation gelu\n"
    "blk.%.attn_qkv.* has_bias bias\n"
    "blk.%.attn_output.* has_bias bias\n"
    "blk.%.ffn_up.* has_bias bias\n"
    "blk.%.ffn_down.* has_bias bias\n";

/* Key and value heads: one for all in the first models, as many as queries without multi_query, or what is said. The
 * first configs, of "RefinedWeb", count them in the models that have more of them, and say nothing else. */
static int32_t special_falcon(inlay__config *c) {
    bool multi_query, grouped, alibi;
    int64_t n_head, n_kv;
    INLAY__TRY(inlay__config_int(c, "num_attention_heads|n_head", -1, &n_head));
    INLAY__TRY(inlay__config_bool(c, "multi_query", true, &multi_query));
    bool counted = inlay__config_get(c, "n_head_kv", NULL) != NULL;
    INLAY__TRY(inlay__config_bool(c, "new_decoder_architecture", counted, &grouped));
    INLAY__TRY(inlay__config_int(c, "num_kv_heads|n_head_kv", n_head, &n_kv));
    inlay__config_put_int(c, "attention.head_count_kv", grouped ? n_kv : multi_query ? 1 : n_head);
    INLAY__TRY(put_four_times(c, "ffn_hidden_size", "hidden_size|n_embed"));
    INLAY__TRY(inlay__config_bool(c, "alibi", false, &alibi));
    if (!alibi) return inlay__config_put_rope(c);
    inlay__config_put_float(c, "attention.max_alibi_bias", 8.0);
    return INLAY_OK;
}

/* ------------------------------------------------------------------------ table */

const inlay__family inlay__families_decoder[] = {
    {"llama", "llama", "model.", config_llama, tensors_llama, special_rope},
    {"mistral", "llama", "model.", config_plain, tensors_llama, special_mistral},
    {"mixtral", "llama", "model.", config_mixtral, tensors_mixtral, special_mistral},
    {"qwen2", "qwen2", "model.", config_plain, tensors_qwen2, special_qwen},
    {"qwen3", "qwen3", "model.", config_qwen3, tensors_qwen3, special_qwen},
    {"qwen3_moe", "qwen3moe", "model.", config_qwen3_moe, tensors_qwen3_moe, special_qwen3_moe},
    {"phi3", "phi3", "model.", config_plain, tensors_phi3, special_phi3},
    {"gemma2", "gemma2", "model.", config_gemma2, tensors_gemma2, special_gemma2},
    {"gemma3_text", "gemma3", "model.", config_gemma3, tensors_gemma3, special_gemma3},
    {"smollm3", "smollm3", "model.", config_llama, tensors_llama, special_smollm3},
    {"olmo2", "olmo2", "model.", config_qwen3, tensors_olmo2, special_rope},
    {"granite", "granite", "model.", config_granite, tensors_llama, special_rope},
    {"openai-gpt", "openai-gpt", "transformer.", config_gpt1, tensors_gpt1, special_gpt1},
    {"gpt2", "gpt2", "transformer.", config_gpt2, tensors_gpt2, special_gpt2},
    {"gpt_neox", "gptneox", "gpt_neox.", config_gpt_neox, tensors_gpt_neox, special_gpt_neox},
    {"opt", "opt", "model.", config_opt, tensors_opt, special_opt},
    {"bloom", "bloom", "transformer.", config_bloom, tensors_bloom, special_bloom},
    {"falcon", "falcon", "transformer.", config_falcon, tensors_falcon, special_falcon},
    {"RefinedWeb", "falcon", "transformer.", config_falcon, tensors_falcon, special_falcon},
    {"RefinedWebModel", "falcon", "transformer.", config_falcon, tensors_falcon, special_falcon},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
