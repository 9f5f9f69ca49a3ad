/* The metadata and tensors of an open model, one by one. */
#include "base/fpenv.h"
#include "format/dtype.h"
#include "handles.h"

int32_t inlay_model_metadata_count(const inlay_model *model, size_t *count) {
    INLAY__TRY(inlay__check_model("inlay_model_metadata_count", model));
    if (count == NULL) return inlay__owned(model, inlay__null_argument("inlay_model_metadata_count", "count"));
    *count = inlay__weights_metadata(&model->weights)->n_kv;
    return INLAY_OK;
}

static int32_t pair_at(const char *function, const inlay_model *model, size_t index, const inlay__gguf_kv **kv) {
    const inlay__gguf *gguf = inlay__weights_metadata(&model->weights);
    if (index >= gguf->n_kv)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: index is %zu, but there are %zu pairs", function, index,
                           gguf->n_kv);
    *kv = &gguf->kv[index];
    return INLAY_OK;
}

int32_t inlay_model_metadata_key(const inlay_model *model, size_t index, const char **key, size_t *n_values) {
    const char *function = "inlay_model_metadata_key";
    const inlay__gguf_kv *kv = NULL;
    INLAY__TRY(inlay__check_model(function, model));
    if (key == NULL) return inlay__owned(model, inlay__null_argument(function, "key"));
    if (n_values == NULL) return inlay__owned(model, inlay__null_argument(function, "n_values"));
    INLAY__TRY(inlay__owned(model, pair_at(function, model, index, &kv)));
    *key = kv->key.text;
    *n_values = (size_t)kv->n_values;
    return INLAY_OK;
}

int32_t inlay_model_metadata_find(const inlay_model *model, const char *key, size_t size, size_t *index) {
    const char *function = "inlay_model_metadata_find";
    INLAY__TRY(inlay__check_model(function, model));
    if (key == NULL) return inlay__owned(model, inlay__null_argument(function, "key"));
    if (index == NULL) return inlay__owned(model, inlay__null_argument(function, "index"));
    if (size == INLAY_ALL) size = strlen(key);
    const inlay__gguf *gguf = inlay__weights_metadata(&model->weights);
    uint32_t found;
    if (!inlay__hash_map_get(&gguf->kv_by_key, key, size, &found))
        return inlay__owned(model,
                            inlay__fail(INLAY_ERR_KEY, "%s: file '%s' has no metadata key '%.*s'", function,
                                        inlay__weights_name(&model->weights), (int)inlay__min_size(size, 128), key));
    *index = found;
    return INLAY_OK;
}

/* The decimal of fewest digits that is the same float: 0.1, where nine digits give 0.100000001. */
static double shortest(double value) {
    const double round = 0x1.8p52;
    double unit = 1e38;
    for (int i = 0; i < 85; i++, unit /= 10.0) {
        double cut = (value / unit + round - round) * unit;
        if ((float)cut == (float)value) return cut;
    }
    return value;
}

/* A number or boolean as text; returns its length. */
static size_t number_text(const inlay__gguf_kv *kv, size_t element, char text[32]) {
    int64_t integer = 0;
    double number = 0.0;
    if (kv->type == INLAY__GGUF_F32 || kv->type == INLAY__GGUF_F64) {
        inlay__fpenv saved = inlay__fpenv_enter();
        inlay__gguf_f64(kv, element, &number);
        size_t size = inlay__format(text, 32, "%g", kv->type == INLAY__GGUF_F32 ? shortest(number) : number);
        inlay__fpenv_leave(saved);
        return size;
    }
    if (kv->type == INLAY__GGUF_U64) /* not all of them fit an int64 */
        return inlay__format(text, 32, "%llu", (unsigned long long)inlay__load_u64(kv->values + 8 * element));
    inlay__gguf_i64(kv, element, &integer);
    if (kv->type == INLAY__GGUF_BOOL) return inlay__format(text, 32, "%s", integer != 0 ? "true" : "false");
    return inlay__format(text, 32, "%lld", (long long)integer);
}

int32_t inlay_model_metadata_text(const inlay_model *model, size_t index, size_t element, char *text, size_t capacity,
                                  size_t *size) {
    const char *function = "inlay_model_metadata_text";
    const inlay__gguf_kv *kv = NULL;
    char number[32];
    INLAY__TRY(inlay__check_model(function, model));
    if (text == NULL && capacity != 0) return inlay__owned(model, inlay__null_argument(function, "text"));
    if (size == NULL) return inlay__owned(model, inlay__null_argument(function, "size"));
    INLAY__TRY(inlay__owned(model, pair_at(function, model, index, &kv)));
    if (element >= kv->n_values)
        return inlay__owned(model, inlay__fail(INLAY_ERR_ARGUMENT, "%s: element is %zu, but '%s' has %llu values",
                                               function, element, kv->key.text, (unsigned long long)kv->n_values));
    inlay__text value = {number, 0};
    if (kv->type == INLAY__GGUF_STRING)
        value = inlay__gguf_string(kv, element);
    else
        value.size = number_text(kv, element, number);
    *size = value.size;
    if (capacity == 0 && text == NULL) return INLAY_OK;
    if (capacity <= value.size)
        return inlay__owned(model,
                            inlay__fail(INLAY_ERR_BUFFER, "%s: the value of '%s' needs %zu bytes, capacity is %zu",
                                        function, kv->key.text, value.size + 1, capacity));
    memcpy(text, value.text, value.size);
    text[value.size] = '\0';
    return INLAY_OK;
}

const char *inlay_type_name(int32_t type) {
    const inlay__dtype *dtype = type >= 0 ? inlay__dtype_get((uint32_t)type) : NULL;
    return dtype != NULL ? dtype->name : NULL;
}

int32_t inlay_model_tensor_count(const inlay_model *model, size_t *count) {
    INLAY__TRY(inlay__check_model("inlay_model_tensor_count", model));
    if (count == NULL) return inlay__owned(model, inlay__null_argument("inlay_model_tensor_count", "count"));
    *count = model->weights.n_tensors;
    return INLAY_OK;
}

int32_t inlay_model_tensor(const inlay_model *model, size_t index, const char **name, int32_t *type,
                           uint64_t shape[4]) {
    INLAY__TRY(inlay__check_model("inlay_model_tensor", model));
    if (index >= model->weights.n_tensors)
        return inlay__owned(model, inlay__fail(INLAY_ERR_ARGUMENT,
                                               "inlay_model_tensor: index is %zu, but there are %zu tensors", index,
                                               model->weights.n_tensors));
    const inlay__tensor *tensor = &model->weights.tensors[index];
    if (name != NULL) *name = tensor->name.text;
    if (type != NULL) *type = (int32_t)tensor->type;
    if (shape != NULL) memcpy(shape, tensor->shape, sizeof tensor->shape);
    return INLAY_OK;
}
