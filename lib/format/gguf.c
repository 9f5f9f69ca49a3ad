/* Parsing GGUF: the header, the metadata pairs, and the memory they are copied into. */
#include "format/gguf_reader.h"

#include "base/utf8.h"
#include "format/packed.h"

enum { HEADER_SIZE = 24, MAX_METADATA = 1 << 30, DEFAULT_ALIGNMENT = 32 };

/* What a hostile file may take beyond its own size, and what an entry costs: its struct and its slots in
 * a hash map; a tensor twice, as the table over all parts of a split model has it again. Small files, which
 * give the least room, are thereby held to some ten thousand pairs or three thousand tensors; a real file
 * has under a hundred pairs, and far more bytes of data than of tables for each tensor. */
enum {
    EXTRA_MEMORY = (1 << 20) - (1 << 16),
    HASH_COST = 4 * sizeof(inlay__hash_slot),
    KV_COST = sizeof(inlay__gguf_kv) + HASH_COST,
    TENSOR_COST = 2 * (sizeof(inlay__tensor) + HASH_COST)
};

static const uint8_t value_sizes[INLAY__GGUF_N_TYPES] = {
    [INLAY__GGUF_U8] = 1,  [INLAY__GGUF_I8] = 1,  [INLAY__GGUF_U16] = 2, [INLAY__GGUF_I16] = 2,
    [INLAY__GGUF_U32] = 4, [INLAY__GGUF_I32] = 4, [INLAY__GGUF_F32] = 4, [INLAY__GGUF_BOOL] = 1,
    [INLAY__GGUF_U64] = 8, [INLAY__GGUF_I64] = 8, [INLAY__GGUF_F64] = 8,
};

size_t inlay__gguf_value_size(uint32_t type) { return type < INLAY__GGUF_N_TYPES ? value_sizes[type] : 0; }

/* ------------------------------------------------------------- text and names */

int32_t inlay__gguf_take(inlay__gguf_reader *r, size_t n, size_t alignment, uint8_t **memory) {
    /* Whatever is copied is no longer than what it is in the file, so no sum here passes MAX_METADATA much. */
    size_t begin = (r->text_used + alignment - 1) & ~(alignment - 1);
    *memory = NULL;
    if (r->fill) {
        if (begin > r->gguf->text_size || n > r->gguf->text_size - begin)
            return inlay__fail(INLAY_ERR_CHANGED, "file '%s': changed while it was read", r->name);
        *memory = r->gguf->text + begin;
    }
    r->text_used = begin + n;
    return INLAY_OK;
}

int32_t inlay__gguf_fail_end(inlay__gguf_reader *r, const char *kind, size_t i) {
    r->ended = true;
    if (r->in.size < r->file_size)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': %s %zu reaches beyond the first %zu bytes, the most that is read as metadata",
                           r->name, kind, i, r->in.size);
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': ends inside %s %zu, at %zu bytes; the file is cut or damaged",
                       r->name, kind, i, r->file_size);
}

/* The reason why bytes are no name, or NULL. */
static const char *name_fault(const uint8_t *p, size_t n) {
    uint32_t code;
    for (size_t i = 0; i < n;) {
        size_t step = inlay__utf8_decode(p + i, n - i, &code);
        if (step == 0) return "is not UTF-8";
        if (code == 0) return "contains a NUL";
        i += step;
    }
    return NULL;
}

int32_t inlay__gguf_read_name(inlay__gguf_reader *r, const char *kind, size_t i, size_t max_size, inlay__text *name) {
    uint64_t size;
    const uint8_t *bytes;
    uint8_t *copy;
    if (!inlay__cursor_u64(&r->in, &size)) return inlay__gguf_fail_end(r, kind, i);
    if (size == 0) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the name of %s %zu is empty", r->name, kind, i);
    if (size > max_size)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the name of %s %zu has %llu bytes, more than the %zu allowed",
                           r->name, kind, i, (unsigned long long)size, max_size);
    if (!inlay__cursor_bytes(&r->in, size, &bytes)) return inlay__gguf_fail_end(r, kind, i);
    INLAY__TRY(inlay__gguf_take(r, (size_t)size + 1, 1, &copy));
    if (r->fill) {
        memcpy(copy, bytes, (size_t)size);
        copy[size] = '\0';
        bytes = copy;
    }
    const char *fault = name_fault(bytes, (size_t)size);
    if (fault != NULL)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the name of %s %zu %s", r->name, kind, i, fault);
    name->text = (const char *)bytes;
    name->size = (size_t)size;
    return INLAY_OK;
}

/* ------------------------------------------------------------ metadata pairs */

/* A key as it fits into a message. */
#define KEY_ARGS(kv) (int)inlay__min_size((kv)->key.size, 120), (kv)->key.text

/* Takes memory for the numbers as runs, where those are few; false: they stay as they are. */
static bool read_runs(inlay__gguf_reader *r, const uint8_t *bytes, inlay__gguf_kv *kv) {
    inlay__number_run runs[INLAY__MAX_RUNS];
    uint8_t *memory;
    bool is_float = kv->type == INLAY__GGUF_F32;
    if (!is_float && kv->type != INLAY__GGUF_I32 && kv->type != INLAY__GGUF_U32) return false;
    size_t n = inlay__number_runs_find(is_float, bytes, (size_t)kv->n_values, runs, INLAY__MAX_RUNS),
           used = r->text_used;
    if (n == 0) return false;
    if (inlay__gguf_take(r, n * sizeof *runs, 8, &memory) != INLAY_OK) { /* others than in the first walk */
        r->text_used = used;
        return false;
    }
    if (!r->fill) return true;
    memcpy(memory, runs, n * sizeof *runs);
    kv->runs = (const inlay__number_run *)(const void *)memory;
    kv->n_runs = (uint32_t)n;
    return true;
}

static int32_t read_numbers(inlay__gguf_reader *r, size_t i, inlay__gguf_kv *kv) {
    size_t value_size = value_sizes[kv->type];
    const uint8_t *bytes;
    uint8_t *copy;
    if (kv->n_values > inlay__cursor_left(&r->in) / value_size) return inlay__gguf_fail_end(r, "metadata pair", i);
    size_t size = (size_t)kv->n_values * value_size;
    if (!inlay__cursor_bytes(&r->in, size, &bytes)) return inlay__gguf_fail_end(r, "metadata pair", i);
    if (read_runs(r, bytes, kv)) return INLAY_OK;
    INLAY__TRY(inlay__gguf_take(r, size, 8, &copy));
    if (!r->fill) return INLAY_OK;
    if (size > 0) memcpy(copy, bytes, size);
    kv->values = copy;
    if (kv->type != INLAY__GGUF_BOOL) return INLAY_OK;
    for (size_t k = 0; k < size; k++)
        if (copy[k] > 1)
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': key '%.*s' holds the boolean %u, where only 0 and 1 are allowed", r->name,
                               KEY_ARGS(kv), (unsigned)copy[k]);
    return INLAY_OK;
}

/* A string takes 8 bytes and its own in the file; here 4 for its offset, its own and a NUL. */
static int32_t read_strings(inlay__gguf_reader *r, size_t i, inlay__gguf_kv *kv) {
    uint8_t *table, *copy;
    if (kv->n_values > inlay__cursor_left(&r->in) / 8) return inlay__gguf_fail_end(r, "metadata pair", i);
    size_t n = (size_t)kv->n_values;
    INLAY__TRY(inlay__gguf_take(r, (n + 1) * sizeof(uint32_t), 8, &table));
    size_t first = r->text_used;
    uint32_t *offsets = (uint32_t *)(void *)table;
    if (r->fill) offsets[0] = 0;
    for (size_t k = 0; k < n; k++) {
        uint64_t size;
        const uint8_t *bytes;
        if (!inlay__cursor_u64(&r->in, &size) || !inlay__cursor_bytes(&r->in, size, &bytes))
            return inlay__gguf_fail_end(r, "metadata pair", i);
        INLAY__TRY(inlay__gguf_take(r, (size_t)size + 1, 1, &copy));
        if (!r->fill) continue;
        if (size > 0) memcpy(copy, bytes, (size_t)size);
        copy[size] = '\0';
        offsets[k + 1] = (uint32_t)(r->text_used - first);
    }
    if (!r->fill) return INLAY_OK;
    kv->values = r->gguf->text + first;
    kv->offsets = offsets;
    return INLAY_OK;
}

/* The value type of a pair, and for an array what its elements are and how many. */
static int32_t read_type(inlay__gguf_reader *r, size_t i, inlay__gguf_kv *kv) {
    kv->n_values = 1;
    if (!inlay__cursor_u32(&r->in, &kv->type)) return inlay__gguf_fail_end(r, "metadata pair", i);
    kv->is_array = kv->type == INLAY__GGUF_ARRAY;
    if (kv->is_array) {
        if (!inlay__cursor_u32(&r->in, &kv->type) || !inlay__cursor_u64(&r->in, &kv->n_values))
            return inlay__gguf_fail_end(r, "metadata pair", i);
        if (kv->type == INLAY__GGUF_ARRAY)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': key '%.*s' is an array of arrays", r->name,
                               KEY_ARGS(kv));
    }
    if (kv->type >= INLAY__GGUF_N_TYPES)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key '%.*s' has values of type %u, which GGUF does not define",
                           r->name, KEY_ARGS(kv), kv->type);
    return INLAY_OK;
}

static int32_t read_kv(inlay__gguf_reader *r, size_t i) {
    inlay__gguf_kv kv = {.values = NULL};
    INLAY__TRY(inlay__gguf_read_name(r, "metadata pair", i, INLAY__GGUF_MAX_KEY, &kv.key));
    INLAY__TRY(read_type(r, i, &kv));
    if (kv.type == INLAY__GGUF_STRING)
        INLAY__TRY(read_strings(r, i, &kv));
    else
        INLAY__TRY(read_numbers(r, i, &kv));
    if (!r->fill) return INLAY_OK;
    if (!inlay__hash_map_put(&r->gguf->kv_by_key, kv.key.text, kv.key.size, (uint32_t)i))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key '%.*s' occurs twice", r->name, KEY_ARGS(&kv));
    r->gguf->kv[i] = kv;
    return INLAY_OK;
}

/* ---------------------------------------------------------------- the whole */

/* What a file that does not begin with "GGUF" seems to be. */
static int32_t fail_magic(const inlay__gguf_reader *r) {
    static const struct {
        char magic[5];
        const char *what;
    } known[] = {
        {"FUGG", "is big-endian GGUF, and only little-endian GGUF is supported"},
        {"lmgg", "is GGML from before GGUF; convert it to GGUF"},
        {"fmgg", "is GGML from before GGUF; convert it to GGUF"},
        {"tjgg", "is GGML from before GGUF; convert it to GGUF"},
        {"vers", "seems to be a Git LFS pointer in place of the model; fetch the model itself"},
    };
    for (size_t i = 0; i < INLAY__COUNT(known); i++)
        if (r->in.size >= 4 && memcmp(r->in.data, known[i].magic, 4) == 0)
            return inlay__fail(i < 4 ? INLAY_ERR_UNSUPPORTED : INLAY_ERR_FORMAT, "file '%s': %s", r->name,
                               known[i].what);
    if (r->file_size == 0) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': is empty", r->name);
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': is not a GGUF file; it does not begin with \"GGUF\"", r->name);
}

static int32_t read_header(inlay__gguf_reader *r, uint32_t *version, uint64_t *n_kv, uint64_t *n_tensors) {
    const uint8_t *magic;
    if (!inlay__cursor_bytes(&r->in, 4, &magic) || memcmp(magic, "GGUF", 4) != 0) return fail_magic(r);
    bool whole = inlay__cursor_u32(&r->in, version);
    if (whole && *version != 0 && (*version & 0xffff) == 0)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': is big-endian GGUF, and only little-endian GGUF is supported", r->name);
    if (whole && *version != 2 && *version != 3)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': has GGUF version %u; versions 2 and 3 are supported",
                           r->name, *version);
    if (!inlay__cursor_u64(&r->in, n_tensors) || !inlay__cursor_u64(&r->in, n_kv))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': ends inside the GGUF header, at %zu bytes", r->name,
                           r->file_size);

    size_t left = inlay__min_size(r->file_size, MAX_METADATA) - r->in.pos;
    if (*n_kv > left / INLAY__GGUF_MIN_KV)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': claims %llu metadata pairs, more than its %zu bytes can hold",
                           r->name, (unsigned long long)*n_kv, r->file_size);
    if (*n_tensors > (left - *n_kv * INLAY__GGUF_MIN_KV) / INLAY__GGUF_MIN_TENSOR)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': claims %llu tensors, more than its %zu bytes can hold",
                           r->name, (unsigned long long)*n_tensors, r->file_size);
    return INLAY_OK;
}

/* general.alignment, and with it where the tensor data begins after a header that ends at header_end. */
static int32_t read_alignment(inlay__gguf_reader *r, size_t header_end) {
    const inlay__gguf_kv *kv = inlay__gguf_find(r->gguf, "general.alignment");
    int64_t value = DEFAULT_ALIGNMENT;
    if (kv != NULL) {
        if (kv->type != INLAY__GGUF_U32 || kv->is_array)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key 'general.alignment' is %s%s, where a u32 is expected",
                               r->name, kv->is_array ? "an array of " : "of type ", inlay__gguf_type_name(kv->type));
        inlay__gguf_i64(kv, 0, &value);
        if (value < 1 || value > INLAY__GGUF_MAX_ALIGNMENT || (value & (value - 1)) != 0)
            return inlay__fail(
                INLAY_ERR_FORMAT,
                "file '%s': key 'general.alignment' is %lld, where a power of two from 1 to %d is expected", r->name,
                (long long)value, INLAY__GGUF_MAX_ALIGNMENT);
    }
    r->alignment = (uint32_t)value;
    r->data_start = inlay__round_up(header_end, r->alignment);
    return INLAY_OK;
}

/* The version of the packed form, in a file that has it. */
static int32_t read_packed(inlay__gguf_reader *r) {
    const inlay__gguf_kv *kv = inlay__gguf_find(r->gguf, INLAY__PACKED_KEY);
    int64_t version = 0;
    if (kv == NULL) return INLAY_OK;
    if (kv->type != INLAY__GGUF_U32 || kv->is_array || !inlay__gguf_i64(kv, 0, &version) || version == 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key '%s' is no version: a single u32 of at least 1 is expected", r->name,
                           INLAY__PACKED_KEY);
    if (version != INLAY__PACKED_VERSION)
        return inlay__fail(
            INLAY_ERR_UNSUPPORTED,
            "file '%s': is packed in version %lld of that form, and this library reads version %d; pack the "
            "original anew",
            r->name, (long long)version, INLAY__PACKED_VERSION);
    r->gguf->packed = (uint32_t)version;
    return INLAY_OK;
}

static int32_t walk(inlay__gguf_reader *r, size_t n_kv, size_t n_tensors, size_t header_end) {
    for (size_t i = 0; i < n_kv; i++)
        INLAY__TRY(read_kv(r, i));
    if (r->fill) {
        INLAY__TRY(read_alignment(r, header_end));
        INLAY__TRY(read_packed(r));
    }
    for (size_t i = 0; i < n_tensors; i++)
        INLAY__TRY(inlay__gguf_read_tensor(r, i));
    return INLAY_OK;
}

static int32_t reserve(const inlay__gguf_reader *r, size_t n_kv, size_t n_tensors) {
    inlay__gguf *gguf = r->gguf;
    uint64_t need = (uint64_t)n_kv * KV_COST + (uint64_t)n_tensors * TENSOR_COST;
    if (need > (uint64_t)r->file_size - inlay__min_size(r->text_used, r->file_size) + EXTRA_MEMORY)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': has %zu metadata pairs and %zu tensors, too many for a file of %zu bytes",
                           r->name, n_kv, n_tensors, r->file_size);
    gguf->kv = inlay__alloc_array(gguf->sys, n_kv, sizeof *gguf->kv);
    if (gguf->kv == NULL) return INLAY_ERR_MEMORY;
    gguf->n_kv = n_kv;
    gguf->tensors = inlay__alloc_array(gguf->sys, n_tensors, sizeof *gguf->tensors);
    if (gguf->tensors == NULL) return INLAY_ERR_MEMORY;
    gguf->n_tensors = n_tensors;
    gguf->text = inlay__alloc(gguf->sys, r->text_used);
    if (gguf->text == NULL) return INLAY_ERR_MEMORY;
    gguf->text_size = r->text_used;
    INLAY__TRY(inlay__hash_map_init(gguf->sys, &gguf->kv_by_key, n_kv));
    return inlay__hash_map_init(gguf->sys, &gguf->tensor_by_name, n_tensors);
}

static int32_t parse(inlay__gguf_reader *r) {
    uint64_t n_kv = 0, n_tensors = 0;
    INLAY__TRY(read_header(r, &r->gguf->version, &n_kv, &n_tensors));
    INLAY__TRY(walk(r, (size_t)n_kv, (size_t)n_tensors, 0));
    INLAY__TRY(reserve(r, (size_t)n_kv, (size_t)n_tensors));

    size_t header_end = r->in.pos;
    r->in.pos = HEADER_SIZE;
    r->text_used = 0;
    r->fill = true;
    INLAY__TRY(walk(r, (size_t)n_kv, (size_t)n_tensors, header_end));
    if (r->in.pos != header_end) return inlay__fail(INLAY_ERR_CHANGED, "file '%s': changed while it was read", r->name);
    return inlay__gguf_check_overlap(r);
}

static int32_t parse_into(const inlay__sys *sys, inlay__gguf_reader *reader, inlay__gguf *gguf) {
    inlay__gguf parsed = {.sys = sys};
    reader->gguf = &parsed;
    int32_t status = parse(reader);
    if (status != INLAY_OK) {
        inlay__gguf_free(&parsed);
        return status;
    }
    *gguf = parsed;
    return INLAY_OK;
}

int32_t inlay__gguf_parse(const inlay__sys *sys, const char *name, const uint8_t *data, size_t size,
                          inlay__gguf *gguf) {
    inlay__gguf_reader reader = {
        .name = name,
        .in = {.data = data, .size = inlay__min_size(size, MAX_METADATA), .pos = 0},
        .file_size = size,
        .data = data,
    };
    return parse_into(sys, &reader, gguf);
}

int32_t inlay__gguf_parse_head(const inlay__sys *sys, const char *name, const uint8_t *head, size_t head_size,
                               size_t file_size, inlay__gguf *gguf, size_t *wanted) {
    size_t most = inlay__min_size(file_size, MAX_METADATA);
    inlay__gguf_reader reader = {
        .name = name,
        .in = {.data = head, .size = inlay__min_size(head_size, most), .pos = 0},
        .file_size = file_size,
    };
    int32_t status = parse_into(sys, &reader, gguf);
    bool more = status != INLAY_OK && reader.ended && reader.in.size < most;
    *wanted = more ? reader.in.size + inlay__min_size(3 * reader.in.size, most - reader.in.size) : 0;
    return status;
}

void inlay__gguf_free(inlay__gguf *gguf) {
    const inlay__sys *sys = gguf->sys;
    if (sys == NULL) return;
    inlay__hash_map_free(sys, &gguf->tensor_by_name);
    inlay__hash_map_free(sys, &gguf->kv_by_key);
    inlay__free(sys, gguf->text, gguf->text_size);
    inlay__free(sys, gguf->tensors, gguf->n_tensors * sizeof *gguf->tensors);
    inlay__free(sys, gguf->kv, gguf->n_kv * sizeof *gguf->kv);
    memset(gguf, 0, sizeof *gguf);
}
