/* What configs say of positions: RoPE with its scalings, and which layers attend to a window. They have two dialects:
 * transformers 4 (rope_theta, rope_scaling, sliding_window_pattern) and 5 (rope_parameters, layer_types). */
#include "base/text.h"
#include "import/family.h"
#include "kernels/math.h"

enum { MAX_LAYERS = 4096, MAX_HEAD = 4096 };

/* A parameter of RoPE wherever a dialect has it; that of global layers where they differ from local ones. */
#define ROPE(name) "rope_parameters." name "|rope_parameters.full_attention." name "|rope_scaling." name

#define PI 3.14159265358979323846

int32_t inlay__config_head_width(const inlay__config *c, int64_t *value) {
    int64_t n_embd, n_head;
    if (inlay__config_get(c, "head_dim", NULL) != NULL) return inlay__config_int(c, "head_dim", -1, value);
    INLAY__TRY(inlay__config_int(c, "hidden_size|n_embd|n_embed|d_model|dim", -1, &n_embd));
    INLAY__TRY(inlay__config_int(c, "num_attention_heads|n_head|n_heads|num_heads", -1, &n_head));
    *value = n_head > 0 ? n_embd / n_head : 0;
    return INLAY_OK;
}

/* --------------------------------------------------------------- RoPE scalings */

/* n factors that the config will give as a tensor. */
static int32_t add_tensor(inlay__config *c, const char *name, size_t n, float **values) {
    inlay__config_tensor *t = &c->tensors[c->n_tensors];
    *values = inlay__alloc_array(c->sys, n, sizeof **values);
    if (*values == NULL) return INLAY_ERR_MEMORY;
    *t = (inlay__config_tensor){name, *values, n};
    c->n_tensors++;
    return INLAY_OK;
}

/* The numbers of a head that turn, of which an odd one makes a pair with the next that would not, and these pairs. */
static int32_t count_turning(const inlay__config *c, double rotary_part, size_t *n_turning, size_t *n) {
    int64_t width;
    INLAY__TRY(inlay__config_head_width(c, &width));
    if (width < 2 || width > MAX_HEAD)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': its heads are %lld wide, expected 2 to %d", c->name,
                           (long long)width, MAX_HEAD);
    *n_turning = (size_t)((double)width * rotary_part);
    *n = (*n_turning + 1) / 2;
    if (2 * *n <= (size_t)width) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': its heads are %lld wide, all of which is to turn in pairs; "
                       "expected an even width", c->name, (long long)width);
}

static int32_t count_pairs(const inlay__config *c, double rotary_part, size_t *n) {
    size_t n_turning;
    return count_turning(c, rotary_part, &n_turning, n);
}

/* Llama 3.1: frequencies below one are slowed by `factor`, those above another kept, those between mixed. The factors
 * become the tensor rope_freqs.weight, as in GGUF. */
static int32_t put_llama3(inlay__config *c, double base, double rotary_part) {
    double factor, low, high, n_original;
    float *values;
    size_t n;
    INLAY__TRY(inlay__config_float(c, ROPE("factor"), -1, &factor));
    INLAY__TRY(inlay__config_float(c, ROPE("low_freq_factor"), -1, &low));
    INLAY__TRY(inlay__config_float(c, ROPE("high_freq_factor"), -1, &high));
    INLAY__TRY(inlay__config_float(c, ROPE("original_max_position_embeddings"), -1, &n_original));
    if (!(factor >= 1 && low > 0 && high > low && n_original >= 1))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': RoPE scaling 'llama3' has factor %g, low_freq_factor %g, "
                           "high_freq_factor %g, original_max_position_embeddings %g; expected a factor of at least 1, "
                           "0 < low < high, and positions", c->name, factor, low, high, n_original);
    INLAY__TRY(count_pairs(c, rotary_part, &n));
    INLAY__TRY(add_tensor(c, "rope_freqs.weight", n, &values));
    for (size_t i = 0; i < n; i++) {
        double wave = 2 * PI * inlay__pow_f64(base, (double)i / (double)n);
        double smooth = (n_original / wave - low) / (high - low);
        double value = 1 / ((1 - smooth) / factor + smooth);
        if (wave < n_original / high) value = 1;
        if (wave > n_original / low) value = factor;
        values[i] = (float)value;
    }
    return INLAY_OK;
}

static int32_t put_factors(inlay__config *c, const char *keys, const char *tensor, size_t n) {
    inlay__text key;
    float *values;
    const inlay__json_node *list = inlay__config_get(c, keys, &key);
    if (list == NULL || list->kind != INLAY__JSON_ARRAY || list->n_children != n)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': RoPE scaling 'longrope' wants %zu numbers, one for each pair of a "
                           "head, in '%.*s'",
                           c->name, n, (int)key.size, key.text);
    INLAY__TRY(add_tensor(c, tensor, n, &values));
    const inlay__json_node *each = inlay__json_first(list);
    for (size_t i = 0; i < n; i++, each = inlay__json_next(&c->json, each)) {
        double value = 0;
        if (!inlay__json_f64(each, &value) || !(value >= 1e-6 && value <= 1e6))
            return inlay__config_fail(c, INLAY_ERR_FORMAT, key, each, "numbers from 1e-06 to 1e+06");
        values[i] = (float)value;
    }
    return INLAY_OK;
}

/* Phi-3: factors of their own for prompts within the original context and beyond it. */
static int32_t put_longrope(inlay__config *c, double rotary_part) {
    double n_original, n_context, attention;
    size_t n;
    INLAY__TRY(inlay__config_float(c, "original_max_position_embeddings|" ROPE("original_max_position_embeddings"), -1,
                                   &n_original));
    INLAY__TRY(inlay__config_float(c, "max_position_embeddings", -1, &n_context));
    if (!(n_original >= 2 && n_original <= INT32_MAX))
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key 'original_max_position_embeddings' is %g, expected 2 to %d", c->name,
                           n_original, INT32_MAX);
    double scale = n_context / n_original;
    attention = 1.0;
    INLAY__TRY(inlay__config_float(c, ROPE("factor"), scale, &scale));
    if (scale > 1) { /* sqrt(1 + log(scale) / log(n_original)) */
        double x = 1 + inlay__log_f64(scale) / inlay__log_f64(n_original);
        attention = inlay__pow_f64(x, 0.5);
    }
    INLAY__TRY(inlay__config_float(c, ROPE("attention_factor"), attention, &attention));
    inlay__config_put_string(c, "rope.scaling.type", "longrope");
    inlay__config_put_int(c, "rope.scaling.original_context_length", (int64_t)n_original);
    inlay__config_put_float(c, "rope.scaling.attn_factor", attention);
    INLAY__TRY(count_pairs(c, rotary_part, &n));
    INLAY__TRY(put_factors(c, ROPE("long_factor"), "rope_factors_long.weight", n));
    return put_factors(c, ROPE("short_factor"), "rope_factors_short.weight", n);
}

/* How much scores grow with a context that is `factor` times as long, to some power. */
static double growth(double factor, double power) { return 0.1 * power * inlay__log_f64(factor) + 1.0; }

static int32_t put_yarn(inlay__config *c) {
    double factor, n_original, value, mscale, mscale_all, said = 0;
    bool truncates;
    INLAY__TRY(inlay__config_float(c, ROPE("factor"), -1, &factor));
    if (!(factor >= 1 && factor <= 1e6))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': RoPE scaling 'yarn' has factor %g, expected 1 to 1e+06",
                           c->name, factor);
    INLAY__TRY(
        inlay__config_float(c, ROPE("original_max_position_embeddings") "|max_position_embeddings", -1, &n_original));
    inlay__config_put_string(c, "rope.scaling.type", "yarn");
    inlay__config_put_float(c, "rope.scaling.factor", factor);
    if (!(n_original >= 1 && n_original <= INT32_MAX)) n_original = 0; /* refused with the other hyperparameters */
    inlay__config_put_int(c, "rope.scaling.original_context_length", (int64_t)n_original);
    INLAY__TRY(inlay__config_float(c, ROPE("beta_fast"), 32, &value));
    inlay__config_put_float(c, "rope.scaling.yarn_beta_fast", value);
    INLAY__TRY(inlay__config_float(c, ROPE("beta_slow"), 1, &value));
    inlay__config_put_float(c, "rope.scaling.yarn_beta_slow", value);
    INLAY__TRY(inlay__config_bool(c, ROPE("truncate"), true, &truncates));
    if (!truncates) inlay__config_put_bool(c, "rope.scaling.yarn_truncate", false);
    INLAY__TRY(inlay__config_float(c, ROPE("mscale"), 0, &mscale));
    INLAY__TRY(inlay__config_float(c, ROPE("mscale_all_dim"), 0, &mscale_all));
    if (!(mscale >= 0 && mscale <= 1e3 && mscale_all >= 0 && mscale_all <= 1e3))
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': RoPE scaling 'yarn' has mscale %g and mscale_all_dim %g, expected 0 to "
                           "1000",
                           c->name, mscale, mscale_all);
    if (mscale != 0 && mscale_all != 0) said = growth(factor, mscale) / growth(factor, mscale_all);
    INLAY__TRY(inlay__config_float(c, ROPE("attention_factor"), said, &said));
    /* GGUF's multiplies what follows from the scaling, this one stands for both. */
    if (said != 0) inlay__config_put_float(c, "rope.scaling.yarn_attn_factor", said / growth(factor, 1));
    return INLAY_OK;
}

/* Sequences longer than the context of training turn by a greater base [NTK-aware scaling, bloc97 2023]. */
static int32_t put_dynamic(inlay__config *c) {
    double factor;
    INLAY__TRY(inlay__config_float(c, ROPE("factor"), -1, &factor));
    inlay__config_put_string(c, "rope.scaling.type", "dynamic");
    inlay__config_put_float(c, "rope.scaling.factor", factor);
    return INLAY_OK;
}

static int32_t put_scaling(inlay__config *c, double base, double rotary_part) {
    inlay__text key;
    double factor;
    const inlay__json_node *type = inlay__config_get(c, ROPE("rope_type") "|rope_scaling.type", &key);
    if (type == NULL || inlay__json_equals(type, "default")) return INLAY_OK;
    if (inlay__json_equals(type, "linear")) {
        INLAY__TRY(inlay__config_float(c, ROPE("factor"), -1, &factor));
        inlay__config_put_string(c, "rope.scaling.type", "linear");
        inlay__config_put_float(c, "rope.scaling.factor", factor);
        return INLAY_OK;
    }
    if (inlay__json_equals(type, "llama3")) return put_llama3(c, base, rotary_part);
    if (inlay__json_equals(type, "longrope") || inlay__json_equals(type, "su")) return put_longrope(c, rotary_part);
    if (inlay__json_equals(type, "yarn")) return put_yarn(c);
    if (inlay__json_equals(type, "dynamic")) return put_dynamic(c);
    return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, type,
                              "one of default, linear, dynamic, llama3, longrope, yarn");
}

/* Parameters in what is no object would be passed over. */
static int32_t expect_objects(const inlay__config *c) {
    static const char *const keys[] = {"rope_parameters", "rope_scaling"};
    for (size_t i = 0; i < INLAY__COUNT(keys); i++) {
        inlay__text key;
        const inlay__json_node *node = inlay__config_get(c, keys[i], &key);
        if (node != NULL && node->kind != INLAY__JSON_OBJECT)
            return inlay__config_fail(c, INLAY_ERR_FORMAT, key, node, "an object");
    }
    return INLAY_OK;
}

/* `whole`: what the config says of parts is checked, not used. */
static int32_t put_rope(inlay__config *c, bool whole, double rotary_part) {
    double base, local;
    size_t n_turning, n;
    INLAY__TRY(expect_objects(c));
    INLAY__TRY(
        inlay__config_float(c, ROPE("rope_theta") "|rope_theta|global_rope_theta|rotary_emb_base", 10000.0, &base));
    if (!(base >= 1 && base <= 1e12))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': 'rope_theta' is %g, expected 1 to 1e+12", c->name, base);
    INLAY__TRY(inlay__config_float(
        c, "rope_parameters.sliding_attention.rope_theta|rope_local_base_freq|local_rope_theta", 0, &local));
    if (local != 0) inlay__config_put_float(c, "rope.freq_base_swa", local);
    INLAY__TRY(inlay__config_float(c, ROPE("partial_rotary_factor") "|partial_rotary_factor|rotary_pct", rotary_part,
                                   &rotary_part));
    if (!(rotary_part > 0 && rotary_part <= 1))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': 'partial_rotary_factor' is %g, expected more than 0 to 1",
                           c->name, rotary_part);
    if (whole) rotary_part = 1.0;
    INLAY__TRY(count_turning(c, rotary_part, &n_turning, &n));
    /* Pair i turns by base^(-2i / n_turning); GGUF has 2n there. */
    if (n_turning % 2 != 0) base = inlay__pow_f64(base, (double)(2 * n) / (double)n_turning);
    inlay__config_put_float(c, "rope.freq_base", base);
    inlay__config_put_int(c, "rope.dimension_count", (int64_t)(2 * n));
    return put_scaling(c, base, rotary_part);
}

int32_t inlay__config_put_rope(inlay__config *c) { return put_rope(c, true, 1.0); }

int32_t inlay__config_put_partial_rope(inlay__config *c, double rotary_part) { return put_rope(c, false, rotary_part); }

/* --------------------------------------------------------------------- windows */

static bool is_local(inlay__window_rule rule, int64_t n, int64_t layer) {
    switch (rule) {
    case INLAY__WINDOW_NOT_LAST: return n > 0 && (layer + 1) % n != 0;
    case INLAY__WINDOW_NOT_FIRST: return n > 0 && layer % n != 0;
    case INLAY__WINDOW_FROM: return layer >= n;
    default: return true;
    }
}

/* layer_types: "sliding_attention" and "full_attention". */
static int32_t read_layer_types(const inlay__config *c, const inlay__json_node *types, inlay__text key,
                                int64_t n_layers, uint8_t *local) {
    if (types->kind != INLAY__JSON_ARRAY || types->n_children != (uint64_t)n_layers)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key '%.*s' does not list %lld layers, as 'num_hidden_layers' says", c->name,
                           (int)key.size, key.text, (long long)n_layers);
    const inlay__json_node *each = inlay__json_first(types);
    for (int64_t i = 0; i < n_layers; i++, each = inlay__json_next(&c->json, each)) {
        local[i] = inlay__json_equals(each, "sliding_attention");
        if (!local[i] && !inlay__json_equals(each, "full_attention"))
            return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, each, "sliding_attention or full_attention");
    }
    return INLAY_OK;
}

int32_t inlay__config_put_window(inlay__config *c, const char *keys, inlay__window_rule rule, int64_t n) {
    uint8_t local[MAX_LAYERS];
    int64_t window, n_layers, n_local = 0;
    inlay__text key;
    char full[128];
    INLAY__TRY(inlay__config_int(c, keys, 0, &window));
    INLAY__TRY(inlay__config_int(c, "num_hidden_layers", -1, &n_layers));
    if (window == 0) return INLAY_OK;
    if (n_layers > MAX_LAYERS)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'num_hidden_layers' is %lld, expected at most %d", c->name,
                           (long long)n_layers, MAX_LAYERS);
    for (int64_t i = 0; i < n_layers; i++) local[i] = is_local(rule, n, i);
    const inlay__json_node *types = inlay__config_get(c, "layer_types", &key);
    if (types != NULL) INLAY__TRY(read_layer_types(c, types, key, n_layers, local));
    for (int64_t i = 0; i < n_layers; i++) n_local += local[i];
    if (n_local == 0) return INLAY_OK;
    inlay__config_put_int(c, "attention.sliding_window", window);
    inlay__format(full, sizeof full, "%s.attention.sliding_window_pattern", c->family->architecture);
    inlay__gguf_put_array(c->out, full, INLAY__GGUF_BOOL, local, (size_t)n_layers);
    return INLAY_OK;
}
