/* Generators: items that are read once. What map, select and their kin give is made item by item, as Python makes it: a
 * wrong argument is an error only when somebody reads, and only if there is something to read. */
#include "functions.h"

enum { MAX_WITHIN = 16 }; /* generators that read generators */

static int32_t new_generator(inlay__machine *m, inlay__generator made, inlay__value *result) {
    inlay__generator *generator = inlay__heap_take(&m->heap, sizeof *generator);
    if (generator == NULL) return inlay__no_memory(m);
    *generator = made;
    *result = (inlay__value){.kind = INLAY__V_GENERATOR, .of.generator = generator};
    return INLAY_OK;
}

int32_t inlay__generator_new(inlay__machine *m, const inlay__list *list, inlay__value *result) {
    return new_generator(m, (inlay__generator){.list = list}, result);
}

static int32_t copy_values(inlay__machine *m, const inlay__value *values, size_t n, const inlay__value **copy) {
    inlay__value *items = inlay__heap_take_array(&m->heap, n, sizeof *items);
    if (items == NULL) return inlay__no_memory(m);
    if (n > 0) memcpy(items, values, n * sizeof *items);
    *copy = items;
    return INLAY_OK;
}

int32_t inlay__generator_lazy(inlay__machine *m, const inlay__value *source, const inlay__arguments *args,
                              inlay__make_item make, int32_t kind, inlay__value *result) {
    inlay__generator made = {.source = *source, .make = make, .kind = kind, .n = args->n, .n_named = args->n_named};
    INLAY__TRY(copy_values(m, args->positional, args->n, &made.positional)); /* they stand on the machine's stack */
    INLAY__TRY(copy_values(m, args->named, 2 * args->n_named, &made.named));
    return new_generator(m, made, result);
}

/* Before the first item. What is false has no items, whatever it is and whatever the arguments are. */
static int32_t begin(inlay__machine *m, inlay__generator *g) {
    static const inlay__list none = {.items = NULL};
    bool keep;
    g->list = &none;
    if (!inlay__value_is_true(&g->source)) return INLAY_OK;
    INLAY__TRY(g->make(m, g, NULL, NULL, &keep));
    if (g->source.kind == INLAY__V_GENERATOR) g->from = g->source.of.generator;
    return g->from != NULL ? INLAY_OK : inlay__items_of(m, &g->source, &g->list);
}

static int32_t next(inlay__machine *m, inlay__generator *g, inlay__value *item, bool *there) {
    if (g->list == NULL) INLAY__TRY(begin(m, g));
    for (bool keep = false; !keep;) {
        inlay__value made;
        if (g->from != NULL)
            INLAY__TRY(inlay__generator_next(m, g->from, item, there));
        else if ((*there = g->next < g->list->n))
            *item = g->list->items[g->next++];
        if (!*there || g->make == NULL) return INLAY_OK;
        INLAY__TRY(inlay__charge(m, 1));
        INLAY__TRY(g->make(m, g, item, &made, &keep));
        *item = made;
    }
    return INLAY_OK;
}

int32_t inlay__generator_next(inlay__machine *m, inlay__generator *g, inlay__value *item, bool *there) {
    if (m->n_generators == MAX_WITHIN)
        return inlay__fail(INLAY_ERR_TEMPLATE, "more than %d generators read one another", MAX_WITHIN);
    m->n_generators++;
    int32_t status = next(m, g, item, there);
    m->n_generators--;
    return status;
}

/* All that is left, one after another. */
static int32_t make_all(inlay__machine *m, inlay__generator *g, inlay__list *list) {
    size_t capacity = 0;
    for (;;) {
        inlay__value item;
        bool there = false;
        INLAY__TRY(inlay__generator_next(m, g, &item, &there));
        if (!there) return INLAY_OK;
        if (list->n == capacity) {
            size_t larger = inlay__max_size(8, 2 * capacity);
            inlay__value *items = inlay__heap_take_array(&m->heap, larger, sizeof *items);
            if (items == NULL) return inlay__no_memory(m);
            if (list->n > 0) memcpy(items, list->items, list->n * sizeof *items);
            list->items = items;
            capacity = larger;
        }
        list->items[list->n++] = item;
    }
}

int32_t inlay__generator_rest(inlay__machine *m, inlay__generator *g, const inlay__list **items) {
    inlay__list *list = inlay__heap_take(&m->heap, sizeof *list);
    if (list == NULL) return inlay__no_memory(m);
    *list = (inlay__list){.items = NULL};
    *items = list;
    if (g->make != NULL) return make_all(m, g, list);
    if (g->next < g->list->n) *list = (inlay__list){.items = g->list->items + g->next, .n = g->list->n - g->next};
    g->next = g->list->n;
    return INLAY_OK;
}
