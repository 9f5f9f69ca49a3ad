/* Any bytes as JSON: an error, or a flat tree whose every node can be walked to. */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    inlay__json json;
    if (inlay__json_parse(&inlay__sys_default, "fuzz", (const char *)data, size, &json) != INLAY_OK) return 0;
    size_t n_values = 0;
    for (size_t i = 0; i < json.n_nodes; i++) {
        const inlay__json_node *node = &json.nodes[i];
        int64_t integer;
        double number;
        if (node->next <= i || node->next > json.n_nodes) abort();
        if (node->text != NULL && node->text[node->size] != '\0') abort();
        inlay__json_i64(node, &integer);
        inlay__json_f64(node, &number);
        n_values += node->n_children;
    }
    if (n_values + 1 != json.n_nodes) abort();
    inlay__json_get(&json, json.nodes, "a");
    inlay__json_free(&inlay__sys_default, &json);
    return 0;
}
