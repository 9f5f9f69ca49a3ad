/* A chain of stages, from logits to a token. */
#include "sample/chain.h"
#include "sample/stage_table.h"
#include "sample/truncate.h"

/* ----------------------------------------------------------------- lifetime */

int32_t inlay__chain_init(inlay__chain *chain, const inlay__sys *sys, inlay__cpu cpu, size_t n_vocab, uint64_t seed) {
    *chain = (inlay__chain){.sys = sys, .n_vocab = n_vocab};
    inlay__kernels_init(&chain->kernels, cpu);
    inlay__chain_reset(chain, seed);
    chain->logits = inlay__alloc_array(sys, n_vocab, sizeof *chain->logits);
    chain->scratch.ids = inlay__alloc_array(sys, n_vocab, sizeof *chain->scratch.ids);
    chain->scratch.weights = inlay__alloc_array(sys, n_vocab, sizeof *chain->scratch.weights);
    return chain->logits != NULL && chain->scratch.ids != NULL && chain->scratch.weights != NULL ? INLAY_OK
                                                                                                 : INLAY_ERR_MEMORY;
}

void inlay__chain_free(inlay__chain *chain) {
    size_t n = chain->n_vocab;
    for (size_t i = 0; i < chain->n_stages; i++)
        inlay__stage_free(&chain->stages[i], chain->sys);
    inlay__history_free(&chain->history, chain->sys);
    inlay__free(chain->sys, chain->lengths, chain->n_lengths * sizeof *chain->lengths);
    inlay__free(chain->sys, chain->marks, n * sizeof *chain->marks);
    inlay__free(chain->sys, chain->scratch.weights, n * sizeof *chain->scratch.weights);
    inlay__free(chain->sys, chain->scratch.ids, n * sizeof *chain->scratch.ids);
    inlay__free(chain->sys, chain->logits, n * sizeof *chain->logits);
}

static void begin_stage(inlay__stage *stage) { stage->mu = 2.0 * stage->values[0]; }

void inlay__chain_reset(inlay__chain *chain, uint64_t seed) {
    chain->seed = seed;
    chain->history.n = 0;
    inlay__rng_seed(&chain->rng, seed);
    for (size_t i = 0; i < chain->n_stages; i++) {
        begin_stage(&chain->stages[i]);
        if (chain->stages[i].guide != NULL) inlay__guide_reset(chain->stages[i].guide);
    }
}

int32_t inlay__chain_copy(const inlay__chain *chain, inlay__chain *copy) {
    for (size_t i = 0; i < chain->n_stages; i++) {
        inlay__stage stage;
        INLAY__TRY(inlay__stage_copy(&chain->stages[i], copy->sys, &stage));
        int32_t status = inlay__chain_add(copy, &stage);
        if (status != INLAY_OK) {
            inlay__stage_free(&stage, copy->sys);
            return status;
        }
        copy->stages[i].mu = chain->stages[i].mu;
    }
    inlay__history_add(&copy->history, chain->history.tokens, chain->history.n);
    copy->seed = chain->seed;
    copy->rng = chain->rng;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- stages */

inlay__stage *inlay__chain_last(inlay__chain *chain, int32_t kind) {
    for (size_t i = chain->n_stages; i-- > 0;)
        if (chain->stages[i].kind == kind) return &chain->stages[i];
    return NULL;
}

/* Room to look back as far as a stage with these values does. */
static int32_t make_room(inlay__chain *chain, const inlay__stage *stage) {
    bool is_dry = stage->kind == INLAY_STAGE_DRY;
    if (!is_dry && stage->kind != INLAY_STAGE_PENALTIES) return INLAY_OK;
    size_t last = (size_t)stage->values[is_dry ? 3 : 0];
    if (chain->marks == NULL) {
        chain->marks = inlay__alloc_array(chain->sys, chain->n_vocab, sizeof *chain->marks);
        if (chain->marks == NULL) return INLAY_ERR_MEMORY;
    }
    if (is_dry && last > chain->n_lengths) {
        uint32_t *lengths = inlay__alloc_array(chain->sys, last, sizeof *lengths);
        if (lengths == NULL) return INLAY_ERR_MEMORY;
        inlay__free(chain->sys, chain->lengths, chain->n_lengths * sizeof *lengths);
        chain->lengths = lengths;
        chain->n_lengths = last;
    }
    return inlay__history_grow(&chain->history, chain->sys, last);
}

int32_t inlay__chain_add(inlay__chain *chain, const inlay__stage *stage) {
    if (chain->n_stages == INLAY__MAX_STAGES)
        return inlay__fail(INLAY_ERR_STATE, "the sampler has %d stages already, which is the most", INLAY__MAX_STAGES);
    if (inlay__chain_last(chain, INLAY_STAGE_MIROSTAT) != NULL ||
        inlay__chain_last(chain, INLAY_STAGE_MIROSTAT_V2) != NULL)
        return inlay__fail(INLAY_ERR_STATE, "no stage can stand behind mirostat: stage '%s' comes before it",
                           inlay__stage_name(stage->kind));
    INLAY__TRY(make_room(chain, stage));
    chain->stages[chain->n_stages] = *stage;
    begin_stage(&chain->stages[chain->n_stages++]);
    return INLAY_OK;
}

int32_t inlay__chain_set(inlay__chain *chain, int32_t key, double value) {
    const inlay__stage_parameter *parameter = inlay__stage_parameter_find(key);
    inlay__stage *stage = inlay__chain_last(chain, parameter->stage);
    if (stage == NULL)
        return inlay__fail(INLAY_ERR_STATE, "the sampler has no stage '%s', whose '%s' was to be set",
                           inlay__stage_name(parameter->stage), parameter->name);
    inlay__stage changed = *stage;
    changed.values[parameter->place] = value;
    INLAY__TRY(make_room(chain, &changed));
    if (parameter->place == 0) begin_stage(&changed); /* Mirostat begins at its target */
    *stage = changed;
    return INLAY_OK;
}

/* ----------------------------------------------------------------- choosing */

void inlay__chain_keep_draws(const inlay__chain *chain, inlay__chain_draws *draws) {
    draws->rng = chain->rng;
    for (size_t i = 0; i < chain->n_stages; i++) {
        draws->mu[i] = chain->stages[i].mu;
        if (chain->stages[i].guide != NULL) draws->marks[i] = inlay__guide_mark_now(chain->stages[i].guide);
    }
}

void inlay__chain_undo_draws(inlay__chain *chain, const inlay__chain_draws *draws) {
    chain->rng = draws->rng;
    for (size_t i = 0; i < chain->n_stages; i++) {
        chain->stages[i].mu = draws->mu[i];
        if (chain->stages[i].guide != NULL) inlay__guide_return(chain->stages[i].guide, draws->marks[i]);
    }
}

/* All grammars go on by tokens, or none does. */
static int32_t accept_all(inlay__chain *chain, const int32_t *tokens, size_t n) {
    int32_t status = INLAY_OK;
    size_t i = 0;
    for (; i < chain->n_stages && status == INLAY_OK; i++)
        if (chain->stages[i].guide != NULL) status = inlay__guide_accept(chain->stages[i].guide, tokens, n);
    if (status == INLAY_OK) return INLAY_OK;
    for (i--; i-- > 0;) /* those before the one that failed, which has gone back itself */
        if (chain->stages[i].guide != NULL) inlay__guide_undo_accept(chain->stages[i].guide);
    return status;
}

int32_t inlay__chain_guess(inlay__chain *chain, int32_t token) { return accept_all(chain, &token, 1); }

int32_t inlay__chain_accept(inlay__chain *chain, const int32_t *tokens, size_t n) {
    INLAY__TRY(accept_all(chain, tokens, n));
    inlay__history_add(&chain->history, tokens, n);
    return INLAY_OK;
}

static void exclude_top(const inlay__stage *stage, inlay__choice *choice) {
    if (inlay__rng_f32(choice->rng) < (float)stage->values[0]) inlay__exclude_top(&choice->c, (float)stage->values[1]);
}

static int32_t apply(inlay__stage *stage, inlay__choice *choice) {
    inlay__candidates *c = &choice->c;
    float value = (float)stage->values[0];
    switch (stage->kind) {
    case INLAY_STAGE_TEMPERATURE:
        inlay__stage_temperature(stage, choice);
        break;
    case INLAY_STAGE_DYNAMIC_TEMPERATURE:
        inlay__stage_dynamic_temperature(stage, choice);
        break;
    case INLAY_STAGE_TOP_K:
        inlay__keep_top_k(c, (int32_t)stage->values[0]);
        break;
    case INLAY_STAGE_TOP_P:
        inlay__keep_top_p(c, value);
        break;
    case INLAY_STAGE_MIN_P:
        inlay__keep_min_p(c, value);
        break;
    case INLAY_STAGE_TYPICAL:
        inlay__keep_typical(c, value);
        break;
    case INLAY_STAGE_TOP_N_SIGMA:
        inlay__keep_top_n_sigma(c, value);
        break;
    case INLAY_STAGE_XTC:
        exclude_top(stage, choice);
        break;
    case INLAY_STAGE_MIROSTAT:
        inlay__stage_mirostat(stage, choice);
        break;
    case INLAY_STAGE_MIROSTAT_V2:
        inlay__stage_mirostat_v2(stage, choice);
        break;
    case INLAY_STAGE_PENALTIES:
        inlay__stage_penalties(stage, choice);
        break;
    case INLAY_STAGE_DRY:
        inlay__stage_dry(stage, choice);
        break;
    case INLAY_STAGE_BIAS:
        inlay__stage_bias(stage, choice);
        break;
    case INLAY_STAGE_ALLOWED:
        inlay__stage_allowed(stage, choice);
        break;
    case INLAY_STAGE_CALLBACK:
        return inlay__stage_callback(stage, choice);
    case INLAY_STAGE_GRAMMAR:
        return inlay__stage_grammar(stage, choice);
    default:
        break;
    }
    return INLAY_OK;
}

/* Of these the order among themselves matters to no candidate's being there: they may follow one another unrefreshed.
 */
static bool only_edits(int32_t kind) {
    return kind == INLAY_STAGE_BIAS || kind == INLAY_STAGE_ALLOWED || kind == INLAY_STAGE_PENALTIES ||
           kind == INLAY_STAGE_DRY || kind == INLAY_STAGE_GRAMMAR;
}

static int32_t refresh(inlay__choice *choice) {
    if (!choice->is_changed) return INLAY_OK;
    choice->is_changed = false;
    return inlay__candidates_refresh(&choice->c);
}

static int32_t run(inlay__chain *chain, const float *logits, inlay__choice *choice) {
    INLAY__TRY(inlay__candidates_init(&choice->c, &chain->kernels, &chain->scratch, logits, chain->n_vocab));
    memcpy(chain->logits, logits, chain->n_vocab * sizeof *logits);
    choice->c.logits = chain->logits;
    for (size_t i = 0; i < chain->n_stages; i++) {
        if (!only_edits(chain->stages[i].kind)) INLAY__TRY(refresh(choice));
        INLAY__TRY(apply(&chain->stages[i], choice));
    }
    return refresh(choice);
}

/* Whose grammar's text has begun, a bit for each stage: it begins with a choice. */
static uint64_t begun(const inlay__chain *chain) {
    uint64_t bits = 0;
    for (size_t i = 0; i < chain->n_stages; i++)
        if (chain->stages[i].guide != NULL && chain->stages[i].guide->is_begun) bits |= (uint64_t)1 << i;
    return bits;
}

static void set_begun(inlay__chain *chain, uint64_t bits) {
    for (size_t i = 0; i < chain->n_stages; i++)
        if (chain->stages[i].guide != NULL) chain->stages[i].guide->is_begun = (bits >> i & 1) != 0;
}

static inlay__choice begin(inlay__chain *chain) {
    return (inlay__choice){.logits = chain->logits,
                           .history = &chain->history,
                           .marks = chain->marks,
                           .lengths = chain->lengths,
                           .rng = &chain->rng,
                           .host = inlay__fpenv_enter()};
}

int32_t inlay__chain_choose(inlay__chain *chain, const float *logits, int32_t *token) {
    inlay__choice choice = begin(chain);
    inlay__rng before = chain->rng;
    uint64_t begun_before = begun(chain);
    int32_t status = run(chain, logits, &choice);
    if (status == INLAY_OK) {
        *token = choice.is_decided ? choice.c.best : inlay__candidates_draw(&choice.c, 1.0f, &chain->rng);
        if (choice.mirostat != NULL) choice.mirostat->mu = inlay__mirostat_learn(&choice, *token);
    } else {
        chain->rng = before;
        set_begun(chain, begun_before);
    }
    inlay__fpenv_leave(choice.host);
    return status;
}

int32_t inlay__chain_candidates(inlay__chain *chain, const float *logits, size_t *n) {
    inlay__choice choice = begin(chain);
    inlay__rng before = chain->rng;
    uint64_t begun_before = begun(chain);
    int32_t status = run(chain, logits, &choice);
    if (status == INLAY_OK) {
        inlay__candidates_weigh(&choice.c);
        inlay__candidates_list(&choice.c);
        *n = choice.c.n;
    }
    chain->rng = before;
    set_begun(chain, begun_before);
    inlay__fpenv_leave(choice.host);
    return status;
}
