/* What each 64-bit ARM level does better than the scalar definition, in rising order. */
#include "kernels/arm/neon.h"

#if defined(__aarch64__)

/* The products of packed panels, and which types share another's. */
#define TAKE_PRODUCTS(k, isa)                                           \
    do {                                                                \
        (k)->product_packed[INLAY_TYPE_Q4_0] = inlay__product_q4_0_##isa;   \
        (k)->product_packed[INLAY_TYPE_Q4_1] = inlay__product_q4_1_##isa;   \
        (k)->product_packed[INLAY_TYPE_Q5_0] = inlay__product_q5_0_##isa;   \
        (k)->product_packed[INLAY_TYPE_Q5_1] = inlay__product_q5_1_##isa;   \
        (k)->product_packed[INLAY_TYPE_Q8_0] = inlay__product_q8_0_##isa;   \
        (k)->product_packed[INLAY_TYPE_IQ4_NL] = inlay__product_iq4_nl_##isa; \
        (k)->product_packed[INLAY_TYPE_MXFP4] = inlay__product_mxfp4_##isa; \
        (k)->product_packed[INLAY_TYPE_Q3_K] = inlay__product_q6_k_##isa;   \
        (k)->product_packed[INLAY_TYPE_Q4_K] = inlay__product_q4_k_##isa;   \
        (k)->product_packed[INLAY_TYPE_Q5_K] = inlay__product_q5_k_##isa;   \
        (k)->product_packed[INLAY_TYPE_Q6_K] = inlay__product_q6_k_##isa;   \
    } while (0)

static void init_neon(inlay__kernels *k) {
    k->quantize_32 = inlay__quantize_32_neon;
    k->quantize_256 = inlay__quantize_256_neon;
    k->rms_norm = inlay__rms_norm_neon;
    k->add = inlay__add_neon;
    k->layer_norm = inlay__layer_norm_neon;
    k->activate = inlay__activate_neon;
    k->soft_cap = inlay__soft_cap_neon;
    k->rope_adjacent = inlay__rope_adjacent_neon;
    k->rope_halves = inlay__rope_halves_neon;
    k->store_key = inlay__store_key_neon;
    k->store_value = inlay__store_value_neon;
    k->attention = inlay__attention_neon;
    k->merge = inlay__attention_merge_neon;
    k->weigh = inlay__weigh_neon;
    k->product_rows[INLAY_TYPE_F32] = inlay__product_f32_neon;
    k->product_rows[INLAY_TYPE_F16] = inlay__product_f16_neon;
    k->product_rows[INLAY_TYPE_BF16] = inlay__product_bf16_neon;
    TAKE_PRODUCTS(k, neon);
    inlay__init_256_neon(k);
}

void inlay__kernels_init_arm(inlay__kernels *kernels, inlay__cpu level) {
    if (level < INLAY__CPU_NEON) return;
    init_neon(kernels);
#if INLAY__ARM_LEVELS
    if (level < INLAY__CPU_DOTPROD) return;
    kernels->attention = inlay__attention_dotprod;
    TAKE_PRODUCTS(kernels, dotprod);
    inlay__init_256_dotprod(kernels);
    if (level < INLAY__CPU_I8MM) return;
    kernels->attention = inlay__attention_i8mm;
    TAKE_PRODUCTS(kernels, i8mm);
#endif
}

#else
typedef int inlay__not_arm; /* a source file may not be empty */
#endif
