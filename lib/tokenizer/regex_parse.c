/* From the text of a regular expression to a program: groups, alternation, quantifiers, lookaround. */
#include "base/utf8.h"
#include "tokenizer/pattern_program.h"

enum { GROUP_DEPTH = 64, MAX_REPEAT = 4096 };
enum { GROUP_PLAIN, GROUP_AHEAD, GROUP_BEHIND };

typedef struct group {
    uint8_t kind;
    bool negated;
    bool fold, dot_all; /* of what follows the group */
    size_t from;        /* its ( in the text */
    size_t start;       /* its first step */
    size_t alternative; /* the first step of the alternative that is being read */
    int32_t jumps;      /* the last JUMP to the group's end, which holds the one before it; -1 for none */
} group;

typedef struct parser {
    inlay__regex regex;
    group groups[GROUP_DEPTH];
    size_t depth;
    size_t atom;         /* first step of what a quantifier would repeat; SIZE_MAX: nothing */
    uint32_t before;     /* the literal before, where case does not matter; 0: none */
} parser;

/* ------------------------------------------------------------------- errors */

int32_t inlay__regex_uncovered(const inlay__regex *regex, size_t from, const char *what) {
    size_t end = inlay__min_size(inlay__max_size(regex->pos, from + 1), regex->size);
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "the regular expression has '%.*s' at byte %zu: %s is not supported",
                       (int)inlay__min_size(end - inlay__min_size(from, end), 64), (const char *)regex->text + from,
                       from, what);
}

int32_t inlay__regex_malformed(const inlay__regex *regex, const char *what) {
    return inlay__fail(INLAY_ERR_FORMAT, "the regular expression is malformed at byte %zu: %s", regex->pos, what);
}

int32_t inlay__regex_take(inlay__regex *regex, uint32_t *code) {
    if (regex->pos == regex->size) return inlay__regex_malformed(regex, "it ends too early");
    size_t size = inlay__utf8_decode(regex->text + regex->pos, regex->size - regex->pos, code);
    if (size == 0) return inlay__regex_malformed(regex, "a byte that is not UTF-8");
    regex->pos += size;
    return INLAY_OK;
}

/* -------------------------------------------------------------------- steps */

static inlay__program *program_of(parser *p) { return p->regex.program; }

/* Room for n more steps at `at`, moving what stands there. */
static int32_t open_steps(parser *p, size_t at, size_t n) {
    inlay__program *program = program_of(p);
    if (n > INLAY__MAX_STEPS - program->n_steps)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the regular expression is larger than %d steps", INLAY__MAX_STEPS);
    void *steps = program->steps;
    INLAY__TRY(inlay__grow(program->sys, &steps, &program->capacity, program->n_steps + n, sizeof *program->steps));
    program->steps = steps;
    memmove(program->steps + at + n, program->steps + at, (program->n_steps - at) * sizeof *program->steps);
    program->n_steps += n;
    return INLAY_OK;
}

static int32_t insert(parser *p, size_t at, uint8_t op, int32_t a, int32_t b) {
    INLAY__TRY(open_steps(p, at, 1));
    program_of(p)->steps[at] = (inlay__pattern_step){.op = op, .a = a, .b = b};
    return INLAY_OK;
}

static int32_t append(parser *p, uint8_t op, int32_t a, int32_t b) {
    return insert(p, program_of(p)->n_steps, op, a, b);
}

static int32_t append_copy(parser *p, size_t from, size_t n) {
    size_t at = program_of(p)->n_steps;
    INLAY__TRY(open_steps(p, at, n));
    memcpy(program_of(p)->steps + at, program_of(p)->steps + from, n * sizeof *program_of(p)->steps);
    return INLAY_OK;
}

static int32_t append_set(parser *p, size_t set) {
    p->atom = program_of(p)->n_steps;
    return append(p, INLAY__STEP_SET, (int32_t)set, 0);
}

/* The number of a guard; guards of one character are shared. */
static int32_t find_guard(parser *p, uint8_t kind, size_t set, int32_t *guard) {
    inlay__program *program = program_of(p);
    for (size_t i = 0; i < program->n_guards && kind != INLAY__GUARD_AHEAD; i++) {
        if (program->guards[i].kind != kind || program->guards[i].set != set) continue;
        *guard = (int32_t)i;
        return INLAY_OK;
    }
    if (program->n_guards == INLAY__MAX_GUARDS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the regular expression has more than %d lookarounds",
                           INLAY__MAX_GUARDS);
    *guard = (int32_t)program->n_guards;
    program->guards[program->n_guards++] = (inlay__pattern_guard){kind, set};
    return INLAY_OK;
}

static int32_t append_guard(parser *p, uint8_t kind, size_t set, bool negated) {
    int32_t guard = 0;
    INLAY__TRY(find_guard(p, kind, set, &guard));
    INLAY__TRY(append(p, INLAY__STEP_GUARD, guard, 0));
    program_of(p)->steps[program_of(p)->n_steps - 1].negated = negated;
    p->atom = SIZE_MAX;
    return INLAY_OK;
}

/* -------------------------------------------------------------- quantifiers */

typedef struct repeat {
    uint32_t least, most; /* most = UINT32_MAX: no end */
    bool lazy, possessive, is_interval;
    size_t from; /* in the text */
} repeat;

/* Whether the steps from `start` on can be passed without taking a character. Loops need not be followed: their
 * bodies take one. */
static bool can_be_empty(parser *p, size_t start) {
    inlay__program *program = program_of(p);
    size_t n = program->n_steps;
    for (size_t i = start; i < n; i++)
        program->steps[i].marked = i == start;
    bool passed = start == n;
    for (size_t i = start; i < n; i++) {
        inlay__pattern_step *step = &program->steps[i];
        if (!step->marked) continue;
        int32_t to[2] = {1, 1};
        if (step->op == INLAY__STEP_SET || step->op == INLAY__STEP_MATCH) continue;
        if (step->op == INLAY__STEP_SPLIT) to[0] = step->a, to[1] = step->b;
        if (step->op == INLAY__STEP_JUMP) to[0] = to[1] = step->a;
        if (step->op == INLAY__STEP_AHEAD) to[0] = to[1] = step->b;
        for (size_t k = 0; k < 2; k++) {
            if (to[k] <= 0) continue;
            if (i + (size_t)to[k] >= n)
                passed = true;
            else
                program->steps[i + (size_t)to[k]].marked = true;
        }
    }
    return passed;
}

static void set_split(inlay__pattern_step *step, bool lazy, int32_t go, int32_t leave) {
    step->op = INLAY__STEP_SPLIT;
    step->a = lazy ? leave : go;
    step->b = lazy ? go : leave;
}

/* X? X? ... X?, each within the one before it: the body stands at `body`, and the first SPLIT before it. */
static int32_t append_optional(parser *p, size_t body, size_t n, uint32_t times, bool lazy, size_t first) {
    for (uint32_t i = 0; i < times; i++) {
        INLAY__TRY(append(p, INLAY__STEP_SPLIT, 0, 0));
        INLAY__TRY(append_copy(p, body, n));
    }
    size_t end = program_of(p)->n_steps;
    for (size_t at = first; at < end; at += n + 1)
        set_split(&program_of(p)->steps[at], lazy, 1, (int32_t)(end - at));
    return INLAY_OK;
}

static int32_t append_repeat(parser *p, const repeat *r) {
    size_t atom = p->atom, n = program_of(p)->n_steps - atom, body = atom;
    bool endless = r->most == UINT32_MAX;
    if (r->most == 0) {
        program_of(p)->n_steps = atom;
        return INLAY_OK;
    }
    if (r->least == 0) {
        INLAY__TRY(insert(p, atom, INLAY__STEP_SPLIT, 0, 0));
        body++;
        if (!endless) return append_optional(p, body, n, r->most - 1, r->lazy, atom);
        set_split(&program_of(p)->steps[atom], r->lazy, 1, (int32_t)(n + 2));
        return append(p, INLAY__STEP_JUMP, -(int32_t)(n + 1), 0);
    }
    for (uint32_t i = 1; i < r->least; i++)
        INLAY__TRY(append_copy(p, body, n));
    size_t end = program_of(p)->n_steps;
    if (!endless) return append_optional(p, body, n, r->most - r->least, r->lazy, end);
    INLAY__TRY(append(p, INLAY__STEP_SPLIT, 0, 0));
    set_split(&program_of(p)->steps[end], r->lazy, -(int32_t)n, 1);
    return INLAY_OK;
}

/* X++ is X+(?!X), X?+ is X|(?!X), for one character X. */
static int32_t append_possessive(parser *p, const repeat *r) {
    const inlay__pattern_step *step = &program_of(p)->steps[p->atom];
    size_t atom = p->atom, set = (size_t)step->a;
    if (program_of(p)->n_steps - atom != 1 || step->op != INLAY__STEP_SET)
        return inlay__regex_uncovered(&p->regex, r->from, "a possessive quantifier of more than one character");
    if (r->most != 1) {
        INLAY__TRY(append_repeat(p, r));
        return append_guard(p, INLAY__GUARD_NEXT, set, true);
    }
    INLAY__TRY(insert(p, atom, INLAY__STEP_SPLIT, 1, 3));
    INLAY__TRY(append(p, INLAY__STEP_JUMP, 2, 0));
    return append_guard(p, INLAY__GUARD_NEXT, set, true);
}

static bool take_number(inlay__regex *regex, uint32_t *number) {
    size_t start = regex->pos;
    *number = 0;
    for (; regex->pos < regex->size && regex->text[regex->pos] >= '0' && regex->text[regex->pos] <= '9'; regex->pos++)
        if (*number <= MAX_REPEAT) *number = *number * 10 + (uint32_t)(regex->text[regex->pos] - '0');
    return regex->pos > start;
}

/* {2} {2,} {2,3} {,3}; anything else in braces is text. */
static bool take_interval(inlay__regex *regex, repeat *r) {
    size_t start = regex->pos;
    if (!inlay__regex_skip(regex, "{")) return false;
    bool has_least = take_number(regex, &r->least), has_most = has_least;
    r->most = r->least;
    if (inlay__regex_skip(regex, ",")) {
        has_most = take_number(regex, &r->most);
        if (!has_most) r->most = UINT32_MAX;
    }
    r->is_interval = true;
    if ((has_least || has_most) && inlay__regex_skip(regex, "}")) return true;
    regex->pos = start;
    return false;
}

static bool take_quantifier(inlay__regex *regex, repeat *r) {
    *r = (repeat){.from = regex->pos};
    if (inlay__regex_skip(regex, "?"))
        r->most = 1;
    else if (inlay__regex_skip(regex, "*"))
        r->most = UINT32_MAX;
    else if (inlay__regex_skip(regex, "+"))
        r->least = 1, r->most = UINT32_MAX;
    else if (!take_interval(regex, r))
        return false;
    r->lazy = inlay__regex_skip(regex, "?");
    r->possessive = !r->lazy && inlay__regex_skip(regex, "+");
    return true;
}

static int32_t parse_quantifier(parser *p, const repeat *r) {
    inlay__regex *regex = &p->regex;
    p->before = 0;
    if (p->atom == SIZE_MAX) return inlay__regex_uncovered(regex, r->from, "a quantifier here");
    if (r->least > MAX_REPEAT || (r->most > MAX_REPEAT && r->most != UINT32_MAX))
        return inlay__regex_uncovered(regex, r->from, "a repetition of so many times");
    if (r->most < r->least) return inlay__regex_malformed(regex, "a repetition whose end is below its beginning");
    if (r->is_interval && (r->possessive || (r->lazy && r->least == r->most)))
        return inlay__regex_uncovered(regex, r->from, "a quantifier after a quantifier");
    if (r->most == UINT32_MAX && can_be_empty(p, p->atom))
        return inlay__regex_uncovered(regex, r->from, "repeating what can be empty");
    INLAY__TRY(r->possessive ? append_possessive(p, r) : append_repeat(p, r));
    p->atom = SIZE_MAX;
    repeat again;
    if (take_quantifier(regex, &again))
        return inlay__regex_uncovered(regex, r->from, "a quantifier after a quantifier");
    return INLAY_OK;
}

/* ------------------------------------------------------------------- groups */

static int32_t open_group(parser *p, uint8_t kind, bool negated, size_t from, bool fold, bool dot_all) {
    if (p->depth + 1 == GROUP_DEPTH) return inlay__regex_uncovered(&p->regex, from, "groups so deep");
    group *g = &p->groups[++p->depth];
    *g = (group){.kind = kind,
                 .negated = negated,
                 .fold = p->regex.fold,
                 .dot_all = p->regex.dot_all,
                 .from = from,
                 .jumps = -1};
    if (kind != GROUP_PLAIN) INLAY__TRY(append(p, INLAY__STEP_AHEAD, 0, 0));
    g->start = g->alternative = program_of(p)->n_steps;
    p->regex.fold = fold;
    p->regex.dot_all = dot_all;
    p->atom = SIZE_MAX;
    p->before = 0;
    return INLAY_OK;
}

/* (?im-im: or (?im) */
static int32_t parse_flags(parser *p, size_t from) {
    inlay__regex *regex = &p->regex;
    bool fold = regex->fold, dot_all = regex->dot_all, on = true;
    for (;;) {
        if (inlay__regex_skip(regex, "i"))
            fold = on;
        else if (inlay__regex_skip(regex, "m"))
            dot_all = on;
        else if (inlay__regex_skip(regex, "-"))
            on = false;
        else
            break;
    }
    if (inlay__regex_skip(regex, ":")) return open_group(p, GROUP_PLAIN, false, from, fold, dot_all);
    const group *g = &p->groups[p->depth];
    bool begins = g->alternative == g->start && program_of(p)->n_steps == g->start;
    if (!inlay__regex_skip(regex, ")") || !begins) {
        if (regex->pos < regex->size) regex->pos++;
        return inlay__regex_uncovered(regex, from, "this group");
    }
    regex->fold = fold;
    regex->dot_all = dot_all;
    return INLAY_OK;
}

/* After a (. */
static int32_t parse_open(parser *p) {
    inlay__regex *regex = &p->regex;
    size_t from = regex->pos - 1;
    bool fold = regex->fold, dot_all = regex->dot_all;
    if (!inlay__regex_skip(regex, "?")) return open_group(p, GROUP_PLAIN, false, from, fold, dot_all);
    if (inlay__regex_skip(regex, ":")) return open_group(p, GROUP_PLAIN, false, from, fold, dot_all);
    if (inlay__regex_skip(regex, "=")) return open_group(p, GROUP_AHEAD, false, from, fold, dot_all);
    if (inlay__regex_skip(regex, "!")) return open_group(p, GROUP_AHEAD, true, from, fold, dot_all);
    if (inlay__regex_skip(regex, "<=")) return open_group(p, GROUP_BEHIND, false, from, fold, dot_all);
    if (inlay__regex_skip(regex, "<!")) return open_group(p, GROUP_BEHIND, true, from, fold, dot_all);
    return parse_flags(p, from);
}

static int32_t parse_bar(parser *p) {
    group *g = &p->groups[p->depth];
    size_t end = program_of(p)->n_steps + 1; /* with the SPLIT */
    INLAY__TRY(insert(p, g->alternative, INLAY__STEP_SPLIT, 1, (int32_t)(end + 1 - g->alternative)));
    INLAY__TRY(append(p, INLAY__STEP_JUMP, g->jumps, 0));
    g->jumps = (int32_t)end;
    g->alternative = end + 1;
    p->atom = SIZE_MAX;
    p->before = 0;
    return INLAY_OK;
}

/* Sends the alternatives' jumps to the end of the group. */
static void close_alternatives(parser *p, group *g) {
    for (int32_t at = g->jumps; at >= 0;) {
        inlay__pattern_step *step = &program_of(p)->steps[at];
        int32_t before = step->a;
        step->a = (int32_t)program_of(p)->n_steps - at;
        at = before;
    }
}

/* A lookaround of one character needs no body. */
static int32_t close_lookaround(parser *p, const group *g) {
    inlay__program *program = program_of(p);
    const inlay__pattern_step *body = &program->steps[g->start];
    size_t at = g->start - 1;
    if (program->n_steps == g->start + 1 && body->op == INLAY__STEP_SET) {
        size_t set = (size_t)body->a;
        program->n_steps = at;
        return append_guard(p, g->kind == GROUP_AHEAD ? INLAY__GUARD_NEXT : INLAY__GUARD_BEHIND, set, g->negated);
    }
    if (g->kind == GROUP_BEHIND)
        return inlay__regex_uncovered(&p->regex, g->from, "looking back for more than one character");
    int32_t guard = 0;
    INLAY__TRY(append(p, INLAY__STEP_MATCH, 0, 0));
    INLAY__TRY(find_guard(p, INLAY__GUARD_AHEAD, 0, &guard));
    program->steps[at].a = guard;
    program->steps[at].b = (int32_t)(program->n_steps - at);
    program->steps[at].negated = g->negated;
    p->atom = SIZE_MAX;
    return INLAY_OK;
}

static int32_t parse_close(parser *p) {
    if (p->depth == 0) return inlay__regex_malformed(&p->regex, ") without (");
    group *g = &p->groups[p->depth--];
    close_alternatives(p, g);
    p->regex.fold = g->fold;
    p->regex.dot_all = g->dot_all;
    p->before = 0;
    p->atom = g->start;
    return g->kind == GROUP_PLAIN ? INLAY_OK : close_lookaround(p, g);
}

/* ---------------------------------------------------------------- the whole */

/* \b is (?<=\w)(?!\w)|(?<!\w)(?=\w), \B the other two. */
static int32_t append_border(parser *p, bool negated) {
    size_t word;
    INLAY__TRY(inlay__regex_word(&p->regex, &word));
    INLAY__TRY(append(p, INLAY__STEP_SPLIT, 1, 4));
    INLAY__TRY(append_guard(p, INLAY__GUARD_BEHIND, word, false));
    INLAY__TRY(append_guard(p, INLAY__GUARD_NEXT, word, !negated));
    INLAY__TRY(append(p, INLAY__STEP_JUMP, 3, 0));
    INLAY__TRY(append_guard(p, INLAY__GUARD_BEHIND, word, true));
    return append_guard(p, INLAY__GUARD_NEXT, word, negated);
}

/* After a backslash; sets apart what takes no character. */
static int32_t parse_escape(parser *p) {
    inlay__regex *regex = &p->regex;
    size_t set;
    uint32_t code;
    bool is_set;
    if (inlay__regex_skip(regex, "b")) return append_border(p, false);
    if (inlay__regex_skip(regex, "B")) return append_border(p, true);
    if (inlay__regex_at(regex, "A") || inlay__regex_at(regex, "z")) {
        bool at_end = regex->text[regex->pos++] == 'z';
        INLAY__TRY(inlay__regex_any(regex, &set));
        return append_guard(p, at_end ? INLAY__GUARD_NEXT : INLAY__GUARD_BEHIND, set, true);
    }
    INLAY__TRY(inlay__regex_escape(regex, &is_set, &set, &code));
    if (!is_set) INLAY__TRY(inlay__regex_literal(regex, code, &set));
    return append_set(p, set);
}

/* Pairs of letters that are one letter somewhere in Unicode, in any case: sharp s and the ligatures. */
static bool is_ligature(uint32_t a, uint32_t b) {
    a |= 0x20;
    b |= 0x20;
    return (a == 's' && (b == 's' || b == 't')) || (a == 'f' && (b == 'f' || b == 'i' || b == 'l'));
}

static int32_t parse_literal(parser *p, uint32_t code, size_t from) {
    size_t set;
    if (p->regex.fold && is_ligature(p->before, code))
        return inlay__regex_uncovered(&p->regex, from - 1, "these letters in any case");
    INLAY__TRY(inlay__regex_literal(&p->regex, code, &set));
    p->before = code;
    return append_set(p, set);
}

static int32_t parse_one(parser *p) {
    inlay__regex *regex = &p->regex;
    repeat r;
    size_t set, from = regex->pos;
    if (take_quantifier(regex, &r)) return parse_quantifier(p, &r);
    if (inlay__regex_skip(regex, "(")) return parse_open(p);
    if (inlay__regex_skip(regex, ")")) return parse_close(p);
    if (inlay__regex_skip(regex, "|")) return parse_bar(p);
    uint32_t before = p->before, code;
    p->before = 0;
    INLAY__TRY(inlay__regex_take(regex, &code));
    if (code == '\\') return parse_escape(p);
    if (code == '[') {
        INLAY__TRY(inlay__regex_class(regex, &set));
        return append_set(p, set);
    }
    if (code == '.') {
        INLAY__TRY(regex->dot_all ? inlay__regex_any(regex, &set) : inlay__regex_line(regex, &set));
        return append_set(p, set);
    }
    if (code == '^' || code == '$') { /* of lines, as in Ruby */
        INLAY__TRY(inlay__regex_line(regex, &set));
        return append_guard(p, code == '^' ? INLAY__GUARD_BEHIND : INLAY__GUARD_NEXT, set, true);
    }
    p->before = before;
    return parse_literal(p, code, from);
}

int32_t inlay__program_parse(const inlay__sys *sys, const char *text, size_t size, inlay__program *program) {
    *program = (inlay__program){.sys = sys};
    inlay__sets_init(&program->sets, sys);
    parser p = {.regex = {.text = (const uint8_t *)text, .size = size, .program = program}, .atom = SIZE_MAX};
    p.groups[0].jumps = -1;
    while (p.regex.pos < size)
        INLAY__TRY(parse_one(&p));
    if (p.depth > 0) return inlay__regex_malformed(&p.regex, "( without )");
    close_alternatives(&p, &p.groups[0]);
    return append(&p, INLAY__STEP_MATCH, 0, 0);
}

void inlay__program_free(inlay__program *program) {
    inlay__free(program->sys, program->steps, program->capacity * sizeof *program->steps);
    inlay__sets_free(&program->sets);
    program->steps = NULL;
}
