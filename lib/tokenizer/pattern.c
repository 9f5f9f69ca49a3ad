/* Compiling patterns, and walking over their matches. */
#include "base/utf8.h"
#include "tokenizer/pattern_automaton.h"

/* ------------------------------------------------------------------ compile */

static int32_t compile(const char *regex, size_t size, inlay__pattern *pattern) {
    inlay__program program;
    int32_t status = inlay__program_parse(pattern->sys, regex, size, &program);
    if (status == INLAY_OK) status = inlay__pattern_build(&program, pattern);
    inlay__program_free(&program);
    return status;
}

/* Puts what the error is about before its text. */
static int32_t explain(int32_t status, const char *what) {
    char text[256];
    if (status == INLAY_ERR_MEMORY) return status;
    size_t n = inlay__min_size(strlen(inlay__error_text()), sizeof text - 1);
    memcpy(text, inlay__error_text(), n);
    return inlay__fail(status, "%s: %.*s", what, (int)n, text);
}

int32_t inlay__pattern_compile(const inlay__sys *sys, const char *what, const char *regex, size_t size,
                               inlay__pattern **pattern) {
    inlay__pattern *made = inlay__alloc_array(sys, 1, sizeof *made);
    if (made == NULL) return INLAY_ERR_MEMORY;
    made->sys = sys;
    int32_t status = compile(regex, size, made);
    if (status != INLAY_OK) {
        inlay__pattern_free(made);
        return explain(status, what);
    }
    *pattern = made;
    return INLAY_OK;
}

void inlay__pattern_free(inlay__pattern *pattern) {
    if (pattern == NULL) return;
    const inlay__sys *sys = pattern->sys;
    inlay__alphabet_free(&pattern->alphabet);
    inlay__free(sys, pattern->entries, pattern->entry_capacity * sizeof *pattern->entries);
    inlay__free(sys, pattern->entry_starts, (pattern->n_places + 1) * sizeof *pattern->entry_starts);
    inlay__free(sys, pattern->next, pattern->next_capacity * sizeof *pattern->next);
    inlay__free(sys, pattern->first, pattern->first_capacity * sizeof *pattern->first);
    inlay__free(sys, pattern->alive, pattern->alive_capacity * sizeof *pattern->alive);
    inlay__free(sys, pattern->truths, pattern->truth_capacity * sizeof *pattern->truths);
    inlay__free(sys, pattern, sizeof *pattern);
}

/* ------------------------------------------------------------------- blocks */

/* Where the character that holds the byte at `pos` begins. */
static size_t char_start(const uint8_t *text, size_t size, size_t pos) {
    if ((text[pos] & 0xC0) != 0x80) return pos;
    for (size_t back = 1; back <= 3 && back <= pos; back++) {
        uint32_t code;
        const uint8_t *lead = text + pos - back;
        if ((*lead & 0xC0) == 0x80) continue;
        return inlay__utf8_decode(lead, size - (pos - back), &code) > back ? pos - back : pos;
    }
    return pos;
}

static size_t block_start(const inlay__matcher *m, size_t block) {
    if (block == 0) return 0;
    if (block > m->size / INLAY__PATTERN_BLOCK) return m->size;
    size_t pos = block * INLAY__PATTERN_BLOCK;
    return pos < m->size ? char_start(m->text, m->size, pos) : m->size;
}

static inline size_t letter_at(const inlay__alphabet *alphabet, const uint8_t *text, size_t n, uint8_t *letter) {
    if (text[0] < 0x80) {
        *letter = alphabet->ascii[text[0]];
        return 1;
    }
    uint32_t code;
    size_t size = inlay__utf8_decode(text, n, &code);
    *letter = size > 0 ? inlay__alphabet_letter(alphabet, code) : alphabet->no_character;
    return size > 0 ? size : 1;
}

/* What guards that look back see before `pos`. */
static size_t behind_at(const inlay__matcher *m, size_t pos) {
    const inlay__pattern *pattern = m->pattern;
    uint8_t letter;
    if (pattern->n_behinds == 1) return 0;
    if (pos == 0) return pattern->behind_of[pattern->alphabet.n_letters];
    size_t start = char_start(m->text, m->size, pos - 1);
    letter_at(&pattern->alphabet, m->text + start, m->size - start, &letter);
    return pattern->behind_of[letter];
}

static void read_inputs(inlay__matcher *m) {
    const inlay__pattern *pattern = m->pattern;
    const uint8_t *text = m->text;
    size_t n_behinds = pattern->n_behinds, behind = behind_at(m, m->begin);
    uint8_t *inputs = m->inputs;
    for (size_t pos = m->begin; pos < m->end;) {
        uint8_t letter;
        size_t size = letter_at(&pattern->alphabet, text + pos, m->size - pos, &letter);
        *inputs++ = (uint8_t)(1 + letter * n_behinds + behind);
        behind = pattern->behind_of[letter];
        for (size_t i = 1; i < size; i++)
            *inputs++ = 0;
        pos += size;
    }
}

/* Reads a block backwards from the state at its end. */
static void load_block(inlay__matcher *m, size_t block, uint16_t state) {
    m->block = block;
    m->begin = block_start(m, block);
    m->end = block_start(m, block + 1);
    read_inputs(m);
    const uint16_t *next = m->pattern->next;
    size_t n_inputs = m->pattern->n_inputs, n = m->end - m->begin;
    m->states[n] = state;
    for (size_t i = n; i-- > 0;) {
        state = next[state * n_inputs + m->inputs[i]];
        m->states[i] = state;
    }
}

static size_t count_blocks(size_t size) { return size == 0 ? 1 : (size - 1) / INLAY__PATTERN_BLOCK + 1; }

static uint16_t end_state(const inlay__matcher *m, size_t block) {
    if (block + 1 < count_blocks(m->size)) return m->checkpoints[block];
    return m->pattern->ends[behind_at(m, m->size)];
}

void inlay__matcher_init(inlay__matcher *m, const inlay__pattern *pattern) {
    m->pattern = pattern;
    m->text = NULL;
    m->size = 0;
    m->checkpoints = NULL;
    m->checkpoint_capacity = 0;
}

void inlay__matcher_free(inlay__matcher *m) {
    inlay__free(m->pattern->sys, m->checkpoints, m->checkpoint_capacity * sizeof *m->checkpoints);
    m->checkpoints = NULL;
    m->checkpoint_capacity = 0;
}

int32_t inlay__matcher_begin(inlay__matcher *m, const uint8_t *text, size_t size) {
    m->text = text;
    m->size = size;
    m->pos = m->piece_end = m->match_begin = m->match_end = 0;
    m->last_end = SIZE_MAX;
    m->has_match = false;
    size_t n_blocks = count_blocks(size);
    void *checkpoints = m->checkpoints;
    if (n_blocks > 1)
        INLAY__TRY(inlay__grow(m->pattern->sys, &checkpoints, &m->checkpoint_capacity, n_blocks - 1,
                               sizeof *m->checkpoints));
    m->checkpoints = checkpoints;
    for (size_t block = n_blocks; block-- > 0;) {
        load_block(m, block, end_state(m, block));
        if (block > 0) m->checkpoints[block - 1] = m->states[0];
    }
    return INLAY_OK;
}

/* --------------------------------------------------------------------- walk */

/* The state at `pos`, which is in the block that is loaded or begins the next one. */
static inline uint16_t state_at(inlay__matcher *m, size_t pos) {
    if (pos >= m->end && pos < m->size) load_block(m, m->block + 1, end_state(m, m->block + 1));
    return m->states[pos - m->begin];
}

/* Past the character at `pos`, whose block is loaded. */
static inline size_t after_char(const inlay__matcher *m, size_t pos) {
    do
        pos++;
    while (pos < m->end && m->inputs[pos - m->begin] == 0);
    return pos;
}

/* The first way on that is open; there is one wherever a match leads. */
static inline uint32_t choose(const inlay__pattern *pattern, size_t place, uint16_t state) {
    const uint64_t *alive = pattern->alive + state * pattern->n_words;
    const inlay__pattern_entry *entry = &pattern->entries[pattern->entry_starts[place]];
    while (!inlay__pattern_open(entry, alive, pattern->truths[state]))
        entry++;
    return entry->target;
}

/* The end of the match that begins at `pos` by taking `position`. */
static size_t walk_match(inlay__matcher *m, size_t pos, uint32_t position) {
    const inlay__pattern *pattern = m->pattern;
    do {
        pos = after_char(m, pos);
        position = choose(pattern, inlay__pattern_place(pattern, position), state_at(m, pos));
    } while (position != INLAY__TARGET_ACCEPT);
    return pos;
}

bool inlay__matcher_next(inlay__matcher *m, size_t *begin, size_t *end) {
    for (size_t pos = m->pos;; pos = after_char(m, pos)) {
        uint16_t first = m->pattern->first[state_at(m, pos)];
        if (first != INLAY__FIRST_NONE && !(first == INLAY__FIRST_ACCEPT && pos == m->last_end)) {
            *begin = pos;
            *end = first == INLAY__FIRST_ACCEPT ? pos : walk_match(m, pos, first);
            m->pos = m->last_end = *end;
            return true;
        }
        if (pos == m->size) return false;
    }
}

bool inlay__matcher_piece(inlay__matcher *m, size_t *begin, size_t *end, bool *is_match) {
    while (m->piece_end < m->size) {
        if (!m->has_match && !inlay__matcher_next(m, &m->match_begin, &m->match_end))
            m->match_begin = m->match_end = m->size;
        m->has_match = m->piece_end < m->match_begin;
        *begin = m->piece_end;
        *end = m->has_match ? m->match_begin : m->match_end;
        *is_match = !m->has_match;
        m->piece_end = *end;
        if (*begin < *end) return true;
    }
    return false;
}
