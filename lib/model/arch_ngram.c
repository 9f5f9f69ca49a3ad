/* An n-gram model with back-off [Katz 1987], whatever its probabilities were smoothed by. It has no layers: its tensors
 * are the trie of format/ngrams.h, of which every number is checked here. */
#include "base/text.h"
#include "format/ngrams.h"
#include "model/load.h"

enum { TYPE_I32 = 26, NAME_SIZE = 40 };

static int32_t fail_value(const inlay__model *m, size_t k, const char *column, size_t i, const char *expected) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor 'ngram.%zu.%s': number %zu is not %s", m->keys.name, k,
                       column, i, expected);
}

/* Numbers of 4 bytes where they stand, or copied to where they are aligned. */
static int32_t find_column(inlay__model *m, size_t k, const char *column, uint32_t type, uint64_t n,
                           const void **values) {
    char name[NAME_SIZE];
    inlay__format(name, sizeof name, "ngram.%zu.%s", k, column);
    const inlay__tensor *t = inlay__weights_find(m->weights, name);
    if (t == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is missing", m->keys.name, name);
    if (t->type != type || t->packed)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%s' is not of type %s", m->keys.name, name,
                           type == TYPE_I32 ? "I32" : "F32");
    if (t->n_dims != 1 || t->n_elements > INT32_MAX || t->n_elements != n)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': tensor '%s' has %llu elements in %u dimensions, expected %llu in one",
                           m->keys.name, name, (unsigned long long)t->n_elements, t->n_dims, (unsigned long long)n);
    m->used[t - m->weights->tensors] = true;
    *values = t->data;
    if (t->data != NULL && (uintptr_t)t->data % sizeof(float) == 0) return INLAY_OK;
    void *copy = inlay__model_alloc_raw(m, (size_t)t->size);
    if (copy == NULL) return INLAY_ERR_MEMORY;
    *values = copy;
    if (t->data == NULL) return inlay__weights_read(m->weights, t->place, copy, (size_t)t->size);
    memcpy(copy, t->data, (size_t)t->size);
    return INLAY_OK;
}

/* The numbers of a column in the size that they may have, so that no sum of them overflows. */
static int32_t find_logs(inlay__model *m, size_t k, const char *column, size_t n, float most, const float **out) {
    const void *values;
    INLAY__TRY(find_column(m, k, column, INLAY_TYPE_F32, n, &values));
    *out = values;
    for (size_t i = 0; i < n; i++)
        if (!((*out)[i] >= -INLAY__MAX_NGRAM_LOG && (*out)[i] <= most))
            return fail_value(m, k, column, i, "a logarithm in its range");
    return INLAY_OK;
}

/* How many n-grams of order k there are: those of order 1 are the vocabulary, of others where the contexts end. */
static int32_t count(inlay__model *m, inlay__ngrams *g, size_t k) {
    inlay__ngram_order *o = &g->orders[k - 1];
    if (k == 1) {
        o->n = m->hparams.n_vocab;
        return INLAY_OK;
    }
    const inlay__ngram_order *below = o - 1;
    int32_t end = below->first[below->n];
    if (end <= 0) return fail_value(m, k - 1, "first", below->n, "the number of longer n-grams");
    o->n = (size_t)end;
    return INLAY_OK;
}

/* Runs of successors, none before the last, and within each tokens that rise. */
static int32_t check_runs(const inlay__model *m, const inlay__ngrams *g, size_t k) {
    const inlay__ngram_order *o = &g->orders[k - 1], *below = o - 1;
    if (below->first[0] != 0) return fail_value(m, k - 1, "first", 0, "0");
    for (size_t i = 0; i < below->n; i++)
        if (below->first[i + 1] < below->first[i])
            return fail_value(m, k - 1, "first", i + 1, "as much as the one before");
    for (size_t i = 0; i < below->n; i++) {
        int64_t last = -1;
        for (size_t p = (size_t)below->first[i]; p < (size_t)below->first[i + 1]; last = o->tokens[p++])
            if (o->tokens[p] <= last || (uint32_t)o->tokens[p] >= m->hparams.n_vocab)
                return fail_value(m, k, "token", p, "a token above the one before that has the same context");
    }
    return INLAY_OK;
}

static int32_t load_order(inlay__model *m, inlay__ngrams *g, size_t k) {
    inlay__ngram_order *o = &g->orders[k - 1];
    const void *values;
    INLAY__TRY(count(m, g, k));
    if (k > 1) {
        INLAY__TRY(find_column(m, k, "token", TYPE_I32, o->n, &values));
        o->tokens = values;
        INLAY__TRY(check_runs(m, g, k));
    }
    INLAY__TRY(find_logs(m, k, "log_prob", o->n, 0.0f, &o->log_probs));
    if (k == g->order) return INLAY_OK;
    INLAY__TRY(find_logs(m, k, "log_backoff", o->n, INLAY__MAX_NGRAM_LOG, &o->log_backoffs));
    INLAY__TRY(find_column(m, k, "first", TYPE_I32, (uint64_t)o->n + 1, &values));
    o->first = values;
    return INLAY_OK;
}

int32_t inlay__arch_ngram_load(inlay__model *m) {
    uint32_t order = 0;
    INLAY__TRY(inlay__keys_u32(&m->keys, "order", true, 1, INLAY__MAX_NGRAM, &order));
    inlay__ngrams *g = inlay__model_alloc(m, 1, sizeof *g);
    if (g == NULL) return INLAY_ERR_MEMORY;
    g->order = order;
    for (size_t k = 1; k <= order; k++) INLAY__TRY(load_order(m, g, k));
    m->ngrams = g;
    return INLAY_OK;
}
