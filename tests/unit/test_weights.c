/* Model files opened from disk and from memory, whole and split. */
#include "test.h"

#include "format/weights.h"
#include "support/accounting_sys.h"
#include "support/gguf_writer.h"
#include "support/posix.h"
#include "support/temp_file.h"
#include "support/tiny_model.h"

static void put_tensor(gguf_writer *w, const char *name, float value) {
    const float data[2] = {value, value};
    gguf_writer_tensor(w, name, INLAY_TYPE_F32, 1, (uint64_t[]){2}, data, sizeof data);
}

/* One part of a split model: the numbers it tells of itself, negative ones are left out, and two tensors. */
static const char *write_part(const char *file, int number, int count, int n_tensors, const char *a, const char *b) {
    gguf_writer w;
    size_t size;
    gguf_writer_init(&w);
    if (number == 0) gguf_writer_string(&w, "general.architecture", "llama");
    if (number >= 0) gguf_writer_u16(&w, "split.no", (uint16_t)number);
    if (count >= 0) gguf_writer_u16(&w, "split.count", (uint16_t)count);
    if (n_tensors >= 0) gguf_writer_i32(&w, "split.tensors.count", n_tensors);
    put_tensor(&w, a, (float)number);
    put_tensor(&w, b, (float)number + 0.5f);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    const char *path = temp_file(file, bytes, size);
    free(bytes);
    return path;
}

/* Three good parts, whose first part's path is returned. */
static const char *write_split(void) {
    const char *path = write_part("m-00001-of-00003.gguf", 0, 3, 6, "a", "b");
    write_part("m-00002-of-00003.gguf", 1, 3, 6, "c", "d");
    write_part("m-00003-of-00003.gguf", 2, 3, 6, "e", "f");
    return path;
}

/* Opening fails with this status and these words in the message, leaves nothing behind, touches nothing. */
static void refuses(const char *path, int32_t status, const char *words) {
    accounting a;
    inlay__weights weights, untouched;
    accounting_init(&a);
    memset(&untouched, 0x77, sizeof untouched);
    weights = untouched;
    CHECK_INT(inlay__weights_open(&a.sys, INLAY__PATH(path, INLAY_LOAD_AUTO), &weights), status);
    CHECK_HAS(inlay__error_text(), words);
    CHECK(memcmp(&weights, &untouched, sizeof weights) == 0);
    CHECK_INT(a.live, 0);
    CHECK_INT(a.n_live, 0);
}

static float first_value(const inlay__weights *weights, const char *name) {
    const inlay__tensor *t = inlay__weights_find(weights, name);
    return CHECK(t != NULL) ? inlay__load_f32(t->data) : -1.0f;
}

TEST(a_whole_file_is_opened_in_every_way) {
    tiny_params params = tiny_defaults();
    size_t size;
    uint8_t *bytes = tiny_model(&params, &size);
    const char *path = temp_file("tiny.gguf", bytes, size);
    for (int32_t way = INLAY_LOAD_AUTO; way <= INLAY_LOAD_COPY + 1; way++) {
        inlay__weights weights;
        bool memory = way > INLAY_LOAD_COPY;
        int32_t status = memory ? inlay__weights_open_memory(&inlay__sys_default, bytes, size, &weights)
                                : inlay__weights_open(&inlay__sys_default, INLAY__PATH(path, way), &weights);
        if (!CHECK(status == INLAY_OK)) continue;
        CHECK_STR(inlay__weights_name(&weights), memory ? "memory" : path);
        CHECK_INT(weights.n_parts, 1);
        CHECK_INT(weights.file_size, size);
        CHECK_INT(weights.n_tensors, 2 + 9 * params.n_layer);
        CHECK_STR(weights.tensors[0].name.text, "token_embd.weight");
        const inlay__tensor *t = inlay__weights_find(&weights, "blk.1.ffn_down.weight");
        if (CHECK(t != NULL)) CHECK(t->shape[0] == params.n_ff && t->shape[1] == params.n_embd);
        CHECK(inlay__weights_find(&weights, "output.weight") == NULL);
        CHECK(inlay__gguf_find(inlay__weights_metadata(&weights), "llama.block_count") != NULL);
        CHECK_INT(inlay__weights_check(&weights), INLAY_OK);
        inlay__weights_close(&weights);
        inlay__weights_close(&weights); /* a second time does nothing */
    }
    free(bytes);
}

TEST(a_vocabulary_without_tensors_is_opened) {
    tiny_params params = tiny_defaults();
    gguf_writer w;
    size_t size;
    inlay__weights weights;
    tiny_metadata(&params, &w);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    if (CHECK(inlay__weights_open_memory(&inlay__sys_default, bytes, size, &weights) == INLAY_OK)) {
        CHECK_INT(weights.n_tensors, 0);
        CHECK(inlay__weights_find(&weights, "token_embd.weight") == NULL);
        inlay__weights_close(&weights);
    }
    free(bytes);
}

TEST(the_parts_of_a_split_model_are_one) {
    const char *path = write_split();
    const char *names[] = {"a", "b", "c", "d", "e", "f"};
    inlay__weights weights;
    if (!CHECK(inlay__weights_open(&inlay__sys_default, INLAY__PATH(path, INLAY_LOAD_MAP), &weights) == INLAY_OK))
        return;
    CHECK_INT(weights.n_parts, 3);
    CHECK_INT(weights.n_tensors, 6);
    for (size_t i = 0; i < 6; i++) {
        CHECK_STR(weights.tensors[i].name.text, names[i]);
        CHECK(first_value(&weights, names[i]) == (float)i / 2.0f);
    }
    CHECK(inlay__weights_find(&weights, "g") == NULL);
    CHECK(inlay__gguf_find(inlay__weights_metadata(&weights), "general.architecture") != NULL);
    CHECK_INT(inlay__weights_check(&weights), INLAY_OK);
    if (CAN_REPLACE_MAPPED) { /* another file under that name is fine */
        write_part("m-00002-of-00003.gguf", 1, 3, 6, "other", "tensors");
        CHECK(first_value(&weights, "c") == 1.0f);
    }
    inlay__weights_close(&weights);
}

TEST(parts_are_numbered_in_decimal) {
    enum { N = 112 };
    char file[48], a[16], b[16];
    inlay__weights weights;
    for (int i = N - 1; i >= 0; i--) {
        snprintf(file, sizeof file, "d-%05d-of-%05d.gguf", i + 1, N);
        snprintf(a, sizeof a, "a%d", i);
        snprintf(b, sizeof b, "b%d", i);
        write_part(file, i, N, 2 * N, a, b);
    }
    const char *path = temp_path("d-00001-of-00112.gguf");
    if (!CHECK(inlay__weights_open(&inlay__sys_default, INLAY__PATH(path, INLAY_LOAD_AUTO), &weights) == INLAY_OK))
        return;
    CHECK_INT(weights.n_tensors, 2 * N);
    CHECK(first_value(&weights, "b111") == 111.5f);
    inlay__weights_close(&weights);
}

TEST(a_missing_part_is_named) {
    const char *path = write_split();
    CHECK(unlink(temp_path("m-00003-of-00003.gguf")) == 0);
    refuses(path, INLAY_ERR_IO, "m-00003-of-00003.gguf");
}

TEST(another_part_than_the_first_is_refused) {
    write_split();
    refuses(temp_path("m-00002-of-00003.gguf"), INLAY_ERR_FORMAT, "is part 2 of a model of 3 parts; open the first");
}

TEST(parts_that_contradict_each_other_are_refused) {
    const char *path = write_split();
    write_part("m-00002-of-00003.gguf", 1, 4, 6, "c", "d");
    refuses(path, INLAY_ERR_FORMAT, "m-00002-of-00003.gguf': key 'split.count' is 4");
    write_part("m-00002-of-00003.gguf", 2, 3, 6, "c", "d");
    refuses(path, INLAY_ERR_FORMAT, "m-00002-of-00003.gguf': key 'split.no' is 2");
    write_part("m-00002-of-00003.gguf", -1, 3, 6, "c", "d");
    refuses(path, INLAY_ERR_FORMAT, "m-00002-of-00003.gguf': key 'split.no' is -1");
    write_part("m-00002-of-00003.gguf", 1, -1, 6, "c", "d");
    refuses(path, INLAY_ERR_FORMAT, "m-00002-of-00003.gguf': key 'split.count' is -1");
    write_part("m-00002-of-00003.gguf", 1, 3, 6, "c", "a");
    refuses(path, INLAY_ERR_FORMAT, "m-00002-of-00003.gguf': tensor 'a' is in an earlier part");
    temp_file("m-00002-of-00003.gguf", "GGUF", 4);
    refuses(path, INLAY_ERR_FORMAT, "m-00002-of-00003.gguf': ends inside the GGUF header");
    write_split();
    write_part("m-00001-of-00003.gguf", 0, 3, 7, "a", "b");
    refuses(path, INLAY_ERR_FORMAT, "key 'split.tensors.count' is 7, but its 3 parts have 6");
}

TEST(counts_of_parts_that_the_name_does_not_have_are_refused) {
    const char *path = write_split();
    write_part("m-00001-of-00003.gguf", 0, 65535, 6, "a", "b");
    refuses(path, INLAY_ERR_FORMAT, "is the first of 65535 parts, but its name");
    write_part("m-00001-of-00003.gguf", 0, 2, 6, "a", "b");
    refuses(path, INLAY_ERR_FORMAT, "is the first of 2 parts, but its name");
    refuses(write_part("whole.gguf", 0, 3, 6, "a", "b"), INLAY_ERR_FORMAT, "its name does not end with '-00001-of-'");
    refuses(write_part("q-00002-of-00003.gguf", 0, 3, 6, "a", "b"), INLAY_ERR_FORMAT, "its name does not end with");
    refuses(write_part("m-0001-of-0003.gguf", 0, 3, 6, "a", "b"), INLAY_ERR_FORMAT, "its name does not end with");
    refuses(write_part("m-0000x-of-00003.gguf", 0, 3, 6, "a", "b"), INLAY_ERR_FORMAT, "its name does not end with");
    refuses(write_part("m-00001-of-65535.gguf", 0, 65535, 6, "a", "b"), INLAY_ERR_IO, "m-00002-of-65535.gguf");
}

static const char *write_count(const char *file, void (*put)(gguf_writer *)) {
    gguf_writer w;
    size_t size;
    gguf_writer_init(&w);
    put(&w);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    const char *path = temp_file(file, bytes, size);
    free(bytes);
    return path;
}

static void put_huge(gguf_writer *w) { gguf_writer_u64(w, "split.count", UINT64_MAX); }
static void put_large(gguf_writer *w) { gguf_writer_u64(w, "split.count", 1u << 20), gguf_writer_u8(w, "split.no", 0); }
static void put_negative(gguf_writer *w) { gguf_writer_i32(w, "split.count", -3); }
static void put_text(gguf_writer *w) { gguf_writer_string(w, "split.count", "../../etc/passwd"); }
static void put_list(gguf_writer *w) { gguf_writer_array(w, "split.count", INLAY__GGUF_U8, "\1\2\3", 3); }

TEST(counts_that_are_no_counts_are_refused) {
    refuses(write_count("n-00001-of-00003.gguf", put_huge), INLAY_ERR_FORMAT, "key 'split.count' is no count");
    refuses(write_count("n-00001-of-00003.gguf", put_large), INLAY_ERR_FORMAT, "more than the 99999 parts");
    refuses(write_count("n-00001-of-00003.gguf", put_negative), INLAY_ERR_FORMAT, "key 'split.count' is no count");
    refuses(write_count("n-00001-of-00003.gguf", put_text), INLAY_ERR_FORMAT, "key 'split.count' is no count");
    refuses(write_count("n-00001-of-00003.gguf", put_list), INLAY_ERR_FORMAT, "key 'split.count' is no count");
}

/* Metadata that looks like paths to other parts has no effect: the only files opened are beside the first. */
TEST(paths_in_metadata_are_never_followed) {
    const char *bait = temp_file("bait.gguf", "GGUF", 4);
    gguf_writer w;
    size_t size;
    inlay__weights weights;
    gguf_writer_init(&w);
    gguf_writer_u16(&w, "split.no", 0);
    gguf_writer_u16(&w, "split.count", 2);
    gguf_writer_string(&w, "split.file", bait);
    gguf_writer_string(&w, "split.prefix", "../../bait");
    gguf_writer_strings(&w, "split.files", (const char *[]){"../bait.gguf", bait}, 2);
    put_tensor(&w, "../../a", 0.0f);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    const char *path = temp_file("p-00001-of-00002.gguf", bytes, size);
    free(bytes);
    refuses(path, INLAY_ERR_IO, "p-00002-of-00002.gguf");
    write_part("p-00002-of-00002.gguf", 1, 2, -1, "b", "c");
    if (!CHECK(inlay__weights_open(&inlay__sys_default, INLAY__PATH(path, INLAY_LOAD_COPY), &weights) == INLAY_OK))
        return;
    CHECK_INT(weights.n_tensors, 3);
    CHECK(inlay__weights_find(&weights, "../../a") != NULL);
    inlay__weights_close(&weights);
}

TEST(a_part_in_memory_is_refused) {
    gguf_writer w;
    size_t size;
    inlay__weights weights;
    gguf_writer_init(&w);
    gguf_writer_u16(&w, "split.no", 0);
    gguf_writer_u16(&w, "split.count", 2);
    uint8_t *bytes = gguf_writer_finish(&w, &size);
    CHECK_INT(inlay__weights_open_memory(&inlay__sys_default, bytes, size, &weights), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay__error_text(), "one of the 2 parts of a split model");
    free(bytes);
}

TEST(a_model_split_into_one_part_is_whole) {
    inlay__weights weights;
    const char *path = write_part("one.gguf", 0, 1, 2, "a", "b");
    if (!CHECK(inlay__weights_open(&inlay__sys_default, INLAY__PATH(path, INLAY_LOAD_AUTO), &weights) == INLAY_OK))
        return;
    CHECK_INT(weights.n_tensors, 2);
    inlay__weights_close(&weights);
    refuses(write_part("one.gguf", 0, 1, 3, "a", "b"), INLAY_ERR_FORMAT, "key 'split.tensors.count' is 3");
}

TEST(files_that_cannot_be_opened_are_named) {
    refuses(temp_path("nowhere.gguf"), INLAY_ERR_IO, "nowhere.gguf");
    refuses("", INLAY_ERR_IO, "''");
    refuses("/", INLAY_ERR_IO, "'/'");
    refuses(temp_file("empty.gguf", "", 0), INLAY_ERR_FORMAT, "empty");
}

/* The change of a mapped file is noticed, in any of its parts. */
TEST(a_changed_part_is_noticed) {
    const char *path = write_split();
    inlay__weights weights;
    if (!CHECK(inlay__weights_open(&inlay__sys_default, INLAY__PATH(path, INLAY_LOAD_MAP), &weights) == INLAY_OK))
        return;
    FILE *part = fopen(temp_path("m-00003-of-00003.gguf"), "ab");
    if (CHECK(part != NULL)) {
        fputs("more", part);
        fclose(part);
        CHECK_INT(inlay__weights_check(&weights), INLAY_ERR_CHANGED);
        CHECK_HAS(inlay__error_text(), "m-00003-of-00003.gguf");
    }
    inlay__weights_close(&weights);
}

TEST(memory_refused_at_any_point_leaves_nothing_behind) {
    const char *path = write_split();
    size_t n_refused = 0;
    for (bool opened = false; !opened && n_refused < 200;) {
        accounting a;
        inlay__weights weights;
        accounting_init(&a);
        a.fail_at = n_refused + 1;
        int32_t status = inlay__weights_open(&a.sys, INLAY__PATH(path, INLAY_LOAD_COPY), &weights);
        opened = status == INLAY_OK;
        if (opened)
            inlay__weights_close(&weights);
        else
            n_refused++;
        CHECK_INT(a.live, 0);
        CHECK_INT(a.n_live, 0);
        CHECK(opened || status == INLAY_ERR_MEMORY);
    }
    CHECK(n_refused > 20 && n_refused < 200);
}

TEST_MAIN(CASE(a_whole_file_is_opened_in_every_way), CASE(a_vocabulary_without_tensors_is_opened),
          CASE(the_parts_of_a_split_model_are_one), CASE(parts_are_numbered_in_decimal), CASE(a_missing_part_is_named),
          CASE(another_part_than_the_first_is_refused), CASE(parts_that_contradict_each_other_are_refused),
          CASE(counts_of_parts_that_the_name_does_not_have_are_refused), CASE(counts_that_are_no_counts_are_refused),
          CASE(paths_in_metadata_are_never_followed), CASE(a_part_in_memory_is_refused),
          CASE(a_model_split_into_one_part_is_whole), CASE(files_that_cannot_be_opened_are_named),
          CASE(a_changed_part_is_noticed), CASE(memory_refused_at_any_point_leaves_nothing_behind))
