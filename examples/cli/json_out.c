/* Writes JSON. Commas and brackets between values are the caller's. */
#include "cli.h"

#include <math.h>

/* The length of the UTF-8 character at `text`, 0 if there is none: overlong forms, surrogates and
 * values beyond U+10FFFF are none. */
static size_t character_size(const unsigned char *text, size_t size) {
    unsigned char first = text[0], least = 0x80, greatest = 0xBF;
    size_t length;

    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF)
        length = 2;
    else if (first >= 0xE0 && first <= 0xEF)
        length = 3;
    else if (first >= 0xF0 && first <= 0xF4)
        length = 4;
    else
        return 0;

    if (size < length) return 0;
    if (first == 0xE0) least = 0xA0;
    if (first == 0xED) greatest = 0x9F;
    if (first == 0xF0) least = 0x90;
    if (first == 0xF4) greatest = 0x8F;
    if (text[1] < least || text[1] > greatest) return 0;
    for (size_t i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xBF) return 0;
    return length;
}

static void ascii(FILE *out, unsigned char c) {
    switch (c) {
    case '"':
        fputs("\\\"", out);
        break;
    case '\\':
        fputs("\\\\", out);
        break;
    case '\n':
        fputs("\\n", out);
        break;
    case '\r':
        fputs("\\r", out);
        break;
    case '\t':
        fputs("\\t", out);
        break;
    default:
        if (c < 0x20 || c == 0x7F)
            fprintf(out, "\\u%04x", (unsigned)c);
        else
            fputc(c, out);
    }
}

void json_string(FILE *out, const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;

    fputc('"', out);
    for (size_t i = 0; i < size;) {
        size_t length = character_size(bytes + i, size - i);

        if (length == 0)
            fputs("\\ufffd", out), i++;
        else if (length == 1)
            ascii(out, bytes[i++]);
        else
            fwrite(bytes + i, 1, length, out), i += length;
    }
    fputc('"', out);
}

void json_number(FILE *out, double value) {
    /* The program never calls setlocale, so the decimal point is a point. */
    if (isfinite(value))
        fprintf(out, "%.9g", value);
    else
        fputs("null", out);
}

void json_ids(FILE *out, const int32_t *ids, size_t n) {
    fputc('[', out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, i == 0 ? "%ld" : ", %ld", (long)ids[i]);
    fputc(']', out);
}
