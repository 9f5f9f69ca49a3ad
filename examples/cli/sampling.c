/* What the command line says of sampling, beyond the options of the library: a sampler of stages in a fixed order. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* A parameter that an option sets; the stage is added by the first option of it that is there. */
typedef struct setting {
    cli_arg arg;
    int32_t stage, parameter;
} setting;

/* In the order of the stages. Those of the library's options come between them, as in a session. */
static const setting before[] = {
    {ARG_REPEAT_LAST, INLAY_STAGE_PENALTIES, INLAY_PARAMETER_PENALTY_LAST},
    {ARG_REPEAT_PENALTY, INLAY_STAGE_PENALTIES, INLAY_PARAMETER_PENALTY_REPEAT},
    {ARG_FREQUENCY_PENALTY, INLAY_STAGE_PENALTIES, INLAY_PARAMETER_PENALTY_FREQUENCY},
    {ARG_PRESENCE_PENALTY, INLAY_STAGE_PENALTIES, INLAY_PARAMETER_PENALTY_PRESENCE},
    {ARG_DRY_MULTIPLIER, INLAY_STAGE_DRY, INLAY_PARAMETER_DRY_MULTIPLIER},
    {ARG_DRY_BASE, INLAY_STAGE_DRY, INLAY_PARAMETER_DRY_BASE},
    {ARG_DRY_ALLOWED, INLAY_STAGE_DRY, INLAY_PARAMETER_DRY_ALLOWED},
    {ARG_DRY_LAST, INLAY_STAGE_DRY, INLAY_PARAMETER_DRY_LAST},
    {ARG_TOP_N_SIGMA, INLAY_STAGE_TOP_N_SIGMA, INLAY_PARAMETER_TOP_N_SIGMA},
};
static const setting between[] = {{ARG_TYPICAL, INLAY_STAGE_TYPICAL, INLAY_PARAMETER_TYPICAL}};
static const setting after[] = {
    {ARG_XTC_PROBABILITY, INLAY_STAGE_XTC, INLAY_PARAMETER_XTC_PROBABILITY},
    {ARG_XTC_THRESHOLD, INLAY_STAGE_XTC, INLAY_PARAMETER_XTC_THRESHOLD},
    {ARG_TEMP_LOWEST, INLAY_STAGE_DYNAMIC_TEMPERATURE, INLAY_PARAMETER_TEMPERATURE_LOWEST},
    {ARG_TEMP_HIGHEST, INLAY_STAGE_DYNAMIC_TEMPERATURE, INLAY_PARAMETER_TEMPERATURE_HIGHEST},
    {ARG_TEMP_EXPONENT, INLAY_STAGE_DYNAMIC_TEMPERATURE, INLAY_PARAMETER_TEMPERATURE_EXPONENT},
};

static const setting mirostat[][2] = {{{ARG_MIROSTAT_TAU, INLAY_STAGE_MIROSTAT, INLAY_PARAMETER_MIROSTAT_TAU},
                                       {ARG_MIROSTAT_ETA, INLAY_STAGE_MIROSTAT, INLAY_PARAMETER_MIROSTAT_ETA}},
                                      {{ARG_MIROSTAT_TAU, INLAY_STAGE_MIROSTAT_V2, INLAY_PARAMETER_MIROSTAT_V2_TAU},
                                       {ARG_MIROSTAT_ETA, INLAY_STAGE_MIROSTAT_V2, INLAY_PARAMETER_MIROSTAT_V2_ETA}}};

static int read_number(const char *text, double *value) {
    char *end = NULL;

    *value = strtod(text, &end);
    return end != text && *end == '\0' ? CLI_OK : cli_usage("'%s' is not a number", text);
}

/* Repetitions end where tokens have one of these, as sentences and turns do. */
static int set_breakers(inlay_sampler *sampler, const inlay_model *model) {
    int64_t n_vocab = 0;
    int32_t *tokens = NULL, status = inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab);
    size_t n = 0;

    if (status != INLAY_OK) return cli_library_error(status);
    tokens = malloc((size_t)n_vocab * sizeof *tokens);
    if (tokens == NULL) return cli_error("there is not enough memory for the tokens that end repetitions");
    for (int32_t token = 0; token < n_vocab; token++) {
        char bytes[64];
        size_t size = 0;

        if (inlay_token_bytes(model, token, bytes, sizeof bytes, &size) != INLAY_OK) continue;
        for (size_t i = 0; i < size; i++)
            if (memchr("\n:\"*", bytes[i], 4) != NULL) {
                tokens[n++] = token;
                break;
            }
    }
    status = inlay_sampler_set_breakers(sampler, tokens, n);
    free(tokens);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* Adds the stages of which an option is there. */
static int add_stages(const cli_args *args, const inlay_model *model, const setting *settings, size_t n,
                      inlay_sampler *sampler) {
    int32_t last = 0, status = INLAY_OK;

    for (size_t i = 0; i < n && status == INLAY_OK; i++) {
        const char *text = args->value[settings[i].arg];
        double value = 0;

        if (text == NULL) continue;
        if (read_number(text, &value) != CLI_OK) return CLI_USAGE;
        if (settings[i].stage != last) {
            last = settings[i].stage;
            status = inlay_sampler_add(sampler, last);
            if (status == INLAY_OK && last == INLAY_STAGE_DRY && set_breakers(sampler, model) != CLI_OK)
                return CLI_ERROR;
        }
        if (status == INLAY_OK) status = inlay_sampler_set(sampler, settings[i].parameter, value);
    }
    if (status == INLAY_ERR_ARGUMENT) return cli_usage("%s", inlay_error());
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* One of the library's own options. */
static int add_option(const cli_args *args, int32_t key, int32_t stage, int32_t parameter, inlay_sampler *sampler) {
    double value = 0;
    int64_t whole = 0;
    int32_t status = key == INLAY_OPT_TOP_K ? inlay_options_get_int(args->library, key, &whole)
                                            : inlay_options_get_float(args->library, key, &value);

    if (status == INLAY_OK) status = inlay_sampler_add(sampler, stage);
    if (status == INLAY_OK)
        status = inlay_sampler_set(sampler, parameter, key == INLAY_OPT_TOP_K ? (double)whole : value);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* "12=-1.5,7=2": what is added to logits; -inf bans a token. */
static int add_bias(const char *text, inlay_sampler *sampler) {
    while (*text != '\0') {
        char *end = NULL;
        long token = strtol(text, &end, 10);
        float bias;

        if (end == text || *end != '=' || token < 0 || token > INT32_MAX)
            return cli_usage("'%s' is not a list of biases such as 12=-1.5,7=2", text);
        text = end + 1;
        bias = strtof(text, &end);
        if (end == text || (*end != ',' && *end != '\0'))
            return cli_usage("'%s' is not a list of biases such as 12=-1.5,7=2", text);
        if (inlay_sampler_add_bias(sampler, &(int32_t){(int32_t)token}, &bias, 1) != INLAY_OK)
            return cli_usage("%s", inlay_error());
        text = *end == ',' ? end + 1 : end;
    }
    return CLI_OK;
}

static int add_banned(const char *text, inlay_sampler *sampler) {
    cli_ids ids = {NULL, 0};
    int code = cli_parse_ids(text, strlen(text), false, &ids);

    if (code == CLI_OK && inlay_sampler_add_bias(sampler, ids.ids, NULL, ids.n) != INLAY_OK)
        code = cli_usage("%s", inlay_error());
    free(ids.ids);
    return code;
}

/* Files that end so hold a JSON Schema. */
static int32_t grammar_kind(const char *path) {
    size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".json") == 0 ? INLAY_GRAMMAR_JSON_SCHEMA : INLAY_GRAMMAR_GBNF;
}

/* The answer, or what follows --trigger, has the form of a grammar. */
static int add_grammar(const cli_args *args, inlay_model *model, inlay_sampler *sampler) {
    const char *path = args->value[ARG_GRAMMAR], *trigger = args->value[ARG_TRIGGER];
    inlay_grammar *grammar = NULL;
    char *text = NULL;
    size_t size = 0;
    int code;

    if (path == NULL) return cli_usage("--trigger needs --grammar FILE");
    code = cli_read_file(path, &text, &size);
    if (code != CLI_OK) return code;
    if (inlay_grammar_new(model, grammar_kind(path), text, size, &trigger, NULL, trigger != NULL, &grammar) != INLAY_OK)
        code = cli_error("%s: %s", path, inlay_error());
    else if (inlay_sampler_add_grammar(sampler, grammar) != INLAY_OK)
        code = cli_error("%s", inlay_error());
    inlay_grammar_free(grammar); /* the sampler keeps what it needs */
    free(text);
    return code;
}

static int add_all(const cli_args *args, inlay_model *model, int64_t version, inlay_sampler *sampler) {
    static const size_t n_before = sizeof before / sizeof before[0], n_after = sizeof after / sizeof after[0];
    bool is_dynamic = args->value[ARG_TEMP_LOWEST] != NULL || args->value[ARG_TEMP_HIGHEST] != NULL ||
                      args->value[ARG_TEMP_EXPONENT] != NULL;
    int code = CLI_OK;

    if (args->value[ARG_GRAMMAR] != NULL || args->value[ARG_TRIGGER] != NULL) code = add_grammar(args, model, sampler);
    if (code == CLI_OK && args->value[ARG_BIAS] != NULL) code = add_bias(args->value[ARG_BIAS], sampler);
    if (code == CLI_OK && args->value[ARG_BAN] != NULL) code = add_banned(args->value[ARG_BAN], sampler);
    if (code == CLI_OK) code = add_stages(args, model, before, n_before, sampler);
    if (code == CLI_OK) code = add_option(args, INLAY_OPT_TOP_K, INLAY_STAGE_TOP_K, INLAY_PARAMETER_TOP_K, sampler);
    if (code == CLI_OK) code = add_stages(args, model, between, 1, sampler);
    if (code == CLI_OK) code = add_option(args, INLAY_OPT_MIN_P, INLAY_STAGE_MIN_P, INLAY_PARAMETER_MIN_P, sampler);
    if (code == CLI_OK) code = add_option(args, INLAY_OPT_TOP_P, INLAY_STAGE_TOP_P, INLAY_PARAMETER_TOP_P, sampler);
    if (code == CLI_OK) code = add_stages(args, model, after, n_after, sampler);
    if (code == CLI_OK && !is_dynamic)
        code = add_option(args, INLAY_OPT_TEMPERATURE, INLAY_STAGE_TEMPERATURE, INLAY_PARAMETER_TEMPERATURE, sampler);
    if (code == CLI_OK && version > 0) {
        int32_t stage = version == 1 ? INLAY_STAGE_MIROSTAT : INLAY_STAGE_MIROSTAT_V2;

        if (args->value[ARG_MIROSTAT_TAU] != NULL || args->value[ARG_MIROSTAT_ETA] != NULL)
            code = add_stages(args, model, mirostat[version - 1], 2, sampler);
        else if (inlay_sampler_add(sampler, stage) != INLAY_OK)
            code = cli_error("%s", inlay_error());
    }
    return code;
}

static bool wants_sampler(const cli_args *args) {
    for (int arg = ARG_FIRST_OF_SAMPLER; arg <= ARG_LAST_OF_SAMPLER; arg++)
        if (args->value[arg] != NULL) return true;
    return false;
}

int cli_open_sampler(const cli_args *args, inlay_model *model, inlay_sampler **sampler) {
    int64_t n_vocab = 0, version = 0;
    int code = cli_args_int(args, ARG_MIROSTAT, 0, 2, 0, &version);

    *sampler = NULL;
    if (code != CLI_OK || !wants_sampler(args)) return code;
    if (inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab) != INLAY_OK ||
        inlay_sampler_new((size_t)n_vocab, args->library, sampler) != INLAY_OK)
        return cli_error("%s", inlay_error());
    code = add_all(args, model, version, *sampler);
    if (code != CLI_OK) {
        inlay_sampler_free(*sampler);
        *sampler = NULL;
    }
    return code;
}

int32_t cli_sample(inlay_session *session, inlay_sampler *sampler, int32_t *token) {
    float *logits;
    int32_t status;

    if (sampler == NULL) return inlay_sample(session, token);
    status = inlay_logits(session, &logits, NULL);
    if (status == INLAY_OK) status = inlay_sampler_sample(sampler, logits, token);
    return status == INLAY_OK ? inlay_sampler_accept(sampler, token, 1) : status;
}

int cli_open_stop(const cli_args *args, inlay_stop **stop) {
    const char *text = args->value[ARG_STOP];

    *stop = NULL;
    if (text == NULL) return CLI_OK;
    if (inlay_stop_new(args->library, stop) != INLAY_OK) return cli_error("%s", inlay_error());
    for (size_t i = 0; i < args->n_stops; i++)
        if (inlay_stop_add(*stop, args->stops[i], INLAY_ALL) != INLAY_OK) {
            inlay_stop_free(*stop);
            *stop = NULL;
            return cli_usage("--stop: %s", inlay_error());
        }
    return CLI_OK;
}
