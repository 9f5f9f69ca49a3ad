/* BLOOM [Le Scao et al. 2022, arXiv:2211.05100]: layer norms, of the embeddings too, and slopes instead of positions
 * (ALiBi). Some models take the residual behind the norms: what a block's norm gives is then what its branch joins. */
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

/* The norm of each block's input becomes the stream: that of the first at the entry, others behind the block before. */
static int32_t load_stream_norms(inlay__model *model, inlay__norm_kind kind) {
    const inlay__hparams *h = &model->hparams;
    inlay__stack *stack = &model->decoder;
    for (size_t i = 0; i < h->n_layer; i++) {
        inlay__norm *attention = i == 0 ? &stack->entry_norm : &stack->layers[i - 1].blocks[1].stream_norm;
        INLAY__TRY(inlay__load_norm(model, "blk.%u.attn_norm", i, kind, h->n_embd, attention));
        inlay__norm *ffn = &stack->layers[i].blocks[0].stream_norm;
        INLAY__TRY(inlay__load_norm(model, "blk.%u.ffn_norm", i, kind, h->n_embd, ffn));
    }
    return INLAY_OK;
}

int32_t inlay__arch_bloom_load(inlay__model *model) {
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .activation = INLAY__GELU_TANH, .rope = INLAY__NO_ROPE};
    const inlay__hparams *h = &model->hparams;
    double greatest = 8.0;
    bool after_norm = false;
    INLAY__TRY(inlay__keys_f64(&model->keys, "attention.max_alibi_bias", false, 1e-3, 1e3, &greatest));
    INLAY__TRY(inlay__keys_bool(&model->keys, "residual_after_norm", false, &after_norm));
    if (after_norm) shape.place = INLAY__NORM_ELSEWHERE;
    INLAY__TRY(inlay__load_norm(model, "token_embd_norm", 0, shape.norm, h->n_embd, &model->decoder.embd_norm));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    if (after_norm) INLAY__TRY(load_stream_norms(model, shape.norm));
    const float *slopes = inlay__positions_slopes(model, h->n_head, greatest);
    if (slopes == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) inlay__layer_attention(&model->decoder, i)->slopes = slopes;
    return INLAY_OK;
}
