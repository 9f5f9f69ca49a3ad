/* Samplers that hold a text to a grammar: which tokens they leave, how texts begin and end, copies, states. */
#include "test.h"

#include "api/handles.h"
#include "support/tiny_open.h"

enum { N_VOCAB = 320 };

static const char lists[] =
    "root ::= item (\",\" item)*\nitem ::= [0-9]+ | \"[\" root? \"]\" | \"\\\"\" [^\"]* \"\\\"\"";

typedef struct held {
    tiny t;
    inlay_grammar *grammar;
    inlay_sampler *sampler;
    char text[4096]; /* [n] what was chosen */
    size_t n;
} held;

static uint32_t noise = 7;

static const float *any_logits(void) {
    static float logits[N_VOCAB];
    for (size_t i = 0; i < N_VOCAB; i++) {
        noise = noise * 1664525u + 1013904223u;
        logits[i] = (float)(noise >> 8) * 0x1p-22f;
    }
    return logits;
}

static inlay_grammar *compile(inlay_model *model, const char *text, const char *trigger) {
    inlay_grammar *grammar = NULL;
    CHECK_INT(inlay_grammar_new(model, INLAY_GRAMMAR_GBNF, text, INLAY_ALL, &trigger, NULL, trigger != NULL, &grammar),
              INLAY_OK);
    if (grammar == NULL) exit(1);
    return grammar;
}

static void begin(held *h, const char *text, const char *trigger) {
    *h = (held){.t = tiny_open(NULL, NULL)};
    h->grammar = compile(h->t.model, text, trigger);
    CHECK_INT(inlay_sampler_new(N_VOCAB, NULL, &h->sampler), INLAY_OK);
    CHECK_INT(inlay_sampler_add_grammar(h->sampler, h->grammar), INLAY_OK);
}

static void end(held *h) {
    inlay_sampler_free(h->sampler);
    inlay_grammar_free(h->grammar);
    tiny_close(&h->t);
}

static int32_t state_of(inlay_sampler *sampler) {
    int32_t state = -1;
    CHECK_INT(inlay_sampler_grammar_state(sampler, &state), INLAY_OK);
    return state;
}

/* Takes a token, if it is none that ends the text. */
static int32_t choose(held *h) {
    int32_t token = -1;
    size_t n = 0;
    CHECK_INT(inlay_sampler_sample(h->sampler, any_logits(), &token), INLAY_OK);
    CHECK_INT(inlay_sampler_accept(h->sampler, &token, 1), INLAY_OK);
    if (inlay_token_is_end(h->t.model, token) == 1) return token;
    CHECK_INT(inlay_token_bytes(h->t.model, token, h->text + h->n, sizeof h->text - h->n, &n), INLAY_OK);
    h->n += n;
    return token;
}

/* Whether a token can come next, by reading the whole text anew. */
static bool can_follow(const held *h, int32_t token, bool has_trigger) {
    char text[8192];
    size_t n = 0, n_read = 0;
    int32_t is_whole = 0, flags = inlay_token_flags(h->t.model, token);
    memcpy(text, h->text, h->n);
    if ((flags & INLAY_TOKEN_END) == 0 &&
        (flags & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_UNUSED)) != 0)
        return has_trigger && (flags & INLAY_TOKEN_CONTROL) != 0;
    if ((flags & INLAY_TOKEN_END) == 0) inlay_token_bytes(h->t.model, token, text + h->n, sizeof text - h->n, &n);
    CHECK_INT(inlay_grammar_match(h->grammar, text, h->n + n, &n_read, &is_whole), INLAY_OK);
    return (flags & INLAY_TOKEN_END) != 0 ? is_whole : n > 0 && n_read == h->n + n;
}

static void check_candidates(held *h, bool has_trigger) {
    int32_t tokens[N_VOCAB];
    uint8_t found[N_VOCAB] = {0};
    size_t n = 0;
    CHECK_INT(inlay_sampler_candidates(h->sampler, any_logits(), tokens, NULL, N_VOCAB, &n), INLAY_OK);
    for (size_t i = 0; i < n; i++)
        found[tokens[i]] = 1;
    for (int32_t i = 0; i < N_VOCAB; i++) {
        if (found[i] == can_follow(h, i, has_trigger)) continue;
        test_failures++;
        fprintf(stderr, "token %d is %s after '%.*s'\n", i, found[i] ? "left" : "banned", (int)h->n, h->text);
    }
}

TEST(the_tokens_left_are_those_with_which_the_text_can_go_on) {
    static const char *const sources[] = {
        lists,
        "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \" \"?",
        "root ::= [a-zA-Z ]{3,9} (\"ing\" | \"ed\" | \"s\" | \"the\") \".\"",
        "root ::= (\"th\" | \"the\" | \"t\" \"h\"?)* x\nx ::= \" \" [^x]{0,4} y\ny ::= x | \".\"",
        "root ::= .{5,20}",
    };
    for (size_t i = 0; i < INLAY__COUNT(sources); i++) {
        held h;
        begin(&h, sources[i], NULL);
        for (int step = 0; step < 12; step++) {
            check_candidates(&h, false);
            if (inlay_token_is_end(h.t.model, choose(&h)) == 1) break;
        }
        end(&h);
    }
}

TEST(texts_end_where_they_match_and_begin_anew) {
    held h;
    int32_t tokens[64];
    size_t n = 0;
    begin(&h, "root ::= \"ab\"", NULL);
    CHECK_INT(inlay_tokenize(h.t.model, "a prompt", INLAY_ALL, INLAY_ADD_SPECIAL, tokens, 64, &n), INLAY_OK);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(inlay_sampler_accept(h.sampler, tokens, n), INLAY_OK);
        CHECK_INT(state_of(h.sampler), 0);
        h.n = 0;
        while (h.n < 2) {
            choose(&h);
            CHECK_INT(state_of(h.sampler), h.n < 2 ? INLAY_GRAMMAR_BEGUN : 7);
        }
        CHECK(memcmp(h.text, "ab", 2) == 0);
        CHECK(inlay_token_is_end(h.t.model, choose(&h)) == 1);
        CHECK_INT(state_of(h.sampler), 0);
    }
    end(&h);
}

TEST(a_token_that_is_not_allowed_is_refused_and_changes_nothing) {
    held h;
    int32_t tokens[16];
    size_t n = 0;
    begin(&h, "root ::= \"ab\" \"c\"*", NULL);
    while (h.n < 2)
        choose(&h);
    CHECK_INT(inlay_tokenize(h.t.model, "cx", INLAY_ALL, 0, tokens, 16, &n), INLAY_OK);
    CHECK_INT(inlay_sampler_accept(h.sampler, tokens, n), INLAY_ERR_STATE);
    CHECK_HAS(inlay_error(), "is not one that the grammar allows here");
    CHECK_INT(state_of(h.sampler), INLAY_GRAMMAR_BEGUN | INLAY_GRAMMAR_MAY_END);
    check_candidates(&h, false);
    CHECK_INT(inlay_sampler_reset(h.sampler, 1), INLAY_OK);
    CHECK_INT(state_of(h.sampler), 0);
    end(&h);
}

TEST(nothing_is_held_to_a_grammar_before_its_trigger) {
    held h;
    begin(&h, lists, "the");
    for (int step = 0; step < 150; step++) {
        if (step < 3 || step % 30 == 0) check_candidates(&h, memmem(h.text, h.n, "the", 3) == NULL);
        int32_t token = choose(&h);
        if (inlay_token_is_end(h.t.model, token) == 1) break;
    }
    end(&h);
    begin(&h, "root ::= \"b\"", "aa");
    memcpy(h.text, "xa", h.n = 2);
    size_t n_read = 0;
    int32_t is_whole = 0;
    CHECK_INT(inlay_grammar_match(h.grammar, "xaxaab", 6, &n_read, &is_whole), INLAY_OK);
    CHECK_INT(n_read, 6);
    CHECK_INT(is_whole, 1);
    CHECK_INT(inlay_grammar_match(h.grammar, "xaxaa", 5, &n_read, &is_whole), INLAY_OK);
    CHECK_INT(is_whole, 0);
    CHECK_INT(inlay_grammar_match(h.grammar, "xaxaac", 6, &n_read, &is_whole), INLAY_OK);
    CHECK_INT(n_read, 5);
    end(&h);
}

TEST(copies_and_saved_states_go_on_as_the_original_would) {
    held h;
    begin(&h, lists, NULL);
    for (int step = 0; step < 8 && inlay_token_is_end(h.t.model, choose(&h)) == 0; step++) {
        uint8_t bytes[4096];
        size_t size = 0;
        inlay_sampler *copy = NULL, *twin = NULL, *loaded = NULL;
        int32_t a, b, c;
        CHECK_INT(inlay_sampler_clone(h.sampler, &copy), INLAY_OK);
        CHECK_INT(inlay_sampler_clone(copy, &twin), INLAY_OK);
        CHECK_INT(inlay_sampler_save(h.sampler, bytes, sizeof bytes, &size), INLAY_OK);
        CHECK_INT(inlay_sampler_new(N_VOCAB, NULL, &loaded), INLAY_OK);
        CHECK_INT(inlay_sampler_add_grammar(loaded, h.grammar), INLAY_OK);
        CHECK_INT(inlay_sampler_load(loaded, bytes, size), INLAY_OK);
        CHECK_INT(state_of(loaded), state_of(h.sampler));
        for (int k = 0; k < 4; k++) {
            uint32_t kept = noise;
            CHECK_INT(inlay_sampler_sample(twin, any_logits(), &a), INLAY_OK);
            noise = kept;
            CHECK_INT(inlay_sampler_sample(copy, any_logits(), &b), INLAY_OK);
            noise = kept;
            CHECK_INT(inlay_sampler_sample(loaded, any_logits(), &c), INLAY_OK);
            CHECK_INT(b, a);
            CHECK_INT(c, a);
        }
        inlay_sampler_free(twin);
        for (size_t i = 0; i < size; i++) { /* damaged: an error, and all is as it was */
            bytes[i] ^= 4;
            CHECK_INT(inlay_sampler_load(loaded, bytes, size), INLAY_ERR_FORMAT);
            CHECK_INT(inlay_sampler_load(loaded, bytes, i), INLAY_ERR_FORMAT);
            bytes[i] ^= 4;
        }
        CHECK_INT(state_of(loaded), state_of(h.sampler));
        inlay_sampler_free(copy);
        inlay_sampler_free(loaded);
    }
    end(&h);
}

TEST(a_grammar_lives_as_long_as_its_samplers) {
    held h;
    begin(&h, lists, NULL);
    inlay_grammar_free(h.grammar);
    inlay_model_free(h.t.model);
    for (int i = 0; i < 3; i++) {
        int32_t token;
        CHECK_INT(inlay_sampler_sample(h.sampler, any_logits(), &token), INLAY_OK);
        CHECK_INT(inlay_sampler_accept(h.sampler, &token, 1), INLAY_OK);
        if (state_of(h.sampler) == 0) break;
    }
    h.grammar = NULL;
    h.t.model = NULL;
    end(&h);
}

TEST(arguments_are_checked) {
    tiny t = tiny_open(NULL, NULL);
    inlay_grammar *grammar = NULL;
    inlay_sampler *sampler = NULL;
    const char *const triggers[] = {"a", ""};
    CHECK_INT(inlay_grammar_new(t.model, 99, "root ::= .", INLAY_ALL, NULL, NULL, 0, &grammar), INLAY_ERR_ARGUMENT);
    CHECK_INT(inlay_grammar_new(t.model, 1, "root ::= .", INLAY_ALL, triggers, NULL, 2, &grammar), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "triggers[1] is empty");
    CHECK_INT(inlay_grammar_new(t.model, 1, "root ::= x", INLAY_ALL, NULL, NULL, 0, &grammar), INLAY_ERR_FORMAT);
    CHECK(grammar == NULL);
    grammar = compile(t.model, "root ::= .", NULL);
    CHECK_INT(inlay_sampler_new(100, NULL, &sampler), INLAY_OK);
    CHECK_INT(inlay_sampler_add_grammar(sampler, grammar), INLAY_ERR_ARGUMENT);
    CHECK_HAS(inlay_error(), "the sampler has 100 tokens, the grammar's model 320");
    int32_t state;
    CHECK_INT(inlay_sampler_grammar_state(sampler, &state), INLAY_ERR_STATE);
    CHECK_INT(inlay_sampler_add(sampler, INLAY_STAGE_GRAMMAR), INLAY_ERR_ARGUMENT);
    inlay_sampler_free(sampler);
    inlay_grammar_free(grammar);
    tiny_close(&t);
}

TEST(schemas_and_regular_expressions_are_grammars_too) {
    static const struct {
        int32_t kind;
        const char *source, *yes, *no;
    } cases[] = {
        {INLAY_GRAMMAR_REGEX, "a|b{2,}", "bbb", "ab"},
        {INLAY_GRAMMAR_JSON_SCHEMA, "{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\": 1}", "{\"a\": 1.5}"},
        {INLAY_GRAMMAR_JSON_SCHEMA_COMPACT, "{\"items\":{\"enum\":[1,2]}}", "[1,2]", "[1, 2]"},
    };
    held h = {.t = tiny_open(NULL, NULL)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t whole = -1, token = -1;
        const char *source = cases[i].source;
        CHECK_INT(inlay_grammar_new(h.t.model, cases[i].kind, source, INLAY_ALL, NULL, NULL, 0, &h.grammar), INLAY_OK);
        CHECK_INT(inlay_grammar_match(h.grammar, cases[i].yes, strlen(cases[i].yes), NULL, &whole), INLAY_OK);
        CHECK_INT(whole, 1);
        CHECK_INT(inlay_grammar_match(h.grammar, cases[i].no, strlen(cases[i].no), NULL, &whole), INLAY_OK);
        CHECK_INT(whole, 0);
        CHECK_INT(inlay_sampler_new(N_VOCAB, NULL, &h.sampler), INLAY_OK);
        CHECK_INT(inlay_sampler_add_grammar(h.sampler, h.grammar), INLAY_OK);
        for (h.n = 0; h.n < 1000 && inlay_token_is_end(h.t.model, token) != 1;)
            token = choose(&h);
        if (h.n < 1000) {
            CHECK_INT(inlay_grammar_match(h.grammar, h.text, h.n, NULL, &whole), INLAY_OK);
            CHECK_INT(whole, 1);
        }
        inlay_sampler_free(h.sampler);
        inlay_grammar_free(h.grammar);
    }
    CHECK_INT(inlay_grammar_new(h.t.model, INLAY_GRAMMAR_REGEX, "(", 1, NULL, NULL, 0, &h.grammar), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay_error(), "at byte 0");
    CHECK_INT(inlay_grammar_new(h.t.model, INLAY_GRAMMAR_JSON_SCHEMA, "{\"not\":{}}", 10, NULL, NULL, 0, &h.grammar),
              INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay_error(), "'not'");
    tiny_close(&h.t);
}

TEST_MAIN(CASE(the_tokens_left_are_those_with_which_the_text_can_go_on),
          CASE(texts_end_where_they_match_and_begin_anew),
          CASE(a_token_that_is_not_allowed_is_refused_and_changes_nothing),
          CASE(nothing_is_held_to_a_grammar_before_its_trigger),
          CASE(copies_and_saved_states_go_on_as_the_original_would), CASE(a_grammar_lives_as_long_as_its_samplers),
          CASE(arguments_are_checked), CASE(schemas_and_regular_expressions_are_grammars_too))
