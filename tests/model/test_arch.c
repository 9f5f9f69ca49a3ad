/* Architectures: their table, what each makes of a file, what it refuses. */
#include "test.h"

#include <math.h>

#include "support/tiny_network.h"

TEST(architectures_are_found_by_their_whole_names) {
    static const char *const names[] = {"llama", "qwen2", "gemma3"};
    static const char *const others[] = {"", "llam", "llama2", "Llama", "qwen", "gemma", "gemma3 ", "llama, qwen2"};
    for (size_t i = 0; i < 3; i++) {
        const inlay__arch *arch = inlay__arch_find(names[i]);
        CHECK(arch != NULL && strcmp(arch->name, names[i]) == 0 && arch->load != NULL);
        CHECK_HAS(inlay__arch_names(), names[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK(inlay__arch_find(others[i]) == NULL);
    CHECK(inlay__arch_names()[0] != ',' && inlay__arch_names()[0] != ' ');
}

TEST(each_architecture_has_its_own_rotation_and_activation) {
    static const inlay__rope ropes[] = {INLAY__ROPE_ADJACENT, INLAY__ROPE_HALVES, INLAY__ROPE_HALVES};
    static const inlay__activation activations[] = {INLAY__SILU, INLAY__SILU, INLAY__GELU_TANH};
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        tiny_network n = tiny_network_open(&p, NULL);
        const inlay__model *m = n.model;
        CHECK_INT(m->rope, ropes[i]);
        CHECK_INT(m->activation, activations[i]);
        CHECK(m->embd_scale == (i == 2 ? sqrtf(64.0f) : 1.0f));
        CHECK(m->rope_frequencies[INLAY__ROPE_GLOBAL] != NULL);
        CHECK((m->rope_frequencies[INLAY__ROPE_LOCAL] != NULL) == (i == 2));
        for (size_t l = 0; l < p.n_layer; l++) {
            const inlay__layer *layer = &m->layers[l];
            CHECK((layer->attn_q_bias != NULL && layer->attn_k_bias != NULL && layer->attn_v_bias != NULL) == (i == 1));
            CHECK((layer->attn_q_norm != NULL && layer->attn_k_norm != NULL) == (i == 2));
            CHECK((layer->attn_post_norm != NULL && layer->ffn_post_norm != NULL) == (i == 2));
        }
        CHECK((m->output.data == m->token_embd.data) == p.tied);
        tiny_network_close(&n);
    }
}

TEST(every_sixth_layer_of_gemma3_is_global_and_all_are_without_a_window) {
    tiny_params p = tiny_architecture(2);
    p.n_layer = 13;
    for (uint32_t window = 0; window <= 20; window += 20) {
        p.n_window = window;
        tiny_network n = tiny_network_open(&p, NULL);
        for (size_t l = 0; l < 13; l++)
            CHECK_INT(n.model->layers[l].local, window > 0 && l != 5 && l != 11);
        tiny_network_close(&n);
    }
    p = tiny_architecture(0);
    p.n_window = 20; /* a key that llama has no use for */
    tiny_network n = tiny_network_open(&p, NULL);
    for (size_t l = 0; l < p.n_layer; l++)
        CHECK(!n.model->layers[l].local);
    tiny_network_close(&n);
}

/* ------------------------------------------------------------------ frequencies */

/* The file's theta is the global layers'; the local ones of gemma3 always turn by 10,000. */
TEST(frequencies_are_powers_of_theta_divided_by_the_scale) {
    static const double thetas[] = {10000, 500000, 1, 1e12}, scales[] = {1, 8, 0.5};
    for (size_t i = 0; i < 12; i++) {
        double theta = thetas[i % 4], scale = scales[i / 4];
        tiny_params p = tiny_architecture(2);
        tiny_network n = tiny_network_open(&p, NULL);
        CHECK_INT(inlay__model_make_rope(n.model, INLAY__ROPE_GLOBAL, theta, scale), INLAY_OK);
        for (uint32_t k = 0; k < 8; k++) {
            double global = pow(theta, -2.0 * k / 16) / scale, local = pow(10000, -2.0 * k / 16);
            CHECK(fabs(n.model->rope_frequencies[INLAY__ROPE_GLOBAL][k] - global) <= 1e-14 * global);
            CHECK(fabs(n.model->rope_frequencies[INLAY__ROPE_LOCAL][k] - local) <= 1e-14 * local);
        }
        tiny_network_close(&n);
    }
}

/* ------------------------------------------------------------------------ refused */

static int32_t open_with(const char *tensor) {
    static const float zeros[4096];
    tiny_params p = tiny_architecture(0);
    gguf_writer w;
    tiny_metadata(&p, &w);
    tiny_tensors(&p, &w);
    gguf_writer_tensor(&w, tensor, INLAY_TYPE_F32, 1, (uint64_t[]){6}, zeros, 24);
    return tiny_network_try(&w);
}

TEST(what_llama_files_may_hold_and_this_version_does_not_run_is_named) {
    CHECK_INT(open_with("rope_freqs.weight"), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay__error_text(), "'rope_freqs.weight'");
    CHECK_INT(open_with("blk.0.ffn_gate_inp.weight"), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay__error_text(), "mixtures of experts (tensor 'blk.0.ffn_gate_inp.weight')");
}

TEST_MAIN(CASE(architectures_are_found_by_their_whole_names),
          CASE(each_architecture_has_its_own_rotation_and_activation),
          CASE(every_sixth_layer_of_gemma3_is_global_and_all_are_without_a_window),
          CASE(frequencies_are_powers_of_theta_divided_by_the_scale),
          CASE(what_llama_files_may_hold_and_this_version_does_not_run_is_named))
