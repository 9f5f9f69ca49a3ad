/* The table of tensor types, indexed by the number GGUF gives them. */
#include "format/dtype.h"

/* type, name, elements and bytes of a block, whether there are kernels. No bytes: removed from the format. */
static const inlay__dtype dtypes[] = {
    [INLAY_TYPE_F32] = {"F32", 1, 4, true},
    [INLAY_TYPE_F16] = {"F16", 1, 2, true},
    [INLAY_TYPE_Q4_0] = {"Q4_0", 32, 18, true},
    [INLAY_TYPE_Q4_1] = {"Q4_1", 32, 20, true},
    [4] = {"Q4_2", 0, 0, false},
    [5] = {"Q4_3", 0, 0, false},
    [INLAY_TYPE_Q5_0] = {"Q5_0", 32, 22, true},
    [INLAY_TYPE_Q5_1] = {"Q5_1", 32, 24, true},
    [INLAY_TYPE_Q8_0] = {"Q8_0", 32, 34, true},
    [9] = {"Q8_1", 32, 36, false},
    [INLAY_TYPE_Q2_K] = {"Q2_K", 256, 84, true},
    [INLAY_TYPE_Q3_K] = {"Q3_K", 256, 110, true},
    [INLAY_TYPE_Q4_K] = {"Q4_K", 256, 144, true},
    [INLAY_TYPE_Q5_K] = {"Q5_K", 256, 176, true},
    [INLAY_TYPE_Q6_K] = {"Q6_K", 256, 210, true},
    [15] = {"Q8_K", 256, 292, false},
    [INLAY_TYPE_IQ2_XXS] = {"IQ2_XXS", 256, 66, true},
    [INLAY_TYPE_IQ2_XS] = {"IQ2_XS", 256, 74, true},
    [INLAY_TYPE_IQ3_XXS] = {"IQ3_XXS", 256, 98, true},
    [INLAY_TYPE_IQ1_S] = {"IQ1_S", 256, 50, true},
    [INLAY_TYPE_IQ4_NL] = {"IQ4_NL", 32, 18, true},
    [INLAY_TYPE_IQ3_S] = {"IQ3_S", 256, 110, true},
    [INLAY_TYPE_IQ2_S] = {"IQ2_S", 256, 82, true},
    [INLAY_TYPE_IQ4_XS] = {"IQ4_XS", 256, 136, true},
    [24] = {"I8", 1, 1, false},
    [25] = {"I16", 1, 2, false},
    [26] = {"I32", 1, 4, false},
    [27] = {"I64", 1, 8, false},
    [28] = {"F64", 1, 8, false},
    [INLAY_TYPE_IQ1_M] = {"IQ1_M", 256, 56, true},
    [INLAY_TYPE_BF16] = {"BF16", 1, 2, true},
    [31] = {"Q4_0_4_4", 0, 0, false},
    [32] = {"Q4_0_4_8", 0, 0, false},
    [33] = {"Q4_0_8_8", 0, 0, false},
    [INLAY_TYPE_TQ1_0] = {"TQ1_0", 256, 54, true},
    [INLAY_TYPE_TQ2_0] = {"TQ2_0", 256, 66, true},
    [36] = {"IQ4_NL_4_4", 0, 0, false},
    [37] = {"IQ4_NL_4_8", 0, 0, false},
    [38] = {"IQ4_NL_8_8", 0, 0, false},
    [INLAY_TYPE_MXFP4] = {"MXFP4", 32, 17, true},
    [40] = {"NVFP4", 64, 36, false},
    [41] = {"Q1_0", 128, 18, false},
    [INLAY_TYPE_Q16_0] = {"Q16_0", 128, 260, true},
};

const inlay__dtype *inlay__dtype_get(uint32_t type) {
    if (type >= INLAY__COUNT(dtypes) || dtypes[type].block_size == 0) return NULL;
    return &dtypes[type];
}

bool inlay__dtype_in_files(uint32_t type) { return type != INLAY_TYPE_Q16_0 && inlay__dtype_get(type) != NULL; }

const char *inlay__dtype_any_name(uint32_t type) {
    return type < INLAY__COUNT(dtypes) && dtypes[type].name != NULL ? dtypes[type].name : "unknown";
}

bool inlay__dtype_row_size(uint32_t type, uint64_t n, uint64_t *size) {
    const inlay__dtype *dtype = inlay__dtype_get(type);
    *size = 0;
    if (dtype == NULL || n % dtype->block_length != 0) return false;
    return inlay__mul_u64(n / dtype->block_length, dtype->block_size, size);
}
