/* ModernBERT [Warner et al. 2024, arXiv:2412.13663]: an encoder without biases, with norms before the blocks, rotary
 * positions and gated feed-forward blocks [Shazeer 2020]. Most layers see a window around each token and rotate with a
 * theta of their own; the norm of the embedding is the first layer's own before attention. */
#include "model/heads.h"
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

int32_t inlay__arch_modernbert_load(inlay__model *m) {
    enum { LAYERS_PER_GLOBAL = 3 };
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .place = INLAY__NORM_ELSEWHERE, .ffn = INLAY__FFN_FUSED,
                                .activation = INLAY__GELU_ERF, .pairs = INLAY__ROPE_HALVES, .both_ways = true};
    inlay__heads heads = {
        .token_activation = INLAY__GELU_ERF, .label_activation = INLAY__GELU_ERF, .norm = INLAY__NORM_LAYER};
    size_t n = m->hparams.n_embd;
    double theta = 10000.0;
    INLAY__TRY(inlay__keys_f64(&m->keys, "rope.freq_base_swa", false, 1.0, 1e12, &theta));
    INLAY__TRY(inlay__transformer_read_activation(m, "classifier_activation", &heads.token_activation));
    heads.label_activation = heads.token_activation;
    INLAY__TRY(inlay__positions_make_rope(m, INLAY__ROPE_LOCAL, theta, false));
    INLAY__TRY(inlay__load_norm(m, "token_embd_norm", 0, shape.norm, n, &m->encoder.embd_norm));
    INLAY__TRY(inlay__transformer_load(m, &shape));
    for (size_t i = 0; i < m->hparams.n_layer; i++) {
        inlay__layer_block *blocks = m->encoder.layers[i].blocks;
        if (i > 0) INLAY__TRY(inlay__load_norm(m, "blk.%u.attn_norm", i, shape.norm, n, &blocks[0].norm));
        INLAY__TRY(inlay__load_norm(m, "blk.%u.ffn_norm", i, shape.norm, n, &blocks[1].norm));
    }
    INLAY__TRY(inlay__transformer_set_windows(m, &m->encoder, LAYERS_PER_GLOBAL, 0, INLAY__ROPE_LOCAL));
    return inlay__heads_load(m, &heads);
}
