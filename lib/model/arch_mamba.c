/* Mamba [Gu and Dao 2023, arXiv:2312.00752] and Mamba-2 [Dao and Gu 2024, arXiv:2405.21060]: layers of one block, a
 * selective state-space model. */
#include "model/block_mamba.h"
#include "model/block_mamba2.h"
#include "model/load.h"

static int32_t load_layers(inlay__model *m, int32_t (*load_mixer)(inlay__model *, size_t, inlay__layer_block *)) {
    const inlay__hparams *h = &m->hparams;
    INLAY__TRY(inlay__load_ends(m, INLAY__NORM_RMS));
    m->decoder.n_layer = h->n_layer;
    m->decoder.layers = inlay__model_alloc(m, h->n_layer, sizeof *m->decoder.layers);
    if (m->decoder.layers == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) {
        inlay__layer *layer = &m->decoder.layers[i];
        layer->n_blocks = 1;
        layer->blocks[0].scale = 1.0f;
        INLAY__TRY(inlay__load_norm(m, "blk.%u.attn_norm", i, INLAY__NORM_RMS, h->n_embd, &layer->blocks[0].norm));
        INLAY__TRY(load_mixer(m, i, &layer->blocks[0]));
    }
    return INLAY_OK;
}

int32_t inlay__arch_mamba_load(inlay__model *m) {
    bool norms_parts = false;
    INLAY__TRY(inlay__keys_bool(&m->keys, "ssm.dt_b_c_rms", false, &norms_parts));
    if (norms_parts) return inlay__keys_refuse(&m->keys, "ssm.dt_b_c_rms", "true", "false");
    return load_layers(m, inlay__mamba_load);
}

int32_t inlay__arch_mamba2_load(inlay__model *m) { return load_layers(m, inlay__mamba2_load); }
