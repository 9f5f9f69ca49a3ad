/* inlay logits: what the model thinks of the token that follows each position. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const cli_option options[] = {
    CLI_OPTIONS_TEXT,
    {"parse-special", 'S', NULL, ARG_PARSE_SPECIAL, 0, "turn text such as <|im_end|> into that token"},
    {"ids", 'i', "IDS", ARG_IDS, 0, "no text, but these tokens: 1,2,3"},
    {"ids-file", 0, "FILE", ARG_IDS_FILE, 0, "no text, but tokens from a file; - is standard input"},
    {"decoder-ids", 'd', "IDS", ARG_DECODER_IDS, 0,
     "of encoder-decoders: what the decoder has said (default: its first token)"},
    {"all", 'a', NULL, ARG_ALL_ROWS, 0, "a row for each position, not only the last"},
    {"json", 'j', NULL, ARG_JSON, 0, "print {\"n_vocab\": V, \"logits\": [[...], ...]}"},
    {"raw", 'r', "FILE", ARG_RAW, 0, "write the rows as little-endian float32; - is standard output"},
    {"batch", 'b', "N", ARG_BATCH, INLAY_OPT_BATCH, "give the model N tokens at a time; 1: token by token"},
    {"prefix-length", 0, "K", ARG_PREFIX, INLAY_OPT_PREFIX, "the first K tokens all see one another"},
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    CLI_OPTION_CONTEXT,
    CLI_OPTION_END,
};

enum { TOP = 10 }; /* ids shown for a person */

/* Where rows go, and in which form. */
typedef struct sink {
    enum { AS_TEXT, AS_JSON, AS_RAW } form;
    FILE *out;
    const char *path; /* of the file to be, NULL for standard output */
    char *part;       /* its name until it is complete, NULL where it is written in place */
    const inlay_model *model;
    size_t n_vocab, n_rows;
} sink;

/* ----------------------------------------------------------------------- rows */

static void write_raw(FILE *out, const float *row, size_t n) {
    unsigned char bytes[4096];

    for (size_t i = 0; i < n;) {
        size_t used = 0;

        for (; i < n && used < sizeof bytes; i++, used += 4) {
            uint32_t bits;

            memcpy(&bits, &row[i], sizeof bits);
            for (int k = 0; k < 4; k++)
                bytes[used + (size_t)k] = (unsigned char)(bits >> (8 * k) & 0xFF);
        }
        fwrite(bytes, 1, used, out);
    }
}

/* The `TOP` greatest logits of a row, equal ones by id. */
static int write_text(const sink *to, const float *row, size_t position) {
    size_t best[TOP], n_best = 0;

    for (size_t id = 0; id < to->n_vocab; id++) {
        size_t at = n_best;

        while (at > 0 && row[id] > row[best[at - 1]])
            at--;
        if (at == TOP) continue;
        if (n_best < TOP) n_best++;
        memmove(best + at + 1, best + at, (n_best - at - 1) * sizeof best[0]);
        best[at] = id;
    }
    fprintf(to->out, "position %zu\n", position);
    for (size_t i = 0; i < n_best; i++) {
        const char *text;
        size_t size;
        int32_t status = inlay_token_text(to->model, (int32_t)best[i], &text, &size);

        if (status != INLAY_OK) return cli_library_error(status);
        fprintf(to->out, "%8zu  %12.6f  ", best[i], (double)row[best[i]]);
        json_string(to->out, text, size);
        fputc('\n', to->out);
    }
    return CLI_OK;
}

static int write_row(sink *to, const float *row, size_t position) {
    int code = CLI_OK;

    if (to->form == AS_TEXT) {
        code = write_text(to, row, position);
    } else if (to->form == AS_RAW) {
        write_raw(to->out, row, to->n_vocab);
    } else {
        fputs(to->n_rows > 0 ? ", [" : "[", to->out);
        for (size_t i = 0; i < to->n_vocab; i++) {
            if (i > 0) fputs(", ", to->out);
            json_number(to->out, (double)row[i]);
        }
        fputc(']', to->out);
    }
    to->n_rows++;
    return code;
}

/* ----------------------------------------------------------------------- sink */

/* A regular or new file is written under another name and renamed once complete. */
static int open_raw(sink *to) {
    struct stat found;
    const char *path = to->path;

    if (stat(path, &found) != 0 || S_ISREG(found.st_mode)) {
        size_t size = strlen(path) + sizeof ".part";

        to->part = malloc(size);
        if (to->part == NULL) return cli_error("there is not enough memory for a file name");
        snprintf(to->part, size, "%s.part", path);
        path = to->part;
    }
    to->out = fopen(path, "wb");
    if (to->out == NULL) return cli_error("'%s' could not be created: %s", path, strerror(errno));
    return CLI_OK;
}

static int sink_open(const cli_args *args, const inlay_model *model, sink *to) {
    const char *raw = args->value[ARG_RAW];
    int64_t n_vocab = 0;
    int32_t status = inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab);

    if (status != INLAY_OK) return cli_library_error(status);
    to->model = model;
    to->n_vocab = (size_t)n_vocab;
    to->form = raw != NULL ? AS_RAW : args->value[ARG_JSON] != NULL ? AS_JSON : AS_TEXT;
    to->out = stdout;
    if (raw != NULL && strcmp(raw, "-") != 0) {
        to->path = raw;
        return open_raw(to);
    }
    if (to->form == AS_JSON) fprintf(to->out, "{\"n_vocab\": %zu, \"logits\": [", to->n_vocab);
    return CLI_OK;
}

/* Completes what was written, or removes it when `code` is not CLI_OK. */
static int sink_close(sink *to, int code) {
    if (to->form == AS_JSON && code == CLI_OK) fputs("]}\n", to->out);
    if (to->path != NULL && to->out != NULL) {
        bool failed = ferror(to->out) != 0;

        if ((fclose(to->out) != 0 || failed) && code == CLI_OK)
            code = cli_error("'%s' could not be written: %s", to->path, strerror(errno));
        if (to->part != NULL && code == CLI_OK && rename(to->part, to->path) != 0)
            code = cli_error("'%s' could not be renamed to '%s': %s", to->part, to->path, strerror(errno));
        if (to->part != NULL && code != CLI_OK) remove(to->part);
    }
    free(to->part);
    return code;
}

/* ----------------------------------------------------------------- evaluation */

/* The tokens that the command line lists, or those of the text, which is then still to be tokenized. */
static int read_input(const cli_args *args, cli_ids *ids, const char **text, size_t *size, char **owned) {
    const char *list = args->value[ARG_IDS], *path = args->value[ARG_IDS_FILE];
    char *numbers = NULL;
    int code;

    if ((list != NULL) + (path != NULL) + cli_gives_text(args) > 1)
        return cli_usage("logits takes a text, --ids or --ids-file, not more than one of them");
    if (list != NULL) return cli_parse_ids(list, strlen(list), false, ids);
    if (path == NULL) return cli_read_text(&cli_logits, args, true, text, size, owned);
    code = cli_read_file(path, &numbers, size);
    if (code == CLI_OK) code = cli_parse_ids(numbers, *size, true, ids);
    free(numbers);
    return code;
}

static int tokenize(const cli_args *args, const inlay_model *model, const char *text, size_t size, cli_ids *ids) {
    int32_t flags = INLAY_ADD_SPECIAL | (args->value[ARG_PARSE_SPECIAL] != NULL ? INLAY_PARSE_SPECIAL : 0);
    int code = cli_tokens(model, text, size, flags, ids);

    if (code == CLI_OK && ids->n == 0) code = cli_error("the text is empty and the model has no token to begin with");
    return code;
}

/* Nothing is printed before all tokens are known to be good. */
static int check_ids(const inlay_model *model, inlay_session *session, const cli_ids *ids) {
    int64_t n_context = 0, n_vocab = 0;

    if (inlay_session_get_int(session, INLAY_SESSION_CONTEXT, &n_context) != INLAY_OK ||
        inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, &n_vocab) != INLAY_OK)
        return cli_error("%s", inlay_error());
    for (size_t i = 0; i < ids->n; i++)
        if (ids->ids[i] < 0 || ids->ids[i] >= n_vocab)
            return cli_error("id %ld, number %zu of the list, is outside the vocabulary of %lld tokens",
                             (long)ids->ids[i], i + 1, (long long)n_vocab);
    if (ids->n > (uint64_t)n_context)
        return cli_error("%zu tokens do not fit into a context of %lld; --context makes it larger", ids->n,
                         (long long)n_context);
    return CLI_OK;
}

/* Gives the model `step` tokens at a time. `rows` [step, n_vocab], or NULL for the last row only. */
static int evaluate(const cli_ids *ids, inlay_session *session, size_t step, float *rows, sink *to) {
    for (size_t i = 0; i < ids->n; i += step) {
        size_t n = ids->n - i < step ? ids->n - i : step;
        int32_t status = rows != NULL ? inlay_eval_all(session, ids->ids + i, n, rows, n * to->n_vocab)
                                      : inlay_eval(session, ids->ids + i, n);

        if (status != INLAY_OK) return cli_library_error(status);
        for (size_t k = 0; rows != NULL && k < n; k++) {
            int code = write_row(to, rows + k * to->n_vocab, i + k);

            if (code != CLI_OK) return code;
        }
    }
    if (rows == NULL) {
        float *row;
        int32_t status = inlay_logits(session, &row, NULL);

        return status == INLAY_OK ? write_row(to, row, ids->n - 1) : cli_library_error(status);
    }
    return CLI_OK;
}

/* What an encoder expects at each position. */
static int encode(const cli_ids *ids, inlay_session *session, sink *to) {
    int code = CLI_OK;
    int32_t status = inlay_encode(session, ids->ids, ids->n);

    for (size_t i = 0; i < ids->n && status == INLAY_OK && code == CLI_OK; i++) {
        float *row;

        status = inlay_logits_at(session, i, &row, NULL);
        if (status == INLAY_OK) code = write_row(to, row, i);
    }
    return status == INLAY_OK ? code : cli_library_error(status);
}

static int print_logits(const cli_args *args, inlay_session *session, const cli_ids *ids, sink *to) {
    bool all = args->value[ARG_ALL_ROWS] != NULL;
    int64_t batch = 1, can = 0;
    size_t step;
    float *rows = NULL;
    int32_t status = inlay_session_get_int(session, INLAY_SESSION_BATCH, &batch);
    int code;

    if (status == INLAY_OK) status = inlay_model_get_int(to->model, INLAY_MODEL_CAPABILITIES, &can);
    if (status != INLAY_OK) return cli_library_error(status);
    if ((can & INLAY_CAN_GENERATE) == 0) return encode(ids, session, to);
    /* Without --batch the library cuts the prompt itself; all rows are taken a batch at a time. */
    step = all || args->value[ARG_BATCH] != NULL ? (size_t)batch : ids->n;
    if (step > ids->n) step = ids->n;
    if (all) {
        rows = step <= SIZE_MAX / sizeof *rows / to->n_vocab ? malloc(step * to->n_vocab * sizeof *rows) : NULL;
        if (rows == NULL) return cli_error("there is not enough memory for %zu rows of logits", step);
    }
    if (!all) cli_progress_begin("reading the tokens");
    code = evaluate(ids, session, step, rows, to);
    cli_progress_begin(NULL);
    free(rows);
    return code;
}

/* An encoder-decoder reads the tokens whole; those of the decoder take their place. */
static int encode_first(const cli_args *args, const inlay_model *model, inlay_session *session, cli_ids *ids) {
    const char *list = args->value[ARG_DECODER_IDS];
    int32_t status;

    if (!cli_reads_whole(model))
        return list == NULL ? CLI_OK : cli_usage("--decoder-ids is for models that encode what a decoder answers");
    cli_progress_begin("reading the tokens");
    status = inlay_encode(session, ids->ids, ids->n);
    cli_progress_begin(NULL);
    if (status != INLAY_OK) return cli_library_error(status);
    free(ids->ids);
    *ids = (cli_ids){NULL, 0};
    return list != NULL ? cli_parse_ids(list, strlen(list), false, ids) : cli_first_ids(model, ids);
}

static int run(const cli_args *args) {
    inlay_model *model = NULL;
    inlay_session *session = NULL;
    cli_ids ids = {NULL, 0};
    sink to = {0};
    const char *text = NULL;
    char *owned = NULL;
    size_t size = 0;
    int code;

    if (args->value[ARG_JSON] != NULL && args->value[ARG_RAW] != NULL)
        return cli_usage("--json and --raw exclude each other");
    code = read_input(args, &ids, &text, &size, &owned);
    if (code == CLI_OK) code = cli_open_model(args, &model);
    if (code == CLI_OK && text != NULL) code = tokenize(args, model, text, size, &ids);
    if (code == CLI_OK) code = cli_open_session(args, model, &session);
    if (code == CLI_OK) code = cli_make_room(args, model, ids.n, &session);
    if (code == CLI_OK) code = check_ids(model, session, &ids);
    if (code == CLI_OK) code = encode_first(args, model, session, &ids);
    if (code == CLI_OK) code = check_ids(model, session, &ids);
    if (code == CLI_OK) {
        code = sink_open(args, model, &to);
        if (code == CLI_OK) code = print_logits(args, session, &ids, &to);
        code = sink_close(&to, code);
    }
    free(owned);
    free(ids.ids);
    cli_close(model, session);
    return code;
}

const cli_command cli_logits = {
    "logits",
    "MODEL [TEXT] [options]",
    "computes what the model expects after a text or a list of tokens",
    "Of encoders that predict masked tokens, the logits at every position are shown.\n"
    "Without --json and --raw the ten greatest logits are shown. Threads, batch and CPU level\n"
    "never change a bit of the result. JSON numbers have 9 significant digits: a float32 exactly.\n",
    options,
    run,
};
