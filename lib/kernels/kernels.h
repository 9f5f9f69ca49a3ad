/* The table of kernels: one pointer for each operation, filled with the scalar functions, which are the
 * definition of the arithmetic, and overwritten by those of the CPU level in use. Every function in it
 * gives the scalar one's bits.
 *
 * The operations work on columns: one column is the activations of one token. Each output element is
 * computed by one thread, in one sequence of operations, whatever stands beside it.
 */
#ifndef INLAY_KERNELS_H
#define INLAY_KERNELS_H

#include "base/base.h"
#include "kernels/blocks.h"
#include "kernels/cpu.h"

enum {
    INLAY__LANES = 16,      /* virtual lanes of a reduction; rows of a packed panel; keys of a cache block */
    INLAY__KEY_BLOCK = 256, /* keys whose softmax is computed together, from position 0 */
    INLAY__N_TENSOR_TYPES = 61
};

/* Activations of n_cols columns of n_k elements, quantised to int8.
 * By 32 for BLOCK_32 weights, by 256 for BLOCK_256 ones (n_blocks = n_k / 32 or / 256).
 * By 128 for BLOCK_WIDE ones, to 16 bits, in two digits: q [n_cols, 2, n_k], all high ones and then all low ones of a
 * column (wide.h); sum [n_cols, n_blocks, 2] of the high and of the low. */
typedef struct inlay__acts {
    size_t n_k, n_blocks;
    int8_t *q;      /* [n_cols, n_k] -127 .. 127 */
    float *d;       /* [n_cols, n_blocks] x ~ d q */
    int32_t *sum;   /* [n_cols, n_blocks] of q; by 32, and see above */
    float *dsum;    /* [n_cols, n_blocks] d * sum, rounded once; by 32 only */
    int16_t *sum16; /* [n_cols, n_k / 16] sums of 16 q; by 256 only */
    int16_t *sum32; /* [n_cols, n_k / 32] sums of 32 q; by 256 only */
    /* [n_cols, n_k / 16, 2] of 16 q: -32 times those at 0 and 1 modulo 4, and those at 2 and 3; by 256 only */
    int16_t *zero6;
} inlay__acts;

/* A product of some rows of a weight matrix with some columns:
 * out[(col - col_begin) * out_stride + row - row_begin] = sum over k of w[row, k] x[col, k]. */
typedef struct inlay__product {
    uint32_t type;
    const uint8_t *weights; /* the matrix: rows of row_size bytes as in the file, or packed panels */
    size_t row_size;        /* bytes of a row; a packed panel of 16 rows has 16 times as many or more */
    size_t n_k;
    const inlay__acts *acts; /* for quantised weights */
    const float *x;          /* [n_cols, x_stride] for float weights */
    size_t x_stride;
    size_t row_begin, row_end; /* of packed matrices row_begin is a multiple of 16 */
    size_t col_begin, col_end;
    float *out; /* element (row_begin, col_begin); packed products write whole panels of 16 rows */
    size_t out_stride;
} inlay__product;

typedef void (*inlay__product_fn)(const inlay__product *product);
/* Packs n_blocks blocks of 16 whole rows, row_size bytes apart, into a panel; false, touching nothing, for a type that
 * it leaves to pack.c. */
typedef bool (*inlay__pack_fn)(uint32_t type, const uint8_t *rows, size_t row_size, size_t n_blocks, uint8_t *panel);
typedef void (*inlay__quantize_fn)(const float *x, inlay__acts *acts, size_t col);

/* The softmax of one query row over some keys: its greatest score and the sum of its weights, which are relative to
 * that. No key seen: -infinity and 0. */
typedef struct inlay__softmax {
    float greatest, sum;
} inlay__softmax;

/* Attention of some query rows over the keys and values of one key/value head. A query row is one head of
 * one token, already rotated and scaled by 1 / sqrt(n_head_dim). */
typedef struct inlay__attention {
    size_t n_head_dim;       /* multiple of 8 */
    size_t n_rows;           /* 1 to INLAY__ATTENTION_ROWS */
    const float *const *q;   /* [n_rows] -> [n_head_dim] */
    float *const *out;       /* [n_rows] -> [n_head_dim] */
    const size_t *n_keys;    /* [n_rows] where the keys each row sees end; >= 1 */
    const size_t *key_begin; /* [n_rows] where they begin, below n_keys; NULL: all at position 0 */
    float soft_cap;          /* scores s become cap tanh(s / cap) [Gemma Team 2024]; 0: they stay */
    const float *slopes; /* [n_rows] slope (key - last key) is added to scores [Press et al. 2022]; NULL: nothing is */
    const float *const *biases; /* [n_rows] -> [n_keys, room for a multiple of 16] added to scores; NULL: nothing is */
    uint32_t cache_type; /* INLAY_TYPE_F32, _F16 or, with n_head_dim a multiple of 32, _Q8_0 */
    const void *keys;    /* of 256 positions: [16, n_head_dim, 16], 16 keys side by side; Q8_0: see attention_q8_0.c */
    const void *values;  /* of 256 positions: [256, n_head_dim], finite everywhere */
    size_t block_stride; /* bytes from the keys and values of 256 positions to those of the next */
    const uint32_t *pages; /* where those of each 256 positions stand, in strides; NULL: one behind another */
    inlay__softmax *part; /* [n_rows] the keys are a part of what the rows see: out is not divided by it; or NULL */
    float *scratch;      /* [INLAY__ATTENTION_SCRATCH(n_head_dim)] aligned to 64 */
} inlay__attention;

/* Something is done to scores before their softmax. */
static inline bool inlay__attention_bends(const inlay__attention *a) {
    return a->soft_cap > 0.0f || a->slopes != NULL || a->biases != NULL;
}

/* The same with keys and values of the block of 256 positions from `first`, which becomes position 0 of both. */
static inline inlay__attention inlay__attention_block(const inlay__attention *a, size_t first) {
    inlay__attention block = *a;
    size_t i = first / INLAY__KEY_BLOCK, at = (a->pages != NULL ? a->pages[i] : i) * a->block_stride;
    block.keys = (const uint8_t *)a->keys + at;
    block.values = (const uint8_t *)a->values + at;
    return block;
}

enum { INLAY__ATTENTION_ROWS = 12 };
/* Floats: weights [12, 256], block sums [12, n_head_dim], and as many again for queries in int8. */
#define INLAY__ATTENTION_SCRATCH(n_head_dim) \
    ((size_t)INLAY__ATTENTION_ROWS * ((size_t)INLAY__KEY_BLOCK + 2 * (size_t)(n_head_dim)))

typedef enum inlay__activation {
    INLAY__SILU,       /* x / (1 + exp(-x)) */
    INLAY__GELU_TANH,  /* Gaussian error linear units [Hendrycks and Gimpel 2016], by tanh's formula */
    INLAY__GELU_ERF,   /* by the error function */
    INLAY__GELU_QUICK, /* x / (1 + exp(-1.702 x)) */
    INLAY__RELU,
    INLAY__RELU2,      /* the square of RELU [So et al. 2021] */
    INLAY__TANH,
    INLAY__N_ACTIVATIONS
} inlay__activation;

typedef struct inlay__kernels {
    inlay__cpu level;

    /* Quantise one column of n_k floats into column `col`. A column with a value that is not finite gets
     * d = NaN, so that it is noticed. */
    inlay__quantize_fn quantize_32, quantize_256, quantize_wide;

    /* y = x / sqrt(mean(x^2) + epsilon) * w  [Zhang and Sennrich 2019] */
    void (*rms_norm)(const float *x, const float *w, float epsilon, size_t n, float *y);
    /* y = (x - mean(x)) / sqrt(variance(x) + epsilon) * w + bias; `bias` may be NULL  [Ba et al. 2016] */
    void (*layer_norm)(const float *x, const float *w, const float *bias, float epsilon, size_t n, float *y);
    /* y = x + y */
    void (*add)(const float *x, size_t n, float *y);
    /* out = act(gate) * up  [Shazeer 2020]; act(gate) where `up` is NULL */
    void (*activate)(inlay__activation activation, const float *gate, const float *up, size_t n, float *out);
    /* x = cap tanh(x / cap) */
    void (*soft_cap)(float cap, size_t n, float *x);
    /* Rotates pairs of x [n_rope], in place, by the angles whose sines and cosines are [n_rope / 2]: pairs
     * (2 i, 2 i + 1), or (i, i + n_rope / 2)  [Su et al. 2021] */
    void (*rope_adjacent)(const float *cosines, const float *sines, size_t n_rope, float *x);
    void (*rope_halves)(const float *cosines, const float *sines, size_t n_rope, float *x);
    /* Keys and values into the cache. */
    void (*store_key)(const float *key, size_t n_head_dim, uint32_t cache_type, size_t position, void *keys);
    void (*store_value)(const float *value, size_t n_head_dim, uint32_t cache_type, size_t position, void *values);
    void (*attention)(const inlay__attention *attention);
    /* out [n] and its softmax joined by what a later block of keys gave, as attention joins its blocks. */
    void (*merge)(inlay__softmax *row, const inlay__softmax *block, const float *o, size_t n, float *out);
    /* out = exp((x - greatest) / temperature) */
    void (*weigh)(const float *x, float greatest, float temperature, size_t n, float *out);

    /* [type] products with rows as in the file, and with packed panels; NULL where there is none. */
    inlay__product_fn product_rows[INLAY__N_TENSOR_TYPES];
    inlay__product_fn product_packed[INLAY__N_TENSOR_TYPES];
    inlay__pack_fn pack; /* NULL: pack.c does it all */
} inlay__kernels;

/* Fills the table for a CPU level, which the machine must have. */
void inlay__kernels_init(inlay__kernels *kernels, inlay__cpu level);

/* Each level's overrides, in rising order. */
void inlay__kernels_init_x86(inlay__kernels *kernels, inlay__cpu level);
void inlay__kernels_init_arm(inlay__kernels *kernels, inlay__cpu level);

/* A level's products of packed types of 256 by a table of values: with scales for 32 elements each, and for 16. */
void inlay__kernels_set_table(inlay__kernels *kernels, inlay__product_fn by_32, inlay__product_fn by_16);

/* The scalar functions. */
void inlay__quantize_32(const float *x, inlay__acts *acts, size_t col);
void inlay__quantize_256(const float *x, inlay__acts *acts, size_t col);
void inlay__quantize_wide(const float *x, inlay__acts *acts, size_t col);
void inlay__rms_norm(const float *x, const float *w, float epsilon, size_t n, float *y);
void inlay__add(const float *x, size_t n, float *y);
void inlay__layer_norm(const float *x, const float *w, const float *bias, float epsilon, size_t n, float *y);
void inlay__activate(inlay__activation activation, const float *gate, const float *up, size_t n, float *out);
void inlay__soft_cap(float cap, size_t n, float *x);
void inlay__rope_adjacent(const float *cosines, const float *sines, size_t n_rope, float *x);
void inlay__rope_halves(const float *cosines, const float *sines, size_t n_rope, float *x);
void inlay__store_key(const float *key, size_t n_head_dim, uint32_t cache_type, size_t position, void *keys);
/* A key that was stored. */
void inlay__load_key(const void *keys, size_t n_head_dim, uint32_t cache_type, size_t position, float *key);
void inlay__load_key_q8_0(const void *keys, size_t n_head_dim, size_t position, float *key);
void inlay__store_value(const float *value, size_t n_head_dim, uint32_t cache_type, size_t position, void *values);
void inlay__weigh(const float *x, float greatest, float temperature, size_t n, float *out);
void inlay__attention_scalar(const inlay__attention *attention);
void inlay__attention_merge(inlay__softmax *row, const inlay__softmax *block, const float *o, size_t n, float *out);
/* What all levels share of attention with a cache in Q8_0, given their quantize_32 and their product of Q8_0 panels. */
void inlay__store_key_q8_0(inlay__quantize_fn quantize, const float *key, size_t n_head_dim, size_t position,
                           void *keys);
void inlay__store_value_q8_0(inlay__quantize_fn quantize, const float *value, size_t n_head_dim, size_t position,
                             void *values);
/* The queries in int8, in the scratch. */
inlay__acts inlay__attention_queries(const inlay__attention *attention, inlay__quantize_fn quantize);
/* scores [n_rows, 256] of the first n keys. */
void inlay__attention_scores(const inlay__attention *attention, const inlay__acts *acts, size_t n,
                             inlay__product_fn product, float *scores);
/* The scalar product of cached keys, and the scalar sum o [n_head_dim] += p value. */
void inlay__product_keys_q8_0(const inlay__product *product);
void inlay__gather_q8_0(const inlay__attention *attention, size_t position, float p, float *o);
void inlay__product_32(const inlay__product *product);
void inlay__product_256(const inlay__product *product);
void inlay__product_wide(const inlay__product *product);
void inlay__product_float(const inlay__product *product);
/* Of packed panels, for levels without a kernel of their own. */
void inlay__product_packed(const inlay__product *product);

#endif
