/* Stop texts, each by the automaton of Knuth, Morris and Pratt 1977: a byte costs each of them a step or, in the mean,
 * less than two. Texts begin with a whole character, so that what is written ends with one if the answer's pieces do.
 */
#include "sample/stop.h"

static void free_text(const inlay__sys *sys, inlay__stop_text *text) {
    inlay__free(sys, text->bytes, text->size);
    inlay__free(sys, text->borders, text->size * sizeof *text->borders);
}

void inlay__stop_free(inlay__stop_set *set) {
    for (size_t i = 0; i < set->n; i++)
        free_text(set->sys, &set->texts[i]);
    inlay__free(set->sys, set->texts, set->capacity * sizeof *set->texts);
    inlay__free(set->sys, set->held, set->longest);
}

/* The bytes matched after one more; those matched before are fewer than all. */
static size_t step(const inlay__stop_text *text, size_t matched, uint8_t byte) {
    while (matched > 0 && text->bytes[matched] != byte)
        matched = text->borders[matched - 1];
    return text->bytes[matched] == byte ? matched + 1 : 0;
}

static int32_t make_text(const inlay__sys *sys, const uint8_t *bytes, size_t size, inlay__stop_text *text) {
    *text = (inlay__stop_text){.size = size};
    text->bytes = inlay__alloc(sys, size);
    text->borders = inlay__alloc_array(sys, size, sizeof *text->borders);
    if (text->bytes == NULL || text->borders == NULL) {
        free_text(sys, text);
        return INLAY_ERR_MEMORY;
    }
    memcpy(text->bytes, bytes, size);
    for (size_t i = 1; i < size; i++)
        text->borders[i] = (uint32_t)step(text, text->borders[i - 1], bytes[i]);
    return INLAY_OK;
}

static int32_t hold_more(inlay__stop_set *set, size_t longest) {
    if (longest <= set->longest) return INLAY_OK;
    uint8_t *held = inlay__alloc(set->sys, longest);
    if (held == NULL) return INLAY_ERR_MEMORY;
    if (set->n_held > 0) memcpy(held, set->held, set->n_held);
    inlay__free(set->sys, set->held, set->longest);
    set->held = held;
    set->longest = longest;
    return INLAY_OK;
}

int32_t inlay__stop_add(inlay__stop_set *set, const uint8_t *text, size_t size) {
    inlay__stop_text made;
    void *texts = set->texts;
    if (set->n == INLAY__MAX_STOPS)
        return inlay__fail(INLAY_ERR_STATE, "there are %d stop texts already, which is the most", INLAY__MAX_STOPS);
    INLAY__TRY(hold_more(set, size));
    INLAY__TRY(inlay__grow(set->sys, &texts, &set->capacity, set->n + 1, sizeof *set->texts));
    set->texts = texts;
    INLAY__TRY(make_text(set->sys, text, size, &made));
    set->texts[set->n++] = made;
    return INLAY_OK;
}

void inlay__stop_reset(inlay__stop_set *set) {
    for (size_t i = 0; i < set->n; i++)
        set->texts[i].matched = 0;
    set->n_held = set->found = 0;
}

/* Takes the byte; the size of the text that ends with it, 0: none does, and then `*longest` is what may become one. */
static size_t take(inlay__stop_set *set, uint8_t byte, size_t *longest) {
    size_t ended = 0;
    *longest = 0;
    for (size_t i = 0; i < set->n; i++) {
        inlay__stop_text *text = &set->texts[i];
        text->matched = step(text, text->matched, byte);
        *longest = inlay__max_size(*longest, text->matched);
        if (text->matched < text->size || text->size <= ended) continue;
        ended = text->size;
        set->found = i + 1;
    }
    return ended;
}

size_t inlay__stop_read(inlay__stop_set *set, const uint8_t *bytes, size_t n, uint8_t *out) {
    size_t written = 0;
    for (size_t i = 0; i < n && set->found == 0; i++) {
        size_t longest, ended = take(set, bytes[i], &longest);
        size_t kept = ended > 0 ? ended : longest, all = set->n_held + 1; /* kept <= all */
        size_t given = inlay__min_size(all - kept, set->n_held);
        if (given > 0) {
            memcpy(out + written, set->held, given);
            memmove(set->held, set->held + given, set->n_held - given);
        }
        written += given;
        set->n_held -= given;
        if (kept == 0)
            out[written++] = bytes[i];
        else if (ended == 0)
            set->held[set->n_held++] = bytes[i];
        else
            set->n_held = 0;
    }
    return written;
}

size_t inlay__stop_finish(inlay__stop_set *set, uint8_t *out) {
    size_t n = set->n_held; /* 0 once a text was found */
    if (n > 0) memcpy(out, set->held, n);
    inlay__stop_reset(set);
    return n;
}
