/* The model of tokenizer.json: its vocabulary, the added tokens beside it, and what turns pieces into tokens. */
#include "tokenizer/tokenizer_json.h"

enum { MAX_ID = 1 << 24, LEAST_IDS = 1 << 16, SPARSE = 64 };
static const char MODEL[] = "model";

/* A token of the model as the file has it. */
typedef struct entry {
    inlay__text text;
    int32_t id;
    double score;
} entry;

typedef struct model_reader {
    const inlay__json_reader *r;
    const inlay__json_node *model;
    inlay__model_kind kind;
    entry *entries; /* [n_entries] */
    size_t n_entries, entry_capacity;
    size_t n_distinct; /* tokens as the package counts them */
    size_t n_tokens;   /* ids end here */
    inlay__text *texts; /* [n_tokens] of ids; NULL for none */
    size_t n_texts;
} model_reader;

/* ----------------------------------------------------------------- vocabulary */

static int32_t find_kind(model_reader *m) {
    static const struct {
        const char *name;
        inlay__model_kind kind;
    } types[] = {{"BPE", INLAY__MODEL_BPE},
                 {"WordPiece", INLAY__MODEL_WORDPIECE},
                 {"WordLevel", INLAY__MODEL_WORDLEVEL},
                 {"Unigram", INLAY__MODEL_UNIGRAM}};
    const inlay__json *json = m->r->json;
    if (m->model == NULL || m->model->kind != INLAY__JSON_OBJECT)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no key 'model' with an object", m->r->name);
    const inlay__json_node *type = inlay__json_get(json, m->model, "type");
    for (size_t i = 0; i < INLAY__COUNT(types); i++) {
        if (!inlay__json_equals(type, types[i].name)) continue;
        m->kind = types[i].kind;
        return INLAY_OK;
    }
    if (type != NULL) return inlay__json_fail_type(m->r, MODEL, m->model);
    /* Older files do not say it. */
    const inlay__json_node *vocab = inlay__json_get(json, m->model, "vocab");
    m->kind = inlay__json_get(json, m->model, "merges") != NULL                     ? INLAY__MODEL_BPE
              : vocab != NULL && vocab->kind == INLAY__JSON_ARRAY                   ? INLAY__MODEL_UNIGRAM
              : inlay__json_get(json, m->model, "max_input_chars_per_word") != NULL ? INLAY__MODEL_WORDPIECE
                                                                                    : INLAY__MODEL_WORDLEVEL;
    return INLAY_OK;
}

static int32_t add_entry(model_reader *m, inlay__text text, int64_t id, double score) {
    void *entries = m->entries;
    INLAY__TRY(inlay__grow(m->r->sys, &entries, &m->entry_capacity, m->n_entries + 1, sizeof *m->entries));
    m->entries = entries;
    m->entries[m->n_entries++] = (entry){text, (int32_t)id, score};
    m->n_tokens = inlay__max_size(m->n_tokens, (size_t)id + 1);
    return INLAY_OK;
}

/* {"text": id, ...} */
static int32_t read_object(model_reader *m, const inlay__json_node *vocab) {
    const inlay__json *json = m->r->json;
    const inlay__json_node *key = inlay__json_first(vocab);
    size_t most = inlay__max_size(LEAST_IDS, vocab->n_children / 2 * (size_t)SPARSE);
    for (uint32_t i = 0; i < vocab->n_children; i += 2) {
        const inlay__json_node *value = inlay__json_next(json, key);
        int64_t id;
        if (!inlay__json_i64(value, &id) || id < 0 || id >= MAX_ID || (size_t)id >= most)
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': the id of token '%s' is '%s', expected an integer from 0 to %zu", m->r->name,
                               key->text, value->text != NULL ? value->text : "", inlay__min_size(MAX_ID, most) - 1);
        INLAY__TRY(add_entry(m, inlay__json_text_of(key), id, 0.0));
        key = inlay__json_next(json, value);
    }
    return INLAY_OK;
}

/* [["text", score], ...] */
static int32_t read_array(model_reader *m, const inlay__json_node *vocab) {
    const inlay__json *json = m->r->json;
    const inlay__json_node *pair = inlay__json_first(vocab);
    if (vocab->n_children > MAX_ID)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': model 'vocab' has %u tokens", m->r->name, vocab->n_children);
    for (uint32_t i = 0; i < vocab->n_children; i++, pair = inlay__json_next(json, pair)) {
        const inlay__json_node *text = inlay__json_at(json, pair, 0), *score = inlay__json_at(json, pair, 1);
        double value;
        if (text == NULL || text->kind != INLAY__JSON_STRING || !inlay__json_f64(score, &value) ||
            !(value > -1e300 && value < 1e300))
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': model 'vocab' %u is not a text and a finite score",
                               m->r->name, i);
        INLAY__TRY(add_entry(m, inlay__json_text_of(text), i, value));
    }
    return INLAY_OK;
}

static int32_t read_entries(model_reader *m) {
    const inlay__json_node *vocab = inlay__json_get(m->r->json, m->model, "vocab");
    inlay__json_kind expected = m->kind == INLAY__MODEL_UNIGRAM ? INLAY__JSON_ARRAY : INLAY__JSON_OBJECT;
    if (vocab == NULL || vocab->kind != expected)
        return inlay__json_fail_key(m->r, MODEL, m->model, "vocab",
                                    m->kind == INLAY__MODEL_UNIGRAM ? "an array" : "an object");
    return m->kind == INLAY__MODEL_UNIGRAM ? read_array(m, vocab) : read_object(m, vocab);
}

/* ----------------------------------------------------------------- added tokens */

static int32_t read_added_token(const inlay__json_reader *r, const inlay__json_node *node, inlay__added_token *token) {
    static const char part[] = "added_tokens";
    inlay__text content = {NULL, 0};
    INLAY__TRY(inlay__json_read_text(r, part, node, "content", &content));
    if (content.text == NULL) return inlay__json_fail_key(r, part, node, "content", "a string");
    INLAY__TRY(inlay__json_keep_text(r, &content));
    token->content = content;
    token->normalized = true;
    INLAY__TRY(inlay__json_read_bool(r, part, node, "special", &token->special));
    INLAY__TRY(inlay__json_read_bool(r, part, node, "normalized", &token->normalized));
    INLAY__TRY(inlay__json_read_bool(r, part, node, "lstrip", &token->lstrip));
    INLAY__TRY(inlay__json_read_bool(r, part, node, "rstrip", &token->rstrip));
    return inlay__json_read_bool(r, part, node, "single_word", &token->single_word);
}

/* A token of the model keeps its id; others come behind the model, whatever id the file has for them: as the package
 * does it, which trained the model. */
static int32_t number_added(model_reader *m, inlay__hash_map *added, const inlay__hash_map *model, size_t *next) {
    inlay__pipeline *p = m->r->pipeline;
    inlay__added_token *token = &p->added[p->n_added];
    uint32_t found;
    if (token->content.size == 0) return INLAY_OK; /* is nowhere */
    if (inlay__hash_map_get(added, token->content.text, token->content.size, &found)) {
        token->id = p->added[found].id; /* said again: the last counts */
        p->added[found] = *token;
        return INLAY_OK;
    }
    if (inlay__hash_map_get(model, token->content.text, token->content.size, &found))
        token->id = (int32_t)found;
    else if (*next >= MAX_ID)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': there are more than %d tokens", m->r->name, MAX_ID);
    else
        token->id = (int32_t)*next;
    if ((size_t)token->id >= *next) *next = (size_t)token->id + 1;
    m->n_tokens = inlay__max_size(m->n_tokens, (size_t)token->id + 1);
    inlay__hash_map_put(added, token->content.text, token->content.size, (uint32_t)p->n_added++);
    return INLAY_OK;
}

static int32_t read_added_list(model_reader *m, const inlay__json_node *list, inlay__hash_map *added,
                               const inlay__hash_map *model) {
    inlay__pipeline *p = m->r->pipeline;
    const inlay__json_node *node = inlay__json_first(list);
    size_t next = m->n_distinct;
    for (uint32_t i = 0; i < list->n_children; i++, node = inlay__json_next(m->r->json, node)) {
        p->added[p->n_added] = (inlay__added_token){0};
        INLAY__TRY(read_added_token(m->r, node, &p->added[p->n_added]));
        INLAY__TRY(number_added(m, added, model, &next));
    }
    return INLAY_OK;
}

static int32_t read_added(model_reader *m, const inlay__hash_map *model) {
    inlay__pipeline *p = m->r->pipeline;
    const inlay__json_node *list = inlay__json_get(m->r->json, m->r->json->nodes, "added_tokens");
    if (inlay__json_is_null(list)) return INLAY_OK;
    if (list->kind != INLAY__JSON_ARRAY)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': 'added_tokens' is not an array", m->r->name);
    p->added = inlay__arena_alloc(&p->arena, (size_t)list->n_children + 1, sizeof *p->added);
    if (p->added == NULL) return INLAY_ERR_MEMORY;
    inlay__hash_map added;
    INLAY__TRY(inlay__hash_map_init(m->r->sys, &added, list->n_children));
    int32_t status = read_added_list(m, list, &added, model);
    inlay__hash_map_free(m->r->sys, &added);
    return status;
}

/* ------------------------------------------------------------- texts and flags */

/* What each id stands for: of several texts of an id the last, and an added token before the model's. */
static int32_t make_vocab(model_reader *m) {
    const inlay__json_reader *r = m->r;
    inlay__pipeline *p = r->pipeline;
    m->n_texts = m->n_tokens;
    m->texts = inlay__alloc_array(r->sys, m->n_texts, sizeof *m->texts);
    if (m->texts == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < m->n_entries; i++) m->texts[m->entries[i].id] = m->entries[i].text;
    for (size_t i = 0; i < p->n_added; i++) m->texts[p->added[i].id] = p->added[i].content;
    INLAY__TRY(inlay__vocab_make(r->sys, r->name, m->texts, m->n_tokens, r->vocab));
    for (size_t id = 0; id < m->n_tokens; id++)
        if (m->texts[id].text == NULL) r->vocab->flags[id] = INLAY_TOKEN_UNUSED;
    for (size_t i = 0; i < p->n_added; i++)
        r->vocab->flags[p->added[i].id] = p->added[i].special ? INLAY_TOKEN_CONTROL : INLAY_TOKEN_ADDED;
    INLAY__TRY(inlay__vocab_index(r->vocab));
    for (size_t i = 0; i < p->n_added; i++) /* marks of turns are control tokens whatever the file says */
        p->added[i].special = (r->vocab->flags[p->added[i].id] & INLAY_TOKEN_CONTROL) != 0;
    return INLAY_OK;
}

/* From texts to ids, the last of a text; its keys are the file's. */
static int32_t map_entries(model_reader *m, inlay__hash_map *map) {
    size_t n = 0;
    INLAY__TRY(inlay__hash_map_init(m->r->sys, map, m->n_entries));
    for (size_t i = m->n_entries; i-- > 0;)
        n += inlay__hash_map_put(map, m->entries[i].text.text, m->entries[i].text.size, (uint32_t)m->entries[i].id);
    m->n_distinct = m->kind == INLAY__MODEL_UNIGRAM ? m->n_entries : n;
    return INLAY_OK;
}

/* The same with keys that stay: the vocabulary's texts where they are equal, else copies. */
static int32_t make_lexicon(model_reader *m) {
    inlay__lexicon *lexicon = &m->r->pipeline->lexicon;
    *lexicon = (inlay__lexicon){.vocab = m->r->vocab, .unknown = -1};
    INLAY__TRY(inlay__hash_map_init(m->r->sys, &lexicon->ids, m->n_entries));
    for (size_t i = m->n_entries; i-- > 0;) {
        inlay__text text = m->entries[i].text, kept = inlay__vocab_text(m->r->vocab, m->entries[i].id);
        if (kept.size != text.size || memcmp(kept.text, text.text, text.size) != 0) {
            kept = text;
            INLAY__TRY(inlay__json_keep_text(m->r, &kept));
        }
        inlay__hash_map_put(&lexicon->ids, kept.text, kept.size, (uint32_t)m->entries[i].id);
    }
    inlay__lexicon_find_bytes(lexicon);
    return INLAY_OK;
}

/* --------------------------------------------------------------------- models */

/* The model's tokens for a tree of pieces: added ones are not among them. */
static inlay__piece_text model_text(const void *user, int32_t id) {
    const inlay__lexicon *lexicon = user;
    inlay__text text = inlay__vocab_text(lexicon->vocab, id);
    uint32_t found;
    bool is_model = inlay__hash_map_get(&lexicon->ids, text.text, text.size, &found) && found == (uint32_t)id;
    return (inlay__piece_text){(const uint8_t *)text.text, is_model ? text.size : 0};
}

/* The unknown token by its text; a text that is no token leaves it unknown until it is needed. */
static int32_t read_unknown(const model_reader *m) {
    inlay__lexicon *lexicon = &m->r->pipeline->lexicon;
    inlay__text text = {NULL, 0};
    uint32_t id;
    INLAY__TRY(inlay__json_read_text(m->r, MODEL, m->model, "unk_token", &text));
    if (text.text == NULL || !inlay__hash_map_get(&lexicon->ids, text.text, text.size, &id)) return INLAY_OK;
    lexicon->unknown = (int32_t)id;
    return INLAY_OK;
}

static int32_t read_wordpiece(const model_reader *m) {
    inlay__wordpiece *model = &m->r->pipeline->wordpiece;
    inlay__text prefix = {"##", 2};
    model->lexicon = &m->r->pipeline->lexicon;
    model->max_characters = 100;
    INLAY__TRY(read_unknown(m));
    INLAY__TRY(inlay__json_read_size(m->r, MODEL, m->model, "max_input_chars_per_word", &model->max_characters));
    INLAY__TRY(inlay__json_read_text(m->r, MODEL, m->model, "continuing_subword_prefix", &prefix));
    INLAY__TRY(inlay__pieces_build(m->r->vocab, model_text, model->lexicon, &model->pieces));
    model->continuing = inlay__pieces_node(&model->pieces, prefix.text, prefix.size);
    model->continues = prefix.size == 0 || model->continuing != 0;
    return INLAY_OK;
}

static int32_t read_unigram(const model_reader *m) {
    inlay__unigram *model = &m->r->pipeline->unigram;
    inlay__lexicon *lexicon = &m->r->pipeline->lexicon;
    const inlay__json_node *unknown = inlay__json_get(m->r->json, m->model, "unk_id");
    int64_t id = -1;
    double least = 1e300;
    model->lexicon = lexicon;
    model->look_up_unknown = true;
    if (!inlay__json_is_null(unknown) && (!inlay__json_i64(unknown, &id) || id < 0 || (uint64_t)id >= m->n_entries))
        return inlay__json_fail_key(m->r, MODEL, m->model, "unk_id", "the index of a token");
    lexicon->unknown = (int32_t)id;
    INLAY__TRY(inlay__json_read_bool(m->r, MODEL, m->model, "byte_fallback", &model->byte_fallback));
    model->scores = inlay__alloc_array(m->r->sys, m->n_tokens, sizeof *model->scores);
    if (model->scores == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < m->n_entries; i++) {
        model->scores[m->entries[i].id] = m->entries[i].score;
        if (m->entries[i].score < least) least = m->entries[i].score;
    }
    model->unknown_score = least - 10.0;
    return inlay__pieces_build(m->r->vocab, model_text, lexicon, &model->pieces);
}

/* The two texts of a merge: ["a", "b"], or "a b" in older files. */
static bool merge_texts(const inlay__json_reader *r, const inlay__json_node *merge, inlay__text *left,
                        inlay__text *right) {
    if (merge->kind == INLAY__JSON_ARRAY && merge->n_children == 2) {
        const inlay__json_node *a = inlay__json_first(merge), *b = inlay__json_next(r->json, a);
        *left = inlay__json_text_of(a);
        *right = inlay__json_text_of(b);
        return a->kind == INLAY__JSON_STRING && b->kind == INLAY__JSON_STRING;
    }
    if (merge->kind != INLAY__JSON_STRING) return false;
    const char *space = memchr(merge->text, ' ', merge->size);
    if (space == NULL || memchr(space + 1, ' ', (size_t)(merge->text + merge->size - space - 1)) != NULL) return false;
    *left = (inlay__text){merge->text, (size_t)(space - merge->text)};
    *right = (inlay__text){space + 1, merge->size - left->size - 1};
    return true;
}

static int32_t read_merge(const model_reader *m, const inlay__json_node *merge, uint32_t rank, char *joined,
                          size_t room) {
    inlay__symbol_bpe *model = &m->r->pipeline->bpe;
    const inlay__hash_map *ids = &m->r->pipeline->lexicon.ids;
    inlay__text left, right;
    uint32_t a, b, result;
    if (!merge_texts(m->r, merge, &left, &right))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': model 'merges' %u is '%s', expected two tokens", m->r->name,
                           rank, merge->text != NULL ? merge->text : "");
    size_t skip = inlay__min_size(model->prefix.size, right.size);
    bool found = left.size + right.size - skip <= room && inlay__hash_map_get(ids, left.text, left.size, &a) &&
                 inlay__hash_map_get(ids, right.text, right.size, &b);
    if (found) {
        memcpy(joined, left.text, left.size);
        memcpy(joined + left.size, right.text + skip, right.size - skip);
        found = inlay__hash_map_get(ids, joined, left.size + right.size - skip, &result);
    }
    if (!found)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': model 'merges' %u joins '%.*s' and '%.*s', which are not both tokens "
                           "with what they give",
                           m->r->name, rank, (int)inlay__min_size(left.size, 128), left.text,
                           (int)inlay__min_size(right.size, 128), right.text);
    /* Text never grows into a control token. */
    if ((m->r->vocab->flags[result] & INLAY_TOKEN_CONTROL) == 0)
        inlay__symbol_bpe_add(model, (int32_t)a, (int32_t)b, rank, (int32_t)result);
    return INLAY_OK;
}

static int32_t read_merges(const model_reader *m) {
    const inlay__json_node *merges = inlay__json_get(m->r->json, m->model, "merges");
    size_t room = 1;
    if (merges == NULL || merges->kind != INLAY__JSON_ARRAY)
        return inlay__json_fail_key(m->r, MODEL, m->model, "merges", "an array");
    for (size_t i = 0; i < m->n_entries; i++) room = inlay__max_size(room, m->entries[i].text.size);
    INLAY__TRY(inlay__symbol_bpe_reserve(m->r->vocab, merges->n_children, &m->r->pipeline->bpe));
    char *joined = inlay__alloc(m->r->sys, room);
    if (joined == NULL) return INLAY_ERR_MEMORY;
    int32_t status = INLAY_OK;
    const inlay__json_node *merge = inlay__json_first(merges);
    for (uint32_t i = 0; i < merges->n_children && status == INLAY_OK; i++, merge = inlay__json_next(m->r->json, merge))
        status = read_merge(m, merge, i, joined, room);
    inlay__free(m->r->sys, joined, room);
    return status;
}

static int32_t read_bpe(const model_reader *m) {
    const inlay__json_reader *r = m->r;
    inlay__symbol_bpe *model = &r->pipeline->bpe;
    const inlay__json_node *dropout = inlay__json_get(r->json, m->model, "dropout");
    double probability = 0.0;
    inlay__json_f64(dropout, &probability);
    if (!inlay__json_is_null(dropout) && probability != 0.0)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': model 'dropout' is '%s': tokens would be random", r->name,
                           dropout->text != NULL ? dropout->text : "");
    model->lexicon = &r->pipeline->lexicon;
    INLAY__TRY(read_unknown(m));
    INLAY__TRY(inlay__json_read_bool(r, MODEL, m->model, "fuse_unk", &model->fuse_unknown));
    INLAY__TRY(inlay__json_read_bool(r, MODEL, m->model, "byte_fallback", &model->byte_fallback));
    INLAY__TRY(inlay__json_read_bool(r, MODEL, m->model, "ignore_merges", &model->ignore_merges));
    INLAY__TRY(inlay__json_read_text(r, MODEL, m->model, "continuing_subword_prefix", &model->prefix));
    INLAY__TRY(inlay__json_read_text(r, MODEL, m->model, "end_of_word_suffix", &model->suffix));
    INLAY__TRY(inlay__json_keep_text(r, &model->prefix));
    INLAY__TRY(inlay__json_keep_text(r, &model->suffix));
    model->max_affix_size = model->prefix.size + model->suffix.size;
    return read_merges(m);
}

static int32_t read_all(model_reader *m) {
    inlay__hash_map model;
    INLAY__TRY(find_kind(m));
    INLAY__TRY(read_entries(m));
    int32_t status = map_entries(m, &model);
    if (status == INLAY_OK) status = read_added(m, &model);
    inlay__hash_map_free(m->r->sys, &model);
    INLAY__TRY(status);
    if (m->n_tokens == 0) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': model 'vocab' has no tokens", m->r->name);
    INLAY__TRY(make_vocab(m));
    INLAY__TRY(make_lexicon(m));
    m->r->pipeline->model = m->kind;
    switch (m->kind) {
    case INLAY__MODEL_BPE: return read_bpe(m);
    case INLAY__MODEL_WORDPIECE: return read_wordpiece(m);
    case INLAY__MODEL_UNIGRAM: return read_unigram(m);
    default: return read_unknown(m);
    }
}

int32_t inlay__json_read_model(const inlay__json_reader *r) {
    model_reader m = {.r = r, .model = inlay__json_get(r->json, r->json->nodes, MODEL)};
    int32_t status = read_all(&m);
    inlay__free(r->sys, m.entries, m.entry_capacity * sizeof *m.entries);
    inlay__free(r->sys, m.texts, m.n_texts * sizeof *m.texts);
    return status;
}
