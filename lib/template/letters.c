/* Cases by ranges, classes by general category. */
#include "letters.h"

#include "base/unicode.h"
#include "base/utf8.h"

static const inlay__case_special *find_special(const inlay__case_special *specials, size_t n, uint32_t code) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (specials[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && specials[low].code == code ? &specials[low] : NULL;
}

size_t inlay__letter_convert(uint32_t code, inlay__letter_case to, uint32_t out[3]) {
    bool lower = to == INLAY__LOWER_CASE || to == INLAY__FOLDED_CASE;
    if (code < 0x80) {
        uint32_t letter = code | 0x20;
        bool changes = letter >= 'a' && letter <= 'z' && (lower ? code < 'a' : code >= 'a');
        out[0] = changes ? code ^ 0x20 : code;
        return 1;
    }
    const inlay__case_special *special = NULL;
    if (to == INLAY__TITLE_CASE) special = find_special(inlay__title_specials, inlay__title_specials_count, code);
    if (to == INLAY__FOLDED_CASE) special = find_special(inlay__fold_specials, inlay__fold_specials_count, code);
    if (special == NULL)
        special = lower ? find_special(inlay__lower_specials, inlay__lower_specials_count, code)
                        : find_special(inlay__upper_specials, inlay__upper_specials_count, code);
    if (special != NULL) {
        size_t n = 0;
        for (; n < 3 && special->to[n] != 0; n++) out[n] = special->to[n];
        return n;
    }
    out[0] = lower ? inlay__case_find(inlay__lower_ranges, inlay__lower_ranges_count, code)
                   : inlay__case_find(inlay__upper_ranges, inlay__upper_ranges_count, code);
    return 1;
}

/* A letter, seen past what is ignored there. */
static bool letter_before(const char *text, size_t at) {
    uint32_t code;
    for (size_t i = at; i > 0;) {
        do i--;
        while (i > 0 && ((uint8_t)text[i] & 0xc0) == 0x80);
        inlay__utf8_decode((const uint8_t *)text + i, at - i, &code);
        if (!inlay__letter_is_ignorable(code)) return inlay__letter_is_upper(code) || inlay__letter_is_lower(code);
    }
    return false;
}

static bool letter_after(const char *text, size_t size) {
    uint32_t code;
    for (size_t i = 0, n; i < size; i += n) {
        n = inlay__utf8_decode((const uint8_t *)text + i, size - i, &code);
        if (!inlay__letter_is_ignorable(code)) return inlay__letter_is_upper(code) || inlay__letter_is_lower(code);
    }
    return false;
}

uint32_t inlay__sigma(uint32_t lower, const char *text, size_t size, size_t at, size_t n) {
    bool capital = n == 2 && (uint8_t)text[at] == 0xce && (uint8_t)text[at + 1] == 0xa3;
    return capital && letter_before(text, at) && !letter_after(text + at + n, size - at - n) ? 0x3c2 : lower;
}

size_t inlay__space_at(const char *text, size_t size) {
    uint8_t c = (uint8_t)text[0];
    if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 28 && c <= 32);
    uint32_t code;
    size_t n = inlay__utf8_decode((const uint8_t *)text, size, &code);
    return n > 0 && (inlay__unicode_flags(code) & INLAY__CHAR_SPACE) != 0 ? n : 0;
}

size_t inlay__rstrip_size(const char *text, size_t size) {
    while (size > 0) {
        size_t begin = size - 1;
        while (begin > 0 && ((uint8_t)text[begin] & 0xc0) == 0x80) begin--;
        if (inlay__space_at(text + begin, size - begin) != size - begin) break;
        size = begin;
    }
    return size;
}

bool inlay__letter_is_alpha(uint32_t code) { return (inlay__unicode_flags(code) & INLAY__CHAR_LETTER) != 0; }

bool inlay__letter_is_decimal(uint32_t code) { return inlay__unicode_category(code) == INLAY__UNICODE_ND; }

bool inlay__letter_is_digit(uint32_t code) {
    bool raised = code == 0xb2 || code == 0xb3 || code == 0xb9 || code == 0x2070 || (code >= 0x2074 && code <= 0x2079);
    bool circled = (code >= 0x2080 && code <= 0x2089) || (code >= 0x2460 && code <= 0x2468);
    return raised || circled || inlay__letter_is_decimal(code);
}

bool inlay__letter_is_numeric(uint32_t code) { return (inlay__unicode_flags(code) & INLAY__CHAR_NUMBER) != 0; }

bool inlay__letter_is_upper(uint32_t code) {
    uint8_t category = inlay__unicode_category(code);
    return category == INLAY__UNICODE_LU || category == INLAY__UNICODE_LT;
}

bool inlay__letter_is_lower(uint32_t code) { return inlay__unicode_category(code) == INLAY__UNICODE_LL; }

bool inlay__letter_is_printable(uint32_t code) {
    switch (inlay__unicode_category(code)) {
    case INLAY__UNICODE_CN:
    case INLAY__UNICODE_CC:
    case INLAY__UNICODE_CF:
    case INLAY__UNICODE_CO:
    case INLAY__UNICODE_CS:
    case INLAY__UNICODE_ZL:
    case INLAY__UNICODE_ZP: return false;
    case INLAY__UNICODE_ZS: return code == ' ';
    default: return true;
    }
}

bool inlay__letter_is_ignorable(uint32_t code) {
    switch (inlay__unicode_category(code)) {
    case INLAY__UNICODE_MN:
    case INLAY__UNICODE_ME:
    case INLAY__UNICODE_CF:
    case INLAY__UNICODE_LM:
    case INLAY__UNICODE_SK: return true;
    default: return code == '\'' || code == '.' || code == ':' || code == 0xb7 || code == 0x2018 || code == 0x2019;
    }
}
