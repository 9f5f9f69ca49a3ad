/* Writing instructions, and what all of the parser uses. */
#include "parser.h"

#include "base/utf8.h"

/* ------------------------------------------------------------------ tokens */

bool inlay__token_is_name(const inlay__token *token, const char *name) {
    return token->kind == INLAY__T_NAME && strlen(name) == token->size && memcmp(token->text, name, token->size) == 0;
}

bool inlay__parser_skip(inlay__parser *p, inlay__token_kind kind) {
    bool is = p->at->kind == kind;
    p->at += is;
    return is;
}

bool inlay__parser_skip_name(inlay__parser *p, const char *name) {
    bool is = inlay__token_is_name(p->at, name);
    p->at += is;
    return is;
}

int32_t inlay__parser_expect(inlay__parser *p, inlay__token_kind kind, const char *expected) {
    return inlay__parser_skip(p, kind) ? INLAY_OK : inlay__parser_unexpected(p, expected);
}

int32_t inlay__parser_unexpected(const inlay__parser *p, const char *expected) {
    const inlay__token *token = p->at;
    const char *source = p->program->source + token->pos;
    size_t left = p->program->size - token->pos, size = token->size;
    switch (token->kind) {
    case INLAY__T_END: return inlay__fail(INLAY_ERR_TEMPLATE, "expected %s, found the end of the template", expected);
    case INLAY__T_DATA: return inlay__fail(INLAY_ERR_TEMPLATE, "expected %s, found text", expected);
    case INLAY__T_NAME: break;
    case INLAY__T_STRING: return inlay__fail(INLAY_ERR_TEMPLATE, "expected %s, found a string", expected);
    case INLAY__T_INT:
    case INLAY__T_FLOAT: return inlay__fail(INLAY_ERR_TEMPLATE, "expected %s, found a number", expected);
    case INLAY__T_PRINT_END: return inlay__fail(INLAY_ERR_TEMPLATE, "expected %s, found '}}'", expected);
    case INLAY__T_BLOCK_END: return inlay__fail(INLAY_ERR_TEMPLATE, "expected %s, found '%%}'", expected);
    case INLAY__T_POW:
    case INLAY__T_FLOORDIV:
    case INLAY__T_EQ:
    case INLAY__T_NE:
    case INLAY__T_LE:
    case INLAY__T_GE: size = 2; break;
    default: size = 1; break;
    }
    return inlay__fail(INLAY_ERR_TEMPLATE, "expected %s, found '%.*s'", expected,
                       (int)inlay__min_size(inlay__min_size(size, left), 64), source);
}

int32_t inlay__parser_enter(inlay__parser *p) {
    if (p->depth == INLAY__TEMPLATE_MAX_DEPTH)
        return inlay__fail(INLAY_ERR_TEMPLATE, "blocks and brackets nested deeper than %d", INLAY__TEMPLATE_MAX_DEPTH);
    p->depth++;
    return INLAY_OK;
}

/* ------------------------------------------------------------- instructions */

int32_t inlay__emit(inlay__parser *p, inlay__op op, uint8_t n, uint16_t m, int64_t a, const inlay__token *token) {
    INLAY__TRY(INLAY__PROGRAM_GROW(p->program, code, n_code, code_capacity));
    p->program->code[p->program->n_code++] =
        (inlay__instruction){.op = (uint8_t)op, .n = n, .m = m, .a = (int32_t)a, .pos = token->pos};
    return INLAY_OK;
}

int32_t inlay__emit_constant(inlay__parser *p, inlay__op op, inlay__value value, const inlay__token *token) {
    INLAY__TRY(INLAY__PROGRAM_GROW(p->program, constants, n_constants, constant_capacity));
    p->program->constants[p->program->n_constants++] = value;
    return inlay__emit(p, op, 0, 0, (int64_t)p->program->n_constants - 1, token);
}

int32_t inlay__emit_string(inlay__parser *p, inlay__op op, const inlay__token *token) {
    const inlay__string *s = inlay__string_new(&p->program->heap, token->text, token->size);
    if (s == NULL) return inlay__heap_status(&p->program->heap);
    return inlay__emit_constant(p, op, inlay__string_value(s), token);
}

static int32_t add_name(inlay__parser *p, const char *text, size_t size) {
    INLAY__TRY(INLAY__PROGRAM_GROW(p->program, names, n_names, name_capacity));
    const inlay__string *s = inlay__string_new(&p->program->heap, text, size);
    if (s == NULL) return inlay__heap_status(&p->program->heap);
    p->program->names[p->program->n_names] = s;
    inlay__hash_map_put(&p->name_ids, text, size, (uint32_t)p->program->n_names++);
    return INLAY_OK;
}

int32_t inlay__parser_name_id(inlay__parser *p, const inlay__token *token, uint32_t *id) {
    if (inlay__hash_map_get(&p->name_ids, token->text, token->size, id)) return INLAY_OK;
    *id = (uint32_t)p->program->n_names;
    return add_name(p, token->text, token->size);
}

int32_t inlay__emit_name(inlay__parser *p, inlay__op op, const inlay__token *token) {
    uint32_t id = 0;
    INLAY__TRY(inlay__parser_name_id(p, token, &id));
    return inlay__emit(p, op, 0, 0, id, token);
}

int32_t inlay__emit_jump_to(inlay__parser *p, inlay__op op, size_t target, const inlay__token *token) {
    return inlay__emit(p, op, 0, 0, (int64_t)target - (int64_t)p->program->n_code, token);
}

void inlay__patch_jump(inlay__parser *p, size_t index) {
    p->program->code[index].a = (int32_t)(p->program->n_code - index);
}

static void reverse_code(inlay__instruction *code, size_t begin, size_t end) {
    while (begin + 1 < end) {
        inlay__instruction first = code[begin];
        code[begin++] = code[--end];
        code[end] = first;
    }
}

void inlay__swap_code(inlay__parser *p, size_t begin, size_t middle) {
    inlay__instruction *code = p->program->code;
    size_t end = p->program->n_code;
    reverse_code(code, begin, middle);
    reverse_code(code, middle, end);
    reverse_code(code, begin, end);
}

/* --------------------------------------------------------------------- API */

/* The source with lines ending in \n, and without the last of these, as Jinja reads it. */
static int32_t copy_source(inlay__jinja *program, const char *source, size_t size) {
    char *copy = inlay__heap_take(&program->heap, size + 1);
    size_t n = 0;
    if (copy == NULL) return inlay__heap_status(&program->heap);
    for (size_t i = 0; i < size; i++) {
        if (source[i] == '\r' && i + 1 < size && source[i + 1] == '\n') continue;
        copy[n++] = source[i] == '\r' ? '\n' : source[i];
    }
    if (n > 0 && copy[n - 1] == '\n') n--;
    copy[n] = '\0';
    program->source = copy;
    program->size = n;
    return INLAY_OK;
}

static int32_t check_utf8(const char *source, size_t size, size_t *pos) {
    uint32_t code;
    for (size_t n; *pos < size; *pos += n) {
        n = inlay__utf8_decode((const uint8_t *)source + *pos, size - *pos, &code);
        if (n == 0) return inlay__fail(INLAY_ERR_TEMPLATE, "the text is not UTF-8");
    }
    return INLAY_OK;
}

static int32_t parse(inlay__parser *p, size_t n_tokens, size_t *pos) {
    static const char *const fixed[INLAY__N_FIXED_NAMES] = {"loop", "caller", "varargs", "kwargs"};
    int32_t status = inlay__hash_map_init(p->program->sys, &p->name_ids, n_tokens + INLAY__N_FIXED_NAMES);
    for (size_t i = 0; i < INLAY__N_FIXED_NAMES && status == INLAY_OK; i++)
        status = add_name(p, fixed[i], strlen(fixed[i]));
    if (status == INLAY_OK) status = inlay__parse_template(p);
    inlay__hash_map_free(p->program->sys, &p->name_ids);
    *pos = p->at->pos;
    return status;
}

static int32_t compile(inlay__jinja *program, const char *source, size_t size) {
    inlay__tokens tokens;
    size_t pos = 0;
    if (size > INLAY__TEMPLATE_MAX_SIZE)
        return inlay__fail(INLAY_ERR_TEMPLATE, "%s: has %zu bytes, expected at most %d", program->name, size,
                           INLAY__TEMPLATE_MAX_SIZE);
    INLAY__TRY(copy_source(program, source, size));
    int32_t status = check_utf8(program->source, program->size, &pos);
    if (status == INLAY_OK) {
        status = inlay__lex(&program->heap, program->source, program->size, &tokens, &pos);
        if (status == INLAY_OK) {
            inlay__parser p = {.program = program, .at = tokens.items};
            status = parse(&p, tokens.n, &pos);
        }
        inlay__tokens_free(program->sys, &tokens);
    }
    return status == INLAY_ERR_TEMPLATE
               ? inlay__jinja_fail_at(program->name, program->source, program->size, pos, status)
               : status;
}

int32_t inlay__jinja_compile(const inlay__sys *sys, const char *name, const char *source, size_t size,
                               inlay__jinja *program) {
    *program = (inlay__jinja){.sys = sys, .name = name};
    inlay__heap_init(&program->heap, sys, INLAY__TEMPLATE_MEMORY);
    int32_t status = compile(program, source, size);
    if (status != INLAY_OK) inlay__jinja_free(program);
    return status;
}

void inlay__jinja_free(inlay__jinja *program) {
    const inlay__sys *sys = program->sys;
    inlay__free(sys, program->code, program->code_capacity * sizeof *program->code);
    inlay__free(sys, program->constants, program->constant_capacity * sizeof *program->constants);
    inlay__free(sys, (void *)program->names, program->name_capacity * sizeof *program->names);
    inlay__free(sys, program->macros, program->macro_capacity * sizeof *program->macros);
    inlay__free(sys, program->params, program->param_capacity * sizeof *program->params);
    inlay__heap_free(&program->heap);
    *program = (inlay__jinja){.sys = sys};
}

int32_t inlay__jinja_fail_at(const char *name, const char *source, size_t size, size_t pos, int32_t status) {
    size_t line, column;
    inlay__source_place(source, size, pos, &line, &column);
    return inlay__fail(status, "%s: line %zu, column %zu: %s", name, line, column, inlay__error_text());
}
