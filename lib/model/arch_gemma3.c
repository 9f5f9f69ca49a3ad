/* Gemma 3 [Kamath et al. 2025, arXiv:2503.19786]: norms before and after each block and on queries and keys, GELU instead
 * of SiLU, embeddings scaled by sqrt(n_embd), and five layers that attend to a window for each that attends to all. Local
 * layers rotate with theta 10,000 whatever the global ones do. */
#include <math.h>

#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

enum { LAYERS_PER_GLOBAL = 6, N_LAYER_27B = 62 };

int32_t inlay__arch_gemma3_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .place = INLAY__NORM_BEFORE_BRANCH,
                                      .qk_norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_GATED,
                                      .activation = INLAY__GELU_TANH, .pairs = INLAY__ROPE_HALVES};
    const inlay__hparams *h = &model->hparams;
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_q_norm.weight"));
    INLAY__TRY(inlay__load_require(model, "blk.%u.attn_k_norm.weight"));
    INLAY__TRY(inlay__positions_make_rope(model, INLAY__ROPE_LOCAL, 10000.0, false));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    model->embd_scale = sqrtf((float)h->n_embd);
    for (size_t i = 0; i < h->n_layer; i++) {
        inlay__attention_weights *w = inlay__layer_attention(model, i);
        /* The 27B model scales queries by the width per head of its hidden state, 168, not by the heads' own 128. */
        if (h->n_layer == N_LAYER_27B) w->scale = 1.0f / sqrtf((float)(h->n_embd / h->n_head));
        if (h->n_window == 0 || (i + 1) % LAYERS_PER_GLOBAL == 0) continue;
        w->n_window = h->n_window;
        w->rope = INLAY__ROPE_LOCAL;
    }
    return INLAY_OK;
}
