/* A text that grows token by token, held to a grammar.
 *
 * It begins with the first mask that is asked for: tokens accepted before that are the prompt's. It ends with a token
 * that ends texts; the next mask begins a new one. */
#ifndef INLAY_GUIDE_H
#define INLAY_GUIDE_H

#include <stdatomic.h>

#include "grammar/masks.h"

enum { INLAY__GUIDE_STEPS_BACK = 65 };

/* What guides of one grammar share, and hold until the last of them is freed. */
typedef struct inlay__constraint {
    const inlay__sys *sys;
    atomic_uint n_references;
    void (*release)(void *owner); /* what tokenizer and texts are of; may be NULL */
    void *owner;
    const inlay__tokenizer *tokenizer;
    const inlay__token_texts *texts;
    inlay__grammar grammar;
    inlay__masks masks;
    uint64_t *ends; /* [n_words] the tokens that end a text, as a mask */
} inlay__constraint;

/* What to come back to. */
typedef struct inlay__guide_mark {
    uint64_t n_steps;
    bool is_begun;
} inlay__guide_mark;

typedef struct inlay__guide {
    const inlay__sys *sys;
    inlay__constraint *constraint;
    inlay__reader reader;
    uint64_t *words; /* [4, n_words]: the mask, what is open, scratch */
    bool has_mask;   /* of the state in root MASKED */
    bool is_begun;
    uint64_t n_steps; /* tokens accepted; the states before the last of them are kept */
    inlay__guide_mark before; /* the last call that accepts; its state is in a root */
} inlay__guide;

/* A constraint with one reference of a grammar, which becomes its own, also on failure; `release` is called when it is
 * freed, not on failure. Errors: INLAY_ERR_MEMORY. */
int32_t inlay__constraint_new(const inlay__sys *sys, const inlay__tokenizer *tokenizer, const inlay__token_texts *texts,
                              inlay__grammar *grammar, inlay__constraint **constraint);
void inlay__constraint_take(inlay__constraint *constraint);
/* NULL is fine. */
void inlay__constraint_drop(inlay__constraint *constraint);

/* Takes a reference of the constraint. All memory is taken here. Free it also after a failure. Errors:
 * INLAY_ERR_MEMORY, INLAY_ERR_UNSUPPORTED. */
int32_t inlay__guide_init(inlay__guide *guide, const inlay__sys *sys, inlay__constraint *constraint);
void inlay__guide_free(inlay__guide *guide);
/* `copy` was initialised with the same constraint. */
void inlay__guide_copy(const inlay__guide *guide, inlay__guide *copy);
/* Before the first token. */
void inlay__guide_reset(inlay__guide *guide);

/* The tokens that can come next, a bit each, [n_words]; valid until the next call. Errors: INLAY_ERR_UNSUPPORTED (too
 * many ways to read the text), and all is as it was. */
int32_t inlay__guide_mask(inlay__guide *guide, const uint64_t **mask);
/* Goes on by tokens. Errors: INLAY_ERR_STATE (one cannot come next), INLAY_ERR_UNSUPPORTED; all is as it was. */
int32_t inlay__guide_accept(inlay__guide *guide, const int32_t *tokens, size_t n);
/* Takes the last call of that back. */
void inlay__guide_undo_accept(inlay__guide *guide);

/* Back by at most INLAY__GUIDE_STEPS_BACK tokens. */
inlay__guide_mark inlay__guide_mark_now(const inlay__guide *guide);
void inlay__guide_return(inlay__guide *guide, inlay__guide_mark mark);

/* Whether the text may end here, and whether it can only end. Before the first token neither. */
bool inlay__guide_may_end(const inlay__guide *guide);
bool inlay__guide_must_end(const inlay__guide *guide);

/* What changes, as bytes. */
size_t inlay__guide_saved_size(const inlay__guide *guide);
uint8_t *inlay__guide_save(const inlay__guide *guide, uint8_t *bytes);
/* Goes past a saved state, or false; then takes up one that was checked. */
bool inlay__guide_check(const inlay__guide *guide, inlay__cursor *cursor);
void inlay__guide_load(inlay__guide *guide, inlay__cursor *cursor);

#endif
