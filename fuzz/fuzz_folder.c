/* Fuzzing folders: config.json, the index and a safetensors file, with a byte 0xff (which no UTF-8 holds) between them,
 * open as weights whose every tensor can be read, or fail, and leave nothing behind. A config that speaks of pooling
 * or prompts is also the file of sentence-transformers that has them, and an index that is an array modules.json. */
#include <stdint.h>
#include <stdlib.h>

#include "import/import.h"
#include "import/make.h"
#include "support/accounting_sys.h"
#include "support/folder_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the bytes up to the next 0xff. */
static size_t take(const uint8_t **data, size_t *size) {
    const uint8_t *end = memchr(*data, 0xff, *size);
    size_t n = end != NULL ? (size_t)(end - *data) : *size;
    *data += n + (end != NULL);
    *size -= n + (end != NULL);
    return n;
}

static unsigned touch(const inlay__weights *weights) {
    unsigned sum = 0;
    for (size_t i = 0; i < weights->n_tensors; i++)
        for (uint64_t k = 0; k < weights->tensors[i].size; k++) sum += weights->tensors[i].data[k];
    return sum;
}

static bool speaks_of(const uint8_t *data, size_t size, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(data + i, word, n) == 0) return true;
    return false;
}

/* config.json and what it stands for besides. */
static void put_config(folder_sys *f, const uint8_t *data, size_t size) {
    folder_sys_put(f, "config.json", data, size);
    if (speaks_of(data, size, "\"pooling_mode")) folder_sys_put(f, "1_Pooling/config.json", data, size);
    if (speaks_of(data, size, "\"prompts\"")) folder_sys_put(f, "config_sentence_transformers.json", data, size);
    if (speaks_of(data, size, "\"eos_token_id\"")) folder_sys_put(f, "generation_config.json", data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static volatile unsigned sink;
    accounting a;
    folder_sys f;
    inlay__weights weights;
    accounting_init(&a);
    folder_sys_init(&f, &a.sys);
    if (size == 0) return 0;
    const uint8_t *begin = data;
    put_config(&f, begin, take(&data, &size));
    begin = data;
    size_t n_index = take(&data, &size);
    if (n_index > 0 && begin[0] == '[') {
        folder_sys_put(&f, "modules.json", begin, n_index);
        n_index = 0;
    }
    if (n_index > 0) folder_sys_put(&f, "model.safetensors.index.json", begin, n_index);
    folder_sys_put(&f, n_index > 0 ? "a.safetensors" : "model.safetensors", data, size);
    if (inlay__import_open(&f.sys, INLAY__PATH("folder", INLAY_LOAD_COPY), &weights) == INLAY_OK) {
        inlay__make_config make = {.n_threads = 1, .type = INLAY__KEEP_TYPES};
        if (inlay__weights_make(&weights, &make) == INLAY_OK) sink = sink + touch(&weights);
        inlay__weights_close(&weights);
    }
    if (a.live != 0 || f.n_open != 0) abort();
    return 0;
}
