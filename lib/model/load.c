/* Finds tensors by name and checks them: present, of the shape the hyperparameters say, of a type that runs. */
#include "base/text.h"
#include "format/dtype.h"
#include "model/layers.h"

enum { NAME_SIZE = 96 };

/* `format` has one %u or none; it is always a literal of an arch file. */
static void tensor_name(char name[NAME_SIZE], const char *format, size_t layer) {
    size_t n = 0;
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

bool inlay__model_has(const inlay__model *model, const char *format, size_t layer) {
    char name[NAME_SIZE];
    tensor_name(name, format, layer);
    return inlay__weights_find(model->weights, name) != NULL;
}

static int32_t fail_missing(const inlay__model *model, const char *name) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is missing", inlay__weights_name(model->weights), name);
}

int32_t inlay__model_require(const inlay__model *model, const char *format) {
    char name[NAME_SIZE];
    for (size_t i = 0; i < model->hparams.n_layer; i++) {
        tensor_name(name, format, i);
        if (inlay__weights_find(model->weights, name) == NULL) return fail_missing(model, name);
    }
    return INLAY_OK;
}

/* Tensors that say nothing new: rotary frequencies that follow from the hyperparameters. */
static bool is_redundant(const char *name) {
    static const char *const endings[] = {".rotary_emb.inv_freq", ".attn_rot_embd.weight"};
    size_t n = strlen(name);
    for (size_t i = 0; i < INLAY__COUNT(endings); i++) {
        size_t n_ending = strlen(endings[i]);
        if (n >= n_ending && strcmp(name + n - n_ending, endings[i]) == 0) return true;
    }
    return false;
}

int32_t inlay__model_require_all_used(const inlay__model *model) {
    const inlay__weights *weights = model->weights;
    for (size_t i = 0; i < weights->n_tensors; i++)
        if (!model->used[i] && !is_redundant(weights->tensors[i].name.text))
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor '%s' is not one that this version knows in "
                               "architecture '%s'; without it the model would be another", inlay__weights_name(weights),
                               weights->tensors[i].name.text, model->hparams.architecture);
    return INLAY_OK;
}

static int32_t find(inlay__model *model, const char *name, size_t n_rows, size_t n_k,
                    const inlay__tensor **tensor) {
    const char *file = inlay__weights_name(model->weights);
    const inlay__tensor *t = inlay__weights_find(model->weights, name);
    if (t == NULL) return fail_missing(model, name);
    if (t->shape[0] != n_k || t->shape[1] != n_rows || t->shape[2] != 1 || t->shape[3] != 1)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' has shape [%llu, %llu, %llu, %llu], expected [%zu, %zu]",
                           file, name, (unsigned long long)t->shape[0], (unsigned long long)t->shape[1],
                           (unsigned long long)t->shape[2], (unsigned long long)t->shape[3], n_k, n_rows);
    if (inlay__block_type_get(t->type) == NULL)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor '%s' is of type %s, which this version does not run",
                           file, name, inlay__dtype_any_name(t->type));
    model->used[t - model->weights->tensors] = true;
    *tensor = t;
    return INLAY_OK;
}

int32_t inlay__model_vector(inlay__model *model, const char *format, size_t layer, size_t n, const float **out) {
    char name[NAME_SIZE];
    const inlay__tensor *tensor;
    tensor_name(name, format, layer);
    INLAY__TRY(find(model, name, 1, n, &tensor));
    if (tensor->packed)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is packed, which vectors are not",
                           inlay__weights_name(model->weights), name);
    float *values = inlay__model_alloc(model, n, sizeof(float));
    if (values == NULL) return INLAY_ERR_MEMORY;
    inlay__dequantize_row(tensor->type, tensor->data, n, values);
    *out = values;
    return INLAY_OK;
}

int32_t inlay__model_vector_optional(inlay__model *model, const char *format, size_t layer, size_t n,
                                     const float **out) {
    *out = NULL;
    return inlay__model_has(model, format, layer) ? inlay__model_vector(model, format, layer, n, out) : INLAY_OK;
}

int32_t inlay__model_matrix(inlay__model *model, const char *format, size_t layer, size_t n_rows, size_t n_k,
                            inlay__matrix *out) {
    char name[NAME_SIZE];
    const inlay__tensor *tensor;
    uint64_t row_size;
    tensor_name(name, format, layer);
    INLAY__TRY(find(model, name, n_rows, n_k, &tensor));
    inlay__dtype_row_size(tensor->type, n_k, &row_size);
    if (tensor->packed) row_size = inlay__packed_matrix_size(tensor->type, INLAY__LANES, n_k) / INLAY__LANES;
    *out = (inlay__matrix){.type = tensor->type, .packed = tensor->packed, .n_rows = n_rows, .n_k = n_k,
                           .row_size = (size_t)row_size, .data = tensor->data};
    return INLAY_OK;
}

static int32_t load_layer(inlay__model *m, size_t i) {
    const inlay__hparams *h = &m->hparams;
    size_t n_q = (size_t)h->n_head * h->n_embd_head, n_kv = (size_t)h->n_head_kv * h->n_embd_head;
    inlay__layer *l = &m->layers[i];
    INLAY__TRY(inlay__model_vector(m, "blk.%u.attn_norm.weight", i, h->n_embd, &l->attn_norm));
    INLAY__TRY(inlay__model_matrix(m, "blk.%u.attn_q.weight", i, n_q, h->n_embd, &l->attn_q));
    INLAY__TRY(inlay__model_matrix(m, "blk.%u.attn_k.weight", i, n_kv, h->n_embd, &l->attn_k));
    INLAY__TRY(inlay__model_matrix(m, "blk.%u.attn_v.weight", i, n_kv, h->n_embd, &l->attn_v));
    INLAY__TRY(inlay__model_matrix(m, "blk.%u.attn_output.weight", i, h->n_embd, n_q, &l->attn_out));
    INLAY__TRY(inlay__model_vector_optional(m, "blk.%u.attn_q.bias", i, n_q, &l->attn_q_bias));
    INLAY__TRY(inlay__model_vector_optional(m, "blk.%u.attn_k.bias", i, n_kv, &l->attn_k_bias));
    INLAY__TRY(inlay__model_vector_optional(m, "blk.%u.attn_v.bias", i, n_kv, &l->attn_v_bias));
    INLAY__TRY(inlay__model_vector_optional(m, "blk.%u.attn_q_norm.weight", i, h->n_embd_head, &l->attn_q_norm));
    INLAY__TRY(inlay__model_vector_optional(m, "blk.%u.attn_k_norm.weight", i, h->n_embd_head, &l->attn_k_norm));
    INLAY__TRY(inlay__model_vector_optional(m, "blk.%u.post_attention_norm.weight", i, h->n_embd, &l->attn_post_norm));
    INLAY__TRY(inlay__model_vector_optional(m, "blk.%u.post_ffw_norm.weight", i, h->n_embd, &l->ffn_post_norm));
    INLAY__TRY(inlay__model_vector(m, "blk.%u.ffn_norm.weight", i, h->n_embd, &l->ffn_norm));
    INLAY__TRY(inlay__model_matrix(m, "blk.%u.ffn_gate.weight", i, h->n_ff, h->n_embd, &l->ffn_gate));
    INLAY__TRY(inlay__model_matrix(m, "blk.%u.ffn_up.weight", i, h->n_ff, h->n_embd, &l->ffn_up));
    return inlay__model_matrix(m, "blk.%u.ffn_down.weight", i, h->n_embd, h->n_ff, &l->ffn_down);
}

int32_t inlay__model_load_dense(inlay__model *m) {
    const inlay__hparams *h = &m->hparams;
    INLAY__TRY(inlay__model_matrix(m, "token_embd.weight", 0, h->n_vocab, h->n_embd, &m->token_embd));
    INLAY__TRY(inlay__model_vector(m, "output_norm.weight", 0, h->n_embd, &m->output_norm));
    m->output = m->token_embd;
    if (inlay__model_has(m, "output.weight", 0))
        INLAY__TRY(inlay__model_matrix(m, "output.weight", 0, h->n_vocab, h->n_embd, &m->output));
    m->layers = inlay__model_alloc(m, h->n_layer, sizeof *m->layers);
    if (m->layers == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < h->n_layer; i++) INLAY__TRY(load_layer(m, i));
    return INLAY_OK;
}
