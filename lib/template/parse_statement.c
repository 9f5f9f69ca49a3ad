/* Text, {{ }} and {% %}. */
#include "parser.h"

enum { MAX_WITH = 32 };

static int32_t parse_body(inlay__parser *p, const char *const *ends);

static size_t code_size(const inlay__parser *p) { return p->program->n_code; }

/* The body of a block, from its tag's end to the first of the tags that may end it, whose name is passed over. */
static int32_t parse_block(inlay__parser *p, const char *const *ends) {
    inlay__parser_skip(p, INLAY__T_COLON);
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_BLOCK_END, "'%}'"));
    return parse_body(p, ends);
}

static int32_t parse_block_to(inlay__parser *p, const char *end) {
    const char *const ends[] = {end, NULL};
    INLAY__TRY(parse_block(p, ends));
    p->at++;
    return INLAY_OK;
}

/* The same within a scope of its own. */
static int32_t parse_scope(inlay__parser *p, const char *end, const inlay__token *token) {
    INLAY__TRY(inlay__emit(p, INLAY__OP_SCOPE, 0, 0, 0, token));
    p->n_scopes++;
    INLAY__TRY(parse_block_to(p, end));
    p->n_scopes--;
    return inlay__emit(p, INLAY__OP_SCOPE_END, 0, 0, 0, token);
}

/* A body whose text is left on the stack as a string. */
static int32_t parse_captured(inlay__parser *p, const char *end, const inlay__token *token) {
    INLAY__TRY(inlay__emit(p, INLAY__OP_CAPTURE, 0, 0, 0, token));
    p->n_captures++;
    INLAY__TRY(parse_scope(p, end, token));
    p->n_captures--;
    return inlay__emit(p, INLAY__OP_CAPTURE_END, 0, 0, 0, token);
}

/* ----------------------------------------------------------------- targets */

static int32_t parse_target(inlay__parser *p, bool attributes, const char *end);

static int32_t parse_one_target(inlay__parser *p, bool attributes) {
    const inlay__token *token = p->at;
    if (inlay__parser_skip(p, INLAY__T_LPAREN)) {
        INLAY__TRY(parse_target(p, attributes, NULL));
        return inlay__parser_expect(p, INLAY__T_RPAREN, "',' or ')'");
    }
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, "the name of a variable"));
    static const char *const constants[] = {"true", "false", "none", "True", "False", "None"};
    for (size_t i = 0; i < INLAY__COUNT(constants); i++)
        if (inlay__token_is_name(token, constants[i]))
            return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' cannot be assigned to", constants[i]);
    if (!attributes || !inlay__parser_skip(p, INLAY__T_DOT)) return inlay__emit_name(p, INLAY__OP_STORE, token);
    const inlay__token *attribute = p->at;
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, "the name of an attribute"));
    INLAY__TRY(inlay__emit_name(p, INLAY__OP_LOAD, token));
    return inlay__emit_string(p, INLAY__OP_STORE_ATTR, attribute);
}

/* What a value on the stack is assigned to: one target, or several with commas between them. */
static int32_t parse_target(inlay__parser *p, bool attributes, const char *end) {
    const inlay__token *token = p->at;
    size_t unpack = code_size(p);
    int32_t n = 0;
    bool is_tuple = false;
    INLAY__TRY(inlay__parser_enter(p));
    INLAY__TRY(inlay__emit(p, INLAY__OP_UNPACK, 0, 0, 0, token));
    do {
        if (n > 0 && (inlay__parser_is(p, INLAY__T_ASSIGN) || inlay__parser_is(p, INLAY__T_RPAREN) ||
                      (end != NULL && inlay__parser_is_name(p, end))))
            break;
        INLAY__TRY(parse_one_target(p, attributes));
        n++;
        is_tuple = is_tuple || inlay__parser_is(p, INLAY__T_COMMA);
    } while (inlay__parser_skip(p, INLAY__T_COMMA));
    p->program->code[unpack].a = n;
    if (!is_tuple) {
        inlay__swap_code(p, unpack, unpack + 1);
        p->program->n_code--;
    }
    inlay__parser_leave(p);
    return INLAY_OK;
}

/* ------------------------------------------------------------------ blocks */

static int32_t parse_print(inlay__parser *p) {
    const inlay__token *token = p->at++;
    INLAY__TRY(inlay__parse_tuple(p, true, false, NULL));
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_PRINT_END, "'}}'"));
    return inlay__emit(p, INLAY__OP_PRINT, 0, 0, 0, token);
}

/* {% print a, b %}: one after the other. */
static int32_t parse_print_tag(inlay__parser *p, const inlay__token *token) {
    for (bool first = true; !inlay__parser_is(p, INLAY__T_BLOCK_END); first = false) {
        if (!first) INLAY__TRY(inlay__parser_expect(p, INLAY__T_COMMA, "',' or '%}'"));
        INLAY__TRY(inlay__parse_expression(p, true));
        INLAY__TRY(inlay__emit(p, INLAY__OP_PRINT, 0, 0, 0, token));
    }
    return INLAY_OK;
}

static int32_t parse_if(inlay__parser *p) {
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    size_t last_end = SIZE_MAX; /* jumps to the end, chained through their operands */
    for (bool more = true; more;) {
        const inlay__token *token = p->at;
        bool soft = p->soft;
        p->soft = true;
        INLAY__TRY(inlay__parse_tuple(p, false, false, NULL));
        p->soft = soft;
        size_t otherwise = code_size(p);
        INLAY__TRY(inlay__emit(p, INLAY__OP_JUMP_FALSE, 0, 0, 0, token));
        p->soft_body = true;
        INLAY__TRY(parse_block(p, ends));
        more = inlay__parser_is_name(p, "elif");
        bool has_else = inlay__parser_is_name(p, "else");
        p->at++;
        if (more || has_else) {
            INLAY__TRY(inlay__emit(p, INLAY__OP_JUMP, 0, 0, last_end == SIZE_MAX ? 0 : (int64_t)last_end + 1, token));
            last_end = code_size(p) - 1;
        }
        inlay__patch_jump(p, otherwise);
        p->soft_body = has_else;
        if (has_else) INLAY__TRY(parse_block_to(p, "endif"));
    }
    for (size_t jump = last_end, next; jump != SIZE_MAX; jump = next) {
        next = p->program->code[jump].a > 0 ? (size_t)p->program->code[jump].a - 1 : SIZE_MAX;
        inlay__patch_jump(p, jump);
    }
    return INLAY_OK;
}

/* What the body of the loop that begins at the token asks of `loop`: nothing, or what is behind it (which needs all
 * items), or only what is past. Looks ahead to the end of the loop. */
static uint8_t loop_use(const inlay__parser *p, bool *looks_ahead) {
    static const char *const past[] = {"index", "index0", "first", "previtem", "cycle", "changed", "depth", "depth0"};
    size_t depth = 0;
    uint8_t use = 0;
    for (const inlay__token *t = p->at; t->kind != INLAY__T_END; t++) {
        if (t->kind != INLAY__T_NAME) continue;
        if (t[-1].kind == INLAY__T_BLOCK && inlay__token_is_name(t, "for")) depth++;
        if (depth > INLAY__TEMPLATE_MAX_DEPTH) break; /* which is refused, where it comes to it */
        if (t[-1].kind == INLAY__T_BLOCK && inlay__token_is_name(t, "endfor") && depth-- == 0) break;
        if (!inlay__token_is_name(t, "loop") || t[-1].kind == INLAY__T_DOT) continue;
        use = INLAY__FOR_USES_LOOP;
        bool is_past = false;
        for (size_t i = 0; i < INLAY__COUNT(past) && t[1].kind == INLAY__T_DOT; i++)
            is_past = is_past || inlay__token_is_name(t + 2, past[i]);
        *looks_ahead = *looks_ahead || !is_past;
    }
    return use;
}

static int32_t emit_code(inlay__parser *p, const inlay__instruction *code, size_t n) {
    for (size_t i = 0; i < n; i++) {
        INLAY__TRY(INLAY__PROGRAM_GROW(p->program, code, n_code, code_capacity));
        p->program->code[p->program->n_code++] = code[i];
    }
    return INLAY_OK;
}

/* A piece of code cut out of the program. */
typedef struct cut_code {
    inlay__instruction *code;
    size_t n;
} cut_code;

static int32_t cut(inlay__parser *p, size_t begin, cut_code *piece) {
    piece->n = code_size(p) - begin;
    piece->code = inlay__heap_take_array(&p->program->heap, piece->n, sizeof *piece->code);
    if (piece->code == NULL) return inlay__heap_status(&p->program->heap);
    memcpy(piece->code, p->program->code + begin, piece->n * sizeof *piece->code);
    p->program->n_code = begin;
    return INLAY_OK;
}

/* Runs the loop's filter over all items before the first iteration. */
static int32_t emit_filter_first(inlay__parser *p, const cut_code *target, const cut_code *test,
                                 const inlay__token *token) {
    size_t begin = code_size(p);
    INLAY__TRY(inlay__emit(p, INLAY__OP_FOR_TRY, 0, 0, 0, token));
    INLAY__TRY(inlay__emit(p, INLAY__OP_SCOPE, 0, 0, 0, token));
    INLAY__TRY(emit_code(p, target->code, target->n));
    INLAY__TRY(emit_code(p, test->code, test->n));
    INLAY__TRY(inlay__emit(p, INLAY__OP_SCOPE_END, 0, 0, 0, token));
    INLAY__TRY(inlay__emit(p, INLAY__OP_FOR_KEEP, 0, 0, 0, token));
    INLAY__TRY(inlay__emit_jump_to(p, INLAY__OP_JUMP, begin, token));
    inlay__patch_jump(p, begin);
    return INLAY_OK;
}

static int32_t parse_for_body(inlay__parser *p, const cut_code *target, const cut_code *test,
                              const inlay__token *token) {
    static const char *const ends[] = {"else", "endfor", NULL};
    inlay__parser_loop loop = {p->loop, code_size(p), SIZE_MAX, p->n_scopes + 1, p->n_captures};
    size_t skip = 0;
    INLAY__TRY(inlay__emit(p, INLAY__OP_FOR_NEXT, 0, 0, 0, token));
    INLAY__TRY(inlay__emit(p, INLAY__OP_SCOPE, 0, 0, 0, token));
    INLAY__TRY(emit_code(p, target->code, target->n));
    if (test->n > 0) {
        INLAY__TRY(emit_code(p, test->code, test->n));
        skip = code_size(p);
        INLAY__TRY(inlay__emit(p, INLAY__OP_JUMP_FALSE, 0, 0, 0, token));
    }
    INLAY__TRY(inlay__emit(p, INLAY__OP_FOR_ENTER, 0, 0, 0, token));
    p->loop = &loop;
    p->n_scopes++;
    INLAY__TRY(parse_block(p, ends));
    p->n_scopes--;
    p->loop = loop.around;
    if (skip > 0) inlay__patch_jump(p, skip);
    INLAY__TRY(inlay__emit(p, INLAY__OP_SCOPE_END, 0, 0, 0, token));
    INLAY__TRY(inlay__emit_jump_to(p, INLAY__OP_JUMP, loop.next, token));
    inlay__patch_jump(p, loop.next);
    for (size_t jump = loop.last_break, next; jump != SIZE_MAX; jump = next) {
        next = p->program->code[jump].a > 0 ? (size_t)p->program->code[jump].a - 1 : SIZE_MAX;
        inlay__patch_jump(p, jump);
    }
    return INLAY_OK;
}

static int32_t parse_for(inlay__parser *p, const inlay__token *token) {
    cut_code target = {NULL, 0}, test = {NULL, 0};
    bool looks_ahead = false;
    size_t begin = code_size(p);
    INLAY__TRY(parse_target(p, false, "in"));
    INLAY__TRY(cut(p, begin, &target));
    if (!inlay__parser_skip_name(p, "in")) return inlay__parser_unexpected(p, "'in'");
    INLAY__TRY(inlay__parse_tuple(p, false, false, "recursive"));
    begin = code_size(p);
    if (inlay__parser_skip_name(p, "if")) {
        INLAY__TRY(inlay__parse_expression(p, true));
        INLAY__TRY(cut(p, begin, &test));
    }
    if (inlay__parser_is_name(p, "recursive"))
        return inlay__fail(INLAY_ERR_TEMPLATE, "recursive loops are not supported");
    uint8_t use = loop_use(p, &looks_ahead);
    bool filters_first = test.n > 0 && looks_ahead;
    INLAY__TRY(inlay__emit(p, INLAY__OP_FOR, (uint8_t)(use | (filters_first ? INLAY__FOR_FILTERS : 0)), 0, 0, token));
    if (filters_first) {
        INLAY__TRY(emit_filter_first(p, &target, &test, token));
        test.n = 0;
    }
    INLAY__TRY(parse_for_body(p, &target, &test, token));
    size_t end = code_size(p);
    INLAY__TRY(inlay__emit(p, INLAY__OP_FOR_END, 0, 0, 1, token));
    bool has_else = inlay__parser_is_name(p, "else");
    p->at++;
    if (has_else) {
        INLAY__TRY(parse_scope(p, "endfor", token));
        inlay__patch_jump(p, end);
    }
    return INLAY_OK;
}

static int32_t parse_loop_control(inlay__parser *p, bool is_break, const inlay__token *token) {
    inlay__parser_loop *loop = p->loop;
    if (loop == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' outside of a loop", is_break ? "break" : "continue");
    if (loop->n_captures != p->n_captures)
        return inlay__fail(INLAY_ERR_TEMPLATE, "'%s' inside a block whose text is kept",
                           is_break ? "break" : "continue");
    for (size_t i = p->n_scopes + 1; i > loop->n_scopes; i--)
        INLAY__TRY(inlay__emit(p, INLAY__OP_SCOPE_END, 0, 0, 0, token));
    if (!is_break) return inlay__emit_jump_to(p, INLAY__OP_JUMP, loop->next, token);
    INLAY__TRY(
        inlay__emit(p, INLAY__OP_JUMP, 0, 0, loop->last_break == SIZE_MAX ? 0 : (int64_t)loop->last_break + 1, token));
    loop->last_break = code_size(p) - 1;
    return INLAY_OK;
}

static int32_t parse_set(inlay__parser *p, const inlay__token *token) {
    size_t target = code_size(p), value;
    INLAY__TRY(parse_target(p, true, NULL));
    value = code_size(p);
    if (inlay__parser_skip(p, INLAY__T_ASSIGN)) {
        INLAY__TRY(inlay__parse_tuple(p, true, false, NULL));
    } else {
        INLAY__TRY(inlay__parse_filters(p, false));
        size_t body = code_size(p);
        INLAY__TRY(parse_captured(p, "endset", token));
        inlay__swap_code(p, value, body); /* the body comes before its filters */
    }
    inlay__swap_code(p, target, value);
    return INLAY_OK;
}

static int32_t parse_with(inlay__parser *p, const inlay__token *token) {
    const inlay__token *names[MAX_WITH];
    size_t n = 0;
    while (!inlay__parser_is(p, INLAY__T_BLOCK_END)) {
        if (n > 0) INLAY__TRY(inlay__parser_expect(p, INLAY__T_COMMA, "',' or '%}'"));
        if (n == MAX_WITH) return inlay__fail(INLAY_ERR_TEMPLATE, "more than %d variables in one 'with'", MAX_WITH);
        names[n++] = p->at;
        INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, "the name of a variable"));
        INLAY__TRY(inlay__parser_expect(p, INLAY__T_ASSIGN, "'='"));
        INLAY__TRY(inlay__parse_expression(p, true));
    }
    INLAY__TRY(inlay__emit(p, INLAY__OP_SCOPE, 0, 0, 0, token));
    while (n > 0) INLAY__TRY(inlay__emit_name(p, INLAY__OP_STORE, names[--n]));
    p->n_scopes++;
    INLAY__TRY(parse_block_to(p, "endwith"));
    p->n_scopes--;
    return inlay__emit(p, INLAY__OP_SCOPE_END, 0, 0, 0, token);
}

static int32_t parse_filter_block(inlay__parser *p, const inlay__token *token) {
    size_t filters = code_size(p);
    INLAY__TRY(inlay__parse_filters(p, true));
    size_t body = code_size(p);
    INLAY__TRY(parse_captured(p, "endfilter", token));
    inlay__swap_code(p, filters, body);
    return inlay__emit(p, INLAY__OP_PRINT, 0, 0, 0, token);
}

/* ------------------------------------------------------------------ macros */

/* (a, b=default, ...): the parameters into the program's list, their defaults as code. */
static int32_t parse_params(inlay__parser *p, inlay__macro *macro) {
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_LPAREN, "'('"));
    macro->first_param = (uint32_t)p->program->n_params;
    while (!inlay__parser_is(p, INLAY__T_RPAREN)) {
        const inlay__token *token = p->at;
        uint32_t id = 0;
        INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, "the name of a parameter"));
        INLAY__TRY(inlay__parser_name_id(p, token, &id));
        for (uint32_t i = 0; i < macro->n_params; i++)
            if (p->program->params[macro->first_param + i] == id)
                return inlay__fail(INLAY_ERR_TEMPLATE, "two parameters are called '%.*s'",
                                   (int)inlay__min_size(token->size, 64), token->text);
        if (macro->n_params == UINT8_MAX) return inlay__fail(INLAY_ERR_TEMPLATE, "more than 255 parameters");
        INLAY__TRY(INLAY__PROGRAM_GROW(p->program, params, n_params, param_capacity));
        p->program->params[p->program->n_params++] = id;
        if (inlay__parser_skip(p, INLAY__T_ASSIGN)) {
            size_t jump = code_size(p);
            INLAY__TRY(inlay__emit(p, INLAY__OP_DEFAULT, 0, (uint16_t)macro->n_params, 0, token));
            INLAY__TRY(inlay__parse_expression(p, true));
            INLAY__TRY(inlay__emit_name(p, INLAY__OP_STORE, token));
            inlay__patch_jump(p, jump);
        } else if (macro->n_required == macro->n_params) {
            macro->n_required++;
        } else {
            return inlay__fail(INLAY_ERR_TEMPLATE, "a parameter without a default stands behind one that has one");
        }
        macro->n_params++;
        if (!inlay__parser_is(p, INLAY__T_RPAREN)) INLAY__TRY(inlay__parser_expect(p, INLAY__T_COMMA, "',' or ')'"));
    }
    p->at++;
    return INLAY_OK;
}

/* Parameters and body, around which the program jumps, then the instruction that makes the macro a value. `call` is
 * code that stands between them in the source, of a call block. */
static int32_t parse_macro_body(inlay__parser *p, inlay__macro *macro, bool has_params, const char *end, cut_code *call,
                                const inlay__token *token) {
    inlay__parser outer = *p;
    size_t jump = code_size(p);
    p->loop = NULL;
    p->n_scopes = p->n_captures = 0;
    p->macro = macro;
    INLAY__TRY(inlay__emit(p, INLAY__OP_JUMP, 0, 0, 0, token));
    macro->begin = (uint32_t)code_size(p);
    if (has_params) INLAY__TRY(parse_params(p, macro));
    if (call != NULL) {
        size_t begin = code_size(p);
        p->macro = outer.macro;
        INLAY__TRY(inlay__parse_expression(p, true));
        INLAY__TRY(cut(p, begin, call));
        p->macro = macro;
    }
    INLAY__TRY(parse_block_to(p, end));
    INLAY__TRY(inlay__emit(p, INLAY__OP_RETURN, 0, 0, 0, token));
    inlay__patch_jump(p, jump);
    p->loop = outer.loop;
    p->n_scopes = outer.n_scopes;
    p->n_captures = outer.n_captures;
    p->macro = outer.macro;
    if (p->macro != NULL) { /* what a macro speaks of, those around it do too */
        p->macro->takes_caller |= macro->takes_caller;
        p->macro->takes_more |= macro->takes_more;
        p->macro->takes_named |= macro->takes_named;
    }
    INLAY__TRY(INLAY__PROGRAM_GROW(p->program, macros, n_macros, macro_capacity));
    p->program->macros[p->program->n_macros++] = *macro;
    return INLAY_OK;
}

/* Both stay as far from one another wherever the code is moved. */
static int32_t emit_macro(inlay__parser *p, size_t index, const inlay__token *token) {
    p->program->macros[index].begin = (uint32_t)code_size(p) - p->program->macros[index].begin;
    return inlay__emit(p, INLAY__OP_MACRO, 0, 0, (int64_t)index, token);
}

static int32_t parse_macro(inlay__parser *p, const inlay__token *token) {
    const inlay__token *name = p->at;
    inlay__macro macro = {.name = NULL};
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, "the name of a macro"));
    macro.name = inlay__string_new(&p->program->heap, name->text, name->size);
    if (macro.name == NULL) return inlay__heap_status(&p->program->heap);
    INLAY__TRY(parse_macro_body(p, &macro, true, "endmacro", NULL, token));
    INLAY__TRY(emit_macro(p, p->program->n_macros - 1, token));
    return inlay__emit_name(p, INLAY__OP_STORE, name);
}

/* {% call(parameters) callee(arguments) %}: the body is a macro that the callee gets as its argument `caller`. */
static int32_t parse_call_block(inlay__parser *p, const inlay__token *token) {
    inlay__macro macro = {.name = NULL};
    cut_code call = {NULL, 0};
    inlay__token caller = *token;
    INLAY__TRY(parse_macro_body(p, &macro, inlay__parser_is(p, INLAY__T_LPAREN), "endcall", &call, token));
    size_t index = p->program->n_macros - 1;
    inlay__instruction last = call.code[call.n - 1];
    if (last.op != INLAY__OP_CALL || (last.m & INLAY__ARGS_STAR_STAR) != 0 || (last.m & INLAY__ARGS_NAMED) >= UINT8_MAX)
        return inlay__fail(INLAY_ERR_TEMPLATE, "expected a call without ** arguments behind 'call'");
    INLAY__TRY(emit_code(p, call.code, call.n - 1));
    caller.text = "caller";
    caller.size = 6;
    INLAY__TRY(inlay__emit_string(p, INLAY__OP_CONST, &caller));
    INLAY__TRY(emit_macro(p, index, token));
    last.m++;
    INLAY__TRY(emit_code(p, &last, 1));
    return inlay__emit(p, INLAY__OP_PRINT, 0, 0, 0, token);
}

/* -------------------------------------------------------------------- body */

static int32_t parse_statement(inlay__parser *p) {
    static const char *const refused[] = {"include", "import", "from", "extends", "block", "autoescape", "do", "trans"};
    const inlay__token *token = p->at;
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, "the name of a tag"));
    if (inlay__token_is_name(token, "if")) return parse_if(p);
    if (inlay__token_is_name(token, "for")) return parse_for(p, token);
    if (inlay__token_is_name(token, "set")) return parse_set(p, token);
    if (inlay__token_is_name(token, "macro")) return parse_macro(p, token);
    if (inlay__token_is_name(token, "call")) return parse_call_block(p, token);
    if (inlay__token_is_name(token, "filter")) return parse_filter_block(p, token);
    if (inlay__token_is_name(token, "with")) return parse_with(p, token);
    if (inlay__token_is_name(token, "generation")) return parse_scope(p, "endgeneration", token);
    if (inlay__token_is_name(token, "break")) return parse_loop_control(p, true, token);
    if (inlay__token_is_name(token, "continue")) return parse_loop_control(p, false, token);
    if (inlay__token_is_name(token, "print")) return parse_print_tag(p, token);
    p->at--;
    for (size_t i = 0; i < INLAY__COUNT(refused); i++)
        if (inlay__token_is_name(token, refused[i]))
            return inlay__fail(INLAY_ERR_TEMPLATE, "the tag '%s' is not supported", refused[i]);
    return inlay__fail(INLAY_ERR_TEMPLATE, "there is no tag '%.*s'", (int)inlay__min_size(token->size, 64),
                       token->text);
}

static bool is_one_of(const inlay__token *token, const char *const *names) {
    for (; *names != NULL; names++)
        if (inlay__token_is_name(token, *names)) return true;
    return false;
}

static int32_t unknown_name(inlay__parser *p) {
    p->at = p->unknown;
    return inlay__fail(INLAY_ERR_TEMPLATE, "there is no filter or test named '%.*s'",
                       (int)inlay__min_size(p->at->size, 64), p->at->text);
}

/* Up to one of the tags `ends`, at whose name it stops, or to the end of the template if `ends` is NULL. */
static int32_t parse_body(inlay__parser *p, const char *const *ends) {
    bool soft = p->soft;
    INLAY__TRY(inlay__parser_enter(p));
    p->soft = p->soft_body;
    p->soft_body = false;
    for (;;) {
        const inlay__token *token = p->at;
        if (p->unknown != NULL) return unknown_name(p);
        if (token->kind == INLAY__T_DATA) {
            INLAY__TRY(inlay__emit_string(p, INLAY__OP_TEXT, token));
            p->at++;
        } else if (token->kind == INLAY__T_PRINT) {
            INLAY__TRY(parse_print(p));
        } else if (token->kind == INLAY__T_BLOCK) {
            p->at++;
            if (ends != NULL && is_one_of(p->at, ends)) break;
            INLAY__TRY(parse_statement(p));
            INLAY__TRY(inlay__parser_expect(p, INLAY__T_BLOCK_END, "'%}'"));
        } else if (ends == NULL) {
            break;
        } else {
            size_t last = 0;
            while (ends[last + 1] != NULL) last++;
            return inlay__fail(INLAY_ERR_TEMPLATE, "expected the tag '%s', found the end of the template", ends[last]);
        }
    }
    p->soft = soft;
    inlay__parser_leave(p);
    return INLAY_OK;
}

int32_t inlay__parse_template(inlay__parser *p) {
    INLAY__TRY(parse_body(p, NULL));
    return inlay__emit(p, INLAY__OP_RETURN, 0, 0, 0, p->at);
}
