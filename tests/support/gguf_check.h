/* Parses bytes as GGUF and checks what the parser promises for any bytes. */
#ifndef INLAY_GGUF_CHECK_H
#define INLAY_GGUF_CHECK_H

#include <stddef.h>
#include <stdint.h>

typedef struct gguf_verdict {
    int32_t status;     /* of inlay__gguf_parse */
    const char *broken; /* the promise that was broken, or NULL */
} gguf_verdict;

/* Parses a copy of exactly `size` bytes (so that a sanitizer sees every read beyond), checks status, message,
 * memory taken and memory left, and after success walks over all that was found. */
gguf_verdict gguf_check(const uint8_t *bytes, size_t size);

/* The same while another process writes to the file: byte `at` becomes `value` as soon as the parser takes memory,
 * which is after it has measured the metadata and before it copies them. */
gguf_verdict gguf_check_changing(const uint8_t *bytes, size_t size, size_t at, uint8_t value);

#endif
