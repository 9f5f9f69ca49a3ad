/* One sequence: cut into any calls and batches on any threads it has the same bits, in every architecture and across
 * windows and blocks of keys; what fails or is cut off leaves no trace. */
#include "test.h"

#include <math.h>

#include "model/decoder_state.h"
#include "support/accounting_sys.h"
#include "support/tiny_network.h"

enum { N_LONG = 300 }; /* more than a block of 256 keys */

static void fill_tokens(int32_t *tokens, size_t n, size_t n_vocab) {
    for (size_t i = 0; i < n; i++)
        tokens[i] = (int32_t)((i * 37 + i * i / 5) % n_vocab);
}

static void check_rows(const float *found, const float *expected, size_t n, const char *what) {
    if (memcmp(found, expected, n * sizeof *found) == 0) return;
    test_failures++;
    fprintf(stderr, "the logits differ: %s\n", what);
}

/* Whether all values of positions [begin, end) are zero, as kernels want of what no one has written. */
static bool values_are_zero(const inlay__decoder *d, size_t begin, size_t end) {
    const inlay__kv_cache *cache = &d->caches[INLAY__WHOLE];
    size_t row = cache->row_size;
    for (size_t i = 0; i < cache->n_layer * cache->n_head_kv; i++) {
        for (size_t position = begin; position < end; position++) {
            size_t page = d->sequences[0].pages[INLAY__WHOLE].list[position / cache->n_block];
            const uint8_t *values = inlay__kv_cache_values(cache, i / cache->n_head_kv, i % cache->n_head_kv, page);
            for (size_t k = 0; k < row; k++)
                if (values[position % INLAY__KEY_BLOCK * row + k] != 0) return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------- same bits */

TEST(calls_batches_and_threads_change_no_bit_in_any_architecture) {
    static const size_t cuts[][3] = {/* of a call, of a batch, threads */
                                     {2, 2, 1},   {3, 64, 3},    {4, 5, 2},       {5, 5, 1},
                                     {13, 12, 4}, {256, 300, 3}, {N_LONG, 37, 2}, {N_LONG, N_LONG, 8}};
    static const uint32_t types[] = {INLAY_TYPE_F32, INLAY_TYPE_Q8_0, INLAY_TYPE_F16};
    int32_t tokens[N_LONG];
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        p.matrix_type = types[i];
        tiny_network n = tiny_network_open(&p, NULL);
        fill_tokens(tokens, N_LONG, p.n_vocab);
        for (uint32_t cache = INLAY_TYPE_F32; cache <= INLAY_TYPE_F16; cache++) {
            inlay__decoder *one = tiny_decoder(n.model, N_LONG, 1, 1, cache);
            float *expected = tiny_rows(one, p.n_vocab, tokens, N_LONG, 1);
            inlay__decoder_free(one);
            for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
                char what[100];
                inlay__decoder *d = tiny_decoder(n.model, N_LONG, cuts[k][1], cuts[k][2], cache);
                snprintf(what, sizeof what, "%s, calls of %zu, batches of %zu, %zu threads", p.architecture, cuts[k][0],
                         cuts[k][1], cuts[k][2]);
                float *found = tiny_rows(d, p.n_vocab, tokens, N_LONG, cuts[k][0]);
                check_rows(found, expected, N_LONG * p.n_vocab, what);
                check_rows(inlay__decoder_logits(d, 0), expected + (N_LONG - 1) * p.n_vocab, p.n_vocab, "the last row");
                inlay__decoder_truncate(d, 0, 0);
                CHECK_INT(tiny_decode(d, tokens, N_LONG, NULL), INLAY_OK); /* without rows, over a used cache */
                check_rows(inlay__decoder_logits(d, 0), expected + (N_LONG - 1) * p.n_vocab, p.n_vocab, what);
                free(found);
                inlay__decoder_free(d);
            }
            free(expected);
        }
        tiny_network_close(&n);
    }
}

/* ------------------------------------------------------------------- shortening */

TEST(a_shortened_sequence_goes_on_as_if_the_rest_had_never_been) {
    static const size_t lengths[] = {0, 1, 15, 16, 21, 40, 255, 256, 257, 299};
    int32_t tokens[N_LONG], other[30];
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        tiny_network n = tiny_network_open(&p, NULL);
        inlay__decoder *d = tiny_decoder(n.model, N_LONG + 30, 64, 2, INLAY_TYPE_F16);
        inlay__decoder *fresh = tiny_decoder(n.model, N_LONG + 30, 32, 2, INLAY_TYPE_F16);
        fill_tokens(tokens, N_LONG, p.n_vocab);
        for (size_t k = 0; k < 30; k++)
            other[k] = (int32_t)(p.n_vocab - 1 - k);
        for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
            inlay__decoder_truncate(d, 0, 0);
            CHECK_INT(tiny_decode(d, tokens, N_LONG, NULL), INLAY_OK);
            inlay__decoder_truncate(d, 0, lengths[k]);
            CHECK_INT(inlay__decoder_length(d, 0), lengths[k]);
            CHECK(inlay__decoder_logits(d, 0) == NULL);
            inlay__decoder_truncate(fresh, 0, 0);
            if (lengths[k] > 0) CHECK_INT(tiny_decode(fresh, tokens, lengths[k], NULL), INLAY_OK);
            float *found = tiny_rows(d, p.n_vocab, other, 30, 30),
                  *expected = tiny_rows(fresh, p.n_vocab, other, 30, 7);
            check_rows(found, expected, 30 * p.n_vocab, "after shortening");
            free(found);
            free(expected);
        }
        inlay__decoder_truncate(d, 0, inlay__decoder_length(d, 0)); /* to what it is */
        CHECK(inlay__decoder_logits(d, 0) != NULL);
        inlay__decoder_free(d);
        inlay__decoder_free(fresh);
        tiny_network_close(&n);
    }
}

/* ---------------------------------------------------------------------- failures */

/* Where an evaluation failed, the next has the bits that it would have had without it. */
typedef struct failed_case {
    tiny_network n;
    inlay__decoder *d;
    int32_t tokens[60];
    float *expected; /* of all 60 */
    float before[320];
} failed_case;

static void begin_case(failed_case *c, const tiny_params *p) {
    c->n = tiny_network_open(p, NULL);
    fill_tokens(c->tokens, 60, 200);
    inlay__decoder *one = tiny_decoder(c->n.model, 60, 1, 1, INLAY_TYPE_F16);
    c->expected = tiny_rows(one, p->n_vocab, c->tokens, 60, 1);
    inlay__decoder_free(one);
    c->d = tiny_decoder(c->n.model, 60, 8, 2, INLAY_TYPE_F16);
    CHECK_INT(tiny_decode(c->d, c->tokens, 25, NULL), INLAY_OK);
    memcpy(c->before, inlay__decoder_logits(c->d, 0), p->n_vocab * sizeof(float));
}

static void check_unchanged(failed_case *c, const tiny_params *p) {
    CHECK_INT(inlay__decoder_length(c->d, 0), 25);
    CHECK(inlay__decoder_logits(c->d, 0) != NULL);
    check_rows(inlay__decoder_logits(c->d, 0), c->before, p->n_vocab, "the logits before the failure");
}

static void end_case(failed_case *c, const tiny_params *p) {
    check_unchanged(c, p);
    float *found = tiny_rows(c->d, p->n_vocab, c->tokens + 25, 35, 35);
    check_rows(found, c->expected + 25 * p->n_vocab, 35 * p->n_vocab, "after the failure");
    free(found);
    free(c->expected);
    inlay__decoder_free(c->d);
    tiny_network_close(&c->n);
}

TEST(a_token_outside_the_vocabulary_is_told_and_nothing_is_evaluated) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        const int32_t bad[] = {-1, (int32_t)p.n_vocab, INT32_MAX, INT32_MIN};
        failed_case c;
        begin_case(&c, &p);
        for (size_t k = 0; k < 4; k++) {
            int32_t tokens[20];
            char words[80];
            memcpy(tokens, c.tokens, sizeof tokens);
            tokens[17] = bad[k];
            snprintf(words, sizeof words, "token 17 of 20 is %d, outside the vocabulary of 0 to %u", bad[k],
                     p.n_vocab - 1);
            CHECK_INT(tiny_decode(c.d, tokens, 20, NULL), INLAY_ERR_TOKEN);
            CHECK_HAS(inlay__error_text(), words);
            check_unchanged(&c, &p);
        }
        CHECK_INT(tiny_decode(c.d, c.tokens, 36, NULL), INLAY_ERR_CONTEXT);
        CHECK_HAS(inlay__error_text(), "36 tokens do not fit: the context of 60 holds 25");
        end_case(&c, &p);
    }
}

/* Token 250's embedding is no number; tokens below 200 are sound. */
static tiny_network open_damaged(const tiny_params *p, float value) {
    size_t size;
    uint8_t *data = tiny_model(p, &size);
    tiny_network n = tiny_network_open_file(data, size, &inlay__sys_default, NULL);
    uint8_t *rows = data + (inlay__weights_find(n.weights, "token_embd.weight")->data - data);
    memcpy(rows + (250 * p->n_embd + 3) * sizeof value, &value, sizeof value); /* F32, and not packed: read in place */
    return n;
}

TEST(logits_that_are_not_finite_are_an_error_and_leave_nothing_in_the_cache) {
    static const float values[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < TINY_N_ARCHITECTURES * 3; i++) {
        tiny_params p = tiny_architecture(i / 3);
        p.tied = false; /* else every token's logits were none */
        p.embedding_type = INLAY_TYPE_F32;
        failed_case c;
        begin_case(&c, &p);
        tiny_network sound = c.n;
        inlay__decoder_free(c.d);
        tiny_network damaged = open_damaged(&p, values[i % 3]);
        CHECK_INT(damaged.status, INLAY_OK);
        for (size_t at = 0; at < 20; at += 3) {
            c.d = tiny_decoder(damaged.model, 60, 8, 2, INLAY_TYPE_F16);
            CHECK_INT(tiny_decode(c.d, c.tokens, 25, NULL), INLAY_OK);
            int32_t tokens[20];
            memcpy(tokens, c.tokens, sizeof tokens);
            tokens[at] = 250;
            if (at < 19) tokens[19] = 250; /* a last token that sees it, window or not */
            CHECK_INT(tiny_decode(c.d, tokens, 20, NULL), INLAY_ERR_NUMERIC);
            CHECK_HAS(inlay__error_text(), "are not all finite");
            check_unchanged(&c, &p);
            CHECK(!values_are_zero(c.d, 24, 25) && values_are_zero(c.d, 25, 60));
            float *found = tiny_rows(c.d, p.n_vocab, c.tokens + 25, 35, 35);
            check_rows(found, c.expected + 25 * p.n_vocab, 35 * p.n_vocab, "after logits that are none");
            free(found);
            inlay__decoder_free(c.d);
        }
        tiny_network_close(&damaged);
        tiny_network_close(&sound);
        free(c.expected);
    }
}

/* --------------------------------------------------------- progress and cancelling */

typedef struct told {
    size_t n_calls, cancel_at;
    uint64_t done, total;
    bool rises;
    atomic_int *flag; /* set by the cancelling call in place of a value */
} told;

static int32_t on_progress(void *user, uint64_t done, uint64_t total) {
    told *t = user;
    t->rises = t->rises && done > t->done && done <= total;
    t->done = done;
    t->total = total;
    if (++t->n_calls != t->cancel_at) return 0;
    if (t->flag == NULL) return 1;
    atomic_store(t->flag, 1);
    return 0;
}

TEST(progress_is_told_after_each_batch_and_can_cancel_there) {
    tiny_params p = tiny_architecture(2);
    failed_case c;
    begin_case(&c, &p);
    for (size_t at = 1; at <= 5; at++) { /* 35 tokens in batches of 8 */
        told t = {.rises = true, .cancel_at = at};
        inlay__eval_hooks hooks = {NULL, on_progress, &t};
        CHECK_INT(inlay__decoder_eval(c.d, &(inlay__run){0, c.tokens + 25, 35}, 1, NULL, &hooks), INLAY_ERR_CANCELLED);
        CHECK(t.rises && t.n_calls == at && t.total == 35);
        CHECK_INT(t.done, at < 5 ? 8 * at : 35);
        check_unchanged(&c, &p);
    }
    end_case(&c, &p);
}

TEST(the_cancel_flag_stops_before_a_batch_and_between_them) {
    tiny_params p = tiny_architecture(2);
    for (size_t n_threads = 1; n_threads <= 3; n_threads++) {
        failed_case c;
        begin_case(&c, &p);
        inlay__decoder_free(c.d);
        c.d = tiny_decoder(c.n.model, 60, 8, n_threads, INLAY_TYPE_F16);
        CHECK_INT(tiny_decode(c.d, c.tokens, 25, NULL), INLAY_OK);
        for (size_t at = 0; at < 5; at++) {
            atomic_int flag = at == 0;
            told t = {.rises = true, .cancel_at = at, .flag = &flag};
            inlay__eval_hooks hooks = {&flag, on_progress, &t};
            CHECK_INT(inlay__decoder_eval(c.d, &(inlay__run){0, c.tokens + 25, 35}, 1, NULL, &hooks),
                      INLAY_ERR_CANCELLED);
            CHECK_INT(t.n_calls, at); /* no batch after the flag was set */
            check_unchanged(&c, &p);
        }
        end_case(&c, &p);
    }
}

TEST(a_cancelled_evaluation_leaves_after_the_layer_in_which_it_is_seen) {
    tiny_params p = tiny_architecture(2);
    tiny_network n = tiny_network_open(&p, NULL);
    int32_t tokens[40];
    fill_tokens(tokens, 40, p.n_vocab);
    for (size_t n_tokens = 1; n_tokens <= 40; n_tokens += 39) {
        for (size_t n_threads = 1; n_threads <= 3; n_threads++) {
            atomic_int flag = 1;
            inlay__eval_hooks hooks = {&flag, NULL, NULL};
            inlay__decoder *d = tiny_decoder(n.model, 40, 40, n_threads, INLAY_TYPE_F32);
            CHECK_INT(inlay__decoder_eval(d, &(inlay__run){0, tokens, n_tokens}, 1, NULL, &hooks), INLAY_ERR_CANCELLED);
            for (size_t layer = 1; layer < p.n_layer; layer++) { /* their keys were never written */
                const uint8_t *keys = inlay__kv_cache_keys(&d->caches[INLAY__WHOLE], layer, 0, 0);
                CHECK(keys[0] == 0 && memcmp(keys, keys + 1, d->caches[INLAY__WHOLE].head_size - 1) == 0);
            }
            inlay__decoder_free(d);
        }
    }
    tiny_network_close(&n);
}

/* ------------------------------------------------------------------------ memory */

TEST(nothing_is_allocated_after_a_decoder_is_made) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        tiny_network n = tiny_network_open(&p, NULL);
        inlay__decoder_config config = {64, 16, 1, INLAY_TYPE_F16, 1, 0, 0, SIZE_MAX};
        inlay__decoder *d = NULL;
        int32_t tokens[64];
        accounting a;
        accounting_init(&a);
        fill_tokens(tokens, 64, p.n_vocab);
        CHECK_INT(inlay__decoder_new(&a.sys, n.model, &config, &d), INLAY_OK);
        size_t n_allocs = a.n_allocs;
        CHECK(inlay__decoder_memory(d) <= a.live && inlay__decoder_memory(d) + 4096 > a.live); /* and the pool */
        CHECK_INT(inlay__decoder_cache_memory(d), (size_t)p.n_layer * 64 * 2 * 2 * 16 * 2);
        CHECK(inlay__decoder_logits(d, 0) == NULL && inlay__decoder_length(d, 0) == 0);
        CHECK_INT(tiny_decode(d, tokens, 50, NULL), INLAY_OK);
        CHECK(!values_are_zero(d, 49, 50) && values_are_zero(d, 50, 64)); /* whatever was in the memory */
        inlay__decoder_truncate(d, 0, 5);
        CHECK_INT(tiny_decode(d, tokens, 1, NULL), INLAY_OK);
        CHECK_INT(a.n_allocs, n_allocs);
        inlay__decoder_free(d);
        CHECK_INT(a.n_live, 0);
        tiny_network_close(&n);
    }
}

TEST(sizes_that_no_memory_holds_are_errors_that_leave_nothing) {
    static const inlay__decoder_config configs[] = {
        {SIZE_MAX / 2, 1, 1, INLAY_TYPE_F32, 1, 0, 0, SIZE_MAX},
        {SIZE_MAX / 4096, 16, 1, INLAY_TYPE_F32, 1, 0, 0, SIZE_MAX},
        {SIZE_MAX / 2, SIZE_MAX / 2, 1, INLAY_TYPE_F16, 1, 0, 0, SIZE_MAX},
        {SIZE_MAX / 64, SIZE_MAX / 64, 1, INLAY_TYPE_F16, 1, 0, 0, SIZE_MAX},
        {100, SIZE_MAX / 1000, 1, INLAY_TYPE_F16, 1, 0, 0, SIZE_MAX},
        {100, 100, 1, INLAY_TYPE_F16, SIZE_MAX / 100, 0, 0, SIZE_MAX},
        {100, 100, 1, INLAY_TYPE_F16, 2, SIZE_MAX - 1, 0, SIZE_MAX},
        {100, 100, 1, INLAY_TYPE_F16, 1, 0, SIZE_MAX, SIZE_MAX},
        {100, 100, 1, INLAY_TYPE_F16, 1, 1, SIZE_MAX - 300, SIZE_MAX},
    };
    tiny_params p = tiny_architecture(2);
    tiny_network n = tiny_network_open(&p, NULL);
    accounting a;
    accounting_init(&a);
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        inlay__decoder *d = (inlay__decoder *)(uintptr_t)1;
        CHECK_INT(inlay__decoder_new(&a.sys, n.model, &configs[i], &d), INLAY_ERR_MEMORY);
        CHECK_HAS(inlay__error_text(), "out of memory");
        CHECK(d == (inlay__decoder *)(uintptr_t)1); /* untouched */
        CHECK_INT(a.n_live, 0);
    }
    inlay__decoder_config config = {32, 8, 1, INLAY_TYPE_F32, 1, 0, 0, SIZE_MAX};
    inlay__decoder *d = NULL;
    size_t fail_at = 1;
    for (; d == NULL && fail_at < 50; fail_at++) { /* every allocation refused */
        accounting_init(&a);
        a.fail_at = fail_at;
        int32_t status = inlay__decoder_new(&a.sys, n.model, &config, &d);
        CHECK_INT(status, d != NULL ? INLAY_OK : INLAY_ERR_MEMORY);
        if (d == NULL) CHECK_INT(a.n_live, 0);
    }
    CHECK(d != NULL && fail_at > 3);
    inlay__decoder_free(d);
    CHECK_INT(a.n_live, 0);
    tiny_network_close(&n);
}

TEST_MAIN(CASE(calls_batches_and_threads_change_no_bit_in_any_architecture),
          CASE(a_shortened_sequence_goes_on_as_if_the_rest_had_never_been),
          CASE(a_token_outside_the_vocabulary_is_told_and_nothing_is_evaluated),
          CASE(logits_that_are_not_finite_are_an_error_and_leave_nothing_in_the_cache),
          CASE(progress_is_told_after_each_batch_and_can_cancel_there),
          CASE(the_cancel_flag_stops_before_a_batch_and_between_them),
          CASE(a_cancelled_evaluation_leaves_after_the_layer_in_which_it_is_seen),
          CASE(nothing_is_allocated_after_a_decoder_is_made),
          CASE(sizes_that_no_memory_holds_are_errors_that_leave_nothing))
