/* The ids that the package `tokenizers` gives to the texts of tokens_golden.c. */
#include "test.h"

#include "golden/tokens_golden.h"
#include "support/tiny_vocab.h"

static tiny_tokenizer open_golden(const char *pre) {
    tiny_vocab v;
    tiny_vocab_init(&v);
    tiny_vocab_free(&v);
    v.pre = pre;
    for (size_t i = 0; i < golden_n_tokens; i++) {
        bool added = i >= golden_n_tokens - golden_n_added;
        tiny_vocab_token(&v, golden_tokens[i],
                         i < golden_n_control ? VOCAB_CONTROL
                         : added              ? VOCAB_USER_DEFINED
                                              : VOCAB_NORMAL);
    }
    for (size_t i = 0; i < golden_n_merges; i++)
        tiny_vocab_merge(&v, golden_merges[i]);
    tiny_tokenizer t = tiny_vocab_open(&v, &inlay__sys_default);
    CHECK_INT(v.n_tokens, golden_n_tokens); /* no merge made a token of its own */
    tiny_vocab_free(&v);
    return t;
}

static void check_text(const tiny_tokenizer *t, const golden_text *golden) {
    int32_t ids[1024];
    char back[1024];
    size_t n = 0, n_back = 0;
    int32_t flags = golden->special ? INLAY_PARSE_SPECIAL : 0;
    CHECK_INT(inlay__tokenizer_encode(t->tokenizer, golden->text, golden->size, flags, ids, 1024, &n), INLAY_OK);
    bool same = n == golden->n && memcmp(ids, golden_ids + golden->first, n * sizeof *ids) == 0;
    if (!same)
        fprintf(stderr, "%s: \"%s\": %s\n", golden->pre, golden->text,
                tiny_encode(t, golden->text, golden->size, flags));
    CHECK(same);
    if (golden->special) return; /* control tokens have no bytes */
    CHECK_INT(inlay__tokenizer_decode(t->tokenizer, ids, n, back, sizeof back, &n_back), INLAY_OK);
    CHECK(n_back == golden->size && memcmp(back, golden->text, n_back) == 0);
}

static void check_all(const char *pre) {
    tiny_tokenizer t = open_golden(pre);
    size_t checked = 0;
    CHECK_INT(t.status, INLAY_OK);
    for (size_t i = 0; t.tokenizer != NULL && i < golden_n_texts; i++) {
        if (strcmp(golden_texts[i].pre, pre) != 0) continue;
        check_text(&t, &golden_texts[i]);
        checked++;
    }
    CHECK(checked > 100);
    tiny_tokenizer_close(&t);
}

TEST(gpt2_gives_the_ids_of_the_reference) { check_all("gpt-2"); }
TEST(llama3_gives_the_ids_of_the_reference) { check_all("llama-bpe"); }
TEST(qwen2_gives_the_ids_of_the_reference) { check_all("qwen2"); }
TEST(smollm_gives_the_ids_of_the_reference) { check_all("smollm"); }

TEST_MAIN(CASE(gpt2_gives_the_ids_of_the_reference), CASE(llama3_gives_the_ids_of_the_reference),
          CASE(qwen2_gives_the_ids_of_the_reference), CASE(smollm_gives_the_ids_of_the_reference))
