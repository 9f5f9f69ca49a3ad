/* Fuzzing the safetensors parser: any bytes give an error or tensors inside the file, in bounded memory. */
#include <stdint.h>
#include <stdlib.h>

#include "format/safetensors.h"
#include "support/accounting_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    accounting a;
    inlay__safetensors file;
    uint64_t n = 0;
    accounting_init(&a);
    if (inlay__safetensors_parse(&a.sys, "fuzz", data, size, &file) == INLAY_OK) {
        for (size_t i = 0; i < file.n_tensors; i++) {
            const inlay__safetensor *t = &file.tensors[i];
            if (t->data < data || t->data + t->size > data + size) abort();
            if (inlay__safetensors_find(&file, t->name.text) != t) abort();
            n += t->size;
        }
        if (n + 8 > size) abort();
        inlay__safetensors_free(&file);
    }
    if (a.live != 0 || a.peak > size + (1 << 20)) abort();
    return 0;
}
