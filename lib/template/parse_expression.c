/* Expressions. Operators wait on a stack of their own until what binds less tightly comes, so that only brackets
 * recurse; their depth is counted. Every operand is, in this order: signs, a primary, subscripts and calls, filters and
 * tests.
 */
#include "functions.h"
#include "parser.h"

/* How tightly operators bind. */
enum { BIND_OR = 1, BIND_AND, BIND_NOT, BIND_COMPARE, BIND_ADD, BIND_CONCAT, BIND_MULTIPLY, BIND_POWER };
enum { MAX_WAITING = 24 }; /* more than levels; `not` is folded */

typedef struct waiting {
    uint8_t binds;
    uint8_t n;        /* the operand of its instruction */
    bool negated;     /* not: an odd number of them */
    size_t jump;      /* of and, or: the jump to patch. Of a comparison: the last jump of its chain, or SIZE_MAX */
    const inlay__token *token;
} waiting;

typedef struct operators {
    waiting items[MAX_WAITING];
    size_t n;
} operators;

static size_t code_size(const inlay__parser *p) { return p->program->n_code; }

/* ------------------------------------------------------------------- calls */

/* The arguments in parentheses, and then the instruction that takes them. */
static int32_t parse_call(inlay__parser *p, inlay__op op, int64_t a, const inlay__token *token) {
    size_t n_args = 0, n_named = 0;
    uint16_t flags = 0;
    if (inlay__parser_skip(p, INLAY__T_LPAREN)) {
        while (!inlay__parser_is(p, INLAY__T_RPAREN)) {
            bool named = inlay__parser_is(p, INLAY__T_NAME) && p->at[1].kind == INLAY__T_ASSIGN;
            if ((flags & INLAY__ARGS_STAR_STAR) != 0) return inlay__parser_unexpected(p, "')' after the ** argument");
            if (inlay__parser_skip(p, INLAY__T_MUL)) {
                if (flags != 0 || n_named > 0)
                    return inlay__parser_unexpected(p, "one * argument, before those with names");
                flags |= INLAY__ARGS_STAR;
            } else if (inlay__parser_skip(p, INLAY__T_POW)) {
                flags |= INLAY__ARGS_STAR_STAR;
            } else if (named) {
                INLAY__TRY(inlay__emit_string(p, INLAY__OP_CONST, p->at));
                p->at += 2;
                n_named++;
            } else {
                if (flags != 0 || n_named > 0) return inlay__parser_unexpected(p, "an argument with a name");
                n_args++;
            }
            INLAY__TRY(inlay__parse_expression(p, true));
            if (!inlay__parser_is(p, INLAY__T_RPAREN))
                INLAY__TRY(inlay__parser_expect(p, INLAY__T_COMMA, "',' or ')'"));
        }
        p->at++;
    }
    if (n_args > UINT8_MAX || n_named > UINT8_MAX) return inlay__fail(INLAY_ERR_TEMPLATE, "more than 255 arguments");
    return inlay__emit(p, op, (uint8_t)n_args, (uint16_t)(n_named | flags), a, token);
}

/* A filter's or test's name, with dots. The index in its table; an unknown one fails when it runs, if it does, and only
 * within an if it may wait for that. */
static int32_t parse_callee(inlay__parser *p, bool is_test, int64_t *a) {
    const inlay__token *token = p->at;
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, is_test ? "the name of a test" : "the name of a filter"));
    int32_t found = is_test ? inlay__test_find(token->text, token->size) : inlay__filter_find(token->text, token->size);
    if (found >= 0 && !inlay__parser_is(p, INLAY__T_DOT)) {
        *a = found;
        return INLAY_OK;
    }
    while (inlay__parser_skip(p, INLAY__T_DOT)) INLAY__TRY(inlay__parser_expect(p, INLAY__T_NAME, "a name"));
    if (!p->soft && p->unknown == NULL) p->unknown = token;
    const inlay__string *name = inlay__string_new(&p->program->heap, token->text, token->size);
    if (name == NULL) return inlay__heap_status(&p->program->heap);
    INLAY__TRY(INLAY__PROGRAM_GROW(p->program, constants, n_constants, constant_capacity));
    p->program->constants[p->program->n_constants] = inlay__string_value(name);
    *a = -1 - (int64_t)p->program->n_constants++; /* the name, for the error */
    return INLAY_OK;
}

int32_t inlay__parse_filters(inlay__parser *p, bool first_without_pipe) {
    while (first_without_pipe || inlay__parser_skip(p, INLAY__T_PIPE)) {
        const inlay__token *token = p->at;
        int64_t filter = 0;
        first_without_pipe = false;
        INLAY__TRY(parse_callee(p, false, &filter));
        INLAY__TRY(parse_call(p, INLAY__OP_FILTER, filter, token));
    }
    return INLAY_OK;
}

static int32_t parse_primary(inlay__parser *p);
static int32_t parse_postfix(inlay__parser *p);

/* Behind "is": [not] name [arguments], of which a single one needs no parentheses. */
static int32_t parse_test(inlay__parser *p) {
    const inlay__token *token = p->at;
    bool negated = inlay__parser_skip_name(p, "not");
    int64_t test = 0;
    INLAY__TRY(parse_callee(p, true, &test));
    bool names_none =
        inlay__parser_is_name(p, "else") || inlay__parser_is_name(p, "or") || inlay__parser_is_name(p, "and");
    bool argument = (inlay__parser_is(p, INLAY__T_NAME) && !names_none) || inlay__parser_is(p, INLAY__T_STRING) ||
                    inlay__parser_is(p, INLAY__T_INT) || inlay__parser_is(p, INLAY__T_FLOAT) ||
                    inlay__parser_is(p, INLAY__T_LBRACKET) || inlay__parser_is(p, INLAY__T_LBRACE);
    if (inlay__parser_is_name(p, "is")) return inlay__parser_unexpected(p, "no second test after the first");
    if (argument) {
        INLAY__TRY(inlay__parser_enter(p));
        INLAY__TRY(parse_primary(p));
        INLAY__TRY(parse_postfix(p));
        inlay__parser_leave(p);
        INLAY__TRY(inlay__emit(p, INLAY__OP_TEST, 1, 0, test, token));
    } else {
        INLAY__TRY(parse_call(p, INLAY__OP_TEST, test, token));
    }
    return negated ? inlay__emit(p, INLAY__OP_NOT, 0, 0, 0, token) : INLAY_OK;
}

/* --------------------------------------------------------------- primaries */

static int32_t emit_none(inlay__parser *p, const inlay__token *token) {
    return inlay__emit_constant(p, INLAY__OP_CONST, inlay__none(), token);
}

static int32_t parse_name(inlay__parser *p) {
    const inlay__token *token = p->at++;
    bool is_true = inlay__token_is_name(token, "true") || inlay__token_is_name(token, "True");
    bool is_false = inlay__token_is_name(token, "false") || inlay__token_is_name(token, "False");
    if (is_true || is_false) return inlay__emit_constant(p, INLAY__OP_CONST, inlay__bool(is_true), token);
    if (inlay__token_is_name(token, "none") || inlay__token_is_name(token, "None")) return emit_none(p, token);
    if (p->macro != NULL && inlay__token_is_name(token, "caller")) p->macro->takes_caller = true;
    if (p->macro != NULL && inlay__token_is_name(token, "varargs")) p->macro->takes_more = true;
    if (p->macro != NULL && inlay__token_is_name(token, "kwargs")) p->macro->takes_named = true;
    return inlay__emit_name(p, INLAY__OP_LOAD, token);
}

/* Literals side by side are one. */
static int32_t parse_strings(inlay__parser *p) {
    const inlay__token *token = p->at;
    inlay__heap *heap = &p->program->heap;
    size_t size = 0, n = 0;
    for (; inlay__parser_is(p, INLAY__T_STRING); p->at++) size += p->at->size;
    if (p->at == token + 1) return inlay__emit_string(p, INLAY__OP_CONST, token);
    char *text = inlay__heap_take(heap, size);
    if (text == NULL) return inlay__heap_status(heap);
    for (const inlay__token *t = token; t < p->at; n += t->size, t++)
        if (t->size > 0) memcpy(text + n, t->text, t->size);
    const inlay__string *s = inlay__string_new(heap, text, size);
    if (s == NULL) return inlay__heap_status(heap);
    return inlay__emit_constant(p, INLAY__OP_CONST, inlay__string_value(s), token);
}

static int32_t parse_list(inlay__parser *p) {
    const inlay__token *token = p->at++;
    int64_t n = 0;
    for (; !inlay__parser_is(p, INLAY__T_RBRACKET); n++) {
        INLAY__TRY(inlay__parse_expression(p, true));
        if (!inlay__parser_is(p, INLAY__T_RBRACKET)) INLAY__TRY(inlay__parser_expect(p, INLAY__T_COMMA, "',' or ']'"));
    }
    p->at++;
    return inlay__emit(p, INLAY__OP_LIST, 0, 0, n, token);
}

static int32_t parse_dict(inlay__parser *p) {
    const inlay__token *token = p->at++;
    int64_t n = 0;
    for (; !inlay__parser_is(p, INLAY__T_RBRACE); n++) {
        INLAY__TRY(inlay__parse_expression(p, true));
        INLAY__TRY(inlay__parser_expect(p, INLAY__T_COLON, "':' after a key"));
        INLAY__TRY(inlay__parse_expression(p, true));
        if (!inlay__parser_is(p, INLAY__T_RBRACE)) INLAY__TRY(inlay__parser_expect(p, INLAY__T_COMMA, "',' or '}'"));
    }
    p->at++;
    return inlay__emit(p, INLAY__OP_DICT, 0, 0, n, token);
}

static int32_t parse_primary(inlay__parser *p) {
    const inlay__token *token = p->at;
    switch (token->kind) {
    case INLAY__T_NAME: return parse_name(p);
    case INLAY__T_STRING: return parse_strings(p);
    case INLAY__T_INT: p->at++; return inlay__emit_constant(p, INLAY__OP_CONST, inlay__int(token->of.integer), token);
    case INLAY__T_FLOAT:
        p->at++;
        return inlay__emit_constant(p, INLAY__OP_CONST, inlay__float(token->of.number), token);
    case INLAY__T_LBRACKET: return parse_list(p);
    case INLAY__T_LBRACE: return parse_dict(p);
    case INLAY__T_LPAREN:
        p->at++;
        INLAY__TRY(inlay__parse_tuple(p, true, true, NULL));
        return inlay__parser_expect(p, INLAY__T_RPAREN, "',' or ')'");
    default: return inlay__parser_unexpected(p, "an expression");
    }
}

/* start:stop:step behind a '[', each of which may be left out; or one expression. */
static int32_t parse_subscript(inlay__parser *p) {
    const inlay__token *token = p->at;
    bool whole = true;
    for (int part = 0; part < 3; part++) {
        bool ends = inlay__parser_is(p, INLAY__T_COLON) || inlay__parser_is(p, INLAY__T_RBRACKET) ||
                    inlay__parser_is(p, INLAY__T_COMMA);
        if (part == 0 && ends && !inlay__parser_is(p, INLAY__T_COLON))
            return inlay__parser_unexpected(p, "a subscript");
        INLAY__TRY(ends ? emit_none(p, token) : inlay__parse_expression(p, true));
        if (part == 0 && !inlay__parser_is(p, INLAY__T_COLON)) break;
        whole = false;
        if (part < 2) inlay__parser_skip(p, INLAY__T_COLON);
    }
    return whole ? INLAY_OK : inlay__emit(p, INLAY__OP_SLICE, 0, 0, 0, token);
}

static int32_t parse_brackets(inlay__parser *p) {
    const inlay__token *token = p->at++;
    int64_t n = 0;
    do {
        INLAY__TRY(parse_subscript(p));
        n++;
    } while (inlay__parser_skip(p, INLAY__T_COMMA));
    INLAY__TRY(inlay__parser_expect(p, INLAY__T_RBRACKET, "']'"));
    if (n > 1) INLAY__TRY(inlay__emit(p, INLAY__OP_TUPLE, 0, 0, n, token));
    return inlay__emit(p, INLAY__OP_ITEM, 0, 0, 0, token);
}

static int32_t parse_dot(inlay__parser *p) {
    const inlay__token *token = ++p->at;
    p->at++;
    if (token->kind == INLAY__T_INT) {
        INLAY__TRY(inlay__emit_constant(p, INLAY__OP_CONST, inlay__int(token->of.integer), token));
        return inlay__emit(p, INLAY__OP_ITEM, 0, 0, 0, token);
    }
    if (token->kind != INLAY__T_NAME) {
        p->at--;
        return inlay__parser_unexpected(p, "a name or number after '.'");
    }
    INLAY__TRY(inlay__emit_string(p, INLAY__OP_ATTR, token));
    p->program->code[code_size(p) - 1].m = (uint16_t)(inlay__method_find(token->text, token->size) + 1);
    return INLAY_OK;
}

/* Subscripts, attributes and calls. */
static int32_t parse_postfix(inlay__parser *p) {
    for (;;) {
        const inlay__token *token = p->at;
        if (token->kind == INLAY__T_DOT)
            INLAY__TRY(parse_dot(p));
        else if (token->kind == INLAY__T_LBRACKET)
            INLAY__TRY(parse_brackets(p));
        else if (token->kind == INLAY__T_LPAREN)
            INLAY__TRY(parse_call(p, INLAY__OP_CALL, 0, token));
        else
            return INLAY_OK;
    }
}

static int32_t parse_operand(inlay__parser *p) {
    const inlay__token *first = p->at;
    while (inlay__parser_is(p, INLAY__T_ADD) || inlay__parser_is(p, INLAY__T_SUB)) p->at++;
    const inlay__token *sign = p->at;
    INLAY__TRY(parse_primary(p));
    INLAY__TRY(parse_postfix(p));
    while (sign-- > first)
        INLAY__TRY(inlay__emit(p, sign->kind == INLAY__T_SUB ? INLAY__OP_NEG : INLAY__OP_POS, 0, 0, 0, sign));
    for (;;) {
        const inlay__token *token = p->at;
        if (inlay__parser_is(p, INLAY__T_PIPE))
            INLAY__TRY(inlay__parse_filters(p, false));
        else if (inlay__parser_skip_name(p, "is"))
            INLAY__TRY(parse_test(p));
        else if (inlay__parser_is(p, INLAY__T_LPAREN))
            INLAY__TRY(parse_call(p, INLAY__OP_CALL, 0, token));
        else
            return INLAY_OK;
    }
}

/* --------------------------------------------------------------- operators */

/* Writes the instructions of the operators that bind at least as tightly as `binds`. */
static int32_t settle(inlay__parser *p, operators *ops, uint8_t binds) {
    while (ops->n > 0 && ops->items[ops->n - 1].binds >= binds) {
        waiting *w = &ops->items[--ops->n];
        switch (w->binds) {
        case BIND_OR:
        case BIND_AND: inlay__patch_jump(p, w->jump); break;
        case BIND_NOT:
            INLAY__TRY(inlay__emit(p, INLAY__OP_NOT, 0, 0, 0, w->token));
            if (!w->negated) INLAY__TRY(inlay__emit(p, INLAY__OP_NOT, 0, 0, 0, w->token));
            break;
        case BIND_COMPARE:
            INLAY__TRY(inlay__emit(p, INLAY__OP_COMPARE, w->n, 0, 0, w->token));
            for (size_t jump = w->jump, next; jump != SIZE_MAX; jump = next) { /* the chain goes through the operands */
                next = p->program->code[jump].a > 0 ? (size_t)p->program->code[jump].a - 1 : SIZE_MAX;
                inlay__patch_jump(p, jump);
            }
            break;
        case BIND_CONCAT: INLAY__TRY(inlay__emit(p, INLAY__OP_CONCAT, 0, 0, 0, w->token)); break;
        default: INLAY__TRY(inlay__emit(p, INLAY__OP_BINARY, w->n, 0, 0, w->token)); break;
        }
    }
    return INLAY_OK;
}

/* The binary operator at the token; binds is 0 if there is none. Passes over it. */
static waiting read_operator(inlay__parser *p) {
    waiting w = {.jump = SIZE_MAX, .token = p->at, .n = (uint8_t)p->at->kind};
    switch (p->at->kind) {
    case INLAY__T_ADD:
    case INLAY__T_SUB: w.binds = BIND_ADD; break;
    case INLAY__T_TILDE: w.binds = BIND_CONCAT; break;
    case INLAY__T_MUL:
    case INLAY__T_DIV:
    case INLAY__T_FLOORDIV:
    case INLAY__T_MOD: w.binds = BIND_MULTIPLY; break;
    case INLAY__T_POW: w.binds = BIND_POWER; break;
    case INLAY__T_EQ: w.binds = BIND_COMPARE; w.n = INLAY__EQ; break;
    case INLAY__T_NE: w.binds = BIND_COMPARE; w.n = INLAY__NE; break;
    case INLAY__T_LT: w.binds = BIND_COMPARE; w.n = INLAY__LT; break;
    case INLAY__T_LE: w.binds = BIND_COMPARE; w.n = INLAY__LE; break;
    case INLAY__T_GT: w.binds = BIND_COMPARE; w.n = INLAY__GT; break;
    case INLAY__T_GE: w.binds = BIND_COMPARE; w.n = INLAY__GE; break;
    case INLAY__T_NAME:
        if (inlay__parser_is_name(p, "and")) w.binds = BIND_AND;
        if (inlay__parser_is_name(p, "or")) w.binds = BIND_OR;
        if (inlay__parser_is_name(p, "in")) w.binds = BIND_COMPARE, w.n = INLAY__IN;
        if (inlay__parser_is_name(p, "not") && inlay__token_is_name(p->at + 1, "in")) {
            w.binds = BIND_COMPARE, w.n = INLAY__NOT_IN;
            p->at++;
        }
        break;
    default: break;
    }
    if (w.binds != 0) p->at++;
    return w;
}

/* Puts a binary operator on the stack, after the operand to its left was written. */
static int32_t push_operator(inlay__parser *p, operators *ops, waiting w) {
    waiting *top = ops->n > 0 ? &ops->items[ops->n - 1] : NULL;
    if (w.binds == BIND_COMPARE) {
        INLAY__TRY(settle(p, ops, BIND_COMPARE + 1));
        top = ops->n > 0 ? &ops->items[ops->n - 1] : NULL;
        if (top != NULL && top->binds == BIND_COMPARE) { /* a < b < c */
            int64_t before = top->jump == SIZE_MAX ? 0 : (int64_t)top->jump + 1;
            INLAY__TRY(inlay__emit(p, INLAY__OP_COMPARE_CHAIN, top->n, 0, before, top->token));
            top->jump = code_size(p) - 1;
            top->n = w.n;
            top->token = w.token;
            return INLAY_OK;
        }
    } else {
        INLAY__TRY(settle(p, ops, w.binds));
    }
    if (w.binds == BIND_AND || w.binds == BIND_OR) {
        INLAY__TRY(inlay__emit(p, w.binds == BIND_AND ? INLAY__OP_JUMP_FALSE_KEEP : INLAY__OP_JUMP_TRUE_KEEP, 0, 0, 0,
                               w.token));
        w.jump = code_size(p) - 1;
    }
    if (ops->n == MAX_WAITING) return inlay__fail(INLAY_ERR_TEMPLATE, "too many operators wait for their operands");
    ops->items[ops->n++] = w;
    return INLAY_OK;
}

/* `not`, which may stand at the beginning and after and, or and not. */
static int32_t push_not(inlay__parser *p, operators *ops) {
    uint8_t before = ops->n > 0 ? ops->items[ops->n - 1].binds : 0;
    if (before > BIND_NOT) return INLAY_OK; /* there it is the name of a variable */
    const inlay__token *token = p->at;
    size_t n = 0;
    while (inlay__parser_skip_name(p, "not")) n++;
    if (n > 0) ops->items[ops->n++] = (waiting){.binds = BIND_NOT, .negated = n % 2 == 1, .token = token};
    return INLAY_OK;
}

/* An expression without "if". The jumps within [begin, end) of a comparison chain are absolute until it is settled, and
 * nothing is moved before. */
static int32_t parse_operators(inlay__parser *p) {
    operators ops;
    ops.n = 0;
    for (;;) {
        INLAY__TRY(push_not(p, &ops));
        INLAY__TRY(parse_operand(p));
        waiting w = read_operator(p);
        if (w.binds == 0) break;
        INLAY__TRY(push_operator(p, &ops, w));
    }
    return settle(p, &ops, 0);
}

/* value if condition else ...: the condition's code comes to stand before the value's. */
static int32_t parse_conditional(inlay__parser *p) {
    size_t last_end = SIZE_MAX; /* the jumps behind each value, chained through their operands */
    const inlay__token *unknown = p->unknown;
    bool soft = p->soft;
    for (;;) {
        size_t value = code_size(p);
        const inlay__token *token = p->at;
        INLAY__TRY(parse_operators(p));
        if (!inlay__parser_skip_name(p, "if")) break;
        size_t condition = code_size(p);
        p->unknown = unknown;
        p->soft = true;
        INLAY__TRY(parse_operators(p));
        INLAY__TRY(inlay__emit(p, INLAY__OP_JUMP_FALSE, 0, 0, 0, token));
        size_t otherwise = value + (code_size(p) - condition) - 1;
        inlay__swap_code(p, value, condition);
        INLAY__TRY(inlay__emit(p, INLAY__OP_JUMP, 0, 0, last_end == SIZE_MAX ? 0 : (int64_t)last_end + 1, token));
        last_end = code_size(p) - 1;
        inlay__patch_jump(p, otherwise);
        if (inlay__parser_skip_name(p, "else")) continue;
        INLAY__TRY(inlay__emit_constant(p, INLAY__OP_CONST, inlay__undefined(NULL), token));
        break;
    }
    for (size_t jump = last_end, next; jump != SIZE_MAX; jump = next) {
        next = p->program->code[jump].a > 0 ? (size_t)p->program->code[jump].a - 1 : SIZE_MAX;
        inlay__patch_jump(p, jump);
    }
    p->soft = soft;
    return INLAY_OK;
}

int32_t inlay__parse_expression(inlay__parser *p, bool conditional) {
    INLAY__TRY(inlay__parser_enter(p));
    INLAY__TRY(conditional ? parse_conditional(p) : parse_operators(p));
    inlay__parser_leave(p);
    return INLAY_OK;
}

static bool tuple_ends(const inlay__parser *p, const char *end) {
    return inlay__parser_is(p, INLAY__T_PRINT_END) || inlay__parser_is(p, INLAY__T_BLOCK_END) ||
           inlay__parser_is(p, INLAY__T_RPAREN) || (end != NULL && inlay__parser_is_name(p, end));
}

int32_t inlay__parse_tuple(inlay__parser *p, bool conditional, bool parentheses, const char *end) {
    const inlay__token *token = p->at;
    int64_t n = 0;
    bool is_tuple = false;
    while (!tuple_ends(p, end)) {
        INLAY__TRY(inlay__parse_expression(p, conditional));
        n++;
        if (!inlay__parser_skip(p, INLAY__T_COMMA)) break;
        is_tuple = true;
    }
    if (n == 0 && !parentheses) return inlay__parser_unexpected(p, "an expression");
    return is_tuple || n == 0 ? inlay__emit(p, INLAY__OP_TUPLE, 0, 0, n, token) : INLAY_OK;
}
