/* Inlay: choosing tokens. A part of inlay.h, which includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * inlay_sample chooses by a few options of its session. Here is all else: samplers, chains of stages in the order that
 * the caller gives; probabilities of tokens; stop texts.
 *
 *     inlay_sampler_new(n_vocab, NULL, &sampler);
 *     inlay_sampler_add(sampler, INLAY_STAGE_DRY);
 *     inlay_sampler_add(sampler, INLAY_STAGE_MIN_P);
 *     inlay_sampler_set(sampler, INLAY_PARAMETER_MIN_P, 0.1);
 *     inlay_sampler_add(sampler, INLAY_STAGE_TEMPERATURE);
 *     inlay_sampler_accept(sampler, prompt, n_prompt);
 *     for (;;) {
 *         inlay_logits(session, &logits, NULL);
 *         inlay_sampler_sample(sampler, logits, &token);
 *         inlay_sampler_accept(sampler, &token, 1);
 *         inlay_eval(session, &token, 1);
 *     }
 */
#ifndef INLAY_SAMPLER_PUBLIC_H
#define INLAY_SAMPLER_PUBLIC_H

#include "inlay.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A sampler: stages, the last tokens of its text, random numbers. It knows of no session: one thread at a time uses it,
 * with the logits of any model of as many tokens. */
typedef struct inlay_sampler inlay_sampler;
/* Texts that end an answer, and how far one may have begun. One thread at a time. */
typedef struct inlay_stop inlay_stop;

/* A stage of the caller's own: `tokens` [*n] are the candidates and `logits` [*n] theirs. It may change logits, reorder
 * both alike, and leave the first `*n` alone by making that less. A value other than 0 ends the call with
 * INLAY_ERR_CANCELLED. The sampler may not be used in it. */
typedef int32_t (*inlay_stage_fn)(void *user, int32_t *tokens, float *logits, size_t *n);

/* ------------------------------------------------------------------- stages */

/* Every stage finds the candidates that those before it left, with the probabilities that their logits have by then. */
enum {
    INLAY_STAGE_TEMPERATURE = 1,         /* logits divided; 0: the greatest is chosen, nothing is drawn */
    INLAY_STAGE_DYNAMIC_TEMPERATURE = 2, /* the same, higher where the candidates' entropy is */
    INLAY_STAGE_TOP_K = 3,               /* the k most probable */
    INLAY_STAGE_TOP_P = 4,               /* the fewest most probable that reach p in sum [Holtzman et al. 2020] */
    INLAY_STAGE_MIN_P = 5,               /* those at least p times as probable as the first [Nguyen et al. 2024] */
    INLAY_STAGE_TYPICAL = 6,      /* the fewest nearest to the mean information that reach p [Meister et al. 2023] */
    INLAY_STAGE_TOP_N_SIGMA = 7,  /* logits within n standard deviations of the greatest [Tang et al. 2024] */
    INLAY_STAGE_XTC = 8,          /* at times, only the least probable of those above a threshold [p-e-w 2024] */
    INLAY_STAGE_MIROSTAT = 9,     /* as many as keep the surprise near tau [Basu et al. 2021]; the last stage */
    INLAY_STAGE_MIROSTAT_V2 = 10, /* the same without its estimate; the last stage */
    INLAY_STAGE_PENALTIES = 11,   /* of the last tokens [Keskar et al. 2019] */
    INLAY_STAGE_DRY = 12,         /* of tokens that go on with a repetition [p-e-w 2024] */
    INLAY_STAGE_BIAS = 13,        /* inlay_sampler_add_bias */
    INLAY_STAGE_ALLOWED = 14,     /* inlay_sampler_add_allowed */
    INLAY_STAGE_CALLBACK = 15,    /* inlay_sampler_add_callback */
    INLAY_STAGE_GRAMMAR = 16      /* inlay_sampler_add_grammar */
};

/* What stages take: the range, and the value a stage has when it is added. */
enum {
    INLAY_PARAMETER_TEMPERATURE = 1,          /* 0 to 100; 1 */
    INLAY_PARAMETER_TEMPERATURE_LOWEST = 2,   /* dynamic, at entropy 0: 0 to 100; 0.5 */
    INLAY_PARAMETER_TEMPERATURE_HIGHEST = 3,  /* at the most entropy there can be: 0 to 100; 1.5 */
    INLAY_PARAMETER_TEMPERATURE_EXPONENT = 4, /* of entropy as a part of the most: 0.01 to 100; 1 */
    INLAY_PARAMETER_TOP_K = 5,                /* a whole number; 0: all; 40 */
    INLAY_PARAMETER_TOP_P = 6,                /* 0 to 1; 0.95 */
    INLAY_PARAMETER_MIN_P = 7,                /* 0 to 1; 0.05 */
    INLAY_PARAMETER_TYPICAL = 8,              /* 0 to 1; 0.95 */
    INLAY_PARAMETER_TOP_N_SIGMA = 9,          /* 0 to 1000; 1 */
    INLAY_PARAMETER_XTC_PROBABILITY = 10,     /* that it acts on a token: 0 to 1; 0.5 */
    INLAY_PARAMETER_XTC_THRESHOLD = 11,       /* 0 to 1; 0.1 */
    INLAY_PARAMETER_MIROSTAT_TAU = 12,        /* bits of surprise: 0 to 100; 5 */
    INLAY_PARAMETER_MIROSTAT_ETA = 13,        /* rate of learning: 0 to 1; 0.1 */
    INLAY_PARAMETER_MIROSTAT_M = 14,          /* tokens that the estimate looks at: 2 to 1048576; 100 */
    INLAY_PARAMETER_MIROSTAT_V2_TAU = 15,     /* as above */
    INLAY_PARAMETER_MIROSTAT_V2_ETA = 16,     /* as above */
    INLAY_PARAMETER_PENALTY_LAST = 17,        /* how many tokens it looks back: 0 to 1048576; 64 */
    INLAY_PARAMETER_PENALTY_REPEAT = 18,      /* positive logits are divided, others multiplied: 0.01 to 100; 1 */
    INLAY_PARAMETER_PENALTY_FREQUENCY = 19,   /* less for each time it occurs: -100 to 100; 0 */
    INLAY_PARAMETER_PENALTY_PRESENCE = 20,    /* less when it occurs: -100 to 100; 0 */
    INLAY_PARAMETER_DRY_MULTIPLIER = 21,      /* logit -= multiplier * base^(length - allowed): 0 to 100; 0.8 */
    INLAY_PARAMETER_DRY_BASE = 22,            /* 1 to 100; 1.75 */
    INLAY_PARAMETER_DRY_ALLOWED = 23,         /* repetitions below this length are free: 1 to 1048576; 2 */
    INLAY_PARAMETER_DRY_LAST = 24             /* how many tokens it looks back: 0 to 1048576; 4096 */
};

/* ----------------------------------------------------------------- samplers */

/* A sampler for logits of `n_vocab` tokens, 1 to 2^24, without a stage: it draws from all tokens. Of the options, which
 * may be NULL, the allocator and INLAY_OPT_SEED are used. All memory is taken by this call and by those that add and
 * set; none while tokens are chosen. Free it with inlay_sampler_free. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_MEMORY.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_sampler_new(size_t n_vocab, const inlay_options *options, inlay_sampler **sampler);

/* Frees a sampler; NULL is fine. Thread rule: one thread at a time. Since 0.1. */
INLAY_API void inlay_sampler_free(inlay_sampler *sampler);

/* A copy that goes on as the original would: stages, last tokens, random numbers. Errors: INLAY_ERR_ARGUMENT,
 * INLAY_ERR_MEMORY, INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_clone(inlay_sampler *sampler, inlay_sampler **copy);

/* Adds a stage, INLAY_STAGE_TEMPERATURE to INLAY_STAGE_DRY, behind those there are; at most 64.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_STATE (too many, or behind a mirostat), INLAY_ERR_MEMORY, INLAY_ERR_BUSY.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_add(inlay_sampler *sampler, int32_t stage);

/* Sets an INLAY_PARAMETER_ of the last stage that has it. Errors: INLAY_ERR_KEY (no such parameter), INLAY_ERR_ARGUMENT
 * (out of range), INLAY_ERR_STATE (no stage has it), INLAY_ERR_MEMORY, INLAY_ERR_BUSY. Thread rule: one thread at a
 * time. Since 0.1. */
INLAY_API int32_t inlay_sampler_set(inlay_sampler *sampler, int32_t parameter, double value);

/* Adds a stage that adds biases[i] to the logit of tokens[i]; -inf bans it. NULL for `biases` bans all `n_tokens`. A
 * token may stand in it twice. Errors: INLAY_ERR_TOKEN, INLAY_ERR_ARGUMENT (NaN, +inf) and as inlay_sampler_add. Thread
 * rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_add_bias(inlay_sampler *sampler, const int32_t *tokens, const float *biases,
                                         size_t n_tokens);

/* Adds a stage that bans all but these tokens, at least one: a single one is forced. Errors: INLAY_ERR_TOKEN and as
 * inlay_sampler_add. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_add_allowed(inlay_sampler *sampler, const int32_t *tokens, size_t n_tokens);

/* Adds a stage of the caller's own. Errors: as inlay_sampler_add. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_add_callback(inlay_sampler *sampler, inlay_stage_fn call, void *user);

/* The tokens at which repetitions end for the last INLAY_STAGE_DRY, such as those with a newline; none at first. They
 * take the place of those before. Errors: INLAY_ERR_TOKEN, INLAY_ERR_STATE (no such stage), INLAY_ERR_ARGUMENT,
 * INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_set_breakers(inlay_sampler *sampler, const int32_t *tokens, size_t n_tokens);

/* Appends tokens to the text that stages look back at: the prompt's, and each that was chosen. Errors, when nothing was
 * appended: INLAY_ERR_TOKEN, INLAY_ERR_STATE (a grammar does not allow one), INLAY_ERR_UNSUPPORTED (a grammar can read
 * the text in too many ways), INLAY_ERR_ARGUMENT, INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_accept(inlay_sampler *sampler, const int32_t *tokens, size_t n_tokens);

/* An empty text, and random numbers from this seed; stages stay. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_BUSY.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_reset(inlay_sampler *sampler, uint64_t seed);

/* Chooses a token by logits [n_vocab], which stay as they are; -inf bans a token. Equal probabilities are ordered by
 * ascending id. The same logits, stages, text and seed give the same token on every machine. Without the stages of
 * temperature 0 one number is drawn, and one more by each XTC. Errors: INLAY_ERR_NUMERIC (NaN, +inf, or nothing left
 * to choose), INLAY_ERR_CANCELLED and INLAY_ERR_ARGUMENT (of a callback), INLAY_ERR_STATE and INLAY_ERR_UNSUPPORTED
 * (of a grammar: no token can come next; the text can be read in too many ways), INLAY_ERR_BUSY; the sampler is then
 * as before. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_sample(inlay_sampler *sampler, const float *logits, int32_t *token);

/* What inlay_sampler_sample would draw from, without drawing: `*n` candidates in the order in which they stand, and
 * their probabilities, which sum to 1; room for `capacity` of each. Either array may be NULL. Errors: INLAY_ERR_BUFFER
 * with `*n` set, and as inlay_sampler_sample. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_candidates(inlay_sampler *sampler, const float *logits, int32_t *tokens,
                                           float *probabilities, size_t capacity, size_t *n);

/* What changes from token to token, as bytes: last tokens, random numbers, what mirostat learnt. `*needed` gets their
 * number. Errors: INLAY_ERR_BUFFER, INLAY_ERR_ARGUMENT, INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1.
 */
INLAY_API int32_t inlay_sampler_save(inlay_sampler *sampler, void *bytes, size_t capacity, size_t *needed);

/* Takes it up, with the same stages, on any machine. The bytes are not trusted. Errors: INLAY_ERR_FORMAT (the sampler
 * is as before), INLAY_ERR_ARGUMENT, INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_load(inlay_sampler *sampler, const void *bytes, size_t size);

/* ------------------------------------------------------------ probabilities */

/* The natural logarithm of the probability of `token` by logits [n_vocab], -inf for one banned. Errors:
 * INLAY_ERR_ARGUMENT, INLAY_ERR_TOKEN, INLAY_ERR_NUMERIC (NaN, +inf, or all -inf). Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_log_probability(const float *logits, size_t n_vocab, int32_t token, float *log_probability);

/* The `n` most probable tokens by logits [n_vocab], the first one first, equal ones by ascending id, and the natural
 * logarithms of their probabilities: `tokens` [n], `log_probabilities` [n]. n is at most n_vocab. Errors and thread
 * rule: as inlay_log_probability. Since 0.1. */
INLAY_API int32_t inlay_top_tokens(const float *logits, size_t n_vocab, size_t n, int32_t *tokens,
                                   float *log_probabilities);

/* Appends tokens as inlay_eval does, and tells the natural logarithm of each one's probability after those before it:
 * `log_probabilities` [n_tokens], their sum being that of the text. The first token of an empty sequence has none: 0.
 * Takes memory for a few rows of logits while it runs. Errors: as inlay_eval, INLAY_ERR_MEMORY; where they come in the
 * midst, the sequence is as it was, or empty where it cannot be cut (INLAY_CAN_TRUNCATE).
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_score(inlay_session *session, const int32_t *tokens, size_t n_tokens, float *log_probabilities);

/* Beam search: goes on with the sequence in hand by the `n_beams` best beginnings of an answer at a time, up to
 * `max_tokens` tokens, and gives the best answer: `*n_tokens` of them, without the one that ends it, into `tokens` with
 * room for `capacity`, at least max_tokens. The best is the one with the greatest sum of logarithms of its tokens'
 * probabilities divided by its length (with its end) to the power of `length_penalty`, 0 to 10: 0 finds the most
 * probable, more favours longer ones. That number goes to `*score`, which may be NULL. Of all successors the 2 n_beams
 * best are looked at; those that end count when they are among the n_beams best. The session needs a sequence more than
 * n_beams (INLAY_OPT_SEQUENCES): the sequence in hand stays as it is, logits too, and the first n_beams others are
 * empty afterwards. Takes memory while it runs. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_STATE (no logits),
 * INLAY_ERR_BUFFER, INLAY_ERR_MEMORY, and as inlay_eval. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_beam_search(inlay_session *session, size_t n_beams, size_t max_tokens, double length_penalty,
                                    int32_t *tokens, size_t capacity, size_t *n_tokens, double *score);

/* Best of n: `n_answers` answers to the sequence in hand are drawn, each up to `max_tokens` tokens, all evaluated
 * together, and the best is given as inlay_beam_search gives it: the one with the greatest sum of logarithms of its
 * tokens' probabilities by the model, whatever the sampler made of them, divided by its length (with its end) to the
 * power of `length_penalty`, 0 to 10. With `sampler` each answer draws by a copy of it, with a seed that it draws and
 * the text that it knows; its text stays. NULL: all draw by turns by the session's sampling options, which are to draw
 * (INLAY_OPT_TEMPERATURE), else all answers are the same. The session needs a sequence more than n_answers: the one in
 * hand stays as it is, logits too, and the first n_answers others are empty afterwards. Takes memory while it runs. On
 * failure the random numbers are as before. Errors: as inlay_beam_search, inlay_sample and inlay_sampler_sample;
 * INLAY_ERR_ARGUMENT for a sampler of another number of tokens. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_best_of(inlay_session *session, size_t n_answers, size_t max_tokens, double length_penalty,
                                inlay_sampler *sampler, int32_t *tokens, size_t capacity, size_t *n_tokens,
                                double *score);

/* --------------------------------------------------------------- stop texts */

/* A set without a text. Of the options, which may be NULL, the allocator is used. Free it with inlay_stop_free.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_MEMORY. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_stop_new(const inlay_options *options, inlay_stop **stop);

/* Frees it; NULL is fine. Thread rule: one thread at a time. Since 0.1. */
INLAY_API void inlay_stop_free(inlay_stop *stop);

/* Adds a text, UTF-8 of 1 to 4096 bytes; at most 256. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_STATE (too many),
 * INLAY_ERR_MEMORY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_stop_add(inlay_stop *stop, const char *text, size_t size);

/* Reads the next piece of an answer, such as inlay_stream_text gives it, and writes what can no longer belong to a stop
 * text: all before the first of them, which may run across pieces. However an answer is cut into pieces, the same is
 * written.
 * `*found`, which may be NULL, gets which text came, counted from 1 as they were added, or 0; of several that end at
 * the same byte the longest. From then on nothing is written. NULL for `text` ends the answer: what was held back is
 * written, and the next piece begins another. Pieces of whole characters give whole characters. `out` needs room for
 * what is held back, less than the longest stop text, and `size`; INLAY_ERR_BUFFER tells how much in `*n_out`, and the
 * piece is not read. Takes no memory. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_BUFFER.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_stop_text(inlay_stop *stop, const char *text, size_t size, char *out, size_t capacity,
                                  size_t *n_out, int32_t *found);

/* Another answer begins; what was held back is dropped. Errors: INLAY_ERR_ARGUMENT.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_stop_reset(inlay_stop *stop);

#ifdef __cplusplus
}
#endif

#endif /* INLAY_SAMPLER_PUBLIC_H */
