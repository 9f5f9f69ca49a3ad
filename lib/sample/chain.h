/* A chain of stages in the caller's order, from logits to a token.
 *
 * Every stage finds the candidates that those before it left, with the probabilities that their logits have then. One
 * of the candidates left at the end is drawn, by one number. Where a stage of temperature 0 stands, its greatest logit
 * is chosen and nothing is drawn. */
#ifndef INLAY_CHAIN_H
#define INLAY_CHAIN_H

#include "grammar/guide.h"
#include "sample/stage.h"

enum { INLAY__MAX_STAGES = 64 };

typedef struct inlay__chain {
    const inlay__sys *sys;
    inlay__kernels kernels;
    size_t n_vocab;
    uint64_t seed;
    inlay__rng rng;
    inlay__stage stages[INLAY__MAX_STAGES];
    size_t n_stages;
    inlay__history history;
    float *logits; /* [n_vocab] */
    inlay__sampler_scratch scratch;
    uint32_t *marks;   /* [n_vocab] once a stage looks back */
    uint32_t *lengths; /* [n_lengths] likewise */
    size_t n_lengths;
} inlay__chain;

/* An empty chain; `sys` outlives it. Free it also after a failure. Errors: INLAY_ERR_MEMORY. */
int32_t inlay__chain_init(inlay__chain *chain, const inlay__sys *sys, inlay__cpu cpu, size_t n_vocab, uint64_t seed);
void inlay__chain_free(inlay__chain *chain);
/* `copy` is initialized and empty. Errors: INLAY_ERR_MEMORY. */
int32_t inlay__chain_copy(const inlay__chain *chain, inlay__chain *copy);

/* Adds a stage with its initial values. `memory` was allocated and is the chain's from then on; on failure it is not.
 * Errors: INLAY_ERR_STATE (too many, or one behind a Mirostat), INLAY_ERR_MEMORY. */
int32_t inlay__chain_add(inlay__chain *chain, const inlay__stage *stage);
/* Sets a parameter, checked before, of the last stage that has it. Errors: INLAY_ERR_STATE (none has),
 * INLAY_ERR_MEMORY. */
int32_t inlay__chain_set(inlay__chain *chain, int32_t key, double value);
/* The last stage of a kind; NULL when there is none. */
inlay__stage *inlay__chain_last(inlay__chain *chain, int32_t kind);

/* Appends tokens to the text; grammars go on by those that were chosen. Errors: INLAY_ERR_STATE (a grammar does not
 * allow one), INLAY_ERR_UNSUPPORTED; nothing changed then. */
int32_t inlay__chain_accept(inlay__chain *chain, const int32_t *tokens, size_t n);

/* All as when the stages were added: an empty text, random numbers from the seed. */
void inlay__chain_reset(inlay__chain *chain, uint64_t seed);

/* What choosing changes, to come back to. */
typedef struct inlay__chain_draws {
    inlay__rng rng;
    double mu[INLAY__MAX_STAGES];
    inlay__guide_mark marks[INLAY__MAX_STAGES]; /* of grammars: the last INLAY__GUIDE_STEPS_BACK tokens at most */
} inlay__chain_draws;
void inlay__chain_keep_draws(const inlay__chain *chain, inlay__chain_draws *draws);
void inlay__chain_undo_draws(inlay__chain *chain, const inlay__chain_draws *draws);
/* Grammars alone go on by a token, as for a guess. Errors: as inlay__chain_accept. */
int32_t inlay__chain_guess(inlay__chain *chain, int32_t token);

/* Errors: INLAY_ERR_NUMERIC, INLAY_ERR_CANCELLED and INLAY_ERR_ARGUMENT (of callbacks), INLAY_ERR_STATE and
 * INLAY_ERR_UNSUPPORTED (of grammars); nothing changed then. */
int32_t inlay__chain_choose(inlay__chain *chain, const float *logits, int32_t *token);
/* The candidates that inlay__chain_choose would draw from: their number; they and their weights are in the scratch. */
int32_t inlay__chain_candidates(inlay__chain *chain, const float *logits, size_t *n);

/* chain_state.c: what changes from token to token, as bytes. */
size_t inlay__chain_state_size(const inlay__chain *chain);
void inlay__chain_save(const inlay__chain *chain, uint8_t *bytes);
/* Errors: INLAY_ERR_FORMAT, and all is as it was. */
int32_t inlay__chain_load(inlay__chain *chain, const uint8_t *bytes, size_t size);

#endif
