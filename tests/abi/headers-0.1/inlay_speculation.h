/* Inlay: speculation. A part of inlay.h, which includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A model reads eight tokens together in about twice the time of one. So what comes next is guessed, by a cheaper way,
 * and the model reads the guesses with the token that it chose; as many as it would have chosen itself are kept. What
 * is generated is the same, bit for bit, as without: guesses change only how fast.
 *
 *     inlay_speculator_new(n_vocab, 16, 8192, NULL, &speculator);
 *     inlay_eval(session, prompt, n_prompt);
 *     inlay_speculator_accept(speculator, prompt, n_prompt);
 *     for (;;) inlay_speculate(speculator, session, NULL, NULL, tokens, capacity, &n_tokens);
 */
#ifndef INLAY_SPECULATION_PUBLIC_H
#define INLAY_SPECULATION_PUBLIC_H

#include "inlay_sampler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The text of one sequence, in which repetitions are looked up, and memory for guesses. One thread at a time. */
typedef struct inlay_speculator inlay_speculator;

/* A speculator for logits of `n_vocab` tokens, 1 to 2^24, that guesses at most `n_guesses` tokens at a time, 1 to 64,
 * and looks up in the last `n_text` tokens of its text, 2 to 2^24. Of the options, which may be NULL, the allocator is
 * used. All memory is taken here: (n_guesses + 1) * n_vocab + 2 * n_text numbers of four bytes, and some. Free it with
 * inlay_speculator_free. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_MEMORY. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_speculator_new(size_t n_vocab, size_t n_guesses, size_t n_text, const inlay_options *options,
                                       inlay_speculator **speculator);

/* Frees a speculator; NULL is fine. Thread rule: one thread at a time. Since 0.1. */
INLAY_API void inlay_speculator_free(inlay_speculator *speculator);

/* Appends tokens to the text in which guesses are looked up: the prompt's, what was evaluated without
 * inlay_speculate, and before these any other text that the answer may repeat, such as the file that is edited. Only
 * speed depends on it. Errors: INLAY_ERR_TOKEN (nothing was appended), INLAY_ERR_ARGUMENT, INLAY_ERR_BUSY. Thread rule:
 * one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_speculator_accept(inlay_speculator *speculator, const int32_t *tokens, size_t n_tokens);

/* Another text begins, empty, and the draft's sequence is in step (inlay_speculate). Counts of facts stay.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_speculator_reset(inlay_speculator *speculator);

/* Chooses tokens and appends them to the sequence in hand, at least one: `tokens` [*n_tokens], room for `capacity`, at
 * least 1. Afterwards session and sampler are to the bit what they would be after so many times inlay_sample and
 * inlay_eval of the token, or with a `sampler` inlay_sampler_sample, _accept and inlay_eval. Behind a token that ends
 * an answer it goes no further. Guesses are what followed when the last tokens of the text stood there before [Saxena
 * 2023]; with `draft` they are what that session, of a smaller model with the same tokens, such as one of n-grams,
 * would choose [Leviathan et al. 2023]. Its sequence in hand must have read the same text as that of `session`, and
 * goes on with it; nobody else may then use it. A draft that cannot be cut (INLAY_CAN_TRUNCATE) needs a second
 * sequence, which is lost: the first that is not in hand. Where the draft's context is full, nothing is guessed.
 * A stage of the caller's own is called for guesses too. `sampler` and `draft` may be NULL.
 * Errors: as inlay_eval and inlay_sample, INLAY_ERR_BUFFER (capacity 0), INLAY_ERR_ARGUMENT for a session, draft or
 * sampler of another number of tokens, and what the draft gives; nothing has changed then. INLAY_ERR_CHANGED and
 * INLAY_ERR_THREAD while a model that cannot be cut reads kept guesses anew are an exception: the sequence is as it
 * was, without logits, and the sampler has gone on.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_speculate(inlay_speculator *speculator, inlay_session *session, inlay_session *draft,
                                  inlay_sampler *sampler, int32_t *tokens, size_t capacity, size_t *n_tokens);

/* Facts of a speculator, since it was made. */
enum {
    INLAY_SPECULATOR_GUESSED = 1, /* int: tokens that were guessed */
    INLAY_SPECULATOR_KEPT = 2,    /* int: of these, chosen by the model too */
    INLAY_SPECULATOR_CALLS = 3    /* int: calls of inlay_speculate that succeeded */
};

/* One fact. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_KEY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_speculator_get_int(const inlay_speculator *speculator, int32_t fact, int64_t *value);

#ifdef __cplusplus
}
#endif

#endif /* INLAY_SPECULATION_PUBLIC_H */
