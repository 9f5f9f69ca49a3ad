/* Cutting text into words and DNA, and DNA into tokens of six bases. */
#include "tokenizer/dna.h"

enum { BASES = 6, MARK = 3 }; /* of a token's text: letters, and bytes of U+E000 behind them */

static const uint8_t open_tag[] = "<dna>", close_tag[] = "</dna>";
enum { OPEN = sizeof open_tag - 1, CLOSE = sizeof close_tag - 1 };

static int32_t find(const inlay__vocab *vocab, const char *text) {
    int32_t id;
    return inlay__vocab_find(vocab, text, strlen(text), &id) ? id : -1;
}

void inlay__dna_load(inlay__dna *dna) {
    const inlay__vocab *vocab = dna->bpe.vocab;
    dna->open = find(vocab, "<dna>");
    dna->close = find(vocab, "</dna>");
    dna->unknown = find(vocab, "<oov>");
    if (dna->close < 0 || dna->unknown < 0) dna->open = -1;
}

/* Where a tag begins from `from` on, or `size`. */
static size_t find_tag(const uint8_t *text, size_t size, size_t from, const uint8_t *tag, size_t tag_size) {
    while (size - from >= tag_size) {
        const uint8_t *found = memchr(text + from, tag[0], size - from - (tag_size - 1));
        if (found == NULL) return size;
        from = (size_t)(found - text);
        if (memcmp(found, tag, tag_size) == 0) return from;
        from++;
    }
    return size;
}

static int32_t token_of(const inlay__dna *dna, const uint8_t *bases, size_t n) {
    char text[BASES + MARK];
    int32_t id;
    for (size_t i = 0; i < BASES; i++) {
        uint8_t c = i < n ? bases[i] : 'A'; /* the last token is filled up with it */
        text[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    memcpy(text + BASES, "\xEE\x80\x80", MARK);
    return inlay__vocab_find(dna->bpe.vocab, text, sizeof text, &id) ? id : dna->unknown;
}

static int32_t put(inlay__encoder *encoder, int32_t id, size_t begin, size_t end) {
    INLAY__TRY(inlay__encoder_reserve(encoder, 1));
    inlay__encoder_put_at(encoder, id, begin, end);
    return INLAY_OK;
}

static int32_t encode_words(const inlay__dna *dna, inlay__encoder *encoder, const uint8_t *text, size_t begin,
                            size_t end) {
    size_t base = encoder->base;
    if (begin == end) return INLAY_OK;
    encoder->base = base + begin;
    int32_t status = inlay__bpe_encode(&dna->bpe, encoder, text + begin, end - begin);
    encoder->base = base;
    return status;
}

int32_t inlay__dna_encode(const inlay__dna *dna, inlay__encoder *encoder, const uint8_t *text, size_t size) {
    size_t pos = 0;
    while (pos < size) {
        size_t begin = dna->open >= 0 ? find_tag(text, size, pos, open_tag, OPEN) : size;
        INLAY__TRY(encode_words(dna, encoder, text, pos, begin));
        if (begin == size) break;
        size_t at = begin + OPEN, end = find_tag(text, size, at, close_tag, CLOSE);
        INLAY__TRY(put(encoder, dna->open, begin, at));
        for (; at < end; at += BASES)
            INLAY__TRY(put(encoder, token_of(dna, text + at, inlay__min_size(end - at, BASES)), at,
                           inlay__min_size(at + BASES, end)));
        if (end == size) break;
        pos = end + CLOSE;
        INLAY__TRY(put(encoder, dna->close, end, pos));
    }
    return INLAY_OK;
}

size_t inlay__dna_read(const inlay__dna *dna, int32_t id, size_t *at, uint8_t *out, size_t capacity) {
    inlay__text text = inlay__vocab_text(dna->bpe.vocab, id);
    bool marked = dna->open >= 0 && id > dna->unknown && text.size > MARK &&
                  memcmp(text.text + text.size - MARK, "\xEE\x80\x80", MARK) == 0;
    if (!marked || !inlay__vocab_is_plain(dna->bpe.vocab, id)) return inlay__bpe_read(&dna->bpe, id, at, out, capacity);
    size_t n = inlay__min_size(capacity, text.size - MARK - *at);
    memcpy(out, text.text + *at, n);
    *at += n;
    return n;
}
