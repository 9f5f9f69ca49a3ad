/* What a session did, as a file: for running it again elsewhere and telling where it comes out otherwise.
 *
 *     0   4  "IREC"
 *     4   4  version 1
 *     8   8  the model's fingerprint
 *    16   4  arithmetic version
 *    20   4  tokens of the vocabulary
 *    24  16  CPU level, filled up with zeros
 *    40   4  context        of the session
 *    44   4  sequences
 *    48   4  type of keys and values
 *    52   4  batch
 *    56      records, the last of which is END
 *         8  checksum of all before (base/checksum.h)
 *
 * A record, whose payload is filled up with zeros to a multiple of 8:
 *
 *     0   4  kind
 *     4   4  a
 *     8   8  n
 *    16   8  bytes of payload
 *    24      payload
 *
 *     kind       a              n             payload
 *     EVAL       runs           tokens        [a] of sequence u32, tokens u32, hash of the logits after them u64; then
 *                                             tokens i32 [n]
 *     SAMPLE     sequence       token         hash of the logits it is from, the random numbers afterwards: u64 [3]
 *     TRUNCATE   sequence       length
 *     DROP       sequence       begin         end u64
 *     FORK       from           to
 *     SET_INT    key            value i64
 *     SET_FLOAT  key            bits of f64
 *     LOAD       sequence       0             a saved state (model/saved_state.h)
 *     ENCODE     1: segments    tokens        hash of the states u64; tokens i32 [n]; segments u8 [n], if there are any
 *     RANDOM     0              0             the random numbers from now on: u64 [2]
 *     END        0              records before it
 *
 * A hash of 0 is not compared: what was read long ago has no logits. All is little-endian. What failed or was given up
 * is not in it, as it left no trace. */
#ifndef INLAY_RECORDING_H
#define INLAY_RECORDING_H

#include "base/out_file.h"
#include "handles.h"

#define INLAY__RECORDING_MAGIC 0x43455249u
enum {
    INLAY__RECORDING_VERSION = 1,
    INLAY__RECORDING_HEAD = 56,
    INLAY__RECORD_HEAD = 24,
    INLAY__CPU_SIZE = 16
};

typedef enum inlay__record_kind {
    INLAY__RECORD_EVAL = 1,
    INLAY__RECORD_SAMPLE,
    INLAY__RECORD_TRUNCATE,
    INLAY__RECORD_DROP,
    INLAY__RECORD_FORK,
    INLAY__RECORD_SET_INT,
    INLAY__RECORD_SET_FLOAT,
    INLAY__RECORD_LOAD,
    INLAY__RECORD_ENCODE,
    INLAY__RECORD_RANDOM,
    INLAY__RECORD_END
} inlay__record_kind;

/* A recording that is being written. Once a write has failed nothing more is written, and ending it tells. */
typedef struct inlay__recording inlay__recording;

/* Of the logits after a sequence; 0 when there are none. */
uint64_t inlay__logits_hash(inlay_session *session, size_t sequence);
uint64_t inlay__states_hash(const inlay_session *session);

/* Each notes what a call has done, after it succeeded; nothing where the session is not recorded. */
void inlay__record_eval(inlay_session *session, const inlay__run *runs, size_t n_runs);
void inlay__record_sample(inlay_session *session, int32_t token);
void inlay__record_plain(inlay_session *session, inlay__record_kind kind, size_t a, uint64_t n);
void inlay__record_drop(inlay_session *session, size_t begin, size_t end);
void inlay__record_number(inlay_session *session, int32_t key, int32_t kind, double number, int64_t integer);
void inlay__record_load(inlay_session *session, size_t sequence, const void *bytes, size_t size);
void inlay__record_encode(inlay_session *session, const int32_t *tokens, const uint8_t *segments, size_t n_tokens);
void inlay__record_random(inlay_session *session);
/* The sequence in hand has become these tokens, read again or not. */
void inlay__record_recall(inlay_session *session, const int32_t *tokens, size_t n_tokens);

/* Ends a recording without a file. */
void inlay__recording_drop(inlay_session *session);

#endif
