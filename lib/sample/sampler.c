/* From logits to a token; sampler.h says by what rules. */
#include "kernels/math.h"
#include "sample/sampler.h"

void inlay__sampler_init(inlay__sampler *sampler, const inlay__kernels *kernels, const inlay__sampler_config *config,
                         const inlay__sampler_scratch *scratch) {
    *sampler = (inlay__sampler){.kernels = kernels, .config = *config, .candidates = scratch->candidates,
                                .weights = scratch->weights, .n_vocab = scratch->n_vocab};
    inlay__rng_seed(&sampler->rng, config->seed);
}

/* Whether a stands before b in descending order. */
static bool before(const inlay__candidate *a, const inlay__candidate *b) {
    return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

static void swap(inlay__candidate *a, inlay__candidate *b) {
    inlay__candidate c = *a;
    *a = *b;
    *b = c;
}

/* Restores a heap whose root may be out of place. At the root is the candidate that stands first, or the one that
 * stands last. */
static void sift_down(inlay__candidate *heap, size_t root, size_t n, bool first) {
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= n) return;
        if (child + 1 < n && before(&heap[child + 1], &heap[child]) == first) child++;
        if (before(&heap[child], &heap[root]) != first) return;
        swap(&heap[root], &heap[child]);
        root = child;
    }
}

/* Puts the k first of n candidates to the front, in order: O(n log k). */
static void sort_first(inlay__candidate *c, size_t n, size_t k) {
    for (size_t i = k / 2; i-- > 0;) sift_down(c, i, k, false);
    for (size_t i = k; i < n; i++) {
        if (!before(&c[i], &c[0])) continue;
        swap(&c[i], &c[0]);
        sift_down(c, 0, k, false);
    }
    for (size_t end = k; end > 1; end--) {
        swap(&c[0], &c[end - 1]);
        sift_down(c, 0, end - 1, false);
    }
}

/* Order is kept. */
static size_t keep_min_p(inlay__candidate *c, size_t n, float min_p) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (c[i].p >= min_p) c[kept++] = c[i]; /* the greatest's p is 1 */
    return kept;
}

/* Takes candidates in descending order until they reach top_p of all, without sorting the rest: a heap with the
 * greatest at its root gives them one by one, from the end of the array backwards. */
static size_t keep_top_p(inlay__candidate *c, size_t n, float top_p) {
    float total = 0.0f, sum = 0.0f;
    for (size_t i = 0; i < n; i++) total += c[i].p;
    float enough = top_p * total;
    size_t left = n;
    for (size_t i = n / 2; i-- > 0;) sift_down(c, i, n, true);
    do {
        sum += c[0].p;
        swap(&c[0], &c[--left]);
        sift_down(c, 0, left, true);
    } while (left > 0 && sum < enough);
    size_t kept = n - left;
    for (size_t i = 0; i < kept / 2; i++) swap(&c[left + i], &c[n - 1 - i]);
    memmove(c, c + left, kept * sizeof *c);
    return kept;
}

/* Where a random number in [0, 1) times the sum of p falls. */
typedef struct draw {
    float at, sum;
    int32_t id;
} draw;

/* Looks at the next weight; true when the draw is decided. The last one that weighs anything takes what rounding left. */
static bool draw_next(draw *d, int32_t id, float p) {
    if (p == 0.0f) return false;
    d->id = id;
    d->sum += p;
    return d->sum > d->at;
}

static int32_t draw_candidate(inlay__sampler *s, inlay__candidate *c, size_t n, float greatest) {
    float total = 0.0f;
    for (size_t i = 0; i < n; i++) {
        c[i].p = inlay__exp((c[i].logit - greatest) / s->config.temperature);
        total += c[i].p;
    }
    draw d = {.at = inlay__rng_f32(&s->rng) * total};
    for (size_t i = 0; i < n && !draw_next(&d, c[i].id, c[i].p); i++) continue;
    return d.id;
}

static int32_t draw_token(inlay__sampler *s, const float *logits, float greatest) {
    float total = 0.0f;
    s->kernels->weigh(logits, greatest, s->config.temperature, s->n_vocab, s->weights);
    for (size_t i = 0; i < s->n_vocab; i++) total += s->weights[i];
    draw d = {.at = inlay__rng_f32(&s->rng) * total};
    for (size_t i = 0; i < s->n_vocab && !draw_next(&d, (int32_t)i, s->weights[i]); i++) continue;
    return d.id;
}

/* The greatest logit's id (lowest among equals); INLAY_ERR_NUMERIC when there is none to choose. */
static int32_t find_greatest(const float *logits, size_t n, size_t *greatest) {
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = inlay__f32_bits(logits[i]);
        if (bits == 0xff800000) continue;
        if ((bits & 0x7f800000) == 0x7f800000)
            return inlay__fail(INLAY_ERR_NUMERIC, "the logit of token %zu is not a number or infinite", i);
        if (best == n || logits[i] > logits[best]) best = i;
    }
    if (best == n) return inlay__fail(INLAY_ERR_NUMERIC, "every token's logit is minus infinity: nothing to choose");
    *greatest = best;
    return INLAY_OK;
}

/* Applies top-k, min-p and top-p; returns how many candidates are left, at least one. */
static size_t keep_candidates(inlay__sampler *s, const float *logits, float greatest) {
    const inlay__sampler_config *config = &s->config;
    inlay__candidate *c = s->candidates;
    size_t n = 0;
    s->kernels->weigh(logits, greatest, 1.0f, s->n_vocab, s->weights);
    for (size_t i = 0; i < s->n_vocab; i++)
        if (inlay__f32_bits(logits[i]) != 0xff800000) c[n++] = (inlay__candidate){(int32_t)i, logits[i], s->weights[i]};
    if (config->top_k > 0) {
        size_t k = inlay__min_size((size_t)config->top_k, n);
        sort_first(c, n, k);
        n = k;
    }
    n = keep_min_p(c, n, config->min_p);
    return config->top_p < 1.0f ? keep_top_p(c, n, config->top_p) : n;
}

int32_t inlay__sampler_choose(inlay__sampler *s, const float *logits, int32_t *token) {
    const inlay__sampler_config *config = &s->config;
    size_t best = 0;
    INLAY__TRY(find_greatest(logits, s->n_vocab, &best));
    if (config->temperature == 0.0f)
        *token = (int32_t)best;
    else if (config->top_k == 0 && config->min_p == 0.0f && config->top_p == 1.0f)
        *token = draw_token(s, logits, logits[best]);
    else
        *token = draw_candidate(s, s->candidates, keep_candidates(s, logits, logits[best]), logits[best]);
    return INLAY_OK;
}
