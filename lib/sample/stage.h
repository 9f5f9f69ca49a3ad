/* Stages of a chain: each changes logits by the text so far, takes candidates away, or both.
 *
 * A stage that changes logits of tokens not yet listed or still listed leaves the candidates to be refreshed. */
#ifndef INLAY_STAGE_H
#define INLAY_STAGE_H

#include "base/fpenv.h"
#include "sample/candidates.h"
#include "sample/history.h"

enum { INLAY__STAGE_PARAMETERS = 4 };

typedef struct inlay__stage {
    int32_t kind;                           /* INLAY_STAGE_ */
    double values[INLAY__STAGE_PARAMETERS]; /* by the place of the parameter in the table */
    double mu;                              /* of Mirostat: the surprise allowed now, in bits */
    void *memory;                           /* its own: biases, sets of tokens */
    size_t memory_size, n;                  /* bytes, and biases */
    inlay_stage_fn call;
    void *user;
    struct inlay__guide *guide; /* of a grammar, its own */
} inlay__stage;

/* A token and what is added to its logit. */
typedef struct inlay__bias {
    int32_t token;
    float bias;
} inlay__bias;

/* What stages work on while a token is chosen. */
typedef struct inlay__choice {
    inlay__candidates c;
    float *logits; /* [n_vocab] c.logits, which may be changed */
    const inlay__history *history;
    uint32_t *marks;   /* [n_vocab] by token, all 0 between stages; NULL in a chain that needs none */
    uint32_t *lengths; /* [history->window] */
    inlay__rng *rng;
    inlay__stage *mirostat;  /* the stage that learns from what is chosen */
    double mirostat_log;     /* of what it found: the logarithm of the sum of weights */
    float mirostat_greatest; /* and the greatest logit */
    bool is_changed;         /* logits were changed since the candidates were last refreshed */
    bool is_decided;         /* nothing is drawn: the greatest is chosen */
    inlay__fpenv host;       /* the mode of the host's own code, for callbacks */
} inlay__choice;

/* temperature.c */
void inlay__stage_temperature(const inlay__stage *stage, inlay__choice *choice);
void inlay__stage_dynamic_temperature(const inlay__stage *stage, inlay__choice *choice);
/* penalties.c */
void inlay__stage_penalties(const inlay__stage *stage, inlay__choice *choice);
/* dry.c */
void inlay__stage_dry(const inlay__stage *stage, inlay__choice *choice);
/* mirostat.c */
void inlay__stage_mirostat(inlay__stage *stage, inlay__choice *choice);
void inlay__stage_mirostat_v2(inlay__stage *stage, inlay__choice *choice);
/* The surprise allowed next, after a token was chosen. */
double inlay__mirostat_learn(const inlay__choice *choice, int32_t token);
/* bias.c */
void inlay__stage_bias(const inlay__stage *stage, inlay__choice *choice);
void inlay__stage_allowed(const inlay__stage *stage, inlay__choice *choice);
/* Errors: INLAY_ERR_CANCELLED, INLAY_ERR_ARGUMENT (what it gives back). */
int32_t inlay__stage_callback(const inlay__stage *stage, inlay__choice *choice);

/* grammar_stage.c. Errors: INLAY_ERR_STATE (no token can come next), INLAY_ERR_UNSUPPORTED. */
int32_t inlay__stage_grammar(const inlay__stage *stage, inlay__choice *choice);
/* Frees all that a stage holds. */
void inlay__stage_free(inlay__stage *stage, const inlay__sys *sys);
/* A copy of a stage that goes on as it would. Errors: INLAY_ERR_MEMORY, and nothing is held. */
int32_t inlay__stage_copy(const inlay__stage *stage, const inlay__sys *sys, inlay__stage *copy);

/* Sets of tokens: a bit each. */
static inline bool inlay__set_has(const uint8_t *set, int32_t token) {
    return (set[token >> 3] >> (token & 7) & 1) != 0;
}
static inline void inlay__set_add(uint8_t *set, int32_t token) { set[token >> 3] |= (uint8_t)(1u << (token & 7)); }

#endif
