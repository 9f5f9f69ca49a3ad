/* What the command line says of speculation: guesses looked up in the text, or of a draft model. */
#include "cli.h"

#include <string.h>

enum { N_GUESSES = 16, N_TEXT = 8192 };

static int open_draft(const cli_args *args, const char *path, cli_speculation *s) {
    int64_t sequences = 0;
    int32_t status = inlay_options_get_int(args->library, INLAY_OPT_SEQUENCES, &sequences);

    cli_progress_begin("opening the draft");
    if (status == INLAY_OK) status = inlay_model_open(path, args->library, &s->draft_model);
    cli_progress_begin(NULL);
    if (status == INLAY_OK) status = inlay_options_set_int(args->library, INLAY_OPT_SEQUENCES, 2);
    if (status == INLAY_OK) status = inlay_session_new(s->draft_model, args->library, &s->draft);
    if (status == INLAY_OK) status = inlay_options_set_int(args->library, INLAY_OPT_SEQUENCES, sequences);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

int cli_open_speculation(const cli_args *args, const inlay_model *model, cli_speculation *s) {
    const char *draft = args->value[ARG_DRAFT];
    int64_t n_vocab = 0;
    int32_t status = inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab);

    *s = (cli_speculation){NULL, NULL, NULL};
    if (draft == NULL && args->value[ARG_LOOKUP] == NULL) return CLI_OK;
    if (draft != NULL && args->value[ARG_LOOKUP] != NULL) return cli_usage("--lookup and --draft exclude each other");
    if (status == INLAY_OK)
        status = inlay_speculator_new((size_t)n_vocab, N_GUESSES, N_TEXT, args->library, &s->speculator);
    if (status != INLAY_OK) return cli_library_error(status);
    return draft != NULL ? open_draft(args, draft, s) : CLI_OK;
}

void cli_close_speculation(cli_speculation *s) {
    inlay_speculator_free(s->speculator);
    inlay_session_free(s->draft);
    inlay_model_free(s->draft_model);
}

int32_t cli_speculation_read(cli_speculation *s, const int32_t *tokens, size_t n) {
    int32_t status = INLAY_OK;

    if (s->speculator != NULL) status = inlay_speculator_reset(s->speculator);
    if (status == INLAY_OK && s->speculator != NULL) status = inlay_speculator_accept(s->speculator, tokens, n);
    return status == INLAY_OK && s->draft != NULL ? inlay_eval_prompt(s->draft, tokens, n, NULL) : status;
}

static bool is_full(const inlay_session *session) {
    int64_t length = 0, context = 0;

    return inlay_session_get_int(session, INLAY_SESSION_LENGTH, &length) == INLAY_OK &&
           inlay_session_get_int(session, INLAY_SESSION_CONTEXT, &context) == INLAY_OK && length == context;
}

int32_t cli_choose(cli_speculation *s, inlay_session *session, inlay_sampler *sampler, uint64_t most, int32_t *tokens,
                   size_t *n, bool *are_appended) {
    *n = 1;
    *are_appended = s->speculator != NULL && !is_full(session);
    if (!*are_appended) return cli_sample(session, sampler, tokens);
    return inlay_speculate(s->speculator, session, s->draft, sampler, tokens,
                           most < CLI_MOST_TOKENS ? (size_t)most : CLI_MOST_TOKENS, n);
}
