/* The logits have the recorded bits: one hash for each model, the same for every CPU level of every machine, whatever
 * the threads, the batch and the way of cutting the prompt.
 *
 * After a change that raises the arithmetic version, `INLAY_WRITE_GOLDEN=tests/golden/logits_golden.c test_logits`
 * writes the hashes anew, and INLAY_MODEL_CACHE names the folder with the real models (tools/fetch_model.py), which all
 * must be there then. INLAY_TEST_SAMPLE=1 tries fewer ways, and of the real models the smallest and a few tokens, for
 * emulated CPUs; INLAY_TEST_SCALAR=1 runs the real models by the scalar definition too. */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include "golden/logits_golden.h"
#include "kernels/cpu.h"
#include "support/tiny_family.h"
#include "support/tiny_network.h"
#include "support/tiny_ngram.h"
#include "support/tiny_open.h"
#include "support/tiny_seq2seq.h"

enum { LONG_PROMPT = 280, SHORT_PROMPT = 40, REAL_PROMPT = 48, FEW_TOKENS = 6 };

/* How a prompt is evaluated. */
typedef struct way {
    inlay__cpu level;
    int threads, batch;
    size_t step; /* tokens of a call */
} way;

/* The way that is recorded. */
static const way recorded_way = {INLAY__CPU_SCALAR, 1, 64, SIZE_MAX};

static bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

/* FNV-1a over the floats' bits, low byte first. */
static uint64_t hash_floats(const float *x, size_t n) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        for (int byte = 0; byte < 4; byte++)
            hash = (hash ^ (bits >> 8 * byte & 255)) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* What is evaluated: a file of a path or of memory, with a cache, so many tokens, and one hash of all their logits; of
 * an encoder-decoder after so many were encoded. */
typedef struct subject {
    char name[64], path[512];
    const uint8_t *data;
    size_t size, n_tokens, n_vocab, n_encoded;
    int cache_type;
    bool encodes; /* an encoder: the sequence is read whole */
} subject;

/* One sequence on its way: a session, and the logits that it has given. */
typedef struct sequence {
    inlay_session *session;
    int32_t tokens[LONG_PROMPT];
    size_t n_tokens, n_vocab, step, done;
    bool encodes;
    float *rows; /* [n_tokens, n_vocab] */
    int32_t status;
} sequence;

static void begin_sequence(sequence *q, const subject *s, inlay_model *model, const inlay_options *options,
                           size_t step) {
    *q = (sequence){.n_tokens = s->n_tokens, .n_vocab = s->n_vocab, .step = step, .encodes = s->encodes};
    tiny_tokens(q->tokens, q->n_tokens);
    q->rows = calloc(q->n_tokens * q->n_vocab, sizeof *q->rows);
    q->status = inlay_session_new(model, options, &q->session);
    if (s->n_encoded == 0 || q->status != INLAY_OK) return;
    tiny_seq2seq_tokens(q->tokens, s->n_encoded, 41);
    q->status = inlay_encode(q->session, q->tokens, s->n_encoded);
    tiny_seq2seq_tokens(q->tokens, q->n_tokens, 29);
}

static bool is_going_on(const sequence *q) { return q->status == INLAY_OK && q->done < q->n_tokens; }

/* The logits at each position of the whole sequence. */
static void encode(sequence *q) {
    float *row;
    q->status = inlay_encode(q->session, q->tokens, q->n_tokens);
    for (; q->status == INLAY_OK && q->done < q->n_tokens; q->done++) {
        q->status = inlay_logits_at(q->session, q->done, &row, NULL);
        if (q->status == INLAY_OK) memcpy(q->rows + q->done * q->n_vocab, row, q->n_vocab * sizeof *row);
    }
}

static void go_on(sequence *q) {
    if (q->encodes) {
        encode(q);
        return;
    }
    size_t left = q->n_tokens - q->done, n = left < q->step ? left : q->step;
    q->status = inlay_eval_all(q->session, q->tokens + q->done, n, q->rows + q->done * q->n_vocab, n * q->n_vocab);
    q->done += n;
}

static void *run_sequence(void *sequence_to_run) {
    sequence *q = sequence_to_run;
    while (is_going_on(q)) go_on(q);
    return NULL;
}

/* The hash of all its logits. */
static uint64_t end_sequence(const subject *s, sequence *q) {
    if (q->status != INLAY_OK) fprintf(stderr, "%s: %s\n", s->name, inlay_session_error(q->session));
    CHECK_INT(q->status, INLAY_OK);
    uint64_t hash = q->status == INLAY_OK ? hash_floats(q->rows, q->n_tokens * q->n_vocab) : 0;
    free(q->rows);
    inlay_session_free(q->session);
    return hash;
}

static inlay_options *options_of(const subject *s, const way *w) {
    inlay_options *o = tiny_options(INLAY_OPT_CACHE_TYPE, s->cache_type, INLAY_OPT_THREADS, w->threads, INLAY_OPT_BATCH,
                                    w->batch, INLAY_OPT_CONTEXT, LONG_PROMPT, 0);
    inlay_options_set_string(o, INLAY_OPT_CPU, inlay__cpu_name(w->level), INLAY_ALL);
    return o;
}

static inlay_model *open_subject(const subject *s, const inlay_options *o) {
    inlay_model *model = NULL;
    int32_t status = s->data != NULL ? inlay_model_open_memory(s->data, s->size, o, &model)
                                     : inlay_model_open(s->path, o, &model);
    if (status != INLAY_OK) fprintf(stderr, "%s: %s\n", s->name, inlay_error());
    CHECK_INT(status, INLAY_OK);
    return model;
}

static uint64_t evaluate(const subject *s, const way *w) {
    inlay_options *o = options_of(s, w);
    inlay_model *model = open_subject(s, o);
    uint64_t hash = 0;
    if (model != NULL) {
        sequence q;
        begin_sequence(&q, s, model, o, w->step);
        run_sequence(&q);
        hash = end_sequence(s, &q);
    }
    inlay_model_free(model);
    inlay_options_free(o);
    return hash;
}

static const golden_logits *golden_of(const char *name) {
    for (size_t i = 0; i < golden_n_logits; i++)
        if (strcmp(golden_logits_table[i].name, name) == 0) return &golden_logits_table[i];
    return NULL;
}

static FILE *written;

/* Whether the subject has its hash when evaluated so; or writes it, once. */
static bool check_way(const subject *s, const way *w) {
    const golden_logits *golden = golden_of(s->name);
    if (golden == NULL) return fprintf(stderr, "no hash of %s is recorded\n", s->name), CHECK(golden != NULL);
    uint64_t hash = evaluate(s, w);
    if (hash == golden->hash) return true;
    fprintf(stderr,
            "%s at level %s, %d threads, batch %d, %zu tokens a call: %016" PRIx64 ", recorded is %016" PRIx64 "\n",
            s->name, inlay__cpu_name(w->level), w->threads, w->batch, w->step, hash, golden->hash);
    return CHECK(hash == golden->hash);
}

static void record(const subject *s) {
    fprintf(written, "    {\"%s\", UINT64_C(0x%016" PRIx64 ")},\n", s->name, evaluate(s, &recorded_way));
}

/* Every level in three ways, in turn; `all`: the vector levels in the whole product of threads and batches, and in
 * prompts cut in four ways. */
static void check_subject(const subject *s, bool all) {
    static const int threads[] = {1, 2, 3, 8}, batches[] = {512, 64, 7, 2, 1};
    static const size_t steps[] = {1, 13, 100, 257};
    if (written != NULL) {
        record(s);
        return;
    }
    for (int level = 0, turn = 0; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level)) continue;
        const bool sample = is_set("INLAY_TEST_SAMPLE"), every = all && level != INLAY__CPU_SCALAR && !sample;
        if (sample && level == INLAY__CPU_SCALAR) continue; /* compiled from the same C everywhere */
        for (int i = 0; i < 20; i++) {
            way w = {(inlay__cpu)level, threads[i % 4], batches[i % 5], SIZE_MAX};
            if (every || i == turn % 20 || (!sample && i == (turn + 7) % 20)) check_way(s, &w);
        }
        for (int i = 0; i < 4; i++) {
            way w = {(inlay__cpu)level, threads[(i + 1) % 4], 64, steps[i]};
            if (every || (!sample && i == turn % 4)) check_way(s, &w);
        }
        turn += 3;
    }
}

static const char *cache_name(int cache) {
    return cache == INLAY_TYPE_F32 ? "F32" : cache == INLAY_TYPE_F16 ? "F16" : "Q8_0";
}

static void check_tiny(const tiny_params *p, const char *what, size_t n_tokens, int cache, bool all) {
    subject s = {.n_tokens = n_tokens, .n_vocab = p->n_vocab, .cache_type = cache};
    uint8_t *data = tiny_model(p, &s.size);
    s.data = data;
    snprintf(s.name, sizeof s.name, "tiny %s, cache %s", what, cache_name(cache));
    check_subject(&s, all);
    free(data);
}

static const int caches[] = {INLAY_TYPE_F32, INLAY_TYPE_F16, INLAY_TYPE_Q8_0};

TEST(every_architecture_has_its_recorded_bits) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        for (int c = 0; c < 3; c++) {
            tiny_params p = tiny_architecture(i);
            p.n_embd_head = 32; /* blocks of a cache in Q8_0 */
            p.matrix_type = i == 0 ? INLAY_TYPE_Q8_0 : i == 1 ? INLAY_TYPE_Q4_1 : INLAY_TYPE_F16;
            check_tiny(&p, p.architecture, LONG_PROMPT, caches[c], i == 0 && caches[c] == INLAY_TYPE_F16);
        }
    }
}

TEST(encoder_decoders_have_their_recorded_bits) {
    tiny_seq2seq models[] = {tiny_t5(), tiny_bart()};
    models[0].gated = true;
    for (size_t i = 0; i < 2; i++) {
        subject s = {.n_tokens = LONG_PROMPT,
                     .n_vocab = models[i].n_vocab,
                     .n_encoded = LONG_PROMPT - 5,
                     .cache_type = caches[i]};
        uint8_t *data = tiny_seq2seq_file(&models[i], &s.size);
        s.data = data;
        snprintf(s.name, sizeof s.name, "tiny %s, cache %s", models[i].architecture, cache_name(caches[i]));
        check_subject(&s, false);
        free(data);
    }
}

TEST(ngrams_have_their_recorded_bits) {
    const tiny_ngram model = {.n_words = 260, .order = 3};
    subject s = {.name = "tiny ngram", .n_tokens = LONG_PROMPT, .n_vocab = 260, .cache_type = INLAY_TYPE_F16};
    uint8_t *data = tiny_ngram_file(&model, &s.size);
    s.data = data;
    check_subject(&s, false);
    free(data);
}

TEST(every_type_of_weights_has_its_recorded_bits) {
    static const struct {
        uint32_t type;
        const char *name;
    } types[] = {{INLAY_TYPE_F32, "F32"},       {INLAY_TYPE_F16, "F16"},       {INLAY_TYPE_BF16, "BF16"},
                 {INLAY_TYPE_Q4_0, "Q4_0"},     {INLAY_TYPE_Q4_1, "Q4_1"},     {INLAY_TYPE_Q5_0, "Q5_0"},
                 {INLAY_TYPE_Q5_1, "Q5_1"},     {INLAY_TYPE_Q8_0, "Q8_0"},     {INLAY_TYPE_Q2_K, "Q2_K"},
                 {INLAY_TYPE_Q3_K, "Q3_K"},     {INLAY_TYPE_Q4_K, "Q4_K"},     {INLAY_TYPE_Q5_K, "Q5_K"},
                 {INLAY_TYPE_Q6_K, "Q6_K"},     {INLAY_TYPE_IQ4_NL, "IQ4_NL"}, {INLAY_TYPE_IQ4_XS, "IQ4_XS"},
                 {INLAY_TYPE_MXFP4, "MXFP4"},   {INLAY_TYPE_TQ1_0, "TQ1_0"},   {INLAY_TYPE_TQ2_0, "TQ2_0"},
                 {INLAY_TYPE_IQ1_S, "IQ1_S"},   {INLAY_TYPE_IQ1_M, "IQ1_M"},   {INLAY_TYPE_IQ2_XXS, "IQ2_XXS"},
                 {INLAY_TYPE_IQ2_XS, "IQ2_XS"}, {INLAY_TYPE_IQ2_S, "IQ2_S"},   {INLAY_TYPE_IQ3_XXS, "IQ3_XXS"},
                 {INLAY_TYPE_IQ3_S, "IQ3_S"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        tiny_params p = tiny_defaults();
        p.matrix_type = types[i].type;
        p.embedding_type = i % 2 == 0 ? INLAY_TYPE_F16 : types[i].type;
        p.n_embd = p.n_ff = 256;
        check_tiny(&p, types[i].name, SHORT_PROMPT, caches[i % 3], false);
    }
}

/* -------------------------------------------------------------- real models */

typedef enum real_model { SMOLLM2, GEMMA3, QWEN2_5_CODER } real_model;

/* A model of the folder, as it is evaluated in `n_tokens` tokens; false when it is not there. */
static bool find_real(real_model which, size_t n_tokens, const char *how, subject *s) {
    static const struct {
        const char *file;
        size_t n_vocab;
    } models[] = {{"SmolLM2-135M-Instruct.Q4_1.gguf", 49152},
                  {"gemma-3-270m.Q4_K_M.gguf", 262144},
                  {"Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf", 151936}};
    const char *folder = getenv("INLAY_MODEL_CACHE");
    *s = (subject){.n_tokens = n_tokens, .n_vocab = models[which].n_vocab, .cache_type = INLAY_TYPE_F16};
    snprintf(s->name, sizeof s->name, "%s%s", models[which].file, how);
    snprintf(s->path, sizeof s->path, "%s/%s", folder != NULL ? folder : ".", models[which].file);
    FILE *file = fopen(s->path, "rb");
    if (file == NULL) return fprintf(stderr, "%s is not there\n", s->path), false;
    fclose(file);
    return true;
}

#define SKIP_UNLESS_FOUND(which, n_tokens, how, s) \
    if (!find_real(which, n_tokens, how, s)) SKIP("INLAY_MODEL_CACHE names no folder with this model")

static void check_real(const subject *s) {
    static const way ways[] = {
        {0, 2, 512, SIZE_MAX}, {0, 3, 7, 29}, {0, 1, 64, 13}, {0, 8, 2, SIZE_MAX}, {0, 2, 1, 100}};
    if (written != NULL) {
        record(s);
        return;
    }
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        if (!inlay__cpu_has((inlay__cpu)level) || (level == 0 && !is_set("INLAY_TEST_SCALAR"))) continue;
        for (size_t k = 0; k < INLAY__COUNT(ways); k++) {
            way w = ways[k];
            w.level = (inlay__cpu)level;
            check_way(s, &w);
        }
    }
}

TEST(encoders_have_their_recorded_bits) {
    static const tiny_family families[] = {TINY_BERT, TINY_MODERNBERT};
    static const size_t lengths[] = {3, SHORT_PROMPT, LONG_PROMPT};
    for (size_t i = 0; i < 6; i++) {
        const tiny_family *family = &families[i / 3];
        subject s = {
            .n_tokens = lengths[i % 3], .n_vocab = family->n_vocab, .cache_type = INLAY_TYPE_F16, .encodes = true};
        uint8_t *data = tiny_family_file(family, &s.size);
        s.data = data;
        snprintf(s.name, sizeof s.name, "tiny %s, %zu tokens", family->architecture, s.n_tokens);
        check_subject(&s, false);
        free(data);
    }
}

TEST(smollm2_has_its_recorded_bits) {
    subject s;
    if (is_set("INLAY_TEST_SAMPLE")) SKIP("a few tokens do, where all is slow");
    SKIP_UNLESS_FOUND(SMOLLM2, REAL_PROMPT, "", &s);
    check_real(&s);
}

TEST(gemma_3_has_its_recorded_bits) {
    subject s;
    if (is_set("INLAY_TEST_SAMPLE")) SKIP("a few tokens do, where all is slow");
    SKIP_UNLESS_FOUND(GEMMA3, REAL_PROMPT, "", &s);
    check_real(&s);
}

TEST(qwen2_5_coder_has_its_recorded_bits) {
    subject s;
    if (is_set("INLAY_TEST_SAMPLE")) SKIP("a few tokens do, where all is slow");
    SKIP_UNLESS_FOUND(QWEN2_5_CODER, REAL_PROMPT, "", &s);
    check_real(&s);
}

/* Most of the tokens together, then one alone, so that both ways of sharing out work are met. */
static void check_few_tokens(const subject *s) {
    if (written != NULL) {
        record(s);
        return;
    }
    for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
        way w = {(inlay__cpu)level, 2, 64, FEW_TOKENS - 1};
        if (inlay__cpu_has(w.level) && (level != INLAY__CPU_SCALAR || !is_set("INLAY_TEST_SAMPLE"))) check_way(s, &w);
    }
}

TEST(smollm2_has_its_recorded_bits_in_a_few_tokens) {
    subject s;
    SKIP_UNLESS_FOUND(SMOLLM2, FEW_TOKENS, ", few tokens", &s);
    check_few_tokens(&s);
}

TEST(gemma_3_has_its_recorded_bits_in_a_few_tokens) {
    subject s;
    SKIP_UNLESS_FOUND(GEMMA3, FEW_TOKENS, ", few tokens", &s);
    check_few_tokens(&s);
}

TEST(qwen2_5_coder_has_its_recorded_bits_in_a_few_tokens) {
    subject s;
    SKIP_UNLESS_FOUND(QWEN2_5_CODER, FEW_TOKENS, ", few tokens", &s);
    check_few_tokens(&s);
}

/* ------------------------------------------------------------ two sequences */

/* Runs both sequences of one model to their ends, by turns or each on a thread of its own. */
static void run_together(sequence both[2], bool on_threads) {
    pthread_t threads[2];
    while (!on_threads && (is_going_on(&both[0]) || is_going_on(&both[1])))
        for (int i = 0; i < 2; i++)
            if (is_going_on(&both[i])) go_on(&both[i]);
    for (int i = 0; i < 2 && on_threads; i++) CHECK_INT(pthread_create(&threads[i], NULL, run_sequence, &both[i]), 0);
    for (int i = 0; i < 2 && on_threads; i++) pthread_join(threads[i], NULL);
}

/* The second sequence has the tokens of the first in another order. */
static void begin_other(sequence *q, const subject *s, inlay_model *model, const inlay_options *options, size_t step) {
    begin_sequence(q, s, model, options, step);
    int32_t first = q->tokens[0];
    memmove(q->tokens, q->tokens + 1, (q->n_tokens - 1) * sizeof *q->tokens);
    q->tokens[q->n_tokens - 1] = first;
}

/* One has its recorded bits beside another, which has those it has alone. */
static void check_together(const subject *s, inlay__cpu level) {
    way w = {level, 2, 32, SIZE_MAX};
    const golden_logits *golden = golden_of(s->name);
    inlay_options *o = options_of(s, &w);
    inlay_model *model = open_subject(s, o);
    if (CHECK(golden != NULL) && model != NULL) {
        sequence alone, both[2];
        begin_other(&alone, s, model, o, SIZE_MAX);
        run_sequence(&alone);
        uint64_t other = end_sequence(s, &alone);
        CHECK(other != golden->hash);
        for (int on_threads = 0; on_threads < 2; on_threads++) {
            begin_sequence(&both[0], s, model, o, 13);
            begin_other(&both[1], s, model, o, 7);
            run_together(both, on_threads != 0);
            uint64_t hashes[2] = {end_sequence(s, &both[0]), end_sequence(s, &both[1])};
            if (CHECK(hashes[0] == golden->hash) && CHECK(hashes[1] == other)) continue;
            fprintf(stderr,
                    "%s, two sequences %s at level %s: %016" PRIx64 " and %016" PRIx64 ", alone %016" PRIx64
                    " and %016" PRIx64 "\n",
                    s->name, on_threads ? "at once" : "by turns", inlay__cpu_name(level), hashes[0], hashes[1],
                    golden->hash, other);
        }
    }
    inlay_model_free(model);
    inlay_options_free(o);
}

TEST(two_sequences_together_have_the_bits_of_each_alone) {
    for (int i = 0; i < TINY_N_ARCHITECTURES; i++) {
        tiny_params p = tiny_architecture(i);
        p.n_embd_head = 32;
        p.matrix_type = i == 0 ? INLAY_TYPE_Q8_0 : i == 1 ? INLAY_TYPE_Q4_1 : INLAY_TYPE_F16;
        subject s = {.n_tokens = LONG_PROMPT, .n_vocab = p.n_vocab, .cache_type = INLAY_TYPE_F16};
        snprintf(s.name, sizeof s.name, "tiny %s, cache F16", p.architecture);
        s.data = tiny_model(&p, &s.size);
        for (int level = 0; level < INLAY__CPU_N_LEVELS; level++) {
            bool wanted = level != INLAY__CPU_SCALAR && !is_set("INLAY_TEST_SAMPLE");
            if ((wanted && inlay__cpu_has((inlay__cpu)level)) || level == (int)inlay__cpu_best())
                check_together(&s, (inlay__cpu)level);
        }
        free((void *)(uintptr_t)s.data);
    }
}

TEST(two_sequences_of_smollm2_have_the_bits_of_each_alone) {
    subject s;
    SKIP_UNLESS_FOUND(SMOLLM2, is_set("INLAY_TEST_SAMPLE") ? FEW_TOKENS : REAL_PROMPT,
                      is_set("INLAY_TEST_SAMPLE") ? ", few tokens" : "", &s);
    check_together(&s, inlay__cpu_best());
}

TEST(the_hashes_are_of_this_arithmetic) { CHECK_INT(golden_arithmetic_version, inlay_arithmetic_version()); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(every_architecture_has_its_recorded_bits), CASE(encoder_decoders_have_their_recorded_bits),
        CASE(ngrams_have_their_recorded_bits), CASE(every_type_of_weights_has_its_recorded_bits),
        CASE(encoders_have_their_recorded_bits), CASE(smollm2_has_its_recorded_bits),
        CASE(gemma_3_has_its_recorded_bits), CASE(qwen2_5_coder_has_its_recorded_bits),
        CASE(smollm2_has_its_recorded_bits_in_a_few_tokens), CASE(gemma_3_has_its_recorded_bits_in_a_few_tokens),
        CASE(qwen2_5_coder_has_its_recorded_bits_in_a_few_tokens),
        /* from here none is recorded */
        CASE(two_sequences_together_have_the_bits_of_each_alone),
        CASE(two_sequences_of_smollm2_have_the_bits_of_each_alone), CASE(the_hashes_are_of_this_arithmetic)};
    const char *path = getenv("INLAY_WRITE_GOLDEN");
    if (path == NULL) return test_main(cases, sizeof cases / sizeof cases[0], argc, argv);
    written = fopen(path, "w");
    if (written == NULL) return perror(path), 1;
    fprintf(written,
            "/* Made by test_logits of Inlay %s: its own scalar definition on one thread; what another machine must "
            "repeat. */\n"
            "#include \"golden/logits_golden.h\"\n\nconst int32_t golden_arithmetic_version = %d;\n"
            "const golden_logits golden_logits_table[] = {\n",
            inlay_version(), (int)inlay_arithmetic_version());
    int status = 0;
    for (size_t i = 0; i + 3 < sizeof cases / sizeof cases[0]; i++) cases[i].run();
    fprintf(written,
            "};\nconst size_t golden_n_logits = sizeof golden_logits_table / sizeof golden_logits_table[0];\n");
    if (fclose(written) != 0 || test_failures > 0) status = 1;
    return status;
}
