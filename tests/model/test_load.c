/* Tensors of a network: each of them missing, of another shape or of a type that does not run is refused by name. */
#include "test.h"

#include "support/check_kernels.h"
#include "support/simple_quants.h"
#include "model/load.h"
#include "support/tiny_network.h"

enum { TYPE_I32 = 26 }; /* GGUF has it, no network runs it */

typedef void (*change_fn)(gguf_writer *w, size_t info);

/* Opens the model with one tensor's entry changed. */
static int32_t open_changed(const tiny_params *p, const char *name, change_fn change) {
    gguf_writer w;
    tiny_metadata(p, &w);
    tiny_tensors(p, &w);
    change(&w, gguf_writer_info_of(&w, name));
    return tiny_network_try(&w);
}

typedef struct tensor_name {
    char text[64];
    uint64_t shape[2];
} tensor_name;

/* The names and shapes of all tensors of the model. */
static size_t list_tensors(const tiny_params *p, tensor_name *names) {
    tiny_network n = tiny_network_open(p, NULL);
    size_t count = n.weights->n_tensors;
    for (size_t i = 0; i < count; i++) {
        const inlay__tensor *t = &n.weights->tensors[i];
        snprintf(names[i].text, sizeof names[i].text, "%.*s", (int)t->name.size, t->name.text);
        memcpy(names[i].shape, t->shape, sizeof names[i].shape);
    }
    tiny_network_close(&n);
    return count;
}

/* Two layers: what is true of the second is true of all. */
static tiny_params small(int architecture) {
    tiny_params p = tiny_architecture(architecture);
    p.n_layer = 2;
    p.tied = false;
    return p;
}

static void check_error(const tensor_name *name, int32_t found, int32_t expected, const char *words) {
    if (found == expected && strstr(inlay__error_text(), name->text) != NULL &&
        strstr(inlay__error_text(), "memory") != NULL && strstr(inlay__error_text(), words) != NULL)
        return;
    test_failures++;
    fprintf(stderr, "%s: status %d, expected %d and '%s': %s\n", name->text, (int)found, (int)expected, words,
            inlay__error_text());
}

/* Changes each tensor of each architecture in turn; one may be absent, and is then unknown under its other name. */
static void change_each(change_fn change, int32_t expected, const char *words, const char *except) {
    tensor_name names[64];
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = small(i);
        size_t n = list_tensors(&p, names);
        CHECK(n >= 21);
        for (size_t k = 0; k < n; k++) {
            int32_t status = open_changed(&p, names[k].text, change);
            if (except != NULL && strcmp(names[k].text, except) == 0)
                CHECK_INT(status, INLAY_ERR_UNSUPPORTED);
            else
                check_error(&names[k], status, expected, words);
        }
    }
}

/* ---------------------------------------------------------------------- missing */

static void rename_it(gguf_writer *w, size_t info) { w->infos.data[info - 1] ^= 1; }

TEST(a_missing_tensor_is_named) {
    change_each(rename_it, INLAY_ERR_FORMAT, "is missing", "output.weight"); /* without it the two are tied */
}

/* ---------------------------------------------------------------------- unknown */

static int32_t open_with(const char *name) {
    static const float values[64];
    tiny_params p = small(0);
    gguf_writer w;
    tiny_metadata(&p, &w);
    tiny_tensors(&p, &w);
    gguf_writer_tensor(&w, name, INLAY_TYPE_F32, 1, (uint64_t[]){64}, values, sizeof values);
    return tiny_network_try(&w);
}

TEST(a_tensor_that_the_architecture_does_not_use_is_refused_by_name) {
    static const char *const names[] = {"blk.0.attn_output.scale", "blk.1.attn_q_norm.weight", "blk.2.attn_norm.weight",
                                        "x"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK_INT(open_with(names[i]), INLAY_ERR_UNSUPPORTED);
        CHECK_HAS(inlay__error_text(), names[i]);
        CHECK_HAS(inlay__error_text(), "architecture 'llama'");
    }
    CHECK_INT(open_with("blk.0.attn_rot_embd.weight"), INLAY_OK); /* says nothing new */
}

/* ------------------------------------------------------------------ another shape */

static uint8_t *dim_of(gguf_writer *w, size_t info, size_t d) { return w->infos.data + info + 4 + 8 * d; }

static void put_dim(gguf_writer *w, size_t info, size_t d, uint64_t value) {
    for (size_t i = 0; i < 8; i++)
        dim_of(w, info, d)[i] = (uint8_t)(value >> (8 * i));
}

/* Vectors become half as long; matrices twice as wide and half as high, or half as high. */
static void reshape(gguf_writer *w, size_t info) {
    uint64_t n_k = inlay__load_u64(dim_of(w, info, 0));
    if (inlay__load_u32(w->infos.data + info) == 1) {
        put_dim(w, info, 0, n_k / 2);
        return;
    }
    put_dim(w, info, 0, n_k * 2);
    put_dim(w, info, 1, inlay__load_u64(dim_of(w, info, 1)) / 2);
}

static void lower(gguf_writer *w, size_t info) {
    size_t last = inlay__load_u32(w->infos.data + info) - 1;
    put_dim(w, info, last, inlay__load_u64(dim_of(w, info, last)) - 1);
}

static void transpose(gguf_writer *w, size_t info) {
    if (inlay__load_u32(w->infos.data + info) == 1) { /* a vector becomes a column */
        lower(w, info);
        return;
    }
    uint64_t n_k = inlay__load_u64(dim_of(w, info, 0)), n_rows = inlay__load_u64(dim_of(w, info, 1));
    put_dim(w, info, 0, n_rows);
    put_dim(w, info, 1, n_k);
}

/* The last dimension in two, the second of which is 2. */
static void add_dimension(gguf_writer *w, size_t info) {
    uint8_t room[8] = {0};
    uint32_t n_dims = inlay__load_u32(w->infos.data + info);
    size_t at = info + 4 + 8 * n_dims;
    put_dim(w, info, n_dims - 1, inlay__load_u64(dim_of(w, info, n_dims - 1)) / 2);
    w->infos.data[info]++;
    gguf_bytes_put(&w->infos, room, 8);
    memmove(w->infos.data + at + 8, w->infos.data + at, w->infos.size - 8 - at);
    put_dim(w, info, n_dims, 2);
}

TEST(a_tensor_of_another_shape_is_named) {
    change_each(reshape, INLAY_ERR_FORMAT, "", NULL);
    change_each(lower, INLAY_ERR_FORMAT, "", NULL);
    change_each(transpose, INLAY_ERR_FORMAT, "", NULL);
    change_each(add_dimension, INLAY_ERR_FORMAT, "", NULL);
}

TEST(both_shapes_are_told) {
    tiny_params p = small(0);
    CHECK_INT(open_changed(&p, "blk.1.ffn_up.weight", reshape), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "tensor 'blk.1.ffn_up.weight' has shape [128, 48, 1, 1], expected [64, 96]");
    CHECK_INT(open_changed(&p, "blk.0.attn_norm.weight", reshape), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "tensor 'blk.0.attn_norm.weight' has shape [32, 1, 1, 1], expected [64");
    CHECK_INT(open_changed(&p, "blk.0.attn_q.weight", add_dimension), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "has shape [64, 48, 2, 1], expected [64, 96]");
}

/* As many rows as wanted, several times. */
TEST(a_tensor_of_three_or_four_dimensions_is_named) {
    static float zeros[64 * 96 * 2];
    for (uint32_t n_dims = 3; n_dims <= 4; n_dims++) {
        tiny_params p = small(0);
        gguf_writer w;
        tiny_metadata(&p, &w);
        tiny_tensors(&p, &w);
        rename_it(&w, gguf_writer_info_of(&w, "blk.1.ffn_up.weight"));
        gguf_writer_tensor(&w, "blk.1.ffn_up.weight", INLAY_TYPE_F32, n_dims,
                           (uint64_t[]){64, 96, n_dims == 3 ? 2 : 1, 2}, zeros, sizeof zeros);
        CHECK_INT(tiny_network_try(&w), INLAY_ERR_FORMAT);
        CHECK_HAS(inlay__error_text(), n_dims == 3 ? "has shape [64, 96, 2, 1], expected [64, 96]"
                                                   : "has shape [64, 96, 1, 2], expected [64, 96]");
    }
}

/* ------------------------------------------------------------------- another type */

static void retype(gguf_writer *w, size_t info) {
    uint32_t n_dims = inlay__load_u32(w->infos.data + info);
    w->infos.data[info + 4 + 8 * n_dims] = TYPE_I32; /* as wide as F32 */
}

TEST(a_tensor_of_a_type_that_does_not_run_is_named) {
    change_each(retype, INLAY_ERR_UNSUPPORTED, "is of type I32", NULL);
}

/* An optional tensor that is there must be right: llama with what other architectures have. */
TEST(an_optional_tensor_must_be_of_its_shape) {
    static const char *const names[] = {"attn_q.bias",   "attn_k.bias", "attn_v.bias",  "attn_output.bias",
                                        "ffn_gate.bias", "ffn_up.bias", "ffn_down.bias"};
    tiny_params p = small(0); /* n_q 96, n_kv 32, n_ff 96, n_embd 64 */
    static const uint64_t sizes[] = {96, 32, 32, 64, 96, 96, 64};
    static const float zeros[200];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (uint64_t n = sizes[i] - 1; n <= sizes[i] + 1; n++) {
            tensor_name name;
            gguf_writer w;
            snprintf(name.text, sizeof name.text, "blk.1.%s", names[i]);
            tiny_metadata(&p, &w);
            tiny_tensors(&p, &w);
            gguf_writer_tensor(&w, name.text, INLAY_TYPE_F32, 1, &n, zeros, (size_t)n * 4);
            int32_t status = tiny_network_try(&w);
            if (n == sizes[i])
                CHECK_INT(status, INLAY_OK);
            else
                check_error(&name, status, INLAY_ERR_FORMAT, "has shape");
        }
    }
}

/* ------------------------------------------------------------- what is handed out */

/* A model of nothing but weights: for the functions that find tensors. */
typedef struct bare {
    inlay__model model;
    inlay__weights weights;
    uint8_t *data;
} bare;

static void bare_open(bare *b, gguf_writer *w) {
    size_t size;
    memset(b, 0, sizeof *b);
    b->data = gguf_writer_finish(w, &size);
    CHECK_INT(inlay__weights_open_memory(&inlay__sys_default, b->data, size, &b->weights), INLAY_OK);
    b->model.sys = &inlay__sys_default;
    b->model.weights = &b->weights;
    b->model.decoder.prefix = "";
    b->model.stack = &b->model.decoder;
    b->model.used = inlay__model_alloc(&b->model, b->weights.n_tensors, sizeof *b->model.used);
}

static void bare_close(bare *b) {
    for (size_t i = 0; i < b->model.n_blocks; i++)
        inlay__free(&inlay__sys_default, b->model.blocks[i].memory, b->model.blocks[i].size);
    inlay__free(&inlay__sys_default, b->model.blocks, b->model.block_capacity * sizeof *b->model.blocks);
    inlay__weights_close(&b->weights);
    free(b->data);
}

TEST(vectors_of_every_type_come_as_floats_and_matrices_as_the_files_rows) {
    enum { N_K = 512, N_ROWS = 3 };
    float x[N_K * N_ROWS], expected[N_K];
    uint8_t rows[N_K * N_ROWS * 4];
    uint64_t random = 5;
    for (size_t i = 0; i < n_file_types; i++) {
        uint32_t type = product_types[i];
        size_t row_size = quantize_size(type, N_K);
        gguf_writer w;
        bare b;
        const float *vector = NULL;
        inlay__matrix m;
        for (size_t k = 0; k < N_K * N_ROWS; k++)
            x[k] = random_float(&random, -2, 2);
        for (size_t r = 0; r < N_ROWS; r++)
            quantize_row(type, x + r * N_K, N_K, rows + r * row_size);
        gguf_writer_init(&w);
        gguf_writer_tensor(&w, "vector", type, 1, (uint64_t[]){N_K}, rows, row_size);
        gguf_writer_tensor(&w, "matrix", type, 2, (uint64_t[]){N_K, N_ROWS}, rows, N_ROWS * row_size);
        bare_open(&b, &w);
        CHECK_INT(inlay__load_vector(&b.model, "vector", 0, N_K, &vector), INLAY_OK);
        inlay__dequantize_row(type, rows, N_K, expected);
        CHECK(vector != NULL && memcmp(vector, expected, sizeof expected) == 0);
        CHECK_INT(inlay__load_matrix(&b.model, "matrix", 0, N_ROWS, N_K, &m), INLAY_OK);
        CHECK(m.type == type && !m.packed && m.n_rows == N_ROWS && m.n_k == N_K && m.row_size == row_size);
        CHECK(m.data == inlay__weights_find(&b.weights, "matrix")->data);
        CHECK_INT(inlay__load_matrix(&b.model, "matrix", 0, N_ROWS + 1, N_K, &m), INLAY_ERR_FORMAT);
        CHECK_INT(inlay__load_vector(&b.model, "matrix", 0, N_K, &vector), INLAY_ERR_FORMAT);
        bare_close(&b);
    }
}

TEST(names_hold_the_number_of_the_layer) {
    static const size_t layers[] = {0, 9, 10, 4095};
    gguf_writer w;
    bare b;
    gguf_writer_init(&w);
    for (size_t i = 0; i < 4; i++) {
        char name[32];
        float value = (float)layers[i];
        snprintf(name, sizeof name, "blk.%zu.x", layers[i]);
        gguf_writer_tensor(&w, name, INLAY_TYPE_F32, 1, (uint64_t[]){1}, &value, 4);
    }
    bare_open(&b, &w);
    for (size_t i = 0; i < 4; i++) {
        const float *found = NULL;
        CHECK(inlay__load_has(&b.model, "blk.%u.x", layers[i]));
        CHECK(!inlay__load_has(&b.model, "blk.%u.x", layers[i] + 2));
        CHECK_INT(inlay__load_vector_optional(&b.model, "blk.%u.x", layers[i], 1, &found), INLAY_OK);
        CHECK(found != NULL && *found == (float)layers[i]);
        CHECK_INT(inlay__load_vector_optional(&b.model, "blk.%u.y", layers[i], 1, &found), INLAY_OK);
        CHECK(found == NULL);
    }
    b.model.hparams.n_layer = 1;
    CHECK_INT(inlay__load_require(&b.model, "blk.%u.x"), INLAY_OK);
    b.model.hparams.n_layer = 2;
    CHECK_INT(inlay__load_require(&b.model, "blk.%u.x"), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "tensor 'blk.1.x' is missing");
    bare_close(&b);
}

TEST_MAIN(CASE(a_missing_tensor_is_named), CASE(a_tensor_that_the_architecture_does_not_use_is_refused_by_name),
          CASE(a_tensor_of_another_shape_is_named), CASE(both_shapes_are_told),
          CASE(a_tensor_of_three_or_four_dimensions_is_named), CASE(a_tensor_of_a_type_that_does_not_run_is_named),
          CASE(an_optional_tensor_must_be_of_its_shape),
          CASE(vectors_of_every_type_come_as_floats_and_matrices_as_the_files_rows),
          CASE(names_hold_the_number_of_the_layer))
