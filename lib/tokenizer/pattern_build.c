/* From a program to the automaton that reads backwards. */
#include "tokenizer/pattern_automaton.h"

enum { MAX_STATES = 32768, MAX_ENTRIES = 1 << 17, MAX_WALK = 1 << 20, NO_LETTER = UINT16_MAX };
#define MAX_TABLE ((size_t)1 << 23) /* elements of the table of transitions */

static int32_t fail_size(void) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "the regular expression gives an automaton that is too large");
}

/* ------------------------------------------------------------------ entries */

typedef struct walk {
    uint32_t pc, need, deny;
} walk;

typedef struct builder {
    const inlay__sys *sys;
    const inlay__program *program;
    inlay__pattern *pattern;
    uint32_t *positions; /* [n_steps] number of a SET step */
    uint32_t *steps;     /* [n_places] where the ways on from a place begin */
    uint32_t *seen;      /* [n_steps] the last place whose ways passed here without guards, + 1 */
    walk *stack;         /* [n_stack] */
    size_t n_stack, stack_capacity, n_walked;
    uint32_t *table;     /* [table_mask + 1] states + 1, by hash */
    size_t table_mask;
    uint64_t *reach;     /* [n_words] positions that may come before a state */
    uint64_t *made;      /* [n_words] the set of the state that is being made */
    uint64_t *holders;   /* [n_letters, n_words] positions whose set holds a letter */
} builder;

/* Numbers positions and places. */
static int32_t number_places(builder *b) {
    const inlay__program *program = b->program;
    inlay__pattern *pattern = b->pattern;
    size_t n_bodies = 0;
    for (size_t g = 0; g < program->n_guards; g++)
        if (program->guards[g].kind == INLAY__GUARD_AHEAD) pattern->bodies[g] = (uint32_t)(1 + n_bodies++);
    for (size_t i = 0; i < program->n_steps; i++)
        if (program->steps[i].op == INLAY__STEP_SET) b->positions[i] = (uint32_t)pattern->n_positions++;
    pattern->n_places = 1 + n_bodies + pattern->n_positions;
    pattern->n_words = pattern->n_positions / 64 + 1;
    b->steps = inlay__alloc_array(b->sys, pattern->n_places, sizeof *b->steps);
    if (b->steps == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = program->n_steps; i-- > 0;) { /* of copies of a body the first counts */
        const inlay__pattern_step *step = &program->steps[i];
        if (step->op == INLAY__STEP_AHEAD) b->steps[pattern->bodies[step->a]] = (uint32_t)i + 1;
        if (step->op == INLAY__STEP_SET) b->steps[inlay__pattern_place(pattern, b->positions[i])] = (uint32_t)i + 1;
    }
    return INLAY_OK;
}

static int32_t push(builder *b, size_t pc, uint32_t need, uint32_t deny) {
    void *stack = b->stack;
    INLAY__TRY(inlay__grow(b->sys, &stack, &b->stack_capacity, b->n_stack + 1, sizeof *b->stack));
    b->stack = stack;
    b->stack[b->n_stack++] = (walk){(uint32_t)pc, need, deny};
    return INLAY_OK;
}

/* Adds a way on, unless one before it is open wherever it is. */
static int32_t add_entry(inlay__pattern *pattern, size_t place, walk at, uint32_t target) {
    for (size_t i = pattern->entry_starts[place]; i < pattern->n_entries; i++) {
        const inlay__pattern_entry *entry = &pattern->entries[i];
        if (entry->target == target && (entry->need & ~at.need) == 0 && (entry->deny & ~at.deny) == 0) return INLAY_OK;
    }
    if (pattern->n_entries == MAX_ENTRIES) return fail_size();
    void *entries = pattern->entries;
    INLAY__TRY(inlay__grow(pattern->sys, &entries, &pattern->entry_capacity, pattern->n_entries + 1,
                           sizeof *pattern->entries));
    pattern->entries = entries;
    pattern->entries[pattern->n_entries++] = (inlay__pattern_entry){at.need, at.deny, target};
    return INLAY_OK;
}

/* One step of the walk; what is pushed last goes on first. */
static int32_t walk_step(builder *b, size_t place, walk at) {
    const inlay__pattern_step *step = &b->program->steps[at.pc];
    uint32_t bit = 1u << ((uint32_t)step->a & 31);
    switch (step->op) {
    case INLAY__STEP_SET: return add_entry(b->pattern, place, at, b->positions[at.pc]);
    case INLAY__STEP_MATCH: return add_entry(b->pattern, place, at, INLAY__TARGET_ACCEPT);
    case INLAY__STEP_SPLIT:
        INLAY__TRY(push(b, (size_t)((int64_t)at.pc + step->b), at.need, at.deny));
        return push(b, (size_t)((int64_t)at.pc + step->a), at.need, at.deny);
    case INLAY__STEP_JUMP: return push(b, (size_t)((int64_t)at.pc + step->a), at.need, at.deny);
    default: break;
    }
    if (step->negated)
        at.deny |= bit;
    else
        at.need |= bit;
    if ((at.need & at.deny) != 0) return INLAY_OK; /* a contradiction */
    return push(b, at.pc + (step->op == INLAY__STEP_AHEAD ? (size_t)step->b : 1), at.need, at.deny);
}

/* The ways on from every place, in the order in which the pattern tries them. */
static int32_t find_entries(builder *b) {
    inlay__pattern *pattern = b->pattern;
    pattern->entry_starts = inlay__alloc_array(b->sys, pattern->n_places + 1, sizeof *pattern->entry_starts);
    if (pattern->entry_starts == NULL) return INLAY_ERR_MEMORY;
    for (size_t place = 0; place < pattern->n_places; place++) {
        pattern->entry_starts[place] = (uint32_t)pattern->n_entries;
        INLAY__TRY(push(b, b->steps[place], 0, 0));
        while (b->n_stack > 0) {
            walk at = b->stack[--b->n_stack];
            if (b->seen[at.pc] == place + 1) continue;
            if ((at.need | at.deny) == 0) b->seen[at.pc] = (uint32_t)place + 1;
            if (++b->n_walked == MAX_WALK) return fail_size();
            INLAY__TRY(walk_step(b, place, at));
        }
    }
    pattern->entry_starts[pattern->n_places] = (uint32_t)pattern->n_entries;
    return INLAY_OK;
}

/* ------------------------------------------------------------------ letters */

/* Letters that guards that look back cannot tell apart have one number. */
static void number_behinds(inlay__pattern *pattern) {
    uint32_t seen[INLAY__MAX_LETTERS + 1];
    size_t n_letters = pattern->alphabet.n_letters;
    for (size_t letter = 0; letter <= n_letters; letter++) {
        uint32_t signature = 0;
        for (size_t g = 0; g < pattern->n_guards && letter < n_letters; g++)
            if (pattern->guards[g].kind == INLAY__GUARD_BEHIND &&
                inlay__alphabet_has(&pattern->alphabet, letter, pattern->guards[g].set))
                signature |= 1u << g;
        size_t behind = 0;
        while (behind < pattern->n_behinds && seen[behind] != signature)
            behind++;
        if (behind == pattern->n_behinds) seen[pattern->n_behinds++] = signature;
        pattern->behind_of[letter] = (uint8_t)behind;
    }
}

/* A letter with this number, or the beginning of the text; n_letters is the latter. */
static size_t letter_behind(const inlay__pattern *pattern, size_t behind) {
    size_t letter = 0;
    while (pattern->behind_of[letter] != behind)
        letter++;
    return letter;
}

static int32_t find_holders(builder *b) {
    inlay__pattern *pattern = b->pattern;
    b->holders = inlay__alloc_array(b->sys, pattern->alphabet.n_letters * pattern->n_words, sizeof *b->holders);
    if (b->holders == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < b->program->n_steps; i++) {
        const inlay__pattern_step *step = &b->program->steps[i];
        uint32_t position = b->positions[i];
        if (step->op != INLAY__STEP_SET) continue;
        for (size_t letter = 0; letter < pattern->alphabet.n_letters; letter++)
            if (inlay__alphabet_has(&pattern->alphabet, letter, (size_t)step->a))
                b->holders[letter * pattern->n_words + position / 64] |= (uint64_t)1 << position % 64;
    }
    return INLAY_OK;
}

/* ------------------------------------------------------------------- states */

static bool place_open(const inlay__pattern *pattern, size_t place, const uint64_t *alive, uint32_t truths) {
    for (size_t i = pattern->entry_starts[place]; i < pattern->entry_starts[place + 1]; i++)
        if (inlay__pattern_open(&pattern->entries[i], alive, truths)) return true;
    return false;
}

/* The guards that hold where `alive` are, before a letter (NO_LETTER: the end) and after one. */
static uint32_t find_truths(const inlay__pattern *pattern, const uint64_t *alive, size_t letter, size_t behind) {
    const inlay__alphabet *alphabet = &pattern->alphabet;
    uint32_t truths = 0;
    size_t before = letter_behind(pattern, behind);
    for (size_t g = 0; g < pattern->n_guards; g++) {
        const inlay__pattern_guard *guard = &pattern->guards[g];
        bool holds = false;
        if (guard->kind == INLAY__GUARD_NEXT)
            holds = letter != NO_LETTER && inlay__alphabet_has(alphabet, letter, guard->set);
        else if (guard->kind == INLAY__GUARD_BEHIND)
            holds = before < alphabet->n_letters && inlay__alphabet_has(alphabet, before, guard->set);
        else
            continue;
        truths |= (uint32_t)holds << g;
    }
    for (size_t g = 0; g < pattern->n_guards; g++)
        if (pattern->guards[g].kind == INLAY__GUARD_AHEAD && place_open(pattern, pattern->bodies[g], alive, truths))
            truths |= 1u << g;
    return truths;
}

static size_t hash_state(const uint64_t *alive, size_t n_words, uint32_t truths) {
    uint64_t h = truths * 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < n_words; i++) {
        h = (h ^ alive[i]) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    return (size_t)h;
}

static int32_t grow_states(inlay__pattern *pattern, size_t n) {
    void *next = pattern->next, *first = pattern->first, *alive = pattern->alive, *truths = pattern->truths;
    if (n > MAX_STATES || n * pattern->n_inputs > MAX_TABLE) return fail_size();
    INLAY__TRY(inlay__grow(pattern->sys, &next, &pattern->next_capacity, n * pattern->n_inputs, sizeof(uint16_t)));
    pattern->next = next;
    INLAY__TRY(inlay__grow(pattern->sys, &first, &pattern->first_capacity, n, sizeof(uint16_t)));
    pattern->first = first;
    INLAY__TRY(inlay__grow(pattern->sys, &alive, &pattern->alive_capacity, n * pattern->n_words, sizeof(uint64_t)));
    pattern->alive = alive;
    INLAY__TRY(inlay__grow(pattern->sys, &truths, &pattern->truth_capacity, n, sizeof(uint32_t)));
    pattern->truths = truths;
    return INLAY_OK;
}

/* How a match at this state begins. */
static uint16_t find_first(const inlay__pattern *pattern, const uint64_t *alive, uint32_t truths) {
    for (size_t i = 0; i < pattern->entry_starts[1]; i++) {
        if (!inlay__pattern_open(&pattern->entries[i], alive, truths)) continue;
        uint32_t target = pattern->entries[i].target;
        return target == INLAY__TARGET_ACCEPT ? INLAY__FIRST_ACCEPT : (uint16_t)target;
    }
    return INLAY__FIRST_NONE;
}

/* The state of the set in b->made. */
static int32_t find_state(builder *b, size_t letter, size_t behind, uint16_t *state) {
    inlay__pattern *pattern = b->pattern;
    size_t n_words = pattern->n_words;
    uint32_t truths = find_truths(pattern, b->made, letter, behind);
    size_t slot = hash_state(b->made, n_words, truths) & b->table_mask;
    for (; b->table[slot] != 0; slot = (slot + 1) & b->table_mask) {
        size_t known = b->table[slot] - 1;
        if (pattern->truths[known] != truths) continue;
        if (memcmp(pattern->alive + known * n_words, b->made, n_words * sizeof(uint64_t)) != 0) continue;
        *state = (uint16_t)known;
        return INLAY_OK;
    }
    size_t made = pattern->n_states;
    INLAY__TRY(grow_states(pattern, made + 1));
    memcpy(pattern->alive + made * n_words, b->made, n_words * sizeof(uint64_t));
    pattern->truths[made] = truths;
    pattern->first[made] = find_first(pattern, b->made, truths);
    pattern->n_states++;
    b->table[slot] = (uint32_t)made + 1;
    *state = (uint16_t)made;
    return INLAY_OK;
}

/* The states before a state, for every character that may stand there. */
static int32_t find_transitions(builder *b, size_t state) {
    inlay__pattern *pattern = b->pattern;
    const uint64_t *alive = pattern->alive + state * pattern->n_words;
    memset(b->reach, 0, pattern->n_words * sizeof *b->reach);
    for (uint32_t position = 0; position < pattern->n_positions; position++)
        if (place_open(pattern, inlay__pattern_place(pattern, position), alive, pattern->truths[state]))
            b->reach[position / 64] |= (uint64_t)1 << position % 64;
    pattern->next[state * pattern->n_inputs] = (uint16_t)state;
    for (size_t letter = 0; letter < pattern->alphabet.n_letters; letter++) {
        for (size_t i = 0; i < pattern->n_words; i++)
            b->made[i] = b->reach[i] & b->holders[letter * pattern->n_words + i];
        for (size_t behind = 0; behind < pattern->n_behinds; behind++) {
            uint16_t found;
            INLAY__TRY(find_state(b, letter, behind, &found));
            pattern->next[state * pattern->n_inputs + 1 + letter * pattern->n_behinds + behind] = found;
        }
    }
    return INLAY_OK;
}

static int32_t find_states(builder *b) {
    inlay__pattern *pattern = b->pattern;
    memset(b->made, 0, pattern->n_words * sizeof *b->made);
    for (size_t behind = 0; behind < pattern->n_behinds; behind++)
        INLAY__TRY(find_state(b, NO_LETTER, behind, &pattern->ends[behind]));
    for (size_t state = 0; state < pattern->n_states; state++)
        INLAY__TRY(find_transitions(b, state));
    return INLAY_OK;
}

/* -------------------------------------------------------------------- whole */

static int32_t build(builder *b) {
    inlay__pattern *pattern = b->pattern;
    size_t n_steps = b->program->n_steps;
    b->positions = inlay__alloc_array(b->sys, n_steps, sizeof *b->positions);
    b->seen = inlay__alloc_array(b->sys, n_steps, sizeof *b->seen);
    if (b->positions == NULL || b->seen == NULL) return INLAY_ERR_MEMORY;
    INLAY__TRY(number_places(b));
    INLAY__TRY(find_entries(b));
    number_behinds(pattern);
    pattern->n_inputs = 1 + pattern->alphabet.n_letters * pattern->n_behinds;
    if (pattern->n_inputs > 256) return fail_size();
    INLAY__TRY(find_holders(b));
    b->reach = inlay__alloc_array(b->sys, pattern->n_words, sizeof *b->reach);
    b->made = inlay__alloc_array(b->sys, pattern->n_words, sizeof *b->made);
    b->table_mask = 4 * MAX_STATES - 1;
    b->table = inlay__alloc_array(b->sys, b->table_mask + 1, sizeof *b->table);
    if (b->reach == NULL || b->made == NULL || b->table == NULL) return INLAY_ERR_MEMORY;
    return find_states(b);
}

static void builder_free(builder *b) {
    size_t n_steps = b->program->n_steps, n_words = b->pattern->n_words;
    inlay__free(b->sys, b->positions, n_steps * sizeof *b->positions);
    inlay__free(b->sys, b->steps, b->pattern->n_places * sizeof *b->steps);
    inlay__free(b->sys, b->seen, n_steps * sizeof *b->seen);
    inlay__free(b->sys, b->stack, b->stack_capacity * sizeof *b->stack);
    inlay__free(b->sys, b->table, (b->table_mask + 1) * sizeof *b->table);
    inlay__free(b->sys, b->reach, n_words * sizeof *b->reach);
    inlay__free(b->sys, b->made, n_words * sizeof *b->made);
    inlay__free(b->sys, b->holders, b->pattern->alphabet.n_letters * n_words * sizeof *b->holders);
}

int32_t inlay__pattern_build(inlay__program *program, inlay__pattern *pattern) {
    builder b = {.sys = program->sys, .program = program, .pattern = pattern};
    pattern->n_guards = program->n_guards;
    memcpy(pattern->guards, program->guards, sizeof pattern->guards);
    INLAY__TRY(inlay__alphabet_build(&program->sets, &pattern->alphabet));
    int32_t status = build(&b);
    builder_free(&b);
    return status;
}
