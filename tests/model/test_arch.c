/* Architectures: their table, what each makes of a file, what it refuses. */
#include "test.h"

#include <math.h>

#include "model/block_attention.h"
#include "model/block_ffn.h"
#include "model/positions.h"
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

static const inlay__attention_weights *attention_of(const inlay__model *m, size_t layer) {
    return m->decoder.layers[layer].blocks[0].weights;
}

TEST(each_architecture_has_its_own_rotation_and_activation) {
    static const inlay__rope_pairs pairs[] = {INLAY__ROPE_ADJACENT, INLAY__ROPE_HALVES, INLAY__ROPE_HALVES};
    static const inlay__activation activations[] = {INLAY__SILU, INLAY__SILU, INLAY__GELU_TANH};
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        tiny_network n = tiny_network_open(&p, NULL);
        const inlay__model *m = n.model;
        CHECK(m->embd_scale == (i == 2 ? sqrtf(64.0f) : 1.0f));
        CHECK(m->ropes[INLAY__ROPE_GLOBAL].n > 0);
        CHECK((m->ropes[INLAY__ROPE_LOCAL].n > 0) == (i == 2));
        for (size_t l = 0; l < p.n_layer; l++) {
            const inlay__layer_block *blocks = m->decoder.layers[l].blocks;
            const inlay__attention_weights *w = attention_of(m, l);
            const inlay__ffn_weights *ffn = blocks[1].weights;
            CHECK_INT(m->decoder.layers[l].n_blocks, 2);
            CHECK_INT(w->pairs, pairs[i]);
            CHECK_INT(ffn->activation, activations[i]);
            CHECK((w->q.bias != NULL && w->k.bias != NULL && w->v.bias != NULL) == (i == 1));
            CHECK_INT(w->q_norm.kind, i == 2 ? INLAY__NORM_RMS : INLAY__NORM_NONE);
            CHECK_INT(w->k_norm.kind, w->q_norm.kind);
            CHECK_INT(blocks[0].branch_norm.kind, w->q_norm.kind);
            CHECK_INT(blocks[1].branch_norm.kind, w->q_norm.kind);
        }
        CHECK((m->head.output.matrix.data == m->token_embd.data) == p.tied);
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
            CHECK_INT(attention_of(n.model, l)->n_window, l != 5 && l != 11 ? window : 0);
        tiny_network_close(&n);
    }
}

TEST(a_window_of_llama_is_every_layers) {
    tiny_params p = tiny_architecture(0);
    p.n_window = 20;
    tiny_network n = tiny_network_open(&p, NULL);
    for (size_t l = 0; l < p.n_layer; l++)
        CHECK_INT(attention_of(n.model, l)->n_window, 20);
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
        n.model->hparams.rope_scale = scale;
        CHECK_INT(inlay__positions_make_rope(n.model, INLAY__ROPE_GLOBAL, theta, true), INLAY_OK);
        for (uint32_t k = 0; k < 8; k++) {
            double global = pow(theta, -2.0 * k / 16) / scale, local = pow(10000, -2.0 * k / 16);
            CHECK(fabs(n.model->ropes[INLAY__ROPE_GLOBAL].frequencies[k] - global) <= 1e-14 * global);
            CHECK(fabs(n.model->ropes[INLAY__ROPE_LOCAL].frequencies[k] - local) <= 1e-14 * local);
        }
        tiny_network_close(&n);
    }
}

TEST_MAIN(CASE(architectures_are_found_by_their_whole_names),
          CASE(each_architecture_has_its_own_rotation_and_activation),
          CASE(every_sixth_layer_of_gemma3_is_global_and_all_are_without_a_window),
          CASE(frequencies_are_powers_of_theta_divided_by_the_scale),
          CASE(a_window_of_llama_is_every_layers))
