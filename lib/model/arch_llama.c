/* LLaMA and kin [Touvron et al. 2023, arXiv:2302.13971]: RMS norms before each block, rotary positions, query heads
 * that share key/value heads, SwiGLU. GGUF files hold the query and key rows permuted, so that the pairs that rotate
 * together are adjacent. Of the same name are LLaMA 3 [Dubey et al. 2024, arXiv:2407.21783] with its scaled
 * frequencies, Mistral [Jiang et al. 2023, arXiv:2310.06825], whose layers may attend to a window, and Mixtral [Jiang
 * et al. 2024, arXiv:2401.04088], whose feed-forward blocks are mixtures of experts. */
#include "model/transformer.h"

static const inlay__transformer shape = {.norm = INLAY__NORM_RMS,
                                         .ffn = INLAY__FFN_GATED,
                                         .activation = INLAY__SILU,
                                         .pairs = INLAY__ROPE_ADJACENT};

int32_t inlay__arch_llama_load(inlay__model *model) {
    inlay__transformer any = shape;
    any.may_embed = true;
    INLAY__TRY(inlay__transformer_load(model, &any));
    return inlay__transformer_set_windows(model, model->stack, 0, 0, INLAY__ROPE_GLOBAL);
}

/* Granite [Mishra et al. 2024, arXiv:2405.04324; Granite Team 2024]: LLaMA with factors on embeddings, branches, scores
 * and logits, which divides them. */
int32_t inlay__arch_granite_load(inlay__model *model) {
    if (model->hparams.logit_scale > 0.0f) model->logit_scale = 1.0f / model->hparams.logit_scale;
    return inlay__transformer_load(model, &shape);
}

/* SmolLM3 [Bakouch et al. 2025]: LLaMA in which some layers, by default every fourth, know no positions [Yang et al.
 * 2025, arXiv:2501.18795]. */
int32_t inlay__arch_smollm3_load(inlay__model *model) {
    enum { LAYERS_PER_PLAIN = 4 };
    size_t n_layer = model->hparams.n_layer;
    INLAY__TRY(inlay__transformer_load(model, &shape));
    INLAY__TRY(inlay__transformer_set_windows(model, &model->decoder, 0, 0, INLAY__ROPE_GLOBAL));
    for (size_t i = 0; i < n_layer; i++) {
        bool rotates = (i + 1) % LAYERS_PER_PLAIN != 0;
        INLAY__TRY(inlay__keys_bool_of(&model->keys, "rope.layer_pattern", i, n_layer, &rotates));
        if (!rotates) inlay__layer_attention(&model->decoder, i)->rope = INLAY__NO_ROPE;
    }
    return INLAY_OK;
}
