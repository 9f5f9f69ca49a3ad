/* LFM2 [Liquid AI 2025, arXiv:2511.23404]: gated short convolutions in most layers, attention with normed heads in the
 * others, and SwiGLU. Layers that convolve have no key/value heads. */
#include "model/block_conv.h"
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

static int32_t load_attention(inlay__model *m, size_t layer, inlay__layer_block *block) {
    inlay__attention_weights *w = inlay__attention_new(m, block, false);
    if (w == NULL) return INLAY_ERR_MEMORY;
    w->rope = INLAY__ROPE_GLOBAL;
    w->pairs = INLAY__ROPE_HALVES;
    return inlay__attention_load(m, layer, INLAY__NORM_RMS, w);
}

static int32_t load_layer(inlay__model *m, size_t i) {
    const inlay__hparams *h = &m->hparams;
    inlay__layer *layer = &m->decoder.layers[i];
    inlay__layer_block *mixer = &layer->blocks[0], *ffn = &layer->blocks[1];
    uint32_t n_head_kv = h->n_head_kv;
    layer->n_blocks = 2;
    mixer->scale = ffn->scale = 1.0f;
    INLAY__TRY(inlay__keys_u32_of(&m->keys, "attention.head_count_kv", i, h->n_layer, 0, INLAY__MAX_HEAD, &n_head_kv));
    INLAY__TRY(inlay__load_norm(m, "blk.%u.attn_norm", i, INLAY__NORM_RMS, h->n_embd, &mixer->norm));
    INLAY__TRY(inlay__load_norm(m, "blk.%u.ffn_norm", i, INLAY__NORM_RMS, h->n_embd, &ffn->norm));
    INLAY__TRY(n_head_kv > 0 ? load_attention(m, i, mixer) : inlay__conv_load(m, i, mixer));
    return inlay__ffn_load(m, i, INLAY__FFN_GATED, INLAY__SILU, ffn);
}

/* The norm after the last layer has the name of one of embeddings. */
int32_t inlay__arch_lfm2_load(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    INLAY__TRY(inlay__load_ends(m, INLAY__NORM_NONE));
    INLAY__TRY(inlay__load_norm(m, "token_embd_norm", 0, INLAY__NORM_RMS, h->n_embd, &m->decoder.output_norm));
    INLAY__TRY(inlay__positions_make_rope(m, INLAY__ROPE_GLOBAL, h->rope_theta, true));
    m->decoder.n_layer = h->n_layer;
    m->decoder.layers = inlay__model_alloc(m, h->n_layer, sizeof *m->decoder.layers);
    if (m->decoder.layers == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) INLAY__TRY(load_layer(m, i));
    return INLAY_OK;
}
