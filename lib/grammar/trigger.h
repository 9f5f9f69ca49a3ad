/* A grammar that waits: any text, until one of some texts or tokens has come; from there on, what the rules say. */
#ifndef INLAY_TRIGGER_H
#define INLAY_TRIGGER_H

#include "format/tensor.h"
#include "grammar/rules.h"

enum { INLAY__MOST_TRIGGER_BYTES = 4096 };

typedef struct inlay__triggers {
    const inlay__text *texts; /* [n_texts] none empty, at most INLAY__MOST_TRIGGER_BYTES together */
    size_t n_texts;
    const int32_t *tokens; /* [n_tokens] that stand for no text */
    size_t n_tokens;
} inlay__triggers;

/* Makes rules, with what was rule 0 behind a trigger, the text before which may end anywhere. Errors:
 * INLAY_ERR_UNSUPPORTED (too many bytes), INLAY_ERR_MEMORY. */
int32_t inlay__trigger_rules(inlay__rules *rules, const inlay__triggers *triggers);

#endif
