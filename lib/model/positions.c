/* What tells a network where a token stands: rotary frequencies with their scalings, learned positions, slopes. */
#include "model/positions.h"

#include <math.h>

#include "kernels/math.h"
#include "model/load.h"

#define TWO_PI 6.283185307179586

/* -------------------------------------------------------------------- RoPE */

/* The fraction, 0 to 1, of pair i that is stretched, from the turns its angle makes in the original context [Peng et
 * al. 2023, arXiv:2309.00071, 3.2]: pairs that turn more than beta_fast times stay, below beta_slow they are stretched
 * whole. */
static double yarn_ramp(const inlay__hparams *h, double theta, size_t i) {
    if (theta <= 1.0) return 0.0; /* all pairs turn alike */
    double n = (double)h->n_rope, per_turn = n / (2.0 * inlay__log_f64(theta));
    double low = per_turn * inlay__log_f64((double)h->n_context_original / (h->yarn_beta_fast * TWO_PI));
    double high = per_turn * inlay__log_f64((double)h->n_context_original / (h->yarn_beta_slow * TWO_PI));
    if (h->yarn_truncates) {
        low = floor(low);
        high = ceil(high);
    }
    low = low > 0.0 ? low : 0.0;
    high = high < n - 1.0 ? high : n - 1.0;
    double x = ((double)i - low) / (high > low ? high - low : 0.001);
    return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

/* The fraction of a frequency that is stretched, from how often its wave fits into the original context [Dubey et al.
 * 2024]. */
static double llama3_ramp(const inlay__hparams *h, double frequency) {
    double turns = (double)h->n_context_original * frequency / TWO_PI;
    double x = (h->llama3_high - turns) / (h->llama3_high - h->llama3_low);
    return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

static double stretch(const inlay__hparams *h, double theta, size_t i, double frequency) {
    double whole = frequency / h->rope_scale, x;
    switch (h->rope_scaling) {
    case INLAY__ROPE_LINEAR: return whole;
    case INLAY__ROPE_LLAMA3: x = llama3_ramp(h, frequency); break;
    case INLAY__ROPE_YARN: x = yarn_ramp(h, theta, i); break;
    default: return frequency;
    }
    return whole * x + frequency * (1.0 - x);
}

/* Frequencies divided by the factors of a tensor [n / 2]; NULL: by none. */
static double *make_frequencies(inlay__model *m, double theta, bool scaled, const float *factors) {
    const inlay__hparams *h = &m->hparams;
    double *frequencies = inlay__model_alloc(m, h->n_rope / 2, sizeof(double));
    for (size_t i = 0; frequencies != NULL && i < h->n_rope / 2; i++) {
        double f = inlay__pow_f64(theta, -2.0 * (double)i / (double)h->n_rope);
        if (scaled) f = stretch(h, theta, i, f);
        frequencies[i] = factors != NULL ? f / (double)factors[i] : f;
    }
    return frequencies;
}

/* Factors are of a hostile file too: what is not a number above 0 would give angles that no table holds. */
static int32_t load_factors(inlay__model *m, const char *name, const float **factors) {
    INLAY__TRY(inlay__load_vector_optional(m, name, 0, m->hparams.n_rope / 2, factors));
    for (size_t i = 0; *factors != NULL && i < m->hparams.n_rope / 2; i++)
        if (!((*factors)[i] >= 1e-3f && (*factors)[i] <= 1e6f))
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': factor %zu of tensor '%s' is %g, expected 0.001 to 1000000",
                               inlay__weights_name(m->weights), i, name, (double)(*factors)[i]);
    return INLAY_OK;
}

/* How much scores grow with the context: of YaRN 3.4, of LongRoPE 3.3. */
static double magnitude_of(const inlay__hparams *h, bool is_long) {
    double said = h->rope_attn_factor > 0.0 ? h->rope_attn_factor : 1.0;
    if (h->rope_scaling == INLAY__ROPE_YARN) return said * (0.1 * inlay__log_f64(h->rope_scale) + 1.0);
    if (!is_long) return 1.0;
    if (h->rope_attn_factor > 0.0 || h->n_context_train <= h->n_context_original) return said;
    return sqrt(1.0 + inlay__log_f64((double)h->n_context_train / (double)h->n_context_original) /
                          inlay__log_f64((double)h->n_context_original));
}

static int32_t make_longrope(inlay__model *m, inlay__rope *rope, double theta) {
    const float *near, *far;
    INLAY__TRY(inlay__load_vector(m, "rope_factors_short.weight", 0, m->hparams.n_rope / 2, &near));
    INLAY__TRY(load_factors(m, "rope_factors_short.weight", &near));
    INLAY__TRY(inlay__load_vector(m, "rope_factors_long.weight", 0, m->hparams.n_rope / 2, &far));
    INLAY__TRY(load_factors(m, "rope_factors_long.weight", &far));
    if (m->hparams.n_context_original < 2)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': metadata key '%s.rope.scaling.original_context_length' is missing, "
                           "and tensor 'rope_factors_long.weight' needs it",
                           m->keys.name, m->keys.architecture);
    rope->frequencies = make_frequencies(m, theta, true, near);
    rope->long_frequencies = make_frequencies(m, theta, true, far);
    rope->n_original = m->hparams.n_context_original;
    return rope->frequencies != NULL && rope->long_frequencies != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

int32_t inlay__positions_make_rope(inlay__model *m, size_t which, double theta, bool scaled) {
    const inlay__hparams *h = &m->hparams;
    inlay__rope *rope = &m->ropes[which];
    const float *factors = NULL;
    bool is_long =
        scaled && (h->rope_scaling == INLAY__ROPE_LONGROPE || inlay__load_has(m, "rope_factors_long.weight", 0));
    *rope = (inlay__rope){.n = h->n_rope, .magnitude = scaled ? magnitude_of(h, is_long) : 1.0};
    if (is_long) return make_longrope(m, rope, theta);
    if (scaled) INLAY__TRY(load_factors(m, "rope_freqs.weight", &factors));
    rope->frequencies = make_frequencies(m, theta, scaled, factors);
    return rope->frequencies != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

void inlay__positions_dynamic(const inlay__hparams *h, size_t n_context, double *frequencies) {
    double n = (double)h->n_rope, most = (double)h->n_context_train, theta = h->rope_theta;
    if ((double)n_context > most && n > 2.0)
        theta *= inlay__pow_f64(h->rope_scale * (double)n_context / most - (h->rope_scale - 1.0), n / (n - 2.0));
    for (size_t i = 0; i < h->n_rope / 2; i++) frequencies[i] = inlay__pow_f64(theta, -2.0 * (double)i / n);
}

/* ------------------------------------------------------------------- others */

int32_t inlay__positions_load(inlay__model *m, inlay__stack *stack, size_t n, size_t first) {
    stack->first_position = first;
    return inlay__load_matrix(m, "position_embd.weight", 0, n + first, m->hparams.n_embd, &stack->positions);
}

/* For a number of heads that is no power of two the paper takes the slopes of the power below, then every other one of
 * the power above. */
const float *inlay__positions_slopes(inlay__model *m, size_t n_head, double greatest) {
    float *slopes = inlay__model_alloc(m, n_head, sizeof *slopes);
    size_t n = 1;
    while (2 * n <= n_head) n *= 2;
    for (size_t i = 0; slopes != NULL && i < n_head; i++) {
        double exponent =
            i < n ? greatest * (double)(i + 1) / (double)n : greatest * (double)(2 * (i - n) + 1) / (double)(2 * n);
        slopes[i] = (float)inlay__pow_f64(2.0, -exponent);
    }
    return slopes;
}

int32_t inlay__positions_load_relative(inlay__model *m, size_t n_buckets, size_t max_distance, bool both_ways) {
    inlay__relative *r = &m->stack->relative;
    *r = (inlay__relative){.n_buckets = n_buckets, .max_distance = max_distance, .both_ways = both_ways};
    return inlay__load_table(m, "blk.0.attn_rel_b.weight", 0, n_buckets, m->stack->n_head, &r->bias);
}

/* The first half of a direction's buckets holds one distance each; the others grow as its logarithm, reckoned in floats
 * as the models were trained. */
size_t inlay__positions_bucket(const inlay__relative *r, int64_t offset) {
    size_t n = r->both_ways ? r->n_buckets / 2 : r->n_buckets, exact = n / 2;
    size_t begin = r->both_ways && offset > 0 ? n : 0;
    size_t distance = offset <= 0 ? (size_t)-offset : r->both_ways ? (size_t)offset : 0;
    if (distance < exact) return begin + distance;
    float of = (float)inlay__log_f64((double)((float)distance / (float)exact));
    float whole = (float)inlay__log_f64((double)r->max_distance / (double)exact);
    float beyond = of / whole * (float)(n - exact);
    return begin + (beyond < (float)(n - exact) ? exact + (size_t)beyond : n - 1);
}
