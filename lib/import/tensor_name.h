/* Names of tensors by the lines of a family's table: what a folder calls them and what GGUF does. */
#ifndef INLAY_TENSOR_NAME_H
#define INLAY_TENSOR_NAME_H

#include "format/weights.h"
#include "import/family.h"

enum { INLAY__NAME_SIZE = 64 }; /* of GGUF's names, with a NUL */

/* What % and * of a line stand for in a name. */
typedef struct inlay__captured {
    uint32_t numbers[2];
    size_t n_numbers;
    const char *suffix;
} inlay__captured;

bool inlay__name_matches(inlay__text pattern, const char *name, inlay__captured *found);
/* The name of a pattern with what was captured by another, which may know nothing of experts. */
void inlay__name_make(inlay__text pattern, const inlay__captured *found, char *name, size_t capacity);
/* The first line for a name of a folder, with or without the family's prefix. */
bool inlay__name_line(const inlay__family *family, const char *name, inlay__tensor_line *line, inlay__captured *found);
/* A name without what follows its last dot. */
inlay__text inlay__name_module(inlay__text name);
/* Whether a file has a tensor of this name, with whatever in front of it. */
bool inlay__name_is_there(const inlay__weights *weights, inlay__text name);

#endif
