/* What the files that parse GGUF share: the state of one parse. */
#ifndef INLAY_GGUF_READER_H
#define INLAY_GGUF_READER_H

#include "base/cursor.h"
#include "format/gguf.h"

/* The least bytes that a pair (no key, a value of one byte) and a tensor (no name, one dimension) take in a
 * file. Empty names are refused, but by their own message. */
enum { INLAY__GGUF_MIN_KV = 8 + 4 + 1, INLAY__GGUF_MIN_TENSOR = 8 + 4 + 8 + 4 + 8 };

enum { INLAY__GGUF_MAX_KEY = 65535, INLAY__GGUF_MAX_TENSOR_NAME = 1024, INLAY__GGUF_MAX_ALIGNMENT = 65536 };

/* The metadata is walked twice by the same functions: first to measure, taking no memory, then to
 * fill memory of exactly the measured size. The bytes may change between the walks, so the second trusts
 * nothing of the first: it checks again, and checks what it copied in the copy. */
typedef struct inlay__gguf_reader {
    const char *name;       /* of the file, for messages */
    inlay__cursor in;       /* the file, as far as it is in memory and at most as far as metadata may reach */
    size_t file_size;
    const uint8_t *data;    /* of the whole file; NULL when only its head is in memory */
    bool ended;             /* more was asked for than `in` has */
    bool fill;              /* the second walk */
    size_t text_used;       /* of gguf->text, or of what it will need */
    size_t data_start;      /* where the tensor data begins; second walk */
    uint32_t alignment;     /* of tensors; second walk */
    inlay__gguf *gguf;      /* what is being filled */
} inlay__gguf_reader;

/* Takes n bytes of gguf->text; `alignment` is a power of two. In the first walk *memory is NULL. */
int32_t inlay__gguf_take(inlay__gguf_reader *r, size_t n, size_t alignment, uint8_t **memory);

/* Reads a string of 1 to max_size bytes, well-formed UTF-8 without a NUL, that names `kind` ("metadata key",
 * "tensor") number i. */
int32_t inlay__gguf_read_name(inlay__gguf_reader *r, const char *kind, size_t i, size_t max_size, inlay__text *name);

/* The file ends inside `kind` number i. */
int32_t inlay__gguf_fail_end(inlay__gguf_reader *r, const char *kind, size_t i);

/* The table of tensors: reads entry i, and after all entries looks for overlapping data. */
int32_t inlay__gguf_read_tensor(inlay__gguf_reader *r, size_t i);
int32_t inlay__gguf_check_overlap(const inlay__gguf_reader *r);

#endif
