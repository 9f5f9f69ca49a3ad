/* Writing small vocabularies and opening tokenizers from them. */
#include "support/tiny_vocab.h"

#include <stdio.h>
#include <stdlib.h>

#include "tokenizer/byte_text.h"

static char *copy(const char *text, size_t size) {
    char *made = malloc(size + 1);
    memcpy(made, text, size);
    made[size] = '\0';
    return made;
}

void tiny_vocab_init(tiny_vocab *v) {
    *v = (tiny_vocab){
        .model = "gpt2", .pre = "gpt-2", .bos = -1, .eos = -1, .unknown = -1, .pad = -1, .add_bos = -1, .add_eos = -1};
    for (int byte = 0; byte < 256; byte++) {
        char text[INLAY__BYTE_TEXT_MAX + 1] = {0};
        inlay__byte_write((uint8_t)byte, text);
        tiny_vocab_token(v, text, VOCAB_NORMAL);
    }
}

void tiny_vocab_free(tiny_vocab *v) {
    for (size_t i = 0; i < v->n_tokens; i++)
        free(v->tokens[i]);
    for (size_t i = 0; i < v->n_merges; i++)
        free(v->merges[i]);
    v->n_tokens = v->n_merges = 0;
}

int32_t tiny_vocab_token(tiny_vocab *v, const char *text, int32_t type) {
    if (v->n_tokens == TINY_VOCAB_MAX) abort();
    v->tokens[v->n_tokens] = copy(text, strlen(text));
    v->types[v->n_tokens] = type;
    return (int32_t)v->n_tokens++;
}

int32_t tiny_vocab_merge(tiny_vocab *v, const char *merge) {
    if (v->n_merges == TINY_VOCAB_MAX) abort();
    v->merges[v->n_merges++] = copy(merge, strlen(merge));
    const char *space = strchr(merge, ' ');
    char *joined = malloc(strlen(merge) + 1);
    sprintf(joined, "%.*s%s", (int)(space - merge), merge, space + 1);
    int32_t id = -1;
    for (size_t i = 0; i < v->n_tokens && id < 0; i++)
        if (strcmp(v->tokens[i], joined) == 0) id = (int32_t)i;
    if (id < 0) id = tiny_vocab_token(v, joined, VOCAB_NORMAL);
    free(joined);
    return id;
}

static void write_id(gguf_writer *w, const char *key, int64_t id) {
    if (id >= 0) gguf_writer_u32(w, key, (uint32_t)id);
}

uint8_t *tiny_vocab_file(const tiny_vocab *v, size_t *size) {
    gguf_writer w;
    gguf_writer_init(&w);
    if (v->more != NULL) v->more(&w);
    if (v->model != NULL) gguf_writer_string(&w, "tokenizer.ggml.model", v->model);
    if (v->pre != NULL) gguf_writer_string(&w, "tokenizer.ggml.pre", v->pre);
    if (!v->no_tokens) gguf_writer_strings(&w, "tokenizer.ggml.tokens", (const char *const *)v->tokens, v->n_tokens);
    if (!v->no_types) gguf_writer_array(&w, "tokenizer.ggml.token_type", INLAY__GGUF_I32, v->types, v->n_tokens);
    if (!v->no_merges) gguf_writer_strings(&w, "tokenizer.ggml.merges", (const char *const *)v->merges, v->n_merges);
    write_id(&w, "tokenizer.ggml.bos_token_id", v->bos);
    write_id(&w, "tokenizer.ggml.eos_token_id", v->eos);
    write_id(&w, "tokenizer.ggml.unknown_token_id", v->unknown);
    write_id(&w, "tokenizer.ggml.padding_token_id", v->pad);
    if (v->add_bos >= 0) gguf_writer_bool(&w, "tokenizer.ggml.add_bos_token", v->add_bos != 0);
    if (v->add_eos >= 0) gguf_writer_bool(&w, "tokenizer.ggml.add_eos_token", v->add_eos != 0);
    return gguf_writer_finish(&w, size);
}

int32_t tiny_tokenizer_make(const inlay__sys *sys, const inlay__gguf *gguf, inlay__tokenizer **tokenizer) {
    int32_t status = inlay__tokenizer_begin(sys, "tiny.gguf", gguf, tokenizer);
    if (status == INLAY_OK) status = inlay__tokenizer_finish(*tokenizer, "tiny.gguf", gguf, NULL);
    if (status == INLAY_OK) return status;
    inlay__tokenizer_free(*tokenizer);
    *tokenizer = NULL;
    return status;
}

tiny_tokenizer tiny_tokenizer_open_file(const uint8_t *data, size_t size, const inlay__sys *sys) {
    tiny_tokenizer t = {0};
    t.status = inlay__gguf_parse(sys, "tiny.gguf", data, size, &t.gguf);
    if (t.status != INLAY_OK) return t;
    t.has_gguf = true;
    t.status = tiny_tokenizer_make(sys, &t.gguf, &t.tokenizer);
    return t;
}

tiny_tokenizer tiny_vocab_open(const tiny_vocab *v, const inlay__sys *sys) {
    size_t size;
    uint8_t *file = tiny_vocab_file(v, &size);
    tiny_tokenizer t = tiny_tokenizer_open_file(file, size, sys);
    t.file = file;
    return t;
}

void tiny_tokenizer_close(tiny_tokenizer *t) {
    inlay__tokenizer_free(t->tokenizer);
    if (t->has_gguf) inlay__gguf_free(&t->gguf);
    free(t->file);
    *t = (tiny_tokenizer){0};
}

const char *tiny_encode(const tiny_tokenizer *t, const char *text, size_t size, int32_t flags) {
    static char out[8192];
    int32_t ids[1024];
    size_t n, used = 0;
    out[0] = '\0';
    if (t->tokenizer == NULL) return "no tokenizer";
    if (inlay__tokenizer_encode(t->tokenizer, text, size, flags, ids, 1024, &n) != INLAY_OK) return inlay__error_text();
    for (size_t i = 0; i < n; i++)
        used += (size_t)sprintf(out + used, i > 0 ? " %d" : "%d", ids[i]);
    return out;
}

bool tiny_round_trip(const tiny_tokenizer *t, const char *text, size_t size) {
    int32_t *ids = malloc((size + 4) * sizeof *ids);
    char *back = malloc(size + 1);
    size_t n, n_back = 0;
    bool same = inlay__tokenizer_encode(t->tokenizer, text, size, 0, ids, size + 4, &n) == INLAY_OK &&
                inlay__tokenizer_decode(t->tokenizer, ids, n, back, size, &n_back) == INLAY_OK && n_back == size &&
                memcmp(back, text, size) == 0;
    free(ids);
    free(back);
    return same;
}
