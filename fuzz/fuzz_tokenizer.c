/* Fuzzing encoding and decoding with a fixed vocabulary: any bytes come back, whole and streamed, and each
 * of them became of one token.
 *
 *     byte 0   bits 0-1 the pre-tokenizer, bits 2-3 flags
 *     rest     text
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "support/tiny_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static tiny_tokenizer make(const char *pre) {
    static const char *const merges[] = {"t h",
                                         "th e",
                                         "\xc4\xa0 the",
                                         "i n",
                                         "\xc4\xa0 \xc4\xa0",
                                         "l l",
                                         "ll o",
                                         "h e",
                                         "he llo",
                                         "\xc3\x83 \xc2\xa9",
                                         "1 2",
                                         "12 3",
                                         "a a",
                                         "aa aa",
                                         "aaaa aaaa",
                                         "\xc4\x8a \xc4\x8a",
                                         "' s",
                                         "\xc3\xa2 \xc4\xa4",
                                         "a b",
                                         "b a"};
    tiny_vocab v;
    tiny_vocab_init(&v);
    v.pre = pre;
    for (size_t i = 0; i < INLAY__COUNT(merges); i++)
        tiny_vocab_merge(&v, merges[i]);
    v.bos = tiny_vocab_token(&v, "<|im_start|>", VOCAB_CONTROL);
    v.eos = tiny_vocab_token(&v, "<|im_end|>", VOCAB_CONTROL);
    tiny_vocab_token(&v, "<|im_", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "  \n", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "aab", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "ab", VOCAB_USER_DEFINED);
    tiny_vocab_token(&v, "\xff", VOCAB_USER_DEFINED);
    v.add_bos = v.add_eos = 1;
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    must(t.status == INLAY_OK);
    tiny_vocab_free(&v);
    return t;
}

/* The streamed text: what was decoded where that is UTF-8, and UTF-8 always. */
static void check_stream(const inlay__tokenizer *tokenizer, const int32_t *ids, size_t n, const char *text,
                         size_t size) {
    uint64_t state = 0;
    uint32_t code;
    char *out = malloc(3 * size + 64);
    size_t used = 0, written, length;
    for (size_t i = 0; i <= n; i++) {
        int32_t id = i < n ? ids[i] : -1;
        must(inlay__tokenizer_stream(tokenizer, &state, id, out + used, 3 * size + 64 - used, &written) == INLAY_OK);
        used += written;
    }
    must(state == 0);
    bool valid = true;
    for (size_t i = 0; i < size && valid; i += length) {
        length = inlay__utf8_decode((const uint8_t *)text + i, size - i, &code);
        valid = length > 0;
    }
    must(!valid || (used == size && memcmp(out, text, size) == 0));
    for (size_t i = 0; i < used; i += length) {
        length = inlay__utf8_decode((const uint8_t *)out + i, used - i, &code);
        must(length > 0);
    }
    free(out);
}

/* Text of which some bytes may not become control tokens: the tokens' texts are the text, and no control token stands
 * on a marked byte. Each byte 1 turns the marks on or off. */
static void check_marked(const inlay__tokenizer *tokenizer, const char *text, size_t size) {
    uint8_t *marks = malloc(size + 1), mark = 0;
    int32_t *ids = malloc((size + 1) * sizeof *ids);
    char piece[64];
    size_t n = 0, at = 0, n_piece;
    for (size_t i = 0; i < size; i++) marks[i] = mark ^= text[i] == 1;
    must(inlay__tokenizer_encode_marked(tokenizer, text, marks, size, ids, size, &n) == INLAY_OK);
    for (size_t i = 0; i < n; i++) {
        inlay__text name = inlay__tokenizer_token_text(tokenizer, ids[i]);
        bool control = (inlay__tokenizer_token_flags(tokenizer, ids[i]) & INLAY_TOKEN_CONTROL) != 0;
        must(inlay__tokenizer_token_bytes(tokenizer, ids[i], piece, sizeof piece, &n_piece) == INLAY_OK);
        if (control) memcpy(piece, name.text, n_piece = name.size);
        must(n_piece <= size - at && memcmp(text + at, piece, n_piece) == 0);
        if (control) must(memchr(marks + at, 1, n_piece) == NULL);
        at += n_piece;
    }
    must(at == size);
    free(marks);
    free(ids);
}

/* Each byte of the text became of one token, one after the other; what is put around the text stands at its ends. */
static void check_spans(const inlay__tokenizer *tokenizer, const char *text, size_t size, int32_t flags,
                        const int32_t *ids, size_t n) {
    int32_t *again = malloc((n + 1) * sizeof *again);
    size_t *spans = malloc((2 * n + 1) * sizeof *spans), n_again = 0, end = 0;
    must(inlay__tokenizer_encode_spans(tokenizer, text, size, flags, again, spans, n, &n_again) == INLAY_OK);
    must(n_again == n && (n == 0 || memcmp(again, ids, n * sizeof *ids) == 0));
    for (size_t i = 0; i < n; i++) {
        bool around = (flags & INLAY_ADD_SPECIAL) != 0 && (i == 0 || i + 1 == n);
        must(spans[2 * i] == end && (around ? spans[2 * i + 1] == end : spans[2 * i + 1] > end));
        end = spans[2 * i + 1];
    }
    must(end == size);
    free(again);
    free(spans);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tiny_tokenizer tokenizers[4];
    static const char *const names[4] = {"gpt-2", "llama-bpe", "qwen2", "smollm"};
    if (size == 0) return 0;
    tiny_tokenizer *t = &tokenizers[data[0] & 3];
    if (t->tokenizer == NULL) *t = make(names[data[0] & 3]);
    int32_t flags = data[0] >> 2 & 3;
    const char *text = (const char *)data + 1;
    size--;

    size_t n = 0, needed = 0, n_back = 0;
    int32_t *ids = malloc((size + 2) * sizeof *ids);
    char *back = malloc(size + 1);
    must(inlay__tokenizer_encode(t->tokenizer, text, size, flags, ids, size + 2, &n) == INLAY_OK);
    must(n <= size + 2);
    if (n > 0) must(inlay__tokenizer_encode(t->tokenizer, text, size, flags, NULL, 0, &needed) == INLAY_ERR_BUFFER);
    must(needed == n);
    must(inlay__tokenizer_decode(t->tokenizer, ids, n, back, size, &n_back) == INLAY_OK);
    if ((flags & INLAY_PARSE_SPECIAL) == 0) must(n_back == size && memcmp(back, text, size) == 0);
    check_stream(t->tokenizer, ids, n, back, n_back);
    check_spans(t->tokenizer, text, size, flags, ids, n);
    check_marked(t->tokenizer, text, size);
    free(ids);
    free(back);
    return 0;
}
