/* The tiny model, opened by the functions of the model layer. */
#include "support/tiny_network.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/accounting_sys.h"

static void must(int32_t status, const char *what) {
    if (status == INLAY_OK) return;
    fprintf(stderr, "%s: %d: %s\n", what, (int)status, inlay__error_text());
    exit(2);
}

inlay__model_config tiny_network_config(void) {
    return (inlay__model_config){.cpu = inlay__cpu_best(), .pack = INLAY_PACK_OPEN, .n_threads = 2};
}

tiny_network tiny_network_open_file(uint8_t *data, size_t size, const inlay__sys *sys,
                                    const inlay__model_config *config) {
    inlay__model_config defaults = tiny_network_config();
    tiny_network n = {.data = data, .size = size, .weights = calloc(1, sizeof *n.weights)};
    if (n.weights == NULL) exit(2);
    n.status = inlay__weights_open_memory(sys, data, size, n.weights);
    if (n.status == INLAY_OK)
        n.status = inlay__model_new(sys, n.weights, config != NULL ? config : &defaults, &n.model);
    return n;
}

int32_t tiny_network_try(gguf_writer *w) {
    size_t size;
    accounting a;
    accounting_init(&a);
    uint8_t *data = gguf_writer_finish(w, &size);
    tiny_network n = tiny_network_open_file(data, size, &a.sys, NULL);
    tiny_network_close(&n);
    if (a.n_live == 0) return n.status;
    fprintf(stderr, "%zu blocks are held after a network was closed\n", a.n_live);
    exit(2);
}

tiny_network tiny_network_open(const tiny_params *params, const inlay__model_config *config) {
    size_t size;
    uint8_t *data = tiny_model(params, &size);
    tiny_network n = tiny_network_open_file(data, size, &inlay__sys_default, config);
    must(n.status, "tiny_network_open");
    return n;
}

void tiny_network_close(tiny_network *n) {
    inlay__model_free(n->model);
    inlay__weights_close(n->weights);
    free(n->weights);
    free(n->data);
}

tiny_params tiny_architecture(int i) {
    static const char *const names[TINY_N_ARCHITECTURES] = {"llama", "qwen2", "gemma3"};
    tiny_params p = tiny_defaults();
    p.architecture = names[i];
    p.n_vocab = 300 + (uint32_t)i;
    p.n_head = 6;
    p.n_head_kv = 2;
    p.n_embd_head = 16; /* 6 heads of 16 for an embedding of 64 */
    p.n_rope = i == 2 ? 0 : 12;
    p.n_layer = i == 2 ? 7 : 2;
    p.n_window = i == 2 ? 20 : 0;
    p.rope_theta = i == 0 ? 10000.0f : i == 1 ? 1000.0f : 300.0f;
    p.rope_scale = i == 2 ? 4.0f : 0.0f;
    p.n_ctx = 1024;
    p.tied = i != 1;
    return p;
}

inlay__decoder *tiny_decoder(const inlay__model *model, size_t n_context, size_t n_batch, size_t n_threads,
                             uint32_t cache_type) {
    inlay__decoder_config config = {n_context, n_batch, n_threads, cache_type, 1, 0, 0, SIZE_MAX};
    inlay__decoder *decoder;
    must(inlay__decoder_new(&inlay__sys_default, model, &config, &decoder), "tiny_decoder");
    return decoder;
}

int32_t tiny_decode(inlay__decoder *decoder, const int32_t *tokens, size_t n_tokens, float *logits) {
    inlay__eval_hooks hooks = {NULL, NULL, NULL};
    return inlay__decoder_eval(decoder, &(inlay__run){0, tokens, n_tokens}, 1, logits, &hooks);
}

float *tiny_rows(inlay__decoder *decoder, size_t n_vocab, const int32_t *tokens, size_t n_tokens, size_t step) {
    float *rows = malloc(n_tokens * n_vocab * sizeof *rows);
    if (rows == NULL) exit(2);
    for (size_t i = 0; i < n_tokens; i += step)
        must(tiny_decode(decoder, tokens + i, n_tokens - i < step ? n_tokens - i : step, rows + i * n_vocab),
             "tiny_rows");
    return rows;
}
