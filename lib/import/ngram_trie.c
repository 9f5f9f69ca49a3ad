/* Sorting n-grams by context, then by token: two passes of counting, the second of which writes them into place. */
#include "import/ngram_trie.h"

#include "base/text.h"

enum { TYPE_I32 = 26, NAME_SIZE = 40 };
enum { TOKEN, LOG_PROB, LOG_BACKOFF, FIRST, N_COLUMNS };

static const struct {
    const char *name;
    uint32_t type;
} columns[N_COLUMNS] = {
    [TOKEN] = {"token", TYPE_I32},
    [LOG_PROB] = {"log_prob", INLAY_TYPE_F32},
    [LOG_BACKOFF] = {"log_backoff", INLAY_TYPE_F32},
    [FIRST] = {"first", TYPE_I32},
};

/* The first order needs no tokens, the highest is no context. */
static bool has_column(size_t k, size_t order, size_t column) {
    return column == LOG_PROB || (column == TOKEN ? k > 1 : k < order);
}

void inlay__ngram_trie_declare(inlay__ngram_trie *t, inlay__gguf_writer *w, size_t order, const size_t *n) {
    char name[NAME_SIZE];
    t->ngrams.order = order;
    for (size_t k = 1; k <= order; k++) {
        t->ngrams.orders[k - 1].n = n[k - 1];
        for (size_t column = 0; column < N_COLUMNS; column++) {
            if (!has_column(k, order, column)) continue;
            inlay__format(name, sizeof name, "ngram.%zu.%s", k, columns[column].name);
            t->places[k - 1][column] =
                inlay__gguf_put_tensor(w, name, columns[column].type, n[k - 1] + (column == FIRST));
        }
    }
}

void inlay__ngram_trie_begin(inlay__ngram_trie *t, uint8_t *data, const float *log_probs, const float *log_backoffs) {
    for (size_t k = 1; k <= t->ngrams.order; k++) {
        inlay__ngram_order *o = &t->ngrams.orders[k - 1];
        const uint64_t *places = t->places[k - 1];
        bool highest = k == t->ngrams.order;
        o->tokens = k > 1 ? (const int32_t *)(void *)(data + places[TOKEN]) : NULL;
        o->log_probs = (const float *)(void *)(data + places[LOG_PROB]);
        o->log_backoffs = highest ? NULL : (const float *)(void *)(data + places[LOG_BACKOFF]);
        o->first = highest ? NULL : (const int32_t *)(void *)(data + places[FIRST]);
    }
    const inlay__ngram_order *one = &t->ngrams.orders[0];
    memcpy((void *)(uintptr_t)one->log_probs, log_probs, one->n * sizeof *log_probs);
    if (one->log_backoffs != NULL)
        memcpy((void *)(uintptr_t)one->log_backoffs, log_backoffs, one->n * sizeof *log_backoffs);
    t->n_done = 1;
}

void inlay__ngram_trie_free(inlay__ngram_trie *t) {
    inlay__ngram_rows *r = &t->rows;
    inlay__free(t->sys, r->contexts, r->capacity * sizeof *r->contexts);
    inlay__free(t->sys, r->tokens, r->capacity * sizeof *r->tokens);
    inlay__free(t->sys, r->log_probs, r->capacity * sizeof *r->log_probs);
    inlay__free(t->sys, r->log_backoffs, r->capacity * sizeof *r->log_backoffs);
    *r = (inlay__ngram_rows){.n = 0};
}

int32_t inlay__ngram_trie_reserve(inlay__ngram_trie *t) {
    inlay__ngram_rows *r = &t->rows;
    size_t n = t->ngrams.orders[t->n_done].n;
    inlay__ngram_trie_free(t);
    r->capacity = n;
    r->contexts = inlay__alloc_array(t->sys, n, sizeof *r->contexts);
    r->tokens = inlay__alloc_array(t->sys, n, sizeof *r->tokens);
    r->log_probs = inlay__alloc_array(t->sys, n, sizeof *r->log_probs);
    r->log_backoffs = inlay__alloc_array(t->sys, n, sizeof *r->log_backoffs);
    bool ok = r->contexts != NULL && r->tokens != NULL && r->log_probs != NULL && r->log_backoffs != NULL;
    return ok ? INLAY_OK : INLAY_ERR_MEMORY;
}

void inlay__ngram_trie_add(inlay__ngram_trie *t, uint32_t context, int32_t token, float log_prob, float log_backoff) {
    inlay__ngram_rows *r = &t->rows;
    r->contexts[r->n] = context;
    r->tokens[r->n] = token;
    r->log_probs[r->n] = log_prob;
    r->log_backoffs[r->n++] = log_backoff;
}

/* starts[i]: how many keys are below i; keys are below n_keys. starts [n_keys + 1] is cleared. */
static void count_below(const uint32_t *keys, size_t n, int32_t *starts, size_t n_keys) {
    for (size_t i = 0; i < n; i++) starts[keys[i] + 1]++;
    for (size_t i = 0; i < n_keys; i++) starts[i + 1] += starts[i];
}

/* The rows by rising token. */
static int32_t sort_by_token(const inlay__ngram_trie *t, uint32_t *sorted) {
    const inlay__ngram_rows *r = &t->rows;
    size_t n_vocab = t->ngrams.orders[0].n;
    int32_t *starts = inlay__alloc_array(t->sys, n_vocab + 1, sizeof *starts);
    if (starts == NULL) return INLAY_ERR_MEMORY;
    count_below((const uint32_t *)r->tokens, r->n, starts, n_vocab);
    for (size_t i = 0; i < r->n; i++) sorted[starts[r->tokens[i]]++] = (uint32_t)i;
    inlay__free(t->sys, starts, (n_vocab + 1) * sizeof *starts);
    return INLAY_OK;
}

/* Into the tensors, context by context; `next` [contexts + 1] is where the next of each goes. */
static int32_t put_rows(const inlay__ngram_trie *t, const uint32_t *sorted, int32_t *next) {
    const inlay__ngram_rows *r = &t->rows;
    const inlay__ngram_order *to = &t->ngrams.orders[t->n_done], *below = to - 1;
    int32_t *tokens = (int32_t *)(uintptr_t)to->tokens;
    float *log_probs = (float *)(uintptr_t)to->log_probs, *log_backoffs = (float *)(uintptr_t)to->log_backoffs;
    for (size_t k = 0; k < r->n; k++) {
        size_t i = sorted[k];
        int32_t place = next[r->contexts[i]]++;
        if (place > below->first[r->contexts[i]] && tokens[place - 1] == r->tokens[i])
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': \\%zu-grams: number %zu is there twice", t->name,
                               t->n_done + 1, i + 1);
        tokens[place] = r->tokens[i];
        log_probs[place] = r->log_probs[i];
        if (log_backoffs != NULL) log_backoffs[place] = r->log_backoffs[i];
    }
    return INLAY_OK;
}

int32_t inlay__ngram_trie_place(inlay__ngram_trie *t) {
    const inlay__ngram_rows *r = &t->rows;
    const inlay__ngram_order *below = &t->ngrams.orders[t->n_done - 1];
    uint32_t *sorted = inlay__alloc_array(t->sys, r->n, sizeof *sorted);
    int32_t *next = inlay__alloc_array(t->sys, below->n + 1, sizeof *next);
    int32_t status = sorted != NULL && next != NULL ? sort_by_token(t, sorted) : INLAY_ERR_MEMORY;
    if (status == INLAY_OK) {
        count_below(r->contexts, r->n, next, below->n);
        memcpy((void *)(uintptr_t)below->first, next, (below->n + 1) * sizeof *next);
        status = put_rows(t, sorted, next);
    }
    inlay__free(t->sys, sorted, r->n * sizeof *sorted);
    inlay__free(t->sys, next, (below->n + 1) * sizeof *next);
    if (status == INLAY_OK) t->n_done++;
    return status;
}
