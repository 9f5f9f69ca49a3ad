/* Opens and closes what the commands work on. */
#include "cli.h"

int cli_open_model(const cli_args *args, inlay_model **model) {
    int32_t status = inlay_options_set_progress(args->library, cli_progress, NULL);

    if (status == INLAY_OK && args->value[ARG_LOW_MEMORY] != NULL) {
        status = inlay_options_set_int(args->library, INLAY_OPT_PACK, INLAY_PACK_NEVER);
        if (status == INLAY_OK) status = inlay_options_set_int(args->library, INLAY_OPT_LOAD, INLAY_LOAD_MAP);
    }
    if (status == INLAY_OK) {
        cli_progress_begin("opening");
        status = inlay_model_open(args->model, args->library, model);
        cli_progress_begin(NULL);
    }
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

int cli_open_session(const cli_args *args, inlay_model *model, inlay_session **session) {
    int32_t status = inlay_session_new(model, args->library, session);

    if (status != INLAY_OK) return cli_library_error(status);
    cli_interrupt_session(*session);
    return CLI_OK;
}

void cli_close(inlay_model *model, inlay_session *session) {
    cli_interrupt_session(NULL);
    inlay_session_free(session);
    inlay_model_free(model);
}
