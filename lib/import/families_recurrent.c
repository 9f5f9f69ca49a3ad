/* State-space, convolutional and recurrent models: Mamba, Mamba-2, RWKV-4, LFM2, RecurrentGemma, LSTM. */
#include "import/family.h"

enum { MAX_LAYERS = 4096 };

/* ------------------------------------------------------------------------ Mamba */

#define TENSORS_MAMBA                                                                               \
    "embeddings.weight token_embd.weight\n"                                                         \
    "embedding.weight token_embd.weight\n"                                                          \
    "norm_f.weight output_norm.weight\n"                                                            \
    "lm_head.weight output.weight\n"                                                                \
    "layers.%.norm.weight blk.%.attn_norm.weight\n"                                                 \
    "layers.%.mixer.in_proj.* blk.%.ssm_in.*\n"                                                     \
    "layers.%.mixer.out_proj.* blk.%.ssm_out.*\n"                                                   \
    "layers.%.mixer.conv1d.* blk.%.ssm_conv1d.*\n"

/* A is kept as the logarithm of its negative. The dimension of 1 in conv1d goes away by itself. */
static const char tensors_mamba[] =
    TENSORS_MAMBA
    "layers.%.mixer.x_proj.weight blk.%.ssm_x.weight\n"
    "layers.%.mixer.dt_proj.+ blk.%.ssm_dt.*\n"
    "layers.%.mixer.A_log blk.%.ssm_a negated_exp\n"
    "layers.%.mixer.D blk.%.ssm_d\n";

static const char tensors_mamba2[] =
    TENSORS_MAMBA
    "layers.%.mixer.dt_bias blk.%.ssm_dt.bias\n"
    "layers.%.mixer.A_log blk.%.ssm_a negated_exp_column\n"
    "layers.%.mixer.D blk.%.ssm_d column\n"
    "layers.%.mixer.norm.weight blk.%.ssm_norm.weight group_rows\n";

#define CONFIG_MAMBA                                                                                \
    "embedding_length int hidden_size|d_model !\n"                                                  \
    "block_count int num_hidden_layers|n_layer !\n"                                                 \
    "vocab_size int vocab_size\n"                                                                   \
    "attention.layer_norm_rms_epsilon float layer_norm_epsilon|rms_norm 1e-5\n"                     \
    "ssm.conv_kernel int conv_kernel|d_conv 4\n"                                                    \
    "- expect_activation hidden_act silu\n"                                                         \
    "blk.%.ssm_in.* has_bias use_bias\n"                                                            \
    "blk.%.ssm_out.* has_bias use_bias\n"                                                           \
    "blk.%.ssm_conv1d.* has_bias use_conv_bias\n"

static const char config_mamba[] =
    CONFIG_MAMBA "ssm.state_size int state_size|d_state 16\n";

static const char config_mamba2[] =
    CONFIG_MAMBA
    "ssm.state_size int state_size|d_state 128\n"
    "ssm.group_count int n_groups 8\n"
    "ssm.time_step_rank int num_heads !\n";

/* There is no limit to a context; GGUF writes 2^20. There are no attention and no feed-forward block. */
static int32_t put_mamba(inlay__config *c) {
    int64_t n_embd, n_inner;
    double expand;
    INLAY__TRY(inlay__config_int(c, "hidden_size|d_model", -1, &n_embd));
    INLAY__TRY(inlay__config_float(c, "expand", 2, &expand));
    double inner = expand * (double)n_embd;
    if (!(inner >= 1 && inner < INT32_MAX))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'expand' is %g, which does not give an inner size", c->name, expand);
    n_inner = (int64_t)inner;
    inlay__config_put_int(c, "context_length", 1 << 20);
    inlay__config_put_int(c, "feed_forward_length", 0);
    inlay__config_put_int(c, "attention.head_count", 0);
    inlay__config_put_int(c, "ssm.inner_size", n_inner);
    return INLAY_OK;
}

static int32_t special_mamba(inlay__config *c) {
    inlay__text key;
    int64_t n_embd, rank;
    INLAY__TRY(put_mamba(c));
    INLAY__TRY(inlay__config_int(c, "hidden_size|d_model", -1, &n_embd));
    rank = (n_embd + 15) / 16;
    if (!inlay__json_equals(inlay__config_get(c, "time_step_rank|dt_rank", &key), "auto"))
        INLAY__TRY(inlay__config_int(c, "time_step_rank|dt_rank", rank, &rank));
    inlay__config_put_int(c, "ssm.time_step_rank", rank);
    return INLAY_OK;
}

/* The heads share the inner size, which the config says twice. */
static int32_t check_heads(const inlay__config *c) {
    int64_t n_embd, n_head, width;
    double expand;
    if (inlay__config_get(c, "head_dim", NULL) == NULL) return INLAY_OK;
    INLAY__TRY(inlay__config_int(c, "hidden_size|d_model", -1, &n_embd));
    INLAY__TRY(inlay__config_float(c, "expand", 2, &expand));
    INLAY__TRY(inlay__config_int(c, "num_heads", -1, &n_head));
    INLAY__TRY(inlay__config_int(c, "head_dim", -1, &width));
    if (n_head * width == (int64_t)(expand * (double)n_embd)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'head_dim' is %lld and 'num_heads' %lld, expected a product of %lld, "
                       "'hidden_size' times 'expand'", c->name, (long long)width, (long long)n_head,
                       (long long)(expand * (double)n_embd));
}

/* time_step_limit: [0, infinity] limits nothing. Its second number is written in three ways. */
static int32_t special_mamba2(inlay__config *c) {
    inlay__text key;
    const inlay__json_node *limit = inlay__config_get(c, "time_step_limit", &key);
    INLAY__TRY(put_mamba(c));
    INLAY__TRY(check_heads(c));
    if (limit == NULL) return INLAY_OK;
    double low = 0, high = 0;
    const inlay__json_node *first = inlay__json_at(&c->json, limit, 0), *second = inlay__json_at(&c->json, limit, 1);
    if (!inlay__json_f64(first, &low) || second == NULL || limit->n_children != 2)
        return inlay__config_fail(c, INLAY_ERR_FORMAT, key, limit, "two numbers");
    bool infinite = inlay__json_equals(inlay__json_get(&c->json, second, "__float__"), "Infinity") ||
                    inlay__json_equals(second, "Infinity");
    if (!infinite && !inlay__json_f64(second, &high))
        return inlay__config_fail(c, INLAY_ERR_FORMAT, key, second, "a number or Infinity");
    if (low != 0) inlay__config_put_float(c, "ssm.time_step_min", low);
    if (!infinite) inlay__config_put_float(c, "ssm.time_step_max", high);
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- RWKV-4 */

static const char tensors_rwkv[] =
    "embeddings.weight token_embd.weight\n"
    "head.weight output.weight\n"
    "ln_out.+ output_norm.*\n"
    "blocks.0.pre_ln.+ token_embd_norm.*\n"
    "blocks.%.ln1.+ blk.%.attn_norm.*\n"
    "blocks.%.ln2.+ blk.%.attn_norm_2.*\n"
    "blocks.%.attention.time_decay blk.%.time_mix_decay.weight negated_exp\n"
    "blocks.%.attention.time_first blk.%.time_mix_first.weight\n"
    "blocks.%.attention.time_mix_key blk.%.time_mix_lerp_k.weight flat\n"
    "blocks.%.attention.time_mix_value blk.%.time_mix_lerp_v.weight flat\n"
    "blocks.%.attention.time_mix_receptance blk.%.time_mix_lerp_r.weight flat\n"
    "blocks.%.attention.key.weight blk.%.time_mix_key.weight\n"
    "blocks.%.attention.value.weight blk.%.time_mix_value.weight\n"
    "blocks.%.attention.receptance.weight blk.%.time_mix_receptance.weight\n"
    "blocks.%.attention.output.weight blk.%.time_mix_output.weight\n"
    "blocks.%.feed_forward.time_mix_key blk.%.channel_mix_lerp_k.weight flat\n"
    "blocks.%.feed_forward.time_mix_receptance blk.%.channel_mix_lerp_r.weight flat\n"
    "blocks.%.feed_forward.key.weight blk.%.channel_mix_key.weight\n"
    "blocks.%.feed_forward.value.weight blk.%.channel_mix_value.weight\n"
    "blocks.%.feed_forward.receptance.weight blk.%.channel_mix_receptance.weight\n";

static const char config_rwkv[] =
    "context_length int context_length 1024\n"
    "embedding_length int hidden_size !\n"
    "block_count int num_hidden_layers !\n"
    "vocab_size int vocab_size\n"
    "attention.layer_norm_epsilon float layer_norm_epsilon 1e-5\n"
    "attention.hidden_size int attention_hidden_size =hidden_size\n"
    "rescale_every_n_layers int rescale_every 6\n";

static int32_t special_rwkv(inlay__config *c) {
    int64_t n_embd, n_ff;
    INLAY__TRY(inlay__config_int(c, "hidden_size", -1, &n_embd));
    INLAY__TRY(inlay__config_int(c, "intermediate_size", n_embd < INT32_MAX / 4 ? 4 * n_embd : 0, &n_ff));
    inlay__config_put_int(c, "feed_forward_length", n_ff);
    inlay__config_put_int(c, "attention.head_count", 0);
    return INLAY_OK;
}

/* ------------------------------------------------------------------------- LFM2 */

static const char tensors_lfm2[] =
    "embed_tokens.weight token_embd.weight\n"
    "embedding_norm.weight token_embd_norm.weight\n"
    "lm_head.weight output.weight\n"
    "layers.%.operator_norm.weight blk.%.attn_norm.weight\n"
    "layers.%.ffn_norm.weight blk.%.ffn_norm.weight\n"
    "layers.%.feed_forward.w1.weight blk.%.ffn_gate.weight\n"
    "layers.%.feed_forward.w3.weight blk.%.ffn_up.weight\n"
    "layers.%.feed_forward.w2.weight blk.%.ffn_down.weight\n"
    "layers.%.conv.conv.* blk.%.shortconv.conv.*\n"
    "layers.%.conv.in_proj.* blk.%.shortconv.in_proj.*\n"
    "layers.%.conv.out_proj.* blk.%.shortconv.out_proj.*\n"
    "layers.%.self_attn.q_proj.weight blk.%.attn_q.weight\n"
    "layers.%.self_attn.k_proj.weight blk.%.attn_k.weight\n"
    "layers.%.self_attn.v_proj.weight blk.%.attn_v.weight\n"
    "layers.%.self_attn.out_proj.weight blk.%.attn_output.weight\n"
    "layers.%.self_attn.q_layernorm.weight blk.%.attn_q.weight needed\n"
    "layers.%.self_attn.k_layernorm.weight blk.%.attn_k.weight needed\n"
    "layers.%.self_attn.q_layernorm.weight blk.%.attn_q_norm.weight\n"
    "layers.%.self_attn.k_layernorm.weight blk.%.attn_k_norm.weight\n";

static const char config_lfm2[] =
    "context_length int max_position_embeddings 128000\n"
    "embedding_length int hidden_size|block_dim !\n"
    "block_count int num_hidden_layers !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int num_attention_heads|num_heads !\n"
    "attention.layer_norm_rms_epsilon float norm_eps|block_norm_eps 1e-5\n"
    "shortconv.l_cache int conv_L_cache 3\n"
    "blk.%.shortconv.conv.* has_bias conv_bias\n"
    "blk.%.shortconv.in_proj.* has_bias conv_bias\n"
    "blk.%.shortconv.out_proj.* has_bias conv_bias\n";

/* Whether layer i attends: by layer_types, or by the list full_attn_idxs of an older dialect. */
static int32_t lfm2_attends(const inlay__config *c, int64_t n_layers, uint8_t *attends) {
    inlay__text key;
    const inlay__json_node *types = inlay__config_get(c, "layer_types", &key);
    const inlay__json_node *list = types != NULL ? types : inlay__config_get(c, "full_attn_idxs", &key);
    if (list == NULL || list->kind != INLAY__JSON_ARRAY || (types != NULL && list->n_children != (uint64_t)n_layers))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'layer_types' does not list the %lld layers of "
                           "'num_hidden_layers'", c->name, (long long)n_layers);
    const inlay__json_node *each = inlay__json_first(list);
    memset(attends, 0, (size_t)n_layers);
    for (uint32_t i = 0; i < list->n_children; i++, each = inlay__json_next(&c->json, each)) {
        int64_t index;
        if (types != NULL) {
            attends[i] = inlay__json_equals(each, "full_attention");
            if (!attends[i] && !inlay__json_equals(each, "conv"))
                return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, each, "full_attention or conv");
        } else if (!inlay__json_i64(each, &index) || index < 0 || index >= n_layers) {
            return inlay__config_fail(c, INLAY_ERR_FORMAT, key, each, "a number of a layer");
        } else {
            attends[index] = 1;
        }
    }
    return INLAY_OK;
}

/* Layers that convolve have no key/value heads, which is how GGUF tells them apart. */
static int32_t put_lfm2_layers(inlay__config *c) {
    uint8_t attends[MAX_LAYERS], heads[4 * MAX_LAYERS];
    int64_t n_layers, n_kv;
    INLAY__TRY(inlay__config_int(c, "num_hidden_layers", -1, &n_layers));
    INLAY__TRY(inlay__config_int(c, "num_key_value_heads", -1, &n_kv));
    if (n_layers > MAX_LAYERS)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'num_hidden_layers' is %lld, expected at most %d", c->name,
                           (long long)n_layers, MAX_LAYERS);
    INLAY__TRY(lfm2_attends(c, n_layers, attends));
    for (int64_t i = 0; i < 4 * n_layers; i++) heads[i] = (uint8_t)(attends[i / 4] ? n_kv >> (8 * (i % 4)) : 0);
    inlay__gguf_put_array(c->out, "lfm2.attention.head_count_kv", INLAY__GGUF_U32, heads, (size_t)n_layers);
    return INLAY_OK;
}

static int32_t special_lfm2(inlay__config *c) {
    int64_t n_ff, multiple;
    double multiplier;
    bool adjusted;
    INLAY__TRY(put_lfm2_layers(c));
    INLAY__TRY(inlay__config_int(c, "intermediate_size|block_ff_dim", -1, &n_ff));
    INLAY__TRY(inlay__config_bool(c, "block_auto_adjust_ff_dim", true, &adjusted));
    INLAY__TRY(inlay__config_int(c, "block_multiple_of", 256, &multiple));
    INLAY__TRY(inlay__config_float(c, "block_ffn_dim_multiplier", 1, &multiplier));
    if (adjusted) {
        double width = multiplier * (double)(2 * n_ff / 3);
        if (!(width >= 0 && width < INT32_MAX / 2) || multiple < 1 || multiple > INT32_MAX / 2)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'block_multiple_of' is %lld and 'block_ffn_dim_multiplier' %g, "
                               "which give no width", c->name, (long long)multiple, multiplier);
        n_ff = ((int64_t)width + multiple - 1) / multiple * multiple;
    }
    inlay__config_put_int(c, "feed_forward_length", n_ff);
    return inlay__config_put_rope(c);
}

/* --------------------------------------------------------------- RecurrentGemma */

static const char tensors_recurrentgemma[] =
    "embed_tokens.weight token_embd.weight\n"
    "final_norm.weight output_norm.weight plus_one\n"
    "lm_head.weight output.weight\n"
    "layers.%.temporal_pre_norm.weight blk.%.attn_norm.weight plus_one\n"
    "layers.%.channel_pre_norm.weight blk.%.ffn_norm.weight plus_one\n"
    "layers.%.mlp_block.gate_proj.+ blk.%.ffn_gate.*\n"
    "layers.%.mlp_block.up_proj.+ blk.%.ffn_up.*\n"
    "layers.%.mlp_block.down_proj.+ blk.%.ffn_down.*\n"
    "layers.%.temporal_block.q_proj.* blk.%.attn_q.*\n"
    "layers.%.temporal_block.k_proj.* blk.%.attn_k.*\n"
    "layers.%.temporal_block.v_proj.* blk.%.attn_v.*\n"
    "layers.%.temporal_block.o_proj.+ blk.%.attn_output.*\n"
    "layers.%.temporal_block.linear_x.+ blk.%.rglru_x.*\n"
    "layers.%.temporal_block.linear_y.+ blk.%.rglru_y.*\n"
    "layers.%.temporal_block.linear_out.+ blk.%.rglru_out.*\n"
    "layers.%.temporal_block.conv_1d.+ blk.%.rglru_conv1d.*\n"
    "layers.%.temporal_block.rg_lru.input_gate_weight blk.%.rglru_input_gate.weight transposed\n"
    "layers.%.temporal_block.rg_lru.input_gate_bias blk.%.rglru_input_gate.bias flat\n"
    "layers.%.temporal_block.rg_lru.recurrent_gate_weight blk.%.rglru_recurrent_gate.weight transposed\n"
    "layers.%.temporal_block.rg_lru.recurrent_gate_bias blk.%.rglru_recurrent_gate.bias flat\n"
    "layers.%.temporal_block.rg_lru.recurrent_param blk.%.rglru_recurrent_param\n";

static const char config_recurrentgemma[] =
    "context_length int max_position_embeddings 8192\n"
    "embedding_length int hidden_size !\n"
    "block_count int num_hidden_layers !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int num_attention_heads !\n"
    "attention.head_count_kv int num_key_value_heads =num_attention_heads\n"
    "attention.key_length int head_dim\n"
    "attention.value_length int head_dim\n"
    "attention.layer_norm_rms_epsilon float rms_norm_eps 1e-6\n"
    "attention.sliding_window int attention_window_size 2048\n"
    "final_logit_softcapping float logits_soft_cap 30\n"
    "rglru.width int lru_width =hidden_size\n"
    "rglru.conv_kernel int conv1d_width 4\n"
    "- expect_activation hidden_activation gelu_tanh\n"
    "- expect embeddings_scale_by_sqrt_dim true\n"
    "blk.%.attn_q.* has_bias attention_bias\n"
    "blk.%.attn_k.* has_bias attention_bias\n"
    "blk.%.attn_v.* has_bias attention_bias\n";

/* block_types repeats until all layers have one. */
static int32_t special_recurrentgemma(inlay__config *c) {
    uint8_t attends[MAX_LAYERS];
    int64_t n_layers, n_ff;
    inlay__text key;
    INLAY__TRY(inlay__config_int(c, "num_hidden_layers", -1, &n_layers));
    INLAY__TRY(inlay__config_int(c, "intermediate_size", -1, &n_ff));
    inlay__config_put_int(c, "feed_forward_length", n_ff / 2);
    const inlay__json_node *types = inlay__config_get(c, "block_types", &key);
    if (n_layers > MAX_LAYERS || (types != NULL && (types->kind != INLAY__JSON_ARRAY || types->n_children == 0)))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'block_types' is not a list for %lld layers", c->name,
                           (long long)n_layers);
    const inlay__json_node *each = types != NULL ? inlay__json_first(types) : NULL;
    for (int64_t i = 0; i < n_layers; i++) {
        attends[i] = (uint8_t)(each != NULL ? inlay__json_equals(each, "attention") : i % 3 == 2);
        if (each == NULL) continue;
        if (!attends[i] && !inlay__json_equals(each, "recurrent"))
            return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, each, "recurrent or attention");
        each = (i + 1) % types->n_children == 0 ? inlay__json_first(types) : inlay__json_next(&c->json, each);
    }
    inlay__gguf_put_array(c->out, "recurrentgemma.attention.layer_pattern", INLAY__GGUF_BOOL, attends, (size_t)n_layers);
    return inlay__config_put_partial_rope(c, 0.5);
}

/* ------------------------------------------------------------------------- LSTM */

/* PyTorch's nn.LSTM, gates in the order i, f, g, o. */
static const char tensors_lstm[] =
    "embed.weight token_embd.weight\n"
    "head.+ output.*\n"
    "lstm.weight_ih_l% blk.%.lstm_ih.weight\n"
    "lstm.weight_hh_l% blk.%.lstm_hh.weight\n"
    "lstm.bias_ih_l% blk.%.lstm_ih.bias\n"
    "lstm.bias_hh_l% blk.%.lstm_hh.bias\n";

static const char config_lstm[] =
    "embedding_length int embedding_size|hidden_size !\n"
    "lstm.hidden_size int hidden_size !\n"
    "block_count int num_hidden_layers !\n"
    "vocab_size int vocab_size\n";

static int32_t special_lstm(inlay__config *c) {
    inlay__config_put_int(c, "context_length", 1 << 20);
    inlay__config_put_int(c, "feed_forward_length", 0);
    inlay__config_put_int(c, "attention.head_count", 0);
    return INLAY_OK;
}

/* ------------------------------------------------------------------------ table */

const inlay__family inlay__families_recurrent[] = {
    {"mamba", "mamba", "backbone.", config_mamba, tensors_mamba, special_mamba},
    {"mamba2", "mamba2", "backbone.", config_mamba2, tensors_mamba2, special_mamba2},
    {"rwkv", "rwkv4", "rwkv.", config_rwkv, tensors_rwkv, special_rwkv},
    {"lfm2", "lfm2", "model.", config_lfm2, tensors_lfm2, special_lfm2},
    {"recurrent_gemma", "recurrentgemma", "model.", config_recurrentgemma, tensors_recurrentgemma, special_recurrentgemma},
    {"lstm_lm", "lstm", "", config_lstm, tensors_lstm, special_lstm},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
