/* Texts and the ids that the reference gives them; see tests/reference/make_token_goldens.py. */
#ifndef INLAY_TOKENS_GOLDEN_H
#define INLAY_TOKENS_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

typedef struct golden_text {
    const char *pre; /* tokenizer.ggml.pre */
    int special;     /* control tokens are parsed */
    const char *text;
    size_t size;
    size_t first, n; /* its ids are golden_ids[first], ... */
} golden_text;

/* The first n_control tokens are control tokens, the last n_added are added ones. */
extern const size_t golden_n_tokens, golden_n_merges, golden_n_control, golden_n_added, golden_n_texts;
extern const char *const golden_tokens[], *const golden_merges[];
extern const int32_t golden_ids[];
extern const golden_text golden_texts[];

#endif
