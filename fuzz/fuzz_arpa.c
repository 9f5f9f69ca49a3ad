/* Fuzzing n-gram models: any text opens as a model whose logits are finite, or fails, in memory bounded by its size,
 * and leaves nothing behind. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "import/arpa.h"
#include "support/accounting_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Some tokens, and the logits after each. */
static void evaluate(const uint8_t *data, size_t size) {
    inlay_options *options;
    inlay_model *model;
    inlay_session *session;
    float *logits;
    size_t n_vocab;
    if (inlay_options_new(&options) != INLAY_OK) return;
    inlay_options_set_int(options, INLAY_OPT_THREADS, 1);
    inlay_options_set_int(options, INLAY_OPT_CONTEXT, 32);
    if (inlay_model_open_memory(data, size, options, &model) == INLAY_OK) {
        if (inlay_session_new(model, options, &session) != INLAY_OK) abort();
        for (int32_t i = 0; i < 32; i++) {
            int32_t token = 0;
            if (i > 0 && inlay_sample(session, &token) != INLAY_OK) abort();
            if (inlay_eval(session, &token, 1) != INLAY_OK || inlay_logits(session, &logits, &n_vocab) != INLAY_OK)
                abort();
            for (size_t k = 0; k < n_vocab; k++)
                if (!isfinite(logits[k])) abort();
        }
        inlay_session_free(session);
        inlay_model_free(model);
    }
    inlay_options_free(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    accounting a;
    inlay__weights weights;
    accounting_init(&a);
    if (inlay__arpa_open(&a.sys, NULL, data, size, &weights) == INLAY_OK) {
        if (weights.n_tensors < 1) abort();
        inlay__weights_close(&weights);
    }
    if (a.live != 0 || a.peak > 64 * size + (1 << 20)) abort();
    if (inlay__arpa_is(NULL, data, size)) evaluate(data, size);
    return 0;
}
