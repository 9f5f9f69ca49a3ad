/* The normal forms of Unicode (Annex 15): characters decomposed, marks in their order, and composed again. */
#ifndef INLAY_NORMAL_FORM_H
#define INLAY_NORMAL_FORM_H

#include "tokenizer/passage.h"

typedef enum inlay__normal_form { INLAY__NFC, INLAY__NFD, INLAY__NFKC, INLAY__NFKD } inlay__normal_form;

/* Appends `in` in a form to `out`. Linear in the text, but for runs of marks, which are sorted. */
int32_t inlay__normal_form_put(inlay__normal_form form, const inlay__passage *in, inlay__passage *out);

#endif
