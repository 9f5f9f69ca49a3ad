/* Reads hyperparameters from GGUF metadata "ARCHITECTURE.key" and checks each against what the library can hold. */
#include "model/hparams.h"

#include "model/arch.h"

static int32_t read_f32(const inlay__keys *k, const char *key, double least, double greatest, float *value) {
    double found = (double)*value;
    INLAY__TRY(inlay__keys_f64(k, key, false, least, greatest, &found));
    *value = (float)found;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- rotation */

static int32_t read_yarn(const inlay__keys *k, inlay__hparams *h) {
    h->yarn_beta_fast = 32.0;
    h->yarn_beta_slow = 1.0;
    INLAY__TRY(inlay__keys_f64(k, "rope.scaling.factor", true, 1.0, 1e6, &h->rope_scale));
    INLAY__TRY(inlay__keys_u32(k, "rope.scaling.original_context_length", true, 1, INLAY__MAX_CONTEXT,
                               &h->n_context_original));
    INLAY__TRY(inlay__keys_f64(k, "rope.scaling.yarn_beta_fast", false, 1e-3, 1e6, &h->yarn_beta_fast));
    INLAY__TRY(inlay__keys_f64(k, "rope.scaling.yarn_beta_slow", false, 1e-3, 1e6, &h->yarn_beta_slow));
    h->yarn_truncates = true;
    INLAY__TRY(inlay__keys_bool(k, "rope.scaling.yarn_truncate", false, &h->yarn_truncates));
    return inlay__keys_f64(k, "rope.scaling.yarn_attn_factor", false, 1e-3, 1e3, &h->rope_attn_factor);
}

static int32_t read_llama3(const inlay__keys *k, inlay__hparams *h) {
    h->llama3_low = 1.0;
    h->llama3_high = 4.0;
    INLAY__TRY(inlay__keys_f64(k, "rope.scaling.factor", true, 1e-6, 1e6, &h->rope_scale));
    INLAY__TRY(inlay__keys_u32(k, "rope.scaling.original_context_length", true, 1, INLAY__MAX_CONTEXT,
                               &h->n_context_original));
    INLAY__TRY(inlay__keys_f64(k, "rope.scaling.low_freq_factor", false, 1e-3, 1e3, &h->llama3_low));
    INLAY__TRY(inlay__keys_f64(k, "rope.scaling.high_freq_factor", false, 1e-3, 1e3, &h->llama3_high));
    if (h->llama3_low < h->llama3_high) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': '%s.rope.scaling.high_freq_factor' is %g, expected more than the low "
                       "one, %g", k->name, k->architecture, h->llama3_high, h->llama3_low);
}

static int32_t read_rope_scaling(const inlay__keys *k, inlay__hparams *h) {
    static const char *const names[] = {"none", "linear", "llama3", "yarn", "longrope", "dynamic"};
    const char *type = NULL;
    size_t kind = 0;
    h->rope_scale = 1.0;
    h->rope_scaling = INLAY__ROPE_LINEAR;
    /* Files whose factors are tensors have these two without a type. */
    INLAY__TRY(inlay__keys_u32(k, "rope.scaling.original_context_length", false, 1, INLAY__MAX_CONTEXT,
                               &h->n_context_original));
    INLAY__TRY(inlay__keys_f64(k, "rope.scaling.attn_factor", false, 1e-3, 1e3, &h->rope_attn_factor));
    INLAY__TRY(inlay__keys_text(k, "rope.scaling.type", false, &type));
    if (type == NULL) return inlay__keys_f64(k, "rope.scale_linear", false, 1e-6, 1e6, &h->rope_scale);
    while (kind < INLAY__COUNT(names) && strcmp(type, names[kind]) != 0) kind++;
    if (kind == INLAY__COUNT(names))
        return inlay__keys_refuse(k, "rope.scaling.type", type, "none, linear, llama3, yarn, longrope, dynamic");
    h->rope_scaling = (inlay__rope_scaling)kind;
    switch (h->rope_scaling) {
    case INLAY__ROPE_DYNAMIC: return inlay__keys_f64(k, "rope.scaling.factor", true, 1.0, 1e6, &h->rope_scale);
    case INLAY__ROPE_LINEAR: return inlay__keys_f64(k, "rope.scaling.factor", true, 1e-6, 1e6, &h->rope_scale);
    case INLAY__ROPE_LLAMA3: return read_llama3(k, h);
    case INLAY__ROPE_YARN: return read_yarn(k, h);
    case INLAY__ROPE_LONGROPE:
        return inlay__keys_u32(k, "rope.scaling.original_context_length", true, 1, INLAY__MAX_CONTEXT,
                               &h->n_context_original);
    default: return INLAY_OK;
    }
}

static int32_t read_rope(const inlay__keys *k, inlay__hparams *h) {
    h->n_rope = h->n_embd_head;
    INLAY__TRY(inlay__keys_u32(k, "rope.dimension_count", false, 2, 4096, &h->n_rope));
    if (h->n_rope > h->n_embd_head || h->n_rope % 2 != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': '%s.rope.dimension_count' is %u, expected an even number up to %u", k->name,
                           k->architecture, h->n_rope, h->n_embd_head);
    h->rope_theta = 10000.0;
    INLAY__TRY(inlay__keys_f64(k, "rope.freq_base", false, 1.0, 1e12, &h->rope_theta));
    return read_rope_scaling(k, h);
}

/* ------------------------------------------------------------------- attention */

/* Where the file does not say how wide a head is, the heads share the embedding evenly. */
static int32_t read_head_width(const inlay__keys *k, inlay__hparams *h) {
    if (!inlay__keys_has(k, "attention.key_length") && h->n_embd % h->n_head != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': metadata key '%s.attention.key_length' is missing, and %u query heads do not share an "
                           "embedding of %u evenly",
                           k->name, k->architecture, h->n_head, h->n_embd);
    h->n_embd_head = h->n_embd / h->n_head;
    INLAY__TRY(inlay__keys_u32(k, "attention.key_length", false, 2, 4096, &h->n_embd_head));
    uint32_t n_value = h->n_embd_head;
    INLAY__TRY(inlay__keys_u32(k, "attention.value_length", false, 2, 4096, &n_value));
    if (n_value != h->n_embd_head)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': '%s.attention.value_length' is %u, expected %u, the length of "
                           "the keys",
                           k->name, k->architecture, n_value, h->n_embd_head);
    return INLAY_OK;
}

/* Of the layers that attend; all have the same number. */
static int32_t read_heads_kv(const inlay__keys *k, unsigned lacks, inlay__hparams *h) {
    const char *key = "attention.head_count_kv";
    uint32_t found = 0;
    h->n_head_kv = h->n_head;
    if (!(lacks & INLAY__LACKS_SOME_HEADS)) return inlay__keys_u32(k, key, false, 1, INLAY__MAX_HEAD, &h->n_head_kv);
    for (size_t i = 0; i < h->n_layer; i++) {
        uint32_t each = h->n_head;
        INLAY__TRY(inlay__keys_u32_of(k, key, i, h->n_layer, 0, INLAY__MAX_HEAD, &each));
        if (each > 0 && found > 0 && each != found)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': metadata key '%s.%s' differs between layers that attend (%u, %u)",
                               k->name, k->architecture, key, found, each);
        found = each > 0 ? each : found;
    }
    if (found > 0) h->n_head_kv = found;
    return INLAY_OK;
}

static int32_t read_attention(const inlay__keys *k, unsigned lacks, inlay__hparams *h) {
    INLAY__TRY(inlay__keys_u32(k, "attention.head_count", true, 1, INLAY__MAX_HEAD, &h->n_head));
    INLAY__TRY(read_heads_kv(k, lacks, h));
    if (h->n_head % h->n_head_kv != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': '%s.attention.head_count_kv' is %u, expected a divisor of the %u query "
                           "heads",
                           k->name, k->architecture, h->n_head_kv, h->n_head);
    INLAY__TRY(read_head_width(k, h));
    INLAY__TRY(inlay__keys_u32(k, "attention.sliding_window", false, 0, INLAY__MAX_CONTEXT, &h->n_window));
    INLAY__TRY(read_f32(k, "attn_logit_softcapping", 0.0, 1e6, &h->attn_soft_cap));
    INLAY__TRY(read_f32(k, "attention.scale", 0.0, 1e6, &h->attn_scale));
    return read_rope(k, h);
}

static int32_t read_experts(const inlay__keys *k, inlay__hparams *h) {
    INLAY__TRY(inlay__keys_u32(k, "expert_count", false, 0, INLAY__MAX_EXPERT, &h->n_expert));
    if (h->n_expert == 0) return INLAY_OK;
    INLAY__TRY(inlay__keys_u32(k, "expert_used_count", true, 1, h->n_expert, &h->n_expert_used));
    h->n_ff_expert = h->n_ff;
    return inlay__keys_u32(k, "expert_feed_forward_length", false, 1, INLAY__MAX_FF, &h->n_ff_expert);
}

/* Some have one of the two keys, some both, for the norms they have. */
static int32_t read_epsilon(const inlay__keys *k, inlay__hparams *h) {
    double epsilon = 1e-5;
    INLAY__TRY(inlay__keys_f64(k, "attention.layer_norm_epsilon", false, 0.0, 1.0, &epsilon));
    INLAY__TRY(inlay__keys_f64(k, "attention.layer_norm_rms_epsilon", false, 0.0, 1.0, &epsilon));
    h->norm_epsilon = (float)epsilon;
    return INLAY_OK;
}

int32_t inlay__hparams_read(const char *name, const inlay__gguf *gguf, inlay__hparams *h) {
    inlay__keys keys, *k = &keys;
    memset(h, 0, sizeof *h);
    INLAY__TRY(inlay__keys_init(name, gguf, k));
    h->architecture = k->architecture;
    const inlay__arch *arch = inlay__arch_find(k->architecture);
    unsigned lacks = arch != NULL ? arch->lacks : 0;
    INLAY__TRY(inlay__keys_u32(k, "context_length", !(lacks & INLAY__LACKS_CONTEXT), 1, INLAY__MAX_CONTEXT,
                               &h->n_context_train));
    if (!(lacks & INLAY__LACKS_LAYERS)) {
        INLAY__TRY(inlay__keys_u32(k, "embedding_length", true, 1, INLAY__MAX_EMBD, &h->n_embd));
        INLAY__TRY(inlay__keys_u32(k, "block_count", true, 1, INLAY__MAX_LAYER, &h->n_layer));
    }
    if (!(lacks & INLAY__LACKS_FF))
        INLAY__TRY(inlay__keys_u32(k, "feed_forward_length", true, 1, INLAY__MAX_FF, &h->n_ff));
    INLAY__TRY(inlay__keys_u32(k, "vocab_size", false, 1, INLAY__MAX_VOCAB, &h->n_vocab));
    if (!(lacks & INLAY__LACKS_HEADS)) INLAY__TRY(read_attention(k, lacks, h));
    INLAY__TRY(read_epsilon(k, h));
    INLAY__TRY(read_experts(k, h));
    INLAY__TRY(read_f32(k, "final_logit_softcapping", 0.0, 1e6, &h->logit_soft_cap));
    INLAY__TRY(read_f32(k, "embedding_scale", 0.0, 1e6, &h->embd_scale));
    INLAY__TRY(read_f32(k, "residual_scale", 0.0, 1e6, &h->residual_scale));
    return read_f32(k, "logit_scale", 0.0, 1e6, &h->logit_scale);
}
