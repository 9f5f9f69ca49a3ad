/* T5 [Raffel et al. 2020, arXiv:1910.10683], and its versions with gated feed-forward blocks [Shazeer 2020,
 * arXiv:2002.05202]: T5 1.1, Flan-T5 [Chung et al. 2022, arXiv:2210.11416]. An encoder and a decoder with RMS norms
 * before each block, and nothing that says where a token stands but biases of scores by distance, in buckets, which all
 * layers of a stack share. Queries are not scaled. The first T5 has one matrix for the embedding and the head, and
 * scales states by 1 / sqrt(n_embd) in front of it. */
#include <math.h>

#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

/* One of the two stacks, whose shape differs in the direction of its attention. */
static int32_t load_stack(inlay__model *m, const inlay__transformer *shape, uint32_t n_buckets, uint32_t max_distance,
                          inlay__stack *stack) {
    m->stack = stack;
    INLAY__TRY(inlay__positions_load_relative(m, n_buckets, max_distance, shape->both_ways));
    return inlay__transformer_load_stack(m, shape, stack);
}

static int32_t read_buckets(const inlay__model *m, uint32_t *n_buckets, uint32_t *max_distance) {
    enum { MAX_BUCKETS = 1 << 12 };
    *n_buckets = 32;
    *max_distance = 128;
    INLAY__TRY(inlay__keys_u32(&m->keys, "attention.relative_buckets_count", false, 4, MAX_BUCKETS, n_buckets));
    return inlay__keys_u32(&m->keys, "attention.relative_max_distance", false, *n_buckets / 2 + 1, INLAY__MAX_CONTEXT,
                           max_distance);
}

int32_t inlay__arch_t5_load(inlay__model *m) {
    inlay__transformer shape = {
        .norm = INLAY__NORM_RMS, .activation = INLAY__RELU, .rope = INLAY__NO_ROPE, .both_ways = true};
    uint32_t n_buckets, max_distance, n_layer = m->hparams.n_layer;
    INLAY__TRY(inlay__load_embedding(m));
    INLAY__TRY(inlay__load_head(m));
    INLAY__TRY(read_buckets(m, &n_buckets, &max_distance));
    INLAY__TRY(inlay__keys_u32(&m->keys, "decoder_block_count", false, 1, INLAY__MAX_LAYER, &n_layer));
    m->encoder.prefix = "enc.";
    m->decoder.prefix = "dec.";
    m->encoder.n_layer = m->hparams.n_layer;
    m->decoder.n_layer = n_layer;
    m->hparams.attn_scale = 1.0f;
    if (inlay__load_has(m, "blk.0.ffn_gate.weight", 0)) {
        shape.ffn = INLAY__FFN_GATED;
        shape.activation = INLAY__GELU_TANH;
    }
    bool is_tied = inlay__matrix_is(&m->head.output.matrix, &m->token_embd);
    double scale = is_tied && shape.ffn == INLAY__FFN_PLAIN ? 1.0 / sqrt((double)m->hparams.n_embd) : 1.0;
    INLAY__TRY(inlay__keys_f64(&m->keys, "decoder_output_scale", false, 1e-6, 1e6, &scale));
    m->logit_scale = (float)scale;
    INLAY__TRY(load_stack(m, &shape, n_buckets, max_distance, &m->encoder));
    shape.both_ways = false;
    shape.cross = true;
    return load_stack(m, &shape, n_buckets, max_distance, &m->decoder);
}
