/* What tokenizer.json files ask of characters, answered as the package tokenizers answers it: it brings several
 * versions of Unicode, one with each library it is made of, and vocabularies were made with them. The tables are made
 * by tools/gen_text_tables.py; unicode.h has the one version that regular expressions go by.
 */
#ifndef INLAY_CHARACTERS_H
#define INLAY_CHARACTERS_H

#include "base/case_range.h"
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
extern const inlay__case_range inlay__small_ranges[];
extern const size_t inlay__small_ranges_count;

/* Full decompositions. Characters that have one stand in runs of neighbours; the i-th of a run has the entry
 * `entry` + i of two arrays:
 *
 *     decomposition_starts[]  where its compatible one begins in decomposition_pool[], UTF-8
 *     decomposition_sizes[]   bits 0-6: its bytes there; bit 7: it is also the canonical one
 *
 * The few that have a canonical one which is another stand in canonical_others[].
 */
typedef struct inlay__decomposition_run {
    uint32_t first;
    uint16_t count, entry;
} inlay__decomposition_run;

typedef struct inlay__canonical_other {
    uint16_t code, start, size;
} inlay__canonical_other;

extern const inlay__decomposition_run inlay__decomposition_runs[];
extern const size_t inlay__decomposition_runs_count;
extern const uint16_t inlay__decomposition_starts[];
extern const uint8_t inlay__decomposition_sizes[], inlay__decomposition_pool[];
extern const inlay__canonical_other inlay__canonical_others[];
extern const size_t inlay__canonical_others_count;

/* {first, second, what they compose to}, sorted, without their plane: all three are of plane 0, from composition_plane
 * on of plane 1. */
extern const uint16_t inlay__compositions[][3];
extern const size_t inlay__composition_plane, inlay__composition_count;

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
