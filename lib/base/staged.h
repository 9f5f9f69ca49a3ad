/* A byte for every code point of Unicode, in three stages that share what repeats; tools/staged_table.py writes them.
 *
 *     code   | 12 bits: tops[] gives a row | 5 bits: rows[row][] gives a leaf | 4 bits: leaves[leaf][] gives the byte |
 */
#ifndef INLAY_STAGED_H
#define INLAY_STAGED_H

#include <stdint.h>

/* `code` is at most 0x10FFFF. */
static inline uint8_t inlay__staged_find(const uint8_t tops[0x880], const uint16_t rows[][32],
                                         const uint8_t leaves[][16], uint32_t code) {
    return leaves[rows[tops[code >> 9]][code >> 4 & 31]][code & 15];
}

#endif
