/* Pipelines from tokenizer.ggml.* metadata, with the defaults that the files' programs have. */
#include "tokenizer/pipeline_gguf.h"

#include "tokenizer/escaped_text.h"

/* ------------------------------------------------------------------- values */

static int32_t read_bool(const char *name, const inlay__gguf *gguf, const char *key, bool *value) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    int64_t number;
    if (kv == NULL) return INLAY_OK;
    if (kv->is_array || kv->type != INLAY__GGUF_BOOL || !inlay__gguf_i64(kv, 0, &number))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is of type %s, expected a boolean", name, key,
                           inlay__gguf_type_name(kv->type));
    *value = number != 0;
    return INLAY_OK;
}

/* An optional id; where the file does not say, `usual` if the vocabulary has it. */
static int32_t read_id(const char *name, const inlay__gguf *gguf, const inlay__vocab *vocab, const char *key,
                       int32_t usual, int32_t *id) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    int64_t value = usual;
    if (kv != NULL &&
        (kv->is_array || !inlay__gguf_i64(kv, 0, &value) || value < 0 || (uint64_t)value >= vocab->n_tokens))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not a token of the vocabulary, which has %zu", name, key,
                           vocab->n_tokens);
    *id = value >= 0 && (uint64_t)value < vocab->n_tokens ? (int32_t)value : -1;
    return INLAY_OK;
}

static int32_t alloc_steps(inlay__pipeline *p, size_t n_normalizers, size_t n_splitters, size_t n_joiners) {
    p->normalizers = inlay__arena_alloc(&p->arena, n_normalizers, sizeof *p->normalizers);
    p->splitters = inlay__arena_alloc(&p->arena, n_splitters, sizeof *p->splitters);
    p->joiners = inlay__arena_alloc(&p->arena, n_joiners, sizeof *p->joiners);
    p->before = inlay__arena_alloc(&p->arena, 1, sizeof *p->before);
    p->after = inlay__arena_alloc(&p->arena, 1, sizeof *p->after);
    bool ok =
        p->normalizers != NULL && p->splitters != NULL && p->joiners != NULL && p->before != NULL && p->after != NULL;
    return ok ? INLAY_OK : INLAY_ERR_MEMORY;
}

/* Tokens around a text; -1 for none. */
static void set_around(inlay__pipeline *p, int32_t before, int32_t after) {
    if (before >= 0) p->before[p->n_before++] = before;
    if (after >= 0) p->after[p->n_after++] = after;
}

/* ---------------------------------------------------------------- WordPiece */

/* Tokens that text may become. */
static inlay__piece_text plain_text(const void *user, int32_t id) {
    const inlay__vocab *vocab = user;
    inlay__text text = inlay__vocab_text(vocab, id);
    return (inlay__piece_text){(const uint8_t *)text.text, inlay__vocab_is_plain(vocab, id) ? text.size : 0};
}

/* In these files a token that begins a word has U+2581 before it, and one inside a word has no mark. */
static int32_t load_bert(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p) {
    int32_t begin, end;
    INLAY__TRY(alloc_steps(p, 1, 1, 1));
    inlay__normalizer *step = &p->normalizers[p->n_normalizers++];
    *step = (inlay__normalizer){.kind = INLAY__NORMALIZE_GGUF_BERT, .lowercase = true};
    INLAY__TRY(read_bool(name, gguf, "tokenizer.ggml.normalizer.lowercase", &step->lowercase));
    step->strip_accents = step->lowercase;
    INLAY__TRY(read_bool(name, gguf, "tokenizer.ggml.normalizer.strip_accents", &step->strip_accents));
    p->splitters[p->n_splitters++].kind = INLAY__SPLIT_SPACES;
    p->joiners[p->n_joiners++] = (inlay__joiner){.kind = INLAY__JOIN_GGUF_BERT, .cleanup = true};
    p->model = INLAY__MODEL_WORDPIECE;
    INLAY__TRY(read_id(name, gguf, vocab, "tokenizer.ggml.unknown_token_id", 100, &p->lexicon.unknown));
    INLAY__TRY(read_id(name, gguf, vocab, "tokenizer.ggml.cls_token_id", 101, &begin));
    INLAY__TRY(read_id(name, gguf, vocab, "tokenizer.ggml.bos_token_id", begin, &begin));
    INLAY__TRY(read_id(name, gguf, vocab, "tokenizer.ggml.seperator_token_id", 102, &end)); /* the key is spelled so */
    p->wordpiece = (inlay__wordpiece){.lexicon = &p->lexicon, .continues = true, .max_characters = SIZE_MAX};
    vocab->special.unknown = p->lexicon.unknown;
    set_around(p, !vocab->add_bos_given || vocab->add_bos ? begin : -1, end);
    return inlay__pieces_build(vocab, plain_text, vocab, &p->wordpiece.pieces);
}

/* ------------------------------------------------------------------ Unigram */

/* Unused tokens are found too. */
static inlay__piece_text unigram_text(const void *user, int32_t id) {
    const inlay__vocab *vocab = user;
    inlay__text text = inlay__vocab_text(vocab, id);
    bool other = (vocab->flags[id] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_BYTE)) != 0;
    return (inlay__piece_text){(const uint8_t *)text.text, other ? 0 : text.size};
}

static int32_t load_scores(const char *name, const inlay__gguf *gguf, const inlay__vocab *vocab,
                           inlay__unigram *model) {
    static const char key[] = "tokenizer.ggml.scores";
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    double least = 3.4e38;
    if (kv == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no %s", name, key);
    model->scores = inlay__alloc_array(vocab->sys, vocab->n_tokens, sizeof *model->scores);
    if (model->scores == NULL) return INLAY_ERR_MEMORY;
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        float score = inlay__gguf_f32(kv, id);
        if (!(score > -3.4e38f && score < 3.4e38f))
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s %zu is %g, expected a finite number", name, key, id,
                               (double)score);
        bool added = (vocab->flags[id] & INLAY_TOKEN_ADDED) != 0;
        model->scores[id] = added ? 0.0 : (double)score;
        if ((vocab->flags[id] & ~INLAY_TOKEN_END) == 0 && (double)score < least) least = (double)score;
    }
    model->unknown_score = (double)((float)least - 10.0f);
    return INLAY_OK;
}

static int32_t load_charsmap(const char *name, const inlay__gguf *gguf, const inlay__sys *sys, inlay__charsmap *map) {
    static const char key[] = "tokenizer.ggml.precompiled_charsmap";
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    if (kv == NULL) return inlay__charsmap_load(sys, name, NULL, 0, map);
    if (!kv->is_array || (kv->type != INLAY__GGUF_U8 && kv->type != INLAY__GGUF_I8))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not an array of bytes", name, key);
    return inlay__charsmap_load(sys, name, kv->values, (size_t)kv->n_values, map);
}

static int32_t load_t5(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p) {
    INLAY__TRY(alloc_steps(p, 1, 1, 1));
    inlay__normalizer *step = &p->normalizers[p->n_normalizers++];
    *step = (inlay__normalizer){.kind = INLAY__NORMALIZE_SENTENCEPIECE, .mark_spaces = true};
    INLAY__TRY(load_charsmap(name, gguf, p->sys, &step->charsmap));
    INLAY__TRY(read_bool(name, gguf, "tokenizer.ggml.add_space_prefix", &step->left));
    INLAY__TRY(read_bool(name, gguf, "tokenizer.ggml.remove_extra_whitespaces", &step->merge_spaces));
    INLAY__TRY(read_bool(name, gguf, "tokenizer.ggml.escape_whitespaces", &step->mark_spaces));
    p->joiners[p->n_joiners++] = (inlay__joiner){
        .kind = INLAY__JOIN_METASPACE, .character = 0x2581, .drop_first = step->left || step->merge_spaces};
    p->model = INLAY__MODEL_UNIGRAM;
    p->unigram.lexicon = &p->lexicon;
    INLAY__TRY(read_id(name, gguf, vocab, "tokenizer.ggml.unknown_token_id", 2, &p->lexicon.unknown));
    vocab->special.unknown = p->lexicon.unknown;
    int32_t end;
    INLAY__TRY(read_id(name, gguf, vocab, "tokenizer.ggml.eos_token_id", 1, &end));
    bool add_end = true;
    INLAY__TRY(read_bool(name, gguf, "tokenizer.ggml.add_eos_token", &add_end));
    set_around(p, vocab->add_bos ? vocab->special.bos : -1, add_end ? end : -1);
    INLAY__TRY(load_scores(name, gguf, vocab, &p->unigram));
    return inlay__pieces_build(vocab, unigram_text, vocab, &p->unigram.pieces);
}

/* --------------------------------------------------------------------- RWKV */

typedef struct unescaped {
    const inlay__vocab *vocab;
    uint8_t *bytes;    /* of all tokens, end to end */
    uint32_t *offsets; /* [n_tokens + 1] */
} unescaped;

static inlay__piece_text unescaped_text(const void *user, int32_t id) {
    const unescaped *of = user;
    uint32_t begin = of->offsets[id], size = of->offsets[id + 1] - begin;
    return (inlay__piece_text){of->bytes + begin, inlay__vocab_is_plain(of->vocab, id) ? size : 0};
}

static int32_t load_rwkv(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p) {
    const inlay__sys *sys = p->sys;
    size_t n = vocab->n_tokens, room = vocab->offsets[n], at = 0;
    INLAY__TRY(alloc_steps(p, 1, 1, 1));
    p->joiners[p->n_joiners++].kind = INLAY__JOIN_ESCAPED;
    p->model = INLAY__MODEL_LONGEST;
    p->takes_bytes = true;
    p->lexicon.unknown = vocab->special.unknown;
    set_around(p, vocab->add_bos ? vocab->special.bos : -1, vocab->add_eos ? vocab->special.eos : -1);
    (void)name, (void)gguf;
    unescaped of = {vocab, inlay__alloc(sys, room), inlay__alloc_array(sys, n + 1, sizeof *of.offsets)};
    int32_t status = of.bytes != NULL && of.offsets != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    for (size_t id = 0; id < n && status == INLAY_OK; id++) {
        inlay__text text = inlay__vocab_text(vocab, (int32_t)id);
        for (size_t pos = 0; pos < text.size;)
            pos += inlay__escaped_read(text.text + pos, text.size - pos, &of.bytes[at++]);
        of.offsets[id + 1] = (uint32_t)at;
    }
    if (status == INLAY_OK) status = inlay__pieces_build(vocab, unescaped_text, &of, &p->pieces);
    inlay__free(sys, of.bytes, room);
    inlay__free(sys, of.offsets, (n + 1) * sizeof *of.offsets);
    return status;
}

/* ------------------------------------------- byte-pair encoding of characters */

enum { PRE_GEMMA = 1, PRE_SARVAM, PRE_WHITESPACE };

/* One of the three; 0 for other pre-tokenizers. */
static int find_pre(const inlay__gguf *gguf) {
    static const struct {
        const char *name;
        int kind;
    } kinds[] = {{"gemma4", PRE_GEMMA},
                 {"granite-embed-multi-311m", PRE_GEMMA},
                 {"sarvam-moe", PRE_SARVAM},
                 {"whitespace", PRE_WHITESPACE}};
    inlay__text model = inlay__gguf_string(inlay__gguf_find(gguf, "tokenizer.ggml.model"), 0);
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, "tokenizer.ggml.pre");
    if (model.text != NULL && strcmp(model.text, "gemma4") == 0) return PRE_GEMMA;
    inlay__text pre = kv != NULL && !kv->is_array ? inlay__gguf_string(kv, 0) : (inlay__text){NULL, 0};
    for (size_t i = 0; pre.text != NULL && i < INLAY__COUNT(kinds); i++)
        if (strcmp(kinds[i].name, pre.text) == 0) return kinds[i].kind;
    return 0;
}

bool inlay__pipeline_takes_pre(const inlay__gguf *gguf) { return find_pre(gguf) != 0; }

/* The tokens that text may become, for looking them up. */
static int32_t load_lexicon(const inlay__vocab *vocab, inlay__lexicon *lexicon) {
    INLAY__TRY(inlay__hash_map_init(vocab->sys, &lexicon->ids, vocab->n_tokens));
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        inlay__text text = inlay__vocab_text(vocab, (int32_t)id);
        if (inlay__vocab_is_plain(vocab, (int32_t)id))
            inlay__hash_map_put(&lexicon->ids, text.text, text.size, (uint32_t)id);
    }
    lexicon->unknown = vocab->special.unknown;
    inlay__lexicon_find_bytes(lexicon);
    return INLAY_OK;
}

static int32_t add_merge(const inlay__lexicon *lexicon, inlay__symbol_bpe *bpe, inlay__text left, inlay__text right,
                         uint32_t rank, char *joined) {
    int32_t a, b, result;
    if (left.size + right.size > lexicon->vocab->max_token_size) return INLAY_OK; /* there is no such token */
    memcpy(joined, left.text, left.size);
    memcpy(joined + left.size, right.text, right.size);
    if (inlay__lexicon_find(lexicon, left.text, left.size, false, &a) &&
        inlay__lexicon_find(lexicon, right.text, right.size, false, &b) &&
        inlay__lexicon_find(lexicon, joined, left.size + right.size, false, &result))
        inlay__symbol_bpe_add(bpe, a, b, rank, result);
    return INLAY_OK;
}

/* From the last merge down: of two merges of one pair the first counts. */
static int32_t load_merges(const char *name, const inlay__gguf *gguf, const inlay__vocab *vocab, inlay__pipeline *p) {
    const inlay__gguf_kv *kv;
    int32_t status = INLAY_OK;
    INLAY__TRY(inlay__bpe_find_merges(name, gguf, &kv));
    INLAY__TRY(inlay__symbol_bpe_reserve(vocab, (size_t)kv->n_values, &p->bpe));
    char *joined = inlay__alloc(p->sys, vocab->max_token_size);
    if (joined == NULL) return INLAY_ERR_MEMORY;
    for (uint64_t i = kv->n_values; i-- > 0 && status == INLAY_OK;) {
        inlay__text left, right;
        status = inlay__bpe_read_merge(name, kv, i, &left, &right);
        if (status == INLAY_OK) status = add_merge(&p->lexicon, &p->bpe, left, right, (uint32_t)i, joined);
    }
    inlay__free(p->sys, joined, vocab->max_token_size);
    return status;
}

/* Gemma 4 and Sarvam mark spaces and know no words but lines. */
static int32_t load_lines(const char *name, inlay__pipeline *p) {
    static const char lines[] = "[^\\n]+|[\\n]+";
    inlay__normalizer *mark = &p->normalizers[p->n_normalizers++];
    inlay__splitter *split = &p->splitters[p->n_splitters++];
    char *content = inlay__arena_text(&p->arena, "\xE2\x96\x81", 3);
    if (content == NULL) return INLAY_ERR_MEMORY;
    *mark = (inlay__normalizer){.kind = INLAY__NORMALIZE_REPLACE, .content = {content, 3}};
    INLAY__TRY(inlay__finder_string(p->sys, (inlay__text){" ", 1}, &mark->finder));
    *split = (inlay__splitter){.kind = INLAY__SPLIT_PATTERN, .behavior = INLAY__ISOLATED};
    INLAY__TRY(inlay__finder_regex(p->sys, name, (inlay__text){lines, sizeof lines - 1}, &split->finder));
    p->joiners[p->n_joiners++] = (inlay__joiner){.kind = INLAY__JOIN_METASPACE, .character = 0x2581};
    p->joiners[p->n_joiners++].kind = INLAY__JOIN_BYTE_FALLBACK;
    return INLAY_OK;
}

static int32_t load_character_bpe(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p) {
    int pre = find_pre(gguf);
    bool lower = false;
    if (pre == 0)
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': tokenizer.ggml.pre is not 'whitespace', as tokenizer.ggml.model is", name);
    INLAY__TRY(alloc_steps(p, 1, 1, 2));
    p->model = INLAY__MODEL_BPE;
    p->bpe = (inlay__symbol_bpe){.lexicon = &p->lexicon};
    INLAY__TRY(load_lexicon(vocab, &p->lexicon));
    INLAY__TRY(load_merges(name, gguf, vocab, p));
    p->bpe.byte_fallback = true;
    p->bpe.whole_lines = pre == PRE_GEMMA;
    /* Gemma 4 has its BOS whatever the file says. */
    set_around(p, vocab->add_bos || pre == PRE_GEMMA ? vocab->special.bos : -1,
               vocab->add_eos ? vocab->special.eos : -1);
    if (pre != PRE_WHITESPACE) return load_lines(name, p);
    INLAY__TRY(read_bool(name, gguf, "tokenizer.ggml.normalizer.lowercase", &lower));
    if (lower) p->normalizers[p->n_normalizers++].kind = INLAY__NORMALIZE_LOWERCASE;
    p->splitters[p->n_splitters++].kind = INLAY__SPLIT_SPACES;
    p->joiners[p->n_joiners++].kind = INLAY__JOIN_BYTE_FALLBACK;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- PLaMo 2 */

typedef struct plamo_texts {
    const inlay__vocab *vocab;
    const inlay__gguf_kv *scores;
} plamo_texts;

static inlay__piece_text plamo_text(const void *user, int32_t id) {
    const plamo_texts *of = user;
    int32_t cost;
    inlay__text text = inlay__vocab_text(of->vocab, id);
    bool used = inlay__vocab_is_plain(of->vocab, id) && (of->vocab->flags[id] & INLAY_TOKEN_BYTE) == 0 &&
                inlay__plamo_cost(inlay__gguf_f32(of->scores, (size_t)id), &cost);
    return (inlay__piece_text){(const uint8_t *)text.text, used ? text.size : 0};
}

static int32_t load_plamo(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p) {
    plamo_texts of = {vocab, inlay__gguf_find(gguf, "tokenizer.ggml.scores")};
    if (of.scores == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no tokenizer.ggml.scores", name);
    INLAY__TRY(alloc_steps(p, 1, 1, 1));
    p->joiners[p->n_joiners++].kind = INLAY__JOIN_BYTE_FALLBACK;
    p->model = INLAY__MODEL_PLAMO;
    p->takes_bytes = true;
    set_around(p, vocab->add_bos ? vocab->special.bos : -1, vocab->add_eos ? vocab->special.eos : -1);
    INLAY__TRY(load_lexicon(vocab, &p->lexicon));
    for (size_t byte = 0; byte < 256; byte++)
        if (p->lexicon.byte_ids[byte] < 0)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tokenizer.ggml.tokens has no token for byte %zu", name,
                               byte);
    p->plamo.lexicon = &p->lexicon;
    p->plamo.costs = inlay__alloc_array(p->sys, vocab->n_tokens, sizeof *p->plamo.costs);
    if (p->plamo.costs == NULL) return INLAY_ERR_MEMORY;
    for (size_t id = 0; id < vocab->n_tokens; id++)
        inlay__plamo_cost(inlay__gguf_f32(of.scores, id), &p->plamo.costs[id]);
    return inlay__pieces_build(vocab, plamo_text, &of, &p->plamo.pieces);
}

/* -------------------------------------------------------------------- words */

/* What stands between white space is a token: the vocabularies of n-gram models in ARPA format. */
static int32_t load_words(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p) {
    (void)name, (void)gguf;
    INLAY__TRY(alloc_steps(p, 1, 1, 1));
    p->splitters[p->n_splitters++].kind = INLAY__SPLIT_SPACES;
    p->joiners[p->n_joiners++].kind = INLAY__JOIN_SPACED;
    p->model = INLAY__MODEL_WORDLEVEL;
    p->takes_bytes = true;
    set_around(p, vocab->add_bos ? vocab->special.bos : -1, vocab->add_eos ? vocab->special.eos : -1);
    return load_lexicon(vocab, &p->lexicon);
}

/* --------------------------------------------------------------------- none */

static int32_t load_none(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p) {
    (void)name, (void)gguf, (void)vocab;
    INLAY__TRY(alloc_steps(p, 1, 1, 1));
    p->model = INLAY__MODEL_WORDLEVEL;
    p->takes_bytes = true;
    return INLAY_OK;
}

int32_t inlay__pipeline_from_gguf(const inlay__sys *sys, const char *name, const inlay__gguf *gguf, inlay__vocab *vocab,
                                  inlay__pipeline *pipeline) {
    static const struct {
        const char *name;
        int32_t (*load)(const char *name, const inlay__gguf *gguf, inlay__vocab *vocab, inlay__pipeline *p);
    } kinds[] = {{"bert", load_bert},
                 {"t5", load_t5},
                 {"rwkv", load_rwkv},
                 {"gemma4", load_character_bpe},
                 {"gpt2", load_character_bpe},
                 {"plamo2", load_plamo},
                 {"whitespace", load_character_bpe},
                 {"words", load_words},
                 {"none", load_none},
                 {"no_vocab", load_none}};
    inlay__text model = inlay__gguf_string(inlay__gguf_find(gguf, "tokenizer.ggml.model"), 0);
    *pipeline = (inlay__pipeline){.sys = sys, .vocab = vocab, .arena = {sys, NULL}};
    pipeline->lexicon = (inlay__lexicon){.vocab = vocab, .unknown = -1};
    for (size_t i = 0; i < INLAY__COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, model.text) != 0) continue;
        INLAY__TRY(kinds[i].load(name, gguf, vocab, pipeline));
        return inlay__pipeline_finish(pipeline);
    }
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tokenizer '%s' is not supported", name, model.text);
}
