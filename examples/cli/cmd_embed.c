/* inlay embed: a vector for each line of text. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    CLI_OPTIONS_TEXT,
    {"json", 'j', NULL, ARG_JSON, 0, "print [x, y, ...] for each line, not the numbers alone"},
    {"pooling", 0, "HOW", ARG_POOLING, 0, "mean, cls or last: of the tokens' vectors (default: as the model says)"},
    {"truncate", 0, "DIM", ARG_DIMENSIONS, INLAY_OPT_DIMENSIONS, "only the first DIM numbers; 0: all"},
    {"no-normalize", 0, NULL, ARG_NO_NORMALIZE, 0, "leave the vectors as long as they are"},
    CLI_OPTION_BATCH,
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    CLI_OPTION_CONTEXT,
    CLI_OPTION_END,
};

enum { LINES = 256 }; /* that are embedded together */

/* Some lines on their way to vectors. */
typedef struct lines {
    const char *text[LINES];
    size_t size[LINES], n;
    size_t starts[LINES + 1];
    int32_t *tokens;
    float *vectors;
    size_t n_dims;
} lines;

static void lines_free(lines *l) {
    free(l->tokens);
    free(l->vectors);
    l->tokens = NULL;
    l->vectors = NULL;
}

static int32_t set_pooling(const cli_args *args) {
    static const char *const names[] = {"mean", "cls", "last"};
    const char *how = args->value[ARG_POOLING];
    int32_t status = INLAY_OK;

    if (args->value[ARG_NO_NORMALIZE] != NULL) status = inlay_options_set_int(args->library, INLAY_OPT_NORMALIZE, 0);
    for (int i = 0; how != NULL && status == INLAY_OK && i < 3; i++)
        if (strcmp(how, names[i]) == 0)
            return inlay_options_set_int(args->library, INLAY_OPT_POOLING, INLAY_POOLING_MEAN + i);
    return how != NULL ? INLAY_ERR_KEY : status;
}

/* Fills `l` with lines from *text on, which moves behind them. */
static void take_lines(const char **text, const char *end, lines *l) {
    for (l->n = 0; l->n < LINES && *text < end; l->n++) {
        const char *stop = memchr(*text, '\n', (size_t)(end - *text));

        if (stop == NULL) stop = end;
        l->text[l->n] = *text;
        l->size[l->n] = (size_t)(stop - *text) - (stop > *text && stop[-1] == '\r' ? 1 : 0);
        *text = stop < end ? stop + 1 : end;
    }
}

static int tokenize(const inlay_model *model, lines *l) {
    size_t room = 0;
    int32_t status;

    for (size_t i = 0; i < l->n; i++) room += l->size[i] + 16;
    l->tokens = malloc(room * sizeof *l->tokens);
    if (l->tokens == NULL) return cli_error("there is not enough memory for %zu tokens", room);
    status = inlay_tokenize_batch(model, l->text, l->size, l->n, INLAY_ADD_SPECIAL, 1, l->tokens, room, l->starts);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

/* Lines that are too long are cut; the token that ends each stays. */
static void cut(lines *l, size_t most) {
    size_t at = 0;

    for (size_t i = 0; i < l->n; i++) {
        size_t begin = l->starts[i], n = l->starts[i + 1] - begin, kept = n < most ? n : most;
        int32_t last = n > 0 ? l->tokens[begin + n - 1] : 0;

        memmove(l->tokens + at, l->tokens + begin, kept * sizeof *l->tokens);
        if (kept < n) l->tokens[at + kept - 1] = last;
        l->starts[i] = at;
        at += kept;
    }
    l->starts[l->n] = at;
}

static int embed(inlay_session *session, lines *l) {
    int32_t status = inlay_embeddings(session, l->tokens, l->starts, l->n, NULL, 0, &l->n_dims);

    if (status != INLAY_ERR_BUFFER) return cli_library_error(status);
    l->vectors = malloc(l->n * l->n_dims * sizeof *l->vectors);
    if (l->vectors == NULL) return cli_error("there is not enough memory for %zu vectors", l->n);
    status = inlay_embeddings(session, l->tokens, l->starts, l->n, l->vectors, l->n * l->n_dims, NULL);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

static void print(const lines *l, bool json) {
    for (size_t i = 0; i < l->n; i++) {
        if (json) putchar('[');
        for (size_t k = 0; k < l->n_dims; k++) {
            if (k > 0) fputs(json ? ", " : " ", stdout);
            json_number(stdout, (double)l->vectors[i * l->n_dims + k]);
        }
        fputs(json ? "]\n" : "\n", stdout);
    }
}

static int embed_text(const cli_args *args, const inlay_model *model, inlay_session *session, const char *text,
                      size_t size) {
    const char *end = text + size;
    int64_t n_context = 0;
    int code = CLI_OK;

    if (inlay_session_get_int(session, INLAY_SESSION_CONTEXT, &n_context) != INLAY_OK)
        return cli_error("%s", inlay_error());
    while (code == CLI_OK && text < end) {
        lines l = {.tokens = NULL};

        take_lines(&text, end, &l);
        code = tokenize(model, &l);
        if (code == CLI_OK) cut(&l, (size_t)n_context);
        if (code == CLI_OK) code = embed(session, &l);
        if (code == CLI_OK) print(&l, args->value[ARG_JSON] != NULL);
        lines_free(&l);
    }
    return code;
}

static int run(const cli_args *args) {
    inlay_model *model = NULL;
    inlay_session *session = NULL;
    const char *text = NULL;
    char *owned = NULL;
    size_t size = 0;
    int code;
    int32_t status = set_pooling(args);

    if (status == INLAY_ERR_KEY)
        return cli_usage("--pooling is '%s', expected mean, cls or last", args->value[ARG_POOLING]);
    if (status != INLAY_OK) return cli_library_error(status);
    code = cli_open_model(args, &model);
    if (code == CLI_OK) code = cli_needs(args, model, INLAY_CAN_EMBED);
    if (code == CLI_OK) code = cli_open_session(args, model, &session);
    if (code == CLI_OK) code = cli_read_text(&cli_embed, args, false, &text, &size, &owned);
    if (code == CLI_OK) code = embed_text(args, model, session, text, size);
    free(owned);
    cli_close(model, session);
    return code;
}

const cli_command cli_embed = {
    "embed",
    "MODEL [TEXT] [options]",
    "a vector for each line of text, to compare their meaning by",
    "Lines that do not fit the context are cut. Vectors have length 1: the sum of products of two is their\n"
    "cosine. Numbers have 9 significant digits: a float32 exactly.\n",
    options,
    run,
};
