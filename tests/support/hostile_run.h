/* Opens files that may be damaged, gives the model a text and runs it for a few tokens, and checks what is promised of
 * any bytes: an error with a text or finite numbers, memory within bounds, nothing held in the end. */
#ifndef INLAY_HOSTILE_RUN_H
#define INLAY_HOSTILE_RUN_H

#include <stddef.h>
#include <stdint.h>

#define HOSTILE_GGUF "GGUF"

/* One file of this name is opened from memory, others are a folder's. */
typedef struct hostile_file {
    const char *name;
    const uint8_t *data;
    size_t size;
} hostile_file;

typedef struct hostile_verdict {
    int32_t status;     /* of opening */
    const char *broken; /* the promise that was broken, or NULL */
} hostile_verdict;

hostile_verdict hostile_run(const hostile_file *files, size_t n);

/* Room for bytes of a file, of which a process has one, and behind it memory that may not be read. Bytes that were
 * written there are moved to its very end. */
uint8_t *hostile_room(size_t capacity);
uint8_t *hostile_to_the_end(const uint8_t *bytes, size_t size);

#endif
