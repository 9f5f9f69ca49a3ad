/* The tokens among which one is chosen: listed, sorted, weighed, drawn. */
#include "sample/candidates.h"

/* -------------------------------------------------------------------- heaps */

/* Whether token a stands before b in descending order. */
static bool before(const float *keys, int32_t a, int32_t b) {
    return keys[a] > keys[b] || (keys[a] == keys[b] && a < b);
}

static void swap(int32_t *a, int32_t *b) {
    int32_t c = *a;
    *a = *b;
    *b = c;
}

/* Restores a heap whose root may be out of place. At the root is the token that stands first, or the one that stands
 * last. */
static void sift_down(const float *keys, int32_t *heap, size_t root, size_t n, bool first) {
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= n) return;
        if (child + 1 < n && before(keys, heap[child + 1], heap[child]) == first) child++;
        if (before(keys, heap[child], heap[root]) != first) return;
        swap(&heap[root], &heap[child]);
        root = child;
    }
}

static void make_heap(const float *keys, int32_t *heap, size_t n, bool first) {
    for (size_t i = n / 2; i-- > 0;)
        sift_down(keys, heap, i, n, first);
}

void inlay__candidates_heap(const float *keys, int32_t *heap, size_t n) { make_heap(keys, heap, n, true); }

void inlay__candidates_pop(const float *keys, int32_t *heap, size_t n) {
    swap(&heap[0], &heap[n - 1]);
    sift_down(keys, heap, 0, n - 1, true);
}

/* From a heap with the last at its root to descending order. */
static void sort_heap(const float *keys, int32_t *heap, size_t n) {
    for (size_t end = n; end > 1; end--) {
        swap(&heap[0], &heap[end - 1]);
        sift_down(keys, heap, 0, end - 1, false);
    }
}

/* ---------------------------------------------------------------- beginning */

/* Whether a logit is one to choose; INLAY_ERR_NUMERIC when it is neither that nor banned. */
static int32_t check_logit(float logit, size_t id, bool *counts) {
    uint32_t bits = inlay__f32_bits(logit);
    *counts = (bits & 0x7f800000) != 0x7f800000;
    if (*counts || bits == 0xff800000) return INLAY_OK;
    return inlay__fail(INLAY_ERR_NUMERIC, "the logit of token %zu is not a number or infinite", id);
}

int32_t inlay__candidates_refresh(inlay__candidates *c) {
    size_t n = c->is_listed ? c->n : c->n_vocab, kept = 0;
    bool counts;
    c->is_weighed = c->is_sorted = false;
    for (size_t i = 0; i < n; i++) {
        int32_t id = c->is_listed ? c->ids[i] : (int32_t)i;
        INLAY__TRY(check_logit(c->logits[id], (size_t)id, &counts));
        if (!counts) continue;
        if (kept == 0 || before(c->logits, id, c->best)) c->best = id;
        if (c->is_listed) c->ids[kept] = id;
        kept++;
    }
    if (kept == 0) return inlay__fail(INLAY_ERR_NUMERIC, "every token's logit is minus infinity: nothing to choose");
    if (c->is_listed) c->n = kept;
    c->greatest = c->logits[c->best];
    return INLAY_OK;
}

int32_t inlay__candidates_init(inlay__candidates *c, const inlay__kernels *kernels,
                               const inlay__sampler_scratch *scratch, const float *logits, size_t n_vocab) {
    *c = (inlay__candidates){
        .kernels = kernels, .logits = logits, .ids = scratch->ids, .weights = scratch->weights, .n_vocab = n_vocab};
    return inlay__candidates_refresh(c);
}

void inlay__candidates_list(inlay__candidates *c) {
    if (c->is_listed) return;
    c->n = 0;
    for (size_t id = 0; id < c->n_vocab; id++)
        if (!inlay__is_banned(c->logits[id])) c->ids[c->n++] = (int32_t)id;
    c->is_listed = true;
}

/* ------------------------------------------------------------------ weighing */

static void weigh(inlay__candidates *c, float temperature) {
    if (!c->is_listed || c->n > c->n_vocab / 8) { /* all at once, where that is faster than one by one: the same bits */
        c->kernels->weigh(c->logits, c->greatest, temperature, c->n_vocab, c->weights);
        return;
    }
    for (size_t i = 0; i < c->n; i++)
        c->weights[c->ids[i]] = inlay__exp((c->logits[c->ids[i]] - c->greatest) / temperature);
}

void inlay__candidates_weigh(inlay__candidates *c) {
    if (!c->is_weighed) weigh(c, 1.0f);
    c->is_weighed = true;
}

float inlay__candidates_total(const inlay__candidates *c) {
    float total = 0.0f;
    if (c->is_listed)
        for (size_t i = 0; i < c->n; i++)
            total += c->weights[c->ids[i]];
    else
        for (size_t id = 0; id < c->n_vocab; id++)
            total += c->weights[id]; /* what is banned weighs 0 */
    return total;
}

/* ------------------------------------------------------------------- sorting */

/* From a heap of n, that are those before `id`, to the n first of all. What is equal but later does not stand before
 * the last. */
static void take_rest(const float *logits, size_t n_vocab, size_t id, int32_t *ids, size_t n) {
    make_heap(logits, ids, n, false);
    for (; id < n_vocab; id++) {
        if (!(logits[id] > logits[ids[0]])) continue;
        ids[0] = (int32_t)id;
        sift_down(logits, ids, 0, n, false);
    }
    sort_heap(logits, ids, n);
}

/* The k first of all tokens that are not banned. */
static void take_first(inlay__candidates *c, size_t k) {
    size_t n = 0, id = 0;
    for (; id < c->n_vocab && n < k; id++)
        if (!inlay__is_banned(c->logits[id])) c->ids[n++] = (int32_t)id;
    take_rest(c->logits, c->n_vocab, id, c->ids, n);
    c->n = n;
    c->is_listed = c->is_sorted = true;
}

void inlay__top_tokens(const float *logits, size_t n, size_t k, int32_t *tokens) {
    if (k == 0) return;
    for (size_t i = 0; i < k; i++)
        tokens[i] = (int32_t)i;
    take_rest(logits, n, k, tokens, k);
}

void inlay__candidates_sort_first(inlay__candidates *c, size_t k) {
    inlay__candidates_list(c);
    k = inlay__min_size(k, c->n);
    if (c->is_sorted || k == 0) return;
    make_heap(c->logits, c->ids, k, false);
    for (size_t i = k; i < c->n; i++) {
        if (!before(c->logits, c->ids[i], c->ids[0])) continue;
        swap(&c->ids[i], &c->ids[0]);
        sift_down(c->logits, c->ids, 0, k, false);
    }
    sort_heap(c->logits, c->ids, k);
    c->is_sorted = k == c->n;
}

void inlay__candidates_keep_first(inlay__candidates *c, size_t k) {
    if (!c->is_listed) {
        take_first(c, k);
        return;
    }
    inlay__candidates_sort_first(c, k);
    c->n = inlay__min_size(k, c->n);
    c->is_sorted = true;
}

/* ------------------------------------------------------------------- drawing */

/* Where a random number in [0, 1) times the sum of weights falls. */
typedef struct draw {
    float at, sum;
    int32_t id;
} draw;

/* Looks at the next weight; true when the draw is decided. */
static bool draw_next(draw *d, int32_t id, float weight) {
    if (weight == 0.0f) return false;
    d->id = id;
    d->sum += weight;
    return d->sum > d->at;
}

int32_t inlay__candidates_draw(inlay__candidates *c, float temperature, inlay__rng *rng) {
    if (temperature != 1.0f || !c->is_weighed) weigh(c, temperature);
    draw d = {.at = inlay__rng_f32(rng) * inlay__candidates_total(c)};
    size_t n = c->is_listed ? c->n : c->n_vocab;
    for (size_t i = 0; i < n; i++) {
        int32_t id = c->is_listed ? c->ids[i] : (int32_t)i;
        if (draw_next(&d, id, c->weights[id])) break;
    }
    return d.id;
}
