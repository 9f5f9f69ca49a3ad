/* Memory, always from the handle's table of system calls. */
#include "base.h"

enum { DEFAULT_ALIGNMENT = 64, MAX_ALIGNMENT = 4096 };

void *inlay__alloc_aligned(const inlay__sys *sys, size_t size, size_t alignment) {
    if (alignment > MAX_ALIGNMENT) alignment = MAX_ALIGNMENT;
    void *memory = sys->alloc(sys->user, size > 0 ? size : 1, alignment);
    if (memory == NULL) inlay__fail(INLAY_ERR_MEMORY, "out of memory: the allocator refused %zu bytes", size);
    return memory;
}

void *inlay__alloc(const inlay__sys *sys, size_t size) { return inlay__alloc_aligned(sys, size, DEFAULT_ALIGNMENT); }

void *inlay__alloc_array(const inlay__sys *sys, size_t count, size_t size) {
    size_t bytes;
    if (!inlay__mul_size(count, size, &bytes)) {
        inlay__fail(INLAY_ERR_MEMORY, "out of memory: %zu elements of %zu bytes do not fit an address space", count,
                    size);
        return NULL;
    }
    void *memory = inlay__alloc(sys, bytes);
    if (memory != NULL) memset(memory, 0, bytes);
    return memory;
}

void inlay__free(const inlay__sys *sys, void *memory, size_t size) {
    if (memory != NULL) sys->release(sys->user, memory, size > 0 ? size : 1);
}

int32_t inlay__grow(const inlay__sys *sys, void **memory, size_t *capacity, size_t need, size_t size) {
    if (need <= *capacity) return INLAY_OK;
    size_t count = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : need;
    count = inlay__max_size(inlay__max_size(count, need), 16);
    size_t bytes;
    if (!inlay__mul_size(count, size, &bytes))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: %zu elements of %zu bytes do not fit an address space",
                           count, size);
    void *grown = inlay__alloc(sys, bytes);
    if (grown == NULL) return INLAY_ERR_MEMORY;
    if (*memory != NULL) memcpy(grown, *memory, *capacity * size);
    inlay__free(sys, *memory, *capacity * size);
    *memory = grown;
    *capacity = count;
    return INLAY_OK;
}

char *inlay__copy_text(const inlay__sys *sys, const char *text, size_t n) {
    char *copy = inlay__alloc(sys, n + 1);
    if (copy == NULL) return NULL;
    if (n > 0) memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}
