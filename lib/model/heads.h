/* What encoders make of their states: the token behind a mask, or labels of a sequence. */
#ifndef INLAY_HEADS_H
#define INLAY_HEADS_H

#include "model/layers.h"

typedef struct inlay__heads {
    inlay__activation token_activation; /* of the transform before tokens are predicted */
    inlay__activation label_activation; /* and before labels are */
    inlay__norm_kind norm;              /* of transforms, where the file has one */
} inlay__heads;

/* "cls", "cls.norm" and, of models that classify, "cls.output", else "output"; or none of them. */
int32_t inlay__heads_load(inlay__model *model, const inlay__heads *heads);

/* How a model makes one vector of many, as its metadata say: model->pooling. */
int32_t inlay__heads_read_pooling(inlay__model *model);

#endif
