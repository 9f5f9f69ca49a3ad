/* From logits to a token by a session's options. */
#include "sample/sampler.h"
#include "sample/truncate.h"

void inlay__sampler_init(inlay__sampler *sampler, const inlay__kernels *kernels, const inlay__sampler_config *config,
                         const inlay__sampler_scratch *scratch, size_t n_vocab) {
    *sampler = (inlay__sampler){.kernels = kernels, .config = *config, .scratch = *scratch, .n_vocab = n_vocab};
    inlay__rng_seed(&sampler->rng, config->seed);
}

int32_t inlay__sampler_choose(inlay__sampler *s, const float *logits, int32_t *token) {
    const inlay__sampler_config *config = &s->config;
    inlay__candidates c;
    INLAY__TRY(inlay__candidates_init(&c, s->kernels, &s->scratch, logits, s->n_vocab));
    if (config->temperature == 0.0f) {
        *token = c.best;
        return INLAY_OK;
    }
    inlay__keep_top_k(&c, config->top_k);
    inlay__keep_min_p(&c, config->min_p);
    inlay__keep_top_p(&c, config->top_p);
    *token = inlay__candidates_draw(&c, config->temperature, &s->rng);
    return INLAY_OK;
}
