/* Strings without going back, and regular expressions. */
#include "tokenizer/finder.h"

#include "base/text.h"

int32_t inlay__finder_string(const inlay__sys *sys, inlay__text string, inlay__finder *finder) {
    if (string.size >= UINT32_MAX) return inlay__fail(INLAY_ERR_FORMAT, "a pattern has %zu bytes", string.size);
    *finder = (inlay__finder){.sys = sys, .size = string.size};
    finder->string = inlay__copy_text(sys, string.text, string.size);
    finder->border = inlay__alloc_array(sys, string.size, sizeof *finder->border);
    if (finder->string == NULL || finder->border == NULL) {
        inlay__finder_free(finder);
        return INLAY_ERR_MEMORY;
    }
    uint32_t border = 0;
    for (size_t i = 1; i < finder->size; i++) {
        while (border > 0 && finder->string[i] != finder->string[border]) border = finder->border[border - 1];
        if (finder->string[i] == finder->string[border]) border++;
        finder->border[i] = border;
    }
    return INLAY_OK;
}

int32_t inlay__finder_regex(const inlay__sys *sys, const char *name, inlay__text regex, inlay__finder *finder) {
    char what[256];
    *finder = (inlay__finder){.sys = sys};
    inlay__format(what, sizeof what, "file '%s'", name);
    return inlay__pattern_compile(sys, what, regex.text, regex.size, &finder->pattern);
}

void inlay__finder_free(inlay__finder *finder) {
    if (finder->sys == NULL) return;
    inlay__pattern_free(finder->pattern);
    if (finder->string != NULL) inlay__free(finder->sys, finder->string, finder->size + 1);
    inlay__free(finder->sys, finder->border, finder->size * sizeof *finder->border);
    *finder = (inlay__finder){.sys = finder->sys};
}

void inlay__search_init(inlay__search *search, const inlay__finder *finder) {
    search->finder = finder;
    if (finder->pattern != NULL) inlay__matcher_init(&search->matcher, finder->pattern);
}

void inlay__search_free(inlay__search *search) {
    if (search->finder->pattern != NULL) inlay__matcher_free(&search->matcher);
}

int32_t inlay__search_begin(inlay__search *search, const uint8_t *text, size_t size) {
    search->text = text;
    search->size = size;
    search->from = 0;
    return search->finder->pattern != NULL ? inlay__matcher_begin(&search->matcher, text, size) : INLAY_OK;
}

bool inlay__search_next(inlay__search *search, size_t *begin, size_t *end) {
    const inlay__finder *finder = search->finder;
    const uint8_t *text = search->text;
    size_t have = 0, size = search->size;
    if (finder->pattern != NULL) return inlay__matcher_next(&search->matcher, begin, end);
    if (finder->size == 0) return false;
    for (size_t i = search->from; i < size; i++) {
        if (have == 0) {
            const uint8_t *first = memchr(text + i, finder->string[0], size - i);
            if (first == NULL) break;
            i = (size_t)(first - text);
        }
        while (have > 0 && text[i] != (uint8_t)finder->string[have]) have = finder->border[have - 1];
        if (text[i] == (uint8_t)finder->string[have]) have++;
        if (have < finder->size) continue;
        *begin = i + 1 - finder->size;
        *end = i + 1;
        search->from = i + 1;
        return true;
    }
    search->from = size;
    return false;
}
