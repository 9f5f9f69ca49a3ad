/* Finds lines of tables by names, and names by lines. */
#include "import/tensor_name.h"

#include "base/text.h"
#include "import/tensor_map.h"

enum { MAX_DIGITS = 6 };

/* A decimal without leading zeros; moves behind it. */
static bool take_number(const char **p, uint32_t *value) {
    const char *begin = *p;
    *value = 0;
    while (**p >= '0' && **p <= '9' && *p - begin < MAX_DIGITS)
        *value = *value * 10 + (uint32_t)(*(*p)++ - '0');
    return *p > begin && (*begin != '0' || *p == begin + 1) && !(**p >= '0' && **p <= '9');
}

bool inlay__name_matches(inlay__text pattern, const char *name, inlay__captured *found) {
    *found = (inlay__captured){.suffix = ""};
    bool any = pattern.size > 0 && (pattern.text[pattern.size - 1] == '*' || pattern.text[pattern.size - 1] == '+');
    for (size_t i = 0; i + any < pattern.size; i++) {
        if (pattern.text[i] == '%') {
            if (found->n_numbers == 2 || !take_number(&name, &found->numbers[found->n_numbers++])) return false;
        } else if (pattern.text[i] != *name++) {
            return false;
        }
    }
    found->suffix = name;
    return any ? strcmp(name, "weight") == 0 || strcmp(name, "bias") == 0 : *name == '\0';
}

void inlay__name_make(inlay__text pattern, const inlay__captured *found, char *name, size_t capacity) {
    size_t n = 0, n_numbers = 0;
    for (size_t i = 0; i < pattern.size && n + 12 < capacity; i++) {
        char c = pattern.text[i];
        if (c == '%' && n_numbers < found->n_numbers)
            n += inlay__format(name + n, capacity - n, "%u", found->numbers[n_numbers++]);
        else if (c == '*' || c == '+')
            n += inlay__format(name + n, capacity - n, "%s", found->suffix);
        else
            name[n++] = c == '%' ? '*' : c;
    }
    name[n] = '\0';
}

bool inlay__name_line(const inlay__family *family, const char *name, inlay__tensor_line *line, inlay__captured *found) {
    size_t n_prefix = strlen(family->prefix);
    bool prefixed = n_prefix > 0 && strncmp(name, family->prefix, n_prefix) == 0;
    for (const char *table = family->tensors; inlay__tensor_line_next(&table, line);)
        if (line->kind != INLAY__TENSOR_needed &&
            (inlay__name_matches(line->from, name, found) ||
             (prefixed && inlay__name_matches(line->from, name + n_prefix, found))))
            return true;
    return false;
}

bool inlay__name_is_there(const inlay__weights *w, inlay__text name) {
    for (size_t p = 0; p < w->n_parts; p++)
        for (size_t i = 0; i < w->parts[p].safetensors.n_tensors; i++) {
            inlay__text found = w->parts[p].safetensors.tensors[i].name;
            if (found.size >= name.size && memcmp(found.text + found.size - name.size, name.text, name.size) == 0)
                return true;
        }
    return false;
}

inlay__text inlay__name_module(inlay__text name) {
    while (name.size > 0 && name.text[name.size - 1] != '.')
        name.size--;
    return name;
}

/* What the folder calls a tensor: of several lines the one of which there is a tensor. */
void inlay__tensor_map_origin(const inlay__weights *weights, const char *name, char *text, size_t capacity) {
    inlay__tensor_line line;
    inlay__captured found;
    char first[INLAY__ORIGIN_SIZE] = "";
    for (const char *table = weights->family->tensors; inlay__tensor_line_next(&table, &line);) {
        if (line.kind == INLAY__TENSOR_needed || !inlay__name_matches(line.to, name, &found)) continue;
        inlay__name_make(line.from, &found, text, capacity);
        if (inlay__name_is_there(weights, (inlay__text){text, strlen(text)})) return;
        if (first[0] == '\0') inlay__format(first, sizeof first, "%s", text);
    }
    inlay__format(text, capacity, "%s", first);
}
