/* Texts that are kept: found by their beginnings, replaced by age. */
#include "model/kept.h"

#include "model/window.h"

/* Those that are kept stand behind the caller's sequences. */
static inlay__sequence *kept_of(const inlay__decoder *d) { return d->sequences + d->config.n_sequences; }

/* Tokens at the beginning that are the same, of those that the sequence knows. */
static size_t common(const inlay__sequence *s, const int32_t *tokens, size_t n) {
    size_t same = 0;
    n = inlay__min_size(n, s->n_known);
    while (same < n && s->history[same] == tokens[same]) same++;
    return same;
}

/* Tokens from which on a text that begins like `tokens` [n] can go on. */
static size_t usable(const inlay__decoder *d, const inlay__sequence *s, size_t n_prefix, const int32_t *tokens,
                     size_t n) {
    size_t same = common(s, tokens, n);
    if (s->n_prefix != n_prefix || same < n_prefix || !inlay__window_reaches(d, s, same)) return 0;
    return d->model->n_state == 0 || same == s->length ? same : 0;
}

/* ------------------------------------------------------------------- keeping */

static void drop(inlay__decoder *d, inlay__sequence *kept) {
    inlay__window_cut(d, kept, 0);
    kept->length = kept->n_known = kept->n_prefix = 0;
    kept->last_used = 0;
}

static void touch(inlay__decoder *d, inlay__sequence *kept) { kept->last_used = ++d->n_uses; }

/* `to`, which is empty, becomes the first n tokens of `from`. */
static void copy(inlay__decoder *d, const inlay__sequence *from, size_t n, inlay__sequence *to) {
    inlay__window_share(d, from, n, to);
    memcpy(to->history, from->history, n * sizeof *to->history);
    memcpy(to->state[0], from->state[0], d->model->n_state * sizeof *to->state[0]);
    to->length = to->n_known = n;
    to->n_prefix = from->n_prefix;
}

/* Whether texts can be gone on with from their end alone, or from little before it. */
static bool goes_forward(const inlay__decoder *d) { return d->model->n_state > 0 || d->leaves; }

/* The one that has what n tokens of the sequence are: it has them all or, where one can go on from any token, they
 * have all of it. NULL: none. */
static inlay__sequence *find_same(const inlay__decoder *d, const inlay__sequence *s, size_t n) {
    inlay__sequence *kept = kept_of(d);
    for (size_t i = 0; i < d->config.n_kept; i++) {
        size_t same = common(&kept[i], s->history, n);
        if (kept[i].last_used == 0 || kept[i].n_prefix != s->n_prefix) continue;
        if (goes_forward(d) ? same == n && kept[i].length == n : same == inlay__min_size(n, kept[i].length))
            return &kept[i];
    }
    return NULL;
}

/* One without a text, else the one whose use is the longest ago, but for one that is needed. NULL: there is no
 * other. */
static inlay__sequence *find_oldest(const inlay__decoder *d, const inlay__sequence *needed) {
    inlay__sequence *kept = kept_of(d), *oldest = NULL;
    for (size_t i = 0; i < d->config.n_kept; i++)
        if (&kept[i] != needed && (oldest == NULL || kept[i].last_used < oldest->last_used)) oldest = &kept[i];
    return oldest;
}

static void keep(inlay__decoder *d, const inlay__sequence *s, const inlay__sequence *needed) {
    size_t n = s->n_known;
    if (n == 0 || s->is_loaded || (d->model->n_state > 0 && n < s->length) || !inlay__window_reaches(d, s, n)) return;
    inlay__sequence *kept = find_same(d, s, n);
    if (kept == NULL) kept = find_oldest(d, needed);
    if (kept == NULL) return;
    if (common(kept, s->history, n) < n) {
        drop(d, kept);
        copy(d, s, n, kept);
    }
    touch(d, kept);
}

void inlay__kept_keep(inlay__decoder *d, size_t sequence) { keep(d, &d->sequences[sequence], NULL); }

/* ------------------------------------------------------------------ recalling */

/* The sequence or text with the most that is usable; the sequence itself where it has as much. */
static inlay__sequence *find_best(const inlay__decoder *d, inlay__sequence *s, const int32_t *tokens, size_t n,
                                  size_t *n_usable) {
    inlay__sequence *best = s;
    *n_usable = usable(d, s, s->n_prefix, tokens, n);
    for (size_t i = 0; i < d->config.n_sequences + d->config.n_kept; i++) {
        size_t found = usable(d, &d->sequences[i], s->n_prefix, tokens, n);
        if (found <= *n_usable || d->sequences[i].is_loaded) continue;
        *n_usable = found;
        best = &d->sequences[i];
    }
    return best;
}

/* The sequence is empty. */
static void empty(inlay__decoder *d, inlay__sequence *s) {
    inlay__window_cut(d, s, 0);
    memset(s->state[0], 0, d->model->n_state * sizeof *s->state[0]);
    s->length = s->n_known = 0;
}

size_t inlay__kept_recall(inlay__decoder *d, size_t i, const int32_t *tokens, size_t n) {
    inlay__sequence *s = &d->sequences[i];
    size_t n_usable;
    inlay__sequence *best = find_best(d, s, tokens, n - 1, &n_usable);
    if (best >= kept_of(d)) touch(d, best);
    if (best != s || n_usable < s->length) keep(d, s, best);
    if (best == s && n_usable > 0) {
        inlay__window_cut(d, s, n_usable);
        s->length = s->n_known = n_usable;
    } else {
        empty(d, s);
        if (n_usable > 0) copy(d, best, n_usable, s);
    }
    s->has_logits = false;
    return n_usable;
}

size_t inlay__kept_next_stop(const inlay__decoder *d, size_t sequence, const int32_t *tokens, size_t n, size_t done) {
    enum { WORTH = 32 }; /* tokens that a state saves at least */
    size_t most = 0;
    if (!goes_forward(d) || d->config.n_kept == 0) return n;
    for (size_t i = 0; i < d->config.n_sequences + d->config.n_kept; i++)
        if (i != sequence) most = inlay__max_size(most, common(&d->sequences[i], tokens, n - 1));
    if (most >= done + WORTH && most + WORTH <= n) return most; /* where texts part */
    return d->model->n_state > 0 && done + 1 < n ? n - 1 : n; /* where the same prompt goes on, which wants logits */
}

/* -------------------------------------------------------------------- leaving */

void inlay__kept_make_room(inlay__decoder *d, const inlay__kv_cache *cache, size_t n_pages) {
    inlay__sequence *kept = kept_of(d);
    while (cache->n_free < n_pages) {
        inlay__sequence *oldest = NULL;
        for (size_t i = 0; i < d->config.n_kept; i++)
            if (kept[i].last_used > 0 && (oldest == NULL || kept[i].last_used < oldest->last_used)) oldest = &kept[i];
        if (oldest == NULL) return;
        drop(d, oldest);
    }
}

void inlay__kept_forget(inlay__decoder *d) {
    for (size_t i = 0; i < d->config.n_kept; i++) drop(d, &kept_of(d)[i]);
}

size_t inlay__kept_count(const inlay__decoder *d) {
    size_t n = 0;
    for (size_t i = 0; i < d->config.n_kept; i++) n += kept_of(d)[i].last_used > 0;
    return n;
}
