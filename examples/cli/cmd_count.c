/* inlay count: makes an n-gram model of a text. */
#include "cli.h"
#include "ngram_count.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"order", 'n', "N", ARG_ORDER, 0, "tokens of the longest n-grams, 1 to 8 (default: 3)"},
    {"model", 'm', "MODEL", ARG_TOKENIZER, 0,
     "count the tokens of this model instead of words, so that the result can draft for it"},
    {"quiet", 'q', NULL, ARG_QUIET, 0, "say nothing when it is done"},
    CLI_OPTION_END,
};

/* ------------------------------------------------------------------------ words */

enum { UNKNOWN, BEGIN, END, N_SPECIAL };

/* The words of a text, each once: open addressing, at most half full. */
typedef struct words {
    const char **text; /* [n] in the text that was read */
    size_t *size;      /* [n] */
    size_t n, capacity;
    int32_t *slots; /* [mask + 1] word + 1; 0: empty */
    size_t mask;
} words;

static uint64_t hash_of(const char *text, size_t size) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

static int32_t *slot_of(const words *w, const char *text, size_t size) {
    size_t i = (size_t)hash_of(text, size) & w->mask;

    while (w->slots[i] != 0 && (w->size[w->slots[i] - 1] != size || memcmp(w->text[w->slots[i] - 1], text, size) != 0))
        i = (i + 1) & w->mask;
    return &w->slots[i];
}

static bool grow(words *w) {
    size_t capacity = w->capacity > 0 ? 2 * w->capacity : 1024;
    const char **text = realloc(w->text, capacity * sizeof *text);
    size_t *size = realloc(w->size, capacity * sizeof *size);

    if (text != NULL) w->text = text;
    if (size != NULL) w->size = size;
    free(w->slots);
    w->slots = calloc(4 * capacity, sizeof *w->slots);
    if (text == NULL || size == NULL || w->slots == NULL) return false;
    w->capacity = capacity;
    w->mask = 4 * capacity - 1;
    for (size_t i = 0; i < w->n; i++) *slot_of(w, w->text[i], w->size[i]) = (int32_t)i + 1;
    return true;
}

/* -1: out of memory. */
static int32_t word_id(words *w, const char *text, size_t size) {
    int32_t *slot;

    if (w->n == w->capacity && !grow(w)) return -1;
    slot = slot_of(w, text, size);
    if (*slot == 0) {
        w->text[w->n] = text;
        w->size[w->n++] = size;
        *slot = (int32_t)w->n;
    }
    return *slot - 1;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\0'; }

/* The words of a line between those that begin and end it; these are not taken from the text. */
static bool add_line(words *w, ngram_text *tokens, const char *line, size_t size) {
    bool ok = ngram_text_add(tokens, BEGIN);

    for (size_t i = 0, end; ok && i < size; i = end) {
        int32_t id;

        while (i < size && is_space(line[i])) i++;
        for (end = i; end < size && !is_space(line[end]);) end++;
        if (end == i) break;
        id = word_id(w, line + i, end - i);
        ok = id >= 0 && (id == BEGIN || id == END || ngram_text_add(tokens, id));
    }
    return ok && ngram_text_add(tokens, END) && ngram_text_add(tokens, NGRAM_NO_TOKEN);
}

static int split_words(words *w, const char *text, size_t size, ngram_text *tokens) {
    static const char *const special[N_SPECIAL] = {"<unk>", "<s>", "</s>"};
    bool ok = ngram_text_add(tokens, NGRAM_NO_TOKEN);

    for (size_t i = 0; ok && i < N_SPECIAL; i++) ok = word_id(w, special[i], strlen(special[i])) >= 0;
    for (size_t i = 0; ok && i < size;) {
        const char *newline = memchr(text + i, '\n', size - i);
        size_t end = newline != NULL ? (size_t)(newline - text) : size;

        ok = add_line(w, tokens, text + i, end - i);
        i = end + 1;
    }
    return ok ? CLI_OK : cli_error("there is not enough memory for the words of the text");
}

static void put_word(void *user, int32_t token, FILE *out) {
    const words *w = user;

    fwrite(w->text[token], 1, w->size[token], out);
}

static void put_id(void *user, int32_t token, FILE *out) {
    (void)user;
    fprintf(out, "%" PRId32, token);
}

/* ----------------------------------------------------------------------- tokens */

/* The whole text as one sequence of a model's tokens; and what ties the result to the model. */
static int split_tokens(const char *path, inlay_options *library, const char *text, size_t size, ngram_text *tokens,
                        int64_t *n_vocab, int64_t *hash) {
    inlay_model *model;
    cli_ids ids;
    int32_t status = inlay_options_set_int(library, INLAY_OPT_VOCAB_ONLY, 1);
    bool ok;
    int code;

    if (status == INLAY_OK) status = inlay_model_open(path, library, &model);
    if (status != INLAY_OK) return cli_library_error(status);
    status = inlay_model_get_int(model, INLAY_MODEL_N_VOCAB, n_vocab);
    if (status == INLAY_OK) status = inlay_model_get_int(model, INLAY_MODEL_TOKENS_HASH, hash);
    code = status == INLAY_OK ? cli_tokens(model, text, size, 0, &ids) : cli_library_error(status);
    inlay_model_free(model);
    if (code != CLI_OK) return code;
    ok = ngram_text_add(tokens, NGRAM_NO_TOKEN);
    for (size_t i = 0; ok && i < ids.n; i++) ok = ngram_text_add(tokens, ids.ids[i]);
    ok = ok && ngram_text_add(tokens, NGRAM_NO_TOKEN);
    free(ids.ids);
    return ok ? CLI_OK : cli_error("there is not enough memory for the tokens of the text");
}

/* ---------------------------------------------------------------------- command */

static int write_model(const cli_args *args, const ngram_model *m, words *w, int64_t hash) {
    FILE *out = fopen(args->output, "wb");
    bool ok;

    if (out == NULL) return cli_error("'%s' could not be written: %s", args->output, strerror(errno));
    if (args->value[ARG_TOKENIZER] != NULL)
        fprintf(out, "inlay tokens=%" PRId32 " hash=%" PRId64 "\n\n", m->n_vocab, hash);
    ngram_model_write(m, out, args->value[ARG_TOKENIZER] != NULL ? put_id : put_word, w);
    ok = ferror(out) == 0;
    if (fclose(out) != 0 || !ok) return cli_error("'%s' could not be written: %s", args->output, strerror(errno));
    return CLI_OK;
}

static void tell(const cli_args *args, const ngram_model *m, double begin) {
    for (size_t k = 1; k <= m->order; k++)
        if (m->lists[k - 1].guessed)
            fprintf(stderr,
                    "order %zu: the text is too small or too regular to tell its discounts; 0.5, 1 and 1.5 are taken\n",
                    k);
    if (args->value[ARG_QUIET] != NULL) return;
    fprintf(stderr, "%s has", args->output);
    for (size_t k = 1; k <= m->order; k++) fprintf(stderr, "%s %zu", k > 1 ? "," : "", m->lists[k - 1].n);
    fprintf(stderr, " n-grams of order 1 to %zu, in %.1f s\n", m->order, cli_seconds() - begin);
}

static int count(const cli_args *args, const char *text, size_t size, int64_t order, ngram_text *tokens, words *w) {
    ngram_model m = {.text = tokens, .begin = NGRAM_NO_TOKEN, .order = (size_t)order};
    int64_t n_vocab = 0, hash = 0;
    double begin = cli_seconds();
    int code;

    if (args->value[ARG_TOKENIZER] != NULL) {
        code = split_tokens(args->value[ARG_TOKENIZER], args->library, text, size, tokens, &n_vocab, &hash);
    } else {
        code = split_words(w, text, size, tokens);
        n_vocab = (int64_t)w->n;
        m.begin = BEGIN;
    }
    if (code != CLI_OK) return code;
    if (tokens->n < 3) return cli_error("'%s' has nothing to count", args->model);
    if (tokens->n >= UINT32_MAX) return cli_error("'%s' has more tokens than this program counts", args->model);
    m.n_vocab = (int32_t)n_vocab;
    code = ngram_model_estimate(&m) ? write_model(args, &m, w, hash)
                                    : cli_error("there is not enough memory for the n-grams");
    if (code == CLI_OK) tell(args, &m, begin);
    ngram_model_free(&m);
    return code;
}

static int run(const cli_args *args) {
    ngram_text tokens = {NULL, 0, 0};
    words w = {.n = 0};
    char *text;
    size_t size;
    int64_t order;
    int code = cli_args_int(args, ARG_ORDER, 1, NGRAM_MAX_ORDER, 3, &order);

    if (code == CLI_OK) code = cli_read_file(args->model, &text, &size);
    if (code != CLI_OK) return code;
    code = count(args, text, size, order, &tokens, &w);
    free(tokens.tokens);
    free(w.text);
    free(w.size);
    free(w.slots);
    free(text);
    return code;
}

const cli_command cli_count = {
    "count",
    "TEXT OUT [options]",
    "makes an n-gram model of a text, in ARPA format",
    "TEXT has a sentence a line, words apart by white space; - is standard input. Probabilities are\n"
    "smoothed by interpolated modified Kneser-Ney (Chen and Goodman 1999). OUT is opened like any\n"
    "model, and other programs read it. With --model all of TEXT is one sequence of that model's\n"
    "tokens, and the words of OUT are their ids.\n",
    options,
    run,
};
