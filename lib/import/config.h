/* From config.json to GGUF metadata. */
#ifndef INLAY_CONFIG_H
#define INLAY_CONFIG_H

#include "import/family.h"

/* Finds the family by model_type and translates what its lines say. `name` is the file in messages; `text` is not
 * needed afterwards. Close the config whatever comes back. Errors: _FORMAT, _UNSUPPORTED, _MEMORY. */
int32_t inlay__config_open(const inlay__sys *sys, const char *name, const char *text, size_t size,
                           inlay__gguf_writer *out, inlay__config *config);
void inlay__config_close(inlay__config *config);

#endif
