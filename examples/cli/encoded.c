/* Encoder-decoders: the text is read whole by the encoder, and the decoder begins with tokens of the model's. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

bool cli_reads_whole(const inlay_model *model) {
    const char *kind = "";
    size_t size = 0;

    return inlay_model_get_string(model, INLAY_MODEL_KIND, &kind, &size) == INLAY_OK &&
           strcmp(kind, "encoder-decoder") == 0;
}

int cli_first_ids(const inlay_model *model, cli_ids *ids) {
    static const int32_t facts[] = {INLAY_MODEL_TOKEN_START, INLAY_MODEL_TOKEN_FORCED};

    ids->n = 0;
    ids->ids = malloc(sizeof facts / sizeof facts[0] * sizeof *ids->ids);
    if (ids->ids == NULL) return cli_error("there is not enough memory for the first tokens");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        int64_t id = -1;
        int32_t status = inlay_model_get_int(model, facts[i], &id);

        if (status != INLAY_OK) return cli_library_error(status);
        if (id >= 0) ids->ids[ids->n++] = (int32_t)id;
    }
    return CLI_OK;
}
