/* inlay chat: a conversation in the terminal, or with lines that are piped in. */
#include "conversation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_option options[] = {
    {"system", 0, "TEXT", ARG_SYSTEM, 0, "what the model is told before all else"},
    {"template", 0, "NAME", ARG_TEMPLATE, 0,
     "the chat template: a name that the model or the library knows, or a file NAME.jinja (default: the model's own)"},
    {"variables", 0, "JSON", ARG_VARIABLES, 0,
     "an object with more variables of the template: '{\"enable_thinking\": false}'"},
    {"tokens", 'n', "N", ARG_TOKENS, 0,
     "at most this many tokens an answer; -1: until the model ends it (default: -1)"},
    CLI_OPTIONS_SAMPLING,
    CLI_OPTIONS_STAGES,
    CLI_OPTIONS_SPECULATION,
    CLI_OPTIONS_STATE,
    CLI_OPTION_THREADS,
    CLI_OPTION_CPU,
    CLI_OPTION_LOW_MEMORY,
    CLI_OPTION_QUANTIZE,
    CLI_OPTION_CONTEXT,
    CLI_OPTION_BATCH,
    {"timing", 0, NULL, ARG_TIMING, 0, "after each answer, a line on standard error: tokens and tokens a second"},
    CLI_OPTION_END,
};

static const char commands[] = "/reset  forget what was said, but not the system text\n"
                               "/exit   end; so does Ctrl-D\n"
                               "/help   print this text\n"
                               "Ctrl-C stops an answer. Lines between \"\"\" and \"\"\" are one message.\n";

enum { FIRST_READ = 4096, N_KEPT = 4 }; /* texts to come back to, for models that go forward only */

/* A chat at work. */
typedef struct chat {
    conversation said;
    inlay_model *model;
    inlay_sampler *sampler; /* NULL: the session's own */
    cli_speculation speculation;
    size_t context;
    int64_t limit;    /* tokens an answer, -1 for no limit */
    bool on_terminal; /* somebody sits there */
    bool timing;
    int code;         /* the program's exit code so far */
    cli_text input;   /* what was read from standard input and not yet used */
    cli_text format;  /* the template's text, where it came from a file */
} chat;

/* --------------------------------------------------------------------- input */

typedef enum line_status { LINE_READ, LINE_END, LINE_INTERRUPTED, LINE_FAILED } line_status;

/* Takes the first `size` bytes of the input, and the newline behind them if there is one. */
static line_status take_line(chat *c, size_t size, cli_text *line) {
    size_t used = size < c->input.size ? size + 1 : size;

    if (cli_text_add(line, c->input.text, size) != CLI_OK) return LINE_FAILED;
    if (size > 0 && line->text[line->size - 1] == '\r') line->size--;
    memmove(c->input.text, c->input.text + used, c->input.size - used);
    c->input.size -= used;
    return LINE_READ;
}

/* Appends the next line to `line`. Not by stdio, which may lose text when a signal interrupts it. */
static line_status read_line(chat *c, cli_text *line) {
    char block[FIRST_READ];

    for (size_t looked_at = 0;;) {
        char *end =
            c->input.size > looked_at ? memchr(c->input.text + looked_at, '\n', c->input.size - looked_at) : NULL;
        ssize_t n;

        if (end != NULL) return take_line(c, (size_t)(end - c->input.text), line);
        looked_at = c->input.size;
        if (cli_interrupted()) return LINE_INTERRUPTED;
        n = read(STDIN_FILENO, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            c->code = cli_error("standard input could not be read: %s", strerror(errno));
            return LINE_FAILED;
        }
        if (n == 0) return c->input.size > 0 ? take_line(c, c->input.size, line) : LINE_END;
        if (cli_text_add(&c->input, block, (size_t)n) != CLI_OK) return LINE_FAILED;
    }
}

static void ask(const chat *c, const char *prompt) {
    if (!c->on_terminal) return;
    fputs(prompt, stdout);
    fflush(stdout);
}

/* Text begins or ends with """. */
static bool begins_quoted(const cli_text *text) { return text->size >= 3 && memcmp(text->text, "\"\"\"", 3) == 0; }
static bool ends_quoted(const cli_text *text) {
    return text->size >= 3 && memcmp(text->text + text->size - 3, "\"\"\"", 3) == 0;
}

/* Takes away the quotes and the newlines beside them. */
static void unquote(cli_text *text, bool closed) {
    size_t begin = text->size > 3 && text->text[3] == '\n' ? 4 : 3, end = text->size - (closed ? 3 : 0);

    if (end > begin && text->text[end - 1] == '\n') end--;
    memmove(text->text, text->text + begin, end > begin ? end - begin : 0);
    text->size = end > begin ? end - begin : 0;
}

/* A message: a line, or the lines between """ and """. free() message->text. */
static line_status read_message(chat *c, cli_text *message, bool *quoted) {
    line_status status;

    *message = (cli_text){NULL, 0, 0};
    ask(c, "> ");
    status = read_line(c, message);
    *quoted = status == LINE_READ && begins_quoted(message);
    if (!*quoted) return status;

    while (status == LINE_READ && (message->size < 6 || !ends_quoted(message))) {
        if (cli_text_add(message, "\n", 1) != CLI_OK) return LINE_FAILED;
        ask(c, ". ");
        status = read_line(c, message);
    }
    if (status == LINE_FAILED || status == LINE_INTERRUPTED) return status;
    unquote(message, status == LINE_READ);
    return LINE_READ;
}

static bool is_blank(const cli_text *text) {
    for (size_t i = 0; i < text->size; i++)
        if (strchr(" \t\r\n", text->text[i]) == NULL) return false;
    return true;
}

/* -------------------------------------------------------------------- answer */

/* A failure that the conversation outlives, but a script's exit code tells of it. */
static void failed(chat *c, int32_t status) {
    if (status == INLAY_ERR_MEMORY)
        cli_error("there is not enough memory");
    else if (status != INLAY_OK)
        cli_error("%s", inlay_error());
    if (!c->on_terminal) c->code = CLI_ERROR;
}

static void free_ids(cli_ids *ids) {
    free(ids->ids);
    *ids = (cli_ids){NULL, 0};
}

/* All that was said as tokens, with room behind them for an answer: where there is none, without the oldest turns. Then
 * half of the context becomes free, so that the rest is not read anew with every turn. `*from`: the first message
 * left. */
static int32_t find_tokens(const chat *c, size_t *from, cli_ids *ids) {
    size_t wanted = c->context / 4, next;
    int32_t status = conversation_tokens(&c->said, *from, ids);

    if (c->limit >= 0 && (uint64_t)c->limit < wanted) wanted = (size_t)c->limit;
    if (status != INLAY_OK || ids->n + wanted <= c->context) return status;
    while (status == INLAY_OK && ids->n > c->context / 2 && (next = conversation_next_turn(&c->said, *from)) > 0) {
        free_ids(ids);
        status = conversation_tokens(&c->said, *from = next, ids);
    }
    return status;
}

/* The tokens to answer to. What they leave out is forgotten. False, with a report: none, and nothing is forgotten. */
static bool prepare(chat *c, cli_ids *ids) {
    size_t begin = conversation_begin(&c->said), from = begin;
    int32_t status = find_tokens(c, &from, ids);

    if (status == INLAY_OK && ids->n > 0 && ids->n < c->context) {
        if (from == begin) return true;
        conversation_forget(&c->said, begin, from);
        cli_error("the context of %zu tokens is full: the oldest messages are forgotten", c->context);
        return true;
    }
    if (status == INLAY_OK && ids->n == 0)
        cli_error("the chat template gives no text for the message");
    else if (status == INLAY_OK)
        cli_error(
            "the message is too long: with it there are %zu tokens, and the context has room for %zu; it is forgotten",
            ids->n, c->context);
    failed(c, status);
    free_ids(ids);
    return false;
}

/* Prints the answer as it comes and gathers it. Returns what ended it: INLAY_OK for the model or the limit. */
static int32_t generate(chat *c, cli_text *answer, size_t *n_tokens) {
    uint64_t stream = 0;
    int32_t status = INLAY_OK, chosen[CLI_MOST_TOKENS];
    size_t n = 0, i = 0;
    bool appended = false;

    for (*n_tokens = 0; c->limit < 0 || *n_tokens < (uint64_t)c->limit;) {
        uint64_t left = c->limit < 0 ? CLI_MOST_TOKENS : (uint64_t)c->limit - *n_tokens;
        size_t before = answer->size;
        int32_t token = -1;

        if (cli_interrupted()) status = INLAY_ERR_CANCELLED;
        if (status == INLAY_OK && i == n) {
            i = 0;
            status = cli_choose(&c->speculation, c->said.session, c->sampler, left, chosen, &n, &appended);
        }
        if (status == INLAY_OK && !inlay_token_is_end(c->model, chosen[i])) token = chosen[i++];
        if (cli_text_add_token(answer, c->model, &stream, token) != CLI_OK) return INLAY_ERR_MEMORY;
        if (before == 0 && answer->size > 0 && answer->text[0] == ' ') /* between the template and the answer */
            memmove(answer->text, answer->text + 1, --answer->size);
        if (answer->size > before) fwrite(answer->text + before, 1, answer->size - before, stdout);
        fflush(stdout);
        if (token < 0 || ferror(stdout)) return status;
        if (++*n_tokens == (uint64_t)c->limit) break;
        if (!appended) status = conversation_append(&c->said, token);
    }
    if (cli_text_add_token(answer, c->model, &stream, -1) != CLI_OK) return INLAY_ERR_MEMORY;
    return status;
}

static void tell_timing(const chat *c, const cli_ids *ids, size_t n_tokens, double read_seconds,
                        double answer_seconds) {
    size_t n_new = ids->n - c->said.n_reused;

    fprintf(stderr, "prompt: %zu tokens, %zu of them new, %.1f tok/s; answer: %zu tokens, %.1f tok/s\n", ids->n, n_new,
            read_seconds > 0 ? (double)n_new / read_seconds : 0.0, n_tokens,
            answer_seconds > 0 ? (double)n_tokens / answer_seconds : 0.0);
}

/* Lets the model answer to what was said. False: nothing was answered. */
static bool answer(chat *c) {
    cli_ids ids = {NULL, 0};
    cli_text text = {NULL, 0, 0};
    size_t n_tokens = 0;
    double begin = cli_seconds(), middle;
    int32_t status;

    if (!prepare(c, &ids)) return false;
    cli_progress_begin("reading");
    status = conversation_read(&c->said, &ids);
    cli_progress_begin(NULL);
    if (status == INLAY_OK && c->sampler != NULL) /* what was chosen is accepted already */
        status = inlay_sampler_accept(c->sampler, ids.ids + c->said.n_reused, ids.n - c->said.n_reused);
    if (status == INLAY_OK) status = cli_speculation_read(&c->speculation, ids.ids, ids.n);
    middle = cli_seconds();
    if (status == INLAY_OK) {
        status = generate(c, &text, &n_tokens);
        putchar('\n');
        fflush(stdout);
        if (c->timing) tell_timing(c, &ids, n_tokens, middle - begin, cli_seconds() - middle);
    }
    free(ids.ids);

    if (status == INLAY_ERR_CONTEXT)
        cli_error("the context of %zu tokens is full: the answer ends here", c->context);
    else if (status == INLAY_ERR_CANCELLED)
        cli_error(text.size > 0 ? "stopped" : "stopped before the answer began; the message is forgotten");
    else if (status != INLAY_OK)
        failed(c, status);
    if (text.size == 0 && status != INLAY_OK) {
        free(text.text);
        return false;
    }
    if (conversation_add(&c->said, "assistant", text) == CLI_OK) return true;
    failed(c, INLAY_OK);
    return false;
}

/* -------------------------------------------------------------------- the loop */

/* What the user typed is a command: true when it ends the chat. */
static bool obey(chat *c, const cli_text *line) {
    size_t size = line->size;

    while (size > 0 && strchr(" \t\r", line->text[size - 1]) != NULL)
        size--;
    if (size == 5 && memcmp(line->text, "/exit", 5) == 0) return true;
    if (size == 6 && memcmp(line->text, "/reset", 6) == 0) {
        conversation_forget(&c->said, conversation_begin(&c->said), c->said.n);
    } else if (size == 5 && memcmp(line->text, "/help", 5) == 0) {
        fputs(commands, stderr);
    } else {
        cli_error("'%.*s' is not a command; /help lists them, and a message may begin with / between \"\"\" and \"\"\"",
                  (int)(size < 40 ? size : 40), line->text);
        failed(c, INLAY_OK);
    }
    return false;
}

/* Takes the text over. */
static void say(chat *c, cli_text text) {
    if (conversation_add(&c->said, "user", text) != CLI_OK) {
        failed(c, INLAY_OK);
        return;
    }
    if (!answer(c)) conversation_forget(&c->said, c->said.n - 1, c->said.n);
}

static int talk(chat *c) {
    if (c->on_terminal) fputs("/help tells more, Ctrl-D ends.\n", stderr);
    while (!ferror(stdout)) {
        cli_text message;
        bool quoted;
        line_status status;

        cli_interrupt_done();
        status = read_message(c, &message, &quoted);
        if (status == LINE_READ && !is_blank(&message)) {
            if (quoted || message.text[0] != '/') {
                say(c, message);
                continue;
            }
            if (obey(c, &message)) status = LINE_END;
        }
        free(message.text);
        if (status == LINE_INTERRUPTED && c->on_terminal) fputs("\n/exit or Ctrl-D ends the chat.\n", stderr);
        if (status == LINE_FAILED) return CLI_ERROR;
        if (status == LINE_END) break;
    }
    if (c->on_terminal) putchar('\n');
    return c->code;
}

/* ------------------------------------------------------------------- beginning */

/* --template: a name, or the text of a file. */
static int find_format(chat *c, const char *name) {
    size_t size = name != NULL ? strlen(name) : 0;
    int code;

    c->said.format = name;
    if (size < 6 || strcmp(name + size - 6, ".jinja") != 0) return CLI_OK;
    code = cli_read_file(name, &c->format.text, &c->format.size);
    c->said.format = c->format.text;
    if (code == CLI_OK && strstr(c->format.text, "{{") == NULL && strstr(c->format.text, "{%") == NULL)
        return cli_error("'%s' is not a template: there is neither {{ nor {%% in it", name);
    return code;
}

/* The system text, and a first look at whether the template takes it. */
static int begin(chat *c, const char *system) {
    cli_text text = {NULL, 0, 0};
    cli_ids ids;
    int code = CLI_OK;
    int32_t status;

    if (system != NULL) {
        code = cli_text_add(&text, system, strlen(system));
        if (code == CLI_OK) code = conversation_add(&c->said, "system", text);
        if (code != CLI_OK) return code;
        text = (cli_text){NULL, 0, 0};
    }
    code = cli_text_add(&text, "Hello", 5);
    if (code == CLI_OK) code = conversation_add(&c->said, "user", text);
    if (code != CLI_OK) return code;
    status = conversation_tokens(&c->said, 0, &ids);
    free(ids.ids);
    conversation_forget(&c->said, c->said.n - 1, c->said.n);
    return status == INLAY_OK ? CLI_OK : cli_library_error(status);
}

static int run(const cli_args *args) {
    chat c = {.said = {.variables = args->value[ARG_VARIABLES]}};
    int64_t context = 0;
    int code = cli_args_int(args, ARG_TOKENS, -1, INT32_MAX, -1, &c.limit);

    c.timing = args->value[ARG_TIMING] != NULL;
    c.on_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (code == CLI_OK) code = find_format(&c, args->value[ARG_TEMPLATE]);
    if (code == CLI_OK) code = cli_open_model(args, &c.model);
    if (code == CLI_OK) code = cli_needs(args, c.model, INLAY_CAN_GENERATE);
    if (code == CLI_OK && inlay_options_set_int(args->library, INLAY_OPT_KEEP, N_KEPT) != INLAY_OK) code = CLI_ERROR;
    if (code == CLI_OK) code = cli_open_session(args, c.model, &c.said.session);
    if (code == CLI_OK) code = cli_load_state(args, c.said.session);
    if (code == CLI_OK) code = cli_open_sampler(args, c.model, &c.sampler);
    if (code == CLI_OK) code = cli_open_speculation(args, c.model, &c.speculation);
    if (code == CLI_OK) {
        c.said.model = c.model;
        inlay_session_get_int(c.said.session, INLAY_SESSION_CONTEXT, &context);
        c.context = (size_t)context;
        code = begin(&c, args->value[ARG_SYSTEM]);
    }
    if (code == CLI_OK) {
        int saved;

        code = talk(&c);
        saved = cli_save_state(args, c.said.session);
        if (code == CLI_OK) code = saved;
    }
    free(c.input.text);
    free(c.format.text);
    cli_close_speculation(&c.speculation);
    inlay_sampler_free(c.sampler);
    cli_close(c.model, c.said.session);
    conversation_free(&c.said);
    return code;
}

const cli_command cli_chat = {
    "chat",
    "MODEL [options]",
    "talks in the terminal",
    "Each line of standard input is a message, each answer goes to standard output. What you say is plain text to\n"
    "the model: \"<|im_end|>\" in it ends nothing. When the context is full, the oldest turns are forgotten, and a\n"
    "line on standard error says so. Where input is not a terminal, the exit code is 1 if a message got no answer.\n"
    "A state holds what the model has read, not what was said: of a talk that begins alike that is not read again.\n\n"
    "/reset, /exit, /help are commands; Ctrl-C stops an answer, Ctrl-D ends.\n"
    "Lines between \"\"\" and \"\"\" are one message.\n",
    options,
    run,
};
