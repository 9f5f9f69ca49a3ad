/* All families, finding one by its model_type, and reading the lines of its tables. */
#include "import/family.h"

#include "base/text.h"

#define NAME(name) #name,
static const char *const tensor_kinds[] = {INLAY__TENSOR_KINDS(NAME)};
static const char *const config_kinds[] = {INLAY__CONFIG_KINDS(NAME)};

const inlay__family *inlay__family_at(size_t i) {
    const inlay__family *const tables[] = {inlay__families_decoder, inlay__families_encoder, inlay__families_recurrent};
    for (size_t k = 0; k < INLAY__COUNT(tables); k++)
        for (const inlay__family *family = tables[k]; family->model_type != NULL; family++)
            if (i-- == 0) return family;
    return NULL;
}

const inlay__family *inlay__family_find(const char *model_type) {
    const inlay__family *family;
    for (size_t i = 0; (family = inlay__family_at(i)) != NULL; i++)
        if (strcmp(family->model_type, model_type) == 0) return family;
    return NULL;
}

/* The next word of a line, empty at its end. */
static inlay__text take_word(const char **at) {
    while (**at == ' ') ++*at;
    inlay__text word = {*at, strcspn(*at, " \n")};
    *at += word.size;
    return word;
}

static size_t find_kind(inlay__text word, const char *const *kinds, size_t n) {
    size_t i = 0;
    while (i < n && (strlen(kinds[i]) != word.size || memcmp(kinds[i], word.text, word.size) != 0)) i++;
    return i;
}

static void end_line(const char **at) {
    *at += strcspn(*at, "\n");
    *at += **at == '\n';
}

bool inlay__tensor_line_next(const char **table, inlay__tensor_line *line) {
    if (**table == '\0') return false;
    line->from = take_word(table);
    line->to = take_word(table);
    inlay__text kind = take_word(table);
    line->kind = kind.size > 0 ? (inlay__tensor_kind)find_kind(kind, tensor_kinds, INLAY__N_TENSOR_KINDS)
                               : INLAY__TENSOR_as_it_is;
    end_line(table);
    return true;
}

bool inlay__config_line_next(const char **table, inlay__config_line *line) {
    char *const fields[] = {line->key, NULL, line->from, line->absent};
    if (**table == '\0') return false;
    for (size_t i = 0; i < INLAY__COUNT(fields); i++) {
        inlay__text word = take_word(table);
        if (fields[i] != NULL)
            inlay__format(fields[i], INLAY__CONFIG_FIELD, "%.*s", (int)word.size, word.text);
        else
            line->kind = (inlay__config_kind)find_kind(word, config_kinds, INLAY__N_CONFIG_KINDS);
    }
    end_line(table);
    return true;
}
