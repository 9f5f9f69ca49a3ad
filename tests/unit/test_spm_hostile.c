/* SentencePiece BPE in files that lie, in texts too long, and without memory: errors that leave nothing. */
#include "test.h"

#include <math.h>

#include "support/accounting_sys.h"
#include "support/tiny_spm.h"
#include "tokenizer/spm.h"
#include "tokenizer/vocab.h"

/* ------------------------------------------------------------ hostile metadata */

static void check_refused(const char *words) {
    tiny_tokenizer t = spm_open();
    CHECK_INT(t.status, INLAY_ERR_FORMAT);
    CHECK(t.tokenizer == NULL);
    CHECK_HAS(inlay__error_text(), "tiny.gguf");
    CHECK_HAS(inlay__error_text(), words);
    spm_close(&t);
}

TEST(scores_that_are_no_finite_numbers_are_errors) {
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 8; i++) {
        spm_begin(true);
        spm_piece("a", 0);
        spm_scores[i < 4 ? 0 : spm_vocab.n_tokens - 1] = bad[i % 4];
        check_refused(i < 4 ? "tokenizer.ggml.scores 0 is" : "tokenizer.ggml.scores 259 is");
    }
}

static void put_nothing(gguf_writer *w) { (void)w; }
static void put_too_few(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_F32, spm_scores, spm_vocab.n_tokens - 1);
}
static void put_too_many(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_F32, spm_scores, spm_vocab.n_tokens + 1);
}
static void put_bytes(gguf_writer *w) {
    gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_U8, spm_scores, spm_vocab.n_tokens);
}
static void put_doubles(gguf_writer *w) {
    static const double doubles[TINY_VOCAB_MAX];
    gguf_writer_array(w, "tokenizer.ggml.scores", INLAY__GGUF_F64, doubles, spm_vocab.n_tokens);
}
static void put_single(gguf_writer *w) { gguf_writer_f32(w, "tokenizer.ggml.scores", 0); }

TEST(scores_that_are_missing_or_of_another_kind_are_errors) {
    static const struct {
        void (*put)(gguf_writer *w);
        const char *words;
    } rows[] = {
        {put_nothing, "has no tokenizer.ggml.scores"},
        {put_too_few, "tokenizer.ggml.scores has 3 values for 4 tokens"},
        {put_too_many, "tokenizer.ggml.scores has 5 values for 4 tokens"},
        {put_bytes, "tokenizer.ggml.scores is an array of u8"},
        {put_doubles, "tokenizer.ggml.scores is an array of f64"},
        {put_single, "tokenizer.ggml.scores is a single f32"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        spm_begin(false);
        spm_piece("a", 0);
        spm_vocab.more = rows[i].put;
        check_refused(rows[i].words);
    }
}

static const char prefix_key[] = "tokenizer.ggml.add_space_prefix";
static void put_prefix_number(gguf_writer *w) {
    spm_put_keys(w);
    gguf_writer_u32(w, prefix_key, 1);
}
static void put_prefix_string(gguf_writer *w) {
    spm_put_keys(w);
    gguf_writer_string(w, prefix_key, "true");
}
static void put_prefix_array(gguf_writer *w) {
    spm_put_keys(w);
    gguf_writer_array(w, prefix_key, INLAY__GGUF_BOOL, "\1", 1);
}

TEST(a_space_prefix_that_is_no_boolean_is_an_error) {
    void (*const put[])(gguf_writer *) = {put_prefix_number, put_prefix_string, put_prefix_array};
    for (size_t i = 0; i < 3; i++) {
        spm_begin(false);
        spm_space_prefix = -1;
        spm_vocab.more = put[i];
        check_refused(prefix_key);
    }
}

/* ------------------------------------------------------------ size and memory */

TEST(a_text_beyond_half_a_gib_is_refused_unread) {
    int32_t ids[4];
    static const size_t sizes[] = {INT32_MAX / 4 + 1, INT32_MAX};
    spm_begin(true);
    tiny_tokenizer t = spm_open();
    for (int i = 0; i < 2; i++) {
        size_t n = 9;
        /* the search for control tokens would read it before */
        inlay__encoder encoder = {.sys = &inlay__sys_default};
        inlay__vocab vocab;
        inlay__spm spm;
        CHECK_INT(inlay__vocab_load(&inlay__sys_default, "tiny.gguf", &t.gguf, &vocab), INLAY_OK);
        CHECK_INT(inlay__spm_load("tiny.gguf", &t.gguf, &vocab, &spm), INLAY_OK);
        CHECK_INT(inlay__spm_encode(&spm, &encoder, (const uint8_t *)"a", sizes[i]), INLAY_ERR_ARGUMENT);
        CHECK_HAS(inlay__error_text(), "at most 536870911");
        CHECK_INT(encoder.n_tokens, 0);
        inlay__encoder_free(&encoder);
        inlay__vocab_free(&vocab);
        CHECK_INT(inlay__tokenizer_encode(t.tokenizer, "a", 1, 0, ids, 4, &n), INLAY_OK);
        CHECK_INT(n, 1);
    }
    spm_close(&t);
}

TEST(every_refused_allocation_is_an_error_that_leaves_nothing) {
    char text[300];
    int32_t ids[400];
    size_t size;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "a b\xe2\x82\xac</s>"[i % 10];
    spm_begin(true);
    spm_piece("a", 0);
    spm_piece("a\xe2\x96\x81", 0);
    uint8_t *file = tiny_vocab_file(&spm_vocab, &size);
    bool done = false;
    for (size_t fail_at = 1; !done && fail_at < 200; fail_at++) {
        accounting a;
        accounting_init(&a);
        a.fail_at = fail_at;
        tiny_tokenizer t = tiny_tokenizer_open_file(file, size, &a.sys);
        int32_t status = t.status;
        size_t n = 12345;
        if (status == INLAY_OK)
            status = inlay__tokenizer_encode(t.tokenizer, text, sizeof text, INLAY_PARSE_SPECIAL, ids, 400, &n);
        done = status == INLAY_OK;
        if (!done) CHECK(status == INLAY_ERR_MEMORY && n == 12345);
        tiny_tokenizer_close(&t);
        CHECK_INT(a.n_live, 0);
    }
    CHECK(done);
    free(file);
    tiny_vocab_free(&spm_vocab);
}

TEST_MAIN(CASE(scores_that_are_no_finite_numbers_are_errors),
          CASE(scores_that_are_missing_or_of_another_kind_are_errors),
          CASE(a_space_prefix_that_is_no_boolean_is_an_error), CASE(a_text_beyond_half_a_gib_is_refused_unread),
          CASE(every_refused_allocation_is_an_error_that_leaves_nothing))
