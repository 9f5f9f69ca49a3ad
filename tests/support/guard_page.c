/* Memory that ends where reading on traps. */
#include "support/guard_page.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint8_t UNTOUCHED = 0xc9;

static guarded alloc_between(size_t size, int fill, bool low) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (size + page - 1) / page * page;
    guarded block = {NULL, NULL, used + 2 * page, size};
    block.map = mmap(NULL, block.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block.map == MAP_FAILED || mprotect(block.map, page, PROT_NONE) != 0 ||
        mprotect((uint8_t *)block.map + page + used, page, PROT_NONE) != 0) {
        fprintf(stderr, "no memory for a guarded block\n");
        exit(1);
    }
    block.data = (uint8_t *)block.map + page + (low ? 0 : used - size);
    memset((uint8_t *)block.map + page, UNTOUCHED, used);
    memset(block.data, fill, size);
    return block;
}

guarded guard_alloc(size_t size, int fill) { return alloc_between(size, fill, false); }

guarded guard_alloc_low(size_t size, int fill) { return alloc_between(size, fill, true); }

void guard_free(guarded *block) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uint8_t *data = block->data, *begin = (uint8_t *)block->map + page, *end = begin + block->map_size - 2 * page;
    for (const uint8_t *p = begin; p < end; p++) {
        if ((p >= data && p < data + block->size) || *p == UNTOUCHED) continue;
        fprintf(stderr, "a guarded block of %zu bytes was written to at byte %td\n", block->size, p - data);
        exit(1);
    }
    munmap(block->map, block->map_size);
}
