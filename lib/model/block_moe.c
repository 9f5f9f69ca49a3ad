/* A mixture of experts as a block: y = sum over the chosen experts of weight_e down_e(act(gate_e x) * up_e x).
 *
 *     prepare       inputs from the stream; which experts each column takes, with which weights
 *     sort          slots: pairs of column and expert, those of an expert side by side
 *     gather        inputs of slots
 *     expand        gate, up, activation
 *     prepare_down  inputs from that
 *     project_down  what each slot gives
 *     combine       the branch: weighted sums
 *
 * With few columns slots stand in the columns' order and every thread keeps the plan for itself: sort, gather and
 * combine fall away. A column's sum runs over its experts from the most probable on, whatever the order of the slots.
 */
#include "model/block_moe.h"

#include "model/load.h"

/* Work buffers: normed columns [n_batch, n_embd]; of slots [n_batch n_used, n_ff] twice and [n_batch n_used, n_embd];
 * the plan. */
enum { X, GATE, UP, OUT, PLAN };
enum { TASK_SLOTS = 4 };

static const inlay__moe_weights *weights_of(const inlay__pass *p) { return p->block->weights; }

/* Which experts the columns take. Slot and order are of many columns alone. */
typedef struct routes {
    float *logits;    /* [n_cols, n_expert], then probabilities */
    float *weight;    /* [n_cols, n_used] */
    uint32_t *expert; /* [n_cols, n_used] */
    uint32_t *slot;   /* [n_cols, n_used] where the pair stands */
    uint32_t *col;    /* [n_slots] the column of a slot */
    uint32_t *begin;  /* [n_expert + 1] the first slot of each expert */
} routes;

/* Floats of a plan for a column; the first column's hold what there is once. */
static size_t plan_size(const inlay__moe_weights *w) { return 2 * w->n_expert + 1 + 4 * w->n_used; }

static routes plan_of(const inlay__pass *p) {
    const inlay__moe_weights *w = weights_of(p);
    bool few = inlay__few_cols(p);
    float *memory = few ? p->d->threads[p->i_thread].scratch : p->d->work[PLAN];
    size_t n_cols = few ? INLAY__FEW_COLS : p->d->config.n_batch, n = n_cols * w->n_used;
    uint32_t *integers = (uint32_t *)(void *)(memory + n_cols * w->n_expert + n);
    return (routes){memory, memory + n_cols * w->n_expert, integers, integers + n, integers + 2 * n, integers + 3 * n};
}

/* ----------------------------------------------------------------- routing */

/* Softmax of all, then the n_used greatest, ties to the lower number. */
static void choose(const inlay__kernels *kernels, const inlay__moe_weights *w, float *x, float *weight,
                   uint32_t *expert) {
    float greatest = x[0], sum = 0.0f;
    for (size_t e = 1; e < w->n_expert; e++) greatest = x[e] > greatest ? x[e] : greatest;
    kernels->weigh(x, greatest, 1.0f, w->n_expert, x); /* exp of the difference */
    for (size_t e = 0; e < w->n_expert; e++) sum += x[e];
    for (size_t e = 0; e < w->n_expert; e++) x[e] = x[e] / sum;
    sum = 0.0f;
    for (size_t r = 0; r < w->n_used; r++) {
        size_t best = w->n_expert;
        for (size_t e = 0; e < w->n_expert; e++)
            if (!(x[e] < 0.0f) && (best == w->n_expert || x[e] > x[best])) best = e;
        expert[r] = (uint32_t)best;
        weight[r] = x[best];
        sum += x[best];
        x[best] = -1.0f; /* taken */
    }
    for (size_t r = 0; r < w->n_used; r++) weight[r] = (w->normalizes ? weight[r] / sum : weight[r]) * w->scale;
}

static void prepare(inlay__pass *p, size_t task) {
    const inlay__moe_weights *w = weights_of(p);
    routes plan = plan_of(p);
    size_t n = w->router.matrix.n_k;
    bool few = inlay__few_cols(p);
    unsigned forms = inlay__form_of(&w->router.matrix);
    if (few) forms |= inlay__form_of(&w->gate[0]) | inlay__form_of(&w->up[0]);
    inlay__prepare_stream(p, task, &p->block->norm, forms);
    inlay__inputs in = inlay__inputs_of(p, n);
    inlay__slice cols = inlay__cols_of(p, task);
    inlay__multiply(p, &w->router.matrix, (inlay__slice){0, w->n_expert}, cols, plan.logits);
    for (size_t col = cols.begin; col < cols.end; col++) {
        float *logits = plan.logits + col * w->n_expert;
        if (w->router.bias != NULL) p->d->model->kernels.add(w->router.bias, w->n_expert, logits);
        choose(&p->d->model->kernels, w, logits, plan.weight + col * w->n_used, plan.expert + col * w->n_used);
        if (!few) memcpy(p->d->work[X] + col * n, in.x + col * n, n * sizeof(float));
    }
}

static size_t one_task(const inlay__pass *p) {
    (void)p;
    return 1;
}

static void sort(inlay__pass *p, size_t task) {
    const inlay__moe_weights *w = weights_of(p);
    routes plan = plan_of(p);
    size_t n_slots = p->n_cols * w->n_used;
    (void)task;
    memset(plan.begin, 0, (w->n_expert + 1) * sizeof *plan.begin);
    for (size_t i = 0; i < n_slots; i++) plan.begin[plan.expert[i] + 1]++;
    for (size_t e = 0; e < w->n_expert; e++) plan.begin[e + 1] += plan.begin[e];
    /* Each expert's counter runs to the beginning of the next one's slots, and is moved back by one place
     * afterwards. */
    for (size_t i = 0; i < n_slots; i++) {
        plan.slot[i] = plan.begin[plan.expert[i]]++;
        plan.col[plan.slot[i]] = (uint32_t)(i / w->n_used);
    }
    memmove(plan.begin + 1, plan.begin, w->n_expert * sizeof *plan.begin);
    plan.begin[0] = 0;
}

static inlay__slice slots_of(const inlay__pass *p, size_t task) {
    size_t n_slots = p->n_cols * weights_of(p)->n_used;
    return (inlay__slice){task * TASK_SLOTS, inlay__min_size((task + 1) * TASK_SLOTS, n_slots)};
}

static size_t slot_tasks(const inlay__pass *p) {
    return (p->n_cols * weights_of(p)->n_used + TASK_SLOTS - 1) / TASK_SLOTS;
}

static void gather(inlay__pass *p, size_t task) {
    const inlay__moe_weights *w = weights_of(p);
    routes plan = plan_of(p);
    size_t n = w->router.matrix.n_k;
    inlay__inputs in = inlay__inputs_of(p, n);
    inlay__slice slots = slots_of(p, task);
    unsigned forms = inlay__form_of(&w->gate[0]) | inlay__form_of(&w->up[0]);
    for (size_t slot = slots.begin; slot < slots.end; slot++)
        inlay__prepare_col(p, &in, p->d->work[X] + plan.col[slot] * n, slot, forms);
}

/* ----------------------------------------------------------------- experts */

/* Rows of a matrix of each expert: with few columns a run for each thread, of all experts; else tasks of one expert. */
static size_t expert_tasks(const inlay__pass *p, size_t n_rows) {
    return inlay__row_tasks(p, n_rows) * (inlay__few_cols(p) ? 1 : weights_of(p)->n_expert);
}

/* Products of slots [slots] with their expert's gate and up, whose inputs begin with column `from`. */
static void expand_rows(inlay__pass *p, size_t expert, inlay__slice rows, inlay__slice slots, size_t from) {
    const inlay__moe_weights *w = weights_of(p);
    float *gate = p->d->work[GATE], *up = p->d->work[UP];
    inlay__slice cols = {from, from + slots.end - slots.begin};
    if (rows.begin >= rows.end || slots.begin >= slots.end) return;
    size_t at = (slots.begin - from) * w->n_ff;
    inlay__multiply(p, &w->gate[expert], rows, cols, gate + at);
    inlay__multiply(p, &w->up[expert], rows, cols, up + at);
    for (size_t slot = slots.begin; slot < slots.end; slot++) {
        at = slot * w->n_ff + rows.begin;
        p->d->model->kernels.activate(w->activation, gate + at, up + at, rows.end - rows.begin, gate + at);
    }
}

static size_t expand_tasks(const inlay__pass *p) { return expert_tasks(p, weights_of(p)->n_ff); }

static void expand(inlay__pass *p, size_t task) {
    const inlay__moe_weights *w = weights_of(p);
    routes plan = plan_of(p);
    size_t n_slots = p->n_cols * w->n_used, n_tasks = inlay__row_tasks(p, w->n_ff);
    inlay__slice rows = inlay__rows_of(p, w->n_ff, task % n_tasks);
    if (inlay__few_cols(p)) {
        for (size_t slot = 0; slot < n_slots; slot++)
            expand_rows(p, plan.expert[slot], rows, (inlay__slice){slot, slot + 1}, slot / w->n_used);
        return;
    }
    size_t e = task / n_tasks;
    expand_rows(p, e, rows, (inlay__slice){plan.begin[e], plan.begin[e + 1]}, plan.begin[e]);
}

static void prepare_down(inlay__pass *p, size_t task) {
    const inlay__moe_weights *w = weights_of(p);
    inlay__inputs in = inlay__inputs_of(p, w->n_ff);
    inlay__slice slots = slots_of(p, task);
    for (size_t slot = slots.begin; slot < slots.end; slot++)
        inlay__prepare_col(p, &in, p->d->work[GATE] + slot * w->n_ff, slot, inlay__form_of(&w->down[0]));
}

/* Rows of a column of the branch. Slots NULL: in the columns' order. */
static void sum_slots(inlay__pass *p, const routes *plan, const uint32_t *slots, size_t col, inlay__slice rows) {
    const inlay__moe_weights *w = weights_of(p);
    size_t n = w->down[0].n_rows;
    float *branch = p->branch + col * n;
    for (size_t i = rows.begin; i < rows.end; i++) branch[i] = 0.0f;
    for (size_t r = 0; r < w->n_used; r++) {
        size_t k = col * w->n_used + r;
        const float *out = p->d->work[OUT] + (slots != NULL ? slots[k] : k) * n;
        for (size_t i = rows.begin; i < rows.end; i++) branch[i] = plan->weight[k] * out[i] + branch[i];
    }
}

static size_t down_tasks(const inlay__pass *p) { return expert_tasks(p, weights_of(p)->down[0].n_rows); }

static void project_down(inlay__pass *p, size_t task) {
    const inlay__moe_weights *w = weights_of(p);
    routes plan = plan_of(p);
    size_t n_rows = w->down[0].n_rows, n_slots = p->n_cols * w->n_used, n_tasks = inlay__row_tasks(p, n_rows);
    inlay__slice rows = inlay__rows_of(p, n_rows, task % n_tasks);
    float *out = p->d->work[OUT];
    if (rows.begin >= rows.end) return;
    if (!inlay__few_cols(p)) {
        size_t e = task / n_tasks;
        inlay__multiply(p, &w->down[e], rows, (inlay__slice){plan.begin[e], plan.begin[e + 1]}, out);
        return;
    }
    for (size_t slot = 0; slot < n_slots; slot++)
        inlay__multiply(p, &w->down[plan.expert[slot]], rows, (inlay__slice){slot, slot + 1}, out);
    for (size_t col = 0; col < p->n_cols; col++) sum_slots(p, &plan, NULL, col, rows);
}

static void combine(inlay__pass *p, size_t task) {
    routes plan = plan_of(p);
    inlay__slice cols = inlay__cols_of(p, task), all = {0, weights_of(p)->down[0].n_rows};
    for (size_t col = cols.begin; col < cols.end; col++) sum_slots(p, &plan, plan.slot, col, all);
}

static const inlay__phase phases[] = {
    {INLAY__PREPARE, inlay__col_tasks, prepare},   {INLAY__MANY_ONLY, one_task, sort},
    {INLAY__MANY_ONLY, slot_tasks, gather},        {INLAY__SHARED, expand_tasks, expand},
    {INLAY__PREPARE, slot_tasks, prepare_down},    {INLAY__SHARED, down_tasks, project_down},
    {INLAY__MANY_ONLY, inlay__col_tasks, combine},
};

/* ----------------------------------------------------------------- weights */

static inlay__matrix *matrix(void *weights, size_t i) {
    inlay__moe_weights *w = weights;
    if (i == 0) return &w->router.matrix;
    inlay__matrix *const kinds[] = {w->gate, w->up, w->down};
    size_t kind = (i - 1) / w->n_expert;
    return kind < INLAY__COUNT(kinds) ? &kinds[kind][(i - 1) % w->n_expert] : NULL;
}

static void measure(const void *weights, inlay__needs *needs) {
    const inlay__moe_weights *w = weights;
    size_t n_embd = w->router.matrix.n_k;
    needs->work[X] = n_embd;
    needs->work[GATE] = needs->work[UP] = w->n_used * w->n_ff;
    needs->work[OUT] = w->n_used * n_embd;
    needs->work[PLAN] = plan_size(w);
    needs->input = w->n_used * inlay__max_size(n_embd, w->n_ff);
    needs->thread = INLAY__FEW_COLS * plan_size(w);
}

static size_t token_bytes(void *weights) {
    const inlay__moe_weights *w = weights;
    size_t expert = inlay__matrix_size(&w->gate[0]) + inlay__matrix_size(&w->up[0]) + inlay__matrix_size(&w->down[0]);
    return inlay__matrix_size(&w->router.matrix) + w->n_used * expert;
}

const inlay__layer_block_kind inlay__moe_kind = {"mixture of experts", phases, INLAY__COUNT(phases), matrix, measure,
                                                 token_bytes};

static int32_t check_keys(inlay__model *m, inlay__moe_weights *w) {
    enum { SOFTMAX = 1 };
    uint32_t gating = SOFTMAX;
    double scale = 1.0;
    INLAY__TRY(inlay__keys_bool(&m->keys, "expert_weights_norm", false, &w->normalizes));
    INLAY__TRY(inlay__keys_f64(&m->keys, "expert_weights_scale", false, 0.0, 1e6, &scale));
    INLAY__TRY(inlay__keys_u32(&m->keys, "expert_gating_func", false, 0, 1 << 16, &gating));
    if (scale > 0.0) w->scale = (float)scale;
    return gating == SOFTMAX ? INLAY_OK : inlay__keys_refuse(&m->keys, "expert_gating_func", "not 1", "softmax, 1");
}

int32_t inlay__moe_load(inlay__model *m, size_t layer, inlay__activation activation, bool normalizes,
                        inlay__layer_block *block) {
    const inlay__hparams *h = &m->hparams;
    inlay__moe_weights *w = inlay__model_alloc(m, 1, sizeof *w);
    if (w == NULL) return INLAY_ERR_MEMORY;
    if (h->n_expert == 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': metadata key '%s.expert_count' is missing or 0, and the network has a "
                           "router of experts",
                           m->keys.name, m->keys.architecture);
    *w = (inlay__moe_weights){.n_expert = h->n_expert, .n_used = h->n_expert_used, .n_ff = h->n_ff_expert,
                              .activation = activation, .normalizes = normalizes, .scale = 1.0f};
    INLAY__TRY(check_keys(m, w));
    block->kind = &inlay__moe_kind;
    block->weights = w;
    w->gate = inlay__model_alloc(m, w->n_expert, sizeof *w->gate);
    w->up = inlay__model_alloc(m, w->n_expert, sizeof *w->up);
    w->down = inlay__model_alloc(m, w->n_expert, sizeof *w->down);
    if (w->gate == NULL || w->up == NULL || w->down == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__load_linear(m, "blk.%u.ffn_gate_inp", layer, w->n_expert, h->n_embd, &w->router));
    INLAY__TRY(inlay__load_matrices(m, "blk.%u.ffn_gate_exps.weight", layer, w->n_expert, w->n_ff, h->n_embd, w->gate));
    INLAY__TRY(inlay__load_matrices(m, "blk.%u.ffn_up_exps.weight", layer, w->n_expert, w->n_ff, h->n_embd, w->up));
    return inlay__load_matrices(m, "blk.%u.ffn_down_exps.weight", layer, w->n_expert, h->n_embd, w->n_ff, w->down);
}
