/* Lower case by ranges; the few classes that need no table of their own. */
#include "tokenizer/characters.h"

#include "base/unicode.h"

size_t inlay__lower_of(uint32_t code, uint32_t out[2]) {
    out[0] = code;
    if (code < 0x80) {
        if (code >= 'A' && code <= 'Z') out[0] = code + 32;
        return 1;
    }
    if (code == 0x130) {
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = inlay__case_find(inlay__small_ranges, inlay__small_ranges_count, code);
    return 1;
}

bool inlay__is_word(uint32_t code) {
    uint8_t category = inlay__unicode_category(code);
    if ((inlay__unicode_flags(code) & (INLAY__CHAR_LETTER | INLAY__CHAR_MARK)) != 0) return true;
    if (category == INLAY__UNICODE_ND || category == INLAY__UNICODE_NL || category == INLAY__UNICODE_PC) return true;
    if (code == 0x200C || code == 0x200D) return true; /* joiners */
    return (code >= 0x24B6 && code <= 0x24E9) || (code >= 0x1F130 && code <= 0x1F149) || /* letters in circles, ... */
           (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
}

bool inlay__is_space(uint32_t code) { return (inlay__unicode_flags(code) & INLAY__CHAR_SPACE) != 0; }

bool inlay__is_ideograph(uint32_t code) {
    static const struct {
        uint32_t first, last;
    } blocks[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},  {0x20000, 0x2A6DF},
                  {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    if (code < 0x3400) return false;
    for (size_t i = 0; i < INLAY__COUNT(blocks); i++)
        if (code >= blocks[i].first && code <= blocks[i].last) return true;
    return false;
}
