/* Encoders (BERT, RoBERTa, DistilBERT, ModernBERT) and encoder-decoders (T5, BART). */
#include <math.h>

#include "import/family.h"

#define END {NULL, NULL, INLAY__AS_IT_IS}
#define CONFIG_END {NULL, INLAY__CONFIG_INT, NULL, NULL}

/* ------------------------------------------------------------- BERT and RoBERTa */

/* The heads are named alike in all: cls.*, cls.norm.* and output.bias predict masked tokens, cls.* and cls.output.*
 * classify. */
#define TENSORS_BERT_BODY(positions)                                                          \
    {"embeddings.word_embeddings.weight", "token_embd.weight", INLAY__AS_IT_IS},              \
    {"embeddings.position_embeddings.weight", "position_embd.weight", positions},             \
    {"embeddings.token_type_embeddings.weight", "token_types.weight", INLAY__AS_IT_IS},       \
    {"embeddings.LayerNorm.*", "token_embd_norm.*", INLAY__AS_IT_IS},                         \
    {"embeddings.position_ids", NULL, INLAY__IGNORED},                                        \
    {"encoder.layer.%.attention.self.query.*", "blk.%.attn_q.*", INLAY__AS_IT_IS},            \
    {"encoder.layer.%.attention.self.key.*", "blk.%.attn_k.*", INLAY__AS_IT_IS},              \
    {"encoder.layer.%.attention.self.value.*", "blk.%.attn_v.*", INLAY__AS_IT_IS},            \
    {"encoder.layer.%.attention.output.dense.*", "blk.%.attn_output.*", INLAY__AS_IT_IS},     \
    {"encoder.layer.%.attention.output.LayerNorm.*", "blk.%.attn_output_norm.*", INLAY__AS_IT_IS}, \
    {"encoder.layer.%.intermediate.dense.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},              \
    {"encoder.layer.%.output.dense.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS},                  \
    {"encoder.layer.%.output.LayerNorm.*", "blk.%.layer_output_norm.*", INLAY__AS_IT_IS}

/* The pooler is a classifier's first layer; other models were only trained with it. */
static const inlay__tensor_line tensors_bert[] = {
    TENSORS_BERT_BODY(INLAY__AS_IT_IS),
    {"pooler.dense.*", "cls.*", INLAY__CLASSIFIER},
    {"cls.predictions.transform.dense.*", "cls.*", INLAY__AS_IT_IS},
    {"cls.predictions.transform.LayerNorm.*", "cls.norm.*", INLAY__AS_IT_IS},
    {"cls.predictions.decoder.weight", "output.weight", INLAY__AS_IT_IS},
    {"cls.predictions.decoder.bias", NULL, INLAY__IGNORED}, /* the same as the next */
    {"cls.predictions.bias", "output.bias", INLAY__AS_IT_IS},
    {"cls.seq_relationship.*", NULL, INLAY__IGNORED},
    {"classifier.*", "cls.output.*", INLAY__AS_IT_IS},
    END};

static const inlay__tensor_line tensors_roberta[] = {
    TENSORS_BERT_BODY(INLAY__POSITIONS),
    {"pooler.dense.*", "cls.*", INLAY__CLASSIFIER},
    {"lm_head.dense.*", "cls.*", INLAY__AS_IT_IS},
    {"lm_head.layer_norm.*", "cls.norm.*", INLAY__AS_IT_IS},
    {"lm_head.decoder.weight", "output.weight", INLAY__AS_IT_IS},
    {"lm_head.decoder.bias", NULL, INLAY__IGNORED}, /* the same as the next */
    {"lm_head.bias", "output.bias", INLAY__AS_IT_IS},
    {"classifier.dense.*", "cls.*", INLAY__AS_IT_IS},
    {"classifier.out_proj.*", "cls.output.*", INLAY__AS_IT_IS},
    END};

#define CONFIG_BERT                                                                           \
    {"embedding_length", INLAY__CONFIG_INT, "hidden_size", "!"},                              \
    {"block_count", INLAY__CONFIG_INT, "num_hidden_layers", "!"},                             \
    {"feed_forward_length", INLAY__CONFIG_INT, "intermediate_size", "!"},                     \
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},                                    \
    {"attention.head_count", INLAY__CONFIG_INT, "num_attention_heads", "!"},                  \
    {"attention.layer_norm_epsilon", INLAY__CONFIG_FLOAT, "layer_norm_eps", "1e-12"},         \
    {"activation", INLAY__CONFIG_ACTIVATION, "hidden_act", "gelu"},                           \
    {"tokenizer.ggml.token_type_count", INLAY__CONFIG_INT, "type_vocab_size", "2"},           \
    {"", INLAY__CONFIG_EXPECT, "position_embedding_type", "absolute"},                        \
    {"", INLAY__CONFIG_EXPECT, "is_decoder", "false"}

static const inlay__config_line config_bert[] = {
    CONFIG_BERT, {"context_length", INLAY__CONFIG_INT, "max_position_embeddings", "512"}, CONFIG_END};
static const inlay__config_line config_roberta[] = {CONFIG_BERT, CONFIG_END};

static int32_t special_bert(inlay__config *c) {
    inlay__config_put_bool(c, "attention.causal", false);
    return INLAY_OK;
}

/* Positions count from the one behind the padding token's. */
static int32_t special_roberta(inlay__config *c) {
    int64_t n_positions, pad;
    INLAY__TRY(inlay__config_int(c, "max_position_embeddings", -1, &n_positions));
    INLAY__TRY(inlay__config_int(c, "pad_token_id", 1, &pad));
    if (n_positions <= pad + 1)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'max_position_embeddings' is %lld, expected more than "
                           "'pad_token_id' + 1, %lld", c->name, (long long)n_positions, (long long)pad + 1);
    inlay__config_put_int(c, "context_length", n_positions - pad - 1);
    c->position_offset = (uint64_t)pad + 1;
    return special_bert(c);
}

/* ------------------------------------------------------------------- DistilBERT */

static const inlay__tensor_line tensors_distilbert[] = {
    {"embeddings.word_embeddings.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"embeddings.position_embeddings.weight", "position_embd.weight", INLAY__AS_IT_IS},
    {"embeddings.LayerNorm.*", "token_embd_norm.*", INLAY__AS_IT_IS},
    {"embeddings.position_ids", NULL, INLAY__IGNORED},
    {"transformer.layer.%.attention.q_lin.*", "blk.%.attn_q.*", INLAY__AS_IT_IS},
    {"transformer.layer.%.attention.k_lin.*", "blk.%.attn_k.*", INLAY__AS_IT_IS},
    {"transformer.layer.%.attention.v_lin.*", "blk.%.attn_v.*", INLAY__AS_IT_IS},
    {"transformer.layer.%.attention.out_lin.*", "blk.%.attn_output.*", INLAY__AS_IT_IS},
    {"transformer.layer.%.sa_layer_norm.*", "blk.%.attn_output_norm.*", INLAY__AS_IT_IS},
    {"transformer.layer.%.ffn.lin1.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},
    {"transformer.layer.%.ffn.lin2.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS},
    {"transformer.layer.%.output_layer_norm.*", "blk.%.layer_output_norm.*", INLAY__AS_IT_IS},
    {"vocab_transform.*", "cls.*", INLAY__AS_IT_IS},
    {"vocab_layer_norm.*", "cls.norm.*", INLAY__AS_IT_IS},
    {"vocab_projector.weight", "output.weight", INLAY__AS_IT_IS},
    {"vocab_projector.bias", "output.bias", INLAY__AS_IT_IS},
    {"pre_classifier.*", "cls.*", INLAY__AS_IT_IS},
    {"classifier.*", "cls.output.*", INLAY__AS_IT_IS},
    END};

static const inlay__config_line config_distilbert[] = {
    {"context_length", INLAY__CONFIG_INT, "max_position_embeddings", "512"},
    {"embedding_length", INLAY__CONFIG_INT, "dim", "!"},
    {"block_count", INLAY__CONFIG_INT, "n_layers", "!"},
    {"feed_forward_length", INLAY__CONFIG_INT, "hidden_dim", "!"},
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},
    {"attention.head_count", INLAY__CONFIG_INT, "n_heads", "!"},
    {"activation", INLAY__CONFIG_ACTIVATION, "activation", "gelu"},
    CONFIG_END};

static int32_t special_distilbert(inlay__config *c) {
    inlay__config_put_float(c, "attention.layer_norm_epsilon", 1e-12);
    return special_bert(c);
}

/* ------------------------------------------------------------------- ModernBERT */

static const inlay__tensor_line tensors_modernbert[] = {
    {"embeddings.tok_embeddings.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"embeddings.norm.*", "token_embd_norm.*", INLAY__AS_IT_IS},
    {"final_norm.*", "output_norm.*", INLAY__AS_IT_IS},
    {"layers.%.attn_norm.*", "blk.%.attn_norm.*", INLAY__AS_IT_IS},
    {"layers.%.attn.Wqkv.*", "blk.%.attn_qkv.*", INLAY__AS_IT_IS},
    {"layers.%.attn.Wo.*", "blk.%.attn_output.*", INLAY__AS_IT_IS},
    {"layers.%.mlp_norm.*", "blk.%.ffn_norm.*", INLAY__AS_IT_IS},
    {"layers.%.mlp.Wi.*", "blk.%.ffn_up.*", INLAY__AS_IT_IS},
    {"layers.%.mlp.Wo.*", "blk.%.ffn_down.*", INLAY__AS_IT_IS},
    {"head.dense.*", "cls.*", INLAY__AS_IT_IS},
    {"head.norm.*", "cls.norm.*", INLAY__AS_IT_IS},
    {"decoder.*", "output.*", INLAY__AS_IT_IS},
    {"classifier.*", "cls.output.*", INLAY__AS_IT_IS},
    END};

static const inlay__config_line config_modernbert[] = {
    {"context_length", INLAY__CONFIG_INT, "max_position_embeddings", "8192"},
    {"embedding_length", INLAY__CONFIG_INT, "hidden_size", "!"},
    {"block_count", INLAY__CONFIG_INT, "num_hidden_layers", "!"},
    {"feed_forward_length", INLAY__CONFIG_INT, "intermediate_size", "!"},
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},
    {"attention.head_count", INLAY__CONFIG_INT, "num_attention_heads", "!"},
    {"attention.layer_norm_epsilon", INLAY__CONFIG_FLOAT, "norm_eps", "1e-5"},
    {"activation", INLAY__CONFIG_ACTIVATION, "hidden_activation", "gelu"},
    {"classifier_activation", INLAY__CONFIG_ACTIVATION, "classifier_activation", "gelu"},
    CONFIG_END};

static int32_t special_modernbert(inlay__config *c) {
    int64_t n;
    INLAY__TRY(inlay__config_int(c, "global_attn_every_n_layers", 3, &n));
    INLAY__TRY(inlay__config_put_rope(c, 1.0));
    INLAY__TRY(inlay__config_put_window(c, "local_attention", INLAY__WINDOW_NOT_FIRST, n));
    return special_bert(c);
}

/* --------------------------------------------------------------------------- T5 */

static const inlay__tensor_line tensors_t5[] = {
    {"shared.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"encoder.embed_tokens.weight", NULL, INLAY__IGNORED}, /* the same */
    {"decoder.embed_tokens.weight", NULL, INLAY__IGNORED},
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS},
    {"encoder.final_layer_norm.weight", "enc.output_norm.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.0.layer_norm.weight", "enc.blk.%.attn_norm.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.0.SelfAttention.q.weight", "enc.blk.%.attn_q.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.0.SelfAttention.k.weight", "enc.blk.%.attn_k.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.0.SelfAttention.v.weight", "enc.blk.%.attn_v.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.0.SelfAttention.o.weight", "enc.blk.%.attn_o.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.0.SelfAttention.relative_attention_bias.weight", "enc.blk.%.attn_rel_b.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.1.layer_norm.weight", "enc.blk.%.ffn_norm.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.1.DenseReluDense.wi.weight", "enc.blk.%.ffn_up.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.1.DenseReluDense.wi_0.weight", "enc.blk.%.ffn_gate.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.1.DenseReluDense.wi_1.weight", "enc.blk.%.ffn_up.weight", INLAY__AS_IT_IS},
    {"encoder.block.%.layer.1.DenseReluDense.wo.weight", "enc.blk.%.ffn_down.weight", INLAY__AS_IT_IS},
    {"decoder.final_layer_norm.weight", "dec.output_norm.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.0.layer_norm.weight", "dec.blk.%.attn_norm.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.0.SelfAttention.q.weight", "dec.blk.%.attn_q.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.0.SelfAttention.k.weight", "dec.blk.%.attn_k.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.0.SelfAttention.v.weight", "dec.blk.%.attn_v.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.0.SelfAttention.o.weight", "dec.blk.%.attn_o.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.0.SelfAttention.relative_attention_bias.weight", "dec.blk.%.attn_rel_b.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.1.layer_norm.weight", "dec.blk.%.cross_attn_norm.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.1.EncDecAttention.q.weight", "dec.blk.%.cross_attn_q.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.1.EncDecAttention.k.weight", "dec.blk.%.cross_attn_k.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.1.EncDecAttention.v.weight", "dec.blk.%.cross_attn_v.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.1.EncDecAttention.o.weight", "dec.blk.%.cross_attn_o.weight", INLAY__AS_IT_IS},
    /* old checkpoints have one, which transformers ignores */
    {"decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", NULL, INLAY__IGNORED},
    {"decoder.block.%.layer.2.layer_norm.weight", "dec.blk.%.ffn_norm.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.2.DenseReluDense.wi.weight", "dec.blk.%.ffn_up.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.2.DenseReluDense.wi_0.weight", "dec.blk.%.ffn_gate.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.2.DenseReluDense.wi_1.weight", "dec.blk.%.ffn_up.weight", INLAY__AS_IT_IS},
    {"decoder.block.%.layer.2.DenseReluDense.wo.weight", "dec.blk.%.ffn_down.weight", INLAY__AS_IT_IS},
    END};

static const inlay__config_line config_t5[] = {
    {"context_length", INLAY__CONFIG_INT, "n_positions", "512"},
    {"embedding_length", INLAY__CONFIG_INT, "d_model", "!"},
    {"block_count", INLAY__CONFIG_INT, "num_layers", "!"},
    {"decoder_block_count", INLAY__CONFIG_INT, "num_decoder_layers", "=num_layers"},
    {"feed_forward_length", INLAY__CONFIG_INT, "d_ff", "!"},
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},
    {"attention.head_count", INLAY__CONFIG_INT, "num_heads", "!"},
    {"attention.key_length", INLAY__CONFIG_INT, "d_kv", "64"},
    {"attention.value_length", INLAY__CONFIG_INT, "d_kv", "64"},
    {"attention.layer_norm_rms_epsilon", INLAY__CONFIG_FLOAT, "layer_norm_epsilon", "1e-6"},
    {"attention.relative_buckets_count", INLAY__CONFIG_INT, "relative_attention_num_buckets", "32"},
    {"attention.relative_max_distance", INLAY__CONFIG_INT, "relative_attention_max_distance", "128"},
    {"decoder_start_token_id", INLAY__CONFIG_INT, "decoder_start_token_id", "0"},
    CONFIG_END};

/* With a tied head the decoder's last states are divided by sqrt(d_model). feed_forward_proj is a function's name, with
 * "gated-" before it where there is a gate; "gated-gelu" means the one by tanh. */
static int32_t special_t5(inlay__config *c) {
    inlay__text key;
    int64_t d_model;
    bool tied, scaled;
    const inlay__json_node *node = inlay__config_get(c, "feed_forward_proj", &key);
    const char *name = "relu";
    if (inlay__json_equals(node, "gated-gelu")) name = "gelu_tanh";
    if (inlay__json_equals(node, "gated-silu")) name = "silu";
    if (inlay__json_equals(node, "gelu")) name = "gelu";
    if (node != NULL && strcmp(name, "relu") == 0 && !inlay__json_equals(node, "relu"))
        return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, node, "relu, gelu, gated-gelu or gated-silu");
    inlay__config_put_string(c, "activation", name);
    INLAY__TRY(inlay__config_int(c, "d_model", -1, &d_model));
    INLAY__TRY(inlay__config_bool(c, "tie_word_embeddings", true, &tied));
    INLAY__TRY(inlay__config_bool(c, "scale_decoder_outputs", tied, &scaled));
    inlay__config_put_float(c, "decoder_output_scale", scaled && d_model > 0 ? 1.0 / sqrt((double)d_model) : 1.0);
    return INLAY_OK;
}

/* ------------------------------------------------------------------------- BART */

#define TENSORS_BART_SIDE(side, short_side)                                                   \
    {side ".embed_tokens.weight", NULL, INLAY__IGNORED}, /* the same as shared.weight */      \
    {side ".embed_positions.weight", short_side ".position_embd.weight", INLAY__POSITIONS},   \
    {side ".layernorm_embedding.*", short_side ".token_embd_norm.*", INLAY__AS_IT_IS},        \
    {side ".layers.%.self_attn.q_proj.*", short_side ".blk.%.attn_q.*", INLAY__AS_IT_IS},     \
    {side ".layers.%.self_attn.k_proj.*", short_side ".blk.%.attn_k.*", INLAY__AS_IT_IS},     \
    {side ".layers.%.self_attn.v_proj.*", short_side ".blk.%.attn_v.*", INLAY__AS_IT_IS},     \
    {side ".layers.%.self_attn.out_proj.*", short_side ".blk.%.attn_o.*", INLAY__AS_IT_IS},   \
    {side ".layers.%.self_attn_layer_norm.*", short_side ".blk.%.attn_norm.*", INLAY__AS_IT_IS}, \
    {side ".layers.%.fc1.*", short_side ".blk.%.ffn_up.*", INLAY__AS_IT_IS},                  \
    {side ".layers.%.fc2.*", short_side ".blk.%.ffn_down.*", INLAY__AS_IT_IS},                \
    {side ".layers.%.final_layer_norm.*", short_side ".blk.%.ffn_norm.*", INLAY__AS_IT_IS}

/* Positions count from 2. */
static const inlay__tensor_line tensors_bart[] = {
    {"shared.weight", "token_embd.weight", INLAY__AS_IT_IS},
    {"lm_head.weight", "output.weight", INLAY__AS_IT_IS},
    {"final_logits_bias", "output.bias", INLAY__FLAT},
    TENSORS_BART_SIDE("encoder", "enc"), TENSORS_BART_SIDE("decoder", "dec"),
    {"decoder.layers.%.encoder_attn.q_proj.*", "dec.blk.%.cross_attn_q.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.encoder_attn.k_proj.*", "dec.blk.%.cross_attn_k.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.encoder_attn.v_proj.*", "dec.blk.%.cross_attn_v.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.encoder_attn.out_proj.*", "dec.blk.%.cross_attn_o.*", INLAY__AS_IT_IS},
    {"decoder.layers.%.encoder_attn_layer_norm.*", "dec.blk.%.cross_attn_norm.*", INLAY__AS_IT_IS},
    END};

static const inlay__config_line config_bart[] = {
    {"context_length", INLAY__CONFIG_INT, "max_position_embeddings", "1024"},
    {"embedding_length", INLAY__CONFIG_INT, "d_model", "!"},
    {"block_count", INLAY__CONFIG_INT, "encoder_layers", "!"},
    {"decoder_block_count", INLAY__CONFIG_INT, "decoder_layers", "=encoder_layers"},
    {"feed_forward_length", INLAY__CONFIG_INT, "encoder_ffn_dim", "!"},
    {"decoder_feed_forward_length", INLAY__CONFIG_INT, "decoder_ffn_dim", "=encoder_ffn_dim"},
    {"vocab_size", INLAY__CONFIG_INT, "vocab_size", NULL},
    {"attention.head_count", INLAY__CONFIG_INT, "encoder_attention_heads", "!"},
    {"decoder_attention_head_count", INLAY__CONFIG_INT, "decoder_attention_heads", "=encoder_attention_heads"},
    {"decoder_start_token_id", INLAY__CONFIG_INT, "decoder_start_token_id", "2"},
    {"activation", INLAY__CONFIG_ACTIVATION, "activation_function", "gelu"},
    CONFIG_END};

static int32_t special_bart(inlay__config *c) {
    int64_t d_model;
    bool scaled;
    INLAY__TRY(inlay__config_int(c, "d_model", -1, &d_model));
    INLAY__TRY(inlay__config_bool(c, "scale_embedding", false, &scaled));
    inlay__config_put_float(c, "attention.layer_norm_epsilon", 1e-5);
    inlay__config_put_float(c, "embedding_scale", scaled ? sqrt((double)d_model) : 1.0);
    c->position_offset = 2;
    return INLAY_OK;
}

/* ------------------------------------------------------------------------ table */

const inlay__family inlay__families_encoder[] = {
    {"bert", "bert", "bert.", config_bert, tensors_bert, special_bert},
    {"roberta", "bert", "roberta.", config_roberta, tensors_roberta, special_roberta},
    {"xlm-roberta", "bert", "roberta.", config_roberta, tensors_roberta, special_roberta},
    {"distilbert", "bert", "distilbert.", config_distilbert, tensors_distilbert, special_distilbert},
    {"modernbert", "modern-bert", "model.", config_modernbert, tensors_modernbert, special_modernbert},
    {"t5", "t5", "", config_t5, tensors_t5, special_t5},
    {"bart", "bart", "model.", config_bart, tensors_bart, special_bart},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
