/* Opening a network: what metadata, tensors and tokenizer must agree on, and that a refusal leaves nothing. */
#include "test.h"

#include "support/accounting_sys.h"
#include "support/tiny_network.h"

/* Overwrites the first place in the metadata where `find` stands. */
static void change(gguf_writer *w, const char *find, const char *replace) {
    size_t n = strlen(find);
    for (size_t i = 0; i + n <= w->kv.size; i++) {
        if (memcmp(w->kv.data + i, find, n) != 0) continue;
        memcpy(w->kv.data + i, replace, n);
        return;
    }
    fprintf(stderr, "the metadata have no '%s'\n", find);
    exit(2);
}

TEST(the_size_of_the_vocabulary_is_that_of_the_embedding) {
    for (int i = 0; i < 3; i++) {
        tiny_params p = tiny_defaults();
        gguf_writer w;
        tiny_metadata(&p, &w);
        change(&w, "llama.vocab_size", "llama.vocob_size");
        if (i > 0) gguf_writer_u32(&w, "llama.vocab_size", i == 1 ? 321 : 319);
        tiny_tensors(&p, &w);
        CHECK_INT(tiny_network_try(&w), i == 0 ? INLAY_OK : INLAY_ERR_FORMAT);
        if (i > 0)
            CHECK_HAS(inlay__error_text(),
                      i == 1 ? "'llama.vocab_size' is 321, but 'token_embd.weight' has 320 rows" : "is 319, but");
    }
}

TEST(the_tokenizer_may_have_fewer_tokens_than_the_embedding_and_not_more) {
    for (size_t n_tokens = 318; n_tokens <= 322; n_tokens++) {
        tiny_params p = tiny_defaults();
        accounting a;
        size_t size;
        inlay__model_config config = tiny_network_config();
        accounting_init(&a);
        config.n_vocab_tokenizer = n_tokens;
        uint8_t *data = tiny_model(&p, &size);
        tiny_network n = tiny_network_open_file(data, size, &a.sys, &config);
        CHECK_INT(n.status, n_tokens <= 320 ? INLAY_OK : INLAY_ERR_FORMAT);
        CHECK((n.model != NULL) == (n_tokens <= 320));
        if (n_tokens == 322) CHECK_HAS(inlay__error_text(), "has 322 tokens, but 'token_embd.weight' has 320 rows");
        tiny_network_close(&n);
        CHECK_INT(a.n_live, 0);
    }
}

TEST(an_architecture_that_does_not_run_is_named_before_what_it_lacks) {
    gguf_writer w;
    gguf_writer_init(&w);
    gguf_writer_string(&w, "general.architecture", "zebra");
    CHECK_INT(tiny_network_try(&w), INLAY_ERR_UNSUPPORTED);
    CHECK_HAS(inlay__error_text(), "architecture 'zebra' is not one this version runs");
    CHECK_HAS(inlay__error_text(), inlay__arch_names());
    gguf_writer_init(&w);
    CHECK_INT(tiny_network_try(&w), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "'general.architecture' is missing");
}

/* Elsewhere every other test would tell. */
TEST(networks_are_refused_on_big_endian_machines_by_name) {
    const uint16_t one = 1;
    const bool big = *(const uint8_t *)&one == 0;
    tiny_params p = tiny_defaults();
    gguf_writer w;
    tiny_metadata(&p, &w);
    tiny_tensors(&p, &w);
    CHECK_INT(tiny_network_try(&w), big ? INLAY_ERR_UNSUPPORTED : INLAY_OK);
    if (big) CHECK_HAS(inlay__error_text(), "on little-endian machines only");
}

TEST(a_file_without_tensors_names_the_first_that_it_lacks) {
    tiny_params p = tiny_defaults();
    gguf_writer w;
    tiny_metadata(&p, &w);
    CHECK_INT(tiny_network_try(&w), INLAY_ERR_FORMAT);
    CHECK_HAS(inlay__error_text(), "tensor 'token_embd.weight' is missing");
}

/* Metadata that promise more than the tensors hold: layers, heads, widths. */
TEST(metadata_that_the_tensors_contradict_are_refused) {
    static const struct {
        const char *key, *other;
        uint32_t value;
        const char *words;
    } rows[] = {
        {"llama.block_count", "llama.block_covnt", 3, "tensor 'blk.2.attn_norm.weight' is missing"},
        {"llama.block_count", "llama.block_covnt", 4096, "tensor 'blk.2.attn_norm.weight' is missing"},
        {"llama.embedding_length", "llama.embedding_longth", 128, "'token_embd.weight' has shape [64, 320"},
        {"llama.embedding_length", "llama.embedding_longth", 1 << 18, "'token_embd.weight' has shape [64, 320"},
        {"llama.feed_forward_length", "llama.feed_forword_length", 1 << 21,
         "'blk.0.ffn_gate.weight' has shape [64, 96"},
        {"llama.feed_forward_length", "llama.feed_forword_length", 95, "'blk.0.ffn_gate.weight' has shape [64, 96"},
        {"llama.attention.head_count_kv", "llama.attention.head_covnt_kv", 4,
         "'blk.0.attn_k.weight' has shape [64, 32"},
        {"llama.attention.head_count_kv", "llama.attention.head_covnt_kv", 1,
         "'blk.0.attn_k.weight' has shape [64, 32"},
        {"llama.attention.key_length", NULL, 4096, "value_length"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tiny_params p = tiny_defaults();
        gguf_writer w;
        p.n_embd_head = rows[i].other == NULL ? 16 : 0;
        tiny_metadata(&p, &w);
        if (rows[i].other != NULL)
            change(&w, rows[i].key, rows[i].other);
        else
            change(&w, rows[i].key, "llama.attention.key_longth");
        gguf_writer_u32(&w, rows[i].key, rows[i].value);
        tiny_tensors(&p, &w);
        CHECK(tiny_network_try(&w) != INLAY_OK);
        CHECK_HAS(inlay__error_text(), rows[i].words);
    }
}

TEST(a_model_has_the_kernels_of_the_level_asked_for) {
    tiny_params p = tiny_defaults();
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        inlay__model_config config = tiny_network_config();
        config.cpu = (inlay__cpu)level;
        tiny_network n = tiny_network_open(&p, &config);
        CHECK_INT(inlay__model_kernels(n.model)->level, level);
        CHECK_INT(inlay__model_hparams(n.model)->n_vocab, 320);
        CHECK_INT(inlay__model_hparams(n.model)->n_ff, 96);
        tiny_network_close(&n);
    }
}

TEST(every_refused_allocation_is_an_error_that_leaves_nothing) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        inlay__model_config config = tiny_network_config();
        config.n_threads = 1; /* accounting is for one */
        p.matrix_type = INLAY_TYPE_Q8_0;
        for (size_t fail_at = 1;; fail_at++) {
            accounting a;
            size_t size;
            accounting_init(&a);
            a.fail_at = fail_at;
            uint8_t *data = tiny_model(&p, &size);
            tiny_network n = tiny_network_open_file(data, size, &a.sys, &config);
            int32_t status = n.status;
            CHECK(status == INLAY_OK || (status == INLAY_ERR_MEMORY && n.model == NULL));
            tiny_network_close(&n);
            CHECK_INT(a.n_live, 0);
            if (status == INLAY_OK) {
                CHECK(fail_at > 5);
                break;
            }
        }
    }
}

TEST_MAIN(CASE(networks_are_refused_on_big_endian_machines_by_name),
          CASE(the_size_of_the_vocabulary_is_that_of_the_embedding),
          CASE(the_tokenizer_may_have_fewer_tokens_than_the_embedding_and_not_more),
          CASE(an_architecture_that_does_not_run_is_named_before_what_it_lacks),
          CASE(a_file_without_tensors_names_the_first_that_it_lacks),
          CASE(metadata_that_the_tensors_contradict_are_refused), CASE(a_model_has_the_kernels_of_the_level_asked_for),
          CASE(every_refused_allocation_is_an_error_that_leaves_nothing))
