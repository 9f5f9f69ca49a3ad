/* Prompts of which only what is new is read: they have the bits of fresh ones, whatever was there before, and what is
 * known by a sequence or a text that is kept is not read again. With INLAY_DATA of recurrent, convolutional and
 * windowed models too. */
#include "test.h"

#include "support/tiny_ngram.h"
#include "support/tiny_open.h"

enum { N_CONTEXT = 300, N_SYSTEM = 90, N_TURN = 40, LATER = 1000 };

typedef struct warm {
    inlay_session *session, *cold;
    int64_t n_vocab;
    bool can_cut;
} warm;

static warm warm_up(inlay_model *model, int n_sequences, int n_kept, int n_more) {
    int64_t can = 0;
    warm w = {.n_vocab = 0};
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_CAPABILITIES, &can), INLAY_OK);
    CHECK_INT(inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &w.n_vocab), INLAY_OK);
    w.can_cut = (can & INLAY_CAN_TRUNCATE) != 0;
    w.session = tiny_session(model, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_SEQUENCES, n_sequences, INLAY_OPT_KEEP,
                             n_kept, INLAY_OPT_KEEP_TOKENS, n_more, INLAY_OPT_THREADS, 1, 0);
    w.cold = tiny_session(model, INLAY_OPT_CONTEXT, N_CONTEXT, INLAY_OPT_THREADS, 1, 0);
    return w;
}

static void cool_down(warm *w) {
    inlay_session_free(w->session);
    inlay_session_free(w->cold);
}

/* A part of a talk: the same number, the same tokens. */
static void say(const warm *w, int32_t *tokens, size_t n, uint32_t number) {
    for (size_t i = 0; i < n; i++) {
        number = number * 1664525u + 1013904223u;
        tokens[i] = (int32_t)((number >> 8) % (uint32_t)w->n_vocab);
    }
}

static void use(warm *w, int sequence) {
    CHECK_INT(inlay_session_set_int(w->session, INLAY_OPT_SEQUENCE, sequence), INLAY_OK);
}

/* Reads a prompt, whose logits are those of a fresh one; how much was there. */
static size_t read_prompt(warm *w, const int32_t *tokens, size_t n, const char *what) {
    size_t reused = LATER;
    CHECK_INT(inlay_eval_prompt(w->session, tokens, n, &reused), INLAY_OK);
    CHECK(reused < n);
    CHECK_INT(tiny_length(w->session), n);
    CHECK_INT(inlay_session_truncate(w->cold, 0), INLAY_OK);
    float *expected = tiny_eval(w->cold, tokens, n, n);
    CHECK(tiny_logits_are(w->session, expected, what));
    free(expected);
    return reused;
}

/* Talks with the same beginning, by turns, on two sequences. */
static void talk(inlay_model *model, const char *name) {
    warm w = warm_up(model, 2, 8, 4 * N_CONTEXT);
    int32_t first[N_CONTEXT], second[N_CONTEXT], third[N_CONTEXT];
    const size_t n = N_SYSTEM + N_TURN;
    int32_t *talks[] = {first, second, third};
    for (int i = 0; i < 3; i++) {
        say(&w, talks[i], N_SYSTEM, 1);
        say(&w, talks[i] + N_SYSTEM, N_CONTEXT - N_SYSTEM, 2 + (uint32_t)i);
        talks[i][N_SYSTEM] = i; /* here they part */
    }
    CHECK_INT(read_prompt(&w, first, n, name), 0);
    CHECK_INT(read_prompt(&w, first, n, name), n - 1); /* again, for another answer */
    CHECK_INT(inlay_eval(w.session, first + n, 5), INLAY_OK); /* an answer */
    use(&w, 1);
    CHECK_INT(read_prompt(&w, second, n, name), w.can_cut ? N_SYSTEM : 0);
    CHECK_INT(read_prompt(&w, third, n, name), N_SYSTEM); /* a state was kept where the first two part */
    CHECK_INT(read_prompt(&w, second, n + 30, name), n); /* the talk before goes on where it was */
    CHECK_INT(read_prompt(&w, first, n + 40, name), n + 5); /* on the other sequence, from its answer */
    use(&w, 0);
    CHECK_INT(read_prompt(&w, first, n + 41, name), n + 40);
    CHECK_INT(read_prompt(&w, third, N_CONTEXT, name), n);
    CHECK_INT(read_prompt(&w, first, 20, name), w.can_cut ? 19 : 0); /* a beginning of what is there */
    CHECK_INT(inlay_session_forget(w.session), INLAY_OK);
    use(&w, 1);
    CHECK_INT(inlay_session_truncate(w.session, 0), INLAY_OK);
    CHECK_INT(read_prompt(&w, third, n, name), 20); /* those of the other sequence */
    cool_down(&w);
}

TEST(a_warm_prompt_of_a_llama_has_the_bits_of_a_cold_one) {
    tiny_params params = tiny_defaults();
    params.n_ctx = N_CONTEXT;
    tiny t = tiny_open(&params, NULL);
    talk(t.model, "llama");
    tiny_close(&t);
}

static const char *const families[] = {"gemma3", "mamba2", "lfm2-conv", "recurrentgemma", "rwkv4"};

TEST(warm_prompts_of_other_families_have_the_bits_of_cold_ones) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        inlay_model *model = tiny_folder(families[i]);
        if (model == NULL) SKIP("INLAY_DATA does not name the folder of reference data");
        talk(model, families[i]);
        inlay_model_free(model);
    }
}

TEST(n_grams_know_their_prompts_too) {
    const tiny_ngram words = {.n_words = 20, .order = 4};
    size_t size;
    uint8_t *text = tiny_ngram_file(&words, &size);
    inlay_model *model = NULL;
    CHECK_INT(inlay_model_open_memory(text, size, NULL, &model), INLAY_OK);
    warm w = warm_up(model, 1, 2, 0);
    int32_t tokens[50];
    for (int i = 0; i < 50; i++) tokens[i] = 3 + i * i % 17;
    CHECK_INT(read_prompt(&w, tokens, 40, "n-grams"), 0);
    CHECK_INT(read_prompt(&w, tokens + 1, 40, "n-grams"), 0);
    CHECK_INT(read_prompt(&w, tokens, 50, "n-grams"), 40);
    cool_down(&w);
    inlay_model_free(model);
    free(text);
}

/* More talks than there is room for: the oldest go, and every sequence has its whole context. */
static void crowd(inlay_model *model, const char *name) {
    for (int n_more = 0; n_more <= 600; n_more += 600) {
        warm w = warm_up(model, 3, 5, n_more);
        int32_t tokens[N_CONTEXT];
        int64_t n_kept = 0;
        size_t saved = 0;
        for (uint32_t i = 0; i < 25; i++) {
            size_t n = 1 + (i * 97 + 230) % N_CONTEXT;
            say(&w, tokens, N_CONTEXT, 1);
            say(&w, tokens + i * 31 % 100, N_CONTEXT - i * 31 % 100, i % 7);
            use(&w, (int)(i * i % 3));
            saved += read_prompt(&w, tokens, n, name);
            if (i % 5 == 0) CHECK_INT(inlay_session_keep(w.session), INLAY_OK);
        }
        CHECK(saved > 0);
        CHECK_INT(inlay_session_get_int(w.session, INLAY_SESSION_KEPT, &n_kept), INLAY_OK);
        CHECK(n_kept <= 5);
        for (int i = 0; i < 3; i++) { /* nothing kept stands in the way of a full sequence */
            use(&w, i);
            say(&w, tokens, N_CONTEXT, 100 + (uint32_t)i);
            read_prompt(&w, tokens, N_CONTEXT, name);
        }
        cool_down(&w);
    }
}

TEST(where_room_is_short_the_oldest_texts_go_and_no_sequence_lacks_any) {
    tiny_params params = tiny_defaults();
    params.n_ctx = N_CONTEXT;
    tiny t = tiny_open(&params, NULL);
    crowd(t.model, "llama");
    tiny_close(&t);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        inlay_model *model = tiny_folder(families[i]);
        if (model == NULL) return;
        crowd(model, families[i]);
        inlay_model_free(model);
    }
}

/* ---------------------------------------------------- what is not as read anew */

typedef struct opened {
    tiny t;
    warm w;
    int32_t tokens[N_CONTEXT];
} opened;

static opened open_llama(int n_sequences, int n_kept) {
    tiny_params params = tiny_defaults();
    params.n_ctx = N_CONTEXT;
    opened o = {.t = tiny_open(&params, NULL)};
    o.w = warm_up(o.t.model, n_sequences, n_kept, 0);
    tiny_tokens(o.tokens, N_CONTEXT);
    return o;
}

static void close_llama(opened *o) {
    cool_down(&o->w);
    tiny_close(&o->t);
}

TEST(tokens_behind_those_taken_out_are_read_anew) {
    opened o = open_llama(1, 3);
    inlay_session *s = o.w.session;
    int32_t left[100];
    memcpy(left, o.tokens, 30 * sizeof *left);
    memcpy(left + 30, o.tokens + 50, 70 * sizeof *left);
    CHECK_INT(inlay_eval(s, o.tokens, 100), INLAY_OK);
    CHECK_INT(inlay_session_drop(s, 30, 50), INLAY_OK);
    CHECK_INT(inlay_eval(s, o.tokens + 100, 20), INLAY_OK);
    CHECK_INT(inlay_session_keep(s), INLAY_OK);
    CHECK_INT(read_prompt(&o.w, left, 100, "after tokens were taken out"), 30);
    CHECK_INT(read_prompt(&o.w, o.tokens, 100, "before"), 30);
    close_llama(&o);
}

TEST(a_prefix_is_known_to_sequences_with_the_same_alone) {
    opened o = open_llama(2, 3);
    inlay_session *s = o.w.session;
    CHECK_INT(inlay_session_set_int(s, INLAY_OPT_PREFIX, 20), INLAY_OK);
    CHECK_INT(inlay_session_set_int(o.w.cold, INLAY_OPT_PREFIX, 20), INLAY_OK);
    CHECK_INT(inlay_eval_prompt(s, o.tokens, 19, NULL), INLAY_ERR_ARGUMENT);
    CHECK_INT(read_prompt(&o.w, o.tokens, 80, "with a prefix"), 0);
    CHECK_INT(read_prompt(&o.w, o.tokens, 90, "with a prefix"), 80);
    o.tokens[15]++;
    CHECK_INT(read_prompt(&o.w, o.tokens, 80, "with another prefix"), 0);
    o.tokens[15]--;
    CHECK_INT(read_prompt(&o.w, o.tokens, 80, "with the first"), 79);
    CHECK_INT(inlay_session_truncate(o.w.cold, 0), INLAY_OK);
    CHECK_INT(inlay_session_set_int(o.w.cold, INLAY_OPT_PREFIX, 0), INLAY_OK);
    use(&o.w, 1);
    CHECK_INT(read_prompt(&o.w, o.tokens, 80, "without a prefix"), 0);
    close_llama(&o);
}

TEST(a_prompt_that_cannot_be_changes_nothing) {
    opened o = open_llama(1, 3);
    inlay_session *s = o.w.session;
    size_t reused = LATER;
    float *before = tiny_eval(s, o.tokens, 50, 50);
    int32_t wrong[60];
    memcpy(wrong, o.tokens + 7, sizeof wrong);
    wrong[59] = (int32_t)o.w.n_vocab;
    CHECK_INT(inlay_eval_prompt(s, wrong, 60, &reused), INLAY_ERR_TOKEN);
    CHECK_INT(inlay_eval_prompt(s, o.tokens, 0, &reused), INLAY_ERR_ARGUMENT);
    int32_t *many = calloc(N_CONTEXT + 1, sizeof *many);
    CHECK_INT(inlay_eval_prompt(s, many, N_CONTEXT + 1, &reused), INLAY_ERR_CONTEXT);
    CHECK_INT(reused, LATER);
    CHECK_INT(tiny_length(s), 50);
    CHECK(tiny_logits_are(s, before, "after refused prompts"));
    free(before), free(many);
    close_llama(&o);
}

static int32_t stop_later(void *user, uint64_t done, uint64_t total) {
    (void)total;
    return done >= *(const size_t *)user;
}

TEST(a_cancelled_prompt_goes_on_from_what_it_shares) {
    tiny t = tiny_open(NULL, NULL);
    size_t most = 64, reused = 0;
    inlay_options *options = tiny_options(INLAY_OPT_CONTEXT, 200, INLAY_OPT_BATCH, 32, INLAY_OPT_KEEP, 2,
                                          INLAY_OPT_KEEP_TOKENS, 200, 0);
    CHECK_INT(inlay_options_set_progress(options, stop_later, &most), INLAY_OK);
    inlay_session *s;
    CHECK_INT(inlay_session_new(t.model, options, &s), INLAY_OK);
    int32_t tokens[200];
    tiny_tokens(tokens, 200);
    CHECK_INT(inlay_eval(s, tokens, 40), INLAY_OK);
    tokens[30]++;
    CHECK_INT(inlay_eval_prompt(s, tokens, 200, &reused), INLAY_ERR_CANCELLED);
    CHECK_INT(reused, 30);
    CHECK_INT(tiny_length(s), 30);
    most = LATER;
    CHECK_INT(inlay_eval_prompt(s, tokens, 200, &reused), INLAY_OK);
    CHECK_INT(reused, 30);
    tokens[30]--;
    CHECK_INT(inlay_session_recall(s, tokens, 200, &reused), INLAY_OK);
    CHECK_INT(reused, 40); /* what the sequence was before */
    inlay_session_free(s);
    inlay_options_free(options);
    tiny_close(&t);
}

TEST(what_is_recalled_goes_on_in_batches_and_slices) {
    opened o = open_llama(3, 3);
    inlay_session *s = o.w.session;
    size_t reused = 0;
    CHECK_INT(inlay_eval(s, o.tokens, 100), INLAY_OK);
    use(&o.w, 2);
    CHECK_INT(inlay_session_recall(s, o.tokens, 80, &reused), INLAY_OK);
    CHECK_INT(reused, 79);
    const int32_t both[] = {2, 0};
    const size_t starts[] = {0, 1, 21};
    int32_t tokens[21] = {o.tokens[79]};
    memcpy(tokens + 1, o.tokens + 100, 20 * sizeof *tokens);
    CHECK_INT(inlay_eval_begin_batch(s, both, tokens, starts, 2), INLAY_OK);
    CHECK_INT(inlay_session_recall(s, o.tokens, 80, &reused), INLAY_ERR_STATE);
    CHECK_INT(inlay_eval_prompt(s, o.tokens, 80, &reused), INLAY_ERR_STATE);
    int32_t status;
    while ((status = inlay_eval_step(s, 10)) == INLAY_AGAIN) {}
    CHECK_INT(status, INLAY_OK);
    float *shorter = tiny_eval(o.w.cold, o.tokens, 80, 80), *longer = tiny_eval(o.w.cold, o.tokens + 80, 40, 40);
    CHECK(tiny_logits_are(s, shorter, "of what was recalled"));
    use(&o.w, 0);
    CHECK(tiny_logits_are(s, longer, "of what it was recalled from"));
    free(shorter), free(longer);
    close_llama(&o);
}

TEST_MAIN(CASE(a_warm_prompt_of_a_llama_has_the_bits_of_a_cold_one),
          CASE(warm_prompts_of_other_families_have_the_bits_of_cold_ones), CASE(n_grams_know_their_prompts_too),
          CASE(where_room_is_short_the_oldest_texts_go_and_no_sequence_lacks_any),
          CASE(tokens_behind_those_taken_out_are_read_anew), CASE(a_prefix_is_known_to_sequences_with_the_same_alone),
          CASE(a_prompt_that_cannot_be_changes_nothing), CASE(a_cancelled_prompt_goes_on_from_what_it_shares),
          CASE(what_is_recalled_goes_on_in_batches_and_slices))
