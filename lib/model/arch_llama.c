/* LLaMA and kin [Touvron et al. 2023, arXiv:2302.13971]: RMS norms before each block, rotary positions, query heads
 * that share key/value heads, SwiGLU. GGUF files hold the query and key rows permuted, so that the pairs that
 * rotate together are adjacent. */
#include "model/layers.h"

int32_t inlay__arch_llama_load(inlay__model *model) {
    if (inlay__model_has(model, "rope_freqs.weight", 0))
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': tensor 'rope_freqs.weight' asks for a RoPE scaling that this "
                           "version does not run", inlay__weights_name(model->weights));
    if (inlay__model_has(model, "blk.%u.ffn_gate_inp.weight", 0))
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': mixtures of experts (tensor 'blk.0.ffn_gate_inp.weight') are "
                           "not run by this version", inlay__weights_name(model->weights));
    model->rope = INLAY__ROPE_ADJACENT;
    return inlay__model_load_dense(model);
}
