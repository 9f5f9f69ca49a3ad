/* OLMo 2 [OLMo Team 2024, arXiv:2501.00656]: norms behind the blocks and none before, queries and keys normed over all
 * heads as one before halves of each are rotated. */
#include "model/load.h"
#include "model/transformer.h"

int32_t inlay__arch_olmo2_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .place = INLAY__NORM_BRANCH, .qk_norm = INLAY__NORM_RMS,
                                      .qk_norm_is_whole = true, .ffn = INLAY__FFN_GATED, .activation = INLAY__SILU,
                                      .pairs = INLAY__ROPE_HALVES};
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_q_norm.weight"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_k_norm.weight"));
    return inlay__transformer_load(model, &shape);
}
