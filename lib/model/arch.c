/* The table of architectures. A new one is a file arch_NAME.c and a line in arch.h. */
#include "model/arch.h"

#define ENTRY(function, name, lacks) {name, inlay__arch_##function##_load, lacks},
static const inlay__arch architectures[] = {INLAY__ARCHITECTURES(ENTRY)};

const inlay__arch *inlay__arch_find(const char *name) {
    for (size_t i = 0; i < INLAY__COUNT(architectures); i++)
        if (strcmp(architectures[i].name, name) == 0) return &architectures[i];
    return NULL;
}

#define NAME(function, name, lacks) ", " name
const char *inlay__arch_names(void) { return &INLAY__ARCHITECTURES(NAME)[2]; }
