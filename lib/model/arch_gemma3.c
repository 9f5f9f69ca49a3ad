/* Gemma 3 [Kamath et al. 2025, arXiv:2503.19786]: norms before and after each block and on queries and keys, GELU instead
 * of SiLU, embeddings scaled by sqrt(n_embd), and five layers that attend to a window for each that attends to all. Local
 * layers rotate with theta 10,000 whatever the global ones do. */
#include <math.h>

#include "model/layers.h"

enum { LAYERS_PER_GLOBAL = 6, N_LAYER_27B = 62 };

int32_t inlay__arch_gemma3_load(inlay__model *model) {
    model->rope = INLAY__ROPE_HALVES;
    model->activation = INLAY__GELU_TANH;
    model->embd_scale = sqrtf((float)model->hparams.n_embd);
    /* The 27B model scales queries by the width per head of its hidden state, 168, not by the heads' own 128. */
    if (model->hparams.n_layer == N_LAYER_27B)
        model->query_scale = 1.0f / sqrtf((float)(model->hparams.n_embd / model->hparams.n_head));
    INLAY__TRY(inlay__model_make_rope(model, INLAY__ROPE_LOCAL, 10000.0, 1.0));
    INLAY__TRY(inlay__model_require(model, "blk.%u.attn_q_norm.weight"));
    INLAY__TRY(inlay__model_require(model, "blk.%u.attn_k_norm.weight"));
    INLAY__TRY(inlay__model_require(model, "blk.%u.post_attention_norm.weight"));
    INLAY__TRY(inlay__model_require(model, "blk.%u.post_ffw_norm.weight"));
    INLAY__TRY(inlay__model_load_dense(model));
    for (size_t i = 0; i < model->hparams.n_layer; i++)
        model->layers[i].local = model->hparams.n_window > 0 && (i + 1) % LAYERS_PER_GLOBAL != 0;
    return INLAY_OK;
}
