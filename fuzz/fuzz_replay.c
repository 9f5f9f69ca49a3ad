/* Any bytes as a recording, as they are and made one of this model with a sum that is right: whatever they ask of a
 * session, the replay ends with a status and holds nothing. */
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "base/checksum.h"
#include "model/fingerprint.h"
#include "support/accounting_sys.h"
#include "support/folder_sys.h"
#include "support/tiny_open.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 56, FIXED = 24 };

static void must(bool holds) {
    if (!holds) abort();
}

/* In a session of at most 48 tokens and 3 sequences. */
static void replay(inlay_model *model, const uint8_t *bytes, size_t size) {
    accounting a;
    folder_sys f;
    inlay_options *o = NULL;
    int64_t values[INLAY_REPLAY_SAME_CPU + 1];
    accounting_init(&a);
    folder_sys_init(&f, &a.sys);
    folder_sys_put(&f, "x.rec", bytes, size);
    must(inlay__options_new_with_sys(&f.sys, &o) == INLAY_OK);
    must(inlay_options_set_int(o, INLAY_OPT_CONTEXT, 48) == INLAY_OK);
    must(inlay_options_set_int(o, INLAY_OPT_SEQUENCES, 3) == INLAY_OK);
    must(inlay_options_set_int(o, INLAY_OPT_THREADS, 1) == INLAY_OK);
    int32_t status = inlay_replay(model, "x.rec", o, values, INLAY_REPLAY_SAME_CPU + 1);
    must((status == INLAY_ERR_DIFFERENT) == (values[INLAY_REPLAY_RECORD] >= 0));
    inlay_options_free(o);
    must(a.live == 0 && f.n_open == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tiny t;
    static uint8_t own[HEAD];
    if (t.model == NULL) {
        const uint8_t begin[] = {'I', 'R', 'E', 'C', 1, 0, 0, 0};
        t = tiny_open(NULL, NULL);
        uint64_t fingerprint = inlay__model_fingerprint(t.model->network, INLAY__FINGERPRINT_VERSION);
        memcpy(own, begin, sizeof begin);
        for (size_t i = 0; i < 8; i++) own[8 + i] = (uint8_t)(fingerprint >> 8 * i);
        own[16] = (uint8_t)inlay_arithmetic_version();
        own[20] = 320 % 256; /* tokens */
        own[21] = 320 / 256;
    }
    replay(t.model, data, size);
    if (size < HEAD + 32) return 0;
    uint8_t *fixed = malloc(size);
    must(fixed != NULL);
    memcpy(fixed, data, size);
    memcpy(fixed, own, FIXED);
    uint64_t sum = inlay__checksum(0, fixed, size - 8);
    for (size_t i = 0; i < 8; i++) fixed[size - 8 + i] = (uint8_t)(sum >> 8 * i);
    replay(t.model, fixed, size);
    free(fixed);
    return 0;
}
