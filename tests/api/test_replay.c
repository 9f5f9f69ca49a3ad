/* What a session did is recorded and comes out the same at every CPU level, with any number of threads; where it does
 * not, the replay tells where. No recording, however damaged, does harm. */
#include "test.h"

#include <unistd.h>

#include "api/handles.h"
#include "base/checksum.h"
#include "support/accounting_sys.h"
#include "support/fail_sys.h"
#include "support/temp_file.h"
#include "support/tiny_family.h"
#include "support/tiny_ngram.h"
#include "support/tiny_open.h"
#include "support/tiny_seq2seq.h"

enum { N_VALUES = INLAY_REPLAY_SAME_CPU + 1, HEAD = 56, RECORD = 24 };

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size + 1);
    if (data == NULL || fread(data, 1, *size, file) != *size) exit(2);
    fclose(file);
    return data;
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

static inlay_options *options_of(const char *cpu, int threads, int batch) {
    inlay_options *o = tiny_options(INLAY_OPT_THREADS, threads, INLAY_OPT_BATCH, batch, 0);
    CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, cpu, INLAY_ALL), INLAY_OK);
    return o;
}

static inlay_model *open_model(const uint8_t *data, size_t size, const inlay_options *o) {
    inlay_model *model = NULL;
    CHECK_INT(inlay_model_open_memory(data, size, o, &model), INLAY_OK);
    return model;
}

/* --------------------------------------------------------------- what is recorded */

static void must(int32_t status) {
    if (status != INLAY_OK) fprintf(stderr, "%s\n", inlay_error());
    CHECK_INT(status, INLAY_OK);
}

static void sample_and_eval(inlay_session *s, int n) {
    int32_t token;
    for (int i = 0; i < n; i++) {
        must(inlay_sample(s, &token));
        must(inlay_eval(s, &token, 1));
    }
}

/* Evaluations of every kind, on sequences 0 to 2. */
static void evaluate(inlay_session *s, size_t n_vocab) {
    static const int32_t sequences[] = {2, 0};
    static const size_t starts[] = {0, 5, 7};
    int32_t tokens[20], status;
    float *rows = calloc(20 * n_vocab, sizeof *rows), logs[20];
    if (rows == NULL) exit(2);
    tiny_tokens(tokens, 20);
    must(inlay_eval(s, tokens, 20));
    must(inlay_eval_all(s, tokens, 3, rows, 20 * n_vocab));
    must(inlay_eval_batch(s, sequences, tokens, starts, 2));
    must(inlay_eval_begin(s, tokens + 3, 6));
    while ((status = inlay_eval_step(s, 100)) == INLAY_AGAIN) continue;
    must(status);
    must(inlay_eval_begin(s, tokens, 9)); /* and one that comes to nothing */
    must(inlay_eval_abandon(s));
    CHECK_INT(inlay_eval(s, tokens, 20000), INLAY_ERR_CONTEXT);
    must(inlay_score(s, tokens, 4, logs));
    free(rows);
}

static void speculate(inlay_session *s, size_t n_vocab) {
    inlay_speculator *speculator = NULL;
    int32_t chosen[32];
    size_t n;
    CHECK_INT(inlay_speculator_new(n_vocab, 6, 512, NULL, &speculator), INLAY_OK);
    for (int i = 0; i < 4; i++) must(inlay_speculate(speculator, s, NULL, NULL, chosen, 8, &n));
    inlay_speculator_free(speculator);
}

static void save_and_load(inlay_session *s) {
    size_t n = 0;
    CHECK_INT(inlay_sequence_save(s, 0, NULL, 0, &n), INLAY_ERR_BUFFER);
    uint8_t *state = malloc(n);
    if (state == NULL) exit(2);
    must(inlay_sequence_save(s, 0, state, n, &n));
    sample_and_eval(s, 2);
    must(inlay_sequence_load(s, 1, state, n));
    free(state);
}

/* Of which only what is new is read. */
static void read_prompts(inlay_session *s) {
    int32_t tokens[30];
    size_t n_reused = 0, total = 0;
    tiny_tokens(tokens, 30);
    for (size_t n = 9; n <= 27; n += 9) {
        must(inlay_eval_prompt(s, tokens, n, &n_reused));
        total += n_reused;
        sample_and_eval(s, 2);
    }
    tokens[12] = 11;
    must(inlay_session_recall(s, tokens, 20, &n_reused));
    must(inlay_eval(s, tokens + n_reused, 20 - n_reused));
    CHECK(total + n_reused > 20);
}

/* Everything that a decoder's session can do. */
static void do_everything(inlay_model *model, inlay_session *s) {
    int32_t token, answer[4];
    int64_t n_vocab = 0, can = 0;
    float *logits;
    size_t n;
    must(inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab));
    must(inlay_model_get_int(model, INLAY_MODEL_CAPABILITIES, &can));
    must(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, 0.9));
    must(inlay_session_set_int(s, INLAY_OPT_SEED, 77));
    evaluate(s, (size_t)n_vocab);
    sample_and_eval(s, 4);
    must(inlay_logits(s, &logits, &n));
    logits[5] = 1000.0f; /* the host has its own mind */
    must(inlay_sample(s, &token));
    CHECK_INT(token, 5);
    must(inlay_eval(s, &token, 1));
    sample_and_eval(s, 1);
    must(inlay_sequence_fork(s, 0, 1));
    speculate(s, (size_t)n_vocab);
    if (can & INLAY_CAN_TRUNCATE) must(inlay_session_truncate(s, 12));
    if (can & INLAY_CAN_SHIFT) must(inlay_session_drop(s, 3, 7));
    token = 9;
    must(inlay_eval(s, &token, 1));
    must(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 1));
    must(inlay_session_set_int(s, INLAY_OPT_TOP_K, 7));
    sample_and_eval(s, 2);
    must(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 0));
    must(inlay_beam_search(s, 2, 4, 1.0, answer, 4, &n, NULL));
    sample_and_eval(s, 1);
    save_and_load(s);
    must(inlay_session_truncate(s, 0));
    must(inlay_session_set_int(s, INLAY_OPT_PREFIX, 0));
    must(inlay_eval(s, answer, 1));
    read_prompts(s);
}

static inlay_session *new_session(inlay_model *model, inlay_options *o) {
    inlay_session *s = NULL;
    must(inlay_options_set_int(o, INLAY_OPT_CONTEXT, 96));
    must(inlay_options_set_int(o, INLAY_OPT_SEQUENCES, 4));
    must(inlay_options_set_int(o, INLAY_OPT_KEEP, 3));
    must(inlay_session_new(model, o, &s));
    return s;
}

/* A recording of all that, at the scalar level, one thread. */
static const char *record_everything(const uint8_t *data, size_t size) {
    const char *path = temp_path("everything.rec");
    inlay_options *o = options_of("scalar", 1, 256);
    inlay_model *model = open_model(data, size, o);
    inlay_session *s = new_session(model, o);
    unlink(path);
    must(inlay_record_begin(s, path));
    do_everything(model, s);
    CHECK(!is_there(path));
    must(inlay_record_end(s));
    CHECK(is_there(path));
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
    return path;
}

/* ------------------------------------------------------------------- that it is equal */

static void replays_equal(const char *what, const char *path, inlay_model *model, const inlay_options *o,
                          const char *cpu) {
    int64_t values[N_VALUES + 1];
    int32_t status = inlay_replay(model, path, o, values, N_VALUES + 1);
    if (status != INLAY_OK) fprintf(stderr, "%s, %s: %s\n", what, cpu, inlay_error());
    CHECK_INT(status, INLAY_OK);
    CHECK(values[INLAY_REPLAY_RECORDS] > 0 && values[INLAY_REPLAY_TOKENS] > 0);
    CHECK_INT(values[INLAY_REPLAY_RECORD], -1);
    CHECK_INT(values[INLAY_REPLAY_SAME_MODEL], 1);
    CHECK_INT(values[INLAY_REPLAY_SAME_ARITHMETIC], 1);
    CHECK_INT(values[INLAY_REPLAY_SAME_CPU], strcmp(cpu, "scalar") == 0);
    CHECK_INT(values[N_VALUES], 0);
}

/* At every level that this machine has, with 1 to 3 threads and larger batches. */
static void replays_equal_everywhere(const char *what, const char *path, const uint8_t *data, size_t size) {
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        const char *cpu = inlay__cpu_name((inlay__cpu)level);
        inlay_options *o = options_of(cpu, 1 + level % 3, 256 << level % 2);
        inlay_model *model = open_model(data, size, o);
        replays_equal(what, path, model, o, cpu);
        inlay_model_free(model);
        inlay_options_free(o);
    }
}

TEST(a_recording_at_scalar_level_comes_out_equal_at_every_level_and_thread_count) {
    static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_Q4_0, INLAY_TYPE_Q8_0};
    for (size_t i = 0; i < 3; i++) {
        tiny_params p = tiny_defaults();
        size_t size;
        p.matrix_type = p.embedding_type = types[i];
        uint8_t *data = tiny_model(&p, &size);
        replays_equal_everywhere("decoder", record_everything(data, size), data, size);
        free(data);
    }
}

TEST(the_packed_file_of_a_model_is_the_same_model) {
    tiny_params p = tiny_defaults();
    size_t size;
    p.matrix_type = p.embedding_type = INLAY_TYPE_Q8_0;
    uint8_t *data = tiny_model(&p, &size);
    const char *path = record_everything(data, size), *packed = temp_path("packed.gguf");
    inlay_options *o = options_of("scalar", 2, 256);
    inlay_model *model;
    must(inlay_pack_file(temp_file("rows.gguf", data, size), packed, NULL));
    must(inlay_model_open(packed, o, &model));
    replays_equal("packed", path, model, o, "scalar");
    inlay_model_free(model);
    inlay_options_free(o);
    free(data);
}

TEST(words_that_follow_words_are_recorded_as_any_model) {
    const tiny_ngram m = {.n_words = 60, .order = 3};
    size_t size;
    uint8_t *data = tiny_ngram_file(&m, &size);
    const char *path = temp_path("ngram.rec");
    inlay_options *o = options_of("scalar", 1, 256);
    inlay_model *model = open_model(data, size, o);
    inlay_session *s = new_session(model, o);
    int32_t tokens[] = {3, 9, 27};
    must(inlay_record_begin(s, path));
    must(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, 1.0));
    must(inlay_eval(s, tokens, 3));
    sample_and_eval(s, 20);
    must(inlay_session_truncate(s, 5));
    must(inlay_record_end(s));
    replays_equal("n-grams", path, model, o, "scalar");
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
    free(data);
}

TEST(what_an_encoder_gave_is_recorded_too) {
    static const tiny_family bert = TINY_BERT;
    tiny_seq2seq t5 = tiny_t5(), bart = tiny_bart();
    for (int i = 0; i < 3; i++) {
        size_t size;
        uint8_t *data = i == 0 ? tiny_family_file(&bert, &size) : tiny_seq2seq_file(i == 1 ? &t5 : &bart, &size);
        const char *path = temp_path("encoder.rec");
        inlay_options *o = options_of("scalar", 1, 256);
        must(inlay_options_set_int(o, INLAY_OPT_CONTEXT, 48));
        inlay_model *model = open_model(data, size, o);
        inlay_session *s = NULL;
        int32_t tokens[12], start = 0;
        uint8_t segments[12] = {0};
        for (int k = 0; k < 12; k++) tokens[k] = 3 + k * 7 % 50;
        must(inlay_session_new(model, o, &s));
        if (i == 1) must(inlay_encode(s, tokens, 5)); /* before it is recorded */
        must(inlay_record_begin(s, path));
        if (i == 1) must(inlay_eval(s, &start, 1));
        must(inlay_encode(s, tokens, 12));
        if (i > 0) must(inlay_eval(s, &start, 1));
        if (i > 0) sample_and_eval(s, 3);
        must(inlay_encode_segments(s, tokens, segments, 7));
        must(inlay_record_end(s));
        inlay_session_free(s);
        inlay_model_free(model);
        inlay_options_free(o);
        replays_equal_everywhere("encoder", path, data, size);
        free(data);
    }
}

TEST(a_recording_begins_where_the_session_stands) {
    size_t size;
    tiny_params p = tiny_defaults();
    uint8_t *data = tiny_model(&p, &size);
    const char *path = temp_path("midway.rec");
    inlay_options *o = options_of("scalar", 1, 256);
    inlay_model *model = open_model(data, size, o);
    inlay_session *s = new_session(model, o);
    do_everything(model, s);
    must(inlay_sequence_fork(s, 0, 3));
    must(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 2));
    must(inlay_session_truncate(s, 0));
    must(inlay_session_set_int(s, INLAY_OPT_PREFIX, 4));
    must(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 3));
    must(inlay_record_begin(s, path));
    sample_and_eval(s, 5);
    must(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 2));
    must(inlay_eval(s, (const int32_t[]){8, 9, 10, 11, 12}, 5));
    must(inlay_record_end(s));
    must(inlay_session_truncate(s, 0)); /* nobody listens any more */
    replays_equal_everywhere("midway", path, data, size);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
    free(data);
}

/* ------------------------------------------------------------------ that it is not */

static void store_u64(uint8_t *p, uint64_t value) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(value >> 8 * i);
}

static void fix_sum(uint8_t *bytes, size_t size) {
    store_u64(bytes + size - 8, inlay__checksum(0, bytes, size - 8));
}

/* A small recording: a few tokens, two of them chosen. */
static uint8_t *small_recording(inlay_model *model, size_t *size) {
    const char *path = temp_path("small.rec");
    inlay_session *s = tiny_session(model, INLAY_OPT_CONTEXT, 32, 0);
    must(inlay_record_begin(s, path));
    must(inlay_eval(s, (const int32_t[]){70, 80, 90}, 3));
    must(inlay_session_set_float(s, INLAY_OPT_TEMPERATURE, 0.5));
    sample_and_eval(s, 2);
    must(inlay_session_truncate(s, 4));
    must(inlay_record_end(s));
    inlay_session_free(s);
    return read_file(path, size);
}

/* Where record `n` begins. */
static size_t find_record(const uint8_t *bytes, size_t n) {
    size_t at = HEAD;
    for (size_t i = 0; i < n; i++) at += RECORD + ((size_t)inlay__load_u64(bytes + at + 16) + 7) / 8 * 8;
    return at;
}

/* The number of the k-th record of a kind, or fails. */
static size_t record_of_kind(const uint8_t *bytes, uint32_t kind, int k) {
    for (size_t n = 0;; n++) {
        uint32_t found = inlay__load_u32(bytes + find_record(bytes, n));
        if (found == kind && k-- == 0) return n;
        if (found == 11) exit(2);
    }
}

static int32_t replay_bytes(inlay_model *model, const uint8_t *bytes, size_t size, int64_t *values) {
    inlay_options *o = tiny_options(INLAY_OPT_CONTEXT, 64, INLAY_OPT_SEQUENCES, 2, INLAY_OPT_THREADS, 1, 0);
    int32_t status = inlay_replay(model, temp_file("changed.rec", bytes, size), o, values, N_VALUES);
    inlay_options_free(o);
    return status;
}

TEST(another_token_is_told_with_its_place_and_both_hashes) {
    tiny t = tiny_open(NULL, NULL);
    int64_t values[N_VALUES];
    size_t size;
    uint8_t *bytes = small_recording(t.model, &size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_OK);
    int64_t n_records = values[INLAY_REPLAY_RECORDS];
    CHECK_INT(values[INLAY_REPLAY_TOKENS], 5);
    size_t record = record_of_kind(bytes, 1, 1), at = find_record(bytes, record); /* the second evaluation */
    uint64_t recorded = inlay__load_u64(bytes + at + RECORD + 8);
    bytes[at + RECORD + 16] ^= 1; /* its token */
    fix_sum(bytes, size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_ERR_DIFFERENT);
    CHECK_INT(values[INLAY_REPLAY_RECORD], record);
    CHECK_INT(values[INLAY_REPLAY_RECORDS], record);
    CHECK_INT(values[INLAY_REPLAY_SEQUENCE], 0);
    CHECK_INT(values[INLAY_REPLAY_POSITION], 3);
    CHECK_INT(values[INLAY_REPLAY_TOKENS], 3);
    CHECK_INT(values[INLAY_REPLAY_EXPECTED], recorded);
    CHECK(values[INLAY_REPLAY_FOUND] != values[INLAY_REPLAY_EXPECTED]);
    CHECK_INT(values[INLAY_REPLAY_SAME_MODEL], 1);
    CHECK_HAS(inlay_error(), "from position 3 on");
    CHECK_HAS(inlay_model_error(t.model), "fingerprint");
    bytes[at + RECORD + 16] ^= 1;
    record = record_of_kind(bytes, 2, 0); /* the first choice */
    bytes[find_record(bytes, record) + 8] ^= 1;
    fix_sum(bytes, size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_ERR_DIFFERENT);
    CHECK_INT(values[INLAY_REPLAY_RECORD], record);
    CHECK_HAS(inlay_error(), "the token is");
    CHECK(n_records > (int64_t)record);
    free(bytes);
    tiny_close(&t);
}

TEST(another_model_another_arithmetic_and_another_cpu_are_told) {
    tiny_params p = tiny_defaults();
    tiny t = tiny_open(NULL, NULL);
    p.seed++;
    tiny other = tiny_open(&p, NULL);
    p.n_vocab++;
    tiny larger = tiny_open(&p, NULL);
    int64_t values[N_VALUES];
    size_t size;
    uint8_t *bytes = small_recording(t.model, &size);
    CHECK_INT(replay_bytes(other.model, bytes, size, values), INLAY_ERR_DIFFERENT);
    CHECK_INT(values[INLAY_REPLAY_SAME_MODEL], 0);
    CHECK_INT(values[INLAY_REPLAY_SAME_ARITHMETIC], 1);
    CHECK_INT(values[INLAY_REPLAY_POSITION], 0);
    CHECK_INT(replay_bytes(larger.model, bytes, size, values), INLAY_ERR_ARGUMENT);
    bytes[16]++; /* arithmetic */
    bytes[24] = 'z';
    fix_sum(bytes, size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_OK);
    CHECK_INT(values[INLAY_REPLAY_SAME_ARITHMETIC], 0);
    CHECK_INT(values[INLAY_REPLAY_SAME_CPU], 0);
    bytes[4]++; /* version */
    fix_sum(bytes, size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_ERR_UNSUPPORTED);
    free(bytes);
    tiny_close(&t);
    tiny_close(&other);
    tiny_close(&larger);
}

/* ---------------------------------------------------------------------- hostile files */

TEST(a_cut_recording_is_an_error_wherever_it_is_cut) {
    tiny t = tiny_open(NULL, NULL);
    int64_t values[N_VALUES];
    size_t size;
    uint8_t *bytes = small_recording(t.model, &size);
    for (size_t n = 0; n < size; n++) {
        CHECK_INT(replay_bytes(t.model, bytes, n, values), INLAY_ERR_FORMAT);
        if (n < HEAD + RECORD + 8 || n % 8 != 0) continue;
        uint8_t *cut = malloc(n); /* with a sum that is right */
        if (cut == NULL) exit(2);
        memcpy(cut, bytes, n);
        fix_sum(cut, n);
        CHECK_INT(replay_bytes(t.model, cut, n, values), INLAY_ERR_FORMAT);
        CHECK_HAS(inlay_error(), "changed.rec");
        free(cut);
    }
    free(bytes);
    tiny_close(&t);
}

TEST(every_changed_bit_is_an_error_or_told) {
    tiny t = tiny_open(NULL, NULL);
    int64_t values[N_VALUES];
    size_t size, n_different = 0;
    uint8_t *bytes = small_recording(t.model, &size);
    for (size_t bit = 0; bit < 8 * (size - 8); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (bit % 7 == 0) {
            int32_t status = replay_bytes(t.model, bytes, size, values);
            CHECK(status == INLAY_ERR_FORMAT || status == INLAY_ERR_UNSUPPORTED);
        }
        uint8_t sum[8];
        memcpy(sum, bytes + size - 8, 8);
        fix_sum(bytes, size);
        int32_t status = replay_bytes(t.model, bytes, size, values);
        n_different += status == INLAY_ERR_DIFFERENT;
        CHECK(status <= INLAY_OK && status >= INLAY_ERR_DIFFERENT && status != INLAY_ERR_IO &&
              status != INLAY_ERR_BUSY);
        memcpy(bytes + size - 8, sum, 8);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK(n_different > 100);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_OK);
    free(bytes);
    tiny_close(&t);
}

TEST(a_recorded_session_is_no_larger_than_the_options_allow) {
    tiny t = tiny_open(NULL, NULL);
    int64_t values[N_VALUES];
    size_t size;
    uint8_t *bytes = small_recording(t.model, &size);
    bytes[40] = 65; /* the context, of which 64 are allowed */
    fix_sum(bytes, size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_ERR_CONTEXT);
    bytes[40] = 64;
    bytes[44] = 3; /* the sequences, of which 2 are */
    fix_sum(bytes, size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_ERR_CONTEXT);
    bytes[44] = 2;
    fix_sum(bytes, size);
    CHECK_INT(replay_bytes(t.model, bytes, size, values), INLAY_OK);
    free(bytes);
    tiny_close(&t);
}

/* ------------------------------------------------------------------ files and faults */

TEST(a_session_that_is_freed_leaves_no_recording) {
    tiny t = tiny_open(NULL, NULL);
    const char *path = temp_path("freed.rec"), *part = temp_path("freed.rec.part");
    inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, 0);
    int64_t before = 0, during = 0, after = 0;
    must(inlay_session_get_int(s, INLAY_SESSION_MEMORY, &before));
    must(inlay_record_begin(s, path));
    must(inlay_session_get_int(s, INLAY_SESSION_MEMORY, &during));
    CHECK_INT(inlay_record_begin(s, path), INLAY_ERR_STATE);
    CHECK(is_there(part) && during > before && during < before + (48 << 10));
    must(inlay_eval(s, (const int32_t[]){70}, 1));
    inlay_session_free(s);
    CHECK(!is_there(path) && !is_there(part));
    s = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, 0);
    CHECK_INT(inlay_record_end(s), INLAY_ERR_STATE);
    CHECK_INT(inlay_record_begin(s, "/nowhere/at/all.rec"), INLAY_ERR_IO);
    must(inlay_record_begin(s, path));
    must(inlay_record_end(s));
    must(inlay_session_get_int(s, INLAY_SESSION_MEMORY, &after));
    CHECK_INT(after, before);
    must(inlay_record_begin(s, path)); /* and again, over it */
    must(inlay_record_end(s));
    inlay_session_free(s);
    unlink(path);
    tiny_close(&t);
}

/* A disk that fills up does not disturb the session; the end tells. */
TEST(a_failure_of_any_call_is_told_and_leaves_nothing) {
    static fail_sys f;
    tiny t = tiny_open(NULL, NULL);
    const char *path = temp_path("faults.rec"), *part = temp_path("faults.rec.part");
    for (size_t at = 1;; at++) {
        inlay_options *o = NULL;
        inlay_session *s = NULL;
        int64_t values[N_VALUES];
        int32_t token = 70, begun, ended = INLAY_ERR_STATE, replayed = INLAY_ERR_IO;
        fail_sys_init(&f);
        must(inlay__options_new_with_sys(&f.sys, &o));
        must(inlay_options_set_int(o, INLAY_OPT_CONTEXT, 64));
        must(inlay_options_set_int(o, INLAY_OPT_THREADS, 1));
        must(inlay_session_new(t.model, o, &s));
        unlink(path);
        fail_sys_arm(&f, at, false);
        begun = inlay_record_begin(s, path);
        for (int i = 0; i < 40; i++) must(inlay_eval(s, &token, 1));
        if (begun == INLAY_OK) ended = inlay_record_end(s);
        if (ended == INLAY_OK) replayed = inlay_replay(t.model, path, o, values, N_VALUES);
        size_t n_failed = atomic_load(&f.n_failed);
        fail_sys_arm(&f, 0, false);
        CHECK(begun == INLAY_OK || begun == INLAY_ERR_MEMORY || begun == INLAY_ERR_IO);
        CHECK(ended == INLAY_OK || ended == INLAY_ERR_STATE || ended == INLAY_ERR_IO);
        CHECK((ended == INLAY_OK) == is_there(path) && !is_there(part));
        inlay_session_free(s);
        inlay_options_free(o);
        CHECK(fail_sys_is_clean(&f));
        if (n_failed == 0) {
            CHECK_INT(replayed, INLAY_OK);
            CHECK(at > 8);
            break;
        }
        CHECK(replayed != INLAY_OK);
    }
    unlink(path);
    tiny_close(&t);
}

static int32_t cancel_at(void *user, uint64_t done, uint64_t total) {
    int *left = user;
    CHECK(done <= total);
    return --*left == 0;
}

TEST(a_replay_is_cancelled_at_every_call_of_progress) {
    tiny t = tiny_open(NULL, NULL);
    size_t size;
    uint8_t *bytes = small_recording(t.model, &size);
    const char *path = temp_file("cancelled.rec", bytes, size);
    accounting a;
    inlay_options *o;
    accounting_init(&a);
    must(inlay__options_new_with_sys(&a.sys, &o));
    int n = 0;
    for (int at = 1;; at++, n++) {
        int left = at;
        must(inlay_options_set_progress(o, cancel_at, &left));
        int32_t status = inlay_replay(t.model, path, o, NULL, 0);
        CHECK_INT(a.n_live, 1);
        if (status == INLAY_OK) break;
        CHECK_INT(status, INLAY_ERR_CANCELLED);
    }
    CHECK(n > 8);
    inlay_options_free(o);
    free(bytes);
    tiny_close(&t);
}

TEST_MAIN(CASE(a_recording_at_scalar_level_comes_out_equal_at_every_level_and_thread_count),
          CASE(the_packed_file_of_a_model_is_the_same_model), CASE(words_that_follow_words_are_recorded_as_any_model),
          CASE(what_an_encoder_gave_is_recorded_too), CASE(a_recording_begins_where_the_session_stands),
          CASE(another_token_is_told_with_its_place_and_both_hashes),
          CASE(another_model_another_arithmetic_and_another_cpu_are_told),
          CASE(a_cut_recording_is_an_error_wherever_it_is_cut), CASE(every_changed_bit_is_an_error_or_told),
          CASE(a_recorded_session_is_no_larger_than_the_options_allow),
          CASE(a_session_that_is_freed_leaves_no_recording), CASE(a_failure_of_any_call_is_told_and_leaves_nothing),
          CASE(a_replay_is_cancelled_at_every_call_of_progress))
