/* GPT [Radford et al. 2018], GPT-2 [Radford et al. 2019] and OPT [Zhang et al. 2022, arXiv:2205.01068]: layer norms,
 * learned positions, plain feed-forward blocks, biases everywhere. GPT norms the stream after each block instead of
 * before, as the smallest but one of OPT does. */
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

int32_t inlay__arch_gpt_load(inlay__model *model) {
    const inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .place = INLAY__NORM_STREAM,
                                      .activation = INLAY__GELU_TANH, .rope = INLAY__NO_ROPE};
    INLAY__TRY(inlay__positions_load(model, &model->decoder, model->hparams.n_context_train, 0));
    return inlay__transformer_load(model, &shape);
}

int32_t inlay__arch_gpt2_load(inlay__model *model) {
    const inlay__transformer shape = {
        .norm = INLAY__NORM_LAYER, .activation = INLAY__GELU_TANH, .rope = INLAY__NO_ROPE};
    bool by_layer = false;
    INLAY__TRY(inlay__keys_bool(&model->keys, "attention.scale_by_layer", false, &by_layer));
    INLAY__TRY(inlay__positions_load(model, &model->decoder, model->hparams.n_context_train, 0));
    INLAY__TRY(inlay__transformer_load(model, &shape));
    for (size_t i = 0; by_layer && i < model->hparams.n_layer; i++)
        inlay__layer_attention(&model->decoder, i)->scale /= (float)(i + 1);
    return INLAY_OK;
}

int32_t inlay__arch_opt_load(inlay__model *model) {
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .activation = INLAY__RELU, .rope = INLAY__NO_ROPE};
    bool before = true, last = true, weighted = true;
    INLAY__TRY(inlay__keys_bool(&model->keys, "norm_before", false, &before));
    INLAY__TRY(inlay__keys_bool(&model->keys, "output_norm", false, &last));
    INLAY__TRY(inlay__keys_bool(&model->keys, "norm_weights", false, &weighted));
    if (!weighted) INLAY__TRY(inlay__load_no_norm_weights(model));
    if (!before) shape.place = INLAY__NORM_STREAM_SAME;
    shape.no_last_norm = !last;
    INLAY__TRY(inlay__positions_load(model, &model->decoder, model->hparams.n_context_train, 0));
    return inlay__transformer_load(model, &shape);
}
