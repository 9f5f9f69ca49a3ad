/* Parsing safetensors: the header's length, its JSON, and where each tensor's bytes are. */
#include "format/safetensors.h"

#include "base/cursor.h"
#include "base/json.h"
#include "base/text.h"

enum {
    MAX_HEADER = 100000000,  /* bytes; what the format allows */
    EXTRA_MEMORY = 1 << 20,  /* beyond the file's own size */
    MAX_NAME = 1024,
    TENSOR_COST = sizeof(inlay__safetensor) + 4 * sizeof(inlay__hash_slot) + sizeof(uint32_t)
};

static const struct {
    const char *name;
    uint32_t bits;
} types[INLAY__ST_N_TYPES] = {
    [INLAY__ST_F64] = {"F64", 64},
    [INLAY__ST_F32] = {"F32", 32},
    [INLAY__ST_F16] = {"F16", 16},
    [INLAY__ST_BF16] = {"BF16", 16},
    [INLAY__ST_F8_E4M3] = {"F8_E4M3", 8},
    [INLAY__ST_F8_E5M2] = {"F8_E5M2", 8},
    [INLAY__ST_I8] = {"I8", 8},
    [INLAY__ST_U8] = {"U8", 8},
    [INLAY__ST_I16] = {"I16", 16},
    [INLAY__ST_U16] = {"U16", 16},
    [INLAY__ST_I32] = {"I32", 32},
    [INLAY__ST_U32] = {"U32", 32},
    [INLAY__ST_I64] = {"I64", 64},
    [INLAY__ST_U64] = {"U64", 64},
    [INLAY__ST_BOOL] = {"BOOL", 8},
    [INLAY__ST_F8_E8M0] = {"F8_E8M0", 8},
    [INLAY__ST_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 8},
    [INLAY__ST_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 8},
    [INLAY__ST_F6_E2M3] = {"F6_E2M3", 6},
    [INLAY__ST_F6_E3M2] = {"F6_E3M2", 6},
    [INLAY__ST_F4] = {"F4", 4},
    [INLAY__ST_C64] = {"C64", 64},
};

const char *inlay__safetensors_type_name(inlay__safetensors_type type) { return types[type].name; }

typedef struct reader {
    const char *name; /* of the file, for messages */
    const uint8_t *data; /* [data_size] of the tensors */
    uint64_t data_size;
    inlay__json json;
    inlay__safetensors *file; /* what is being filled */
} reader;

/* A tensor's name as it fits into a message. */
#define NAME_ARGS(t) (int)inlay__min_size((t)->name.size, 120), (t)->name.text

/* -------------------------------------------------------------------- names */

/* The reader of JSON makes U+FFFD of a surrogate alone; a name that holds one could stand for another. */
static int32_t check_name(const reader *r, const char *kind, const inlay__json_node *key) {
    const char *fault = NULL;
    if (key->size == 0) fault = "is empty";
    if (key->size > MAX_NAME) fault = "has more than 1024 bytes";
    if (memchr(key->text, 0, key->size) != NULL) fault = "contains a NUL";
    if (strstr(key->text, "\xef\xbf\xbd") != NULL) fault = "contains U+FFFD, which stands for no character";
    if (fault == NULL) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the name of %s '%.*s' %s", r->name, kind,
                       (int)inlay__min_size(key->size, 120), key->text, fault);
}

/* ---------------------------------------------------------- one tensor's entry */

static int32_t fail_field(const reader *r, const inlay__safetensor *t, const char *field, const char *expected) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s': '%s' is not %s", r->name, NAME_ARGS(t), field,
                       expected);
}

/* A count: written as an integer, without a sign. */
static bool read_count(const inlay__json_node *node, uint64_t *value) {
    int64_t number;
    if (!inlay__json_i64(node, &number) || node->text[0] == '-') return false;
    *value = (uint64_t)number;
    return true;
}

static int32_t read_type(const reader *r, const inlay__json_node *node, inlay__safetensor *t) {
    if (node->kind != INLAY__JSON_STRING) return fail_field(r, t, "dtype", "a string");
    for (size_t i = 0; i < INLAY__ST_N_TYPES; i++)
        if (inlay__json_equals(node, types[i].name)) {
            t->type = (inlay__safetensors_type)i;
            return INLAY_OK;
        }
    return inlay__fail(INLAY_ERR_FORMAT,
                       "file '%s': tensor '%.*s': 'dtype' is '%.*s', which safetensors does not define", r->name,
                       NAME_ARGS(t), (int)inlay__min_size(node->size, 40), node->text);
}

static int32_t read_shape(const reader *r, const inlay__json_node *node, inlay__safetensor *t) {
    if (node->kind != INLAY__JSON_ARRAY) return fail_field(r, t, "shape", "an array");
    if (node->n_children > INLAY__SAFETENSORS_MAX_DIMS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor '%.*s' has %u dimensions, expected at most %d",
                           r->name, NAME_ARGS(t), node->n_children, INLAY__SAFETENSORS_MAX_DIMS);
    t->n_dims = node->n_children;
    const inlay__json_node *each = inlay__json_first(node);
    for (uint32_t i = 0; i < t->n_dims; i++, each = inlay__json_next(&r->json, each))
        if (!read_count(each, &t->shape[i])) return fail_field(r, t, "shape", "an array of integers from 0 below 2^63");
    return INLAY_OK;
}

static int32_t read_offsets(const reader *r, const inlay__json_node *node, inlay__safetensor *t) {
    uint64_t begin, end;
    if (node->kind != INLAY__JSON_ARRAY || node->n_children != 2)
        return fail_field(r, t, "data_offsets", "an array of two integers");
    const inlay__json_node *first = inlay__json_first(node);
    if (!read_count(first, &begin) || !read_count(inlay__json_next(&r->json, first), &end))
        return fail_field(r, t, "data_offsets", "an array of two integers from 0 below 2^63");
    if (begin > end || end > r->data_size)
        return inlay__fail(
            INLAY_ERR_FORMAT,
            "file '%s': tensor '%.*s': 'data_offsets' are %llu to %llu, where the file has %llu bytes of data", r->name,
            NAME_ARGS(t), (unsigned long long)begin, (unsigned long long)end, (unsigned long long)r->data_size);
    t->data = r->data + begin;
    t->size = end - begin;
    return INLAY_OK;
}

/* The bytes that type and shape ask for are those that the offsets give. */
static int32_t check_size(const reader *r, inlay__safetensor *t) {
    uint64_t bits;
    bool fits = true, empty = false;
    t->n_elements = 1;
    for (uint32_t i = 0; i < INLAY__SAFETENSORS_MAX_DIMS; i++) {
        if (i >= t->n_dims) t->shape[i] = 1;
        empty |= t->shape[i] == 0;
    }
    for (uint32_t i = 0; i < t->n_dims && !empty; i++)
        fits &= inlay__mul_u64(t->n_elements, t->shape[i], &t->n_elements);
    if (empty) t->n_elements = 0;
    fits &= inlay__mul_u64(t->n_elements, types[t->type].bits, &bits);
    if (!fits)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': tensor '%.*s': its shape has more elements than 64 bits can count", r->name,
                           NAME_ARGS(t));
    if (bits % 8 != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': tensor '%.*s': %llu elements of type %s do not fill whole bytes", r->name,
                           NAME_ARGS(t), (unsigned long long)t->n_elements, types[t->type].name);
    if (bits / 8 != t->size)
        return inlay__fail(
            INLAY_ERR_FORMAT,
            "file '%s': tensor '%.*s': %llu elements of type %s take %llu bytes, but its 'data_offsets' give "
            "%llu",
            r->name, NAME_ARGS(t), (unsigned long long)t->n_elements, types[t->type].name,
            (unsigned long long)(bits / 8), (unsigned long long)t->size);
    return INLAY_OK;
}

/* {"dtype": ..., "shape": ..., "data_offsets": ...}: each once, nothing else, in any order. */
static int32_t read_entry(const reader *r, const inlay__json_node *entry, inlay__safetensor *t) {
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    static int32_t (*const readers[])(const reader *, const inlay__json_node *, inlay__safetensor *) = {
        read_type, read_shape, read_offsets};
    bool seen[3] = {false, false, false};
    if (entry->kind != INLAY__JSON_OBJECT)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' is not described by an object", r->name,
                           NAME_ARGS(t));
    const inlay__json_node *key = inlay__json_first(entry);
    for (uint32_t i = 0; i < entry->n_children; i += 2) {
        const inlay__json_node *value = inlay__json_next(&r->json, key);
        size_t k = 0;
        while (k < 3 && !inlay__json_equals(key, fields[k])) k++;
        if (k == 3 || seen[k])
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s': field '%.*s' %s", r->name, NAME_ARGS(t),
                               (int)inlay__min_size(key->size, 40), key->text,
                               k == 3 ? "is not one that safetensors defines" : "occurs twice");
        seen[k] = true;
        INLAY__TRY(readers[k](r, value, t));
        key = inlay__json_next(&r->json, value);
    }
    for (size_t k = 0; k < 3; k++)
        if (!seen[k])
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s': field '%s' is missing", r->name,
                               NAME_ARGS(t), fields[k]);
    return check_size(r, t);
}

/* ------------------------------------------------------------- holes, overlap */

static bool stands_before(const inlay__safetensor *a, const inlay__safetensor *b) {
    return a->data < b->data || (a->data == b->data && a->size < b->size);
}

/* Restores the heap below `root`: no entry stands after the one above it. */
static void sift_down(const inlay__safetensor *t, uint32_t *heap, size_t root, size_t n) {
    uint32_t moved = heap[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && stands_before(&t[heap[child]], &t[heap[child + 1]])) child++;
        if (!stands_before(&t[moved], &t[heap[child]])) break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

static void sort_by_data(const inlay__safetensor *t, uint32_t *order, size_t n) {
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (size_t i = n / 2; i-- > 0;) sift_down(t, order, i, n);
    for (size_t i = n; i-- > 1;) {
        uint32_t last = order[0];
        order[0] = order[i];
        order[i] = last;
        sift_down(t, order, 0, i);
    }
}

/* From the first byte to the last each belongs to exactly one tensor. */
static int32_t check_cover(const reader *r, const uint32_t *order) {
    const uint8_t *end = r->data;
    for (size_t i = 0; i < r->file->n_tensors; i++) {
        const inlay__safetensor *t = &r->file->tensors[order[i]];
        if (t->data != end)
            return inlay__fail(
                INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' begins at byte %llu of the data, where %llu is expected%s",
                r->name, NAME_ARGS(t), (unsigned long long)(t->data - r->data), (unsigned long long)(end - r->data),
                t->data < end ? "; it overlaps another" : "; there is a hole before it");
        end = t->data + t->size;
    }
    if ((uint64_t)(end - r->data) != r->data_size)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': its tensors take %llu bytes, but it has %llu bytes of data",
                           r->name, (unsigned long long)(end - r->data), (unsigned long long)r->data_size);
    return INLAY_OK;
}

static int32_t check_places(const reader *r) {
    const inlay__sys *sys = r->file->sys;
    size_t n = r->file->n_tensors;
    uint32_t *order = inlay__alloc_array(sys, n, sizeof *order);
    if (order == NULL) return INLAY_ERR_MEMORY;
    sort_by_data(r->file->tensors, order, n);
    int32_t status = check_cover(r, order);
    inlay__free(sys, order, n * sizeof *order);
    return status;
}

/* ------------------------------------------------------------------- the whole */

/* {"key": "text", ...} without a key twice. */
static int32_t check_metadata(const reader *r, const inlay__json_node *object) {
    inlay__hash_map seen = {.slots = NULL};
    if (object->kind != INLAY__JSON_OBJECT)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': '__metadata__' is not an object", r->name);
    INLAY__TRY(inlay__hash_map_init(r->file->sys, &seen, object->n_children / 2));
    int32_t status = INLAY_OK;
    const inlay__json_node *key = inlay__json_first(object);
    for (uint32_t i = 0; i < object->n_children && status == INLAY_OK; i += 2) {
        const inlay__json_node *value = inlay__json_next(&r->json, key);
        if (value->kind != INLAY__JSON_STRING)
            status = inlay__fail(INLAY_ERR_FORMAT, "file '%s': '__metadata__': the value of '%.*s' is not a string",
                                 r->name, (int)inlay__min_size(key->size, 120), key->text);
        else if (!inlay__hash_map_put(&seen, key->text, key->size, i))
            status = inlay__fail(INLAY_ERR_FORMAT, "file '%s': '__metadata__': key '%.*s' occurs twice", r->name,
                                 (int)inlay__min_size(key->size, 120), key->text);
        key = inlay__json_next(&r->json, value);
    }
    inlay__hash_map_free(r->file->sys, &seen);
    return status;
}

static int32_t read_tensor(reader *r, const inlay__json_node *key, const inlay__json_node *value, size_t *names_used) {
    inlay__safetensors *file = r->file;
    inlay__safetensor *t = &file->tensors[file->n_tensors];
    INLAY__TRY(check_name(r, "tensor", key));
    char *name = file->names + *names_used;
    memcpy(name, key->text, key->size + 1);
    *names_used += key->size + 1;
    t->name = (inlay__text){name, key->size};
    INLAY__TRY(read_entry(r, value, t));
    if (!inlay__hash_map_put(&file->by_name, name, key->size, (uint32_t)file->n_tensors))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' occurs twice", r->name, NAME_ARGS(t));
    file->n_tensors++;
    return INLAY_OK;
}

static int32_t read_header(reader *r) {
    const inlay__json_node *root = r->json.nodes;
    size_t names_used = 0;
    bool has_metadata = false;
    const inlay__json_node *key = inlay__json_first(root);
    for (uint32_t i = 0; i < root->n_children; i += 2) {
        const inlay__json_node *value = inlay__json_next(&r->json, key);
        if (!inlay__json_equals(key, "__metadata__")) {
            INLAY__TRY(read_tensor(r, key, value, &names_used));
        } else {
            if (has_metadata) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': '__metadata__' occurs twice", r->name);
            has_metadata = true;
            INLAY__TRY(check_metadata(r, value));
        }
        key = inlay__json_next(&r->json, value);
    }
    return check_places(r);
}

static int32_t fail_bloat(const reader *r, size_t file_size) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED,
                       "file '%s': its header describes more than makes sense in a file of %zu bytes", r->name,
                       file_size);
}

/* Room for the tensors that the header describes; memory stays below the file's size and a little more. */
static int32_t reserve(reader *r, size_t n, size_t json, size_t room) {
    inlay__safetensors *file = r->file;
    size_t n_tensors = r->json.nodes[0].n_children / 2; /* __metadata__ among them, perhaps */
    if (n_tensors > (room - json) / TENSOR_COST || n > room - json - n_tensors * TENSOR_COST)
        return fail_bloat(r, room - EXTRA_MEMORY);
    file->names = inlay__alloc(file->sys, n);
    if (file->names == NULL) return INLAY_ERR_MEMORY;
    file->names_size = n;
    file->tensors = inlay__alloc_array(file->sys, n_tensors, sizeof *file->tensors);
    if (file->tensors == NULL) return INLAY_ERR_MEMORY;
    file->tensor_capacity = n_tensors;
    return inlay__hash_map_init(file->sys, &file->by_name, n_tensors);
}

/* `header` is a copy: the file's bytes may change between two looks at them. A header of many small values is refused
 * before it is read. */
static int32_t parse_header(reader *r, const char *header, size_t n, size_t file_size) {
    size_t room = file_size + EXTRA_MEMORY, json = inlay__json_memory(header, n);
    char what[256];
    if (header[0] != '{')
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': its header does not begin with '{'", r->name);
    if (json > room) return fail_bloat(r, file_size);
    inlay__format(what, sizeof what, "file '%s': header", r->name);
    INLAY__TRY(inlay__json_parse(r->file->sys, what, header, n, &r->json));
    INLAY__TRY(reserve(r, n, json, room));
    return read_header(r);
}

static int32_t copy_and_parse(reader *r, const uint8_t *header, size_t n, size_t file_size) {
    uint8_t *copy = inlay__alloc(r->file->sys, n);
    if (copy == NULL) return INLAY_ERR_MEMORY;
    memcpy(copy, header, n);
    int32_t status = parse_header(r, (const char *)copy, n, file_size);
    inlay__free(r->file->sys, copy, n);
    return status;
}

static int32_t parse(reader *r, const uint8_t *bytes, size_t size) {
    inlay__cursor in = {.data = bytes, .size = size, .pos = 0};
    uint64_t n;
    const uint8_t *header;
    if (!inlay__cursor_u64(&in, &n))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has %zu bytes, too few for a safetensors file", r->name, size);
    if (n == 0 || n > MAX_HEADER)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': its header has %llu bytes, expected 1 to %d; is it safetensors?", r->name,
                           (unsigned long long)n, MAX_HEADER);
    if (!inlay__cursor_bytes(&in, n, &header))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': its header has %llu bytes, but the file ends after %zu",
                           r->name, (unsigned long long)n, inlay__cursor_left(&in));
    r->data = bytes + in.pos;
    r->data_size = inlay__cursor_left(&in);
    return copy_and_parse(r, header, (size_t)n, size);
}

int32_t inlay__safetensors_parse(const inlay__sys *sys, const char *name, const uint8_t *data, size_t size,
                                 inlay__safetensors *file) {
    inlay__safetensors parsed = {.sys = sys};
    reader r = {.name = name, .file = &parsed};
    int32_t status = parse(&r, data, size);
    inlay__json_free(sys, &r.json);
    if (status != INLAY_OK)
        inlay__safetensors_free(&parsed);
    else
        *file = parsed;
    return status;
}

void inlay__safetensors_free(inlay__safetensors *file) {
    const inlay__sys *sys = file->sys;
    if (sys == NULL) return;
    inlay__hash_map_free(sys, &file->by_name);
    inlay__free(sys, file->tensors, file->tensor_capacity * sizeof *file->tensors);
    inlay__free(sys, file->names, file->names_size);
    memset(file, 0, sizeof *file);
}

const inlay__safetensor *inlay__safetensors_find(const inlay__safetensors *file, const char *name) {
    uint32_t i;
    return inlay__hash_map_get(&file->by_name, name, strlen(name), &i) ? &file->tensors[i] : NULL;
}
