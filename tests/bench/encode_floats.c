/* Blocks of a type from floats, as models are quantised while they open: for quantizers.py.
 *
 *     encode_floats TYPE < FLOATS > BLOCKS     TYPE: q8_0, q4_0, ...; whole blocks of 32-bit floats
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/dtype.h"
#include "kernels/encode.h"
#include "kernels/kernels.h"

static uint32_t find_type(const char *name) {
    for (uint32_t type = 0; type < INLAY__N_TENSOR_TYPES; type++)
        if (inlay__encode_knows(type) && strcasecmp(inlay__dtype_any_name(type), name) == 0) return type;
    fprintf(stderr, "encode_floats: no weights are quantised to '%s'\n", name);
    exit(1);
}

int main(int argc, char **argv) {
    enum { LENGTH = 1 << 12 };
    static float x[LENGTH];
    static uint8_t blocks[LENGTH * sizeof(float)];
    uint32_t type = find_type(argc > 1 ? argv[1] : "");
    const inlay__block_type *t = inlay__block_type_get(type);
    for (size_t n; (n = fread(x, sizeof *x, LENGTH, stdin)) > 0;) {
        size_t size = n / t->length * t->size;
        if (n % t->length != 0) {
            fprintf(stderr, "encode_floats: %zu floats are left over, expected whole blocks of %zu\n", n % t->length,
                    (size_t)t->length);
            return 1;
        }
        inlay__encode_row(type, x, n, blocks);
        if (fwrite(blocks, 1, size, stdout) != size) return 1;
    }
    return 0;
}
