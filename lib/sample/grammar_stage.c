/* A grammar's hold on what is chosen: all but the tokens that can come next are banned. */
#include "grammar/guide.h"
#include "sample/stage.h"

static int32_t nothing_left(const inlay__guide *guide) {
    if (inlay__guide_must_end(guide))
        return inlay__fail(INLAY_ERR_STATE, "the text is whole, and the model has no token that ends it");
    return inlay__fail(INLAY_ERR_STATE, "no token of the model goes on with the text as the grammar wants");
}

int32_t inlay__stage_grammar(const inlay__stage *stage, inlay__choice *choice) {
    const uint64_t *mask;
    size_t n_vocab = choice->c.n_vocab, n_words = inlay__mask_words(stage->guide->constraint->texts);
    uint64_t any = 0;
    INLAY__TRY(inlay__guide_mask(stage->guide, &mask));
    for (size_t i = 0; i < n_words; i++)
        any |= mask[i];
    if (any == 0) return nothing_left(stage->guide);
    for (size_t begin = 0; begin < n_vocab; begin += 64) {
        uint64_t word = begin / 64 < n_words ? mask[begin / 64] : 0;
        size_t end = inlay__min_size(begin + 64, n_vocab);
        if (word == UINT64_MAX) continue;
        for (size_t id = begin; id < end; id++, word >>= 1)
            if ((word & 1) == 0) choice->logits[id] = inlay__bits_f32(0xff800000);
    }
    choice->is_changed = true;
    return INLAY_OK;
}

void inlay__stage_free(inlay__stage *stage, const inlay__sys *sys) {
    inlay__free(sys, stage->memory, stage->memory_size);
    if (stage->guide == NULL) return;
    inlay__guide_free(stage->guide);
    inlay__free(sys, stage->guide, sizeof *stage->guide);
}

int32_t inlay__stage_copy(const inlay__stage *stage, const inlay__sys *sys, inlay__stage *copy) {
    *copy = *stage;
    copy->guide = NULL;
    if (stage->memory != NULL) {
        copy->memory = inlay__alloc(sys, stage->memory_size);
        if (copy->memory == NULL) return INLAY_ERR_MEMORY;
        memcpy(copy->memory, stage->memory, stage->memory_size);
    }
    if (stage->guide == NULL) return INLAY_OK;
    copy->guide = inlay__alloc_array(sys, 1, sizeof *copy->guide);
    int32_t status = copy->guide == NULL
                         ? INLAY_ERR_MEMORY
                         : inlay__guide_init(copy->guide, sys, stage->guide->constraint);
    if (status == INLAY_OK)
        inlay__guide_copy(stage->guide, copy->guide);
    else
        inlay__stage_free(copy, sys);
    return status;
}
