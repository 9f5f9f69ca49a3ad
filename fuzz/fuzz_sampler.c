/* Any bytes as a chain of stages with any parameters, a text, logits of any bits, a saved state and an answer with stop
 * texts: tokens of the vocabulary or errors, after which everything is as it was. */
#include <stdlib.h>

#include "base/cursor.h"
#include "inlay.h"
#include "support/accounting_sys.h"

#include "api/handles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 64, STATE = 1 << 16 };

static void must(bool holds) {
    if (!holds) abort();
}

static int32_t stage(void *user, int32_t *tokens, float *logits, size_t *n) {
    inlay__cursor *c = user;
    uint8_t what = 0;
    uint32_t bits = 0;
    inlay__cursor_u8(c, &what);
    inlay__cursor_u32(c, &bits);
    if (*n > 0) memcpy(&logits[what % *n], &bits, sizeof bits);
    if (*n > 1 && (what & 1) != 0) tokens[0] = tokens[1];
    if ((what & 2) != 0) *n = what >> 2;
    return what == 255;
}

/* Any double that the range allows, or one that it does not. */
static double value_of(inlay__cursor *c) {
    uint64_t bits = 0;
    uint8_t form = 0;
    double value;
    inlay__cursor_u8(c, &form);
    if (form < 200) return form < 100 ? (double)form : (double)(form - 100) / 100.0;
    inlay__cursor_u64(c, &bits);
    memcpy(&value, &bits, sizeof value);
    return value > 5000.0 && value < 1e7 ? 5000.0 : value; /* windows cost memory */
}

static void add_stage(inlay_sampler *sampler, inlay__cursor *c, size_t n_vocab) {
    uint8_t kind = 0, n = 0;
    int32_t tokens[8];
    float biases[8];
    inlay__cursor_u8(c, &kind);
    inlay__cursor_u8(c, &n);
    n %= 8;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        inlay__cursor_u32(c, &bits);
        tokens[i] = (int32_t)(bits % (n_vocab + 1)); /* one may be too large */
        memcpy(&biases[i], &bits, sizeof bits);
    }
    switch (kind % 20) {
    case INLAY_STAGE_BIAS:
        inlay_sampler_add_bias(sampler, tokens, (n & 1) != 0 ? biases : NULL, n);
        break;
    case INLAY_STAGE_ALLOWED:
        inlay_sampler_add_allowed(sampler, tokens, n);
        break;
    case INLAY_STAGE_CALLBACK:
        inlay_sampler_add_callback(sampler, stage, c);
        break;
    case 16:
        inlay_sampler_set_breakers(sampler, tokens, n);
        break;
    case 17:
    case 18: {
        uint8_t parameter = 0;
        inlay__cursor_u8(c, &parameter);
        inlay_sampler_set(sampler, parameter % 26, value_of(c));
        break;
    }
    default:
        inlay_sampler_add(sampler, kind % 20);
        break;
    }
}

static size_t save(inlay_sampler *sampler, uint8_t *state) {
    size_t size = 0;
    must(inlay_sampler_save(sampler, state, STATE, &size) == INLAY_OK);
    return size;
}

static void choose(inlay_sampler *sampler, inlay__cursor *c, size_t n_vocab) {
    static uint8_t before[STATE], after[STATE];
    float logits[MOST], p[MOST], copy[MOST];
    int32_t tokens[MOST], token = -1;
    size_t n = 0, size = save(sampler, before);
    for (size_t i = 0; i < n_vocab && i < MOST; i++) {
        uint16_t half = 0;
        inlay__cursor_u16(c, &half);
        logits[i] = inlay__bf16_to_f32(half);
    }
    memcpy(copy, logits, sizeof logits);
    inlay__cursor at = *c; /* the callback reads from it */
    if (inlay_sampler_candidates(sampler, logits, tokens, p, MOST, &n) == INLAY_OK) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            must(tokens[i] >= 0 && (size_t)tokens[i] < n_vocab && p[i] >= 0.0f);
            sum += (double)p[i];
        }
        must(n > 0 && sum > 0.99 && sum < 1.01);
    }
    must(save(sampler, after) == size && memcmp(before, after, size) == 0);
    *c = at;
    int32_t status = inlay_sampler_sample(sampler, logits, &token);
    must(memcmp(copy, logits, n_vocab * sizeof *logits) == 0);
    if (status == INLAY_OK) {
        must(token >= 0 && (size_t)token < n_vocab);
        must(inlay_sampler_accept(sampler, &token, 1) == INLAY_OK);
    } else {
        must(token == -1 && save(sampler, after) == size && memcmp(before, after, size) == 0);
    }
    inlay_top_tokens(logits, n_vocab, n_vocab, tokens, p);
}

static void read_answer(const inlay_options *o, const uint8_t *data, size_t size) {
    inlay_stop *stop = NULL;
    char out[512];
    int32_t found = 0;
    size_t n = 0;
    must(inlay_stop_new(o, &stop) == INLAY_OK);
    for (size_t i = 0; i + 3 < size && i < 30; i += 3)
        inlay_stop_add(stop, (const char *)data + i, 1 + data[i] % 3);
    for (size_t i = 0; i < size; i += n) {
        size_t given;
        n = 1 + data[i] % 7;
        if (n > size - i) n = size - i;
        must(inlay_stop_text(stop, (const char *)data + i, n, out, sizeof out, &given, &found) == INLAY_OK);
        must(given <= n + 3);
    }
    must(inlay_stop_text(stop, NULL, 0, out, sizeof out, &n, &found) == INLAY_OK && n < 3);
    inlay_stop_free(stop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    inlay__cursor c = {data, size, 0};
    uint8_t n_vocab = 0, n_stages = 0, n_tokens = 0;
    accounting a;
    inlay_options *o = NULL;
    inlay_sampler *sampler = NULL;
    accounting_init(&a);
    must(inlay__options_new_with_sys(&a.sys, &o) == INLAY_OK);
    inlay__cursor_u8(&c, &n_vocab);
    inlay__cursor_u8(&c, &n_stages);
    size_t n = 1 + n_vocab % MOST;
    must(inlay_sampler_new(n, o, &sampler) == INLAY_OK);
    for (size_t i = 0; i < n_stages % 12; i++)
        add_stage(sampler, &c, n);
    inlay__cursor_u8(&c, &n_tokens);
    for (size_t i = 0; i < n_tokens; i++) {
        uint8_t byte = 0;
        inlay__cursor_u8(&c, &byte);
        must(inlay_sampler_accept(sampler, &(int32_t){(int32_t)(byte % n)}, 1) == INLAY_OK);
    }
    inlay_sampler_load(sampler, data + c.pos, inlay__cursor_left(&c));
    for (int i = 0; i < 4; i++)
        choose(sampler, &c, n);
    inlay_sampler_free(sampler);
    read_answer(o, data, size);
    inlay_options_free(o);
    must(a.n_live == 0);
    return 0;
}
