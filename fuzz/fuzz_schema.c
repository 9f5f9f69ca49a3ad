/* Any bytes as a JSON Schema: an error, or a grammar of which every text is JSON and from each of whose places
 * something leads on. The first byte is flags. */
#include <stdlib.h>

#include "base/json.h"
#include "support/grammar_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS = 3, AIM = 64, CAPACITY = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    grammar_check check;
    uint64_t random = 0x9e3779b97f4a7c15u;
    char text[CAPACITY];
    if (size == 0 || size > 4096) return 0;
    if (grammar_check_schema(&check, (const char *)data + 1, size - 1, data[0] & 1) != INLAY_OK) return 0;
    for (int i = 0; i < TEXTS; i++) {
        inlay__json json;
        size_t n = grammar_check_walk(&check, &random, AIM, text, sizeof text);
        if (n == 0) continue;
        if (inlay__json_parse(&inlay__sys_default, "fuzz", text, n, &json) != INLAY_OK) abort();
        inlay__json_free(&inlay__sys_default, &json);
        if (grammar_check_text(&check, text, n) != 1) abort();
    }
    grammar_check_free(&check);
    return 0;
}
