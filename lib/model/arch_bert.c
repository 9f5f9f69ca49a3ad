/* BERT [Devlin et al. 2019, arXiv:1810.04805]: an encoder with layer norms behind the blocks and behind the embedding, learned
 * positions, segments, GELU. RoBERTa [Liu et al. 2019, arXiv:1907.11692] is trained otherwise and knows one segment; DistilBERT
 * [Sanh et al. 2019, arXiv:1910.01108] is half as deep and knows none. */
#include "model/heads.h"
#include "model/load.h"
#include "model/positions.h"
#include "model/transformer.h"

enum { MAX_TYPES = 256 };

/* How many segments there are the tensor says; the metadata may say it too. */
static int32_t load_types(inlay__model *m) {
    static const char key[] = "tokenizer.ggml.token_type_count";
    const inlay__gguf_kv *kv = inlay__gguf_find(m->keys.gguf, key);
    size_t n;
    int64_t said;
    if (!inlay__load_has(m, "token_types.weight", 0)) return INLAY_OK;
    INLAY__TRY(inlay__load_count_rows(m, "token_types.weight", MAX_TYPES, &n));
    if (kv != NULL && !kv->is_array && inlay__gguf_i64(kv, 0, &said) && said != (int64_t)n)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': metadata key '%s' is %lld, but tensor 'token_types.weight' has %zu rows",
                           m->keys.name, key, (long long)said, n);
    return inlay__load_matrix(m, "token_types.weight", 0, n, m->hparams.n_embd, &m->encoder.types);
}

int32_t inlay__arch_bert_load(inlay__model *m) {
    inlay__transformer shape = {.norm = INLAY__NORM_LAYER, .place = INLAY__NORM_STREAM, .activation = INLAY__GELU_ERF,
                                .rope = INLAY__NO_ROPE, .both_ways = true};
    INLAY__TRY(inlay__transformer_read_activation(m, "activation", &shape.activation));
    inlay__heads heads = {.token_activation = shape.activation, .label_activation = INLAY__TANH, .norm = INLAY__NORM_LAYER};
    INLAY__TRY(inlay__transformer_read_activation(m, "token_activation", &heads.token_activation));
    INLAY__TRY(inlay__transformer_read_activation(m, "classifier_activation", &heads.label_activation));
    INLAY__TRY(load_types(m));
    INLAY__TRY(inlay__positions_load(m, &m->encoder, m->hparams.n_context_train, 0));
    INLAY__TRY(inlay__load_norm(m, "token_embd_norm", 0, INLAY__NORM_LAYER, m->hparams.n_embd, &m->encoder.embd_norm));
    INLAY__TRY(inlay__transformer_load(m, &shape));
    return inlay__heads_load(m, &heads);
}
