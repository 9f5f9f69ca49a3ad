/* A sequence as bytes. They are checked as a whole before anything of the sequence changes; from then on nothing can
 * fail. */
#include "model/saved_state.h"

#include "base/checksum.h"
#include "base/cursor.h"
#include "format/dtype.h"
#include "model/fingerprint.h"
#include "model/window.h"

#define MAGIC 0x41545349u
enum { VERSION = 2, HEAD = 104, HEAD_1 = 88, SUM = 8 };
enum { KEY_BLOCK = 544, KEY_SCALES = 32, VALUE_BLOCK = 34 }; /* of Q8_0: kernels/attention_q8_0.c */

typedef struct head {
    uint32_t magic, version, arithmetic_version, cache_type, has_logits, zero;
    uint64_t size, fingerprint, pace, length, n_prefix, n_encoded, random[2], n_known, n_gone;
} head;

/* What rotary frequencies ask of the context. */
static uint64_t pace_of(const inlay__decoder *d) {
    if (d->frequencies != NULL) return d->config.n_context;
    for (size_t i = 0; i < INLAY__N_ROPES; i++) {
        const inlay__rope *rope = &d->model->ropes[i];
        if (rope->long_frequencies != NULL) return d->config.n_context > rope->n_original ? 2 : 1;
    }
    return 0;
}

/* Of one layer: where it keeps the positions [first, n) of which its heads tell. */
typedef struct layer {
    inlay__kv_cache *cache;
    const inlay__kv_pages *pages;
    size_t i, first, n;
} layer;

static layer layer_of(inlay__decoder *d, const inlay__kv_pages *pages, size_t i, const head *h) {
    const inlay__layer_place *place = &d->places[i];
    size_t first = place->has_window ? (size_t)h->n_gone : 0;
    return (layer){&d->caches[place->cache], &pages[place->cache], place->layer, first, (size_t)h->length};
}

static layer crossed_layer_of(inlay__decoder *d, size_t i, size_t n) {
    return (layer){&d->crossed, &d->crossed_pages, i, 0, n};
}

/* Bytes of positions of all heads, which fit the cache; the first is a multiple of 16. */
static size_t rows_size(const inlay__kv_cache *cache, size_t n) {
    return cache->n_head_kv * (inlay__round_up(n, INLAY__LANES) + n) * cache->row_size;
}

/* Positions that layer i tells of. */
static size_t n_rows_of(const inlay__decoder *d, size_t i, const head *h) {
    return (size_t)(h->length - (d->places[i].has_window ? h->n_gone : 0));
}

static size_t cached_size(const inlay__decoder *d, const head *h) {
    size_t size = 0;
    for (size_t i = 0; i < d->model->n_cached; i++)
        size += rows_size(&d->caches[d->places[i].cache], n_rows_of(d, i, h));
    return size;
}

static size_t encoded_size(const inlay__decoder *d, size_t n) {
    return d->model->n_crossed * rows_size(&d->crossed, n) + n * d->model->hparams.n_embd * sizeof(float);
}

/* Tokens that are told. */
static size_t n_tokens_of(const inlay__decoder *d, const head *h) {
    return h->version > 1 || d->model->ngrams != NULL ? (size_t)h->length : 0;
}

static size_t head_size(const head *h) { return h->version > 1 ? HEAD : HEAD_1; }

/* Of sizes that the decoder has room for. */
static size_t size_of(const inlay__decoder *d, const head *h) {
    return head_size(h) + cached_size(d, h) + encoded_size(d, (size_t)h->n_encoded) +
           d->model->n_state * sizeof(float) + n_tokens_of(d, h) * sizeof(int32_t) +
           (h->has_logits ? d->model->hparams.n_vocab * sizeof(float) : 0) + SUM;
}

static head head_of(const inlay__decoder *d, size_t i) {
    const inlay__sequence *sequence = &d->sequences[i];
    head h = {.magic = MAGIC, .version = VERSION, .cache_type = d->config.cache_type,
              .has_logits = sequence->has_logits,
              .pace = pace_of(d), .length = sequence->length, .n_prefix = sequence->n_prefix,
              .n_known = sequence->n_known, .n_gone = sequence->n_gone,
              .n_encoded = d->model->n_crossed > 0 ? d->n_crossed : 0};
    h.size = size_of(d, &h);
    return h;
}

size_t inlay__saved_size(const inlay__decoder *d, size_t sequence) { return (size_t)head_of(d, sequence).size; }

/* ------------------------------------------------------------------ writing */

/* Bytes on their way to memory, to a file or, with neither, into their sum alone. */
typedef struct sink {
    uint8_t *bytes;
    inlay__out_file *file;
    uint64_t sum;
    size_t n; /* that wait */
    uint8_t waiting[4096];
} sink;

static int32_t flush(sink *s) {
    s->sum = inlay__checksum(s->sum, s->waiting, s->n);
    if (s->bytes != NULL) {
        memcpy(s->bytes, s->waiting, s->n);
        s->bytes += s->n;
    }
    size_t n = s->n;
    s->n = 0;
    return s->file != NULL ? inlay__out_file_write(s->file, s->waiting, n) : INLAY_OK;
}

static int32_t put(sink *s, const void *data, size_t size) {
    const uint8_t *bytes = data;
    while (size > 0) {
        size_t n = inlay__min_size(size, sizeof s->waiting - s->n);
        memcpy(s->waiting + s->n, bytes, n);
        s->n += n;
        bytes += n;
        size -= n;
        if (s->n == sizeof s->waiting) INLAY__TRY(flush(s));
    }
    return INLAY_OK;
}

static int32_t put_number(sink *s, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> 8 * i);
    return put(s, bytes, size);
}

static int32_t put_head(sink *s, const head *h) {
    const uint64_t numbers[] = {h->pace, h->length, h->n_prefix, h->n_encoded, h->random[0], h->random[1],
                                h->n_known, h->n_gone};
    INLAY__TRY(put_number(s, h->magic | (uint64_t)h->version << 32, 8));
    INLAY__TRY(put_number(s, h->size, 8));
    INLAY__TRY(put_number(s, h->fingerprint, 8));
    INLAY__TRY(put_number(s, h->arithmetic_version | (uint64_t)h->cache_type << 32, 8));
    INLAY__TRY(put_number(s, h->has_logits, 8));
    for (size_t i = 0; i < INLAY__COUNT(numbers); i++) INLAY__TRY(put_number(s, numbers[i], 8));
    return INLAY_OK;
}

/* A group of keys of which n positions count: lines of 16 of each number, or of four bytes in Q8_0. What stood behind
 * those that count is no part of the sequence. */
static int32_t put_last_keys(sink *s, const inlay__kv_cache *cache, const uint8_t *group, size_t n) {
    static const uint8_t zeros[4 * INLAY__LANES];
    size_t lane, size = INLAY__LANES * cache->row_size;
    for (size_t at = 0; at < size; at += lane * INLAY__LANES) {
        lane = cache->type == INLAY_TYPE_F16 || (cache->type == INLAY_TYPE_Q8_0 && at % KEY_BLOCK == 0) ? 2 : 4;
        INLAY__TRY(put(s, group + at, lane * n));
        INLAY__TRY(put(s, zeros, lane * (INLAY__LANES - n)));
    }
    return INLAY_OK;
}

static int32_t put_keys(sink *s, const inlay__kv_cache *cache, const uint8_t *keys, size_t n) {
    size_t whole = n / INLAY__LANES * INLAY__LANES * cache->row_size;
    INLAY__TRY(put(s, keys, whole));
    return n % INLAY__LANES > 0 ? put_last_keys(s, cache, keys + whole, n % INLAY__LANES) : INLAY_OK;
}

/* Positions of page i among the first n. */
static size_t in_page(const inlay__kv_cache *cache, size_t n, size_t i) {
    return inlay__min_size(n - i * cache->n_block, cache->n_block);
}

static int32_t put_layer(sink *s, const layer *l) {
    const inlay__kv_cache *cache = l->cache;
    const uint32_t *list = l->pages->list;
    size_t begin = l->first / cache->n_block, end = inlay__kv_cache_pages(cache, l->n);
    for (size_t k = 0; k < cache->n_head_kv; k++) {
        for (size_t i = begin; i < end; i++)
            INLAY__TRY(put_keys(s, cache, inlay__kv_cache_keys(cache, l->i, k, list[i]), in_page(cache, l->n, i)));
        for (size_t i = begin; i < end; i++)
            INLAY__TRY(put(s, inlay__kv_cache_values(cache, l->i, k, list[i]),
                           in_page(cache, l->n, i) * cache->row_size));
    }
    return INLAY_OK;
}

static int32_t put_encoded(sink *s, inlay__decoder *d) {
    size_t n = d->n_crossed;
    if (n == 0) return INLAY_OK;
    for (size_t i = 0; i < d->model->n_crossed; i++) {
        layer l = crossed_layer_of(d, i, n);
        INLAY__TRY(put_layer(s, &l));
    }
    return put(s, d->states, n * d->model->hparams.n_embd * sizeof(float));
}

int32_t inlay__saved_write(inlay__decoder *d, size_t i, const inlay__saved_extra *extra, uint8_t *bytes,
                           inlay__out_file *file) {
    const inlay__sequence *sequence = &d->sequences[i];
    size_t n_vocab = d->model->hparams.n_vocab;
    sink s = {.bytes = bytes, .file = file};
    head h = head_of(d, i);
    h.fingerprint = inlay__model_fingerprint(d->model, INLAY__FINGERPRINT_VERSION);
    h.arithmetic_version = extra->arithmetic_version;
    memcpy(h.random, extra->random, sizeof h.random);
    INLAY__TRY(put_head(&s, &h));
    for (size_t k = 0; k < d->model->n_cached; k++) {
        layer l = layer_of(d, sequence->pages, k, &h);
        INLAY__TRY(put_layer(&s, &l));
    }
    INLAY__TRY(put_encoded(&s, d));
    INLAY__TRY(put(&s, sequence->state[0], d->model->n_state * sizeof(float)));
    for (size_t k = 0; k < sequence->length; k++) INLAY__TRY(put_number(&s, (uint32_t)sequence->history[k], 4));
    if (h.has_logits) INLAY__TRY(put(&s, d->logits + i * n_vocab, n_vocab * sizeof(float)));
    INLAY__TRY(flush(&s));
    INLAY__TRY(put_number(&s, s.sum, 8));
    return flush(&s);
}

/* ------------------------------------------------------------------ checking */

static int32_t damaged(const char *what, uint64_t found, uint64_t expected) {
    return inlay__fail(INLAY_ERR_FORMAT, "the saved state is damaged: %s %llu, expected %llu", what,
                       (unsigned long long)found, (unsigned long long)expected);
}

static bool read_head(inlay__cursor *c, head *h) {
    uint64_t *numbers[] = {&h->pace, &h->length, &h->n_prefix, &h->n_encoded, &h->random[0], &h->random[1]};
    bool ok = inlay__cursor_u32(c, &h->magic) && inlay__cursor_u32(c, &h->version) && inlay__cursor_u64(c, &h->size) &&
              inlay__cursor_u64(c, &h->fingerprint) && inlay__cursor_u32(c, &h->arithmetic_version) &&
              inlay__cursor_u32(c, &h->cache_type) && inlay__cursor_u32(c, &h->has_logits) &&
              inlay__cursor_u32(c, &h->zero);
    for (size_t i = 0; ok && i < INLAY__COUNT(numbers); i++) ok = inlay__cursor_u64(c, numbers[i]);
    if (ok && h->version > 1) return inlay__cursor_u64(c, &h->n_known) && inlay__cursor_u64(c, &h->n_gone);
    h->n_known = h->n_gone = 0;
    return ok;
}

/* That the bytes are a state, and whole. */
static int32_t check_bytes(const head *h, const uint8_t *bytes, size_t size) {
    if (h->version == 0 || h->version > VERSION)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the saved state has version %u, expected 1 to %d", h->version, VERSION);
    if (h->size != size) return damaged("bytes in all:", size, h->size);
    uint64_t found = inlay__checksum(0, bytes, size - SUM), expected = inlay__load_u64(bytes + size - SUM);
    return found == expected ? INLAY_OK : damaged("its checksum is", found, expected);
}

/* That it is of this model and this library. */
static int32_t check_origin(const inlay__decoder *d, const head *h, uint32_t arithmetic_version) {
    uint64_t fingerprint = inlay__model_fingerprint(d->model, h->version); /* each version of states has its own */
    if (h->fingerprint != fingerprint)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "the saved state is of another model: its fingerprint is %llu, expected %llu",
                           (unsigned long long)h->fingerprint, (unsigned long long)fingerprint);
    if (h->arithmetic_version != arithmetic_version)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the saved state has arithmetic version %u, expected %u",
                           h->arithmetic_version, arithmetic_version);
    if (h->cache_type != d->config.cache_type)
        return inlay__fail(INLAY_ERR_ARGUMENT, "the saved state has keys and values in %s, expected %s as option "
                           "'cache-type' of the session is",
                           inlay__dtype_any_name(h->cache_type), inlay__dtype_any_name(d->config.cache_type));
    if (h->pace == pace_of(d)) return INLAY_OK;
    return inlay__fail(INLAY_ERR_ARGUMENT,
                       "the saved state is of a session with room for %s tokens than this one's %zu, for which the "
                       "model's positions turn otherwise",
                       h->pace > pace_of(d) ? "more" : "fewer", d->config.n_context);
}

static int32_t check_length(const char *what, uint64_t n, size_t n_context, const inlay__stack *stack) {
    size_t n_known = stack->positions.n_rows > 0 ? stack->positions.n_rows - stack->first_position : SIZE_MAX;
    n_known = inlay__min_size(n_known, n_context);
    if (n <= n_known) return INLAY_OK;
    return inlay__fail(INLAY_ERR_CONTEXT, "the saved state has %llu %s, expected at most the session's %zu",
                       (unsigned long long)n, what, n_known);
}

/* That the session has room for it. */
static int32_t check_sizes(const inlay__decoder *d, const head *h) {
    const inlay__model *model = d->model;
    INLAY__TRY(check_length("tokens", h->length, d->config.n_context, &model->decoder));
    INLAY__TRY(check_length("encoded tokens", h->n_encoded, model->n_crossed > 0 ? d->config.n_context : 0,
                            &model->encoder));
    if (h->n_prefix > d->config.n_batch || h->n_prefix > d->config.n_context)
        return inlay__fail(INLAY_ERR_ARGUMENT, "the saved state has a prefix of %llu tokens, expected at most the "
                           "session's batch of %zu",
                           (unsigned long long)h->n_prefix, d->config.n_batch);
    bool has_prefix = inlay__model_capabilities(model) & INLAY_CAN_PREFIX;
    if (h->n_prefix > 0 && (!has_prefix || (h->length > 0 && h->length < h->n_prefix)))
        return damaged("tokens of a prefix:", h->n_prefix, has_prefix ? h->length : 0);
    if (h->n_known > h->length) return damaged("tokens that are known:", h->n_known, h->length);
    size_t n_window = model->n_cached > 0 ? model->hparams.n_window : 0;
    if (h->n_gone > 0 && (n_window == 0 || h->n_gone % INLAY__KEY_BLOCK > 0 || h->n_gone > h->length ||
                          h->length + 1 < h->n_gone + n_window))
        return damaged("tokens that layers with a window have lost:", h->n_gone, 0);
    if (h->has_logits > 1 || (h->has_logits == 1 && h->length == 0)) return damaged("logits:", h->has_logits, h->length > 0);
    if (h->zero != 0) return damaged("at byte 36", h->zero, 0);
    if ((h->random[1] & 1) == 0) return damaged("an increment of random numbers of", h->random[1], h->random[1] | 1);
    if (model->n_crossed > 0 && h->length > 0 && h->n_encoded == 0) return damaged("encoded tokens:", 0, 1);
    return h->size == size_of(d, h) ? INLAY_OK : damaged("bytes in all:", h->size, size_of(d, h));
}

static bool halves_are_finite(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((inlay__load_u16(bytes + 2 * i) & 0x7c00) == 0x7c00) return false;
    return true;
}

static bool floats_are_finite(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i + 4 <= size; i += 4)
        if ((inlay__load_u32(bytes + i) & 0x7f800000) == 0x7f800000) return false;
    return true;
}

/* Of Q8_0 the scales of each block. */
static bool blocks_are_finite(const uint8_t *bytes, size_t size, size_t block, size_t scales) {
    for (size_t i = 0; i < size; i += block)
        if (!halves_are_finite(bytes + i, scales / 2)) return false;
    return true;
}

/* n positions of one layer. */
static bool rows_are_finite(const inlay__kv_cache *cache, const uint8_t *bytes, size_t n) {
    size_t size = rows_size(cache, n), n_keys = inlay__round_up(n, INLAY__LANES) * cache->row_size;
    if (cache->type == INLAY_TYPE_F32) return floats_are_finite(bytes, size);
    if (cache->type == INLAY_TYPE_F16) return halves_are_finite(bytes, size / 2);
    for (const uint8_t *end = bytes + size; bytes < end; bytes += n_keys + n * cache->row_size)
        if (!blocks_are_finite(bytes, n_keys, KEY_BLOCK, KEY_SCALES) ||
            !blocks_are_finite(bytes + n_keys, n * cache->row_size, VALUE_BLOCK, 2))
            return false;
    return true;
}

/* Where each part begins. */
typedef struct parts {
    const uint8_t *cached, *encoded, *state, *tokens, *logits;
} parts;

static parts parts_of(const inlay__decoder *d, const head *h, const uint8_t *bytes) {
    parts p = {.cached = bytes + head_size(h)};
    p.encoded = p.cached + cached_size(d, h);
    p.state = p.encoded + encoded_size(d, (size_t)h->n_encoded);
    p.tokens = p.state + d->model->n_state * sizeof(float);
    p.logits = p.tokens + n_tokens_of(d, h) * sizeof(int32_t);
    return p;
}

/* That its numbers are such as evaluation makes. Logits may be anything: they are the caller's to change. */
static int32_t check_numbers(const inlay__decoder *d, const head *h, const parts *p) {
    const uint8_t *rows = p->cached;
    size_t n_vocab = d->model->hparams.n_vocab, n = (size_t)h->n_encoded;
    bool finite = floats_are_finite(p->state, d->model->n_state * sizeof(float));
    for (size_t i = 0; i < d->model->n_cached; i++) {
        const inlay__kv_cache *cache = &d->caches[d->places[i].cache];
        size_t n_rows = n_rows_of(d, i, h);
        finite = finite && rows_are_finite(cache, rows, n_rows);
        rows += rows_size(cache, n_rows);
    }
    for (size_t i = 0; i < d->model->n_crossed; i++, rows += rows_size(&d->crossed, n))
        finite = finite && rows_are_finite(&d->crossed, rows, n);
    finite = finite && floats_are_finite(rows, (size_t)(p->state - rows));
    if (!finite) return inlay__fail(INLAY_ERR_FORMAT, "the saved state is damaged: its numbers are not all finite");
    for (const uint8_t *token = p->tokens; token < p->logits; token += 4)
        if (inlay__load_u32(token) >= n_vocab) return damaged("it has token", inlay__load_u32(token), n_vocab - 1);
    return INLAY_OK;
}

/* ------------------------------------------------------------------- reading */

/* Of the positions that are told those from `first` on, which the cache has room for. */
static const uint8_t *get_layer(const layer *l, size_t first, const uint8_t *bytes) {
    const inlay__kv_cache *cache = l->cache;
    size_t begin = l->first / cache->n_block, n_pages = inlay__kv_cache_pages(cache, l->n) - begin;
    for (size_t k = 0; k < cache->n_head_kv; k++)
        for (size_t i = 0; i < 2 * n_pages; i++) {
            bool is_key = i < n_pages;
            size_t page = begin + (is_key ? i : i - n_pages), rows = in_page(cache, l->n, page);
            size_t size = (is_key ? inlay__round_up(rows, INLAY__LANES) : rows) * cache->row_size;
            if (page >= first / cache->n_block)
                memcpy((is_key ? inlay__kv_cache_keys : inlay__kv_cache_values)(cache, l->i, k, l->pages->list[page]),
                       bytes, size);
            bytes += size;
        }
    return bytes;
}

/* What was encoded is the session's: other sequences attend to it too and, when it is another, begin anew, as after
 * inlay_encode. */
static int32_t get_encoded(inlay__decoder *d, size_t n, const uint8_t *bytes) {
    sink present = {.sum = 0};
    size_t n_held = d->crossed_pages.n * d->crossed.n_block;
    if (d->model->n_crossed == 0) return INLAY_OK;
    INLAY__TRY(put_encoded(&present, d));
    INLAY__TRY(flush(&present));
    if (n == d->n_crossed && present.sum == inlay__checksum(0, bytes, encoded_size(d, n))) return INLAY_OK;
    INLAY__TRY(inlay__decoder_empty(d));
    if (n > n_held) inlay__kv_pages_extend(&d->crossed, &d->crossed_pages, n_held, n);
    for (size_t i = 0; i < d->model->n_crossed; i++) {
        layer l = crossed_layer_of(d, i, n);
        bytes = get_layer(&l, 0, bytes);
    }
    inlay__kv_pages_clear(&d->crossed, &d->crossed_pages, n, SIZE_MAX);
    memcpy(d->states, bytes, n * d->model->hparams.n_embd * sizeof(float));
    d->n_crossed = d->n_states = n;
    return INLAY_OK;
}

int32_t inlay__saved_read(inlay__decoder *d, size_t i, inlay__saved_extra *extra, const uint8_t *bytes, size_t size) {
    inlay__cursor c = {bytes, size < HEAD_1 + SUM ? 0 : size - SUM, 0};
    inlay__sequence *sequence = &d->sequences[i];
    size_t n_vocab = d->model->hparams.n_vocab;
    head h;
    if (!read_head(&c, &h) || h.magic != MAGIC)
        return inlay__fail(INLAY_ERR_FORMAT, "these %zu bytes are not a saved state, which begins with 'ISTA' and has %d "
                           "bytes at least", size, HEAD_1 + SUM);
    INLAY__TRY(check_bytes(&h, bytes, size));
    INLAY__TRY(check_origin(d, &h, extra->arithmetic_version));
    INLAY__TRY(check_sizes(d, &h));
    parts p = parts_of(d, &h, bytes);
    INLAY__TRY(check_numbers(d, &h, &p));

    size_t length = (size_t)h.length;
    INLAY__TRY(get_encoded(d, (size_t)h.n_encoded, p.encoded));
    inlay__window_cut(d, sequence, 0);
    size_t first = inlay__window_load(d, sequence, length, (size_t)h.n_gone);
    for (size_t k = 0; k < d->model->n_cached; k++) {
        layer l = layer_of(d, sequence->pages, k, &h);
        p.cached = get_layer(&l, d->places[k].has_window ? first : 0, p.cached);
    }
    memcpy(sequence->state[0], p.state, d->model->n_state * sizeof(float));
    for (size_t k = 0; k < n_tokens_of(d, &h); k++) sequence->history[k] = (int32_t)inlay__load_u32(p.tokens + 4 * k);
    if (h.has_logits) memcpy(d->logits + i * n_vocab, p.logits, n_vocab * sizeof(float));
    sequence->length = length;
    sequence->n_known = h.version > 1 ? (size_t)h.n_known : d->model->ngrams != NULL ? length : 0;
    sequence->is_loaded = true;
    sequence->n_prefix = (size_t)h.n_prefix;
    sequence->has_logits = h.has_logits == 1;
    memcpy(extra->random, h.random, sizeof h.random);
    return INLAY_OK;
}
