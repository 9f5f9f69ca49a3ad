/* Memory that ends where reading on traps. */
#include "support/guard_page.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

static const uint8_t UNTOUCHED = 0xc9;

#ifdef _WIN32
static size_t page_size(void) { return 4096; }

static void *map_pages(size_t size) { return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE); }

static bool forbid_page(void *page) {
    DWORD before;
    return VirtualProtect(page, page_size(), PAGE_NOACCESS, &before);
}

static void unmap_pages(void *pages, size_t size) {
    (void)size;
    VirtualFree(pages, 0, MEM_RELEASE);
}
#else
static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void *map_pages(size_t size) {
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages != MAP_FAILED ? pages : NULL;
}

static bool forbid_page(void *page) { return mprotect(page, page_size(), PROT_NONE) == 0; }

static void unmap_pages(void *pages, size_t size) { munmap(pages, size); }
#endif

static guarded alloc_between(size_t size, int fill, bool low) {
    size_t page = page_size(), used = (size + page - 1) / page * page;
    guarded block = {NULL, NULL, used + 2 * page, size};
    block.map = map_pages(block.map_size);
    if (block.map == NULL || !forbid_page(block.map) || !forbid_page((uint8_t *)block.map + page + used)) {
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
    size_t page = page_size();
    const uint8_t *data = block->data, *begin = (uint8_t *)block->map + page, *end = begin + block->map_size - 2 * page;
    for (const uint8_t *p = begin; p < end; p++) {
        if ((p >= data && p < data + block->size) || *p == UNTOUCHED) continue;
        fprintf(stderr, "a guarded block of %zu bytes was written to at byte %td\n", block->size, p - data);
        exit(1);
    }
    unmap_pages(block->map, block->map_size);
}
