/* Byte-level BPE: reading merges, encoding words, bytes of tokens. */
#include "tokenizer/bpe.h"

#include "format/packed.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/word_cache.h"

/* --------------------------------------------------------------------- load */

/* A token's text stands for itself when it is not made of byte characters, or when the author added it; of added
 * ones only those matter that read as byte characters would be other bytes. */
static bool is_raw(inlay__text text, bool added) {
    uint8_t byte;
    for (size_t i = 0; i < text.size;) {
        size_t size = inlay__byte_read(text.text + i, text.size - i, &byte);
        if (size == 0 || (added && size > 1)) return true;
        i += size;
    }
    return false;
}

/* Most texts are printable ASCII, at most behind the letter of a space: 8 bytes of it at a time. */
static bool is_surely_not_raw(inlay__text text, bool added, size_t readable) {
    const uint64_t each = 0x0101010101010101u, high = 0x80 * each;
    size_t begin = text.size >= 2 && memcmp(text.text, "\xC4\xA0", 2) == 0 ? 2 : 0;
    if ((added && begin > 0) || readable < text.size + 8) return false;
    for (size_t i = begin; i < text.size; i += 8) {
        uint64_t beyond = text.size - i < 8 ? UINT64_MAX << 8 * (text.size - i) : 0;
        uint64_t word = (inlay__load_u64(text.text + i) & ~beyond) | ('A' * each & beyond);
        if (((word | (word - 33 * each) | (word + each)) & high) != 0) return false; /* 33 to 126 each */
    }
    return true;
}

static int32_t load_raw(inlay__bpe *bpe) {
    const inlay__vocab *vocab = bpe->vocab;
    bpe->raw_size = vocab->n_tokens / 8 + 1;
    bpe->raw = inlay__alloc_array(bpe->sys, bpe->raw_size, 1);
    if (bpe->raw == NULL) return INLAY_ERR_MEMORY;
    for (size_t id = 0; id < vocab->n_tokens; id++) {
        bool added = (vocab->flags[id] & INLAY_TOKEN_ADDED) != 0;
        inlay__text text = inlay__vocab_text(vocab, (int32_t)id);
        if (is_surely_not_raw(text, added, vocab->offsets[vocab->n_tokens] - vocab->offsets[id])) continue;
        if (is_raw(text, added))
            bpe->raw[id / 8] = (uint8_t)(bpe->raw[id / 8] | 1u << id % 8);
    }
    return INLAY_OK;
}

static bool token_is_raw(const inlay__bpe *bpe, int32_t id) { return (bpe->raw[id / 8] >> id % 8 & 1) != 0; }

/* The token of a text in byte characters that words may become: one that gives back the same bytes. */
static bool may_become(const inlay__bpe *bpe, int32_t id) {
    const inlay__vocab *vocab = bpe->vocab;
    return inlay__vocab_is_plain(vocab, id) && (vocab->flags[id] & INLAY_TOKEN_BYTE) == 0 && !token_is_raw(bpe, id);
}

static bool find_hashed(const inlay__bpe *bpe, uint64_t hash, const char *text, size_t size, uint32_t *id) {
    return inlay__text_index_get(&bpe->vocab->by_text, hash, text, size, id) && may_become(bpe, (int32_t)*id);
}

static bool find_word(const inlay__bpe *bpe, const char *text, size_t size, uint32_t *id) {
    return find_hashed(bpe, inlay__text_index_hash(&bpe->vocab->by_text, text, size), text, size, id);
}

/* The token of each byte: the one whose text is the byte's character, else "<0x41>". */
static void load_bytes(inlay__bpe *bpe) {
    char text[INLAY__BYTE_TEXT_MAX];
    const inlay__vocab *vocab = bpe->vocab;
    for (int byte = 0; byte < 256; byte++) {
        uint32_t id;
        size_t size = inlay__byte_write((uint8_t)byte, text);
        bpe->byte_ids[byte] = find_word(bpe, text, size, &id) ? (int32_t)id : -1;
    }
    for (size_t id = vocab->n_tokens; id-- > 0;) {
        uint8_t byte;
        if ((vocab->flags[id] & INLAY_TOKEN_BYTE) == 0) continue;
        if (!inlay__vocab_byte(inlay__vocab_text(vocab, (int32_t)id), &byte)) continue;
        int32_t known = bpe->byte_ids[byte];
        /* From the last id down, so that the lowest stays; a token of the byte's character is never replaced. */
        if (known < 0 || (vocab->flags[known] & INLAY_TOKEN_BYTE) != 0) bpe->byte_ids[byte] = (int32_t)id;
    }
}

/* A merge on its way into the table, while memory fetches what it meets: it is read; SLOTS merges later its slots are
 * there and tell which keys will be compared; at IDS its tokens are looked up and tell its place; at AHEAD it is
 * added. */
enum { SLOTS = 8, IDS = 16, AHEAD = 24, SHORT = 128 };
#define NO_HINT UINT32_MAX

typedef struct pending_merge {
    inlay__text text;   /* "left right" */
    size_t space;       /* where the left part ends; 0: a merge that cannot apply */
    char *joined;       /* [text.size - 1] the text without its space */
    uint32_t hints[2];  /* the tokens that left and right may be, or NO_HINT */
    uint64_t hashes[3]; /* of left, right and joined; of a side with a hint none */
    int32_t guess;      /* the token that joined is known to be, without a look at its hash; or -1 */
    inlay__merge merge; /* once it is looked up; result -1: one that cannot apply */
} pending_merge;

/* A part of the merges, which one thread reads: the first goes straight into the table, the others wait in memory. */
typedef struct merge_part {
    uint64_t begin, end;
    char *joined;        /* [max_token_size] */
    inlay__merge *found; /* [end - begin] of which n_found are there; NULL: into the table */
    size_t n_found;
    inlay__byte_pairs joints;
    int32_t status;
} merge_part;

enum { MOST_PARTS = 4, LEAST_MERGES = 4096 };

/* All of them. */
typedef struct merge_job {
    inlay__bpe *bpe;
    const char *name;
    const inlay__gguf_kv *kv, *hints;
    merge_part parts[MOST_PARTS];
    size_t n_parts;
} merge_job;

/* Whether a token's text is the only one of its kind and that of a merge. */
static bool is_joined(const inlay__vocab *vocab, int64_t id, inlay__text text, size_t space) {
    if (!vocab->unique || id < 0 || id >= (int64_t)vocab->n_tokens) return false;
    inlay__text token = inlay__vocab_text(vocab, (int32_t)id);
    return token.size == text.size - 1 && inlay__same_bytes(token.text, text.text, space) &&
           inlay__same_bytes(token.text + space, text.text + space + 1, token.size - space);
}

/* Whether a token's text is the only one of its kind and this one. */
static bool is_text(const inlay__vocab *vocab, uint32_t id, const char *text, size_t size) {
    if (!vocab->unique || id >= vocab->n_tokens) return false;
    inlay__text token = inlay__vocab_text(vocab, (int32_t)id);
    return token.size == size && inlay__same_bytes(token.text, text, size);
}

/* The text of the left or right side. */
static inlay__text side_of(const pending_merge *m, size_t side) {
    return side == 0 ? (inlay__text){m->text.text, m->space}
                     : (inlay__text){m->text.text + m->space + 1, m->text.size - m->space - 1};
}

/* `guess` is the token that the merge gives where tokens are numbered in the order of merges, as they mostly are. */
static void expect_merge(const inlay__bpe *bpe, pending_merge *m, inlay__text text, size_t space, int64_t guess) {
    const inlay__text_index *index = &bpe->vocab->by_text;
    m->text = text;
    m->space = space;
    m->guess = is_joined(bpe->vocab, guess, text, space) ? (int32_t)guess : -1;
    for (size_t i = 0; i < 2; i++) {
        inlay__text side = side_of(m, i);
        if (m->hints[i] < bpe->vocab->n_tokens) {
            INLAY__PREFETCH(&bpe->vocab->offsets[m->hints[i]]);
            continue;
        }
        m->hints[i] = NO_HINT;
        m->hashes[i] = inlay__text_index_hash(index, side.text, side.size);
        inlay__text_index_expect(index, m->hashes[i]);
    }
    if (m->guess >= 0) return;
    memcpy(m->joined, text.text, space);
    memcpy(m->joined + space, text.text + space + 1, text.size - space - 1);
    m->hashes[2] = inlay__text_index_hash(index, m->joined, text.size - 1);
    inlay__text_index_expect(index, m->hashes[2]);
}

static void expect_merge_keys(const inlay__bpe *bpe, const pending_merge *m) {
    const inlay__vocab *vocab = bpe->vocab;
    for (size_t i = 0; i < (m->guess < 0 ? 3 : 2) && m->space > 0; i++)
        if (i < 2 && m->hints[i] != NO_HINT)
            INLAY__PREFETCH(vocab->texts + vocab->offsets[m->hints[i]]);
        else
            inlay__text_index_expect_text(&vocab->by_text, m->hashes[i]);
}

void inlay__bpe_add_joint(inlay__byte_pairs *joints, inlay__text left, inlay__text right) {
    uint8_t before, after;
    size_t last = left.size - 1;
    while (last > 0 && ((uint8_t)left.text[last] & 0xC0) == 0x80) last--;
    if (inlay__byte_read(left.text + last, left.size - last, &before) == 0) return;
    if (inlay__byte_read(right.text, right.size, &after) == 0) return;
    inlay__byte_pairs_add(joints, before, after);
}

/* The token of a side: as the hint has it where that is true, which nobody promises. */
static bool find_side(const inlay__bpe *bpe, const pending_merge *m, size_t i, uint32_t *id) {
    inlay__text side = side_of(m, i);
    if (m->hints[i] == NO_HINT) return find_hashed(bpe, m->hashes[i], side.text, side.size, id);
    *id = m->hints[i];
    if (is_text(bpe->vocab, *id, side.text, side.size)) return may_become(bpe, (int32_t)*id);
    return find_word(bpe, side.text, side.size, id);
}

/* Looks up the tokens of merge number `rank`. A merge with a token that the vocabulary does not have, or that plain
 * text may not become, can never apply. */
static void look_up_merge(const inlay__bpe *bpe, merge_part *part, pending_merge *m, uint32_t rank) {
    uint32_t left, right, result;
    m->merge.result = -1;
    if (m->space == 0 || !find_side(bpe, m, 0, &left) || !find_side(bpe, m, 1, &right)) return;
    if (m->guess >= 0) {
        result = (uint32_t)m->guess;
        if (!may_become(bpe, m->guess)) return;
    } else if (!find_hashed(bpe, m->hashes[2], m->joined, m->text.size - 1, &result)) {
        return;
    }
    m->merge = (inlay__merge){left, right, rank, (int32_t)result};
    inlay__bpe_add_joint(&part->joints, side_of(m, 0), side_of(m, 1));
    if (part->found == NULL) INLAY__PREFETCH(&bpe->merges[inlay__bpe_slot(bpe, left, right)]);
}

/* Of two merges of one pair the first counts. */
static void put_merge(inlay__bpe *bpe, const inlay__merge *merge) {
    const inlay__merge *found = inlay__bpe_find(bpe, merge->left, merge->right);
    if (found->result < 0) bpe->merges[found - bpe->merges] = *merge;
}

static void add_merge(inlay__bpe *bpe, merge_part *part, const inlay__merge *merge) {
    if (merge->result < 0) return;
    if (part->found != NULL)
        part->found[part->n_found++] = *merge;
    else
        put_merge(bpe, merge);
}

/* At most three quarters of the slots are taken. */
static int32_t make_table(inlay__bpe *bpe, size_t n_merges) {
    size_t n_slots = 16, size;
    while (n_slots / 4 * 3 < n_merges)
        n_slots *= 2;
    bpe->merge_mask = n_slots - 1;
    if (!inlay__mul_size(n_slots, sizeof *bpe->merges, &size))
        return inlay__fail(INLAY_ERR_MEMORY, "out of memory: %zu merges do not fit an address space", n_merges);
    bpe->merges = inlay__alloc(bpe->sys, size);
    if (bpe->merges == NULL) return INLAY_ERR_MEMORY;
    for (size_t i = 0; i < n_slots; i++)
        bpe->merges[i].result = -1;
    return INLAY_OK;
}

int32_t inlay__bpe_find_merges(const char *name, const inlay__gguf *gguf, const inlay__gguf_kv **merges) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, "tokenizer.ggml.merges");
    if (kv == NULL) return inlay__fail(INLAY_ERR_FORMAT, "file '%s': has no tokenizer.ggml.merges", name);
    if (!kv->is_array || kv->type != INLAY__GGUF_STRING)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tokenizer.ggml.merges is not an array of strings", name);
    if (kv->n_values >= UINT32_MAX / 4)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tokenizer.ggml.merges has %llu values", name,
                           (unsigned long long)kv->n_values);
    *merges = kv;
    return INLAY_OK;
}

/* The left part has at least one character, whatever it is. */
int32_t inlay__bpe_read_merge(const char *name, const inlay__gguf_kv *merges, uint64_t i, inlay__text *left,
                              inlay__text *right) {
    inlay__text text = inlay__gguf_string(merges, i);
    const char *space = text.size < 3 ? NULL : memchr(text.text + 1, ' ', text.size - 2);
    if (space == NULL)
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tokenizer.ggml.merges %llu is '%s', expected two tokens", name,
                           (unsigned long long)i, text.text);
    *left = (inlay__text){text.text, (size_t)(space - text.text)};
    *right = (inlay__text){space + 1, text.size - left->size - 1};
    return INLAY_OK;
}

/* The tokens of the merges' sides, which packed files bring so that nobody needs to look for them; *found is NULL
 * without. */
static int32_t find_hints(const char *name, const inlay__gguf *gguf, const inlay__gguf_kv *merges,
                          const inlay__gguf_kv **found) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, INLAY__PACKED_MERGES);
    *found = kv;
    if (kv == NULL || (kv->is_array && kv->type == INLAY__GGUF_U32 && kv->n_values == 2 * merges->n_values))
        return INLAY_OK;
    return inlay__fail(INLAY_ERR_FORMAT, "file '%s': %s is not an array of two u32 for each of tokenizer.ggml.merges",
                       name, INLAY__PACKED_MERGES);
}

static int32_t read_merges(const merge_job *job, merge_part *part) {
    inlay__bpe *bpe = job->bpe;
    char short_texts[AHEAD][SHORT];
    pending_merge pending[AHEAD], lone = {.joined = part->joined};
    int64_t ahead = 0; /* of the number of a merge is that of its token, as it was last */
    const uint64_t begin = part->begin, n = part->end - begin;
    for (size_t i = 0; i < AHEAD; i++) pending[i].joined = short_texts[i];
    for (uint64_t i = 0; i < n + AHEAD; i++) {
        pending_merge *m = &pending[i % AHEAD];
        if (i >= AHEAD) add_merge(bpe, part, &m->merge);
        if (i >= AHEAD && m->merge.result >= 0) ahead = (int64_t)m->merge.result - m->merge.rank;
        if (i >= IDS && i - IDS < n) look_up_merge(bpe, part, &pending[(i - IDS) % AHEAD], (uint32_t)(begin + i - IDS));
        if (i >= SLOTS && i - SLOTS < n) expect_merge_keys(bpe, &pending[(i - SLOTS) % AHEAD]);
        if (i >= n) continue;
        m->space = 0;
        inlay__text text = inlay__gguf_string(job->kv, begin + i), left, right;
        INLAY__TRY(inlay__bpe_read_merge(job->name, job->kv, begin + i, &left, &right));
        if (text.size - 1 > bpe->vocab->max_token_size) continue; /* there is no such token */
        bool is_short = text.size <= SHORT; /* a long one waits for none; its pair is that of no short one */
        pending_merge *at = is_short ? m : &lone;
        at->hints[0] = at->hints[1] = NO_HINT;
        if (job->hints != NULL) inlay__gguf_bits(job->hints, 2 * (size_t)(begin + i), 2, at->hints);
        expect_merge(bpe, at, text, left.size, (int64_t)(begin + i) + ahead);
        if (is_short) continue;
        look_up_merge(bpe, part, &lone, (uint32_t)(begin + i));
        add_merge(bpe, part, &lone.merge);
    }
    return INLAY_OK;
}

static void read_part(void *arg, size_t i_thread, size_t n_threads) {
    merge_job *job = arg;
    (void)n_threads;
    if (i_thread < job->n_parts) job->parts[i_thread].status = read_merges(job, &job->parts[i_thread]);
}

/* Whose are all in memory; merge by merge in their order. What went wrong on another thread is said by doing it
 * over. */
static int32_t join_parts(merge_job *job) {
    inlay__bpe *bpe = job->bpe;
    for (size_t p = 0; p < job->n_parts; p++) {
        merge_part *part = &job->parts[p];
        if (part->status != INLAY_OK && p > 0) {
            part->n_found = 0;
            part->status = read_merges(job, part);
        }
        INLAY__TRY(part->status);
        for (size_t i = 0; i < part->n_found + AHEAD; i++) {
            if (i < part->n_found)
                INLAY__PREFETCH(&bpe->merges[inlay__bpe_slot(bpe, part->found[i].left, part->found[i].right)]);
            if (i >= AHEAD) put_merge(bpe, &part->found[i - AHEAD]);
        }
        for (size_t i = 0; i < INLAY__COUNT(bpe->joints.bits); i++) bpe->joints.bits[i] |= part->joints.bits[i];
    }
    return INLAY_OK;
}

/* Cuts the merges into as many parts as there are threads for, and takes what these need. */
static int32_t make_parts(merge_job *job, size_t n_threads) {
    inlay__bpe *bpe = job->bpe;
    uint64_t n = job->kv->n_values;
    job->n_parts = (size_t)(n / LEAST_MERGES) + 1;
    job->n_parts = inlay__min_size(job->n_parts, inlay__min_size(n_threads, MOST_PARTS));
    for (size_t p = 0; p < job->n_parts; p++) {
        merge_part *part = &job->parts[p];
        part->begin = n * p / job->n_parts;
        part->end = n * (p + 1) / job->n_parts;
        part->joined = inlay__alloc(bpe->sys, bpe->vocab->max_token_size);
        if (part->joined == NULL) return INLAY_ERR_MEMORY;
        if (p == 0) continue;
        part->found = inlay__alloc_array(bpe->sys, (size_t)(part->end - part->begin), sizeof *part->found);
        if (part->found == NULL) return INLAY_ERR_MEMORY;
    }
    return INLAY_OK;
}

static void free_job(merge_job *job) {
    const inlay__sys *sys = job->bpe->sys;
    for (size_t p = 0; p < job->n_parts; p++) {
        merge_part *part = &job->parts[p];
        inlay__free(sys, part->joined, job->bpe->vocab->max_token_size);
        inlay__free(sys, part->found, (size_t)(part->end - part->begin) * sizeof *part->found);
    }
    inlay__free(sys, job, sizeof *job);
}

int32_t inlay__bpe_load_merges(const char *name, const inlay__gguf *gguf, inlay__pool *pool, inlay__bpe *bpe) {
    const inlay__gguf_kv *kv, *hints;
    INLAY__TRY(inlay__bpe_find_merges(name, gguf, &kv));
    INLAY__TRY(find_hints(name, gguf, kv, &hints));
    INLAY__TRY(make_table(bpe, (size_t)kv->n_values));
    merge_job *job = inlay__alloc_array(bpe->sys, 1, sizeof *job); /* too large for a stack */
    if (job == NULL) return INLAY_ERR_MEMORY;
    job->bpe = bpe;
    job->name = name;
    job->kv = kv;
    job->hints = hints;
    int32_t status = make_parts(job, pool != NULL ? inlay__pool_n_threads(pool) : 1);
    if (status == INLAY_OK && job->n_parts > 1) status = inlay__pool_run(pool, read_part, job);
    if (status == INLAY_OK && job->n_parts == 1) read_part(job, 0, 1);
    if (status == INLAY_OK) status = join_parts(job);
    free_job(job);
    return status;
}

int32_t inlay__bpe_load(const inlay__sys *sys, const inlay__vocab *vocab, const inlay__pretokenizer *pretokenizer,
                        inlay__bpe *bpe) {
    *bpe = (inlay__bpe){.sys = sys, .vocab = vocab, .pretokenizer = pretokenizer, .seed = vocab->by_text.seed};
    int32_t status = inlay__cutter_init(sys, pretokenizer, &bpe->cutter);
    if (status == INLAY_OK) status = load_raw(bpe);
    if (status == INLAY_OK)
        load_bytes(bpe);
    else
        inlay__bpe_free(bpe);
    return status;
}

void inlay__bpe_sides(const inlay__bpe *bpe, uint32_t *sides, size_t n_merges) {
    for (size_t i = 0; i < 2 * n_merges; i++) sides[i] = NO_HINT;
    for (size_t slot = 0; slot <= bpe->merge_mask; slot++) {
        const inlay__merge *merge = &bpe->merges[slot];
        if (merge->result < 0 || merge->rank >= n_merges) continue;
        sides[2 * merge->rank] = merge->left;
        sides[2 * merge->rank + 1] = merge->right;
    }
}

void inlay__bpe_free(inlay__bpe *bpe) {
    inlay__cutter_free(&bpe->cutter);
    inlay__free(bpe->sys, bpe->merges, (bpe->merge_mask + 1) * sizeof *bpe->merges);
    inlay__free(bpe->sys, bpe->raw, bpe->raw_size);
    bpe->merges = NULL;
    bpe->raw = NULL;
}

/* ------------------------------------------------------------------- encode */

/* The token that a word is as a whole. `text` has room for max_token_size bytes. */
static bool find_whole(const inlay__bpe *bpe, const uint8_t *word, size_t size, char *text, uint32_t *id) {
    size_t n = 0, room = bpe->vocab->max_token_size;
    if (size > room) return false;
    for (size_t i = 0; i < size; i++) {
        char character[INLAY__BYTE_TEXT_MAX];
        size_t m = inlay__byte_write(word[i], character);
        if (m > room - n) return false;
        memcpy(text + n, character, m);
        n += m;
    }
    return find_word(bpe, text, n, id);
}

/* Bytes of the text that a token stands for. */
static size_t token_size(const inlay__bpe *bpe, int32_t id) {
    uint8_t byte;
    size_t n = 0;
    inlay__text text = inlay__vocab_text(bpe->vocab, id);
    if ((bpe->vocab->flags[id] & INLAY_TOKEN_BYTE) != 0) return 1;
    for (size_t i = 0; i < text.size; n++)
        i += inlay__max_size(inlay__byte_read(text.text + i, text.size - i, &byte), 1);
    return n;
}

int32_t inlay__bpe_encode_word(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size,
                               size_t begin) {
    size_t first = encoder->n_tokens;
    INLAY__TRY(inlay__bpe_merge_word(bpe, encoder, word, size));
    for (size_t i = first; encoder->wants_spans && i < encoder->n_tokens; i++) {
        encoder->spans[i][0] = encoder->base + begin;
        begin += token_size(bpe, encoder->tokens[i]);
        encoder->spans[i][1] = encoder->base + begin;
    }
    return INLAY_OK;
}

static int32_t encode_word(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *word, size_t size,
                           size_t begin, char *whole) {
    uint32_t id;
    if (whole == NULL || !find_whole(bpe, word, size, whole, &id))
        return inlay__bpe_encode_word(bpe, encoder, word, size, begin);
    INLAY__TRY(inlay__encoder_reserve(encoder, 1));
    inlay__encoder_put_at(encoder, (int32_t)id, begin, begin + size);
    return INLAY_OK;
}

static int32_t encode_words(const inlay__bpe *bpe, inlay__encoder *encoder, inlay__words *words, char *whole) {
    inlay__word_cache cache;
    const uint8_t *word;
    size_t size;
    INLAY__TRY(inlay__word_cache_begin(encoder, words->size, &cache));
    while (inlay__words_next(words, &word, &size)) {
        size_t begin = (size_t)(word - words->text), first = encoder->n_tokens;
        if (cache.slots == NULL || size > INLAY__KNOWN_WORD) {
            INLAY__TRY(encode_word(bpe, encoder, word, size, begin, whole));
            continue;
        }
        inlay__word_key key = inlay__word_key_of(word, size, words->size - begin);
        inlay__known_word *slot = inlay__word_cache_slot(&cache, &key);
        if (inlay__word_is_known(slot, &key)) {
            INLAY__TRY(inlay__word_put(encoder, slot));
            continue;
        }
        INLAY__TRY(encode_word(bpe, encoder, word, size, begin, whole));
        inlay__word_remember(slot, &key, encoder, first);
    }
    return words->status;
}

int32_t inlay__bpe_encode(const inlay__bpe *bpe, inlay__encoder *encoder, const uint8_t *text, size_t size) {
    inlay__words words;
    char *whole = NULL;
    if ((bpe->pretokenizer->flags & INLAY__PRE_IGNORE_MERGES) != 0) {
        whole = inlay__encoder_scratch(encoder, INLAY__SCRATCH_TEXT, bpe->vocab->max_token_size);
        if (whole == NULL) return INLAY_ERR_MEMORY;
    }
    inlay__words_init(&words, &bpe->cutter);
    int32_t status = inlay__words_begin(&words, text, size);
    if (status == INLAY_OK) status = encode_words(bpe, encoder, &words, whole);
    inlay__words_free(&words);
    return status;
}

/* ------------------------------------------------------------------- decode */

size_t inlay__bpe_read(const inlay__bpe *bpe, int32_t id, size_t *at, uint8_t *out, size_t capacity) {
    uint8_t flags = bpe->vocab->flags[id];
    if ((flags & (INLAY_TOKEN_CONTROL | INLAY_TOKEN_UNKNOWN | INLAY_TOKEN_UNUSED)) != 0) return 0;
    inlay__text text = inlay__vocab_text(bpe->vocab, id);
    if (*at >= text.size) return 0;
    if ((flags & INLAY_TOKEN_BYTE) != 0) {
        *at = text.size;
        return inlay__vocab_byte(text, out) ? 1 : 0;
    }
    size_t n = 0;
    if (token_is_raw(bpe, id)) {
        n = inlay__min_size(capacity, text.size - *at);
        memcpy(out, text.text + *at, n);
        *at += n;
        return n;
    }
    while (n < capacity && *at < text.size)
        *at += inlay__byte_read(text.text + *at, text.size - *at, &out[n++]);
    return n;
}
