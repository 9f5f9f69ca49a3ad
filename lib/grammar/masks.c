/* Which tokens can come next. */
#include "grammar/masks.h"

/* How much one walk may do: a grammar that can be read in very many ways is refused before it takes seconds. */
#define MOST_WORK ((uint64_t)1 << 26)

/* --------------------------------------------------------------------- walking */

/* A way through the texts: roots path..path + n_good are the states after each byte of the last text, as far as it can
 * be read. */
typedef struct walk {
    inlay__reader *reader;
    size_t path, n_good;
    size_t first_end; /* the fewest bytes, at least 1, after which the text may end; SIZE_MAX: none */
    uint64_t most_work;
} walk;

static walk begin_walk(inlay__reader *r, size_t path) {
    return (walk){.reader = r, .path = path, .first_end = SIZE_MAX, .most_work = r->n_work + MOST_WORK};
}

/* Reads a text that shares its first bytes with the last one. Whether all of it can be read is n_good == size. */
static int32_t read_text(walk *w, const uint8_t *text, size_t size, size_t shared) {
    inlay__reader *r = w->reader;
    if (shared > w->n_good) return INLAY_OK; /* and so it stops where the last one did */
    w->n_good = shared;
    if (w->first_end > shared) w->first_end = SIZE_MAX;
    while (w->n_good < size) {
        size_t root = w->path + w->n_good;
        INLAY__TRY(inlay__reader_step(r, root, text[w->n_good], root + 1));
        if (inlay__reader_is_dead(r, root + 1)) break;
        w->n_good++;
        if (w->first_end == SIZE_MAX && inlay__reader_ends(r, root + 1)) w->first_end = w->n_good;
    }
    if (r->n_work > w->most_work)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the grammar can read the tokens here in too many ways");
    return INLAY_OK;
}

int32_t inlay__mask_walk(const inlay__token_texts *texts, inlay__reader *r, size_t path, uint64_t *allowed,
                         uint64_t *open) {
    walk w = begin_walk(r, path);
    for (size_t i = 0; i < texts->n; i++) {
        size_t size;
        const uint8_t *text = inlay__token_texts_of(texts, texts->tokens[i], &size);
        INLAY__TRY(read_text(&w, text, size, i > 0 ? texts->shared[i] : 0));
        if (w.n_good == size)
            inlay__mask_put(allowed, (size_t)texts->tokens[i]);
        else if (w.first_end != SIZE_MAX)
            inlay__mask_put(open, i);
        else /* none that begins with what cannot be read can */
            while (i + 1 < texts->n && texts->shared[i + 1] > w.n_good)
                i++;
    }
    return INLAY_OK;
}

static size_t n_same(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b) {
    size_t n = 0;
    while (n < n_a && n < n_b && a[n] == b[n])
        n++;
    return n;
}

int32_t inlay__mask_check(const inlay__token_texts *texts, inlay__reader *r, size_t path, const uint64_t *open,
                          uint64_t *allowed) {
    walk w = begin_walk(r, path);
    const uint8_t *last = NULL;
    size_t last_size = 0, size;
    for (size_t k = 0; k < inlay__mask_words(texts); k++) {
        for (uint64_t word = open[k]; word != 0; word &= word - 1) {
            size_t i = k * 64;
            for (uint64_t bit = word; (bit & 1) == 0; bit >>= 1)
                i++;
            int32_t token = texts->tokens[i];
            if (inlay__mask_has(allowed, (size_t)token)) continue;
            const uint8_t *text = inlay__token_texts_of(texts, token, &size);
            INLAY__TRY(read_text(&w, text, size, n_same(last, last_size, text, size)));
            if (w.n_good == size) inlay__mask_put(allowed, (size_t)token);
            last = text;
            last_size = size;
        }
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------------ slots */

int32_t inlay__masks_init(inlay__masks *masks, const inlay__sys *sys, const inlay__token_texts *texts, size_t n_slots) {
    *masks = (inlay__masks){.sys = sys, .texts = texts, .n_slots = n_slots, .n_words = inlay__mask_words(texts)};
    masks->slots = inlay__alloc_array(sys, n_slots, sizeof *masks->slots);
    masks->words = inlay__alloc_array(sys, n_slots * 2 * masks->n_words, sizeof *masks->words);
    if (masks->slots == NULL || masks->words == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n_slots; i++)
        masks->slots[i].position = UINT32_MAX;
    if (pthread_mutex_init(&masks->mutex, NULL) != 0) return inlay__fail(INLAY_ERR_MEMORY, "no memory for a mutex");
    masks->has_mutex = true;
    return INLAY_OK;
}

void inlay__masks_free(inlay__masks *masks) {
    if (masks->sys == NULL) return;
    if (masks->has_mutex) pthread_mutex_destroy(&masks->mutex);
    inlay__free(masks->sys, masks->words, masks->n_slots * 2 * masks->n_words * sizeof *masks->words);
    inlay__free(masks->sys, masks->slots, masks->n_slots * sizeof *masks->slots);
    *masks = (inlay__masks){.sys = NULL};
}

static void add_words(const uint64_t *from, uint64_t *to, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] |= from[i];
}

/* The slot of a position, or the one used longest ago. */
static size_t find_slot(inlay__masks *masks, uint32_t position, bool *found) {
    size_t oldest = 0;
    *found = true;
    for (size_t i = 0; i < masks->n_slots; i++) {
        if (masks->slots[i].position == position) return i;
        if (masks->slots[i].last_use < masks->slots[oldest].last_use) oldest = i;
    }
    *found = false;
    return oldest;
}

static bool add_kept(inlay__masks *masks, uint32_t position, uint64_t *allowed, uint64_t *open) {
    bool found;
    pthread_mutex_lock(&masks->mutex);
    size_t i = find_slot(masks, position, &found);
    if (found) {
        const uint64_t *words = masks->words + i * 2 * masks->n_words;
        masks->slots[i].last_use = ++masks->n_uses;
        add_words(words, allowed, masks->n_words);
        add_words(words + masks->n_words, open, masks->n_words);
    }
    pthread_mutex_unlock(&masks->mutex);
    return found;
}

static void keep(inlay__masks *masks, uint32_t position, const uint64_t *words) {
    bool found;
    pthread_mutex_lock(&masks->mutex);
    size_t i = find_slot(masks, position, &found); /* another thread may have made it meanwhile: of the same bits */
    masks->slots[i] = (inlay__mask_slot){position, ++masks->n_uses};
    memcpy(masks->words + i * 2 * masks->n_words, words, 2 * masks->n_words * sizeof *words);
    pthread_mutex_unlock(&masks->mutex);
}

int32_t inlay__masks_add(inlay__masks *masks, inlay__reader *r, size_t path, uint32_t position, uint64_t *scratch,
                         uint64_t *allowed, uint64_t *open) {
    size_t n = masks->n_words;
    if (add_kept(masks, position, allowed, open)) return INLAY_OK;
    memset(scratch, 0, 2 * n * sizeof *scratch);
    INLAY__TRY(inlay__reader_begin_at(r, position, path));
    INLAY__TRY(inlay__mask_walk(masks->texts, r, path, scratch, scratch + n));
    keep(masks, position, scratch);
    add_words(scratch, allowed, n);
    add_words(scratch + n, open, n);
    return INLAY_OK;
}
