/* ARPA files:
 *
 *     anything                                       lines before \data\; one may begin with "inlay" (below)
 *     \data\
 *     ngram 1=4                                      how many of each order
 *     ngram 2=3
 *
 *     \1-grams:
 *     -0.7  the   -0.3                               log10 of a probability, words, log10 of the back-off weight of
 *     ...                                            these as a context: 0 where it is missing
 *     \2-grams:
 *     -0.1  the cat
 *     ...
 *     \end\
 *
 * Fields stand apart by spaces and tabs, n-grams in any order, but each after its context, the n-gram without its last
 * word. A token's id is the place of its word. A model over the tokens of another has their ids for words, and before
 * \data\
 *
 *     inlay tokens=49152 hash=1234567890             how many, and INLAY_MODEL_TOKENS_HASH of the other model
 */
#include "import/arpa.h"

#include "base/cursor.h"
#include "base/fpenv.h"
#include "base/text.h"
#include "import/ngram_trie.h"

/* log10(p) of <s>, which is never expected, and of <unk> where a file has none. */
#define LOG10_NEVER (-99.0)
#define LOG10_UNKNOWN (-100.0)
#define LOG10_LEAST (-1000.0)
#define LN_10 2.302585092994046

enum { MAX_VOCAB = 1 << 24, SHOWN = 60 };
enum { TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_CONTROL = 3 };

typedef struct arpa {
    const inlay__sys *sys;
    const char *name;
    inlay__cursor text;
    size_t n_lines;      /* read so far */
    inlay__text line;    /* what is left of the one in hand, without spaces around */
    size_t order, n[INLAY__MAX_NGRAM];
    size_t n_sections;   /* those of the last orders may be empty: `order` leaves these out */
    bool linked;         /* words are ids of another model's tokens */
    int64_t n_linked, hash;

    size_t n_words, capacity;
    inlay__text *words;  /* [capacity] in the file's bytes */
    float *log_probs, *log_backoffs; /* [capacity] */
    inlay__hash_map ids;
    int32_t begin, end, unknown; /* of <s>, </s>, <unk>; -1: not there */
    inlay__ngram_trie trie;
} arpa;

/* ------------------------------------------------------------------------- lines */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* What is shown of a text in messages. */
static int shown(inlay__text text) { return (int)inlay__min_size(text.size, SHOWN); }

static int32_t fail_line(const arpa *a, const char *expected) {
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': line %zu is '%.*s', expected %s", a->name, a->n_lines,
                       shown(a->line), a->line.size > 0 ? a->line.text : "", expected);
}

static void trim(inlay__text *text) {
    while (text->size > 0 && is_space(text->text[0])) *text = (inlay__text){text->text + 1, text->size - 1};
    while (text->size > 0 && is_space(text->text[text->size - 1])) text->size--;
}

/* The next line that is not empty; false at the end. */
static bool next_line(arpa *a) {
    while (inlay__cursor_left(&a->text) > 0) {
        const uint8_t *begin = a->text.data + a->text.pos, *bytes;
        const uint8_t *newline = memchr(begin, '\n', inlay__cursor_left(&a->text));
        size_t size = newline != NULL ? (size_t)(newline - begin) + 1 : inlay__cursor_left(&a->text);
        inlay__cursor_bytes(&a->text, size, &bytes);
        a->line = (inlay__text){(const char *)bytes, size - (newline != NULL)};
        a->n_lines++;
        trim(&a->line);
        if (a->line.size > 0) return true;
    }
    a->line = (inlay__text){NULL, 0};
    return false;
}

static bool equals(inlay__text text, const char *other) {
    return text.size == strlen(other) && memcmp(text.text, other, text.size) == 0;
}

/* Takes what the text begins with. */
static bool take(inlay__text *text, const char *begin) {
    size_t n = strlen(begin);
    if (text->size < n || memcmp(text->text, begin, n) != 0) return false;
    *text = (inlay__text){text->text + n, text->size - n};
    return true;
}

static bool take_field(inlay__text *text, inlay__text *field) {
    size_t n = 0;
    while (n < text->size && !is_space(text->text[n])) n++;
    *field = (inlay__text){text->text, n};
    *text = (inlay__text){text->text + n, text->size - n};
    trim(text);
    return n > 0;
}

/* A whole number that begins the text. */
static bool take_count(inlay__text *text, int64_t *value) {
    size_t n = 0;
    trim(text);
    while (n < text->size && text->text[n] >= '0' && text->text[n] <= '9') n++;
    if (!inlay__parse_i64(text->text, n, value)) return false;
    *text = (inlay__text){text->text + n, text->size - n};
    trim(text);
    return true;
}

/* ------------------------------------------------------------------------ header */

/* "inlay tokens=N hash=N" */
static int32_t read_link(arpa *a) {
    inlay__text line = a->line;
    if (!take(&line, "inlay ")) return INLAY_OK;
    if (!take(&line, "tokens=") || !take_count(&line, &a->n_linked) || !take(&line, "hash=") ||
        !take_count(&line, &a->hash) || line.size > 0 || a->n_linked < 1 || a->n_linked > MAX_VOCAB)
        return fail_line(a, "'inlay tokens=N hash=N'");
    a->linked = true;
    return INLAY_OK;
}

/* Every n-gram of order k takes 2 k + 2 bytes, at the least "0", the words, a space before each, and the line's end. */
static int32_t read_counts(arpa *a) {
    uint64_t least = 0;
    int64_t k, n;
    while (next_line(a)) {
        inlay__text line = a->line;
        if (!take(&line, "ngram")) break;
        if (!take_count(&line, &k) || !take(&line, "=") || !take_count(&line, &n) || line.size > 0)
            return fail_line(a, "'ngram ORDER=COUNT'");
        if (k != (int64_t)a->order + 1) return fail_line(a, "orders 1, 2, 3 and so on");
        if (k > INLAY__MAX_NGRAM)
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "file '%s': has n-grams of order %lld, and this version runs up to %d", a->name,
                               (long long)k, INLAY__MAX_NGRAM);
        uint64_t each = 2 * (uint64_t)k + 2, left = inlay__cursor_left(&a->text);
        if ((uint64_t)n > left / each || (uint64_t)n >= INT32_MAX || (least += (uint64_t)n * each) > left)
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': line %zu tells of %lld n-grams of order %lld, for which its %zu bytes "
                               "have no room",
                               a->name, a->n_lines, (long long)n, (long long)k, a->text.size);
        a->n[a->order++] = (size_t)n;
    }
    if (a->order == 0 || a->n[0] == 0) return fail_line(a, "'ngram 1=COUNT' with a count above 0");
    if (a->n[0] >= MAX_VOCAB)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': has %zu words, and this version runs up to %d", a->name,
                           a->n[0], MAX_VOCAB - 1);
    a->n_sections = a->order;
    while (a->n[a->order - 1] == 0) a->order--;
    for (size_t i = 1; i < a->order; i++)
        if (a->n[i] == 0)
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': has no n-grams of order %zu, but of order %zu, whose contexts they are",
                               a->name, i + 1, a->order);
    return INLAY_OK;
}

static int32_t read_header(arpa *a) {
    while (next_line(a)) {
        if (equals(a->line, "\\data\\")) return read_counts(a);
        INLAY__TRY(read_link(a));
    }
    return inlay__fail(INLAY_ERR_FORMAT,
                       "file '%s': has no line '\\data\\', with which an n-gram model in ARPA format begins", a->name);
}

/* ----------------------------------------------------------------------- n-grams */

/* One line of a section. */
typedef struct row {
    inlay__text words[INLAY__MAX_NGRAM];
    float log_prob, log_backoff;
} row;

/* Natural from decimal, rounded once from double. */
static float natural(double log10) { return (float)(log10 * LN_10); }

static int32_t read_row(arpa *a, size_t k, row *r) {
    inlay__text rest = a->line, field;
    double log_prob, log_backoff = 0.0;
    if (!take_field(&rest, &field) || !inlay__parse_f64(field.text, field.size, &log_prob))
        return fail_line(a, "a logarithm and words");
    if (!(log_prob <= 0.0 && log_prob >= LOG10_LEAST))
        return fail_line(a, "the logarithm of a probability, -1000 to 0");
    for (size_t i = 0; i < k; i++)
        if (!take_field(&rest, &r->words[i])) return fail_line(a, "as many words as the section is of");
    if (rest.size > 0) {
        if (!take_field(&rest, &field) || !inlay__parse_f64(field.text, field.size, &log_backoff) || rest.size > 0)
            return fail_line(a, "as many words as the section is of, and at most a number after them");
        if (!(log_backoff <= -LOG10_LEAST && log_backoff >= LOG10_LEAST))
            return fail_line(a, "the logarithm of a back-off weight, -1000 to 1000");
        if (k == a->order && log_backoff != 0.0)
            return fail_line(a, "no back-off weight, as there is no longer n-gram");
    }
    r->log_prob = natural(log_prob);
    r->log_backoff = natural(log_backoff);
    return INLAY_OK;
}

/* The line "\K-grams:", which is in hand. */
static int32_t begin_section(const arpa *a, size_t k) {
    char title[32];
    inlay__format(title, sizeof title, "\\%zu-grams:", k);
    if (equals(a->line, title)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': line %zu is '%.*s', expected '%s'", a->name, a->n_lines,
                       shown(a->line), a->line.size > 0 ? a->line.text : "", title);
}

/* The next line of a section; its end comes when all have come that were told of. */
static int32_t next_row(arpa *a, size_t k, size_t i, row *r) {
    if (!next_line(a) || a->line.text[0] == '\\')
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': line %zu: section '\\%zu-grams:' ends after %zu of the %zu that '\\data\\' "
                           "tells of",
                           a->name, a->n_lines, k, i, a->n[k - 1]);
    return read_row(a, k, r);
}

static int32_t linked_id(const arpa *a, inlay__text word) {
    int64_t id;
    bool ok = inlay__parse_i64(word.text, word.size, &id) && id >= 0 && id < a->n_linked &&
              (word.size == 1 || word.text[0] != '0');
    return ok ? (int32_t)id : -1;
}

static int32_t find_word(const arpa *a, inlay__text word, int32_t *id) {
    uint32_t found = 0;
    if (a->linked)
        *id = linked_id(a, word);
    else
        *id = inlay__hash_map_get(&a->ids, word.text, word.size, &found) ? (int32_t)found : -1;
    if (*id >= 0) return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': line %zu: word '%.*s' is not among the 1-grams", a->name,
                       a->n_lines, shown(word), word.text);
}

/* ------------------------------------------------------------------------- words */

static int32_t add_word(arpa *a, inlay__text word, float log_prob, float log_backoff) {
    int32_t id = (int32_t)a->n_words;
    bool is_new = true;
    if (a->linked) {
        INLAY__TRY(find_word(a, word, &id));
        is_new = a->words[id].text == NULL;
    } else {
        is_new = inlay__hash_map_put(&a->ids, word.text, word.size, (uint32_t)id);
    }
    if (!is_new)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': line %zu: word '%.*s' is among the 1-grams twice", a->name,
                           a->n_lines, shown(word), word.text);
    a->words[id] = word;
    a->log_probs[id] = log_prob;
    a->log_backoffs[id] = log_backoff;
    a->n_words++;
    return INLAY_OK;
}

static int32_t find_role(const arpa *a, const char *word) {
    uint32_t id;
    return !a->linked && inlay__hash_map_get(&a->ids, word, strlen(word), &id) ? (int32_t)id : -1;
}

/* What is not among the words becomes <unk>, or <UNK>. */
static int32_t complete_words(arpa *a) {
    static const char unknown[] = "<unk>";
    a->begin = find_role(a, "<s>");
    a->end = find_role(a, "</s>");
    a->unknown = find_role(a, unknown);
    if (a->unknown < 0) a->unknown = find_role(a, "<UNK>");
    if (a->begin >= 0) a->log_probs[a->begin] = natural(LOG10_NEVER); /* some write 0 for it, some this */
    if (a->linked || a->unknown >= 0) return INLAY_OK;
    a->unknown = (int32_t)a->n_words;
    return add_word(a, (inlay__text){unknown, sizeof unknown - 1}, natural(LOG10_UNKNOWN), 0.0f);
}

static int32_t read_words(arpa *a) {
    row r;
    a->capacity = a->n[0] + 1;
    if (a->linked && (int64_t)a->n[0] != a->n_linked)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has %zu 1-grams, expected one for each of its %lld tokens",
                           a->name, a->n[0], (long long)a->n_linked);
    a->words = inlay__alloc_array(a->sys, a->capacity, sizeof *a->words);
    a->log_probs = inlay__alloc_array(a->sys, a->capacity, sizeof *a->log_probs);
    a->log_backoffs = inlay__alloc_array(a->sys, a->capacity, sizeof *a->log_backoffs);
    if (a->words == NULL || a->log_probs == NULL || a->log_backoffs == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(inlay__hash_map_init(a->sys, &a->ids, a->linked ? 0 : a->capacity));
    INLAY__TRY(begin_section(a, 1));
    for (size_t i = 0; i < a->n[0]; i++) {
        INLAY__TRY(next_row(a, 1, i, &r));
        INLAY__TRY(add_word(a, r.words[0], r.log_prob, r.log_backoff));
    }
    return complete_words(a);
}

/* ---------------------------------------------------------------- higher orders */

/* Rows of one context mostly stand together: it is looked for once. */
typedef struct context {
    int32_t tokens[INLAY__MAX_NGRAM];
    size_t place;
    bool known;
} context;

static int32_t add_row(arpa *a, size_t k, const row *r, context *c) {
    int32_t tokens[INLAY__MAX_NGRAM] = {0};
    for (size_t i = 0; i < k; i++) INLAY__TRY(find_word(a, r->words[i], &tokens[i]));
    if (!c->known || memcmp(tokens, c->tokens, (k - 1) * sizeof *tokens) != 0) {
        memcpy(c->tokens, tokens, k * sizeof *tokens);
        c->known = inlay__ngrams_find(&a->trie.ngrams, tokens, k - 1, &c->place);
        if (!c->known) return fail_line(a, "its first words, the context of the last, among the n-grams before");
    }
    inlay__ngram_trie_add(&a->trie, (uint32_t)c->place, tokens[k - 1], r->log_prob, r->log_backoff);
    return INLAY_OK;
}

static int32_t read_section(arpa *a, size_t k) {
    context c = {.known = false};
    row r;
    INLAY__TRY(inlay__ngram_trie_reserve(&a->trie));
    for (size_t i = 0; i < a->n[k - 1]; i++) {
        INLAY__TRY(next_row(a, k, i, &r));
        INLAY__TRY(add_row(a, k, &r, &c));
    }
    return inlay__ngram_trie_place(&a->trie);
}

/* The sections behind the first, and the end. Those of orders without n-grams are empty. */
static int32_t read_sections(arpa *a) {
    for (size_t k = 2; k <= a->n_sections; k++) {
        next_line(a);
        INLAY__TRY(begin_section(a, k));
        if (k <= a->order) INLAY__TRY(read_section(a, k));
    }
    next_line(a);
    if (!equals(a->line, "\\end\\"))
        return fail_line(a, "'\\end\\', as all n-grams that '\\data\\' tells of are there");
    return next_line(a) ? fail_line(a, "nothing after '\\end\\'") : INLAY_OK;
}

/* ----------------------------------------------------------------------- weights */

static int32_t put_vocabulary(const arpa *a, inlay__gguf_writer *w) {
    int32_t *types = inlay__alloc_array(a->sys, a->n_words, sizeof *types);
    if (types == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < a->n_words; i++) types[i] = TYPE_NORMAL;
    if (a->begin >= 0) types[a->begin] = TYPE_CONTROL;
    if (a->end >= 0) types[a->end] = TYPE_CONTROL;
    types[a->unknown] = TYPE_UNKNOWN;
    inlay__gguf_put_string(w, "tokenizer.ggml.model", "words", strlen("words"));
    inlay__gguf_put_strings(w, "tokenizer.ggml.tokens", a->words, a->n_words);
    inlay__gguf_put_array(w, "tokenizer.ggml.token_type", INLAY__GGUF_I32, types, a->n_words);
    if (a->begin >= 0) inlay__gguf_put_u32(w, "tokenizer.ggml.bos_token_id", (uint32_t)a->begin);
    if (a->end >= 0) inlay__gguf_put_u32(w, "tokenizer.ggml.eos_token_id", (uint32_t)a->end);
    inlay__gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", (uint32_t)a->unknown);
    inlay__gguf_put_bool(w, "tokenizer.ggml.add_bos_token", a->begin >= 0);
    inlay__free(a->sys, types, a->n_words * sizeof *types);
    return INLAY_OK;
}

static int32_t put_metadata(const arpa *a, inlay__gguf_writer *w) {
    char hash[24];
    inlay__gguf_put_string(w, "general.architecture", "ngram", strlen("ngram"));
    inlay__gguf_put_u32(w, "ngram.order", (uint32_t)a->order);
    inlay__gguf_put_u32(w, "ngram.vocab_size", (uint32_t)a->n_words);
    if (!a->linked) return put_vocabulary(a, w);
    inlay__gguf_put_string(w, "ngram.tokens_hash", hash, inlay__format(hash, sizeof hash, "%lld", (long long)a->hash));
    inlay__gguf_put_string(w, "tokenizer.ggml.model", "none", strlen("none"));
    return INLAY_OK;
}

static int32_t read_all(arpa *a, inlay__gguf_writer *w) {
    size_t n[INLAY__MAX_NGRAM];
    INLAY__TRY(read_header(a));
    INLAY__TRY(read_words(a));
    INLAY__TRY(put_metadata(a, w));
    memcpy(n, a->n, sizeof n);
    n[0] = a->n_words;
    inlay__ngram_trie_declare(&a->trie, w, a->order, n);
    uint8_t *data = inlay__gguf_writer_place(w);
    if (data == NULL) return w->status;
    inlay__ngram_trie_begin(&a->trie, data, a->log_probs, a->log_backoffs);
    return read_sections(a);
}

static void free_all(arpa *a) {
    inlay__ngram_trie_free(&a->trie);
    inlay__hash_map_free(a->sys, &a->ids);
    inlay__free(a->sys, a->words, a->capacity * sizeof *a->words);
    inlay__free(a->sys, a->log_probs, a->capacity * sizeof *a->log_probs);
    inlay__free(a->sys, a->log_backoffs, a->capacity * sizeof *a->log_backoffs);
}

static int32_t read(const inlay__sys *sys, const char *name, const uint8_t *data, size_t size, inlay__gguf_writer *w) {
    arpa a = {.sys = sys, .name = name, .text = {data, size, 0}, .trie = {.sys = sys, .name = name}};
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': is compressed by gzip; unpack it with gunzip first",
                           name);
    inlay__fpenv saved = inlay__fpenv_enter();
    int32_t status = read_all(&a, w);
    inlay__fpenv_leave(saved);
    free_all(&a);
    return status;
}

/* -------------------------------------------------------------------------- open */

static bool ends_with(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

bool inlay__arpa_is(const char *path, const uint8_t *data, size_t size) {
    inlay__text text = {(const char *)data, size};
    if (path != NULL && (ends_with(path, ".arpa") || ends_with(path, ".arpa.gz"))) return true;
    while (text.size > 0 && (is_space(text.text[0]) || text.text[0] == '\n'))
        text = (inlay__text){text.text + 1, text.size - 1};
    return take(&text, "\\data\\") || take(&text, "inlay tokens=");
}

int32_t inlay__arpa_open(const inlay__sys *sys, const char *path, const uint8_t *data, size_t size,
                         inlay__weights *weights) {
    inlay__gguf_writer w;
    inlay__gguf_writer_init(sys, &w);
    int32_t status = read(sys, path != NULL ? path : "memory", data, size, &w);
    if (status == INLAY_OK) status = inlay__weights_open_written(&w, path, size, weights);
    inlay__gguf_writer_free(&w);
    return status;
}
