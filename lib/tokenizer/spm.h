/* SentencePiece BPE [Kudo and Richardson 2018]: spaces become U+2581 and the text, uncut, begins as its characters;
 * then, again and again, the two neighbours that together are the token of the highest score become one, the leftmost
 * first among equals. Characters without a token fall back to the tokens of their bytes.
 */
#ifndef INLAY_SPM_H
#define INLAY_SPM_H

#include "tokenizer/byte_pairs.h"
#include "tokenizer/encoder.h"
#include "tokenizer/vocab.h"

typedef struct inlay__spm {
    const inlay__vocab *vocab;
    const inlay__gguf_kv *scores; /* [n_tokens] f32; the gguf's */
    int32_t byte_ids[256];        /* the token of each byte, or -1 */
    bool add_space_prefix;        /* a space before each stretch of text */
    inlay__byte_pairs joints;     /* bytes that stand side by side in some token */
} inlay__spm;

/* `vocab` and `gguf` must outlive the spm. Errors: _FORMAT (no scores, or one that is not finite). */
int32_t inlay__spm_load(const char *name, const inlay__gguf *gguf, const inlay__vocab *vocab, inlay__spm *spm);

/* Appends the tokens of a text in which no special token is looked for. Errors: _ARGUMENT (more than INT32_MAX / 4
 * bytes), _MEMORY, _UNSUPPORTED (a byte that the vocabulary cannot express). */
int32_t inlay__spm_encode(const inlay__spm *spm, inlay__encoder *encoder, const uint8_t *text, size_t size);

/* Bytes of a token, as inlay__bpe_read. */
size_t inlay__spm_read(const inlay__spm *spm, int32_t id, size_t *at, uint8_t *out, size_t capacity);

#endif
