/* Fuzzing regular expressions: whatever compiles cuts any text as a slow matcher that tries all choices in order does.
 *
 *     regex NUL text
 */
#include <stdint.h>
#include <stdlib.h>

#include "tokenizer/pattern_automaton.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

/* The slow matcher: a backtracking walk over the program, with a bound on its steps. */
typedef struct slow {
    const inlay__program *program;
    const inlay__alphabet *alphabet;
    const uint8_t *letters; /* [n] */
    size_t n, steps;
} slow;

enum { MAX_LETTERS = 48, MAX_STEPS = 200000 };

static bool slow_holds(slow *s, const inlay__pattern_step *step, size_t pc, size_t at);

/* The end of the first match from step pc at letter `at`, in *end. */
static bool slow_match(slow *s, size_t pc, size_t at, size_t *end) {
    for (;;) {
        if (++s->steps > MAX_STEPS) return false;
        const inlay__pattern_step *step = &s->program->steps[pc];
        switch (step->op) {
        case INLAY__STEP_MATCH: *end = at; return true;
        case INLAY__STEP_SET:
            if (at == s->n || !inlay__alphabet_has(s->alphabet, s->letters[at], (size_t)step->a)) return false;
            at++;
            pc++;
            break;
        case INLAY__STEP_JUMP: pc = (size_t)((int64_t)pc + step->a); break;
        case INLAY__STEP_SPLIT:
            if (slow_match(s, (size_t)((int64_t)pc + step->a), at, end)) return true;
            pc = (size_t)((int64_t)pc + step->b);
            break;
        default:
            if (slow_holds(s, step, pc, at) == step->negated) return false;
            pc += step->op == INLAY__STEP_AHEAD ? (size_t)step->b : 1;
        }
    }
}

static bool slow_holds(slow *s, const inlay__pattern_step *step, size_t pc, size_t at) {
    const inlay__pattern_guard *guard = &s->program->guards[step->a];
    size_t end;
    if (guard->kind == INLAY__GUARD_AHEAD) return slow_match(s, pc + 1, at, &end);
    if (guard->kind == INLAY__GUARD_NEXT)
        return at < s->n && inlay__alphabet_has(s->alphabet, s->letters[at], guard->set);
    return at > 0 && inlay__alphabet_has(s->alphabet, s->letters[at - 1], guard->set);
}

/* Every match of the quick matcher is the slow one's, and none is left out. `text` is ASCII. */
static void compare(slow *s, const inlay__pattern *pattern, const uint8_t *text) {
    static inlay__matcher matcher;
    size_t begin, end, at = 0, last = SIZE_MAX, slow_end;
    inlay__matcher_init(&matcher, pattern);
    must(inlay__matcher_begin(&matcher, text, s->n) == INLAY_OK);
    while (inlay__matcher_next(&matcher, &begin, &end)) {
        must(begin <= end && end <= s->n);
        for (; at < begin; at++) {
            bool found = slow_match(s, 0, at, &slow_end);
            if (s->steps > MAX_STEPS) return;
            must(!found || (slow_end == at && at == last));
        }
        bool found = slow_match(s, 0, begin, &slow_end);
        if (s->steps > MAX_STEPS) return;
        must(found && slow_end == end && !(end == begin && end == last));
        at = last = end;
    }
    for (; at <= s->n; at++) {
        bool found = slow_match(s, 0, at, &slow_end);
        if (s->steps > MAX_STEPS) return;
        must(!found || (slow_end == at && at == last));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t n_regex = nul != NULL ? (size_t)(nul - data) : size;
    if (n_regex > 256) return 0;
    inlay__pattern *pattern = NULL;
    if (inlay__pattern_compile(&inlay__sys_default, "fuzz", (const char *)data, n_regex, &pattern) != INLAY_OK)
        return 0;

    /* Any bytes are cut whole. */
    const uint8_t *text = nul != NULL ? nul + 1 : data + size;
    size_t n = size - (size_t)(text - data), begin, end, done = 0;
    static inlay__matcher matcher;
    bool is_match;
    inlay__matcher_init(&matcher, pattern);
    must(inlay__matcher_begin(&matcher, text, n) == INLAY_OK);
    for (; inlay__matcher_piece(&matcher, &begin, &end, &is_match); done = end)
        must(begin == done && end > begin && end <= n);
    must(done == n);
    inlay__matcher_free(&matcher);

    inlay__program program;
    uint8_t letters[MAX_LETTERS], ascii[MAX_LETTERS];
    must(inlay__program_parse(&inlay__sys_default, (const char *)data, n_regex, &program) == INLAY_OK);
    n = inlay__min_size(n, MAX_LETTERS);
    for (size_t i = 0; i < n; i++) {
        ascii[i] = text[i] & 0x7F;
        letters[i] = pattern->alphabet.ascii[ascii[i]];
    }
    slow s = {.program = &program, .alphabet = &pattern->alphabet, .letters = letters, .n = n};
    compare(&s, pattern, ascii);
    inlay__matcher_free(&matcher);
    inlay__program_free(&program);
    inlay__pattern_free(pattern);
    return 0;
}
