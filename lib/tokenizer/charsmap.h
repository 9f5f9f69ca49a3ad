/* The precompiled map of characters of SentencePiece models: what to write for which bytes of the text.
 *
 *     u32 size of the trie in bytes, a multiple of 4
 *     trie:  u32 units, a double array [Darts-clone]; unit 0 is the root
 *     texts: end to end, a NUL after each; the trie's values are where in here a text begins
 *
 *     unit   bits 0-7 and 31  label: the byte that leads here
 *            bit 8            a value is at this unit's offset
 *            bits 9, 10-30    offset: bits 10-30, times 256 with bit 9; children are at (index ^ offset ^ byte)
 *     value  bits 0-30
 */
#ifndef INLAY_CHARSMAP_H
#define INLAY_CHARSMAP_H

#include "tokenizer/passage.h"
#include "tokenizer/tokenizer.h"

enum { INLAY__CHARSMAP_DEPTH = 256 }; /* bytes that a key has at most */

typedef struct inlay__charsmap {
    const inlay__sys *sys;
    uint8_t *blob;        /* [size] */
    size_t size;
    const uint8_t *units; /* [4 n_units] */
    size_t n_units;
    const char *texts;    /* [texts_size], UTF-8, the last byte a NUL */
    size_t texts_size;
} inlay__charsmap;

/* Copies the blob and checks it. `name` is the file in error messages. An empty blob gives a map without entries.
 * Errors: _FORMAT, _MEMORY. */
int32_t inlay__charsmap_load(const inlay__sys *sys, const char *name, const uint8_t *blob, size_t size,
                             inlay__charsmap *map);
void inlay__charsmap_free(inlay__charsmap *map);

/* The entry whose key begins text[0..size): the longest or the shortest one. Returns the bytes of its key, 0 for none,
 * and what to write for them. A value that leads nowhere is no entry. */
size_t inlay__charsmap_find(const inlay__charsmap *map, const uint8_t *text, size_t size, bool longest,
                            inlay__text *replacement);

/* Appends `in` with its characters replaced, as the package tokenizers does it: graphemes of less than six bytes by
 * the shortest key that begins them, the characters of others one by one. */
int32_t inlay__charsmap_put(const inlay__charsmap *map, const inlay__passage *in, inlay__passage *out);

#endif
