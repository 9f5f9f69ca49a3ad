/* RWKV-4 [Peng et al. 2023, arXiv:2305.13048]: layer norms, of the embeddings too, time mixing and channel mixing. */
#include "model/block_rwkv.h"
#include "model/load.h"

/* What the model was trained with, whatever it says of its other norms. */
static const float last_epsilon = 1e-5f;

/* rescale_every_n_layers halves the stream and what joins it every few layers, against overflow of half floats. Not
 * halved it is the same network where norms add four times as much to the variance for each time. */
static float unscaled_epsilon(float epsilon, uint32_t every, size_t layer) {
    for (size_t n = every > 0 ? layer / every : 0; n > 0; n--) epsilon *= 4.0f;
    return epsilon;
}

int32_t inlay__arch_rwkv4_load(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    uint32_t n_inner = h->n_embd, every = 0;
    INLAY__TRY(inlay__keys_u32(&m->keys, "rescale_every_n_layers", false, 0, INLAY__MAX_LAYER, &every));
    INLAY__TRY(inlay__keys_u32(&m->keys, "attention.hidden_size", false, 1, INLAY__MAX_FF, &n_inner));
    INLAY__TRY(inlay__load_ends(m, INLAY__NORM_LAYER));
    m->decoder.output_norm.epsilon = unscaled_epsilon(last_epsilon, every, h->n_layer);
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
        time->norm.epsilon = channel->norm.epsilon = unscaled_epsilon(h->norm_epsilon, every, i);
        INLAY__TRY(inlay__time_mix_load(m, i, n_inner, time));
        INLAY__TRY(inlay__channel_mix_load(m, i, channel));
    }
    return INLAY_OK;
}
