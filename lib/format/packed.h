/* The packed form of a model file, which `inlay pack` writes: GGUF version 3 with its metadata as they were, whose
 * quantised matrices stand as the kernels read them, so that it runs from where it is mapped.
 *
 *     inlay.packed.version   u32, a key of the metadata: the version of this form, 2
 *     inlay.packed.merges    u32 [number of merges, 2], where there is byte-pair encoding: the tokens that
 *                            tokenizer.ggml.merges join, so that opening need not look for them; it compares their
 *                            texts, and those that do not fit change nothing
 *     tensor type            0x494c0000 + the GGUF number of the type, for a tensor in panels; rows keep their number
 *     tensor data            panels of 16 rows (drawn in kernels/pack.c), each matrix [shape[0], shape[1]] by itself,
 *                            the last panel of each filled up with zero rows; aligned to 64 bytes
 *
 * Names and shapes are the unpacked file's. A reader that does not know the form finds tensor types that do not exist,
 * and refuses them. The form has no part that depends on the CPU: every machine of this byte order reads the same file.
 * A change of any panel raises the version; files of other versions are refused. Version 1 had IQ4_NL in other panels.
 */
#ifndef INLAY_PACKED_H
#define INLAY_PACKED_H

#include "base/base.h"

#define INLAY__PACKED_KEY "inlay.packed.version"
#define INLAY__PACKED_MERGES "inlay.packed.merges"

enum {
    INLAY__PACKED_VERSION = 2,
    INLAY__PACKED_TYPE = 0x494c0000,
    INLAY__PACKED_TYPE_MASK = 0xffff,
    INLAY__PACKED_ROWS = 16,
    INLAY__PACKED_ALIGNMENT = 64
};

/* The number in a file is of a tensor in panels. */
static inline bool inlay__packed_is_type(uint32_t number) {
    return (number & ~(uint32_t)INLAY__PACKED_TYPE_MASK) == INLAY__PACKED_TYPE;
}

/* The type has a packed form. */
bool inlay__packed_has(uint32_t type);

/* Bytes of a tensor in panels, shape[0] a multiple of the type's block; false when the type has no packed form or the
 * size does not fit. */
bool inlay__packed_size(uint32_t type, const uint64_t shape[4], uint64_t *size);

#endif
