/* Finding the tensors of a network by name: present, of the shape the hyperparameters say, of a type that runs. */
#ifndef INLAY_LOAD_H
#define INLAY_LOAD_H

#include "model/layers.h"

/* `format` names a tensor, with one %u for the layer. Vectors come as floats; matrices [n_rows, n_k] as the file's
 * rows. The optional one leaves NULL when the tensor is absent. Errors: _FORMAT (missing, or of another shape),
 * _UNSUPPORTED (type), _MEMORY. */
int32_t inlay__load_vector(inlay__model *model, const char *format, size_t layer, size_t n, const float **out);
int32_t inlay__load_vector_optional(inlay__model *model, const char *format, size_t layer, size_t n, const float **out);
/* A table [n_rows, n_k] as floats; and the taps of a convolution, which stand channel by channel in the file, as
 * [n_taps, n_channels]. */
int32_t inlay__load_table(inlay__model *model, const char *format, size_t layer, size_t n_rows, size_t n_k,
                          const float **out);
int32_t inlay__load_taps(inlay__model *model, const char *format, size_t layer, size_t n_taps, size_t n_channels,
                         const float **out);
int32_t inlay__load_matrix(inlay__model *model, const char *format, size_t layer, size_t n_rows, size_t n_k,
                           inlay__matrix *out);
/* How many rows a matrix has, where no hyperparameter says it. Errors: _FORMAT (none, or more than `most`). */
int32_t inlay__load_count_rows(const inlay__model *model, const char *name, size_t most, size_t *n_rows);
/* n_matrices matrices in one tensor [n_matrices, n_rows, n_k]: experts. */
int32_t inlay__load_matrices(inlay__model *model, const char *format, size_t layer, size_t n_matrices, size_t n_rows,
                             size_t n_k, inlay__matrix *out);
/* "NAME.weight" and, where it is there, "NAME.bias". `name` without the ending. */
int32_t inlay__load_linear(inlay__model *model, const char *name, size_t layer, size_t n_rows, size_t n_k,
                           inlay__linear *out);
/* Several linear maps of one input whose rows stand in one tensor, n_rows[i] each. */
int32_t inlay__load_fused(inlay__model *model, const char *name, size_t layer, size_t n, const size_t *n_rows,
                          size_t n_k, inlay__linear *const *out);
/* "NAME.weight" and, of layer norms and where it is there, "NAME.bias". */
int32_t inlay__load_norm(inlay__model *model, const char *name, size_t layer, inlay__norm_kind kind, size_t n,
                         inlay__norm *out);
int32_t inlay__load_norm_optional(inlay__model *model, const char *name, size_t layer, inlay__norm_kind kind, size_t n,
                                  inlay__norm *out);

/* Norms that are loaded from here on have no weights in the file: all are 1. Errors: _MEMORY. */
int32_t inlay__load_no_norm_weights(inlay__model *model);

bool inlay__load_has(const inlay__model *model, const char *format, size_t layer);
/* Whether the file has a tensor, or is of a family that always has it. */
bool inlay__load_expects(const inlay__model *model, const char *format, size_t layer);

/* A tensor is missing, under all the names it has. */
int32_t inlay__load_fail_missing(const inlay__weights *weights, const char *name);

/* An optional tensor that this architecture must have in every layer. Errors: _FORMAT. */
int32_t inlay__load_require(const inlay__model *model, const char *format);
/* A tensor that nobody found is part of a network that is not this one. Errors: _UNSUPPORTED. */
int32_t inlay__load_require_all_used(const inlay__model *model);

/* "token_embd"; and "output", whose matrix is the embedding where the file has none. */
int32_t inlay__load_embedding(inlay__model *model);
int32_t inlay__load_head(inlay__model *model);
/* The two and the norm after a decoder's last layer. */
int32_t inlay__load_ends(inlay__model *model, inlay__norm_kind norm);

#endif
