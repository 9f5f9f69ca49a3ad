/* Sequences running through a network: their key/value cache and scratch memory. What encoders do stands in
 * model/sequences.h. */
#ifndef INLAY_DECODER_H
#define INLAY_DECODER_H

#include <stdatomic.h>

#include "model/model.h"

typedef struct inlay__decoder inlay__decoder;

typedef struct inlay__decoder_config {
    size_t n_context;   /* tokens of room of a sequence, >= 1 */
    size_t n_batch;     /* tokens evaluated together, at least 1; of encoders at least n_context */
    size_t n_threads;   /* >= 1 */
    uint32_t cache_type; /* INLAY_TYPE_F32, _F16 or _Q8_0 */
    size_t n_sequences; /* >= 1 */
    size_t n_kept;      /* texts that are kept beside them: model/kept.h */
    size_t n_kept_tokens; /* and room for so many tokens of theirs, beside what the sequences leave free */
    size_t n_rewind;    /* tokens that sequences can be cut back by for certain; SIZE_MAX: to any length */
} inlay__decoder_config;

/* Tokens that one sequence goes on with. */
typedef struct inlay__run {
    size_t sequence;
    const int32_t *tokens;
    size_t n_tokens;
} inlay__run;

typedef struct inlay__eval_hooks {
    const atomic_int *cancel;   /* not 0: stop soon with INLAY_ERR_CANCELLED */
    inlay_progress_fn progress; /* may be NULL; tokens done of tokens given */
    void *progress_user;
} inlay__eval_hooks;

/* Takes all the memory it will ever use. `sys` and the model must outlive it.
 * Errors: _ARGUMENT, _UNSUPPORTED (cache_type), _MEMORY, _THREAD. */
int32_t inlay__decoder_new(const inlay__sys *sys, const inlay__model *model, const inlay__decoder_config *config,
                           inlay__decoder **decoder);
void inlay__decoder_free(inlay__decoder *decoder);

/* Appends the tokens of runs, of which each has a sequence of its own, all to be evaluated together; `logits`
 * [n_tokens, n_vocab] of a single run, or NULL for the last row of each only, which inlay__decoder_logits gives. On
 * failure all sequences are as before. Errors: _TOKEN, _CONTEXT, _CANCELLED, _NUMERIC. */
int32_t inlay__decoder_eval(inlay__decoder *decoder, const inlay__run *runs, size_t n_runs, float *logits,
                            const inlay__eval_hooks *hooks);

/* That this run could be evaluated if its sequence had so many tokens. Errors: as inlay__decoder_eval. */
int32_t inlay__decoder_check(const inlay__decoder *decoder, const inlay__run *run, size_t length);

/* The same in slices: the call begins, with copies of its tokens, and is carried on for about so many microseconds at a
 * time: INLAY_AGAIN until it is done. Nothing else is done with the decoder in between, but to give the call up, after
 * which all sequences are as before it. */
int32_t inlay__decoder_begin(inlay__decoder *decoder, const inlay__run *runs, size_t n_runs);
int32_t inlay__decoder_step(inlay__decoder *decoder, const inlay__eval_hooks *hooks, uint64_t budget_us);
bool inlay__decoder_is_pending(const inlay__decoder *decoder);
/* Its runs, which stay until the next evaluation. */
const inlay__run *inlay__decoder_pending(const inlay__decoder *decoder, size_t *n_runs);
void inlay__decoder_abandon(inlay__decoder *decoder);

/* After an evaluation of this run alone: as if only its first n_kept tokens had been given, at least one; `logits`
 * [n_vocab] are those after the last of them. What goes forward only reads these anew. Errors: as inlay__decoder_eval;
 * the sequence is then as before the evaluation, without logits. */
int32_t inlay__decoder_retreat(inlay__decoder *decoder, const inlay__run *run, size_t n_kept, const float *logits);

/* Memory of [n_sequences] for the runs of a call. */
inlay__run *inlay__decoder_runs(inlay__decoder *decoder);

/* The last row [n_vocab]; NULL when there is none (nothing evaluated, or truncated since). */
float *inlay__decoder_logits(inlay__decoder *decoder, size_t sequence);

/* Memory of [2, n_vocab] floats that nobody needs between calls; the next one writes to it. */
float *inlay__decoder_scratch(inlay__decoder *decoder);

size_t inlay__decoder_length(const inlay__decoder *decoder, size_t sequence);
/* length <= the present one; drops the logits. Errors: _ARGUMENT (a part of a prefix), _UNSUPPORTED (of a recurrent
 * model, to another length than 0; beyond config.n_rewind). */
int32_t inlay__decoder_truncate(inlay__decoder *decoder, size_t sequence, size_t length);
/* Whether a sequence can be cut back by n tokens. */
bool inlay__decoder_can_cut(const inlay__decoder *decoder, size_t n);
/* Takes tokens [begin, end), begin <= end <= length, out; those behind move forward, and keep what they have learnt. The logits stay unless the
 * last token goes. Errors: _ARGUMENT (a part of a prefix), _UNSUPPORTED (INLAY_CAN_SHIFT). */
int32_t inlay__decoder_drop(inlay__decoder *decoder, size_t sequence, size_t begin, size_t end);
/* `to` becomes what `from` is, logits too. */
void inlay__decoder_fork(inlay__decoder *decoder, size_t from, size_t to);
/* Nothing is left of any sequence, nor of texts that were kept. */
int32_t inlay__decoder_empty(inlay__decoder *decoder);
/* The first n tokens of the sequence, which must be empty, will all see one another. Errors: _STATE, _ARGUMENT (n above
 * the batch), _UNSUPPORTED (of a recurrent model). */
int32_t inlay__decoder_set_prefix(inlay__decoder *decoder, size_t sequence, size_t n);
size_t inlay__decoder_prefix(const inlay__decoder *decoder, size_t sequence);

/* Bytes taken in all, and of these the key/value cache. */
size_t inlay__decoder_memory(const inlay__decoder *decoder);
size_t inlay__decoder_cache_memory(const inlay__decoder *decoder);

#endif
