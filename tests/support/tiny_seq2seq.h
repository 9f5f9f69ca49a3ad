/* A small encoder-decoder, T5 or BART, with random weights in F32 under the names of GGUF. */
#ifndef INLAY_TINY_SEQ2SEQ_H
#define INLAY_TINY_SEQ2SEQ_H

#include "support/gguf_writer.h"
#include "support/tiny_open.h"

/* One of the two stacks; all heads together are as wide as the embedding or, of T5, as heads say. */
typedef struct tiny_side {
    uint32_t n_layer, n_head, n_ff;
} tiny_side;

typedef struct tiny_seq2seq {
    const char *architecture; /* "t5" or "bart" */
    uint32_t n_vocab, n_embd, n_head_dim, n_context;
    tiny_side sides[2];       /* the encoder's and the decoder's; of T5 they differ in layers only */
    bool gated, untied;       /* T5 only */
    uint32_t n_buckets, max_distance; /* T5 only */
    float embd_scale;         /* BART only; 0: not said */
    const char *left_out;     /* a tensor that the file lacks; or NULL */
    void (*metadata)(gguf_writer *w); /* more of it, or instead; or NULL */
} tiny_seq2seq;

/* Where heads, layers and widths differ as much as the family allows. */
tiny_seq2seq tiny_t5(void);
tiny_seq2seq tiny_bart(void);

/* The file's bytes, from malloc. */
uint8_t *tiny_seq2seq_file(const tiny_seq2seq *model, size_t *size);

/* Opened at a CPU level, NULL: the best; closed by tiny_close. What goes wrong ends the test program, as below. */
tiny tiny_seq2seq_open(const tiny_seq2seq *model, const char *cpu);
/* Tokens that differ from place to place; other ones for another `step`. */
void tiny_seq2seq_tokens(int32_t *tokens, size_t n, size_t step);
/* Evaluates tokens, `step` a call; the rows [n, n_vocab] from malloc. */
float *tiny_seq2seq_decode(inlay_session *session, const int32_t *tokens, size_t n, size_t step);

#endif
