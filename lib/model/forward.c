/* The forward pass: the phases of a layer, in order, each shared out among the threads as tasks, with a barrier
 * after it.
 *
 *     prepare_attention   add the last block to the stream, norm it, quantise it
 *     project_qkv         q, k, v
 *     place               rotate q and k; k and v into the cache
 *     attend              softmax(q k) v
 *     prepare_output      quantise what attention gave
 *     project_output      the attention block's branch
 *     prepare_ffn         add it to the stream, norm the stream, quantise it
 *     expand              gate and up, act(gate) * up
 *     prepare_down        quantise that
 *     project_down        the feed-forward block's branch
 *
 * With few columns (generation) each thread keeps the stream and does the prepare phases for itself, and places a head's
 * keys before it attends to them, which leaves five barriers a layer. Who computes what never changes a bit.
 */

#include "kernels/math.h"
#include "model/decoder_state.h"

enum { TASK_ROWS = 32, TASK_COLS = 4 };

/* One thread's place in the pass. */
typedef struct pass {
    inlay__decoder *d;
    const inlay__layer *layer;
    size_t i_layer;
    size_t i_thread, n_threads;
    size_t col_begin, n_cols; /* columns in hand: all, or at the end those that want logits */
    bool private_stream;      /* each thread has its own, as there are few columns in all */
    const float *post_norm;   /* of the branch that joins the stream next; or NULL */
    size_t turn;              /* phases done */
} pass;

typedef struct slice {
    size_t begin, end;
} slice;

static bool few_cols(const pass *p) { return p->n_cols <= INLAY__FEW_COLS; }

/* Rows of a matrix: with few columns one run of panels for each thread, else small tasks that who is free takes. */
static size_t row_tasks(const pass *p, size_t n_rows) {
    return few_cols(p) ? p->n_threads : (n_rows + TASK_ROWS - 1) / TASK_ROWS;
}

static slice rows_of(const pass *p, size_t n_rows, size_t task) {
    if (!few_cols(p)) return (slice){task * TASK_ROWS, inlay__min_size((task + 1) * TASK_ROWS, n_rows)};
    size_t n_panels = (n_rows + INLAY__LANES - 1) / INLAY__LANES;
    return (slice){task * n_panels / p->n_threads * INLAY__LANES,
                   inlay__min_size((task + 1) * n_panels / p->n_threads * INLAY__LANES, n_rows)};
}

static size_t col_tasks(const pass *p) { return (p->n_cols + TASK_COLS - 1) / TASK_COLS; }

static slice cols_of(const pass *p, size_t task) {
    return (slice){task * TASK_COLS, inlay__min_size((task + 1) * TASK_COLS, p->n_cols)};
}

/* ------------------------------------------------------------------ inputs */

static unsigned kind_of(const inlay__matrix *m) { return 1u << inlay__block_type_get(m->type)->kind; }

static float *stream_of(const pass *p, size_t col) {
    float *stream = p->private_stream ? p->d->threads[p->i_thread].hidden : p->d->hidden;
    return stream + (p->col_begin + col) * p->d->model->hparams.n_embd;
}

/* x [n_embd] = the stream of a column and the branch that joins it. */
static void join(const pass *p, size_t col, float *x) {
    const inlay__kernels *kernels = &p->d->model->kernels;
    size_t n = p->d->model->hparams.n_embd;
    const float *branch = p->d->branch + (p->col_begin + col) * n;
    if (p->post_norm != NULL)
        kernels->rms_norm(branch, p->post_norm, p->d->model->hparams.norm_epsilon, n, x);
    else
        memcpy(x, branch, n * sizeof(float));
    kernels->add(stream_of(p, col), n, x);
}

/* The prepared inputs, for columns of n elements. */
static inlay__inputs inputs_of_width(const pass *p, size_t n) {
    inlay__inputs in = few_cols(p) ? p->d->threads[p->i_thread].inputs : p->d->inputs;
    in.acts_32.n_k = in.acts_256.n_k = n;
    in.acts_32.n_blocks = n / INLAY__Q_LENGTH;
    in.acts_256.n_blocks = n / INLAY__K_LENGTH;
    return in;
}

/* x [n_k] into the forms that `kinds` names; the float form is in place or copied. */
static void quantize(const pass *p, inlay__inputs *in, const float *x, size_t col, unsigned kinds) {
    float *own = in->x + col * in->acts_32.n_k;
    if (x != own && (kinds & 1u << INLAY__BLOCK_FLOAT)) memcpy(own, x, in->acts_32.n_k * sizeof(float));
    if (kinds & 1u << INLAY__BLOCK_32) p->d->model->kernels.quantize_32(x, &in->acts_32, col);
    if (kinds & 1u << INLAY__BLOCK_256) p->d->model->kernels.quantize_256(x, &in->acts_256, col);
}

typedef enum stream_use { STREAM_BEGINS, STREAM_GOES_ON, STREAM_ENDS } stream_use;

/* Inputs from the stream: joined, normed, quantised. */
static void prepare_stream(pass *p, size_t task, stream_use use, const float *norm, unsigned kinds) {
    size_t n = p->d->model->hparams.n_embd;
    inlay__inputs in = inputs_of_width(p, n);
    slice cols = cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++) {
        float *x = in.x + col * n;
        if (use == STREAM_BEGINS)
            memcpy(x, stream_of(p, col), n * sizeof(float));
        else
            join(p, col, x);
        if (use == STREAM_GOES_ON) memcpy(stream_of(p, col), x, n * sizeof(float));
        p->d->model->kernels.rms_norm(x, norm, p->d->model->hparams.norm_epsilon, n, x);
        quantize(p, &in, x, col, kinds);
    }
}

/* Inputs from rows [n_cols, n]. */
static void prepare_rows(pass *p, size_t task, const float *rows, size_t n, unsigned kinds) {
    inlay__inputs in = inputs_of_width(p, n);
    slice cols = cols_of(p, task);
    for (size_t col = cols.begin; col < cols.end; col++) quantize(p, &in, rows + col * n, col, kinds);
}

/* out [n_cols, n_rows] = matrix times the prepared inputs, for the rows given. */
static void multiply(const pass *p, const inlay__matrix *m, slice rows, float *out) {
    inlay__inputs in = inputs_of_width(p, m->n_k);
    inlay__operand operand = {&in.acts_32, &in.acts_256, in.x, p->d->threads[p->i_thread].panel};
    inlay__matrix_multiply(&p->d->model->kernels, m, &operand, rows.begin, rows.end, 0, p->n_cols, out, m->n_rows);
}

/* ------------------------------------------------------------------ phases */

static void embed(pass *p, size_t task) {
    slice cols = cols_of(p, task);
    const inlay__model *model = p->d->model;
    for (size_t col = cols.begin; col < cols.end; col++) {
        float *stream = stream_of(p, col);
        inlay__matrix_row(&model->token_embd, (size_t)p->d->tokens[col], stream);
        if (model->embd_scale == 1.0f) continue;
        for (size_t i = 0; i < model->hparams.n_embd; i++) stream[i] *= model->embd_scale;
    }
}

static void prepare_attention(pass *p, size_t task) {
    const inlay__layer *l = p->layer;
    unsigned kinds = kind_of(&l->attn_q) | kind_of(&l->attn_k) | kind_of(&l->attn_v);
    prepare_stream(p, task, p->i_layer == 0 ? STREAM_BEGINS : STREAM_GOES_ON, l->attn_norm, kinds);
}

static void project(pass *p, const inlay__matrix *m, const float *bias, size_t task, float *out) {
    slice rows = rows_of(p, m->n_rows, task);
    if (rows.begin >= rows.end) return;
    multiply(p, m, rows, out);
    for (size_t col = 0; bias != NULL && col < p->n_cols; col++)
        p->d->model->kernels.add(bias + rows.begin, rows.end - rows.begin, out + col * m->n_rows + rows.begin);
}

static size_t qkv_tasks(const pass *p) {
    if (few_cols(p)) return p->n_threads;
    return row_tasks(p, p->layer->attn_q.n_rows) + 2 * row_tasks(p, p->layer->attn_k.n_rows);
}

static void project_qkv(pass *p, size_t task) {
    const inlay__layer *l = p->layer;
    inlay__decoder *d = p->d;
    if (few_cols(p)) {
        project(p, &l->attn_q, l->attn_q_bias, task, d->q);
        project(p, &l->attn_k, l->attn_k_bias, task, d->k);
        project(p, &l->attn_v, l->attn_v_bias, task, d->v);
        return;
    }
    size_t n_q = row_tasks(p, l->attn_q.n_rows), n_kv = row_tasks(p, l->attn_k.n_rows);
    if (task < n_q)
        project(p, &l->attn_q, l->attn_q_bias, task, d->q);
    else if (task < n_q + n_kv)
        project(p, &l->attn_k, l->attn_k_bias, task - n_q, d->k);
    else
        project(p, &l->attn_v, l->attn_v_bias, task - n_q - n_kv, d->v);
}

/* Norms, if the layer does, and rotates one head [n_embd_head] of a column. */
static void rotate(const pass *p, const float *norm, size_t col, float *head) {
    const inlay__model *model = p->d->model;
    const inlay__hparams *h = &model->hparams;
    size_t which = p->layer->local && model->rope_frequencies[INLAY__ROPE_LOCAL] != NULL ? INLAY__ROPE_LOCAL
                                                                                        : INLAY__ROPE_GLOBAL;
    const float *cosines = p->d->cosines[which] + col * (h->n_rope / 2), *sines = p->d->sines[which] + col * (h->n_rope / 2);
    if (norm != NULL) model->kernels.rms_norm(head, norm, h->norm_epsilon, h->n_embd_head, head);
    if (model->rope == INLAY__ROPE_ADJACENT)
        model->kernels.rope_adjacent(cosines, sines, h->n_rope, head);
    else
        model->kernels.rope_halves(cosines, sines, h->n_rope, head);
}

/* Rotates the keys and queries of one key/value head and its query heads, scales the queries by
 * the model's factor, and stores keys and values. */
static void place_head(pass *p, size_t head, slice cols) {
    inlay__decoder *d = p->d;
    const inlay__hparams *h = &d->model->hparams;
    const inlay__kernels *kernels = &d->model->kernels;
    size_t n_group = h->n_head / h->n_head_kv, n = h->n_embd_head;
    float scale = d->model->query_scale;
    for (size_t col = cols.begin; col < cols.end; col++) {
        float *key = d->k + (col * h->n_head_kv + head) * n;
        float *value = d->v + (col * h->n_head_kv + head) * n;
        rotate(p, p->layer->attn_k_norm, col, key);
        size_t position = d->length + col, at = position % INLAY__KEY_BLOCK;
        kernels->store_key(key, n, d->cache.type, at, inlay__kv_cache_keys(&d->cache, p->i_layer, head, position));
        kernels->store_value(value, n, d->cache.type, at, inlay__kv_cache_values(&d->cache, p->i_layer, head, position));
        for (size_t i = 0; i < n_group; i++) {
            float *query = d->q + (col * h->n_head + head * n_group + i) * n;
            rotate(p, p->layer->attn_q_norm, col, query);
            for (size_t k = 0; k < n; k++) query[k] *= scale;
        }
    }
}

static void place(pass *p, size_t task) {
    for (size_t head = 0; head < p->d->model->hparams.n_head_kv; head++) place_head(p, head, cols_of(p, task));
}

/* Columns whose heads of one group are attended together. */
static size_t tile_cols(const pass *p) {
    const inlay__hparams *h = &p->d->model->hparams;
    return inlay__max_size(1, INLAY__ATTENTION_ROWS / (h->n_head / h->n_head_kv));
}

/* All query heads of one key/value head, for some columns. */
static void attend_head(pass *p, size_t head, slice cols) {
    inlay__decoder *d = p->d;
    const inlay__hparams *h = &d->model->hparams;
    size_t n_group = h->n_head / h->n_head_kv, n = h->n_embd_head, n_rows = 0;
    const float *q[INLAY__ATTENTION_ROWS];
    float *out[INLAY__ATTENTION_ROWS];
    size_t n_keys[INLAY__ATTENTION_ROWS], key_begin[INLAY__ATTENTION_ROWS];
    size_t n_window = p->layer->local ? h->n_window : SIZE_MAX;
    inlay__attention a = {.n_head_dim = n, .q = q, .out = out, .n_keys = n_keys, .key_begin = key_begin,
                          .cache_type = d->cache.type,
                          .keys = inlay__kv_cache_keys(&d->cache, p->i_layer, head, 0),
                          .values = inlay__kv_cache_values(&d->cache, p->i_layer, head, 0),
                          .block_stride = d->cache.block_size,
                          .scratch = d->threads[p->i_thread].attention};
    for (size_t col = cols.begin; col < cols.end; col++) {
        for (size_t i = 0; i < n_group; i++) {
            size_t at = (col * h->n_head + head * n_group + i) * n;
            q[n_rows] = d->q + at;
            out[n_rows] = d->attended + at;
            n_keys[n_rows] = d->length + col + 1;
            key_begin[n_rows] = n_keys[n_rows] > n_window ? n_keys[n_rows] - n_window : 0;
            n_rows++;
            bool last = col + 1 == cols.end && i + 1 == n_group;
            if (n_rows < INLAY__ATTENTION_ROWS && !last) continue;
            a.n_rows = n_rows;
            d->model->kernels.attention(&a);
            n_rows = 0;
        }
    }
}

static size_t attend_tasks(const pass *p) {
    size_t n_head_kv = p->d->model->hparams.n_head_kv, n_tile = tile_cols(p);
    return few_cols(p) ? n_head_kv : n_head_kv * ((p->n_cols + n_tile - 1) / n_tile);
}

static void attend(pass *p, size_t task) {
    size_t n_head_kv = p->d->model->hparams.n_head_kv, n_tile = tile_cols(p), tile = task / n_head_kv;
    slice cols = {tile * n_tile, inlay__min_size((tile + 1) * n_tile, p->n_cols)};
    if (few_cols(p)) {
        cols = (slice){0, p->n_cols};
        place_head(p, task, cols);
    }
    attend_head(p, task % n_head_kv, cols);
}

static void prepare_output(pass *p, size_t task) {
    const inlay__matrix *m = &p->layer->attn_out;
    prepare_rows(p, task, p->d->attended, m->n_k, kind_of(m));
}

static void project_output(pass *p, size_t task) { project(p, &p->layer->attn_out, NULL, task, p->d->branch); }

static void prepare_ffn(pass *p, size_t task) {
    const inlay__layer *l = p->layer;
    p->post_norm = l->attn_post_norm;
    prepare_stream(p, task, STREAM_GOES_ON, l->ffn_norm, kind_of(&l->ffn_gate) | kind_of(&l->ffn_up));
}

static void expand(pass *p, size_t task) {
    inlay__decoder *d = p->d;
    size_t n_ff = p->layer->ffn_gate.n_rows;
    slice rows = rows_of(p, n_ff, task);
    if (rows.begin >= rows.end) return;
    multiply(p, &p->layer->ffn_gate, rows, d->gate);
    multiply(p, &p->layer->ffn_up, rows, d->up);
    void (*act_mul)(const float *, const float *, size_t, float *) =
        d->model->activation == INLAY__SILU ? d->model->kernels.silu_mul : d->model->kernels.gelu_mul;
    for (size_t col = 0; col < p->n_cols; col++) {
        size_t at = col * n_ff + rows.begin;
        act_mul(d->gate + at, d->up + at, rows.end - rows.begin, d->gate + at);
    }
}

static void prepare_down(pass *p, size_t task) {
    const inlay__matrix *m = &p->layer->ffn_down;
    prepare_rows(p, task, p->d->gate, m->n_k, kind_of(m));
}

static void project_down(pass *p, size_t task) { project(p, &p->layer->ffn_down, NULL, task, p->d->branch); }

static void prepare_head(pass *p, size_t task) {
    const inlay__model *model = p->d->model;
    prepare_stream(p, task, STREAM_ENDS, model->output_norm, kind_of(&model->output));
}

static void project_head(pass *p, size_t task) {
    const inlay__matrix *m = &p->d->model->output;
    slice rows = rows_of(p, m->n_rows, task);
    if (rows.begin < rows.end) multiply(p, m, rows, p->d->logits_out);
}

/* ---------------------------------------------------------------- schedule */

static size_t output_tasks(const pass *p) { return row_tasks(p, p->layer->attn_out.n_rows); }
static size_t expand_tasks(const pass *p) { return row_tasks(p, p->layer->ffn_gate.n_rows); }
static size_t down_tasks(const pass *p) { return row_tasks(p, p->layer->ffn_down.n_rows); }
static size_t head_tasks(const pass *p) { return row_tasks(p, p->d->model->output.n_rows); }

typedef enum phase_kind {
    SHARED,   /* tasks shared out, then a barrier */
    PREPARE,  /* with few columns every thread does it all for itself */
    MANY_ONLY /* with few columns another phase does it */
} phase_kind;

typedef struct phase {
    phase_kind kind;
    size_t (*n_tasks)(const pass *p);
    void (*run)(pass *p, size_t task);
} phase;

static const phase embed_phase = {PREPARE, col_tasks, embed};

static const phase layer_phases[] = {
    {PREPARE, col_tasks, prepare_attention}, {SHARED, qkv_tasks, project_qkv},
    {MANY_ONLY, col_tasks, place},           {SHARED, attend_tasks, attend},
    {PREPARE, col_tasks, prepare_output},    {SHARED, output_tasks, project_output},
    {PREPARE, col_tasks, prepare_ffn},       {SHARED, expand_tasks, expand},
    {PREPARE, col_tasks, prepare_down},      {SHARED, down_tasks, project_down},
};

static const phase head_phases[] = {
    {PREPARE, col_tasks, prepare_head},
    {SHARED, head_tasks, project_head},
};

static void run_phase(pass *p, const phase *ph) {
    inlay__decoder *d = p->d;
    size_t n_tasks = ph->n_tasks(p);
    if (few_cols(p)) {
        if (ph->kind == MANY_ONLY) return;
        bool alone = ph->kind == PREPARE;
        for (size_t task = alone ? 0 : p->i_thread; task < n_tasks; task += alone ? 1 : p->n_threads)
            ph->run(p, task);
        if (alone) return;
    } else {
        atomic_size_t *next = &d->next[p->turn % INLAY__N_COUNTERS];
        for (;;) {
            size_t task = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
            if (task >= n_tasks) break;
            ph->run(p, task);
        }
        /* The counter after this one was last used two barriers ago. */
        if (p->i_thread == 0)
            atomic_store_explicit(&d->next[(p->turn + 1) % INLAY__N_COUNTERS], 0, memory_order_relaxed);
        p->turn++;
    }
    inlay__pool_barrier(d->pool);
}

/* Thread 0 looks at the caller's flag before a layer and says that all are to leave after it. It names the layer as
 * another thread may still be on its way out of the one before, and must not leave there. */
static void look_for_cancel(pass *p) {
    inlay__decoder *d = p->d;
    if (p->i_thread == 0 && d->cancel != NULL && atomic_load_explicit(d->cancel, memory_order_relaxed) != 0)
        atomic_store_explicit(&d->stop, (int)p->i_layer + 1, memory_order_relaxed);
}

void inlay__forward(void *decoder, size_t i_thread, size_t n_threads) {
    inlay__decoder *d = decoder;
    const inlay__model *model = d->model;
    pass p = {.d = d, .i_thread = i_thread, .n_threads = n_threads, .n_cols = d->n_cols};
    p.private_stream = few_cols(&p);
    run_phase(&p, &embed_phase);
    for (p.i_layer = 0; p.i_layer < model->hparams.n_layer; p.i_layer++) {
        p.layer = &model->layers[p.i_layer];
        p.post_norm = p.i_layer > 0 ? model->layers[p.i_layer - 1].ffn_post_norm : NULL;
        look_for_cancel(&p);
        for (size_t i = 0; i < INLAY__COUNT(layer_phases); i++) run_phase(&p, &layer_phases[i]);
        if (atomic_load_explicit(&d->stop, memory_order_relaxed) == (int)p.i_layer + 1) return;
    }
    p.post_norm = model->layers[model->hparams.n_layer - 1].ffn_post_norm;
    p.col_begin = d->logits_begin;
    p.n_cols = d->n_cols - d->logits_begin;
    if (p.n_cols == 0) return;
    for (size_t i = 0; i < INLAY__COUNT(head_phases); i++) run_phase(&p, &head_phases[i]);
}
