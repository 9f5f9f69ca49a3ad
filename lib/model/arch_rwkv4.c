/* RWKV-4 [Peng et al. 2023, arXiv:2305.13048]: layer norms, of the embeddings too, time mixing and channel mixing. */
#include "model/block_rwkv.h"
#include "model/load.h"

/* rescale_every_n_layers halves the stream and what joins it every few layers, against overflow of half floats: the
 * same network. */
int32_t inlay__arch_rwkv4_load(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    uint32_t n_inner = h->n_embd;
    INLAY__TRY(inlay__keys_u32(&m->keys, "attention.hidden_size", false, 1, INLAY__MAX_FF, &n_inner));
    INLAY__TRY(inlay__load_ends(m, INLAY__NORM_LAYER));
    INLAY__TRY(inlay__load_norm(m, "token_embd_norm", 0, INLAY__NORM_LAYER, h->n_embd, &m->decoder.embd_norm));
    m->decoder.n_layer = h->n_layer;
    m->decoder.layers = inlay__model_alloc(m, h->n_layer, sizeof *m->decoder.layers);
    if (m->decoder.layers == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) {
        inlay__layer *layer = &m->decoder.layers[i];
        inlay__layer_block *time = &layer->blocks[0], *channel = &layer->blocks[1];
        layer->n_blocks = 2;
        time->scale = channel->scale = 1.0f;
        INLAY__TRY(inlay__load_norm(m, "blk.%u.attn_norm", i, INLAY__NORM_LAYER, h->n_embd, &time->norm));
        INLAY__TRY(inlay__load_norm(m, "blk.%u.attn_norm_2", i, INLAY__NORM_LAYER, h->n_embd, &channel->norm));
        INLAY__TRY(inlay__time_mix_load(m, i, n_inner, time));
        INLAY__TRY(inlay__channel_mix_load(m, i, channel));
    }
    return INLAY_OK;
}
