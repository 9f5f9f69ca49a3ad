/* inlay run: continues a text. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    CLI_OPTIONS_TEXT,
    {"tokens", 'n', "N", ARG_TOKENS, 0, "at most this many new tokens; -1: until the model ends (default: 128)"},
    CLI_OPTIONS_SAMPLING,
    CLI_OPTIONS_STAGES,
    CLI_OPTIONS_SPECULATION,
    CLI_OPTIONS_STATE,
    {"suffix", 0, "TEXT", ARG_SUFFIX, 0, "fill in what stands between the text and this one, with models trained to"},
    {"stop", 0, "TEXT", ARG_STOP, 0, "end before this text; may be given several times"},
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    CLI_OPTION_CONTEXT,
    CLI_OPTION_BATCH,
    {"parse-special", 'S', NULL, ARG_PARSE_SPECIAL, 0, "turn text such as <|im_end|> in the prompt into that token"},
    {"record", 0, "FILE", ARG_RECORD, 0, "record what the session does, for 'inlay replay FILE MODEL'"},
    {"echo", 'e', NULL, ARG_ECHO, 0, "print the prompt before the answer"},
    {"quiet", 'q', NULL, ARG_QUIET, 0, "no timing"},
    CLI_OPTION_END,
};

/* A run: what it works on and how it went. */
typedef struct run_state {
    inlay_model *model;
    inlay_session *session;
    inlay_sampler *sampler; /* NULL: the session's own */
    inlay_stop *stop;       /* NULL: none */
    cli_speculation speculation;
    bool is_recorded;
    bool is_appended;       /* what was chosen last was evaluated too */
    int32_t stopped;        /* which text came; 0: none */
    int64_t limit;      /* tokens to generate, -1 for no limit */
    size_t n_prompt;    /* tokens read */
    int32_t last;       /* of these, -1: none */
    int32_t unread;     /* chosen last, and not evaluated; -1: none */
    size_t n_generated; /* tokens chosen */
    size_t n_appended;  /* of these, evaluated as well */
    double prompt_seconds;
    double generate_seconds;
    cli_text piece; /* of the answer, on its way out */
} run_state;

/* An encoder reads the prompt whole, and the decoder behind it begins with tokens of its own. */
static int32_t read_ids(run_state *state, const cli_ids *prompt, const cli_ids *first) {
    int32_t status = INLAY_OK;

    if (first->n > 0) status = inlay_encode(state->session, prompt->ids, prompt->n);
    if (status != INLAY_OK) return status;
    return first->n > 0 ? inlay_eval(state->session, first->ids, first->n)
                        : inlay_eval(state->session, prompt->ids, prompt->n);
}

static size_t length_of(const inlay_session *session) {
    int64_t length = 0;

    return inlay_session_get_int(session, INLAY_SESSION_LENGTH, &length) == INLAY_OK ? (size_t)length : 0;
}

/* The tokens of a text, which may go on with another, or of a gap behind it. */
static int make_tokens(const cli_args *args, const inlay_model *model, const char *text, size_t size, cli_ids *ids) {
    int32_t flags = (args->value[ARG_LOAD_STATE] == NULL ? INLAY_ADD_SPECIAL : 0) |
                    (args->value[ARG_PARSE_SPECIAL] != NULL ? INLAY_PARSE_SPECIAL : 0);
    const char *suffix = args->value[ARG_SUFFIX];
    size_t capacity;
    int32_t status;

    if (suffix == NULL) return cli_tokens(model, text, size, flags, ids);
    status = inlay_fill_tokens(model, text, size, suffix, strlen(suffix), NULL, NULL, 0, NULL, 0, &ids->n);
    if (status != INLAY_ERR_BUFFER) return cli_library_error(status);
    capacity = ids->n;
    ids->ids = malloc(capacity * sizeof *ids->ids);
    if (ids->ids == NULL) return cli_error("there is not enough memory for %zu tokens", capacity);
    status = inlay_fill_tokens(model, text, size, suffix, strlen(suffix), NULL, NULL, 0, ids->ids, capacity, &ids->n);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

static int read_tokens(const cli_args *args, const char *text, size_t size, run_state *state) {
    cli_ids ids = {NULL, 0}, first = {NULL, 0};
    int code = make_tokens(args, state->model, text, size, &ids);
    double begin = cli_seconds();

    if (code == CLI_OK && ids.n == 0 && args->value[ARG_LOAD_STATE] == NULL)
        code = cli_error("the prompt is empty and the model has no token to begin with");
    if (code == CLI_OK && state->limit >= 0)
        code = cli_make_room(args, state->model, ids.n + (uint64_t)state->limit, &state->session);
    if (code == CLI_OK && args->value[ARG_RECORD] != NULL) {
        int32_t status = inlay_record_begin(state->session, args->value[ARG_RECORD]);
        if (status != INLAY_OK) code = cli_library_error(status);
        state->is_recorded = status == INLAY_OK;
    }
    if (code == CLI_OK) code = cli_load_state(args, state->session);
    if (code == CLI_OK && cli_reads_whole(state->model) && length_of(state->session) == 0)
        code = cli_first_ids(state->model, &first);
    if (code == CLI_OK && ids.n > 0) {
        cli_progress_begin("reading the prompt");
        int32_t status = read_ids(state, &ids, &first);
        cli_progress_begin(NULL);
        if (status == INLAY_OK && state->sampler != NULL) status = inlay_sampler_accept(state->sampler, ids.ids, ids.n);
        if (status == INLAY_OK) status = cli_speculation_read(&state->speculation, ids.ids, ids.n);
        if (status != INLAY_OK) code = cli_library_error(status);
    }
    state->prompt_seconds = cli_seconds() - begin;
    state->n_prompt = ids.n;
    state->last = code == CLI_OK && ids.n > 0 ? ids.ids[ids.n - 1] : -1;
    free(ids.ids);
    free(first.ids);
    return code;
}

/* Writes a part of the answer, as far as no stop text can begin in it; NULL: what was held back. */
static void write_part(run_state *state, const char *text, size_t size) {
    char out[4096 + 256]; /* as much as can be held back, and a piece */
    size_t n = size, n_out = 0;

    if (state->stop == NULL) {
        fwrite(text, 1, size, stdout);
        return;
    }
    do {
        n = size < 256 ? size : 256;
        if (state->stopped != 0 || inlay_stop_text(state->stop, text, n, out, sizeof out, &n_out, &state->stopped) != 0)
            return;
        fwrite(out, 1, n_out, stdout);
        if (text != NULL) text += n;
        size -= n;
    } while (size > 0);
}

/* Prints what a token adds to the text; -1 ends it. */
static int print_token(run_state *state, uint64_t *stream, int32_t token) {
    int code;

    state->piece.size = 0;
    code = cli_text_add_token(&state->piece, state->model, stream, token);
    if (state->piece.size > 0) write_part(state, state->piece.text, state->piece.size);
    if (token < 0 && state->stop != NULL) write_part(state, NULL, 0);
    fflush(stdout);
    return code;
}

static int32_t choose(run_state *state, int32_t *tokens, size_t *n) {
    uint64_t left = state->limit < 0 ? CLI_MOST_TOKENS : (uint64_t)state->limit - state->n_generated;
    int32_t status;

    if (cli_interrupted()) return INLAY_ERR_CANCELLED;
    status = cli_choose(&state->speculation, state->session, state->sampler, left, tokens, n, &state->is_appended);
    if (status == INLAY_OK && state->is_appended) state->n_appended += *n;
    return status;
}

/* Prints tokens of the answer; true when it goes on after them. */
static bool print_tokens(run_state *state, uint64_t *stream, const int32_t *tokens, size_t n, int *code) {
    for (size_t i = 0; i < n; i++) {
        if (inlay_token_is_end(state->model, tokens[i])) return false;
        state->n_generated++;
        state->unread = state->is_appended ? -1 : tokens[i];
        *code = print_token(state, stream, tokens[i]);
        if (*code != CLI_OK || ferror(stdout) || state->stopped != 0) return false;
    }
    return state->n_generated != (uint64_t)state->limit;
}

/* Ends, with CLI_OK, at an end token, at the limit, or when the context is full. */
static int generate(run_state *state) {
    uint64_t stream = 0;
    int32_t status = INLAY_OK, tokens[CLI_MOST_TOKENS];
    size_t n = 0;
    double begin = cli_seconds();
    int code = CLI_OK;

    if (state->last >= 0) /* the answer goes on after it */
        code = cli_text_add_token(&state->piece, state->model, &stream, state->last);

    while (code == CLI_OK && status == INLAY_OK && state->limit != 0) {
        status = choose(state, tokens, &n);
        if (status != INLAY_OK || !print_tokens(state, &stream, tokens, n, &code)) break;
        if (state->is_appended) continue;
        status = inlay_eval(state->session, tokens, 1);
        state->n_appended += status == INLAY_OK;
        if (status == INLAY_OK) state->unread = -1;
    }
    state->generate_seconds = cli_seconds() - begin;
    if (code == CLI_OK) code = print_token(state, &stream, -1);
    putchar('\n');
    if (status == INLAY_ERR_CONTEXT)
        cli_error("the context is full: %s", inlay_error());
    else if (code == CLI_OK && status != INLAY_OK)
        code = cli_library_error(status);
    return code;
}

static void print_timing(const run_state *state) {
    double prompt = state->prompt_seconds, generation = state->generate_seconds;

    fflush(stdout);
    fprintf(stderr, "prompt: %zu tokens, %.1f tok/s; generated: %zu tokens, %.1f tok/s\n", state->n_prompt,
            prompt > 0 ? (double)state->n_prompt / prompt : 0.0, state->n_generated,
            generation > 0 ? (double)state->n_appended / generation : 0.0);
    if (state->speculation.speculator != NULL) {
        int64_t guessed = 0, kept = 0;

        inlay_speculator_get_int(state->speculation.speculator, INLAY_SPECULATOR_GUESSED, &guessed);
        inlay_speculator_get_int(state->speculation.speculator, INLAY_SPECULATOR_KEPT, &kept);
        fprintf(stderr, "guesses: %lld, kept: %lld\n", (long long)guessed, (long long)kept);
    }
}

/* The state that goes on behind the whole answer. */
static int save(const cli_args *args, const run_state *state) {
    if (args->value[ARG_SAVE_STATE] == NULL) return CLI_OK;
    if (state->unread >= 0 && inlay_eval(state->session, &state->unread, 1) != INLAY_OK)
        return cli_error("%s", inlay_error());
    return cli_save_state(args, state->session);
}

static int run(const cli_args *args) {
    run_state state = {.unread = -1};
    const char *text = NULL;
    char *owned = NULL;
    size_t size = 0;
    int code = cli_args_int(args, ARG_TOKENS, -1, INT32_MAX, 128, &state.limit);

    if (code == CLI_OK) code = cli_read_text(&cli_run, args, true, &text, &size, &owned);
    if (code == CLI_OK) code = cli_open_model(args, &state.model);
    if (code == CLI_OK) code = cli_needs(args, state.model, INLAY_CAN_GENERATE);
    if (code == CLI_OK) code = cli_open_session(args, state.model, &state.session);
    if (code == CLI_OK) code = cli_open_sampler(args, state.model, &state.sampler);
    if (code == CLI_OK) code = cli_open_stop(args, &state.stop);
    if (code == CLI_OK) code = cli_open_speculation(args, state.model, &state.speculation);
    if (code == CLI_OK) code = read_tokens(args, text, size, &state);
    if (code == CLI_OK) {
        if (args->value[ARG_ECHO] != NULL) fwrite(text, 1, size, stdout);
        code = generate(&state);
        if (code == CLI_OK) code = save(args, &state);
        if (args->value[ARG_QUIET] == NULL) print_timing(&state);
    }
    if (state.is_recorded) {
        int32_t status = inlay_record_end(state.session);
        if (status != INLAY_OK && code == CLI_OK) code = cli_library_error(status);
    }
    free(owned);
    free(state.piece.text);
    cli_close_speculation(&state.speculation);
    inlay_stop_free(state.stop);
    inlay_sampler_free(state.sampler);
    cli_close(state.model, state.session);
    return code;
}

const cli_command cli_run = {
    "run",
    "MODEL [TEXT] [options]",
    "continues a text",
    "The answer is printed as it comes, with a newline after it. When the context is full,\n"
    "a line on standard error says so and the program ends with exit code 0.\n"
    "An encoder-decoder, such as T5, reads the whole text and then answers.\n"
    "With --load-state the text goes on with what was read and answered then, and may be empty: -p \"\".\n",
    options,
    run,
};
