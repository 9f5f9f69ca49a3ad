/* What is missing among a folder's tensors. */
#include "import/tensor_check.h"

#include "base/text.h"
#include "import/labels.h"
#include "import/tensor_map.h"

enum { MAX_MODULES = 128 };

/* The kinds of modules of which some have a bias. */
typedef struct modules {
    inlay__text names[MAX_MODULES];
    size_t n;
} modules;

static bool has_module(const modules *all, inlay__text name) {
    size_t i = 0;
    while (i < all->n && (all->names[i].size != name.size || memcmp(all->names[i].text, name.text, name.size) != 0))
        i++;
    return i < all->n;
}

static bool ends_with(inlay__text name, const char *suffix) {
    size_t n = strlen(suffix);
    return name.size >= n && memcmp(name.text + name.size - n, suffix, n) == 0;
}

static int32_t fail_needed(const inlay__tensor_map *m, const inlay__match *t, const char *name) {
    return inlay__fail(INLAY_ERR_FORMAT,
                       "file '%s': tensor '%s' is missing, though '%s' is there; models of type '%s' have both",
                       t->file, name, t->source->name.text, m->config->family->model_type);
}

/* The bias of a weight, or the other way round, must be there too. */
static int32_t require_partner(const inlay__tensor_map *m, const inlay__match *t, const char *suffix) {
    char partner[INLAY__NAME_SIZE], origin[INLAY__ORIGIN_SIZE];
    uint32_t index;
    inlay__text module = inlay__name_module(m->weights->merged[t->tensor].name);
    inlay__format(partner, sizeof partner, "%.*s%s", (int)module.size, module.text, suffix);
    if (inlay__hash_map_get(&m->weights->by_name, partner, strlen(partner), &index)) return INLAY_OK;
    inlay__text source = inlay__name_module(t->source->name);
    if (ends_with(t->source->name, ".weight") || ends_with(t->source->name, ".bias"))
        inlay__format(origin, sizeof origin, "%.*s%s", (int)source.size, source.text, suffix);
    else
        inlay__tensor_map_origin(m->weights, partner, origin, sizeof origin);
    return fail_needed(m, t, origin);
}

/* Tensors that must be there as another is. */
static int32_t check_needed(const inlay__tensor_map *m) {
    inlay__tensor_line need, line;
    inlay__captured found;
    char name[INLAY__ORIGIN_SIZE], to[INLAY__NAME_SIZE];
    uint32_t index;
    for (const char *table = m->config->family->tensors; inlay__tensor_line_next(&table, &need);) {
        for (size_t i = 0; need.kind == INLAY__TENSOR_needed && i < m->n_matches; i++) {
            const inlay__match *t = &m->matches[i];
            if (!t->used || !inlay__name_matches(need.to, m->weights->merged[t->tensor].name.text, &found)) continue;
            inlay__name_make(need.from, &found, name, sizeof name);
            if (!inlay__name_line(m->config->family, name, &line, &found)) continue;
            inlay__name_make(line.to, &found, to, sizeof to);
            if (!inlay__hash_map_get(&m->weights->by_name, to, strlen(to), &index)) return fail_needed(m, t, name);
        }
    }
    return INLAY_OK;
}

/* A model without a bias that it was trained with is another one: where one block has it, all have. */
static int32_t check_biases(const inlay__tensor_map *m) {
    modules biased = {.n = 0};
    for (size_t i = 0; i < m->n_matches; i++) {
        const inlay__match *t = &m->matches[i];
        if (t->used && biased.n < MAX_MODULES && ends_with(m->weights->merged[t->tensor].name, ".bias") &&
            !has_module(&biased, t->module))
            biased.names[biased.n++] = t->module;
    }
    for (size_t i = 0; i < m->n_matches; i++) {
        const inlay__match *t = &m->matches[i];
        if (!t->used) continue;
        bool is_weight = ends_with(m->weights->merged[t->tensor].name, ".weight");
        if (is_weight && (t->paired || has_module(&biased, t->module))) INLAY__TRY(require_partner(m, t, "bias"));
        if (!is_weight && t->paired) INLAY__TRY(require_partner(m, t, "weight"));
    }
    return INLAY_OK;
}

static bool has_bias(const inlay__tensor_map *m, inlay__text module) {
    char name[INLAY__NAME_SIZE];
    uint32_t index;
    inlay__format(name, sizeof name, "%.*sbias", (int)module.size, module.text);
    return inlay__hash_map_get(&m->weights->by_name, name, strlen(name), &index);
}

/* Biases that the config promises or rules out, by one line of its table. */
static int32_t check_promised(const inlay__tensor_map *m, const inlay__config_line *line) {
    inlay__captured found;
    inlay__text key, pattern = {line->key, strlen(line->key)};
    const inlay__json_node *node = inlay__config_get(m->config, line->from, &key);
    if (node == NULL) return INLAY_OK;
    bool promised = node->kind == INLAY__JSON_TRUE;
    for (size_t i = 0; i < m->n_matches; i++) {
        const inlay__match *t = &m->matches[i];
        inlay__text name = t->used ? m->weights->merged[t->tensor].name : (inlay__text){"", 0};
        if (!inlay__name_matches(pattern, name.text, &found) || strcmp(found.suffix, "weight") != 0) continue;
        if (has_bias(m, inlay__name_module(name)) == promised) continue;
        inlay__text source = inlay__name_module(t->source->name);
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key '%.*s' is %s, but tensor '%.*sbias' is %s",
                           m->config->name, (int)key.size, key.text, promised ? "true" : "false", (int)source.size,
                           source.text, promised ? "missing" : "there");
    }
    return INLAY_OK;
}

static int32_t check_all_promised(const inlay__tensor_map *m) {
    inlay__config_line line;
    for (const char *table = m->config->family->config; inlay__config_line_next(&table, &line);)
        if (line.kind == INLAY__CONFIG_has_bias) INLAY__TRY(check_promised(m, &line));
    return INLAY_OK;
}

/* GPT2LMHeadModel, LlamaForCausalLM, BertForMaskedLM, T5ForConditionalGeneration; but not XLMRobertaModel. */
static bool predicts_tokens(inlay__text architecture) {
    return ends_with(architecture, "LM") || strstr(architecture.text, "LMHead") != NULL ||
           ends_with(architecture, "ForConditionalGeneration");
}

/* Whether the config says that the model is one that predicts tokens by a matrix of its own. */
static bool is_untied(const inlay__config *c, inlay__text *key) {
    const inlay__json_node *tied = inlay__config_get(c, "tie_word_embeddings", key);
    const inlay__json_node *first = inlay__json_at(&c->json, inlay__config_get(c, "architectures", NULL), 0);
    if (tied == NULL || tied->kind != INLAY__JSON_FALSE) return false;
    return first == NULL || first->kind != INLAY__JSON_STRING ||
           predicts_tokens((inlay__text){first->text, first->size});
}

static int32_t check_head(const inlay__tensor_map *m) {
    inlay__tensor_line line;
    inlay__text key;
    uint32_t index;
    if (!is_untied(m->config, &key) || inlay__hash_map_get(&m->weights->by_name, "output.weight", 13, &index))
        return INLAY_OK;
    for (const char *table = m->config->family->tensors; inlay__tensor_line_next(&table, &line);)
        if (line.to.size == 13 && memcmp(line.to.text, "output.weight", 13) == 0)
            return inlay__fail(INLAY_ERR_FORMAT, "file '%s': key '%.*s' is false, but tensor '%.*s' is missing",
                               m->config->name, (int)key.size, key.text, (int)line.from.size, line.from.text);
    return INLAY_OK;
}

int32_t inlay__tensors_check(const inlay__tensor_map *m) {
    INLAY__TRY(check_all_promised(m));
    INLAY__TRY(check_biases(m));
    INLAY__TRY(check_needed(m));
    return check_head(m);
}

int32_t inlay__tensors_check_labels(const inlay__tensor_map *m) {
    static const char output[] = "cls.output.weight";
    char origin[INLAY__ORIGIN_SIZE];
    uint32_t index;
    const inlay__json_node *list = inlay__config_get(m->config, "id2label", NULL);
    if (list == NULL || list->kind != INLAY__JSON_OBJECT || !inlay__config_classifies(m->config, false) ||
        !inlay__hash_map_get(&m->weights->by_name, output, sizeof output - 1, &index))
        return INLAY_OK;
    uint64_t n_rows = m->weights->merged[index].shape[1];
    if (n_rows == list->n_children / 2) return INLAY_OK;
    inlay__tensor_map_origin(m->weights, output, origin, sizeof origin);
    return inlay__fail(INLAY_ERR_FORMAT,
                       "file '%s': key 'id2label' has %u labels, but tensor '%s' has %llu rows, one for each",
                       m->config->name, list->n_children / 2, origin, (unsigned long long)n_rows);
}
