/* Folders from the list of families' shapes, and GGUF files from folders. */
#include "support/family_folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "import/import.h"
#include "import/make.h"
#include "support/folder_sys.h"
#include "support/gguf_writer.h"

enum { MAX_FAMILIES = 256, N_TOKENS = 96, MAX_TOKEN = 16 };

static inlay__json list;
static const inlay__json_node *families[MAX_FAMILIES]; /* the values; a name stands before each */
static size_t n_families;

static void fail(const char *what, const char *name) {
    fprintf(stderr, "families: %s %s: %s\n", what, name, inlay__error_text());
    exit(2);
}

static void read_list(void) {
    static const char path[] = INLAY_TREE "/tests/python/family_goldens.json";
    static char text[1 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail("cannot open", path);
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    if (inlay__json_parse(&inlay__sys_default, path, text, size, &list) != INLAY_OK) fail("cannot read", path);
    const inlay__json_node *all = inlay__json_get(&list, list.nodes, "variants"), *node = inlay__json_first(all);
    for (size_t i = 0; i < all->n_children / 2 && i < MAX_FAMILIES; i++) {
        families[n_families++] = inlay__json_next(&list, node);
        node = inlay__json_next(&list, inlay__json_next(&list, node));
    }
}

size_t family_count(void) {
    if (n_families == 0) read_list();
    return n_families;
}

const char *family_name(size_t i) { return i < family_count() ? families[i][-1].text : NULL; }

/* ------------------------------------------------------------------ text */

typedef struct text {
    char *data;
    size_t size, capacity;
} text;

static void put(text *t, const char *bytes, size_t size) {
    if (t->size + size + 1 > t->capacity) {
        t->capacity = 2 * t->capacity + size + 4096;
        t->data = realloc(t->data, t->capacity);
        if (t->data == NULL) exit(2);
    }
    memcpy(t->data + t->size, bytes, size);
    t->data[t->size += size] = '\0';
}

static void put_text(text *t, const char *bytes) { put(t, bytes, strlen(bytes)); }

/* A value as JSON again; what the list has in strings needs no escapes. */
static void put_value(text *t, const inlay__json_node *node) {
    bool object = node->kind == INLAY__JSON_OBJECT, nested = object || node->kind == INLAY__JSON_ARRAY;
    const inlay__json_node *child = inlay__json_first(node);
    if (node->kind == INLAY__JSON_STRING) put_text(t, "\"");
    if (node->kind == INLAY__JSON_STRING || node->kind == INLAY__JSON_NUMBER) put(t, node->text, node->size);
    if (node->kind == INLAY__JSON_STRING) put_text(t, "\"");
    if (node->kind == INLAY__JSON_NULL) put_text(t, "null");
    if (node->kind == INLAY__JSON_FALSE) put_text(t, "false");
    if (node->kind == INLAY__JSON_TRUE) put_text(t, "true");
    if (!nested) return;
    put_text(t, object ? "{" : "[");
    for (uint32_t i = 0; i < node->n_children; i++, child = inlay__json_next(&list, child)) {
        if (i > 0) put_text(t, object && i % 2 == 1 ? ":" : ",");
        put_value(t, child);
    }
    put_text(t, object ? "}" : "]");
}

/* ------------------------------------------------------------------ weights */

static float uniform(uint64_t *state) { /* splitmix64 [Steele et al. 2014] */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (float)(int32_t)(z >> 40) / 8388608.0f - 1.0f;
}

/* Vectors about 1 or 0, matrices that keep the size of what they multiply. */
static void fill(const char *name, size_t n, size_t n_in, text *data) {
    uint64_t state = 1469598103934665603u;
    for (const char *c = name; *c != '\0'; c++) state = (state ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    bool vector = n == n_in, norm = vector && strstr(name, "weight") != NULL;
    for (size_t i = 0; i < n; i++) {
        float x = vector ? (norm ? 1.0f : 0.0f) + 0.2f * uniform(&state) : sqrtf(3.0f / (float)n_in) * uniform(&state);
        put(data, (const char *)&x, sizeof x); /* little-endian: no family is made elsewhere */
    }
}

static void put_tensor(const char *name, const inlay__json_node *shape, text *header, text *data) {
    char numbers[64];
    size_t n = 1, begin = data->size;
    int64_t dimension = 1;
    for (size_t i = 0; i < shape->n_children; i++) {
        inlay__json_i64(inlay__json_at(&list, shape, i), &dimension);
        n *= (size_t)dimension;
    }
    fill(name, n, shape->n_children == 0 ? 1 : shape->n_children == 1 ? n : (size_t)dimension, data);
    put_text(header, header->size > 1 ? ",\"" : "\"");
    put_text(header, name);
    put_text(header, "\":{\"dtype\":\"F32\",\"shape\":");
    put_value(header, shape);
    snprintf(numbers, sizeof numbers, ",\"data_offsets\":[%zu,%zu]}", begin, data->size);
    put_text(header, numbers);
}

/* "layers.%.weight" stands for that of each layer. */
static void put_tensors(const inlay__json_node *family, text *header, text *data) {
    static const char *const keys[] = {"num_hidden_layers", "n_layer", "n_layers"};
    const inlay__json_node *config = inlay__json_get(&list, family, "config"),
                           *layers = inlay__json_get(&list, family, "n_layer");
    const inlay__json_node *tensors = inlay__json_get(&list, family, "tensors"), *node = inlay__json_first(tensors);
    for (size_t i = 0; i < 3 && layers == NULL; i++) layers = inlay__json_get(&list, config, keys[i]);
    int64_t n_layer = 0;
    if (layers == NULL || !inlay__json_i64(layers, &n_layer)) fail("no number of layers in", "the list");
    for (uint32_t i = 0; i < tensors->n_children / 2; i++) {
        const inlay__json_node *shape = inlay__json_next(&list, node);
        const char *place = strchr(node->text, '%');
        for (int64_t layer = 0; layer < (place != NULL ? n_layer : 1); layer++) {
            char name[160];
            snprintf(name, sizeof name, "%s", node->text);
            if (place != NULL)
                snprintf(name, sizeof name, "%.*s%d%s", (int)(place - node->text), node->text, (int)layer, place + 1);
            put_tensor(name, shape, header, data);
        }
        node = inlay__json_next(&list, shape);
    }
}

/* ------------------------------------------------------------------ vocabulary */

/* Two marks, a space, letters, digits, and pairs of what comes before. */
static void token_text(size_t id, const char *space, char out[MAX_TOKEN]) {
    static const char *const pairs[] = {"th", "he", "in", "er", "an", "re", "on", "at", "en", "nd", "the", "ing", "and",
                                        "er",  "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "x1", "x2", "x3",
                                        "x4", "x5", "x6", "x7", "x8"};
    if (id == 0) snprintf(out, MAX_TOKEN, "<unk>");
    else if (id == 1) snprintf(out, MAX_TOKEN, "<s>");
    else if (id == 2) snprintf(out, MAX_TOKEN, "</s>");
    else if (id == 3) snprintf(out, MAX_TOKEN, "%s", space);
    else if (id < 30) snprintf(out, MAX_TOKEN, "%c", (int)('a' + id - 4));
    else if (id < 56) snprintf(out, MAX_TOKEN, "%c", (int)('A' + id - 30));
    else if (id < 66) snprintf(out, MAX_TOKEN, "%c", (int)('0' + id - 56));
    else if (id == 79) snprintf(out, MAX_TOKEN, "%sa", space);
    else snprintf(out, MAX_TOKEN, "%s", pairs[(id - 66) % (sizeof pairs / sizeof *pairs)]);
}

/* How the pair's text is merged of two; false for other tokens. */
static bool merge_text(size_t id, const char *space, char out[MAX_TOKEN]) {
    char whole[MAX_TOKEN];
    token_text(id, space, whole);
    size_t size = strlen(whole), right = id == 76 ? 1 : id == 77 ? 1 : id == 78 ? 1 : size - 1;
    size_t left = id == 79 ? strlen(space) : id == 76 ? 2 : id == 77 ? 2 : id == 78 ? 2 : size - right;
    snprintf(out, MAX_TOKEN, "%.*s %s", (int)left, whole, whole + left);
    return id >= 66;
}

static void put_tokenizer(text *t) {
    char word[MAX_TOKEN], line[64];
    put_text(t, "{\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true},{\"id\":2,\"content\":\"</s>\","
                "\"special\":true}],\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\","
                "\"add_prefix_space\":false},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\","
                "\"unk_token\":\"<unk>\",\"vocab\":{");
    for (size_t i = 0; i < 80; i++) {
        token_text(i, "\xc4\xa0", word);
        snprintf(line, sizeof line, "%s\"%s\":%zu", i > 0 ? "," : "", word, i);
        put_text(t, line);
    }
    put_text(t, "},\"merges\":[");
    for (size_t i = 66; i < 80; i++) {
        merge_text(i, "\xc4\xa0", word);
        snprintf(line, sizeof line, "%s\"%s\"", i > 66 ? "," : "", word);
        put_text(t, line);
    }
    put_text(t, "]}}");
}

family_folder family_folder_make(size_t i) {
    text config = {0}, header = {0}, data = {0}, tokenizer = {0}, file = {0};
    if (i >= family_count()) fail("there is no", "such family");
    put_value(&config, inlay__json_get(&list, families[i], "config"));
    put_tokenizer(&tokenizer);
    put_text(&header, "{");
    put_tensors(families[i], &header, &data);
    put_text(&header, "}");
    while (header.size % 8 != 0) put_text(&header, " ");
    for (int k = 0; k < 8; k++) put(&file, (const char[]){(char)(header.size >> 8 * k)}, 1);
    put(&file, header.data, header.size);
    put(&file, data.data, data.size);
    free(header.data);
    free(data.data);
    return (family_folder){config.data, config.size, tokenizer.data, tokenizer.size, (uint8_t *)file.data, file.size};
}

void family_folder_free(family_folder *folder) {
    free(folder->config);
    free(folder->tokenizer);
    free(folder->weights);
    *folder = (family_folder){0};
}

/* ------------------------------------------------------------------ GGUF */

static void put_pair(gguf_writer *w, const inlay__gguf_kv *kv) {
    bool strings = kv->type == INLAY__GGUF_STRING;
    gguf_writer_pair(w, kv->key.text, kv->key.size, kv->is_array ? INLAY__GGUF_ARRAY : kv->type);
    if (kv->is_array) gguf_bytes_u32(&w->kv, kv->type);
    if (kv->is_array) gguf_bytes_u64(&w->kv, kv->n_values);
    for (uint64_t i = 0; i < kv->n_values; i++) {
        static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
        inlay__text value = strings ? inlay__gguf_string(kv, i) : (inlay__text){"", 0};
        int64_t integer = 0;
        double number = 0;
        if (strings) {
            gguf_bytes_string(&w->kv, value.text, value.size);
        } else if (kv->type == INLAY__GGUF_F32 && inlay__gguf_f64(kv, i, &number)) {
            gguf_bytes_put(&w->kv, &(float){(float)number}, 4);
        } else if (inlay__gguf_i64(kv, i, &integer)) {
            gguf_bytes_put(&w->kv, &integer, sizes[kv->type]);
        }
    }
}

const char *const family_tokenizers[FAMILY_TOKENIZERS] = {"gpt2", "llama", "bert", "t5", "rwkv"};

static void put_vocabulary(gguf_writer *w, const char *kind) {
    bool bytes = strcmp(kind, "gpt2") == 0, spm = strcmp(kind, "llama") == 0 || strcmp(kind, "t5") == 0;
    const char *space = bytes ? "\xc4\xa0" : spm ? "\xe2\x96\x81" : " ";
    char tokens[N_TOKENS][MAX_TOKEN], merges[N_TOKENS][MAX_TOKEN];
    const char *texts[N_TOKENS], *pairs[N_TOKENS];
    float scores[N_TOKENS];
    int32_t types[N_TOKENS];
    size_t n_merges = 0;
    for (size_t i = 0; i < 80; i++) {
        token_text(i, space, tokens[i]);
        texts[i] = tokens[i];
        scores[i] = -(float)i;
        types[i] = i == 0 ? 2 : i < 3 ? 3 : 1;
        if (merge_text(i, space, merges[n_merges])) pairs[n_merges] = merges[n_merges], n_merges++;
    }
    gguf_writer_string(w, "tokenizer.ggml.model", kind);
    if (bytes) gguf_writer_string(w, "tokenizer.ggml.pre", "smollm");
    gguf_writer_strings(w, "tokenizer.ggml.tokens", texts, 80);
    gguf_writer_array(w, "tokenizer.ggml.token_type", INLAY__GGUF_I32, types, 80);
    gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_F32, scores, 80);
    if (bytes) gguf_writer_strings(w, "tokenizer.ggml.merges", pairs, n_merges);
    gguf_writer_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_writer_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_writer_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_writer_string(w, "tokenizer.chat_template", "{% for m in messages %}{{ m.role + m.content }}{% endfor %}");
}

void family_gguf_without(const inlay__gguf *gguf, const char *key, gguf_writer *w) {
    for (size_t i = 0; i < gguf->n_kv; i++)
        if (strcmp(gguf->kv[i].key.text, key) != 0) put_pair(w, &gguf->kv[i]);
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        const inlay__tensor *t = &gguf->tensors[i];
        gguf_writer_tensor(w, t->name.text, t->type, t->n_dims, t->shape, t->data, (size_t)t->size);
    }
}

uint8_t *family_gguf(const family_folder *folder, const char *tokenizer, size_t *size) {
    folder_sys f;
    inlay__weights weights;
    inlay__make_config make = {.n_threads = 1, .type = INLAY__KEEP_TYPES};
    gguf_writer w;
    folder_sys_init(&f, &inlay__sys_default);
    folder_sys_put(&f, "config.json", folder->config, folder->config_size);
    folder_sys_put(&f, "model.safetensors", folder->weights, folder->weights_size);
    if (inlay__import_open(&f.sys, INLAY__PATH("folder", INLAY_LOAD_COPY), &weights) != INLAY_OK)
        fail("cannot open", "a folder");
    if (inlay__weights_make(&weights, &make) != INLAY_OK) fail("cannot make", "tensors");
    const inlay__gguf *metadata = inlay__weights_metadata(&weights);
    gguf_writer_init(&w);
    for (size_t i = 0; i < metadata->n_kv; i++)
        if (strncmp(metadata->kv[i].key.text, "tokenizer.", 10) != 0) put_pair(&w, &metadata->kv[i]);
    put_vocabulary(&w, tokenizer);
    for (size_t i = 0; i < weights.n_tensors; i++) {
        const inlay__tensor *t = &weights.tensors[i];
        gguf_writer_tensor(&w, t->name.text, t->type, t->n_dims, t->shape, t->data, (size_t)t->size);
    }
    inlay__weights_close(&weights);
    return gguf_writer_finish(&w, size);
}
