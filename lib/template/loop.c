/* What `loop` tells inside a for loop. */
#include "functions.h"

int32_t inlay__loop_attribute(inlay__machine *m, inlay__loop *loop, const inlay__string *name, inlay__value *result) {
    int64_t index = (int64_t)loop->n_entered, past = (int64_t)loop->list->n - (int64_t)loop->next;
    const struct {
        const char *name;
        inlay__value value;
    } attributes[] = {
        {"index", inlay__int(index)},
        {"index0", inlay__int(index - 1)},
        {"first", inlay__bool(index == 1)},
        {"last", inlay__bool(past == 0)},
        {"length", inlay__int(index + past)},
        {"revindex", inlay__int(past + 1)},
        {"revindex0", inlay__int(past)},
        {"previtem", loop->previous},
        {"nextitem", past > 0 ? loop->list->items[loop->next] : inlay__undefined(NULL)},
        {"depth", inlay__int((int64_t)loop->depth)},
        {"depth0", inlay__int((int64_t)loop->depth - 1)},
    };
    (void)m;
    *result = inlay__undefined(name);
    for (size_t i = 0; i < INLAY__COUNT(attributes); i++)
        if (inlay__string_is(name, attributes[i].name)) *result = attributes[i].value;
    return INLAY_OK;
}
