/* Words to their longest pieces. */
#include "tokenizer/wordpiece.h"

static bool too_long(const inlay__wordpiece *model, const uint8_t *word, size_t size) {
    size_t n = 0;
    if (size <= model->max_characters) return false;
    for (size_t i = 0; i < size && n <= model->max_characters; i++) n += (word[i] & 0xC0) != 0x80;
    return n > model->max_characters;
}

int32_t inlay__wordpiece_encode(const inlay__wordpiece *model, inlay__encoder *encoder, const uint8_t *word,
                                size_t size, bool control) {
    size_t before = encoder->n_tokens;
    if (too_long(model, word, size)) return inlay__lexicon_put_unknown(model->lexicon, encoder, word, 0, size);
    for (size_t pos = 0, n; pos < size; pos += n) {
        int32_t id = -1;
        n = 0;
        if (pos == 0 || model->continues)
            id = inlay__pieces_longest(&model->pieces, pos > 0 ? model->continuing : 0, word + pos, size - pos, control,
                                       &n);
        if (id < 0) {
            encoder->n_tokens = before;
            return inlay__lexicon_put_unknown(model->lexicon, encoder, word, 0, size);
        }
        INLAY__TRY(inlay__encoder_reserve(encoder, 1));
        inlay__encoder_put_at(encoder, id, pos, pos + n);
    }
    return INLAY_OK;
}
