/* What each x86-64 level does better than the scalar definition, in rising order. */
#include "kernels/x86/avx512.h"
#include "kernels/x86/avxvnni.h"

#if defined(__x86_64__)

static void init_avx2(inlay__kernels *k) {
    k->quantize_32 = inlay__quantize_32_avx2;
    k->quantize_256 = inlay__quantize_256_avx2;
    k->quantize_wide = inlay__quantize_wide_avx2;
    k->rms_norm = inlay__rms_norm_avx2;
    k->add = inlay__add_avx2;
    k->layer_norm = inlay__layer_norm_avx2;
    k->activate = inlay__activate_avx2;
    k->soft_cap = inlay__soft_cap_avx2;
    k->rope_adjacent = inlay__rope_adjacent_avx2;
    k->rope_halves = inlay__rope_halves_avx2;
    k->store_key = inlay__store_key_avx2;
    k->store_value = inlay__store_value_avx2;
    k->attention = inlay__attention_avx2;
    k->merge = inlay__attention_merge_avx2;
    k->weigh = inlay__weigh_avx2;
    k->pack = inlay__pack_panel_avx2;
    k->product_rows[INLAY_TYPE_F32] = inlay__product_f32_avx2;
    k->product_rows[INLAY_TYPE_F16] = inlay__product_f16_avx2;
    k->product_rows[INLAY_TYPE_BF16] = inlay__product_bf16_avx2;
    k->product_packed[INLAY_TYPE_Q4_0] = inlay__product_q4_0_avx2;
    k->product_packed[INLAY_TYPE_Q4_1] = inlay__product_q4_1_avx2;
    k->product_packed[INLAY_TYPE_Q5_0] = inlay__product_q5_0_avx2;
    k->product_packed[INLAY_TYPE_Q5_1] = inlay__product_q5_1_avx2;
    k->product_packed[INLAY_TYPE_Q8_0] = inlay__product_q8_0_avx2;
    k->product_packed[INLAY_TYPE_IQ4_NL] = inlay__product_q8_0_avx2;
    k->product_packed[INLAY_TYPE_MXFP4] = inlay__product_q5_0_avx2;
    k->product_packed[INLAY_TYPE_Q3_K] = inlay__product_q6_k_avx2;
    k->product_packed[INLAY_TYPE_Q4_K] = inlay__product_q4_k_avx2;
    k->product_packed[INLAY_TYPE_Q5_K] = inlay__product_q5_k_avx2;
    k->product_packed[INLAY_TYPE_Q6_K] = inlay__product_q6_k_avx2;
    inlay__init_2bit_avx2(k);
    inlay__init_table_avx2(k);
    k->product_packed[INLAY_TYPE_Q16_0] = inlay__product_q16_0_avx2;
}

static void init_avxvnni(inlay__kernels *k) {
#if INLAY__HAS_AVXVNNI
    k->product_packed[INLAY_TYPE_Q4_0] = inlay__product_q4_0_avxvnni;
    k->product_packed[INLAY_TYPE_Q4_1] = inlay__product_q4_1_avxvnni;
    k->product_packed[INLAY_TYPE_Q5_0] = inlay__product_q5_0_avxvnni;
    k->product_packed[INLAY_TYPE_Q5_1] = inlay__product_q5_1_avxvnni;
    k->product_packed[INLAY_TYPE_Q8_0] = inlay__product_q8_0_avxvnni;
    k->product_packed[INLAY_TYPE_IQ4_NL] = inlay__product_iq4_nl_avxvnni;
    k->product_packed[INLAY_TYPE_MXFP4] = inlay__product_iq4_nl_avxvnni;
    k->product_packed[INLAY_TYPE_Q3_K] = inlay__product_q6_k_avxvnni;
    k->product_packed[INLAY_TYPE_Q4_K] = inlay__product_q4_k_avxvnni;
    k->product_packed[INLAY_TYPE_Q5_K] = inlay__product_q5_k_avxvnni;
    k->product_packed[INLAY_TYPE_Q6_K] = inlay__product_q6_k_avxvnni;
    inlay__init_2bit_avxvnni(k);
    inlay__init_table_avxvnni(k);
    inlay__init_wide_avxvnni(k);
#else
    (void)k;
#endif
}

/* On top of AVX2: a CPU may have AVX-512 VNNI without AVX-VNNI. */
static void init_avx512(inlay__kernels *k) {
    k->attention = inlay__attention_avx512;
    k->activate = inlay__activate_avx512;
    k->soft_cap = inlay__soft_cap_avx512;
    k->product_rows[INLAY_TYPE_F32] = inlay__product_f32_avx512;
    k->product_rows[INLAY_TYPE_F16] = inlay__product_f16_avx512;
    k->product_rows[INLAY_TYPE_BF16] = inlay__product_bf16_avx512;
    k->product_packed[INLAY_TYPE_Q4_0] = inlay__product_q4_0_avx512;
    k->product_packed[INLAY_TYPE_Q4_1] = inlay__product_q4_1_avx512;
    k->product_packed[INLAY_TYPE_Q5_0] = inlay__product_q5_0_avx512;
    k->product_packed[INLAY_TYPE_Q5_1] = inlay__product_q5_1_avx512;
    k->product_packed[INLAY_TYPE_Q8_0] = inlay__product_q8_0_avx512;
    k->product_packed[INLAY_TYPE_IQ4_NL] = inlay__product_q8_0_avx512;
    k->product_packed[INLAY_TYPE_MXFP4] = inlay__product_q8_0_avx512;
    k->product_packed[INLAY_TYPE_Q3_K] = inlay__product_q6_k_avx512;
    k->product_packed[INLAY_TYPE_Q4_K] = inlay__product_q4_k_avx512;
    k->product_packed[INLAY_TYPE_Q5_K] = inlay__product_q5_k_avx512;
    k->product_packed[INLAY_TYPE_Q6_K] = inlay__product_q6_k_avx512;
    inlay__init_2bit_avx512(k);
    inlay__init_table_avx512(k);
    inlay__init_wide_avx512(k);
}

static void init_amx(inlay__kernels *k) {
#if INLAY__HAS_AMX
    k->product_packed[INLAY_TYPE_Q16_0] = inlay__product_q16_0_amx;
#else
    (void)k;
#endif
}

void inlay__kernels_init_x86(inlay__kernels *kernels, inlay__cpu level) {
    if (level < INLAY__CPU_AVX2) return;
    init_avx2(kernels);
    if (level == INLAY__CPU_AVXVNNI) init_avxvnni(kernels);
    if (level >= INLAY__CPU_AVX512) init_avx512(kernels);
    if (level == INLAY__CPU_AMX) init_amx(kernels);
}

#else
typedef int inlay__not_x86; /* a source file may not be empty */
#endif
