/* A small GGUF file with one of everything, cut at every length, with every bit of its metadata flipped, and with
 * hostile numbers written at every place: always a result or an error, and every promise of the parser kept. */
#include "test.h"

#include "format/gguf.h"
#include "support/gguf_check.h"
#include "support/gguf_writer.h"

/* One of everything; *metadata_size is where the tensor data begins. */
static uint8_t *specimen(size_t *size, size_t *metadata_size) {
    const float floats[3] = {1.0f, -2.5f, 1e30f};
    const int32_t integers[4] = {1, -1, INT32_MAX, 3};
    const uint8_t bools[3] = {1, 0, 1};
    const char *const words[] = {"alpha", "", "\xc3\xa4", "delta"};
    const uint64_t longs[2] = {UINT64_MAX, 7};
    uint8_t blocks[34 * 4] = {0};
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_string(&w, "general.architecture", "llama");
    gguf_writer_alignment(&w, 16);
    gguf_writer_u8(&w, "u8", 200);
    gguf_writer_i8(&w, "i8", -100);
    gguf_writer_u16(&w, "u16", 50000);
    gguf_writer_i16(&w, "i16", -20000);
    gguf_writer_i32(&w, "i32", -5);
    gguf_writer_f32(&w, "f32", 1e-5f);
    gguf_writer_bool(&w, "bool", true);
    gguf_writer_u64(&w, "u64", 1);
    gguf_writer_i64(&w, "i64", -1);
    gguf_writer_f64(&w, "f64", 0.25);
    gguf_writer_array(&w, "floats", INLAY__GGUF_F32, floats, 3);
    gguf_writer_array(&w, "integers", INLAY__GGUF_I32, integers, 4);
    gguf_writer_array(&w, "bools", INLAY__GGUF_BOOL, bools, 3);
    gguf_writer_array(&w, "longs", INLAY__GGUF_U64, longs, 2);
    gguf_writer_strings(&w, "words", words, 4);
    gguf_writer_tensor(&w, "norm", INLAY_TYPE_F32, 1, (uint64_t[]){3}, floats, sizeof floats);
    gguf_writer_tensor(&w, "matrix", INLAY_TYPE_Q8_0, 2, (uint64_t[]){64, 2}, blocks, sizeof blocks);
    gguf_writer_tensor(&w, "cube", 25, 3, (uint64_t[]){2, 3, 2}, blocks, 24);
    *metadata_size = 24 + w.kv.size + w.infos.size;
    return gguf_writer_finish(&w, size);
}

static size_t n_loaded, n_refused;

static void check_kept(const uint8_t *bytes, size_t size, const char *what, size_t place) {
    gguf_verdict verdict = gguf_check(bytes, size);
    if (verdict.broken != NULL) fprintf(stderr, "%s at %zu: %s\n", what, place, verdict.broken);
    CHECK(verdict.broken == NULL);
    if (verdict.status == INLAY_OK)
        n_loaded++;
    else
        n_refused++;
}

TEST(the_undamaged_file_is_loaded) {
    size_t size, metadata_size;
    uint8_t *bytes = specimen(&size, &metadata_size);
    CHECK(size < 8192 && metadata_size < size);
    n_loaded = 0;
    check_kept(bytes, size, "undamaged", 0);
    CHECK_INT(n_loaded, 1);
    free(bytes);
}

TEST(every_shorter_file_is_refused) {
    size_t size, metadata_size;
    uint8_t *bytes = specimen(&size, &metadata_size);
    n_loaded = n_refused = 0;
    for (size_t n = 0; n < size; n++)
        check_kept(bytes, n, "cut", n);
    CHECK_INT(n_loaded, 0);
    CHECK_INT(n_refused, size);
    free(bytes);
}

TEST(every_flipped_bit_gives_a_result_or_an_error) {
    size_t size, metadata_size;
    uint8_t *bytes = specimen(&size, &metadata_size);
    n_loaded = n_refused = 0;
    for (size_t i = 0; i < metadata_size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        check_kept(bytes, size, "flipped bit", i);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    CHECK(n_loaded > 100 && n_refused > 1000); /* flips in values go unseen, flips in structure do not */
    free(bytes);
}

static void write_everywhere(size_t width) {
    static const uint64_t numbers[16] = {
        0,
        1,
        7,
        0xff,
        0xffff,
        0x7fffffff,
        0x80000000u,
        0xffffffffu,
        UINT64_C(1) << 32,
        UINT64_C(1) << 61,
        INT64_MAX,
        UINT64_C(1) << 63,
        UINT64_MAX,
        UINT64_MAX - 7,
        UINT64_MAX / 4 + 1,
        UINT64_C(0x7fffffffffffffc0),
    };
    size_t size, metadata_size;
    uint8_t *bytes = specimen(&size, &metadata_size), saved[8];
    n_loaded = n_refused = 0;
    for (size_t at = 0; at + width <= metadata_size; at++)
        for (size_t k = 0; k < 16; k++) {
            memcpy(saved, bytes + at, width);
            for (size_t i = 0; i < width; i++)
                bytes[at + i] = (uint8_t)(numbers[k] >> 8 * i);
            check_kept(bytes, size, "hostile number", at);
            memcpy(bytes + at, saved, width);
        }
    CHECK(n_loaded > 0 && n_refused > 1000);
    free(bytes);
}

TEST(hostile_32_bit_numbers_at_every_place) { write_everywhere(4); }
TEST(hostile_64_bit_numbers_at_every_place) { write_everywhere(8); }

/* Reliability: the double fetch. A mapped file may be written to while it is parsed. */
TEST(bytes_that_change_while_they_are_read) {
    static const uint8_t values[] = {0, 1, 8, 0x7f, 0x80, 0xff};
    size_t size, metadata_size, n_changed = 0;
    uint8_t *bytes = specimen(&size, &metadata_size);
    for (size_t at = 0; at < metadata_size; at++)
        for (size_t k = 0; k < sizeof values; k++) {
            gguf_verdict verdict = gguf_check_changing(bytes, size, at, values[k]);
            if (verdict.broken != NULL) fprintf(stderr, "change at %zu: %s\n", at, verdict.broken);
            CHECK(verdict.broken == NULL);
            if (verdict.status == INLAY_ERR_CHANGED) n_changed++;
        }
    CHECK(n_changed > 10);
    free(bytes);
}

/* Metadata that become shorter, and still make sense, between measuring and copying. */
TEST(metadata_that_shrink_while_they_are_read) {
    gguf_writer w;
    size_t size;
    gguf_writer_init(&w);
    gguf_writer_u16(&w, "k", 1);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    gguf_verdict verdict = gguf_check_changing(bytes, size, 24 + 8 + 1, INLAY__GGUF_U8);
    CHECK(verdict.broken == NULL);
    CHECK_INT(verdict.status, INLAY_ERR_CHANGED);
    free(bytes);
}

TEST_MAIN(CASE(the_undamaged_file_is_loaded), CASE(every_shorter_file_is_refused),
          CASE(every_flipped_bit_gives_a_result_or_an_error), CASE(hostile_32_bit_numbers_at_every_place),
          CASE(hostile_64_bit_numbers_at_every_place), CASE(bytes_that_change_while_they_are_read),
          CASE(metadata_that_shrink_while_they_are_read))
