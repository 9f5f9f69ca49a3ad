/* What encoders make of their states. */
#include "model/heads.h"

#include "model/block_dense.h"
#include "model/load.h"

enum { MAX_LABELS = 1 << 16 };

static int32_t load_transform(inlay__model *m, inlay__activation activation, inlay__norm_kind norm, inlay__head *head) {
    if (!inlay__load_has(m, "cls.weight", 0)) return INLAY_OK;
    INLAY__TRY(inlay__dense_load(m, "cls", activation, &head->transform));
    return inlay__load_norm_optional(m, "cls.norm", 0, norm, m->hparams.n_embd, &head->transform.branch_norm);
}

/* GGUF's numbers are those of INLAY_POOLING_; 4 means that the model ranks. */
int32_t inlay__heads_read_pooling(inlay__model *m) {
    enum { RANK = 4 };
    uint32_t type = INLAY_POOLING_MODEL;
    INLAY__TRY(inlay__keys_u32(&m->keys, "pooling_type", false, 0, RANK, &type));
    m->pooling = type < RANK ? (int32_t)type : INLAY_POOLING_MODEL;
    return INLAY_OK;
}

static int32_t read_label_pooling(inlay__model *m) {
    const char *name = "cls";
    INLAY__TRY(inlay__keys_text(&m->keys, "classifier_pooling", false, &name));
    m->label_pooling = strcmp(name, "mean") == 0 ? INLAY_POOLING_MEAN : INLAY_POOLING_FIRST;
    if (m->label_pooling == INLAY_POOLING_MEAN || strcmp(name, "cls") == 0) return INLAY_OK;
    return inlay__keys_refuse(&m->keys, "classifier_pooling", name, "cls, mean");
}

int32_t inlay__heads_load(inlay__model *m, const inlay__heads *heads) {
    size_t n_labels;
    INLAY__TRY(inlay__heads_read_pooling(m));
    INLAY__TRY(read_label_pooling(m));
    if (inlay__load_has(m, "cls.output.weight", 0)) {
        if (m->embd_out.matrix.n_rows > 0) /* labels read whole states */
            return inlay__fail(INLAY_ERR_UNSUPPORTED,
                               "file '%s': has 'cls.output.weight' and '%s.embedding_length_in', which "
                               "this version does not run together",
                               m->keys.name, m->keys.architecture);
        INLAY__TRY(inlay__load_count_rows(m, "cls.output.weight", MAX_LABELS, &n_labels));
        INLAY__TRY(load_transform(m, heads->label_activation, heads->norm, &m->labels));
        return inlay__load_linear(m, "cls.output", 0, n_labels, m->hparams.n_embd, &m->labels.output);
    }
    bool predicts = inlay__load_has(m, "cls.weight", 0) || inlay__load_has(m, "output.weight", 0) ||
                    inlay__load_has(m, "output.bias", 0);
    if (!predicts) return INLAY_OK;
    INLAY__TRY(load_transform(m, heads->token_activation, heads->norm, &m->head));
    return inlay__load_head(m);
}
