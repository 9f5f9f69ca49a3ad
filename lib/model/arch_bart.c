/* BART [Lewis et al. 2020, arXiv:1910.13461]: an encoder and a decoder with learned positions, a layer norm of the
 * embeddings and one after each block, biases everywhere, and one embedding for both and the head. */
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

static int32_t load_stack(inlay__model *m, const inlay__transformer *shape, inlay__stack *stack) {
    m->stack = stack;
    INLAY__TRY(inlay__positions_load(m, stack, m->hparams.n_context_train, 0));
    INLAY__TRY(inlay__load_norm(m, "token_embd_norm", 0, shape->norm, m->hparams.n_embd, &stack->embd_norm));
    return inlay__transformer_load_stack(m, shape, stack);
}

/* What the decoder has otherwise than the encoder. */
static int32_t read_decoder(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    uint32_t n_layer = h->n_layer, n_head = h->n_head, n_ff = h->n_ff;
    INLAY__TRY(inlay__keys_u32(&m->keys, "decoder_block_count", false, 1, INLAY__MAX_LAYER, &n_layer));
    INLAY__TRY(inlay__keys_u32(&m->keys, "decoder_feed_forward_length", false, 1, INLAY__MAX_FF, &n_ff));
    INLAY__TRY(inlay__keys_u32(&m->keys, "decoder_attention_head_count", false, 1, INLAY__MAX_HEAD, &n_head));
    if (h->n_embd % n_head != 0 || h->n_embd / n_head % 2 != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': '%s.decoder_attention_head_count' is %u, which do not share an embedding "
                           "of %u evenly",
                           m->keys.name, m->keys.architecture, n_head, h->n_embd);
    m->decoder.n_layer = n_layer;
    m->decoder.n_ff = n_ff;
    m->decoder.n_head = m->decoder.n_head_kv = n_head;
    m->decoder.n_head_dim = h->n_embd / n_head;
    return INLAY_OK;
}

int32_t inlay__arch_bart_load(inlay__model *m) {
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER,
                                .place = INLAY__NORM_STREAM_SAME,
                                .activation = INLAY__GELU_ERF,
                                .rope = INLAY__NO_ROPE,
                                .both_ways = true};
    INLAY__TRY(inlay__load_embedding(m));
    INLAY__TRY(inlay__load_head(m));
    m->encoder.prefix = "enc.";
    m->decoder.prefix = "dec.";
    m->encoder.n_layer = m->hparams.n_layer;
    INLAY__TRY(read_decoder(m));
    INLAY__TRY(load_stack(m, &shape, &m->encoder));
    shape.both_ways = false;
    shape.cross = true;
    return load_stack(m, &shape, &m->decoder);
}
