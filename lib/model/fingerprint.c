/* A number that tells models apart. */
#include "model/fingerprint.h"

#include "base/checksum.h"
#include "base/fpenv.h"
#include "kernels/math.h"
#include "model/layers.h"

enum { SAMPLE = 256 }; /* numbers of a row: whole blocks of any type */

static uint64_t add_numbers(uint64_t hash, const float *x, size_t n) {
    for (size_t i = 0; i < n; i += 2) {
        uint64_t second = i + 1 < n ? inlay__f32_bits(x[i + 1]) : 0, word = inlay__f32_bits(x[i]) | second << 32;
        uint8_t bytes[8];
        for (size_t k = 0; k < 8; k++) bytes[k] = (uint8_t)(word >> 8 * k);
        hash = inlay__checksum(hash, bytes, sizeof bytes);
    }
    return hash;
}

static uint64_t add_sizes(uint64_t hash, const uint64_t *sizes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[8];
        for (size_t k = 0; k < 8; k++) bytes[k] = (uint8_t)(sizes[i] >> 8 * k);
        hash = inlay__checksum(hash, bytes, sizeof bytes);
    }
    return hash;
}

static uint64_t add_matrix(uint64_t hash, const inlay__matrix *matrix) {
    inlay__matrix m = inlay__matrix_part(matrix, 0, matrix->n_rows); /* in the form that is in memory */
    const uint64_t sizes[] = {m.type, m.n_rows, m.n_k};
    const size_t rows[] = {0, m.n_rows / 2, m.n_rows - 1};
    float x[SAMPLE];
    hash = add_sizes(hash, sizes, INLAY__COUNT(sizes));
    m.n_k = inlay__min_size(m.n_k, SAMPLE);
    for (size_t i = 0; i < INLAY__COUNT(rows); i++) {
        inlay__matrix_row(&m, rows[i], x);
        hash = add_numbers(hash, x, m.n_k);
    }
    return hash;
}

static uint64_t add_ngrams(uint64_t hash, const inlay__ngrams *ngrams) {
    for (size_t k = 0; k < ngrams->order; k++) {
        const inlay__ngram_order *order = &ngrams->orders[k];
        const uint64_t n = order->n;
        hash = add_sizes(hash, &n, 1);
        hash = add_numbers(hash, order->log_probs, inlay__min_size(order->n, SAMPLE));
    }
    return hash;
}

uint64_t inlay__fingerprint_vector(uint64_t hash, const float *x, size_t n) {
    const uint64_t size = n;
    return add_numbers(add_sizes(hash, &size, 1), x, inlay__min_size(n, SAMPLE));
}

uint64_t inlay__model_fingerprint(const inlay__model *model, uint32_t version) {
    const inlay__hparams *h = &model->hparams;
    const uint64_t sizes[] = {h->n_vocab, h->n_embd, h->n_layer, h->n_head, h->n_head_kv, h->n_embd_head, h->n_rope,
                              h->n_window, model->n_cached, model->n_crossed, model->n_state};
    uint64_t hash = add_sizes(inlay__checksum(0, h->architecture, strlen(h->architecture)), sizes, INLAY__COUNT(sizes));
    inlay__fpenv saved = inlay__fpenv_enter();
    for (size_t i = 0; i < model->n_matrices; i++) hash = add_matrix(hash, model->matrices[i]);
    if (model->ngrams != NULL) hash = add_ngrams(hash, model->ngrams);
    inlay__fpenv_leave(saved);
    if (version > 1) hash = add_sizes(hash, &model->vectors_hash, 1);
    return hash;
}
