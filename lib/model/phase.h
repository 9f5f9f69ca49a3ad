/* Phases: the steps of a forward pass, each shared out among the threads as tasks, with a barrier after it.
 *
 * With few columns (generation) each thread keeps the stream and the inputs of products for itself and does the prepare
 * phases alone instead of waiting for others. Who computes what never changes a bit.
 */
#ifndef INLAY_PHASE_H
#define INLAY_PHASE_H

#include "kernels/recurrence.h"
#include "model/decoder_state.h"

struct inlay__phase;

/* One thread's place in a pass, from which it can go on at any time. */
struct inlay__pass {
    inlay__decoder *d;
    const inlay__stack *stack;
    const inlay__head *head;
    const inlay__layer_block *block; /* in hand; NULL between and behind them */
    size_t i_thread, n_threads;
    size_t n_cols;              /* columns in hand: all, or at the end those of which logits are wanted */
    const size_t *wanted;       /* [n_cols] which those are; NULL: all */
    bool private_stream;        /* each thread has its own, as there are few columns in all */
    const inlay__layer_block *pending[INLAY__N_BRANCHES]; /* blocks whose branches have not joined the stream */
    size_t n_pending;
    float *branch;              /* [n_batch, n_embd] of the block in hand */

    int stage;                  /* what the route comes to next: a number of its own, */
    size_t i_layer, i_block;    /* and a block of the stack */
    const struct inlay__phase *phases; /* [n_phases] of what it has come to, of which the first i_phase are done */
    size_t n_phases, i_phase;
    size_t task;                /* with few columns, the next of this thread's tasks of the phase in hand */
    size_t turn;                /* barriers passed */
    inlay__pace pace;
    bool is_done;
};

typedef enum inlay__phase_kind {
    INLAY__SHARED,   /* tasks shared out, then a barrier */
    INLAY__PREPARE,  /* with few columns every thread does it all for itself */
    INLAY__MANY_ONLY /* with few columns another phase does it */
} inlay__phase_kind;

typedef struct inlay__phase {
    inlay__phase_kind kind;
    size_t (*n_tasks)(const inlay__pass *p); /* 0: this block has no such phase */
    void (*run)(inlay__pass *p, size_t task);
} inlay__phase;

/* Says which phases come next, of a block or of none: what routes end with, true. */
bool inlay__pass_give(inlay__pass *p, const inlay__layer_block *block, const inlay__phase *phases, size_t n_phases);

/* The next block of the stack, which the place in the pass moves behind; NULL at its end. */
const inlay__layer_block *inlay__next_block(inlay__pass *p);

/* This thread's tasks of the phase in hand, or until it must leave. True: all threads meet after it. */
bool inlay__phase_run(inlay__pass *p);

/* ------------------------------------------------------------------- tasks */

enum { INLAY__TASK_ROWS = 32 };

bool inlay__few_cols(const inlay__pass *p);
/* Rows of a matrix: with few columns one run of panels for each thread, else small tasks that who is free takes. */
size_t inlay__row_tasks(const inlay__pass *p, size_t n_rows);
inlay__slice inlay__rows_of(const inlay__pass *p, size_t n_rows, size_t task);
size_t inlay__col_tasks(const inlay__pass *p);
inlay__slice inlay__cols_of(const inlay__pass *p, size_t task);

/* ------------------------------------------------------------------ inputs */

/* The form of inputs that a matrix wants, as a bit. */
static inline unsigned inlay__form_of(const inlay__matrix *m) { return 1u << inlay__block_type_get(m->type)->kind; }

/* The residual stream of a column [n_embd]. */
float *inlay__stream_of(const inlay__pass *p, size_t col);
/* The prepared inputs, for columns of n elements. */
inlay__inputs inlay__inputs_of(const inlay__pass *p, size_t n);
/* x [n] into the forms named, as column `col`; the float form is in place or copied. */
void inlay__prepare_col(const inlay__pass *p, inlay__inputs *in, const float *x, size_t col, unsigned forms);
/* Inputs of a task's columns from rows [n_cols, n]. */
void inlay__prepare_rows(inlay__pass *p, size_t task, const float *rows, size_t n, unsigned forms);
/* Inputs of the block in hand from the stream: branches joined, normed. */
void inlay__prepare_stream(inlay__pass *p, size_t task, const inlay__norm *norm, unsigned forms);

/* ---------------------------------------------------------------- products */

void inlay__norm_row(const inlay__pass *p, const inlay__norm *norm, const float *x, size_t n, float *y);

/* out [.., n_rows] = matrix times the prepared inputs of columns [cols], for the rows given. Every product of a pass
 * goes through here: the place for what acts on a matrix for one sequence alone. */
void inlay__multiply(const inlay__pass *p, const inlay__matrix *m, inlay__slice rows, inlay__slice cols, float *out);
/* The rows of one task, of all columns, and the bias. */
void inlay__project(const inlay__pass *p, const inlay__linear *linear, size_t task, float *out);
/* The same of inputs that were prepared from x [n_cols, n_k], where floats are read. */
void inlay__project_rows(const inlay__pass *p, const inlay__linear *linear, size_t task, const float *x, float *out);
/* As inlay__project into out [n_cols, rows of the task]. */
void inlay__project_apart(const inlay__pass *p, const inlay__linear *linear, size_t task, float *out);

/* What a recurrent block keeps of a sequence: from the tokens before this pass, and where to leave it after. The two
 * are the same memory or do not overlap. */
const float *inlay__state_before(const inlay__pass *p, const inlay__span *span);
float *inlay__state_after(const inlay__pass *p, const inlay__span *span);
/* A convolution of all columns, cut to those of a span and with the block's state. */
inlay__convolution inlay__convolution_of(const inlay__pass *p, const inlay__convolution *all, const inlay__span *span);

#endif
