/* Compiles JSON Schemas, makes texts of them at random and says which they match, for the tests in Python.
 *
 *     schema FLAGS SIZE \n BYTES   ->  ok \n, or the error's text \n
 *     walk SEED AIM \n             ->  SIZE \n BYTES
 *     match SIZE \n BYTES          ->  -1, 0 or 1 \n   (no text begins so; some do; it is one)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/grammar_check.h"

enum { CAPACITY = 1 << 20 };

static char bytes[CAPACITY];

static size_t read_bytes(size_t size) {
    if (size > sizeof bytes || fread(bytes, 1, size, stdin) != size) exit(2);
    return size;
}

int main(void) {
    grammar_check check;
    bool is_open = false;
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t size;
        int flags;
        uint64_t seed;
        if (sscanf(line, "schema %d %zu", &flags, &size) == 2) {
            if (is_open) grammar_check_free(&check);
            is_open = grammar_check_schema(&check, bytes, read_bytes(size), flags) == INLAY_OK;
            puts(is_open ? "ok" : inlay__error_text());
        } else if (is_open && sscanf(line, "walk %" SCNu64 " %zu", &seed, &size) == 2) {
            seed = seed * 0x9e3779b97f4a7c15u + 1;
            size = grammar_check_walk(&check, &seed, size, bytes, sizeof bytes);
            printf("%zu\n", size);
            fwrite(bytes, 1, size, stdout);
        } else if (is_open && sscanf(line, "match %zu", &size) == 1) {
            printf("%d\n", grammar_check_text(&check, bytes, read_bytes(size)));
        } else {
            return 2;
        }
        fflush(stdout);
    }
    if (is_open) grammar_check_free(&check);
    return 0;
}
