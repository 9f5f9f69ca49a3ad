/* Finds each tensor's line in the family's table, gives it GGUF's name and shape, and notes how its bytes come
 * about. */
#include "import/tensor_map.h"

#include "base/text.h"
#include "format/dtype.h"
#include "import/labels.h"
#include "import/tensor_check.h"

enum { MAX_EXPERTS = 4096 };

/* ------------------------------------------------------------------------- types */

/* The type a tensor gets, and that of the source's elements. */
static bool types_of(inlay__safetensors_type type, uint32_t *to, uint32_t *source) {
    static const struct {
        uint32_t to, source;
        bool runs;
    } types[INLAY__ST_N_TYPES] = {
        [INLAY__ST_F64] = {INLAY_TYPE_F32, INLAY__SOURCE_F64, true},
        [INLAY__ST_F32] = {INLAY_TYPE_F32, INLAY_TYPE_F32, true},
        [INLAY__ST_F16] = {INLAY_TYPE_F16, INLAY_TYPE_F16, true},
        [INLAY__ST_BF16] = {INLAY_TYPE_BF16, INLAY_TYPE_BF16, true},
        [INLAY__ST_F8_E4M3] = {INLAY_TYPE_F16, INLAY__SOURCE_F8_E4M3, true},
        [INLAY__ST_F8_E5M2] = {INLAY_TYPE_F16, INLAY__SOURCE_F8_E5M2, true},
        [INLAY__ST_I8] = {INLAY_TYPE_F16, INLAY__SOURCE_I8, true},
        [INLAY__ST_U8] = {INLAY_TYPE_F16, INLAY__SOURCE_U8, true},
    };
    *to = types[type].to;
    *source = types[type].source;
    return types[type].runs;
}

/* ------------------------------------------------------------------------ shapes */

static int32_t fail_shape(const inlay__tensor_map *m, const inlay__match *t, const char *expected) {
    const inlay__safetensor *s = t->source;
    (void)m;
    return inlay__fail(
        INLAY_ERR_FORMAT, "file '%s': tensor '%s' has shape [%llu, %llu, ...] in %u dimensions, expected %s", t->file,
        s->name.text, (unsigned long long)s->shape[0], (unsigned long long)s->shape[1], s->n_dims, expected);
}

/* GGUF's shape, fastest first, without the 1 in the middle that convolutions have. */
static int32_t read_shape(const inlay__tensor_map *m, const inlay__match *t, inlay__tensor *out) {
    const inlay__safetensor *s = t->source;
    if (s->n_elements == 0) return fail_shape(m, t, "no dimension of 0");
    out->n_dims = 0;
    for (uint32_t i = s->n_dims; i-- > 0;) {
        if (s->n_dims == 3 && i == 1 && s->shape[i] == 1) continue;
        if (out->n_dims == 4) return fail_shape(m, t, "at most 4 dimensions");
        out->shape[out->n_dims++] = s->shape[i];
    }
    if (t->kind == INLAY__TENSOR_flat || out->n_dims == 0) {
        out->n_dims = 1;
        out->shape[0] = s->n_elements;
    }
    for (uint32_t i = out->n_dims; i < 4; i++)
        out->shape[i] = 1;
    return INLAY_OK;
}

/* A number of the metadata; 0 when there is none. An array's is its greatest. */
static uint32_t metadata_number(const inlay__tensor_map *m, const char *key) {
    char full[128];
    int64_t value, greatest = 0;
    inlay__format(full, sizeof full, "%s.%s", m->config->family->architecture, key);
    const inlay__gguf_kv *kv = inlay__gguf_find(inlay__weights_metadata(m->weights), full);
    for (uint64_t i = 0; kv != NULL && i < kv->n_values; i++)
        if (inlay__gguf_i64(kv, i, &value) && value > greatest && value <= UINT32_MAX) greatest = value;
    return (uint32_t)greatest;
}

/* Rows in groups of equal size: `n` heads, or groups of heads. */
static int32_t check_groups(const inlay__tensor_map *m, const inlay__match *t, const inlay__tensor *out, uint64_t n,
                            uint64_t of) {
    uint64_t n_rows = out->n_dims > 1 ? out->shape[1] : out->shape[0];
    if (n > 0 && out->n_dims <= 2 && n_rows % (n * of) == 0) return INLAY_OK;
    char expected[96];
    inlay__format(expected, sizeof expected, "rows that %llu heads of the config share evenly",
                  (unsigned long long)(n * of));
    return fail_shape(m, t, expected);
}

/* Rows from number n on, where they stand. */
static int32_t skip_rows(const inlay__tensor_map *m, const inlay__match *t, uint64_t n, inlay__tensor *out) {
    if (out->n_dims != 2 || out->shape[1] <= n)
        return fail_shape(m, t, "a matrix of more rows than come before position 0");
    out->shape[1] -= n;
    return INLAY_OK;
}

/* [n] becomes n_columns columns of rows. */
static int32_t fold(const inlay__tensor_map *m, const inlay__match *t, uint64_t n_rows, inlay__tensor *out) {
    if (out->n_dims != 1 || n_rows == 0 || out->shape[0] % n_rows != 0)
        return fail_shape(m, t, "one dimension that the groups of the config share evenly");
    out->shape[0] /= n_rows;
    out->shape[1] = n_rows;
    out->n_dims = 2;
    return INLAY_OK;
}

/* What a line's kind does to shape and recipe. */
static int32_t apply_kind(const inlay__tensor_map *m, const inlay__match *t, inlay__tensor *out, inlay__recipe *r) {
    uint32_t n_head = metadata_number(m, "attention.head_count"), n_kv = metadata_number(m, "attention.head_count_kv");
    if (n_kv == 0) n_kv = n_head;
    switch (t->kind) {
    case INLAY__TENSOR_rotary_q:
    case INLAY__TENSOR_rotary_k:
        r->order = INLAY__ROWS_ROTARY;
        r->n_groups = t->kind == INLAY__TENSOR_rotary_q ? n_head : n_kv;
        return check_groups(m, t, out, r->n_groups, 2);
    case INLAY__TENSOR_fused_qkv:
        r->order = INLAY__ROWS_QKV;
        r->n_groups = n_kv;
        r->n_queries = n_kv > 0 ? n_head / n_kv : 0;
        return check_groups(m, t, out, n_kv, (uint64_t)r->n_queries + 2);
    case INLAY__TENSOR_transposed:
        if (out->n_dims == 1) return INLAY_OK;
        if (out->n_dims > 3 || out->shape[2] > UINT32_MAX) return fail_shape(m, t, "one to three dimensions");
        r->order = INLAY__ROWS_TRANSPOSED;
        r->n_groups = (uint32_t)out->shape[2];
        uint64_t n_rows = out->shape[0];
        out->shape[0] = out->shape[1];
        out->shape[1] = n_rows;
        return INLAY_OK;
    case INLAY__TENSOR_plus_one:
        r->change = INLAY__ELEMENTS_ADD_ONE;
        return INLAY_OK;
    case INLAY__TENSOR_negated_exp:
        r->change = INLAY__ELEMENTS_NEGATE_EXP;
        return INLAY_OK;
    case INLAY__TENSOR_negated_exp_column:
        r->change = INLAY__ELEMENTS_NEGATE_EXP;
        return fold(m, t, out->shape[0], out);
    case INLAY__TENSOR_column:
        return fold(m, t, out->shape[0], out);
    case INLAY__TENSOR_group_rows:
        return fold(m, t, metadata_number(m, "ssm.group_count"), out);
    case INLAY__TENSOR_positions:
        return skip_rows(m, t, m->config->position_offset, out);
    default:
        return INLAY_OK;
    }
}

/* The first, or only, source of a tensor describes it. */
static int32_t describe(const inlay__tensor_map *m, const inlay__match *t, inlay__tensor *out, inlay__recipe *r) {
    const inlay__safetensor *s = t->source;
    if (!types_of(s->type, &out->type, &r->source_type))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': tensor '%s' is of type %s, which this version does not run", t->file,
                           s->name.text, inlay__safetensors_type_name(s->type));
    INLAY__TRY(read_shape(m, t, out));
    INLAY__TRY(apply_kind(m, t, out, r));
    if (r->change != INLAY__ELEMENTS_KEPT) out->type = INLAY_TYPE_F32;
    if (r->order == INLAY__ROWS_QKV && r->n_groups == 1) r->order = INLAY__ROWS_KEPT; /* it is so already */
    bool elements_move = out->n_dims == 1 && r->order != INLAY__ROWS_KEPT;            /* a bias goes as its rows do */
    r->n_k = elements_move ? 1 : out->shape[0];
    r->n_rows = elements_move ? out->shape[0] : out->shape[1] * out->shape[2] * out->shape[3];
    r->needed = r->order != INLAY__ROWS_KEPT || r->change != INLAY__ELEMENTS_KEPT || out->type != r->source_type;
    return INLAY_OK;
}

/* Stacks the experts as one more dimension, and counts what there is in all. */
static int32_t finish_tensor(const inlay__match *t, inlay__tensor *out, inlay__recipe *r) {
    uint64_t row_size;
    bool fits = true;
    if (r->n_sources > 1) {
        if (out->n_dims > 3 || r->order != INLAY__ROWS_KEPT)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' cannot be stacked", t->file,
                               t->source->name.text);
        out->shape[out->n_dims++] = r->n_sources;
        r->needed = true;
    }
    out->n_elements = 1;
    for (uint32_t i = 0; i < 4; i++)
        fits &= inlay__mul_u64(out->n_elements, out->shape[i], &out->n_elements);
    fits &= inlay__dtype_row_size(out->type, out->shape[0], &row_size);
    fits &= inlay__mul_u64(row_size, out->n_elements / out->shape[0], &out->size) && out->size <= SIZE_MAX;
    if (!fits)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' has more bytes than fit an address space", t->file,
                           t->source->name.text);
    if (!r->needed)
        out->data = t->source->data + (t->source->size - out->size); /* positions leave out the first rows */
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- passes */

/* The tensor of this name in the table, a new one where there is none. */
static int32_t table_entry(inlay__tensor_map *m, const char *name, uint32_t *index) {
    inlay__weights *w = m->weights;
    size_t size = strlen(name);
    if (inlay__hash_map_get(&w->by_name, name, size, index)) return INLAY_OK;
    char *kept = w->names + m->n_tensors * INLAY__NAME_SIZE;
    memcpy(kept, name, size + 1);
    *index = (uint32_t)m->n_tensors++;
    w->merged[*index].name = (inlay__text){kept, size};
    inlay__hash_map_put(&w->by_name, kept, size, *index);
    return INLAY_OK;
}

/* By the class that the config names or, where it names none, by what there is. */
static bool classifies(const inlay__tensor_map *m) {
    static const char classifier[] = "classifier.";
    if (inlay__config_classifies(m->config, true) == inlay__config_classifies(m->config, false))
        return inlay__config_classifies(m->config, true);
    for (size_t p = 0; p < m->weights->n_parts; p++) {
        const inlay__safetensors *file = &m->weights->parts[p].safetensors;
        for (size_t i = 0; i < file->n_tensors; i++)
            if (strncmp(file->tensors[i].name.text, classifier, sizeof classifier - 1) == 0) return true;
    }
    return false;
}

/* Finds the line of one tensor, and its place in the table. What can be spared waits until all others have theirs. */
static int32_t match_one(inlay__tensor_map *m, inlay__match *t, bool spared) {
    inlay__captured found;
    char name[INLAY__NAME_SIZE];
    inlay__tensor_line line;
    uint32_t index;
    if (!inlay__name_line(m->config->family, t->source->name.text, &line, &found))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': tensor '%.*s' is not one that this version knows in models of "
                           "type '%s'; without it the model would be another",
                           t->file, (int)inlay__min_size(t->source->name.size, 120), t->source->name.text,
                           m->config->family->model_type);
    t->kind = line.kind;
    t->line = line.from.text;
    if (line.kind == INLAY__TENSOR_ignored) return INLAY_OK;
    if (line.kind == INLAY__TENSOR_classifier && !classifies(m)) return INLAY_OK;
    inlay__name_make(line.to, &found, name, sizeof name);
    if (m->head_is_embedding && strcmp(name, "output.weight") == 0)
        inlay__format(name, sizeof name, "token_embd.weight");
    bool can_wait = line.kind == INLAY__TENSOR_spare;
    if (can_wait && (!spared || inlay__hash_map_get(&m->weights->by_name, name, strlen(name), &index))) return INLAY_OK;
    t->used = true;
    t->paired = line.from.text[line.from.size - 1] == '+';
    t->module = inlay__name_module(line.to);
    bool stacked = found.n_numbers == 2;
    t->expert = stacked ? found.numbers[1] : 0;
    if (t->expert >= MAX_EXPERTS)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is of expert %u, expected less than %d", t->file,
                           t->source->name.text, t->expert, MAX_EXPERTS);
    INLAY__TRY(table_entry(m, name, &t->tensor));
    inlay__recipe *r = &m->weights->recipes[t->tensor];
    if (!stacked && r->n_sources > 0)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' and one before it are both '%s'", t->file,
                           t->source->name.text, name);
    r->n_sources++;
    return INLAY_OK;
}

/* Of tensors that are one a file has one name only, and that need not be the embedding's. */
static bool has_head_alone(const inlay__tensor_map *m) {
    static const char embedding[] = "token_embd.weight";
    inlay__tensor_line line;
    inlay__captured found;
    const inlay__json_node *tied = inlay__config_get(m->config, "tie_word_embeddings", NULL);
    if (tied != NULL && tied->kind != INLAY__JSON_TRUE) return false;
    for (size_t p = 0; p < m->weights->n_parts; p++) {
        const inlay__safetensors *file = &m->weights->parts[p].safetensors;
        for (size_t i = 0; i < file->n_tensors; i++)
            if (inlay__name_line(m->config->family, file->tensors[i].name.text, &line, &found) &&
                line.to.size == sizeof embedding - 1 && memcmp(line.to.text, embedding, line.to.size) == 0)
                return false;
    }
    return true;
}

static int32_t match_all(inlay__tensor_map *m) {
    m->head_is_embedding = has_head_alone(m);
    inlay__match *t = m->matches;
    for (size_t p = 0; p < m->weights->n_parts; p++) {
        const inlay__weights_part *part = &m->weights->parts[p];
        for (size_t i = 0; i < part->safetensors.n_tensors; i++, t++) {
            *t = (inlay__match){.file = part->path, .source = &part->safetensors.tensors[i]};
            INLAY__TRY(match_one(m, t, false));
        }
    }
    inlay__tensor_line line;
    for (const char *table = m->config->family->tensors; inlay__tensor_line_next(&table, &line);)
        for (size_t i = 0; line.kind == INLAY__TENSOR_spare && i < m->n_matches; i++)
            if (m->matches[i].line == line.from.text) INLAY__TRY(match_one(m, &m->matches[i], true));
    return INLAY_OK;
}

/* ----------------------------------------------------------------------- passes */

/* The first expert that a stacked tensor lacks. */
static uint32_t missing_expert(const inlay__tensor_map *m, uint32_t tensor) {
    bool there[MAX_EXPERTS] = {false};
    uint32_t expert = 0;
    for (size_t i = 0; i < m->n_matches; i++)
        if (m->matches[i].used && m->matches[i].tensor == tensor) there[m->matches[i].expert] = true;
    while (expert + 1 < MAX_EXPERTS && there[expert])
        expert++;
    return expert;
}

/* Gives each tensor its part of `sources`, then puts every source in its place. */
static int32_t place_sources(inlay__tensor_map *m) {
    inlay__weights *w = m->weights;
    const uint8_t **next = w->sources;
    for (size_t i = 0; i < m->n_tensors; i++) {
        w->recipes[i].sources = next;
        next += w->recipes[i].n_sources;
    }
    for (size_t i = 0; i < m->n_matches; i++) {
        inlay__match *t = &m->matches[i];
        if (!t->used) continue;
        inlay__recipe *r = &w->recipes[t->tensor];
        if (t->expert >= r->n_sources || r->sources[t->expert] != NULL)
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': tensor '%s' is of expert %u, where the files have %zu of that kind; "
                               "expert %u is missing",
                               t->file, t->source->name.text, t->expert, r->n_sources, missing_expert(m, t->tensor));
        r->sources[t->expert] = t->source->data;
    }
    return INLAY_OK;
}

/* Experts are all alike. */
static int32_t check_alike(const inlay__match *a, const inlay__match *b) {
    bool same = a->source->type == b->source->type && a->source->n_dims == b->source->n_dims &&
                memcmp(a->source->shape, b->source->shape, sizeof a->source->shape) == 0;
    if (same) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is of another type or shape than '%s' beside it",
                       b->file, b->source->name.text, a->source->name.text);
}

/* `first` [n_tensors] notes the match that described each. */
static int32_t describe_all(inlay__tensor_map *m, const inlay__match **first) {
    inlay__weights *w = m->weights;
    for (size_t i = 0; i < m->n_matches; i++) {
        const inlay__match *t = &m->matches[i];
        if (!t->used) continue;
        if (first[t->tensor] != NULL) {
            INLAY__TRY(check_alike(first[t->tensor], t));
            continue;
        }
        first[t->tensor] = t;
        INLAY__TRY(describe(m, t, &w->merged[t->tensor], &w->recipes[t->tensor]));
        INLAY__TRY(finish_tensor(t, &w->merged[t->tensor], &w->recipes[t->tensor]));
    }
    return INLAY_OK;
}

/* Tensors that the config itself gives. Their memory is copied: they were made already. */
static int32_t add_config_tensors(inlay__tensor_map *m) {
    inlay__weights *w = m->weights;
    for (size_t i = 0; i < m->config->n_tensors; i++) {
        const inlay__config_tensor *from = &m->config->tensors[i];
        uint32_t index;
        INLAY__TRY(table_entry(m, from->name, &index));
        size_t size = from->n * sizeof(float);
        inlay__made *made = &w->made[index];
        made->memory = inlay__alloc(w->sys, size);
        if (made->memory == NULL) return INLAY_ERR_MEMORY;
        made->size = size;
        memcpy(made->memory, from->values, size);
        inlay__tensor *t = &w->merged[index];
        t->type = INLAY_TYPE_F32;
        t->n_dims = 1;
        for (uint32_t k = 0; k < 4; k++)
            t->shape[k] = k == 0 ? from->n : 1;
        t->n_elements = from->n;
        t->size = size;
        t->data = made->memory;
    }
    return INLAY_OK;
}

static int32_t reserve(inlay__tensor_map *m, size_t n) {
    inlay__weights *w = m->weights;
    size_t n_table = n + m->config->n_tensors;
    m->n_matches = n;
    m->matches = inlay__alloc_array(w->sys, n, sizeof *m->matches);
    if (m->matches == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__weights_make_table(w, n_table));
    w->recipes = inlay__alloc_array(w->sys, n_table, sizeof *w->recipes);
    if (w->recipes == NULL) return INLAY_ERR_MEMORY;
    w->made = inlay__alloc_array(w->sys, n_table, sizeof *w->made);
    if (w->made == NULL) return INLAY_ERR_MEMORY;
    w->sources = inlay__alloc_array(w->sys, n, sizeof *w->sources);
    if (w->sources == NULL) return INLAY_ERR_MEMORY;
    w->n_sources = n;
    w->names = inlay__alloc_array(w->sys, n_table, INLAY__NAME_SIZE);
    if (w->names == NULL) return INLAY_ERR_MEMORY;
    w->names_size = n_table * INLAY__NAME_SIZE;
    return INLAY_OK;
}

static int32_t fill(inlay__tensor_map *m) {
    inlay__weights *w = m->weights;
    INLAY__TRY(match_all(m));
    INLAY__TRY(inlay__tensors_check(m));
    INLAY__TRY(place_sources(m));
    const inlay__match **first = inlay__alloc_array(w->sys, w->n_tensors, sizeof *first);
    if (first == NULL) return INLAY_ERR_MEMORY;
    int32_t status = describe_all(m, first);
    inlay__free(w->sys, first, w->n_tensors * sizeof *first);
    INLAY__TRY(status);
    INLAY__TRY(inlay__tensors_check_labels(m));
    INLAY__TRY(add_config_tensors(m));
    w->n_tensors = m->n_tensors;
    return INLAY_OK;
}

int32_t inlay__tensor_map_make(const inlay__config *config, inlay__weights *weights) {
    inlay__tensor_map m = {.config = config, .weights = weights};
    size_t n = 0;
    weights->origin = inlay__tensor_map_origin;
    weights->family = config->family;
    for (size_t p = 0; p < weights->n_parts; p++)
        n += weights->parts[p].safetensors.n_tensors;
    int32_t status = reserve(&m, n);
    if (status == INLAY_OK) status = fill(&m);
    inlay__free(weights->sys, m.matches, n * sizeof *m.matches);
    return status;
}
