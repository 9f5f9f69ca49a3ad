/* The growing text of a passage. */
#include "tokenizer/passage.h"

void inlay__passage_free(inlay__passage *passage) {
    inlay__free(passage->sys, passage->text, passage->text_capacity);
    inlay__free(passage->sys, passage->origins, passage->origin_capacity * sizeof *passage->origins);
    *passage = (inlay__passage){.sys = passage->sys, .limit = passage->limit, .tracked = passage->tracked};
}

int32_t inlay__passage_reserve(inlay__passage *passage, size_t n) {
    size_t need;
    if (!inlay__add_size(passage->size, n, &need) || need > passage->limit)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the tokenizer's normalizer makes more than %zu bytes of the text",
                           passage->limit);
    void *text = passage->text, *origins = passage->origins;
    INLAY__TRY(inlay__grow(passage->sys, &text, &passage->text_capacity, need, 1));
    passage->text = text;
    if (!passage->tracked) return INLAY_OK;
    INLAY__TRY(inlay__grow(passage->sys, &origins, &passage->origin_capacity, need, sizeof *passage->origins));
    passage->origins = origins;
    return INLAY_OK;
}

int32_t inlay__passage_add(inlay__passage *passage, const void *bytes, size_t n, inlay__span origin) {
    INLAY__TRY(inlay__passage_reserve(passage, n));
    if (n > 0) inlay__passage_put(passage, bytes, n, origin);
    return INLAY_OK;
}

int32_t inlay__passage_add_code(inlay__passage *passage, uint32_t code, inlay__span origin) {
    INLAY__TRY(inlay__passage_reserve(passage, 4));
    uint8_t bytes[4];
    inlay__passage_put(passage, bytes, inlay__utf8_encode(code, bytes), origin);
    return INLAY_OK;
}

int32_t inlay__passage_copy(inlay__passage *passage, const inlay__passage *from, size_t begin, size_t end) {
    size_t n = end - begin;
    if (n == 0) return INLAY_OK;
    INLAY__TRY(inlay__passage_reserve(passage, n));
    memcpy(passage->text + passage->size, from->text + begin, n);
    if (passage->tracked)
        memcpy(passage->origins + passage->size, from->origins + begin, n * sizeof *passage->origins);
    if (passage->n_first == passage->size && begin < from->n_first)
        passage->n_first += inlay__min_size(n, from->n_first - begin);
    passage->size += n;
    return INLAY_OK;
}

int32_t inlay__passage_bytes(inlay__passage *passage, const uint8_t *text, size_t size) {
    INLAY__TRY(inlay__passage_reserve(passage, size));
    if (size > 0) memcpy(passage->text + passage->size, text, size);
    for (size_t i = 0; passage->tracked && i < size; i++)
        passage->origins[passage->size + i] = (inlay__span){(uint32_t)i, (uint32_t)(i + 1)};
    if (passage->size == 0) passage->n_first = inlay__min_size(size, 1);
    passage->size += size;
    return INLAY_OK;
}

/* The bytes at the beginning of text[0..size) that are whole characters. */
static size_t whole_characters(const uint8_t *text, size_t size) {
    size_t pos = 0, n;
    uint32_t code;
    while (pos < size) {
        n = text[pos] < 0x80 ? 1 : inlay__utf8_decode(text + pos, size - pos, &code);
        if (n == 0) break;
        pos += n;
    }
    return pos;
}

/* The origin of each byte is its character. Only of passages that are tracked. */
static void track_characters(inlay__passage *passage, size_t begin, size_t offset) {
    uint32_t code;
    for (size_t pos = begin; pos < passage->size;) {
        size_t n = inlay__passage_code(passage, pos, &code), from = offset + pos - begin;
        for (size_t i = 0; i < n; i++) passage->origins[pos + i] = (inlay__span){(uint32_t)from, (uint32_t)(from + n)};
        pos += n;
    }
}

int32_t inlay__passage_repair(inlay__passage *passage, const uint8_t *text, size_t size, size_t offset) {
    uint32_t code;
    INLAY__TRY(inlay__passage_reserve(passage, size));
    for (size_t pos = 0; pos < size;) {
        size_t n = whole_characters(text + pos, size - pos), begin = passage->size;
        INLAY__TRY(inlay__passage_reserve(passage, n + 3));
        memcpy(passage->text + begin, text + pos, n);
        passage->size += n;
        if (begin == 0 && offset == 0 && n > 0) passage->n_first = inlay__passage_code(passage, 0, &code);
        if (passage->tracked) track_characters(passage, begin, offset + pos);
        pos += n;
        if (pos == size) break;
        for (n = 1; pos + n < size && inlay__utf8_missing(text + pos, n + 1) > 0;) n++;
        inlay__passage_put(passage, "\xEF\xBF\xBD", 3,
                           (inlay__span){(uint32_t)(offset + pos), (uint32_t)(offset + pos + n)});
        pos += n;
    }
    return INLAY_OK;
}

int32_t inlay__spans_add(const inlay__sys *sys, inlay__spans *spans, size_t begin, size_t end) {
    void *items = spans->items;
    INLAY__TRY(inlay__grow(sys, &items, &spans->capacity, spans->n + 1, sizeof *spans->items));
    spans->items = items;
    spans->items[spans->n++] = (inlay__span){(uint32_t)begin, (uint32_t)end};
    return INLAY_OK;
}

void inlay__spans_free(const inlay__sys *sys, inlay__spans *spans) {
    inlay__free(sys, spans->items, spans->capacity * sizeof *spans->items);
    *spans = (inlay__spans){0};
}
