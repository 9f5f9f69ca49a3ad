/* Memory that ends where reading on traps. */
#include "support/guard_page.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

guarded guard_alloc(size_t size, int fill) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (size + page - 1) / page * page;
    guarded block = {NULL, NULL, used + page};
    block.map = mmap(NULL, block.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block.map == MAP_FAILED || mprotect((uint8_t *)block.map + used, page, PROT_NONE) != 0) {
        fprintf(stderr, "no memory for a guarded block\n");
        exit(1);
    }
    block.data = (uint8_t *)block.map + used - size;
    memset(block.data, fill, size);
    return block;
}

void guard_free(guarded *block) { munmap(block->map, block->map_size); }
