/* Reading and checking tokenizer.ggml.tokens, token_type, scores and the ids with a role. */
#include "tokenizer/vocab.h"

/* Numbers of the metadata are read so many at a time. */
enum { CHUNK = 256 };

/* Values of tokenizer.ggml.token_type. */
enum { TYPE_UNDEFINED, TYPE_NORMAL, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_USER_DEFINED, TYPE_UNUSED, TYPE_BYTE, N_TYPES };

static const uint8_t type_flags[N_TYPES] = {
    [TYPE_UNKNOWN] = INLAY_TOKEN_UNKNOWN, [TYPE_CONTROL] = INLAY_TOKEN_CONTROL, [TYPE_USER_DEFINED] = INLAY_TOKEN_ADDED,
    [TYPE_UNUSED] = INLAY_TOKEN_UNUSED,   [TYPE_BYTE] = INLAY_TOKEN_BYTE,
};

/* Tokens by which the known chat formats end a turn. A file that gives one of them another kind is corrected:
 * they are marks, and no text that a user typed may become one. */
static const char *const end_names[] = {
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<|eot|>",
    "<|eom|>",
    "<end_of_turn>",
    "<EOT>",
    "_<EOT>",
    "<|end_of_turn|>",
    "<end_of_utterance>",
    "<turn|>",
    "<|tool_response>",
    "[EOT]",
    "[EOS]",
    "[e~[",
    u8"<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
};

/* Marks between files, with which models that fill in gaps go on when a gap is filled. They stay what the file says they
 * are, and end an answer too. */
static const char *const gap_names[] = {
    "<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<|repo_name|>", "<reponame>", "<repo_name>", "<|file_sep|>", "<file_sep>",
    "<|file_separator|>",
};

static int32_t load_tokens(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab) {
    static const char key[] = "tokenizer.ggml.tokens";
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    if (kv == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no %s, the list of tokens", name, key);
    if (!kv->is_array || kv->type != INLAY__GGUF_STRING)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not an array of strings", name, key);
    if (kv->n_values == 0 || kv->n_values > INT32_MAX)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s has %llu tokens, expected 1 to %d", name, key,
                           (unsigned long long)kv->n_values, INT32_MAX);
    vocab->texts = (const char *)kv->values;
    vocab->offsets = kv->offsets;
    vocab->n_tokens = (size_t)kv->n_values;
    return INLAY_OK;
}

/* An optional array next to the tokens: of type a or b, one value a token. *found is NULL where it is absent. */
static int32_t find_array(const char *name, const inlay__gguf *gguf, const inlay__vocab *vocab, const char *key,
                          uint32_t a, uint32_t b, const inlay__gguf_kv **found) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    *found = kv;
    if (kv == NULL) return INLAY_OK;
    if (!kv->is_array || (kv->type != a && kv->type != b))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is %s %s, expected an array of %s", name, key,
                           kv->is_array ? "an array of" : "a single", inlay__gguf_type_name(kv->type),
                           inlay__gguf_type_name(a));
    if (kv->n_values != vocab->n_tokens)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s has %llu values for %zu tokens", name, key,
                           (unsigned long long)kv->n_values, vocab->n_tokens);
    return INLAY_OK;
}

static int32_t load_types(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab) {
    static const char key[] = "tokenizer.ggml.token_type";
    const inlay__gguf_kv *types, *scores;
    INLAY__TRY(find_array(name, gguf, vocab, key, INLAY__GGUF_I32, INLAY__GGUF_U32, &types));
    INLAY__TRY(find_array(name, gguf, vocab, "tokenizer.ggml.scores", INLAY__GGUF_F32, INLAY__GGUF_F32, &scores));
    if (types == NULL) return INLAY_OK; /* all are normal */
    uint32_t chunk[CHUNK];
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        if (id % CHUNK == 0) inlay__gguf_bits(types, id, inlay__min_size(CHUNK, vocab->n_tokens - id), chunk);
        uint32_t type = chunk[id % CHUNK];
        if (type >= N_TYPES)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s of token %zu is not one of 0 to %d", name, key, id,
                               N_TYPES - 1);
        vocab->flags[id] = type_flags[type];
        uint8_t byte;
        if (type == TYPE_BYTE && !inlay__vocab_byte(inlay__vocab_text(vocab, (int32_t)id), &byte))
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': token %zu is a byte and its text '%s' is not <0x00> to <0xFF>", name, id,
                               inlay__vocab_text(vocab, (int32_t)id).text);
    }
    return INLAY_OK;
}

/* Tokens are hashed this many before they are put, while memory fetches their slots. */
enum { AHEAD = 16 };

static void put(inlay__vocab *vocab, uint64_t hash, size_t id) {
    if (!inlay__text_index_put(&vocab->by_text, hash, (uint32_t)id)) vocab->unique = false;
}

static void index_plain(inlay__vocab *vocab) {
    uint64_t hashes[AHEAD];
    for (size_t next = 0; next < vocab->n_tokens + AHEAD; next++) {
        size_t id = next - AHEAD;
        if (next >= AHEAD && inlay__vocab_is_plain(vocab, (int32_t)id))
            put(vocab, hashes[id % AHEAD], id);
        if (next >= vocab->n_tokens) continue;
        inlay__text text = inlay__vocab_text(vocab, (int32_t)next);
        hashes[next % AHEAD] = inlay__text_index_hash(&vocab->by_text, text.text, text.size);
        inlay__text_index_expect(&vocab->by_text, hashes[next % AHEAD]);
        vocab->max_token_size = inlay__max_size(vocab->max_token_size, text.size);
    }
}

/* Puts the tokens that plain text may become first, so that they win over others of the same text. */
static int32_t index_texts(inlay__vocab *vocab) {
    INLAY__TRY(inlay__text_index_init(vocab->sys, &vocab->by_text, vocab->texts, vocab->offsets, vocab->n_tokens));
    vocab->unique = true;
    index_plain(vocab);
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        if (inlay__vocab_is_plain(vocab, (int32_t)id)) continue;
        inlay__text text = inlay__vocab_text(vocab, (int32_t)id);
        if (text.size == 0 && (vocab->flags[id] & INLAY_TOKEN_UNUSED) != 0) continue; /* an id without token */
        put(vocab, inlay__text_index_hash(&vocab->by_text, text.text, text.size), id);
    }
    return INLAY_OK;
}

/* The place of a text among n names, or n. */
static size_t find_name(const char *const *names, size_t n, inlay__text text) {
    size_t i = 0;
    if (text.size < 4 || text.size > 32 || strchr("<_[", text.text[0]) == NULL) return n;
    while (i < n && (strlen(names[i]) != text.size || memcmp(names[i], text.text, text.size) != 0)) i++;
    return i;
}

static size_t end_name(inlay__text text) { return find_name(end_names, INLAY__COUNT(end_names), text); }

static bool is_gap_name(inlay__text text) {
    return find_name(gap_names, INLAY__COUNT(gap_names), text) < INLAY__COUNT(gap_names);
}

static bool has_end_name(const bool *there, const char *name) {
    return there[end_name((inlay__text){name, strlen(name)})];
}

/* Before index_texts, so that it sees the corrected kinds. Where a turn ends with a call or its return, <|end|> ends
 * but one message of it. */
static void mark_end_names(inlay__vocab *vocab) {
    bool there[INLAY__COUNT(end_names) + 1] = {false};
    int32_t end = -1;
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        inlay__text text = inlay__vocab_text(vocab, (int32_t)id);
        size_t i = end_name(text);
        bool is_mark = (vocab->flags[id] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_ADDED)) != 0;
        if (is_mark && is_gap_name(text)) vocab->flags[id] |= INLAY_TOKEN_END;
        if (i == INLAY__COUNT(end_names)) continue;
        there[i] = true;
        if (strcmp(end_names[i], "<|end|>") == 0) end = (int32_t)id;
        vocab->flags[id] = (uint8_t)((vocab->flags[id] & ~INLAY_TOKEN_ADDED) | INLAY_TOKEN_CONTROL | INLAY_TOKEN_END);
    }
    bool calls = (has_end_name(there, "<|return|>") && has_end_name(there, "<|call|>")) ||
                 (has_end_name(there, "<|flush|>") && has_end_name(there, "<|calls|>"));
    if (calls && end >= 0) vocab->flags[end] = (uint8_t)(vocab->flags[end] & ~INLAY_TOKEN_END);
}

int32_t inlay__vocab_index(inlay__vocab *vocab) {
    mark_end_names(vocab);
    return index_texts(vocab);
}

/* An optional id. */
static int32_t load_id(const char *name, const inlay__gguf *gguf, const inlay__vocab *vocab, const char *key,
                       int32_t *id) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    *id = -1;
    if (kv == NULL) return INLAY_OK;
    int64_t value;
    if (kv->is_array || !inlay__gguf_i64(kv, 0, &value))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not an integer", name, key);
    if (value < 0 || (uint64_t)value >= vocab->n_tokens)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is %lld, and the vocabulary has tokens 0 to %zu", name, key,
                           (long long)value, vocab->n_tokens - 1);
    *id = (int32_t)value;
    return INLAY_OK;
}

/* A network may know more ids than its tokenizer: those are no tokens here. */
int32_t inlay__vocab_load_ends(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab) {
    static const char key[] = "tokenizer.ggml.eos_token_ids";
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    for (uint64_t i = 0; kv != NULL && i < kv->n_values; i++) {
        int64_t id;
        if (!kv->is_array || !inlay__gguf_i64(kv, i, &id) || id < 0)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not an array of tokens' ids", name, key);
        if ((uint64_t)id < vocab->n_tokens) vocab->flags[id] |= INLAY_TOKEN_END;
    }
    return INLAY_OK;
}

void inlay__vocab_fill_roles(const inlay__gguf *gguf, inlay__vocab *vocab) {
    inlay__special_tokens *special = &vocab->special;
    const struct {
        const char *key;
        int32_t *id;
    } roles[] = {{"tokenizer.ggml.bos_token_id", &special->bos},
                 {"tokenizer.ggml.eos_token_id", &special->eos},
                 {"tokenizer.ggml.padding_token_id", &special->pad}};
    for (size_t i = 0; i < INLAY__COUNT(roles); i++) {
        int64_t id;
        if (*roles[i].id >= 0 || !inlay__gguf_i64(inlay__gguf_find(gguf, roles[i].key), 0, &id)) continue;
        if (id >= 0 && (uint64_t)id < vocab->n_tokens) *roles[i].id = (int32_t)id;
    }
    if (special->eos >= 0) vocab->flags[special->eos] |= INLAY_TOKEN_END;
}

static int32_t load_ids(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab) {
    inlay__special_tokens *special = &vocab->special;
    int32_t eot, eom, fim_pad, fim_rep, fim_sep;
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.bos_token_id", &special->bos));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.eos_token_id", &special->eos));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.unknown_token_id", &special->unknown));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.padding_token_id", &special->pad));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.eot_token_id", &eot));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.eom_token_id", &eom));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.fim_pad_token_id", &fim_pad));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.fim_rep_token_id", &fim_rep));
    INLAY__TRY(load_id(name, gguf, vocab, "tokenizer.ggml.fim_sep_token_id", &fim_sep));
    const int32_t ends[] = {special->eos, eot, eom, fim_pad, fim_rep, fim_sep};
    for (size_t i = 0; i < INLAY__COUNT(ends); i++)
        if (ends[i] >= 0) vocab->flags[ends[i]] |= INLAY_TOKEN_END;
    return inlay__vocab_load_ends(name, gguf, vocab);
}

/* Whether to add a token; wanting one that does not exist is an error. */
static int32_t load_add(const char *name, const inlay__gguf *gguf, const char *key, int32_t id, bool *add,
                        bool *given) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    *add = false;
    *given = kv != NULL;
    if (kv == NULL) return INLAY_OK;
    int64_t value;
    if (kv->is_array || kv->type != INLAY__GGUF_BOOL || !inlay__gguf_i64(kv, 0, &value))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not a bool", name, key);
    if (value != 0 && id < 0)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is true, but the file does not say which token that is",
                           name, key);
    *add = value != 0;
    return INLAY_OK;
}

static int32_t load(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab) {
    bool add_eos_given;
    INLAY__TRY(load_tokens(name, gguf, vocab));
    vocab->flags = inlay__alloc_array(vocab->sys, vocab->n_tokens, 1);
    if (vocab->flags == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(load_types(name, gguf, vocab));
    INLAY__TRY(inlay__vocab_index(vocab));
    INLAY__TRY(load_ids(name, gguf, vocab));
    INLAY__TRY(load_add(name, gguf, "tokenizer.ggml.add_bos_token", vocab->special.bos, &vocab->add_bos,
                        &vocab->add_bos_given));
    return load_add(name, gguf, "tokenizer.ggml.add_eos_token", vocab->special.eos, &vocab->add_eos, &add_eos_given);
}

int32_t inlay__vocab_load(const inlay__sys *sys, const char *name, const inlay__gguf *gguf, inlay__vocab *vocab) {
    *vocab = (inlay__vocab){.sys = sys};
    int32_t status = load(name, gguf, vocab);
    if (status != INLAY_OK) inlay__vocab_free(vocab);
    return status;
}

static int32_t make(const char *name, const inlay__text *texts, inlay__vocab *vocab) {
    size_t size = 0, n = vocab->n_tokens;
    for (size_t id = 0; id < n; id++) size += texts[id].size + 1; /* all in memory: no overflow */
    if (size > UINT32_MAX)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the tokens have %zu bytes of text", name, size);
    vocab->own_size = size;
    vocab->own_texts = inlay__alloc(vocab->sys, size);
    vocab->own_offsets = inlay__alloc_array(vocab->sys, n + 1, sizeof *vocab->own_offsets);
    vocab->flags = inlay__alloc_array(vocab->sys, n, 1);
    if (vocab->own_texts == NULL || vocab->own_offsets == NULL || vocab->flags == NULL) return INLAY_ERR_MEMORY;
    size_t at = 0;
    for (size_t id = 0; id < n; id++) {
        vocab->own_offsets[id] = (uint32_t)at;
        if (texts[id].size > 0) memcpy(vocab->own_texts + at, texts[id].text, texts[id].size);
        at += texts[id].size;
        vocab->own_texts[at++] = '\0';
    }
    vocab->own_offsets[n] = (uint32_t)at;
    vocab->texts = vocab->own_texts;
    vocab->offsets = vocab->own_offsets;
    return INLAY_OK;
}

int32_t inlay__vocab_make(const inlay__sys *sys, const char *name, const inlay__text *texts, size_t n_tokens,
                          inlay__vocab *vocab) {
    *vocab = (inlay__vocab){.sys = sys, .n_tokens = n_tokens, .special = {-1, -1, -1, -1}};
    int32_t status = make(name, texts, vocab);
    if (status != INLAY_OK) inlay__vocab_free(vocab);
    return status;
}

void inlay__vocab_free(inlay__vocab *vocab) {
    inlay__free(vocab->sys, vocab->own_texts, vocab->own_size);
    inlay__free(vocab->sys, vocab->own_offsets, (vocab->n_tokens + 1) * sizeof *vocab->own_offsets);
    inlay__text_index_free(vocab->sys, &vocab->by_text);
    inlay__free(vocab->sys, vocab->flags, vocab->n_tokens);
    *vocab = (inlay__vocab){.sys = vocab->sys};
}

bool inlay__vocab_find(const inlay__vocab *vocab, const char *text, size_t size, int32_t *id) {
    uint32_t value;
    uint64_t hash = inlay__text_index_hash(&vocab->by_text, text, size);
    if (!inlay__text_index_get(&vocab->by_text, hash, text, size, &value)) return false;
    *id = (int32_t)value;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool inlay__vocab_byte(inlay__text text, uint8_t *byte) {
    if (text.size != 6 || memcmp(text.text, "<0x", 3) != 0 || text.text[5] != '>') return false;
    int high = hex_digit(text.text[3]), low = hex_digit(text.text[4]);
    if (high < 0 || low < 0) return false;
    *byte = (uint8_t)(high << 4 | low);
    return true;
}
