/* A GGUF file that is written piece by piece, so that no more than a buffer of it is in memory: the head, pairs,
 * entries of tensors, then their bytes. What it is to be is known before, as each entry says where its tensor's bytes
 * will be. */
#ifndef INLAY_GGUF_FILE_H
#define INLAY_GGUF_FILE_H

#include "base/out_file.h"
#include "base/progress.h"
#include "format/gguf.h"

enum { INLAY__GGUF_ALIGNMENT = 32 }; /* of files that do not say another */

typedef struct inlay__gguf_file {
    const inlay__sys *sys;
    size_t alignment;
    uint8_t *buffer; /* [capacity] of which `used` bytes wait to be written */
    size_t used, capacity;
    uint64_t total;            /* bytes of the whole file, once they are known; 0 before */
    inlay__progress *progress; /* in bytes of the file; may be NULL */
    inlay__out_file file;
} inlay__gguf_file;

/* Creates it beside its name, with a buffer of at least `least` bytes. inlay__gguf_file_close is for later, whatever
 * happened. Errors: _IO, _MEMORY. */
int32_t inlay__gguf_file_open(inlay__gguf_file *f, const inlay__sys *sys, const char *path, size_t alignment,
                              size_t least);
/* The file takes its name. Errors: _IO, _CANCELLED. */
int32_t inlay__gguf_file_finish(inlay__gguf_file *f);
/* Lets go of everything, and of the file where it was not finished. */
void inlay__gguf_file_close(inlay__gguf_file *f);

/* Texts that a file gets besides the pairs of another; the keys are string constants. */
enum { INLAY__GGUF_MORE_TEXTS = 4 };

typedef struct inlay__gguf_texts {
    const char *keys[INLAY__GGUF_MORE_TEXTS];
    inlay__text texts[INLAY__GGUF_MORE_TEXTS];
    size_t n;
} inlay__gguf_texts;

/* All that writes. Errors: _IO, _CANCELLED (by the progress callback). */
int32_t inlay__gguf_file_head(inlay__gguf_file *f, uint64_t n_tensors, uint64_t n_kv);
/* The head, the pairs of another file but for those that describe it as one (its alignment, its parts), and more texts;
 * `n_more` pairs are to follow. */
int32_t inlay__gguf_file_metadata(inlay__gguf_file *f, uint64_t n_tensors, const inlay__gguf *from,
                                  const inlay__gguf_texts *more, uint64_t n_more);
int32_t inlay__gguf_file_pair(inlay__gguf_file *f, const inlay__gguf_kv *kv);
int32_t inlay__gguf_file_u32(inlay__gguf_file *f, const char *key, uint32_t value);
int32_t inlay__gguf_file_u32s(inlay__gguf_file *f, const char *key, const uint32_t *values, size_t n);
int32_t inlay__gguf_file_string(inlay__gguf_file *f, const char *key, inlay__text text);
/* `type` is the number the file has, `offset` is from where the first tensor's bytes begin. */
int32_t inlay__gguf_file_entry(inlay__gguf_file *f, const inlay__tensor *t, uint32_t type, uint64_t offset);
int32_t inlay__gguf_file_bytes(inlay__gguf_file *f, const void *data, size_t size);
/* Zeros up to the alignment. */
int32_t inlay__gguf_file_pad(inlay__gguf_file *f);

/* For who writes into the buffer: makes `size` bytes of room, at most `least` of the opening, and takes them. */
int32_t inlay__gguf_file_room(inlay__gguf_file *f, size_t size);

/* Bytes so far. */
static inline uint64_t inlay__gguf_file_size(const inlay__gguf_file *f) { return f->file.size + f->used; }

/* The next multiple of an alignment; false where it does not fit a file. */
bool inlay__gguf_file_align(size_t alignment, uint64_t *n);

#endif
