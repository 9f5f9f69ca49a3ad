/* inlay info: what a model file holds. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"json", 'j', NULL, ARG_JSON, 0, "print one JSON object, arrays in full"},
    {"tensors", 'T', NULL, ARG_TENSORS, 0, "list the tensors as well"},
    CLI_OPTION_CPU,
    CLI_OPTION_END,
};

typedef struct fact {
    int32_t fact;
    bool is_string;
    const char *name;
} fact;

static const fact facts[] = {
    {INLAY_MODEL_ARCHITECTURE, true, "architecture"},
    {INLAY_MODEL_NAME, true, "name"},
    {INLAY_MODEL_TYPE_NAME, true, "type"},
    {INLAY_MODEL_TOKENIZER, true, "tokenizer"},
    {INLAY_MODEL_CPU, true, "cpu"},
    {INLAY_MODEL_FILE_BYTES, false, "file_bytes"},
    {INLAY_MODEL_TOKEN_BYTES, false, "token_bytes"},
    {INLAY_MODEL_N_PARAMS, false, "n_params"},
    {INLAY_MODEL_N_VOCAB, false, "n_vocab"},
    {INLAY_MODEL_N_CONTEXT_TRAIN, false, "n_context_train"},
    {INLAY_MODEL_N_EMBD, false, "n_embd"},
    {INLAY_MODEL_N_LAYER, false, "n_layer"},
    {INLAY_MODEL_N_HEAD, false, "n_head"},
    {INLAY_MODEL_N_HEAD_KV, false, "n_head_kv"},
    {INLAY_MODEL_N_FF, false, "n_ff"},
    {INLAY_MODEL_TOKEN_BOS, false, "token_bos"},
    {INLAY_MODEL_TOKEN_EOS, false, "token_eos"},
    {INLAY_MODEL_TOKEN_UNKNOWN, false, "token_unknown"},
    {INLAY_MODEL_TOKEN_PAD, false, "token_pad"},
};
enum { N_FACTS = sizeof facts / sizeof facts[0] };

enum { SHOWN_VALUES = 8, SHOWN_BYTES = 100 }; /* of an array, of a text */

static int print_facts(const inlay_model *model, bool json) {
    for (size_t i = 0; i < N_FACTS; i++) {
        const char *text = "";
        size_t size = 0;
        int64_t value = 0;
        int32_t status = facts[i].is_string ? inlay_model_get_string(model, facts[i].fact, &text, &size)
                                            : inlay_model_get_int(model, facts[i].fact, &value);

        if (status != INLAY_OK) return cli_library_error(status);
        printf(json ? "\"%s\": " : "%-18s", facts[i].name);
        if (!facts[i].is_string)
            printf("%lld", (long long)value);
        else if (json)
            json_string(stdout, text, size);
        else
            fwrite(text, 1, size, stdout);
        fputs(json ? ", " : "\n", stdout);
    }
    return CLI_OK;
}

/* One value as a JSON string, shortened to `limit` bytes. */
static int print_value(const inlay_model *model, size_t index, size_t element, size_t limit) {
    size_t size = 0;
    int32_t status = inlay_model_metadata_text(model, index, element, NULL, 0, &size);
    char *text;

    if (status != INLAY_OK && status != INLAY_ERR_BUFFER) return cli_library_error(status);
    text = malloc(size + 1);
    if (text == NULL) return cli_error("there is not enough memory for a text of %zu bytes", size);
    status = inlay_model_metadata_text(model, index, element, text, size + 1, &size);
    if (status == INLAY_OK) {
        json_string(stdout, text, size < limit ? size : limit);
        if (size > limit) printf(" ... (%zu bytes)", size);
    }
    free(text);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* The values of a pair: one alone, several in brackets. */
static int print_values(const inlay_model *model, size_t index, size_t n, bool json) {
    size_t shown = json || n <= SHOWN_VALUES ? n : SHOWN_VALUES;
    int code = CLI_OK;

    if (n != 1) putchar('[');
    for (size_t i = 0; code == CLI_OK && i < shown; i++) {
        if (i > 0) fputs(", ", stdout);
        code = print_value(model, index, i, json ? SIZE_MAX : SHOWN_BYTES);
    }
    if (shown < n) printf(", ... (%zu values)", n);
    if (n != 1) putchar(']');
    return code;
}

static int print_metadata(const inlay_model *model, bool json) {
    size_t n_pairs = 0;
    int32_t status = inlay_model_metadata_count(model, &n_pairs);

    if (status != INLAY_OK) return cli_library_error(status);
    fputs(json ? "\"metadata\": {" : "\nmetadata\n", stdout);
    for (size_t i = 0; i < n_pairs; i++) {
        const char *key;
        size_t n_values;
        int code;

        status = inlay_model_metadata_key(model, i, &key, &n_values);
        if (status != INLAY_OK) return cli_library_error(status);
        if (json) {
            if (i > 0) fputs(", ", stdout);
            json_string(stdout, key, strlen(key));
            fputs(": ", stdout);
        } else {
            printf("%s = ", key);
        }
        code = print_values(model, i, n_values, json);
        if (code != CLI_OK) return code;
        if (!json) putchar('\n');
    }
    if (json) putchar('}');
    return CLI_OK;
}

static void print_tensor(const char *name, int32_t type, const uint64_t shape[4], bool json) {
    const char *type_name = inlay_type_name(type);
    int n_dims = 4;

    if (type_name == NULL) type_name = "unknown";
    while (n_dims > 1 && shape[n_dims - 1] == 1)
        n_dims--;
    if (json) {
        fputs("{\"name\": ", stdout);
        json_string(stdout, name, strlen(name));
        printf(", \"type\": \"%s\", \"shape\": ", type_name);
    } else {
        printf("%-32s %-6s ", name, type_name);
    }
    for (int i = 0; i < n_dims; i++)
        printf("%s%llu", i == 0 ? "[" : ", ", (unsigned long long)shape[i]);
    fputs(json ? "]}" : "]\n", stdout);
}

static int print_tensors(const inlay_model *model, bool json) {
    size_t n_tensors = 0;
    int32_t status = inlay_model_tensor_count(model, &n_tensors);

    if (status != INLAY_OK) return cli_library_error(status);
    fputs(json ? ", \"tensors\": [" : "\ntensors, fastest dimension first\n", stdout);
    for (size_t i = 0; i < n_tensors; i++) {
        const char *name;
        int32_t type;
        uint64_t shape[4];

        status = inlay_model_tensor(model, i, &name, &type, shape);
        if (status != INLAY_OK) return cli_library_error(status);
        if (json && i > 0) fputs(", ", stdout);
        print_tensor(name, type, shape, json);
    }
    if (json) putchar(']');
    return CLI_OK;
}

static int run(const cli_args *args) {
    bool json = args->value[ARG_JSON] != NULL;
    inlay_model *model = NULL;
    int code = cli_open_model(args, &model);

    if (code == CLI_OK) {
        if (json) putchar('{');
        code = print_facts(model, json);
        if (code == CLI_OK) code = print_metadata(model, json);
        if (code == CLI_OK && args->value[ARG_TENSORS] != NULL) code = print_tensors(model, json);
        if (code == CLI_OK && json) fputs("}\n", stdout);
    }
    cli_close(model, NULL);
    return code;
}

const cli_command cli_info = {
    "info",
    "MODEL [options]",
    "tells what a model file holds",
    "A token fact of -1 means that the model has no such token. In JSON a metadata value\n"
    "is a string, as the file's value reads in text, and an array of several a list of them.\n",
    options,
    run,
};
