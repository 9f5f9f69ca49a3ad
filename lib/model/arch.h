/* Architectures: how the metadata and tensors of a file become a network of layers and blocks. */
#ifndef INLAY_ARCH_H
#define INLAY_ARCH_H

#include "model/hparams.h"

struct inlay__model;

/* What the metadata of an architecture need not hold. */
enum {
    INLAY__LACKS_HEADS = 1,
    INLAY__LACKS_FF = 2,
    INLAY__LACKS_CONTEXT = 4,
    INLAY__LACKS_SOME_HEADS = 8, /* layers with 0 key/value heads do not attend */
    INLAY__LACKS_LAYERS = 16     /* and an embedding: n-grams */
};

typedef struct inlay__arch {
    const char *name; /* general.architecture */
    int32_t (*load)(struct inlay__model *model);
    unsigned lacks; /* INLAY__LACKS_ bits */
} inlay__arch;

/* The table: X(its function, its name in files, what its metadata lack). */
#define INLAY__ARCHITECTURES(X) \
    X(llama, "llama", 0)        \
    X(qwen2, "qwen2", 0)        \
    X(qwen3, "qwen3", 0)        \
    X(qwen3moe, "qwen3moe", 0)  \
    X(gemma2, "gemma2", 0)      \
    X(gemma3, "gemma3", 0)      \
    X(phi3, "phi3", 0)          \
    X(olmo2, "olmo2", 0)        \
    X(granite, "granite", 0)    \
    X(smollm3, "smollm3", 0)    \
    X(gpt, "openai-gpt", 0)     \
    X(gpt2, "gpt2", 0)          \
    X(gptneox, "gptneox", 0)    \
    X(opt, "opt", 0)            \
    X(bloom, "bloom", 0)        \
    X(falcon, "falcon", 0)      \
    X(bert, "bert", 0)          \
    X(modernbert, "modern-bert", 0) \
    X(t5, "t5", 0)              \
    X(bart, "bart", 0)          \
    X(lfm2, "lfm2", INLAY__LACKS_SOME_HEADS) \
    X(mamba, "mamba", INLAY__LACKS_HEADS | INLAY__LACKS_FF) \
    X(mamba2, "mamba2", INLAY__LACKS_HEADS | INLAY__LACKS_FF) \
    X(recurrentgemma, "recurrentgemma", 0) \
    X(rwkv4, "rwkv4", INLAY__LACKS_HEADS) \
    X(lstm, "lstm", INLAY__LACKS_HEADS | INLAY__LACKS_FF) \
    X(ngram, "ngram", INLAY__LACKS_HEADS | INLAY__LACKS_FF | INLAY__LACKS_CONTEXT | INLAY__LACKS_LAYERS)

#define INLAY__DECLARE(function, name, lacks) int32_t inlay__arch_##function##_load(struct inlay__model *model);
INLAY__ARCHITECTURES(INLAY__DECLARE)

/* NULL when this library does not run it. */
const inlay__arch *inlay__arch_find(const char *name);
/* All names, separated by commas, for messages. */
const char *inlay__arch_names(void);

#endif
