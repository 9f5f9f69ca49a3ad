/* Hyperparameters: defaults, and each key absent, of another type, out of its range, or at odds with another. */
#include "test.h"

#include <math.h>

#include "model/hparams.h"
#include "support/gguf_writer.h"

/* What a file says of a key. */
typedef enum kind { NOTHING, U8, I8, U16, I16, U32, I32, U64, I64, F32, F64, BOOL, STRING, U32S, F32S, STRINGS } kind;

typedef struct entry {
    const char *key; /* with its prefix */
    kind kind;
    int64_t i; /* integers; of arrays the number of elements */
    double f;
    const char *text; /* strings; and of arrays the elements, as bytes 0 to 255 */
} entry;

/* A file with all keys. */
static const entry whole[] = {
    {"general.architecture", STRING, 0, 0, "llama"},
    {"llama.context_length", U32, 2048, 0, NULL},
    {"llama.embedding_length", U32, 96, 0, NULL},
    {"llama.block_count", U32, 3, 0, NULL},
    {"llama.feed_forward_length", U32, 200, 0, NULL},
    {"llama.vocab_size", U32, 1000, 0, NULL},
    {"llama.attention.head_count", U32, 6, 0, NULL},
    {"llama.attention.head_count_kv", U32, 2, 0, NULL},
    {"llama.attention.key_length", U32, 24, 0, NULL},
    {"llama.attention.value_length", U32, 24, 0, NULL},
    {"llama.attention.sliding_window", U32, 77, 0, NULL},
    {"llama.attention.layer_norm_rms_epsilon", F32, 0, 0.25, NULL},
    {"llama.rope.dimension_count", U32, 8, 0, NULL},
    {"llama.rope.freq_base", F32, 0, 500000, NULL},
    {"llama.rope.scaling.type", STRING, 0, 0, "linear"},
    {"llama.rope.scaling.factor", F32, 0, 4, NULL},
};
enum { N_WHOLE = sizeof whole / sizeof whole[0] };

static void put_array(gguf_writer *w, const entry *e) {
    uint32_t integers[8];
    float floats[8];
    const char *const strings[8] = {"4", "4", "4", "4", "4", "4", "4", "4"};
    for (int64_t i = 0; i < e->i; i++) {
        integers[i] = e->text != NULL ? (uint8_t)e->text[i] : 4;
        floats[i] = (float)integers[i];
    }
    if (e->kind == U32S) gguf_writer_array(w, e->key, INLAY__GGUF_U32, integers, (size_t)e->i);
    if (e->kind == F32S) gguf_writer_array(w, e->key, INLAY__GGUF_F32, floats, (size_t)e->i);
    if (e->kind == STRINGS) gguf_writer_strings(w, e->key, strings, (size_t)e->i);
}

static void put(gguf_writer *w, const entry *e) {
    switch (e->kind) {
    case NOTHING:
        break;
    case U8:
        gguf_writer_u8(w, e->key, (uint8_t)e->i);
        break;
    case I8:
        gguf_writer_i8(w, e->key, (int8_t)e->i);
        break;
    case U16:
        gguf_writer_u16(w, e->key, (uint16_t)e->i);
        break;
    case I16:
        gguf_writer_i16(w, e->key, (int16_t)e->i);
        break;
    case U32:
        gguf_writer_u32(w, e->key, (uint32_t)e->i);
        break;
    case I32:
        gguf_writer_i32(w, e->key, (int32_t)e->i);
        break;
    case U64:
        gguf_writer_u64(w, e->key, (uint64_t)e->i);
        break;
    case I64:
        gguf_writer_i64(w, e->key, e->i);
        break;
    case F32:
        gguf_writer_f32(w, e->key, (float)e->f);
        break;
    case F64:
        gguf_writer_f64(w, e->key, e->f);
        break;
    case BOOL:
        gguf_writer_bool(w, e->key, e->i != 0);
        break;
    case STRING:
        gguf_writer_string(w, e->key, e->text);
        break;
    default:
        put_array(w, e);
        break;
    }
}

/* Reads a file of `entries` with the changes in place of those of the same key, or added. */
static int32_t read_changed(const entry *entries, size_t n, const entry *changes, size_t n_changes, inlay__hparams *h) {
    gguf_writer w;
    size_t size;
    inlay__gguf gguf;
    gguf_writer_init(&w);
    for (size_t i = 0; i < n; i++) {
        bool changed = false;
        for (size_t k = 0; k < n_changes; k++)
            changed = changed || strcmp(entries[i].key, changes[k].key) == 0;
        if (!changed) put(&w, &entries[i]);
    }
    for (size_t k = 0; k < n_changes; k++)
        put(&w, &changes[k]);
    uint8_t *file = gguf_writer_finish(&w, &size);
    CHECK_INT(inlay__gguf_parse(&inlay__sys_default, "dir/some.gguf", file, size, &gguf), INLAY_OK);
    int32_t status = inlay__hparams_read("dir/some.gguf", &gguf, h);
    if (status == INLAY_OK) CHECK(strlen(h->architecture) > 0); /* while the gguf lives */
    inlay__gguf_free(&gguf);
    free(file);
    return status;
}

static int32_t read_with(entry change, inlay__hparams *h) { return read_changed(whole, N_WHOLE, &change, 1, h); }

static void check_status(const entry *e, int32_t found, int32_t expected) {
    if (found == expected) return;
    test_failures++;
    fprintf(stderr, "%s of kind %d, %lld, %g: status %d, expected %d: %s\n", e->key, e->kind, (long long)e->i, e->f,
            found, expected, inlay__error_text());
}

/* The change is refused in a sentence with the file, the key and the words. */
static void check_refused(entry change, int32_t expected, const char *words) {
    inlay__hparams h;
    check_status(&change, read_with(change, &h), expected);
    CHECK_HAS(inlay__error_text(), "dir/some.gguf");
    CHECK_HAS(inlay__error_text(), change.key);
    CHECK_HAS(inlay__error_text(), words);
}

/* ------------------------------------------------------------------ what is read */

TEST(all_that_the_file_says_is_read) {
    inlay__hparams h;
    CHECK_INT(read_changed(whole, N_WHOLE, NULL, 0, &h), INLAY_OK);
    CHECK_INT(h.n_context_train, 2048);
    CHECK_INT(h.n_embd, 96);
    CHECK_INT(h.n_layer, 3);
    CHECK_INT(h.n_ff, 200);
    CHECK_INT(h.n_vocab, 1000);
    CHECK_INT(h.n_head, 6);
    CHECK_INT(h.n_head_kv, 2);
    CHECK_INT(h.n_embd_head, 24);
    CHECK_INT(h.n_window, 77);
    CHECK_INT(h.n_rope, 8);
    CHECK(h.norm_epsilon == 0.25f);
    CHECK(h.rope_theta == 500000);
    CHECK(h.rope_scale == 4);
}

TEST(what_may_be_absent_has_its_default) {
    inlay__hparams h;
    CHECK_INT(read_changed(whole, 5, &whole[6], 1, &h), INLAY_OK); /* and the number of heads */
    CHECK_INT(h.n_vocab, 0);
    CHECK_INT(h.n_head_kv, 6);
    CHECK_INT(h.n_embd_head, 16);
    CHECK_INT(h.n_rope, 16);
    CHECK_INT(h.n_window, 0);
    CHECK(h.norm_epsilon == 1e-5f);
    CHECK(h.rope_theta == 10000);
    CHECK(h.rope_scale == 1);
}

TEST(keys_of_another_architecture_do_not_count) {
    inlay__hparams h;
    const entry change = {"general.architecture", STRING, 0, 0, "qwen2"};
    CHECK_INT(read_changed(whole, N_WHOLE, &change, 1, &h), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "'qwen2.context_length' is missing");
}

TEST(integers_of_every_width_are_read) {
    static const kind kinds[] = {U8, I8, U16, I16, U32, I32, U64, I64};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        inlay__hparams h;
        CHECK_INT(read_with((entry){"llama.block_count", kinds[i], 5, 0, NULL}, &h), INLAY_OK);
        CHECK_INT(h.n_layer, 5);
    }
}

TEST(an_array_counts_when_all_layers_have_the_same) {
    inlay__hparams h;
    CHECK_INT(read_with((entry){"llama.feed_forward_length", U32S, 3, 0, "\x50\x50\x50"}, &h), INLAY_OK);
    CHECK_INT(h.n_ff, 0x50);
    check_refused((entry){"llama.feed_forward_length", U32S, 3, 0, "\x50\x50\x51"}, INLAY_ERR_UNSUPPORTED, "(80, 81)");
    check_refused((entry){"llama.attention.head_count_kv", U32S, 3, 0, "\2\3\2"}, INLAY_ERR_UNSUPPORTED, "(2, 3)");
    check_refused((entry){"llama.feed_forward_length", U32S, 3, 0, "\0\0\0"}, INLAY_ERR_FORMAT, "is 0, expected 1 to");
    check_refused((entry){"llama.feed_forward_length", U32S, 0, 0, NULL}, INLAY_ERR_FORMAT, "an empty array");
}

/* ------------------------------------------------------------------ what is refused */

static const struct {
    const char *key;
    bool required;
    int64_t least, greatest;
} integers[] = {
    {"llama.context_length", true, 1, 1 << 30},
    {"llama.embedding_length", true, 1, 1 << 18},
    {"llama.block_count", true, 1, 1 << 12},
    {"llama.feed_forward_length", true, 1, 1 << 21},
    {"llama.vocab_size", false, 1, 1 << 24},
    {"llama.attention.head_count", true, 1, 1 << 12},
    {"llama.attention.head_count_kv", false, 1, 1 << 12},
    {"llama.attention.key_length", false, 2, 4096},
    {"llama.attention.value_length", false, 2, 4096},
    {"llama.attention.sliding_window", false, 0, 1 << 30},
    {"llama.rope.dimension_count", false, 2, 4096},
};
enum { N_INTEGERS = sizeof integers / sizeof integers[0] };

TEST(an_integer_out_of_its_range_is_named_with_the_range) {
    for (size_t i = 0; i < N_INTEGERS; i++) {
        char range[64], value[32];
        const char *key = integers[i].key;
        int64_t least = integers[i].least, greatest = integers[i].greatest;
        const int64_t bad[] = {
            least - 1,           -1,        greatest + 1, INT32_MAX,           (int64_t)UINT32_MAX, 1ll << 32,
            (1ll << 32) + least, INT64_MAX, INT64_MIN,    -(1ll << 32) + least};
        snprintf(range, sizeof range, "expected %lld to %lld", (long long)least, (long long)greatest);
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            snprintf(value, sizeof value, "is %lld", (long long)bad[k]);
            check_refused((entry){key, I64, bad[k], 0, NULL}, INLAY_ERR_FORMAT, range);
            CHECK_HAS(inlay__error_text(), value);
        }
        check_refused((entry){key, I8, -1, 0, NULL}, INLAY_ERR_FORMAT, "is -1");
        check_refused((entry){key, U64, -1, 0, NULL}, INLAY_ERR_FORMAT, range); /* 2^64 - 1 */
        CHECK_HAS(inlay__error_text(), "9223372036854775807 or more");
    }
}

TEST(an_integer_at_the_ends_of_its_range_is_read_unless_others_forbid_it) {
    for (size_t i = 0; i < N_INTEGERS; i++) {
        for (int end = 0; end < 2; end++) {
            inlay__hparams h;
            char range[64];
            int64_t value = end == 0 ? integers[i].least : integers[i].greatest;
            snprintf(range, sizeof range, "expected %lld to", (long long)integers[i].least);
            int32_t status = read_with((entry){integers[i].key, U32, value, 0, NULL}, &h);
            if (status != INLAY_OK) CHECK(strstr(inlay__error_text(), range) == NULL);
            if (i < 5 || strstr(integers[i].key, "window") != NULL) CHECK_INT(status, INLAY_OK); /* these stand alone */
        }
    }
}

TEST(an_integer_of_another_type_is_named_with_the_type) {
    for (size_t i = 0; i < N_INTEGERS; i++) {
        const char *key = integers[i].key;
        check_refused((entry){key, F32, 0, 8, NULL}, INLAY_ERR_FORMAT, "is of type f32, expected an integer");
        check_refused((entry){key, F64, 0, 8, NULL}, INLAY_ERR_FORMAT, "is of type f64, expected an integer");
        check_refused((entry){key, STRING, 0, 0, "8"}, INLAY_ERR_FORMAT, "is of type string, expected an integer");
        check_refused((entry){key, F32S, 3, 0, NULL}, INLAY_ERR_FORMAT, "is of type array of f32, expected an integer");
        check_refused((entry){key, STRINGS, 3, 0, NULL}, INLAY_ERR_FORMAT, "is of type array of string");
    }
}

TEST(a_key_that_must_be_there_is_named) {
    for (size_t i = 0; i < N_INTEGERS; i++) {
        inlay__hparams h;
        if (integers[i].required)
            check_refused((entry){integers[i].key, NOTHING, 0, 0, NULL}, INLAY_ERR_FORMAT, "is missing");
        else if (strstr(integers[i].key, "key_length") == NULL) /* the values' length stands against the default */
            CHECK_INT(read_with((entry){integers[i].key, NOTHING, 0, 0, NULL}, &h), INLAY_OK);
    }
    check_refused((entry){"general.architecture", NOTHING, 0, 0, NULL}, INLAY_ERR_FORMAT, "is missing");
    check_refused((entry){"llama.rope.scaling.factor", NOTHING, 0, 0, NULL}, INLAY_ERR_FORMAT, "is missing");
}

TEST(a_number_that_is_none_or_out_of_its_range_is_named) {
    static const struct {
        const char *key;
        double least, greatest;
    } numbers[] = {{"llama.attention.layer_norm_rms_epsilon", 0, 1},
                   {"llama.rope.freq_base", 1, 1e12},
                   {"llama.rope.scaling.factor", 1e-6, 1e6}};
    for (size_t i = 0; i < 3; i++) {
        const char *key = numbers[i].key;
        double least = numbers[i].least, greatest = numbers[i].greatest;
        const double bad[] = {NAN,   -NAN,        INFINITY, -INFINITY, -1e-300, -least - 1, greatest * 1.001,
                              1e300, least - 1e-7};
        inlay__hparams h;
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
            check_refused((entry){key, F64, 0, bad[k], NULL}, INLAY_ERR_FORMAT, "expected");
        CHECK_INT(read_with((entry){key, F64, 0, least, NULL}, &h), INLAY_OK);
        CHECK_INT(read_with((entry){key, F64, 0, greatest, NULL}, &h), INLAY_OK);
        CHECK_INT(read_with((entry){key, U32, 1, 0, NULL}, &h), INLAY_OK); /* whole numbers will do */
        check_refused((entry){key, F32, 0, NAN, NULL}, INLAY_ERR_FORMAT, "expected");
        check_refused((entry){key, STRING, 0, 0, "1"}, INLAY_ERR_FORMAT, "is of type string, expected a number");
        check_refused((entry){key, F32S, 3, 0, NULL}, INLAY_ERR_FORMAT, "is of type array of f32, expected a number");
    }
}

TEST(the_architecture_is_a_name_of_1_to_64_bytes) {
    char name[70];
    inlay__hparams h;
    const char *key = "general.architecture";
    memset(name, 'x', sizeof name);
    name[65] = '\0';
    check_refused((entry){key, STRING, 0, 0, name}, INLAY_ERR_FORMAT, "has 65 bytes");
    check_refused((entry){key, STRING, 0, 0, ""}, INLAY_ERR_FORMAT, "has 0 bytes");
    check_refused((entry){key, U32, 5, 0, NULL}, INLAY_ERR_FORMAT, "is of type u32, expected a string");
    check_refused((entry){key, STRINGS, 1, 0, NULL}, INLAY_ERR_FORMAT, "is of type array of string, expected a string");
    name[64] = '\0'; /* the longest: what it misses is named whole */
    CHECK_INT(read_with((entry){key, STRING, 0, 0, name}, &h), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "xxx.context_length' is missing");
}

TEST(an_architecture_with_a_nul_in_it_is_refused) {
    gguf_writer w;
    size_t size;
    inlay__gguf gguf;
    inlay__hparams h;
    gguf_writer_init(&w);
    gguf_writer_pair(&w, "general.architecture", 20, INLAY__GGUF_STRING);
    gguf_bytes_string(&w.kv, "llama\0x", 7);
    uint8_t *file = gguf_writer_finish(&w, &size);
    CHECK_INT(inlay__gguf_parse(&inlay__sys_default, "some.gguf", file, size, &gguf), INLAY_OK);
    CHECK_INT(inlay__hparams_read("some.gguf", &gguf, &h), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "has 7 bytes");
    inlay__gguf_free(&gguf);
    free(file);
}

/* ------------------------------------------------------------------- what contradicts */

TEST(heads_that_cannot_share_are_refused) {
    check_refused((entry){"llama.attention.head_count_kv", U32, 4, 0, NULL}, INLAY_ERR_FORMAT,
                  "is 4, expected a divisor of the 6 query heads");
    check_refused((entry){"llama.attention.head_count_kv", U32, 7, 0, NULL}, INLAY_ERR_FORMAT, "is 7");
    check_refused((entry){"llama.attention.value_length", U32, 32, 0, NULL}, INLAY_ERR_UNSUPPORTED,
                  "is 32, expected 24");
}

TEST(an_embedding_that_heads_cannot_share_needs_the_width_of_a_head) {
    static const int64_t widths[] = {95, 97, 5, 1};
    inlay__hparams h;
    for (size_t i = 0; i < 4; i++) {
        const entry changes[] = {{"llama.embedding_length", U32, widths[i], 0, NULL},
                                 {"llama.attention.key_length", NOTHING, 0, 0, NULL},
                                 {"llama.attention.value_length", NOTHING, 0, 0, NULL}};
        CHECK_INT(read_changed(whole, N_WHOLE, changes, 3, &h), INLAY_ERR_FORMAT);
        CHECK_HAS(inlay__error_text(), "'llama.attention.key_length' is missing, and 6 query heads do not share");
        CHECK_INT(read_changed(whole, N_WHOLE, changes, 1, &h), INLAY_OK);
        CHECK_INT(h.n_embd_head, 24);
    }
}

TEST(a_head_rotates_an_even_part_of_itself) {
    inlay__hparams h;
    check_refused((entry){"llama.rope.dimension_count", U32, 7, 0, NULL}, INLAY_ERR_FORMAT,
                  "is 7, expected an even number");
    check_refused((entry){"llama.rope.dimension_count", U32, 26, 0, NULL}, INLAY_ERR_FORMAT, "up to 24");
    CHECK_INT(read_with((entry){"llama.rope.dimension_count", U32, 24, 0, NULL}, &h), INLAY_OK);
    CHECK_INT(h.n_rope, 24);
    const entry odd[] = {{"llama.attention.key_length", U32, 9, 0, NULL},
                         {"llama.attention.value_length", U32, 9, 0, NULL},
                         {"llama.rope.dimension_count", NOTHING, 0, 0, NULL}};
    CHECK_INT(read_changed(whole, N_WHOLE, odd, 3, &h), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "expected an even number up to 9");
}

TEST(scalings_of_rope_that_do_not_run_are_named) {
    static const char *const names[] = {"su", "Dynamic", "ntk", "linear2", "Linear", ""};
    const char *key = "llama.rope.scaling.type";
    inlay__hparams h;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char words[32];
        snprintf(words, sizeof words, "is '%s'", names[i]);
        check_refused((entry){key, STRING, 0, 0, names[i]}, INLAY_ERR_UNSUPPORTED, words);
    }
    check_refused((entry){key, U32, 1, 0, NULL}, INLAY_ERR_FORMAT, "is of type u32, expected a string");
    CHECK_INT(read_with((entry){key, STRING, 0, 0, "none"}, &h), INLAY_OK);
    CHECK(h.rope_scale == 1); /* whatever the factor */
    const entry old[] = {{key, NOTHING, 0, 0, NULL}, {"llama.rope.scale_linear", F32, 0, 8, NULL}};
    CHECK_INT(read_changed(whole, N_WHOLE, old, 2, &h), INLAY_OK);
    CHECK(h.rope_scale == 8);
}

TEST_MAIN(CASE(all_that_the_file_says_is_read), CASE(what_may_be_absent_has_its_default),
          CASE(keys_of_another_architecture_do_not_count), CASE(integers_of_every_width_are_read),
          CASE(an_array_counts_when_all_layers_have_the_same),
          CASE(an_integer_out_of_its_range_is_named_with_the_range),
          CASE(an_integer_at_the_ends_of_its_range_is_read_unless_others_forbid_it),
          CASE(an_integer_of_another_type_is_named_with_the_type), CASE(a_key_that_must_be_there_is_named),
          CASE(a_number_that_is_none_or_out_of_its_range_is_named), CASE(the_architecture_is_a_name_of_1_to_64_bytes),
          CASE(an_architecture_with_a_nul_in_it_is_refused), CASE(heads_that_cannot_share_are_refused),
          CASE(an_embedding_that_heads_cannot_share_needs_the_width_of_a_head),
          CASE(a_head_rotates_an_even_part_of_itself), CASE(scalings_of_rope_that_do_not_run_are_named))
