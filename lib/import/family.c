/* All families, and finding one by its model_type. */
#include "import/family.h"

const inlay__family *inlay__family_at(size_t i) {
    const inlay__family *const tables[] = {inlay__families_decoder, inlay__families_encoder, inlay__families_recurrent};
    for (size_t k = 0; k < INLAY__COUNT(tables); k++)
        for (const inlay__family *family = tables[k]; family->model_type != NULL; family++)
            if (i-- == 0) return family;
    return NULL;
}

const inlay__family *inlay__family_find(const char *model_type) {
    const inlay__family *family;
    for (size_t i = 0; (family = inlay__family_at(i)) != NULL; i++)
        if (strcmp(family->model_type, model_type) == 0) return family;
    return NULL;
}
