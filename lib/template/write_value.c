/* Values as text: Python's str() and repr(), and JSON as json.dumps writes it. Lists and dictionaries are walked with a
 * stack of the machine's, not of C. */
#include "base/text.h"
#include "base/utf8.h"
#include "letters.h"
#include "machine.h"

typedef struct writer {
    inlay__machine *m;
    const inlay__json_style *json; /* NULL: repr */
    size_t depth;                  /* of m->walk */
} writer;

static int32_t put(writer *w, const char *text) { return inlay__out_text(w->m, text, strlen(text)); }

static int32_t write_int(inlay__machine *m, int64_t value) {
    char text[32];
    return inlay__out_text(m, text, inlay__format(text, sizeof text, "%lld", (long long)value));
}

static int32_t write_float(inlay__machine *m, double value, bool json) {
    char text[32];
    size_t n = inlay__format_shortest(text, value);
    if (json && (text[n - 1] == 'f' || text[n - 1] == 'n')) { /* inf, nan */
        const char *name = value > 0 ? "Infinity" : value < 0 ? "-Infinity" : "NaN";
        return inlay__out_text(m, name, strlen(name));
    }
    return inlay__out_text(m, text, n);
}

/* ----------------------------------------------------------------- strings */

static bool from_data(const inlay__string *s, size_t i) {
    return s->origin == INLAY__FROM_DATA || (s->origin == INLAY__FROM_BOTH && s->marks[i] != 0);
}

static int32_t write_hex(inlay__machine *m, const char *prefix, uint32_t code, int n) {
    char text[12];
    size_t size = strlen(prefix);
    memcpy(text, prefix, size);
    for (int i = n; i-- > 0;) text[size++] = "0123456789abcdef"[code >> (4 * i) & 15];
    return inlay__out_text(m, text, size);
}

static int32_t write_json_escape(inlay__machine *m, uint32_t code) {
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    const char *name = code != 0 && code < 0x80 ? strchr(from, (int)code) : NULL;
    char text[2] = {'\\', 0};
    if (name != NULL) {
        text[1] = to[name - from];
        return inlay__out_text(m, text, 2);
    }
    if (code < 0x10000) return write_hex(m, "\\u", code, 4);
    INLAY__TRY(write_hex(m, "\\u", 0xd800 + ((code - 0x10000) >> 10), 4));
    return write_hex(m, "\\u", 0xdc00 + (code & 0x3ff), 4);
}

static int32_t write_repr_escape(inlay__machine *m, uint32_t code) {
    char text[2] = {'\\', code == '\n' ? 'n' : code == '\r' ? 'r' : code == '\t' ? 't' : (char)code};
    if (code == '\n' || code == '\r' || code == '\t' || code == '\\' || code == '\'')
        return inlay__out_text(m, text, 2);
    if (code < 0x100) return write_hex(m, "\\x", code, 2);
    return code < 0x10000 ? write_hex(m, "\\u", code, 4) : write_hex(m, "\\U", code, 8);
}

static int32_t write_quoted(writer *w, const inlay__string *s) {
    inlay__machine *m = w->m;
    bool json = w->json != NULL, has_single = memchr(s->text, '\'', s->size) != NULL;
    char quote = json || (has_single && memchr(s->text, '"', s->size) == NULL) ? '"' : '\'';
    size_t done = 0;
    INLAY__TRY(inlay__charge(m, s->size / 16));
    if (s->safe && !json) INLAY__TRY(inlay__out_text(m, "Markup(", 7));
    INLAY__TRY(inlay__out_text(m, &quote, 1));
    for (size_t i = 0, n; i < s->size; i += n) {
        uint32_t code = (uint8_t)s->text[i];
        n = code < 0x80 ? 1 : inlay__utf8_decode((const uint8_t *)s->text + i, s->size - i, &code);
        bool plain = json ? code >= 0x20 && code != '"' && code != '\\' && (code < 0x7f || !w->json->ensure_ascii)
                          : code != '\\' && (code != (uint32_t)quote || quote == '"') &&
                                (code < 0x7f ? code >= 0x20 : inlay__letter_is_printable(code));
        if (json && code == 0x7f) plain = true;
        if (plain) continue;
        INLAY__TRY(inlay__out_part(m, s, done, i));
        size_t start = m->n_out;
        INLAY__TRY(json ? write_json_escape(m, code) : write_repr_escape(m, code));
        memset(m->marks + start, from_data(s, i), m->n_out - start);
        done = i + n;
    }
    INLAY__TRY(inlay__out_part(m, s, done, s->size));
    INLAY__TRY(inlay__out_text(m, &quote, 1));
    return s->safe && !json ? inlay__out_text(m, ")", 1) : INLAY_OK;
}

/* -------------------------------------------------------------------- walk */

static int32_t not_json(const inlay__value *v) {
    return inlay__fail(INLAY_ERR_TEMPLATE, "Object of type %s is not JSON serializable", inlay__value_type(v));
}

static int32_t open_value(writer *w, const inlay__value *v) {
    inlay__machine *m = w->m;
    if (m->walk == NULL) {
        m->walk = inlay__heap_take_array(&m->heap, INLAY__RENDER_MAX_NESTING, sizeof *m->walk);
        if (m->walk == NULL) return inlay__no_memory(m);
    }
    if (w->depth == INLAY__RENDER_MAX_NESTING)
        return inlay__fail(INLAY_ERR_TEMPLATE, "values nested deeper than %d", INLAY__RENDER_MAX_NESTING);
    inlay__walk *walk = &m->walk[w->depth++];
    *walk = (inlay__walk){.value = *v};
    if (w->json != NULL && w->json->sort_keys && v->kind == INLAY__V_DICT) {
        uint32_t *order = NULL;
        INLAY__TRY(inlay__dict_order(m, v->of.dict, &order));
        walk->order = order;
    }
    switch (v->kind) {
    case INLAY__V_TUPLE: return put(w, w->json != NULL ? "[" : "(");
    case INLAY__V_DICT: return put(w, "{");
    case INLAY__V_KEYS: return put(w, "dict_keys([");
    case INLAY__V_VALUES: return put(w, "dict_values([");
    case INLAY__V_ITEMS: return put(w, "dict_items([");
    case INLAY__V_NAMESPACE: return put(w, "<Namespace {");
    default: return put(w, "[");
    }
}

/* A value without what it contains. */
static int32_t write_one(writer *w, const inlay__value *v) {
    inlay__machine *m = w->m;
    bool json = w->json != NULL;
    INLAY__TRY(inlay__charge(m, 3));
    switch (v->kind) {
    case INLAY__V_NONE: return put(w, json ? "null" : "None");
    case INLAY__V_BOOL: return put(w, v->of.boolean ? (json ? "true" : "True") : (json ? "false" : "False"));
    case INLAY__V_INT: return write_int(m, v->of.integer);
    case INLAY__V_FLOAT: return write_float(m, v->of.number, json);
    case INLAY__V_DIGITS: return inlay__out_string(m, v->of.string);
    case INLAY__V_STRING: return write_quoted(w, v->of.string);
    case INLAY__V_LIST:
    case INLAY__V_TUPLE:
    case INLAY__V_DICT: return open_value(w, v);
    default: break;
    }
    if (json) return not_json(v);
    switch (v->kind) {
    case INLAY__V_KEYS:
    case INLAY__V_VALUES:
    case INLAY__V_ITEMS:
    case INLAY__V_NAMESPACE: return open_value(w, v);
    case INLAY__V_UNDEFINED: return put(w, "Undefined");
    case INLAY__V_RANGE:
        INLAY__TRY(put(w, "range("));
        INLAY__TRY(write_int(m, v->of.list->start));
        INLAY__TRY(put(w, ", "));
        INLAY__TRY(write_int(m, v->of.list->stop));
        if (v->of.list->step != 1) {
            INLAY__TRY(put(w, ", "));
            INLAY__TRY(write_int(m, v->of.list->step));
        }
        return put(w, ")");
    default:
        INLAY__TRY(put(w, "<"));
        INLAY__TRY(put(w, inlay__value_type(v)));
        return put(w, " object>");
    }
}

static size_t walk_size(const inlay__walk *walk) {
    if (walk->value.kind == INLAY__V_DICT) return walk->value.of.dict->n;
    return walk->value.kind == INLAY__V_NAMESPACE ? walk->value.of.space->n : walk->value.of.list->n;
}

static int32_t new_line(writer *w, size_t depth) {
    if (w->json == NULL || w->json->indent == NULL) return INLAY_OK;
    INLAY__TRY(put(w, "\n"));
    for (size_t i = 0; i < depth; i++) INLAY__TRY(inlay__out_string(w->m, w->json->indent));
    return INLAY_OK;
}

static int32_t close_value(writer *w, const inlay__walk *walk) {
    bool json = w->json != NULL;
    if (walk_size(walk) > 0) INLAY__TRY(new_line(w, w->depth));
    switch (walk->value.kind) {
    case INLAY__V_TUPLE: return put(w, json ? "]" : walk_size(walk) == 1 ? ",)" : ")");
    case INLAY__V_DICT: return put(w, "}");
    case INLAY__V_NAMESPACE: return put(w, "}>");
    case INLAY__V_LIST: return put(w, "]");
    default: return put(w, "])");
    }
}

static int32_t write_key(writer *w, const inlay__value *key) {
    if (w->json == NULL)
        return key->kind == INLAY__V_TUPLE
                   ? inlay__fail(INLAY_ERR_TEMPLATE, "a dictionary with a tuple as key cannot be printed")
                   : write_one(w, key);
    bool quote = key->kind != INLAY__V_STRING;
    if (quote && key->kind != INLAY__V_NONE && !inlay__value_is_number(key))
        return inlay__fail(INLAY_ERR_TEMPLATE, "keys must be str, int, float, bool or None, not %s",
                           inlay__value_type(key));
    if (quote) INLAY__TRY(put(w, "\""));
    INLAY__TRY(write_one(w, key));
    return quote ? put(w, "\"") : INLAY_OK;
}

/* The next item of the innermost value that is open, or its end. */
static int32_t write_next(writer *w) {
    const inlay__json_style *json = w->json;
    inlay__walk *walk = &w->m->walk[w->depth - 1];
    if (walk->next == walk_size(walk)) {
        w->depth--;
        return close_value(w, walk);
    }
    size_t i = walk->next++;
    if (i > 0) {
        if (json != NULL && json->item_separator != NULL)
            INLAY__TRY(inlay__out_string(w->m, json->item_separator));
        else
            INLAY__TRY(put(w, json != NULL && json->indent != NULL ? "," : ", "));
    }
    INLAY__TRY(new_line(w, w->depth));
    if (walk->order != NULL) i = walk->order[i];
    bool is_dict = walk->value.kind == INLAY__V_DICT;
    if (!is_dict && walk->value.kind != INLAY__V_NAMESPACE) return write_one(w, &walk->value.of.list->items[i]);
    const inlay__value *pair = is_dict ? &walk->value.of.dict->pairs[2 * i] : &walk->value.of.space->pairs[2 * i];
    INLAY__TRY(write_key(w, pair));
    if (json != NULL && json->key_separator != NULL)
        INLAY__TRY(inlay__out_string(w->m, json->key_separator));
    else
        INLAY__TRY(put(w, ": "));
    return write_one(w, pair + 1);
}

static int32_t write_all(writer *w, const inlay__value *v) {
    INLAY__TRY(write_one(w, v));
    while (w->depth > 0) INLAY__TRY(write_next(w));
    return INLAY_OK;
}

/* --------------------------------------------------------------------- API */

int32_t inlay__write_repr(inlay__machine *m, const inlay__value *v) {
    writer w = {.m = m};
    return write_all(&w, v);
}

int32_t inlay__write_str(inlay__machine *m, const inlay__value *v) {
    if (v->kind == INLAY__V_STRING) return inlay__out_string(m, v->of.string);
    if (v->kind == INLAY__V_UNDEFINED || v->kind == INLAY__V_ABSENT) return INLAY_OK;
    return inlay__write_repr(m, v);
}

int32_t inlay__write_json(inlay__machine *m, const inlay__value *v, const inlay__json_style *style) {
    writer w = {.m = m, .json = style};
    return write_all(&w, v);
}

int32_t inlay__to_string(inlay__machine *m, const inlay__value *v, const inlay__string **s) {
    inlay__value made;
    if (v->kind == INLAY__V_STRING) {
        *s = v->of.string;
        return INLAY_OK;
    }
    size_t start = m->n_out;
    INLAY__TRY(inlay__write_str(m, v));
    INLAY__TRY(inlay__out_take(m, start, &made));
    *s = made.of.string;
    return INLAY_OK;
}
