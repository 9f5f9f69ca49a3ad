/* Grammars. */
#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/regex.h"
#include "grammar/trigger.h"
#include "handles.h"

/* ------------------------------------------------------------------- arguments */

static int32_t check_grammar(const char *function, const inlay_grammar *grammar) {
    if (grammar == NULL) return inlay__null_argument(function, "grammar");
    if (grammar->magic == INLAY__MAGIC_GRAMMAR) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT, "%s: grammar is not an inlay_grammar", function);
}

/* The texts of the model's tokens, which are made once. Of two threads that make them at once, one's are dropped. */
static int32_t texts_of(inlay_model *model, const inlay__token_texts **texts) {
    inlay__token_texts *made, *expected = NULL;
    *texts = atomic_load(&model->texts);
    if (*texts != NULL) return INLAY_OK;
    made = inlay__alloc_array(&model->sys, 1, sizeof *made);
    if (made == NULL) return INLAY_ERR_MEMORY;
    int32_t status = inlay__token_texts_make(&model->sys, model->tokenizer, made);
    *texts = made;
    if (status == INLAY_OK && atomic_compare_exchange_strong(&model->texts, &expected, made)) return INLAY_OK;
    *texts = expected;
    inlay__token_texts_free(made);
    inlay__free(&model->sys, made, sizeof *made);
    return status;
}

/* -------------------------------------------------------------------- compiling */

typedef struct source {
    inlay_model *model;
    int32_t kind;
    inlay__text text;
    inlay__text *trigger_texts;
    int32_t *trigger_tokens;
    inlay__triggers triggers;
} source;

/* Sorts triggers into texts and tokens. */
static int32_t sort_triggers(source *s, const char *const *triggers, const size_t *sizes, size_t n) {
    const inlay__tokenizer *tokenizer = s->model->tokenizer;
    for (size_t i = 0; i < n; i++) {
        int32_t token;
        inlay__text text = {triggers[i], sizes != NULL ? sizes[i] : INLAY_ALL};
        if (text.text == NULL) return inlay__null_argument("inlay_grammar_new", "triggers[]");
        if (text.size == INLAY_ALL) text.size = strlen(text.text);
        if (text.size == 0) return inlay__fail(INLAY_ERR_ARGUMENT, "inlay_grammar_new: triggers[%zu] is empty", i);
        if (inlay__tokenizer_find(tokenizer, text.text, text.size, &token) &&
            (inlay__tokenizer_token_flags(tokenizer, token) & INLAY_TOKEN_CONTROL) != 0)
            s->trigger_tokens[s->triggers.n_tokens++] = token;
        else
            s->trigger_texts[s->triggers.n_texts++] = text;
    }
    return INLAY_OK;
}

static bool find_token(const void *user, const char *text, size_t size, int32_t *token) {
    return inlay__tokenizer_find(user, text, size, token);
}

static int32_t read_regex(const source *s, inlay__rules *rules) {
    inlay__expression e;
    uint32_t root = inlay__rules_add(rules, NULL, 0);
    INLAY__TRY(inlay__regex_rules(rules, s->text.text, s->text.size, false, &e));
    inlay__rules_set(rules, root, e);
    return rules->status;
}

static int32_t read_text(const source *s, inlay__rules *rules) {
    const inlay__text *text = &s->text;
    switch (s->kind) {
    case INLAY_GRAMMAR_JSON_SCHEMA: return inlay__schema_rules(rules, text->text, text->size, 0);
    case INLAY_GRAMMAR_JSON_SCHEMA_COMPACT:
        return inlay__schema_rules(rules, text->text, text->size, INLAY__SCHEMA_COMPACT);
    case INLAY_GRAMMAR_REGEX: return read_regex(s, rules);
    default: return inlay__gbnf_read(rules, text->text, text->size, find_token, s->model->tokenizer);
    }
}

static int32_t read(const source *s, inlay__rules *rules) {
    INLAY__TRY(read_text(s, rules));
    if (s->triggers.n_texts + s->triggers.n_tokens == 0) return INLAY_OK;
    return inlay__trigger_rules(rules, &s->triggers);
}

static int32_t compile(const source *s, inlay__constraint **constraint) {
    const inlay__sys *sys = &s->model->sys;
    const inlay__token_texts *texts;
    inlay__rules rules;
    inlay__grammar grammar;
    INLAY__TRY(texts_of(s->model, &texts));
    inlay__rules_init(&rules, sys);
    int32_t status = read(s, &rules);
    if (status == INLAY_OK) status = inlay__grammar_compile(&rules, &grammar);
    inlay__rules_free(&rules);
    if (status != INLAY_OK) return status;
    return inlay__constraint_new(sys, s->model->tokenizer, texts, &grammar, constraint);
}

static void release_model(void *model) { inlay__model_release(model); }

static int32_t make(const source *s, inlay_grammar **out) {
    inlay_grammar *grammar = inlay__alloc_array(&s->model->sys, 1, sizeof *grammar);
    if (grammar == NULL) return INLAY_ERR_MEMORY;
    grammar->magic = INLAY__MAGIC_GRAMMAR;
    int32_t status = compile(s, &grammar->constraint);
    if (status != INLAY_OK) {
        inlay__free(&s->model->sys, grammar, sizeof *grammar);
        return status;
    }
    grammar->constraint->release = release_model;
    grammar->constraint->owner = s->model;
    atomic_fetch_add(&s->model->n_references, 1);
    *out = grammar;
    return INLAY_OK;
}

static int32_t check_new(source *s, const char *const *triggers, size_t n_triggers) {
    const char *function = "inlay_grammar_new";
    INLAY__TRY(inlay__check_model(function, s->model));
    if (s->text.text == NULL) return inlay__null_argument(function, "text");
    if (triggers == NULL && n_triggers > 0) return inlay__null_argument(function, "triggers");
    if (s->kind < INLAY_GRAMMAR_GBNF || s->kind > INLAY_GRAMMAR_REGEX)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: there is no kind %d of grammars", function, s->kind);
    if (n_triggers > INLAY__MOST_TRIGGER_BYTES)
        return inlay__fail(INLAY_ERR_ARGUMENT, "%s: n_triggers is %zu, expected at most %d", function, n_triggers,
                           INLAY__MOST_TRIGGER_BYTES);
    if (s->text.size == INLAY_ALL) s->text.size = strlen(s->text.text);
    return inlay__check_tokenizer(function, s->model);
}

int32_t inlay_grammar_new(inlay_model *model, int32_t kind, const char *text, size_t size,
                          const char *const *triggers, const size_t *trigger_sizes, size_t n_triggers,
                          inlay_grammar **grammar) {
    source s = {.model = model, .kind = kind, .text = {text, size}};
    if (grammar == NULL) return inlay__null_argument("inlay_grammar_new", "grammar");
    *grammar = NULL;
    INLAY__TRY(check_new(&s, triggers, n_triggers));
    const inlay__sys *sys = &model->sys;
    s.trigger_texts = inlay__alloc_array(sys, n_triggers, sizeof *s.trigger_texts);
    s.trigger_tokens = inlay__alloc_array(sys, n_triggers, sizeof *s.trigger_tokens);
    s.triggers = (inlay__triggers){.texts = s.trigger_texts, .tokens = s.trigger_tokens};
    int32_t status = s.trigger_texts != NULL && s.trigger_tokens != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    if (status == INLAY_OK) status = sort_triggers(&s, triggers, trigger_sizes, n_triggers);
    if (status == INLAY_OK) status = make(&s, grammar);
    inlay__free(sys, s.trigger_tokens, n_triggers * sizeof *s.trigger_tokens);
    inlay__free(sys, s.trigger_texts, n_triggers * sizeof *s.trigger_texts);
    return status;
}

void inlay_grammar_free(inlay_grammar *grammar) {
    if (grammar == NULL || grammar->magic != INLAY__MAGIC_GRAMMAR) return;
    inlay__constraint *constraint = grammar->constraint;
    grammar->magic = INLAY__MAGIC_FREED;
    inlay__free(constraint->sys, grammar, sizeof *grammar);
    inlay__constraint_drop(constraint);
}

/* --------------------------------------------------------------------- matching */

static int32_t match(inlay__reader *reader, inlay__text text, size_t *n_bytes, int32_t *is_whole) {
    size_t n = 0;
    for (; n < text.size; n++) {
        INLAY__TRY(inlay__reader_step(reader, INLAY__ROOT_NOW, (uint8_t)text.text[n], 1));
        if (inlay__reader_is_dead(reader, 1)) break;
        reader->roots[INLAY__ROOT_NOW] = reader->roots[1];
    }
    if (n_bytes != NULL) *n_bytes = n;
    if (is_whole != NULL) *is_whole = n == text.size && inlay__reader_ends(reader, INLAY__ROOT_NOW);
    return INLAY_OK;
}

int32_t inlay_grammar_match(const inlay_grammar *grammar, const char *text, size_t size, size_t *n_bytes,
                            int32_t *is_whole) {
    inlay__reader reader;
    INLAY__TRY(check_grammar("inlay_grammar_match", grammar));
    if (text == NULL) return inlay__null_argument("inlay_grammar_match", "text");
    if (size == INLAY_ALL) size = strlen(text);
    int32_t status = inlay__reader_init(&reader, grammar->constraint->sys, &grammar->constraint->grammar, 2);
    if (status == INLAY_OK) status = match(&reader, (inlay__text){text, size}, n_bytes, is_whole);
    inlay__reader_free(&reader);
    return status;
}

/* --------------------------------------------------------------------- samplers */

static int32_t add(inlay_sampler *sampler, const inlay_grammar *grammar) {
    inlay__constraint *constraint = grammar->constraint;
    inlay__chain *chain = &sampler->chain;
    inlay__stage stage = {.kind = INLAY_STAGE_GRAMMAR};
    if (constraint->texts->n_vocab > chain->n_vocab)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "inlay_sampler_add_grammar: the sampler has %zu tokens, the grammar's model %zu",
                           chain->n_vocab, constraint->texts->n_vocab);
    stage.guide = inlay__alloc_array(&sampler->sys, 1, sizeof *stage.guide);
    if (stage.guide == NULL) return INLAY_ERR_MEMORY;
    int32_t status = inlay__guide_init(stage.guide, &sampler->sys, constraint);
    if (status == INLAY_OK) status = inlay__chain_add(chain, &stage);
    if (status != INLAY_OK) inlay__stage_free(&stage, &sampler->sys);
    return status;
}

int32_t inlay_sampler_add_grammar(inlay_sampler *sampler, inlay_grammar *grammar) {
    INLAY__TRY(check_grammar("inlay_sampler_add_grammar", grammar));
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_add_grammar", sampler));
    return inlay__sampler_leave(sampler, add(sampler, grammar));
}

static int32_t state_of(inlay__chain *chain, int32_t *state) {
    const inlay__stage *stage = inlay__chain_last(chain, INLAY_STAGE_GRAMMAR);
    if (state == NULL) return inlay__null_argument("inlay_sampler_grammar_state", "state");
    if (stage == NULL)
        return inlay__fail(INLAY_ERR_STATE, "inlay_sampler_grammar_state: the sampler has no stage 'grammar'");
    *state = (stage->guide->is_begun ? INLAY_GRAMMAR_BEGUN : 0) |
             (inlay__guide_may_end(stage->guide) ? INLAY_GRAMMAR_MAY_END : 0) |
             (inlay__guide_must_end(stage->guide) ? INLAY_GRAMMAR_MUST_END : 0);
    return INLAY_OK;
}

int32_t inlay_sampler_grammar_state(inlay_sampler *sampler, int32_t *state) {
    INLAY__TRY(inlay__sampler_enter("inlay_sampler_grammar_state", sampler));
    return inlay__sampler_leave(sampler, state_of(&sampler->chain, state));
}
