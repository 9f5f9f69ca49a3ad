/* The texts of a vocabulary's tokens in the order of their bytes. */
#include "grammar/token_texts.h"

/* A token, and the first bytes of its text as a number. */
typedef struct item {
    uint64_t head;
    int32_t token;
} item;

static bool stands_for_text(const inlay__tokenizer *tokenizer, int32_t token) {
    int32_t no_text = INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_UNUSED | INLAY_TOKEN_END;
    return (inlay__tokenizer_token_flags(tokenizer, token) & no_text) == 0;
}

/* Lengths into starts[token + 1]. */
static int32_t measure(const inlay__tokenizer *tokenizer, inlay__token_texts *t) {
    for (size_t i = 0; i < t->n_vocab; i++) {
        size_t size = 0;
        char text[256]; /* what fits costs no error text */
        if (!stands_for_text(tokenizer, (int32_t)i)) continue;
        int32_t status = inlay__tokenizer_token_bytes(tokenizer, (int32_t)i, text, sizeof text, &size);
        if (status != INLAY_OK && status != INLAY_ERR_BUFFER) return status;
        if (size > INLAY__LONGEST_TEXT || t->n_bytes + size > UINT32_MAX)
            return inlay__fail(INLAY_ERR_UNSUPPORTED, "token %zu has %zu bytes of text, expected at most %d", i, size,
                               INLAY__LONGEST_TEXT);
        t->starts[i + 1] = (uint32_t)size;
        t->n_bytes += size;
        t->n += size > 0;
        t->longest = inlay__max_size(t->longest, size);
    }
    for (size_t i = 0; i < t->n_vocab; i++)
        t->starts[i + 1] += t->starts[i];
    return INLAY_OK;
}

static uint64_t head_of(const uint8_t *text, size_t size) {
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < size ? text[i] : 0);
    return head;
}

/* Whether a's text comes before b's; of equal ones the lower id does. */
static bool is_before(const inlay__token_texts *t, item a, item b) {
    size_t n_a, n_b;
    if (a.head != b.head) return a.head < b.head;
    const uint8_t *text_a = inlay__token_texts_of(t, a.token, &n_a), *text_b = inlay__token_texts_of(t, b.token, &n_b);
    int order = memcmp(text_a, text_b, inlay__min_size(n_a, n_b));
    if (order != 0) return order < 0;
    return n_a != n_b ? n_a < n_b : a.token < b.token;
}

static void merge(const inlay__token_texts *t, const item *a, size_t n_a, const item *b, size_t n_b, item *out) {
    const item *end_a = a + n_a, *end_b = b + n_b;
    while (a < end_a && b < end_b)
        *out++ = is_before(t, *b, *a) ? *b++ : *a++;
    while (a < end_a)
        *out++ = *a++;
    while (b < end_b)
        *out++ = *b++;
}

/* Sorted in `items` or in `others`; gives which. */
static item *sort(const inlay__token_texts *t, item *items, item *others) {
    for (size_t run = 1; run < t->n; run *= 2) {
        for (size_t i = 0; i < t->n; i += 2 * run) {
            size_t n_a = inlay__min_size(run, t->n - i), n_b = inlay__min_size(run, t->n - i - n_a);
            merge(t, items + i, n_a, items + i + n_a, n_b, others + i);
        }
        item *sorted = others;
        others = items;
        items = sorted;
    }
    return items;
}

static size_t n_shared(const inlay__token_texts *t, int32_t a, int32_t b) {
    size_t n_a, n_b, n = 0;
    const uint8_t *text_a = inlay__token_texts_of(t, a, &n_a), *text_b = inlay__token_texts_of(t, b, &n_b);
    while (n < n_a && n < n_b && text_a[n] == text_b[n])
        n++;
    return n;
}

static int32_t order(inlay__token_texts *t) {
    item *items = inlay__alloc_array(t->sys, 2 * t->n, sizeof *items);
    size_t n = 0;
    if (items == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < t->n_vocab; i++) {
        size_t size;
        const uint8_t *text = inlay__token_texts_of(t, (int32_t)i, &size);
        if (size > 0) items[n++] = (item){head_of(text, size), (int32_t)i};
    }
    const item *sorted = sort(t, items, items + t->n);
    for (size_t i = 0; i < t->n; i++) {
        t->tokens[i] = sorted[i].token;
        if (i > 0) t->shared[i] = (uint16_t)n_shared(t, t->tokens[i - 1], t->tokens[i]);
    }
    inlay__free(t->sys, items, 2 * t->n * sizeof *items);
    return INLAY_OK;
}

static int32_t make(const inlay__tokenizer *tokenizer, inlay__token_texts *t) {
    t->starts = inlay__alloc_array(t->sys, t->n_vocab + 1, sizeof *t->starts);
    if (t->starts == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(measure(tokenizer, t));
    t->tokens = inlay__alloc_array(t->sys, t->n, sizeof *t->tokens);
    t->shared = inlay__alloc_array(t->sys, t->n, sizeof *t->shared);
    t->bytes = inlay__alloc_array(t->sys, t->n_bytes, 1);
    if (t->tokens == NULL || t->shared == NULL || t->bytes == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < t->n_vocab; i++) {
        size_t size = t->starts[i + 1] - t->starts[i];
        if (size > 0)
            INLAY__TRY(inlay__tokenizer_token_bytes(tokenizer, (int32_t)i, (char *)t->bytes + t->starts[i], size,
                                                    &size));
    }
    return order(t);
}

int32_t inlay__token_texts_make(const inlay__sys *sys, const inlay__tokenizer *tokenizer, inlay__token_texts *texts) {
    *texts = (inlay__token_texts){.sys = sys, .n_vocab = inlay__tokenizer_n_vocab(tokenizer)};
    int32_t status = make(tokenizer, texts);
    if (status != INLAY_OK) inlay__token_texts_free(texts);
    return status;
}

void inlay__token_texts_free(inlay__token_texts *t) {
    if (t->sys == NULL) return;
    inlay__free(t->sys, t->bytes, t->n_bytes);
    inlay__free(t->sys, t->shared, t->n * sizeof *t->shared);
    inlay__free(t->sys, t->tokens, t->n * sizeof *t->tokens);
    inlay__free(t->sys, t->starts, (t->n_vocab + 1) * sizeof *t->starts);
    *t = (inlay__token_texts){.sys = NULL};
}
