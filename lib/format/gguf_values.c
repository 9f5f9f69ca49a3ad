/* Asking a parsed GGUF file: pairs and tensors by name, values as numbers and text. */
#include "format/gguf.h"

const inlay__gguf_kv *inlay__gguf_find(const inlay__gguf *gguf, const char *key) {
    uint32_t i;
    return inlay__hash_map_get(&gguf->kv_by_key, key, strlen(key), &i) ? &gguf->kv[i] : NULL;
}

const inlay__tensor *inlay__gguf_tensor_find(const inlay__gguf *gguf, const char *name) {
    uint32_t i;
    return inlay__hash_map_get(&gguf->tensor_by_name, name, strlen(name), &i) ? &gguf->tensors[i] : NULL;
}

inlay__text inlay__gguf_string(const inlay__gguf_kv *kv, uint64_t i) {
    if (kv == NULL || kv->offsets == NULL || i >= kv->n_values) return (inlay__text){NULL, 0};
    uint32_t begin = kv->offsets[i], end = kv->offsets[i + 1] - 1; /* without the NUL */
    return (inlay__text){(const char *)kv->values + begin, end - begin};
}

void inlay__gguf_bits(const inlay__gguf_kv *kv, size_t begin, size_t n, uint32_t *bits) {
    if (kv->runs != NULL)
        inlay__number_runs_read(kv->type == INLAY__GGUF_F32, kv->runs, kv->n_runs, begin, n, bits);
    else
        for (size_t i = 0; i < n; i++) bits[i] = inlay__load_u32(kv->values + 4 * (begin + i));
}

float inlay__gguf_f32(const inlay__gguf_kv *kv, size_t i) {
    uint32_t bits;
    float value;
    inlay__gguf_bits(kv, i, 1, &bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_at(const inlay__gguf_kv *kv, uint64_t i) {
    uint32_t bits;
    inlay__gguf_bits(kv, (size_t)i, 1, &bits);
    return bits;
}

/* A number of any integer type; `negative` tells that `bits` is a two's complement below 0. */
static bool integer(const inlay__gguf_kv *kv, uint64_t i, uint64_t *bits, bool *negative) {
    const uint8_t *p = kv->values;
    bool is_signed = false;
    uint32_t width;
    switch (kv->type) {
    case INLAY__GGUF_U8:
    case INLAY__GGUF_BOOL:
        *bits = p[i], width = 8;
        break;
    case INLAY__GGUF_I8:
        *bits = p[i], width = 8, is_signed = true;
        break;
    case INLAY__GGUF_U16:
        *bits = inlay__load_u16(p + 2 * i), width = 16;
        break;
    case INLAY__GGUF_I16:
        *bits = inlay__load_u16(p + 2 * i), width = 16, is_signed = true;
        break;
    case INLAY__GGUF_U32:
        *bits = bits_at(kv, i), width = 32;
        break;
    case INLAY__GGUF_I32:
        *bits = bits_at(kv, i), width = 32, is_signed = true;
        break;
    case INLAY__GGUF_U64:
        *bits = inlay__load_u64(p + 8 * i), width = 64;
        break;
    case INLAY__GGUF_I64:
        *bits = inlay__load_u64(p + 8 * i), width = 64, is_signed = true;
        break;
    default:
        return false;
    }
    *negative = is_signed && (*bits >> (width - 1)) != 0;
    if (*negative && width < 64) *bits |= UINT64_MAX << width;
    return true;
}

bool inlay__gguf_i64(const inlay__gguf_kv *kv, uint64_t i, int64_t *value) {
    uint64_t bits;
    bool negative;
    if (kv == NULL || i >= kv->n_values || !integer(kv, i, &bits, &negative)) return false;
    if (!negative && bits > INT64_MAX) return false;
    memcpy(value, &bits, sizeof *value);
    return true;
}

bool inlay__gguf_f64(const inlay__gguf_kv *kv, uint64_t i, double *value) {
    uint64_t bits;
    bool negative;
    if (kv == NULL || i >= kv->n_values) return false;
    if (kv->type == INLAY__GGUF_F32) {
        *value = (double)inlay__gguf_f32(kv, (size_t)i);
    } else if (kv->type == INLAY__GGUF_F64) {
        bits = inlay__load_u64(kv->values + 8 * i);
        memcpy(value, &bits, sizeof *value);
    } else {
        if (!integer(kv, i, &bits, &negative)) return false;
        *value = negative ? -(double)(0 - bits) : (double)bits;
    }
    return true;
}

const char *inlay__gguf_type_name(uint32_t type) {
    static const char *const names[INLAY__GGUF_N_TYPES] = {
        [INLAY__GGUF_U8] = "u8",       [INLAY__GGUF_I8] = "i8",     [INLAY__GGUF_U16] = "u16",
        [INLAY__GGUF_I16] = "i16",     [INLAY__GGUF_U32] = "u32",   [INLAY__GGUF_I32] = "i32",
        [INLAY__GGUF_F32] = "f32",     [INLAY__GGUF_BOOL] = "bool", [INLAY__GGUF_STRING] = "string",
        [INLAY__GGUF_ARRAY] = "array", [INLAY__GGUF_U64] = "u64",   [INLAY__GGUF_I64] = "i64",
        [INLAY__GGUF_F64] = "f64",
    };
    return type < INLAY__GGUF_N_TYPES ? names[type] : "unknown";
}
