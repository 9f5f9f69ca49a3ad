/* Encoders (BERT, RoBERTa, DistilBERT, ModernBERT) and encoder-decoders (T5, BART). */
#include <math.h>

#include "import/family.h"

/* ------------------------------------------------------------- BERT and RoBERTa */

/* The heads are named alike in all: cls.*, cls.norm.* and output.bias predict masked tokens, cls.* and cls.output.*
 * classify. */
#define TENSORS_BERT_BODY(positions)                                                                \
    "embeddings.word_embeddings.weight token_embd.weight\n"                                         \
    "embeddings.position_embeddings.weight position_embd.weight " positions "\n"                    \
    "embeddings.token_type_embeddings.weight token_types.weight\n"                                  \
    "embeddings.token_type_embeddings.weight token_embd_norm.weight needed\n"                       \
    "embeddings.LayerNorm.+ token_embd_norm.*\n"                                                    \
    "embeddings.position_ids - ignored\n"                                                           \
    "encoder.layer.%.attention.self.query.+ blk.%.attn_q.*\n"                                       \
    "encoder.layer.%.attention.self.key.+ blk.%.attn_k.*\n"                                         \
    "encoder.layer.%.attention.self.value.+ blk.%.attn_v.*\n"                                       \
    "encoder.layer.%.attention.output.dense.+ blk.%.attn_output.*\n"                                \
    "encoder.layer.%.attention.output.LayerNorm.+ blk.%.attn_output_norm.*\n"                       \
    "encoder.layer.%.intermediate.dense.+ blk.%.ffn_up.*\n"                                         \
    "encoder.layer.%.output.dense.+ blk.%.ffn_down.*\n"                                             \
    "encoder.layer.%.output.LayerNorm.+ blk.%.layer_output_norm.*\n"

/* The pooler is a classifier's first layer; other models were only trained with it. */
static const char tensors_bert[] =
    TENSORS_BERT_BODY("")
    "pooler.dense.+ cls.* classifier\n"
    "cls.predictions.transform.dense.+ cls.*\n"
    "cls.predictions.transform.LayerNorm.+ cls.norm.*\n"
    "cls.predictions.decoder.weight output.weight\n"
    "cls.predictions.decoder.bias output.bias\n"
    "cls.predictions.bias output.bias spare\n"
    "cls.predictions.bias cls.norm.weight needed\n"
    "cls.seq_relationship.* - ignored\n"
    "classifier.* cls.output.*\n";

static const char tensors_roberta[] =
    TENSORS_BERT_BODY("positions")
    "pooler.dense.+ cls.* classifier\n"
    "lm_head.dense.+ cls.*\n"
    "lm_head.layer_norm.+ cls.norm.*\n"
    "lm_head.decoder.weight output.weight\n"
    "lm_head.decoder.bias output.bias\n"
    "lm_head.bias output.bias spare\n"
    "lm_head.bias cls.norm.weight needed\n"
    "classifier.dense.+ cls.*\n"
    "classifier.out_proj.* cls.output.*\n";

#define CONFIG_BERT                                                                                 \
    "embedding_length int hidden_size !\n"                                                          \
    "block_count int num_hidden_layers !\n"                                                         \
    "feed_forward_length int intermediate_size !\n"                                                 \
    "vocab_size int vocab_size\n"                                                                   \
    "attention.head_count int num_attention_heads !\n"                                              \
    "attention.layer_norm_epsilon float layer_norm_eps 1e-12\n"                                     \
    "activation activation hidden_act gelu\n"                                                       \
    "tokenizer.ggml.token_type_count int type_vocab_size 2\n"                                       \
    "- expect position_embedding_type absolute\n"                                                   \
    "- expect is_decoder false\n"

static const char config_bert[] =
    CONFIG_BERT "context_length int max_position_embeddings 512\n";
static const char config_roberta[] = CONFIG_BERT;

static int32_t special_bert(inlay__config *c) {
    inlay__config_put_bool(c, "attention.causal", false);
    return INLAY_OK;
}

/* Positions count from the one behind the padding token's, and tokens are predicted with GELU whatever the layers
 * have. */
static int32_t special_roberta(inlay__config *c) {
    int64_t n_positions, pad;
    INLAY__TRY(inlay__config_int(c, "max_position_embeddings", -1, &n_positions));
    INLAY__TRY(inlay__config_int(c, "pad_token_id", 1, &pad));
    if (n_positions <= pad + 1)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'max_position_embeddings' is %lld, expected more than "
                           "'pad_token_id' + 1, %lld", c->name, (long long)n_positions, (long long)pad + 1);
    inlay__config_put_int(c, "context_length", n_positions - pad - 1);
    c->position_offset = (uint64_t)pad + 1;
    inlay__config_put_string(c, "token_activation", "gelu");
    return special_bert(c);
}

/* ------------------------------------------------------------------- DistilBERT */

static const char tensors_distilbert[] =
    "embeddings.word_embeddings.weight token_embd.weight\n"
    "embeddings.position_embeddings.weight position_embd.weight\n"
    "embeddings.LayerNorm.+ token_embd_norm.*\n"
    "embeddings.position_ids - ignored\n"
    "transformer.layer.%.attention.q_lin.+ blk.%.attn_q.*\n"
    "transformer.layer.%.attention.k_lin.+ blk.%.attn_k.*\n"
    "transformer.layer.%.attention.v_lin.+ blk.%.attn_v.*\n"
    "transformer.layer.%.attention.out_lin.+ blk.%.attn_output.*\n"
    "transformer.layer.%.sa_layer_norm.+ blk.%.attn_output_norm.*\n"
    "transformer.layer.%.ffn.lin1.+ blk.%.ffn_up.*\n"
    "transformer.layer.%.ffn.lin2.+ blk.%.ffn_down.*\n"
    "transformer.layer.%.output_layer_norm.+ blk.%.layer_output_norm.*\n"
    "vocab_transform.+ cls.*\n"
    "vocab_layer_norm.+ cls.norm.*\n"
    "vocab_projector.weight output.weight\n"
    "vocab_projector.bias output.bias\n"
    "vocab_projector.bias cls.norm.weight needed\n"
    "pre_classifier.+ cls.*\n"
    "classifier.* cls.output.*\n";

static const char config_distilbert[] =
    "context_length int max_position_embeddings 512\n"
    "embedding_length int dim !\n"
    "block_count int n_layers !\n"
    "feed_forward_length int hidden_dim !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int n_heads !\n"
    "activation activation activation gelu\n";

static int32_t special_distilbert(inlay__config *c) {
    inlay__config_put_float(c, "attention.layer_norm_epsilon", 1e-12);
    inlay__config_put_string(c, "classifier_activation", "relu");
    return special_bert(c);
}

/* ------------------------------------------------------------------- ModernBERT */

static const char tensors_modernbert[] =
    "embeddings.tok_embeddings.weight token_embd.weight\n"
    "embeddings.norm.* token_embd_norm.*\n"
    "final_norm.* output_norm.*\n"
    "layers.%.attn_norm.* blk.%.attn_norm.*\n"
    "layers.%.attn.Wqkv.* blk.%.attn_qkv.*\n"
    "layers.%.attn.Wo.* blk.%.attn_output.*\n"
    "layers.%.mlp_norm.* blk.%.ffn_norm.*\n"
    "layers.%.mlp.Wi.* blk.%.ffn_up.*\n"
    "layers.%.mlp.Wo.* blk.%.ffn_down.*\n"
    "head.dense.* cls.*\n"
    "head.norm.* cls.norm.*\n"
    "head.norm.weight cls.weight needed\n"
    "head.dense.weight cls.norm.weight needed\n"
    "decoder.* output.*\n"
    "classifier.* cls.output.*\n";

static const char config_modernbert[] =
    "context_length int max_position_embeddings 8192\n"
    "embedding_length int hidden_size !\n"
    "block_count int num_hidden_layers !\n"
    "feed_forward_length int intermediate_size !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int num_attention_heads !\n"
    "attention.layer_norm_epsilon float norm_eps 1e-5\n"
    "activation activation hidden_activation gelu\n"
    "classifier_activation activation classifier_activation gelu\n"
    "blk.%.attn_qkv.* has_bias attention_bias\n"
    "blk.%.attn_output.* has_bias attention_bias\n"
    "blk.%.ffn_up.* has_bias mlp_bias\n"
    "blk.%.ffn_down.* has_bias mlp_bias\n"
    "blk.%.attn_norm.* has_bias norm_bias\n"
    "blk.%.ffn_norm.* has_bias norm_bias\n"
    "cls.* has_bias classifier_bias\n";

static int32_t special_modernbert(inlay__config *c) {
    int64_t n;
    INLAY__TRY(inlay__config_int(c, "global_attn_every_n_layers", 3, &n));
    INLAY__TRY(inlay__config_put_rope(c));
    INLAY__TRY(inlay__config_put_window(c, "local_attention", INLAY__WINDOW_NOT_FIRST, n));
    inlay__text key;
    const inlay__json_node *pooling = inlay__config_get(c, "classifier_pooling", &key);
    if (pooling != NULL && !inlay__json_equals(pooling, "cls") && !inlay__json_equals(pooling, "mean"))
        return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, pooling, "cls or mean");
    inlay__config_put_string(c, "classifier_pooling", pooling != NULL && inlay__json_equals(pooling, "mean") ? "mean" : "cls");
    return special_bert(c);
}

/* --------------------------------------------------------------------------- T5 */

static const char tensors_t5[] =
    "shared.weight token_embd.weight\n"
    "decoder.embed_tokens.weight token_embd.weight spare\n" /* the same; some folders have only these */
    "encoder.embed_tokens.weight token_embd.weight spare\n"
    "lm_head.weight output.weight\n"
    "encoder.final_layer_norm.weight enc.output_norm.weight\n"
    "encoder.block.%.layer.0.layer_norm.weight enc.blk.%.attn_norm.weight\n"
    "encoder.block.%.layer.0.SelfAttention.q.weight enc.blk.%.attn_q.weight\n"
    "encoder.block.%.layer.0.SelfAttention.k.weight enc.blk.%.attn_k.weight\n"
    "encoder.block.%.layer.0.SelfAttention.v.weight enc.blk.%.attn_v.weight\n"
    "encoder.block.%.layer.0.SelfAttention.o.weight enc.blk.%.attn_o.weight\n"
    "encoder.block.%.layer.0.SelfAttention.relative_attention_bias.weight enc.blk.%.attn_rel_b.weight\n"
    "encoder.block.%.layer.1.layer_norm.weight enc.blk.%.ffn_norm.weight\n"
    "encoder.block.%.layer.1.DenseReluDense.wi.weight enc.blk.%.ffn_up.weight\n"
    "encoder.block.%.layer.1.DenseReluDense.wi_0.weight enc.blk.%.ffn_gate.weight\n"
    "encoder.block.%.layer.1.DenseReluDense.wi_1.weight enc.blk.%.ffn_up.weight\n"
    "encoder.block.%.layer.1.DenseReluDense.wo.weight enc.blk.%.ffn_down.weight\n"
    "decoder.final_layer_norm.weight dec.output_norm.weight\n"
    "decoder.block.%.layer.0.layer_norm.weight dec.blk.%.attn_norm.weight\n"
    "decoder.block.%.layer.0.SelfAttention.q.weight dec.blk.%.attn_q.weight\n"
    "decoder.block.%.layer.0.SelfAttention.k.weight dec.blk.%.attn_k.weight\n"
    "decoder.block.%.layer.0.SelfAttention.v.weight dec.blk.%.attn_v.weight\n"
    "decoder.block.%.layer.0.SelfAttention.o.weight dec.blk.%.attn_o.weight\n"
    "decoder.block.%.layer.0.SelfAttention.relative_attention_bias.weight dec.blk.%.attn_rel_b.weight\n"
    "decoder.block.%.layer.1.layer_norm.weight dec.blk.%.cross_attn_norm.weight\n"
    "decoder.block.%.layer.1.EncDecAttention.q.weight dec.blk.%.cross_attn_q.weight\n"
    "decoder.block.%.layer.1.EncDecAttention.k.weight dec.blk.%.cross_attn_k.weight\n"
    "decoder.block.%.layer.1.EncDecAttention.v.weight dec.blk.%.cross_attn_v.weight\n"
    "decoder.block.%.layer.1.EncDecAttention.o.weight dec.blk.%.cross_attn_o.weight\n"
    /* old checkpoints have one, which transformers ignores */
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight - ignored\n"
    "decoder.block.%.layer.2.layer_norm.weight dec.blk.%.ffn_norm.weight\n"
    "decoder.block.%.layer.2.DenseReluDense.wi.weight dec.blk.%.ffn_up.weight\n"
    "decoder.block.%.layer.2.DenseReluDense.wi_0.weight dec.blk.%.ffn_gate.weight\n"
    "decoder.block.%.layer.2.DenseReluDense.wi_1.weight dec.blk.%.ffn_up.weight\n"
    "decoder.block.%.layer.2.DenseReluDense.wo.weight dec.blk.%.ffn_down.weight\n";

static const char config_t5[] =
    "context_length int n_positions 512\n"
    "embedding_length int d_model !\n"
    "block_count int num_layers !\n"
    "decoder_block_count int num_decoder_layers =num_layers\n"
    "feed_forward_length int d_ff !\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int num_heads !\n"
    "attention.key_length int d_kv 64\n"
    "attention.value_length int d_kv 64\n"
    "attention.layer_norm_rms_epsilon float layer_norm_epsilon 1e-6\n"
    "attention.relative_buckets_count int relative_attention_num_buckets 32\n"
    "attention.relative_max_distance int relative_attention_max_distance 128\n"
    "decoder_start_token_id int decoder_start_token_id 0\n";

/* feed_forward_proj is a function's name, with "gated-" before it where there is a gate, which the tensors tell;
 * "gated-gelu" means the one by tanh. */
static int32_t put_t5_activation(inlay__config *c, const char *absent) {
    static const char gated[] = "gated-";
    enum { N_GATED = sizeof gated - 1 };
    inlay__text key;
    const inlay__json_node *node = inlay__config_get(c, "feed_forward_proj", &key);
    const char *name = absent;
    if (node != NULL) {
        inlay__json_node function = *node;
        bool is_gated = node->kind == INLAY__JSON_STRING && node->size > N_GATED &&
                        memcmp(node->text, gated, N_GATED) == 0;
        if (is_gated) {
            function.text += N_GATED;
            function.size -= N_GATED;
        }
        name = is_gated && inlay__json_equals(&function, "gelu") ? "gelu_tanh" : inlay__config_activation(&function);
    }
    if (name == NULL)
        return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, node,
                                  INLAY__CONFIG_ACTIVATIONS ", or \"gated-\" and one");
    inlay__config_put_string(c, "activation", name);
    return INLAY_OK;
}

static int32_t special_mt5(inlay__config *c) {
    inlay__config_put_float(c, "decoder_output_scale", 1.0);
    return put_t5_activation(c, "gelu_tanh");
}

/* With a tied head the decoder's last states are divided by sqrt(d_model). */
static int32_t special_t5(inlay__config *c) {
    int64_t d_model;
    bool tied, scaled;
    INLAY__TRY(put_t5_activation(c, "relu"));
    INLAY__TRY(inlay__config_int(c, "d_model", -1, &d_model));
    INLAY__TRY(inlay__config_bool(c, "tie_word_embeddings", true, &tied));
    INLAY__TRY(inlay__config_bool(c, "scale_decoder_outputs", tied, &scaled));
    inlay__config_put_float(c, "decoder_output_scale", scaled && d_model > 0 ? 1.0 / sqrt((double)d_model) : 1.0);
    return INLAY_OK;
}

/* ------------------------------------------------------------------------- BART */

#define TENSORS_BART_SIDE(side, short_side)                                                         \
    side ".embed_tokens.weight token_embd.weight spare\n" /* the same as shared.weight */           \
    side ".embed_positions.weight " short_side ".position_embd.weight positions\n"                  \
    side ".layernorm_embedding.+ " short_side ".token_embd_norm.*\n"                                \
    side ".layers.%.self_attn.q_proj.+ " short_side ".blk.%.attn_q.*\n"                             \
    side ".layers.%.self_attn.k_proj.+ " short_side ".blk.%.attn_k.*\n"                             \
    side ".layers.%.self_attn.v_proj.+ " short_side ".blk.%.attn_v.*\n"                             \
    side ".layers.%.self_attn.out_proj.+ " short_side ".blk.%.attn_o.*\n"                           \
    side ".layers.%.self_attn_layer_norm.+ " short_side ".blk.%.attn_norm.*\n"                      \
    side ".layers.%.fc1.+ " short_side ".blk.%.ffn_up.*\n"                                          \
    side ".layers.%.fc2.+ " short_side ".blk.%.ffn_down.*\n"                                        \
    side ".layers.%.final_layer_norm.+ " short_side ".blk.%.ffn_norm.*\n"

/* Positions count from 2. */
static const char tensors_bart[] =
    "shared.weight token_embd.weight\n"
    "lm_head.weight output.weight\n"
    "final_logits_bias output.bias flat\n"
    TENSORS_BART_SIDE("encoder", "enc") TENSORS_BART_SIDE("decoder", "dec")
    "decoder.layers.%.encoder_attn.q_proj.+ dec.blk.%.cross_attn_q.*\n"
    "decoder.layers.%.encoder_attn.k_proj.+ dec.blk.%.cross_attn_k.*\n"
    "decoder.layers.%.encoder_attn.v_proj.+ dec.blk.%.cross_attn_v.*\n"
    "decoder.layers.%.encoder_attn.out_proj.+ dec.blk.%.cross_attn_o.*\n"
    "decoder.layers.%.encoder_attn_layer_norm.+ dec.blk.%.cross_attn_norm.*\n";

static const char config_bart[] =
    "context_length int max_position_embeddings 1024\n"
    "embedding_length int d_model !\n"
    "block_count int encoder_layers !\n"
    "decoder_block_count int decoder_layers =encoder_layers\n"
    "feed_forward_length int encoder_ffn_dim !\n"
    "decoder_feed_forward_length int decoder_ffn_dim =encoder_ffn_dim\n"
    "vocab_size int vocab_size\n"
    "attention.head_count int encoder_attention_heads !\n"
    "decoder_attention_head_count int decoder_attention_heads =encoder_attention_heads\n"
    "decoder_start_token_id int decoder_start_token_id 2\n"
    "decoder_forced_token_id int forced_bos_token_id\n"
    "activation activation activation_function gelu\n"
    "- expect tie_word_embeddings true\n"; /* else each side has an embedding of its own */

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
    {"camembert", "bert", "roberta.", config_roberta, tensors_roberta, special_roberta},
    {"distilbert", "bert", "distilbert.", config_distilbert, tensors_distilbert, special_distilbert},
    {"modernbert", "modern-bert", "model.", config_modernbert, tensors_modernbert, special_modernbert},
    {"t5", "t5", "", config_t5, tensors_t5, special_t5},
    {"mt5", "t5", "", config_t5, tensors_t5, special_mt5},
    {"bart", "bart", "model.", config_bart, tensors_bart, special_bart},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
