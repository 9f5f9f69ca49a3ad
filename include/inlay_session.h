/* Inlay: sessions. A part of inlay.h, which includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * What runs a model: sequences of tokens, their logits; what encoders make of whole texts.
 */
#ifndef INLAY_SESSION_PUBLIC_H
#define INLAY_SESSION_PUBLIC_H

#include "inlay.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ session */

/* A session: an empty sequence, with memory for INLAY_OPT_CONTEXT tokens. All the memory
 * it will ever use is taken here. `options` may be NULL. `*session` is yours; free it with
 * inlay_session_free. On failure it is NULL. It keeps what it needs of the model.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_MEMORY, INLAY_ERR_THREAD, INLAY_ERR_STATE for a
 * model opened with INLAY_OPT_VOCAB_ONLY, INLAY_ERR_UNSUPPORTED for an option that the model
 * cannot follow. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_session_new(inlay_model *model, const inlay_options *options, inlay_session **session);

/* What inlay_plan tells, in bytes; more may follow. */
enum {
    INLAY_PLAN_MAPPED = 0,  /* of files that are mapped: not from the allocator, and shared between processes */
    INLAY_PLAN_OPENING = 1, /* from the allocator at most while the model opens */
    INLAY_PLAN_MODEL = 2,   /* of these held while it is open */
    INLAY_PLAN_PACKED = 3,  /* of these for packed weights; first touched when they are packed */
    INLAY_PLAN_SESSION = 4, /* a session: INLAY_SESSION_MEMORY */
    INLAY_PLAN_CACHE = 5,   /* of these keys and values: INLAY_SESSION_CACHE_MEMORY; touched page by page */
    INLAY_PLAN_PEAK = 6     /* from the allocator at most, from opening the model to the end of the session */
};

/* How much memory a model, opened from `path` with `options`, and one session with the same will take: exactly what
 * their allocator will be asked for. `values` [n_values] by INLAY_PLAN_; 0 where nothing is told. The options' own
 * allocator is not called: for the length of the call the C library gives what tables and tokenizer need, and address
 * space for the rest, which is not touched; a file that is to be copied (INLAY_OPT_LOAD) is read. No callback is
 * called. Errors: as inlay_model_open and inlay_session_new. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_plan(const char *path, const inlay_options *options, int64_t *values, size_t n_values);

/* The same of inlay_model_open_fd and inlay_model_open_read; `read` is asked for metadata and small tensors. Errors:
 * as of those. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_plan_fd(int32_t fd, uint64_t offset, uint64_t size, const inlay_options *options,
                                int64_t *values, size_t n_values);
INLAY_API int32_t inlay_plan_read(inlay_read_fn read, void *user, uint64_t size, const inlay_options *options,
                                  int64_t *values, size_t n_values);

/* Frees a session; NULL is fine. In a callback of the session itself it takes effect when
 * the call that runs returns. Thread rule: one thread at a time. Since 0.1. */
INLAY_API void inlay_session_free(inlay_session *session);

/* Appends `n_tokens` tokens to the sequence and computes the logits that follow the last of
 * them. How a sequence is cut into calls never changes a bit of the result. On failure the
 * sequence is as long as it was. n_tokens = 0 is an error.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_TOKEN (which one is in the text),
 * INLAY_ERR_CONTEXT, INLAY_ERR_CANCELLED, INLAY_ERR_NUMERIC, INLAY_ERR_CHANGED,
 * INLAY_ERR_STATE (an encoder-decoder, and nothing was encoded), INLAY_ERR_IO (a mapped file
 * cannot be looked at any more), INLAY_ERR_THREAD (in a child of fork, where threads start anew),
 * INLAY_ERR_UNSUPPORTED (INLAY_CAN_GENERATE), INLAY_ERR_BUSY. Thread rule: one thread at a time.
 * Since 0.1. */
INLAY_API int32_t inlay_eval(inlay_session *session, const int32_t *tokens, size_t n_tokens);

/* The same, and the logits that follow each token: `logits` [n_tokens, n_vocab] floats, row
 * by row, `capacity` floats of room. Errors: as inlay_eval, and INLAY_ERR_BUFFER (nothing
 * was evaluated). Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_eval_all(inlay_session *session, const int32_t *tokens, size_t n_tokens, float *logits,
                                 size_t capacity);

/* Appends tokens to several sequences of the session (INLAY_OPT_SEQUENCES), evaluated together: sequence sequences[i]
 * gets tokens[starts[i]] to tokens[starts[i + 1] - 1], at least one. `sequences` [n] names each at most once, `starts`
 * [n + 1] rises. The logits that follow are those of each sequence, for inlay_logits and inlay_sample when it is in
 * hand (INLAY_OPT_SEQUENCE, which stays as it is). Each sequence has the same bits as if it were evaluated alone, and
 * many generate far more tokens a second than one. On failure all sequences are as before. Errors: as inlay_eval, with
 * the number of the run; INLAY_ERR_ARGUMENT for a sequence that is not there or comes twice, or n 0. Thread rule: one
 * thread at a time. Since 0.1. */
INLAY_API int32_t inlay_eval_batch(inlay_session *session, const int32_t *sequences, const int32_t *tokens,
                                   const size_t *starts, size_t n);

/* Begins an evaluation that inlay_eval_step carries on in slices of time: of `tokens`, which are copied, as inlay_eval
 * does it, or of a batch as inlay_eval_batch does it. Nothing is evaluated yet. Until it is done every other call on the
 * session but inlay_eval_step, inlay_eval_abandon, inlay_session_cancel, inlay_session_error, inlay_session_get_int
 * (whose INLAY_SESSION_LENGTH counts what is done meanwhile) and inlay_session_free returns INLAY_ERR_STATE. Errors: as inlay_eval and inlay_eval_batch. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_eval_begin(inlay_session *session, const int32_t *tokens, size_t n_tokens);
INLAY_API int32_t inlay_eval_begin_batch(inlay_session *session, const int32_t *sequences, const int32_t *tokens,
                                         const size_t *starts, size_t n);

/* Carries the evaluation on for about `budget_us` microseconds, at least by a little. INLAY_AGAIN: there is more to do;
 * it stopped in the middle of a layer and goes on from there. INLAY_OK: done, the logits are there. It stops before a
 * piece of work that would probably go beyond the budget; what begins and ends a pass, such as the first use of memory for
 * more keys and values, is not cut and may go beyond it. Slices change no bit. Weights are not packed meanwhile, which
 * would take longer than any slice: open the model with INLAY_PACK_OPEN, or from a packed file, for full speed. Errors:
 * as inlay_eval, INLAY_ERR_STATE when no evaluation is pending; after an error none is, and all sequences are as they
 * were before it began. Thread rule: one thread at a time, not always the same. Since 0.1. */
INLAY_API int32_t inlay_eval_step(inlay_session *session, uint64_t budget_us);

/* Gives the pending evaluation up: all sequences are as they were before it began. Without one it does nothing.
 * Errors: INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_eval_abandon(inlay_session *session);

/* Makes sequence `to` what `from` is: tokens, logits, recurrent state. What `to` was is gone. Keys and values are
 * shared until one of the two goes on, so that it takes next to no time however long `from` is: read a common beginning
 * once, then fork it for every answer. Errors: INLAY_ERR_ARGUMENT for a sequence that is not there,
 * INLAY_ERR_UNSUPPORTED (INLAY_CAN_GENERATE). Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sequence_fork(inlay_session *session, int32_t from, int32_t to);

/* Makes the sequence in hand `tokens`, whatever it was, and computes the logits that follow, as if it were emptied and
 * given to inlay_eval, with the same bits: but the longest beginning that one of the session's sequences or a text
 * that is kept (INLAY_OPT_KEEP) has already is not read again, and shares memory with it. `*n_reused`, which may be
 * NULL, gets its length. What the sequence was is kept, where that is not a beginning of `tokens`. So a server gives
 * every request its whole conversation, on whichever sequence is free. A model with a recurrent state (without
 * INLAY_CAN_TRUNCATE) can go on only from where its state was kept: at the end of texts, before the last token of each
 * prompt, and where a prompt parts from one before; one whose sequences cannot be cut to any length (INLAY_OPT_REWIND)
 * likewise. Errors: as inlay_eval; those of arguments leave the sequence as it was, after others it is a beginning of
 * `tokens`, and what was read is not read again. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_eval_prompt(inlay_session *session, const int32_t *tokens, size_t n_tokens, size_t *n_reused);

/* The first part of inlay_eval_prompt alone: the sequence in hand becomes the longest beginning of `tokens` that is
 * there, at most n_tokens - 1, `*n_reused` tokens, without logits. The rest is for inlay_eval_batch, or
 * inlay_eval_begin and slices. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_UNSUPPORTED (INLAY_CAN_GENERATE), INLAY_ERR_BUSY.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_session_recall(inlay_session *session, const int32_t *tokens, size_t n_tokens,
                                       size_t *n_reused);

/* Keeps the text of the sequence in hand, as it is now, in the place of one that it goes on from or of the one whose
 * last use is the longest ago. What stands behind tokens that inlay_session_drop took out does not count, nor does a
 * sequence that was loaded, as its bytes may be anybody's: such a one goes on, but no other goes on from it. With
 * INLAY_OPT_KEEP 0 it does nothing. Errors: INLAY_ERR_UNSUPPORTED (INLAY_CAN_GENERATE), INLAY_ERR_BUSY. Thread rule:
 * one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_session_keep(inlay_session *session);

/* Forgets all texts that are kept. Errors: INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_session_forget(inlay_session *session);

/* What sequence `sequence` is, as bytes: its keys and values as the session keeps them, recurrent state, what the
 * encoder before its decoder gave, logits, and the session's random numbers. `*needed` gets their number; with too
 * little room, or `bytes` NULL, nothing else happens. The same sequence gives the same bytes on every machine. They are
 * as private as the text is. Errors: INLAY_ERR_BUFFER, INLAY_ERR_ARGUMENT, INLAY_ERR_UNSUPPORTED (INLAY_CAN_GENERATE),
 * INLAY_ERR_CHANGED and INLAY_ERR_IO (of the model's mapped file), INLAY_ERR_BUSY. Thread rule: one thread at a time.
 * Since 0.1. */
INLAY_API int32_t inlay_sequence_save(inlay_session *session, int32_t sequence, void *bytes, size_t capacity,
                                      size_t *needed);

/* Makes `sequence` what the bytes say, in any session of the same model, of any machine, with the same
 * INLAY_OPT_CACHE_TYPE: it goes on with the bits it would have had. The session's random numbers become those of the
 * state. Of an encoder-decoder whose session has encoded another text, the other sequences are empty then. The bytes
 * are checked as a whole before anything changes, by a sum that tells damage and not malice; made by somebody who means
 * harm they can make nonsense of the sequence and no more. On failure the session is as before. Errors:
 * INLAY_ERR_FORMAT (no state, or damaged), INLAY_ERR_UNSUPPORTED (of a newer version, another arithmetic version;
 * INLAY_CAN_GENERATE), INLAY_ERR_CONTEXT (too long), INLAY_ERR_ARGUMENT (of another model or cache type, a prefix above
 * the batch, no such sequence), INLAY_ERR_CHANGED and INLAY_ERR_IO as above, INLAY_ERR_BUSY. Thread rule: one thread
 * at a time. Since 0.1. */
INLAY_API int32_t inlay_sequence_load(inlay_session *session, int32_t sequence, const void *bytes, size_t size);

/* The same to and from a file. It is written beside, under the name with ".part", and takes its name when it is whole.
 * Loading takes as much memory as the file has bytes, for the length of the call. Errors: as
 * inlay_sequence_save and inlay_sequence_load, and INLAY_ERR_IO, INLAY_ERR_MEMORY. Thread rule: one thread at a time.
 * Since 0.1. */
INLAY_API int32_t inlay_sequence_save_file(inlay_session *session, int32_t sequence, const char *path);
INLAY_API int32_t inlay_sequence_load_file(inlay_session *session, int32_t sequence, const char *path);

/* The logits after the last token: `*logits` [n_vocab], natural logarithms up to a
 * constant. The pointer is the session's and its floats may be changed (a bias, a ban)
 * before inlay_sample; the next eval of its sequence overwrites them. Either out pointer may be NULL.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_STATE when nothing was evaluated, INLAY_ERR_UNSUPPORTED (INLAY_CAN_GENERATE).
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_logits(inlay_session *session, float **logits, size_t *n_vocab);

/* Chooses the next token from the logits, by the session's sampling options, and draws the
 * next random number if it needs one. It does not append the token: inlay_eval does.
 * Equal logits go to the lower id. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_STATE when nothing was
 * evaluated, INLAY_ERR_NUMERIC when no token has a finite logit, INLAY_ERR_UNSUPPORTED
 * (INLAY_CAN_GENERATE). Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sample(inlay_session *session, int32_t *token);

/* Changes a sampling option (INLAY_OPT_TEMPERATURE to INLAY_OPT_SEED) of a session, one of embeddings
 * (INLAY_OPT_POOLING to INLAY_OPT_NORMALIZE), the sequence in hand (INLAY_OPT_SEQUENCE), or INLAY_OPT_PREFIX of one
 * that is empty. Setting the seed restarts the random numbers. Errors: INLAY_ERR_KEY, INLAY_ERR_ARGUMENT,
 * INLAY_ERR_STATE for an option fixed at creation or by what was evaluated, INLAY_ERR_UNSUPPORTED. Thread rule: one
 * thread at a time. Since 0.1. */
INLAY_API int32_t inlay_session_set_int(inlay_session *session, int32_t key, int64_t value);
INLAY_API int32_t inlay_session_set_float(inlay_session *session, int32_t key, double value);

/* Facts of a session. */
enum {
    INLAY_SESSION_LENGTH = 1,        /* int: tokens in the sequence */
    INLAY_SESSION_CONTEXT = 2,       /* int: tokens it has room for */
    INLAY_SESSION_THREADS = 3,       /* int: threads that work on a call */
    INLAY_SESSION_BATCH = 4,         /* int: tokens evaluated together */
    INLAY_SESSION_MEMORY = 5,        /* int: bytes taken from the allocator */
    INLAY_SESSION_CACHE_MEMORY = 6,  /* int: bytes of these that are the key/value cache */
    INLAY_SESSION_ENCODED = 7,       /* int: tokens that inlay_encode last read */
    INLAY_SESSION_SEQUENCES = 8,     /* int: sequences it has */
    INLAY_SESSION_KEPT = 9           /* int: texts that are kept (INLAY_OPT_KEEP) */
};

/* One fact. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_KEY.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_session_get_int(const inlay_session *session, int32_t fact, int64_t *value);

/* Shortens the sequence to its first `length` tokens; 0 empties it. Where that drops tokens, the logits are gone until
 * the next eval. Errors: INLAY_ERR_ARGUMENT when `length` is above the present one or cuts a prefix,
 * INLAY_ERR_UNSUPPORTED when the model cannot (INLAY_CAN_TRUNCATE) or INLAY_OPT_REWIND does not reach so far,
 * INLAY_ERR_BUSY. Thread rule: one thread at a time.
 * Since 0.1. */
INLAY_API int32_t inlay_session_truncate(inlay_session *session, size_t length);

/* Takes the tokens [begin, end), counted from 0, out of the sequence, for a talk that goes beyond its context: the
 * beginning stays, its oldest part goes, and there is room again. Those behind move forward, keys by a rotation [Su et
 * al. 2021], and keep what they have learnt of those that went: the sequence is not what its remaining tokens would
 * give when read anew, but far cheaper, and the same bits on every machine. With a cache of 16 bits a key is rounded
 * once each time it moves. The logits stay, unless the last token goes. Errors: INLAY_ERR_ARGUMENT (no such tokens, or
 * within a prefix), INLAY_ERR_UNSUPPORTED (INLAY_CAN_SHIFT, or beyond INLAY_OPT_REWIND), INLAY_ERR_BUSY. Thread rule:
 * one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_session_drop(inlay_session *session, size_t begin, size_t end);

/* Makes the inlay_eval that is running on another thread return INLAY_ERR_CANCELLED soon, or the
 * pending evaluation at its next inlay_eval_step; the sequences are as they were before that
 * call. Without a running or pending one it does nothing.
 * Thread rule: any, and safe in a signal handler. Since 0.1. */
INLAY_API void inlay_session_cancel(inlay_session *session);

/* What went wrong in the last failed call on this session, "" when none has failed. The text
 * lives until the next failed call on it. Thread rule: one thread at a time. Since 0.1. */
INLAY_API const char *inlay_session_error(const inlay_session *session);

/* ---------------------------------------------------------------- encoders */

/* Reads a whole sequence of `n_tokens` tokens, of which each sees those before and after it, with an encoder: one that
 * stands alone (INLAY_MODEL_KIND "encoder") or before a decoder. What it gives, inlay_hidden_states and inlay_logits_at
 * tell; it takes the place of what the call before gave. Before a decoder, the session's own sequence is empty then,
 * and inlay_eval, which begins with INLAY_MODEL_TOKEN_START, attends to what was encoded. Add the tokens that the model
 * wants around a text (INLAY_ADD_SPECIAL). On failure all is as it was. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_TOKEN,
 * INLAY_ERR_CONTEXT (more tokens than the session's context or the model's positions), INLAY_ERR_UNSUPPORTED
 * (INLAY_CAN_ENCODE), INLAY_ERR_CANCELLED, INLAY_ERR_NUMERIC, INLAY_ERR_CHANGED, INLAY_ERR_IO, INLAY_ERR_THREAD,
 * INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_encode(inlay_session *session, const int32_t *tokens, size_t n_tokens);

/* The same of several segments, such as a question and an answer: `segments` [n_tokens] has the number of each token's
 * segment, 0 for the first; NULL: all 0. Models that tell no segments apart (RoBERTa) take 0 alone. Errors: as
 * inlay_encode, INLAY_ERR_ARGUMENT for a segment that the model does not know.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_encode_segments(inlay_session *session, const int32_t *tokens, const uint8_t *segments,
                                        size_t n_tokens);

/* What the encoder made of each token that was last encoded, behind its last norm: `*states` [n_tokens, n_embd], row by
 * row. The pointer is the session's; the next inlay_encode overwrites it. Any out pointer may be NULL.
 * Errors: INLAY_ERR_UNSUPPORTED (INLAY_CAN_ENCODE), INLAY_ERR_STATE when nothing was encoded.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_hidden_states(inlay_session *session, const float **states, size_t *n_tokens, size_t *n_embd);

/* Which token a masked-language model expects at `position` of the sequence last encoded, counted from 0: `*logits`
 * [n_vocab], natural logarithms up to a constant. They say something where the sequence had the mask token
 * (INLAY_MODEL_TOKEN_MASK). The pointer is the session's; the next call overwrites it. Either out pointer may be NULL.
 * Errors: INLAY_ERR_ARGUMENT (no such position), INLAY_ERR_STATE when nothing was encoded, INLAY_ERR_UNSUPPORTED
 * (INLAY_CAN_FILL_MASK), INLAY_ERR_NUMERIC, INLAY_ERR_CANCELLED, INLAY_ERR_CHANGED, INLAY_ERR_IO.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_logits_at(inlay_session *session, size_t position, float **logits, size_t *n_vocab);

/* One vector for each of `n_sequences` sequences, to compare their meaning by: `embeddings` [n_sequences, *n_dims], row
 * by row, with room for `capacity` floats. Sequence i is tokens[starts[i]] to tokens[starts[i + 1] - 1], as
 * inlay_tokenize_batch gives them. INLAY_OPT_POOLING, INLAY_OPT_DIMENSIONS and INLAY_OPT_NORMALIZE of the session say
 * how. As many sequences as the session's batch holds are read together; a vector's bits do not depend on the others.
 * With too little room, INLAY_ERR_BUFFER and `*n_dims`, which may be NULL. What was encoded before stays.
 * Errors: as inlay_encode, with the number of the sequence, INLAY_ERR_UNSUPPORTED (INLAY_CAN_EMBED), and
 * INLAY_ERR_ARGUMENT for more dimensions than the model has. After an error the rows of `embeddings` are
 * undefined. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_embeddings(inlay_session *session, const int32_t *tokens, const size_t *starts,
                                   size_t n_sequences, float *embeddings, size_t capacity, size_t *n_dims);

/* What a model that classifies says of each of `n_sequences` sequences: `scores` [n_sequences, *n_labels], row by row,
 * with room for `capacity` floats; natural logarithms up to a constant where there are several labels, and of a model
 * that ranks one number, the greater the better. Sequences are as of inlay_embeddings; `segments` has a number for each
 * token as of inlay_encode_segments, or is NULL. inlay_tokenize_pair makes both of two texts. Errors: as
 * inlay_embeddings; INLAY_ERR_UNSUPPORTED (INLAY_CAN_CLASSIFY). Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_scores(inlay_session *session, const int32_t *tokens, const uint8_t *segments,
                               const size_t *starts, size_t n_sequences, float *scores, size_t capacity,
                               size_t *n_labels);

#ifdef __cplusplus
}
#endif

#endif /* INLAY_SESSION_PUBLIC_H */
