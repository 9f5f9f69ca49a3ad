/* What the command line says of saved states: a sequence comes from a file and goes to one. */
#include "cli.h"

int cli_load_state(const cli_args *args, inlay_session *session) {
    const char *path = args->value[ARG_LOAD_STATE];

    if (path == NULL || inlay_sequence_load_file(session, 0, path) == INLAY_OK) return CLI_OK;
    return cli_error("%s", inlay_error());
}

int cli_save_state(const cli_args *args, inlay_session *session) {
    const char *path = args->value[ARG_SAVE_STATE];

    if (path == NULL || inlay_sequence_save_file(session, 0, path) == INLAY_OK) return CLI_OK;
    return cli_error("%s", inlay_error());
}
