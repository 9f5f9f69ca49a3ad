/* GPT-NeoX [Black et al. 2022, arXiv:2204.06745]: layer norms, rotary positions of a part of each head, and attention
 * and feed-forward side by side, each with its own norm. */
#include "model/transformer.h"

int32_t inlay__arch_gptneox_load(inlay__model *model) {
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .activation = INLAY__GELU_ERF, .pairs = INLAY__ROPE_HALVES,
                                .parallel = true};
    INLAY__TRY(inlay__keys_bool(&model->keys, "use_parallel_residual", false, &shape.parallel));
    return inlay__transformer_load(model, &shape);
}
