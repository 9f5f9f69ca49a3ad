/* Normalising: steps that rewrite a text before it is split, each reading one passage and writing the next. */
#ifndef INLAY_NORMALIZER_H
#define INLAY_NORMALIZER_H

#include "tokenizer/charsmap.h"
#include "tokenizer/finder.h"
#include "tokenizer/passage.h"

typedef enum inlay__normalizer_kind {
    INLAY__NORMALIZE_FORM,          /* NFC, NFD, NFKC, NFKD */
    INLAY__NORMALIZE_LOWERCASE,
    INLAY__NORMALIZE_STRIP,         /* white space at the ends */
    INLAY__NORMALIZE_STRIP_ACCENTS, /* marks, wherever */
    INLAY__NORMALIZE_REPLACE,
    INLAY__NORMALIZE_PREPEND,       /* before a text that is not empty */
    INLAY__NORMALIZE_BERT,
    INLAY__NORMALIZE_CHARSMAP,
    INLAY__NORMALIZE_NMT,
    INLAY__NORMALIZE_BYTE_LEVEL,    /* bytes as the letters of byte-level vocabularies */
    INLAY__NORMALIZE_GGUF_BERT,     /* words, U+2581 before each, spaces between them */
    INLAY__NORMALIZE_SENTENCEPIECE  /* the charsmap, longest keys first, and then spaces */
} inlay__normalizer_kind;

typedef struct inlay__normalizer {
    inlay__normalizer_kind kind;
    int32_t form;                                                    /* FORM: an inlay__normal_form */
    bool left, right;                                                /* STRIP; SENTENCEPIECE: left, a space before */
    /* SENTENCEPIECE: only one between words; as U+2581 */
    bool merge_spaces, mark_spaces;
    bool clean_text, handle_chinese_chars, strip_accents, lowercase; /* BERT; the last two GGUF_BERT */
    inlay__finder finder;                                            /* REPLACE */
    inlay__text content;                                             /* REPLACE, PREPEND; the arena's */
    inlay__charsmap charsmap;                                        /* CHARSMAP, SENTENCEPIECE */
} inlay__normalizer;

/* Appends what the step makes of `in` to `out`, an empty passage. */
int32_t inlay__normalizer_apply(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out);
void inlay__normalizer_free(inlay__normalizer *step);

#endif
