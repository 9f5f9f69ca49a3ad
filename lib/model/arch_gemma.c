/* Gemma 2 [Gemma Team 2024, arXiv:2408.00118] and Gemma 3 [Kamath et al. 2025, arXiv:2503.19786]: norms before and
 * after each block, GELU instead of SiLU, embeddings scaled by sqrt(n_embd), layers that attend to a window between
 * those that attend to all. Gemma 2 caps scores and logits; Gemma 3 norms queries and keys, and its local layers rotate
 * with a theta of their own. */
#include <math.h>

#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

/* The 27B models scale queries by the width per head of their hidden state, not by the heads' own; only later files say
 * so. */
static void set_scales(inlay__model *model, uint32_t n_layer_27b) {
    const inlay__hparams *h = &model->hparams;
    model->embd_scale = sqrtf((float)h->n_embd);
    for (size_t i = 0; h->attn_scale == 0.0f && h->n_layer == n_layer_27b && i < h->n_layer; i++)
        inlay__layer_attention(&model->decoder, i)->scale = 1.0f / sqrtf((float)(h->n_embd / h->n_head));
}

int32_t inlay__arch_gemma2_load(inlay__model *model) {
    enum { LAYERS_PER_GLOBAL = 2, N_LAYER_27B = 46 };
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS,
                                      .place = INLAY__NORM_BEFORE_BRANCH,
                                      .ffn = INLAY__FFN_GATED,
                                      .activation = INLAY__GELU_TANH,
                                      .pairs = INLAY__ROPE_HALVES};
    INLAY__TRY(inlay__transformer_load(model, &shape));
    set_scales(model, N_LAYER_27B);
    return inlay__transformer_set_windows(model, &model->decoder, LAYERS_PER_GLOBAL, LAYERS_PER_GLOBAL - 1,
                                          INLAY__ROPE_GLOBAL);
}

int32_t inlay__arch_gemma3_load(inlay__model *model) {
    enum { LAYERS_PER_GLOBAL = 6, N_LAYER_27B = 62 };
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .place = INLAY__NORM_BEFORE_BRANCH,
                                      .qk_norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_GATED,
                                      .activation = INLAY__GELU_TANH, .pairs = INLAY__ROPE_HALVES};
    double theta = 10000.0;
    INLAY__TRY(inlay__keys_f64(&model->keys, "rope.freq_base_swa", false, 1.0, 1e12, &theta));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_q_norm.weight"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_k_norm.weight"));
    INLAY__TRY(inlay__positions_make_rope(model, INLAY__ROPE_LOCAL, theta, false));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    set_scales(model, N_LAYER_27B);
    return inlay__transformer_set_windows(model, &model->decoder, LAYERS_PER_GLOBAL, LAYERS_PER_GLOBAL - 1,
                                          INLAY__ROPE_LOCAL);
}
