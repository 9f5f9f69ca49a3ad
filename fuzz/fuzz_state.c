/* Any bytes as a saved sequence, as they are and under a fingerprint and a sum that are right: taken up, and then it is
 * saved as the same bytes and goes on, or refused, and then the session is as before. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "support/tiny_open.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 20 };

static void must(bool holds) {
    if (!holds) abort();
}

static void load(inlay_session *s, const uint8_t *bytes, size_t size) {
    static uint8_t before[MOST], after[MOST];
    const int32_t token = 70;
    size_t n = 0, n_after = 0;
    must(inlay_sequence_save(s, 0, before, MOST, &n) == INLAY_OK);
    int32_t status = inlay_sequence_load(s, 0, bytes, size);
    must(inlay_sequence_save(s, 0, after, MOST, &n_after) == INLAY_OK);
    if (status != INLAY_OK) {
        must(n == n_after && memcmp(before, after, n) == 0);
        return;
    }
    must(bytes[4] == 1 || n_after == size); /* of an older version it is saved as today's */
    inlay_eval(s, &token, 1); /* numbers that are huge may give logits that are not finite */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tiny t;
    static inlay_session *s;
    static uint8_t own[MOST];
    static size_t n_own;
    if (s == NULL) {
        t = tiny_open(NULL, NULL);
        s = tiny_session(t.model, INLAY_OPT_CONTEXT, 48, INLAY_OPT_THREADS, 1, 0);
        must(inlay_sequence_save(s, 0, own, MOST, &n_own) == INLAY_OK);
    }
    load(s, data, size);
    if (size < 112 || size > MOST) return 0;
    uint8_t *fixed = malloc(size);
    memcpy(fixed, data, size);
    memcpy(fixed, own, 8);           /* what it is */
    memcpy(fixed + 16, own + 16, 8); /* of which model */
    for (size_t i = 0; i < 8; i++) fixed[8 + i] = (uint8_t)((uint64_t)size >> 8 * i);
    uint64_t sum = inlay__checksum(0, fixed, size - 8);
    for (size_t i = 0; i < 8; i++) fixed[size - 8 + i] = (uint8_t)(sum >> 8 * i);
    load(s, fixed, size);
    free(fixed);
    must(inlay_session_truncate(s, 0) == INLAY_OK);
    return 0;
}
