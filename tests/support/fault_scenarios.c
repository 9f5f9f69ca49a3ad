/* Scenarios: all that the public functions do with memory, files and threads. */
#include "support/fault_scenarios.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/faults.h"
#include "support/family_folder.h"
#include "support/temp_file.h"
#include "support/tiny_ngram.h"
#include "support/tiny_open.h"

enum { N_PROMPT = 12, N_VOCAB = 320, STATE_ROOM = 1 << 20 };

static const char text[] = "The quick br\xc3\xb6wn fox <|im_end|> jumps over thirteen lazy dogs, twice.";
static uint8_t *model_bytes; /* the tiny model, kept until the program ends */
static size_t model_size;

static inlay_options *small_options(size_t n_threads) {
    inlay_options *o = faults_options(n_threads);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_CONTEXT, 64));
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_BATCH, 16));
    FAULTS_TRY(inlay_options_set_float(o, INLAY_OPT_TEMPERATURE, 0.7));
    return o;
}

static inlay_model *open_path(const char *path, const inlay_options *o) {
    inlay_model *model = (inlay_model *)(uintptr_t)1;
    FAULTS_NEW(model, inlay_model_open(path, o, &model));
    return model;
}

static inlay_session *new_session(inlay_model *model, const inlay_options *o) {
    inlay_session *session = (inlay_session *)(uintptr_t)1;
    FAULTS_NEW(session, inlay_session_new(model, o, &session));
    return session;
}

/* A call that appends tokens; after an error the sequence must be as long as before. */
#define TRY_APPEND(session, call)                                                                        \
    do {                                                                                                 \
        size_t before_ = tiny_length(session);                                                           \
        bool again_ = faults_must_retry(#call, (call));                                                  \
        if (again_ && tiny_length(session) != before_) faults_fail(#call, "changed the sequence"); \
        if (again_) faults_must_work(#call, (call));                                                     \
    } while (0)

static void record_logits(inlay_session *s) {
    float *logits = NULL;
    size_t n = 0;
    FAULTS_TRY(inlay_logits(s, &logits, &n));
    if (logits != NULL) faults_record(logits, n * sizeof *logits);
}

static void generate(inlay_session *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int32_t token = 0;
        FAULTS_TRY(inlay_sample(s, &token));
        faults_record(&token, sizeof token);
        TRY_APPEND(s, inlay_eval(s, &token, 1));
    }
    record_logits(s);
}

static void prompt_below(int32_t n, int32_t *tokens) {
    for (int32_t i = 0; i < N_PROMPT; i++) tokens[i] = (i * 37 + 11) % n;
}

/* ------------------------------------------------------------------ opening and running */

static void tokenize_some(inlay_model *model) {
    int32_t ids[256];
    size_t n = 0;
    int64_t has = 0;
    FAULTS_TRY(inlay_model_get_int(model, INLAY_MODEL_TOKENS_HASH, &has));
    if (has == 0) return;
    FAULTS_TRY(inlay_tokenize(model, "The quick brown fox", INLAY_ALL, INLAY_PARSE_SPECIAL, ids, 256, &n));
    faults_record(ids, n * sizeof *ids);
}

static void encode(inlay_session *s, int64_t can, const int32_t *tokens) {
    const float *states = NULL;
    size_t n = 0, n_embd = 0;
    FAULTS_TRY(inlay_encode(s, tokens, N_PROMPT));
    FAULTS_TRY(inlay_hidden_states(s, &states, &n, &n_embd));
    if (states != NULL) faults_record(states, n * n_embd * sizeof *states);
    if ((can & INLAY_CAN_EMBED) != 0) {
        float vectors[1024];
        FAULTS_TRY(inlay_embeddings(s, tokens, (const size_t[]){0, 5, N_PROMPT}, 2, vectors, 1024, &n_embd));
        faults_record(vectors, 2 * n_embd * sizeof *vectors);
    }
    if ((can & INLAY_CAN_FILL_MASK) != 0) {
        float *logits = NULL;
        FAULTS_TRY(inlay_logits_at(s, 3, &logits, &n));
        if (logits != NULL) faults_record(logits, n * sizeof *logits);
    }
    if ((can & INLAY_CAN_CLASSIFY) != 0) {
        float scores[64];
        FAULTS_TRY(inlay_scores(s, tokens, NULL, (const size_t[]){0, 5, N_PROMPT}, 2, scores, 64, &n));
        faults_record(scores, 2 * n * sizeof *scores);
    }
}

static void run_model(inlay_model *model, const inlay_options *o, int32_t tokens_below) {
    int32_t tokens[N_PROMPT];
    int64_t can = 0;
    prompt_below(tokens_below, tokens);
    FAULTS_TRY(inlay_model_get_int(model, INLAY_MODEL_CAPABILITIES, &can));
    inlay_session *s = new_session(model, o);
    if ((can & INLAY_CAN_ENCODE) != 0) encode(s, can, tokens);
    if ((can & INLAY_CAN_GENERATE) != 0) {
        TRY_APPEND(s, inlay_eval(s, tokens, N_PROMPT));
        generate(s, 2);
    }
    inlay_session_free(s);
}

void open_and_run(const void *what) {
    const opening *how = what;
    inlay_options *o = small_options(2);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_LOAD, how->load));
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_PACK, how->pack));
    FAULTS_TRY(inlay_options_set_string(o, INLAY_OPT_CPU, inlay_cpu(), INLAY_ALL));
    inlay_model *model = open_path(how->path, o);
    tokenize_some(model);
    run_model(model, o, how->tokens_below);
    inlay_model_free(model);
    inlay_options_free(o);
}

/* ------------------------------------------------------------------ files of all kinds */

static void write_file(const char *name, uint8_t *data, size_t size) {
    temp_file(name, data, size);
    free(data);
}

static void write_split(const tiny_params *p) {
    gguf_writer w, first;
    size_t size;
    const float unused[2] = {0};
    tiny_metadata(p, &first);
    gguf_writer_u16(&first, "split.no", 0);
    gguf_writer_u16(&first, "split.count", 2);
    gguf_writer_tensor(&first, "blk.0.rotary_emb.inv_freq", INLAY_TYPE_F32, 1, (uint64_t[]){2}, unused, sizeof unused);
    uint8_t *data = gguf_writer_finish(&first, &size);
    write_file("s-00001-of-00002.gguf", data, size);
    gguf_writer_init(&w);
    gguf_writer_u16(&w, "split.no", 1);
    gguf_writer_u16(&w, "split.count", 2);
    tiny_tensors(p, &w);
    data = gguf_writer_finish(&w, &size);
    write_file("s-00002-of-00002.gguf", data, size);
}

void prepare_files(void) {
    tiny_params p = tiny_defaults();
    tiny_ngram ngram = {.n_words = 40, .order = 3};
    size_t size;
    family_folder folder = family_folder_make(0);
    temp_file("alone.json", folder.tokenizer, folder.tokenizer_size);
    family_folder_free(&folder);
    uint8_t *data = tiny_ngram_file(&ngram, &size);
    write_file("words.arpa", data, size);
    write_split(&p);
    if (model_bytes == NULL) model_bytes = tiny_model(&p, &model_size);
    temp_file("tiny.gguf", model_bytes, model_size);
    p.matrix_type = INLAY_TYPE_Q4_0;
    data = tiny_model(&p, &size);
    write_file("q4_0.gguf", data, size);
    if (inlay_pack_file(temp_path("q4_0.gguf"), temp_path("packed.gguf"), NULL) != INLAY_OK) exit(2);
}

static void run_path(const char *path, int32_t tokens_below) {
    const opening how = {.path = path, .load = INLAY_LOAD_MAP, .tokens_below = tokens_below};
    open_and_run(&how);
}

static void open_ngram(const void *what) { (void)what, run_path(temp_path("words.arpa"), 40); }
static void open_split(const void *what) { (void)what, run_path(temp_path("s-00001-of-00002.gguf"), N_VOCAB); }
static void open_packed(const void *what) { (void)what, run_path(temp_path("packed.gguf"), N_VOCAB); }

static void open_memory(const void *what) {
    inlay_options *o = small_options(3);
    inlay_model *model = (inlay_model *)(uintptr_t)1;
    (void)what;
    FAULTS_NEW(model, inlay_model_open_memory(model_bytes, model_size, o, &model));
    run_model(model, o, N_VOCAB);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void open_tokens(const char *path) {
    inlay_options *o = faults_options(1);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_VOCAB_ONLY, 1));
    inlay_model *model = open_path(path, o);
    tokenize_some(model);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void open_vocabulary(const void *what) { (void)what, open_tokens(temp_path("tiny.gguf")); }
static void open_tokenizer_json(const void *what) { (void)what, open_tokens(temp_path("alone.json")); }

static void open_quantized(const void *type) {
    inlay_options *o = small_options(2);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_QUANTIZE, *(const int32_t *)type));
    inlay_model *model = open_path(temp_path("tiny.gguf"), o);
    run_model(model, o, N_VOCAB);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void record_file(const char *path) {
    uint8_t *bytes = malloc(STATE_ROOM);
    FILE *file = fopen(path, "rb");
    if (bytes == NULL) exit(2);
    if (file == NULL) {
        faults_fail(path, "is not there");
    } else {
        faults_record(bytes, fread(bytes, 1, STATE_ROOM, file));
        fclose(file);
    }
    free(bytes);
}

static void pack_file(const void *what) {
    inlay_options *o = faults_options(2);
    const char *packed = temp_path("again.gguf");
    (void)what;
    remove(packed);
    FAULTS_TRY(inlay_pack_file(temp_path("q4_0.gguf"), packed, o));
    record_file(packed);
    inlay_options_free(o);
}

static void make_plan(const void *what) {
    inlay_options *o = small_options(2);
    int64_t values[INLAY_PLAN_PEAK + 1] = {0};
    (void)what;
    FAULTS_TRY(inlay_plan(temp_path("tiny.gguf"), o, values, INLAY_PLAN_PEAK + 1));
    faults_record(values, sizeof values);
    inlay_options_free(o);
}

/* ------------------------------------------------------------------ with one model */

static inlay_model *open_tiny(const inlay_options *o) {
    inlay_model *model = NULL;
    FAULTS_NEW(model, inlay_model_open_memory(model_bytes, model_size, o, &model));
    return model;
}

static void tokenize(const void *what) {
    inlay_options *o = faults_options(1);
    inlay_model *model = open_tiny(o);
    int32_t ids[256];
    size_t spans[512], n = 0, size = 0;
    char back[512];
    (void)what;
    FAULTS_TRY(inlay_tokenize(model, text, INLAY_ALL, INLAY_PARSE_SPECIAL | INLAY_ADD_SPECIAL, ids, 256, &n));
    faults_record(ids, n * sizeof *ids);
    FAULTS_TRY(inlay_detokenize(model, ids, n, back, sizeof back, &size));
    faults_record(back, size);
    FAULTS_TRY(inlay_tokenize_spans(model, text, INLAY_ALL, 0, ids, spans, 256, &n));
    faults_record(spans, 2 * n * sizeof *spans);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void tokenize_batch(const void *what) {
    static const char *const texts[] = {text, "one", "", "two three", text};
    inlay_options *o = faults_options(3);
    inlay_model *model = open_tiny(o);
    int32_t ids[512];
    size_t starts[6] = {0};
    (void)what;
    FAULTS_TRY(inlay_tokenize_batch(model, texts, NULL, 5, 0, 3, ids, 512, starts));
    faults_record(starts, sizeof starts);
    faults_record(ids, starts[5] * sizeof *ids);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void chat(const void *what) {
    static const char messages[] = "[{\"role\": \"user\", \"content\": \"Hi <|im_end|>\"}, {\"role\": \"assistant\", "
                                   "\"content\": \"Yes?\"}, {\"role\": \"user\", \"content\": \"1 + 1\"}]";
    static const char *const formats[] = {NULL, "chatml", "llama2", "llama3", "gemma", "mistral", "zephyr", "phi3"};
    inlay_options *o = faults_options(1);
    inlay_model *model = open_tiny(o);
    char rendered[2048];
    int32_t ids[1024];
    size_t n = 0;
    (void)what;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        FAULTS_TRY(inlay_chat_render(model, formats[i], messages, INLAY_ALL, NULL, 0, NULL, 0, INLAY_CHAT_GENERATE,
                                     rendered, sizeof rendered, &n));
        faults_record(rendered, n);
        FAULTS_TRY(inlay_chat_tokenize(model, formats[i], messages, INLAY_ALL, NULL, 0, NULL, 0, 0, ids, 1024, &n));
        faults_record(ids, n * sizeof *ids);
    }
    inlay_model_free(model);
    inlay_options_free(o);
}

static void render_template(const void *what) {
    static const char source[] =
        "{% set ns = namespace(n=0) %}{% for x in items | sort %}{% set ns.n = ns.n + x %}"
        "{{ loop.index }}:{{ '%05d' | format(x) }} {% endfor %}{{ ns.n }} {{ items | tojson }}"
        "{% macro twice(s) %}{{ s ~ s }}{% endmacro %}{{ twice('ab') | upper | replace('A', 'x') }}";
    char rendered[512];
    size_t n = 0;
    (void)what;
    FAULTS_TRY(
        inlay_template_render(source, INLAY_ALL, "{\"items\": [30, 1, 22]}", INLAY_ALL, rendered, sizeof rendered, &n));
    faults_record(rendered, n);
}

/* Until it is done or fails, in which case nothing is pending. */
static int32_t step_to_the_end(inlay_session *s) {
    int32_t status = INLAY_AGAIN;
    while (status == INLAY_AGAIN) status = inlay_eval_step(s, 20);
    return status;
}

static void eval_in_slices(const void *what) {
    inlay_options *o = small_options(2);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_LOAD, INLAY_LOAD_MAP));
    inlay_model *model = open_path(temp_path("tiny.gguf"), o);
    inlay_session *s = new_session(model, o);
    int32_t tokens[N_PROMPT];
    (void)what;
    prompt_below(N_VOCAB, tokens);
    for (int attempt = 0; attempt < 2; attempt++) {
        FAULTS_TRY(inlay_eval_begin(s, tokens, N_PROMPT));
        int32_t status = step_to_the_end(s);
        if (!faults_must_retry("inlay_eval_step()", status)) break;
        if (tiny_length(s) != 0) faults_fail("inlay_eval_step", "changed the sequence");
    }
    generate(s, 2);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void run_sequences(const void *what) {
    inlay_options *o = small_options(2);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_SEQUENCES, 3));
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_LOAD, INLAY_LOAD_MAP));
    inlay_model *model = open_path(temp_path("tiny.gguf"), o);
    inlay_session *s = new_session(model, o);
    int32_t tokens[N_PROMPT];
    (void)what;
    prompt_below(N_VOCAB, tokens);
    TRY_APPEND(s, inlay_eval(s, tokens, N_PROMPT));
    FAULTS_TRY(inlay_sequence_fork(s, 0, 1));
    FAULTS_TRY(inlay_sequence_fork(s, 0, 2));
    FAULTS_TRY(inlay_eval_batch(s, (const int32_t[]){1, 2}, tokens, (const size_t[]){0, 2, 5}, 2));
    FAULTS_TRY(inlay_session_set_int(s, INLAY_OPT_SEQUENCE, 2));
    FAULTS_TRY(inlay_session_drop(s, 2, 5));
    generate(s, 2);
    FAULTS_TRY(inlay_session_truncate(s, 4));
    TRY_APPEND(s, inlay_eval(s, tokens, 3));
    generate(s, 1);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void save_and_load(const void *what) {
    inlay_options *o = small_options(2);
    inlay_model *model = open_tiny(o);
    inlay_session *s = new_session(model, o);
    const char *path = temp_path("state");
    static uint8_t bytes[STATE_ROOM];
    int32_t tokens[N_PROMPT];
    size_t n = 0;
    (void)what;
    prompt_below(N_VOCAB, tokens);
    remove(path);
    TRY_APPEND(s, inlay_eval(s, tokens, N_PROMPT));
    FAULTS_TRY(inlay_sequence_save(s, 0, bytes, sizeof bytes, &n));
    faults_record(bytes, n);
    FAULTS_TRY(inlay_sequence_save_file(s, 0, path));
    record_file(path);
    generate(s, 2);
    FAULTS_TRY(inlay_sequence_load(s, 0, bytes, n));
    generate(s, 2);
    inlay_session *other = new_session(model, o);
    FAULTS_TRY(inlay_sequence_load_file(other, 0, path));
    generate(other, 2);
    inlay_session_free(other);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
}

/* ------------------------------------------------------------------ choosing tokens */

static inlay_sampler *chain(const inlay_options *o) {
    static const int32_t ids[] = {5, 6, 7};
    inlay_sampler *sampler = NULL;
    FAULTS_NEW(sampler, inlay_sampler_new(N_VOCAB, o, &sampler));
    for (int32_t stage = INLAY_STAGE_TEMPERATURE; stage <= INLAY_STAGE_DRY; stage++)
        if (stage != INLAY_STAGE_MIROSTAT && stage != INLAY_STAGE_MIROSTAT_V2)
            FAULTS_TRY(inlay_sampler_add(sampler, stage));
    FAULTS_TRY(inlay_sampler_add_bias(sampler, ids, (const float[]){1, -1, -INFINITY}, 3));
    FAULTS_TRY(inlay_sampler_set(sampler, INLAY_PARAMETER_DRY_LAST, 100));
    FAULTS_TRY(inlay_sampler_set(sampler, INLAY_PARAMETER_PENALTY_LAST, 200));
    FAULTS_TRY(inlay_sampler_set_breakers(sampler, ids, 3));
    FAULTS_TRY(inlay_sampler_add(sampler, INLAY_STAGE_MIROSTAT_V2));
    return sampler;
}

static void sample_by_chain(const void *what) {
    double top_p = 0;
    inlay_options *o = faults_options(1);
    FAULTS_TRY(inlay_options_set_text(o, INLAY_OPT_TOP_P, "0.7071067811865476", INLAY_ALL));
    FAULTS_TRY(inlay_options_get_float(o, INLAY_OPT_TOP_P, &top_p));
    faults_record(&top_p, sizeof top_p);
    inlay_sampler *sampler = chain(o), *copy = NULL;
    float logits[N_VOCAB];
    uint8_t bytes[4096];
    size_t n = 0;
    (void)what;
    for (int i = 0; i < N_VOCAB; i++) logits[i] = (float)((i * 7919) % 1000) / 128.0f;
    FAULTS_NEW(copy, inlay_sampler_clone(sampler, &copy));
    for (int i = 0; i < 4; i++) {
        int32_t tokens[2] = {0, 0};
        FAULTS_TRY(inlay_sampler_sample(sampler, logits, &tokens[0]));
        FAULTS_TRY(inlay_sampler_sample(copy, logits, &tokens[1]));
        FAULTS_TRY(inlay_sampler_accept(sampler, tokens, 1));
        FAULTS_TRY(inlay_sampler_accept(copy, tokens, 1));
        faults_record(tokens, sizeof tokens);
    }
    FAULTS_TRY(inlay_sampler_save(sampler, bytes, sizeof bytes, &n));
    FAULTS_TRY(inlay_sampler_load(copy, bytes, n));
    faults_record(bytes, n);
    inlay_sampler_free(copy);
    inlay_sampler_free(sampler);
    inlay_options_free(o);
}

static void search_and_score(const void *what) {
    inlay_options *o = small_options(2);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_SEQUENCES, 3));
    inlay_model *model = open_tiny(o);
    inlay_session *s = new_session(model, o);
    int32_t tokens[N_PROMPT], answer[8];
    float scores[N_PROMPT], *logits = NULL;
    double score = 0;
    size_t n = 0;
    (void)what;
    prompt_below(N_VOCAB, tokens);
    TRY_APPEND(s, inlay_score(s, tokens, N_PROMPT, scores));
    faults_record(scores, sizeof scores);
    FAULTS_TRY(inlay_logits(s, &logits, NULL));
    if (logits != NULL) {
        FAULTS_TRY(inlay_log_probability(logits, N_VOCAB, 7, &scores[0]));
        FAULTS_TRY(inlay_top_tokens(logits, N_VOCAB, 8, answer, &scores[1]));
        faults_record(answer, sizeof answer);
        faults_record(scores, 9 * sizeof *scores);
    }
    FAULTS_TRY(inlay_beam_search(s, 2, 8, 1.0, answer, 8, &n, &score));
    faults_record(answer, n * sizeof *answer);
    faults_record(&score, sizeof score);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void stop_texts(const void *what) {
    inlay_options *o = faults_options(1);
    inlay_stop *stop = NULL;
    char out[64];
    size_t n = 0;
    int32_t found = 0;
    (void)what;
    FAULTS_NEW(stop, inlay_stop_new(o, &stop));
    FAULTS_TRY(inlay_stop_add(stop, "end", INLAY_ALL));
    FAULTS_TRY(inlay_stop_add(stop, "\n\nUser:", INLAY_ALL));
    FAULTS_TRY(inlay_stop_text(stop, "the e", INLAY_ALL, out, sizeof out, &n, &found));
    faults_record(out, n);
    FAULTS_TRY(inlay_stop_text(stop, "nd.", INLAY_ALL, out, sizeof out, &n, &found));
    faults_record(out, n);
    faults_record(&found, sizeof found);
    inlay_stop_free(stop);
    inlay_options_free(o);
}

static void speculate(const void *what) {
    inlay_options *o = small_options(1);
    inlay_model *model = open_tiny(o);
    inlay_session *s = new_session(model, o), *draft = new_session(model, o);
    inlay_speculator *speculator = NULL;
    int32_t tokens[N_PROMPT], made[16];
    (void)what;
    prompt_below(N_VOCAB, tokens);
    FAULTS_NEW(speculator, inlay_speculator_new(N_VOCAB, 4, 256, o, &speculator));
    TRY_APPEND(s, inlay_eval(s, tokens, N_PROMPT));
    TRY_APPEND(draft, inlay_eval(draft, tokens, N_PROMPT));
    FAULTS_TRY(inlay_speculator_accept(speculator, tokens, N_PROMPT));
    for (int i = 0; i < 4; i++) {
        size_t n = 0;
        FAULTS_TRY(inlay_speculate(speculator, s, draft, NULL, made, 16, &n));
        faults_record(made, n * sizeof *made);
    }
    record_logits(s);
    inlay_speculator_free(speculator);
    inlay_session_free(draft);
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
}

static void hold_to_grammar(const void *what) {
    static const char source[] = "root ::= word (\" \" word)*\nword ::= [a-z]+ | \"<\" [A-Z]{2,4} \">\"";
    inlay_options *o = faults_options(1);
    inlay_model *model = open_tiny(o);
    inlay_sampler *sampler = NULL;
    inlay_grammar *grammar = NULL;
    float logits[N_VOCAB];
    size_t n = 0;
    int32_t whole = 0, state = 0;
    (void)what;
    for (int i = 0; i < N_VOCAB; i++) logits[i] = (float)((i * 7919) % 1000) / 128.0f;
    FAULTS_NEW(grammar, inlay_grammar_new(model, INLAY_GRAMMAR_GBNF, source, INLAY_ALL, NULL, NULL, 0, &grammar));
    FAULTS_TRY(inlay_grammar_match(grammar, "two words <AB", INLAY_ALL, &n, &whole));
    faults_record(&n, sizeof n);
    FAULTS_NEW(sampler, inlay_sampler_new(N_VOCAB, o, &sampler));
    FAULTS_TRY(inlay_sampler_add_grammar(sampler, grammar));
    for (int i = 0; i < 6; i++) {
        int32_t token = 0;
        FAULTS_TRY(inlay_sampler_sample(sampler, logits, &token));
        FAULTS_TRY(inlay_sampler_accept(sampler, &token, 1));
        FAULTS_TRY(inlay_sampler_grammar_state(sampler, &state));
        faults_record(&token, sizeof token);
        faults_record(&state, sizeof state);
    }
    inlay_grammar_free(grammar);
    inlay_sampler_free(sampler);
    inlay_model_free(model);
    inlay_options_free(o);
}

/* One prompt after another, each with a beginning of the one before. */
static void eval_prompts(const void *what) {
    inlay_options *o = small_options(2);
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_SEQUENCES, 2));
    FAULTS_TRY(inlay_options_set_int(o, INLAY_OPT_KEEP, 2));
    inlay_model *model = open_tiny(o);
    inlay_session *s = new_session(model, o);
    int32_t tokens[N_PROMPT];
    (void)what;
    prompt_below(N_VOCAB, tokens);
    for (int i = 0; i < 4; i++) {
        size_t n_reused = 0;
        tokens[N_PROMPT - 1 - i] = 5 + i;
        FAULTS_TRY(inlay_eval_prompt(s, tokens, N_PROMPT, &n_reused));
        faults_record(&n_reused, sizeof n_reused);
        record_logits(s);
    }
    inlay_session_free(s);
    inlay_model_free(model);
    inlay_options_free(o);
}

/* ------------------------------------------------------------------ all of them */

const scenario scenarios[] = {
    {"a GGUF file in memory", open_memory, NULL},
    {"the vocabulary alone", open_vocabulary, NULL},
    {"a tokenizer.json alone", open_tokenizer_json, NULL},
    {"an n-gram model in ARPA format", open_ngram, NULL},
    {"a split GGUF file", open_split, NULL},
    {"a packed file", open_packed, NULL},
    {"quantised to Q8_0 while opening", open_quantized, &(const int32_t){INLAY_TYPE_Q8_0}},
    {"quantised to Q4_0 while opening", open_quantized, &(const int32_t){INLAY_TYPE_Q4_0}},
    {"quantised to Q16_0 while opening", open_quantized, &(const int32_t){INLAY_TYPE_Q16_0}},
    {"quantised to F16 while opening", open_quantized, &(const int32_t){INLAY_TYPE_F16}},
    {"packing a file", pack_file, NULL},
    {"a plan", make_plan, NULL},
    {"tokens and text", tokenize, NULL},
    {"texts on several threads", tokenize_batch, NULL},
    {"chat templates", chat, NULL},
    {"a template without a model", render_template, NULL},
    {"slices of time", eval_in_slices, NULL},
    {"several sequences, forked, cut and dropped", run_sequences, NULL},
    {"saving and restoring", save_and_load, NULL},
    {"a chain of sampling stages", sample_by_chain, NULL},
    {"beam search and scores", search_and_score, NULL},
    {"stop texts", stop_texts, NULL},
    {"speculation by lookup and by a draft", speculate, NULL},
    {"grammars", hold_to_grammar, NULL},
    {"prompts of which only what is new is read", eval_prompts, NULL},
    /* JSON schemas and adapters: a line each, with a function above */
};

const size_t n_scenarios = sizeof scenarios / sizeof *scenarios;
