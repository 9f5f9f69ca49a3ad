/* Sequences running through a network: the memory they take. */
#include "base/fpenv.h"
#include "kernels/wide.h"
#include "model/phase.h"
#include "model/positions.h"
#include "model/sequences.h"
#include "model/window.h"

enum { ALIGNMENT = 64 };

/* ------------------------------------------------------------------ memory */

/* Buffers are laid out twice by the same code: once to count the bytes (base NULL), once to place them. */
typedef struct layout {
    uint8_t *base;
    size_t size;
    bool fits;
} layout;

static void *place(layout *l, size_t count, size_t size) {
    size_t bytes, padded;
    l->fits = l->fits && inlay__mul_size(count, size, &bytes) && inlay__add_size(bytes, ALIGNMENT - 1, &padded);
    if (!l->fits) return NULL;
    void *memory = l->base != NULL ? l->base + l->size : NULL;
    l->fits = inlay__add_size(l->size, padded / ALIGNMENT * ALIGNMENT, &l->size);
    return memory;
}

/* [n_rows, n] of elements of a size. */
static void *place_rows(layout *l, size_t n_rows, size_t n, size_t size) {
    l->fits = l->fits && inlay__mul_size(n, size, &size);
    return place(l, n_rows, size);
}

/* a * b; where that does not fit, nothing does. */
static size_t times(layout *l, size_t a, size_t b) {
    size_t product = 0;
    l->fits = l->fits && inlay__mul_size(a, b, &product);
    return product;
}

/* Floats a column that inputs of products take in each form. */
typedef struct input_widths {
    size_t x, acts_32, acts_256, acts_wide;
} input_widths;

static void place_inputs(layout *l, inlay__inputs *in, size_t n_cols, input_widths n) {
    in->x = n.x > 0 ? place_rows(l, n_cols, n.x, sizeof(float)) : NULL;
    in->acts_32.q = place_rows(l, n_cols, n.acts_32, 1);
    in->acts_32.d = place_rows(l, n_cols, n.acts_32 / INLAY__Q_LENGTH + 1, sizeof(float));
    in->acts_32.dsum = place_rows(l, n_cols, n.acts_32 / INLAY__Q_LENGTH + 1, sizeof(float));
    in->acts_32.sum = place_rows(l, n_cols, n.acts_32 / INLAY__Q_LENGTH + 1, sizeof(int32_t));
    in->acts_256.q = place_rows(l, n_cols, n.acts_256, 1);
    in->acts_256.d = place_rows(l, n_cols, n.acts_256 / INLAY__K_LENGTH + 1, sizeof(float));
    in->acts_256.sum16 = place_rows(l, n_cols, n.acts_256 / 16 + 1, sizeof(int16_t));
    in->acts_256.sum32 = place_rows(l, n_cols, n.acts_256 / 32 + 1, sizeof(int16_t));
    in->acts_256.zero6 = place_rows(l, n_cols, n.acts_256 / 8 + 1, sizeof(int16_t));
    in->acts_wide.q = place_rows(l, n_cols, n.acts_wide, 2);
    in->acts_wide.d = place_rows(l, n_cols, n.acts_wide / INLAY__WIDE_LENGTH + 1, sizeof(float));
    in->acts_wide.sum = place_rows(l, n_cols, n.acts_wide / INLAY__WIDE_LENGTH + 1, 2 * sizeof(int32_t));
}

/* What the blocks of a model ask for together, in floats. */
typedef struct memory_needs {
    size_t work_at[INLAY__N_WORK]; /* where each work buffer begins, a column */
    size_t work;                   /* of all, a column */
    input_widths inputs;           /* of all columns */
    size_t input;                  /* of each thread's few, in any form */
    size_t thread, tile, part;
    size_t n_branches;
} memory_needs;

static void widen(input_widths *n, unsigned forms, size_t width) {
    if (forms & 1u << INLAY__BLOCK_FLOAT) n->x = inlay__max_size(n->x, width);
    if (forms & 1u << INLAY__BLOCK_32) n->acts_32 = inlay__max_size(n->acts_32, width);
    if (forms & 1u << INLAY__BLOCK_256) n->acts_256 = inlay__max_size(n->acts_256, width);
    if (forms & 1u << INLAY__BLOCK_WIDE) n->acts_wide = inlay__max_size(n->acts_wide, width);
}

static inlay__needs needs_of(const inlay__layer_block *block) {
    inlay__needs needs = {.input = 0};
    block->kind->measure(block->weights, &needs);
    return needs;
}

/* Inputs only in the forms and widths that the block's matrices read; of blocks that keep more in them, the widest in
 * all. */
static void widen_for_block(const inlay__layer_block *block, const inlay__needs *needs, input_widths *n) {
    const inlay__matrix *m;
    unsigned forms = ~(1u << INLAY__BLOCK_WIDE); /* which takes twice the memory */
    for (size_t k = 0; (m = block->kind->matrix(block->weights, k)) != NULL; k++) {
        if (needs->quantizes) widen(n, inlay__form_of(m), m->n_k);
        forms |= inlay__form_of(m);
    }
    if (!needs->quantizes) widen(n, forms, needs->input);
}

/* A work buffer begins behind those of lower numbers that some block uses with it: blocks that use fewer of them have theirs
 * where others have another. */
static void add_work(memory_needs *m, const inlay__needs *needs, size_t i) {
    for (size_t k = 0; k < i && needs->work[i] > 0; k++)
        if (needs->work[k] > 0) m->work_at[i] = inlay__max_size(m->work_at[i], m->work_at[k] + inlay__round_up(needs->work[k], INLAY__LANES));
}

static void add_block(memory_needs *m, const inlay__layer_block *block) {
    const inlay__needs needs = needs_of(block);
    widen_for_block(block, &needs, &m->inputs);
    for (size_t i = 0; i < INLAY__N_WORK; i++)
        if (needs.work[i] > 0) m->work = inlay__max_size(m->work, m->work_at[i] + inlay__round_up(needs.work[i], INLAY__LANES));
    m->input = inlay__max_size(m->input, needs.input);
    m->thread = inlay__max_size(m->thread, needs.thread);
    m->tile = inlay__max_size(m->tile, needs.tile);
    m->part = inlay__max_size(m->part, needs.part);
    if (block->parallel) m->n_branches = INLAY__N_BRANCHES;
}

static memory_needs measure(const inlay__model *model) {
    const inlay__head *heads[] = {&model->head, &model->labels};
    size_t n_embd = model->hparams.n_embd;
    memory_needs m = {.input = n_embd, .n_branches = 1};
    for (size_t k = 0; k < INLAY__N_WORK; k++) /* each stands on those before it */
        for (size_t i = 0; i < model->n_all_blocks; i++) {
            const inlay__needs needs = needs_of(model->all_blocks[i]);
            add_work(&m, &needs, k);
        }
    for (size_t i = 0; i < model->n_all_blocks; i++) add_block(&m, model->all_blocks[i]);
    if (model->encoder.n_layer > 0) widen(&m.inputs, 1u << INLAY__BLOCK_FLOAT, n_embd); /* its last states pass there */
    if (model->embd_in.matrix.n_rows > 0) {
        m.work = inlay__max_size(m.work, model->embd_out.matrix.n_rows);
        m.input = inlay__max_size(m.input, model->token_embd.n_k);
        widen(&m.inputs, inlay__form_of(&model->embd_in.matrix), model->embd_in.matrix.n_k);
        widen(&m.inputs, inlay__form_of(&model->embd_out.matrix), n_embd);
    }
    for (size_t i = 0; i < INLAY__COUNT(heads); i++)
        if (heads[i]->output.matrix.n_rows > 0) widen(&m.inputs, inlay__form_of(&heads[i]->output.matrix), n_embd);
    return m;
}

/* Of keys of n positions, and in front of them where the stack sees both ways. Attention reads to a multiple of 16
 * keys. */
static void place_biases(layout *l, const inlay__stack *stack, size_t n, inlay__biases *biases) {
    *biases = (inlay__biases){.origin = n - 1, .stride = (stack->relative.both_ways ? 2 * n - 1 : n) + INLAY__LANES - 1};
    if (stack->relative.bias != NULL) biases->table = place(l, stack->n_head, biases->stride * sizeof(float));
}

static void fill_biases(const inlay__stack *stack, const inlay__biases *biases) {
    const inlay__relative *r = &stack->relative;
    for (size_t i = 0; r->bias != NULL && i < biases->stride; i++) {
        size_t bucket = inlay__positions_bucket(r, (int64_t)i - (int64_t)biases->origin);
        for (size_t head = 0; head < stack->n_head; head++)
            biases->table[head * biases->stride + i] = r->bias[bucket * stack->n_head + head];
    }
}

static void place_sequences(layout *l, inlay__decoder *d) {
    bool goes_on = d->model->decoder.n_layer > 0 || d->model->ngrams != NULL;
    size_t n = d->config.n_sequences, n_all, n_pages = d->config.n_context / INLAY__KEY_BLOCK + 1;
    size_t n_state = inlay__round_up(d->model->n_state, INLAY__LANES), n_tokens = goes_on ? d->config.n_context : 0;
    l->fits = l->fits && inlay__add_size(n, d->config.n_kept, &n_all);
    if (!l->fits) return;
    inlay__sequence *sequences = d->sequences = place(l, n_all, sizeof *sequences);
    d->runs = place(l, n, sizeof *d->runs);
    d->kept_runs = place(l, n, sizeof *d->kept_runs);
    d->kept_tokens = place_rows(l, n, n_tokens, sizeof *d->kept_tokens);
    uint32_t *lists = place_rows(l, n_all, INLAY__N_CACHES * n_pages, sizeof *lists);
    float *states = place_rows(l, n + n_all, n_state, sizeof *states); /* two of each sequence, one of what is kept */
    int32_t *histories = place_rows(l, n_all, n_tokens, sizeof *histories);
    d->places = place(l, d->model->n_cached, sizeof *d->places);
    d->crossed_pages = (inlay__kv_pages){place(l, n_pages, sizeof(uint32_t)), 0};
    for (size_t i = 0; sequences != NULL && i < n_all; i++) {
        inlay__sequence *s = &sequences[i];
        *s = (inlay__sequence){.history = histories + i * n_tokens};
        s->state[0] = states + (i < n ? 2 * i : n + i) * n_state;
        for (size_t k = 0; k < INLAY__N_CACHES; k++) s->pages[k].list = lists + (INLAY__N_CACHES * i + k) * n_pages;
        if (i < n) s->state[1] = s->state[0] + n_state;
        if (i < n) memset(s->state[0], 0, n_state * sizeof *states);
    }
}

static void place_buffers(layout *l, inlay__decoder *d) {
    const inlay__model *model = d->model;
    const inlay__hparams *h = &model->hparams;
    const memory_needs needs = measure(model);
    size_t n_cols = d->config.n_batch, n_few = inlay__min_size(INLAY__FEW_COLS, n_cols);
    d->hidden = place_rows(l, n_cols, h->n_embd, sizeof(float));
    size_t n_back = times(l, n_cols, model->embd_out.matrix.n_rows); /* read while others write logits */
    size_t n_head;
    l->fits = l->fits && inlay__add_size(n_back, INLAY__SCRATCH_ROWS * h->n_vocab, &n_head);
    if (!l->fits) return;
    float *work = place(l, inlay__max_size(times(l, n_cols, needs.work), n_head), sizeof(float));
    d->scratch = work != NULL ? work + n_back : NULL;
    for (size_t i = 0; i < INLAY__N_WORK; i++) d->work[i] = work != NULL ? work + n_cols * needs.work_at[i] : NULL;
    d->parts = place(l, d->config.n_context / INLAY__KEY_BLOCK + 1, needs.part * sizeof(float));
    for (size_t i = 0; i < needs.n_branches; i++) d->branch[i] = place_rows(l, n_cols, h->n_embd, sizeof(float));
    for (size_t i = 0; i < INLAY__N_ROPES; i++) {
        d->cosines[i] = place_rows(l, n_cols, model->ropes[i].n / 2, sizeof(float));
        d->sines[i] = place_rows(l, n_cols, model->ropes[i].n / 2, sizeof(float));
    }
    if (h->rope_scaling == INLAY__ROPE_DYNAMIC) d->frequencies = place(l, h->n_rope / 2, sizeof *d->frequencies);
    d->positions = place(l, n_cols, sizeof *d->positions);
    d->spans = place(l, n_cols, sizeof *d->spans);
    d->span_of = place(l, n_cols, sizeof *d->span_of);
    d->tiles = place(l, n_cols, sizeof *d->tiles);
    d->wanted = place(l, n_cols, sizeof *d->wanted);
    d->tokens = place(l, n_cols, sizeof *d->tokens);
    if (model->encoder.n_layer > 0) d->states = place_rows(l, n_cols, h->n_embd, sizeof(float));
    place_sequences(l, d);
    place_biases(l, &model->decoder, d->config.n_context, &d->biases[0]);
    place_biases(l, &model->encoder, d->config.n_context, &d->biases[1]);
    d->logits = place_rows(l, d->config.n_sequences, h->n_vocab, sizeof(float));
    d->new_logits = d->scratch; /* of one sequence they are made last of all */
    if (d->config.n_sequences > 1) d->new_logits = place_rows(l, d->config.n_sequences, h->n_vocab, sizeof(float));
    place_inputs(l, &d->inputs, n_cols, needs.inputs);
    inlay__thread_scratch *threads = place(l, d->config.n_threads, sizeof *threads);
    const input_widths few = {needs.input, needs.input, needs.input, needs.inputs.acts_wide > 0 ? needs.input : 0};
    d->threads = threads;
    d->passes = place(l, d->config.n_threads, sizeof *d->passes);
    for (size_t i = 0; i < d->config.n_threads; i++) {
        inlay__thread_scratch counted, *t = threads != NULL ? &threads[i] : &counted;
        memset(t, 0, sizeof *t);
        place_inputs(l, &t->inputs, n_few, few);
        t->hidden = place(l, n_few * h->n_embd, sizeof(float));
        t->row = place(l, inlay__max_size(h->n_embd, model->token_embd.n_k), sizeof(float));
        t->scratch = place(l, inlay__max_size(needs.thread, times(l, n_cols, needs.tile)), sizeof(float));
        if (model->panel_size > 0) t->panel = place(l, model->panel_size, 1);
    }
}

/* What follows from the context, in the rounding that results are defined in. */
static void fill_tables(inlay__decoder *d) {
    inlay__fpenv saved = inlay__fpenv_enter();
    if (d->frequencies != NULL) inlay__positions_dynamic(&d->model->hparams, d->config.n_context, d->frequencies);
    fill_biases(&d->model->decoder, &d->biases[0]);
    fill_biases(&d->model->encoder, &d->biases[1]);
    inlay__fpenv_leave(saved);
}

static int32_t allocate(inlay__decoder *d) {
    const inlay__stack *stack = &d->model->decoder;
    const inlay__kv_shape crossed = {d->model->n_crossed, stack->n_head_kv, stack->n_head_dim, d->config.n_context,
                                     0, 1, 0, false};
    layout l = {NULL, 0, true};
    place_buffers(&l, d);
    if (!l.fits)
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: buffers for batches of %zu tokens do not fit an address space",
                           d->config.n_batch);
    d->arena = inlay__alloc(d->sys, l.size);
    if (d->arena == NULL) return INLAY_ERR_MEMORY;
    d->arena_size = l.size;
    l = (layout){d->arena, 0, true};
    place_buffers(&l, d);
    fill_tables(d);
    INLAY__TRY(inlay__window_init(d));
    INLAY__TRY(inlay__kv_cache_init(d->sys, &crossed, d->config.cache_type, &d->crossed));
    if (d->model->encoder.n_layer > 0) INLAY__TRY(inlay__sequences_init_cache(d));
    return inlay__pool_new(d->sys, d->config.n_threads, &d->pool);
}

int32_t inlay__decoder_new(const inlay__sys *sys, const inlay__model *model, const inlay__decoder_config *config,
                           inlay__decoder **out) {
    inlay__decoder *d = inlay__alloc_array(sys, 1, sizeof *d);
    if (d == NULL) return INLAY_ERR_MEMORY;
    d->sys = sys;
    d->model = model;
    d->config = *config;
    int32_t status = allocate(d);
    if (status != INLAY_OK) {
        inlay__decoder_free(d);
        return status;
    }
    *out = d;
    return INLAY_OK;
}

void inlay__decoder_free(inlay__decoder *d) {
    if (d == NULL) return;
    const inlay__sys *sys = d->sys;
    inlay__pool_free(d->pool);
    for (size_t i = 0; i < INLAY__N_CACHES; i++) inlay__kv_cache_free(sys, &d->caches[i]);
    inlay__kv_cache_free(sys, &d->passing);
    inlay__kv_cache_free(sys, &d->crossed);
    inlay__free(sys, d->arena, d->arena_size);
    inlay__free(sys, d, sizeof *d);
}

size_t inlay__decoder_cache_memory(const inlay__decoder *d) {
    return d->caches[INLAY__WHOLE].size + d->caches[INLAY__NEAR].size + d->passing.size + d->crossed.size;
}

size_t inlay__decoder_memory(const inlay__decoder *d) {
    size_t n_pages = d->caches[INLAY__WHOLE].n_pages + d->caches[INLAY__NEAR].n_pages + d->passing.n_pages +
                     d->crossed.n_pages;
    return sizeof *d + d->arena_size + inlay__decoder_cache_memory(d) + n_pages * 2 * sizeof(uint32_t);
}
