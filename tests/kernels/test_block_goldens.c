/* Every tensor type decodes to the bits that the package `gguf` gives, from the file's rows and from packed panels. */
#include "test.h"

#include "format/dtype.h"
#include "kernels/block_golden.h"
#include "kernels/math.h"
#include "support/check_kernels.h"
#include "support/guard_page.h"

static bool same_bits(const char *what, const char *from, const float *found, const uint32_t *expected, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = inlay__f32_bits(found[i]);
        if (bits == expected[i]) continue;
        fprintf(stderr, "%s, from %s: element %zu is %08x, expected %08x\n", what, from, i, (unsigned)bits,
                (unsigned)expected[i]);
        return false;
    }
    return true;
}

/* A block that ends where its memory does, so that reading on would be noticed. */
static guarded guarded_block(const golden_block *golden) {
    guarded block = guard_alloc(golden->n_bytes, 0);
    memcpy(block.data, golden_bytes + golden->first_byte, golden->n_bytes);
    return block;
}

TEST(blocks_decode_to_the_bits_of_the_reference) {
    for (size_t i = 0; i < golden_n_blocks; i++) {
        const golden_block *golden = &golden_blocks[i];
        guarded block = guarded_block(golden), out = guard_alloc(golden->n_floats * sizeof(float), 0xa5);
        inlay__dequantize_row(golden->type, block.data, golden->n_floats, out.data);
        CHECK(same_bits(golden->what, "the file", out.data, golden_floats + golden->first_float, golden->n_floats));
        guard_free(&block);
        guard_free(&out);
    }
}

/* Each block as a matrix of one row. */
TEST(packed_blocks_decode_to_the_bits_of_the_reference) {
    inlay__kernels kernels;
    for (int level = -1; next_level(&level, &kernels);) {
        for (size_t i = 0; i < golden_n_blocks; i++) {
            const golden_block *golden = &golden_blocks[i];
            size_t size = inlay__packed_matrix_size(golden->type, 1, golden->n_floats);
            if (size == 0) continue;
            float out[INLAY__K_LENGTH];
            guarded block = guarded_block(golden), packed = guard_alloc(size, 0xa5);
            inlay__matrix m = {.type = golden->type, .n_rows = 1, .n_k = golden->n_floats, .row_size = golden->n_bytes};
            m.data = block.data;
            inlay__matrix_pack(&kernels, &m, 0, 1, packed.data);
            m.packed = true;
            m.data = packed.data;
            inlay__matrix_row(&m, 0, out);
            CHECK(same_bits(golden->what, inlay__cpu_name(kernels.level), out, golden_floats + golden->first_float,
                            golden->n_floats));
            guard_free(&block);
            guard_free(&packed);
        }
    }
}

/* The goldens stand for all of the library. */
TEST(every_type_with_blocks_has_goldens) {
    for (uint32_t type = 0; type < INLAY__N_TENSOR_TYPES; type++) {
        const inlay__block_type *t = inlay__block_type_get(type);
        size_t n = 0;
        if (t == NULL || type == INLAY_TYPE_F32 || !inlay__dtype_in_files(type)) continue;
        for (size_t i = 0; i < golden_n_blocks; i++) {
            if (golden_blocks[i].type != type) continue;
            CHECK_INT(golden_blocks[i].n_bytes, golden_blocks[i].n_floats / t->length * t->size);
            n++;
        }
        if (n < 2) fprintf(stderr, "type %u has %zu goldens\n", (unsigned)type, n);
        CHECK(n >= 2);
    }
}

TEST_MAIN(CASE(blocks_decode_to_the_bits_of_the_reference), CASE(packed_blocks_decode_to_the_bits_of_the_reference),
          CASE(every_type_with_blocks_has_goldens))
