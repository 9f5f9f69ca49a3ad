/* The walk of product_k_neon.c and product_k_dotprod.c over panels of superblocks, which
 * define, before they include it,
 *
 *     TILE_INLINE   how a function of their level is declared
 *     add_sub_block(block, panel, j, quarter, q, stride, n_cols, sum)   a sub-block of 4 rows, scaled, into the sums of
 *                   n_cols columns, whose activations are q, `stride` apart
 *     add_superblock(block, panel, quarter, acts, col, k, sum, acc)   the sums of a superblock join those of its 4 rows
 */
#include "kernels/arm/neon.h"

enum { COLS = 8, FEW = 3, SUB_BLOCKS = 8 }; /* columns of a tile */

/* n_quarters times 4 rows by n_cols columns, over the whole depth. One column takes all quarters in one walk, so that
 * the panel is read straight on. */
TILE_INLINE void tile(const inlay__product *p, inlay__panel panel, const uint8_t *block, size_t quarter,
                      size_t n_quarters, size_t col, size_t n_cols, float *out) {
    const inlay__acts *acts = p->acts;
    float32x4_t acc[COLS]; /* [n_quarters, n_cols] */
    for (size_t i = 0; i < n_quarters * n_cols; i++)
        acc[i] = vdupq_n_f32(0.0f);
    for (size_t k = 0; k < acts->n_blocks; k++, block += panel.size) {
        const int8_t *q = acts->q + col * acts->n_k + k * INLAY__K_LENGTH;
        for (size_t i = 0; i < n_quarters; i++) {
            int32x4_t sum[COLS];
            for (size_t c = 0; c < n_cols; c++)
                sum[c] = vdupq_n_s32(0);
            for (size_t j = 0; j < SUB_BLOCKS; j++)
                add_sub_block(block, panel, j, quarter + i, q + INLAY__Q_LENGTH * j, acts->n_k, n_cols, sum);
            float32x4_t *a = acc + i * n_cols;
            for (size_t c = 0; c < n_cols; c++)
                a[c] = add_superblock(block, panel, quarter + i, acts, col + c, k, sum[c], a[c]);
        }
    }
    for (size_t i = 0; i < n_quarters; i++)
        for (size_t c = 0; c < n_cols; c++)
            vst1q_f32(out + c * p->out_stride + 4 * (quarter + i), acc[i * n_cols + c]);
}

#include "kernels/arm/product_walk.h"
