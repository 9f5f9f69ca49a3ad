/* GGUF's table of tensors: shapes that multiply without overflow, data that lies inside the file, each
 * byte of it in one tensor at most. */
#include "format/dtype.h"
#include "format/gguf_reader.h"
#include "format/packed.h"

/* A name as it fits into a message. */
#define NAME_ARGS(tensor) (int)inlay__min_size((tensor)->name.size, 120), (tensor)->name.text

/* Splits the number of a packed tensor into its form and its type. */
static int32_t read_form(const inlay__gguf_reader *r, inlay__tensor *t) {
    if (!inlay__packed_is_type(t->type)) return INLAY_OK;
    t->packed = true;
    t->type &= INLAY__PACKED_TYPE_MASK;
    if (r->gguf->packed != 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' is packed, but the file has no key '%s'", r->name,
                       NAME_ARGS(t), INLAY__PACKED_KEY);
}

/* Fills n_elements and size from type and shape. */
static int32_t measure(const inlay__gguf_reader *r, inlay__tensor *t) {
    uint64_t n = 1, n_rows = 1, row_size;
    for (uint32_t d = 0; d < 4; d++) {
        if (t->shape[d] == 0)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' has dimension %u of size 0", r->name,
                               NAME_ARGS(t), d);
        if (!inlay__mul_u64(n, t->shape[d], &n) || n > INT64_MAX)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' has more elements than 64 bits can count",
                               r->name, NAME_ARGS(t));
        if (d > 0) n_rows *= t->shape[d]; /* at most n */
    }
    INLAY__TRY(read_form(r, t));
    const inlay__dtype *dtype = inlay__dtype_get(t->type);
    if (!inlay__dtype_in_files(t->type))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': tensor '%.*s' has type %u (%s), which GGUF does not define today", r->name,
                           NAME_ARGS(t), t->type, inlay__dtype_any_name(t->type));
    if (t->shape[0] % dtype->block_length != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': tensor '%.*s' has rows of %llu elements, no multiple of the %u of a %s block",
                           r->name, NAME_ARGS(t), (unsigned long long)t->shape[0], dtype->block_length, dtype->name);
    if (t->packed && !inlay__packed_has(t->type))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' is packed, which type %s cannot be", r->name,
                           NAME_ARGS(t), dtype->name);
    bool fits = t->packed ? inlay__packed_size(t->type, t->shape, &t->size)
                          : inlay__dtype_row_size(t->type, t->shape[0], &row_size) &&
                                inlay__mul_u64(row_size, n_rows, &t->size);
    if (!fits)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' has more bytes than 64 bits can count", r->name,
                           NAME_ARGS(t));
    t->n_elements = n;
    return INLAY_OK;
}

/* Finds the data in the file. */
static int32_t place(const inlay__gguf_reader *r, inlay__tensor *t, uint64_t offset) {
    if (offset % r->alignment != 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': tensor '%.*s' begins at offset %llu, no multiple of the alignment %u", r->name,
                           NAME_ARGS(t), (unsigned long long)offset, r->alignment);
    size_t left = r->file_size - inlay__min_size(r->data_start, r->file_size);
    if (offset > left || t->size > left - offset)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': tensor '%.*s' has %llu bytes at offset %llu, past the end of the file at %zu; "
                           "the file is cut or damaged",
                           r->name, NAME_ARGS(t), (unsigned long long)t->size, (unsigned long long)offset, left);
    t->place = r->data_start + offset;
    t->data = r->data != NULL ? r->data + t->place : NULL;
    return INLAY_OK;
}

int32_t inlay__gguf_read_tensor(inlay__gguf_reader *r, size_t i) {
    inlay__tensor t = {.shape = {1, 1, 1, 1}};
    uint64_t offset;
    INLAY__TRY(inlay__gguf_read_name(r, "tensor", i, INLAY__GGUF_MAX_TENSOR_NAME, &t.name));
    if (!inlay__cursor_u32(&r->in, &t.n_dims)) return inlay__gguf_fail_end(r, "tensor", i);
    if (t.n_dims < 1 || t.n_dims > 4)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' has %u dimensions, where 1 to 4 are expected",
                           r->name, NAME_ARGS(&t), t.n_dims);
    for (uint32_t d = 0; d < t.n_dims; d++)
        if (!inlay__cursor_u64(&r->in, &t.shape[d])) return inlay__gguf_fail_end(r, "tensor", i);
    if (!inlay__cursor_u32(&r->in, &t.type) || !inlay__cursor_u64(&r->in, &offset))
        return inlay__gguf_fail_end(r, "tensor", i);
    if (!r->fill) return INLAY_OK;
    INLAY__TRY(measure(r, &t));
    INLAY__TRY(place(r, &t, offset));
    if (!inlay__hash_map_put(&r->gguf->tensor_by_name, t.name.text, t.name.size, (uint32_t)i))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' occurs twice", r->name, NAME_ARGS(&t));
    r->gguf->tensors[i] = t;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- overlap */

/* Restores the heap below `root`: no entry's data begins after that of the entry above it. */
static void sift_down(const inlay__tensor *tensors, uint32_t *heap, size_t root, size_t n) {
    uint32_t moved = heap[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && tensors[heap[child]].place < tensors[heap[child + 1]].place) child++;
        if (tensors[heap[child]].place <= tensors[moved].place) break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

static void sort_by_place(const inlay__tensor *tensors, uint32_t *order, size_t n) {
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n / 2; i-- > 0;)
        sift_down(tensors, order, i, n);
    for (size_t i = n; i-- > 1;) {
        uint32_t last = order[0];
        order[0] = order[i];
        order[i] = last;
        sift_down(tensors, order, 0, i);
    }
}

static int32_t check_pair(const inlay__gguf_reader *r, const inlay__tensor *a, const inlay__tensor *b) {
    if (b->place >= a->place && b->place - a->place >= a->size) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the data of tensors '%.*s' and '%.*s' overlap", r->name,
                       NAME_ARGS(a), NAME_ARGS(b));
}

int32_t inlay__gguf_check_overlap(const inlay__gguf_reader *r) {
    const inlay__tensor *t = r->gguf->tensors;
    size_t n = r->gguf->n_tensors, i = 1;
    while (i < n && t[i].place > t[i - 1].place)
        i++;
    if (i >= n) { /* in order, as writers leave them */
        for (i = 1; i < n; i++)
            INLAY__TRY(check_pair(r, &t[i - 1], &t[i]));
        return INLAY_OK;
    }
    uint32_t *order = inlay__alloc_array(r->gguf->sys, n, sizeof *order);
    if (order == NULL) return INLAY_ERR_MEMORY;
    sort_by_place(t, order, n);
    int32_t status = INLAY_OK;
    for (i = 1; i < n && status == INLAY_OK; i++)
        status = check_pair(r, &t[order[i - 1]], &t[order[i]]);
    inlay__free(r->gguf->sys, order, n * sizeof *order);
    return status;
}
