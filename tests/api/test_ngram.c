/* N-gram models through the public functions: their logits are what back-off says, sequences are independent and cut to
 * any length, and files of tensors that contradict themselves are refused. */
#include "test.h"

#include <math.h>

#include "support/gguf_writer.h"
#include "support/tiny_ngram.h"
#include "support/tiny_open.h"

enum { N_WORDS = 20, LENGTH = 60, TYPE_I32 = 26 };

static const tiny_ngram plain = {.n_words = N_WORDS, .order = 4};

typedef struct opened {
    uint8_t *text;
    inlay_model *model;
} opened;

static opened open_ngram(const tiny_ngram *m) {
    opened o = {NULL, NULL};
    size_t size;
    o.text = tiny_ngram_file(m, &size);
    if (inlay_model_open_memory(o.text, size, NULL, &o.model) != INLAY_OK) {
        fprintf(stderr, "%s\n", inlay_error());
        exit(1);
    }
    return o;
}

static void close_ngram(opened *o) {
    inlay_model_free(o->model);
    free(o->text);
}

static void fill_tokens(int32_t *tokens, size_t n, uint32_t seed) {
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        tokens[i] = (int32_t)((seed >> 16) % N_WORDS);
    }
}

/* By the definition, in double, from the numbers of the text: ln p(token | the last n tokens). */
static double expected_log(const tiny_ngram *m, const int32_t *last, int32_t n, int32_t token) {
    int32_t gram[8];
    double log10 = 0.0;
    for (;; last++, n--) {
        memcpy(gram, last, (size_t)n * sizeof *gram);
        gram[n] = token;
        if (n == 0 && token == 1)
            return (log10 + (m->linked ? tiny_ngram_log_prob(gram, 1) : -99.0)) * 2.302585092994046; /* <s> */
        if (tiny_ngram_has(m, gram, n + 1)) return (log10 + tiny_ngram_log_prob(gram, n + 1)) * 2.302585092994046;
        if (tiny_ngram_has(m, last, n)) log10 += tiny_ngram_log_backoff(last, n);
    }
}

static void check_logits(const tiny_ngram *m) {
    opened o = open_ngram(m);
    int32_t tokens[LENGTH];
    inlay_session *s = tiny_session(o.model, 0);
    double worst = 0.0;
    fill_tokens(tokens, LENGTH, 5);
    for (int32_t i = 0; i < LENGTH; i++) {
        float *logits;
        size_t n;
        CHECK_INT(inlay_eval(s, &tokens[i], 1), INLAY_OK);
        CHECK_INT(inlay_logits(s, &logits, &n), INLAY_OK);
        CHECK_INT(n, m->n_words);
        int32_t seen = i + 1 < m->order - 1 ? i + 1 : m->order - 1;
        for (int32_t token = 0; token < m->n_words; token++) {
            double expected = expected_log(m, tokens + i + 1 - seen, seen, token);
            double error =
                fabs((double)logits[token] - expected) / fmax(1.0, -expected / 16.0); /* floats are coarser there */
            worst = fmax(worst, error);
        }
    }
    if (worst > 2.3e-6) fprintf(stderr, "order %d: off by %g\n", (int)m->order, worst); /* 1e-6 of log10 */
    CHECK(worst <= 2.3e-6);
    inlay_session_free(s);
    close_ngram(&o);
}

TEST(logits_are_logarithms_of_probabilities_with_back_off) {
    for (int32_t order = 1; order <= 5; order++) {
        tiny_ngram m = {.n_words = N_WORDS, .order = order, .backwards = order % 2 == 0};
        check_logits(&m);
    }
    tiny_ngram linked = plain;
    linked.linked = true;
    check_logits(&linked);
}

TEST(the_order_of_a_file_changes_nothing) {
    tiny_ngram other = plain;
    other.backwards = true;
    opened a = open_ngram(&plain), b = open_ngram(&other);
    inlay_session *s = tiny_session(a.model, 0), *t = tiny_session(b.model, 0);
    int32_t tokens[LENGTH];
    fill_tokens(tokens, LENGTH, 9);
    float *first = tiny_eval(s, tokens, LENGTH, 1), *second = tiny_eval(t, tokens, LENGTH, 7);
    CHECK(memcmp(first, second, N_WORDS * sizeof *first) == 0);
    free(first);
    free(second);
    inlay_session_free(s);
    inlay_session_free(t);
    close_ngram(&a);
    close_ngram(&b);
}

TEST(a_sequence_is_cut_to_any_length_and_others_do_not_notice) {
    opened o = open_ngram(&plain);
    inlay_session *s = tiny_session(o.model, 0), *other = tiny_session(o.model, 0);
    int32_t tokens[LENGTH], others[LENGTH];
    fill_tokens(tokens, LENGTH, 1);
    fill_tokens(others, LENGTH, 2);
    float *expected[LENGTH];
    for (size_t n = 1; n <= LENGTH; n++) {
        CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
        expected[n - 1] = tiny_eval(s, tokens, n, n);
    }
    for (size_t n = LENGTH; n-- > 1;) {
        free(tiny_eval(other, others + n, 1, 1));
        CHECK_INT(inlay_session_truncate(s, n - 1), INLAY_OK);
        CHECK_INT(inlay_logits(s, NULL, NULL), INLAY_ERR_STATE);
        float *found = tiny_eval(s, &tokens[n - 1], 1, 1);
        CHECK(memcmp(found, expected[n - 1], N_WORDS * sizeof *found) == 0);
        free(found);
    }
    for (size_t n = 0; n < LENGTH; n++) free(expected[n]);
    inlay_session_free(s);
    inlay_session_free(other);
    close_ngram(&o);
}

TEST(a_call_that_fails_leaves_the_sequence) {
    opened o = open_ngram(&plain);
    inlay_session *s = tiny_session(o.model, INLAY_OPT_CONTEXT, 4, 0);
    const int32_t tokens[] = {5, 6, 7, N_WORDS, 8, 9}, next = 3;
    float *before = tiny_eval(s, tokens, 3, 3);
    CHECK_INT(inlay_eval(s, tokens + 3, 1), INLAY_ERR_TOKEN);
    CHECK_INT(inlay_eval(s, tokens + 4, 2), INLAY_ERR_CONTEXT);
    float *after = tiny_logits(s);
    CHECK(memcmp(before, after, N_WORDS * sizeof *before) == 0);
    free(before);
    free(after);
    CHECK_INT(inlay_eval(s, &next, 1), INLAY_OK);
    CHECK_INT(tiny_length(s), 4);
    inlay_session_free(s);
    close_ngram(&o);
}

static int32_t say_stop(void *user, uint64_t done, uint64_t total) { return (void)done, (void)total, *(int32_t *)user; }

TEST(a_cancelled_evaluation_leaves_the_sequence) {
    opened o = open_ngram(&plain);
    inlay_options *options = tiny_options(INLAY_OPT_BATCH, 8, 0);
    inlay_session *s;
    int32_t tokens[LENGTH], stop = 1;
    fill_tokens(tokens, LENGTH, 3);
    inlay_options_set_progress(options, say_stop, &stop);
    CHECK_INT(inlay_session_new(o.model, options, &s), INLAY_OK);
    CHECK_INT(inlay_eval(s, tokens, LENGTH), INLAY_ERR_CANCELLED);
    CHECK_INT(tiny_length(s), 0);
    stop = 0;
    CHECK_INT(inlay_eval(s, tokens, LENGTH), INLAY_OK);
    inlay_session_free(s);
    inlay_options_free(options);
    close_ngram(&o);
}

TEST(it_says_what_it_is_and_what_it_cannot) {
    opened o = open_ngram(&plain);
    const char *text;
    size_t size;
    int64_t value;
    CHECK_INT(inlay_model_get_string(o.model, INLAY_MODEL_KIND, &text, &size), INLAY_OK);
    CHECK_STR(text, "decoder");
    CHECK_INT(inlay_model_get_string(o.model, INLAY_MODEL_ARCHITECTURE, &text, &size), INLAY_OK);
    CHECK_STR(text, "ngram");
    CHECK_INT(inlay_model_get_string(o.model, INLAY_MODEL_TOKENIZER, &text, &size), INLAY_OK);
    CHECK_STR(text, "words");
    CHECK_INT(inlay_model_get_int(o.model, INLAY_MODEL_CAPABILITIES, &value), INLAY_OK);
    CHECK_INT(value, INLAY_CAN_GENERATE | INLAY_CAN_TRUNCATE | INLAY_CAN_SHIFT);
    CHECK_INT(inlay_model_get_int(o.model, INLAY_MODEL_N_LAYER, &value), INLAY_OK);
    CHECK_INT(value, 0);
    inlay_session *s = tiny_session(o.model, 0);
    const int32_t token = 3;
    CHECK_INT(inlay_encode(s, &token, 1), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_PREFIX, 2), INLAY_ERR_UNSUPPORTED);
    inlay_session_free(s);
    close_ngram(&o);
}

TEST(words_are_tokens_and_tokens_words) {
    opened o = open_ngram(&plain);
    const int32_t expected[] = {1, 5, 0, 17};
    int32_t tokens[8];
    size_t n;
    char text[64];
    CHECK_INT(inlay_tokenize(o.model, " w5\tnothing \n w17", INLAY_ALL, INLAY_ADD_SPECIAL, tokens, 8, &n), INLAY_OK);
    CHECK_INT(n, 4);
    CHECK(memcmp(tokens, expected, sizeof expected) == 0);
    tokens[2] = 6;
    CHECK_INT(inlay_detokenize(o.model, tokens, 4, text, sizeof text, &n), INLAY_OK);
    CHECK(n == 9 && memcmp(text, "w5 w6 w17", 9) == 0);
    CHECK_INT(inlay_token_is_end(o.model, 2), 1);
    close_ngram(&o);
}

TEST(a_model_over_ids_has_no_tokenizer) {
    tiny_ngram m = plain;
    m.linked = true;
    opened o = open_ngram(&m);
    int64_t value;
    int32_t token;
    size_t n;
    CHECK_INT(inlay_model_get_int(o.model, INLAY_MODEL_N_VOCAB, &value), INLAY_OK);
    CHECK_INT(value, N_WORDS);
    CHECK(inlay_tokenize(o.model, "5", INLAY_ALL, 0, &token, 1, &n) != INLAY_OK);
    close_ngram(&o);
}

/* ------------------------------------------------------------------- files of tensors */

/* A bigram model of three tokens as a GGUF file, with one number of one tensor changed. */
typedef struct change {
    const char *tensor;
    size_t i;
    int32_t bits;
    const char *words; /* of the error; NULL: none */
} change;

static void put(gguf_writer *w, const change *c, const char *name, uint32_t type, const void *values, size_t n) {
    int32_t bits[8];
    memcpy(bits, values, 4 * n);
    if (c->tensor != NULL && strcmp(c->tensor, name) == 0) bits[c->i] = c->bits;
    gguf_writer_tensor(w, name, type, 1, (uint64_t[]){n}, bits, 4 * n);
}

static int32_t open_changed(const change *c, size_t misaligned) {
    static const float log_probs[] = {-1, -2, -3}, log_backoffs[] = {-0.5f, 0, 0.25f}, pairs[] = {-0.25f, -4, -5};
    static const int32_t first[] = {0, 2, 2, 3}, tokens[] = {0, 2, 1};
    gguf_writer w;
    size_t size;
    inlay_model *model = NULL;
    gguf_writer_init(&w);
    gguf_writer_string(&w, "general.architecture", "ngram");
    gguf_writer_string(&w, "tokenizer.ggml.model", "none");
    gguf_writer_u32(&w, "ngram.order", 2);
    put(&w, c, "ngram.1.log_prob", INLAY_TYPE_F32, log_probs, 3);
    put(&w, c, "ngram.1.log_backoff", INLAY_TYPE_F32, log_backoffs, 3);
    put(&w, c, "ngram.1.first", TYPE_I32, first, 4);
    put(&w, c, "ngram.2.token", TYPE_I32, tokens, 3);
    put(&w, c, "ngram.2.log_prob", INLAY_TYPE_F32, pairs, 3);
    uint8_t *file = gguf_writer_finish(&w, &size), *moved = malloc(size + misaligned);
    memcpy(moved + misaligned, file, size);
    int32_t status = inlay_model_open_memory(moved + misaligned, size, NULL, &model);
    if (status == INLAY_OK) {
        static const float expected[] = {-0.25f, -2.5f, -4};
        const int32_t token = 0;
        inlay_session *s = tiny_session(model, 0);
        float *logits = tiny_eval(s, &token, 1, 1);
        CHECK(memcmp(logits, expected, sizeof expected) == 0);
        free(logits);
        inlay_session_free(s);
    }
    inlay_model_free(model);
    free(moved);
    free(file);
    return status;
}

static int32_t bits_of(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

TEST(a_file_of_tensors_runs_wherever_it_stands) {
    const change none = {NULL, 0, 0, NULL};
    for (size_t k = 0; k < 4; k++) CHECK_INT(open_changed(&none, k), INLAY_OK);
}

TEST(tensors_that_contradict_themselves_are_refused) {
    const change changes[] = {
        {"ngram.1.first", 0, 1, "ngram.1.first"},
        {"ngram.1.first", 1, 3, "ngram.1.first"},
        {"ngram.1.first", 1, -1, "ngram.1.first"},
        {"ngram.1.first", 3, 4, "ngram.2.token"},
        {"ngram.1.first", 3, 0, "ngram.1.first"},
        {"ngram.1.first", 3, -5, "ngram.1.first"},
        {"ngram.1.first", 3, INT32_MAX, "ngram.2.token"},
        {"ngram.1.first", 2, INT32_MAX, "ngram.1.first"},
        {"ngram.2.token", 0, 2, "ngram.2.token"},
        {"ngram.2.token", 1, 3, "ngram.2.token"},
        {"ngram.2.token", 2, -1, "ngram.2.token"},
        {"ngram.1.log_prob", 1, bits_of(NAN), "ngram.1.log_prob"},
        {"ngram.1.log_prob", 2, bits_of(0.5f), "ngram.1.log_prob"},
        {"ngram.2.log_prob", 0, bits_of(-INFINITY), "ngram.2.log_prob"},
        {"ngram.1.log_backoff", 0, bits_of(INFINITY), "ngram.1.log_backoff"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        CHECK_INT(open_changed(&changes[i], 0), INLAY_ERR_FORMAT);
        CHECK_HAS(inlay_error(), changes[i].words);
    }
}

TEST(a_search_goes_through_tokens_that_only_the_model_has) {
    const tiny_ngram m = {.n_words = N_WORDS, .order = 3, .linked = true}; /* its tokenizer has none of them */
    opened o = open_ngram(&m);
    inlay_session *s = tiny_session(o.model, INLAY_OPT_SEQUENCES, 4, 0);
    int32_t tokens[8], first = 5;
    size_t n = 0;
    CHECK_INT(inlay_eval(s, &first, 1), INLAY_OK);
    CHECK_INT(inlay_beam_search(s, 3, 8, 1.0, tokens, 8, &n, NULL), INLAY_OK);
    CHECK_INT(n, 8);
    inlay_session_free(s);
    close_ngram(&o);
}

TEST_MAIN(CASE(a_search_goes_through_tokens_that_only_the_model_has),
          CASE(logits_are_logarithms_of_probabilities_with_back_off), CASE(the_order_of_a_file_changes_nothing),
          CASE(a_sequence_is_cut_to_any_length_and_others_do_not_notice), CASE(a_call_that_fails_leaves_the_sequence),
          CASE(a_cancelled_evaluation_leaves_the_sequence), CASE(it_says_what_it_is_and_what_it_cannot),
          CASE(words_are_tokens_and_tokens_words), CASE(a_model_over_ids_has_no_tokenizer),
          CASE(a_file_of_tensors_runs_wherever_it_stands), CASE(tensors_that_contradict_themselves_are_refused))
