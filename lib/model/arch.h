/* Architectures: how the metadata and tensors of a file become a network of layers and blocks. */
#ifndef INLAY_ARCH_H
#define INLAY_ARCH_H

#include "model/hparams.h"

struct inlay__model;

/* What the metadata of an architecture need not hold. */
enum { INLAY__LACKS_HEADS = 1, INLAY__LACKS_FF = 2, INLAY__LACKS_CONTEXT = 4 };

typedef struct inlay__arch {
    const char *name; /* general.architecture */
    int32_t (*load)(struct inlay__model *model);
    unsigned lacks; /* INLAY__LACKS_ bits */
} inlay__arch;

/* The table: X(name in files, what its metadata lack). */
#define INLAY__ARCHITECTURES(X) \
    X(llama, 0)          \
    X(qwen2, 0)          \
    X(gemma3, 0)

#define INLAY__DECLARE(name, lacks) int32_t inlay__arch_##name##_load(struct inlay__model *model);
INLAY__ARCHITECTURES(INLAY__DECLARE)

/* NULL when this library does not run it. */
const inlay__arch *inlay__arch_find(const char *name);
/* All names, separated by commas, for messages. */
const char *inlay__arch_names(void);

#endif
