/* Byte-level byte-pair encoding [Sennrich et al. 2016; Radford et al. 2019]. A word begins as its bytes, one token
 * each; then, again and again, the pair of neighbours whose merge has the lowest rank becomes one token, the
 * leftmost first among equals, until no pair has a merge.
 */
#ifndef INLAY_BPE_H
#define INLAY_BPE_H

#include "base/pool.h"
#include "tokenizer/byte_pairs.h"
#include "tokenizer/encoder.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/vocab.h"

/* "left right" is merge number `rank` and gives `result`. */
typedef struct inlay__merge {
    uint32_t left, right;
    uint32_t rank;
    int32_t result; /* -1: empty slot */
} inlay__merge;

typedef struct inlay__bpe {
    const inlay__sys *sys;
    const inlay__vocab *vocab;
    const inlay__pretokenizer *pretokenizer;
    inlay__cutter cutter; /* its patterns */
    inlay__merge *merges; /* [merge_mask + 1], a hash table by left and right */
    size_t merge_mask;
    uint64_t seed;
    int32_t byte_ids[256]; /* the token of each byte, or -1 */
    inlay__byte_pairs joints; /* the bytes at which merges join */
    uint8_t *raw;          /* bit a token: its text is no byte text, and stands for itself */
    size_t raw_size;
} inlay__bpe;

/* `vocab` must outlive the bpe. On failure nothing is held. */
int32_t inlay__bpe_load(const inlay__sys *sys, const inlay__vocab *vocab, const inlay__pretokenizer *pretokenizer,
                        inlay__bpe *bpe);
/* Then reads tokenizer.ggml.merges, on the pool's threads; NULL: on the caller's alone. */
int32_t inlay__bpe_load_merges(const char *name, const inlay__gguf *gguf, inlay__pool *pool, inlay__bpe *bpe);
void inlay__bpe_free(inlay__bpe *bpe);

/* The tokens of both sides of n_merges merges, [n_merges, 2]; UINT32_MAX for those that cannot apply. */
void inlay__bpe_sides(const inlay__bpe *bpe, uint32_t *sides, size_t n_merges);

/* tokenizer.ggml.merges, which must be there, and its merge number i: the two texts, the left one not empty. */
int32_t inlay__bpe_find_merges(const char *name, const inlay__gguf *gguf, const inlay__gguf_kv **merges);
int32_t inlay__bpe_read_merge(const char *name, const inlay__gguf_kv *merges, uint64_t i, inlay__text *left,
                              inlay__text *right);

/* Appends the tokens of a text in which no special token is looked for. `size` is at most INT32_MAX. */
int32_t inlay__bpe_encode(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *text, size_t size);

/* Appends the tokens of a word of 1 to INT32_MAX bytes, which begins at `begin` of the text that is being encoded. */
int32_t inlay__bpe_encode_word(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size,
                               size_t begin);

/* Notes the bytes at which a merge joins two texts in byte letters, neither of them empty: every two neighbours inside
 * a merged token are those of some merge. */
void inlay__bpe_add_joint(inlay__byte_pairs *joints, inlay__text left, inlay__text right);

/* Bytes of a token, from offset *at of its text on: writes at most `capacity` >= 4 of them, moves *at, and returns
 * how many; 0 when there are no more. */
size_t inlay__bpe_read(const inlay__bpe *bpe, int32_t id, size_t *at, uint8_t *out, size_t capacity);

#endif
