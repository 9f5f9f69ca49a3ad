/* The texts of RWKV's vocabularies: bytes as Python writes them, \t \n \r \xff and a backslash before any other. */
#ifndef INLAY_ESCAPED_TEXT_H
#define INLAY_ESCAPED_TEXT_H

#include "base/base.h"

static inline int inlay__hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads the byte at text[0..n), n > 0, and returns how many bytes stand for it. A backslash that says nothing known
 * stands for what follows it. */
static inline size_t inlay__escaped_read(const char *text, size_t n, uint8_t *byte) {
    *byte = (uint8_t)text[0];
    if (text[0] != '\\' || n < 2) return 1;
    *byte = (uint8_t)text[1];
    if (text[1] == 't') *byte = '\t';
    if (text[1] == 'n') *byte = '\n';
    if (text[1] == 'r') *byte = '\r';
    if (text[1] != 'x' || n < 4) return 2;
    int high = inlay__hex_value(text[2]), low = inlay__hex_value(text[3]);
    if (high < 0 || low < 0) return 2;
    *byte = (uint8_t)(high << 4 | low);
    return 4;
}

#endif
