/* Opens and closes what the commands work on. */
#include "cli.h"

#include <string.h>

/* The type that --quantize names. */
static int set_quantize(const cli_args *args) {
    static const struct {
        const char *name;
        int64_t type;
    } types[] = {{"f16", INLAY_TYPE_F16},   {"q16_0", INLAY_TYPE_Q16_0}, {"q8_0", INLAY_TYPE_Q8_0},
                 {"q4_0", INLAY_TYPE_Q4_0}, {"q4_k", INLAY_TYPE_Q4_K},   {"q6_k", INLAY_TYPE_Q6_K}};
    const char *asked = args->value[ARG_QUANTIZE];

    if (asked == NULL) return CLI_OK;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(asked, types[i].name) != 0) continue;
        int32_t status = inlay_options_set_int(args->library, INLAY_OPT_QUANTIZE, types[i].type);
        return status == INLAY_OK ? CLI_OK : cli_library_error(status);
    }
    return cli_usage("--quantize is '%s', expected f16, q16_0, q8_0, q4_0, q4_k or q6_k", asked);
}

int cli_set_opening(const cli_args *args) {
    int code = set_quantize(args);
    int32_t status = INLAY_OK;

    if (code == CLI_OK && args->value[ARG_LOW_MEMORY] != NULL) {
        status = inlay_options_set_int(args->library, INLAY_OPT_PACK, INLAY_PACK_NEVER);
        if (status == INLAY_OK) status = inlay_options_set_int(args->library, INLAY_OPT_LOAD, INLAY_LOAD_MAP);
    }
    return status == INLAY_OK ? code : cli_library_error(status);
}

int cli_open_model(const cli_args *args, inlay_model **model) {
    int code = cli_set_opening(args);
    int32_t status;

    if (code != CLI_OK) return code;
    status = inlay_options_set_progress(args->library, cli_progress, NULL);
    if (status == INLAY_OK) {
        cli_progress_begin("opening");
        status = inlay_model_open(args->model, args->library, model);
        cli_progress_begin(NULL);
    }
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

int cli_needs(const cli_args *args, const inlay_model *model, int64_t capability) {
    static const struct {
        int64_t bit;
        const char *lacks, *commands;
    } table[] = {
        {INLAY_CAN_GENERATE, "does not continue text", "inlay run, chat and logits"},
        {INLAY_CAN_EMBED, "makes no embeddings", "inlay embed"},
        {INLAY_CAN_FILL_MASK, "has no head that predicts masked tokens", "inlay fill-mask and logits"},
    };
    const char *kind = "model", *lacks = "", *commands[3];
    size_t size = 0, n = 0;
    int64_t can = 0;

    if (inlay_model_get_int(model, INLAY_MODEL_CAPABILITIES, &can) != INLAY_OK ||
        inlay_model_get_string(model, INLAY_MODEL_KIND, &kind, &size) != INLAY_OK)
        return cli_error("%s", inlay_error());
    if ((can & capability) != 0) return CLI_OK;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if ((can & table[i].bit) != 0) commands[n++] = table[i].commands;
        if (table[i].bit == capability) lacks = table[i].lacks;
    }
    return cli_error("'%s' is %s %s and %s%s%s%s%s", args->model, kind[0] == 'e' ? "an" : "a", kind, lacks,
                     n > 0 ? "; for it there is " : "", n > 0 ? commands[0] : "", n > 1 ? ", and " : "",
                     n > 1 ? commands[1] : "");
}

int cli_open_session(const cli_args *args, inlay_model *model, inlay_session **session) {
    int32_t status = inlay_session_new(model, args->library, session);

    if (status != INLAY_OK) return cli_library_error(status);
    cli_interrupt_session(*session);
    return CLI_OK;
}

int cli_make_room(const cli_args *args, inlay_model *model, uint64_t n_tokens, inlay_session **session) {
    int64_t n_context = 0, n_trained = 0;

    if (inlay_session_get_int(*session, INLAY_SESSION_CONTEXT, &n_context) != INLAY_OK ||
        inlay_model_get_int(model, INLAY_MODEL_N_CONTEXT_TRAIN, &n_trained) != INLAY_OK)
        return cli_error("%s", inlay_error());
    if (args->value[ARG_CONTEXT] != NULL || n_tokens <= (uint64_t)n_context || n_trained <= n_context) return CLI_OK;
    int64_t room = n_tokens < (uint64_t)n_trained ? (int64_t)n_tokens : n_trained;
    int32_t status = inlay_options_set_int(args->library, INLAY_OPT_CONTEXT, room);
    if (status != INLAY_OK) return cli_library_error(status);
    cli_interrupt_session(NULL);
    inlay_session_free(*session);
    *session = NULL;
    return cli_open_session(args, model, session);
}

void cli_close(inlay_model *model, inlay_session *session) {
    cli_interrupt_session(NULL);
    inlay_session_free(session);
    inlay_model_free(model);
}
