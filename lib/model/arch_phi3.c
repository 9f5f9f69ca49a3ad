/* Phi-3 [Abdin et al. 2024, arXiv:2404.14219]: as LLaMA, with halves of a head rotated, query, key and value in one
 * matrix, gate and up in another, and frequencies stretched by LongRoPE for long contexts. */
#include "model/transformer.h"

int32_t inlay__arch_phi3_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_FUSED, .activation = INLAY__SILU,
                                      .pairs = INLAY__ROPE_HALVES};
    INLAY__TRY(inlay__transformer_load(model, &shape));
    return inlay__transformer_set_windows(model, &model->decoder, 0, 0, INLAY__ROPE_GLOBAL);
}
