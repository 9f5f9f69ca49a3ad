/* Attention [Vaswani et al. 2017] as a block. Query heads may share key/value heads [Ainslie et al. 2023].
 *
 *     prepare         inputs from the stream
 *     project_qkv     q, k, v
 *     norm_whole      norms of q and k over all heads, where the family has them
 *     place           norm of each head, rotate q and k; k and v into the cache
 *     attend          softmax(q k) v
 *     prepare_output  inputs from what attention gave
 *     project_output  the branch
 *
 * With few columns the heads are placed by the thread that attends to them: one barrier less.
 */
#include "model/block_attention.h"

#include <math.h>

#include "model/load.h"

enum { Q, K, V, ATTENDED }; /* work buffers: [n_batch, n_q], [n_batch, n_kv] twice, [n_batch, n_q] */

static const inlay__attention_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

/* -------------------------------------------------------------- projection */

static unsigned forms_of_keys(const inlay__attention_weights *w) {
    return inlay__form_of(&w->k.matrix) | inlay__form_of(&w->v.matrix);
}

static void prepare(inlay__pass *p, size_t task) {
    const inlay__attention_weights *w = weights_of(p);
    unsigned forms = inlay__form_of(&w->q.matrix) | (w->cross ? 0 : forms_of_keys(w));
    inlay__prepare_stream(p, task, &p->block->norm, forms);
}

static size_t qkv_tasks(const inlay__pass *p) {
    const inlay__attention_weights *w = weights_of(p);
    return inlay__row_tasks(p, w->q.matrix.n_rows) + (w->cross ? 0 : 2 * inlay__row_tasks(p, w->k.matrix.n_rows));
}

static size_t kv_tasks(const inlay__pass *p) { return 2 * inlay__row_tasks(p, weights_of(p)->k.matrix.n_rows); }

static void project_kv(inlay__pass *p, size_t task) {
    const inlay__attention_weights *w = weights_of(p);
    size_t n = inlay__row_tasks(p, w->k.matrix.n_rows);
    if (task < n)
        inlay__project(p, &w->k, task, p->d->work[K]);
    else
        inlay__project(p, &w->v, task - n, p->d->work[V]);
}

static void project_qkv(inlay__pass *p, size_t task) {
    const inlay__attention_weights *w = weights_of(p);
    size_t n = inlay__row_tasks(p, w->q.matrix.n_rows);
    if (task < n)
        inlay__project(p, &w->q, task, p->d->work[Q]);
    else
        project_kv(p, task - n);
}

/* ---------------------------------------------------------------- position */

static size_t norm_tasks(const inlay__pass *p) { return weights_of(p)->norm_is_whole ? p->n_cols : 0; }

static void norm_whole(inlay__pass *p, size_t col) {
    const inlay__attention_weights *w = weights_of(p);
    size_t n_q = w->q.matrix.n_rows, n_kv = w->k.matrix.n_rows;
    float *query = p->d->work[Q] + col * n_q, *key = p->d->work[K] + col * n_kv;
    inlay__norm_row(p, &w->q_norm, query, n_q, query);
    inlay__norm_row(p, &w->k_norm, key, n_kv, key);
}

/* Norms, if the layer does, and rotates one head of a column. */
static void rotate(const inlay__pass *p, const inlay__norm *norm, size_t col, float *head) {
    const inlay__attention_weights *w = weights_of(p);
    const inlay__kernels *kernels = &p->d->model->kernels;
    if (norm->kind != INLAY__NORM_NONE && !w->norm_is_whole) inlay__norm_row(p, norm, head, w->n_head_dim, head);
    if (w->rope == INLAY__NO_ROPE) return;
    size_t n = p->d->model->ropes[w->rope].n;
    const float *cosines = p->d->cosines[w->rope] + col * (n / 2), *sines = p->d->sines[w->rope] + col * (n / 2);
    if (w->pairs == INLAY__ROPE_ADJACENT)
        kernels->rope_adjacent(cosines, sines, n, head);
    else
        kernels->rope_halves(cosines, sines, n, head);
}

/* The cache that a block's keys and values go into: an encoder's layers take turns with one, where sequences stand one
 * behind another, each from a multiple of 16. */
static const inlay__kv_cache *cache_of(const inlay__pass *p) {
    if (weights_of(p)->cross) return &p->d->crossed;
    return weights_of(p)->both_ways ? &p->d->passing : &p->d->caches[p->d->places[weights_of(p)->i_cache].cache];
}

/* Which of its layers the block is. */
static size_t layer_of(const inlay__pass *p) {
    const inlay__attention_weights *w = weights_of(p);
    return w->cross || w->both_ways ? w->i_cache : p->d->places[w->i_cache].layer;
}

/* Pages of a column's sequence in that cache. */
static const uint32_t *pages_of_sequence(const inlay__pass *p, size_t col) {
    return inlay__span_of(p->d, col)->sequence->pages[p->d->places[weights_of(p)->i_cache].cache].list;
}

/* Where in it a column's sequence begins. */
static size_t place_of(const inlay__pass *p, size_t col) {
    return weights_of(p)->both_ways ? inlay__span_of(p->d, col)->place : 0;
}

/* The page that holds a position of a column's sequence; an encoder's cache is one. */
static size_t page_of(const inlay__pass *p, size_t col, size_t position) {
    size_t i = position / cache_of(p)->n_block;
    if (weights_of(p)->cross) return p->d->crossed_pages.list[i];
    return weights_of(p)->both_ways ? 0 : pages_of_sequence(p, col)[i];
}

/* After the last of a sequence, to the end of its group of 16: attention reads the values, and gives them no weight. */
static void clear_behind(const inlay__pass *p, size_t head, size_t col) {
    const inlay__kv_cache *cache = cache_of(p);
    const inlay__span *span = inlay__span_of(p->d, col);
    size_t end = span->place + (span->end - span->begin), row = end % cache->n_block;
    uint8_t *values = inlay__kv_cache_values(cache, layer_of(p), head, 0);
    memset(values + row * cache->row_size, 0, (inlay__round_up(row, INLAY__LANES) - row) * cache->row_size);
}

/* Rotates one head's key of a column, and stores it and its value. */
static void place_key(const inlay__pass *p, size_t head, size_t col) {
    const inlay__attention_weights *w = weights_of(p);
    const inlay__decoder *d = p->d;
    const inlay__kernels *kernels = &d->model->kernels;
    const inlay__kv_cache *cache = cache_of(p);
    size_t n = w->n_head_dim, position = place_of(p, col) + d->positions[col], at = position % cache->n_block;
    size_t page = page_of(p, col, position);
    float *key = d->work[K] + (col * w->n_head_kv + head) * n;
    float *value = d->work[V] + (col * w->n_head_kv + head) * n;
    rotate(p, &w->k_norm, col, key);
    kernels->store_key(key, n, cache->type, at, inlay__kv_cache_keys(cache, layer_of(p), head, page));
    kernels->store_value(value, n, cache->type, at, inlay__kv_cache_values(cache, layer_of(p), head, page));
    if (w->both_ways && col + 1 == inlay__span_of(d, col)->end) clear_behind(p, head, col);
}

/* Rotates and scales one head's query of a column. */
static void place_query(const inlay__pass *p, size_t col, float *query) {
    const inlay__attention_weights *w = weights_of(p);
    const float scale = w->scale;
    rotate(p, &w->q_norm, col, query);
    for (size_t i = 0; i < w->n_head_dim; i++) query[i] *= scale;
}

/* One key/value head and its query heads. */
static void place_head(const inlay__pass *p, size_t head, inlay__slice cols) {
    const inlay__attention_weights *w = weights_of(p);
    size_t n_group = w->n_head / w->n_head_kv;
    for (size_t col = cols.begin; col < cols.end; col++) {
        if (!w->cross) place_key(p, head, col);
        for (size_t i = 0; i < n_group; i++)
            place_query(p, col, p->d->work[Q] + (col * w->n_head + head * n_group + i) * w->n_head_dim);
    }
}

static void place(inlay__pass *p, size_t task) {
    for (size_t head = 0; head < weights_of(p)->n_head_kv; head++) place_head(p, head, inlay__cols_of(p, task));
}

/* --------------------------------------------------------------- attention */

/* The keys that a column sees. Tokens of the prefix all see one another. */
static inlay__slice keys_of(const inlay__pass *p, size_t col) {
    const inlay__attention_weights *w = weights_of(p);
    size_t position = p->d->positions[col], end = position + 1;
    if (w->cross) return (inlay__slice){0, p->d->n_crossed};
    if (w->both_ways && !w->causal) {
        const inlay__span *span = inlay__span_of(p->d, col);
        size_t n = span->end - span->begin, reach = w->n_window > 0 ? w->n_window / 2 : n;
        return (inlay__slice){position > reach ? position - reach : 0, inlay__min_size(end + reach, n)};
    }
    size_t n_prefix = w->causal ? 0 : inlay__span_of(p->d, col)->sequence->n_prefix;
    if (position < n_prefix) end = n_prefix;
    return (inlay__slice){w->n_window > 0 && position + 1 > w->n_window ? position + 1 - w->n_window : 0, end};
}

/* Where the blocks of keys of a column's sequence stand; NULL: one behind another. */
static const uint32_t *pages_of(const inlay__pass *p, size_t col) {
    if (weights_of(p)->cross) return p->d->crossed_pages.list;
    return weights_of(p)->both_ways ? NULL : pages_of_sequence(p, col);
}

/* What all rows of a key/value head share, of the sequence of a column. */
static inlay__attention attention_of(const inlay__pass *p, size_t head, size_t col) {
    const inlay__attention_weights *w = weights_of(p);
    const inlay__kv_cache *cache = cache_of(p);
    size_t skipped = place_of(p, col) * cache->row_size;
    return (inlay__attention){.n_head_dim = w->n_head_dim, .soft_cap = w->soft_cap, .cache_type = cache->type,
                              .keys = (uint8_t *)inlay__kv_cache_keys(cache, layer_of(p), head, 0) + skipped,
                              .values = (uint8_t *)inlay__kv_cache_values(cache, layer_of(p), head, 0) + skipped,
                              .block_stride = inlay__kv_cache_stride(cache), .pages = pages_of(p, col),
                              .scratch = p->d->threads[p->i_thread].scratch};
}

/* Biases of the scores of one head's query at a column, by key; NULL where there are none. */
static const float *biases_of(const inlay__pass *p, size_t head, size_t col) {
    const inlay__attention_weights *w = weights_of(p);
    const inlay__biases *biases = &p->d->biases[w->both_ways];
    return w->relative ? biases->table + head * biases->stride + biases->origin - p->d->positions[col] : NULL;
}

/* All query heads of one key/value head, for some columns of one sequence. */
static void attend_head(inlay__pass *p, size_t head, inlay__slice cols) {
    const inlay__attention_weights *w = weights_of(p);
    inlay__decoder *d = p->d;
    size_t n_group = w->n_head / w->n_head_kv, n = w->n_head_dim, n_rows = 0;
    const float *q[INLAY__ATTENTION_ROWS], *biases[INLAY__ATTENTION_ROWS];
    float *out[INLAY__ATTENTION_ROWS], slopes[INLAY__ATTENTION_ROWS];
    size_t n_keys[INLAY__ATTENTION_ROWS], key_begin[INLAY__ATTENTION_ROWS];
    inlay__attention a = attention_of(p, head, cols.begin);
    a.q = q;
    a.out = out;
    a.n_keys = n_keys;
    a.key_begin = key_begin;
    a.slopes = w->slopes != NULL ? slopes : NULL;
    a.biases = w->relative ? biases : NULL;
    for (size_t col = cols.begin; col < cols.end; col++) {
        inlay__slice keys = keys_of(p, col);
        for (size_t i = 0; i < n_group; i++) {
            size_t at = (col * w->n_head + head * n_group + i) * n;
            q[n_rows] = d->work[Q] + at;
            out[n_rows] = d->work[ATTENDED] + at;
            n_keys[n_rows] = keys.end;
            key_begin[n_rows] = keys.begin;
            slopes[n_rows] = w->slopes != NULL ? w->slopes[head * n_group + i] : 0.0f;
            biases[n_rows] = biases_of(p, head * n_group + i, col);
            n_rows++;
            bool last = col + 1 == cols.end && i + 1 == n_group;
            if (n_rows < INLAY__ATTENTION_ROWS && !last) continue;
            a.n_rows = n_rows;
            d->model->kernels.attention(&a);
            n_rows = 0;
        }
    }
}

/* One column's keys, in blocks that threads share out when there is more than one: their softmaxes and sums are joined
 * in order before the output. Slopes count from a row's last key, which a block does not know. */
static size_t n_parts(const inlay__pass *p) {
    if (p->n_cols != 1 || weights_of(p)->slopes != NULL || weights_of(p)->both_ways) return 1;
    inlay__slice keys = keys_of(p, 0);
    if (!weights_of(p)->cross && keys.end != p->d->positions[0] + 1) return 1; /* inside a prefix */
    return (keys.end + INLAY__KEY_BLOCK - 1) / INLAY__KEY_BLOCK - keys.begin / INLAY__KEY_BLOCK;
}

/* Of part i: softmaxes [n_head] and sums [n_head, n_head_dim]. */
static inlay__softmax *softmaxes_of(const inlay__pass *p, size_t i) {
    const inlay__attention_weights *w = weights_of(p);
    size_t stride = w->n_head * (w->n_head_dim + sizeof(inlay__softmax) / sizeof(float));
    return (inlay__softmax *)(void *)(p->d->parts + i * stride);
}

static float *sums_of(const inlay__pass *p, size_t i) { return (float *)(softmaxes_of(p, i) + weights_of(p)->n_head); }

/* Query heads of one key/value head meet one block of keys. Each task rotates the queries for itself; the one with the
 * last block stores the new key. */
static void attend_part(inlay__pass *p, size_t head, size_t part) {
    const inlay__attention_weights *w = weights_of(p);
    inlay__decoder *d = p->d;
    size_t n_group = w->n_head / w->n_head_kv, n = w->n_head_dim;
    inlay__slice keys = keys_of(p, 0);
    size_t first = (keys.begin / INLAY__KEY_BLOCK + part) * INLAY__KEY_BLOCK;
    float *queries = d->threads[p->i_thread].scratch + INLAY__ATTENTION_SCRATCH(n);
    if (!w->cross && first + INLAY__KEY_BLOCK >= keys.end) place_key(p, head, 0);
    for (size_t begin = 0; begin < n_group; begin += INLAY__ATTENTION_ROWS) {
        size_t n_rows = inlay__min_size(INLAY__ATTENTION_ROWS, n_group - begin), at = head * n_group + begin;
        const float *q[INLAY__ATTENTION_ROWS], *biases[INLAY__ATTENTION_ROWS];
        float *out[INLAY__ATTENTION_ROWS];
        size_t n_keys[INLAY__ATTENTION_ROWS], key_begin[INLAY__ATTENTION_ROWS];
        for (size_t r = 0; r < n_rows; r++) {
            memcpy(queries + r * n, d->work[Q] + (at + r) * n, n * sizeof(float));
            place_query(p, 0, queries + r * n);
            q[r] = queries + r * n;
            out[r] = sums_of(p, part) + (at + r) * n;
            n_keys[r] = inlay__min_size(keys.end, first + INLAY__KEY_BLOCK);
            key_begin[r] = inlay__max_size(keys.begin, first);
            biases[r] = biases_of(p, at + r, 0);
        }
        inlay__attention a = attention_of(p, head, 0);
        a.n_rows = n_rows;
        a.q = q;
        a.out = out;
        a.n_keys = n_keys;
        a.key_begin = key_begin;
        a.biases = w->relative ? biases : NULL;
        a.part = softmaxes_of(p, part) + at;
        d->model->kernels.attention(&a);
    }
}

/* attended [n_head, n_head_dim] of all parts. */
static void join_parts(const inlay__pass *p, size_t n, float *attended) {
    const inlay__attention_weights *w = weights_of(p);
    for (size_t head = 0; head < w->n_head; head++) {
        float *out = attended + head * w->n_head_dim;
        inlay__softmax row = {-INFINITY, 0.0f};
        memset(out, 0, w->n_head_dim * sizeof(float));
        for (size_t i = 0; i < n; i++)
            p->d->model->kernels.merge(&row, softmaxes_of(p, i) + head, sums_of(p, i) + head * w->n_head_dim,
                                       w->n_head_dim, out);
        for (size_t i = 0; i < w->n_head_dim; i++) out[i] = out[i] / row.sum;
    }
}

static size_t attend_tasks(const inlay__pass *p) {
    size_t n_head_kv = weights_of(p)->n_head_kv;
    return n_head_kv * (inlay__few_cols(p) ? n_parts(p) : p->d->n_tiles);
}

static void attend(inlay__pass *p, size_t task) {
    size_t n_head_kv = weights_of(p)->n_head_kv, head = task % n_head_kv;
    if (n_parts(p) > 1) {
        attend_part(p, head, task / n_head_kv);
    } else if (inlay__few_cols(p)) {
        place_head(p, head, (inlay__slice){0, p->n_cols});
        for (size_t i = 0; i < p->d->n_tiles; i++) attend_head(p, head, p->d->tiles[i]);
    } else {
        attend_head(p, head, p->d->tiles[task / n_head_kv]);
    }
}

static void prepare_output(inlay__pass *p, size_t task) {
    const inlay__matrix *m = &weights_of(p)->out.matrix;
    size_t n = n_parts(p);
    if (n > 1) { /* each thread for itself */
        inlay__inputs in = inlay__inputs_of(p, m->n_k);
        join_parts(p, n, in.x);
        inlay__prepare_col(p, &in, in.x, 0, inlay__form_of(m));
        return;
    }
    inlay__prepare_rows(p, task, p->d->work[ATTENDED], m->n_k, inlay__form_of(m));
}

static size_t output_tasks(const inlay__pass *p) { return inlay__row_tasks(p, weights_of(p)->out.matrix.n_rows); }

static void project_output(inlay__pass *p, size_t task) { inlay__project(p, &weights_of(p)->out, task, p->branch); }

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},        {INLAY__SHARED, qkv_tasks, project_qkv},
    {INLAY__SHARED, norm_tasks, norm_whole},            {INLAY__MANY_ONLY, inlay__col_tasks, place},
    {INLAY__SHARED, attend_tasks, attend},              {INLAY__PREPARE, inlay__col_tasks, prepare_output},
    {INLAY__SHARED, output_tasks, project_output},
};

/* ----------------------------------------------- keys of what the encoder gave */

/* In every form that a block of the decoder wants. */
static void prepare_states(inlay__pass *p, size_t task) {
    unsigned forms = 0;
    for (size_t i = 0; i < p->stack->n_layer; i++)
        for (size_t b = 0; b < p->stack->layers[i].n_blocks; b++)
            if (p->stack->layers[i].blocks[b].kind == &inlay__cross_attention_kind)
                forms |= forms_of_keys(p->stack->layers[i].blocks[b].weights);
    inlay__prepare_rows(p, task, p->d->hidden, p->d->model->hparams.n_embd, forms);
}

static void place_keys(inlay__pass *p, size_t task) {
    inlay__slice cols = inlay__cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++)
        for (size_t head = 0; head < weights_of(p)->n_head_kv; head++) place_key(p, head, col);
}

bool inlay__forward_cross(inlay__pass *p) {
    static const inlay__phase states_phase = {INLAY__PREPARE, inlay__col_tasks, prepare_states};
    static const inlay__phase keep_phases[] = {{INLAY__SHARED, kv_tasks, project_kv},
                                               {INLAY__SHARED, inlay__col_tasks, place_keys}};
    p->stack = &p->d->model->decoder;
    if (p->stage++ == 0) return inlay__pass_give(p, NULL, &states_phase, 1);
    for (const inlay__layer_block *block; (block = inlay__next_block(p)) != NULL;)
        if (block->kind == &inlay__cross_attention_kind)
            return inlay__pass_give(p, block, keep_phases, INLAY__COUNT(keep_phases));
    return false;
}

/* ----------------------------------------------------------------- weights */

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__attention_weights *w = weights;
    inlay__matrix *all[] = {&w->q.matrix, &w->k.matrix, &w->v.matrix, &w->out.matrix};
    return i < INLAY__COUNT(all) ? all[i] : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__attention_weights *w = weights;
    needs->work[Q] = needs->work[ATTENDED] = w->n_head * w->n_head_dim;
    needs->work[K] = needs->work[V] = w->n_head_kv * w->n_head_dim;
    needs->input = inlay__max_size(w->q.matrix.n_k, w->out.matrix.n_k);
    needs->quantizes = true;
    needs->thread = INLAY__ATTENTION_SCRATCH(w->n_head_dim) + w->n_head / w->n_head_kv * w->n_head_dim;
    needs->part = w->n_head * (w->n_head_dim + sizeof(inlay__softmax) / sizeof(float));
}

/* Keys and values of what the encoder gave are computed once. */
static size_t cross_token_bytes(void *weights) {
    const inlay__attention_weights *w = weights;
    return w->q.matrix.n_rows * w->q.matrix.row_size + w->out.matrix.n_rows * w->out.matrix.row_size;
}

const inlay__layer_block_kind inlay__attention_kind = {"attention", phases,  INLAY__COUNT(phases),
                                                       matrix,      measure, NULL};
const inlay__layer_block_kind inlay__cross_attention_kind = {
    "cross-attention", phases, INLAY__COUNT(phases), matrix, measure, cross_token_bytes};

inlay__attention_weights *inlay__attention_new(inlay__model *model, inlay__layer_block *block, bool both_ways) {
    const inlay__hparams *h = &model->hparams;
    const inlay__stack *stack = model->stack;
    inlay__attention_weights *w = inlay__model_alloc(model, 1, sizeof *w);
    if (w == NULL) return NULL;
    w->n_head = stack->n_head;
    w->n_head_kv = stack->n_head_kv;
    w->n_head_dim = stack->n_head_dim;
    w->relative = stack->relative.bias != NULL;
    w->both_ways = both_ways;
    w->i_cache = both_ways ? 0 : model->n_cached++;
    w->scale = h->attn_scale > 0.0f ? h->attn_scale : 1.0f / sqrtf((float)stack->n_head_dim);
    w->soft_cap = h->attn_soft_cap;
    block->kind = &inlay__attention_kind;
    block->weights = w;
    return w;
}

int32_t inlay__attention_load(inlay__model *m, size_t layer, inlay__norm_kind norm, inlay__attention_weights *w) {
    size_t n_embd = m->hparams.n_embd, n_q = w->n_head * w->n_head_dim, n_kv = w->n_head_kv * w->n_head_dim;
    size_t n_rows[] = {n_q, n_kv, n_kv};
    inlay__linear *fused[] = {&w->q, &w->k, &w->v};
    if (inlay__load_expects(m, "blk.%u.attn_qkv.weight", layer)) {
        INLAY__TRY(inlay__load_fused(m, "blk.%u.attn_qkv", layer, 3, n_rows, n_embd, fused));
    } else {
        INLAY__TRY(inlay__load_linear(m, "blk.%u.attn_q", layer, n_q, n_embd, &w->q));
        INLAY__TRY(inlay__load_linear(m, "blk.%u.attn_k", layer, n_kv, n_embd, &w->k));
        INLAY__TRY(inlay__load_linear(m, "blk.%u.attn_v", layer, n_kv, n_embd, &w->v));
    }
    size_t n_norm_q = w->norm_is_whole ? n_q : w->n_head_dim, n_norm_k = w->norm_is_whole ? n_kv : w->n_head_dim;
    INLAY__TRY(inlay__load_norm_optional(m, "blk.%u.attn_q_norm", layer, norm, n_norm_q, &w->q_norm));
    INLAY__TRY(inlay__load_norm_optional(m, "blk.%u.attn_k_norm", layer, norm, n_norm_k, &w->k_norm));
    const char *out = inlay__load_expects(m, "blk.%u.attn_o.weight", layer) ? "blk.%u.attn_o" : "blk.%u.attn_output";
    return inlay__load_linear(m, out, layer, n_embd, n_q, &w->out);
}

int32_t inlay__cross_attention_load(inlay__model *m, size_t layer, inlay__layer_block *block) {
    inlay__attention_weights *w = inlay__attention_new(m, block, true);
    if (w == NULL) return INLAY_ERR_MEMORY;
    size_t n_embd = m->hparams.n_embd, n_q = w->n_head * w->n_head_dim, n_kv = w->n_head_kv * w->n_head_dim;
    block->kind = &inlay__cross_attention_kind;
    w->both_ways = w->relative = false;
    w->cross = true;
    w->rope = INLAY__NO_ROPE;
    w->i_cache = m->n_crossed++;
    INLAY__TRY(inlay__load_linear(m, "blk.%u.cross_attn_q", layer, n_q, n_embd, &w->q));
    INLAY__TRY(inlay__load_linear(m, "blk.%u.cross_attn_k", layer, n_kv, n_embd, &w->k));
    INLAY__TRY(inlay__load_linear(m, "blk.%u.cross_attn_v", layer, n_kv, n_embd, &w->v));
    return inlay__load_linear(m, "blk.%u.cross_attn_o", layer, n_embd, n_q, &w->out);
}
