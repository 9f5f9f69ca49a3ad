/* Normalizers, pre-tokenizers and decoders of tokenizer.json. */
#include "tokenizer/normal_form.h"
#include "tokenizer/tokenizer_json.h"

/* ------------------------------------------------------------------ helpers */

static bool is_type(const inlay__json_reader *r, const inlay__json_node *node, const char *type) {
    return inlay__json_equals(inlay__json_get(r->json, node, "type"), type);
}

/* A text of one character. */
static int32_t read_character(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                              const char *key, uint32_t *code) {
    inlay__text text = {NULL, 0};
    INLAY__TRY(inlay__json_read_text(r, part, node, key, &text));
    if (text.text == NULL) return INLAY_OK;
    if (text.size == 0 || inlay__utf8_decode((const uint8_t *)text.text, text.size, code) != text.size)
        return inlay__json_fail_key(r, part, node, key, "one character");
    return INLAY_OK;
}

static int32_t read_kept(const inlay__json_reader *r, const char *part, const inlay__json_node *node, const char *key,
                         inlay__text *text) {
    INLAY__TRY(inlay__json_read_text(r, part, node, key, text));
    if (text->text == NULL) return inlay__json_fail_key(r, part, node, key, "a string");
    return inlay__json_keep_text(r, text);
}

/* {"String": "..."} or {"Regex": "..."}, or the string alone */
static int32_t read_pattern(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                            inlay__finder *finder) {
    const inlay__json_node *pattern = inlay__json_get(r->json, node, "pattern");
    const inlay__json_node *string = inlay__json_get(r->json, pattern, "String");
    const inlay__json_node *regex = inlay__json_get(r->json, pattern, "Regex");
    if (pattern != NULL && pattern->kind == INLAY__JSON_STRING) string = pattern;
    if (string != NULL && string->kind == INLAY__JSON_STRING)
        return inlay__finder_string(r->sys, inlay__json_text_of(string), finder);
    if (regex != NULL && regex->kind == INLAY__JSON_STRING)
        return inlay__finder_regex(r->sys, r->name, inlay__json_text_of(regex), finder);
    return inlay__json_fail_key(r, part, node, "pattern", "an object with 'String' or 'Regex'");
}

/* One of some words, as its index. */
static int32_t read_word(const inlay__json_reader *r, const char *part, const inlay__json_node *node, const char *key,
                         const char *const *words, size_t n, const char *expected, size_t *index) {
    const inlay__json_node *word = inlay__json_get(r->json, node, key);
    if (inlay__json_is_null(word)) return INLAY_OK;
    for (*index = 0; *index < n; ++*index)
        if (inlay__json_equals(word, words[*index])) return INLAY_OK;
    return inlay__json_fail_key(r, part, node, key, expected);
}

/* -------------------------------------------------------------- normalizers */

static const char NORMALIZER[] = "normalizer";

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 (RFC 4648) with its padding; false when it is not that. `out` has room for 3 bytes of each 4 letters. */
static bool read_base64(inlay__text text, uint8_t *out, size_t *size) {
    uint32_t bits = 0;
    size_t n = 0, at = 0, padding = 0;
    if (text.size % 4 != 0) return false;
    while (padding < 2 && padding < text.size && text.text[text.size - 1 - padding] == '=') padding++;
    for (size_t i = 0; i < text.size - padding; i++) {
        int value = base64_value(text.text[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        if (++n % 4 == 0) {
            out[at++] = (uint8_t)(bits >> 16);
            out[at++] = (uint8_t)(bits >> 8);
            out[at++] = (uint8_t)bits;
            bits = 0;
        }
    }
    if (padding == 1) {
        out[at++] = (uint8_t)(bits >> 10);
        out[at++] = (uint8_t)(bits >> 2);
    } else if (padding == 2) {
        out[at++] = (uint8_t)(bits >> 4);
    }
    *size = at;
    return true;
}

static int32_t read_charsmap(const inlay__json_reader *r, const inlay__json_node *node, inlay__normalizer *step) {
    static const char key[] = "precompiled_charsmap";
    inlay__text text = {NULL, 0};
    INLAY__TRY(inlay__json_read_text(r, NORMALIZER, node, key, &text));
    size_t capacity = text.size / 4 * 3, size = 0;
    if (text.text == NULL) return inlay__charsmap_load(r->sys, r->name, NULL, 0, &step->charsmap);
    uint8_t *blob = inlay__alloc(r->sys, capacity);
    if (blob == NULL) return INLAY_ERR_MEMORY;
    int32_t status = read_base64(text, blob, &size) ? inlay__charsmap_load(r->sys, r->name, blob, size, &step->charsmap)
                                                    : inlay__json_fail_key(r, NORMALIZER, node, key, "base64");
    inlay__free(r->sys, blob, capacity);
    return status;
}

static int32_t read_bert(const inlay__json_reader *r, const inlay__json_node *node, inlay__normalizer *step) {
    step->clean_text = step->handle_chinese_chars = step->lowercase = true;
    INLAY__TRY(inlay__json_read_bool(r, NORMALIZER, node, "clean_text", &step->clean_text));
    INLAY__TRY(inlay__json_read_bool(r, NORMALIZER, node, "handle_chinese_chars", &step->handle_chinese_chars));
    INLAY__TRY(inlay__json_read_bool(r, NORMALIZER, node, "lowercase", &step->lowercase));
    step->strip_accents = step->lowercase; /* where the file does not say */
    return inlay__json_read_bool(r, NORMALIZER, node, "strip_accents", &step->strip_accents);
}

static int32_t read_normalizer(const inlay__json_reader *r, const inlay__json_node *node, inlay__normalizer *step) {
    static const struct {
        const char *name;
        inlay__normalizer_kind kind;
        int32_t form;
    } types[] = {
        {"NFC", INLAY__NORMALIZE_FORM, INLAY__NFC},
        {"NFD", INLAY__NORMALIZE_FORM, INLAY__NFD},
        {"NFKC", INLAY__NORMALIZE_FORM, INLAY__NFKC},
        {"NFKD", INLAY__NORMALIZE_FORM, INLAY__NFKD},
        {"Lowercase", INLAY__NORMALIZE_LOWERCASE, 0},
        {"Strip", INLAY__NORMALIZE_STRIP, 0},
        {"StripAccents", INLAY__NORMALIZE_STRIP_ACCENTS, 0},
        {"Replace", INLAY__NORMALIZE_REPLACE, 0},
        {"Prepend", INLAY__NORMALIZE_PREPEND, 0},
        {"BertNormalizer", INLAY__NORMALIZE_BERT, 0},
        {"Precompiled", INLAY__NORMALIZE_CHARSMAP, 0},
        {"Nmt", INLAY__NORMALIZE_NMT, 0},
        {"ByteLevel", INLAY__NORMALIZE_BYTE_LEVEL, 0},
    };
    size_t i = 0;
    while (i < INLAY__COUNT(types) && !is_type(r, node, types[i].name)) i++;
    if (i == INLAY__COUNT(types)) return inlay__json_fail_type(r, NORMALIZER, node);
    step->kind = types[i].kind;
    step->form = types[i].form;
    switch (step->kind) {
    case INLAY__NORMALIZE_STRIP:
        step->left = step->right = true;
        INLAY__TRY(inlay__json_read_bool(r, NORMALIZER, node, "strip_left", &step->left));
        return inlay__json_read_bool(r, NORMALIZER, node, "strip_right", &step->right);
    case INLAY__NORMALIZE_REPLACE:
        INLAY__TRY(read_pattern(r, NORMALIZER, node, &step->finder));
        return read_kept(r, NORMALIZER, node, "content", &step->content);
    case INLAY__NORMALIZE_PREPEND: return read_kept(r, NORMALIZER, node, "prepend", &step->content);
    case INLAY__NORMALIZE_BERT: return read_bert(r, node, step);
    case INLAY__NORMALIZE_CHARSMAP: return read_charsmap(r, node, step);
    default: return INLAY_OK;
    }
}

/* ----------------------------------------------------------- pre-tokenizers */

static const char SPLITTER[] = "pre_tokenizer";

static int32_t read_behavior(const inlay__json_reader *r, const inlay__json_node *node, inlay__behavior *behavior) {
    static const char *const words[] = {"Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
    size_t index = *behavior;
    INLAY__TRY(read_word(r, SPLITTER, node, "behavior", words, INLAY__COUNT(words),
                         "Removed, Isolated, Contiguous, MergedWithPrevious or MergedWithNext", &index));
    *behavior = (inlay__behavior)index;
    return INLAY_OK;
}

/* Where spaces are marked: "prepend_scheme", or in older files "add_prefix_space". */
static int32_t read_prepend(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                            inlay__prepend *prepend) {
    static const char *const words[] = {"always", "first", "never"};
    bool prefix = true;
    INLAY__TRY(inlay__json_read_bool(r, part, node, "add_prefix_space", &prefix));
    size_t index = prefix ? INLAY__PREPEND_ALWAYS : INLAY__PREPEND_NEVER;
    INLAY__TRY(
        read_word(r, part, node, "prepend_scheme", words, INLAY__COUNT(words), "always, first or never", &index));
    *prepend = (inlay__prepend)index;
    return INLAY_OK;
}

static int32_t read_metaspace(const inlay__json_reader *r, const inlay__json_node *node, inlay__splitter *step) {
    step->character = 0x2581;
    step->split = true;
    INLAY__TRY(read_character(r, SPLITTER, node, "replacement", &step->character));
    INLAY__TRY(inlay__json_read_bool(r, SPLITTER, node, "split", &step->split));
    return read_prepend(r, SPLITTER, node, &step->prepend);
}

static int32_t read_split(const inlay__json_reader *r, const inlay__json_node *node, inlay__splitter *step) {
    if (inlay__json_is_null(inlay__json_get(r->json, node, "behavior")))
        return inlay__json_fail_key(r, SPLITTER, node, "behavior", "a string");
    INLAY__TRY(read_behavior(r, node, &step->behavior));
    INLAY__TRY(inlay__json_read_bool(r, SPLITTER, node, "invert", &step->invert));
    return read_pattern(r, SPLITTER, node, &step->finder);
}

static int32_t read_splitter(const inlay__json_reader *r, const inlay__json_node *node, inlay__splitter *step) {
    static const struct {
        const char *name;
        inlay__splitter_kind kind;
    } types[] = {
        {"Split", INLAY__SPLIT_PATTERN},           {"Whitespace", INLAY__SPLIT_WHITESPACE},
        {"WhitespaceSplit", INLAY__SPLIT_SPACES},  {"BertPreTokenizer", INLAY__SPLIT_BERT},
        {"Punctuation", INLAY__SPLIT_PUNCTUATION}, {"Digits", INLAY__SPLIT_DIGITS},
        {"CharDelimiterSplit", INLAY__SPLIT_CHARACTER}, {"UnicodeScripts", INLAY__SPLIT_SCRIPTS},
        {"FixedLength", INLAY__SPLIT_LENGTH},      {"Metaspace", INLAY__SPLIT_METASPACE},
        {"ByteLevel", INLAY__SPLIT_BYTE_LEVEL},
    };
    static const char gpt2_pattern[] =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    const inlay__text gpt2 = {gpt2_pattern, sizeof gpt2_pattern - 1};
    size_t i = 0;
    bool individual = false;
    while (i < INLAY__COUNT(types) && !is_type(r, node, types[i].name)) i++;
    if (i == INLAY__COUNT(types)) return inlay__json_fail_type(r, SPLITTER, node);
    step->kind = types[i].kind;
    step->behavior = INLAY__ISOLATED;
    switch (step->kind) {
    case INLAY__SPLIT_PATTERN: return read_split(r, node, step);
    case INLAY__SPLIT_PUNCTUATION: return read_behavior(r, node, &step->behavior);
    case INLAY__SPLIT_DIGITS:
        INLAY__TRY(inlay__json_read_bool(r, SPLITTER, node, "individual_digits", &individual));
        step->behavior = individual ? INLAY__ISOLATED : INLAY__CONTIGUOUS;
        return INLAY_OK;
    case INLAY__SPLIT_CHARACTER: return read_character(r, SPLITTER, node, "delimiter", &step->character);
    case INLAY__SPLIT_LENGTH:
        step->length = 5;
        INLAY__TRY(inlay__json_read_size(r, SPLITTER, node, "length", &step->length));
        return step->length > 0 ? INLAY_OK : inlay__json_fail_key(r, SPLITTER, node, "length", "at least 1");
    case INLAY__SPLIT_METASPACE: return read_metaspace(r, node, step);
    case INLAY__SPLIT_BYTE_LEVEL:
        step->prefix_space = step->use_regex = true;
        INLAY__TRY(inlay__json_read_bool(r, SPLITTER, node, "add_prefix_space", &step->prefix_space));
        INLAY__TRY(inlay__json_read_bool(r, SPLITTER, node, "use_regex", &step->use_regex));
        return step->use_regex ? inlay__finder_regex(r->sys, r->name, gpt2, &step->finder) : INLAY_OK;
    default: return INLAY_OK;
    }
}

/* Words of bytes written as letters go to merging as bytes, if they are words last of all. Bytes that are no characters
 * go with them where no step before asks for characters. */
void inlay__json_take_bytes(const inlay__json_reader *r) {
    inlay__pipeline *p = r->pipeline;
    inlay__splitter *last = p->n_splitters > 0 ? &p->splitters[p->n_splitters - 1] : NULL;
    bool patterns = true;
    if (p->model != INLAY__MODEL_BPE || last == NULL || last->kind != INLAY__SPLIT_BYTE_LEVEL) return;
    for (size_t i = 0; i < p->n_normalizers; i++)
        if (p->normalizers[i].kind == INLAY__NORMALIZE_BYTE_LEVEL) return;
    for (const inlay__splitter *step = p->splitters; step < last; step++) {
        if (step->kind == INLAY__SPLIT_BYTE_LEVEL) return;
        patterns = patterns && step->kind == INLAY__SPLIT_PATTERN;
    }
    last->keep_bytes = inlay__symbol_bpe_take_bytes(&p->bpe);
    p->takes_bytes = last->keep_bytes && patterns && p->n_normalizers == 0;
}

/* ----------------------------------------------------------------- decoders */

static const char DECODER[] = "decoder";

static int32_t read_decoder(const inlay__json_reader *r, const inlay__json_node *node, inlay__joiner *step) {
    static const struct {
        const char *name;
        inlay__joiner_kind kind;
    } types[] = {
        {"ByteLevel", INLAY__JOIN_BYTE_LEVEL}, {"Metaspace", INLAY__JOIN_METASPACE},
        {"WordPiece", INLAY__JOIN_WORDPIECE},  {"BPEDecoder", INLAY__JOIN_BPE},
        {"ByteFallback", INLAY__JOIN_BYTE_FALLBACK}, {"Fuse", INLAY__JOIN_FUSE},
        {"Strip", INLAY__JOIN_STRIP},          {"Replace", INLAY__JOIN_REPLACE},
    };
    size_t i = 0;
    inlay__prepend prepend;
    inlay__text suffix = {"</w>", 4}, prefix = {"##", 2};
    while (i < INLAY__COUNT(types) && !is_type(r, node, types[i].name)) i++;
    if (i == INLAY__COUNT(types)) return inlay__json_fail_type(r, DECODER, node);
    step->kind = types[i].kind;
    switch (step->kind) {
    case INLAY__JOIN_METASPACE:
        step->character = 0x2581;
        INLAY__TRY(read_character(r, DECODER, node, "replacement", &step->character));
        INLAY__TRY(read_prepend(r, DECODER, node, &prepend));
        step->drop_first = prepend != INLAY__PREPEND_NEVER;
        return INLAY_OK;
    case INLAY__JOIN_WORDPIECE:
        step->cleanup = true;
        INLAY__TRY(inlay__json_read_text(r, DECODER, node, "prefix", &prefix));
        INLAY__TRY(inlay__json_keep_text(r, &prefix));
        step->content = prefix;
        return inlay__json_read_bool(r, DECODER, node, "cleanup", &step->cleanup);
    case INLAY__JOIN_BPE:
        INLAY__TRY(inlay__json_read_text(r, DECODER, node, "suffix", &suffix));
        return inlay__finder_string(r->sys, suffix, &step->finder);
    case INLAY__JOIN_STRIP:
        step->character = ' ';
        INLAY__TRY(read_character(r, DECODER, node, "content", &step->character));
        INLAY__TRY(inlay__json_read_size(r, DECODER, node, "start", &step->start));
        return inlay__json_read_size(r, DECODER, node, "stop", &step->stop);
    case INLAY__JOIN_REPLACE:
        INLAY__TRY(read_pattern(r, DECODER, node, &step->finder));
        return read_kept(r, DECODER, node, "content", &step->content);
    default: return INLAY_OK;
    }
}

/* -------------------------------------------------------------------- lists */

/* Each of the three: an array of steps of the arena's, filled one by one, so that what was filled can be freed. */

int32_t inlay__json_read_normalizers(const inlay__json_reader *r) {
    inlay__json_list list = {0};
    inlay__pipeline *p = r->pipeline;
    int32_t status = inlay__json_list_steps(r, NORMALIZER, inlay__json_get(r->json, r->json->nodes, NORMALIZER),
                                            "normalizers", &list);
    if (status == INLAY_OK && (p->normalizers = inlay__arena_alloc(&p->arena, list.n, sizeof *p->normalizers)) == NULL)
        status = INLAY_ERR_MEMORY;
    for (size_t i = 0; i < list.n && status == INLAY_OK; i++)
        status = read_normalizer(r, list.items[i], &p->normalizers[p->n_normalizers++]);
    inlay__json_list_free(r->sys, &list);
    return status;
}

int32_t inlay__json_read_splitters(const inlay__json_reader *r) {
    inlay__json_list list = {0};
    inlay__pipeline *p = r->pipeline;
    int32_t status =
        inlay__json_list_steps(r, SPLITTER, inlay__json_get(r->json, r->json->nodes, SPLITTER), "pretokenizers", &list);
    if (status == INLAY_OK && (p->splitters = inlay__arena_alloc(&p->arena, list.n, sizeof *p->splitters)) == NULL)
        status = INLAY_ERR_MEMORY;
    for (size_t i = 0; i < list.n && status == INLAY_OK; i++)
        status = read_splitter(r, list.items[i], &p->splitters[p->n_splitters++]);
    inlay__json_list_free(r->sys, &list);
    return status;
}

int32_t inlay__json_read_decoders(const inlay__json_reader *r) {
    inlay__json_list list = {0};
    inlay__pipeline *p = r->pipeline;
    const inlay__json_node *root = inlay__json_get(r->json, r->json->nodes, DECODER);
    int32_t status = inlay__json_list_steps(r, DECODER, root, "decoders", &list);
    if (status == INLAY_OK && (p->joiners = inlay__arena_alloc(&p->arena, list.n + 1, sizeof *p->joiners)) == NULL)
        status = INLAY_ERR_MEMORY;
    if (status == INLAY_OK && inlay__json_is_null(root)) p->joiners[p->n_joiners++].kind = INLAY__JOIN_SPACED;
    for (size_t i = 0; i < list.n && status == INLAY_OK; i++)
        status = read_decoder(r, list.items[i], &p->joiners[p->n_joiners++]);
    inlay__json_list_free(r->sys, &list);
    return status;
}
