/* Finding a code in ranges of letters. */
#include "case_range.h"

uint32_t inlay__case_find(const inlay__case_range *ranges, size_t n, uint32_t code) {
    size_t low = 0, high = n;
    while (low < high) { /* the first range that ends at or after the code */
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].first + ranges[middle].length < code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || code < ranges[low].first || (code - ranges[low].first) % ranges[low].step != 0) return code;
    return (uint32_t)((int32_t)code + ranges[low].delta);
}
