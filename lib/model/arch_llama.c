/* LLaMA and kin [Touvron et al. 2023, arXiv:2302.13971]: RMS norms before each block, rotary positions, query heads
 * that share key/value heads, SwiGLU. GGUF files hold the query and key rows permuted, so that the pairs that
 * rotate together are adjacent. */
#include "model/transformer.h"

int32_t inlay__arch_llama_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_GATED, .activation = INLAY__SILU,
                                      .pairs = INLAY__ROPE_ADJACENT};
    return inlay__transformer_load(model, &shape);
}
