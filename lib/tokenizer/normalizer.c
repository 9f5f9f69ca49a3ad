/* The steps of normalising. */
#include "tokenizer/normalizer.h"

#include "base/unicode.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/characters.h"
#include "tokenizer/normal_form.h"

/* Steps that look at one character at a time: returns how many characters it becomes, at most 3. */
typedef size_t (*character_step)(const inlay__normalizer *step, uint32_t code, uint32_t out[3]);

static int32_t put_each(const inlay__normalizer *step, character_step change, const inlay__passage *in,
                        inlay__passage *out) {
    for (size_t pos = 0, size; pos < in->size; pos += size) {
        uint32_t code, codes[3];
        size = inlay__passage_code(in, pos, &code);
        size_t n = change(step, code, codes);
        if (n == 1 && codes[0] == code) {
            INLAY__TRY(inlay__passage_copy(out, in, pos, pos + size));
            continue;
        }
        inlay__span origin = inlay__passage_origin(in, pos, pos + size);
        for (size_t i = 0; i < n; i++) INLAY__TRY(inlay__passage_add_code(out, codes[i], origin));
    }
    return INLAY_OK;
}

static size_t lowercase(const inlay__normalizer *step, uint32_t code, uint32_t out[3]) {
    (void)step;
    return inlay__lower_of(code, out);
}

static size_t strip_marks(const inlay__normalizer *step, uint32_t code, uint32_t out[3]) {
    (void)step;
    out[0] = code;
    return (inlay__class_of(code) & INLAY__CLASS_MARK) != 0 ? 0 : 1;
}

/* As the rules "nmt" of SentencePiece clean text. */
static size_t clean_nmt(const inlay__normalizer *step, uint32_t code, uint32_t out[3]) {
    (void)step;
    out[0] = code;
    if ((code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F || code == 0x8F ||
        code == 0x9F)
        return 0;
    if (code == '\t' || code == '\n' || code == '\f' || code == '\r' || code == 0x1680 ||
        (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 || code == 0x2581 || code == 0xFEFF ||
        code == 0xFFFD)
        out[0] = ' ';
    return 1;
}

/* Cleaning and setting ideographs apart. */
static size_t clean_bert(const inlay__normalizer *step, uint32_t code, uint32_t out[3]) {
    out[0] = code;
    if (step->clean_text) {
        if ((inlay__class_of(code) & INLAY__CLASS_CONTROL) != 0) return 0;
        if (inlay__is_space(code)) out[0] = ' ';
    }
    if (!step->handle_chinese_chars || !inlay__is_ideograph(code)) return 1;
    out[0] = ' ';
    out[1] = code;
    out[2] = ' ';
    return 3;
}

static size_t strip_bert(const inlay__normalizer *step, uint32_t code, uint32_t out[3]) {
    if (step->strip_accents && (inlay__class_of(code) & INLAY__CLASS_ACCENT) != 0) return 0;
    out[0] = code;
    return step->lowercase ? inlay__lower_of(code, out) : 1;
}

/* Accents are taken off after decomposing. */
static int32_t put_bert(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    if (!step->strip_accents && !step->lowercase) return put_each(step, clean_bert, in, out);
    inlay__passage cleaned = {.sys = in->sys, .limit = out->limit, .tracked = in->tracked};
    inlay__passage decomposed = cleaned;
    int32_t status = put_each(step, clean_bert, in, &cleaned);
    if (status == INLAY_OK && step->strip_accents) status = inlay__normal_form_put(INLAY__NFD, &cleaned, &decomposed);
    if (status == INLAY_OK) status = put_each(step, strip_bert, step->strip_accents ? &decomposed : &cleaned, out);
    inlay__passage_free(&cleaned);
    inlay__passage_free(&decomposed);
    return status;
}

static int32_t put_stripped(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    size_t begin = in->size, end = 0, size;
    for (size_t pos = 0; pos < in->size; pos += size) {
        uint32_t code;
        size = inlay__passage_code(in, pos, &code);
        if (inlay__is_space(code)) continue;
        begin = inlay__min_size(begin, pos);
        end = pos + size;
    }
    if (end == 0) return step->left || step->right ? INLAY_OK : inlay__passage_copy(out, in, 0, in->size);
    return inlay__passage_copy(out, in, step->left ? begin : 0, step->right ? end : in->size);
}

static int32_t put_matches(const inlay__normalizer *step, inlay__search *search, const inlay__passage *in,
                           inlay__passage *out) {
    size_t pos = 0, begin, end;
    INLAY__TRY(inlay__search_begin(search, in->text, in->size));
    while (inlay__search_next(search, &begin, &end)) {
        inlay__span origin = {0, 0};
        if (in->size > 0)
            origin = inlay__passage_origin(in, end > begin || end == 0 ? begin : end - 1, inlay__max_size(end, 1));
        INLAY__TRY(inlay__passage_copy(out, in, pos, begin));
        /* What is put in is where the text begins if the byte before its end is: so the package has it. */
        size_t n_first = out->n_first;
        INLAY__TRY(inlay__passage_add(out, step->content.text, step->content.size, origin));
        if (inlay__max_size(end, 1) > in->n_first) out->n_first = n_first;
        pos = end;
    }
    return inlay__passage_copy(out, in, pos, in->size);
}

static int32_t put_replaced(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    inlay__search search;
    inlay__search_init(&search, &step->finder);
    int32_t status = put_matches(step, &search, in, out);
    inlay__search_free(&search);
    return status;
}

static int32_t put_prepended(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    if (in->size == 0) return INLAY_OK;
    uint32_t first = inlay__passage_origin(in, 0, 1).begin;
    INLAY__TRY(inlay__passage_add(out, step->content.text, step->content.size, (inlay__span){first, first}));
    return inlay__passage_copy(out, in, 0, in->size);
}

static int32_t put_byte_letters(const inlay__passage *in, inlay__passage *out) {
    for (size_t pos = 0; pos < in->size; pos++) {
        char letter[INLAY__BYTE_TEXT_MAX];
        size_t n = inlay__byte_write(in->text[pos], letter);
        INLAY__TRY(inlay__passage_add(out, letter, n, inlay__passage_origin(in, pos, pos + 1)));
    }
    return INLAY_OK;
}

/* The words of a text that is decomposed already, for WordPiece vocabularies in GGUF files: punctuation, ASCII symbols
 * and ideographs are words of their own. */
static int32_t put_words(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    bool in_word = false;
    for (size_t pos = 0, size; pos < in->size; pos += size) {
        uint32_t code, lower[2];
        size = inlay__passage_code(in, pos, &code);
        uint8_t flags = inlay__unicode_flags(code), category = inlay__unicode_category(code);
        if ((flags & INLAY__CHAR_SPACE) != 0) {
            in_word = false;
            continue;
        }
        bool control = category == INLAY__UNICODE_CC || category == INLAY__UNICODE_CF || category == INLAY__UNICODE_CO;
        if (code == 0 || code == 0xFFFD || control) continue;
        if (step->strip_accents && (inlay__class_of(code) & INLAY__CLASS_ACCENT) != 0) continue;
        bool alone = (flags & INLAY__CHAR_PUNCTUATION) != 0 || (code < 0x7F && (flags & INLAY__CHAR_SYMBOL) != 0) ||
                     inlay__is_ideograph(code);
        inlay__span origin = inlay__passage_origin(in, pos, pos + size);
        if (!in_word || alone) {
            if (out->size > 0) INLAY__TRY(inlay__passage_add(out, " ", 1, origin));
            INLAY__TRY(inlay__passage_add_code(out, 0x2581, (inlay__span){origin.begin, origin.begin}));
        }
        size_t n = step->lowercase ? inlay__lower_of(code, lower) : 1;
        INLAY__TRY(inlay__passage_add_code(out, step->lowercase ? lower[0] : code, origin));
        if (n > 1 && !step->strip_accents) INLAY__TRY(inlay__passage_add_code(out, lower[1], origin));
        in_word = !alone;
    }
    return INLAY_OK;
}

static int32_t put_gguf_bert(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    inlay__passage decomposed = {.sys = in->sys, .limit = out->limit, .tracked = in->tracked};
    if (!step->strip_accents) return put_words(step, in, out);
    int32_t status = inlay__normal_form_put(INLAY__NFD, in, &decomposed);
    if (status == INLAY_OK) status = put_words(step, &decomposed, out);
    inlay__passage_free(&decomposed);
    return status;
}

/* Spaces between words, as SentencePiece writes them. */
typedef struct spacing {
    const inlay__normalizer *step;
    inlay__passage *out;
    bool in_word, prepended;
} spacing;

static int32_t put_space(spacing *s, inlay__span origin) {
    return s->step->mark_spaces ? inlay__passage_add_code(s->out, 0x2581, origin)
                                : inlay__passage_add(s->out, " ", 1, origin);
}

static int32_t put_spaced(spacing *s, const char *text, size_t size, inlay__span origin) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] == ' ') {
            s->in_word = false;
            if (!s->step->merge_spaces) INLAY__TRY(put_space(s, origin));
            continue;
        }
        if (!s->in_word && ((s->step->left && !s->prepended) || s->step->merge_spaces)) {
            INLAY__TRY(put_space(s, (inlay__span){origin.begin, origin.begin}));
            s->prepended = true;
        }
        s->in_word = true;
        INLAY__TRY(inlay__passage_add(s->out, text + i, 1, origin));
    }
    return INLAY_OK;
}

static int32_t put_sentencepiece(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    spacing s = {.step = step, .out = out};
    for (size_t pos = 0, size; pos < in->size; pos += size) {
        inlay__text text;
        uint32_t code;
        size = inlay__charsmap_find(&step->charsmap, in->text + pos, in->size - pos, true, &text);
        if (size == 0) {
            size = inlay__passage_code(in, pos, &code);
            text = (inlay__text){(const char *)in->text + pos, size};
        }
        INLAY__TRY(put_spaced(&s, text.text, text.size, inlay__passage_origin(in, pos, pos + size)));
    }
    return INLAY_OK;
}

int32_t inlay__normalizer_apply(const inlay__normalizer *step, const inlay__passage *in, inlay__passage *out) {
    switch (step->kind) {
    case INLAY__NORMALIZE_FORM: return inlay__normal_form_put((inlay__normal_form)step->form, in, out);
    case INLAY__NORMALIZE_LOWERCASE: return put_each(step, lowercase, in, out);
    case INLAY__NORMALIZE_STRIP: return put_stripped(step, in, out);
    case INLAY__NORMALIZE_STRIP_ACCENTS: return put_each(step, strip_marks, in, out);
    case INLAY__NORMALIZE_REPLACE: return put_replaced(step, in, out);
    case INLAY__NORMALIZE_PREPEND: return put_prepended(step, in, out);
    case INLAY__NORMALIZE_BERT: return put_bert(step, in, out);
    case INLAY__NORMALIZE_CHARSMAP: return inlay__charsmap_put(&step->charsmap, in, out);
    case INLAY__NORMALIZE_NMT: return put_each(step, clean_nmt, in, out);
    case INLAY__NORMALIZE_BYTE_LEVEL: return put_byte_letters(in, out);
    case INLAY__NORMALIZE_GGUF_BERT: return put_gguf_bert(step, in, out);
    case INLAY__NORMALIZE_SENTENCEPIECE: return put_sentencepiece(step, in, out);
    }
    return INLAY_OK;
}

void inlay__normalizer_free(inlay__normalizer *step) {
    inlay__finder_free(&step->finder);
    inlay__charsmap_free(&step->charsmap);
}
