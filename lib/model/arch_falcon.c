/* Falcon [Almazrouei et al. 2023, arXiv:2311.16867]: layer norms, rotary positions, few key/value heads, and attention and
 * feed-forward side by side. The small models give both the same norm of the stream; the large ones have a norm for each, and
 * a variant runs one after the other. */
#include "model/load.h"
#include "model/transformer.h"

int32_t inlay__arch_falcon_load(inlay__model *model) {
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .place = INLAY__NORM_ELSEWHERE, .activation = INLAY__GELU_ERF,
                                .pairs = INLAY__ROPE_HALVES, .parallel = true};
    size_t n = model->hparams.n_embd;
    INLAY__TRY(inlay__keys_bool(&model->keys, "use_parallel_residual", false, &shape.parallel));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    for (size_t i = 0; i < model->hparams.n_layer; i++) {
        inlay__norm *attention = &model->decoder.layers[i].blocks[0].norm, *ffn = &model->decoder.layers[i].blocks[1].norm;
        INLAY__TRY(inlay__load_norm(model, "blk.%u.attn_norm", i, shape.norm, n, attention));
        *ffn = *attention;
        if (inlay__load_has(model, "blk.%u.attn_norm_2.weight", i))
            INLAY__TRY(inlay__load_norm(model, "blk.%u.attn_norm_2", i, shape.norm, n, attention));
        if (!shape.parallel) INLAY__TRY(inlay__load_norm(model, "blk.%u.ffn_norm", i, shape.norm, n, ffn));
    }
    return INLAY_OK;
}
