/* Categories and bits of code points, from the generated tables. */
#include "unicode.h"

static const uint8_t category_flags[INLAY__UNICODE_N_CATEGORIES] = {
    [INLAY__UNICODE_LL] = INLAY__CHAR_LETTER,
    [INLAY__UNICODE_LM] = INLAY__CHAR_LETTER,
    [INLAY__UNICODE_LO] = INLAY__CHAR_LETTER,
    [INLAY__UNICODE_LT] = INLAY__CHAR_LETTER,
    [INLAY__UNICODE_LU] = INLAY__CHAR_LETTER,
    [INLAY__UNICODE_MC] = INLAY__CHAR_MARK,
    [INLAY__UNICODE_ME] = INLAY__CHAR_MARK,
    [INLAY__UNICODE_MN] = INLAY__CHAR_MARK,
    [INLAY__UNICODE_ND] = INLAY__CHAR_NUMBER,
    [INLAY__UNICODE_NL] = INLAY__CHAR_NUMBER,
    [INLAY__UNICODE_NO] = INLAY__CHAR_NUMBER,
    [INLAY__UNICODE_PC] = INLAY__CHAR_PUNCTUATION,
    [INLAY__UNICODE_PD] = INLAY__CHAR_PUNCTUATION,
    [INLAY__UNICODE_PE] = INLAY__CHAR_PUNCTUATION,
    [INLAY__UNICODE_PF] = INLAY__CHAR_PUNCTUATION,
    [INLAY__UNICODE_PI] = INLAY__CHAR_PUNCTUATION,
    [INLAY__UNICODE_PO] = INLAY__CHAR_PUNCTUATION,
    [INLAY__UNICODE_PS] = INLAY__CHAR_PUNCTUATION,
    [INLAY__UNICODE_SC] = INLAY__CHAR_SYMBOL,
    [INLAY__UNICODE_SK] = INLAY__CHAR_SYMBOL,
    [INLAY__UNICODE_SM] = INLAY__CHAR_SYMBOL,
    [INLAY__UNICODE_SO] = INLAY__CHAR_SYMBOL,
    /* Every separator is white space. */
    [INLAY__UNICODE_ZL] = INLAY__CHAR_SEPARATOR | INLAY__CHAR_SPACE,
    [INLAY__UNICODE_ZP] = INLAY__CHAR_SEPARATOR | INLAY__CHAR_SPACE,
    [INLAY__UNICODE_ZS] = INLAY__CHAR_SEPARATOR | INLAY__CHAR_SPACE,
};

uint8_t inlay__unicode_category(uint32_t code) {
    if (code > 0x10FFFF) return INLAY__UNICODE_CN;
    return inlay__staged_find(inlay__unicode_tops, inlay__unicode_rows, inlay__unicode_leaves, code);
}

/* Rows of 512 code points that have one leaf throughout are passed at once; within a row, leaves of 16. */
uint32_t inlay__unicode_stretch(uint32_t code) {
    uint8_t category = inlay__unicode_category(code);
    while (code < 0x10FFFF) {
        uint32_t next = code + 1;
        const uint16_t *row = inlay__unicode_rows[inlay__unicode_tops[next >> 9]];
        if (inlay__unicode_category(next) != category) break;
        code = next;
        if ((next & 511) != 0) continue;
        const uint8_t *leaf = inlay__unicode_leaves[row[0]];
        bool uniform = true;
        for (size_t i = 1; i < 32; i++) uniform &= row[i] == row[0];
        for (size_t i = 1; i < 16; i++) uniform &= leaf[i] == leaf[0];
        if (uniform) code = next | 511;
    }
    return code;
}

uint8_t inlay__unicode_flags(uint32_t code) {
    if (code < 0x80) return inlay__unicode_ascii[code];
    if (code == 0x85) return INLAY__CHAR_SPACE; /* NEXT LINE: the one control character above ASCII that is space */
    return category_flags[inlay__unicode_category(code)];
}
