/* Layers with a window give back the keys and values behind it: memory is bounded, bits are those of sessions that keep
 * all, and what cannot be come back to is refused. With INLAY_DATA of a recurrent model with windows too. */
#include "test.h"

#include "support/tiny_open.h"

enum { N_CONTEXT = 2600, BATCH = 48, N_WINDOW = 20, MOST = 300, N_SEQUENCES = 3 };

/* "gemma3": every sixth layer sees all. */
static tiny open_windowed(void) {
    tiny_params p = tiny_defaults();
    p.architecture = "gemma3";
    p.n_layer = 7;
    p.n_window = N_WINDOW;
    p.n_ctx = N_CONTEXT;
    return tiny_open(&p, NULL);
}

static inlay_session *session_of(inlay_model *model, int rewind, int n_kept, int cache_type) {
    return tiny_session(model, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_BATCH, BATCH, INLAY_OPT_SEQUENCES, N_SEQUENCES,
                        INLAY_OPT_REWIND, rewind, INLAY_OPT_KEEP, n_kept, INLAY_OPT_KEEP_TOKENS, n_kept * 1000,
                        INLAY_OPT_CACHE_TYPE, cache_type, INLAY_OPT_THREADS, 1, 0);
}

static int64_t cache_memory(const inlay_session *s) {
    int64_t bytes = 0;
    CHECK_INT(inlay_session_get_int(s, INLAY_SESSION_CACHE_MEMORY, &bytes), INLAY_OK);
    return bytes;
}

/* ---------------------------------------------------------------- side by side */

/* The same is done with a session that keeps all and with one that does not. */
typedef struct pair {
    inlay_session *all, *near;
    int32_t vocab;
    int rewind;
    bool can_cut;
    uint64_t random;
} pair;

static size_t pick(pair *p, size_t n) {
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return (size_t)(p->random >> 20) % n;
}

static void use(pair *p, size_t i) {
    CHECK_INT(inlay_session_set_int(p->all, INLAY_OPT_SEQUENCE, (int64_t)i), INLAY_OK);
    CHECK_INT(inlay_session_set_int(p->near, INLAY_OPT_SEQUENCE, (int64_t)i), INLAY_OK);
}

static void same_logits(pair *p, const char *what) {
    float *found;
    CHECK_INT(tiny_length(p->near), tiny_length(p->all));
    if (inlay_logits(p->all, &found, NULL) != INLAY_OK) {
        CHECK_INT(inlay_logits(p->near, &found, NULL), INLAY_ERR_STATE);
        return;
    }
    float *expected = tiny_logits(p->all);
    CHECK(tiny_logits_are(p->near, expected, what));
    free(expected);
}

static size_t make_tokens(pair *p, int32_t *tokens, size_t most) {
    size_t room = N_CONTEXT - tiny_length(p->all), n = 1 + pick(p, pick(p, 3) == 0 ? most : 5);
    if (n > room) n = room;
    for (size_t i = 0; i < n; i++) tokens[i] = (int32_t)pick(p, (size_t)p->vocab);
    return n;
}

static void go_on(pair *p, size_t most) {
    int32_t tokens[MOST];
    size_t n = make_tokens(p, tokens, most);
    if (n == 0) return;
    CHECK_INT(inlay_eval(p->all, tokens, n), INLAY_OK);
    CHECK_INT(inlay_eval(p->near, tokens, n), INLAY_OK);
}

/* In the midst of a call, whose pages behind the window went meanwhile, too. */
static void give_up(pair *p) {
    int32_t tokens[MOST];
    size_t n = make_tokens(p, tokens, MOST), length = tiny_length(p->near);
    if (n == 0) return;
    CHECK_INT(inlay_eval_begin(p->near, tokens, n), INLAY_OK);
    for (size_t n_steps = pick(p, 400); n_steps > 0 && inlay_eval_step(p->near, 0) == INLAY_AGAIN; n_steps--) {}
    if (tiny_length(p->near) == length + n) CHECK_INT(inlay_eval(p->all, tokens, n), INLAY_OK); /* it was done */
    CHECK_INT(inlay_eval_abandon(p->near), INLAY_OK);
}

static void cut(pair *p) {
    size_t length = tiny_length(p->all), n = pick(p, (size_t)p->rewind + 1);
    if (!p->can_cut || n > length || pick(p, 20) == 0) n = length;
    CHECK_INT(inlay_session_truncate(p->all, length - n), INLAY_OK);
    CHECK_INT(inlay_session_truncate(p->near, length - n), INLAY_OK);
}

static void fork_one(pair *p) {
    int32_t from = (int32_t)pick(p, N_SEQUENCES), to = (int32_t)pick(p, N_SEQUENCES);
    CHECK_INT(inlay_sequence_fork(p->all, from, to), INLAY_OK);
    CHECK_INT(inlay_sequence_fork(p->near, from, to), INLAY_OK);
}

static void *save(inlay_session *s, int32_t i, size_t *size) {
    inlay_sequence_save(s, i, NULL, 0, size);
    void *bytes = malloc(*size);
    CHECK_INT(inlay_sequence_save(s, i, bytes, *size, size), INLAY_OK);
    return bytes;
}

/* What one has saved, both go on with: whoever keeps less. */
static void save_and_load(pair *p) {
    size_t size = 0;
    int32_t from = (int32_t)pick(p, N_SEQUENCES), to = (int32_t)pick(p, N_SEQUENCES);
    void *bytes = save(p->all, from, &size);
    CHECK_INT(inlay_sequence_load(p->near, to, bytes, size), INLAY_OK);
    free(bytes);
    bytes = save(p->near, to, &size);
    CHECK_INT(inlay_sequence_load(p->all, to, bytes, size), INLAY_OK);
    free(bytes);
}

/* As a conversation does. */
static void read_prompt(pair *p) {
    int32_t tokens[N_CONTEXT];
    size_t n = 1 + pick(p, 900), same = pick(p, n), seed = pick(p, 3);
    for (size_t i = 0; i < n; i++) tokens[i] = (int32_t)((i * (i + seed) + 7 * seed) % (size_t)p->vocab);
    for (size_t i = same; i < n; i++) tokens[i] = (int32_t)pick(p, (size_t)p->vocab);
    CHECK_INT(inlay_eval_prompt(p->all, tokens, n, NULL), INLAY_OK);
    CHECK_INT(inlay_eval_prompt(p->near, tokens, n, NULL), INLAY_OK);
}

static void do_many(inlay_model *model, int rewind, int n_kept, int cache_type, const char *name) {
    int64_t n_vocab = 0, can = 0;
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab), INLAY_OK);
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_CAPABILITIES, &can), INLAY_OK);
    pair p = {session_of(model, -1, n_kept, cache_type), session_of(model, rewind, n_kept, cache_type),
              (int32_t)n_vocab, rewind, (can & INLAY_CAN_TRUNCATE) != 0, 0x9e3779b97f4a7c15u};
    if (p.can_cut) CHECK(3 * cache_memory(p.near) < 2 * cache_memory(p.all));
    for (int i = 0; i < 120 && test_failures == 0; i++) {
        use(&p, pick(&p, N_SEQUENCES));
        switch (pick(&p, 9)) {
        case 0: cut(&p); break;
        case 1: fork_one(&p); break;
        case 2: save_and_load(&p); break;
        case 3: give_up(&p); break;
        case 4: read_prompt(&p); break;
        default: go_on(&p, MOST); break;
        }
        same_logits(&p, name);
    }
    for (size_t i = 0; i < N_SEQUENCES; i++) { /* to the end of the context, whatever was before */
        use(&p, i);
        while (tiny_length(p.all) < N_CONTEXT && test_failures == 0) go_on(&p, MOST);
        same_logits(&p, name);
    }
    inlay_session_free(p.all);
    inlay_session_free(p.near);
}

TEST(sequences_that_give_back_have_the_bits_of_those_that_keep_all) {
    tiny t = open_windowed();
    do_many(t.model, 0, 0, INLAY_TYPE_F16, "rewind 0");
    do_many(t.model, 40, 3, INLAY_TYPE_F32, "rewind 40, with texts that are kept");
    tiny_close(&t);
}

TEST(recurrent_models_give_back_by_themselves) {
    inlay_model *model = tiny_folder("recurrentgemma");
    if (model == NULL) SKIP("INLAY_DATA does not name the folder of reference data");
    do_many(model, 0, 3, INLAY_TYPE_F16, "recurrentgemma");
    inlay_model_free(model);
}

/* ------------------------------------------------------------------ what is left */

TEST(memory_does_not_grow_with_the_context) {
    tiny t = open_windowed();
    int64_t bytes[2];
    for (int i = 0; i < 2; i++) {
        inlay_session *s = tiny_session(t.model, INLAY_OPT_CONTEXT, i == 0 ? 4096 : 65536, INLAY_OPT_REWIND, 10,
                                        INLAY_OPT_BATCH, 64, 0);
        inlay_session *all = tiny_session(t.model, INLAY_OPT_CONTEXT, i == 0 ? 4096 : 65536, INLAY_OPT_BATCH, 64, 0);
        bytes[i] = cache_memory(s) - cache_memory(all) / 7; /* but for the layer that sees all */
        inlay_session_free(s);
        inlay_session_free(all);
    }
    CHECK(bytes[0] > 0);
    CHECK_INT(bytes[1], bytes[0]);
    tiny_close(&t);
}

TEST(what_was_given_back_cannot_be_come_back_to) {
    tiny t = open_windowed();
    int32_t tokens[1200];
    size_t reused = 0;
    tiny_tokens(tokens, 1200);
    inlay_session *s = session_of(t.model, 30, 0, INLAY_TYPE_F16);
    float *expected = tiny_eval(s, tokens, 1200, 100);
    CHECK_INT(inlay_session_truncate(s, 300), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_session_error(s), "1200 tokens cannot be cut to 300: its layers with a window of 20 have given");
    CHECK_HAS(inlay_session_error(s), "option 'rewind'");
    CHECK_INT(inlay_session_drop(s, 100, 200), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_session_error(s), "tokens from 100 on cannot be taken out");
    CHECK(tiny_logits_are(s, expected, "after what was refused"));
    CHECK_INT(inlay_session_recall(s, tokens, 300, &reused), INLAY_OK);
    CHECK_INT(reused, 0);
    CHECK_INT(inlay_eval(s, tokens, 1200), INLAY_OK);
    CHECK_INT(inlay_session_truncate(s, 1170), INLAY_OK); /* what the option promises */
    CHECK_INT(inlay_session_drop(s, 1150, 1160), INLAY_OK);
    CHECK_INT(inlay_session_truncate(s, 0), INLAY_OK);
    float *again = tiny_eval(s, tokens, 1200, 1200);
    CHECK(tiny_logits_are(s, expected, "read anew"));
    free(expected), free(again);
    inlay_session_free(s);
    tiny_close(&t);
}

TEST(guesses_are_taken_back_without_any_rewind) {
    tiny t = open_windowed();
    int32_t tokens[1000], chosen[2][64];
    for (int i = 0; i < 1000; i++) tokens[i] = TINY_FIRST_BYTE + i % 13;
    for (int k = 0; k < 2; k++) {
        inlay_session *s = session_of(t.model, k == 0 ? -1 : 0, 0, INLAY_TYPE_F16);
        inlay_speculator *speculator = NULL;
        CHECK_INT(inlay_speculator_new(320, 8, 1100, NULL, &speculator), INLAY_OK);
        CHECK_INT(inlay_speculator_accept(speculator, tokens, 1000), INLAY_OK);
        CHECK_INT(inlay_eval(s, tokens, 1000), INLAY_OK);
        for (size_t n = 0, more = 0; n < 64; n += more)
            CHECK_INT(inlay_speculate(speculator, s, NULL, NULL, chosen[k] + n, 64 - n, &more), INLAY_OK);
        inlay_speculator_free(speculator);
        inlay_session_free(s);
    }
    CHECK(memcmp(chosen[0], chosen[1], sizeof chosen[0]) == 0);
    tiny_close(&t);
}

TEST_MAIN(CASE(sequences_that_give_back_have_the_bits_of_those_that_keep_all),
          CASE(recurrent_models_give_back_by_themselves), CASE(memory_does_not_grow_with_the_context),
          CASE(what_was_given_back_cannot_be_come_back_to), CASE(guesses_are_taken_back_without_any_rewind))
