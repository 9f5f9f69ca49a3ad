/* Sets of characters as ranges of code points. */
#include "grammar/ranges.h"

int32_t inlay__ranges_add(inlay__ranges *r, uint32_t first, uint32_t last) {
    INLAY__TRY(inlay__grow(r->sys, (void **)&r->items, &r->capacity, r->n + 1, sizeof *r->items));
    r->items[r->n++] = (inlay__code_range){first, last};
    return INLAY_OK;
}

void inlay__ranges_free(inlay__ranges *r) {
    inlay__free(r->sys, r->items, r->capacity * sizeof *r->items);
    r->items = NULL;
    r->n = r->capacity = 0;
}

/* Moves item i of a heap of n down, whose greatest first code point is at the root. */
static void sift(inlay__code_range *items, size_t i, size_t n) {
    inlay__code_range moved = items[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && items[child + 1].first > items[child].first) child++;
        if (items[child].first <= moved.first) break;
        items[i] = items[child];
    }
    items[i] = moved;
}

void inlay__ranges_sort(inlay__ranges *r) {
    size_t n = 0;
    for (size_t i = r->n / 2; i-- > 0;)
        sift(r->items, i, r->n);
    for (size_t i = r->n; i-- > 1;) {
        inlay__code_range greatest = r->items[0];
        r->items[0] = r->items[i];
        r->items[i] = greatest;
        sift(r->items, 0, i);
    }
    for (size_t i = 0; i < r->n; i++) {
        inlay__code_range next = r->items[i];
        if (n > 0 && next.first <= r->items[n - 1].last + 1) {
            if (next.last > r->items[n - 1].last) r->items[n - 1].last = next.last;
        } else {
            r->items[n++] = next;
        }
    }
    r->n = n;
}

int32_t inlay__ranges_invert(inlay__ranges *r) {
    size_t n = 0, n_before = r->n;
    uint32_t first = 0; /* of what lies before the next range */
    INLAY__TRY(inlay__grow(r->sys, (void **)&r->items, &r->capacity, r->n + 1, sizeof *r->items));
    for (size_t i = 0; i < n_before; i++) {
        inlay__code_range next = r->items[i];
        if (next.first > first) r->items[n++] = (inlay__code_range){first, next.first - 1};
        first = next.last + 1;
    }
    if (first <= 0x10ffff) r->items[n++] = (inlay__code_range){first, 0x10ffff};
    r->n = n;
    return INLAY_OK;
}
