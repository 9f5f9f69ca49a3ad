/* What a grammar matches. */
#include "support/grammar_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "grammar/json_schema.h"
#include "grammar/regex.h"

static int32_t compile(grammar_check *check, inlay__rules *rules, int32_t status) {
    if (status == INLAY_OK) status = rules->status;
    if (status == INLAY_OK) status = inlay__grammar_compile(rules, &check->grammar);
    inlay__rules_free(rules);
    if (status != INLAY_OK) return status;
    status = inlay__reader_init(&check->reader, &inlay__sys_default, &check->grammar, 2);
    if (status != INLAY_OK) grammar_check_free(check);
    return status;
}

int32_t grammar_check_regex(grammar_check *check, const char *text, size_t size, bool in_json) {
    inlay__rules rules;
    inlay__expression e;
    inlay__rules_init(&rules, &inlay__sys_default);
    uint32_t root = inlay__rules_add(&rules, NULL, 0);
    int32_t status = inlay__regex_rules(&rules, text, size, in_json, &e);
    if (status == INLAY_OK) inlay__rules_set(&rules, root, e);
    return compile(check, &rules, status);
}

int32_t grammar_check_schema(grammar_check *check, const char *schema, size_t size, int32_t flags) {
    inlay__rules rules;
    inlay__rules_init(&rules, &inlay__sys_default);
    return compile(check, &rules, inlay__schema_rules(&rules, schema, size, flags));
}

void grammar_check_free(grammar_check *check) {
    inlay__reader_free(&check->reader);
    inlay__grammar_free(&check->grammar);
}

int grammar_check_text(grammar_check *check, const char *text, size_t size) {
    inlay__reader *reader = &check->reader;
    if (inlay__reader_begin(reader, INLAY__ROOT_NOW) != INLAY_OK) return -1;
    for (size_t i = 0; i < size; i++) {
        if (inlay__reader_step(reader, INLAY__ROOT_NOW, (uint8_t)text[i], INLAY__ROOT_NOW) != INLAY_OK) return -1;
        if (inlay__reader_is_dead(reader, INLAY__ROOT_NOW)) return -1;
    }
    return inlay__reader_ends(reader, INLAY__ROOT_NOW);
}

/* ------------------------------------------------------------------------ walks */

/* A step of xorshift [Marsaglia 2003]. */
static size_t draw(uint64_t *random, size_t n) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (size_t)(*random >> 33) % n;
}

/* The bytes that can come next. */
static size_t find_next(grammar_check *check, uint8_t next[256]) {
    inlay__reader *reader = &check->reader;
    size_t n = 0;
    for (int byte = 0; byte < 256; byte++) {
        int32_t status = inlay__reader_step(reader, INLAY__ROOT_NOW, (uint8_t)byte, INLAY__ROOT_NOW + 1);
        if (status == INLAY_OK && !inlay__reader_is_dead(reader, INLAY__ROOT_NOW + 1)) next[n++] = (uint8_t)byte;
    }
    return n;
}

/* One of the bytes, letters and the like more often than the many that begin other characters and escapes. */
static uint8_t choose(uint64_t *random, const uint8_t *next, size_t n) {
    uint8_t byte = next[draw(random, n)];
    for (int i = 0; i < 2 && (byte < 0x20 || byte > 0x7e || byte == '\\'); i++)
        byte = next[draw(random, n)];
    return byte;
}

size_t grammar_check_walk(grammar_check *check, uint64_t *random, size_t aim, char *out, size_t capacity) {
    uint8_t next[256];
    bool in_string = false, escaped = false;
    if (inlay__reader_begin(&check->reader, INLAY__ROOT_NOW) != INLAY_OK) return 0;
    for (size_t size = 0; size < capacity; size++) {
        size_t n = find_next(check, next);
        bool ends = inlay__reader_ends(&check->reader, INLAY__ROOT_NOW);
        if (ends && (n == 0 || size >= aim || draw(random, 4) == 0)) return size;
        if (n == 0) {
            fprintf(stderr, "nothing leads on from '%.*s'\n", (int)size, out);
            abort();
        }
        const char *wanted = in_string ? "\"" : "]},\"";
        uint8_t byte = choose(random, next, n);
        if (!in_string && (byte == ']' || byte == '}')) byte = choose(random, next, n); /* not too soon */
        bool closes = !escaped && (size >= aim || (in_string && draw(random, 6) == 0));
        for (; closes && *wanted != '\0'; wanted++)
            if (memchr(next, *wanted, n) != NULL) {
                byte = (uint8_t)*wanted;
                break;
            }
        if (byte == '"' && !escaped) in_string = !in_string;
        escaped = in_string && !escaped && byte == '\\';
        out[size] = (char)byte;
        if (inlay__reader_step(&check->reader, INLAY__ROOT_NOW, byte, INLAY__ROOT_NOW) != INLAY_OK) return 0;
    }
    return 0;
}
