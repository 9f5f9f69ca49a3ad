/* Letters as Python's strings know them: white space, upper and lower case. All texts are UTF-8. */
#ifndef INLAY_LETTERS_H
#define INLAY_LETTERS_H

#include "base/case_range.h"

/* One code point that becomes several, or another in title case than in upper case, or in folded case than in lower
 * case. */
typedef struct inlay__case_special {
    uint16_t code;
    uint16_t to[3]; /* 0: no more */
} inlay__case_special;

/* letters_tables.c */
extern const inlay__case_range inlay__upper_ranges[], inlay__lower_ranges[];
extern const inlay__case_special inlay__upper_specials[], inlay__lower_specials[], inlay__title_specials[],
    inlay__fold_specials[];
extern const size_t inlay__upper_ranges_count, inlay__lower_ranges_count;
extern const size_t inlay__upper_specials_count, inlay__lower_specials_count, inlay__title_specials_count,
    inlay__fold_specials_count;

typedef enum inlay__letter_case {
    INLAY__UPPER_CASE,
    INLAY__LOWER_CASE,
    INLAY__TITLE_CASE,
    INLAY__FOLDED_CASE
} inlay__letter_case;

/* The code points, 1 to 3, that `code` becomes; returns how many. */
size_t inlay__letter_convert(uint32_t code, inlay__letter_case to, uint32_t out[3]);

/* The lower case letter that became of the `n` bytes at text[at], of text[0..size): a sigma that ends a word is
 * another. */
uint32_t inlay__sigma(uint32_t lower, const char *text, size_t size, size_t at, size_t n);

/* Bytes of the white space character at text[0..size), size > 0; 0 if there is none. */
size_t inlay__space_at(const char *text, size_t size);
/* Bytes of the text without the white space at its end. */
size_t inlay__rstrip_size(const char *text, size_t size);

/* What str.isalpha() and its kin ask of one character. */
bool inlay__letter_is_alpha(uint32_t code);
bool inlay__letter_is_decimal(uint32_t code);
bool inlay__letter_is_digit(uint32_t code);
bool inlay__letter_is_numeric(uint32_t code);
bool inlay__letter_is_upper(uint32_t code); /* upper or title case */
bool inlay__letter_is_lower(uint32_t code);
bool inlay__letter_is_printable(uint32_t code);
/* Of no case, and passed over where the end of a word is looked for (final sigma). */
bool inlay__letter_is_ignorable(uint32_t code);

#endif
