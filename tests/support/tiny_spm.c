/* One SentencePiece vocabulary at a time. */
#include "support/tiny_spm.h"

#include <stdio.h>
#include <string.h>

tiny_vocab spm_vocab;
float spm_scores[TINY_VOCAB_MAX];
int spm_space_prefix;

void spm_put_keys(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_F32, spm_scores, spm_vocab.n_tokens);
    if (spm_space_prefix >= 0) gguf_writer_bool(w, "tokenizer.ggml.add_space_prefix", spm_space_prefix != 0);
}

int32_t spm_piece(const char *text, float score) {
    spm_scores[spm_vocab.n_tokens] = score;
    return tiny_vocab_token(&spm_vocab, text, VOCAB_NORMAL);
}

void spm_begin(bool bytes) {
    char text[8];
    tiny_vocab_init(&spm_vocab);
    tiny_vocab_free(&spm_vocab); /* the 256 characters of byte-level vocabularies */
    memset(spm_scores, 0, sizeof spm_scores);
    spm_vocab.model = "llama";
    spm_vocab.pre = NULL;
    spm_vocab.no_merges = true;
    spm_vocab.more = spm_put_keys;
    spm_space_prefix = 0;
    spm_vocab.unknown = tiny_vocab_token(&spm_vocab, "<unk>", VOCAB_UNKNOWN);
    spm_vocab.bos = tiny_vocab_token(&spm_vocab, "<s>", VOCAB_CONTROL);
    spm_vocab.eos = tiny_vocab_token(&spm_vocab, "</s>", VOCAB_CONTROL);
    for (int byte = 0; bytes && byte < 256; byte++) {
        snprintf(text, sizeof text, "<0x%02X>", byte);
        tiny_vocab_token(&spm_vocab, text, VOCAB_BYTE);
    }
}

tiny_tokenizer spm_open(void) { return tiny_vocab_open(&spm_vocab, &inlay__sys_default); }

void spm_close(tiny_tokenizer *t) {
    tiny_tokenizer_close(t);
    tiny_vocab_free(&spm_vocab);
}
