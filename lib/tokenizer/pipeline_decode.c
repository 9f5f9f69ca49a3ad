/* A pipeline's life, and the way back from tokens to text. */
#include "tokenizer/pipeline.h"

/* Text that decoding may make: a replacement in a file can be long. */
#define DECODE_LIMIT ((size_t)UINT32_MAX / 2)

static inlay__texts no_texts(const inlay__sys *sys) {
    const inlay__passage empty = {.sys = sys, .limit = DECODE_LIMIT};
    return (inlay__texts){.text = empty, .next_text = empty};
}

int32_t inlay__pipeline_decode(const inlay__pipeline *pipeline, const int32_t *ids, size_t n, inlay__texts *texts) {
    *texts = no_texts(pipeline->sys);
    for (size_t i = 0; i < n; i++) {
        if ((pipeline->vocab->flags[ids[i]] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNUSED)) != 0) continue;
        INLAY__TRY(inlay__texts_add(texts, inlay__vocab_text(pipeline->vocab, ids[i])));
    }
    return inlay__joiner_run(pipeline->joiners, pipeline->n_joiners, (inlay__stretch){true, true}, texts);
}

inlay__text inlay__pipeline_token_bytes(const inlay__pipeline *pipeline, int32_t id, bool first) {
    const inlay__token_bytes *of = first ? &pipeline->first : &pipeline->inner;
    size_t begin = id > 0 ? of->ends[id - 1] : 0;
    if (of->bytes == NULL) return (inlay__text){"", 0}; /* of no token are there any */
    return (inlay__text){(const char *)of->bytes + begin, of->ends[id] - begin};
}

/* ----------------------------------------------------------------- finishing */

static int32_t add_bytes(const inlay__sys *sys, inlay__token_bytes *of, size_t id, const uint8_t *bytes, size_t n) {
    void *memory = of->bytes;
    INLAY__TRY(inlay__grow(sys, &memory, &of->capacity, of->size + n, 1));
    of->bytes = memory;
    if (n > 0) memcpy(of->bytes + of->size, bytes, n);
    of->size += n;
    if (of->size > DECODE_LIMIT)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the decoder makes more than %zu bytes of the vocabulary",
                           DECODE_LIMIT);
    of->ends[id] = (uint32_t)of->size;
    return INLAY_OK;
}

/* Runs the joiners over every token alone, as the first of a text or one inside it. */
static int32_t decode_each(const inlay__pipeline *pipeline, bool first, inlay__texts *texts, inlay__token_bytes *of) {
    const inlay__vocab *vocab = pipeline->vocab;
    of->n_tokens = vocab->n_tokens;
    of->ends = inlay__alloc_array(pipeline->sys, vocab->n_tokens, sizeof *of->ends);
    if (of->ends == NULL) return INLAY_ERR_MEMORY;
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        inlay__passage_clear(&texts->text);
        texts->spans.n = 0;
        bool silent = (vocab->flags[id] & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNUSED)) != 0;
        if (!silent) {
            INLAY__TRY(inlay__texts_add(texts, inlay__vocab_text(vocab, (int32_t)id)));
            INLAY__TRY(
                inlay__joiner_run(pipeline->joiners, pipeline->n_joiners, (inlay__stretch){first, false}, texts));
        }
        INLAY__TRY(add_bytes(pipeline->sys, of, id, texts->text.text, texts->text.size));
    }
    return INLAY_OK;
}

static int32_t build_added(inlay__pipeline *pipeline, const inlay__special_text *texts, size_t n, bool normalized) {
    inlay__special *special = normalized ? &pipeline->normalized : &pipeline->given;
    return inlay__special_build_texts(pipeline->sys, pipeline->vocab->by_text.seed, texts, n, special);
}

/* The content of a token as the normalizers leave it; the arena's. */
static int32_t normalize_content(inlay__pipeline *pipeline, inlay__text *content) {
    inlay__passage text = {.sys = pipeline->sys, .limit = UINT32_MAX / 64}, next = text;
    int32_t status = inlay__passage_add(&text, content->text, content->size, (inlay__span){0, 0});
    for (size_t i = 0; i < pipeline->n_normalizers && status == INLAY_OK; i++) {
        inlay__passage_clear(&next);
        status = inlay__normalizer_apply(&pipeline->normalizers[i], &text, &next);
        inlay__passage swapped = text;
        text = next;
        next = swapped;
    }
    if (status == INLAY_OK) {
        char *copy = inlay__arena_text(&pipeline->arena, (const char *)text.text, text.size);
        *content = (inlay__text){copy, text.size};
        if (copy == NULL) status = INLAY_ERR_MEMORY;
    }
    inlay__passage_free(&text);
    inlay__passage_free(&next);
    return status;
}

/* Special tokens first: of equal contents these count. */
static int32_t list_added(inlay__pipeline *pipeline, bool normalized, inlay__special_text *texts, size_t *n) {
    *n = 0;
    for (int special = 1; special >= 0; special--) {
        for (size_t i = 0; i < pipeline->n_added; i++) {
            const inlay__added_token *token = &pipeline->added[i];
            if (token->normalized != normalized || token->special != (special != 0)) continue;
            inlay__text content = token->content;
            if (normalized) INLAY__TRY(normalize_content(pipeline, &content));
            texts[(*n)++] = (inlay__special_text){content, (int32_t)i, true};
        }
    }
    return INLAY_OK;
}

static int32_t finish_added(inlay__pipeline *pipeline) {
    size_t n = 0, size = pipeline->n_added * sizeof(inlay__special_text);
    inlay__special_text *texts = inlay__alloc_array(pipeline->sys, pipeline->n_added, sizeof *texts);
    if (texts == NULL) return INLAY_ERR_MEMORY;
    int32_t status = INLAY_OK;
    for (int normalized = 0; normalized < 2 && status == INLAY_OK; normalized++) {
        status = list_added(pipeline, normalized != 0, texts, &n);
        if (status == INLAY_OK) status = build_added(pipeline, texts, n, normalized != 0);
    }
    inlay__free(pipeline->sys, texts, size);
    return status;
}

int32_t inlay__pipeline_finish(inlay__pipeline *pipeline) {
    inlay__texts texts = no_texts(pipeline->sys);
    INLAY__TRY(finish_added(pipeline));
    if (pipeline->model == INLAY__MODEL_WORDPIECE && pipeline->normalized.n_texts == 0)
        inlay__ascii_words_init(pipeline->normalizers, pipeline->n_normalizers, pipeline->splitters,
                                pipeline->n_splitters, &pipeline->ascii);
    int32_t status = decode_each(pipeline, true, &texts, &pipeline->first);
    if (status == INLAY_OK) status = decode_each(pipeline, false, &texts, &pipeline->inner);
    inlay__texts_free(&texts);
    return status;
}

static void free_token_bytes(const inlay__sys *sys, inlay__token_bytes *of) {
    inlay__free(sys, of->bytes, of->capacity);
    inlay__free(sys, of->ends, of->n_tokens * sizeof *of->ends);
}

void inlay__pipeline_free(inlay__pipeline *pipeline) {
    const inlay__sys *sys = pipeline->sys;
    if (sys == NULL) return;
    for (size_t i = 0; i < pipeline->n_normalizers; i++) inlay__normalizer_free(&pipeline->normalizers[i]);
    for (size_t i = 0; i < pipeline->n_splitters; i++) inlay__splitter_free(&pipeline->splitters[i]);
    for (size_t i = 0; i < pipeline->n_joiners; i++) inlay__joiner_free(&pipeline->joiners[i]);
    inlay__special_free(&pipeline->given);
    inlay__special_free(&pipeline->normalized);
    inlay__symbol_bpe_free(&pipeline->bpe);
    inlay__pieces_free(&pipeline->wordpiece.pieces);
    inlay__pieces_free(&pipeline->unigram.pieces);
    if (pipeline->unigram.scores != NULL)
        inlay__free(sys, pipeline->unigram.scores, pipeline->vocab->n_tokens * sizeof *pipeline->unigram.scores);
    inlay__pieces_free(&pipeline->plamo.pieces);
    if (pipeline->plamo.costs != NULL)
        inlay__free(sys, pipeline->plamo.costs, pipeline->vocab->n_tokens * sizeof *pipeline->plamo.costs);
    inlay__pieces_free(&pipeline->pieces);
    inlay__lexicon_free(&pipeline->lexicon);
    free_token_bytes(sys, &pipeline->first);
    free_token_bytes(sys, &pipeline->inner);
    inlay__arena_free(&pipeline->arena);
    *pipeline = (inlay__pipeline){0};
}
