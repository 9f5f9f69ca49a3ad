/* What changes in a chain from token to token, as bytes:
 *
 *   0   4  "ISMP"
 *   4   4  version 1
 *   8  16  the random numbers' state and increment
 *  24   4  n_stages
 *  28   4  n_tokens
 *  32  12 for each stage: its kind, 4 bytes, and mu, a double
 *      4  for each token: the last tokens of the text
 *         for each stage that is a grammar: its state (grammar/guide.c)
 *      4  FNV-1a of all before
 *
 * all little-endian. */
#include "base/cursor.h"
#include "sample/chain.h"

#define MAGIC 0x504d5349u
enum { VERSION = 1, HEAD = 32, STAGE = 12 };

/* Of the history, what is looked back at. */
static const int32_t *last_tokens(const inlay__chain *chain, size_t *n) {
    return inlay__history_last(&chain->history, chain->history.window, n);
}

size_t inlay__chain_state_size(const inlay__chain *chain) {
    size_t n;
    last_tokens(chain, &n);
    size_t size = HEAD + STAGE * chain->n_stages + 4 * n + 4;
    for (size_t i = 0; i < chain->n_stages; i++)
        if (chain->stages[i].guide != NULL) size += inlay__guide_saved_size(chain->stages[i].guide);
    return size;
}

static uint8_t *put(uint8_t *out, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> 8 * i);
    return out + size;
}

static uint32_t checksum(const uint8_t *bytes, size_t n) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

void inlay__chain_save(const inlay__chain *chain, uint8_t *bytes) {
    size_t n;
    const int32_t *tokens = last_tokens(chain, &n);
    uint8_t *out = put(put(bytes, MAGIC, 4), VERSION, 4);
    out = put(put(out, chain->rng.state, 8), chain->rng.increment, 8);
    out = put(put(out, chain->n_stages, 4), n, 4);
    for (size_t i = 0; i < chain->n_stages; i++) {
        uint64_t mu;
        memcpy(&mu, &chain->stages[i].mu, sizeof mu);
        out = put(put(out, (uint32_t)chain->stages[i].kind, 4), mu, 8);
    }
    for (size_t i = 0; i < n; i++)
        out = put(out, (uint32_t)tokens[i], 4);
    for (size_t i = 0; i < chain->n_stages; i++)
        if (chain->stages[i].guide != NULL) out = inlay__guide_save(chain->stages[i].guide, out);
    put(out, checksum(bytes, (size_t)(out - bytes)), 4);
}

static int32_t differs(const char *what, size_t found, size_t expected) {
    return inlay__fail(INLAY_ERR_FORMAT, "the sampler's state has %s %zu, expected %zu", what, found, expected);
}

/* Stages of the same kinds, each with a mu that is a number. */
static int32_t read_stages(const inlay__chain *chain, inlay__cursor *cursor, double *mu) {
    for (size_t i = 0; i < chain->n_stages; i++) {
        uint32_t kind;
        uint64_t bits;
        if (!inlay__cursor_u32(cursor, &kind) || !inlay__cursor_u64(cursor, &bits))
            return inlay__fail(INLAY_ERR_FORMAT, "the sampler's state ends in stage %zu", i);
        if (kind != (uint32_t)chain->stages[i].kind) return differs("a stage", kind, (size_t)chain->stages[i].kind);
        memcpy(&mu[i], &bits, sizeof bits);
        if (!(mu[i] > -1e30 && mu[i] < 1e30))
            return inlay__fail(INLAY_ERR_FORMAT, "the sampler's state has no number for stage %zu", i);
    }
    return INLAY_OK;
}

/* Tokens of the vocabulary, states of the grammars, and no more. */
static int32_t check_rest(const inlay__chain *chain, inlay__cursor cursor, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t token;
        if (!inlay__cursor_u32(&cursor, &token) || token >= chain->n_vocab)
            return inlay__fail(INLAY_ERR_FORMAT, "the sampler's state has token %u, but the vocabulary has %zu", token,
                               chain->n_vocab);
    }
    for (size_t i = 0; i < chain->n_stages; i++)
        if (chain->stages[i].guide != NULL && !inlay__guide_check(chain->stages[i].guide, &cursor))
            return inlay__fail(INLAY_ERR_FORMAT, "the sampler's state for stage %zu is not one of this grammar", i);
    return inlay__cursor_left(&cursor) == 0 ? INLAY_OK
                                            : differs("bytes behind its end:", inlay__cursor_left(&cursor), 0);
}

int32_t inlay__chain_load(inlay__chain *chain, const uint8_t *bytes, size_t size) {
    inlay__cursor cursor = {bytes, size < 4 ? 0 : size - 4, 0};
    uint32_t magic, version, n_stages, n_tokens;
    double mu[INLAY__MAX_STAGES];
    inlay__rng rng;
    bool whole = inlay__cursor_u32(&cursor, &magic) && inlay__cursor_u32(&cursor, &version) &&
                 inlay__cursor_u64(&cursor, &rng.state) && inlay__cursor_u64(&cursor, &rng.increment) &&
                 inlay__cursor_u32(&cursor, &n_stages) && inlay__cursor_u32(&cursor, &n_tokens);
    if (!whole || magic != MAGIC) return inlay__fail(INLAY_ERR_FORMAT, "the bytes are not a sampler's state");
    if (version != VERSION) return differs("version", version, VERSION);
    if (inlay__load_u32(bytes + size - 4) != checksum(bytes, size - 4))
        return inlay__fail(INLAY_ERR_FORMAT, "the sampler's state is damaged: its checksum is another");
    if (n_stages != chain->n_stages) return differs("stages:", n_stages, chain->n_stages);
    INLAY__TRY(read_stages(chain, &cursor, mu));
    if (n_tokens > chain->history.window || (rng.increment & 1) == 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "the sampler's state has %u tokens, expected at most %zu, and random numbers", n_tokens,
                           chain->history.window);
    INLAY__TRY(check_rest(chain, cursor, n_tokens));

    chain->rng = rng;
    chain->history.n = 0;
    for (size_t i = 0; i < n_stages; i++)
        chain->stages[i].mu = mu[i];
    for (size_t i = 0; i < n_tokens; i++) {
        uint32_t token;
        inlay__cursor_u32(&cursor, &token);
        inlay__history_add(&chain->history, &(int32_t){(int32_t)token}, 1);
    }
    for (size_t i = 0; i < n_stages; i++)
        if (chain->stages[i].guide != NULL) inlay__guide_load(chain->stages[i].guide, &cursor);
    return INLAY_OK;
}
