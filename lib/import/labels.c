/* Reads id2label and problem_type of config.json. */
#include "import/labels.h"

#include "base/text.h"

enum { MAX_LABELS = 1 << 16 };

bool inlay__config_classifies(const inlay__config *c, bool absent) {
    const inlay__json_node *first = inlay__json_at(&c->json, inlay__config_get(c, "architectures", NULL), 0);
    if (first == NULL) return absent;
    return first->kind == INLAY__JSON_STRING && strstr(first->text, "Classification") != NULL;
}

/* `labels` [n] of pairs "number": "label" in any order. */
static int32_t read_labels(const inlay__config *c, const inlay__json_node *list, inlay__text *labels, size_t n) {
    const inlay__json_node *number = inlay__json_first(list);
    for (size_t i = 0; i < n; i++) {
        int64_t id;
        const inlay__json_node *label = inlay__json_next(&c->json, number);
        if (!inlay__parse_i64(number->text, number->size, &id) || id < 0 || (uint64_t)id >= n ||
            labels[id].text != NULL || label->kind != INLAY__JSON_STRING)
            return inlay__fail(INLAY_ERR_FORMAT,
                               "file '%s': key 'id2label' does not give a text to each number from 0 to %zu", c->name,
                               n - 1);
        labels[id] = (inlay__text){label->text, label->size};
        number = inlay__json_next(&c->json, label);
    }
    return INLAY_OK;
}

static int32_t put_labels(inlay__config *c, const inlay__json_node *list, inlay__text key) {
    char full[128];
    size_t n = list->kind == INLAY__JSON_OBJECT ? list->n_children / 2 : 0;
    if (n == 0 || n > MAX_LABELS)
        return inlay__config_fail(c, INLAY_ERR_FORMAT, key, list, "an object of labels by their numbers");
    inlay__text *labels = inlay__alloc_array(c->sys, n, sizeof *labels);
    if (labels == NULL) return INLAY_ERR_MEMORY;
    int32_t status = read_labels(c, list, labels, n);
    inlay__format(full, sizeof full, "%s.classifier.output_labels", c->family->architecture);
    if (status == INLAY_OK) inlay__gguf_put_strings(c->out, full, labels, n);
    inlay__free(c->sys, labels, n * sizeof *labels);
    return status;
}

int32_t inlay__labels_read(inlay__config *c) {
    static const char *const problems[] = {"regression", "single_label_classification", "multi_label_classification"};
    inlay__text key;
    if (!inlay__config_classifies(c, false)) return INLAY_OK;
    const inlay__json_node *list = inlay__config_get(c, "id2label", &key);
    if (list != NULL) INLAY__TRY(put_labels(c, list, key));
    const inlay__json_node *problem = inlay__config_get(c, "problem_type", &key);
    if (problem == NULL) return INLAY_OK;
    for (size_t i = 0; i < INLAY__COUNT(problems); i++) {
        if (!inlay__json_equals(problem, problems[i])) continue;
        inlay__config_put_string(c, "classifier.problem_type", problems[i]);
        return INLAY_OK;
    }
    return inlay__config_fail(c, INLAY_ERR_UNSUPPORTED, key, problem,
                              "regression, single_label_classification or multi_label_classification");
}
