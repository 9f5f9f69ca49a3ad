/* Cutting ASCII into words, and remembering their tokens. */
#include "tokenizer/ascii_words.h"

#include "base/unicode.h"
#include "tokenizer/characters.h"

enum { OTHER, SPACE, ALONE, LETTER }; /* kinds of bytes; ALONE: a word of its own */
enum { PLAIN_RUN = 64 }; /* so many bytes of words at once are worth leaving the steps for */

static uint8_t kind_of(uint8_t c, bool gguf) {
    uint8_t flags = inlay__unicode_flags(c);
    bool signs = gguf ? (flags & (INLAY__CHAR_PUNCTUATION | INLAY__CHAR_SYMBOL)) != 0
                      : (inlay__class_of(c) & INLAY__CLASS_PUNCTUATION) != 0;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return SPACE;
    if (c < ' ' || c >= 0x7F) return OTHER;
    return signs ? ALONE : LETTER;
}

void inlay__ascii_words_init(const inlay__normalizer *normalizers, size_t n_normalizers,
                             const inlay__splitter *splitters, size_t n_splitters, inlay__ascii_words *words) {
    *words = (inlay__ascii_words){.usable = false};
    if (n_normalizers != 1 || n_splitters != 1) return;
    bool gguf = normalizers->kind == INLAY__NORMALIZE_GGUF_BERT && splitters->kind == INLAY__SPLIT_SPACES;
    bool json = normalizers->kind == INLAY__NORMALIZE_BERT && splitters->kind == INLAY__SPLIT_BERT;
    words->usable = gguf || json;
    words->lowercase = normalizers->lowercase;
    words->n_mark = gguf ? 3 : 0;
    for (size_t c = 0; c < 0x80; c++) words->kinds[c] = kind_of((uint8_t)c, gguf);
}

/* ----------------------------------------------------------------- stretches */

/* The end of what stands at `pos` before white space; *plain tells whether all of it is of these words. */
static size_t stretch_end(const inlay__ascii_words *words, const uint8_t *text, size_t size, size_t pos, bool *plain) {
    *plain = true;
    for (; pos < size && words->kinds[text[pos]] != SPACE; pos++) *plain = *plain && words->kinds[text[pos]] != OTHER;
    return pos;
}

size_t inlay__ascii_words_skip(const inlay__ascii_words *words, const uint8_t *text, size_t size, size_t pos) {
    size_t from = pos; /* the words that may be plain begin here */
    while (pos < size) {
        bool plain;
        size_t end = stretch_end(words, text, size, pos, &plain);
        while (end < size && words->kinds[text[end]] == SPACE) end++;
        if (!plain) from = end;
        if (from < end && end - from >= PLAIN_RUN) return from;
        pos = end;
    }
    return size;
}

/* -------------------------------------------------------------------- words */

static uint64_t lower(uint64_t ascii) {
    const uint64_t each = 0x0101010101010101u;
    uint64_t from_a = ascii + each * (0x80 - 'A'), beyond_z = ascii + each * (0x80 - 'Z' - 1);
    return ascii | (from_a & ~beyond_z & each * 0x80) >> 2;
}

/* A word of any size, through the model; `marked` has room for it and the mark. */
static int32_t encode_word(const inlay__ascii_words *words, const inlay__wordpiece *model, inlay__encoder *encoder,
                           const uint8_t *word, size_t size, bool control, uint8_t *marked) {
    memcpy(marked, "\xE2\x96\x81", words->n_mark);
    for (size_t i = 0; i < size; i++) {
        bool capital = words->lowercase && word[i] >= 'A' && word[i] <= 'Z';
        marked[words->n_mark + i] = (uint8_t)(word[i] + (capital ? 'a' - 'A' : 0));
    }
    return inlay__wordpiece_encode(model, encoder, marked, words->n_mark + size, control);
}

static int32_t encode_long(const inlay__ascii_words *words, const inlay__wordpiece *model, inlay__encoder *encoder,
                           const uint8_t *word, size_t size, bool control) {
    uint8_t *marked = inlay__encoder_scratch(encoder, INLAY__SCRATCH_TEXT, words->n_mark + size);
    return marked != NULL ? encode_word(words, model, encoder, word, size, control, marked) : INLAY_ERR_MEMORY;
}

static int32_t put_word(const inlay__ascii_words *words, const inlay__wordpiece *model, inlay__encoder *encoder,
                        const inlay__word_cache *cache, const uint8_t *word, size_t n, size_t readable, bool control) {
    uint8_t marked[3 + INLAY__KNOWN_WORD];
    if (n > INLAY__KNOWN_WORD) return encode_long(words, model, encoder, word, n, control);
    if (cache->slots == NULL) return encode_word(words, model, encoder, word, n, control, marked);
    inlay__word_key key = inlay__word_key_of(word, n, readable);
    if (words->lowercase) key.bytes[0] = lower(key.bytes[0]), key.bytes[1] = lower(key.bytes[1]);
    inlay__known_word *slot = inlay__word_cache_slot(cache, &key);
    if (inlay__word_is_known(slot, &key)) return inlay__word_put(encoder, slot);
    size_t first = encoder->n_tokens;
    INLAY__TRY(encode_word(words, model, encoder, word, n, control, marked));
    inlay__word_remember(slot, &key, encoder, first);
    return INLAY_OK;
}

int32_t inlay__ascii_words_encode(const inlay__ascii_words *words, const inlay__wordpiece *model,
                                  inlay__encoder *encoder, const inlay__word_cache *cache, const uint8_t *text,
                                  size_t size, bool control, size_t *pos) {
    size_t at = *pos;
    while (at < size) {
        bool plain;
        size_t end = stretch_end(words, text, size, at, &plain);
        if (!plain) break;
        while (at < end) {
            size_t n = 1;
            if (words->kinds[text[at]] == LETTER)
                while (at + n < end && words->kinds[text[at + n]] == LETTER) n++;
            INLAY__TRY(put_word(words, model, encoder, cache, text + at, n, size - at, control));
            at += n;
        }
        while (at < size && words->kinds[text[at]] == SPACE) at++;
    }
    *pos = at;
    return INLAY_OK;
}
