/* Inlay: recordings. A part of inlay.h, which includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a session did, in a file, and the proof that another machine does the same: for chasing a desync.
 */
#ifndef INLAY_REPLAY_PUBLIC_H
#define INLAY_REPLAY_PUBLIC_H

#include "inlay_session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Records the session from now on into a file: its options and what its sequences are, then every call that changes one
 * or chooses a token, with a hash of the logits it gave. Tokens are in it, so it is as private as the text is; weights
 * are not. Chains (inlay_sampler) are not recorded: what they chose comes with the next evaluation; nor is what only
 * tells, as embeddings do. It takes some 40 KiB, writes a little for each call, and reads all the logits once more for
 * each evaluation. The file is written beside, under the name with ".part", and takes its name at inlay_record_end; a
 * session that is freed before leaves none. A write that fails changes no call and is told at the end. Errors:
 * INLAY_ERR_STATE when it is recorded already, INLAY_ERR_IO, INLAY_ERR_MEMORY, INLAY_ERR_BUSY. Thread rule: one thread
 * at a time. Since 0.1. */
INLAY_API int32_t inlay_record_begin(inlay_session *session, const char *path);

/* Ends the recording, whose file is whole then. After an error there is none. Errors: INLAY_ERR_STATE when the session
 * is not recorded, INLAY_ERR_IO, INLAY_ERR_BUSY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_record_end(inlay_session *session);

/* What inlay_replay tells; more may follow. */
enum {
    INLAY_REPLAY_RECORDS = 0,         /* records that came out equal */
    INLAY_REPLAY_TOKENS = 1,          /* tokens evaluated in them */
    INLAY_REPLAY_RECORD = 2,          /* the number of the record that differs, from 0; -1: none does */
    INLAY_REPLAY_SEQUENCE = 3,        /* its sequence; -1 */
    INLAY_REPLAY_POSITION = 4,        /* and the position of its first token there; -1 */
    INLAY_REPLAY_EXPECTED = 5,        /* the hash, or the token, that was recorded */
    INLAY_REPLAY_FOUND = 6,           /* and what came out here */
    INLAY_REPLAY_SAME_MODEL = 7,      /* 1: the model has the same fingerprint */
    INLAY_REPLAY_SAME_ARITHMETIC = 8, /* 1: inlay_arithmetic_version is the same */
    INLAY_REPLAY_SAME_CPU = 9         /* 1: it was recorded at the same CPU level, which makes no difference */
};

/* Does in a session of its own what a recording tells, and compares. INLAY_OK: every bit is equal. INLAY_ERR_DIFFERENT:
 * inlay_error tells which record, where, both hashes, and whether model, arithmetic or CPU level differ. `values`
 * [n_values] by INLAY_REPLAY_, also after an error; may be NULL when that is 0. Of the options, threads, allocator,
 * batch, log and progress (in bytes of the recording) are used, and what they say of context and sequences is the most
 * that the recorded session may have had, unless it is the default: the call takes as much memory as that session did.
 * The file is not trusted. Where the host changed logits before inlay_sample nothing is said of the token. Errors:
 * INLAY_ERR_DIFFERENT, INLAY_ERR_FORMAT (no recording, cut or damaged), INLAY_ERR_UNSUPPORTED (of a newer version),
 * INLAY_ERR_CONTEXT, INLAY_ERR_ARGUMENT (of a model with another vocabulary), INLAY_ERR_STATE (INLAY_OPT_VOCAB_ONLY),
 * INLAY_ERR_IO, INLAY_ERR_MEMORY, INLAY_ERR_CANCELLED, and those of the calls that it makes. Thread rule: any. Since
 * 0.1. */
INLAY_API int32_t inlay_replay(inlay_model *model, const char *path, const inlay_options *options, int64_t *values,
                               size_t n_values);

#ifdef __cplusplus
}
#endif

#endif /* INLAY_REPLAY_PUBLIC_H */
