/* The definition of every matrix product, one output element at a time, over rows as the file holds them or packed. */
#include "kernels/math.h"
#include "kernels/matrix.h"
#include "kernels/reduce.h"
#include "kernels/wide.h"

/* Where the blocks of a row are. */
typedef struct source {
    const inlay__block_type *type;
    const uint8_t *row; /* the file's; NULL when the matrix is packed */
    const uint8_t *panel;
    uint32_t type_number;
    size_t row_of_panel;
} source;

static source find_row(const inlay__product *p, size_t row, bool packed) {
    source s = {.type = inlay__block_type_get(p->type), .type_number = p->type, .row_of_panel = row % INLAY__LANES};
    if (packed)
        s.panel = p->weights + (row - s.row_of_panel) * p->row_size;
    else
        s.row = p->weights + row * p->row_size;
    return s;
}

static void read_block(const source *s, size_t b, inlay__block *block) {
    if (s->row != NULL)
        s->type->unpack(s->row + b * s->type->size, block);
    else
        inlay__packed_block(s->type_number, s->panel, b, s->row_of_panel, block);
}

static void read_superblock(const source *s, size_t b, inlay__superblock *block) {
    if (s->row != NULL)
        s->type->unpack_k(s->row + b * s->type->size, block);
    else
        inlay__packed_superblock(s->type_number, s->panel, b, s->row_of_panel, block);
}

/* Blocks ascending: acc = fma(S, d da, acc), then acc = fma(m, dsum, acc) for types with a minimum. S is exact. */
static float dot_32(const source *s, const inlay__acts *acts, size_t col) {
    const int8_t *q = acts->q + col * acts->n_k;
    float acc = 0.0f;
    for (size_t b = 0; b < acts->n_blocks; b++) {
        size_t at = col * acts->n_blocks + b;
        inlay__block block;
        int32_t sum = 0;
        read_block(s, b, &block);
        for (size_t k = 0; k < INLAY__Q_LENGTH; k++) sum += block.q[k] * q[b * INLAY__Q_LENGTH + k];
        acc = inlay__fma((float)sum, block.d * acts->d[at], acc);
        if (s->type->has_minimum) acc = inlay__fma(block.m, acts->dsum[at], acc);
    }
    return acc;
}

/* Superblocks ascending: S = sum of scale (q a) and M = sum of minimum (a) are exact;
 * acc = fma(S, d da, acc), then acc = fma(M, -(dmin da), acc) for types with a minimum. */
static float dot_256(const source *s, const inlay__acts *acts, size_t col) {
    const int8_t *q = acts->q + col * acts->n_k;
    const int16_t *sum16 = acts->sum16 + col * (acts->n_k / 16);
    float acc = 0.0f;
    for (size_t b = 0; b < acts->n_blocks; b++) {
        float da = acts->d[col * acts->n_blocks + b];
        inlay__superblock block;
        int32_t sum = 0, minimum = 0;
        read_superblock(s, b, &block);
        for (size_t j = 0; j < INLAY__K_SCALES; j++) {
            int32_t part = 0;
            for (size_t k = 16 * j; k < 16 * j + 16; k++) part += block.q[k] * q[b * INLAY__K_LENGTH + k];
            sum += block.scale[j] * part;
            minimum += block.minimum[j] * sum16[b * INLAY__K_SCALES + j];
        }
        acc = inlay__fma((float)sum, block.d * da, acc);
        if (s->type->has_minimum) acc = inlay__fma((float)minimum, -(block.dmin * da), acc);
    }
    return acc;
}

/* Blocks ascending; H and L, exact, of the weights' high and low digits with the activations put together. */
static float dot_wide(const source *s, const inlay__acts *acts, size_t col) {
    const int8_t *digits = acts->q + 2 * col * acts->n_k;
    float acc = 0.0f;
    for (size_t b = 0; b < acts->n_blocks; b++, digits += INLAY__WIDE_LENGTH) {
        inlay__wide_block block;
        int32_t high = 0, low = 0;
        if (s->row != NULL)
            inlay__unpack_wide(s->row + b * INLAY__WIDE_SIZE, &block);
        else
            inlay__packed_wide(s->panel + b * INLAY__WIDE_PANEL_SIZE, s->row_of_panel, &block);
        for (size_t k = 0; k < INLAY__WIDE_LENGTH; k++) {
            int32_t x = 256 * digits[k] + digits[acts->n_k + k];
            high += x * inlay__high_digit(block.q[k]);
            low += x * inlay__low_digit(block.q[k]);
        }
        float scale = block.d * acts->d[col * acts->n_blocks + b];
        acc = inlay__fma((float)high, scale * 256.0f, acc);
        acc = inlay__fma((float)low, scale, acc);
    }
    return acc;
}

static float load_weight(uint32_t type, const uint8_t *row, size_t k) {
    if (type == INLAY_TYPE_F32) return inlay__load_f32(row + 4 * k);
    if (type == INLAY_TYPE_F16) return inlay__f16_to_f32(inlay__load_u16(row + 2 * k));
    return inlay__bf16_to_f32(inlay__load_u16(row + 2 * k));
}

/* 16 lanes: lane k mod 16 takes element k by fma, ascending; then the lanes fold 8, 4, 2, 1. */
static float dot_float(uint32_t type, const uint8_t *row, const float *x, size_t n) {
    float lanes[INLAY__LANES] = {0};
    for (size_t k = 0; k < n; k++) {
        float *lane = &lanes[k % INLAY__LANES];
        *lane = inlay__fma(load_weight(type, row, k), x[k], *lane);
    }
    return inlay__fold(lanes);
}

static float *element(const inlay__product *p, size_t row, size_t col) {
    return p->out + (col - p->col_begin) * p->out_stride + (row - p->row_begin);
}

typedef float (*dot_fn)(const source *s, const inlay__acts *acts, size_t col);

static void each_element(const inlay__product *p, bool packed, dot_fn dot) {
    for (size_t row = p->row_begin; row < p->row_end; row++) {
        source s = find_row(p, row, packed);
        for (size_t col = p->col_begin; col < p->col_end; col++) *element(p, row, col) = dot(&s, p->acts, col);
    }
}

void inlay__product_32(const inlay__product *p) { each_element(p, false, dot_32); }

void inlay__product_256(const inlay__product *p) { each_element(p, false, dot_256); }

void inlay__product_wide(const inlay__product *p) { each_element(p, false, dot_wide); }

void inlay__product_packed(const inlay__product *p) {
    inlay__block_kind kind = inlay__block_type_get(p->type)->kind;
    each_element(p, true, kind == INLAY__BLOCK_32 ? dot_32 : kind == INLAY__BLOCK_256 ? dot_256 : dot_wide);
}

void inlay__product_float(const inlay__product *p) {
    for (size_t row = p->row_begin; row < p->row_end; row++)
        for (size_t col = p->col_begin; col < p->col_end; col++)
            *element(p, row, col) =
                dot_float(p->type, p->weights + row * p->row_size, p->x + col * p->x_stride, p->n_k);
}
