/* The tokenizer of a model: which family it is of, special tokens, and what all families share. */
#include "tokenizer/tokenizer.h"

#include "base/text.h"
#include "tokenizer/bpe.h"
#include "tokenizer/dna.h"
#include "tokenizer/encoder.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/pipeline_gguf.h"
#include "tokenizer/special.h"
#include "tokenizer/spm.h"
#include "tokenizer/stream.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/vocab.h"

enum { NAME_SIZE = 64, READ_SIZE = 256, ALL_FLAGS = INLAY_ADD_SPECIAL | INLAY_PARSE_SPECIAL };

/* What a family of tokenizers brings. `self` is its part of the tokenizer. */
typedef struct family {
    const char *name; /* tokenizer.ggml.model */
    int32_t (*load)(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf);
    /* The rest, which several threads may share; NULL: there is none. */
    int32_t (*finish)(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf, inlay__pool *pool);
    void (*unload)(inlay__tokenizer *tokenizer);
    /* Appends the tokens of text without special tokens. */
    int32_t (*encode)(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text, size_t size);
    /* Bytes of a token, as inlay__bpe_read; NULL for pipelines. */
    size_t (*read)(const inlay__tokenizer *tokenizer, int32_t id, size_t *at, uint8_t *out, size_t capacity);
    /* Whether encode puts a space before its text; NULL for never. */
    bool (*adds_space)(const inlay__tokenizer *tokenizer);
} family;

/* Special tokens that take the white space beside them with them. Files of this kind do not say so, but their names
 * do. */
typedef struct strips {
    int32_t before;   /* the token that takes what is before it; -1 for none */
    bool after;       /* all take what is after them, but for these */
    int32_t kept[3];  /* -1 for none */
} strips;

struct inlay__tokenizer {
    const inlay__sys *sys;
    const family *family; /* NULL until it is loaded */
    inlay__vocab vocab;
    inlay__special special;
    strips strips;
    union {
        inlay__bpe bpe;
        inlay__dna dna;
        inlay__spm spm;
        inlay__pipeline pipeline;
    } of;
    char name[NAME_SIZE];
};

/* ----------------------------------------------------------------- families */

/* `model` is what files call the family. */
static int32_t load_bpe(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf, const char *model,
                        inlay__bpe *bpe) {
    static const char key[] = "tokenizer.ggml.pre";
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    /* Files from before the key existed were made when there was one pre-tokenizer, and it is called this now. */
    inlay__text pre = kv != NULL ? inlay__gguf_string(kv, 0) : (inlay__text){"default", 7};
    if ((kv != NULL && kv->is_array) || pre.text == NULL)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not a string", name, key);
    const inlay__pretokenizer *pretokenizer = inlay__pretokenizer_find(pre.text, pre.size);
    if (pretokenizer == NULL)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': %s is '%s', a pre-tokenizer that is not supported", name,
                           key, pre.text);
    inlay__vocab *vocab = &tokenizer->vocab;
    if (!vocab->add_bos_given)
        vocab->add_bos = (pretokenizer->flags & INLAY__PRE_ADD_BOS) != 0 && vocab->special.bos >= 0;
    if ((pretokenizer->flags & INLAY__PRE_NO_BOS) != 0) {
        vocab->special.bos = -1;
        vocab->add_bos = false;
    }
    inlay__format(tokenizer->name, sizeof tokenizer->name, "%s/%s", model, pre.text);
    return inlay__bpe_load(tokenizer->sys, vocab, pretokenizer, bpe);
}

static int32_t load_gpt2(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf) {
    return load_bpe(tokenizer, name, gguf, "gpt2", &tokenizer->of.bpe);
}

static int32_t finish_gpt2(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf, inlay__pool *pool) {
    return inlay__bpe_load_merges(name, gguf, pool, &tokenizer->of.bpe);
}

static void unload_gpt2(inlay__tokenizer *tokenizer) { inlay__bpe_free(&tokenizer->of.bpe); }

static int32_t encode_gpt2(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text,
                           size_t size) {
    return inlay__bpe_encode(&tokenizer->of.bpe, encoder, text, size);
}

static size_t read_gpt2(const inlay__tokenizer *tokenizer, int32_t id, size_t *at, uint8_t *out, size_t capacity) {
    return inlay__bpe_read(&tokenizer->of.bpe, id, at, out, capacity);
}

static int32_t load_dna(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf) {
    INLAY__TRY(load_bpe(tokenizer, name, gguf, "hybriddna", &tokenizer->of.dna.bpe));
    inlay__dna_load(&tokenizer->of.dna);
    return INLAY_OK;
}

static int32_t finish_dna(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf, inlay__pool *pool) {
    return inlay__bpe_load_merges(name, gguf, pool, &tokenizer->of.dna.bpe);
}

static void unload_dna(inlay__tokenizer *tokenizer) { inlay__bpe_free(&tokenizer->of.dna.bpe); }

static int32_t encode_dna(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text,
                          size_t size) {
    return inlay__dna_encode(&tokenizer->of.dna, encoder, text, size);
}

static size_t read_dna(const inlay__tokenizer *tokenizer, int32_t id, size_t *at, uint8_t *out, size_t capacity) {
    return inlay__dna_read(&tokenizer->of.dna, id, at, out, capacity);
}

static int32_t load_llama(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf) {
    inlay__vocab *vocab = &tokenizer->vocab;
    if (!vocab->add_bos_given) vocab->add_bos = vocab->special.bos >= 0;
    inlay__format(tokenizer->name, sizeof tokenizer->name, "llama");
    return inlay__spm_load(name, gguf, vocab, &tokenizer->of.spm);
}

static void unload_llama(inlay__tokenizer *tokenizer) { (void)tokenizer; }

static int32_t encode_llama(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text,
                            size_t size) {
    return inlay__spm_encode(&tokenizer->of.spm, encoder, text, size);
}

static size_t read_llama(const inlay__tokenizer *tokenizer, int32_t id, size_t *at, uint8_t *out, size_t capacity) {
    return inlay__spm_read(&tokenizer->of.spm, id, at, out, capacity);
}

static bool llama_adds_space(const inlay__tokenizer *tokenizer) { return tokenizer->of.spm.add_space_prefix; }

/* Families that are pipelines. */

static int32_t load_pipeline(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf) {
    inlay__text model = inlay__gguf_string(inlay__gguf_find(gguf, "tokenizer.ggml.model"), 0);
    inlay__text pre = inlay__gguf_string(inlay__gguf_find(gguf, "tokenizer.ggml.pre"), 0);
    if (strcmp(model.text, "gpt2") == 0)
        inlay__format(tokenizer->name, sizeof tokenizer->name, "gpt2/%s", pre.text);
    else
        inlay__format(tokenizer->name, sizeof tokenizer->name, "%s", model.text);
    return inlay__pipeline_from_gguf(tokenizer->sys, name, gguf, &tokenizer->vocab, &tokenizer->of.pipeline);
}

static void unload_pipeline(inlay__tokenizer *tokenizer) { inlay__pipeline_free(&tokenizer->of.pipeline); }

static int32_t encode_pipeline(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text,
                               size_t size) {
    return inlay__pipeline_encode(&tokenizer->of.pipeline, encoder, text, size, false, NULL);
}

static const family families[] = {
    {"gpt2", load_gpt2, finish_gpt2, unload_gpt2, encode_gpt2, read_gpt2, NULL},
    {"hybriddna", load_dna, finish_dna, unload_dna, encode_dna, read_dna, NULL},
    {"llama", load_llama, NULL, unload_llama, encode_llama, read_llama, llama_adds_space},
    {"bert", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"t5", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"rwkv", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"gemma4", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"whitespace", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"words", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"plamo2", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"none", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
    {"no_vocab", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL},
};

/* Files of "gpt2" whose words begin with characters, not with bytes. */
static const family character_family = {"gpt2", load_pipeline, NULL, unload_pipeline, encode_pipeline, NULL, NULL};

static const family json_family = {"tokenizer.json", NULL, NULL, unload_pipeline, encode_pipeline, NULL, NULL};

static bool is_pipeline(const inlay__tokenizer *tokenizer) { return tokenizer->family->read == NULL; }

/* The bytes of a token on its way through a stream, or in a text of others. */
static size_t read_token(const inlay__tokenizer *tokenizer, int32_t id, bool first, size_t *at, uint8_t *out,
                         size_t capacity) {
    if (!is_pipeline(tokenizer)) return tokenizer->family->read(tokenizer, id, at, out, capacity);
    inlay__text bytes = inlay__pipeline_token_bytes(&tokenizer->of.pipeline, id, first);
    size_t n = inlay__min_size(capacity, bytes.size - *at);
    if (n > 0) memcpy(out, bytes.text + *at, n);
    *at += n;
    return n;
}

static int32_t find_family(const char *name, const inlay__gguf *gguf, const family **found) {
    static const char key[] = "tokenizer.ggml.model";
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    if (kv == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no %s, and so no tokenizer", name, key);
    inlay__text model = inlay__gguf_string(kv, 0);
    if (kv->is_array || model.text == NULL)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not a string", name, key);
    for (size_t i = 0; i < INLAY__COUNT(families); i++) {
        if (strlen(families[i].name) != model.size || memcmp(families[i].name, model.text, model.size) != 0) continue;
        *found = families[i].load == load_gpt2 && inlay__pipeline_takes_pre(gguf) ? &character_family : &families[i];
        return INLAY_OK;
    }
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': %s is '%s', a kind of tokenizer that is not supported", name,
                       key, model.text);
}

/* ------------------------------------------------------------------ strips */

/* Whether the text of a key has one of some parts, in letters of any case; the parts end with NULL. */
static bool key_has(const inlay__gguf *gguf, const char *key, const char *const *parts) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    inlay__text text = kv != NULL && !kv->is_array ? inlay__gguf_string(kv, 0) : (inlay__text){NULL, 0};
    for (; text.text != NULL && *parts != NULL; parts++) {
        size_t n = strlen(*parts);
        for (size_t begin = 0; begin + n <= text.size; begin++) {
            size_t i = 0;
            while (i < n && ((text.text[begin + i] |
                              (text.text[begin + i] >= 'A' && text.text[begin + i] <= 'Z' ? 0x20 : 0)) == (*parts)[i]))
                i++;
            if (i == n) return true;
        }
    }
    return false;
}

static int32_t find_or_none(const inlay__vocab *vocab, const char *text) {
    int32_t id;
    return vocab->n_tokens > 0 && inlay__vocab_find(vocab, text, strlen(text), &id) ? id : -1;
}

static void load_strips(const inlay__gguf *gguf, const inlay__vocab *vocab, strips *s) {
    static const char *const jina[] = {"jina-v2-de", "jina-v2-es", "jina-v2-code", NULL};
    static const char *const roberta[] = {"nomic-bert-moe", "jina-bert-v3", NULL};
    static const char *const phi3[] = {"phi-3", "phi3", NULL}, *const modern[] = {"modern-bert", NULL};
    static const char *const kept[] = {"<unk>", "<s>", "<|endoftext|>"};
    if (key_has(gguf, "tokenizer.ggml.pre", jina) || key_has(gguf, "general.architecture", roberta)) {
        s->before = find_or_none(vocab, "<mask>");
    } else if (key_has(gguf, "general.name", phi3)) {
        s->after = true;
        for (size_t i = 0; i < INLAY__COUNT(kept); i++) s->kept[i] = find_or_none(vocab, kept[i]);
    } else if (key_has(gguf, "general.name", modern)) {
        s->before = find_or_none(vocab, "[MASK]");
    }
}

static bool is_white(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Widens a match of a special token by the white space that it takes; no further back than `least`. */
static void widen(const strips *s, int32_t id, const uint8_t *text, size_t size, size_t least, size_t *begin,
                  size_t *end) {
    while (id == s->before && *begin > least && is_white(text[*begin - 1])) --*begin;
    if (!s->after || id == s->kept[0] || id == s->kept[1] || id == s->kept[2]) return;
    while (*end < size && is_white(text[*end])) ++*end;
}

/* --------------------------------------------------------------------- life */

static int32_t load(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf) {
    const family *found = NULL;
    INLAY__TRY(find_family(name, gguf, &found));
    tokenizer->vocab = (inlay__vocab){.sys = tokenizer->sys, .special = {-1, -1, -1, -1}};
    if (strcmp(found->name, "none") != 0 && strcmp(found->name, "no_vocab") != 0)
        INLAY__TRY(inlay__vocab_load(tokenizer->sys, name, gguf, &tokenizer->vocab));
    load_strips(gguf, &tokenizer->vocab, &tokenizer->strips);
    INLAY__TRY(inlay__special_build(&tokenizer->vocab, &tokenizer->special));
    int32_t status = found->load(tokenizer, name, gguf);
    if (status == INLAY_OK || found->read == NULL) tokenizer->family = found; /* a pipeline frees what it has */
    return status;
}

/* A JSON text that need not be there. */
static int32_t parse_optional(const inlay__sys *sys, const char *what, inlay__text text, inlay__json *json,
                              const inlay__json **found) {
    *found = NULL;
    if (text.text == NULL) return INLAY_OK;
    INLAY__TRY(inlay__json_parse(sys, what, text.text, text.size, json));
    *found = json;
    return INLAY_OK;
}

static int32_t read_json(inlay__tokenizer *tokenizer, inlay__json_reader *r) {
    const inlay__json_node *root = r->json->nodes;
    if (root->kind != INLAY__JSON_OBJECT)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': is not an object, as a tokenizer.json is", r->name);
    INLAY__TRY(inlay__json_read_model(r));
    INLAY__TRY(inlay__json_read_roles(r));
    INLAY__TRY(inlay__json_read_normalizers(r));
    INLAY__TRY(inlay__json_read_splitters(r));
    inlay__json_take_bytes(r);
    INLAY__TRY(inlay__json_read_processors(r));
    INLAY__TRY(inlay__json_read_decoders(r));
    const inlay__json_node *type = inlay__json_get(r->json, inlay__json_get(r->json, root, "model"), "type");
    inlay__format(tokenizer->name, sizeof tokenizer->name, "tokenizer.json/%s",
                  type != NULL && type->kind == INLAY__JSON_STRING ? type->text : "");
    return inlay__pipeline_finish(r->pipeline);
}

/* What takes the place of a configuration of ByT5 that was given as the tokenizer. Such a tokenizer takes any bytes. */
static int32_t replace_bytes(inlay__json_reader *r, inlay__json *json, inlay__json *config) {
    char *text = NULL;
    size_t size, capacity = 0;
    if (!inlay__json_is_bytes(json)) return INLAY_OK;
    inlay__json_free(r->sys, config);
    *config = *json;
    *json = (inlay__json){0};
    r->config = config;
    r->pipeline->takes_bytes = true;
    int32_t status = inlay__json_write_bytes(r->sys, r->name, config, &text, &size, &capacity);
    if (status == INLAY_OK) status = inlay__json_parse(r->sys, r->name, text, size, json);
    inlay__free(r->sys, text, capacity);
    return status;
}

static int32_t load_json(inlay__tokenizer *tokenizer, const char *name, const inlay__tokenizer_files *files) {
    const inlay__sys *sys = tokenizer->sys;
    inlay__pipeline *pipeline = &tokenizer->of.pipeline;
    inlay__json json = {0}, config = {0}, map = {0};
    inlay__json_reader r = {.sys = sys, .name = name, .json = &json, .vocab = &tokenizer->vocab, .pipeline = pipeline};
    tokenizer->family = &json_family;
    tokenizer->vocab = (inlay__vocab){.sys = sys, .special = {-1, -1, -1, -1}};
    *pipeline = (inlay__pipeline){.sys = sys, .vocab = &tokenizer->vocab, .arena = {sys, NULL}};
    int32_t status = inlay__json_parse(sys, name, files->tokenizer.text, files->tokenizer.size, &json);
    if (status == INLAY_OK) status = parse_optional(sys, "tokenizer_config.json", files->config, &config, &r.config);
    if (status == INLAY_OK)
        status = parse_optional(sys, "special_tokens_map.json", files->special_tokens_map, &map, &r.map);
    if (status == INLAY_OK) status = replace_bytes(&r, &json, &config);
    if (status == INLAY_OK) status = read_json(tokenizer, &r);
    if (status == INLAY_OK && files->metadata != NULL) {
        inlay__vocab_fill_roles(files->metadata, &tokenizer->vocab);
        status = inlay__vocab_load_ends(name, files->metadata, &tokenizer->vocab);
    }
    inlay__json_free(sys, &json);
    inlay__json_free(sys, &config);
    inlay__json_free(sys, &map);
    return status;
}

int32_t inlay__tokenizer_config_is_bytes(const inlay__sys *sys, inlay__text config, bool *is) {
    inlay__json json = {0};
    int32_t status = inlay__json_parse(sys, "tokenizer_config.json", config.text, config.size, &json);
    *is = status == INLAY_OK && inlay__json_is_bytes(&json);
    inlay__json_free(sys, &json);
    return status == INLAY_ERR_FORMAT ? INLAY_OK : status;
}

int32_t inlay__tokenizer_from_json(const inlay__sys *sys, const char *name, const inlay__tokenizer_files *files,
                                   inlay__tokenizer **tokenizer) {
    inlay__tokenizer *made = inlay__alloc_array(sys, 1, sizeof *made);
    if (made == NULL) return INLAY_ERR_MEMORY;
    made->sys = sys;
    int32_t status = load_json(made, name, files);
    if (status != INLAY_OK) {
        inlay__tokenizer_free(made);
        return status;
    }
    *tokenizer = made;
    return INLAY_OK;
}

int32_t inlay__tokenizer_begin(const inlay__sys *sys, const char *name, const inlay__gguf *gguf,
                               inlay__tokenizer **tokenizer) {
    inlay__tokenizer *made = inlay__alloc_array(sys, 1, sizeof *made);
    if (made == NULL) return INLAY_ERR_MEMORY;
    made->sys = sys;
    made->strips = (strips){-1, false, {-1, -1, -1}};
    int32_t status = load(made, name, gguf);
    if (status != INLAY_OK) {
        inlay__tokenizer_free(made);
        return status;
    }
    *tokenizer = made;
    return INLAY_OK;
}

int32_t inlay__tokenizer_finish(inlay__tokenizer *tokenizer, const char *name, const inlay__gguf *gguf,
                                inlay__pool *pool) {
    return tokenizer->family->finish != NULL ? tokenizer->family->finish(tokenizer, name, gguf, pool) : INLAY_OK;
}

void inlay__tokenizer_free(inlay__tokenizer *tokenizer) {
    if (tokenizer == NULL) return;
    if (tokenizer->family != NULL) tokenizer->family->unload(tokenizer);
    if (tokenizer->special.sys != NULL) inlay__special_free(&tokenizer->special);
    if (tokenizer->vocab.sys != NULL) inlay__vocab_free(&tokenizer->vocab);
    inlay__free(tokenizer->sys, tokenizer, sizeof *tokenizer);
}

/* ------------------------------------------------------------------- encode */

/* The text between special tokens goes to the family, piece by piece. */
static int32_t encode_pieces(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text,
                             size_t size, const inlay__special_matches *matches) {
    size_t pos = 0;
    for (size_t i = matches->n; i-- > 0;) {
        const inlay__special_match *match = &matches->items[i];
        if (match->pos < pos) continue; /* inside the token before */
        size_t begin = match->pos, end = match->pos + match->size;
        widen(&tokenizer->strips, match->id, text, size, pos, &begin, &end);
        encoder->base = pos;
        if (begin > pos) INLAY__TRY(tokenizer->family->encode(tokenizer, encoder, text + pos, begin - pos));
        INLAY__TRY(inlay__encoder_reserve(encoder, 1));
        pos = end;
        encoder->base = 0;
        inlay__encoder_put_at(encoder, match->id, begin, end);
    }
    encoder->base = pos;
    return pos < size ? tokenizer->family->encode(tokenizer, encoder, text + pos, size - pos) : INLAY_OK;
}

static int32_t no_tokens(void) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "the model has no tokenizer: its file says 'none'");
}

/* The text without what is put around it. */
static int32_t encode_text(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text, size_t size,
                           bool control) {
    if (tokenizer->family == &json_family) /* knows its added tokens itself */
        return inlay__pipeline_encode(&tokenizer->of.pipeline, encoder, text, size, control, NULL);
    if (tokenizer->vocab.n_tokens == 0) return no_tokens();
    inlay__special_matches matches;
    int32_t status = inlay__special_find(&tokenizer->special, text, size, control, &matches);
    if (status == INLAY_OK) status = encode_pieces(tokenizer, encoder, text, size, &matches);
    inlay__special_matches_free(&tokenizer->special, &matches);
    return status;
}

static int32_t put_ids(inlay__encoder *encoder, const int32_t *ids, size_t n) {
    INLAY__TRY(inlay__encoder_reserve(encoder, n));
    for (size_t i = 0; i < n; i++) inlay__encoder_put(encoder, ids[i]);
    return INLAY_OK;
}

size_t inlay__tokenizer_before(const inlay__tokenizer *tokenizer, const int32_t **ids) {
    const inlay__pipeline *pipeline = &tokenizer->of.pipeline;
    *ids = is_pipeline(tokenizer) ? pipeline->before : &tokenizer->vocab.special.bos;
    return is_pipeline(tokenizer) ? pipeline->n_before : tokenizer->vocab.add_bos;
}

static int32_t encode_all(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text, size_t size,
                          int32_t flags) {
    const inlay__vocab *vocab = &tokenizer->vocab;
    const inlay__pipeline *pipeline = is_pipeline(tokenizer) ? &tokenizer->of.pipeline : NULL;
    bool add = (flags & INLAY_ADD_SPECIAL) != 0, control = (flags & INLAY_PARSE_SPECIAL) != 0;
    INLAY__TRY(inlay__encoder_reserve(encoder, size / 4 + 2));
    const int32_t *before;
    size_t n_before = inlay__tokenizer_before(tokenizer, &before);
    if (add) INLAY__TRY(put_ids(encoder, before, n_before));
    INLAY__TRY(encode_text(tokenizer, encoder, text, size, control));
    encoder->base = size;
    if (add && pipeline != NULL) return put_ids(encoder, pipeline->after, pipeline->n_after);
    return add && vocab->add_eos ? put_ids(encoder, &vocab->special.eos, 1) : INLAY_OK;
}

int32_t inlay__tokenizer_run(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const char *text, size_t size,
                             int32_t flags) {
    encoder->sys = tokenizer->sys;
    if (size > INT32_MAX)
        return inlay__fail(INLAY_ERR_ARGUMENT, "the text has %zu bytes, and one call takes at most %d", size,
                           INT32_MAX);
    if ((flags & ~ALL_FLAGS) != 0)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "flags are %d, expected a sum of INLAY_ADD_SPECIAL and INLAY_PARSE_SPECIAL", flags);
    return encode_all(tokenizer, encoder, (const uint8_t *)text, size, flags);
}

int32_t inlay__tokenizer_encode_spans(const inlay__tokenizer *tokenizer, const char *text, size_t size, int32_t flags,
                                      int32_t *tokens, size_t *spans, size_t capacity, size_t *n_tokens) {
    if (size == INLAY_ALL) size = strlen(text);
    inlay__encoder encoder = {.sys = tokenizer->sys, .wants_spans = spans != NULL};
    int32_t status = inlay__tokenizer_run(tokenizer, &encoder, text, size, flags);
    if (status == INLAY_OK) {
        *n_tokens = encoder.n_tokens;
        if (encoder.n_tokens > capacity)
            status = inlay__fail(INLAY_ERR_BUFFER, "the text has %zu tokens, and there is room for %zu",
                                 encoder.n_tokens, capacity);
        else if (encoder.n_tokens > 0)
            memcpy(tokens, encoder.tokens, encoder.n_tokens * sizeof *tokens);
        if (status == INLAY_OK && spans != NULL && encoder.n_tokens > 0)
            memcpy(spans, encoder.spans, encoder.n_tokens * sizeof *encoder.spans);
    }
    inlay__encoder_free(&encoder);
    return status;
}

int32_t inlay__tokenizer_encode(const inlay__tokenizer *tokenizer, const char *text, size_t size, int32_t flags,
                                int32_t *tokens, size_t capacity, size_t *n_tokens) {
    return inlay__tokenizer_encode_spans(tokenizer, text, size, flags, tokens, NULL, capacity, n_tokens);
}

/* The matches of control tokens that lie wholly within bytes of mark 0, and all of added tokens; of those that begin at
 * one place the longest. `all` holds control tokens as well, `added` does not; both have the last place first. */
static void keep_allowed(const inlay__tokenizer *tokenizer, const uint8_t *marks, inlay__special_matches *all,
                         const inlay__special_matches *added) {
    size_t n = 0, at = 0;
    for (size_t i = 0; i < all->n; i++) {
        inlay__special_match match = all->items[i];
        size_t size = inlay__vocab_text(&tokenizer->vocab, match.id).size;
        while (at < added->n && added->items[at].pos > match.pos) at++;
        if (memchr(marks + match.pos, 1, size) == NULL)
            all->items[n++] = match;
        else if (at < added->n && added->items[at].pos == match.pos)
            all->items[n++] = added->items[at];
    }
    all->n = n;
}

static int32_t encode_marked(const inlay__tokenizer *tokenizer, inlay__encoder *encoder, const uint8_t *text,
                             const uint8_t *marks, size_t size) {
    inlay__special_matches all, added = {.items = NULL};
    INLAY__TRY(inlay__encoder_reserve(encoder, size / 4 + 2));
    if (tokenizer->family == &json_family)
        return inlay__pipeline_encode(&tokenizer->of.pipeline, encoder, text, size, true, marks);
    if (tokenizer->vocab.n_tokens == 0) return no_tokens();
    int32_t status = inlay__special_find(&tokenizer->special, text, size, true, &all);
    if (status == INLAY_OK) status = inlay__special_find(&tokenizer->special, text, size, false, &added);
    if (status == INLAY_OK) {
        keep_allowed(tokenizer, marks, &all, &added);
        status = encode_pieces(tokenizer, encoder, text, size, &all);
    }
    inlay__special_matches_free(&tokenizer->special, &all);
    inlay__special_matches_free(&tokenizer->special, &added);
    return status;
}

int32_t inlay__tokenizer_encode_marked(const inlay__tokenizer *tokenizer, const char *text, const uint8_t *marks,
                                       size_t size, int32_t *tokens, size_t capacity, size_t *n_tokens) {
    inlay__encoder encoder = {.sys = tokenizer->sys};
    int32_t status = encode_marked(tokenizer, &encoder, (const uint8_t *)text, marks, size);
    if (status == INLAY_OK) {
        *n_tokens = encoder.n_tokens;
        if (encoder.n_tokens > capacity)
            status = inlay__fail(INLAY_ERR_BUFFER, "the text has %zu tokens, and there is room for %zu",
                                 encoder.n_tokens, capacity);
        else if (encoder.n_tokens > 0)
            memcpy(tokens, encoder.tokens, encoder.n_tokens * sizeof *tokens);
    }
    inlay__encoder_free(&encoder);
    return status;
}

/* ------------------------------------------------------------------- decode */

static int32_t check_id(const inlay__tokenizer *tokenizer, int32_t id, size_t i) {
    if (id >= 0 && (size_t)id < tokenizer->vocab.n_tokens) return INLAY_OK;
    return inlay__fail(INLAY_ERR_TOKEN, "token %d at index %zu is not in the vocabulary of %zu tokens", id, i,
                       tokenizer->vocab.n_tokens);
}

static int32_t fail_room(size_t need, size_t capacity) {
    return inlay__fail(INLAY_ERR_BUFFER, "the text has %zu bytes, and there is room for %zu", need, capacity);
}

static int32_t decode_pipeline(const inlay__tokenizer *tokenizer, const int32_t *tokens, size_t n_tokens, char *text,
                               size_t capacity, size_t *size) {
    inlay__texts texts;
    int32_t status = inlay__pipeline_decode(&tokenizer->of.pipeline, tokens, n_tokens, &texts);
    if (status == INLAY_OK) {
        *size = texts.text.size;
        if (*size > capacity)
            status = fail_room(*size, capacity);
        else if (*size > 0)
            memcpy(text, texts.text.text, *size);
    }
    inlay__texts_free(&texts);
    return status;
}

static bool adds_space(const inlay__tokenizer *tokenizer) {
    return tokenizer->family->adds_space != NULL && tokenizer->family->adds_space(tokenizer);
}

/* The bytes of tokens one after the other, into `text` unless it is NULL. The space that the family put before each
 * stretch of text is taken away again, unless the tokens stand inside a text. */
static int32_t write_bytes(const inlay__tokenizer *tokenizer, const int32_t *tokens, size_t n_tokens, bool inside,
                           char *text, size_t *size) {
    uint8_t bytes[READ_SIZE];
    bool prefixed = !inside && adds_space(tokenizer);
    bool begins = prefixed;
    *size = 0;
    for (size_t i = 0; i < n_tokens; i++) {
        size_t at = 0, n;
        while ((n = tokenizer->family->read(tokenizer, tokens[i], &at, bytes, sizeof bytes)) > 0) {
            size_t skip = begins && bytes[0] == ' ';
            if (text != NULL) memcpy(text + *size, bytes + skip, n - skip);
            if (!inlay__add_size(*size, n - skip, size))
                return inlay__fail(INLAY_ERR_ARGUMENT, "the text has too many bytes");
            begins = false;
        }
        if ((tokenizer->vocab.flags[tokens[i]] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_ADDED)) != 0) begins = prefixed;
    }
    return INLAY_OK;
}

static int32_t decode(const inlay__tokenizer *tokenizer, const int32_t *tokens, size_t n_tokens, bool inside,
                      char *text, size_t capacity, size_t *size) {
    for (size_t i = 0; i < n_tokens; i++)
        INLAY__TRY(check_id(tokenizer, tokens[i], i));
    if (is_pipeline(tokenizer)) return decode_pipeline(tokenizer, tokens, n_tokens, text, capacity, size);
    size_t need;
    INLAY__TRY(write_bytes(tokenizer, tokens, n_tokens, inside, NULL, &need));
    *size = need;
    if (need > capacity) return fail_room(need, capacity);
    return write_bytes(tokenizer, tokens, n_tokens, inside, text, size);
}

int32_t inlay__tokenizer_decode(const inlay__tokenizer *tokenizer, const int32_t *tokens, size_t n_tokens, char *text,
                                size_t capacity, size_t *size) {
    return decode(tokenizer, tokens, n_tokens, false, text, capacity, size);
}

int32_t inlay__tokenizer_token_bytes(const inlay__tokenizer *tokenizer, int32_t token, char *text, size_t capacity,
                                     size_t *size) {
    if (!is_pipeline(tokenizer)) return decode(tokenizer, &token, 1, true, text, capacity, size);
    INLAY__TRY(check_id(tokenizer, token, 0));
    inlay__text bytes = inlay__pipeline_token_bytes(&tokenizer->of.pipeline, token, false);
    *size = bytes.size;
    if (bytes.size > capacity) return fail_room(bytes.size, capacity);
    if (bytes.size > 0) memcpy(text, bytes.text, bytes.size);
    return INLAY_OK;
}

/* Puts a token's bytes through the stream, as decoding all its tokens at once would write them; -1 ends it. */
static void stream_token(const inlay__tokenizer *tokenizer, int32_t token, inlay__stream *stream) {
    uint8_t bytes[READ_SIZE];
    size_t at = 0, n;
    if (token < 0) {
        inlay__stream_end(stream);
        return;
    }
    bool prefixed = adds_space(tokenizer), first = !stream->begun;
    while ((n = read_token(tokenizer, token, first, &at, bytes, sizeof bytes)) > 0) {
        size_t skip = prefixed && !stream->begun && bytes[0] == ' ';
        inlay__stream_put(stream, bytes + skip, n - skip);
        if (prefixed) stream->begun = true;
    }
    uint8_t flags = tokenizer->vocab.flags[token];
    if (prefixed && (flags & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_ADDED)) != 0) stream->begun = false;
    if (is_pipeline(tokenizer) && (flags & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNUSED)) == 0) stream->begun = true;
}

int32_t inlay__tokenizer_stream(const inlay__tokenizer *tokenizer, uint64_t *state, int32_t token, char *text,
                                size_t capacity, size_t *size) {
    inlay__stream stream;
    if (token != -1) INLAY__TRY(check_id(tokenizer, token, 0));
    if (!inlay__stream_unpack(*state, &stream))
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "the stream's state is not one that inlay_stream_text left; begin with 0");
    stream_token(tokenizer, token, &stream); /* only counts */
    *size = stream.size;
    if (stream.size > capacity) return fail_room(stream.size, capacity);
    uint64_t after = inlay__stream_pack(&stream);
    if (stream.size > 0) {
        inlay__stream_unpack(*state, &stream);
        stream.out = text;
        stream_token(tokenizer, token, &stream);
    }
    *state = after;
    return INLAY_OK;
}

/* -------------------------------------------------------------------- facts */

bool inlay__tokenizer_find(const inlay__tokenizer *tokenizer, const char *text, size_t size, int32_t *token) {
    return inlay__vocab_find(&tokenizer->vocab, text, size == INLAY_ALL ? strlen(text) : size, token);
}

int32_t inlay__tokenizer_merge_sides(const inlay__tokenizer *tokenizer, const inlay__gguf *gguf, uint32_t **sides,
                                     size_t *n) {
    *sides = NULL;
    *n = 0;
    if (tokenizer->family->load != load_gpt2) return INLAY_OK;
    size_t n_merges = (size_t)inlay__gguf_find(gguf, "tokenizer.ggml.merges")->n_values; /* it was loaded from them */
    *sides = inlay__alloc_array(tokenizer->sys, n_merges, 2 * sizeof **sides);
    if (*sides == NULL) return INLAY_ERR_MEMORY;
    *n = n_merges;
    inlay__bpe_sides(&tokenizer->of.bpe, *sides, n_merges);
    return INLAY_OK;
}

size_t inlay__tokenizer_n_vocab(const inlay__tokenizer *tokenizer) { return tokenizer->vocab.n_tokens; }

inlay__text inlay__tokenizer_token_text(const inlay__tokenizer *tokenizer, int32_t id) {
    return inlay__vocab_text(&tokenizer->vocab, id);
}

int32_t inlay__tokenizer_token_flags(const inlay__tokenizer *tokenizer, int32_t id) {
    return tokenizer->vocab.flags[id];
}

const char *inlay__tokenizer_name(const inlay__tokenizer *tokenizer) { return tokenizer->name; }

const inlay__special_tokens *inlay__tokenizer_special(const inlay__tokenizer *tokenizer) {
    return &tokenizer->vocab.special;
}
