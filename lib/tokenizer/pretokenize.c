/* The scanners of pre-tokenization and the table of names.
 *
 * In the regular expressions below \p{L} are letters, \p{N} numbers, \s white space, and "other" is said for
 * [^\s\p{L}\p{N}]: punctuation, symbols, marks, controls, and bytes that are not UTF-8. */
#include "tokenizer/pretokenize.h"
#include "base/unicode.h"

enum {
    LETTER = INLAY__CHAR_LETTER,
    NUMBER = INLAY__CHAR_NUMBER,
    SPACE = INLAY__CHAR_SPACE,
    NEWLINE = INLAY__CHAR_NEWLINE
};
enum { NOT_OTHER = LETTER | NUMBER | SPACE };

/* The end of the run of characters with a bit of `wanted`. */
static size_t run_of(const uint8_t *text, size_t pos, size_t end, uint8_t wanted) {
    uint8_t flags;
    while (pos < end) {
        size_t size = inlay__char_at(text + pos, end - pos, &flags);
        if ((flags & wanted) == 0) break;
        pos += size;
    }
    return pos;
}

/* The end of the run of characters with no bit of `unwanted`. */
static size_t run_without(const uint8_t *text, size_t pos, size_t end, uint8_t unwanted) {
    uint8_t flags;
    while (pos < end) {
        size_t size = inlay__char_at(text + pos, end - pos, &flags);
        if ((flags & unwanted) != 0) break;
        pos += size;
    }
    return pos;
}

/* \s+(?!\S)|\s+  at white space: a run, but its last character goes with what follows. With `newlines`,
 * \s*[\r\n]+ comes before: up to and with the last line break of the run. */
static size_t scan_space(const uint8_t *text, size_t pos, size_t end, bool newlines) {
    size_t run_end = pos, last = pos, after_newline = pos;
    uint8_t flags;
    while (run_end < end) {
        size_t size = inlay__char_at(text + run_end, end - run_end, &flags);
        if ((flags & SPACE) == 0) break;
        last = run_end;
        run_end += size;
        if ((flags & NEWLINE) != 0) after_newline = run_end;
    }
    if (newlines && after_newline > pos) return after_newline;
    return run_end < end && last > pos ? last : run_end;
}

/* 's|'t|'re|'ve|'m|'ll|'d  at an apostrophe; pos when there is none. With `any_case` also capitals, and U+017F,
 * the long s, whose capital is S. */
static size_t scan_contraction(const uint8_t *text, size_t pos, size_t end, bool any_case) {
    size_t left = end - pos;
    if (left < 2 || text[pos] != '\'') return pos;
    uint8_t a = text[pos + 1], b = left > 2 ? text[pos + 2] : 0;
    if (any_case) {
        if (a == 0xC5 && b == 0xBF) return pos + 3;
        if (a >= 'A' && a <= 'Z') a |= 0x20;
        if (b >= 'A' && b <= 'Z') b |= 0x20;
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return pos + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return pos + 3;
    return pos;
}

/* GPT-2:  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t scan_gpt2(const inlay__pass *pass, const uint8_t *text, size_t pos, size_t end) {
    (void)pass;
    uint8_t flags;
    size_t word = scan_contraction(text, pos, end, false);
    if (word > pos) return word;

    if (text[pos] == ' ' && pos + 1 < end) word = pos + 1;
    word += inlay__char_at(text + word, end - word, &flags);
    if ((flags & LETTER) != 0) return run_of(text, word, end, LETTER);
    if ((flags & NUMBER) != 0) return run_of(text, word, end, NUMBER);
    if ((flags & SPACE) == 0) return run_without(text, word, end, NOT_OTHER);
    return scan_space(text, pos, end, false);
}

/* Llama 3 with max_digits = 3, Qwen 2 with 1:
 * (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 */
static size_t scan_llama3(const inlay__pass *pass, const uint8_t *text, size_t pos, size_t end) {
    uint8_t flags, next_flags = 0;
    size_t word = scan_contraction(text, pos, end, true);
    if (word > pos) return word;

    word += inlay__char_at(text + pos, end - pos, &flags);
    if ((flags & LETTER) != 0) return run_of(text, word, end, LETTER);
    if ((flags & NUMBER) != 0) {
        for (uint32_t n = 1; n < pass->max_digits && word < end; n++) {
            size_t size = inlay__char_at(text + word, end - word, &next_flags);
            if ((next_flags & NUMBER) == 0) break;
            word += size;
        }
        return word;
    }
    if ((flags & NEWLINE) == 0 && word < end) {
        size_t next = word + inlay__char_at(text + word, end - word, &next_flags);
        if ((next_flags & LETTER) != 0) return run_of(text, next, end, LETTER);
    }
    bool other_after_blank = text[pos] == ' ' && word < end && (next_flags & NOT_OTHER) == 0;
    if ((flags & SPACE) != 0 && !other_after_blank) return scan_space(text, pos, end, true);
    return run_of(text, run_without(text, word, end, NOT_OTHER), end, NEWLINE);
}

/* \p{N}  cut out one by one, and what is between them. */
static size_t scan_digits(const inlay__pass *pass, const uint8_t *text, size_t pos, size_t end) {
    (void)pass;
    uint8_t flags;
    size_t size = inlay__char_at(text + pos, end - pos, &flags);
    return (flags & NUMBER) != 0 ? pos + size : run_without(text, pos, end, NUMBER);
}

#define PASSES_GPT2      \
    {                    \
        { scan_gpt2, 0 } \
    }
#define PASSES_SMOLLM                      \
    {                                      \
        {scan_digits, 0}, { scan_gpt2, 0 } \
    }
#define PASSES_LLAMA3      \
    {                      \
        { scan_llama3, 3 } \
    }
#define PASSES_QWEN2       \
    {                      \
        { scan_llama3, 1 } \
    }

static const inlay__pretokenizer pretokenizers[] = {
    {.name = "gpt-2", .passes = PASSES_GPT2},
    {.name = "gpt2", .passes = PASSES_GPT2},
    {.name = "llama-bpe", .passes = PASSES_LLAMA3, .ignore_merges = true, .add_bos = true},
    {.name = "llama-v3", .passes = PASSES_LLAMA3, .ignore_merges = true, .add_bos = true},
    {.name = "llama3", .passes = PASSES_LLAMA3, .ignore_merges = true, .add_bos = true},
    {.name = "qwen2", .passes = PASSES_QWEN2},
    {.name = "smollm", .passes = PASSES_SMOLLM},
};

const inlay__pretokenizer *inlay__pretokenizer_find(const char *name, size_t size) {
    for (size_t i = 0; i < INLAY__COUNT(pretokenizers); i++) {
        const char *known = pretokenizers[i].name;
        if (strlen(known) == size && memcmp(known, name, size) == 0) return &pretokenizers[i];
    }
    return NULL;
}

void inlay__words_begin(inlay__words *words, const inlay__pretokenizer *pretokenizer, const uint8_t *text,
                        size_t size) {
    *words = (inlay__words){.pretokenizer = pretokenizer, .text = text, .size = size};
}

bool inlay__words_next(inlay__words *words, const uint8_t **word, size_t *size) {
    size_t pos = words->pos, end = words->size;
    if (pos >= end) return false;
    for (size_t i = 0; i < INLAY__MAX_PASSES && words->pretokenizer->passes[i].scan != NULL; i++) {
        const inlay__pass *pass = &words->pretokenizer->passes[i];
        if (words->ends[i] <= pos) words->ends[i] = pass->scan(pass, words->text, pos, end);
        end = words->ends[i];
    }
    *word = words->text + pos;
    *size = end - pos;
    words->pos = end;
    return true;
}
