/* BLOOM [Le Scao et al. 2022, arXiv:2211.05100]: layer norms, of the embeddings too, and slopes instead of positions (ALiBi). */
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

int32_t inlay__arch_bloom_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .activation = INLAY__GELU_TANH, .rope = INLAY__NO_ROPE};
    const inlay__hparams *h = &model->hparams;
    double greatest = 8.0;
    INLAY__TRY(inlay__keys_f64(&model->keys, "attention.max_alibi_bias", false, 1e-3, 1e3, &greatest));
    INLAY__TRY(inlay__load_norm(model, "token_embd_norm", 0, shape.norm, h->n_embd, &model->decoder.embd_norm));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    const float *slopes = inlay__positions_slopes(model, h->n_head, greatest);
    if (slopes == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) inlay__layer_attention(&model->decoder, i)->slopes = slopes;
    return INLAY_OK;
}
