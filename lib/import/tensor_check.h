/* Whether the tensors of a folder are all that there should be: what is missing, and what its config contradicts. */
#ifndef INLAY_TENSOR_CHECK_H
#define INLAY_TENSOR_CHECK_H

#include "import/tensor_name.h"

/* What became of one tensor of the files. */
typedef struct inlay__match {
    bool used;
    bool paired;                    /* a weight that is never without its bias, nor the other way round */
    inlay__tensor_kind kind;
    const char *line;               /* where it begins in the family's table */
    inlay__text module;             /* of its line: TO without the suffix */
    const char *file;               /* that it is in */
    const inlay__safetensor *source;
    uint32_t tensor;                /* in the table */
    uint32_t expert;                /* place among those stacked */
} inlay__match;

/* All of them, on their way into the table. */
typedef struct inlay__tensor_map {
    const inlay__config *config;
    inlay__weights *weights;
    inlay__match *matches;                 /* [n_matches] all tensors of all files */
    size_t n_matches;
    size_t n_tensors;               /* of the table, so far */
    bool head_is_embedding;         /* the files have the head of a tied pair, in place of the embedding */
} inlay__tensor_map;

/* Every tensor of the files has its place in the table. Errors: _FORMAT, which name the key, or the tensor. */
int32_t inlay__tensors_check(const inlay__tensor_map *map);
/* Their shapes are known, too. Errors: _FORMAT. */
int32_t inlay__tensors_check_labels(const inlay__tensor_map *map);

#endif
