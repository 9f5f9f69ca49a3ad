/* Packing 16 rows of a matrix into a panel with AVX2: pack.c, whose bytes it gives, with rows transposed in registers.
 * "Half" is the one of a line that a register holds: rows 0 to 7, or 8 to 15. */
#include "kernels/x86/avx2.h"

#if defined(__x86_64__)

enum { ROWS = 16, HALF = 8 };

INLAY__AVX2_INLINE void store_256(uint8_t *p, __m256i x) { _mm256_storeu_si256((__m256i *)p, x); }

INLAY__AVX2_INLINE __m256i load_two(const uint8_t *low, const uint8_t *high) {
    __m128i a = _mm_loadu_si128((const __m128i *)low), b = _mm_loadu_si128((const __m128i *)high);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

/* words[g] = word g of the 16 bytes of each of 8 rows. */
INLAY__AVX2_INLINE void transpose(const uint8_t *rows, size_t stride, __m256i words[4]) {
    __m256i a = load_two(rows, rows + 4 * stride), b = load_two(rows + stride, rows + 5 * stride);
    __m256i c = load_two(rows + 2 * stride, rows + 6 * stride), d = load_two(rows + 3 * stride, rows + 7 * stride);
    __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
    __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
    words[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
    words[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
    words[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
    words[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
}

/* The first word of the 16 bytes of each of 8 rows. */
INLAY__AVX2_INLINE __m256i first_words(const uint8_t *rows, size_t stride) {
    __m256i a = load_two(rows, rows + 4 * stride), b = load_two(rows + stride, rows + 5 * stride);
    __m256i c = load_two(rows + 2 * stride, rows + 6 * stride), d = load_two(rows + 3 * stride, rows + 7 * stride);
    return _mm256_unpacklo_epi64(_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
}

/* The lower halves of 16 words. */
INLAY__AVX2_INLINE void store_lower(__m256i first, __m256i second, uint8_t *out) {
    const __m256i lower = _mm256_set1_epi32(0xffff);
    __m256i both = _mm256_packus_epi32(_mm256_and_si256(first, lower), _mm256_and_si256(second, lower));
    store_256(out, _mm256_permute4x64_epi64(both, 0xd8));
}

/* --------------------------------------------------------------- blocks of 32 */

INLAY__AVX2_INLINE __m256i swap_bits(__m256i x, int32_t mask, int n) {
    __m256i t = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi32(x, n)), _mm256_set1_epi32(mask));
    return _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi32(t, n)));
}

/* Bit 4 g + i of each word becomes bit 8 i + g. Of the number of a bit, 43210 in binary, two swaps make 10243, and a
 * table for each half of a byte makes 10432 of that. */
INLAY__AVX2_INLINE __m256i part_bits(__m256i x) {
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i spread = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 4, 5, 16, 17, 20, 21, 64, 65, 68, 69, 80, 81, 84, 85));
    x = swap_bits(swap_bits(x, 0x0000cccc, 14), 0x00aa00aa, 7);
    __m256i even = _mm256_shuffle_epi8(spread, _mm256_and_si256(x, low));
    __m256i odd = _mm256_shuffle_epi8(spread, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));
    return _mm256_or_si256(even, _mm256_add_epi8(odd, odd));
}

INLAY__AVX2_INLINE void pack_32(uint32_t type, const uint8_t *rows, size_t stride, uint8_t *out) {
    const bool has_m = type == INLAY_TYPE_Q4_1 || type == INLAY_TYPE_Q5_1;
    const bool has_high = type == INLAY_TYPE_Q5_0 || type == INLAY_TYPE_Q5_1, is_8 = type == INLAY_TYPE_Q8_0;
    const uint8_t *bytes = rows + (has_m ? 4 : 2);
    uint8_t *lines = out + (has_m ? 4 : 2) * ROWS;
    const __m256i first = first_words(rows, stride), second = first_words(rows + HALF * stride, stride);
    store_lower(first, second, out);
    if (has_m) store_lower(_mm256_srli_epi32(first, 16), _mm256_srli_epi32(second, 16), out + 2 * ROWS);
    for (size_t half = 0; half < 2; half++, bytes += HALF * stride, lines += INLAY__HALF_LINE) {
        __m256i words[4];
        for (size_t part = 0; part < (is_8 ? 2 : 1); part++) {
            transpose(bytes + (has_high ? 4 : 0) + 16 * part, stride, words);
            for (size_t g = 0; g < 4; g++)
                store_256(lines + INLAY__LINE * (4 * part + g),
                          is_8 ? _mm256_xor_si256(words[g], _mm256_set1_epi8((char)0x80)) : words[g]);
        }
        if (has_high) store_256(lines + 4 * INLAY__LINE, part_bits(first_words(bytes, stride)));
    }
}

/* -------------------------------------------------------------- blocks of 256 */

/* The bytes of 8 words by their place in the word: 8 bytes each, `step` apart. */
INLAY__AVX2_INLINE void store_bytes(__m256i words, uint8_t *out, size_t step) {
    const __m256i by_place = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5,
                                              9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m256i sorted =
        _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(words, by_place), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    __m128i low = _mm256_castsi256_si128(sorted), high = _mm256_extracti128_si256(sorted, 1);
    _mm_storel_epi64((__m128i *)out, low);
    _mm_storel_epi64((__m128i *)(out + step), _mm_unpackhi_epi64(low, low));
    _mm_storel_epi64((__m128i *)(out + 2 * step), high);
    _mm_storel_epi64((__m128i *)(out + 3 * step), _mm_unpackhi_epi64(high, high));
}

/* The pairs of bytes of 8 words likewise: 16 bytes of first pairs, and 2 lines of ROWS pairs on, of second ones. */
INLAY__AVX2_INLINE void store_pairs(__m256i words, uint8_t *out) {
    const __m256i by_place = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9,
                                              12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    __m256i sorted = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(words, by_place), 0xd8);
    _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(sorted));
    _mm_storeu_si128((__m128i *)(out + 2 * ROWS), _mm256_extracti128_si256(sorted, 1));
}

/* Low or high nibbles of 32 bytes of 8 rows, out of their 8 words. */
INLAY__AVX2_INLINE void store_nibbles(const __m256i first[4], const __m256i second[4], bool upper, uint8_t *lines) {
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t g = 0; g < 4; g++) {
        __m256i a = _mm256_and_si256(upper ? _mm256_srli_epi16(first[g], 4) : first[g], low);
        __m256i b =
            upper ? _mm256_andnot_si256(low, second[g]) : _mm256_slli_epi16(_mm256_and_si256(second[g], low), 4);
        store_256(lines + INLAY__LINE * g, _mm256_or_si256(a, b));
    }
}

/* The 12 bytes of scales and minima, word by word: blocks.h. */
INLAY__AVX2_INLINE void pack_k_scales(__m256i a, __m256i b, __m256i c, uint8_t *scales, uint8_t *minima) {
    const __m256i six = _mm256_set1_epi8(63), four = _mm256_set1_epi8(15), upper = _mm256_set1_epi8(48);
    store_bytes(_mm256_and_si256(a, six), scales, ROWS);
    store_bytes(_mm256_or_si256(_mm256_and_si256(c, four), _mm256_and_si256(_mm256_srli_epi16(a, 2), upper)),
                scales + 4 * ROWS, ROWS);
    store_pairs(_mm256_and_si256(b, six), minima);
    store_pairs(_mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(c, 4), four),
                                _mm256_and_si256(_mm256_srli_epi16(b, 2), upper)), minima + 4 * ROWS);
}

/* Q4_K and Q5_K. */
INLAY__AVX2_INLINE void pack_k(uint32_t type, const uint8_t *rows, size_t stride, uint8_t *out) {
    const bool has_high = type == INLAY_TYPE_Q5_K;
    const size_t sub_size = (has_high ? 5 : 4) * INLAY__LINE;
    const uint8_t *nibbles = rows + (has_high ? 48 : 16);
    uint8_t *scales = out + 4 * ROWS, *minima = scales + 8 * ROWS, *lines = minima + 8 * ROWS;
    __m256i heads[2][4];
    for (size_t half = 0; half < 2; half++) transpose(rows + half * HALF * stride, stride, heads[half]);
    store_lower(heads[0][0], heads[1][0], out);
    store_lower(_mm256_srli_epi32(heads[0][0], 16), _mm256_srli_epi32(heads[1][0], 16), out + 2 * ROWS);
    for (size_t half = 0; half < 2; half++) {
        const size_t skip = half * HALF * stride;
        const __m256i *head = heads[half];
        pack_k_scales(head[1], head[2], head[3], scales + HALF * half, minima + 2 * HALF * half);
        for (size_t pair = 0; pair < 4; pair++) {
            __m256i first[4], second[4];
            uint8_t *to = lines + 2 * pair * sub_size + INLAY__HALF_LINE * half;
            transpose(nibbles + skip + 32 * pair, stride, first);
            transpose(nibbles + skip + 32 * pair + 16, stride, second);
            store_nibbles(first, second, false, to);
            store_nibbles(first, second, true, to + sub_size);
        }
        if (!has_high) continue;
        __m256i high[8];
        transpose(rows + skip + 16, stride, high);
        transpose(rows + skip + 32, stride, high + 4);
        for (int j = 0; j < 8; j++) {
            __m256i line = _mm256_setzero_si256();
            for (int g = 0; g < 8; g++) {
                __m256i bit = _mm256_and_si256(_mm256_srli_epi16(high[g], j), _mm256_set1_epi8(1));
                line = _mm256_or_si256(line, _mm256_slli_epi16(bit, g));
            }
            store_256(lines + (size_t)j * sub_size + 4 * INLAY__LINE + INLAY__HALF_LINE * half, line);
        }
    }
}

/* One half of 128 elements of Q6_K, for 8 rows. */
INLAY__AVX2_INLINE void pack_6_half(const uint8_t *low, const uint8_t *high_bytes, size_t stride, uint8_t *lines) {
    __m256i first[2][4], second[2][4], high[8];
    for (size_t i = 0; i < 2; i++) {
        transpose(low + 32 * i, stride, first[i]);
        transpose(low + 32 * i + 16, stride, second[i]);
        transpose(high_bytes + 16 * i, stride, high + 4 * i);
    }
    for (size_t quarter = 0; quarter < 4; quarter++, lines += 6 * INLAY__LINE) {
        store_nibbles(first[quarter % 2], second[quarter % 2], quarter >= 2, lines);
        for (size_t line = 0; line < 2; line++) {
            __m256i sum = _mm256_setzero_si256();
            for (size_t g = 0; g < 4; g++) {
                __m256i two =
                    _mm256_and_si256(_mm256_srli_epi16(high[4 * line + g], (int)(2 * quarter)), _mm256_set1_epi8(3));
                sum = _mm256_or_si256(sum, _mm256_slli_epi16(two, (int)(2 * g)));
            }
            store_256(lines + (4 + line) * INLAY__LINE, sum);
        }
    }
}

INLAY__AVX2_INLINE void pack_6(const uint8_t *rows, size_t stride, uint8_t *out) {
    uint8_t *scales = out + 2 * ROWS, *lines = scales + 16 * ROWS;
    __m256i ends[2][4]; /* the last word's upper half is the scale */
    for (size_t half = 0; half < 2; half++) transpose(rows + half * HALF * stride + 194, stride, ends[half]);
    store_lower(_mm256_srli_epi32(ends[0][3], 16), _mm256_srli_epi32(ends[1][3], 16), out);
    for (size_t half = 0; half < 2; half++) {
        const uint8_t *block = rows + half * HALF * stride;
        __m256i words[4];
        transpose(block + 192, stride, words);
        for (size_t i = 0; i < 4; i++) store_pairs(words[i], scales + 4 * ROWS * i + 2 * HALF * half);
        for (size_t i = 0; i < 2; i++)
            pack_6_half(block + 64 * i, block + 128 + 32 * i, stride,
                        lines + 4 * i * 6 * INLAY__LINE + INLAY__HALF_LINE * half);
    }
}

/* ------------------------------------------------------------------------ all */

/* A word to the processor that these bytes will be wanted soon, which need not exist. Into the second cache: it can be
 * waiting for more lines than the first. */
INLAY__AVX2_INLINE void expect(uintptr_t begin, size_t size) {
    for (size_t i = 0; i < size; i += INLAY__LINE) _mm_prefetch((const char *)(begin + i), _MM_HINT_T1);
}

/* The file is read straight on, panel after panel, which reading 16 rows at once hides: with each block as much of the
 * next panel is asked for, so that memory works while blocks are taken apart. */
#define PACK_BLOCKS(type_name, block_size, panel_size, call)                                      \
    case type_name:                                                                               \
        for (size_t b = 0; b < n_blocks;                                                          \
             b++, rows += (block_size), panel += (panel_size), next += 2 * HALF * (block_size)) { \
            expect(next, 2 * HALF * (block_size));                                                \
            call;                                                                                 \
        }                                                                                         \
        return true

INLAY__AVX2 bool inlay__pack_panel_avx2(uint32_t type, const uint8_t *rows, size_t stride, size_t n_blocks,
                                        uint8_t *panel) {
    uintptr_t next = (uintptr_t)rows + 2 * HALF * stride;
    switch (type) {
        PACK_BLOCKS(INLAY_TYPE_Q4_0, 18, 288, pack_32(INLAY_TYPE_Q4_0, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_IQ4_NL, 18, 288, pack_32(INLAY_TYPE_IQ4_NL, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_Q4_1, 20, 320, pack_32(INLAY_TYPE_Q4_1, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_Q5_0, 22, 352, pack_32(INLAY_TYPE_Q5_0, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_Q5_1, 24, 384, pack_32(INLAY_TYPE_Q5_1, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_Q8_0, 34, 544, pack_32(INLAY_TYPE_Q8_0, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_Q4_K, 144, 2368, pack_k(INLAY_TYPE_Q4_K, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_Q5_K, 176, 2880, pack_k(INLAY_TYPE_Q5_K, rows, stride, panel));
        PACK_BLOCKS(INLAY_TYPE_Q6_K, 210, 3360, pack_6(rows, stride, panel));
    default: return false;
    }
}

#else
typedef int inlay__not_x86_pack; /* a source file may not be empty */
#endif
