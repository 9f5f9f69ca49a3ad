/* Sets of characters and the alphabet that they make. */
#include "tokenizer/char_set.h"

void inlay__sets_init(inlay__sets *sets, const inlay__sys *sys) {
    *sets = (inlay__sets){.sys = sys};
}

void inlay__sets_free(inlay__sets *sets) {
    if (sets->sys != NULL) inlay__free(sets->sys, sets->ops, sets->ops_capacity * sizeof *sets->ops);
    sets->ops = NULL;
}

int32_t inlay__sets_put(inlay__sets *sets, uint8_t kind, uint32_t a, uint32_t b) {
    if (sets->n_ops == INLAY__MAX_SET_OPS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the classes of characters have more than %d parts",
                           INLAY__MAX_SET_OPS);
    void *ops = sets->ops;
    INLAY__TRY(inlay__grow(sets->sys, &ops, &sets->ops_capacity, sets->n_ops + 1, sizeof *sets->ops));
    sets->ops = ops;
    sets->ops[sets->n_ops++] = (inlay__set_op){kind, a, b};
    return INLAY_OK;
}

static bool same_ops(const inlay__set_op *a, const inlay__set_op *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i].kind != b[i].kind || a[i].a != b[i].a || a[i].b != b[i].b) return false;
    return true;
}

int32_t inlay__sets_finish(inlay__sets *sets, size_t *set) {
    size_t start = sets->starts[sets->n], n = sets->n_ops - start;
    for (size_t i = 0; i < sets->n; i++) {
        if (sets->starts[i + 1] - sets->starts[i] != n) continue;
        if (!same_ops(sets->ops + sets->starts[i], sets->ops + start, n)) continue;
        sets->n_ops = start;
        *set = i;
        return INLAY_OK;
    }
    if (sets->n == INLAY__MAX_SETS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "more than %d different classes of characters", INLAY__MAX_SETS);
    *set = sets->n++;
    sets->starts[sets->n] = (uint32_t)sets->n_ops;
    return INLAY_OK;
}

/* The categories of which set number i holds the characters, among those next to `code`. */
static uint32_t evaluate(const inlay__sets *sets, size_t i, uint32_t code) {
    uint32_t stack[INLAY__SET_DEPTH], n = 0;
    const uint32_t all = INLAY__SET_ALL_CATEGORIES | 1u << INLAY__UNICODE_N_CATEGORIES;
    for (uint32_t at = sets->starts[i]; at < sets->starts[i + 1]; at++) {
        const inlay__set_op *op = &sets->ops[at];
        if (op->kind == INLAY__SET_CATEGORIES)
            stack[n++] = op->a;
        else if (op->kind == INLAY__SET_RANGE)
            stack[n++] = op->a <= code && code <= op->b ? INLAY__SET_ALL_CATEGORIES : 0;
        else if (op->kind == INLAY__SET_NOT)
            stack[n - 1] = ~stack[n - 1] & all;
        else if (op->kind == INLAY__SET_OR)
            n--, stack[n - 1] |= stack[n];
        else
            n--, stack[n - 1] &= stack[n];
    }
    return stack[0];
}

/* ----------------------------------------------------------------- alphabet */

static int32_t add_span(inlay__alphabet *alphabet, uint32_t first) {
    void *spans = alphabet->spans;
    INLAY__TRY(inlay__grow(alphabet->sys, &spans, &alphabet->capacity, alphabet->n_spans + 1, sizeof(uint32_t)));
    alphabet->spans = spans;
    alphabet->spans[alphabet->n_spans++] = first;
    return INLAY_OK;
}

static void sift(uint32_t *values, size_t at, size_t n) {
    uint32_t moved = values[at];
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && values[child + 1] > values[child]) child++;
        if (values[child] <= moved) break;
        values[at] = values[child];
        at = child;
    }
    values[at] = moved;
}

/* In order, each value once; returns how many there are. */
static size_t sort_unique(uint32_t *values, size_t n) {
    for (size_t i = n / 2; i-- > 0;)
        sift(values, i, n);
    for (size_t end = n; end-- > 1;) {
        uint32_t greatest = values[0];
        values[0] = values[end];
        values[end] = greatest;
        sift(values, 0, end);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || values[kept - 1] != values[i]) values[kept++] = values[i];
    return kept;
}

/* Spans begin where a range of some set begins or ends. */
static int32_t find_spans(const inlay__sets *sets, inlay__alphabet *alphabet) {
    INLAY__TRY(add_span(alphabet, 0));
    for (size_t i = 0; i < sets->n_ops; i++) {
        if (sets->ops[i].kind != INLAY__SET_RANGE) continue;
        INLAY__TRY(add_span(alphabet, sets->ops[i].a));
        INLAY__TRY(add_span(alphabet, sets->ops[i].b + 1));
    }
    alphabet->n_spans = sort_unique(alphabet->spans, alphabet->n_spans);
    return INLAY_OK;
}

/* The letter whose members are these; a new one if there is none. */
static int32_t find_letter(inlay__alphabet *alphabet, const uint32_t members[INLAY__MAX_SETS / 32], uint8_t *letter) {
    for (size_t i = alphabet->n_letters; i-- > 0;) {
        if (memcmp(alphabet->members[i], members, sizeof alphabet->members[i]) != 0) continue;
        *letter = (uint8_t)i;
        return INLAY_OK;
    }
    if (alphabet->n_letters == INLAY__MAX_LETTERS)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "the classes of characters cut Unicode into more than %d parts",
                           INLAY__MAX_LETTERS);
    memcpy(alphabet->members[alphabet->n_letters], members, sizeof alphabet->members[0]);
    *letter = (uint8_t)alphabet->n_letters++;
    return INLAY_OK;
}

/* The letters of the 30 categories, and of no character, in the span of `code`. */
static int32_t find_letters(const inlay__sets *sets, inlay__alphabet *alphabet, uint32_t code,
                            uint8_t letters[INLAY__UNICODE_N_CATEGORIES + 1]) {
    uint32_t members[INLAY__UNICODE_N_CATEGORIES + 1][INLAY__MAX_SETS / 32] = {{0}};
    for (size_t set = 0; set < sets->n; set++) {
        uint32_t categories = evaluate(sets, set, code);
        for (size_t i = 0; i <= INLAY__UNICODE_N_CATEGORIES; i++)
            if ((categories >> i & 1) != 0) members[i][set / 32] |= 1u << set % 32;
    }
    for (size_t i = 0; i <= INLAY__UNICODE_N_CATEGORIES; i++)
        INLAY__TRY(find_letter(alphabet, members[i], &letters[i]));
    return INLAY_OK;
}

static int32_t build(const inlay__sets *sets, inlay__alphabet *alphabet) {
    uint8_t letters[INLAY__UNICODE_N_CATEGORIES + 1];
    INLAY__TRY(find_spans(sets, alphabet));
    alphabet->letters = inlay__alloc_array(alphabet->sys, alphabet->n_spans, sizeof *alphabet->letters);
    if (alphabet->letters == NULL) return INLAY_ERR_MEMORY;
    /* UINT32_MAX is in no range. */
    INLAY__TRY(find_letters(sets, alphabet, UINT32_MAX, letters));
    alphabet->no_character = letters[INLAY__UNICODE_N_CATEGORIES];
    for (size_t i = 0; i < alphabet->n_spans; i++) {
        INLAY__TRY(find_letters(sets, alphabet, alphabet->spans[i], letters));
        memcpy(alphabet->letters[i], letters, INLAY__UNICODE_N_CATEGORIES);
    }
    for (uint32_t code = 0; code < 128; code++)
        alphabet->ascii[code] = inlay__alphabet_letter(alphabet, code);
    return INLAY_OK;
}

int32_t inlay__alphabet_build(const inlay__sets *sets, inlay__alphabet *alphabet) {
    memset(alphabet, 0, sizeof *alphabet);
    alphabet->sys = sets->sys;
    int32_t status = build(sets, alphabet);
    if (status != INLAY_OK) inlay__alphabet_free(alphabet);
    return status;
}

void inlay__alphabet_free(inlay__alphabet *alphabet) {
    if (alphabet->sys == NULL) return;
    inlay__free(alphabet->sys, alphabet->letters, alphabet->n_spans * sizeof *alphabet->letters);
    inlay__free(alphabet->sys, alphabet->spans, alphabet->capacity * sizeof *alphabet->spans);
    alphabet->letters = NULL;
    alphabet->spans = NULL;
}
