/* Fills the table: the scalar definition, then what the CPU level does better. */
#include "kernels/kernels.h"

void inlay__kernels_init(inlay__kernels *kernels, inlay__cpu level) {
    *kernels = (inlay__kernels){
        .level = level,
        .quantize_32 = inlay__quantize_32,
        .quantize_256 = inlay__quantize_256,
        .quantize_wide = inlay__quantize_wide,
        .rms_norm = inlay__rms_norm,
        .add = inlay__add,
        .layer_norm = inlay__layer_norm,
        .activate = inlay__activate,
        .soft_cap = inlay__soft_cap,
        .rope_adjacent = inlay__rope_adjacent,
        .rope_halves = inlay__rope_halves,
        .store_key = inlay__store_key,
        .store_value = inlay__store_value,
        .attention = inlay__attention_scalar,
        .merge = inlay__attention_merge,
        .weigh = inlay__weigh,
    };
    for (uint32_t type = 0; type < INLAY__N_TENSOR_TYPES; type++) {
        const inlay__block_type *t = inlay__block_type_get(type);
        if (t == NULL) continue;
        kernels->product_rows[type] = t->kind == INLAY__BLOCK_FLOAT ? inlay__product_float
                                      : t->kind == INLAY__BLOCK_32  ? inlay__product_32
                                      : t->kind == INLAY__BLOCK_WIDE ? inlay__product_wide
                                                                    : inlay__product_256;
    }
#if defined(__x86_64__)
    inlay__kernels_init_x86(kernels, level);
#elif defined(__aarch64__)
    inlay__kernels_init_arm(kernels, level);
#endif
}

void inlay__kernels_set_table(inlay__kernels *kernels, inlay__product_fn by_32, inlay__product_fn by_16) {
    kernels->product_packed[INLAY_TYPE_IQ4_XS] = by_32;
    kernels->product_packed[INLAY_TYPE_IQ1_S] = by_32;
    kernels->product_packed[INLAY_TYPE_IQ2_XXS] = by_32;
    kernels->product_packed[INLAY_TYPE_IQ3_XXS] = by_32;
    kernels->product_packed[INLAY_TYPE_IQ3_S] = by_32;
    kernels->product_packed[INLAY_TYPE_IQ1_M] = by_16;
    kernels->product_packed[INLAY_TYPE_IQ2_XS] = by_16;
    kernels->product_packed[INLAY_TYPE_IQ2_S] = by_16;
}
