/* Qwen2 [Yang et al. 2024, arXiv:2407.10671]: as LLaMA, with biases on query, key and value, and rotation of the two
 * halves of a head. Qwen3 [Yang et al. 2025, arXiv:2505.09388]: without the biases, and norms of each head's query and
 * key. */
#include "model/load.h"
#include "model/transformer.h"

int32_t inlay__arch_qwen2_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_GATED, .activation = INLAY__SILU,
                                      .pairs = INLAY__ROPE_HALVES, .may_embed = true};
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_q.bias"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_k.bias"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_v.bias"));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    return inlay__transformer_set_windows(model, model->stack, 0, 0, INLAY__ROPE_GLOBAL);
}

int32_t inlay__arch_qwen3_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .qk_norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_GATED,
                                      .activation = INLAY__SILU, .pairs = INLAY__ROPE_HALVES, .may_embed = true};
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_q_norm.weight"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_k_norm.weight"));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    return inlay__transformer_set_windows(model, model->stack, 0, 0, INLAY__ROPE_GLOBAL);
}

/* The same, with mixtures of experts in the layers that have a router. */
int32_t inlay__arch_qwen3moe_load(inlay__model *model) { return inlay__arch_qwen3_load(model); }
