/* Falcon [Almazrouei et al. 2023, arXiv:2311.16867]: layer norms, rotary positions, few key/value heads, and attention
 * and feed-forward side by side. The small models give both the same norm of the stream; the large ones have a norm for
 * each, and a variant runs one after the other. */
#include "kernels/math.h"
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

/* Of the oldest, slopes instead of positions. They are scaled with the scores, and bfloat16 as the models were
 * trained. */
static int32_t set_slopes(inlay__model *model, double greatest) {
    const inlay__hparams *h = &model->hparams;
    const float *slopes = inlay__positions_slopes(model, h->n_head, greatest);
    float *scaled = inlay__model_alloc(model, h->n_head, sizeof *scaled);
    if (slopes == NULL || scaled == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_head; i++)
        scaled[i] =
            inlay__bf16_to_f32(inlay__f32_to_bf16(slopes[i])) * inlay__layer_attention(&model->decoder, 0)->scale;
    for (size_t i = 0; i < h->n_layer; i++) inlay__layer_attention(&model->decoder, i)->slopes = scaled;
    return INLAY_OK;
}

int32_t inlay__arch_falcon_load(inlay__model *model) {
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER,
                                .place = INLAY__NORM_ELSEWHERE,
                                .activation = INLAY__GELU_ERF,
                                .pairs = INLAY__ROPE_HALVES,
                                .parallel = true};
    size_t n = model->hparams.n_embd;
    double greatest = 0.0;
    INLAY__TRY(inlay__keys_f64(&model->keys, "attention.max_alibi_bias", false, 1e-3, 1e3, &greatest));
    if (greatest > 0.0) shape.rope = INLAY__NO_ROPE;
    INLAY__TRY(inlay__keys_bool(&model->keys, "use_parallel_residual", false, &shape.parallel));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    for (size_t i = 0; i < model->hparams.n_layer; i++) {
        inlay__norm *attention = &model->decoder.layers[i].blocks[0].norm,
                    *ffn = &model->decoder.layers[i].blocks[1].norm;
        INLAY__TRY(inlay__load_norm(model, "blk.%u.attn_norm", i, shape.norm, n, attention));
        *ffn = *attention;
        if (inlay__load_has(model, "blk.%u.attn_norm_2.weight", i))
            INLAY__TRY(inlay__load_norm(model, "blk.%u.attn_norm_2", i, shape.norm, n, attention));
        if (!shape.parallel) INLAY__TRY(inlay__load_norm(model, "blk.%u.ffn_norm", i, shape.norm, n, ffn));
    }
    return greatest > 0.0 ? set_slopes(model, greatest) : INLAY_OK;
}
