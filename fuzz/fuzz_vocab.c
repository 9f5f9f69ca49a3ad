/* Fuzzing vocabularies: any bytes are a GGUF file with a tokenizer that works, or an error that leaves nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "support/accounting_sys.h"
#include "support/tiny_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static const char text[] =
    "The  end's 1234.\n\n\xc3\xa9\xf0\x9f\x98\x80\xff <|im_end|><tool> aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab "
    "<dna>acgtNACGTACgt</dna>";

enum { MOST = 2 * sizeof text + 2 };

/* Byte-level vocabularies do. */
static bool gives_text_back(const inlay__tokenizer *tokenizer) {
    static const char *const others[] = {"gpt2/gemma4", "gpt2/sarvam-moe", "gpt2/granite-embed-multi-311m",
                                         "gpt2/whitespace"};
    const char *name = inlay__tokenizer_name(tokenizer);
    for (size_t i = 0; i < INLAY__COUNT(others); i++)
        if (strcmp(name, others[i]) == 0) return false;
    return strncmp(name, "gpt2/", 5) == 0;
}

/* Encodes a text; without flags, decoding gives it back where the vocabulary has its bytes. With them there may be
 * a BOS of any text around it. */
static void use(const inlay__tokenizer *tokenizer, int32_t flags) {
    int32_t ids[MOST], again[MOST];
    size_t spans[MOST][2], n, n_again, n_back = 0;
    int32_t status = inlay__tokenizer_encode(tokenizer, text, sizeof text - 1, flags, ids, MOST, &n);
    must(status == INLAY_OK || status == INLAY_ERR_UNSUPPORTED || status == INLAY_ERR_BUFFER);
    if (status != INLAY_OK) return;
    must(inlay__tokenizer_encode_spans(tokenizer, text, sizeof text - 1, flags, again, &spans[0][0], MOST, &n_again) ==
         INLAY_OK);
    must(n_again == n && memcmp(again, ids, n * sizeof *ids) == 0);
    for (size_t i = 0; i < n; i++) {
        must(spans[i][0] <= spans[i][1] && spans[i][1] <= sizeof text - 1);
        must(i == 0 || (spans[i][0] >= spans[i - 1][0] && spans[i][1] >= spans[i - 1][1]));
    }
    status = inlay__tokenizer_decode(tokenizer, ids, n, NULL, 0, &n_back);
    must(status == (n_back > 0 ? INLAY_ERR_BUFFER : INLAY_OK));
    char *back = malloc(n_back + 1);
    must(inlay__tokenizer_decode(tokenizer, ids, n, back, n_back, &n_back) == INLAY_OK);
    if (flags == 0 && gives_text_back(tokenizer)) must(n_back == sizeof text - 1 && memcmp(back, text, n_back) == 0);
    free(back);
}

static void read_tokens(const inlay__tokenizer *tokenizer) {
    size_t n_vocab = inlay__tokenizer_n_vocab(tokenizer);
    for (size_t id = 0; id < n_vocab && id < 300; id++) {
        uint64_t state = 0;
        size_t size, streamed;
        int32_t token = (int32_t)id, found;
        inlay__text name = inlay__tokenizer_token_text(tokenizer, token);
        must(inlay__tokenizer_find(tokenizer, name.text, name.size, &found));
        must(found >= 0 && (size_t)found < n_vocab);
        must(inlay__tokenizer_token_flags(tokenizer, token) < 64);
        int32_t status = inlay__tokenizer_decode(tokenizer, &token, 1, NULL, 0, &size);
        must(status == (size > 0 ? INLAY_ERR_BUFFER : INLAY_OK));
        status = inlay__tokenizer_stream(tokenizer, &state, token, NULL, 0, &streamed);
        must(status == (streamed > 0 ? INLAY_ERR_BUFFER : INLAY_OK));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    accounting a;
    accounting_init(&a);
    tiny_tokenizer t = tiny_tokenizer_open_file(data, size, &a.sys);
    must((t.status == INLAY_OK) == (t.tokenizer != NULL));
    if (t.tokenizer != NULL) {
        for (int32_t flags = 0; flags < 4; flags++)
            use(t.tokenizer, flags);
        read_tokens(t.tokenizer);
    }
    tiny_tokenizer_close(&t);
    must(a.n_live == 0);
    return 0;
}
