/* Encoding many texts on several threads. */
#include <stdatomic.h>

#include "base/pool.h"
#include "tokenizer/encoder.h"
#include "tokenizer/tokenizer.h"

typedef struct batch {
    const inlay__tokenizer *tokenizer;
    const char *const *texts;
    const size_t *sizes; /* NULL: the texts end with a NUL */
    size_t n_texts;
    int32_t flags;
    inlay__encoder *encoders; /* [n_texts] each thread's texts in its own; the results stay in them */
    int32_t *statuses;        /* [n_texts] */
    atomic_size_t next;       /* the text that is taken next */
} batch;

static size_t batch_size(const batch *b, size_t i) {
    return b->sizes == NULL || b->sizes[i] == INLAY_ALL ? strlen(b->texts[i]) : b->sizes[i];
}

static void run_batch(void *arg, size_t i_thread, size_t n_threads) {
    batch *b = arg;
    (void)i_thread, (void)n_threads;
    for (size_t i; (i = atomic_fetch_add(&b->next, 1)) < b->n_texts;) {
        inlay__encoder *encoder = &b->encoders[i];
        b->statuses[i] = inlay__tokenizer_run(b->tokenizer, encoder, b->texts[i], batch_size(b, i), b->flags);
        inlay__encoder_free_scratch(encoder);
    }
}

/* Joins the results, or tells of the first text that failed; on the caller's thread, whose error text it is. */
static int32_t gather_batch(batch *b, int32_t *tokens, size_t capacity, size_t *starts) {
    size_t total = 0;
    for (size_t i = 0; i < b->n_texts; i++) {
        if (b->statuses[i] != INLAY_OK) {
            inlay__encoder again = {0}; /* for its words */
            int32_t status = inlay__tokenizer_run(b->tokenizer, &again, b->texts[i], batch_size(b, i), b->flags);
            inlay__encoder_free(&again);
            if (status != INLAY_OK) return status;
            return inlay__fail(b->statuses[i], "text %zu could not be encoded", i);
        }
        starts[i] = total;
        total += b->encoders[i].n_tokens;
    }
    starts[b->n_texts] = total;
    if (total > capacity)
        return inlay__fail(INLAY_ERR_BUFFER, "the texts have %zu tokens, and there is room for %zu", total, capacity);
    for (size_t i = 0; i < b->n_texts; i++)
        if (b->encoders[i].n_tokens > 0)
            memcpy(tokens + starts[i], b->encoders[i].tokens, b->encoders[i].n_tokens * sizeof *tokens);
    return INLAY_OK;
}

int32_t inlay__tokenizer_encode_batch(const inlay__tokenizer *tokenizer, const inlay__sys *sys,
                                      const char *const *texts, const size_t *sizes, size_t n_texts, int32_t flags,
                                      size_t n_threads, int32_t *tokens, size_t capacity, size_t *starts) {
    batch b = {.tokenizer = tokenizer, .texts = texts, .sizes = sizes, .n_texts = n_texts, .flags = flags};
    inlay__pool *pool = NULL;
    atomic_init(&b.next, 0);
    b.encoders = inlay__alloc_array(sys, n_texts, sizeof *b.encoders);
    b.statuses = inlay__alloc_array(sys, n_texts, sizeof *b.statuses);
    int32_t status = b.encoders != NULL && b.statuses != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    /* The caller's functions run on its own thread alone. */
    bool alone = sys->alloc != inlay__sys_default.alloc;
    n_threads = alone ? 1 : inlay__max_size(inlay__min_size(n_threads, n_texts), 1);
    if (status == INLAY_OK) status = inlay__pool_new(sys, n_threads, &pool);
    if (status == INLAY_OK) status = inlay__pool_run(pool, run_batch, &b);
    if (status == INLAY_OK) status = gather_batch(&b, tokens, capacity, starts);
    inlay__pool_free(pool);
    for (size_t i = 0; i < n_texts && b.encoders != NULL; i++)
        if (b.encoders[i].sys != NULL) inlay__encoder_free(&b.encoders[i]);
    inlay__free(sys, b.encoders, n_texts * sizeof *b.encoders);
    inlay__free(sys, b.statuses, n_texts * sizeof *b.statuses);
    return status;
}
