/* The labels of models that classify. */
#ifndef INLAY_LABELS_H
#define INLAY_LABELS_H

#include "import/family.h"

/* Puts classifier.output_labels, GGUF's key, of id2label, and classifier.problem_type, where the config names a class
 * that classifies. Errors: _FORMAT, _UNSUPPORTED, _MEMORY. */
int32_t inlay__labels_read(inlay__config *config);

/* Whether the class that the config names is one that classifies; `absent` where it names none. */
bool inlay__config_classifies(const inlay__config *config, bool absent);

#endif
