/* Whole texts to tokens. */
#include "tokenizer/lexicon.h"

#include "base/text.h"

void inlay__lexicon_find_bytes(inlay__lexicon *lexicon) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t byte = 0; byte < 256; byte++) {
        const char text[6] = {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
        uint32_t id;
        lexicon->byte_ids[byte] = inlay__hash_map_get(&lexicon->ids, text, sizeof text, &id) ? (int32_t)id : -1;
    }
}

void inlay__lexicon_free(inlay__lexicon *lexicon) {
    if (lexicon->vocab != NULL) inlay__hash_map_free(lexicon->vocab->sys, &lexicon->ids);
    *lexicon = (inlay__lexicon){0};
}

int32_t inlay__lexicon_put_unknown(const inlay__lexicon *lexicon, inlay__encoder *encoder, const uint8_t *text,
                                   size_t begin, size_t end) {
    if (lexicon->unknown < 0)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the vocabulary has no token for '%.*s' and none for the unknown",
                           (int)inlay__min_size(end - begin, 64), (const char *)text + begin);
    INLAY__TRY(inlay__encoder_reserve(encoder, 1));
    inlay__encoder_put_at(encoder, lexicon->unknown, begin, end);
    return INLAY_OK;
}

int32_t inlay__lexicon_encode(const inlay__lexicon *lexicon, inlay__encoder *encoder, const uint8_t *text, size_t size,
                              bool control) {
    int32_t id;
    if (!inlay__lexicon_find(lexicon, text, size, control, &id))
        return inlay__lexicon_put_unknown(lexicon, encoder, text, 0, size);
    INLAY__TRY(inlay__encoder_reserve(encoder, 1));
    inlay__encoder_put_at(encoder, id, 0, size);
    return INLAY_OK;
}
