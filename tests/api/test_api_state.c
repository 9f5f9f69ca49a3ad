/* Saved sequences: each goes on with the bits it would have had, and bytes that are not whole change nothing. */
#include "test.h"

#include "base/checksum.h"
#include "format/gguf.h"
#include "support/temp_file.h"
#include "support/tiny_open.h"
#include "support/tiny_seq2seq.h"

enum { N = 75, N_MORE = 9, N_VOCAB = 320 };

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static bytes save(inlay_session *s) {
    bytes b = {NULL, 0};
    CHECK_INT(inlay_sequence_save(s, 0, NULL, 0, &b.size), INLAY_ERR_BUFFER);
    b.data = malloc(b.size);
    CHECK_INT(inlay_sequence_save(s, 0, b.data, b.size - 1, &b.size), INLAY_ERR_BUFFER);
    CHECK_INT(inlay_sequence_save(s, 0, b.data, b.size, &b.size), INLAY_OK);
    return b;
}

/* Saved, loaded where the context is another and other tokens were, and gone on with. */
static void check_goes_on(int cache_type) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N + N_MORE], first, second;
    tiny_tokens(tokens, N + N_MORE);
    inlay_session *a = tiny_session(t.model, INLAY_OPT_CONTEXT, 100, INLAY_OPT_CACHE_TYPE, cache_type, 0);
    inlay_session *b = tiny_session(t.model, INLAY_OPT_CONTEXT, 600, INLAY_OPT_CACHE_TYPE, cache_type, 0);
    CHECK_INT(inlay_eval(a, tokens, N + N_MORE), INLAY_OK); /* what was cut stands behind, and is not saved */
    CHECK_INT(inlay_session_truncate(a, N - 1), INLAY_OK);
    float *after = tiny_eval(a, tokens + N - 1, 1, 1);
    CHECK_INT(inlay_eval(b, tokens + 7, 40), INLAY_OK);
    bytes saved = save(a);
    CHECK_INT(inlay_sequence_load(b, 0, saved.data, saved.size), INLAY_OK);
    CHECK_INT(tiny_length(b), N);
    CHECK(tiny_logits_are(b, after, "as loaded"));
    bytes again = save(b);
    CHECK(again.size == saved.size && memcmp(again.data, saved.data, saved.size) == 0);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(inlay_sample(a, &first), INLAY_OK);
        CHECK_INT(inlay_sample(b, &second), INLAY_OK);
        CHECK_INT(first, second);
    }
    float *one = tiny_eval(a, tokens + N, N_MORE, 2);
    CHECK_INT(inlay_eval(b, tokens + N, N_MORE), INLAY_OK);
    CHECK(tiny_logits_are(b, one, "gone on with"));
    free(after), free(one), free(saved.data), free(again.data);
    inlay_session_free(a);
    inlay_session_free(b);
    tiny_close(&t);
}

TEST(a_loaded_sequence_goes_on_with_the_bits_it_would_have_had) {
    check_goes_on(INLAY_TYPE_F16);
    check_goes_on(INLAY_TYPE_F32);
}

TEST(a_file_holds_what_memory_does_and_errors_name_it) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[N];
    tiny_tokens(tokens, N);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 300, 0);
    float *expected = tiny_eval(s, tokens, N, N);
    const char *path = temp_path("saved.state");
    CHECK_INT(inlay_sequence_save_file(s, 0, path), INLAY_OK);
    CHECK_INT(inlay_sequence_save_file(s, 0, path), INLAY_OK); /* takes the place of the one before */
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_sequence_load_file(s, 0, path), INLAY_OK);
    CHECK(tiny_logits_are(s, expected, "from a file"));
    CHECK_INT(inlay_sequence_load_file(s, 0, temp_file("broken.state", "ISTA", 4)), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay_session_error(s), "broken.state': these 4 bytes are not a saved state");
    CHECK_INT(inlay_sequence_load_file(s, 0, temp_path("none.state")), INLAY_ERR_IO);
    CHECK_INT(inlay_sequence_save_file(s, 1, path), INLAY_ERR_ARGUMENT);
    CHECK_INT(tiny_length(s), N);
    free(expected);
    inlay_session_free(s);
    tiny_close(&t);
}

/* tests/reference/write_state.c wrote them, each by the library that its version was new in. */
TEST(states_of_every_version_there_was_go_on) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[9], one, other;
    tiny_tokens(tokens, 9);
    for (int version = 1; version <= 2; version++) {
        char path[1000];
        size_t reused = 0;
        snprintf(path, sizeof path, "%s/version_%d.state", STATE_FOLDER, version);
        inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 50, 0);
        inlay_session *fresh = tiny_session(t.model, INLAY_OPT_CONTEXT, 50, INLAY_OPT_SEED, 7, 0);
        CHECK_INT(inlay_sequence_load_file(s, 0, path), INLAY_OK);
        float *expected = tiny_eval(fresh, tokens, 3, 3);
        CHECK(tiny_logits_are(s, expected, path));
        CHECK_INT(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, 1.0), INLAY_OK);
        CHECK_INT(inlay_session_set_float(fresh, INLAY_OPT_TEMPERATURE, 1.0), INLAY_OK);
        CHECK_INT(inlay_sample(s, &one), INLAY_OK);
        CHECK_INT(inlay_sample(fresh, &other), INLAY_OK);
        CHECK_INT(one, other); /* by the same random numbers */
        CHECK_INT(inlay_eval(s, tokens + 3, 5), INLAY_OK);
        float *later = tiny_eval(fresh, tokens + 3, 5, 2);
        CHECK(tiny_logits_are(s, later, path));
        CHECK_INT(inlay_eval_prompt(s, tokens, 9, &reused), INLAY_OK);
        CHECK_INT(reused, version == 1 ? 0 : 8); /* version 1 does not tell its tokens */
        free(expected), free(later);
        inlay_session_free(s);
        inlay_session_free(fresh);
    }
    tiny_close(&t);
}

/* The bytes may be anybody's: what they say of tokens counts for the sequence itself alone. */
TEST(nothing_else_goes_on_from_what_was_loaded) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[30];
    size_t reused = 7;
    int64_t n_kept = 7;
    tiny_tokens(tokens, 30);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 64, INLAY_OPT_SEQUENCES, 2, INLAY_OPT_KEEP, 2, 0);
    CHECK_INT(inlay_eval(s, tokens, 20), INLAY_OK);
    bytes b = save(s);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    CHECK_INT(inlay_sequence_load(s, 0, b.data, b.size), INLAY_OK);
    CHECK_INT(inlay_session_keep(s), INLAY_OK);
    CHECK_INT(inlay_session_get_int(s, INLAY_SESSION_KEPT, &n_kept), INLAY_OK);
    CHECK_INT(n_kept, 0);
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 1), INLAY_OK);
    CHECK_INT(inlay_session_recall(s, tokens, 30, &reused), INLAY_OK);
    CHECK_INT(reused, 0);
    CHECK_INT(inlay_sequence_fork(s, 0, 1), INLAY_OK);
    CHECK_INT(inlay_session_keep(s), INLAY_OK);
    CHECK_INT(inlay_session_get_int(s, INLAY_SESSION_KEPT, &n_kept), INLAY_OK);
    CHECK_INT(n_kept, 0);
    CHECK_INT(inlay_session_recall(s, tokens, 30, &reused), INLAY_OK);
    CHECK_INT(reused, 20); /* itself */
    free(b.data);
    inlay_session_free(s);
    tiny_close(&t);
}

/* Norms, which are no matrices, tell models apart too. */
TEST(a_state_of_other_norms_is_refused) {
    tiny t = tiny_open(NULL, NULL);
    int32_t token = 70;
    inlay__gguf file;
    CHECK_INT(inlay__gguf_parse(&inlay__sys_default, "tiny", t.data, t.size, &file), INLAY_OK);
    size_t at = (size_t)(inlay__gguf_tensor_find(&file, "output_norm.weight")->data - t.data);
    inlay__gguf_free(&file);
    uint8_t *changed = malloc(t.size);
    memcpy(changed, t.data, t.size);
    changed[at + 2] ^= 1; /* a number of the norm, a little */
    inlay_model *other = NULL;
    CHECK_INT(inlay_model_open_memory(changed, t.size, NULL, &other), INLAY_OK);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, 0);
    inlay_session *o = tiny_session(other, INLAY_OPT_CONTEXT, 32, 0);
    CHECK_INT(inlay_eval(s, &token, 1), INLAY_OK);
    bytes b = save(s);
    CHECK_INT(inlay_sequence_load(o, 0, b.data, b.size), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_session_error(o), "of another model");
    free(b.data);
    inlay_session_free(s);
    inlay_session_free(o);
    inlay_model_free(other);
    free(changed);
    tiny_close(&t);
}

TEST(every_truncation_and_every_changed_byte_is_an_error_and_changes_nothing) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[20];
    tiny_tokens(tokens, 20);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, 0);
    CHECK_INT(inlay_eval(s, tokens, 3), INLAY_OK);
    bytes b = save(s);
    CHECK_INT(inlay_eval(s, tokens + 3, 17), INLAY_OK);
    bytes before = save(s);
    for (size_t n = 0; n < b.size; n += n < 100 || n > b.size - 20 ? 1 : 61) {
        uint8_t *exact = malloc(n + 1);
        memcpy(exact, b.data, n);
        CHECK_INT(inlay_sequence_load(s, 0, exact, n), INLAY_ERR_FORMAT);
        free(exact);
    }
    for (size_t i = 0; i < b.size; i += i < 100 ? 1 : 7) {
        b.data[i] ^= (uint8_t)(1u << i % 8);
        CHECK(inlay_sequence_load(s, 0, b.data, b.size) != INLAY_OK);
        b.data[i] ^= (uint8_t)(1u << i % 8);
    }
    bytes after = save(s);
    CHECK(after.size == before.size && memcmp(after.data, before.data, after.size) == 0);
    CHECK_INT(inlay_sequence_load(s, 0, b.data, b.size), INLAY_OK);
    free(b.data), free(before.data), free(after.data);
    inlay_session_free(s);
    tiny_close(&t);
}

static void put_u64(uint8_t *p, uint64_t value) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(value >> 8 * i);
}

/* One number of the head is another, under a sum that is right. */
static void check_refused(inlay_session *s, bytes b, size_t at, uint64_t value, int32_t status, const char *words) {
    uint64_t before = inlay__load_u64(b.data + at), sum = inlay__load_u64(b.data + b.size - 8);
    put_u64(b.data + at, value);
    put_u64(b.data + b.size - 8, inlay__checksum(0, b.data, b.size - 8));
    CHECK_INT(inlay_sequence_load(s, 0, b.data, b.size), status);
    CHECK_HAS(inlay_session_error(s), words);
    put_u64(b.data + at, before);
    put_u64(b.data + b.size - 8, sum);
}

TEST(hostile_numbers_under_a_right_sum_are_refused_by_name) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[20];
    tiny_tokens(tokens, 20);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, 0);
    CHECK_INT(inlay_eval(s, tokens, 20), INLAY_OK);
    bytes b = save(s);
    check_refused(s, b, 0, 0, INLAY_ERR_FORMAT, "not a saved state");
    check_refused(s, b, 0, 0x341545349u, INLAY_ERR_UNSUPPORTED, "version 3, expected 1 to 2");
    check_refused(s, b, 8, b.size + 1, INLAY_ERR_FORMAT, "bytes in all");
    check_refused(s, b, 16, 1, INLAY_ERR_ARGUMENT, "of another model");
    check_refused(s, b, 24, 77 | (uint64_t)1 << 32, INLAY_ERR_UNSUPPORTED, "arithmetic version 77");
    check_refused(s, b, 24, (uint32_t)inlay_arithmetic_version() | (uint64_t)8 << 32, INLAY_ERR_ARGUMENT, "cache-type");
    check_refused(s, b, 32, 2, INLAY_ERR_FORMAT, "logits: 2");
    check_refused(s, b, 32, 0, INLAY_ERR_FORMAT, "bytes in all");
    check_refused(s, b, 32, (uint64_t)1 << 32 | 1, INLAY_ERR_FORMAT, "at byte 36");
    check_refused(s, b, 40, 9, INLAY_ERR_ARGUMENT, "turn otherwise");
    check_refused(s, b, 48, 33, INLAY_ERR_CONTEXT, "33 tokens, expected at most the session's 32");
    check_refused(s, b, 48, UINT64_MAX, INLAY_ERR_CONTEXT, "expected at most the session's 32");
    check_refused(s, b, 48, 19, INLAY_ERR_FORMAT, "tokens that are known: 20");
    check_refused(s, b, 56, 0x10000000000, INLAY_ERR_ARGUMENT, "a prefix of 1099511627776");
    check_refused(s, b, 48, 20 + 16, INLAY_ERR_CONTEXT, "36 tokens");
    check_refused(s, b, 56, 1000000, INLAY_ERR_ARGUMENT, "a prefix of 1000000");
    check_refused(s, b, 56, 25, INLAY_ERR_FORMAT, "tokens of a prefix: 25");
    check_refused(s, b, 64, 1, INLAY_ERR_CONTEXT, "1 encoded tokens");
    check_refused(s, b, 80, 2, INLAY_ERR_FORMAT, "random numbers");
    check_refused(s, b, 88, 21, INLAY_ERR_FORMAT, "tokens that are known: 21");
    check_refused(s, b, 96, 256, INLAY_ERR_FORMAT, "have lost: 256");
    check_refused(s, b, 96, 1, INLAY_ERR_FORMAT, "have lost: 1");
    check_refused(s, b, 104, UINT64_MAX, INLAY_ERR_FORMAT, "not all finite");
    check_refused(s, b, b.size - 8 - 4 * N_VOCAB - 80, N_VOCAB, INLAY_ERR_FORMAT, "it has token 320");
    CHECK_INT(inlay_sequence_load(s, 0, b.data, b.size), INLAY_OK);
    free(b.data);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(a_state_of_other_weights_is_refused_and_every_level_gives_the_same_bytes) {
    tiny_params p = tiny_defaults();
    p.matrix_type = INLAY_TYPE_Q4_0;
    tiny t = tiny_open(NULL, NULL), other = tiny_open(&p, NULL);
    int32_t tokens[20];
    tiny_tokens(tokens, 20);
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, 0),
                  *o = tiny_session(other.model, INLAY_OPT_CONTEXT, 32, 0);
    CHECK_INT(inlay_eval(s, tokens, 20), INLAY_OK);
    CHECK_INT(inlay_eval(o, tokens, 20), INLAY_OK);
    bytes b = save(s), best = save(o);
    CHECK_INT(inlay_sequence_load(o, 0, b.data, b.size), INLAY_ERR_ARGUMENT);
    inlay_options *options = tiny_options(INLAY_OPT_PACK, INLAY_PACK_NEVER, 0);
    CHECK_INT(inlay_options_set_string(options, INLAY_OPT_CPU, "scalar", 6), INLAY_OK);
    tiny plain = tiny_open(&p, options);
    inlay_session *scalar = tiny_session(plain.model, INLAY_OPT_CONTEXT, 32, 0);
    CHECK_INT(inlay_eval(scalar, tokens, 20), INLAY_OK);
    bytes defined = save(scalar);
    CHECK(defined.size == best.size && memcmp(defined.data, best.data, best.size) == 0);
    CHECK_INT(inlay_sequence_load(scalar, 0, best.data, best.size), INLAY_OK);
    free(b.data), free(best.data), free(defined.data);
    inlay_session_free(s);
    inlay_session_free(o);
    inlay_session_free(scalar);
    inlay_options_free(options);
    tiny_close(&t);
    tiny_close(&other);
    tiny_close(&plain);
}

TEST(what_an_encoder_gave_comes_back_with_its_decoders_sequence) {
    tiny_seq2seq models[] = {tiny_t5(), tiny_bart()};
    for (size_t i = 0; i < 2; i++) {
        tiny t = tiny_seq2seq_open(&models[i], NULL);
        int32_t source[30], tokens[12];
        tiny_seq2seq_tokens(source, 30, 3);
        tiny_seq2seq_tokens(tokens, 12, 5);
        inlay_session *a = tiny_session(t.model, INLAY_OPT_CONTEXT, 40, 0),
                      *b = tiny_session(t.model, INLAY_OPT_CONTEXT, 40, 0);
        CHECK_INT(inlay_encode(a, source, 30), INLAY_OK);
        CHECK_INT(inlay_eval(a, tokens, 8), INLAY_OK);
        CHECK_INT(inlay_encode(b, source + 10, 17), INLAY_OK);
        bytes saved = save(a);
        CHECK_INT(inlay_sequence_load(b, 0, saved.data, saved.size), INLAY_OK);
        CHECK_INT(inlay_eval(a, tokens + 8, 4), INLAY_OK);
        CHECK_INT(inlay_eval(b, tokens + 8, 4), INLAY_OK);
        float *one = tiny_logits(a);
        CHECK(tiny_logits_are(b, one, models[i].architecture));
        free(one), free(saved.data);
        inlay_session_free(a);
        inlay_session_free(b);
        tiny_close(&t);
    }
}

TEST_MAIN(CASE(a_loaded_sequence_goes_on_with_the_bits_it_would_have_had),
          CASE(a_file_holds_what_memory_does_and_errors_name_it), CASE(states_of_every_version_there_was_go_on),
          CASE(nothing_else_goes_on_from_what_was_loaded), CASE(a_state_of_other_norms_is_refused),
          CASE(every_truncation_and_every_changed_byte_is_an_error_and_changes_nothing),
          CASE(hostile_numbers_under_a_right_sum_are_refused_by_name),
          CASE(a_state_of_other_weights_is_refused_and_every_level_gives_the_same_bytes),
          CASE(what_an_encoder_gave_comes_back_with_its_decoders_sequence))
