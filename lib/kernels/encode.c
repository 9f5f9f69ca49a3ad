/* Quantising weights: the inverse of blocks.c, whose layouts blocks.h draws.
 *
 * Q16_0, Q8_0 and Q4_0 take their scale from the greatest magnitude. Q4_K and Q6_K search: of several scales around
 * that one they keep the one whose error, weighted so that large weights count more, is least.
 */
#include "kernels/encode.h"

#include <math.h>

#include "kernels/math.h"
#include "kernels/wide.h"

enum { Q = INLAY__Q_LENGTH, K = INLAY__K_LENGTH };

static void store_half(uint8_t *out, float value) {
    uint16_t half = inlay__f32_to_f16(value);
    out[0] = (uint8_t)half;
    out[1] = (uint8_t)(half >> 8);
}

static float load_half(const uint8_t *in) { return inlay__f16_to_f32((uint16_t)(in[0] | in[1] << 8)); }

/* The nearest integer within [least, greatest]; NaN gives least. */
static int nearest(float x, int least, int greatest) {
    if (!(x > (float)least)) return least;
    return x < (float)greatest ? (int)inlay__round_even(x) : greatest;
}

/* The element of the greatest magnitude, with its sign. */
static float extreme(const float *x, size_t n) {
    float found = 0.0f;
    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(found)) found = x[i];
    return found;
}

static float inverse(float x) { return x != 0.0f ? 1.0f / x : 0.0f; }

/* ------------------------------------------------------------------- Q8_0, Q4_0 */

static void encode_q8_0(const float *x, uint8_t *out) {
    float d = fabsf(extreme(x, Q)) / 127.0f, scale = inverse(d);
    store_half(out, d);
    for (size_t i = 0; i < Q; i++) out[2 + i] = (uint8_t)(int8_t)nearest(x[i] * scale, -127, 127);
}

/* Blocks as small as activations may not be are zeros; those with what is not finite are NaN throughout. */
static void encode_q16_0(const float *x, uint8_t *out) {
    float most = fabsf(extreme(x, INLAY__WIDE_LENGTH)), sum = 0.0f;
    for (size_t i = 0; i < INLAY__WIDE_LENGTH; i++) sum += x[i] - x[i];
    float d = sum == 0.0f ? most / INLAY__WIDE_GREATEST : sum, scale = 0.0f;
    if (sum == 0.0f && most < 0x1p-100f) d = 0.0f;
    if (d > 0.0f) scale = INLAY__WIDE_GREATEST / most;
    uint32_t bits = inlay__f32_bits(d);
    for (size_t i = 0; i < 4; i++) out[i] = (uint8_t)(bits >> 8 * i);
    for (size_t i = 0; i < INLAY__WIDE_LENGTH; i++) {
        int q = sum == 0.0f ? nearest(x[i] * scale, -INLAY__WIDE_GREATEST, INLAY__WIDE_GREATEST) : 0;
        out[4 + 2 * i] = (uint8_t)q;
        out[5 + 2 * i] = (uint8_t)(q >> 8);
    }
}

/* The extreme becomes -8, which has no counterpart: the sign of d is chosen for it. */
static void encode_q4_0(const float *x, uint8_t *out) {
    float d = extreme(x, Q) / -8.0f, scale = inverse(d);
    store_half(out, d);
    for (size_t i = 0; i < Q / 2; i++) {
        int low = nearest(x[i] * scale + 8.0f, 0, 15), high = nearest(x[i + Q / 2] * scale + 8.0f, 0, 15);
        out[2 + i] = (uint8_t)(low | high << 4);
    }
}

/* ------------------------------------------------------------------------- Q6_K */

/* With q the nearest integers to x scale: the best factor for them, and in *gain how much it explains of x, each
 * element weighted by its square. */
static float fit_scale(const float *x, float scale, float *gain) {
    float sum_xq = 0.0f, sum_qq = 0.0f;
    for (size_t i = 0; i < 16; i++) {
        float q = (float)nearest(x[i] * scale, -32, 31), weight = x[i] * x[i];
        sum_xq += weight * x[i] * q;
        sum_qq += weight * q * q;
    }
    float factor = sum_qq > 0.0f ? sum_xq / sum_qq : 0.0f;
    *gain = factor * sum_xq;
    return factor;
}

/* The scale of 16 elements, by trying those at which the extreme becomes -31.1 to -32.9. */
static float search_scale_16(const float *x) {
    float most = extreme(x, 16), best = 0.0f, best_gain = -1.0f;
    if (fabsf(most) < 1e-15f) return 0.0f;
    for (int step = -9; step <= 9; step++) {
        float gain, factor = fit_scale(x, -(32.0f + 0.1f * (float)step) / most, &gain);
        if (gain > best_gain) {
            best_gain = gain;
            best = factor;
        }
    }
    return best;
}

static void encode_q6_k(const float *x, uint8_t *out) {
    float scales[INLAY__K_SCALES];
    uint8_t q[K], *ql = out, *qh = out + 128, *sc = out + 192;
    for (size_t j = 0; j < INLAY__K_SCALES; j++) scales[j] = search_scale_16(x + 16 * j);
    float most = extreme(scales, INLAY__K_SCALES), to_int = most != 0.0f ? -128.0f / most : 0.0f;
    store_half(out + 208, inverse(to_int));
    float d = load_half(out + 208);
    for (size_t j = 0; j < INLAY__K_SCALES; j++) {
        int scale = nearest(to_int * scales[j], -128, 127);
        float factor = inverse(d * (float)scale);
        sc[j] = (uint8_t)(int8_t)scale;
        for (size_t i = 16 * j; i < 16 * j + 16; i++) q[i] = (uint8_t)(nearest(x[i] * factor, -32, 31) + 32);
    }
    for (size_t half = 0; half < 2; half++, ql += 64, qh += 32)
        for (size_t l = 0; l < 32; l++) {
            const uint8_t *u = q + 128 * half + l;
            ql[l] = (uint8_t)((u[0] & 15) | (u[64] & 15) << 4);
            ql[l + 32] = (uint8_t)((u[32] & 15) | (u[96] & 15) << 4);
            qh[l] = (uint8_t)(u[0] >> 4 | u[32] >> 4 << 2 | u[64] >> 4 << 4 | u[96] >> 4 << 6);
        }
}

/* ------------------------------------------------------------------------- Q4_K */

/* w = scale u - minimum for 32 elements, both not negative. */
typedef struct affine {
    float scale, minimum;
} affine;

static float affine_error(const float *x, const float *weight, const uint8_t *u, affine a) {
    float error = 0.0f;
    for (size_t i = 0; i < 32; i++) {
        float off = a.scale * (float)u[i] - a.minimum - x[i];
        error += weight[i] * off * off;
    }
    return error;
}

/* The best scale and minimum for given u, by weighted least squares; false when u does not determine them. */
static bool affine_fit(const float *x, const float *weight, const uint8_t *u, affine *a) {
    float w = 0.0f, wx = 0.0f, wu = 0.0f, wuu = 0.0f, wxu = 0.0f;
    for (size_t i = 0; i < 32; i++) {
        float each = (float)u[i];
        w += weight[i];
        wx += weight[i] * x[i];
        wu += weight[i] * each;
        wuu += weight[i] * each * each;
        wxu += weight[i] * x[i] * each;
    }
    float det = w * wuu - wu * wu;
    if (!(det > 0.0f)) return false;
    a->scale = (w * wxu - wx * wu) / det;
    a->minimum = -(wuu * wx - wu * wxu) / det;
    if (a->minimum < 0.0f) { /* a minimum above 0 cannot be kept */
        a->minimum = 0.0f;
        a->scale = wuu > 0.0f ? wxu / wuu : 0.0f;
    }
    return a->scale > 0.0f;
}

/* Tries the scales at which the range of x becomes 14 to 16. */
static affine search_affine_32(const float *x) {
    float least = 0.0f, greatest = x[0], squares = 0.0f, weight[32];
    uint8_t u[32];
    for (size_t i = 0; i < 32; i++) {
        if (x[i] < least) least = x[i];
        if (x[i] > greatest) greatest = x[i];
        squares += x[i] * x[i];
    }
    float mean = sqrtf(squares / 32.0f);
    for (size_t i = 0; i < 32; i++) weight[i] = mean + fabsf(x[i]);
    affine best = {0.0f, -least};
    if (!(greatest > least)) return best;
    float best_error = INFINITY;
    for (int step = 0; step <= 20; step++) {
        float to_int = (14.0f + 0.1f * (float)step) / (greatest - least);
        for (size_t i = 0; i < 32; i++) u[i] = (uint8_t)nearest((x[i] - least) * to_int, 0, 15);
        affine tried;
        if (!affine_fit(x, weight, u, &tried)) continue;
        float error = affine_error(x, weight, u, tried);
        if (error < best_error) {
            best_error = error;
            best = tried;
        }
    }
    return best;
}

/* The 12 bytes of eight scales and eight minima of 6 bits. */
static void store_k_scales(const uint8_t sc[8], const uint8_t mn[8], uint8_t out[12]) {
    for (size_t j = 0; j < 4; j++) {
        out[j] = (uint8_t)(sc[j] | sc[j + 4] >> 4 << 6);
        out[j + 4] = (uint8_t)(mn[j] | mn[j + 4] >> 4 << 6);
        out[j + 8] = (uint8_t)((sc[j + 4] & 15) | (mn[j + 4] & 15) << 4);
    }
}

static void encode_q4_k(const float *x, uint8_t *out) {
    affine a[8];
    float most_scale = 0.0f, most_minimum = 0.0f;
    uint8_t sc[8], mn[8], u[K];
    for (size_t j = 0; j < 8; j++) {
        a[j] = search_affine_32(x + 32 * j);
        if (a[j].scale > most_scale) most_scale = a[j].scale;
        if (a[j].minimum > most_minimum) most_minimum = a[j].minimum;
    }
    store_half(out, most_scale / 63.0f);
    store_half(out + 2, most_minimum / 63.0f);
    float d = load_half(out), d_minimum = load_half(out + 2);
    for (size_t j = 0; j < 8; j++) {
        sc[j] = (uint8_t)nearest(a[j].scale * 63.0f * inverse(most_scale), 0, 63);
        mn[j] = (uint8_t)nearest(a[j].minimum * 63.0f * inverse(most_minimum), 0, 63);
        float to_int = inverse(d * (float)sc[j]), minimum = d_minimum * (float)mn[j];
        for (size_t i = 32 * j; i < 32 * j + 32; i++) u[i] = (uint8_t)nearest((x[i] + minimum) * to_int, 0, 15);
    }
    store_k_scales(sc, mn, out + 4);
    for (size_t j = 0; j < 4; j++)
        for (size_t l = 0; l < 32; l++) out[16 + 32 * j + l] = (uint8_t)(u[64 * j + l] | u[64 * j + 32 + l] << 4);
}

/* ------------------------------------------------------------------------- rows */

typedef void (*encode_fn)(const float *x, uint8_t *out);

static encode_fn find(uint32_t type) {
    switch (type) {
    case INLAY_TYPE_Q8_0: return encode_q8_0;
    case INLAY_TYPE_Q16_0: return encode_q16_0;
    case INLAY_TYPE_Q4_0: return encode_q4_0;
    case INLAY_TYPE_Q4_K: return encode_q4_k;
    case INLAY_TYPE_Q6_K: return encode_q6_k;
    default: return NULL;
    }
}

bool inlay__encode_knows(uint32_t type) {
    return type == INLAY_TYPE_F32 || type == INLAY_TYPE_F16 || find(type) != NULL;
}

void inlay__encode_row(uint32_t type, const float *x, size_t n, uint8_t *row) {
    encode_fn encode = find(type);
    if (type == INLAY_TYPE_F32) {
        memcpy(row, x, n * sizeof *x);
    } else if (encode == NULL) {
        for (size_t i = 0; i < n; i++) store_half(row + 2 * i, x[i]);
    } else {
        const inlay__block_type *block = inlay__block_type_get(type);
        for (size_t i = 0; i < n / block->length; i++) encode(x + i * block->length, row + i * block->size);
    }
}
