/* Text and tokens through the public functions: buffers, sizes, streams, errors. What the tokenizer makes of which
 * text is tested beside it. */
#include "test.h"

#include "support/tiny_open.h"

/* A text with two-, three- and four-byte characters, merges, control text and bytes that are not UTF-8. */
static const char mixed[] = "the \xc3\xa9t\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x8e\x89 "
                            "<|im_end|> a\0b \xff\xc3 end";
enum { MIXED_SIZE = sizeof mixed - 1 };

TEST(too_little_room_tells_the_number_and_writes_nothing) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[128], few[128];
    size_t n = 0, found;
    CHECK_INT(inlay_tokenize(t.model, mixed, MIXED_SIZE, 0, tokens, 128, &n), INLAY_OK);
    CHECK(n > 10 && n <= MIXED_SIZE);
    for (size_t capacity = 0; capacity <= n; capacity++) {
        memset(few, 0x55, sizeof few);
        found = 0;
        int32_t status = inlay_tokenize(t.model, mixed, MIXED_SIZE, 0, capacity > 0 ? few : NULL, capacity, &found);
        CHECK_INT(status, capacity < n ? INLAY_ERR_BUFFER : INLAY_OK);
        CHECK_INT(found, n);
        if (status == INLAY_OK)
            CHECK(memcmp(few, tokens, n * sizeof *few) == 0);
        else
            CHECK_INT(few[0], 0x55555555);
        CHECK_INT(few[capacity], 0x55555555);
    }
    tiny_close(&t);
}

TEST(text_without_tokens_is_no_error) {
    tiny t = tiny_open(NULL, NULL);
    size_t n = 9;
    CHECK_INT(inlay_tokenize(t.model, "", 0, 0, NULL, 0, &n), INLAY_OK);
    CHECK_INT(n, 0);
    n = 9;
    CHECK_INT(inlay_tokenize(t.model, NULL, 0, INLAY_PARSE_SPECIAL, NULL, 0, &n), INLAY_OK);
    CHECK_INT(n, 0);
    CHECK_INT(inlay_detokenize(t.model, NULL, 0, NULL, 0, &n), INLAY_OK);
    CHECK_INT(n, 0);
    tiny_close(&t);
}

TEST(a_length_of_all_stops_at_the_nul) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[8], token = -1;
    size_t n = 0, m = 0;
    CHECK_INT(inlay_tokenize(t.model, "xyz\0xyz", INLAY_ALL, 0, tokens, 8, &n), INLAY_OK);
    CHECK_INT(inlay_tokenize(t.model, "xyz", 3, 0, tokens, 8, &m), INLAY_OK);
    CHECK_INT(n, m);
    CHECK_INT(inlay_token_find(t.model, "<|im_end|>", INLAY_ALL, &token), INLAY_OK);
    CHECK_INT(token, TINY_IM_END);
    tiny_close(&t);
}

TEST(flags_that_do_not_exist_are_refused) {
    tiny t = tiny_open(NULL, NULL);
    static const int32_t flags[] = {4, 8, -1, INT32_MIN, INT32_MAX, INLAY_ADD_SPECIAL | 16};
    int32_t tokens[4];
    size_t n = 7;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        CHECK_INT(inlay_tokenize(t.model, "a", 1, flags[i], tokens, 4, &n), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "flags");
    CHECK_INT(n, 7);
    tiny_close(&t);
}

TEST(text_comes_back_from_its_tokens) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[128];
    char text[256];
    size_t n = 0, size = 0;
    CHECK_INT(inlay_tokenize(t.model, mixed, MIXED_SIZE, 0, tokens, 128, &n), INLAY_OK);
    for (size_t capacity = 0; capacity < MIXED_SIZE; capacity += 7) {
        text[0] = '#';
        size = 0;
        CHECK_INT(inlay_detokenize(t.model, tokens, n, capacity > 0 ? text : NULL, capacity, &size), INLAY_ERR_BUFFER);
        CHECK_INT(size, MIXED_SIZE);
        CHECK_INT(text[0], '#');
    }
    CHECK_INT(inlay_detokenize(t.model, tokens, n, text, MIXED_SIZE, &size), INLAY_OK);
    CHECK_INT(size, MIXED_SIZE);
    CHECK(memcmp(text, mixed, MIXED_SIZE) == 0);
    tiny_close(&t);
}

TEST(control_tokens_give_no_bytes_and_have_names) {
    tiny t = tiny_open(NULL, NULL);
    int32_t token = TINY_IM_END, tokens[4];
    char text[32];
    const char *name = "";
    size_t size = 9, n = 0;
    CHECK_INT(inlay_detokenize(t.model, &token, 1, text, sizeof text, &size), INLAY_OK);
    CHECK_INT(size, 0);
    CHECK_INT(inlay_token_text(t.model, token, &name, &size), INLAY_OK);
    CHECK(size == 10 && memcmp(name, "<|im_end|>", 10) == 0);
    CHECK_INT(inlay_token_flags(t.model, token), INLAY_TOKEN_CONTROL | INLAY_TOKEN_END);
    CHECK_INT(inlay_token_is_end(t.model, token), 1);
    CHECK_INT(inlay_token_is_end(t.model, TINY_FIRST_BYTE), 0);
    CHECK_INT(inlay_token_flags(t.model, TINY_FIRST_BYTE), 0);
    CHECK_INT(inlay_tokenize(t.model, "<|im_end|>", INLAY_ALL, INLAY_PARSE_SPECIAL, tokens, 4, &n), INLAY_OK);
    CHECK(n == 1 && tokens[0] == TINY_IM_END);
    tiny_close(&t);
}

TEST(ids_outside_the_vocabulary_are_refused) {
    tiny t = tiny_open(NULL, NULL);
    static const int32_t bad[] = {-1, -2, 320, 321, INT32_MAX, INT32_MIN};
    char text[16] = "#";
    const char *name = "#";
    size_t size = 3;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t tokens[] = {TINY_FIRST_BYTE, bad[i]};
        uint64_t state = 0;
        CHECK_INT(inlay_detokenize(t.model, tokens, 2, text, sizeof text, &size), INLAY_ERR_TOKEN);
        CHECK_INT(inlay_token_text(t.model, bad[i], &name, &size), INLAY_ERR_TOKEN);
        CHECK_INT(inlay_token_flags(t.model, bad[i]), -1);
        CHECK_INT(inlay_token_is_end(t.model, bad[i]), 0);
        if (bad[i] == -1) continue; /* ends a stream */
        CHECK_INT(inlay_stream_text(t.model, &state, bad[i], text, sizeof text, &size), INLAY_ERR_TOKEN);
        CHECK(state == 0);
    }
    CHECK(text[0] == '#' && name[0] == '#' && size == 3);
    tiny_close(&t);
}

TEST(unknown_token_texts_are_errors) {
    tiny t = tiny_open(NULL, NULL);
    int32_t token = 55;
    CHECK_INT(inlay_token_find(t.model, "no such token", INLAY_ALL, &token), INLAY_ERR_KEY);
    CHECK_HAS(inlay_error(), "'no such token'");
    CHECK_INT(inlay_token_find(t.model, "", 0, &token), INLAY_ERR_KEY);
    CHECK_INT(token, 55);
    tiny_close(&t);
}

/* Streams every token of the text and joins what comes; each piece must be whole characters. */
TEST(a_stream_gives_whole_characters) {
    tiny t = tiny_open(NULL, NULL);
    static const char text[] = "\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x8e\x89!";
    int32_t tokens[64];
    char joined[64], piece[8];
    uint64_t state = 0;
    size_t n = 0, size = 0, used = 0;
    CHECK_INT(inlay_tokenize(t.model, text, INLAY_ALL, 0, tokens, 64, &n), INLAY_OK);
    for (size_t i = 0; i <= n; i++) {
        int32_t token = i < n ? tokens[i] : -1;
        uint64_t before = state;
        int32_t status = inlay_stream_text(t.model, &state, token, NULL, 0, &size);
        if (status == INLAY_ERR_BUFFER) {
            CHECK(size > 0 && state == before);
            status = inlay_stream_text(t.model, &state, token, piece, sizeof piece, &size);
            CHECK((piece[0] & 0xc0) != 0x80);
            memcpy(joined + used, piece, size);
            used += size;
        }
        CHECK_INT(status, INLAY_OK);
    }
    CHECK(state == 0);
    CHECK(used == sizeof text - 1 && memcmp(joined, text, used) == 0);
    state = UINT64_MAX;
    CHECK_INT(inlay_stream_text(t.model, &state, tokens[0], piece, sizeof piece, &size), INLAY_ERR_ARGUMENT);
    CHECK(state == UINT64_MAX);
    tiny_close(&t);
}

TEST(spans_are_where_the_tokens_stand) {
    tiny t = tiny_open(NULL, NULL);
    int32_t tokens[128], same[128];
    size_t spans[256], n = 0, m = 0, end = 0;
    int32_t flags = INLAY_PARSE_SPECIAL;
    CHECK_INT(inlay_tokenize_spans(t.model, mixed, MIXED_SIZE, flags, tokens, spans, 128, &n), INLAY_OK);
    CHECK_INT(inlay_tokenize(t.model, mixed, MIXED_SIZE, flags, same, 128, &m), INLAY_OK);
    CHECK_INT(n, m);
    CHECK(memcmp(tokens, same, n * sizeof *tokens) == 0);
    for (size_t i = 0; i < n; i++) {
        char piece[64];
        size_t size = 0;
        CHECK_INT(spans[2 * i], end);
        end = spans[2 * i + 1];
        CHECK_INT(inlay_token_bytes(t.model, tokens[i], piece, sizeof piece, &size), INLAY_OK);
        if (tokens[i] == TINY_IM_END)
            CHECK(size == 0 && end - spans[2 * i] == 10);
        else
            CHECK(size == end - spans[2 * i] && memcmp(piece, mixed + spans[2 * i], size) == 0);
    }
    CHECK_INT(end, MIXED_SIZE);
    memset(spans, 0x55, sizeof spans);
    CHECK_INT(inlay_tokenize_spans(t.model, mixed, MIXED_SIZE, 0, tokens, spans, 2, &n), INLAY_ERR_BUFFER);
    CHECK(n > 2 && spans[0] == (size_t)0x5555555555555555);
    CHECK_INT(inlay_tokenize_spans(t.model, mixed, MIXED_SIZE, 0, tokens, NULL, 2, &n), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_tokenize_spans(t.model, mixed, MIXED_SIZE, 0, NULL, NULL, 0, &n), INLAY_ERR_BUFFER);
    tiny_close(&t);
}

TEST(a_batch_is_its_texts_one_by_one) {
    tiny t = tiny_open(NULL, NULL);
    enum { N = 40 };
    static int32_t tokens[4096], one[128];
    const char *texts[N];
    size_t sizes[N], starts[N + 1], n;
    for (size_t i = 0; i < N; i++) {
        texts[i] = mixed + i % 20;
        sizes[i] = i % 7 == 0 ? 0 : MIXED_SIZE - i;
    }
    for (int32_t threads = 0; threads <= 5; threads++) {
        CHECK_INT(inlay_tokenize_batch(t.model, texts, sizes, N, 0, threads, tokens, 4096, starts), INLAY_OK);
        CHECK_INT(starts[0], 0);
        for (size_t i = 0; i < N; i++) {
            CHECK_INT(inlay_tokenize(t.model, texts[i], sizes[i], 0, one, 128, &n), INLAY_OK);
            CHECK_INT(starts[i + 1] - starts[i], n);
            CHECK(memcmp(tokens + starts[i], one, n * sizeof *one) == 0);
        }
    }
    size_t total = starts[N];
    CHECK_INT(inlay_tokenize_batch(t.model, texts, sizes, N, 0, 2, tokens, total - 1, starts), INLAY_ERR_BUFFER);
    CHECK_INT(starts[N], total);
    CHECK_INT(inlay_tokenize_batch(t.model, texts, sizes, N, 0, 2, NULL, 0, starts), INLAY_ERR_BUFFER);
    CHECK_INT(inlay_tokenize_batch(t.model, NULL, NULL, 0, 0, 0, NULL, 0, starts), INLAY_OK);
    CHECK_INT(inlay_tokenize_batch(t.model, (const char *const[]){"abc"}, NULL, 1, 0, 0, tokens, 16, starts), INLAY_OK);
    texts[3] = NULL;
    CHECK_INT(inlay_tokenize_batch(t.model, texts, sizes, N, 0, 2, tokens, 4096, starts), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "texts[3]");
    CHECK_INT(inlay_tokenize_batch(t.model, texts, sizes, 1, 0, -1, tokens, 4096, starts), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_tokenize_batch(t.model, texts, sizes, 1, 64, 1, tokens, 4096, starts), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_tokenize_batch(t.model, texts, sizes, 1, 0, 1, tokens, 4096, NULL), INLAY_ERR_ARGUMENT);
    tiny_close(&t);
}

/* ----------------------------------------------------------------------- gaps */

enum { PRE = 300, SUF, MID, SEP };

/* A model whose file names the marks of a gap. */
static inlay_model *open_with_marks(bool has_middle, uint8_t **data) {
    tiny_params params = tiny_defaults();
    gguf_writer w;
    size_t size;
    inlay_model *model = NULL;
    gguf_writer_init(&w);
    tiny_metadata(&params, &w);
    gguf_writer_u32(&w, "tokenizer.ggml.fim_pre_token_id", PRE);
    gguf_writer_u32(&w, "tokenizer.ggml.suffix_token_id", SUF);
    if (has_middle) gguf_writer_u32(&w, "tokenizer.ggml.fim_mid_token_id", MID);
    gguf_writer_u32(&w, "tokenizer.ggml.fim_sep_token_id", SEP);
    tiny_tensors(&params, &w);
    *data = gguf_writer_finish(&w, &size);
    CHECK_INT(inlay_model_open_memory(*data, size, NULL, &model), INLAY_OK);
    return model;
}

static size_t add_text(const inlay_model *model, const char *text, int32_t *tokens, size_t n) {
    size_t added = 0;
    CHECK_INT(inlay_tokenize(model, text, INLAY_ALL, 0, tokens + n, 400 - n, &added), INLAY_OK);
    return n + added;
}

TEST(a_gap_has_its_marks_in_the_order_of_the_model) {
    static const char *const files[] = {"a.c", "int a;", "b.c", "<|im_end|>"}; /* which stays text */
    for (int has_middle = 0; has_middle < 2; has_middle++) {
        uint8_t *data;
        inlay_model *model = open_with_marks(has_middle != 0, &data);
        int32_t expected[400], found[400];
        size_t n = 0, m = 0;
        for (int i = 0; i < 4; i += 2) {
            expected[n++] = SEP;
            n = add_text(model, files[i], expected, n);
            n = add_text(model, "\n", expected, n);
            n = add_text(model, files[i + 1], expected, n);
            n = add_text(model, "\n", expected, n);
        }
        expected[n++] = SEP;
        n = add_text(model, "c.c", expected, n);
        n = add_text(model, "\n", expected, n);
        expected[n++] = has_middle ? PRE : SUF;
        n = add_text(model, has_middle ? "int f(" : ") { }", expected, n);
        expected[n++] = has_middle ? SUF : PRE;
        n = add_text(model, has_middle ? ") { }" : "int f(", expected, n);
        if (has_middle) expected[n++] = MID;
        CHECK_INT(inlay_fill_tokens(model, "int f(", 6, ") { }", 5, "c.c", files, 2, found, 400, &m), INLAY_OK);
        CHECK(m == n && memcmp(found, expected, n * sizeof *found) == 0);
        for (size_t room = 0; room < n; room += 5) { /* too little room tells how much, and what fits is right */
            int32_t *little = malloc(room * sizeof *little + 1);
            CHECK_INT(inlay_fill_tokens(model, "int f(", 6, ") { }", 5, "c.c", files, 2, little, room, &m),
                      INLAY_ERR_BUFFER);
            CHECK_INT(m, n);
            free(little);
        }
        CHECK_INT(inlay_fill_tokens(model, NULL, 0, NULL, 0, NULL, NULL, 0, found, 400, &m), INLAY_OK);
        CHECK_INT(m, has_middle ? 3 : 2);
        inlay_model_free(model);
        free(data);
    }
    tiny t = tiny_open(NULL, NULL);
    size_t m = 0;
    CHECK_INT(inlay_fill_tokens(t.model, "a", 1, "b", 1, NULL, NULL, 0, NULL, 0, &m), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_error(), "no token for the prefix of a gap");
    tiny_close(&t);
}

TEST_MAIN(CASE(a_gap_has_its_marks_in_the_order_of_the_model),
          CASE(spans_are_where_the_tokens_stand), CASE(a_batch_is_its_texts_one_by_one),
          CASE(too_little_room_tells_the_number_and_writes_nothing), CASE(text_without_tokens_is_no_error),
          CASE(a_length_of_all_stops_at_the_nul), CASE(flags_that_do_not_exist_are_refused),
          CASE(text_comes_back_from_its_tokens), CASE(control_tokens_give_no_bytes_and_have_names),
          CASE(ids_outside_the_vocabulary_are_refused), CASE(unknown_token_texts_are_errors),
          CASE(a_stream_gives_whole_characters))
