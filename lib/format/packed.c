/* Sizes of tensors in panels. */
#include "format/packed.h"

#include "format/dtype.h"

/* Bytes of 16 rows of one block; 0 where there is no packed form. */
static uint32_t panel_block_size(uint32_t type) {
    switch (type) {
    case INLAY_TYPE_IQ4_NL:
    case INLAY_TYPE_Q4_0: return 288;
    case INLAY_TYPE_Q4_1: return 320;
    case INLAY_TYPE_Q5_0: return 352;
    case INLAY_TYPE_Q5_1: return 384;
    case INLAY_TYPE_Q8_0: return 544;
    case INLAY_TYPE_Q16_0: return 4160;
    case INLAY_TYPE_Q4_K: return 2368;
    case INLAY_TYPE_Q5_K: return 2880;
    case INLAY_TYPE_Q3_K:
    case INLAY_TYPE_Q6_K: return 3360;
    case INLAY_TYPE_Q2_K: return 1344;
    case INLAY_TYPE_TQ1_0:
    case INLAY_TYPE_TQ2_0: return 1056;
    case INLAY_TYPE_MXFP4: return 272;
    case INLAY_TYPE_IQ4_XS:
    case INLAY_TYPE_IQ1_S:
    case INLAY_TYPE_IQ2_XXS:
    case INLAY_TYPE_IQ3_XXS:
    case INLAY_TYPE_IQ3_S: return 2240;
    case INLAY_TYPE_IQ1_M:
    case INLAY_TYPE_IQ2_XS:
    case INLAY_TYPE_IQ2_S: return 2368;
    default: return 0;
    }
}

bool inlay__packed_has(uint32_t type) { return panel_block_size(type) != 0; }

bool inlay__packed_size(uint32_t type, const uint64_t shape[4], uint64_t *size) {
    const inlay__dtype *dtype = inlay__dtype_get(type);
    uint32_t block_size = panel_block_size(type);
    *size = 0;
    if (dtype == NULL || block_size == 0 || shape[1] > UINT64_MAX - INLAY__PACKED_ROWS) return false;
    uint64_t n_panels = (shape[1] + INLAY__PACKED_ROWS - 1) / INLAY__PACKED_ROWS;
    return inlay__mul_u64(shape[0] / dtype->block_length, block_size, size) && inlay__mul_u64(*size, n_panels, size) &&
           inlay__mul_u64(*size, shape[2], size) && inlay__mul_u64(*size, shape[3], size);
}
