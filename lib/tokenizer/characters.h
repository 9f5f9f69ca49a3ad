/* What tokenizer.json files ask of characters, answered as the package tokenizers answers it: it brings several
 * versions of Unicode, one with each library it is made of, and vocabularies were made with them. The tables are made
 * by tools/gen_text_tables.py; unicode.h has the one version that regular expressions go by.
 */
#ifndef INLAY_CHARACTERS_H
#define INLAY_CHARACTERS_H

#include "base/base.h"
#include "base/staged.h"

enum {
    INLAY__CLASS_PUNCTUATION = 1, /* of the splitters Punctuation and BertPreTokenizer */
    INLAY__CLASS_CONTROL = 2,     /* what BertNormalizer cleans away */
    INLAY__CLASS_MARK = 4,        /* what StripAccents takes away */
    INLAY__CLASS_ACCENT = 8,      /* what BertNormalizer takes away with strip_accents */
    INLAY__CLASS_NUMBER = 16      /* of the splitter Digits */
};

/* Grapheme_Cluster_Break in the low four bits, and what rules 9c and 11 of Unicode's Annex 29 need. */
enum {
    INLAY__BREAK_OTHER, INLAY__BREAK_CR, INLAY__BREAK_LF, INLAY__BREAK_CONTROL, INLAY__BREAK_EXTEND, INLAY__BREAK_ZWJ,
    INLAY__BREAK_REGIONAL, INLAY__BREAK_PREPEND, INLAY__BREAK_SPACING, INLAY__BREAK_L, INLAY__BREAK_V, INLAY__BREAK_T,
    INLAY__BREAK_LV, INLAY__BREAK_LVT,
    INLAY__BREAK_MASK = 15,
    INLAY__BREAK_PICTOGRAPH = 16,
    INLAY__BREAK_LINKER = 32,
    INLAY__BREAK_CONSONANT = 64
};

/* class_tables.c, normal_tables.c: in three stages, or sorted by character. */
extern const uint8_t inlay__class_tops[], inlay__class_leaves[][16];
extern const uint16_t inlay__class_rows[][32];
extern const uint8_t inlay__break_tops[], inlay__break_leaves[][16];
extern const uint16_t inlay__break_rows[][32];
extern const uint8_t inlay__script_tops[], inlay__script_leaves[][16];
extern const uint16_t inlay__script_rows[][32];
extern const uint8_t inlay__combining_tops[], inlay__combining_leaves[][16];
extern const uint16_t inlay__combining_rows[][32];
extern const size_t inlay__canonical_count, inlay__compatible_count, inlay__composition_count, inlay__lower_count;
extern const uint32_t inlay__canonical_codes[], inlay__canonical_pool[];
extern const uint32_t inlay__compatible_codes[], inlay__compatible_pool[];
extern const uint16_t inlay__canonical_ends[], inlay__compatible_ends[];
extern const uint64_t inlay__composition_pairs[];
extern const uint32_t inlay__composition_results[];
extern const uint32_t inlay__lower_codes[], inlay__lower_results[];

/* `code` is at most 0x10FFFF in all that follows. */
static inline uint8_t inlay__class_of(uint32_t code) {
    return inlay__staged_find(inlay__class_tops, inlay__class_rows, inlay__class_leaves, code);
}
static inline uint8_t inlay__break_of(uint32_t code) {
    return inlay__staged_find(inlay__break_tops, inlay__break_rows, inlay__break_leaves, code);
}
/* A number for each script; 0 for characters of any. */
static inline uint8_t inlay__script_of(uint32_t code) {
    return inlay__staged_find(inlay__script_tops, inlay__script_rows, inlay__script_leaves, code);
}
/* Canonical_Combining_Class */
static inline uint8_t inlay__combining_of(uint32_t code) {
    return inlay__staged_find(inlay__combining_tops, inlay__combining_rows, inlay__combining_leaves, code);
}

/* Lower case of one character; U+0130 alone has two: 'i' and U+0307. Returns how many. */
size_t inlay__lower_of(uint32_t code, uint32_t out[2]);
/* [\w] of regular expressions: letters, marks, decimal numbers, joiners and connectors. */
bool inlay__is_word(uint32_t code);
/* White_Space */
bool inlay__is_space(uint32_t code);
/* The blocks of ideographs that BERT sets apart. */
bool inlay__is_ideograph(uint32_t code);

#endif
