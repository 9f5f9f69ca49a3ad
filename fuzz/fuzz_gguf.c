/* Fuzzing the GGUF parser: any bytes keep every promise of tests/support/gguf_check.h, and open or fail alike as
 * a model's weights in memory. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/weights.h"
#include "support/gguf_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gguf_verdict verdict = gguf_check(data, size);
    if (verdict.broken != NULL) {
        fprintf(stderr, "%s\n", verdict.broken);
        abort();
    }
    inlay__weights weights;
    if (inlay__weights_open_memory(&inlay__sys_default, data, size, &weights) == INLAY_OK) {
        if (verdict.status != INLAY_OK) abort();
        inlay__weights_close(&weights);
    }
    return 0;
}
