/* A model is the same model however it is opened: mapped, copied, from memory, out of another file at any offset, or
 * read through a function; and what goes wrong on any of these ways is an error that leaves nothing. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "api/handles.h"
#include "support/accounting_sys.h"
#include "support/temp_file.h"
#include "support/tiny_family.h"
#include "support/tiny_ngram.h"
#include "support/tiny_open.h"
#include "support/tiny_seq2seq.h"

#ifndef O_BINARY /* what Windows asks for */
#  define O_BINARY 0
#endif

enum { N_TOKENS = 20 };

/* ---------------------------------------------------------------- a file to read */

/* Serves a file from memory as a host's file system would, well or badly. */
typedef struct server {
    const uint8_t *data;
    size_t size;
    size_t most;           /* bytes a call gives; 0: all that it is asked for */
    size_t n_calls, fail_at; /* the call that fails, 1 for the first */
    int64_t answer;        /* of the call that fails */
    size_t read;           /* bytes given in all */
    pthread_t thread;
    bool strange;          /* it was called on another thread, or beyond the size, or when nobody should */
    bool closed;
} server;

static server serve(const uint8_t *data, size_t size) {
    return (server){.data = data, .size = size, .thread = pthread_self()};
}

static int64_t read_at(void *user, void *buffer, size_t size, uint64_t offset) {
    server *s = user;
    s->n_calls++;
    if (s->closed || size == 0 || !pthread_equal(s->thread, pthread_self())) s->strange = true;
    if (s->n_calls == s->fail_at) return s->answer;
    if (offset >= s->size) return 0;
    if (size > s->size - offset) size = s->size - (size_t)offset;
    if (s->most > 0 && size > s->most) size = 1 + s->n_calls % s->most;
    memcpy(buffer, s->data + offset, size);
    s->read += size;
    return (int64_t)size;
}

/* --------------------------------------------------------------------- the ways */

typedef enum way {
    MAPPED,
    COPIED,
    MEMORY,
    ODD_MEMORY,
    FD_0,
    FD_1,
    FD_7,
    FD_PAGE,
    FD_COPIED,
    FD_END,
    READ,
    READ_SHORT,
    N_WAYS
} way;

static const char *const way_names[N_WAYS] = {"mapped",    "copied",        "memory",  "odd memory",
                                              "fd at 0",   "fd at 1",       "fd at 7", "fd at 4099",
                                              "fd copied", "fd to the end", "read",    "read, short"};

/* What a way holds on to while the model is open. */
typedef struct opened {
    inlay_model *model;
    uint8_t *memory;
    server server;
} opened;

/* A file that has others before and after. */
static int open_archive(const uint8_t *data, size_t size, size_t before, size_t after) {
    uint8_t *bytes = malloc(before + size + after);
    if (bytes == NULL) exit(2);
    memset(bytes, 0xee, before + size + after);
    memcpy(bytes + before, data, size);
    int fd = open(temp_file("outer.pak", bytes, before + size + after), O_RDONLY | O_BINARY);
    free(bytes);
    return fd;
}

static int32_t open_fd(way w, const uint8_t *data, size_t size, inlay_options *o, inlay_model **model) {
    size_t before = w == FD_1 ? 1 : w == FD_7 || w == FD_COPIED ? 7 : w == FD_PAGE ? 4099 : w == FD_END ? 77777 : 0;
    int fd = open_archive(data, size, before, w == FD_END ? 0 : 5000);
    CHECK_INT(inlay_options_set_int(o, INLAY_OPT_LOAD, w == FD_COPIED ? INLAY_LOAD_COPY : INLAY_LOAD_MAP), INLAY_OK);
    int32_t status = inlay_model_open_fd(fd, before, w == FD_END ? INLAY_TO_END : size, o, model);
    CHECK_INT(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
    return status;
}

static int32_t open_by(way w, const uint8_t *data, size_t size, inlay_options *o, opened *x) {
    *x = (opened){.server = serve(data, size)};
    switch (w) {
    case MAPPED:
    case COPIED:
        CHECK_INT(inlay_options_set_int(o, INLAY_OPT_LOAD, w == MAPPED ? INLAY_LOAD_MAP : INLAY_LOAD_COPY), INLAY_OK);
        return inlay_model_open(temp_file("whole.gguf", data, size), o, &x->model);
    case MEMORY: return inlay_model_open_memory(data, size, o, &x->model);
    case ODD_MEMORY:
        x->memory = malloc(size + 1);
        if (x->memory == NULL) exit(2);
        memcpy(x->memory + 1, data, size);
        return inlay_model_open_memory(x->memory + 1, size, o, &x->model);
    case READ_SHORT: x->server.most = 1 + size / 40; /* fall through */
    case READ: return inlay_model_open_read(read_at, &x->server, size, o, &x->model);
    default: return open_fd(w, data, size, o, &x->model);
    }
}

static void close_way(opened *x) {
    inlay_model_free(x->model);
    free(x->memory);
}

/* ------------------------------------------------------------------ what it gives */

/* All the floats that a model of any kind makes of some tokens, from malloc. */
static float *floats_of(inlay_model *model, const inlay_options *o, size_t *n) {
    int32_t tokens[N_TOKENS];
    inlay_session *session = NULL;
    int64_t can = 0, n_vocab = 0, start = 0;
    size_t n_tokens, n_embd;
    const float *states;
    CHECK_INT(inlay_session_new(model, o, &session), INLAY_OK);
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_CAPABILITIES, &can), INLAY_OK);
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab), INLAY_OK);
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_TOKEN_START, &start), INLAY_OK);
    for (size_t i = 0; i < N_TOKENS; i++) tokens[i] = (int32_t)((3 + i * 37 + i / 7) % (size_t)n_vocab);
    if (can & INLAY_CAN_ENCODE) {
        CHECK_INT(inlay_encode(session, tokens, N_TOKENS), INLAY_OK);
        CHECK_INT(inlay_hidden_states(session, &states, &n_tokens, &n_embd), INLAY_OK);
        if (!(can & INLAY_CAN_GENERATE)) {
            *n = n_tokens * n_embd;
            float *copy = malloc(*n * sizeof *copy);
            if (copy == NULL) exit(2);
            memcpy(copy, states, *n * sizeof *copy);
            inlay_session_free(session);
            return copy;
        }
        tokens[0] = (int32_t)start;
    }
    *n = N_TOKENS * (size_t)n_vocab;
    float *logits = malloc(*n * sizeof *logits);
    if (logits == NULL) exit(2);
    CHECK_INT(inlay_eval_all(session, tokens, N_TOKENS / 2, logits, *n), INLAY_OK);
    CHECK_INT(inlay_eval_all(session, tokens + N_TOKENS / 2, N_TOKENS / 2, logits + *n / 2, *n / 2), INLAY_OK);
    inlay_session_free(session);
    return logits;
}

static void check_same(const char *what, way w, const float *found, const float *expected, size_t n) {
    if (memcmp(found, expected, n * sizeof *found) == 0) return;
    test_failures++;
    fprintf(stderr, "%s, %s: other bits than from memory\n", what, way_names[w]);
}

/* Every way gives the bits of the one from memory; options are pairs as of tiny_options. */
static void check_ways(const char *what, const uint8_t *data, size_t size, int32_t key, int32_t value,
                       const char *cpu) {
    float *expected = NULL;
    size_t n_expected = 0;
    for (way w = 0; w < N_WAYS; w++) {
        way now = (way)((w + MEMORY) % N_WAYS); /* from memory first */
        inlay_options *o = tiny_options(INLAY_OPT_THREADS, 2, key, value, 0);
        opened x;
        if (cpu != NULL) CHECK_INT(inlay_options_set_string(o, INLAY_OPT_CPU, cpu, INLAY_ALL), INLAY_OK);
        int32_t status = open_by(now, data, size, o, &x);
        if (status != INLAY_OK) fprintf(stderr, "%s, %s: %s\n", what, way_names[now], inlay_error());
        if (!CHECK(status == INLAY_OK)) {
            close_way(&x);
            inlay_options_free(o);
            continue;
        }
        x.server.closed = true;
        size_t n;
        float *found = floats_of(x.model, o, &n);
        if (expected == NULL) {
            expected = found;
            n_expected = n;
        } else if (CHECK(n == n_expected)) {
            check_same(what, now, found, expected, n);
            free(found);
        }
        CHECK(!x.server.strange);
        close_way(&x);
        inlay_options_free(o);
    }
    free(expected);
}

static const struct {
    const char *name;
    uint32_t type, n_embd;
    bool tied;
} kinds[] = {
    {"F32", INLAY_TYPE_F32, 64, true},   {"F16", INLAY_TYPE_F16, 64, false},   {"BF16", INLAY_TYPE_BF16, 64, false},
    {"Q4_0", INLAY_TYPE_Q4_0, 64, true}, {"Q8_0", INLAY_TYPE_Q8_0, 64, false}, {"Q4_K", INLAY_TYPE_Q4_K, 256, true},
    {"Q6_K", INLAY_TYPE_Q6_K, 256, false},
};

static uint8_t *model_of(size_t kind, size_t *size) {
    tiny_params p = tiny_defaults();
    p.matrix_type = kinds[kind].type;
    p.embedding_type = kinds[kind].tied ? kinds[kind].type : INLAY_TYPE_Q8_0;
    p.tied = kinds[kind].tied;
    p.n_embd = kinds[kind].n_embd;
    if (p.n_embd == 256) p.n_ff = 256;
    return tiny_model(&p, size);
}

TEST(every_way_gives_the_same_bits_with_every_type) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t size;
        uint8_t *data = model_of(i, &size);
        check_ways(kinds[i].name, data, size, INLAY_OPT_PACK, INLAY_PACK_AUTO, NULL);
        check_ways(kinds[i].name, data, size, INLAY_OPT_PACK, INLAY_PACK_NEVER, NULL);
        check_ways(kinds[i].name, data, size, INLAY_OPT_PACK, INLAY_PACK_OPEN, "scalar");
        free(data);
    }
}

TEST(every_way_gives_the_same_bits_of_weights_that_are_quantized_while_opening) {
    size_t size;
    uint8_t *data = model_of(1, &size);
    check_ways("F16 as Q8_0", data, size, INLAY_OPT_QUANTIZE, INLAY_TYPE_Q8_0, NULL);
    check_ways("F16 as Q4_0", data, size, INLAY_OPT_QUANTIZE, INLAY_TYPE_Q4_0, NULL);
    free(data);
}

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size);
    if (data == NULL || fread(data, 1, *size, file) != *size) exit(2);
    fclose(file);
    return data;
}

TEST(a_packed_file_opens_every_way) {
    for (size_t i = 3; i < 6; i++) {
        size_t size, packed_size;
        uint8_t *data = model_of(i, &size);
        const char *path = temp_file("rows.gguf", data, size), *packed_path = temp_path("packed.gguf");
        CHECK_INT(inlay_pack_file(path, packed_path, NULL), INLAY_OK);
        uint8_t *packed = read_file(packed_path, &packed_size);
        check_ways("packed", packed, packed_size, INLAY_OPT_PACK, INLAY_PACK_AUTO, NULL);
        free(packed);
        free(data);
        unlink(packed_path);
    }
}

TEST(models_of_every_kind_open_every_way) {
    static const tiny_family families[] = {TINY_BERT, TINY_MODERNBERT};
    size_t size;
    uint8_t *data;
    for (size_t i = 0; i < 2; i++) {
        data = tiny_family_file(&families[i], &size);
        check_ways(families[i].architecture, data, size, INLAY_OPT_CONTEXT, 64, NULL);
        free(data);
    }
    tiny_seq2seq seq2seq[] = {tiny_t5(), tiny_bart()};
    for (size_t i = 0; i < 2; i++) {
        data = tiny_seq2seq_file(&seq2seq[i], &size);
        check_ways(seq2seq[i].architecture, data, size, INLAY_OPT_CONTEXT, 64, NULL);
        free(data);
    }
}

/* ------------------------------------------------------------------- what goes wrong */

static int32_t open_read(server *s, uint64_t size, const inlay_options *o, inlay_model **model) {
    *model = (inlay_model *)(uintptr_t)1;
    int32_t status = inlay_model_open_read(read_at, s, size, o, model);
    CHECK((status == INLAY_OK) == (*model != NULL));
    return status;
}

TEST(a_read_that_fails_anywhere_is_an_error_that_leaves_nothing) {
    static const int64_t answers[] = {-1, 0, INT64_MIN, INT64_MAX, 1 << 30};
    size_t size;
    uint8_t *data = model_of(4, &size);
    accounting a;
    inlay_options *o;
    accounting_init(&a);
    CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
    for (size_t i = 0; i < 5; i++) {
        size_t n_failed = 0;
        for (size_t at = 1;; at++) {
            server s = serve(data, size);
            inlay_model *model;
            s.fail_at = at;
            s.answer = answers[i];
            int32_t status = open_read(&s, size, o, &model);
            inlay_model_free(model);
            CHECK_INT(a.n_live, 1);
            if (status == INLAY_OK) break;
            CHECK_INT(status, INLAY_ERR_IO);
            CHECK_HAS(inlay_error(), "'callback'");
            CHECK_INT(s.n_calls, at);
            n_failed++;
        }
        CHECK(n_failed > 20); /* the head and each tensor */
    }
    inlay_options_free(o);
    free(data);
}

TEST(a_size_that_is_not_the_files_is_an_error) {
    size_t size;
    uint8_t *data = model_of(4, &size);
    inlay_model *model;
    server s = serve(data, size);
    CHECK_INT(open_read(&s, 0, NULL, &model), INLAY_ERR_FORMAT);
    CHECK_INT(s.n_calls, 0);
    CHECK_INT(open_read(&s, UINT64_MAX, NULL, &model), INLAY_ERR_MEMORY);
    CHECK_INT(open_read(&s, (uint64_t)SIZE_MAX / 2 + 1, NULL, &model), INLAY_ERR_MEMORY);
    CHECK_INT(s.n_calls, 0);
    CHECK_INT(open_read(&s, size + 1, NULL, &model), INLAY_ERR_IO); /* all of it is read as a head */
    for (size_t less = 1; less < size; less = less * 3 / 2 + 1) {
        CHECK_INT(open_read(&s, size - less, NULL, &model), INLAY_ERR_FORMAT);
        CHECK_HAS(inlay_error(), "'callback'");
    }
    uint8_t *long_file = calloc(1, size + (4 << 20)); /* more than a head: what follows the tensors is nobody's */
    if (long_file == NULL) exit(2);
    memcpy(long_file, data, size);
    s = serve(long_file, size + (4 << 20));
    CHECK_INT(open_read(&s, s.size, NULL, &model), INLAY_OK);
    inlay_model_free(model);
    free(long_file);
    free(data);
}

TEST(metadata_larger_than_the_head_that_is_read_first_are_read_on) {
    gguf_writer w;
    size_t size, n = 3 << 20;
    tiny_params p = tiny_defaults();
    char *text = malloc(n + 1);
    if (text == NULL) exit(2);
    memset(text, 'x', n);
    text[n] = '\0';
    tiny_metadata(&p, &w);
    gguf_writer_string(&w, "general.description", text);
    tiny_tensors(&p, &w);
    uint8_t *data = gguf_writer_finish(&w, &size);
    check_ways("long metadata", data, size, INLAY_OPT_PACK, INLAY_PACK_AUTO, NULL);
    for (size_t cut = 24; cut < (4 << 20) && cut < size; cut = cut * 2 + 1) {
        inlay_model *model;
        server s = serve(data, cut);
        CHECK_INT(open_read(&s, cut, NULL, &model), INLAY_ERR_FORMAT);
    }
    free(text);
    free(data);
}

TEST(bytes_that_a_descriptor_has_not_are_an_error) {
    size_t size;
    uint8_t *data = model_of(0, &size);
    int fd = open_archive(data, size, 7, 5);
    inlay_model *model = (inlay_model *)(uintptr_t)1;
    CHECK_INT(inlay_model_open_fd(fd, 7, size + 6, NULL, &model), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "descriptor");
    CHECK(model == NULL);
    CHECK_INT(inlay_model_open_fd(fd, size + 13, 1, NULL, &model), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_model_open_fd(fd, UINT64_MAX, 2, NULL, &model), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_model_open_fd(fd, 7, UINT64_MAX - 1, NULL, &model), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_model_open_fd(fd, size + 12, INLAY_TO_END, NULL, &model), INLAY_ERR_FORMAT); /* none are left */
    CHECK_INT(inlay_model_open_fd(fd, 7, 0, NULL, &model), INLAY_ERR_FORMAT);
    CHECK_INT(inlay_model_open_fd(fd, 6, size, NULL, &model), INLAY_ERR_FORMAT);
    CHECK_INT(inlay_model_open_fd(fd, 7, size - 1, NULL, &model), INLAY_ERR_FORMAT);
    close(fd);
    CHECK_INT(inlay_model_open_fd(fd, 7, size, NULL, &model), INLAY_ERR_IO);
#ifndef _WIN32
    int pipes[2];
    if (CHECK(pipe(pipes) == 0)) {
        CHECK_INT(inlay_model_open_fd(pipes[0], 0, size, NULL, &model), INLAY_ERR_IO);
        close(pipes[0]);
        close(pipes[1]);
    }
#endif
    CHECK(model == NULL);
    free(data);
}

TEST(a_part_of_a_split_model_opens_by_its_path_alone) {
    gguf_writer w;
    size_t size;
    tiny_params p = tiny_defaults();
    inlay_model *model;
    tiny_metadata(&p, &w);
    gguf_writer_u16(&w, "split.no", 0);
    gguf_writer_u16(&w, "split.count", 2);
    tiny_tensors(&p, &w);
    uint8_t *data = gguf_writer_finish(&w, &size);
    int fd = open_archive(data, size, 3, 0);
    server s = serve(data, size);
    CHECK_INT(inlay_model_open_fd(fd, 3, size, NULL, &model), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_error(), "split model");
    CHECK_INT(open_read(&s, size, NULL, &model), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_error(), "split model");
    close(fd);
    free(data);
}

/* --------------------------------------------------------------- progress and cancel */

typedef struct told {
    int n_calls, cancel_at;
    uint64_t done, total;
    bool rises;
} told;

static int32_t on_progress(void *user, uint64_t done, uint64_t total) {
    told *t = user;
    t->rises = t->rises && done >= t->done && done <= total && (t->total == 0 || t->total == total);
    t->done = done;
    t->total = total;
    return ++t->n_calls == t->cancel_at;
}

TEST(progress_rises_to_the_whole_and_cancels_at_every_call_whatever_the_way) {
    size_t size;
    uint8_t *data = model_of(4, &size);
    for (way w = 0; w < N_WAYS; w++)
        for (int pack = INLAY_PACK_AUTO; pack <= INLAY_PACK_OPEN; pack++) {
            accounting a;
            inlay_options *o;
            accounting_init(&a);
            CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
            CHECK_INT(inlay_options_set_int(o, INLAY_OPT_PACK, pack), INLAY_OK);
            int n_cancelled = 0;
            for (int at = 1;; at++) {
                told t = {.rises = true, .cancel_at = at};
                opened x;
                inlay_options_set_progress(o, on_progress, &t);
                int32_t status = open_by(w, data, size, o, &x);
                close_way(&x);
                CHECK(t.rises);
                CHECK_INT(a.n_live, 1);
                if (status == INLAY_OK) {
                    CHECK(t.done == t.total && t.total == (w == COPIED || w == FD_COPIED ? 2 * size : size));
                    break;
                }
                CHECK_INT(status, INLAY_ERR_CANCELLED);
                CHECK_HAS(inlay_error(), "opening was cancelled");
                CHECK_INT(t.n_calls, at);
                n_cancelled++;
            }
            CHECK(n_cancelled > 10);
            inlay_options_free(o);
            CHECK_INT(a.live, 0);
        }
    free(data);
}

/* Copies of files come in steps of some MiB, between which there is time to stop. */
TEST(a_large_copy_is_cancelled_between_its_steps) {
    size_t size, more = 20 << 20;
    uint8_t *data = model_of(0, &size);
    uint8_t *large = calloc(1, size + more);
    if (large == NULL) exit(2);
    memcpy(large, data, size);
    const char *path = temp_file("large.gguf", large, size + more);
    for (int at = 1; at <= 5; at++) {
        told t = {.rises = true, .cancel_at = at};
        inlay_options *o = tiny_options(INLAY_OPT_LOAD, INLAY_LOAD_COPY, 0);
        inlay_model *model;
        inlay_options_set_progress(o, on_progress, &t);
        CHECK_INT(inlay_model_open(path, o, &model), INLAY_ERR_CANCELLED);
        CHECK(t.done == (uint64_t)at * (4 << 20));
        inlay_options_free(o);
    }
    unlink(path);
    free(large);
    free(data);
}

/* ----------------------------------------------------------------------------- memory */

static int32_t plan_by(way w, const uint8_t *data, size_t size, const inlay_options *o, int64_t *planned) {
    server s = serve(data, size);
    if (w == READ) return inlay_plan_read(read_at, &s, size, o, planned, INLAY_PLAN_PEAK + 1);
    int fd = open_archive(data, size, 4099, 5000);
    int32_t status = inlay_plan_fd(fd, 4099, size, o, planned, INLAY_PLAN_PEAK + 1);
    close(fd);
    return status;
}

TEST(what_opening_takes_is_planned_to_the_byte) {
    static const int32_t settings[][2] = {{INLAY_OPT_PACK, INLAY_PACK_AUTO},
                                          {INLAY_OPT_PACK, INLAY_PACK_NEVER},
                                          {INLAY_OPT_PACK, INLAY_PACK_OPEN},
                                          {INLAY_OPT_QUANTIZE, INLAY_TYPE_Q8_0},
                                          {INLAY_OPT_VOCAB_ONLY, 1}};
    static const way ways[] = {FD_PAGE, FD_COPIED, READ};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (size_t k = 0; k < 3 * 5; k++) {
            size_t size;
            uint8_t *data = model_of(i, &size);
            accounting a;
            inlay_options *o;
            inlay_session *session = NULL;
            opened x;
            int64_t planned[INLAY_PLAN_PEAK + 1];
            way w = ways[k % 3];
            accounting_init(&a);
            CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
            CHECK_INT(inlay_options_set_int(o, settings[k / 3][0], settings[k / 3][1]), INLAY_OK);
            CHECK_INT(inlay_options_set_int(o, INLAY_OPT_LOAD, w == FD_COPIED ? INLAY_LOAD_COPY : INLAY_LOAD_MAP),
                      INLAY_OK);
            size_t before = a.live, n_allocs = a.n_allocs;
            CHECK_INT(plan_by(w, data, size, o, planned), INLAY_OK);
            CHECK_INT(a.n_allocs, n_allocs);
            a.peak = a.live;
            CHECK_INT(open_by(w, data, size, o, &x), INLAY_OK);
            CHECK_INT(a.live - before, planned[INLAY_PLAN_MODEL]);
            CHECK_INT(a.peak - before, planned[INLAY_PLAN_OPENING]);
            CHECK_INT(planned[INLAY_PLAN_MAPPED], w == FD_PAGE ? size : 0);
            if (k / 3 != 4) CHECK_INT(inlay_session_new(x.model, o, &session), INLAY_OK);
            CHECK_INT(a.peak - before, planned[INLAY_PLAN_PEAK]);
            inlay_session_free(session);
            close_way(&x);
            inlay_options_free(o);
            CHECK_INT(a.live, 0);
            free(data);
        }
}

/* While it opens, too, a model that is read takes no more than its weights as they will be and a piece of 16 MiB. */
TEST(a_file_that_is_read_is_never_in_memory_twice) {
    enum { PIECE = 17 << 20, TABLES = 8 << 20 };
    tiny_params p = tiny_defaults();
    p.n_vocab = 18000;
    p.n_embd = 2048;
    p.n_head = 8;
    p.n_head_kv = 8;
    p.n_layer = 1;
    p.n_ff = 64;
    p.matrix_type = p.embedding_type = INLAY_TYPE_Q8_0;
    size_t size;
    uint8_t *data = tiny_model(&p, &size); /* 60 MB */
    for (int pack = INLAY_PACK_AUTO; pack <= INLAY_PACK_NEVER; pack++) {
        accounting a;
        inlay_options *o;
        inlay_model *model;
        server s = serve(data, size);
        accounting_init(&a);
        CHECK_INT(inlay__options_new_with_sys(&a.sys, &o), INLAY_OK);
        CHECK_INT(inlay_options_set_int(o, INLAY_OPT_PACK, pack), INLAY_OK);
        CHECK_INT(open_read(&s, size, o, &model), INLAY_OK);
        CHECK(a.peak < size + size / 8 + PIECE + TABLES);
        CHECK(a.live < size + size / 8 + TABLES);
        CHECK(s.read < size + (2 << 20)); /* nor is it read twice, but for what of the head is no metadata */
        inlay_model_free(model);
        inlay_options_free(o);
    }
    free(data);
}

TEST(a_change_of_the_outer_file_is_noticed) {
    size_t size;
    uint8_t *data = model_of(0, &size);
    const char *path = temp_file("changing.pak", data, size);
    int fd = open(path, O_RDWR | O_BINARY);
    inlay_options *o = tiny_options(INLAY_OPT_LOAD, INLAY_LOAD_MAP, 0);
    inlay_model *model;
    inlay_session *session;
    int32_t token = TINY_FIRST_BYTE;
    CHECK_INT(inlay_model_open_fd(fd, 0, size, o, &model), INLAY_OK);
    CHECK_INT(inlay_session_new(model, NULL, &session), INLAY_OK);
    CHECK_INT(inlay_eval(session, &token, 1), INLAY_OK);
    CHECK(lseek(fd, 0, SEEK_END) > 0 && write(fd, "more", 4) == 4);
    close(fd);
    CHECK_INT(inlay_eval(session, &token, 1), INLAY_ERR_CHANGED);
    CHECK_HAS(inlay_error(), "descriptor");
    inlay_session_free(session);
    inlay_model_free(model);
    inlay_options_free(o);
    free(data);
}

TEST_MAIN(CASE(every_way_gives_the_same_bits_with_every_type),
          CASE(every_way_gives_the_same_bits_of_weights_that_are_quantized_while_opening),
          CASE(a_packed_file_opens_every_way), CASE(models_of_every_kind_open_every_way),
          CASE(a_read_that_fails_anywhere_is_an_error_that_leaves_nothing),
          CASE(a_size_that_is_not_the_files_is_an_error),
          CASE(metadata_larger_than_the_head_that_is_read_first_are_read_on),
          CASE(bytes_that_a_descriptor_has_not_are_an_error), CASE(a_part_of_a_split_model_opens_by_its_path_alone),
          CASE(progress_rises_to_the_whole_and_cancels_at_every_call_whatever_the_way),
          CASE(a_large_copy_is_cancelled_between_its_steps), CASE(what_opening_takes_is_planned_to_the_byte),
          CASE(a_file_that_is_read_is_never_in_memory_twice), CASE(a_change_of_the_outer_file_is_noticed))
