/* Taking tokens out of the midst of a sequence: what lies behind moves forward, and its keys turn back by as many
 * positions as were taken out. As rotations add up [Su et al. 2021], scores stay those of the distance that is left; what
 * the tokens have learnt of those taken out stays in them. */
#include "base/fpenv.h"
#include "kernels/math.h"
#include "model/block_attention.h"
#include "model/window.h"

/* Where a position of a head is. */
typedef struct place {
    uint8_t *keys, *values;
    size_t at;
} place;

static place place_of(const inlay__decoder *d, const inlay__sequence *sequence, size_t layer, size_t head,
                      size_t position) {
    const inlay__layer_place *kept = &d->places[layer];
    const inlay__kv_cache *cache = &d->caches[kept->cache];
    size_t page = sequence->pages[kept->cache].list[position / cache->n_block];
    return (place){inlay__kv_cache_keys(cache, kept->layer, head, page),
                   inlay__kv_cache_values(cache, kept->layer, head, page), position % cache->n_block};
}

/* Sines and cosines by which keys of a pace turn back, one for each pair. */
typedef struct turning {
    size_t n; /* dimensions that turn */
    const float *cosines, *sines;
} turning;

static turning make_turn(const inlay__decoder *d, size_t which, size_t n_taken) {
    if (which == INLAY__NO_ROPE) return (turning){0, NULL, NULL};
    const double *frequencies = inlay__rope_frequencies(d, which);
    size_t n = d->model->ropes[which].n;
    for (size_t i = 0; i < n / 2; i++) {
        double sine, cosine;
        inlay__sincos_f64((double)n_taken * frequencies[i], &sine, &cosine);
        d->cosines[which][i] = (float)cosine; /* the magnitude is in the keys already */
        d->sines[which][i] = (float)-sine;
    }
    return (turning){n, d->cosines[which], d->sines[which]};
}

static void move_key(const inlay__decoder *d, const inlay__attention_weights *w, const turning *turn, const place *from,
                     const place *to) {
    const inlay__kernels *kernels = &d->model->kernels;
    float *key = d->work[0]; /* no block runs: it holds a head at least */
    inlay__load_key(from->keys, w->n_head_dim, d->config.cache_type, from->at, key);
    if (turn->n > 0 && w->pairs == INLAY__ROPE_ADJACENT)
        kernels->rope_adjacent(turn->cosines, turn->sines, turn->n, key);
    else if (turn->n > 0)
        kernels->rope_halves(turn->cosines, turn->sines, turn->n, key);
    kernels->store_key(key, w->n_head_dim, d->config.cache_type, to->at, to->keys);
}

/* Of one layer: positions [end, length) become [begin, ...). */
static void move_layer(inlay__decoder *d, const inlay__sequence *sequence, const inlay__attention_weights *w,
                       size_t begin, size_t end) {
    size_t row = d->caches[INLAY__WHOLE].row_size;
    const turning turn = make_turn(d, w->rope, end - begin);
    for (size_t head = 0; head < w->n_head_kv; head++)
        for (size_t position = end; position < sequence->length; position++) {
            const place from = place_of(d, sequence, w->i_cache, head, position);
            const place to = place_of(d, sequence, w->i_cache, head, position - (end - begin));
            move_key(d, w, &turn, &from, &to);
            memcpy(to.values + to.at * row, from.values + from.at * row, row);
        }
}

static int32_t check(const inlay__decoder *d, const inlay__sequence *sequence, size_t begin, size_t end) {
    if (!(inlay__model_capabilities(d->model) & INLAY_CAN_SHIFT))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "tokens cannot be taken out of the midst of a sequence of architecture '%s': %s",
                           d->model->hparams.architecture,
                           d->model->n_state > 0 ? "its state goes forward only" : "its positions are learnt");
    if (begin < sequence->n_prefix && end > begin)
        return inlay__fail(INLAY_ERR_ARGUMENT,
                           "token %zu cannot be taken out, within the sequence's prefix of %zu, which see one another",
                           begin, sequence->n_prefix);
    size_t left = sequence->length - (end - begin);
    if (end > begin && (begin < sequence->n_gone || !inlay__window_reaches(d, sequence, left)))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "tokens from %zu on cannot be taken out of the sequence: its layers with a window of %u have "
                           "given back what they had of the first %zu, as option 'rewind' lets them",
                           begin, d->model->hparams.n_window, sequence->n_gone);
    return INLAY_OK;
}

int32_t inlay__decoder_drop(inlay__decoder *d, size_t i, size_t begin, size_t end) {
    inlay__sequence *sequence = &d->sequences[i];
    const inlay__stack *stack = &d->model->decoder;
    INLAY__TRY(check(d, sequence, begin, end));
    if (begin == end) return INLAY_OK;
    if (end == sequence->length) return inlay__decoder_truncate(d, i, begin);
    size_t length = sequence->length - (end - begin);
    inlay__window_own(d, sequence, begin, length);
    inlay__fpenv saved = inlay__fpenv_enter();
    for (size_t layer = 0; layer < stack->n_layer; layer++)
        for (size_t b = 0; b < stack->layers[layer].n_blocks; b++)
            if (stack->layers[layer].blocks[b].kind == &inlay__attention_kind)
                move_layer(d, sequence, stack->layers[layer].blocks[b].weights, begin, end);
    inlay__fpenv_leave(saved);
    memmove(sequence->history + begin, sequence->history + end, (length - begin) * sizeof *sequence->history);
    sequence->length = length;
    /* n-grams alone do not learn of what stood there */
    sequence->n_known = inlay__min_size(sequence->n_known, d->model->ngrams != NULL ? length : begin);
    inlay__window_cut(d, sequence, length);
    return INLAY_OK;
}
