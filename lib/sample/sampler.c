/* From logits to a token; sampler.h says by what rules. */
#include "kernels/math.h"
#include "sample/sampler.h"

void inlay__sampler_init(inlay__sampler *sampler, const inlay__kernels *kernels, const inlay__sampler_config *config,
                         const inlay__sampler_scratch *scratch, size_t n_vocab) {
    *sampler = (inlay__sampler){.kernels = kernels, .config = *config, .scratch = *scratch, .n_vocab = n_vocab};
    inlay__rng_seed(&sampler->rng, config->seed);
}

/* Whether token a stands before b in descending order. */
static bool before(const float *logits, int32_t a, int32_t b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static void swap(int32_t *a, int32_t *b) {
    int32_t c = *a;
    *a = *b;
    *b = c;
}

/* Restores a heap whose root may be out of place. At the root is the token that stands first, or the one that stands last. */
static void sift_down(const float *logits, int32_t *heap, size_t root, size_t n, bool first) {
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= n) return;
        if (child + 1 < n && before(logits, heap[child + 1], heap[child]) == first) child++;
        if (before(logits, heap[child], heap[root]) != first) return;
        swap(&heap[root], &heap[child]);
        root = child;
    }
}

static void make_heap(const float *logits, int32_t *heap, size_t n, bool first) {
    for (size_t i = n / 2; i-- > 0;) sift_down(logits, heap, i, n, first);
}

static bool is_banned(float logit) { return inlay__f32_bits(logit) == 0xff800000; }

/* The k first tokens of all that are not banned, in order; returns how many there are. O(n log k) */
static size_t take_first(const float *logits, size_t n_vocab, size_t k, int32_t *ids) {
    size_t n = 0, id = 0;
    for (; id < n_vocab && n < k; id++)
        if (!is_banned(logits[id])) ids[n++] = (int32_t)id;
    make_heap(logits, ids, n, false);
    for (; id < n_vocab; id++) { /* what is banned, and what is equal but later, does not stand before the last */
        if (!(logits[id] > logits[ids[0]])) continue;
        ids[0] = (int32_t)id;
        sift_down(logits, ids, 0, n, false);
    }
    for (size_t end = n; end > 1; end--) {
        swap(&ids[0], &ids[end - 1]);
        sift_down(logits, ids, 0, end - 1, false);
    }
    return n;
}

/* Takes candidates in descending order until they reach top_p of all, without sorting the rest: a heap with the
 * greatest at its root gives them one by one, from the end of the array backwards. */
static size_t keep_top_p(const inlay__sampler_scratch *scratch, const float *logits, size_t n, float top_p) {
    int32_t *ids = scratch->ids;
    float total = 0.0f, sum = 0.0f;
    for (size_t i = 0; i < n; i++) total += scratch->weights[ids[i]];
    float enough = top_p * total;
    size_t left = n;
    make_heap(logits, ids, n, true);
    do {
        sum += scratch->weights[ids[0]];
        swap(&ids[0], &ids[--left]);
        sift_down(logits, ids, 0, left, true);
    } while (left > 0 && sum < enough);
    size_t kept = n - left;
    for (size_t i = 0; i < kept / 2; i++) swap(&ids[left + i], &ids[n - 1 - i]);
    memmove(ids, ids + left, kept * sizeof *ids);
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

static int32_t draw_candidate(inlay__sampler *s, const float *logits, size_t n, float greatest) {
    const int32_t *ids = s->scratch.ids;
    float total = 0.0f, *weights = s->scratch.weights;
    for (size_t i = 0; i < n; i++) {
        weights[ids[i]] = inlay__exp((logits[ids[i]] - greatest) / s->config.temperature);
        total += weights[ids[i]];
    }
    draw d = {.at = inlay__rng_f32(&s->rng) * total};
    for (size_t i = 0; i < n && !draw_next(&d, ids[i], weights[ids[i]]); i++) continue;
    return d.id;
}

static int32_t draw_token(inlay__sampler *s, const float *logits, float greatest) {
    float total = 0.0f, *weights = s->scratch.weights;
    s->kernels->weigh(logits, greatest, s->config.temperature, s->n_vocab, weights);
    for (size_t i = 0; i < s->n_vocab; i++) total += weights[i];
    draw d = {.at = inlay__rng_f32(&s->rng) * total};
    for (size_t i = 0; i < s->n_vocab && !draw_next(&d, (int32_t)i, weights[i]); i++) continue;
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
    int32_t *ids = s->scratch.ids;
    float *weights = s->scratch.weights;
    size_t n = 0, kept = 0;
    if (config->top_k > 0) {
        n = take_first(logits, s->n_vocab, (size_t)config->top_k, ids);
        for (size_t i = 0; i < n; i++) weights[ids[i]] = inlay__exp(logits[ids[i]] - greatest);
        for (size_t i = 0; i < n; i++)
            if (weights[ids[i]] >= config->min_p) ids[kept++] = ids[i]; /* the greatest's is 1 */
    } else {
        s->kernels->weigh(logits, greatest, 1.0f, s->n_vocab, weights);
        for (size_t id = 0; id < s->n_vocab; id++)
            if (!is_banned(logits[id]) && weights[id] >= config->min_p) ids[kept++] = (int32_t)id;
    }
    return config->top_p < 1.0f ? keep_top_p(&s->scratch, logits, kept, config->top_p) : kept;
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
        *token = draw_candidate(s, logits, keep_candidates(s, logits, logits[best]), logits[best]);
    return INLAY_OK;
}
