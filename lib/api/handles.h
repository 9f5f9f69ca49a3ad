/* What is behind the public handles. */
#ifndef INLAY_HANDLES_H
#define INLAY_HANDLES_H

#include <stdatomic.h>

#include "base/text.h"
#include "grammar/guide.h"
#include "model/decoder.h"
#include "sample/chain.h"
#include "sample/sampler.h"
#include "sample/stop.h"
#include "tokenizer/tokenizer.h"

/* At the head of every handle, so that a wrong or freed pointer is noticed where that is possible. */
enum {
    INLAY__MAGIC_OPTIONS = 0x4f6c6e49,
    INLAY__MAGIC_MODEL = 0x4d6c6e49,
    INLAY__MAGIC_SESSION = 0x536c6e49,
    INLAY__MAGIC_SAMPLER = 0x436c6e49,
    INLAY__MAGIC_STOP = 0x546c6e49,
    INLAY__MAGIC_SPECULATOR = 0x506c6e49,
    INLAY__MAGIC_GRAMMAR = 0x476c6e49,
    INLAY__MAGIC_FREED = 0x466c6e49
};

enum { INLAY__ERROR_SIZE = 512 };

/* The options' values, in the order of the table in options.c. */
enum {
    INLAY__THREADS, INLAY__CPU, INLAY__LOAD, INLAY__VOCAB_ONLY, INLAY__PACK, INLAY__QUANTIZE,
    INLAY__CONTEXT, INLAY__BATCH, INLAY__CACHE_TYPE, INLAY__PREFIX,
    INLAY__POOLING, INLAY__DIMENSIONS, INLAY__NORMALIZE, INLAY__SEQUENCES, INLAY__SEQUENCE,
    INLAY__KEEP, INLAY__KEEP_TOKENS, INLAY__REWIND,
    INLAY__TEMPERATURE, INLAY__TOP_K, INLAY__TOP_P, INLAY__MIN_P, INLAY__SEED, INLAY__N_OPTIONS
};

typedef union inlay__option_value {
    int64_t integer;
    double number;
    struct {
        char *text; /* the handle's; NULL for "" */
        size_t size;
    } string;
} inlay__option_value;

struct inlay_options {
    uint32_t magic;
    inlay__sys sys;
    inlay__option_value values[INLAY__N_OPTIONS];
    inlay__log log;
    inlay_progress_fn progress;
    void *progress_user;
};

/* Freed when the last of the model's handle and its sessions is. The magic number is the handle's: sessions do not
 * look at it, and a handle that was freed is not taken any more while they live on. */
struct inlay_model {
    uint32_t magic;
    atomic_uint n_references;
    inlay__sys sys;
    inlay__weights weights;
    inlay__tokenizer *tokenizer;
    inlay__model *network; /* NULL when only the vocabulary was opened */
    _Atomic(inlay__token_texts *) texts; /* of its tokens, once there is a grammar */
    inlay__cpu cpu;
};

/* Who uses a session. Freeing it while a call runs, as from a callback, waits until that call returns. */
enum { INLAY__IDLE, INLAY__BUSY, INLAY__BUSY_THEN_FREE };

struct inlay_session {
    uint32_t magic;
    atomic_int use;          /* INLAY__IDLE, ... */
    atomic_int cancel;
    inlay__sys sys;          /* the owner's, through functions that count the bytes in `memory` */
    inlay__sys owner_sys;
    size_t memory;           /* bytes taken from the allocator */
    inlay_model *model;
    inlay__decoder *decoder;
    inlay__sampler sampler;
    inlay__option_value values[INLAY__N_OPTIONS];
    inlay_progress_fn progress;
    void *progress_user;
    size_t n_threads, n_context, n_batch, n_vocab, n_sequences;
    size_t sequence; /* in hand */
    struct inlay__recording *recording; /* or NULL */
    char error[INLAY__ERROR_SIZE];
};

struct inlay_sampler {
    uint32_t magic;
    atomic_int use; /* INLAY__IDLE, ... */
    inlay__sys sys;
    inlay__chain chain;
};

struct inlay_grammar {
    uint32_t magic;
    inlay__constraint *constraint;
};

enum { INLAY__MOST_GUESSES = 64, INLAY__N_SPECULATOR_FACTS = 3 };

struct inlay_speculator {
    uint32_t magic;
    atomic_int use; /* INLAY__IDLE, ... */
    inlay__sys sys;
    size_t n_vocab, n_guesses;
    size_t reach;                             /* guesses that are worth while now */
    float *rows;                              /* [n_guesses + 1, n_vocab] logits after each token */
    size_t rows_size;                         /* bytes */
    inlay__history text;
    int32_t behind[INLAY__MOST_GUESSES + 1];  /* [n_behind] the end of the text, which the draft has not read */
    size_t n_behind;
    bool draft_is_full;                       /* it has no room for the text */
    int64_t facts[INLAY__N_SPECULATOR_FACTS]; /* INLAY_SPECULATOR_GUESSED, ... */
};

struct inlay_stop {
    uint32_t magic;
    inlay__sys sys;
    inlay__stop_set set;
};

enum { INLAY__N_PLANNED = INLAY_PLAN_PEAK + 1, INLAY__N_REPLAY_VALUES = INLAY_REPLAY_SAME_CPU + 1 };

/* All defaults, with a table of system calls of the caller's: how tests make the n-th call fail. */
int32_t inlay__options_new_with_sys(const inlay__sys *sys, inlay_options **options);

/* The options given, or the defaults for NULL. `defaults` is the caller's memory. INLAY_ERR_ARGUMENT when it is no
 * options handle. */
int32_t inlay__options_or_defaults(const char *function, const inlay_options *options, inlay_options *defaults,
                                   const inlay_options **found);

/* Checks a value against the table and writes it: for options and, where the option is one of sampling, sessions.
 * `kind` is the kind of the setter. */
int32_t inlay__option_set_number(const char *function, inlay__option_value *values, int32_t key, int32_t kind,
                                 double number, int64_t integer);
bool inlay__option_exists(int32_t key);
/* Of a session that exists. */
bool inlay__option_may_change(int32_t key);

inlay__sampler_config inlay__sampler_config_of(const inlay__option_value *values);

/* NULL and foreign pointers: INLAY_ERR_ARGUMENT, naming function and argument. */
int32_t inlay__check_model(const char *function, const inlay_model *model);
int32_t inlay__check_session(const char *function, const inlay_session *session);
int32_t inlay__null_argument(const char *function, const char *argument);
/* INLAY_ERR_UNSUPPORTED for a model without a tokenizer, as a folder may be: it takes and gives ids. */
int32_t inlay__check_tokenizer(const char *function, const inlay_model *model);

/* A model, wherever it is. */
int32_t inlay__model_open(const inlay_options *options, const inlay__source *source, inlay_model **model);
/* The sources that public functions name by their arguments. Errors: _ARGUMENT. */
int32_t inlay__source_of_path(const char *function, const char *path, inlay__source *source);
int32_t inlay__source_of_fd(const char *function, int32_t fd, uint64_t offset, uint64_t size,
                            inlay__source *source);
int32_t inlay__source_of_read(const char *function, inlay_read_fn read, void *user, uint64_t size,
                              inlay__source *source);

/* Takes the session for a call, and gives it back with the call's status. */
int32_t inlay__session_enter(const char *function, inlay_session *session);
/* The same, also while an evaluation in slices is pending. */
int32_t inlay__session_enter_pending(const char *function, inlay_session *session);
int32_t inlay__session_leave(inlay_session *session, int32_t status);
/* INLAY_ERR_UNSUPPORTED where the model lacks an INLAY_CAN_ bit: what it is, what it cannot do and what to call
 * instead. */
int32_t inlay__session_can(const char *function, const inlay_session *session, int32_t bit);
/* One of the session's sequences by its number; `what` begins the error. Errors: _ARGUMENT. */
int32_t inlay__session_sequence(const inlay_session *session, const char *what, int64_t number, size_t *sequence);
/* The logits after the last token. Errors: _UNSUPPORTED (INLAY_CAN_GENERATE), _STATE. */
int32_t inlay__session_logits(const char *function, inlay_session *session, float **logits);
inlay__eval_hooks inlay__session_hooks(inlay_session *session);
/* Runs with the session's callbacks, after a look at whether its model's file is whole. */
/* A run of the sequence in hand, its arguments checked. */
int32_t inlay__session_run(const char *function, inlay_session *session, const int32_t *tokens, size_t n_tokens,
                           inlay__run *run);
int32_t inlay__session_eval(inlay_session *session, const inlay__run *runs, size_t n_runs, float *logits);
/* The same, which the session's recording does not note: the caller does. */
int32_t inlay__session_eval_silently(inlay_session *session, const inlay__run *runs, size_t n_runs, float *logits);

/* Takes a sampler for a call, and gives it back with the call's status. */
int32_t inlay__sampler_enter(const char *function, inlay_sampler *sampler);
int32_t inlay__sampler_leave(inlay_sampler *sampler, int32_t status);

/* Notes that the last failure of this thread concerns this model; returns `status`. */
int32_t inlay__owned(const inlay_model *model, int32_t status);

/* How many threads the options ask for, at least 1. */
size_t inlay__thread_count(const inlay_options *options);

/* What INLAY_OPT_QUANTIZE asks for: import/make.h. Errors: _UNSUPPORTED. */
int32_t inlay__quantize_type(const inlay_options *options, uint32_t *type);

void inlay__model_release(inlay_model *model);

#endif
