/* What the files of the program `inlay` share. It stands on the public API only. */
#ifndef INLAY_CLI_H
#define INLAY_CLI_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* sigaction, isatty, clock_gettime */
#endif

#include <inlay.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the program exits with. */
enum {
    CLI_OK = 0,
    CLI_ERROR = 1,
    CLI_USAGE = 2,
    CLI_INTERRUPTED = 130 /* as shells report a process ended by SIGINT */
};

#if defined(__GNUC__)
#define CLI_PRINTF(text, rest) __attribute__((format(printf, text, rest)))
#else
#define CLI_PRINTF(text, rest)
#endif

/* ------------------------------------------------------------------- args.c */

/* Every option of every command. */
typedef enum cli_arg {
    ARG_HELP,
    /* options of the library, set in cli_args.library as they are read */
    ARG_THREADS,
    ARG_CPU,
    ARG_CONTEXT,
    ARG_BATCH,
    ARG_PREFIX,
    ARG_TEMPERATURE,
    ARG_TOP_K,
    ARG_TOP_P,
    ARG_MIN_P,
    ARG_SEED,
    /* options of the commands */
    ARG_PROMPT,
    ARG_FILE,
    ARG_TOKENS,
    ARG_PROMPT_TOKENS,
    ARG_REPEAT,
    ARG_ECHO,
    ARG_QUIET,
    ARG_SPECIAL,
    ARG_PARSE_SPECIAL,
    ARG_DECODE,
    ARG_IDS,
    ARG_IDS_FILE,
    ARG_DECODER_IDS,
    ARG_ALL_ROWS,
    ARG_RAW,
    ARG_JSON,
    ARG_TENSORS,
    ARG_INPUT,
    ARG_LOW_MEMORY,
    ARG_SYSTEM,
    ARG_TEMPLATE,
    ARG_VARIABLES,
    ARG_TIMING,
    ARG_QUANTIZE,
    ARG_POOLING,
    ARG_DIMENSIONS,
    ARG_NO_NORMALIZE,
    ARG_STOP,
    ARG_ORDER,
    ARG_TOKENIZER,
    ARG_SEQUENCES,
    ARG_SUFFIX,
    ARG_LOOKUP,
    ARG_DRAFT,
    ARG_LOAD_STATE,
    ARG_SAVE_STATE,
    ARG_RECORD,
    /* of sampling, beyond the library's: sampling.c */
    ARG_FIRST_OF_SAMPLER,
    ARG_REPEAT_LAST = ARG_FIRST_OF_SAMPLER,
    ARG_REPEAT_PENALTY,
    ARG_FREQUENCY_PENALTY,
    ARG_PRESENCE_PENALTY,
    ARG_DRY_MULTIPLIER,
    ARG_DRY_BASE,
    ARG_DRY_ALLOWED,
    ARG_DRY_LAST,
    ARG_TOP_N_SIGMA,
    ARG_TYPICAL,
    ARG_XTC_PROBABILITY,
    ARG_XTC_THRESHOLD,
    ARG_TEMP_LOWEST,
    ARG_TEMP_HIGHEST,
    ARG_TEMP_EXPONENT,
    ARG_MIROSTAT,
    ARG_MIROSTAT_TAU,
    ARG_MIROSTAT_ETA,
    ARG_BIAS,
    ARG_BAN,
    ARG_GRAMMAR,
    ARG_TRIGGER,
    ARG_LAST_OF_SAMPLER = ARG_TRIGGER,
    N_ARGS
} cli_arg;

typedef struct cli_option {
    const char *name;  /* the long name; NULL ends a command's table */
    char letter;       /* the short name, 0 if none */
    const char *value; /* what its value is called in the help, NULL for a flag */
    cli_arg arg;
    int32_t key; /* the INLAY_OPT_ it sets, 0 for an option of the command */
    const char *help;
} cli_option;

enum { CLI_MAX_STOPS = 64 };

/* A command line, read. Texts point into argv. */
typedef struct cli_args {
    const char *recording;     /* the first path, of the command that replays */
    const char *model;         /* the path */
    const char *output;        /* the second path, of commands that write a file */
    const char *text;          /* the second argument of commands that take a text; NULL: not given */
    const char *value[N_ARGS]; /* NULL: not given; "" for a flag that was */
    const char *stops[CLI_MAX_STOPS]; /* each --stop */
    size_t n_stops;
    inlay_options *library;
} cli_args;

typedef struct cli_command {
    const char *name;
    const char *synopsis; /* what follows the name in the usage line: "MODEL", perhaps "OUT" or "[TEXT]", the options */
    const char *summary;  /* one line */
    const char *notes;    /* paragraphs after the options, or NULL */
    const cli_option *options;
    int (*run)(const cli_args *args);
} cli_command;

extern const cli_command cli_run, cli_chat, cli_info, cli_tokenize, cli_logits, cli_bench, cli_pack, cli_template,
    cli_embed, cli_fill_mask, cli_count, cli_plan, cli_score, cli_replay, cli_convert;

/* Rows that several commands have in their tables. */
/* clang-format off */
#define CLI_OPTIONS_TEXT                                               \
    {"prompt", 'p', "TEXT", ARG_PROMPT, 0, "the text"},                \
        {"file", 'f', "FILE", ARG_FILE, 0, "read the text from a file; - is standard input"}
#define CLI_OPTION_CPU                                                                     \
    {"cpu", 0, "LEVEL", ARG_CPU, INLAY_OPT_CPU,                                            \
     "highest CPU level: scalar; avx2, avxvnni, avx512, amx; neon, dotprod, i8mm (default: the machine's best)"}
#define CLI_OPTION_LOW_MEMORY            \
    {"low-memory", 0, NULL, ARG_LOW_MEMORY, 0, \
     "run from the mapped file without packing the weights in memory: slower, and hardly any memory of its own"}
#define CLI_OPTION_QUANTIZE              \
    {"quantize", 0, "TYPE", ARG_QUANTIZE, 0, \
     "make float weights q16_0 (as good, and much faster with AMX), q8_0, q4_0, q4_k, q6_k or f16 while opening"}
#define CLI_OPTION_THREADS \
    {"threads", 't', "N", ARG_THREADS, INLAY_OPT_THREADS, "threads to work with (default: one for each CPU)"}
#define CLI_OPTION_CONTEXT                                     \
    {"context", 'c', "N", ARG_CONTEXT, INLAY_OPT_CONTEXT,      \
     "tokens of room for prompt and answer (default: what the model was trained with, at most 4096)"}
#define CLI_OPTION_BATCH {"batch", 'b', "N", ARG_BATCH, INLAY_OPT_BATCH, "prompt tokens evaluated together"}
#define CLI_OPTIONS_SAMPLING                                                                                           \
    {"temp", 0, "T", ARG_TEMPERATURE, INLAY_OPT_TEMPERATURE,                                                           \
     "0 takes the most probable token, more draws more freely"},                                                       \
        {"top-k", 0, "N", ARG_TOP_K, INLAY_OPT_TOP_K, "draw among the N most probable tokens; 0: all"},                \
        {"top-p", 0, "P", ARG_TOP_P, INLAY_OPT_TOP_P, "draw among the most probable tokens that sum to P"},            \
        {"min-p", 0, "P", ARG_MIN_P, INLAY_OPT_MIN_P, "draw among tokens at least P times as probable as the first"},  \
        {"seed", 's', "N", ARG_SEED, INLAY_OPT_SEED, "seed of the random numbers; same seed, same text"}
#define CLI_OPTIONS_STAGES                                                                                             \
    {"repeat-penalty", 0, "R", ARG_REPEAT_PENALTY, 0, "divide the logits of the last tokens by R (default: 1)"},       \
        {"frequency-penalty", 0, "F", ARG_FREQUENCY_PENALTY, 0, "take F off for each time a token occurred"},          \
        {"presence-penalty", 0, "F", ARG_PRESENCE_PENALTY, 0, "take F off if a token occurred"},                       \
        {"repeat-last", 0, "N", ARG_REPEAT_LAST, 0, "tokens that these penalties look back at (default: 64)"},         \
        {"dry-multiplier", 0, "M", ARG_DRY_MULTIPLIER, 0, "DRY: take M B^(length - N) off what repeats"},                \
        {"dry-base", 0, "B", ARG_DRY_BASE, 0, "(default: 1.75)"},                                                      \
        {"dry-allowed", 0, "N", ARG_DRY_ALLOWED, 0, "repetitions below this length are free (default: 2)"},            \
        {"dry-last", 0, "N", ARG_DRY_LAST, 0, "tokens that it looks back at (default: 4096)"},                         \
        {"top-n-sigma", 0, "N", ARG_TOP_N_SIGMA, 0, "logits within N standard deviations of the first"},               \
        {"typical", 0, "P", ARG_TYPICAL, 0, "tokens nearest to the mean information that sum to P"},                   \
        {"xtc-probability", 0, "P", ARG_XTC_PROBABILITY, 0, "XTC: how often all but the last above a threshold go"},   \
        {"xtc-threshold", 0, "P", ARG_XTC_THRESHOLD, 0, "(default: 0.1)"},                                             \
        {"temp-lowest", 0, "T", ARG_TEMP_LOWEST, 0, "temperature by entropy, from T (default: 0.5)"},                  \
        {"temp-highest", 0, "T", ARG_TEMP_HIGHEST, 0, "to T (default: 1.5)"},                                          \
        {"temp-exponent", 0, "E", ARG_TEMP_EXPONENT, 0, "of the entropy (default: 1)"},                                \
        {"mirostat", 0, "1|2", ARG_MIROSTAT, 0, "Mirostat of this version, after all others"},                         \
        {"mirostat-tau", 0, "BITS", ARG_MIROSTAT_TAU, 0, "the surprise it keeps to (default: 5)"},                     \
        {"mirostat-eta", 0, "E", ARG_MIROSTAT_ETA, 0, "its rate of learning (default: 0.1)"},                          \
        {"bias", 0, "ID=B,...", ARG_BIAS, 0, "add B to the logit of a token; -inf bans it"},                           \
        {"ban", 0, "IDS", ARG_BAN, 0, "tokens that never come: 1,2,3"},                                                \
        {"grammar", 0, "FILE", ARG_GRAMMAR, 0, "the answer has this form: GBNF, or FILE.json, a JSON Schema"},        \
        {"trigger", 0, "TEXT", ARG_TRIGGER, 0, "only what follows this text has that form"}
#define CLI_OPTIONS_SPECULATION                                                                                        \
    {"lookup", 0, NULL, ARG_LOOKUP, 0, "guess what comes next from repetitions in the text: the same answer, sooner"}, \
        {"draft", 0, "MODEL", ARG_DRAFT, 0, "guess by a smaller model with the same tokens: the same answer, sooner"}
#define CLI_OPTIONS_STATE                                                                                              \
    {"load-state", 0, "FILE", ARG_LOAD_STATE, 0, "begin with what --save-state wrote to this file"},         \
        {"save-state", 0, "FILE", ARG_SAVE_STATE, 0, "at the end, write what the model has read to a file"}
#define CLI_OPTION_END {NULL, 0, NULL, N_ARGS, 0, NULL}
/* clang-format on */

/* Reads what follows the command's name. Returns CLI_OK, or the exit code after having said what
 * is wrong. --help is only noted. */
int cli_args_read(const cli_command *command, int argc, char **argv, cli_args *args);

/* Prints the help of a command. */
void cli_help(const cli_command *command, FILE *out);

/* The whole number that option `arg` gives, or `initial` when it is not there. CLI_OK or CLI_USAGE. */
int cli_args_int(const cli_args *args, cli_arg arg, int64_t least, int64_t greatest, int64_t initial, int64_t *value);

/* ------------------------------------------------------------------ input.c */

/* A list of token ids. */
typedef struct cli_ids {
    int32_t *ids; /* [n] */
    size_t n;
} cli_ids;

/* Reads a file, or standard input for "-", to its end. free() `*text`. CLI_OK, _ERROR or _INTERRUPTED. */
int cli_read_file(const char *path, char **text, size_t *size);

/* The text that a command works on: its argument TEXT, --prompt, --file or else standard input. free() *owned, which is
 * NULL where the text stands in argv. CLI_USAGE when it is given twice, or not at all where `wanted`. */
int cli_read_text(const cli_command *command, const cli_args *args, bool wanted, const char **text, size_t *size,
                  char **owned);

/* Whether the command line itself says where the text is. */
bool cli_gives_text(const cli_args *args);

/* Reads "1,2,3". In a file (`spaces`) white space separates as well. free() ids->ids. */
int cli_parse_ids(const char *text, size_t size, bool spaces, cli_ids *ids);

/* Reads a decimal number that fills all of `text`. */
bool cli_parse_int(const char *text, size_t size, int64_t *value);

/* Turns text into tokens. free() ids->ids. */
int cli_tokens(const inlay_model *model, const char *text, size_t size, int32_t flags, cli_ids *ids);

/* ---------------------------------------------------------------- encoded.c */

/* An encoder-decoder: what it is given is encoded, and a decoder answers. */
bool cli_reads_whole(const inlay_model *model);

/* What the decoder begins with. free() ids->ids. */
int cli_first_ids(const inlay_model *model, cli_ids *ids);

/* ------------------------------------------------------------------- text.c */

/* A text that grows. free() text. */
typedef struct cli_text {
    char *text; /* [size] */
    size_t size, capacity;
} cli_text;

/* Appends bytes. CLI_OK or CLI_ERROR. */
int cli_text_add(cli_text *text, const char *bytes, size_t size);
/* Appends what a token adds to a stream of text (inlay_stream_text); -1 ends the stream. */
int cli_text_add_token(cli_text *text, const inlay_model *model, uint64_t *stream, int32_t token);

/* --------------------------------------------------------------- progress.c */

/* Lets Ctrl-C stop the work: the first one asks for an orderly end, the second one kills. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);
/* What Ctrl-C asked for is done: nothing is interrupted, and from now on no Ctrl-C kills. */
void cli_interrupt_done(void);
/* The session whose evaluation Ctrl-C cancels; NULL before it is freed. */
void cli_interrupt_session(inlay_session *session);

/* What an inlay_progress_fn does: draws a bar for `label` on a terminal and stops when interrupted. */
int32_t cli_progress(void *user, uint64_t done, uint64_t total);
/* Names the work that follows, for the bar; NULL draws none. Removes a bar that is there. */
void cli_progress_begin(const char *label);

/* Seconds on a clock that only goes forward. */
double cli_seconds(void);

/* ------------------------------------------------------------------- open.c */

/* What --quantize and --low-memory say, for the library. */
int cli_set_opening(const cli_args *args);
/* Opens the model, with a bar. The error is reported. */
int cli_open_model(const cli_args *args, inlay_model **model);
/* CLI_ERROR when the model lacks an INLAY_CAN_ bit, having said which commands are for it. */
int cli_needs(const cli_args *args, const inlay_model *model, int64_t capability);
/* A session of it that Ctrl-C cancels. cli_close frees both; NULLs are fine. */
int cli_open_session(const cli_args *args, inlay_model *model, inlay_session **session);
/* Where --context says nothing: a session with room for so many tokens, or as many as the model was trained with, in
 * place of one that has less. */
int cli_make_room(const cli_args *args, inlay_model *model, uint64_t n_tokens, inlay_session **session);
void cli_close(inlay_model *model, inlay_session *session);

/* --------------------------------------------------------------- sampling.c */

/* The sampler that the stages' options ask for; NULL when there are none, and the session's own does. */
int cli_open_sampler(const cli_args *args, inlay_model *model, inlay_sampler **sampler);
/* The next token by either, which a sampler then accepts. An INLAY_ status. */
int32_t cli_sample(inlay_session *session, inlay_sampler *sampler, int32_t *token);
/* The texts of --stop; NULL when there are none. */
int cli_open_stop(const cli_args *args, inlay_stop **stop);

/* ------------------------------------------------------------------ state.c */

/* What --load-state and --save-state ask for; nothing without them. */
int cli_load_state(const cli_args *args, inlay_session *session);
int cli_save_state(const cli_args *args, inlay_session *session);

/* ------------------------------------------------------------ speculation.c */

/* What --lookup and --draft ask for; NULLs where they do not. */
typedef struct cli_speculation {
    inlay_speculator *speculator;
    inlay_model *draft_model;
    inlay_session *draft;
} cli_speculation;

int cli_open_speculation(const cli_args *args, const inlay_model *model, cli_speculation *speculation);
void cli_close_speculation(cli_speculation *speculation);
enum { CLI_MOST_TOKENS = 64 };

/* Chooses what comes next: one token, or with speculation up to `most`, which are appended too; room for
 * CLI_MOST_TOKENS. An INLAY_ status. */
int32_t cli_choose(cli_speculation *speculation, inlay_session *session, inlay_sampler *sampler, uint64_t most,
                   int32_t *tokens, size_t *n, bool *are_appended);
/* The whole prompt, which the session reads itself. An INLAY_ status. */
int32_t cli_speculation_read(cli_speculation *speculation, const int32_t *tokens, size_t n);

/* ---------------------------------------------------------------- machine.c */

/* What the machine can do at most, a second; 0 where it could not be measured. */
typedef struct cli_machine {
    double read_bytes; /* from memory */
    double products;   /* multiplications of 8-bit numbers with their sums */
} cli_machine;

/* Measures it on `n_threads` threads with the instructions of a CPU level; takes about a second and 256 MiB. */
cli_machine cli_measure_machine(const char *cpu, int64_t n_threads);

/* ---------------------------------------------------------------- message.c */

/* "inlay: ..." on standard error. Returns CLI_ERROR. */
int cli_error(const char *format, ...) CLI_PRINTF(1, 2);
/* The same, for a wrong command line. Returns CLI_USAGE. */
int cli_usage(const char *format, ...) CLI_PRINTF(1, 2);
/* The last error of the library, and the exit code that suits it. */
int cli_library_error(int32_t status);
/* Finishes standard output: the exit code, CLI_ERROR when something could not be written. */
int cli_finish(int code);

/* --------------------------------------------------------------- json_out.c */

/* A JSON string; bytes that are not UTF-8 become U+FFFD. */
void json_string(FILE *out, const char *text, size_t size);
/* A number with 9 significant digits, the same in every locale; null when it is not finite. */
void json_number(FILE *out, double value);
/* [1, 2, 3] */
void json_ids(FILE *out, const int32_t *ids, size_t n);

#endif
