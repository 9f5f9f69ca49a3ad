/* Qwen2 [Yang et al. 2024, arXiv:2407.10671]: as LLaMA, with biases on query, key and value, and rotation of the two
 * halves of a head. */
#include "model/load.h"
#include "model/transformer.h"

int32_t inlay__arch_qwen2_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_GATED, .activation = INLAY__SILU,
                                      .pairs = INLAY__ROPE_HALVES};
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_q.bias"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_k.bias"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_v.bias"));
    return inlay__transformer_load(model, &shape);
}
