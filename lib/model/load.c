/* Finds tensors by name and checks them: present, of the shape the hyperparameters say, of a type that runs. */
#include "base/text.h"
#include "format/dtype.h"
#include "model/fingerprint.h"
#include "model/load.h"

enum { NAME_SIZE = 96 };

/* `format` has one %u or none; it is always a literal of an arch file. */
static void tensor_name(const inlay__model *model, char name[NAME_SIZE], const char *format, size_t layer) {
    size_t n = inlay__format(name, NAME_SIZE, "%s", model->stack->prefix);
    for (const char *p = format; *p != '\0' && n + 1 < NAME_SIZE; p++) {
        if (p[0] == '%' && p[1] == 'u') {
            n += inlay__format(name + n, NAME_SIZE - n, "%zu", layer);
            p++;
        } else {
            name[n++] = *p;
        }
    }
    name[n] = '\0';
}

bool inlay__load_has(const inlay__model *model, const char *format, size_t layer) {
    char name[NAME_SIZE];
    tensor_name(model, name, format, layer);
    return inlay__weights_find(model->weights, name) != NULL;
}

bool inlay__load_expects(const inlay__model *model, const char *format, size_t layer) {
    char name[NAME_SIZE], origin[INLAY__ORIGIN_SIZE];
    tensor_name(model, name, format, layer);
    return inlay__weights_find(model->weights, name) != NULL || inlay__weights_origin(model->weights, name, origin)[0] != '\0';
}

int32_t inlay__load_fail_missing(const inlay__weights *weights, const char *name) {
    char origin[INLAY__ORIGIN_SIZE];
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s'%s is missing", inlay__weights_name(weights), name,
                       inlay__weights_origin(weights, name, origin));
}

int32_t inlay__load_require(const inlay__model *model, const char *format) {
    char name[NAME_SIZE];
    for (size_t i = 0; i < model->hparams.n_layer; i++) {
        tensor_name(model, name, format, i);
        if (inlay__weights_find(model->weights, name) == NULL) return inlay__load_fail_missing(model->weights, name);
    }
    return INLAY_OK;
}

/* Tensors that say nothing new: rotary frequencies that follow from the hyperparameters, and biases that are never
 * added. */
static bool is_redundant(const char *name) {
    static const char *const endings[] = {".rotary_emb.inv_freq", ".attn_rot_embd.weight", ".cross_attn_rel_b.weight"};
    size_t n = strlen(name);
    for (size_t i = 0; i < INLAY__COUNT(endings); i++) {
        size_t n_ending = strlen(endings[i]);
        if (n >= n_ending && strcmp(name + n - n_ending, endings[i]) == 0) return true;
    }
    return false;
}

int32_t inlay__load_require_all_used(const inlay__model *model) {
    const inlay__weights *weights = model->weights;
    char origin[INLAY__ORIGIN_SIZE];
    for (size_t i = 0; i < weights->n_tensors; i++)
        if (!model->used[i] && !is_redundant(weights->tensors[i].name.text))
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor '%s'%s is not one that this version knows in "
                               "architecture '%s'; without it the model would be another", inlay__weights_name(weights),
                               weights->tensors[i].name.text,
                               inlay__weights_origin(weights, weights->tensors[i].name.text, origin),
                               model->hparams.architecture);
    return INLAY_OK;
}

/* The tensor, of n_matrices matrices [n_rows, n_k]. */
static int32_t find(inlay__model *model, const char *name, size_t n_matrices, size_t n_rows, size_t n_k,
                    const inlay__tensor **tensor) {
    const char *file = inlay__weights_name(model->weights);
    const inlay__tensor *t = inlay__weights_find(model->weights, name);
    char origin[INLAY__ORIGIN_SIZE];
    if (t == NULL) return inlay__load_fail_missing(model->weights, name);
    if (t->shape[0] != n_k || t->shape[1] != n_rows || t->shape[2] != n_matrices || t->shape[3] != 1)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s'%s has shape [%llu, %llu, %llu, %llu], expected [%zu, %zu%s]",
                           file, name, inlay__weights_origin(model->weights, name, origin), (unsigned long long)t->shape[0], (unsigned long long)t->shape[1],
                           (unsigned long long)t->shape[2], (unsigned long long)t->shape[3], n_k, n_rows,
                           n_matrices > 1 ? ", one for each expert" : "");
    if (inlay__block_type_get(t->type) == NULL)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor '%s' is of type %s, which this version does not run",
                           file, name, inlay__dtype_any_name(t->type));
    model->used[t - model->weights->tensors] = true;
    *tensor = t;
    return INLAY_OK;
}

int32_t inlay__load_vector(inlay__model *model, const char *format, size_t layer, size_t n, const float **out) {
    char name[NAME_SIZE];
    const inlay__tensor *tensor;
    tensor_name(model, name, format, layer);
    INLAY__TRY(find(model, name, 1, 1, n, &tensor));
    if (tensor->packed)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is packed, which vectors are not",
                           inlay__weights_name(model->weights), name);
    float *values = inlay__model_alloc(model, n, sizeof(float));
    const uint8_t *data;
    uint8_t *memory;
    if (values == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__weights_get(model->weights, tensor, &data, &memory));
    inlay__dequantize_row(tensor->type, data, n, values);
    inlay__free(model->sys, memory, (size_t)tensor->size);
    model->vectors_hash = inlay__fingerprint_vector(model->vectors_hash, values, n);
    *out = values;
    return INLAY_OK;
}

int32_t inlay__load_vector_optional(inlay__model *model, const char *format, size_t layer, size_t n, const float **out) {
    *out = NULL;
    return inlay__load_has(model, format, layer) ? inlay__load_vector(model, format, layer, n, out) : INLAY_OK;
}

static void set_place(const inlay__tensor *t, size_t offset, inlay__matrix *m) {
    m->place = t->place + offset;
    m->data = t->data != NULL ? t->data + offset : NULL;
}

/* Rows from `row` of matrix `i` of a tensor. In a packed one they must begin with a panel. */
static int32_t rows_of(const inlay__model *model, const inlay__tensor *t, size_t i, size_t row, size_t n_rows,
                       inlay__matrix *out) {
    uint64_t row_size = 0;
    size_t n_k = (size_t)t->shape[0], height = (size_t)t->shape[1];
    *out = (inlay__matrix){.type = t->type, .packed = t->packed, .n_rows = n_rows, .n_k = n_k};
    if (t->packed) {
        size_t matrix_size = inlay__packed_matrix_size(t->type, height, n_k);
        size_t panel_size = inlay__packed_matrix_size(t->type, INLAY__LANES, n_k);
        if (row % INLAY__LANES != 0)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is packed, which one of parts that begin at row %zu "
                               "may not be", inlay__weights_name(model->weights), t->name.text, row);
        out->row_size = panel_size / INLAY__LANES;
        set_place(t, i * matrix_size + row / INLAY__LANES * panel_size, out);
    } else {
        inlay__dtype_row_size(t->type, t->shape[0], &row_size);
        out->row_size = (size_t)row_size;
        set_place(t, (i * height + row) * out->row_size, out);
    }
    return INLAY_OK;
}

int32_t inlay__load_matrices(inlay__model *model, const char *format, size_t layer, size_t n_matrices, size_t n_rows,
                             size_t n_k, inlay__matrix *out) {
    char name[NAME_SIZE];
    const inlay__tensor *tensor;
    tensor_name(model, name, format, layer);
    INLAY__TRY(find(model, name, n_matrices, n_rows, n_k, &tensor));
    for (size_t i = 0; i < n_matrices; i++) INLAY__TRY(rows_of(model, tensor, i, 0, n_rows, &out[i]));
    return INLAY_OK;
}

int32_t inlay__load_count_rows(const inlay__model *model, const char *name, size_t most, size_t *n_rows) {
    const inlay__tensor *t = inlay__weights_find(model->weights, name);
    char origin[INLAY__ORIGIN_SIZE];
    if (t == NULL) return inlay__load_fail_missing(model->weights, name);
    if (t->shape[1] < 1 || t->shape[1] > most)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s'%s has %llu rows, expected 1 to %zu",
                           inlay__weights_name(model->weights), name,
                           inlay__weights_origin(model->weights, name, origin), (unsigned long long)t->shape[1], most);
    *n_rows = (size_t)t->shape[1];
    return INLAY_OK;
}

int32_t inlay__load_matrix(inlay__model *model, const char *format, size_t layer, size_t n_rows, size_t n_k,
                           inlay__matrix *out) {
    return inlay__load_matrices(model, format, layer, 1, n_rows, n_k, out);
}

int32_t inlay__load_table(inlay__model *model, const char *format, size_t layer, size_t n_rows, size_t n_k,
                          const float **out) {
    inlay__matrix m;
    INLAY__TRY(inlay__load_matrix(model, format, layer, n_rows, n_k, &m));
    float *values = inlay__model_alloc(model, n_rows, n_k * sizeof(float));
    if (values == NULL) return INLAY_ERR_MEMORY;
    inlay__tensor tensor = {.size = inlay__matrix_stored_size(&m), .place = m.place, .data = m.data};
    uint8_t *memory;
    INLAY__TRY(inlay__weights_get(model->weights, &tensor, &m.data, &memory));
    for (size_t row = 0; row < n_rows; row++) inlay__matrix_row(&m, row, values + row * n_k);
    inlay__free(model->sys, memory, (size_t)tensor.size);
    *out = values;
    return INLAY_OK;
}

int32_t inlay__load_taps(inlay__model *model, const char *format, size_t layer, size_t n_taps, size_t n_channels,
                         const float **out) {
    const float *rows;
    INLAY__TRY(inlay__load_table(model, format, layer, n_channels, n_taps, &rows));
    float *taps = inlay__model_alloc(model, n_channels, n_taps * sizeof(float));
    if (taps == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n_channels; i++)
        for (size_t k = 0; k < n_taps; k++) taps[k * n_channels + i] = rows[i * n_taps + k];
    *out = taps;
    return INLAY_OK;
}

/* A name with an ending. */
static const char *with_ending(char full[NAME_SIZE], const char *name, const char *ending) {
    inlay__format(full, NAME_SIZE, "%s%s", name, ending);
    return full;
}

int32_t inlay__load_fused(inlay__model *model, const char *name, size_t layer, size_t n, const size_t *n_rows, size_t n_k,
                          inlay__linear *const *out) {
    char full[NAME_SIZE], weight[NAME_SIZE];
    const inlay__tensor *tensor;
    const float *bias;
    size_t total = 0, row = 0;
    for (size_t i = 0; i < n; i++) total += n_rows[i];
    tensor_name(model, weight, with_ending(full, name, ".weight"), layer);
    INLAY__TRY(find(model, weight, 1, total, n_k, &tensor));
    INLAY__TRY(inlay__load_vector_optional(model, with_ending(full, name, ".bias"), layer, total, &bias));
    for (size_t i = 0; i < n; i++) {
        out[i]->bias = bias != NULL ? bias + row : NULL;
        INLAY__TRY(rows_of(model, tensor, 0, row, n_rows[i], &out[i]->matrix));
        row += n_rows[i];
    }
    return INLAY_OK;
}

int32_t inlay__load_linear(inlay__model *model, const char *name, size_t layer, size_t n_rows, size_t n_k,
                           inlay__linear *out) {
    return inlay__load_fused(model, name, layer, 1, &n_rows, n_k, &out);
}

int32_t inlay__load_no_norm_weights(inlay__model *model) {
    size_t n = model->hparams.n_embd;
    float *ones = inlay__model_alloc(model, n, sizeof *ones);
    for (size_t i = 0; ones != NULL && i < n; i++) ones[i] = 1.0f;
    model->norm_ones = ones;
    return ones != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

int32_t inlay__load_norm(inlay__model *model, const char *name, size_t layer, inlay__norm_kind kind, size_t n,
                         inlay__norm *out) {
    char full[NAME_SIZE];
    *out = (inlay__norm){.kind = kind, .weight = model->norm_ones, .epsilon = model->hparams.norm_epsilon};
    if (model->norm_ones != NULL) return INLAY_OK;
    INLAY__TRY(inlay__load_vector(model, with_ending(full, name, ".weight"), layer, n, &out->weight));
    if (kind != INLAY__NORM_LAYER) return INLAY_OK;
    return inlay__load_vector_optional(model, with_ending(full, name, ".bias"), layer, n, &out->bias);
}

int32_t inlay__load_norm_optional(inlay__model *model, const char *name, size_t layer, inlay__norm_kind kind, size_t n,
                                  inlay__norm *out) {
    char full[NAME_SIZE];
    *out = (inlay__norm){.kind = INLAY__NORM_NONE};
    if (kind == INLAY__NORM_NONE || !inlay__load_has(model, with_ending(full, name, ".weight"), layer)) return INLAY_OK;
    return inlay__load_norm(model, name, layer, kind, n, out);
}

int32_t inlay__load_embedding(inlay__model *m) {
    uint32_t n = m->hparams.n_embd, n_embd = n;
    INLAY__TRY(inlay__keys_u32(&m->keys, "embedding_length_in", false, 1, INLAY__MAX_EMBD, &n));
    if (n != n_embd) {
        INLAY__TRY(inlay__load_linear(m, "token_embd_project", 0, n_embd, n, &m->embd_in));
        INLAY__TRY(inlay__load_linear(m, "output_project", 0, n, n_embd, &m->embd_out));
    }
    return inlay__load_matrix(m, "token_embd.weight", 0, m->hparams.n_vocab, n, &m->token_embd);
}

int32_t inlay__load_head(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    size_t n_k = m->token_embd.n_k;
    m->head.output.matrix = m->token_embd;
    if (inlay__load_has(m, "output.weight", 0)) return inlay__load_linear(m, "output", 0, h->n_vocab, n_k, &m->head.output);
    return inlay__load_vector_optional(m, "output.bias", 0, h->n_vocab, &m->head.output.bias);
}

int32_t inlay__load_ends(inlay__model *m, inlay__norm_kind norm) {
    INLAY__TRY(inlay__load_embedding(m));
    if (norm != INLAY__NORM_NONE)
        INLAY__TRY(inlay__load_norm(m, "output_norm", 0, norm, m->hparams.n_embd, &m->decoder.output_norm));
    return inlay__load_head(m);
}
