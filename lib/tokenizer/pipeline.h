/* A tokenizer as a row of small steps, as tokenizer.json files describe it:
 *
 *     text → added tokens cut out → normalized → added tokens cut out → split → model → tokens put around → ids
 *     ids → texts of tokens → joiners → text
 *
 * Files of other kinds whose tokenizer is such a row are run by it too.
 */
#ifndef INLAY_PIPELINE_H
#define INLAY_PIPELINE_H

#include "base/arena.h"
#include "tokenizer/ascii_words.h"
#include "tokenizer/joiner.h"
#include "tokenizer/lexicon.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/plamo.h"
#include "tokenizer/special.h"
#include "tokenizer/splitter.h"
#include "tokenizer/stream.h"
#include "tokenizer/symbol_bpe.h"
#include "tokenizer/unigram.h"
#include "tokenizer/wordpiece.h"

/* A token that is matched whole, before the text is split. */
typedef struct inlay__added_token {
    inlay__text content;
    int32_t id;
    bool special;     /* a control token: matched only where the caller asks for them */
    bool normalized;  /* looked for in the normalised text */
    bool lstrip, rstrip; /* takes the white space before, or after it */
    bool single_word; /* not beside the letters of another word */
} inlay__added_token;

typedef enum inlay__model_kind {
    INLAY__MODEL_BPE,
    INLAY__MODEL_WORDPIECE,
    INLAY__MODEL_UNIGRAM,
    INLAY__MODEL_WORDLEVEL,
    INLAY__MODEL_LONGEST, /* the longest token at each place */
    INLAY__MODEL_PLAMO
} inlay__model_kind;

/* The bytes that each token adds to a text, for those who decode one after the other. */
typedef struct inlay__token_bytes {
    uint8_t *bytes;    /* [size] end to end */
    uint32_t *ends;    /* [n_tokens] */
    size_t size, capacity, n_tokens;
} inlay__token_bytes;

typedef struct inlay__pipeline {
    const inlay__sys *sys;
    const inlay__vocab *vocab;
    inlay__arena arena;
    inlay__normalizer *normalizers; /* [n_normalizers] the arena's, as all arrays here */
    inlay__splitter *splitters;
    inlay__joiner *joiners;
    size_t n_normalizers, n_splitters, n_joiners;
    inlay__added_token *added;
    size_t n_added;
    /* the added tokens by their index in `added`, looked for before and after normalising */
    inlay__special given, normalized;
    int32_t *before, *after;          /* ids put around a text with INLAY_ADD_SPECIAL */
    size_t n_before, n_after;
    inlay__model_kind model;
    inlay__lexicon lexicon;
    inlay__symbol_bpe bpe;
    inlay__wordpiece wordpiece;
    inlay__ascii_words ascii; /* the short way to it */
    inlay__unigram unigram;
    inlay__plamo plamo;
    inlay__pieces pieces;  /* LONGEST */
    bool takes_bytes;      /* what is not UTF-8 goes through as it is; else it becomes U+FFFD */
    inlay__token_bytes first, inner; /* of a token that begins a text, and of one inside */
} inlay__pipeline;

/* The steps and the model are set: builds what looks for added tokens, and the bytes of tokens. */
int32_t inlay__pipeline_finish(inlay__pipeline *pipeline);
void inlay__pipeline_free(inlay__pipeline *pipeline);

/* Appends the tokens of a text, without those put around it. With `control`, text may become control tokens; of text
 * with `marks` [size] only what has mark 0. NULL: no marks. */
int32_t inlay__pipeline_encode(const inlay__pipeline *pipeline, inlay__encoder *encoder, const uint8_t *text,
                               size_t size, bool control, const uint8_t *marks);

/* Decodes ids below n_tokens; control tokens give nothing. `texts` is an empty one; what comes out is its text. */
int32_t inlay__pipeline_decode(const inlay__pipeline *pipeline, const int32_t *ids, size_t n, inlay__texts *texts);

/* The bytes of a token that follows others, or of the first. */
inlay__text inlay__pipeline_token_bytes(const inlay__pipeline *pipeline, int32_t id, bool first);

/* A model of one piece of text. */
int32_t inlay__pipeline_encode_piece(const inlay__pipeline *pipeline, inlay__encoder *encoder, const uint8_t *piece,
                                     size_t size, bool control);

#endif
