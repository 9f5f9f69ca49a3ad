/* Layers of attention and feed-forward, the shape that most families share. */
#include "model/transformer.h"

#include "model/heads.h"
#include "model/load.h"
#include "model/positions.h"

int32_t inlay__transformer_read_activation(const inlay__model *m, const char *key, inlay__activation *activation) {
    static const char *const names[INLAY__N_ACTIVATIONS] = {"silu", "gelu_tanh", "gelu", "gelu_quick",
                                                            "relu", "relu2",     "tanh"};
    const char *name = NULL;
    INLAY__TRY(inlay__keys_text(&m->keys, key, false, &name));
    if (name == NULL) return INLAY_OK;
    for (size_t i = 0; i < INLAY__N_ACTIVATIONS; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *activation = (inlay__activation)i;
        return INLAY_OK;
    }
    return inlay__keys_refuse(&m->keys, key, name, "silu, gelu_tanh, gelu, gelu_quick, relu, relu2, tanh");
}

int32_t inlay__transformer_set_windows(inlay__model *m, inlay__stack *stack, size_t per_global, size_t i_global,
                                       size_t rope) {
    const inlay__hparams *h = &m->hparams;
    for (size_t i = 0; h->n_window > 0 && i < h->n_layer; i++) {
        inlay__attention_weights *w = inlay__layer_attention(stack, i);
        bool is_local = per_global == 0 || i % per_global != i_global;
        INLAY__TRY(inlay__keys_bool_of(&m->keys, "attention.sliding_window_pattern", i, h->n_layer, &is_local));
        if (!is_local) continue;
        w->n_window = h->n_window;
        w->rope = rope;
    }
    return INLAY_OK;
}

/* "NAME" before a block or behind it, as the family has it. */
static int32_t load_same_norm(inlay__model *m, const inlay__transformer *t, const char *name, size_t i,
                              inlay__layer_block *block) {
    inlay__norm *norm = t->place == INLAY__NORM_STREAM_SAME ? &block->stream_norm : &block->norm;
    return inlay__load_norm(m, name, i, t->norm, m->hparams.n_embd, norm);
}

static int32_t load_norms(inlay__model *m, const inlay__transformer *t, size_t i, inlay__layer_block *attention,
                          inlay__layer_block *ffn) {
    size_t n = m->hparams.n_embd;
    if (t->place == INLAY__NORM_BEFORE || t->place == INLAY__NORM_BEFORE_BRANCH ||
        t->place == INLAY__NORM_STREAM_SAME) {
        INLAY__TRY(load_same_norm(m, t, "blk.%u.attn_norm", i, attention));
        INLAY__TRY(load_same_norm(m, t, "blk.%u.ffn_norm", i, ffn));
    }
    if (t->place == INLAY__NORM_BRANCH || t->place == INLAY__NORM_BEFORE_BRANCH) {
        INLAY__TRY(inlay__load_norm(m, "blk.%u.post_attention_norm", i, t->norm, n, &attention->branch_norm));
        INLAY__TRY(inlay__load_norm(m, "blk.%u.post_ffw_norm", i, t->norm, n, &ffn->branch_norm));
    }
    if (t->place == INLAY__NORM_STREAM) {
        INLAY__TRY(inlay__load_norm(m, "blk.%u.attn_output_norm", i, t->norm, n, &attention->stream_norm));
        INLAY__TRY(inlay__load_norm(m, "blk.%u.layer_output_norm", i, t->norm, n, &ffn->stream_norm));
    }
    return INLAY_OK;
}

static int32_t load_cross(inlay__model *m, const inlay__transformer *t, size_t i, inlay__layer_block *block) {
    INLAY__TRY(load_same_norm(m, t, "blk.%u.cross_attn_norm", i, block));
    return inlay__cross_attention_load(m, i, block);
}

static int32_t load_layer(inlay__model *m, const inlay__transformer *t, inlay__stack *stack, size_t i) {
    inlay__layer *layer = &stack->layers[i];
    layer->n_blocks = t->cross ? 3 : 2;
    inlay__layer_block *attention = &layer->blocks[0], *ffn = &layer->blocks[layer->n_blocks - 1];
    for (size_t b = 0; b < layer->n_blocks; b++)
        layer->blocks[b].scale = m->hparams.residual_scale > 0.0f ? m->hparams.residual_scale : 1.0f;
    ffn->parallel = t->parallel;
    INLAY__TRY(load_norms(m, t, i, attention, ffn));
    inlay__attention_weights *w = inlay__attention_new(m, attention, t->both_ways);
    if (w == NULL) return INLAY_ERR_MEMORY;
    w->causal = t->causal;
    w->rope = t->rope;
    w->pairs = t->pairs;
    w->norm_is_whole = t->qk_norm_is_whole;
    INLAY__TRY(inlay__attention_load(m, i, t->qk_norm, w));
    if (t->cross) INLAY__TRY(load_cross(m, t, i, &layer->blocks[1]));
    if (inlay__load_has(m, "blk.%u.ffn_gate_inp.weight", i))
        return inlay__moe_load(m, i, t->activation, !t->experts_as_chosen, ffn);
    return inlay__ffn_load(m, i, t->ffn, t->activation, ffn);
}

int32_t inlay__transformer_load_stack(inlay__model *m, const inlay__transformer *shape, inlay__stack *stack) {
    inlay__transformer said = *shape, *t = &said;
    bool has_last_norm = t->place != INLAY__NORM_STREAM && t->place != INLAY__NORM_STREAM_SAME && !t->no_last_norm;
    m->stack = stack;
    INLAY__TRY(inlay__transformer_read_activation(m, "activation", &t->activation));
    if (has_last_norm)
        INLAY__TRY(inlay__load_norm(m, "output_norm", 0, t->norm, m->hparams.n_embd, &stack->output_norm));
    stack->layers = inlay__model_alloc(m, stack->n_layer, sizeof *stack->layers);
    if (stack->layers == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < stack->n_layer; i++) INLAY__TRY(load_layer(m, t, stack, i));
    return INLAY_OK;
}

int32_t inlay__transformer_load(inlay__model *m, const inlay__transformer *shape) {
    inlay__transformer said = *shape, *t = &said;
    if (t->may_embed) INLAY__TRY(inlay__heads_read_pooling(m));
    t->causal = t->may_embed && m->pooling != INLAY_POOLING_MODEL && !inlay__load_has(m, "output.weight", 0);
    t->both_ways = t->both_ways || t->causal;
    inlay__stack *stack = t->both_ways ? &m->encoder : &m->decoder;
    INLAY__TRY(inlay__load_embedding(m));
    if (!t->both_ways) INLAY__TRY(inlay__load_head(m));
    if (t->rope != INLAY__NO_ROPE) INLAY__TRY(inlay__positions_make_rope(m, t->rope, m->hparams.rope_theta, true));
    stack->n_layer = m->hparams.n_layer;
    return inlay__transformer_load_stack(m, t, stack);
}
