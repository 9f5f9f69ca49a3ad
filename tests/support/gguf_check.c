/* What the GGUF parser promises for any bytes. */
#include "support/gguf_check.h"

#include <stdlib.h>

#include "format/dtype.h"
#include "format/gguf.h"
#include "format/packed.h"
#include "support/accounting_sys.h"

enum { EXTRA_MEMORY = 1 << 20 };

static const char *walk_values(const inlay__gguf_kv *kv) {
    int64_t integer;
    double number;
    volatile uint8_t last = 0;
    for (uint64_t i = 0; i < kv->n_values; i++) {
        if (kv->type == INLAY__GGUF_STRING) {
            inlay__text text = inlay__gguf_string(kv, i);
            if (text.text == NULL || text.text[text.size] != '\0') return "a string does not end with a NUL";
            if (text.size > 0) last = (uint8_t)text.text[text.size - 1];
        } else if (!inlay__gguf_f64(kv, i, &number)) {
            return "a number cannot be read";
        } else if (kv->type == INLAY__GGUF_BOOL &&
                   (!inlay__gguf_i64(kv, i, &integer) || (integer != 0 && integer != 1))) {
            return "a boolean is neither 0 nor 1";
        }
    }
    (void)last;
    return NULL;
}

static const char *walk_tensor(const inlay__gguf *gguf, const inlay__tensor *t, const uint8_t *bytes, size_t size) {
    const inlay__dtype *dtype = inlay__dtype_get(t->type);
    uint64_t n = t->shape[0] * t->shape[1] * t->shape[2] * t->shape[3];
    if (dtype == NULL || t->shape[0] % dtype->block_length != 0) return "a tensor has an impossible type";
    if (n == 0 || n != t->n_elements || t->n_dims < 1 || t->n_dims > 4) return "a tensor has an impossible shape";
    uint64_t packed_size;
    if (t->packed &&
        (gguf->packed == 0 || !inlay__packed_size(t->type, t->shape, &packed_size) || t->size != packed_size))
        return "a packed tensor has the wrong size";
    if (!t->packed && t->size != n / dtype->block_length * dtype->block_size) return "a tensor has the wrong size";
    if (t->data < bytes || t->size > size || (uint64_t)(t->data - bytes) > size - t->size)
        return "a tensor lies outside the file";
    if (strlen(t->name.text) != t->name.size || inlay__gguf_tensor_find(gguf, t->name.text) != t)
        return "a tensor is not found";
    return NULL;
}

static const char *walk(const inlay__gguf *gguf, const uint8_t *bytes, size_t size) {
    const char *broken = NULL;
    for (size_t i = 0; i < gguf->n_kv && broken == NULL; i++) {
        const inlay__gguf_kv *kv = &gguf->kv[i];
        broken = walk_values(kv);
        if (strlen(kv->key.text) != kv->key.size || inlay__gguf_find(gguf, kv->key.text) != kv)
            broken = "a key is not found";
    }
    for (size_t i = 0; i < gguf->n_tensors && broken == NULL; i++) {
        const inlay__tensor *t = &gguf->tensors[i];
        broken = walk_tensor(gguf, t, bytes, size);
        if (i > 0 && t->data < t[-1].data + t[-1].size && t[-1].data < t->data + t->size) broken = "tensors overlap";
    }
    return broken;
}

typedef struct change {
    uint8_t *byte;
    uint8_t value;
} change;

static void make_change(void *arg) {
    const change *c = arg;
    *c->byte = c->value;
}

/* `copy` belongs to this function: it is parsed, changed on the way if `c` is given, and freed. */
static gguf_verdict check(uint8_t *copy, size_t size, change *c) {
    gguf_verdict verdict = {INLAY_OK, NULL};
    accounting a;
    inlay__gguf gguf, untouched;
    accounting_init(&a);
    if (c != NULL) a.on_alloc = make_change, a.arg = c;
    memset(&untouched, 0x77, sizeof untouched);
    gguf = untouched;
    verdict.status = inlay__gguf_parse(&a.sys, "test.gguf", copy, size, &gguf);
    if (verdict.status == INLAY_OK) {
        verdict.broken = walk(&gguf, copy, size);
        inlay__gguf_free(&gguf);
    } else {
        bool expected = verdict.status == INLAY_ERR_FORMAT || verdict.status == INLAY_ERR_UNSUPPORTED ||
                        (verdict.status == INLAY_ERR_CHANGED && c != NULL);
        if (!expected) verdict.broken = "an unexpected status";
        if (memcmp(&gguf, &untouched, sizeof gguf) != 0) verdict.broken = "the result was touched by a failed call";
        if (strncmp(inlay__error_text(), "file 'test.gguf': ", 18) != 0)
            verdict.broken = "the message does not name the file";
    }
    if (a.peak > size + EXTRA_MEMORY) verdict.broken = "it took more memory than the file's size and 1 MiB";
    if (a.live != 0 || a.n_live != 0) verdict.broken = "memory was left behind";
    free(copy);
    return verdict;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size);
    if (size > 0 && copy == NULL) exit(2);
    if (size > 0) memcpy(copy, bytes, size);
    return copy;
}

gguf_verdict gguf_check(const uint8_t *bytes, size_t size) { return check(copy_of(bytes, size), size, NULL); }

gguf_verdict gguf_check_changing(const uint8_t *bytes, size_t size, size_t at, uint8_t value) {
    uint8_t *copy = copy_of(bytes, size);
    change c = {copy + at, value};
    return check(copy, size, &c);
}
