/* Any bytes as a regular expression: an error, or a grammar that matches the texts that the expression's own automaton
 * does, also within bounds on their length.
 *
 *     least most regex NUL text
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "grammar/ecma_automaton.h"
#include "grammar/regex.h"
#include "support/grammar_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A grammar of the tree's texts between two lengths; false when it is refused. */
static bool compile(grammar_check *check, const inlay__ecma *tree, uint32_t least, uint32_t most) {
    inlay__rules rules;
    inlay__expression e;
    inlay__rules_init(&rules, &inlay__sys_default);
    uint32_t root = inlay__rules_add(&rules, NULL, 0);
    int32_t status = inlay__regex_expression(&rules, tree, false, least, most, &e);
    if (status == INLAY_OK) inlay__rules_set(&rules, root, e);
    if (status == INLAY_OK) status = inlay__grammar_compile(&rules, &check->grammar);
    inlay__rules_free(&rules);
    if (status != INLAY_OK) return false;
    if (inlay__reader_init(&check->reader, &inlay__sys_default, &check->grammar, 2) != INLAY_OK) abort();
    return true;
}

/* Characters of a text, or false when it is not UTF-8. */
static bool count(const uint8_t *text, size_t size, size_t *n) {
    uint32_t code;
    *n = 0;
    for (size_t i = 0, step; i < size; i += step, ++*n)
        if ((step = inlay__utf8_decode(text + i, size - i, &code)) == 0) return false;
    return true;
}

static void compare(const inlay__ecma *tree, inlay__ecma_automaton *a, uint32_t least, uint32_t most,
                    const uint8_t *text, size_t size) {
    grammar_check check;
    size_t n, steps;
    if (!compile(&check, tree, least, most)) return;
    bool expected = count(text, size, &n) && n >= least && n <= most &&
                    inlay__ecma_matches(a, (const char *)text, size, &steps);
    if ((grammar_check_text(&check, (const char *)text, size) == 1) != expected) abort();
    grammar_check_free(&check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    uint32_t least = data[0] & 15, most = least + (data[1] & 15);
    data += 2;
    size -= 2;
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t n_regex = nul != NULL ? (size_t)(nul - data) : size;
    const uint8_t *text = nul != NULL ? nul + 1 : data + size;
    size_t n_text = size - (size_t)(text - data);
    if (n_regex > 256 || n_text > 256) return 0;
    for (int search = 0; search < 2; search++) {
        inlay__ecma tree;
        inlay__ecma_automaton *a = malloc(sizeof *a);
        if (a == NULL) abort();
        inlay__ecma_init(&tree, &inlay__sys_default);
        if (inlay__ecma_parse(&tree, (const char *)data, n_regex) == INLAY_OK &&
            inlay__ecma_resolve(&tree, search) == INLAY_OK && inlay__ecma_automaton_build(a, &tree)) {
            compare(&tree, a, 0, INLAY__RULES_NO_END, text, n_text);
            compare(&tree, a, least, most, text, n_text);
        }
        inlay__ecma_free(&tree);
        free(a);
    }
    return 0;
}
