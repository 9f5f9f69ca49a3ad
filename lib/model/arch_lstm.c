/* A language model of LSTM layers [Sundermeyer et al. 2012], each of which reads what the one before gives. */
#include "model/block_lstm.h"
#include "model/load.h"

int32_t inlay__arch_lstm_load(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    uint32_t n_hidden = h->n_embd;
    INLAY__TRY(inlay__keys_u32(&m->keys, "lstm.hidden_size", false, 1, INLAY__MAX_EMBD, &n_hidden));
    if (n_hidden != h->n_embd)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': 'lstm.lstm.hidden_size' is %u, and this version runs layers as wide "
                           "as the embedding, %u",
                           m->keys.name, n_hidden, h->n_embd);
    INLAY__TRY(inlay__load_ends(m, INLAY__NORM_NONE));
    m->decoder.n_layer = h->n_layer;
    m->decoder.layers = inlay__model_alloc(m, h->n_layer, sizeof *m->decoder.layers);
    if (m->decoder.layers == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) {
        inlay__layer *layer = &m->decoder.layers[i];
        layer->n_blocks = 1;
        layer->blocks[0].scale = 1.0f;
        layer->blocks[0].replaces = true;
        INLAY__TRY(inlay__lstm_load(m, i, &layer->blocks[0]));
    }
    return INLAY_OK;
}
