/* Everything that can be done with sequences, at random, while another thread cancels: each always has the bits of one
 * that was read anew.
 *
 * INLAY_STRESS_SECONDS says how long a model is worked on (default: 1), INLAY_STRESS_SEED by which numbers; both are
 * told. With INLAY_DATA, recurrent, convolutional and windowed models are too. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "support/temp_file.h"
#include "support/tiny_open.h"

enum { N_SEQUENCES = 64, N_CONTEXT = 150, N_SAVED = 8, MOST_TOKENS = 40, MOST_READ = 600, MOST_CUTS = 24 };

/* Tokens [begin, end) taken out when so many had been read since the sequence was empty; up to its end: a cut. */
typedef struct cut {
    size_t n_read, begin, end;
} cut;

/* What a sequence is, and how it came to be that. */
typedef struct written {
    int32_t tokens[N_CONTEXT];
    size_t n;
    bool has_logits;
    int32_t read[MOST_READ];
    size_t n_read;
    cut cuts[MOST_CUTS];
    size_t n_cuts;
} written;

typedef struct saved {
    uint8_t *bytes; /* [size] of a sequence with this text */
    size_t size;
    written is;
} saved;

typedef struct stress {
    inlay_model *model;
    inlay_session *session, *fresh;
    inlay_speculator *speculator;
    written texts[N_SEQUENCES];
    saved saved[N_SAVED];
    size_t n_vocab;
    bool can_cut, can_drop;
    uint64_t random;
    size_t n_done, n_cancelled, n_checked;
    atomic_long pause_ns; /* between cancels of the other thread; 0: none; -1: it ends */
} stress;

static size_t pick(stress *s, size_t n) {
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (size_t)(s->random >> 20) % n;
}

static void *cancel_at_times(void *arg) {
    stress *s = arg;
    for (long pause; (pause = atomic_load(&s->pause_ns)) >= 0;) {
        nanosleep(&(struct timespec){0, pause > 0 ? pause : 200000}, NULL);
        if (pause > 0) inlay_session_cancel(s->session);
    }
    return NULL;
}

/* The other thread cancels during some of the calls. */
static void let_cancel(stress *s) { atomic_store(&s->pause_ns, pick(s, 3) == 0 ? 1000 + (long)pick(s, 300000) : 0); }
static void let_be(stress *s) { atomic_store(&s->pause_ns, 0); }

static void use(stress *s, size_t i) {
    CHECK_INT(inlay_session_set_int(s->session, INLAY_OPT_SEQUENCE, (int64_t)i), INLAY_OK);
}

/* ------------------------------------------------------------------- checking */

static void read_part(stress *s, const written *t, size_t begin, size_t end) {
    if (end > begin) CHECK_INT(inlay_eval(s->fresh, t->read + begin, end - begin), INLAY_OK);
}

/* In the other session: all that was read, and what was taken out at its time. */
static void read_anew(stress *s, const written *t) {
    size_t done = 0;
    CHECK_INT(inlay_session_truncate(s->fresh, 0), INLAY_OK);
    for (size_t k = 0; k < t->n_cuts; done = t->cuts[k++].n_read) {
        const cut *c = &t->cuts[k];
        read_part(s, t, done, c->n_read);
        CHECK_INT(c->end == tiny_length(s->fresh) ? inlay_session_truncate(s->fresh, c->begin)
                                                  : inlay_session_drop(s->fresh, c->begin, c->end), INLAY_OK);
    }
    read_part(s, t, done, t->n_read);
}

static void check(stress *s, size_t i) {
    const written *t = &s->texts[i];
    float *found, *expected;
    use(s, i);
    CHECK_INT(tiny_length(s->session), t->n);
    if (!t->has_logits) {
        CHECK_INT(inlay_logits(s->session, &found, NULL), INLAY_ERR_STATE);
        return;
    }
    read_anew(s, t);
    CHECK_INT(inlay_logits(s->fresh, &expected, NULL), INLAY_OK);
    if (!CHECK(inlay_logits(s->session, &found, NULL) == INLAY_OK)) return;
    if (!CHECK(memcmp(found, expected, s->n_vocab * sizeof *found) == 0))
        fprintf(stderr, "sequence %zu of %zu tokens after %zu steps\n", i, t->n, s->n_done);
    s->n_checked++;
}

/* ---------------------------------------------------------------------- steps */

/* Random tokens that go on with text `i`; how many. */
static size_t make_tokens(stress *s, size_t i, int32_t *tokens) {
    size_t room = N_CONTEXT - s->texts[i].n, left = MOST_READ - s->texts[i].n_read,
           n = 1 + pick(s, pick(s, 3) == 0 ? MOST_TOKENS : 4);
    if (n > room) n = room;
    if (n > left) n = left;
    for (size_t k = 0; k < n; k++) tokens[k] = (int32_t)pick(s, s->n_vocab);
    return n;
}

static void append(stress *s, size_t i, const int32_t *tokens, size_t n) {
    written *t = &s->texts[i];
    memcpy(t->tokens + t->n, tokens, n * sizeof *tokens);
    memcpy(t->read + t->n_read, tokens, n * sizeof *tokens);
    t->n += n;
    t->n_read += n;
    t->has_logits = true;
}

/* INLAY_OK, or cancelled where it may be. */
static bool went_well(stress *s, int32_t status) {
    s->n_cancelled += status == INLAY_ERR_CANCELLED;
    if (status != INLAY_ERR_CANCELLED) CHECK_INT(status, INLAY_OK);
    return status == INLAY_OK;
}

static void eval_one(stress *s, size_t i) {
    int32_t tokens[MOST_TOKENS];
    size_t n = make_tokens(s, i, tokens);
    if (n == 0) return;
    use(s, i);
    let_cancel(s);
    int32_t status = inlay_eval(s->session, tokens, n);
    let_be(s);
    if (went_well(s, status)) append(s, i, tokens, n);
}

/* A batch of some sequences in one call or in slices, some of which are given up. */
static void eval_many(stress *s, bool in_slices) {
    int32_t sequences[N_SEQUENCES], tokens[N_SEQUENCES * MOST_TOKENS];
    size_t starts[N_SEQUENCES + 1] = {0}, n = 0;
    for (size_t i = pick(s, 8); i < N_SEQUENCES; i += 1 + pick(s, 16)) {
        size_t added = make_tokens(s, i, tokens + starts[n]);
        if (added == 0) continue;
        sequences[n] = (int32_t)i;
        starts[n + 1] = starts[n] + added;
        n++;
    }
    if (n == 0) return;
    int32_t status;
    bool gives_up = in_slices && pick(s, 4) == 0;
    if (in_slices) {
        CHECK_INT(inlay_eval_begin_batch(s->session, sequences, tokens, starts, n), INLAY_OK);
        let_cancel(s);
        size_t n_steps = 1 + pick(s, 30);
        do
            status = inlay_eval_step(s->session, pick(s, 3) == 0 ? 0 : pick(s, 300));
        while (status == INLAY_AGAIN && (!gives_up || n_steps-- > 0));
        let_be(s);
        if (status == INLAY_AGAIN) CHECK_INT(inlay_eval_abandon(s->session), INLAY_OK);
        if (status == INLAY_AGAIN) return;
    } else {
        let_cancel(s);
        status = inlay_eval_batch(s->session, sequences, tokens, starts, n);
        let_be(s);
    }
    if (!went_well(s, status)) return;
    for (size_t k = 0; k < n; k++)
        append(s, (size_t)sequences[k], tokens + starts[k], starts[k + 1] - starts[k]);
}

static void fork_one(stress *s) {
    size_t from = pick(s, N_SEQUENCES), to = pick(s, N_SEQUENCES);
    CHECK_INT(inlay_sequence_fork(s->session, (int32_t)from, (int32_t)to), INLAY_OK);
    s->texts[to] = s->texts[from];
}

/* Notes that [begin, end) was taken out. */
static void take_out(written *t, size_t begin, size_t end) {
    if (begin == end) return;
    t->cuts[t->n_cuts++] = (cut){t->n_read, begin, end};
    if (end == t->n) t->has_logits = false;
    memmove(t->tokens + begin, t->tokens + end, (t->n - end) * sizeof *t->tokens);
    t->n -= end - begin;
    if (t->n == 0) t->n_read = t->n_cuts = 0;
}

static void cut_one(stress *s, size_t i) {
    written *t = &s->texts[i];
    bool may = s->can_cut && t->n_cuts < MOST_CUTS && t->n_read < MOST_READ - MOST_TOKENS;
    size_t length = may && pick(s, 4) > 0 ? pick(s, t->n + 1) : 0;
    use(s, i);
    CHECK_INT(inlay_session_truncate(s->session, length), INLAY_OK);
    if (length == 0) t->n_cuts = 0; /* there is room to note it */
    take_out(t, length, t->n);
}

static void drop_one(stress *s, size_t i) {
    written *t = &s->texts[i];
    size_t begin = pick(s, t->n + 1), end = begin + pick(s, t->n - begin + 1);
    if (t->n_cuts == MOST_CUTS) return;
    use(s, i);
    int32_t status = inlay_session_drop(s->session, begin, end);
    CHECK_INT(status, s->can_drop ? INLAY_OK : INLAY_ERR_UNSUPPORTED);
    if (status == INLAY_OK) take_out(t, begin, end);
}

static void save_one(stress *s, size_t i) {
    saved *to = &s->saved[pick(s, N_SAVED)];
    inlay_sequence_save(s->session, (int32_t)i, NULL, 0, &to->size);
    free(to->bytes);
    to->bytes = malloc(to->size);
    CHECK_INT(inlay_sequence_save(s->session, (int32_t)i, to->bytes, to->size, &to->size), INLAY_OK);
    to->is = s->texts[i];
}

static void load_one(stress *s, size_t i) {
    const saved *from = &s->saved[pick(s, N_SAVED)];
    if (from->bytes == NULL) return;
    if (pick(s, 4) == 0 && from->size > 64) { /* a damaged one changes nothing */
        uint8_t *bad = malloc(from->size);
        memcpy(bad, from->bytes, from->size);
        bad[pick(s, from->size)] ^= (uint8_t)(1u << pick(s, 8));
        CHECK(inlay_sequence_load(s->session, (int32_t)i, bad, from->size) != INLAY_OK);
        free(bad);
        return;
    }
    CHECK_INT(inlay_sequence_load(s->session, (int32_t)i, from->bytes, from->size), INLAY_OK);
    s->texts[i] = from->is;
}

/* A prompt that begins like some text, of which only what is new is read. Cancelled, its sequence is a beginning of
 * it. */
static void prompt_one(stress *s, size_t i) {
    written *t = &s->texts[i];
    const written *other = &s->texts[pick(s, N_SEQUENCES)];
    int32_t tokens[N_CONTEXT];
    float *logits;
    size_t n = 1 + pick(s, N_CONTEXT), same = pick(s, other->n + 1);
    for (size_t k = 0; k < n; k++) tokens[k] = k < same ? other->tokens[k] : (int32_t)pick(s, s->n_vocab);
    use(s, i);
    let_cancel(s);
    int32_t status = inlay_eval_prompt(s->session, tokens, n, NULL);
    let_be(s);
    if (went_well(s, status)) CHECK_INT(tiny_length(s->session), n);
    *t = (written){.n = 0};
    append(s, i, tokens, tiny_length(s->session));
    t->has_logits = inlay_logits(s->session, &logits, NULL) == INLAY_OK;
}

static void keep_one(stress *s, size_t i) {
    use(s, i);
    CHECK_INT(inlay_session_keep(s->session), INLAY_OK);
    if (pick(s, 50) == 0) CHECK_INT(inlay_session_forget(s->session), INLAY_OK);
}

/* The most probable tokens, some of them guessed. */
static void speculate(stress *s, size_t i) {
    written *t = &s->texts[i];
    int32_t tokens[8];
    size_t n = 0, room = N_CONTEXT - t->n;
    if (!t->has_logits || room == 0 || t->n_read > MOST_READ - 8) return;
    use(s, i);
    CHECK_INT(inlay_speculator_reset(s->speculator), INLAY_OK);
    CHECK_INT(inlay_speculator_accept(s->speculator, t->tokens, t->n), INLAY_OK);
    let_cancel(s);
    int32_t status = inlay_speculate(s->speculator, s->session, NULL, NULL, tokens, 1 + pick(s, 8), &n);
    let_be(s);
    if (went_well(s, status)) append(s, i, tokens, n);
}

static void step(stress *s) {
    size_t i = pick(s, N_SEQUENCES);
    switch (pick(s, 16)) {
    case 0: case 1: case 2: eval_one(s, i); break;
    case 3: eval_many(s, false); break;
    case 4: eval_many(s, true); break;
    case 5: case 6: fork_one(s); break;
    case 7: cut_one(s, i); break;
    case 8: save_one(s, i); break;
    case 9: load_one(s, i); break;
    case 10: drop_one(s, i); break;
    case 11: case 12: prompt_one(s, i); break;
    case 13: keep_one(s, i); break;
    default: speculate(s, i); break;
    }
    if (pick(s, 6) == 0) check(s, i);
    s->n_done++;
}

/* --------------------------------------------------------------------- models */

static double environment(const char *name, double absent) {
    const char *text = getenv(name);
    return text != NULL ? atof(text) : absent;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void work_on(const char *name, inlay_model *model) {
    static stress s;
    int64_t can = 0, n_vocab = 0;
    pthread_t thread;
    s = (stress){.model = model, .random = (uint64_t)environment("INLAY_STRESS_SEED", 1) * 0x9e3779b97f4a7c15u | 1};
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_CAPABILITIES, &can), INLAY_OK);
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab), INLAY_OK);
    s.can_cut = (can & INLAY_CAN_TRUNCATE) != 0;
    s.can_drop = (can & INLAY_CAN_SHIFT) != 0;
    s.n_vocab = (size_t)n_vocab;
    s.session = tiny_session(model, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_SEQUENCES, N_SEQUENCES, INLAY_OPT_BATCH, 48,
                             INLAY_OPT_THREADS, 2, INLAY_OPT_KEEP, 10, INLAY_OPT_KEEP_TOKENS, N_CONTEXT, 0);
    s.fresh = tiny_session(model, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_THREADS, 1, 0);
    CHECK_INT(inlay_speculator_new(s.n_vocab, 5, 200, NULL, &s.speculator), INLAY_OK);
    CHECK_INT(inlay_session_set_float(s.session, INLAY_OPT_TEMPERATURE, 0.0), INLAY_OK);
    CHECK_INT(pthread_create(&thread, NULL, cancel_at_times, &s), 0);
    for (double end = now() + environment("INLAY_STRESS_SECONDS", 1); now() < end && test_failures == 0;) step(&s);
    atomic_store(&s.pause_ns, -1);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < N_SEQUENCES && test_failures == 0; i++) check(&s, i);
    fprintf(stderr, "%s: %zu steps, %zu cancelled, %zu comparisons, seed %g\n", name, s.n_done, s.n_cancelled,
            s.n_checked, environment("INLAY_STRESS_SEED", 1));
    CHECK(s.n_checked > 0);
    for (size_t i = 0; i < N_SAVED; i++) free(s.saved[i].bytes);
    inlay_speculator_free(s.speculator);
    inlay_session_free(s.session);
    inlay_session_free(s.fresh);
}

TEST(sequences_of_a_llama_have_the_bits_of_fresh_ones_whatever_is_done) {
    tiny_params params = tiny_defaults();
    params.n_ctx = N_CONTEXT;
    tiny t = tiny_open(&params, NULL);
    work_on("llama", t.model);
    tiny_close(&t);
}

TEST(sequences_of_other_families_have_the_bits_of_fresh_ones_whatever_is_done) {
    static const char *const names[] = {"gemma3", "mamba2", "lfm2-conv", "recurrentgemma", "rwkv4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        inlay_model *model = tiny_folder(names[i]);
        if (model == NULL) SKIP("INLAY_DATA does not name the folder of reference data");
        work_on(names[i], model);
        inlay_model_free(model);
    }
}

TEST_MAIN(CASE(sequences_of_a_llama_have_the_bits_of_fresh_ones_whatever_is_done),
          CASE(sequences_of_other_families_have_the_bits_of_fresh_ones_whatever_is_done))
