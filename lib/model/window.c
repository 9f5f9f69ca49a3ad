/* The pages of sequences: of layers that see all, and of layers with a window, which give back what lies behind it. */
#include "model/window.h"

#include "model/block_attention.h"
#include "model/kept.h"

enum { BLOCK = INLAY__KEY_BLOCK }; /* positions of a page, where there are several */

/* ------------------------------------------------------------------- caches */

/* What sequences can be cut back by. Those that cannot be cut at all come back from nowhere. */
static size_t rewind_of(const inlay__decoder *d) { return d->model->n_state > 0 ? 0 : d->config.n_rewind; }

/* Positions in front of the next that layers with a window keep. */
static size_t reach_of(const inlay__decoder *d) { return rewind_of(d) + d->model->hparams.n_window - 1; }

/* Pages that n positions touch wherever they stand. */
static size_t pages_touched(size_t n) { return (n + 2 * BLOCK - 2) / BLOCK; }

/* Pages that a sequence needs of such layers: where it comes back to, and where it is. 0: all of its context. */
static size_t pages_held(const inlay__decoder *d) {
    size_t window = d->model->hparams.n_window, n_context = d->config.n_context;
    if (window == 0 || rewind_of(d) >= n_context || window >= n_context) return 0;
    size_t n = pages_touched(reach_of(d)) + pages_touched(reach_of(d) + d->config.n_batch);
    return n < (n_context + BLOCK - 1) / BLOCK ? n : 0;
}

/* Every layer that keeps keys and values has its place in a cache; how many each cache has. */
static void place_layers(inlay__decoder *d, size_t *n_layers) {
    const inlay__stack *stack = &d->model->decoder;
    for (size_t i = 0; i < stack->n_layer; i++)
        for (size_t b = 0; b < stack->layers[i].n_blocks; b++) {
            const inlay__attention_weights *w = stack->layers[i].blocks[b].weights;
            if (stack->layers[i].blocks[b].kind != &inlay__attention_kind) continue;
            uint32_t cache = d->leaves && w->n_window > 0 ? INLAY__NEAR : INLAY__WHOLE;
            d->places[w->i_cache] = (inlay__layer_place){cache, (uint32_t)n_layers[cache]++, w->n_window > 0};
        }
}

int32_t inlay__window_init(inlay__decoder *d) {
    const inlay__stack *stack = &d->model->decoder;
    size_t n_layers[INLAY__N_CACHES] = {0}, n_held = pages_held(d), n_most = n_held * d->config.n_kept;
    inlay__kv_shape shape = {0, stack->n_head_kv, stack->n_head_dim, d->config.n_context, 0, d->config.n_sequences,
                             d->config.n_kept_tokens, false};
    d->leaves = n_held > 0;
    place_layers(d, n_layers);
    shape.n_layer = n_layers[INLAY__WHOLE];
    INLAY__TRY(inlay__kv_cache_init(d->sys, &shape, d->config.cache_type, &d->caches[INLAY__WHOLE]));
    if (!d->leaves) return INLAY_OK;
    shape.n_layer = n_layers[INLAY__NEAR];
    shape.n_held = n_held;
    shape.n_more = inlay__min_size(shape.n_more / BLOCK, n_most) * BLOCK;
    return inlay__kv_cache_init(d->sys, &shape, d->config.cache_type, &d->caches[INLAY__NEAR]);
}

/* ---------------------------------------------------------------- evaluation */

/* The first position that is kept in front of position n: the beginning of a page. */
static size_t first_kept(const inlay__decoder *d, size_t n) {
    size_t reach = reach_of(d);
    return n > reach ? (n - reach) / BLOCK * BLOCK : 0;
}

static void leave(inlay__decoder *d, inlay__sequence *s, size_t begin, size_t end) {
    inlay__kv_pages_leave(&d->caches[INLAY__NEAR], &s->pages[INLAY__NEAR], begin / BLOCK, end / BLOCK);
}

void inlay__window_begin(inlay__decoder *d, inlay__sequence *s) {
    s->n_leaving = 0;
    if (!d->leaves) return;
    s->n_gone = inlay__max_size(s->n_gone, first_kept(d, s->length));
    leave(d, s, 0, s->n_gone);
}

void inlay__window_extend(inlay__decoder *d, inlay__sequence *s, size_t end) {
    if (d->leaves) {
        size_t back = inlay__round_up(s->length_before, BLOCK), first = first_kept(d, s->length);
        if (first > back) leave(d, s, back, s->n_leaving = first);
    }
    for (size_t i = 0; i < INLAY__N_CACHES; i++) {
        inlay__kept_make_room(d, &d->caches[i], inlay__kv_pages_needed(&d->caches[i], &s->pages[i], s->length, end));
        inlay__kv_pages_extend(&d->caches[i], &s->pages[i], s->length, end);
    }
}

void inlay__window_commit(inlay__decoder *d, inlay__sequence *s) {
    if (s->n_leaving > 0) leave(d, s, 0, s->n_gone = s->n_leaving);
    s->n_leaving = 0;
}

void inlay__window_discard(inlay__decoder *d, inlay__sequence *s, size_t n) {
    for (size_t i = 0; i < INLAY__N_CACHES; i++) inlay__kv_pages_discard(&d->caches[i], &s->pages[i], n);
    s->n_leaving = 0;
}

/* ------------------------------------------------------------------ sequences */

bool inlay__window_reaches(const inlay__decoder *d, const inlay__sequence *s, size_t n) {
    return n == 0 || s->n_gone == 0 || n == s->length || n + 1 >= s->n_gone + d->model->hparams.n_window;
}

void inlay__window_cut(inlay__decoder *d, inlay__sequence *s, size_t n) {
    for (size_t i = 0; i < INLAY__N_CACHES; i++) inlay__kv_pages_cut(&d->caches[i], &s->pages[i], n);
    if (n > 0) return;
    s->n_gone = 0;
    s->is_loaded = false;
}

void inlay__window_share(inlay__decoder *d, const inlay__sequence *from, size_t n, inlay__sequence *to) {
    for (size_t i = 0; i < INLAY__N_CACHES; i++)
        inlay__kv_pages_share(&d->caches[i], &from->pages[i], n, &to->pages[i]);
    to->n_gone = n > 0 ? from->n_gone : 0;
    to->is_loaded = n > 0 && from->is_loaded;
}

void inlay__window_own(inlay__decoder *d, inlay__sequence *s, size_t begin, size_t end) {
    for (size_t i = 0; i < INLAY__N_CACHES; i++) {
        inlay__kept_make_room(d, &d->caches[i], inlay__kv_pages_shared(&d->caches[i], &s->pages[i], begin, end));
        inlay__kv_pages_own(&d->caches[i], &s->pages[i], begin, end);
    }
}

size_t inlay__window_load(inlay__decoder *d, inlay__sequence *s, size_t n, size_t n_gone) {
    s->length = s->length_before = 0;
    s->n_gone = d->leaves ? inlay__max_size(n_gone, first_kept(d, n)) : n_gone;
    if (d->leaves)
        for (size_t i = 0; i < s->n_gone / BLOCK; i++)
            s->pages[INLAY__NEAR].list[s->pages[INLAY__NEAR].n++] = INLAY__NO_PAGE;
    inlay__window_extend(d, s, n);
    return s->n_gone;
}
