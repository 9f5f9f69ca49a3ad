/* tokenizer.json and the files beside it: fields, lists of steps, post-processors, ids with a role. */
#include "tokenizer/tokenizer_json.h"

/* ------------------------------------------------------------------- fields */

static const char *type_of(const inlay__json_reader *r, const inlay__json_node *node) {
    const inlay__json_node *type = inlay__json_get(r->json, node, "type");
    return type != NULL && type->kind == INLAY__JSON_STRING ? type->text : "";
}

int32_t inlay__json_fail_key(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                             const char *key, const char *expected) {
    const inlay__json_node *value = inlay__json_get(r->json, node, key);
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s '%s': '%s' is %s%s%s, expected %s", r->name, part,
                       type_of(r, node), key,
                       value == NULL         ? "absent"
                       : value->text != NULL ? "'"
                                             : "of another kind",
                       value != NULL && value->text != NULL ? value->text : "",
                       value != NULL && value->text != NULL ? "'" : "", expected);
}

int32_t inlay__json_fail_type(const inlay__json_reader *r, const char *part, const inlay__json_node *node) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': %s is of type '%s', which is not supported", r->name, part,
                       type_of(r, node));
}

int32_t inlay__json_read_bool(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                              const char *key, bool *value) {
    const inlay__json_node *found = inlay__json_get(r->json, node, key);
    if (inlay__json_is_null(found)) return INLAY_OK;
    if (found->kind != INLAY__JSON_TRUE && found->kind != INLAY__JSON_FALSE)
        return inlay__json_fail_key(r, part, node, key, "true or false");
    *value = found->kind == INLAY__JSON_TRUE;
    return INLAY_OK;
}

int32_t inlay__json_read_size(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                              const char *key, size_t *value) {
    const inlay__json_node *found = inlay__json_get(r->json, node, key);
    int64_t number;
    if (inlay__json_is_null(found)) return INLAY_OK;
    if (!inlay__json_i64(found, &number) || number < 0 || number > INT32_MAX)
        return inlay__json_fail_key(r, part, node, key, "an integer from 0 to 2147483647");
    *value = (size_t)number;
    return INLAY_OK;
}

int32_t inlay__json_read_text(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                              const char *key, inlay__text *value) {
    const inlay__json_node *found = inlay__json_get(r->json, node, key);
    if (inlay__json_is_null(found)) return INLAY_OK;
    if (found->kind != INLAY__JSON_STRING) return inlay__json_fail_key(r, part, node, key, "a string");
    *value = inlay__json_text_of(found);
    return INLAY_OK;
}

int32_t inlay__json_keep_text(const inlay__json_reader *r, inlay__text *text) {
    text->text = inlay__arena_text(&r->pipeline->arena, text->text, text->size);
    return text->text != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
}

/* -------------------------------------------------------------------- lists */

static int32_t push(const inlay__sys *sys, inlay__json_list *list, const inlay__json_node *node) {
    void *items = list->items;
    INLAY__TRY(inlay__grow(sys, &items, &list->capacity, list->n + 1, sizeof *list->items));
    list->items = items;
    list->items[list->n++] = node;
    return INLAY_OK;
}

void inlay__json_list_free(const inlay__sys *sys, inlay__json_list *list) {
    inlay__free(sys, list->items, list->capacity * sizeof *list->items);
    *list = (inlay__json_list){0};
}

/* Puts the elements of a sequence onto the stack, the first on top. */
static int32_t push_sequence(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                             const char *key, inlay__json_list *stack) {
    const inlay__json_node *array = inlay__json_get(r->json, node, key);
    if (array == NULL || array->kind != INLAY__JSON_ARRAY) return inlay__json_fail_key(r, part, node, key, "an array");
    const inlay__json_node *element = inlay__json_first(array);
    size_t base = stack->n;
    for (uint32_t i = 0; i < array->n_children; i++, element = inlay__json_next(r->json, element))
        INLAY__TRY(push(r->sys, stack, element));
    for (size_t i = base, j = stack->n; i + 1 < j; i++) {
        const inlay__json_node *swapped = stack->items[i];
        stack->items[i] = stack->items[--j];
        stack->items[j] = swapped;
    }
    return INLAY_OK;
}

static int32_t unfold(const inlay__json_reader *r, const char *part, const char *key, inlay__json_list *stack,
                      inlay__json_list *list) {
    while (stack->n > 0) {
        const inlay__json_node *node = stack->items[--stack->n];
        if (node->kind != INLAY__JSON_OBJECT)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': a step of %s is not an object", r->name, part);
        if (inlay__json_equals(inlay__json_get(r->json, node, "type"), "Sequence"))
            INLAY__TRY(push_sequence(r, part, node, key, stack));
        else
            INLAY__TRY(push(r->sys, list, node));
    }
    return INLAY_OK;
}

int32_t inlay__json_list_steps(const inlay__json_reader *r, const char *part, const inlay__json_node *root,
                               const char *key, inlay__json_list *list) {
    inlay__json_list stack = {0};
    *list = (inlay__json_list){0};
    if (inlay__json_is_null(root)) return INLAY_OK;
    int32_t status = push(r->sys, &stack, root);
    if (status == INLAY_OK) status = unfold(r, part, key, &stack, list);
    inlay__json_list_free(r->sys, &stack);
    return status;
}

/* ---------------------------------------------------------- post-processors */

static const char PROCESSOR[] = "post_processor";

/* Ids being put around a text: later processors go around what earlier ones put. */
typedef struct around {
    const inlay__json_reader *r;
    int32_t *before, *after; /* [n], before in reverse */
    size_t n_before, n_after, before_capacity, after_capacity;
} around;

static int32_t put_id(around *a, const inlay__json_node *node, int64_t id, bool after) {
    void *ids = after ? a->after : a->before;
    size_t *n = after ? &a->n_after : &a->n_before, *capacity = after ? &a->after_capacity : &a->before_capacity;
    if (id < 0 || (uint64_t)id >= a->r->vocab->n_tokens)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': %s '%s' puts token %lld, and the vocabulary has tokens 0 to %zu", a->r->name,
                           PROCESSOR, type_of(a->r, node), (long long)id, a->r->vocab->n_tokens - 1);
    INLAY__TRY(inlay__grow(a->r->sys, &ids, capacity, *n + 1, sizeof *a->after));
    if (after)
        a->after = ids;
    else
        a->before = ids;
    ((int32_t *)ids)[(*n)++] = (int32_t)id;
    return INLAY_OK;
}

/* "sep": ["[SEP]", 102] */
static int32_t put_pair(around *a, const inlay__json_node *node, const char *key, bool after) {
    int64_t id;
    if (!inlay__json_i64(inlay__json_at(a->r->json, inlay__json_get(a->r->json, node, key), 1), &id))
        return inlay__json_fail_key(a->r, PROCESSOR, node, key, "a text and an id");
    return put_id(a, node, id, after);
}

/* The ids of a special token of a template; `reverse` for those before the text. */
static int32_t put_special(around *a, const inlay__json_node *node, const inlay__json_node *item, bool after) {
    const inlay__json *json = a->r->json;
    const inlay__json_node *name = inlay__json_get(json, item, "id");
    const inlay__json_node *tokens = inlay__json_get(json, node, "special_tokens");
    if (name == NULL || name->kind != INLAY__JSON_STRING)
        return inlay__json_fail_key(a->r, PROCESSOR, node, "single", "special tokens with an 'id'");
    const inlay__json_node *ids = inlay__json_get(json, inlay__json_get(json, tokens, name->text), "ids");
    if (ids == NULL || ids->kind != INLAY__JSON_ARRAY)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s: 'special_tokens' has no 'ids' for '%s'", a->r->name,
                           PROCESSOR, name->text);
    for (uint32_t i = 0; i < ids->n_children; i++) {
        int64_t id;
        uint32_t at = after ? i : ids->n_children - 1 - i;
        if (!inlay__json_i64(inlay__json_at(json, ids, at), &id)) id = -1;
        INLAY__TRY(put_id(a, node, id, after));
    }
    return INLAY_OK;
}

static int32_t put_template(around *a, const inlay__json_node *node) {
    const inlay__json *json = a->r->json;
    const inlay__json_node *single = inlay__json_get(json, node, "single");
    uint32_t n = single != NULL && single->kind == INLAY__JSON_ARRAY ? single->n_children : 0, text = n;
    for (uint32_t i = 0; i < n; i++) {
        if (inlay__json_get(json, inlay__json_at(json, single, i), "Sequence") == NULL) continue;
        if (text != n) return inlay__json_fail_key(a->r, PROCESSOR, node, "single", "the text once");
        text = i;
    }
    if (text == n) return inlay__json_fail_key(a->r, PROCESSOR, node, "single", "an array with the text in it");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i < text ? text - 1 - i : i;
        const inlay__json_node *item = inlay__json_get(json, inlay__json_at(json, single, at), "SpecialToken");
        if (at == text) continue;
        if (item == NULL) return inlay__json_fail_key(a->r, PROCESSOR, node, "single", "special tokens and the text");
        INLAY__TRY(put_special(a, node, item, at > text));
    }
    return INLAY_OK;
}

static int32_t put_processor(around *a, const inlay__json_node *node) {
    const inlay__json_node *type = inlay__json_get(a->r->json, node, "type");
    if (inlay__json_equals(type, "ByteLevel")) return INLAY_OK; /* about offsets only */
    if (inlay__json_equals(type, "TemplateProcessing")) return put_template(a, node);
    if (!inlay__json_equals(type, "BertProcessing") && !inlay__json_equals(type, "RobertaProcessing"))
        return inlay__json_fail_type(a->r, PROCESSOR, node);
    INLAY__TRY(put_pair(a, node, "cls", false));
    return put_pair(a, node, "sep", true);
}

static int32_t keep_around(const around *a) {
    inlay__pipeline *p = a->r->pipeline;
    p->before = inlay__arena_alloc(&p->arena, a->n_before, sizeof *p->before);
    p->after = inlay__arena_alloc(&p->arena, a->n_after, sizeof *p->after);
    if (p->before == NULL || p->after == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < a->n_before; i++) p->before[i] = a->before[a->n_before - 1 - i];
    if (a->n_after > 0) memcpy(p->after, a->after, a->n_after * sizeof *p->after);
    p->n_before = a->n_before;
    p->n_after = a->n_after;
    return INLAY_OK;
}

/* Where the file has no post-processor, the configuration may ask for BOS and EOS. */
static int32_t put_roles(around *a) {
    const inlay__json_node *config = a->r->config != NULL ? a->r->config->nodes : NULL;
    const inlay__special_tokens *special = &a->r->vocab->special;
    if (config == NULL) return INLAY_OK;
    const inlay__json_node *bos = inlay__json_get(a->r->config, config, "add_bos_token");
    const inlay__json_node *eos = inlay__json_get(a->r->config, config, "add_eos_token");
    if (bos != NULL && bos->kind == INLAY__JSON_TRUE && special->bos >= 0)
        INLAY__TRY(put_id(a, config, special->bos, false));
    if (eos != NULL && eos->kind == INLAY__JSON_TRUE && special->eos >= 0)
        INLAY__TRY(put_id(a, config, special->eos, true));
    return INLAY_OK;
}

static int32_t put_all(around *a, const inlay__json_list *list) {
    for (size_t i = 0; i < list->n; i++) INLAY__TRY(put_processor(a, list->items[i]));
    if (list->n == 0) INLAY__TRY(put_roles(a));
    return keep_around(a);
}

int32_t inlay__json_read_processors(const inlay__json_reader *r) {
    inlay__json_list list;
    around a = {.r = r};
    int32_t status =
        inlay__json_list_steps(r, PROCESSOR, inlay__json_get(r->json, r->json->nodes, PROCESSOR), "processors", &list);
    if (status == INLAY_OK) status = put_all(&a, &list);
    inlay__json_list_free(r->sys, &list);
    inlay__free(r->sys, a.before, a.before_capacity * sizeof *a.before);
    inlay__free(r->sys, a.after, a.after_capacity * sizeof *a.after);
    return status;
}

/* -------------------------------------------------------------------- roles */

/* The token of a role, "bos_token": a text, or an object with its "content". A text that is no token has no role. */
static void read_role(const inlay__json_reader *r, const inlay__json *json, const char *key, int32_t *id) {
    if (json == NULL || *id >= 0) return;
    const inlay__json_node *value = inlay__json_get(json, json->nodes, key);
    if (value != NULL && value->kind == INLAY__JSON_OBJECT) value = inlay__json_get(json, value, "content");
    if (value != NULL && value->kind == INLAY__JSON_STRING) inlay__vocab_find(r->vocab, value->text, value->size, id);
}

int32_t inlay__json_read_roles(const inlay__json_reader *r) {
    inlay__special_tokens *special = &r->vocab->special;
    const inlay__json *files[] = {r->config, r->map};
    for (size_t i = 0; i < INLAY__COUNT(files); i++) {
        read_role(r, files[i], "bos_token", &special->bos);
        read_role(r, files[i], "eos_token", &special->eos);
        read_role(r, files[i], "unk_token", &special->unknown);
        read_role(r, files[i], "pad_token", &special->pad);
        /* BERT and its kin name them so. */
        read_role(r, files[i], "cls_token", &special->bos);
        read_role(r, files[i], "sep_token", &special->eos);
    }
    if (special->unknown < 0) special->unknown = r->pipeline->lexicon.unknown;
    if (special->unknown >= 0) r->vocab->flags[special->unknown] |= INLAY_TOKEN_UNKNOWN;
    if (special->eos >= 0) r->vocab->flags[special->eos] |= INLAY_TOKEN_END;
    return INLAY_OK;
}
