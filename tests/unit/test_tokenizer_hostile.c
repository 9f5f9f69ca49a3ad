/* Hostile texts of a million bytes, there and back, in every family on a stack of 64 KiB. */
#include "test.h"

#include <pthread.h>

#include "support/accounting_sys.h"
#include "support/tiny_vocab.h"

#define MARK "\xE2\x96\x81"

enum { SIZE = 1 << 20, ROOM = 8 * SIZE, STREAMED = 1 << 16 };

static tiny_vocab v;
static float scores[TINY_VOCAB_MAX];

static void put_scores(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_F32, scores, v.n_tokens);
}

/* A vocabulary of every kind of token: what a family does not want it never looks at. */
static void fill(const char *model, const char *pre) {
    static const char *const pieces[] = {"a",
                                         "aa",
                                         "aaaaaaaa",
                                         MARK,
                                         MARK MARK,
                                         MARK "a",
                                         "1",
                                         " ",
                                         "\n",
                                         "\xC3\xA9",
                                         "\xE4\xBD\xA0",
                                         "<dna>",
                                         "</dna>",
                                         "<oov>",
                                         "AAAAAA\xEE\x80\x80"};
    tiny_vocab_init(&v);
    v.model = model;
    v.pre = pre;
    if (strcmp(model, "gpt2") != 0 || pre != NULL) tiny_vocab_free(&v); /* of its 256 letters */
    v.more = put_scores;
    if (v.n_tokens == 0)
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[8];
            snprintf(text, sizeof text, "<0x%02X>", byte);
            tiny_vocab_token(&v, text, VOCAB_BYTE);
        }
    for (size_t i = 0; i < INLAY__COUNT(pieces); i++) {
        scores[v.n_tokens] = -(float)i;
        tiny_vocab_token(&v, pieces[i], VOCAB_NORMAL);
    }
    tiny_vocab_merge(&v, "a a");
    v.unknown = tiny_vocab_token(&v, "<unk>", VOCAB_UNKNOWN);
    tiny_vocab_token(&v, "<s>", VOCAB_CONTROL);
    tiny_vocab_token(&v, "<tool>", VOCAB_USER_DEFINED);
}

typedef struct work {
    const inlay__tokenizer *tokenizer;
    char *text, *back;
    int32_t *ids;
} work;

/* Whole and as a stream; with too little room nothing is written. */
static void decode(const work *w, size_t n) {
    uint64_t state = 0;
    size_t size = 0, again = 0, streamed = 0, used = 0;
    int32_t status = inlay__tokenizer_decode(w->tokenizer, w->ids, n, w->back, ROOM, &size);
    CHECK_INT(status, INLAY_OK);
    if (size > 0)
        CHECK_INT(inlay__tokenizer_decode(w->tokenizer, w->ids, n, w->back, size - 1, &again), INLAY_ERR_BUFFER);
    for (size_t i = 0; i < n && i < STREAMED; i++, used += streamed)
        if (inlay__tokenizer_stream(w->tokenizer, &state, w->ids[i], w->back, 4096, &streamed) != INLAY_OK) break;
    CHECK(used <= 3 * size + 64);
}

static void *run(void *arg) {
    static const char *const units[] = {"a",    " ",         "\xCC\x81", "\xE4\xBD\xA0", "\xFF",         "<s><tool>",
                                        "<s<s", "{\"k\":1,", "<dna>aN",  "<dna></dna",   "Aa\xC3\xA9 a "};
    const work *w = arg;
    for (size_t u = 0; u < INLAY__COUNT(units); u++) {
        size_t unit = strlen(units[u]), n = 0;
        for (size_t i = 0; i < SIZE; i++) w->text[i] = units[u][i % unit];
        int32_t status =
            inlay__tokenizer_encode(w->tokenizer, w->text, SIZE, INLAY_PARSE_SPECIAL, w->ids, 4 * SIZE, &n);
        CHECK(status == INLAY_OK || status == INLAY_ERR_UNSUPPORTED); /* the vocabulary may lack what it would need */
        if (status == INLAY_OK) decode(w, n);
    }
    return NULL;
}

static void on_a_small_stack(const inlay__tokenizer *tokenizer) {
    pthread_attr_t attributes;
    pthread_t thread;
    work w = {tokenizer, malloc(SIZE), malloc(ROOM), malloc(4 * SIZE * sizeof(int32_t))};
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, 64 * 1024), 0);
    CHECK_INT(pthread_create(&thread, &attributes, run, &w), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    free(w.text);
    free(w.back);
    free(w.ids);
}

TEST(a_million_hostile_bytes_fit_a_stack_of_64_kib_in_every_family_of_gguf) {
    static const char *const families[][2] = {{"gpt2", NULL},  {"gpt2", "whitespace"}, {"gemma4", NULL},
                                              {"llama", NULL}, {"bert", NULL},         {"t5", NULL},
                                              {"rwkv", NULL},  {"plamo2", NULL},       {"hybriddna", "qwen2"}};
    for (size_t i = 0; i < INLAY__COUNT(families); i++) {
        fill(families[i][0], families[i][1]);
        if (i == 0) v.pre = "llama-bpe";
        tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
        if (!CHECK(t.status == INLAY_OK)) fprintf(stderr, "%s: %s\n", families[i][0], inlay__error_text());
        if (t.status == INLAY_OK) on_a_small_stack(t.tokenizer);
        tiny_tokenizer_close(&t);
        tiny_vocab_free(&v);
    }
}

#define ADDED \
    "\"added_tokens\":[{\"content\":\"<s>\",\"special\":true,\"normalized\":false},{\"content\":\"<tool>\"," \
    "\"lstrip\":true}],"
#define WORDS "\"vocab\":{\"?\":0,\"a\":1,\"aa\":2,\"##a\":3,\"\xC3\xA9\":4,\" \":5}"

static const char *const files[] = {
    "{" ADDED "\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\"," WORDS
    ",\"merges\":[\"a a\"]},\"normalizer\":{\"type\":\"NFC\"},"
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"}}",
    "{" ADDED "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\"," WORDS
    "},\"normalizer\":{\"type\":\"BertNormalizer\"},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"decoder\":{\"type\":\"WordPiece\"}}",
    "{" ADDED
    "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1],[\"aaaa\",-2],[\"\xC3\xA9\",-3]]},"
    "\"normalizer\":{\"type\":\"NFKD\"},\"pre_tokenizer\":{\"type\":\"Metaspace\"},"
    "\"decoder\":{\"type\":\"Metaspace\"}}",
    "{" ADDED "\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\"," WORDS
    "},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
    "{\"type\":\"Split\",\"behavior\":\"MergedWithNext\",\"pattern\":{\"Regex\":\"a{2,3}|\\\\s+(?!\\\\S)\"}},"
    "{\"type\":\"UnicodeScripts\"}]}}",
};

TEST(a_million_hostile_bytes_fit_a_stack_of_64_kib_in_every_model_of_tokenizer_json) {
    for (size_t i = 0; i < INLAY__COUNT(files); i++) {
        inlay__tokenizer *tokenizer = NULL;
        inlay__tokenizer_files all = {.tokenizer = {files[i], strlen(files[i])}};
        if (!CHECK(inlay__tokenizer_from_json(&inlay__sys_default, "json", &all, &tokenizer) == INLAY_OK)) continue;
        on_a_small_stack(tokenizer);
        inlay__tokenizer_free(tokenizer);
    }
}

TEST_MAIN(CASE(a_million_hostile_bytes_fit_a_stack_of_64_kib_in_every_family_of_gguf),
          CASE(a_million_hostile_bytes_fit_a_stack_of_64_kib_in_every_model_of_tokenizer_json))
