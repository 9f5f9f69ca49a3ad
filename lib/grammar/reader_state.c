/* The state in hand of a reader, with the frames that it stands on, as bytes, all little-endian:
 *
 *      4  n_frames, without the first
 *      4  n_items
 *      4  ends: 0 or 1
 *         for each frame: 4 n_returns, then for each 4 position, 4 frame, of a lower number; the first is 0
 *      8  for each item: position, frame
 *
 * Positions are those of the compiled grammar, which depends on nothing but its text. */
#include "grammar/reader.h"

static uint8_t *put(uint8_t *out, uint32_t value) {
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
    return out + 4;
}

/* Marks the frames under the state in hand, [frames.n]. */
static uint32_t *mark(const inlay__reader *r) {
    uint32_t *states = r->marks, *frames = r->marks + r->states.most;
    memset(states, 0, r->states.n * sizeof *states);
    states[r->roots[INLAY__ROOT_NOW]] = 1;
    inlay__reader_mark_frames(r, states, frames);
    return frames;
}

size_t inlay__reader_saved_size(const inlay__reader *r) {
    const uint32_t *marks = mark(r);
    size_t size = 12 + 8 * (size_t)r->states.of[r->roots[INLAY__ROOT_NOW]].n;
    for (size_t i = 1; i < r->frames.n; i++)
        if (marks[i] != 0) size += 4 + 8 * (size_t)r->frames.of[i].n;
    return size;
}

static uint8_t *put_pairs(uint8_t *out, const inlay__stretches *s, const inlay__stretch *of, const uint32_t *numbers) {
    for (size_t i = 0; i < of->n; i++) {
        inlay__pair pair = s->pairs[of->begin + i];
        out = put(put(out, pair.position), numbers[pair.frame]);
    }
    return out;
}

uint8_t *inlay__reader_save(const inlay__reader *r, uint8_t *bytes) {
    const inlay__stretch *state = &r->states.of[r->roots[INLAY__ROOT_NOW]];
    uint32_t *numbers = mark(r), n = 0;
    numbers[INLAY__FRAME_FIRST] = 0;
    uint8_t *out = put(put(bytes + 4, state->n), state->ends);
    for (size_t i = 1; i < r->frames.n; i++) {
        if (numbers[i] == 0) continue;
        numbers[i] = ++n;
        out = put_pairs(put(out, r->frames.of[i].n), &r->frames, &r->frames.of[i], numbers);
    }
    put(bytes, n);
    return put_pairs(out, &r->states, state, numbers);
}

/* Whether n pairs follow of positions of the grammar and of frames below `n_frames`. */
static bool check_pairs(const inlay__reader *r, inlay__cursor *cursor, uint32_t n, uint32_t n_frames, bool may_end) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t position, frame;
        if (!inlay__cursor_u32(cursor, &position) || !inlay__cursor_u32(cursor, &frame)) return false;
        bool is_end = may_end && position == INLAY__RETURN_END && frame == INLAY__FRAME_FIRST;
        if (!is_end && (position >= r->grammar->n_positions || frame >= n_frames)) return false;
    }
    return true;
}

bool inlay__reader_check(const inlay__reader *r, inlay__cursor *cursor) {
    uint32_t n_frames, n_items, ends, n, sum = 1;
    inlay__cursor_u32(cursor, &n_frames);
    inlay__cursor_u32(cursor, &n_items);
    if (!inlay__cursor_u32(cursor, &ends) || ends > 1) return false;
    if (n_frames >= INLAY__MOST_FRAMES || n_items > INLAY__MOST_ITEMS) return false;
    for (uint32_t i = 0; i < n_frames; i++) {
        if (!inlay__cursor_u32(cursor, &n) || n > INLAY__MOST_ITEMS) return false;
        sum += n;
        if (sum > INLAY__MOST_RETURNS || !check_pairs(r, cursor, n, i + 1, true)) return false;
    }
    return check_pairs(r, cursor, n_items, n_frames + 1, false);
}

/* Pairs that were checked, their frames under the numbers that they have here. */
static void take_pairs(inlay__reader *r, inlay__cursor *cursor, uint32_t n) {
    inlay__pairs_clear(&r->returns);
    for (uint32_t i = 0; i < n; i++) {
        inlay__pair pair;
        inlay__cursor_u32(cursor, &pair.position);
        inlay__cursor_u32(cursor, &pair.frame);
        pair.frame = r->marks[pair.frame];
        inlay__pairs_add(&r->returns, pair);
    }
}

void inlay__reader_load(inlay__reader *r, inlay__cursor *cursor) {
    uint32_t n_frames, n_items, ends, n;
    inlay__cursor_u32(cursor, &n_frames);
    inlay__cursor_u32(cursor, &n_items);
    inlay__cursor_u32(cursor, &ends);
    inlay__reader_clear(r);
    r->marks[0] = INLAY__FRAME_FIRST;
    for (uint32_t i = 0; i < n_frames; i++) {
        inlay__cursor_u32(cursor, &n);
        take_pairs(r, cursor, n);
        r->marks[i + 1] = inlay__reader_put_frame(r);
    }
    take_pairs(r, cursor, n_items);
    inlay__reader_put_state(r, ends != 0, INLAY__ROOT_NOW);
}
