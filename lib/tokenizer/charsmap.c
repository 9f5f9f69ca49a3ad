/* Reading charsmaps, walking their trie within its bounds. */
#include "tokenizer/charsmap.h"

#include "base/cursor.h"
#include "tokenizer/grapheme.h"

enum { SHORT_GRAPHEME = 6 }; /* bytes; shorter ones are looked up whole */

static bool is_utf8(const uint8_t *text, size_t size) {
    uint32_t code;
    for (size_t pos = 0, n; pos < size; pos += n) {
        n = inlay__utf8_decode(text + pos, size - pos, &code);
        if (n == 0) return false;
    }
    return true;
}

static int32_t check(const char *name, inlay__charsmap *map) {
    inlay__cursor in = {map->blob, map->size, 0};
    uint32_t trie_size;
    if (map->size == 0) return INLAY_OK;
    if (!inlay__cursor_u32(&in, &trie_size) || trie_size % 4 != 0 || !inlay__cursor_bytes(&in, trie_size, &map->units))
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': a precompiled charsmap of %zu bytes does not hold the trie it announces", name,
                           map->size);
    map->n_units = trie_size / 4;
    map->texts_size = inlay__cursor_left(&in);
    map->texts = (const char *)map->blob + in.pos;
    if (map->texts_size > 0 && map->texts[map->texts_size - 1] != '\0')
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': the last text of a precompiled charsmap does not end with a NUL", name);
    if (!is_utf8((const uint8_t *)map->texts, map->texts_size))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the texts of a precompiled charsmap are not UTF-8", name);
    return INLAY_OK;
}

int32_t inlay__charsmap_load(const inlay__sys *sys, const char *name, const uint8_t *blob, size_t size,
                             inlay__charsmap *map) {
    *map = (inlay__charsmap){.sys = sys, .size = size};
    map->blob = inlay__alloc(sys, size);
    if (map->blob == NULL) return INLAY_ERR_MEMORY;
    if (size > 0) memcpy(map->blob, blob, size);
    int32_t status = check(name, map);
    if (status != INLAY_OK) inlay__charsmap_free(map);
    return status;
}

void inlay__charsmap_free(inlay__charsmap *map) {
    if (map->sys == NULL) return;
    inlay__free(map->sys, map->blob, map->size);
    *map = (inlay__charsmap){.sys = map->sys};
}

/* Unit i; 0 beyond the end, which has no children and no value. */
static uint32_t unit(const inlay__charsmap *map, size_t i) {
    return i < map->n_units ? inlay__load_u32(map->units + 4 * i) : 0;
}

static size_t offset_of(uint32_t u) { return (size_t)(u >> 10) << ((u & 0x200) >> 6); }

static bool text_at(const inlay__charsmap *map, size_t at, inlay__text *text) {
    if (at >= map->texts_size || ((uint8_t)map->texts[at] & 0xC0) == 0x80) return false;
    *text = (inlay__text){map->texts + at, strlen(map->texts + at)};
    return true;
}

size_t inlay__charsmap_find(const inlay__charsmap *map, const uint8_t *text, size_t size, bool longest,
                            inlay__text *replacement) {
    size_t found = 0, at = offset_of(unit(map, 0));
    if (map->n_units == 0) return 0;
    for (size_t i = 0; i < size && i < INLAY__CHARSMAP_DEPTH && text[i] != 0; i++) {
        at ^= text[i];
        uint32_t u = unit(map, at);
        if (at >= map->n_units || (u & 0x800000FF) != text[i]) break;
        at ^= offset_of(u);
        if ((u & 0x100) == 0 || !text_at(map, unit(map, at) & 0x7FFFFFFF, replacement)) continue;
        found = i + 1;
        if (!longest) break;
    }
    return found;
}

/* The whole of text[begin..end) becomes what its shortest key says; false when there is none. */
static bool replacement_of(const inlay__charsmap *map, const inlay__passage *in, size_t begin, size_t end,
                           inlay__text *text) {
    return inlay__charsmap_find(map, in->text + begin, end - begin, false, text) > 0;
}

static int32_t put_characters(const inlay__charsmap *map, const inlay__passage *in, size_t begin, size_t end,
                              inlay__passage *out) {
    for (size_t pos = begin, n; pos < end; pos += n) {
        uint32_t code;
        inlay__text text;
        n = inlay__passage_code(in, pos, &code);
        if (replacement_of(map, in, pos, pos + n, &text))
            INLAY__TRY(inlay__passage_add(out, text.text, text.size, inlay__passage_origin(in, pos, pos + n)));
        else
            INLAY__TRY(inlay__passage_copy(out, in, pos, pos + n));
    }
    return INLAY_OK;
}

int32_t inlay__charsmap_put(const inlay__charsmap *map, const inlay__passage *in, inlay__passage *out) {
    for (size_t pos = 0, end; pos < in->size; pos = end) {
        inlay__text text;
        end = inlay__grapheme_end(in->text, in->size, pos);
        if (end - pos < SHORT_GRAPHEME && replacement_of(map, in, pos, end, &text))
            INLAY__TRY(inlay__passage_add(out, text.text, text.size, inlay__passage_origin(in, pos, end)));
        else
            INLAY__TRY(put_characters(map, in, pos, end, out));
    }
    return INLAY_OK;
}
