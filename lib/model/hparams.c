/* Reads hyperparameters from GGUF metadata "ARCHITECTURE.key" and checks each against what the library can hold. */
#include "base/text.h"
#include "model/hparams.h"

/* Bounds that keep every product of sizes far from wrapping, well above any published model. */
enum {
    MAX_VOCAB = 1 << 24,
    MAX_CONTEXT = 1 << 30,
    MAX_EMBD = 1 << 18,
    MAX_LAYER = 1 << 12,
    MAX_HEAD = 1 << 12,
    MAX_FF = 1 << 21
};

typedef struct reader {
    const char *name; /* the file */
    const inlay__gguf *gguf;
    const char *architecture;
} reader;

static const inlay__gguf_kv *find(const reader *r, const char *key, char full[128]) {
    inlay__format(full, 128, "%s.%s", r->architecture, key);
    return inlay__gguf_find(r->gguf, full);
}

static int32_t fail_missing(const reader *r, const char *full) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is missing", r->name, full);
}

static int32_t fail_type(const reader *r, const char *full, const inlay__gguf_kv *kv, const char *expected) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is of type %s%s, expected %s", r->name, full,
                       kv->is_array ? "array of " : "", inlay__gguf_type_name(kv->type), expected);
}

/* An integer in [least, greatest]; where the key is absent, *value stays (a default) unless it is required. */
static int32_t read_u32(const reader *r, const char *key, bool required, int64_t least, int64_t greatest,
                        uint32_t *value) {
    char full[128];
    const inlay__gguf_kv *kv = find(r, key, full);
    int64_t found = 0;
    if (kv == NULL) return required ? fail_missing(r, full) : INLAY_OK;
    /* An array holds a value for each layer; the families here have the same in all. */
    for (uint64_t i = 0; i < kv->n_values; i++) {
        int64_t each;
        bool fits = inlay__gguf_i64(kv, i, &each);
        if (!fits && kv->type != INLAY__GGUF_U64) return fail_type(r, full, kv, "an integer");
        if (!fits) each = INT64_MAX;
        if (i > 0 && each != found)
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "file '%s': metadata key '%s' differs between layers (%lld, %lld)", r->name, full,
                               (long long)found, (long long)each);
        found = each;
    }
    if (kv->n_values == 0)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is an empty array, expected %lld to %lld",
                           r->name, full, (long long)least, (long long)greatest);
    if (found < least || found > greatest)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is %lld%s, expected %lld to %lld", r->name,
                           full, (long long)found, found == INT64_MAX ? " or more" : "", (long long)least,
                           (long long)greatest);
    *value = (uint32_t)found;
    return INLAY_OK;
}

/* A finite number in [least, greatest]; absent: *value stays. */
static int32_t read_f64(const reader *r, const char *key, bool required, double least, double greatest, double *value) {
    char full[128];
    const inlay__gguf_kv *kv = find(r, key, full);
    double found;
    if (kv == NULL) return required ? fail_missing(r, full) : INLAY_OK;
    if (kv->is_array || !inlay__gguf_f64(kv, 0, &found)) return fail_type(r, full, kv, "a number");
    if (!(found >= least && found <= greatest))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is %g, expected %g to %g", r->name, full,
                           found, least, greatest);
    *value = found;
    return INLAY_OK;
}

static int32_t read_architecture(reader *r) {
    static const char key[] = "general.architecture";
    const inlay__gguf_kv *kv = inlay__gguf_find(r->gguf, key);
    if (kv == NULL) return fail_missing(r, key);
    if (kv->type != INLAY__GGUF_STRING || kv->is_array) return fail_type(r, key, kv, "a string");
    inlay__text text = inlay__gguf_string(kv, 0);
    if (text.size == 0 || text.size > 64 || strlen(text.text) != text.size)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' has %zu bytes, expected a name of 1 to 64",
                           r->name, key, text.size);
    r->architecture = text.text;
    return INLAY_OK;
}

/* Linear scaling divides positions; other methods change more than that and are refused by name. */
static int32_t read_rope_scaling(const reader *r, inlay__hparams *h) {
    char full[128];
    const inlay__gguf_kv *kv = find(r, "rope.scaling.type", full);
    h->rope_scale = 1.0;
    if (kv == NULL) return read_f64(r, "rope.scale_linear", false, 1e-6, 1e6, &h->rope_scale);
    if (kv->type != INLAY__GGUF_STRING || kv->is_array) return fail_type(r, full, kv, "a string");
    inlay__text type = inlay__gguf_string(kv, 0);
    if (strcmp(type.text, "none") == 0) return INLAY_OK;
    if (strcmp(type.text, "linear") == 0) return read_f64(r, "rope.scaling.factor", true, 1e-6, 1e6, &h->rope_scale);
    return inlay__fail(INLAY_ERR_UNSUPPORTED,
                       "file '%s': metadata key '%s' is '%s', which this version does not run (none, linear)", r->name,
                       full, type.text);
}

/* Where the file does not say how wide a head is, the heads share the embedding evenly. */
static int32_t read_head_width(const reader *r, inlay__hparams *h) {
    char full[128];
    if (find(r, "attention.key_length", full) == NULL && h->n_embd % h->n_head != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': metadata key '%s' is missing, and %u query heads do not share an "
                           "embedding of %u evenly",
                           r->name, full, h->n_head, h->n_embd);
    h->n_embd_head = h->n_embd / h->n_head;
    INLAY__TRY(read_u32(r, "attention.key_length", false, 2, 4096, &h->n_embd_head));
    uint32_t n_value = h->n_embd_head;
    INLAY__TRY(read_u32(r, "attention.value_length", false, 2, 4096, &n_value));
    if (n_value != h->n_embd_head)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': '%s.attention.value_length' is %u, expected %u, the length of "
                           "the keys",
                           r->name, r->architecture, n_value, h->n_embd_head);
    return INLAY_OK;
}

static int32_t read_heads(const reader *r, inlay__hparams *h) {
    INLAY__TRY(read_u32(r, "attention.head_count", true, 1, MAX_HEAD, &h->n_head));
    h->n_head_kv = h->n_head;
    INLAY__TRY(read_u32(r, "attention.head_count_kv", false, 1, MAX_HEAD, &h->n_head_kv));
    if (h->n_head % h->n_head_kv != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': '%s.attention.head_count_kv' is %u, expected a divisor of the %u query "
                           "heads",
                           r->name, r->architecture, h->n_head_kv, h->n_head);
    INLAY__TRY(read_head_width(r, h));
    h->n_rope = h->n_embd_head;
    INLAY__TRY(read_u32(r, "rope.dimension_count", false, 2, 4096, &h->n_rope));
    if (h->n_rope > h->n_embd_head || h->n_rope % 2 != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': '%s.rope.dimension_count' is %u, expected an even number up to %u", r->name,
                           r->architecture, h->n_rope, h->n_embd_head);
    return INLAY_OK;
}

int32_t inlay__hparams_read(const char *name, const inlay__gguf *gguf, inlay__hparams *h) {
    reader r = {name, gguf, NULL};
    double epsilon = 1e-5;
    memset(h, 0, sizeof *h);
    INLAY__TRY(read_architecture(&r));
    h->architecture = r.architecture;
    INLAY__TRY(read_u32(&r, "context_length", true, 1, MAX_CONTEXT, &h->n_context_train));
    INLAY__TRY(read_u32(&r, "embedding_length", true, 1, MAX_EMBD, &h->n_embd));
    INLAY__TRY(read_u32(&r, "block_count", true, 1, MAX_LAYER, &h->n_layer));
    INLAY__TRY(read_u32(&r, "feed_forward_length", true, 1, MAX_FF, &h->n_ff));
    INLAY__TRY(read_u32(&r, "vocab_size", false, 1, MAX_VOCAB, &h->n_vocab));
    INLAY__TRY(read_heads(&r, h));
    INLAY__TRY(read_u32(&r, "attention.sliding_window", false, 0, MAX_CONTEXT, &h->n_window));
    INLAY__TRY(read_f64(&r, "attention.layer_norm_rms_epsilon", false, 0.0, 1.0, &epsilon));
    h->norm_epsilon = (float)epsilon;
    h->rope_theta = 10000.0;
    INLAY__TRY(read_f64(&r, "rope.freq_base", false, 1.0, 1e12, &h->rope_theta));
    return read_rope_scaling(&r, h);
}
