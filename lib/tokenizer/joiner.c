/* The steps of decoding. */
#include "tokenizer/joiner.h"

#include "tokenizer/byte_text.h"
#include "tokenizer/escaped_text.h"
#include "tokenizer/vocab.h"

static const inlay__span NOWHERE = {0, 0};

void inlay__joiner_free(inlay__joiner *step) { inlay__finder_free(&step->finder); }

void inlay__texts_free(inlay__texts *texts) {
    const inlay__sys *sys = texts->text.sys;
    inlay__passage_free(&texts->text);
    inlay__passage_free(&texts->next_text);
    inlay__spans_free(sys, &texts->spans);
    inlay__spans_free(sys, &texts->next_spans);
}

int32_t inlay__texts_add(inlay__texts *texts, inlay__text text) {
    size_t begin = texts->text.size;
    INLAY__TRY(inlay__passage_add(&texts->text, text.text, text.size, NOWHERE));
    return inlay__spans_add(texts->text.sys, &texts->spans, begin, texts->text.size);
}

/* Makes what was written the list. */
static void swap(inlay__texts *t) {
    inlay__passage text = t->text;
    inlay__spans spans = t->spans;
    t->text = t->next_text;
    t->spans = t->next_spans;
    t->next_text = text;
    t->next_spans = spans;
    inlay__passage_clear(&t->next_text);
    t->next_spans.n = 0;
}

static int32_t put(inlay__texts *t, const void *bytes, size_t n) {
    return inlay__passage_add(&t->next_text, bytes, n, NOWHERE);
}

/* The bytes of one text; where all texts are empty there is no memory to point at. */
static const uint8_t *bytes_of(const inlay__texts *t, inlay__span span) {
    return t->text.size > 0 ? t->text.text + span.begin : (const uint8_t *)"";
}

/* ----------------------------------------------------------- text by text */

/* The letters of a text to bytes; a text with others stays as it is. */
static int32_t put_byte_level(inlay__texts *t, inlay__span span) {
    const char *text = (const char *)t->text.text;
    size_t before = t->next_text.size;
    for (size_t pos = span.begin; pos < span.end;) {
        uint8_t byte;
        size_t n = inlay__byte_read(text + pos, span.end - pos, &byte);
        if (n == 0) {
            t->next_text.size = before;
            return put(t, text + span.begin, span.end - span.begin);
        }
        INLAY__TRY(put(t, &byte, 1));
        pos += n;
    }
    return INLAY_OK;
}

static int32_t put_metaspace(const inlay__joiner *step, inlay__texts *t, inlay__span span, bool first) {
    for (size_t pos = span.begin, n; pos < span.end; pos += n) {
        uint32_t code;
        n = inlay__min_size(inlay__passage_code(&t->text, pos, &code), span.end - pos);
        if (code != step->character)
            INLAY__TRY(put(t, t->text.text + pos, n));
        else if (!first || !step->drop_first)
            INLAY__TRY(put(t, " ", 1));
    }
    return INLAY_OK;
}

/* Takes the spaces away that stand before punctuation and shortened words, one rule after the other. */
static void clean_up(uint8_t *text, size_t begin, size_t *end) {
    static const struct {
        const char *from, *to;
    } rules[] = {{" .", "."},   {" ?", "?"},   {" !", "!"},     {" ,", ","},         {" ' ", "'"},  {" n't", "n't"},
                 {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t rule = 0; rule < INLAY__COUNT(rules); rule++) {
        size_t n_from = strlen(rules[rule].from), n_to = strlen(rules[rule].to), out = begin;
        for (size_t pos = begin; pos < *end;) {
            bool here = *end - pos >= n_from && memcmp(text + pos, rules[rule].from, n_from) == 0;
            if (here) {
                memcpy(text + out, rules[rule].to, n_to);
                out += n_to;
                pos += n_from;
            } else {
                text[out++] = text[pos++];
            }
        }
        *end = out;
    }
}

static int32_t put_wordpiece(const inlay__joiner *step, inlay__texts *t, inlay__span span, bool first) {
    size_t begin = t->next_text.size, n = step->content.size;
    bool inner = n == 0 || (span.end - span.begin >= n && memcmp(bytes_of(t, span), step->content.text, n) == 0);
    if (!first && inner)
        span.begin += (uint32_t)n;
    else if (!first)
        INLAY__TRY(put(t, " ", 1));
    INLAY__TRY(put(t, bytes_of(t, span), span.end - span.begin));
    if (step->cleanup && t->next_text.size > begin) clean_up(t->next_text.text, begin, &t->next_text.size);
    return INLAY_OK;
}

/* A word's mark becomes a space, or nothing where the text begins. */
static int32_t put_gguf_bert(const inlay__joiner *step, inlay__texts *t, inlay__span span, bool first) {
    size_t begin = t->next_text.size;
    const uint8_t *text = bytes_of(t, span);
    bool word = span.end - span.begin >= 3 && memcmp(text, "\xE2\x96\x81", 3) == 0;
    if (word) {
        span.begin += 3;
        if (!first) INLAY__TRY(put(t, " ", 1));
    }
    INLAY__TRY(put(t, bytes_of(t, span), span.end - span.begin));
    if (step->cleanup && t->next_text.size > begin) clean_up(t->next_text.text, begin, &t->next_text.size);
    return INLAY_OK;
}

static int32_t put_escaped(inlay__texts *t, inlay__span span) {
    for (size_t pos = span.begin; pos < span.end;) {
        uint8_t byte;
        pos += inlay__escaped_read((const char *)t->text.text + pos, span.end - pos, &byte);
        INLAY__TRY(put(t, &byte, 1));
    }
    return INLAY_OK;
}

static int32_t put_matches(inlay__search *search, inlay__texts *t, inlay__span span, inlay__text content) {
    const uint8_t *text = bytes_of(t, span);
    size_t size = span.end - span.begin, pos = 0, begin, end;
    INLAY__TRY(inlay__search_begin(search, text, size));
    while (inlay__search_next(search, &begin, &end)) {
        INLAY__TRY(put(t, text + pos, begin - pos));
        INLAY__TRY(put(t, content.text, content.size));
        pos = end;
    }
    return put(t, text + pos, size - pos);
}

static int32_t put_replaced(const inlay__joiner *step, inlay__texts *t, inlay__span span, inlay__text content) {
    inlay__search search;
    inlay__search_init(&search, &step->finder);
    int32_t status = put_matches(&search, t, span, content);
    inlay__search_free(&search);
    return status;
}

static int32_t put_bpe(const inlay__joiner *step, inlay__texts *t, inlay__span span, bool last) {
    inlay__text space = {last ? "" : " ", last ? 0 : 1};
    return put_replaced(step, t, span, space);
}

/* At most `most` of the characters that stand at the beginning, or the end, are the one to strip; their bytes. */
static size_t strip_size(const inlay__joiner *step, const uint8_t *text, size_t size, size_t most, bool at_end) {
    uint8_t bytes[4];
    size_t n = inlay__utf8_encode(step->character, bytes), stripped = 0;
    for (size_t i = 0; i < most && size - stripped >= n; i++) {
        const uint8_t *at = at_end ? text + size - stripped - n : text + stripped;
        if (memcmp(at, bytes, n) != 0) break;
        stripped += n;
    }
    return stripped;
}

static int32_t put_stripped(const inlay__joiner *step, inlay__texts *t, inlay__span span, bool start, bool stop) {
    const uint8_t *text = bytes_of(t, span);
    size_t size = span.end - span.begin;
    if (size == 0) return INLAY_OK;
    size_t from = start ? strip_size(step, text, size, step->start, false) : 0;
    size_t off = stop ? strip_size(step, text, size, step->stop, true) : 0;
    return from + off < size ? put(t, text + from, size - from - off) : INLAY_OK;
}

/* ----------------------------------------------------------------- all texts */

/* The byte of "<0x41>", as the package reads it. */
static bool is_byte(const inlay__texts *t, inlay__span span, uint8_t *byte) {
    return inlay__vocab_byte((inlay__text){(const char *)bytes_of(t, span), span.end - span.begin}, byte);
}

static int32_t run_byte_fallback(inlay__texts *t) {
    const inlay__sys *sys = t->text.sys;
    for (size_t i = 0; i < t->spans.n;) {
        size_t begin = t->next_text.size;
        uint8_t byte;
        if (is_byte(t, t->spans.items[i], &byte)) {
            for (; i < t->spans.n && is_byte(t, t->spans.items[i], &byte); i++) INLAY__TRY(put(t, &byte, 1));
        } else {
            inlay__span span = t->spans.items[i++];
            INLAY__TRY(put(t, bytes_of(t, span), span.end - span.begin));
        }
        INLAY__TRY(inlay__spans_add(sys, &t->next_spans, begin, t->next_text.size));
    }
    swap(t);
    return INLAY_OK;
}

/* All texts become one: they stand one behind the other already. */
static int32_t fuse(inlay__texts *t) {
    t->spans.n = 0;
    return inlay__spans_add(t->text.sys, &t->spans, 0, t->text.size);
}

static int32_t put_one(const inlay__joiner *step, inlay__texts *t, size_t i, inlay__stretch stretch, bool fused) {
    inlay__span span = t->spans.items[i];
    bool first = i == 0 && stretch.first, last = i + 1 == t->spans.n && stretch.last;
    switch (step->kind) {
    case INLAY__JOIN_BYTE_LEVEL: return put_byte_level(t, span);
    case INLAY__JOIN_METASPACE: return put_metaspace(step, t, span, first);
    case INLAY__JOIN_WORDPIECE: return put_wordpiece(step, t, span, first);
    case INLAY__JOIN_BPE: return put_bpe(step, t, span, last);
    case INLAY__JOIN_STRIP: return put_stripped(step, t, span, first || !fused, last || !fused);
    case INLAY__JOIN_REPLACE: return put_replaced(step, t, span, step->content);
    case INLAY__JOIN_GGUF_BERT: return put_gguf_bert(step, t, span, first);
    case INLAY__JOIN_ESCAPED: return put_escaped(t, span);
    case INLAY__JOIN_SPACED: INLAY__TRY(put(t, " ", first ? 0 : 1)); break;
    case INLAY__JOIN_BYTE_FALLBACK:
    case INLAY__JOIN_FUSE: break;
    }
    return put(t, bytes_of(t, span), span.end - span.begin);
}

int32_t inlay__joiner_run(const inlay__joiner *steps, size_t n_steps, inlay__stretch stretch, inlay__texts *t) {
    bool fused = false;
    for (size_t k = 0; k < n_steps; k++) {
        const inlay__joiner *step = &steps[k];
        if (step->kind == INLAY__JOIN_BYTE_FALLBACK) {
            INLAY__TRY(run_byte_fallback(t));
            continue;
        }
        if (step->kind != INLAY__JOIN_FUSE) {
            for (size_t i = 0; i < t->spans.n; i++) {
                size_t begin = t->next_text.size;
                INLAY__TRY(put_one(step, t, i, stretch, fused));
                INLAY__TRY(inlay__spans_add(t->text.sys, &t->next_spans, begin, t->next_text.size));
            }
            swap(t);
        }
        if (step->kind == INLAY__JOIN_FUSE || step->kind == INLAY__JOIN_BYTE_LEVEL) {
            INLAY__TRY(fuse(t));
            fused = true;
        }
    }
    return INLAY_OK;
}
