/* Packing while a model opens: which matrices, the same bytes on any number of threads, the same bits as unpacked rows,
 * progress, and the file's pages let go. */
#include "test.h"

#include <math.h>
#include <pthread.h>

#include "model/pack_model.h"
#include "support/check_kernels.h"
#include "support/temp_file.h"
#include "support/tiny_network.h"

/* ThreadSanitizer makes scalar products some fifty times slower: there a few types stand for all. */
#ifdef __SANITIZE_THREAD__
enum { TYPES_STEP = 7 };
#else
enum { TYPES_STEP = 1 };
#endif

enum { N_TOKENS = 20, MAX_MATRICES = 64 };

/* All matrices, the embedding and the head last. */
static size_t matrices_of(const inlay__model *m, const inlay__matrix **out) {
    for (size_t i = 0; i + 1 < m->n_matrices; i++) out[i] = m->matrices[i];
    out[m->n_matrices - 1] = &m->token_embd;
    out[m->n_matrices] = &m->head.output.matrix;
    return m->n_matrices + 1;
}

static inlay__model_config config_of(inlay__cpu level, size_t n_threads) {
    inlay__model_config config = tiny_network_config();
    config.cpu = level;
    config.n_threads = n_threads;
    return config;
}

/* Of one type throughout; rows that fill no panel, and more of them than one thread takes at once. */
static tiny_params of_type(uint32_t type, bool tied) {
    tiny_params p = tiny_defaults();
    p.matrix_type = p.embedding_type = type;
    p.n_embd = 256;
    p.n_ff = 768;
    p.n_vocab = 701;
    p.n_layer = 1;
    p.tied = tied;
    return p;
}

TEST(matrices_are_packed_where_the_level_has_a_kernel_and_a_separate_embedding_never) {
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        for (size_t i = 0; i < 2 * n_file_types; i += TYPES_STEP) {
            const inlay__matrix *all[MAX_MATRICES];
            tiny_params p = of_type(product_types[i / 2], i % 2 == 0);
            inlay__model_config config = config_of((inlay__cpu)level, 2);
            tiny_network t = tiny_network_open(&p, &config);
            bool has = t.model->kernels.product_packed[p.matrix_type] != NULL;
            size_t n = matrices_of(t.model, all);
            for (size_t k = 0; k < n; k++) {
                bool in_file = all[k]->data >= t.data && all[k]->data < t.data + t.size;
                bool packed = has && (all[k] != &t.model->token_embd || p.tied);
                CHECK_INT(all[k]->packed, packed);
                CHECK_INT(in_file, !packed);
            }
            tiny_network_close(&t);
        }
    }
}

TEST(any_number_of_threads_packs_the_same_bytes) {
    for (size_t i = 0; i < n_file_types; i += TYPES_STEP) {
        const inlay__matrix *one[MAX_MATRICES], *many[MAX_MATRICES];
        tiny_params p = of_type(product_types[i], true);
        inlay__model_config config = config_of(inlay__cpu_best(), 1);
        tiny_network a = tiny_network_open(&p, &config);
        config.n_threads = 5;
        tiny_network b = tiny_network_open(&p, &config);
        size_t n = matrices_of(a.model, one);
        CHECK_INT(matrices_of(b.model, many), n);
        for (size_t k = 0; k < n; k++) {
            size_t n_rows = one[k]->packed ? inlay__round_up(one[k]->n_rows, INLAY__LANES) : one[k]->n_rows;
            CHECK(one[k]->row_size == many[k]->row_size && one[k]->packed == many[k]->packed);
            CHECK(memcmp(one[k]->data, many[k]->data, n_rows * one[k]->row_size) == 0);
        }
        tiny_network_close(&a);
        tiny_network_close(&b);
    }
}

static float *rows_of(const inlay__model *model, size_t step) {
    int32_t tokens[N_TOKENS];
    for (size_t i = 0; i < N_TOKENS; i++)
        tokens[i] = (int32_t)(i * 211 % model->hparams.n_vocab);
    inlay__decoder *d = tiny_decoder(model, N_TOKENS, N_TOKENS, 2, INLAY_TYPE_F16);
    float *rows = tiny_rows(d, model->hparams.n_vocab, tokens, N_TOKENS, step);
    inlay__decoder_free(d);
    return rows;
}

/* The unpacked model: opened at the scalar level, which packs nothing, then given the other level's kernels. */
TEST(packed_matrices_give_the_bits_of_the_files_rows) {
    for (int level = INLAY__CPU_SCALAR + 1; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        for (size_t i = 0; i < n_file_types; i += TYPES_STEP) {
            const inlay__matrix *all[MAX_MATRICES];
            tiny_params p = of_type(product_types[i], i % 2 == 0);
            inlay__model_config packed_config = config_of((inlay__cpu)level, 3),
                                config = config_of(INLAY__CPU_SCALAR, 1);
            tiny_network packed = tiny_network_open(&p, &packed_config), rows = tiny_network_open(&p, &config);
            size_t n = matrices_of(rows.model, all);
            for (size_t k = 0; k < n; k++)
                CHECK(!all[k]->packed);
            inlay__kernels_init(&rows.model->kernels, (inlay__cpu)level);
            for (size_t step = 1; step <= N_TOKENS; step += N_TOKENS - 1) { /* one column, and many */
                float *found = rows_of(packed.model, step), *expected = rows_of(rows.model, step);
                CHECK(same_floats("packed", &packed.model->kernels, found, expected, N_TOKENS * p.n_vocab));
                CHECK(isfinite(expected[0]));
                free(found);
                free(expected);
            }
            tiny_network_close(&packed);
            tiny_network_close(&rows);
        }
    }
}

/* ----------------------------------------------------------------- packed in use */

static tiny_network open_to_pack_in_use(const tiny_params *p, inlay__cpu level) {
    inlay__model_config config = config_of(level, 2);
    config.pack = INLAY_PACK_AUTO;
    return tiny_network_open(p, &config);
}

TEST(a_model_that_is_packed_in_use_gives_the_same_bits_before_and_after) {
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        for (size_t i = 0; i < n_file_types; i++) {
            /* The best level takes every type, the others one of each kind. */
            if (level != (int)inlay__cpu_best() && product_types[i] != INLAY_TYPE_Q8_0 &&
                product_types[i] != INLAY_TYPE_Q4_K)
                continue;
            tiny_params p = of_type(product_types[i], i % 2 == 0);
            inlay__model_config config = config_of((inlay__cpu)level, 2);
            tiny_network used = open_to_pack_in_use(&p, (inlay__cpu)level), expected = tiny_network_open(&p, &config);
            bool has = used.model->kernels.product_packed[p.matrix_type] != NULL;
            CHECK_INT(used.model->packing != NULL, has);
            float *of_used = rows_of(used.model, 1), *again = rows_of(used.model, N_TOKENS),
                  *of_expected = rows_of(expected.model, 1);
            CHECK(same_floats("packed in use", &used.model->kernels, of_used, of_expected, N_TOKENS * p.n_vocab));
            CHECK(same_floats("packed before", &used.model->kernels, again, of_expected, N_TOKENS * p.n_vocab));
            if (has) CHECK_INT(atomic_load(&used.model->packing->ready), 1);
            free(of_used);
            free(again);
            free(of_expected);
            tiny_network_close(&used);
            tiny_network_close(&expected);
        }
    }
}

TEST(a_few_tokens_do_not_pack_a_model_and_a_prompt_does_so_at_once) {
    tiny_params p = of_type(INLAY_TYPE_Q8_0, true);
    tiny_network t = open_to_pack_in_use(&p, inlay__cpu_best());
    inlay__decoder *d = tiny_decoder(t.model, 64, 32, 2, INLAY_TYPE_F16);
    int32_t tokens[16] = {1, 2, 3};
    if (t.model->packing == NULL) SKIP("this machine has no kernel for panels of Q8_0");
    for (int i = 0; i < 8; i++) CHECK_INT(tiny_decode(d, tokens, 1, NULL), INLAY_OK);
    CHECK_INT(atomic_load(&t.model->packing->ready), 0);
    CHECK_INT(tiny_decode(d, tokens, 1, NULL), INLAY_OK);
    CHECK_INT(atomic_load(&t.model->packing->ready), 1);
    inlay__decoder_free(d);
    tiny_network_close(&t);
    t = open_to_pack_in_use(&p, inlay__cpu_best());
    d = tiny_decoder(t.model, 64, 32, 2, INLAY_TYPE_F16);
    CHECK_INT(tiny_decode(d, tokens, 16, NULL), INLAY_OK);
    CHECK_INT(atomic_load(&t.model->packing->ready), 1);
    inlay__decoder_free(d);
    tiny_network_close(&t);
}

TEST(packing_that_is_cancelled_leaves_the_sequence_and_is_done_the_next_time) {
    tiny_params p = of_type(INLAY_TYPE_Q4_0, true);
    tiny_network t = open_to_pack_in_use(&p, inlay__cpu_best());
    inlay__decoder *d = tiny_decoder(t.model, 64, 32, 2, INLAY_TYPE_F16);
    int32_t tokens[16] = {1, 2, 3};
    atomic_int cancel = 1;
    inlay__eval_hooks hooks = {&cancel, NULL, NULL};
    if (t.model->packing == NULL) SKIP("this machine has no kernel for panels of Q4_0");
    CHECK_INT(inlay__decoder_eval(d, &(inlay__run){0, tokens, 16}, 1, NULL, &hooks), INLAY_ERR_CANCELLED);
    CHECK_INT(inlay__decoder_length(d, 0), 0);
    CHECK_INT(atomic_load(&t.model->packing->ready), 0);
    CHECK_INT(tiny_decode(d, tokens, 16, NULL), INLAY_OK);
    CHECK_INT(atomic_load(&t.model->packing->ready), 1);
    inlay__decoder_free(d);
    tiny_network_close(&t);
}

static void *run_session(void *model) { return rows_of(model, 3); }

TEST(sessions_that_meet_while_one_of_them_packs_give_the_same_bits) {
    enum { N_SESSIONS = 4 };
    tiny_params p = of_type(INLAY_TYPE_Q4_K, true);
    p.n_layer = 4;
    inlay__model_config config = config_of(inlay__cpu_best(), 2);
    tiny_network reference = tiny_network_open(&p, &config);
    float *expected = rows_of(reference.model, 1);
    for (int round = 0; round < 5; round++) {
        tiny_network t = open_to_pack_in_use(&p, inlay__cpu_best());
        pthread_t threads[N_SESSIONS];
        for (int i = 0; i < N_SESSIONS; i++) CHECK_INT(pthread_create(&threads[i], NULL, run_session, t.model), 0);
        for (int i = 0; i < N_SESSIONS; i++) {
            void *found;
            pthread_join(threads[i], &found);
            CHECK(same_floats("together", &t.model->kernels, found, expected, N_TOKENS * p.n_vocab));
            free(found);
        }
        tiny_network_close(&t);
    }
    free(expected);
    tiny_network_close(&reference);
}

/* ---------------------------------------------------------------------- progress */

typedef struct told {
    int n_calls, cancel_at;
    uint64_t done, total;
    bool rises;
} told;

static int32_t on_progress(void *user, uint64_t done, uint64_t total) {
    told *t = user;
    t->rises = t->rises && done >= t->done && done <= total;
    t->done = done;
    t->total = total;
    return ++t->n_calls == t->cancel_at;
}

TEST(progress_is_told_for_each_layer_in_bytes_of_the_file) {
    static const int types[] = {INLAY_TYPE_F32, INLAY_TYPE_Q4_0};
    for (int i = 0; i < 4; i++) {
        tiny_params p = of_type((uint32_t)types[i % 2], i < 2);
        told t = {.rises = true};
        inlay__model_config config = tiny_network_config();
        p.n_layer = 5;
        tiny_network n = tiny_network_open(&p, NULL);
        inlay__progress progress = {.tell = on_progress, .user = &t, .call = "opening", .total = n.size};
        tiny_network_close(&n);
        config.progress = &progress;
        n = tiny_network_open(&p, &config);
        CHECK(t.rises);
        CHECK(t.n_calls >= 2 + 5);
        CHECK(t.done == n.size && t.total == n.size);
        tiny_network_close(&n);
    }
}

/* ------------------------------------------------------------------ pages let go */

typedef struct forgotten {
    const uint8_t *map;
    size_t map_size, n_calls, bytes;
    bool inside; /* whole pages of the map, each once */
    uint8_t pages[8192];
} forgotten;

static forgotten seen;

static void *map_and_note(void *user, int fd, uint64_t offset, size_t size) {
    seen.map = inlay__sys_default.file_map(user, fd, offset, size);
    seen.map_size = size;
    return (void *)(uintptr_t)seen.map;
}

static void forget_and_note(void *user, const void *memory, size_t size) {
    size_t begin = (size_t)((const uint8_t *)memory - seen.map);
    seen.inside = seen.inside && (const uint8_t *)memory >= seen.map && begin + size <= seen.map_size &&
                  (begin + size) / 4096 <= sizeof seen.pages;
    for (size_t page = (begin + 4095) / 4096; seen.inside && page < (begin + size) / 4096; page++)
        seen.inside = seen.pages[page]++ == 0;
    seen.n_calls++;
    seen.bytes += size;
    inlay__sys_default.file_forget(user, memory, size);
}

TEST(pages_of_a_mapped_file_are_let_go_as_they_are_packed_and_never_others) {
    static const uint32_t types[] = {INLAY_TYPE_Q4_0, INLAY_TYPE_Q8_0, INLAY_TYPE_Q4_K, INLAY_TYPE_Q8_0};
    inlay__kernels kernels;
    inlay__kernels_init(&kernels, inlay__cpu_best());
    for (size_t i = 0; i < 4; i++) {
        tiny_params p = of_type(types[i], true);
        if (i == 3) { /* 19 MB: more than are packed between two calls */
            p.n_vocab = 18000;
            p.n_embd = 1024;
            p.n_ff = 32;
        }
        inlay__sys sys = inlay__sys_default;
        inlay__weights weights;
        inlay__model *model = NULL;
        inlay__model_config config = tiny_network_config();
        tiny_network lent = tiny_network_open(&p, NULL);
        const char *path = temp_file("pack.gguf", lent.data, lent.size);
        sys.file_map = map_and_note;
        sys.file_forget = forget_and_note;
        seen = (forgotten){.inside = true};
        CHECK_INT(inlay__weights_open(&sys, INLAY__PATH(path, INLAY_LOAD_MAP), &weights), INLAY_OK);
        CHECK_INT(inlay__model_new(&sys, &weights, &config, &model), INLAY_OK);
        CHECK(seen.inside);
        if (kernels.product_packed[types[i]] != NULL) CHECK(seen.n_calls >= 8 && seen.bytes > lent.size / 2);
        if (kernels.product_packed[types[i]] == NULL) CHECK_INT(seen.n_calls, 0);
        float *found = rows_of(model, N_TOKENS), *expected = rows_of(lent.model, N_TOKENS);
        CHECK(same_floats("from a map", &kernels, found, expected, N_TOKENS * p.n_vocab));
        free(found);
        free(expected);
        inlay__model_free(model);
        inlay__weights_close(&weights);
        tiny_network_close(&lent);
    }
}

TEST_MAIN(CASE(a_model_that_is_packed_in_use_gives_the_same_bits_before_and_after),
          CASE(a_few_tokens_do_not_pack_a_model_and_a_prompt_does_so_at_once),
          CASE(packing_that_is_cancelled_leaves_the_sequence_and_is_done_the_next_time),
          CASE(sessions_that_meet_while_one_of_them_packs_give_the_same_bits),
          CASE(matrices_are_packed_where_the_level_has_a_kernel_and_a_separate_embedding_never),
          CASE(any_number_of_threads_packs_the_same_bytes), CASE(packed_matrices_give_the_bits_of_the_files_rows),
          CASE(progress_is_told_for_each_layer_in_bytes_of_the_file),
          CASE(pages_of_a_mapped_file_are_let_go_as_they_are_packed_and_never_others))
