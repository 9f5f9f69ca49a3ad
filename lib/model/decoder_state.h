/* What a decoder holds while it runs: shared buffers, each thread's own, and the order of its phases. */
#ifndef INLAY_DECODER_STATE_H
#define INLAY_DECODER_STATE_H

#include <stdatomic.h>

#include "base/limit.h"
#include "base/pool.h"
#include "model/decoder.h"
#include "model/kv_cache.h"
#include "model/layers.h"

/* A column's activations in every form that the model's matrices want. */
typedef struct inlay__inputs {
    float *x;             /* [n_cols, n]; NULL when no product reads floats */
    inlay__acts acts_32;  /* n_cols columns */
    inlay__acts acts_256;
    inlay__acts acts_wide;
} inlay__inputs;

/* What one thread has for itself, so that it need not wait for others when there are few columns. */
typedef struct inlay__thread_scratch {
    inlay__inputs inputs;   /* INLAY__FEW_COLS columns */
    float *hidden;          /* [INLAY__FEW_COLS, n_embd] the residual stream, when it has few columns; else a row on its way
                             * into the inputs */
    float *row;             /* [n_embd] */
    float *scratch;         /* what the blocks ask for */
    uint8_t *panel;         /* [model->panel_size] rows on their way into a kernel; NULL when all are packed */
} inlay__thread_scratch;

/* With so few columns each thread prepares all of them by itself instead of waiting at a barrier. */
enum { INLAY__FEW_COLS = 4, INLAY__N_COUNTERS = 3 };

/* Branches that may wait to join the stream: those of parallel blocks. */
enum { INLAY__N_BRANCHES = 2 };
enum { INLAY__SCRATCH_ROWS = 2 };

typedef struct inlay__slice {
    size_t begin, end;
} inlay__slice;

/* The caches of a decoder. Layers with a window of attention have one of their own where they keep less than the
 * others: model/window.h. */
enum { INLAY__WHOLE, INLAY__NEAR, INLAY__N_CACHES };

/* Where a layer that keeps keys and values does so. */
typedef struct inlay__layer_place {
    uint32_t cache, layer; /* of the decoder's, and of that one's */
    bool has_window;
} inlay__layer_place;

/* A sequence that a decoder goes on with from call to call. */
typedef struct inlay__sequence {
    size_t length;
    size_t length_before;   /* of the evaluation that runs */
    size_t n_prefix;        /* tokens at the beginning that all see one another */
    bool has_logits;
    inlay__kv_pages pages[INLAY__N_CACHES];
    bool is_loaded;         /* from bytes of whoever made them: it goes on, but nothing else goes on from it */
    size_t n_gone;          /* positions at the beginning that layers with a window have lost, whole pages */
    size_t n_leaving;       /* those that they will have lost when the call that runs is done, or 0 */
    int32_t *history;       /* [n_context] its tokens */
    size_t n_known;         /* of these from the beginning that have what reading them anew would give */
    uint64_t last_used;     /* of a text that is kept: when, 0 where there is none */
    float *state[2];        /* [n_state] of recurrent blocks: of the evaluation before, and of the one that runs */
    bool state_is_new;      /* the one that runs has done a batch and goes on from its own */
    bool has_run;           /* a run of the call that is checked was its own */
    size_t i_logits;        /* of the evaluation that runs: the row of logits of its last token */
} inlay__sequence;

/* Columns of one sequence in a pass. */
typedef struct inlay__span {
    size_t begin, end;
    inlay__sequence *sequence; /* of a decoder */
    size_t place;              /* of an encoder: of its first key in the cache, a multiple of 16 */
} inlay__span;

/* Biases of relative positions, [n_head] rows of numbers by key - query: that of 0 is number `origin`. */
typedef struct inlay__biases {
    float *table;
    size_t stride, origin;
} inlay__biases;

/* One call: runs that are evaluated together, in passes of as many columns as there is room for. */
typedef struct inlay__call {
    const inlay__run *runs;  /* [n_runs] */
    size_t n_runs;
    size_t n_tokens, n_done; /* of all runs */
    float *logits;           /* [n_tokens, n_vocab] or NULL */
    size_t n_rows;           /* of logits made so far */
    size_t n_room;           /* columns of a pass, at most n_batch */
    bool is_pending;         /* it is carried on in slices, and has begun */
    bool in_pass;
} inlay__call;

typedef struct inlay__pass inlay__pass;

/* Comes to what a thread does next: true with phases in p->phases (inlay__pass_give), false at the end of the pass. */
typedef bool inlay__route(inlay__pass *p);

struct inlay__decoder {
    const inlay__sys *sys;
    const inlay__model *model;
    inlay__decoder_config config;
    inlay__pool *pool;
    inlay__kv_cache caches[INLAY__N_CACHES]; /* of the decoder */
    inlay__layer_place *places;      /* [model->n_cached] */
    bool leaves;                     /* layers with a window give back what lies behind it */
    inlay__kv_cache passing;         /* of the encoder's layer in hand */
    inlay__kv_cache crossed;         /* of what the encoder gave, for the decoder's layers */
    inlay__kv_pages crossed_pages;
    size_t n_crossed;                /* positions of it; 0: nothing was encoded */
    inlay__sequence *sequences;      /* [config.n_sequences + config.n_kept] the caller's, and those that are kept */
    uint64_t n_uses;                 /* of texts that are kept */
    inlay__run *runs;                /* [config.n_sequences] the caller's */
    size_t n_rows_read;              /* of the embedding, since its memory was let go */

    uint8_t *arena;                  /* all buffers below */
    size_t arena_size;
    float *hidden;                   /* [n_batch, n_embd] the residual stream */
    float *work[INLAY__N_WORK];      /* [n_batch, what the blocks ask for] each block's own, until its branch is made; those
                                      * that no block uses together overlap */
    float *scratch;                  /* [INLAY__SCRATCH_ROWS, n_vocab] the same memory: the head's, then between evaluations
                                      * the caller's */
    float *parts;                    /* [blocks of 256 positions, what the blocks ask for] one token's attention, block by block */
    float *branch[INLAY__N_BRANCHES]; /* [n_batch, n_embd] what a block adds to the stream; the second of parallel blocks */
    float *cosines[INLAY__N_ROPES];  /* [n_batch, ropes[i].n / 2] */
    float *sines[INLAY__N_ROPES];    /* [n_batch, ropes[i].n / 2] */
    double *frequencies;             /* [n_rope / 2] of these sequences, where they depend on their room; or NULL */
    inlay__biases biases[2];         /* of the decoder and of the encoder */
    float *logits;                   /* [n_sequences, n_vocab] of the last evaluation that succeeded */
    float *new_logits;               /* [n_sequences, n_vocab] of the one that runs, in the order in which its runs end */
    float *states;                   /* [n_batch, n_embd] what the encoder last gave, behind its last norm */
    size_t n_states;
    inlay__inputs inputs;            /* [n_batch] shared */
    inlay__thread_scratch *threads;  /* [n_threads] */

    /* One pass. */
    int32_t *tokens;                 /* [n_batch], of which n_cols are in hand */
    const uint8_t *types;            /* [n_cols] of segments; NULL: all 0 */
    size_t n_cols;
    size_t *positions;               /* [n_batch] of each column in its sequence */
    inlay__span *spans;              /* [n_spans] sequences that run side by side */
    size_t n_spans;
    uint32_t *span_of;               /* [n_batch] the span of each column */
    inlay__slice *tiles;             /* [n_tiles] columns of one span, attended together */
    size_t n_tiles;
    const inlay__head *head;         /* of a pass through a head alone, with n_cols states in `hidden` */
    size_t *wanted;                  /* [n_wanted] columns of which logits are wanted */
    size_t n_wanted;
    float *logits_out;               /* [n_wanted, rows of the head] */
    inlay__pass *passes;             /* [n_threads] where each thread stands in it */
    inlay__route *route;
    inlay__limit limit;
    atomic_size_t stop;              /* a thread left tasks: all stop after this barrier, counted from 1 */
    atomic_size_t next[INLAY__N_COUNTERS]; /* tasks taken of a phase */

    inlay__call call;
    inlay__run *kept_runs;           /* [n_sequences] of a call that is carried on in slices, */
    int32_t *kept_tokens;            /* [n_sequences, n_context] and their tokens */
};

static inline const inlay__span *inlay__span_of(const inlay__decoder *d, size_t col) { return &d->spans[d->span_of[col]]; }

/* Through the decoder and its head to `logits_out`; through the encoder to `hidden`; from `hidden` into `crossed`; from
 * `hidden` through a head alone to `logits_out`. */
bool inlay__forward(inlay__pass *p);
bool inlay__forward_encoder(inlay__pass *p);
bool inlay__forward_cross(inlay__pass *p);
bool inlay__forward_head(inlay__pass *p);

/* A pass without columns; and n more, of one sequence from a position on, attended to in tiles of so many. */
void inlay__decoder_clear_pass(inlay__decoder *d);
void inlay__decoder_add_span(inlay__decoder *d, const inlay__span *span, size_t position, size_t n_tile);

/* A pass over columns whose tokens and spans are set stands at its beginning; then goes on, on all threads, until it is
 * done or the limit is reached: INLAY_AGAIN at the deadline. Errors: _CANCELLED, _THREAD. */
void inlay__pass_begin(inlay__decoder *d, inlay__route *route);
int32_t inlay__pass_go_on(inlay__decoder *d);
/* Both, without a deadline. Errors: of inlay__model_use too. */
int32_t inlay__pass_run(inlay__decoder *d, inlay__route *route, const inlay__eval_hooks *hooks);
/* The frequencies [n / 2] by which the pairs of a pace turn in these sequences. */
const double *inlay__rope_frequencies(const inlay__decoder *d, size_t which);
/* Whether all of x [n] is finite. */
bool inlay__all_finite(const float *x, size_t n);
/* Tells the caller's progress function; _CANCELLED when it says so. */
int32_t inlay__decoder_report(const inlay__eval_hooks *hooks, size_t done, size_t total);

#endif
