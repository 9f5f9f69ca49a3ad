/* Prompt lookup [Saxena 2023, "Prompt Lookup Decoding"]. */
#include "sample/lookup.h"

/* Repetitions of fewer tokens say little, those of more say no more. */
enum { LEAST = 2, MOST = 16 };

/* How many tokens before `end` equal those before n. */
static size_t length_of(const int32_t *text, size_t end, size_t n) {
    size_t length = 0;
    while (length < MOST && length < end && text[end - 1 - length] == text[n - 1 - length])
        length++;
    return length;
}

size_t inlay__lookup(const int32_t *text, size_t n, size_t most, int32_t *guesses) {
    size_t longest = LEAST - 1, found = n;
    for (size_t end = n; end-- > LEAST && longest < MOST;) {
        if (text[end - 1] != text[n - 1]) continue;
        size_t length = length_of(text, end, n);
        if (length > longest) {
            longest = length;
            found = end;
        }
    }
    if (found == n) return 0;
    /* What repeats up to the end goes on repeating. */
    for (size_t i = 0; i < most; i++)
        guesses[i] = found + i < n ? text[found + i] : guesses[found + i - n];
    return most;
}
