/* What kind of character a code point is: the general categories of Unicode and a few bits made of them. */
#ifndef INLAY_UNICODE_H
#define INLAY_UNICODE_H

#include "base.h"
#include "staged.h"

/* General categories, in the order of tools/gen_unicode.py. */
enum {
    INLAY__UNICODE_CN, INLAY__UNICODE_CC, INLAY__UNICODE_CF, INLAY__UNICODE_CO, INLAY__UNICODE_CS,
    INLAY__UNICODE_LL, INLAY__UNICODE_LM, INLAY__UNICODE_LO, INLAY__UNICODE_LT, INLAY__UNICODE_LU,
    INLAY__UNICODE_MC, INLAY__UNICODE_ME, INLAY__UNICODE_MN,
    INLAY__UNICODE_ND, INLAY__UNICODE_NL, INLAY__UNICODE_NO,
    INLAY__UNICODE_PC, INLAY__UNICODE_PD, INLAY__UNICODE_PE, INLAY__UNICODE_PF, INLAY__UNICODE_PI,
    INLAY__UNICODE_PO, INLAY__UNICODE_PS,
    INLAY__UNICODE_SC, INLAY__UNICODE_SK, INLAY__UNICODE_SM, INLAY__UNICODE_SO,
    INLAY__UNICODE_ZL, INLAY__UNICODE_ZP, INLAY__UNICODE_ZS,
    INLAY__UNICODE_N_CATEGORIES
};
#define INLAY__UNICODE_ALL_CATEGORIES ((1u << INLAY__UNICODE_N_CATEGORIES) - 1)

/* What regular expressions ask: \p{L}, \p{N}, \p{M}, \p{P}, \p{S}, \p{Z}, \s, [\r\n]. */
enum {
    INLAY__CHAR_LETTER = 1,
    INLAY__CHAR_NUMBER = 2,
    INLAY__CHAR_MARK = 4,
    INLAY__CHAR_PUNCTUATION = 8,
    INLAY__CHAR_SYMBOL = 16,
    INLAY__CHAR_SEPARATOR = 32,
    INLAY__CHAR_SPACE = 64, /* the property White_Space */
    INLAY__CHAR_NEWLINE = 128
};

/* unicode_tables.c */
extern const char inlay__unicode_version[];
extern const uint8_t inlay__unicode_ascii[128]; /* bits */
extern const uint8_t inlay__unicode_tops[], inlay__unicode_leaves[][16];
extern const uint16_t inlay__unicode_rows[][32];

/* A script by its name in small letters, and where its ranges are. */
enum { INLAY__UNICODE_N_SCRIPTS = 28 };
typedef struct inlay__unicode_script {
    const char *name;
    uint16_t first, n; /* of inlay__unicode_script_ranges */
} inlay__unicode_script;
extern const inlay__unicode_script inlay__unicode_scripts[INLAY__UNICODE_N_SCRIPTS];
extern const uint32_t inlay__unicode_script_ranges[][2]; /* first and last code point */

/* The general category of a code point; CN above 0x10FFFF. */
uint8_t inlay__unicode_category(uint32_t code);
/* The last code point of a stretch that begins with this one and is all of its category; not always the longest. */
uint32_t inlay__unicode_stretch(uint32_t code);
/* The categories, a bit each, that a name in small letters without spaces, hyphens and underscores stands for: "lu",
 * "uppercaseletter", "any"; 0 when there is none. (unicode_names.c) */
uint32_t inlay__unicode_named_categories(const char *name);
/* INLAY__CHAR_ bits of a code point. */
uint8_t inlay__unicode_flags(uint32_t code);

#endif
