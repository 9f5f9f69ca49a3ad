/* RecurrentGemma [Botev et al. 2024, arXiv:2404.07839], Griffin's architecture: recurrent layers, between them some
 * that attend to a window, and GELU-gated feed-forward networks after each. */
#include <math.h>

#include "kernels/math.h"
#include "model/block_rglru.h"
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

static int32_t load_attention(inlay__model *m, size_t layer, inlay__layer_block *block) {
    inlay__attention_weights *w = inlay__attention_new(m, block, false);
    if (w == NULL) return INLAY_ERR_MEMORY;
    w->rope = INLAY__ROPE_GLOBAL;
    w->pairs = INLAY__ROPE_HALVES;
    w->n_window = m->hparams.n_window;
    return inlay__attention_load(m, layer, INLAY__NORM_NONE, w);
}

static int32_t load_layer(inlay__model *m, size_t i) {
    const inlay__hparams *h = &m->hparams;
    inlay__layer *layer = &m->decoder.layers[i];
    inlay__layer_block *mixer = &layer->blocks[0], *ffn = &layer->blocks[1];
    bool attends = i % 3 == 2;
    layer->n_blocks = 2;
    mixer->scale = ffn->scale = 1.0f;
    INLAY__TRY(inlay__keys_bool_of(&m->keys, "attention.layer_pattern", i, h->n_layer, &attends));
    INLAY__TRY(inlay__load_norm(m, "blk.%u.attn_norm", i, INLAY__NORM_RMS, h->n_embd, &mixer->norm));
    INLAY__TRY(inlay__load_norm(m, "blk.%u.ffn_norm", i, INLAY__NORM_RMS, h->n_embd, &ffn->norm));
    INLAY__TRY(attends ? load_attention(m, i, mixer) : inlay__rglru_load(m, i, mixer));
    return inlay__ffn_load(m, i, INLAY__FFN_GATED, INLAY__GELU_TANH, ffn);
}

int32_t inlay__arch_recurrentgemma_load(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    INLAY__TRY(inlay__load_ends(m, INLAY__NORM_RMS));
    m->embd_scale = inlay__bf16_to_f32(inlay__f32_to_bf16(sqrtf((float)h->n_embd))); /* as the models were trained */
    INLAY__TRY(inlay__positions_make_rope(m, INLAY__ROPE_GLOBAL, h->rope_theta, true));
    m->decoder.n_layer = h->n_layer;
    m->decoder.layers = inlay__model_alloc(m, h->n_layer, sizeof *m->decoder.layers);
    if (m->decoder.layers == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) INLAY__TRY(load_layer(m, i));
    return INLAY_OK;
}
