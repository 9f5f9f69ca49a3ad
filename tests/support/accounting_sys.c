/* Counting what the library takes from its allocator. */
#include "support/accounting_sys.h"

#include <stdlib.h>

/* No machine has more, and a sanitizer would end the program. */
static const size_t MOST = sizeof(size_t) > 4 ? SIZE_MAX >> 20 : SIZE_MAX >> 2;

static void *count_alloc(void *user, size_t size, size_t alignment) {
    accounting *a = user;
    a->n_allocs++;
    if (a->on_alloc != NULL) a->on_alloc(a->arg);
    if (a->fail_at != 0 && (a->n_allocs == a->fail_at || (a->fail_after && a->n_allocs > a->fail_at))) return NULL;
    if (a->most != 0 && size > a->most - a->live) {
        a->refused = true;
        return NULL;
    }
    if (size > MOST) return NULL; /* no machine has it, and a sanitizer would end the program */
    void *memory = inlay__sys_default.alloc(NULL, size, alignment);
    if (memory == NULL) return NULL;
    memset(memory, 0xa5, size);
    a->live += size;
    a->n_live++;
    if (a->live > a->peak) a->peak = a->live;
    return memory;
}

static void count_release(void *user, void *memory, size_t size) {
    accounting *a = user;
    memset(memory, 0x5a, size);
    a->live -= size;
    a->n_live--;
    inlay__sys_default.release(NULL, memory, size);
}

void accounting_init(accounting *a) {
    memset(a, 0, sizeof *a);
    a->sys = inlay__sys_default;
    a->sys.user = a;
    a->sys.alloc = count_alloc;
    a->sys.release = count_release;
    a->sys.cpu_count = NULL; /* as many threads as a test asks for */
}
