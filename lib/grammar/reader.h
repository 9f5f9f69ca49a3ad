/* Reading a text by a grammar, byte by byte, all ways at once.
 *
 * Where a text has got to is a state: a set of items, each a position and a frame, which tells where to go on when the
 * position's rule has ended. A frame is a set of returns, each a position behind the call and the frame of the rule
 * that the position is of: a rule that is called at one byte from several positions has one frame [graph-structured
 * stack, Tomita 1985]. So a text of n bytes takes at most O(n) frames, however many ways there are to read it.
 *
 * Frames and states that are equal are one: they are numbered, and where a state leads by a class of bytes is kept. All
 * memory is taken in the beginning. When it is full, what cannot be reached from the roots, the states that are in use,
 * is forgotten. A reader is of one thread at a time. */
#ifndef INLAY_READER_H
#define INLAY_READER_H

#include "base/cursor.h"
#include "grammar/grammar.h"
#include "grammar/pairs.h"

/* The state of texts that do not match, and the frame of the first rule, whose return is the end of the text. */
enum { INLAY__STATE_NONE = 0, INLAY__STATE_DEAD = 1, INLAY__FRAME_FIRST = 0 };

/* How much of each a reader holds. */
enum {
    INLAY__MOST_ITEMS = 4096, /* of one state with its calls, of one frame */
    INLAY__MOST_FRAMES = 16384,
    INLAY__MOST_RETURNS = 32768,
    INLAY__MOST_STATE_ITEMS = 65536
};

#define INLAY__RETURN_END UINT32_MAX

/* The root of the state in hand; the others are the user's. */
enum { INLAY__ROOT_NOW = 0 };

/* A stretch of items or returns. */
typedef struct inlay__stretch {
    uint32_t begin, n;
    uint64_t hash;
    bool ends; /* of a state: the text may end here */
} inlay__stretch;

typedef struct inlay__stretches {
    inlay__stretch *of; /* [n] of at most `most` */
    inlay__pair *pairs; /* [n_pairs] of at most `most_pairs` */
    uint32_t *table;    /* [mask + 1] numbers plus 1, by hash */
    size_t n, most, n_pairs, most_pairs, mask;
} inlay__stretches;

/* A return that waits for the rule that is called, in a list. */
typedef struct inlay__waiting {
    inlay__pair to;
    uint32_t next; /* plus 1; 0: none */
} inlay__waiting;

typedef struct inlay__reader {
    const inlay__sys *sys;
    const inlay__grammar *grammar;
    inlay__stretches frames, states;
    uint32_t *ways;  /* [states.most, n_classes] the state that a class of bytes leads to; 0: not known yet */
    uint32_t *marks; /* [states.most + the most frames] */
    uint32_t *roots; /* [n_roots] states; 0: none */
    size_t n_roots;
    /* while a step is made */
    inlay__pairs next, here, returns; /* items behind the step, items before it with their calls, one frame's returns */
    bool ends;
    uint32_t *calls;         /* [n_rules] by rule: the first waiting, plus 1 */
    uint32_t *ranks;         /* [n_ranks] of the rules called, a heap with the lowest in front */
    inlay__waiting *waiting; /* [n_waiting] of at most MOST_ITEMS */
    size_t n_ranks, n_waiting;
    uint64_t n_work; /* items, returns and edges that were looked at, in all */
} inlay__reader;

/* Begins before the first byte: that is the state in hand. The grammar outlives it. Free it also after a failure.
 * Errors: INLAY_ERR_MEMORY. */
int32_t inlay__reader_init(inlay__reader *reader, const inlay__sys *sys, const inlay__grammar *grammar,
                            size_t n_roots);
void inlay__reader_free(inlay__reader *reader);
/* A copy of one that was initialised alike. */
void inlay__reader_copy(const inlay__reader *reader, inlay__reader *copy);

/* The state in which a text begins, into a root. Errors: INLAY_ERR_UNSUPPORTED (no room). */
int32_t inlay__reader_begin(inlay__reader *reader, size_t root);
/* The state of one position alone, as if its rule were called by one of which nothing is known: it ends where the rule
 * does. Errors: as above. */
int32_t inlay__reader_begin_at(inlay__reader *reader, uint32_t position, size_t root);
/* From the state of a root by a byte, into a root. Errors: as above; nothing changed then. */
int32_t inlay__reader_step(inlay__reader *reader, size_t from, uint8_t byte, size_t to);
/* The same by a token as a whole, and by its bytes, whose state, or INLAY__STATE_DEAD, is in the root `to`: either. */
int32_t inlay__reader_step_token(inlay__reader *reader, size_t from, int32_t token, bool is_text, size_t to);
/* Whether an edge takes a token; `kind` is INLAY__TOKEN_NO_TEXT for one that stands for no text and that no edge names,
 * else the token. */
static inline bool inlay__takes_token(uint32_t what, uint32_t token, uint32_t kind) {
    if ((what & INLAY__OTHER_TOKENS) != 0) return (what & ~INLAY__OTHER_TOKENS) != token;
    return what == token || what == kind;
}
/* Calls visit(user, what) for the edges of tokens that lead on from a root's state. Errors: as above. */
int32_t inlay__reader_tokens(inlay__reader *reader, size_t from, void (*visit)(void *user, uint32_t what),
                              void *user);

/* Marks the frames that the marked states [states.n] stand on, with those that these stand on, in frames [frames.n]. */
void inlay__reader_mark_frames(const inlay__reader *reader, const uint32_t *states, uint32_t *frames);
/* Forgets everything: all roots are none. Then the frame of some returns, the state of some items, which are in
 * reader->returns and fit. */
void inlay__reader_clear(inlay__reader *reader);
uint32_t inlay__reader_put_frame(inlay__reader *reader);
void inlay__reader_put_state(inlay__reader *reader, bool ends, size_t root);

/* reader_state.c: the state in hand with the frames that it stands on, as bytes. */
size_t inlay__reader_saved_size(const inlay__reader *reader);
/* Gives where the bytes end. */
uint8_t *inlay__reader_save(const inlay__reader *reader, uint8_t *bytes);
/* Goes past a saved state; false when it is none of this grammar. */
bool inlay__reader_check(const inlay__reader *reader, inlay__cursor *cursor);
/* Takes up a state that was checked; no root but that in hand is kept. */
void inlay__reader_load(inlay__reader *reader, inlay__cursor *cursor);

static inline bool inlay__reader_is_dead(const inlay__reader *reader, size_t root) {
    return reader->roots[root] == INLAY__STATE_DEAD;
}
/* Whether the text may end at a root's state; and whether it can only end. */
static inline bool inlay__reader_ends(const inlay__reader *reader, size_t root) {
    return reader->states.of[reader->roots[root]].ends;
}
static inline bool inlay__reader_only_ends(const inlay__reader *reader, size_t root) {
    const inlay__stretch *state = &reader->states.of[reader->roots[root]];
    return state->ends && state->n == 0;
}

#endif
