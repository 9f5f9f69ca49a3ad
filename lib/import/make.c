/* Makes tensors by their recipes, row by row on all threads. */
#include "import/make.h"

#include <stdatomic.h>

#include "base/fpenv.h"
#include "base/pool.h"
#include "format/dtype.h"
#include "kernels/encode.h"
#include "kernels/math.h"
#include "kernels/wide.h"

/* A thread takes so many bytes of rows at a time. */
enum { TASK_BYTES = 1 << 16 };
/* Tensors above this many bytes are for products alone: opening looks at none of their numbers. */
enum { MOST_READ = 1 << 20 };

typedef struct make_job {
    const inlay__recipe *recipe;
    uint32_t type;        /* of the result */
    size_t source_size;   /* bytes of a row of a source */
    size_t row_size;      /* bytes of a row of the result */
    uint8_t *out;         /* [n_sources, n_rows, row_size] */
    float *scratch;       /* [n_threads, n_k] */
    size_t task_rows;
    atomic_size_t next;
} make_job;

static size_t source_element_size(uint32_t type) {
    switch (type) {
    case INLAY__SOURCE_F64: return 8;
    case INLAY_TYPE_F32: return 4;
    case INLAY_TYPE_F16:
    case INLAY_TYPE_BF16: return 2;
    default: return 1;
    }
}

/* ---------------------------------------------------------------------- elements */

/* Sign, 4 bits of exponent with bias 7, 3 bits of mantissa; no infinity, and one NaN of each sign. */
static float e4m3_to_f32(uint8_t bits) {
    uint32_t exponent = bits >> 3 & 15, mantissa = bits & 7;
    if (exponent == 15 && mantissa == 7) return inlay__bits_f32(0x7fc00000);
    float value = exponent == 0 ? (float)mantissa * 0x1p-9f : inlay__bits_f32((exponent + 120) << 23 | mantissa << 20);
    return bits & 0x80 ? -value : value;
}

static double load_f64(const uint8_t *p) {
    uint64_t bits = inlay__load_u64(p);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void decode(uint32_t type, const uint8_t *row, size_t n, float *out) {
    switch (type) {
    case INLAY__SOURCE_F64:
        for (size_t i = 0; i < n; i++) out[i] = (float)load_f64(row + 8 * i);
        break;
    case INLAY__SOURCE_F8_E4M3:
        for (size_t i = 0; i < n; i++) out[i] = e4m3_to_f32(row[i]);
        break;
    case INLAY__SOURCE_F8_E5M2: /* the upper half of a half */
        for (size_t i = 0; i < n; i++) out[i] = inlay__f16_to_f32((uint16_t)(row[i] << 8));
        break;
    case INLAY__SOURCE_I8:
        for (size_t i = 0; i < n; i++) out[i] = (float)(int8_t)row[i];
        break;
    case INLAY__SOURCE_U8:
        for (size_t i = 0; i < n; i++) out[i] = (float)row[i];
        break;
    default: inlay__dequantize_row(type, row, n, out); break;
    }
}

static void change(inlay__element_change how, float *x, size_t n) {
    for (size_t i = 0; i < n && how != INLAY__ELEMENTS_KEPT; i++)
        x[i] = how == INLAY__ELEMENTS_ADD_ONE ? x[i] + 1.0f : -(float)inlay__exp_f64((double)x[i]);
}

/* -------------------------------------------------------------------------- rows */

/* The row of a source that becomes row `row`. */
static size_t source_row(const inlay__recipe *r, size_t row) {
    size_t n_rows = (size_t)r->n_rows, n_groups = r->n_groups;
    if (r->order == INLAY__ROWS_ROTARY) {
        size_t width = n_rows / n_groups, head = row / width, i = row % width;
        return head * width + i % 2 * (width / 2) + i / 2;
    }
    if (r->order == INLAY__ROWS_QKV) {
        size_t of = (size_t)r->n_queries + 2, width = n_rows / (n_groups * of), head = row / width, i = row % width;
        size_t n_heads = n_groups * r->n_queries; /* queries, then a key of each group, then a value */
        size_t group = head < n_heads ? head / r->n_queries : (head - n_heads) % n_groups;
        size_t place = head < n_heads ? head % r->n_queries : r->n_queries + (head - n_heads) / n_groups;
        return (group * of + place) * width + i;
    }
    return row;
}

/* Row `row` of a source, which there is a column of one of its matrices. */
static void transpose_row(const inlay__recipe *r, const uint8_t *source, size_t row, size_t element, uint8_t *out) {
    size_t n_rows = (size_t)r->n_rows / r->n_groups, n_k = (size_t)r->n_k;
    source += (row / n_rows * n_k * n_rows + row % n_rows) * element;
    for (size_t k = 0; k < n_k; k++) memcpy(out + k * element, source + k * n_rows * element, element);
}

static void make_row(const make_job *job, size_t i, float *scratch) {
    const inlay__recipe *r = job->recipe;
    size_t n_k = (size_t)r->n_k, row = i % (size_t)r->n_rows, element = source_element_size(r->source_type);
    const uint8_t *source = r->sources[i / (size_t)r->n_rows];
    uint8_t *out = job->out + i * job->row_size;
    bool copied = job->type == r->source_type && r->change == INLAY__ELEMENTS_KEPT;
    if (r->order == INLAY__ROWS_TRANSPOSED && !copied) { /* a row of the source's type, behind the floats */
        uint8_t *turned = (uint8_t *)(scratch + n_k);
        transpose_row(r, source, row, element, turned);
        decode(r->source_type, turned, n_k, scratch);
    } else if (r->order == INLAY__ROWS_TRANSPOSED) {
        transpose_row(r, source, row, element, out);
    } else if (copied) {
        memcpy(out, source + source_row(r, row) * job->source_size, job->source_size);
    } else {
        decode(r->source_type, source + source_row(r, row) * job->source_size, n_k, scratch);
    }
    if (copied) return;
    change(r->change, scratch, n_k);
    inlay__encode_row(job->type, scratch, n_k, out);
}

static size_t scratch_size(const inlay__recipe *r) { return (size_t)r->n_k * (sizeof(float) + 8); }

static void make_rows(void *arg, size_t i_thread, size_t n_threads) {
    make_job *job = arg;
    size_t n = (size_t)job->recipe->n_rows * job->recipe->n_sources;
    float *scratch = (float *)(void *)((uint8_t *)job->scratch + i_thread * scratch_size(job->recipe));
    inlay__fpenv saved = inlay__fpenv_enter();
    (void)n_threads;
    for (;;) {
        size_t begin = atomic_fetch_add_explicit(&job->next, job->task_rows, memory_order_relaxed);
        if (begin >= n) break;
        for (size_t i = begin; i < n && i < begin + job->task_rows; i++) make_row(job, i, scratch);
    }
    inlay__fpenv_leave(saved);
}

/* ----------------------------------------------------------------------- tensors */

static int32_t make_rows_of(inlay__weights *w, inlay__pool *pool, make_job *job, bool is_wanted) {
    size_t n_scratch = scratch_size(job->recipe) * inlay__pool_n_threads(pool);
    job->scratch = inlay__alloc(w->sys, n_scratch);
    if (job->scratch == NULL) return INLAY_ERR_MEMORY;
    int32_t status = is_wanted ? inlay__pool_run(pool, make_rows, job) : INLAY_OK;
    inlay__free(w->sys, job->scratch, n_scratch);
    return status;
}

/* The same of a source that is read first, and is in memory no longer than it takes. */
static int32_t make_rows_read(inlay__weights *w, inlay__pool *pool, make_job *job, uint64_t place, bool is_wanted) {
    const inlay__recipe *r = job->recipe;
    size_t size = job->source_size * (size_t)r->n_rows;
    uint8_t *source = inlay__alloc(w->sys, size);
    if (source == NULL) return INLAY_ERR_MEMORY;
    int32_t status = is_wanted ? inlay__weights_read(w, place, source, size) : INLAY_OK;
    r->sources[0] = source;
    if (status == INLAY_OK) status = make_rows_of(w, pool, job, is_wanted);
    r->sources[0] = NULL;
    inlay__free(w->sys, source, size);
    return status;
}

int32_t inlay__weights_make_tensor(inlay__weights *w, inlay__pool *pool, size_t i) {
    inlay__tensor *t = &w->merged[i];
    const inlay__recipe *r = &w->recipes[i];
    inlay__made *made = &w->made[i];
    make_job job = {.recipe = r, .type = t->type, .source_size = (size_t)r->n_k * source_element_size(r->source_type)};
    job.row_size = (size_t)t->size / ((size_t)r->n_rows * r->n_sources);
    job.task_rows = inlay__max_size(TASK_BYTES / inlay__max_size(job.row_size, 1), 1);
    atomic_init(&job.next, 0);
    made->memory = inlay__alloc(w->sys, (size_t)t->size);
    if (made->memory == NULL) return INLAY_ERR_MEMORY;
    made->size = (size_t)t->size;
    job.out = made->memory;
    bool is_wanted = t->size <= MOST_READ || !w->sys->only_plans;
    INLAY__TRY(r->sources[0] == NULL ? make_rows_read(w, pool, &job, t->place, is_wanted)
                                     : make_rows_of(w, pool, &job, is_wanted));
    t->data = made->memory;
    for (size_t k = 0; k < r->n_sources; k++)
        inlay__weights_forget(w, r->sources[k], job.source_size * (size_t)r->n_rows);
    return INLAY_OK;
}

void inlay__weights_unmake_tensor(inlay__weights *w, size_t i) {
    inlay__made *made = &w->made[i];
    inlay__free(w->sys, made->memory, made->size);
    *made = (inlay__made){NULL, 0, 0};
    w->merged[i].data = NULL;
}

/* ------------------------------------------------------------------- quantising */

/* Small tensors, and those that are not multiplied with but looked up or added, keep their type. */
static bool is_matrix(const inlay__tensor *t) {
    static const char *const kept[] = {"norm", "position_embd", "token_types", "conv.", "conv1d", "lerp", "decay", "_first",
                                       "rel_b", "gate_inp", "ssm_a", "ssm_d", "_gate.", "cls", "rope_"};
    static const char ending[] = ".weight";
    const char *name = t->name.text;
    if (t->n_dims < 2 || t->shape[1] < 2 || t->packed != 0) return false;
    if (t->type != INLAY_TYPE_F32 && t->type != INLAY_TYPE_F16 && t->type != INLAY_TYPE_BF16) return false;
    if (t->name.size < sizeof ending || strcmp(name + t->name.size - (sizeof ending - 1), ending) != 0) return false;
    for (size_t i = 0; i < INLAY__COUNT(kept); i++)
        if (strstr(name, kept[i]) != NULL && strstr(name, "ffn_gate.") == NULL) return false;
    return true;
}

/* The type that a matrix gets: the embedding and the head a finer one, and rows that K blocks do not fit Q8_0. */
static uint32_t type_for(const inlay__tensor *t, uint32_t asked) {
    bool ends = strcmp(t->name.text, "token_embd.weight") == 0 || strcmp(t->name.text, "output.weight") == 0;
    if (ends && asked == INLAY_TYPE_Q4_K) asked = INLAY_TYPE_Q6_K;
    if (ends && asked == INLAY_TYPE_Q4_0) asked = INLAY_TYPE_Q8_0;
    if ((asked == INLAY_TYPE_Q4_K || asked == INLAY_TYPE_Q6_K) && t->shape[0] % INLAY__K_LENGTH != 0) asked = INLAY_TYPE_Q8_0;
    if (asked == INLAY_TYPE_Q8_0 || asked == INLAY_TYPE_Q4_0) return t->shape[0] % INLAY__Q_LENGTH == 0 ? asked : t->type;
    if (asked == INLAY_TYPE_Q16_0 && t->shape[0] % INLAY__WIDE_LENGTH != 0) return t->type;
    return asked;
}

/* A GGUF file's tensors get a table of their own, and recipes that change nothing. */
static int32_t add_recipes(inlay__weights *w) {
    const inlay__tensor *from = w->tensors;
    size_t n = w->n_tensors;
    if (w->merged == NULL) {
        INLAY__TRY(inlay__weights_make_table(w, n));
        memcpy(w->merged, from, n * sizeof *from);
        for (size_t i = 0; i < n; i++)
            inlay__hash_map_put(&w->by_name, from[i].name.text, from[i].name.size, (uint32_t)i);
    }
    w->recipes = inlay__alloc_array(w->sys, w->table_capacity, sizeof *w->recipes);
    if (w->recipes == NULL) return INLAY_ERR_MEMORY;
    w->made = inlay__alloc_array(w->sys, w->table_capacity, sizeof *w->made);
    if (w->made == NULL) return INLAY_ERR_MEMORY;
    w->sources = inlay__alloc_array(w->sys, n, sizeof *w->sources);
    if (w->sources == NULL) return INLAY_ERR_MEMORY;
    w->n_sources = n;
    for (size_t i = 0; i < n; i++) {
        const inlay__tensor *t = &w->merged[i];
        w->sources[i] = t->data;
        w->recipes[i] = (inlay__recipe){.source_type = t->type, .n_k = t->shape[0], .n_rows = t->n_elements / t->shape[0],
                                        .n_sources = 1, .sources = &w->sources[i]};
    }
    return INLAY_OK;
}

static void choose_types(inlay__weights *w, uint32_t asked) {
    for (size_t i = 0; i < w->n_tensors; i++) {
        inlay__tensor *t = &w->merged[i];
        uint64_t row_size;
        if (!is_matrix(t) || w->made[i].memory != NULL) continue;
        uint32_t type = type_for(t, asked);
        if (type == t->type || !inlay__dtype_row_size(type, t->shape[0], &row_size)) continue;
        t->type = type;
        t->size = row_size * (t->n_elements / t->shape[0]);
        w->recipes[i].needed = true;
    }
}

static int32_t make_all(inlay__weights *w, inlay__pool *pool, const inlay__make_config *config) {
    for (size_t i = 0; i < w->n_tensors; i++) {
        if (!w->recipes[i].needed) continue;
        INLAY__TRY(inlay__weights_make_tensor(w, pool, i));
        INLAY__TRY(inlay__progress_tell(config->progress));
    }
    return INLAY_OK;
}

int32_t inlay__weights_choose_types(inlay__weights *w, uint32_t type) {
    if (type == INLAY__KEEP_TYPES) return INLAY_OK;
    if (w->recipes == NULL) INLAY__TRY(add_recipes(w));
    choose_types(w, type);
    return INLAY_OK;
}

int32_t inlay__weights_make(inlay__weights *w, const inlay__make_config *config) {
    inlay__pool *pool;
    INLAY__TRY(inlay__weights_choose_types(w, config->type));
    if (w->recipes == NULL) return INLAY_OK;
    INLAY__TRY(inlay__pool_new(w->sys, config->n_threads, &pool));
    int32_t status = make_all(w, pool, config);
    inlay__pool_free(pool);
    return status;
}
