/* A sequence as bytes, from which it goes on in any session of the same model, on any machine.
 *
 *     0   4  "ISTA"
 *     4   4  version 2; of 1, what is marked so was not there
 *     8   8  bytes in all
 *    16   8  the model's fingerprint, of the same version
 *    24   4  arithmetic version
 *    28   4  type of keys and values, F32, F16 or Q8_0
 *    32   4  1: there are logits; 0: there are none
 *    36   4  0
 *    40   8  what rotary frequencies ask of the context: 0 nothing, 1 it is short, 2 it is long, else the context itself
 *    48   8  tokens n
 *    56   8  tokens at the beginning that see one another
 *    64   8  tokens m that the encoder read, in front of a decoder; else 0
 *    72  16  the session's random numbers: state and increment
 *    88   8  tokens at the beginning that have what reading them anew would give (2)
 *    96   8  tokens at the beginning that layers with a window of attention have lost, whole 256s (2)
 *   104      keys and values, as below, of the tokens in the layers that keep them
 *            those of m tokens of what the encoder gave, in the layers that attend to it
 *            states [m, n_embd] F32 of the encoder
 *            the recurrent state F32
 *            tokens [n] I32; of version 1 of n-gram models alone
 *            logits [n_vocab] F32, if there are any
 *         8  checksum of all before (base/checksum.h)
 *
 * Keys and values are those of every layer and head in turn, as the cache has them (model/kv_cache.h): keys in groups of
 * 16 positions, of which the last is filled up with zeros, then values. All is little-endian. */
#ifndef INLAY_SAVED_STATE_H
#define INLAY_SAVED_STATE_H

#include "base/out_file.h"
#include "model/decoder_state.h"

/* What of it the decoder does not know. */
typedef struct inlay__saved_extra {
    uint32_t arithmetic_version;
    uint64_t random[2];
} inlay__saved_extra;

size_t inlay__saved_size(const inlay__decoder *d, size_t sequence);
/* Writes them to memory or, where `bytes` is NULL, a file. Errors: _IO. */
int32_t inlay__saved_write(inlay__decoder *d, size_t sequence, const inlay__saved_extra *extra, uint8_t *bytes,
                           inlay__out_file *file);
/* The sequence becomes what the bytes say, and extra->random too, whose version must be the state's. On failure all is
 * as before. Errors: _FORMAT, _UNSUPPORTED, _ARGUMENT, _CONTEXT. */
int32_t inlay__saved_read(inlay__decoder *d, size_t sequence, inlay__saved_extra *extra, const uint8_t *bytes,
                          size_t size);

#endif
