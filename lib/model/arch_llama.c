/* LLaMA and kin [Touvron et al. 2023, arXiv:2302.13971]: RMS norms before each block, rotary positions, query heads
 * that share key/value heads, SwiGLU. GGUF files hold the query and key rows permuted, so that the pairs that
 * rotate together are adjacent. */
#include "model/transformer.h"

int32_t inlay__arch_llama_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_RMS, .ffn = INLAY__FFN_GATED, .activation = INLAY__SILU,
                                      .pairs = INLAY__ROPE_ADJACENT};
    INLAY__TRY(inlay__transformer_load(model, &shape));
    for (size_t i = 0; i < model->hparams.n_layer; i++) /* Mistral's [Jiang et al. 2023, arXiv:2310.06825] */
        inlay__layer_attention(model, i)->n_window = model->hparams.n_window;
    return INLAY_OK;
}
