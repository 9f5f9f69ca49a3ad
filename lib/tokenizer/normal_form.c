/* Normal forms: decomposing, ordering and composing, one starter with its marks after the other. */
#include "tokenizer/normal_form.h"

#include "base/utf8.h"
#include "tokenizer/characters.h"

/* Hangul syllables are computed (Unicode 3.12). */
enum {
    HANGUL = 0xAC00, LEADING = 0x1100, VOWEL = 0x1161, TRAILING = 0x11A7, N_LEADING = 19, N_VOWEL = 21, N_TRAILING = 28,
    N_HANGUL = N_LEADING * N_VOWEL * N_TRAILING
};

/* A character between steps; `combining` is its class. */
typedef struct mark {
    uint32_t code;
    uint32_t combining;
    inlay__span origin;
} mark;

/* Characters from the last starter on; before it all is settled. Without composing a starter settles what is before. */
typedef struct work {
    const inlay__sys *sys;
    inlay__passage *out;
    bool compose;
    mark *marks; /* [n] */
    mark *spare; /* [n] for sorting */
    size_t n, capacity, spare_capacity;
} work;

/* ----------------------------------------------------------------- tables */

/* Where the canonical decomposition of a character is that has another compatible one. */
static size_t canonical_other(uint32_t code, const uint8_t **text) {
    for (size_t i = 0; i < inlay__canonical_others_count; i++) {
        const inlay__canonical_other *other = &inlay__canonical_others[i];
        if (other->code != code) continue;
        *text = inlay__decomposition_pool + other->start;
        return other->size;
    }
    return 0;
}

/* The full decomposition of a character, UTF-8 at *text; 0 for characters that have none, and Hangul. */
static size_t decomposition(bool compatible, uint32_t code, const uint8_t **text) {
    if (code < 0xA0 || (code >= 0x3400 && code < 0xA69C)) return 0; /* ASCII and ideographs */
    size_t low = 0, high = inlay__decomposition_runs_count;
    while (low < high) { /* the first run that begins after the code */
        size_t middle = (low + high) / 2;
        if (inlay__decomposition_runs[middle].first <= code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return 0;
    const inlay__decomposition_run *run = &inlay__decomposition_runs[low - 1];
    if (code - run->first >= run->count) return 0;
    size_t entry = run->entry + (code - run->first);
    if (!compatible && (inlay__decomposition_sizes[entry] & 0x80) == 0) return canonical_other(code, text);
    *text = inlay__decomposition_pool + inlay__decomposition_starts[entry];
    return inlay__decomposition_sizes[entry] & 0x7F;
}

static uint32_t pair_key(size_t i) { return (uint32_t)inlay__compositions[i][0] << 16 | inlay__compositions[i][1]; }

/* What two characters compose to; 0 for nothing. */
static uint32_t composition(uint32_t first, uint32_t second) {
    if (first >= LEADING && first < LEADING + N_LEADING && second >= VOWEL && second < VOWEL + N_VOWEL)
        return HANGUL + ((first - LEADING) * N_VOWEL + (second - VOWEL)) * N_TRAILING;
    if (first >= HANGUL && first < HANGUL + N_HANGUL && (first - HANGUL) % N_TRAILING == 0 && second > TRAILING &&
        second < TRAILING + N_TRAILING)
        return first + (second - TRAILING);
    if (second < 0x300) return 0; /* no pair has a lower second */
    uint32_t plane = first >> 16;
    if (plane > 1 || second >> 16 != plane) return 0;
    uint32_t key = first << 16 | (second & 0xFFFF);
    size_t low = plane == 0 ? 0 : inlay__composition_plane;
    size_t end = plane == 0 ? inlay__composition_plane : inlay__composition_count, high = end;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (pair_key(middle) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && pair_key(low) == key ? plane << 16 | inlay__compositions[low][2] : 0;
}

/* -------------------------------------------------------------- one run */

/* Sorts marks [begin, end) by class, equal ones as they stand: by counting, so that long runs stay linear. */
static int32_t sort_marks(work *w, size_t begin, size_t end) {
    size_t starts[256] = {0}, sum = 0;
    bool sorted = true;
    for (size_t i = begin; i < end; i++) {
        sorted = sorted && (i == begin || w->marks[i - 1].combining <= w->marks[i].combining);
        starts[w->marks[i].combining]++;
    }
    if (sorted) return INLAY_OK;
    void *spare = w->spare;
    INLAY__TRY(inlay__grow(w->sys, &spare, &w->spare_capacity, end - begin, sizeof *w->spare));
    w->spare = spare;
    for (size_t i = 0; i < INLAY__COUNT(starts); i++) {
        size_t count = starts[i];
        starts[i] = sum;
        sum += count;
    }
    for (size_t i = begin; i < end; i++) w->spare[starts[w->marks[i].combining]++] = w->marks[i];
    for (size_t i = begin; i < end; i++) {
        inlay__span origin = w->marks[i].origin; /* places keep their order, and a text still begins with its first */
        w->marks[i] = w->spare[i - begin];
        w->marks[i].origin = origin;
    }
    return INLAY_OK;
}

/* Composes the starter at 0 with what follows: a mark that no other of its class or a starter keeps away. */
static void compose_marks(work *w) {
    size_t kept = 1;
    uint32_t last = 0; /* the class of the mark kept last */
    if (w->n == 0 || w->marks[0].combining != 0) return;
    for (size_t i = 1; i < w->n; i++) {
        mark *m = &w->marks[i];
        bool blocked = kept > 1 && (last >= m->combining || last == 0);
        uint32_t composed = blocked ? 0 : composition(w->marks[0].code, m->code);
        if (composed != 0) {
            w->marks[0].code = composed;
            w->marks[0].origin.end = m->origin.end;
        } else {
            last = m->combining;
            w->marks[kept++] = *m;
        }
    }
    w->n = kept;
}

static int32_t write_marks(work *w, size_t n) {
    for (size_t i = 0; i < n; i++) INLAY__TRY(inlay__passage_add_code(w->out, w->marks[i].code, w->marks[i].origin));
    memmove(w->marks, w->marks + n, (w->n - n) * sizeof *w->marks);
    w->n -= n;
    return INLAY_OK;
}

/* Settles the run: its marks are complete. */
static int32_t settle(work *w) {
    size_t first = w->n > 0 && w->marks[0].combining == 0 ? 1 : 0;
    INLAY__TRY(sort_marks(w, first, w->n));
    if (w->compose) compose_marks(w);
    return INLAY_OK;
}

static int32_t put(work *w, uint32_t code, inlay__span origin) {
    uint32_t combining = inlay__combining_of(code);
    if (combining == 0 && w->n > 0) {
        INLAY__TRY(settle(w));
        /* Two starters may compose when nothing stands between them. */
        uint32_t composed =
            w->compose && w->n == 1 && w->marks[0].combining == 0 ? composition(w->marks[0].code, code) : 0;
        if (composed != 0) {
            w->marks[0].code = composed;
            w->marks[0].origin.end = origin.end;
            return INLAY_OK;
        }
        INLAY__TRY(write_marks(w, w->n));
    }
    void *marks = w->marks;
    INLAY__TRY(inlay__grow(w->sys, &marks, &w->capacity, w->n + 1, sizeof *w->marks));
    w->marks = marks;
    w->marks[w->n++] = (mark){code, combining, origin};
    return INLAY_OK;
}

static int32_t put_decomposed(work *w, bool compatible, uint32_t code, inlay__span origin) {
    if (code >= HANGUL && code < HANGUL + N_HANGUL) {
        uint32_t index = code - HANGUL, trailing = index % N_TRAILING;
        INLAY__TRY(put(w, LEADING + index / (N_VOWEL * N_TRAILING), origin));
        INLAY__TRY(put(w, VOWEL + index / N_TRAILING % N_VOWEL, origin));
        return trailing > 0 ? put(w, TRAILING + trailing, origin) : INLAY_OK;
    }
    const uint8_t *text;
    size_t size = decomposition(compatible, code, &text);
    if (size == 0) return put(w, code, origin);
    for (size_t i = 0; i < size;) {
        i += inlay__utf8_decode(text + i, size - i, &code);
        INLAY__TRY(put(w, code, origin));
    }
    return INLAY_OK;
}

static int32_t put_all(work *w, bool compatible, const inlay__passage *in) {
    for (size_t pos = 0; pos < in->size;) {
        uint32_t code;
        size_t size = inlay__passage_code(in, pos, &code);
        INLAY__TRY(put_decomposed(w, compatible, code, inlay__passage_origin(in, pos, pos + size)));
        pos += size;
    }
    INLAY__TRY(settle(w));
    return write_marks(w, w->n);
}

static bool is_ascii(const inlay__passage *in) {
    uint8_t any = 0;
    for (size_t i = 0; i < in->size; i++) any |= in->text[i];
    return any < 0x80;
}

int32_t inlay__normal_form_put(inlay__normal_form form, const inlay__passage *in, inlay__passage *out) {
    if (is_ascii(in)) return inlay__passage_copy(out, in, 0, in->size);
    work w = {.sys = in->sys, .out = out, .compose = form == INLAY__NFC || form == INLAY__NFKC};
    int32_t status = put_all(&w, form == INLAY__NFKC || form == INLAY__NFKD, in);
    inlay__free(w.sys, w.marks, w.capacity * sizeof *w.marks);
    inlay__free(w.sys, w.spare, w.spare_capacity * sizeof *w.spare);
    return status;
}
