/* JSON text as values. The reader's flat nodes are walked with a stack of what is open. */
#include "base/json.h"
#include "base/text.h"
#include "machine.h"

typedef struct open_node {
    inlay__value *items; /* where its children go */
    size_t n, done;
    bool is_dict;
    inlay__value *at;    /* where it goes itself */
} open_node;

static int32_t read_number(inlay__machine *m, const inlay__json_node *node, inlay__value *v) {
    int64_t integer;
    double number = 0;
    bool is_float = memchr(node->text, '.', node->size) != NULL || memchr(node->text, 'e', node->size) != NULL ||
                    memchr(node->text, 'E', node->size) != NULL;
    if (!is_float && inlay__json_i64(node, &integer)) {
        *v = inlay__int(integer);
    } else if (!is_float) {
        const inlay__string *digits = inlay__string_copy(&m->heap, node->text, node->size);
        if (digits == NULL) return inlay__no_memory(m);
        *v = (inlay__value){.kind = INLAY__V_DIGITS, .of.string = digits};
    } else if (inlay__json_f64(node, &number)) {
        *v = inlay__float(number);
    } else { /* too large, which Python reads as infinite */
        uint64_t bits = (uint64_t)0x7ff << 52 | (uint64_t)(node->text[0] == '-') << 63;
        memcpy(&number, &bits, sizeof number);
        *v = inlay__float(number);
    }
    return INLAY_OK;
}

static int32_t read_string(inlay__machine *m, const inlay__json_node *node, inlay__value *v) {
    inlay__string *s = (inlay__string *)inlay__string_copy(&m->heap, node->text, node->size);
    if (s == NULL) return inlay__no_memory(m);
    s->origin = s->size > 0 ? INLAY__FROM_DATA : INLAY__FROM_TEMPLATE;
    *v = inlay__string_value(s);
    return INLAY_OK;
}

static int32_t read_node(inlay__machine *m, const inlay__json_node *node, inlay__value *v) {
    switch (node->kind) {
    case INLAY__JSON_NULL: *v = inlay__none(); return INLAY_OK;
    case INLAY__JSON_FALSE:
    case INLAY__JSON_TRUE: *v = inlay__bool(node->kind == INLAY__JSON_TRUE); return INLAY_OK;
    case INLAY__JSON_NUMBER: return read_number(m, node, v);
    default: return read_string(m, node, v);
    }
}

static int32_t close_node(inlay__machine *m, const open_node *open) {
    if (open->is_dict) return inlay__dict_new(m, open->items, open->n / 2, open->at);
    inlay__list *list = inlay__heap_take(&m->heap, sizeof *list);
    if (list == NULL) return inlay__no_memory(m);
    *list = (inlay__list){.items = open->items, .n = open->n};
    *open->at = inlay__list_value(INLAY__V_LIST, list);
    return INLAY_OK;
}

static int32_t read_nodes(inlay__machine *m, const inlay__json *json, open_node *stack, inlay__value *result) {
    size_t depth = 0;
    inlay__value *at = result;
    for (size_t i = 0; i < json->n_nodes; i++) {
        const inlay__json_node *node = &json->nodes[i];
        if (depth > 0) at = &stack[depth - 1].items[stack[depth - 1].done++];
        if (node->kind == INLAY__JSON_ARRAY || node->kind == INLAY__JSON_OBJECT) {
            inlay__value *items = inlay__heap_take_array(&m->heap, node->n_children, sizeof *items);
            if (items == NULL) return inlay__no_memory(m);
            stack[depth++] = (open_node){items, node->n_children, 0, node->kind == INLAY__JSON_OBJECT, at};
        } else {
            INLAY__TRY(read_node(m, node, at));
        }
        while (depth > 0 && stack[depth - 1].done == stack[depth - 1].n) INLAY__TRY(close_node(m, &stack[--depth]));
    }
    return INLAY_OK;
}

int32_t inlay__read_json(inlay__machine *m, const char *what, const char *text, size_t size, inlay__value *result) {
    inlay__json json;
    m->heap.limit += inlay__min_size(size, INT32_MAX) * 48;
    m->fuel += (int64_t)inlay__min_size(size, INT32_MAX) / 16;
    open_node *stack = inlay__heap_take_array(&m->heap, INLAY__JSON_MAX_DEPTH + 1, sizeof *stack);
    if (stack == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__json_parse(m->sys, what, text, size, &json));
    int32_t status = read_nodes(m, &json, stack, result);
    inlay__json_free(m->sys, &json);
    return status;
}
