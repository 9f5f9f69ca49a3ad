/* Any bytes as a grammar of llama.cpp's form, and as a text that is read by it: an error or a result, soon. */
#include <stddef.h>
#include <stdint.h>

#include "grammar/gbnf.h"
#include "grammar/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool find_token(const void *user, const char *text, size_t size, int32_t *token) {
    (void)user;
    *token = (int32_t)size;
    return text[0] != 'n';
}

/* Reads the grammar's own bytes, as far as they match; then takes the state up again from its bytes. */
static void read_text(const inlay__grammar *grammar, const uint8_t *text, size_t size) {
    static uint8_t saved[1 << 16];
    inlay__reader r;
    int32_t status = inlay__reader_init(&r, &inlay__sys_default, grammar, 2);
    for (size_t i = 0; i < size && status == INLAY_OK; i++) {
        status = inlay__reader_step(&r, INLAY__ROOT_NOW, text[i], 1);
        if (status == INLAY_OK && inlay__reader_is_dead(&r, 1)) break;
        if (status == INLAY_OK) r.roots[INLAY__ROOT_NOW] = r.roots[1];
        if (status == INLAY_OK && i % 16 == 3)
            status = inlay__reader_step_token(&r, INLAY__ROOT_NOW, text[i], i % 2, 1);
    }
    if (status == INLAY_OK && inlay__reader_saved_size(&r) <= sizeof saved) {
        size_t n = (size_t)(inlay__reader_save(&r, saved) - saved);
        inlay__cursor cursor = {saved, n, 0};
        bool ends = inlay__reader_ends(&r, INLAY__ROOT_NOW);
        if (!inlay__reader_check(&r, &cursor) || cursor.pos != n) __builtin_trap();
        cursor.pos = 0;
        inlay__reader_load(&r, &cursor);
        if (inlay__reader_ends(&r, INLAY__ROOT_NOW) != ends || inlay__reader_saved_size(&r) != n) __builtin_trap();
    }
    inlay__reader_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    inlay__rules rules;
    inlay__grammar grammar;
    size_t n_grammar = size;
    for (size_t i = 0; i < size; i++) /* behind a NUL stands the text */
        if (data[i] == 0) n_grammar = i < n_grammar ? i : n_grammar;
    inlay__rules_init(&rules, &inlay__sys_default);
    int32_t status = inlay__gbnf_read(&rules, (const char *)data, n_grammar, find_token, NULL);
    if (status == INLAY_OK) status = inlay__grammar_compile(&rules, &grammar);
    inlay__rules_free(&rules);
    if (status != INLAY_OK) return 0;
    if (n_grammar < size)
        read_text(&grammar, data + n_grammar + 1, size - n_grammar - 1);
    else
        read_text(&grammar, data, size);
    inlay__grammar_free(&grammar);
    return 0;
}
