/* inlay score: how likely a text is to the model. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    CLI_OPTIONS_TEXT,
    {"parse-special", 'S', NULL, ARG_PARSE_SPECIAL, 0, "turn text such as <|im_end|> into that token"},
    {"ids", 'i', "IDS", ARG_IDS, 0, "no text, but these tokens: 1,2,3"},
    {"json", 'j', NULL, ARG_JSON, 0, "print {\"perplexity\": P, \"log_probability\": L, \"tokens\": [...]}"},
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    CLI_OPTION_CONTEXT,
    CLI_OPTION_BATCH,
    CLI_OPTION_END,
};

/* A text and what became of it. */
typedef struct scored {
    const inlay_model *model;
    cli_ids ids;
    float *logs;   /* [ids.n] natural logarithms; 0 of a part's first token */
    size_t n_part; /* tokens of a part: those that the context has room for */
    size_t n;      /* tokens that have a probability */
    double sum;
} scored;

/* A part begins anew: its first token has nothing before it. */
static bool has_log(const scored *s, size_t i) { return i % s->n_part > 0; }

static int score(scored *s, inlay_session *session) {
    int64_t n_context = 0;
    int32_t status = inlay_session_get_int(session, INLAY_SESSION_CONTEXT, &n_context);

    s->n_part = (size_t)n_context;
    s->logs = malloc((s->ids.n > 0 ? s->ids.n : 1) * sizeof *s->logs);
    if (s->logs == NULL) return cli_error("there is not enough memory for %zu tokens", s->ids.n);
    cli_progress_begin("reading");
    for (size_t i = 0; status == INLAY_OK && i < s->ids.n; i += s->n_part) {
        size_t n = s->ids.n - i < s->n_part ? s->ids.n - i : s->n_part;

        status = inlay_session_truncate(session, 0);
        if (status == INLAY_OK) status = inlay_score(session, s->ids.ids + i, n, s->logs + i);
    }
    cli_progress_begin(NULL);
    if (status != INLAY_OK) return cli_library_error(status);
    for (size_t i = 0; i < s->ids.n; i++) {
        s->n += has_log(s, i);
        s->sum += (double)s->logs[i];
    }
    return CLI_OK;
}

static double perplexity(const scored *s) { return exp(-s->sum / (double)s->n); }

static int print_json(const scored *s) {
    printf("{\"perplexity\": ");
    json_number(stdout, s->n > 0 ? perplexity(s) : NAN);
    printf(", \"log_probability\": ");
    json_number(stdout, s->sum);
    printf(", \"tokens\": [");
    for (size_t i = 0; i < s->ids.n; i++) {
        const char *text;
        size_t size;
        int32_t status = inlay_token_text(s->model, s->ids.ids[i], &text, &size);

        if (status != INLAY_OK) return cli_library_error(status);
        printf("%s{\"id\": %ld, \"text\": ", i > 0 ? ", " : "", (long)s->ids.ids[i]);
        json_string(stdout, text, size);
        printf(", \"log_probability\": ");
        json_number(stdout, has_log(s, i) ? (double)s->logs[i] : NAN);
        putchar('}');
    }
    printf("]}\n");
    return CLI_OK;
}

static int print_text(const scored *s) {
    for (size_t i = 0; i < s->ids.n; i++) {
        const char *text;
        size_t size;
        int32_t status = inlay_token_text(s->model, s->ids.ids[i], &text, &size);

        if (status != INLAY_OK) return cli_library_error(status);
        if (has_log(s, i))
            printf("%12.6f  ", (double)s->logs[i]);
        else
            printf("%12s  ", "-");
        json_string(stdout, text, size);
        putchar('\n');
    }
    printf("%zu tokens, log-probability %.6f", s->n, s->sum);
    if (s->n > 0) printf(", perplexity %.6f", perplexity(s));
    putchar('\n');
    return CLI_OK;
}

/* The tokens that the command line lists, or those of the text. */
static int make_tokens(const cli_args *args, const inlay_model *model, const char *text, size_t size, cli_ids *ids) {
    int32_t flags = INLAY_ADD_SPECIAL | (args->value[ARG_PARSE_SPECIAL] != NULL ? INLAY_PARSE_SPECIAL : 0);

    if (ids->n > 0) return CLI_OK;
    return cli_tokens(model, text, size, flags, ids);
}

static int run(const cli_args *args) {
    scored s = {0};
    inlay_model *model = NULL;
    inlay_session *session = NULL;
    const char *text = NULL, *list = args->value[ARG_IDS];
    char *owned = NULL;
    size_t size = 0;
    int code;

    if (list != NULL && cli_gives_text(args)) return cli_usage("score takes a text or --ids, not both");
    code = list != NULL ? cli_parse_ids(list, strlen(list), false, &s.ids)
                        : cli_read_text(&cli_score, args, true, &text, &size, &owned);
    if (code == CLI_OK) code = cli_open_model(args, &model);
    if (code == CLI_OK) code = cli_needs(args, model, INLAY_CAN_GENERATE);
    if (code == CLI_OK && cli_reads_whole(model))
        code = cli_error("score reads texts with decoders, and this model encodes them first; see inlay logits");
    if (code == CLI_OK) code = make_tokens(args, model, text, size, &s.ids);
    if (code == CLI_OK) code = cli_open_session(args, model, &session);
    if (code == CLI_OK) code = cli_make_room(args, model, s.ids.n, &session);
    s.model = model;
    if (code == CLI_OK) code = score(&s, session);
    if (code == CLI_OK) code = args->value[ARG_JSON] != NULL ? print_json(&s) : print_text(&s);
    free(owned);
    free(s.ids.ids);
    free(s.logs);
    cli_close(model, session);
    return code;
}

const cli_command cli_score = {
    "score",
    "MODEL [TEXT] [options]",
    "tells how likely a text is to the model",
    "A line for each token: the natural logarithm of its probability after those before it. The first has\n"
    "none. The perplexity is e to their mean, taken negative. A text longer than the context is read in parts,\n"
    "each of which begins anew.\n",
    options,
    run,
};
