/* The table of architectures. A new one is a file arch_NAME.c and a line here. */
#include "model/layers.h"

#define ARCHITECTURES(X) \
    X(llama)             \
    X(qwen2)             \
    X(gemma3)

#define ENTRY(name) {#name, inlay__arch_##name##_load},
static const inlay__arch architectures[] = {ARCHITECTURES(ENTRY)};

const inlay__arch *inlay__arch_find(const char *name) {
    for (size_t i = 0; i < INLAY__COUNT(architectures); i++)
        if (strcmp(architectures[i].name, name) == 0) return &architectures[i];
    return NULL;
}

#define NAME(name) ", " #name
const char *inlay__arch_names(void) { return &ARCHITECTURES(NAME)[2]; }
