/* Inlay: grammars, which hold what is generated to a form. A part of inlay.h, which includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A grammar is compiled once for a model's tokens. A sampler with the stage INLAY_STAGE_GRAMMAR chooses only tokens
 * with which the text can still become one that the grammar matches, and ends of text only where it does:
 *
 *     inlay_grammar_new(model, INLAY_GRAMMAR_GBNF, "root ::= \"yes\" | \"no\"", INLAY_ALL, NULL, NULL, 0, &grammar);
 *     inlay_sampler_add_grammar(sampler, grammar);
 *     inlay_sampler_accept(sampler, prompt, n_prompt);
 *     for (;;) {
 *         inlay_logits(session, &logits, NULL);
 *         inlay_sampler_sample(sampler, logits, &token);
 *         inlay_sampler_accept(sampler, &token, 1);
 *         if (inlay_token_is_end(model, token)) break;
 *         inlay_eval(session, &token, 1);
 *     }
 *
 * Memory and time are bounded whatever the grammar: it is read by all ways at once, which share what they have in
 * common, and no function recurses. Rules that begin with themselves (left recursion) are refused.
 */
#ifndef INLAY_GRAMMAR_PUBLIC_H
#define INLAY_GRAMMAR_PUBLIC_H

#include "inlay.h"
#include "inlay_sampler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled grammar. Immutable but for what it remembers, which changes no result: any number of threads and samplers
 * may use one. */
typedef struct inlay_grammar inlay_grammar;

/* What a grammar is written in. */
enum {
    INLAY_GRAMMAR_GBNF = 1,        /* llama.cpp's: rules, the first of which is "root" */
    INLAY_GRAMMAR_JSON_SCHEMA = 2, /* JSON Schema, draft 2020-12: docs/grammars.md tells what each keyword does */
    INLAY_GRAMMAR_JSON_SCHEMA_COMPACT = 3, /* the same, for JSON without white space */
    INLAY_GRAMMAR_REGEX = 4        /* a regular expression of ECMA-262, which the whole text matches */
};

/* How a text stands to a grammar, as bits. */
enum {
    INLAY_GRAMMAR_BEGUN = 1,    /* it is held to the grammar: a token was chosen since the last text ended */
    INLAY_GRAMMAR_MAY_END = 2,  /* what there is of it matches */
    INLAY_GRAMMAR_MUST_END = 4  /* and nothing can follow */
};

/* Compiles `text`, `size` bytes, for the tokens of a model, which lives on until the grammar and all samplers with it
 * are freed; the text is not needed afterwards. Without triggers, `n_triggers` 0, the whole answer is held to the
 * grammar. With triggers, triggers[i] of trigger_sizes[i] bytes (NULL: up to the NUL of each), the answer is free, and
 * may end, until one of them has come: the text or, where it names a control token, that. What comes behind it, in the
 * same token or later, is the grammar's. They have at most 4096 bytes together, and each has one. The allocator is the
 * model's; about 2 MiB are taken for what it remembers, and for the first grammar of a model about the size of the
 * texts of its tokens. Free it with inlay_grammar_free. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_FORMAT (with the place),
 * INLAY_ERR_UNSUPPORTED (left recursion; a keyword that is not supported; too large; the model has no tokenizer),
 * INLAY_ERR_MEMORY. Thread rule: any. Source: Earley's idea of reading all ways at once [1970] on graph-structured
 * stacks [Tomita 1985], and masks of tokens by position as of XGrammar [Dong et al. 2024]. Since 0.1. */
INLAY_API int32_t inlay_grammar_new(inlay_model *model, int32_t kind, const char *text, size_t size,
                                    const char *const *triggers, const size_t *trigger_sizes, size_t n_triggers,
                                    inlay_grammar **grammar);

/* Frees a grammar; NULL is fine. Samplers that have it keep what they need. Thread rule: any. Since 0.1. */
INLAY_API void inlay_grammar_free(inlay_grammar *grammar);

/* How much of a text, `size` bytes, can begin one that the grammar matches: `*n_bytes`, all of it where it can go on
 * or is whole; `*is_whole` is 1 where all of it matches as it stands, else 0. Either may be NULL. Takes about 2 MiB
 * meanwhile. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_UNSUPPORTED (too many ways to read it), INLAY_ERR_MEMORY. Thread
 * rule: any. Since 0.1. */
INLAY_API int32_t inlay_grammar_match(const inlay_grammar *grammar, const char *text, size_t size, size_t *n_bytes,
                                      int32_t *is_whole);

/* Adds a stage that bans all tokens but those with which the text can go on; the sampler has at least as many tokens
 * as the grammar's model. The text begins with the first token that is chosen: what was accepted before is the prompt.
 * Once an end of text was accepted, the next choice begins another text, as inlay_sampler_reset does.
 * inlay_sampler_accept then gives INLAY_ERR_STATE for a token that the grammar does not allow, and
 * inlay_sampler_sample where no token is left. Takes about 2 MiB. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_STATE (too
 * many stages, or behind a mirostat), INLAY_ERR_UNSUPPORTED (there are too many ways to begin), INLAY_ERR_MEMORY,
 * INLAY_ERR_BUSY. Thread rule: one thread at a time for the sampler, any for the grammar. Since 0.1. */
INLAY_API int32_t inlay_sampler_add_grammar(inlay_sampler *sampler, inlay_grammar *grammar);

/* INLAY_GRAMMAR_BEGUN, ... of the last such stage. Errors: INLAY_ERR_STATE (there is none), INLAY_ERR_ARGUMENT,
 * INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_sampler_grammar_state(inlay_sampler *sampler, int32_t *state);

#ifdef __cplusplus
}
#endif

#endif
