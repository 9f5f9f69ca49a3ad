/* Products of packed Q16_0 panels with AMX: a tile holds 16 columns, or 16 rows, with 64 elements of one digit each;
 * their product is 16,384 multiplications, and lines of a panel are what it wants of weights as they stand. All eight
 * tiles are in use: four sums of digits, two of activations, two of weights. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "kernels/x86/avx512.h"

#if INLAY__HAS_AMX

#include "kernels/wide.h"

#define AMX __attribute__((target(INLAY__AVX512_TARGET ",amx-tile,amx-int8")))
#define AMX_INLINE static inline __attribute__((always_inline, target(INLAY__AVX512_TARGET ",amx-tile,amx-int8")))

enum { COLS = 16, FEWEST_COLS = 5, TILE_K = 64, TILE_SIZE = 1024 };
/* The tiles: sums by the digits of activation and weight, activations, weights. */
#define HIGH_HIGH 0
#define HIGH_LOW 1
#define LOW_HIGH 2
#define LOW_LOW 3
#define X_HIGH 4
#define X_LOW 5
#define W_HIGH 6
#define W_LOW 7

/* What LDTILECFG reads. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

/* Tiles of n_cols columns: sums [n_cols, 16], activations [n_cols, 64], weights [16 groups of 4 elements, 16 rows]. */
AMX static void configure(size_t n_cols) {
    tile_config config = {.palette = 1};
    for (size_t i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = i >= W_HIGH ? 16 : (uint8_t)n_cols;
    }
    _tile_loadconfig(&config);
}

/* The sums of digits of one block, as they leave the tiles. */
typedef int32_t digit_sums[4][COLS * INLAY__LANES];

/* Adds half a block to the sums in the tiles. */
AMX_INLINE void multiply_half(const uint8_t *panel, const int8_t *digits, size_t n_k, size_t half) {
    const uint8_t *lines = panel + half * TILE_SIZE;
    digits += half * TILE_K;
    _tile_loadd(W_HIGH, lines + INLAY__WIDE_HIGH, 64);
    _tile_loadd(X_HIGH, digits, 2 * n_k);
    _tile_dpbssd(HIGH_HIGH, X_HIGH, W_HIGH);
    _tile_loadd(W_LOW, lines + INLAY__WIDE_LOW, 64);
    _tile_dpbssd(HIGH_LOW, X_HIGH, W_LOW);
    _tile_loadd(X_LOW, digits + n_k, 2 * n_k);
    _tile_dpbssd(LOW_HIGH, X_LOW, W_HIGH);
    _tile_dpbssd(LOW_LOW, X_LOW, W_LOW);
}

AMX_INLINE void clear_tiles(void) {
    _tile_zero(HIGH_HIGH);
    _tile_zero(HIGH_LOW);
    _tile_zero(LOW_HIGH);
    _tile_zero(LOW_LOW);
}

AMX_INLINE void store_tiles(digit_sums sums) {
    _tile_stored(HIGH_HIGH, sums[HIGH_HIGH], 64);
    _tile_stored(HIGH_LOW, sums[HIGH_LOW], 64);
    _tile_stored(LOW_HIGH, sums[LOW_HIGH], 64);
    _tile_stored(LOW_LOW, sums[LOW_LOW], 64);
}

AMX_INLINE __m512 join(const int32_t *high, const int32_t *low) {
    return _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_load_si512(high), 8), _mm512_load_si512(low)));
}

/* Columns [begin, end) of what one block adds. `da`: scales of the columns' activations, `step` numbers apart. */
AMX_INLINE void accumulate(__m512 d, const float *da, size_t step, size_t begin, size_t end, digit_sums sums,
                           __m512 *acc) {
    for (size_t c = begin; c < end; c++) {
        size_t at = c * INLAY__LANES;
        __m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(da[c * step]));
        acc[c] = _mm512_fmadd_ps(join(sums[HIGH_HIGH] + at, sums[LOW_HIGH] + at),
                                 _mm512_mul_ps(scale, _mm512_set1_ps(256.0f)), acc[c]);
        acc[c] = _mm512_fmadd_ps(join(sums[HIGH_LOW] + at, sums[LOW_LOW] + at), scale, acc[c]);
    }
}

/* A panel by n_cols columns, over the whole depth. While the tiles take a block, the sums of the one before are
 * scaled. */
AMX_INLINE void tile(const inlay__product *p, const uint8_t *panel, size_t col, size_t n_cols, float *out) {
    const size_t n_k = p->acts->n_k, n_blocks = p->acts->n_blocks, half_cols = n_cols / 2;
    const int8_t *digits = p->acts->q + 2 * col * n_k;
    const float *da = p->acts->d + col * n_blocks;
    _Alignas(64) digit_sums sums[2];
    __m512 acc[COLS];
    for (size_t c = 0; c < n_cols; c++) acc[c] = _mm512_setzero_ps();
    clear_tiles();
    multiply_half(panel, digits, n_k, 0);
    multiply_half(panel, digits, n_k, 1);
    store_tiles(sums[0]);
    for (size_t b = 1; b < n_blocks; b++) {
        __m512 d = _mm512_loadu_ps(panel);
        panel += INLAY__WIDE_PANEL_SIZE;
        digits += INLAY__WIDE_LENGTH;
        clear_tiles();
        multiply_half(panel, digits, n_k, 0);
        accumulate(d, da + b - 1, n_blocks, 0, half_cols, sums[(b - 1) % 2], acc);
        multiply_half(panel, digits, n_k, 1);
        accumulate(d, da + b - 1, n_blocks, half_cols, n_cols, sums[(b - 1) % 2], acc);
        store_tiles(sums[b % 2]);
    }
    accumulate(_mm512_loadu_ps(panel), da + n_blocks - 1, n_blocks, 0, n_cols, sums[(n_blocks - 1) % 2], acc);
    for (size_t c = 0; c < n_cols; c++) _mm512_storeu_ps(out + c * p->out_stride, acc[c]);
}

/* All rows by the columns of a tile: these stay in the first cache. */
AMX static __attribute__((noinline)) void product_cols(const inlay__product *p, size_t col, size_t n_cols) {
    size_t panel_size = p->acts->n_blocks * INLAY__WIDE_PANEL_SIZE;
    for (size_t row = p->row_begin; row < p->row_end; row += INLAY__LANES)
        tile(p, p->weights + row / INLAY__LANES * panel_size, col, n_cols,
             p->out + (col - p->col_begin) * p->out_stride + (row - p->row_begin));
}

/* Fewer columns than pay for tiles go through AVX-512. */
AMX void inlay__product_q16_0_amx(const inlay__product *p) {
    size_t col = p->col_begin;
    if (p->col_end - col >= COLS) configure(COLS);
    for (; col + COLS <= p->col_end; col += COLS) product_cols(p, col, COLS);
    if (p->col_end - col >= FEWEST_COLS) {
        configure(p->col_end - col);
        product_cols(p, col, p->col_end - col);
        col = p->col_end;
    }
    if (p->col_end - p->col_begin >= FEWEST_COLS) _tile_release();
    if (col >= p->col_end) return;
    inlay__product rest = *p;
    rest.col_begin = col;
    rest.out += (col - p->col_begin) * p->out_stride;
    inlay__product_q16_0_avx512(&rest);
}

#else
typedef int inlay__no_amx; /* a source file may not be empty */
#endif
