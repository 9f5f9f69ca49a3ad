/* inlay fill-mask: the tokens that fit best where a text has a mask. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    CLI_OPTIONS_TEXT,
    {"json", 'j', NULL, ARG_JSON, 0,
     "print [{\"position\": P, \"candidates\": [{\"id\", \"text\", \"probability\"}, ...]}, ...]"},
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    CLI_OPTION_CONTEXT,
    CLI_OPTION_END,
};

enum { TOP = 5 };

typedef struct candidate {
    size_t id;
    double probability;
} candidate;

/* The most probable tokens, equal ones by id. Returns how many. */
static size_t choose(const float *logits, size_t n_vocab, candidate best[TOP]) {
    size_t n = 0;
    double greatest = (double)logits[0], sum = 0.0;

    for (size_t id = 0; id < n_vocab; id++)
        if ((double)logits[id] > greatest) greatest = (double)logits[id];
    for (size_t id = 0; id < n_vocab; id++) {
        double weight = exp((double)logits[id] - greatest);
        size_t at = n;

        sum += weight;
        while (at > 0 && weight > best[at - 1].probability) at--;
        if (at == TOP) continue;
        if (n < TOP) n++;
        memmove(best + at + 1, best + at, (n - at - 1) * sizeof best[0]);
        best[at] = (candidate){id, weight};
    }
    for (size_t i = 0; i < n; i++) best[i].probability /= sum;
    return n;
}

static int print_candidate(const inlay_model *model, const candidate *c, bool json, bool first) {
    const char *text;
    size_t size;
    int32_t status = inlay_token_text(model, (int32_t)c->id, &text, &size);

    if (status != INLAY_OK) return cli_library_error(status);
    if (json) {
        printf("%s{\"id\": %zu, \"text\": ", first ? "" : ", ", c->id);
        json_string(stdout, text, size);
        fputs(", \"probability\": ", stdout);
        json_number(stdout, c->probability);
        putchar('}');
        return CLI_OK;
    }
    printf("  %.6f  ", c->probability);
    json_string(stdout, text, size);
    putchar('\n');
    return CLI_OK;
}

static int fill(const inlay_model *model, inlay_session *session, size_t position, bool json) {
    candidate best[TOP];
    float *logits;
    size_t n_vocab, n;
    int code = CLI_OK;
    int32_t status = inlay_logits_at(session, position, &logits, &n_vocab);

    if (status != INLAY_OK) return cli_library_error(status);
    n = choose(logits, n_vocab, best);
    printf(json ? "{\"position\": %zu, \"candidates\": [" : "position %zu\n", position);
    for (size_t i = 0; i < n && code == CLI_OK; i++) code = print_candidate(model, &best[i], json, i == 0);
    if (json) fputs("]}", stdout);
    return code;
}

static int fill_all(const cli_args *args, const inlay_model *model, inlay_session *session, const cli_ids *ids,
                    int64_t mask) {
    bool json = args->value[ARG_JSON] != NULL;
    size_t n_masks = 0;
    int code = CLI_OK;
    int32_t status = inlay_encode(session, ids->ids, ids->n);

    if (status != INLAY_OK) return cli_library_error(status);
    if (json) putchar('[');
    for (size_t i = 0; i < ids->n && code == CLI_OK; i++) {
        if (ids->ids[i] != mask) continue;
        if (json && n_masks > 0) fputs(", ", stdout);
        code = fill(model, session, i, json);
        n_masks++;
    }
    if (json) fputs("]\n", stdout);
    return code;
}

/* The text's tokens, of which one at least is the mask. */
static int read_text(const cli_args *args, const inlay_model *model, cli_ids *ids, int64_t *mask) {
    const char *name, *text = NULL;
    char *owned = NULL;
    size_t size;
    bool has_mask = false;
    int code;

    if (inlay_model_get_int(model, INLAY_MODEL_TOKEN_MASK, mask) != INLAY_OK) return cli_error("%s", inlay_error());
    if (*mask < 0) return cli_error("'%s' has no mask token", args->model);
    code = cli_read_text(&cli_fill_mask, args, true, &text, &size, &owned);
    if (code == CLI_OK) code = cli_tokens(model, text, size, INLAY_ADD_SPECIAL | INLAY_PARSE_SPECIAL, ids);
    free(owned);
    for (size_t i = 0; code == CLI_OK && i < ids->n && !has_mask; i++) has_mask = ids->ids[i] == *mask;
    if (code != CLI_OK || has_mask) return code;
    if (inlay_token_text(model, (int32_t)*mask, &name, &size) != INLAY_OK) return cli_error("%s", inlay_error());
    return cli_error("the text has no %.*s", (int)size, name);
}

static int run(const cli_args *args) {
    inlay_model *model = NULL;
    inlay_session *session = NULL;
    cli_ids ids = {NULL, 0};
    int64_t mask;
    int code = cli_open_model(args, &model);

    if (code == CLI_OK) code = cli_needs(args, model, INLAY_CAN_FILL_MASK);
    if (code == CLI_OK) code = read_text(args, model, &ids, &mask);
    if (code == CLI_OK) code = cli_open_session(args, model, &session);
    if (code == CLI_OK) code = fill_all(args, model, session, &ids, mask);
    free(ids.ids);
    cli_close(model, session);
    return code;
}

const cli_command cli_fill_mask = {
    "fill-mask",
    "MODEL [TEXT] [options]",
    "the tokens that fit best where a text has the model's mask, such as [MASK]",
    "The five most probable tokens of each mask are shown, with their probabilities.\n",
    options,
    run,
};
