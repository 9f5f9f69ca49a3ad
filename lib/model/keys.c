/* Reads one metadata value after another, "ARCHITECTURE.key", each checked against what the library can hold. */
#include "model/keys.h"

#include "base/text.h"

enum { KEY_SIZE = 128 };

static const inlay__gguf_kv *find(const inlay__keys *k, const char *key, char full[KEY_SIZE]) {
    inlay__format(full, KEY_SIZE, "%s.%s", k->architecture, key);
    return inlay__gguf_find(k->gguf, full);
}

static int32_t fail_missing(const inlay__keys *k, const char *full) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is missing", k->name, full);
}

static int32_t fail_type(const inlay__keys *k, const char *full, const inlay__gguf_kv *kv, const char *expected) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is of type %s%s, expected %s", k->name, full,
                       kv->is_array ? "array of " : "", inlay__gguf_type_name(kv->type), expected);
}

int32_t inlay__keys_init(const char *name, const inlay__gguf *gguf, inlay__keys *k) {
    static const char key[] = "general.architecture";
    *k = (inlay__keys){name, gguf, NULL};
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    if (kv == NULL) return fail_missing(k, key);
    if (kv->type != INLAY__GGUF_STRING || kv->is_array) return fail_type(k, key, kv, "a string");
    inlay__text text = inlay__gguf_string(kv, 0);
    if (text.size == 0 || text.size > 64 || strlen(text.text) != text.size)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' has %zu bytes, expected a name of 1 to 64", name,
                           key, text.size);
    k->architecture = text.text;
    return INLAY_OK;
}

bool inlay__keys_has(const inlay__keys *k, const char *key) {
    char full[KEY_SIZE];
    return find(k, key, full) != NULL;
}

static int32_t read_integer(const inlay__keys *k, const char *full, const inlay__gguf_kv *kv, uint64_t i, int64_t *value) {
    if (inlay__gguf_i64(kv, i, value)) return INLAY_OK;
    if (kv->type != INLAY__GGUF_U64) return fail_type(k, full, kv, "an integer");
    *value = INT64_MAX;
    return INLAY_OK;
}

static int32_t check_range(const inlay__keys *k, const char *full, int64_t found, int64_t least, int64_t greatest) {
    if (found >= least && found <= greatest) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is %lld%s, expected %lld to %lld", k->name, full,
                       (long long)found, found == INT64_MAX ? " or more" : "", (long long)least, (long long)greatest);
}

int32_t inlay__keys_u32(const inlay__keys *k, const char *key, bool required, int64_t least, int64_t greatest,
                        uint32_t *value) {
    char full[KEY_SIZE];
    const inlay__gguf_kv *kv = find(k, key, full);
    int64_t found = 0;
    if (kv == NULL) return required ? fail_missing(k, full) : INLAY_OK;
    /* An array holds a value for each layer; where one is wanted they are the same in all. */
    for (uint64_t i = 0; i < kv->n_values; i++) {
        int64_t each;
        INLAY__TRY(read_integer(k, full, kv, i, &each));
        if (i > 0 && each != found)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': metadata key '%s' differs between layers (%lld, %lld)",
                               k->name, full, (long long)found, (long long)each);
        found = each;
    }
    if (kv->n_values == 0)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is an empty array, expected %lld to %lld", k->name,
                           full, (long long)least, (long long)greatest);
    INLAY__TRY(check_range(k, full, found, least, greatest));
    *value = (uint32_t)found;
    return INLAY_OK;
}

static int32_t check_count(const inlay__keys *k, const char *full, const inlay__gguf_kv *kv, size_t n) {
    if (kv->n_values == n) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' has %llu values, expected %zu, one for each layer",
                       k->name, full, (unsigned long long)kv->n_values, n);
}

int32_t inlay__keys_u32_of(const inlay__keys *k, const char *key, size_t i, size_t n, int64_t least, int64_t greatest,
                           uint32_t *value) {
    char full[KEY_SIZE];
    const inlay__gguf_kv *kv = find(k, key, full);
    int64_t found;
    if (kv == NULL || !kv->is_array) return inlay__keys_u32(k, key, false, least, greatest, value);
    INLAY__TRY(check_count(k, full, kv, n));
    INLAY__TRY(read_integer(k, full, kv, i, &found));
    INLAY__TRY(check_range(k, full, found, least, greatest));
    *value = (uint32_t)found;
    return INLAY_OK;
}

int32_t inlay__keys_f64(const inlay__keys *k, const char *key, bool required, double least, double greatest,
                        double *value) {
    char full[KEY_SIZE];
    const inlay__gguf_kv *kv = find(k, key, full);
    double found;
    if (kv == NULL) return required ? fail_missing(k, full) : INLAY_OK;
    if (kv->is_array || !inlay__gguf_f64(kv, 0, &found)) return fail_type(k, full, kv, "a number");
    if (!(found >= least && found <= greatest))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is %g, expected %g to %g", k->name, full, found,
                           least, greatest);
    *value = found;
    return INLAY_OK;
}

int32_t inlay__keys_bool(const inlay__keys *k, const char *key, bool required, bool *value) {
    char full[KEY_SIZE];
    const inlay__gguf_kv *kv = find(k, key, full);
    int64_t found;
    if (kv == NULL) return required ? fail_missing(k, full) : INLAY_OK;
    if (kv->is_array || kv->type != INLAY__GGUF_BOOL || !inlay__gguf_i64(kv, 0, &found))
        return fail_type(k, full, kv, "a boolean");
    *value = found != 0;
    return INLAY_OK;
}

int32_t inlay__keys_bool_of(const inlay__keys *k, const char *key, size_t i, size_t n, bool *value) {
    char full[KEY_SIZE];
    const inlay__gguf_kv *kv = find(k, key, full);
    int64_t found;
    if (kv == NULL || !kv->is_array) return inlay__keys_bool(k, key, false, value);
    INLAY__TRY(check_count(k, full, kv, n));
    if (kv->type != INLAY__GGUF_BOOL || !inlay__gguf_i64(kv, i, &found)) return fail_type(k, full, kv, "booleans");
    *value = found != 0;
    return INLAY_OK;
}

int32_t inlay__keys_text(const inlay__keys *k, const char *key, bool required, const char **value) {
    char full[KEY_SIZE];
    const inlay__gguf_kv *kv = find(k, key, full);
    if (kv == NULL) return required ? fail_missing(k, full) : INLAY_OK;
    if (kv->type != INLAY__GGUF_STRING || kv->is_array) return fail_type(k, full, kv, "a string");
    *value = inlay__gguf_string(kv, 0).text;
    return INLAY_OK;
}

int32_t inlay__keys_refuse(const inlay__keys *k, const char *key, const char *found, const char *expected) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED,
                       "file '%s': metadata key '%s.%s' is '%s', which this version does not run (%s)", k->name,
                       k->architecture, key, found, expected);
}
