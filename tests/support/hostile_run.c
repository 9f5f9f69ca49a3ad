/* Running what may be damaged. */
#include "support/hostile_run.h"

#include <math.h>
#include <stdlib.h>

#include "api/handles.h"
#include "support/accounting_sys.h"
#include "support/folder_sys.h"
#include "support/guard_page.h"

enum { EXTRA_MEMORY = 1 << 20, MOST_MEMORY = 64 << 20, ROOM = 8 << 20 };

static uint8_t *end_of_room(void) {
    static guarded room;
    if (room.data == NULL) room = guard_alloc(ROOM, 0);
    return (uint8_t *)room.data + ROOM;
}

uint8_t *hostile_room(size_t capacity) {
    if (capacity > ROOM) exit(2);
    return end_of_room() - capacity;
}

uint8_t *hostile_to_the_end(const uint8_t *bytes, size_t size) { return memmove(end_of_room() - size, bytes, size); }

static accounting memory;
static const char *broken; /* the promise that this case broke, or NULL */

static void breaks(bool condition, const char *promise) {
    if (condition && broken == NULL) broken = promise;
}

static void run_text(inlay_model *m, int32_t *tokens, size_t *n) {
    static const char text[] = "The <s>q1 fox\xff andthe\n";
    char back[512];
    size_t size;
    int32_t status = inlay_tokenize(m, text, sizeof text - 1, INLAY_PARSE_SPECIAL | INLAY_ADD_SPECIAL, tokens, 64, n);
    if (status != INLAY_OK) *n = 0;
    if (status == INLAY_OK) inlay_detokenize(m, tokens, *n, back, sizeof back, &size);
}

static void run_session(inlay_model *m, const inlay_options *o, const int32_t *tokens, size_t n) {
    static const int32_t plain[] = {5, 1, 9, 7};
    inlay_session *s = NULL;
    int64_t can = 0;
    float *logits;
    size_t n_vocab = 0;
    int32_t token = 0, status = inlay_session_new(m, o, &s);
    if (status != INLAY_OK) return;
    inlay_model_get_int(m, INLAY_MODEL_CAPABILITIES, &can);
    if (n == 0) tokens = plain, n = 4;
    if (n > 4) n = 4;
    if ((can & INLAY_CAN_ENCODE) != 0) inlay_encode(s, tokens, n);
    if ((can & INLAY_CAN_FILL_MASK) != 0) inlay_logits_at(s, 1, NULL, NULL);
    status = inlay_eval(s, tokens, n);
    if (status == INLAY_OK && inlay_logits(s, &logits, &n_vocab) == INLAY_OK)
        for (size_t i = 0; i < n_vocab; i++) breaks(!isfinite(logits[i]), "a logit is not finite");
    if (status == INLAY_OK && inlay_sample(s, &token) == INLAY_OK) inlay_eval(s, &token, 1);
    inlay_session_free(s);
}

static int32_t open_files(const hostile_file *files, size_t n, const inlay_options *o, folder_sys *f, inlay_model **m) {
    if (n == 1 && strcmp(files[0].name, HOSTILE_GGUF) == 0)
        return inlay_model_open_memory(files[0].data, files[0].size, o, m);
    for (size_t i = 0; i < n; i++) folder_sys_put(f, files[i].name, files[i].data, files[i].size);
    return inlay_model_open("folder", o, m);
}

hostile_verdict hostile_run(const hostile_file *files, size_t n) {
    folder_sys f;
    inlay_options *o = NULL;
    inlay_model *m = NULL;
    int32_t tokens[64];
    size_t n_tokens = 0, total = 0;
    for (size_t i = 0; i < n; i++) total += files[i].size;
    broken = NULL;
    accounting_init(&memory);
    memory.most = MOST_MEMORY;
    folder_sys_init(&f, &memory.sys);
    if (inlay__options_new_with_sys(&f.sys, &o) != INLAY_OK) exit(2);
    inlay_options_set_int(o, INLAY_OPT_THREADS, 1);
    inlay_options_set_int(o, INLAY_OPT_CONTEXT, 32);
    inlay_options_set_int(o, INLAY_OPT_BATCH, 32);
    int32_t status = open_files(files, n, o, &f, &m);
    if (status != INLAY_OK) {
        breaks(memory.peak > total + EXTRA_MEMORY, "a refused file took more memory than it has bytes and 1 MiB");
        breaks(m != NULL, "a model was given in spite of an error");
        breaks(inlay_error()[0] == '\0', "an error has no text");
    } else {
        run_text(m, tokens, &n_tokens);
        run_session(m, o, tokens, n_tokens);
        breaks(memory.refused, "it asked for more than 64 MiB");
        inlay_model_free(m);
    }
    inlay_options_free(o);
    breaks(memory.live != 0 || memory.n_live != 0, "memory is held in the end");
    breaks(f.n_open != 0, "a file is open in the end");
    return (hostile_verdict){status, broken};
}
