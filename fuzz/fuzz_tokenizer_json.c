/* Fuzzing tokenizer.json: any bytes are a tokenizer that works, or an error that leaves nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "support/accounting_sys.h"
#include "tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static const char text[] =
    "The  caf\xC3\xA9's e\xCC\x81 12.\n\xEF\xB7\xBA\xF0\x9F\x98\x80\xFF <s><x> aaaaaaaaab \xE4\xBD\xA0";

static void use(const inlay__tokenizer *tokenizer, int32_t flags) {
    int32_t ids[4096], again[4096];
    static size_t spans[4096][2];
    size_t n = 0, n_again = 0, size = 0, streamed;
    int32_t status = inlay__tokenizer_encode(tokenizer, text, sizeof text - 1, flags, ids, 4096, &n);
    must(status == INLAY_OK || status == INLAY_ERR_UNSUPPORTED || status == INLAY_ERR_BUFFER);
    if (status != INLAY_OK) return;
    must(inlay__tokenizer_encode_spans(tokenizer, text, sizeof text - 1, flags, again, &spans[0][0], 4096, &n_again) ==
         INLAY_OK);
    must(n_again == n && memcmp(again, ids, n * sizeof *ids) == 0);
    for (size_t i = 0; i < n; i++) must(spans[i][0] <= spans[i][1] && spans[i][1] <= sizeof text - 1);
    status = inlay__tokenizer_decode(tokenizer, ids, n, NULL, 0, &size);
    must(status == (size > 0 ? INLAY_ERR_BUFFER : INLAY_OK));
    for (size_t i = 0; i < n; i++) {
        uint64_t state = 0;
        must(ids[i] >= 0 && (size_t)ids[i] < inlay__tokenizer_n_vocab(tokenizer));
        status = inlay__tokenizer_stream(tokenizer, &state, ids[i], NULL, 0, &streamed);
        must(status == (streamed > 0 ? INLAY_ERR_BUFFER : INLAY_OK));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    accounting a;
    inlay__tokenizer *tokenizer = NULL;
    inlay__tokenizer_files files = {.tokenizer = {(const char *)data, size}};
    accounting_init(&a);
    if (inlay__tokenizer_from_json(&a.sys, "fuzz", &files, &tokenizer) == INLAY_OK)
        for (int32_t flags = 0; flags < 4; flags++) use(tokenizer, flags);
    inlay__tokenizer_free(tokenizer);
    must(a.n_live == 0);
    return 0;
}
