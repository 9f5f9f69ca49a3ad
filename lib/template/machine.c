/* Running a program: one function for each group of instructions, one loop over them. Nothing here recurses; macros
 * have frames of their own. */
#include "functions.h"
#include "lexer.h"

static inlay__value *top(inlay__machine *m) { return &m->stack[m->n_stack - 1]; }

static inlay__value pop(inlay__machine *m) { return m->stack[--m->n_stack]; }

static int32_t push(inlay__machine *m, inlay__value v) {
    if (m->n_stack == m->stack_capacity) {
        if (m->n_stack >= INLAY__RENDER_MAX_STACK)
            return inlay__fail(INLAY_ERR_TEMPLATE, "more than %d values in one expression", INLAY__RENDER_MAX_STACK);
        INLAY__TRY(inlay__grow(m->sys, (void **)&m->stack, &m->stack_capacity, m->n_stack + 1, sizeof v));
    }
    m->stack[m->n_stack++] = v;
    return INLAY_OK;
}

/* ------------------------------------------------------------------- scopes */

static int32_t begin_scope(inlay__machine *m, inlay__scope *parent) {
    inlay__scope *scope = m->free_scopes;
    if (scope != NULL) {
        m->free_scopes = scope->parent;
    } else {
        scope = inlay__heap_take(&m->heap, sizeof *scope);
        if (scope == NULL) return inlay__no_memory(m);
        scope->variables = NULL;
        scope->capacity = 0;
    }
    scope->parent = parent;
    scope->n = 0;
    scope->kept = false;
    m->scope = scope;
    return INLAY_OK;
}

static void end_scope(inlay__machine *m) {
    inlay__scope *scope = m->scope;
    m->scope = scope->parent;
    if (scope->kept) return;
    scope->parent = m->free_scopes;
    m->free_scopes = scope;
}

static inlay__variable *find_here(inlay__scope *scope, uint32_t name) {
    for (size_t i = 0; i < scope->n; i++)
        if (scope->variables[i].name == name) return &scope->variables[i];
    return NULL;
}

static int32_t store(inlay__machine *m, uint32_t name, inlay__value value) {
    inlay__scope *scope = m->scope;
    inlay__variable *there = find_here(scope, name);
    INLAY__TRY(inlay__charge(m, scope->n / 16));
    if (there != NULL) return there->value = value, INLAY_OK;
    if (scope->n == scope->capacity) {
        size_t capacity = inlay__max_size(4, 2 * scope->capacity);
        inlay__variable *variables = inlay__heap_take_array(&m->heap, capacity, sizeof *variables);
        if (variables == NULL) return inlay__no_memory(m);
        if (scope->n > 0) memcpy(variables, scope->variables, scope->n * sizeof *variables);
        scope->variables = variables;
        scope->capacity = capacity;
    }
    scope->variables[scope->n++] = (inlay__variable){name, value};
    return INLAY_OK;
}

static int32_t load(inlay__machine *m, uint32_t name, inlay__value *value) {
    for (inlay__scope *scope = m->scope; scope != NULL; scope = scope->parent) {
        inlay__variable *there = find_here(scope, name);
        INLAY__TRY(inlay__charge(m, scope->n / 16));
        if (there == NULL) continue;
        *value = there->value.kind == INLAY__V_ABSENT ? inlay__undefined(m->program->names[name]) : there->value;
        return INLAY_OK;
    }
    *value = m->globals[name];
    return INLAY_OK;
}

/* -------------------------------------------------------------------- loops */

static int32_t begin_loop(inlay__machine *m, uint8_t flags) {
    inlay__value v = pop(m);
    inlay__loop *loop = inlay__heap_take(&m->heap, sizeof *loop);
    if (loop == NULL) return inlay__no_memory(m);
    *loop = (inlay__loop){.around = m->loop, .flags = flags, .depth = 1};
    loop->previous = loop->current = inlay__undefined(NULL);
    INLAY__TRY(inlay__items_of(m, &v, &loop->list));
    if ((flags & INLAY__FOR_FILTERS) != 0) {
        loop->kept = inlay__heap_take_array(&m->heap, loop->list->n, sizeof *loop->kept);
        if (loop->kept == NULL) return inlay__no_memory(m);
    }
    m->loop = loop;
    return INLAY_OK;
}

/* The next item onto the stack; false when there is none, and then a filter's items are those of the loop. */
static int32_t next_item(inlay__machine *m, bool filters, bool *any) {
    inlay__loop *loop = m->loop;
    *any = loop->next < loop->list->n;
    if (*any) return push(m, loop->list->items[loop->next++]);
    if (!filters) return INLAY_OK;
    inlay__list *list = inlay__heap_take(&m->heap, sizeof *list);
    if (list == NULL) return inlay__no_memory(m);
    *list = (inlay__list){.items = loop->kept, .n = loop->n_kept};
    loop->list = list;
    loop->next = 0;
    return INLAY_OK;
}

static int32_t enter_iteration(inlay__machine *m) {
    inlay__loop *loop = m->loop;
    loop->previous = loop->current;
    loop->current = loop->list->items[loop->next - 1];
    loop->n_entered++;
    if ((loop->flags & INLAY__FOR_USES_LOOP) == 0) return INLAY_OK;
    return store(m, INLAY__NAME_LOOP, (inlay__value){.kind = INLAY__V_LOOP, .of.loop = loop});
}

/* -------------------------------------------------------------------- calls */

static int32_t macro_error(const inlay__macro *macro, const char *what, const inlay__string *name) {
    int size = macro->name != NULL ? (int)inlay__min_size(macro->name->size, 64) : 6;
    const char *text = macro->name != NULL ? macro->name->text : "caller";
    if (name == NULL) return inlay__fail(INLAY_ERR_TEMPLATE, "macro '%.*s' %s", size, text, what);
    return inlay__fail(INLAY_ERR_TEMPLATE, "macro '%.*s' %s '%.*s'", size, text, what,
                       (int)inlay__min_size(name->size, 64), name->text);
}

/* Arguments beyond the parameters: varargs, kwargs and caller. */
static int32_t bind_more(inlay__machine *m, const inlay__macro *macro, const inlay__arguments *args,
                         inlay__value *extra, size_t n_extra, inlay__value caller) {
    size_t n_more = args->n > macro->n_params ? args->n - macro->n_params : 0;
    if (n_more > 0 && !macro->takes_more) return macro_error(macro, "takes fewer arguments", NULL);
    if (n_extra > 0 && !macro->takes_named) return macro_error(macro, "takes no keyword argument", extra[0].of.string);
    if (caller.kind != INLAY__V_ABSENT && !macro->takes_caller) return macro_error(macro, "takes no caller", NULL);
    if (macro->takes_more) {
        inlay__list *list = inlay__list_new(&m->heap, n_more);
        if (list == NULL) return inlay__no_memory(m);
        for (size_t i = 0; i < n_more; i++) list->items[i] = args->positional[macro->n_params + i];
        INLAY__TRY(store(m, INLAY__NAME_VARARGS, inlay__list_value(INLAY__V_TUPLE, list)));
    }
    if (macro->takes_named) {
        inlay__value named;
        INLAY__TRY(inlay__dict_new(m, extra, n_extra, &named));
        INLAY__TRY(store(m, INLAY__NAME_KWARGS, named));
    }
    if (!macro->takes_caller || find_here(m->scope, INLAY__NAME_CALLER) != NULL) return INLAY_OK;
    return store(m, INLAY__NAME_CALLER,
                 caller.kind == INLAY__V_ABSENT ? inlay__undefined(m->program->names[INLAY__NAME_CALLER]) : caller);
}

/* The parameters into the macro's scope, those not given as absent: defaults follow in code. */
static int32_t bind_parameters(inlay__machine *m, const inlay__macro *macro, const inlay__arguments *args) {
    const uint32_t *params = macro->n_params > 0 ? m->program->params + macro->first_param : NULL;
    inlay__value *extra = inlay__heap_take_array(&m->heap, 2 * args->n_named, sizeof *extra),
                 caller = {.kind = INLAY__V_ABSENT};
    size_t n_extra = 0;
    if (extra == NULL) return inlay__no_memory(m);
    for (size_t i = 0; i < macro->n_params; i++)
        INLAY__TRY(store(m, params[i], i < args->n ? args->positional[i] : (inlay__value){.kind = INLAY__V_ABSENT}));
    for (size_t i = 0; i < args->n_named; i++) {
        const inlay__string *name = args->named[2 * i].of.string;
        size_t p = 0;
        INLAY__TRY(inlay__charge(m, 1 + macro->n_params / 4));
        while (p < macro->n_params && !inlay__strings_equal(m->program->names[params[p]], name)) p++;
        if (p < args->n && p < macro->n_params) return macro_error(macro, "got two values for", name);
        if (p < macro->n_params) {
            m->scope->variables[p].value = args->named[2 * i + 1];
        } else if (inlay__string_is(name, "caller")) {
            caller = args->named[2 * i + 1];
        } else {
            extra[2 * n_extra] = args->named[2 * i];
            extra[2 * n_extra++ + 1] = args->named[2 * i + 1];
        }
    }
    return bind_more(m, macro, args, extra, n_extra, caller);
}

static int32_t enter_macro(inlay__machine *m, const inlay__macro_value *value, const inlay__arguments *args,
                           size_t *ip) {
    const inlay__macro *macro = &m->program->macros[value->macro];
    if (m->n_frames == INLAY__RENDER_MAX_CALLS)
        return inlay__fail(INLAY_ERR_TEMPLATE, "macros call each other deeper than %d", INLAY__RENDER_MAX_CALLS);
    m->frames[m->n_frames++] = (inlay__frame){*ip + 1, m->scope, m->loop, m->n_out};
    INLAY__TRY(begin_scope(m, value->scope));
    m->loop = NULL;
    INLAY__TRY(bind_parameters(m, macro, args));
    *ip = value->begin;
    return INLAY_OK;
}

static int32_t leave_macro(inlay__machine *m, size_t *ip) {
    const inlay__frame *frame = &m->frames[--m->n_frames];
    inlay__value text;
    INLAY__TRY(inlay__out_take(m, frame->output, &text));
    end_scope(m);
    m->scope = frame->scope;
    m->loop = frame->loop;
    *ip = frame->return_to;
    return push(m, text);
}

/* * and ** arguments: all of them in arrays of the heap. */
static int32_t spread(inlay__machine *m, uint16_t flags, const inlay__value *star, const inlay__value *stars,
                      inlay__arguments *args) {
    const inlay__list *more = NULL;
    const inlay__dict *dict = NULL;
    if ((flags & INLAY__ARGS_STAR) != 0) INLAY__TRY(inlay__items_of(m, star, &more));
    if ((flags & INLAY__ARGS_STAR_STAR) != 0) {
        if (stars->kind != INLAY__V_DICT)
            return inlay__fail(INLAY_ERR_TEMPLATE, "argument after ** must be a dictionary");
        dict = stars->of.dict;
    }
    size_t n_more = more != NULL ? more->n : 0, n_named = dict != NULL ? dict->n : 0;
    inlay__value *all = inlay__heap_take_array(&m->heap, args->n + n_more + 2 * (args->n_named + n_named), sizeof *all);
    if (all == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, n_more + n_named));
    inlay__value *named = all + args->n + n_more;
    if (args->n > 0) memcpy(all, args->positional, args->n * sizeof *all);
    if (n_more > 0) memcpy(all + args->n, more->items, n_more * sizeof *all);
    if (args->n_named > 0) memcpy(named, args->named, 2 * args->n_named * sizeof *all);
    if (n_named > 0) memcpy(named + 2 * args->n_named, dict->pairs, 2 * n_named * sizeof *all);
    for (size_t i = 0; i < args->n_named + n_named; i++)
        if (named[2 * i].kind != INLAY__V_STRING)
            return inlay__fail(INLAY_ERR_TEMPLATE, "the keys of ** arguments must be strings");
    *args = (inlay__arguments){all, args->n + n_more, named, args->n_named + n_named};
    return INLAY_OK;
}

/* Call, filter and test: the value and its arguments are taken from the stack, the result put there. */
static int32_t call(inlay__machine *m, const inlay__instruction *in, size_t *ip) {
    size_t n_named = in->m & INLAY__ARGS_NAMED, star = (in->m & INLAY__ARGS_STAR) != 0,
           stars = (in->m & INLAY__ARGS_STAR_STAR) != 0;
    size_t base = m->n_stack - (1 + in->n + star + 2 * n_named + stars);
    const inlay__value *values = m->stack + base;
    inlay__value self = values[0], result = inlay__undefined(NULL);
    inlay__arguments args = {values + 1, in->n, values + 1 + in->n + star, n_named};
    bool passes = false;
    if (star || stars) INLAY__TRY(spread(m, in->m, values + 1 + in->n, values + 1 + in->n + star + 2 * n_named, &args));
    if (in->op == INLAY__OP_CALL && self.kind == INLAY__V_MACRO) {
        INLAY__TRY(enter_macro(m, self.of.macro, &args, ip)); /* the arguments are bound */
        m->n_stack = base;
        return INLAY_OK;
    }
    if (in->op != INLAY__OP_CALL && in->a < 0) {
        const inlay__string *name = m->program->constants[-1 - in->a].of.string;
        return inlay__fail(INLAY_ERR_TEMPLATE, "there is no %s named '%.*s'",
                           in->op == INLAY__OP_FILTER ? "filter" : "test", (int)inlay__min_size(name->size, 64),
                           name->text);
    }
    if (in->op == INLAY__OP_CALL) {
        INLAY__TRY(inlay__value_call(m, &self, &args, &result));
    } else if (in->op == INLAY__OP_FILTER) {
        INLAY__TRY(inlay__filter_run(m, in->a, &self, &args, &result));
    } else {
        INLAY__TRY(inlay__test_run(m, in->a, &self, &args, &passes));
        result = inlay__bool(passes);
    }
    m->n_stack = base;
    ++*ip;
    return push(m, result);
}

static int32_t make_macro(inlay__machine *m, const inlay__instruction *in) {
    uint32_t index = (uint32_t)in->a;
    inlay__macro_value *macro = inlay__heap_take(&m->heap, sizeof *macro);
    if (macro == NULL) return inlay__no_memory(m);
    *macro = (inlay__macro_value){index, (uint32_t)(in - m->program->code) - m->program->macros[index].begin, m->scope};
    for (inlay__scope *scope = m->scope; scope != NULL && !scope->kept; scope = scope->parent) scope->kept = true;
    return push(m, (inlay__value){.kind = INLAY__V_MACRO, .of.macro = macro});
}

/* ------------------------------------------------------------- instructions */

static int32_t build(inlay__machine *m, const inlay__instruction *in) {
    size_t n = (size_t)in->a * (in->op == INLAY__OP_DICT ? 2 : 1);
    inlay__list *list = inlay__list_new(&m->heap, n);
    inlay__value result;
    if (list == NULL) return inlay__no_memory(m);
    INLAY__TRY(inlay__charge(m, n / 8));
    m->n_stack -= n;
    if (n > 0) memcpy(list->items, m->stack + m->n_stack, n * sizeof *list->items);
    if (in->op == INLAY__OP_DICT)
        INLAY__TRY(inlay__dict_new(m, list->items, n / 2, &result));
    else
        result = inlay__list_value(in->op == INLAY__OP_LIST    ? INLAY__V_LIST
                                   : in->op == INLAY__OP_TUPLE ? INLAY__V_TUPLE
                                                               : INLAY__V_SLICE,
                                   list);
    return push(m, result);
}

static int32_t unpack(inlay__machine *m, size_t n) {
    inlay__value v = pop(m);
    const inlay__list *items = NULL;
    INLAY__TRY(inlay__items_of(m, &v, &items));
    if (items->n != n)
        return inlay__fail(INLAY_ERR_TEMPLATE, "%s values to unpack: expected %zu, found %zu",
                           items->n < n ? "not enough" : "too many", n, items->n);
    for (size_t i = n; i-- > 0;) INLAY__TRY(push(m, items->items[i]));
    return INLAY_OK;
}

static int32_t concat(inlay__machine *m) {
    inlay__value right = pop(m), *left = top(m);
    size_t start = m->n_out;
    INLAY__TRY(inlay__write_str(m, left));
    INLAY__TRY(inlay__write_str(m, &right));
    return inlay__out_take(m, start, left);
}

static int32_t store_attribute(inlay__machine *m, const inlay__instruction *in) {
    inlay__value space = pop(m), value = pop(m);
    if (space.kind != INLAY__V_NAMESPACE)
        return inlay__fail(INLAY_ERR_TEMPLATE, "cannot assign attribute on non-namespace object");
    return inlay__namespace_set(m, space.of.space, m->program->constants[in->a].of.string, value);
}

static int32_t compare(inlay__machine *m, const inlay__instruction *in, size_t *ip) {
    inlay__value right = pop(m), *left = top(m);
    bool holds = false;
    INLAY__TRY(inlay__compare(m, (inlay__comparison)in->n, left, &right, &holds));
    bool chain = in->op == INLAY__OP_COMPARE_CHAIN;
    *left = chain && holds ? right : inlay__bool(holds);
    *ip += chain && !holds ? (size_t)in->a : 1;
    return INLAY_OK;
}

static int32_t jump(inlay__machine *m, const inlay__instruction *in, size_t *ip) {
    bool jumps = true;
    if (in->op != INLAY__OP_JUMP) {
        bool is_true = inlay__value_is_true(top(m));
        jumps = in->op == INLAY__OP_JUMP_TRUE_KEEP ? is_true : !is_true;
        if (in->op == INLAY__OP_JUMP_FALSE || !jumps) m->n_stack--;
    }
    *ip = (size_t)((int64_t)*ip + (jumps ? in->a : 1));
    return INLAY_OK;
}

static int32_t loop_step(inlay__machine *m, const inlay__instruction *in, size_t *ip) {
    bool any = true;
    inlay__loop *loop = m->loop;
    switch (in->op) {
    case INLAY__OP_FOR: INLAY__TRY(begin_loop(m, in->n)); break;
    case INLAY__OP_FOR_TRY: INLAY__TRY(next_item(m, true, &any)); break;
    case INLAY__OP_FOR_NEXT: INLAY__TRY(next_item(m, false, &any)); break;
    case INLAY__OP_FOR_KEEP: {
        inlay__value keep = pop(m);
        if (inlay__value_is_true(&keep)) loop->kept[loop->n_kept++] = loop->list->items[loop->next - 1];
        break;
    }
    case INLAY__OP_FOR_ENTER: INLAY__TRY(enter_iteration(m)); break;
    default: /* FOR_END */
        any = loop->n_entered == 0;
        m->loop = loop->around;
        break;
    }
    *ip += any ? 1 : (size_t)in->a;
    return INLAY_OK;
}

/* The instructions that work on values and go on to the next. */
static int32_t step(inlay__machine *m, const inlay__instruction *in) {
    const inlay__value *constants = m->program->constants;
    inlay__value right, result;
    switch (in->op) {
    case INLAY__OP_CONST: return push(m, constants[in->a]);
    case INLAY__OP_LOAD: INLAY__TRY(load(m, (uint32_t)in->a, &result)); return push(m, result);
    case INLAY__OP_STORE: right = pop(m); return store(m, (uint32_t)in->a, right);
    case INLAY__OP_STORE_ATTR: return store_attribute(m, in);
    case INLAY__OP_UNPACK: return unpack(m, (size_t)in->a);
    case INLAY__OP_PRINT: right = pop(m); return inlay__write_str(m, &right);
    case INLAY__OP_TEXT: return inlay__out_string(m, constants[in->a].of.string);
    case INLAY__OP_NOT: *top(m) = inlay__bool(!inlay__value_is_true(top(m))); return INLAY_OK;
    case INLAY__OP_NEG:
    case INLAY__OP_POS: right = *top(m); return inlay__negate(&right, in->op == INLAY__OP_NEG, top(m));
    case INLAY__OP_BINARY:
        right = pop(m);
        INLAY__TRY(inlay__binary(m, in->n, top(m), &right, &result));
        *top(m) = result;
        return INLAY_OK;
    case INLAY__OP_CONCAT: return concat(m);
    case INLAY__OP_ATTR:
        INLAY__TRY(inlay__get_attribute(m, top(m), constants[in->a].of.string, (int32_t)in->m - 1, &result));
        *top(m) = result;
        return INLAY_OK;
    case INLAY__OP_ITEM:
        right = pop(m);
        INLAY__TRY(inlay__get_item(m, top(m), &right, &result));
        *top(m) = result;
        return INLAY_OK;
    case INLAY__OP_SLICE:
        return build(m, &(inlay__instruction){.op = INLAY__OP_SLICE, .a = 3});
    case INLAY__OP_LIST:
    case INLAY__OP_TUPLE:
    case INLAY__OP_DICT: return build(m, in);
    case INLAY__OP_SCOPE: return begin_scope(m, m->scope);
    case INLAY__OP_SCOPE_END: end_scope(m); return INLAY_OK;
    case INLAY__OP_MACRO: return make_macro(m, in);
    case INLAY__OP_CAPTURE: return push(m, inlay__int((int64_t)m->n_out));
    default: /* CAPTURE_END */
        right = pop(m);
        INLAY__TRY(inlay__out_take(m, (size_t)right.of.integer, &result));
        return push(m, result);
    }
}

static int32_t run(inlay__machine *m, size_t *ip) {
    for (;;) {
        const inlay__instruction *in = &m->program->code[*ip];
        INLAY__TRY(inlay__charge(m, 1));
        switch (in->op) {
        case INLAY__OP_JUMP:
        case INLAY__OP_JUMP_FALSE:
        case INLAY__OP_JUMP_FALSE_KEEP:
        case INLAY__OP_JUMP_TRUE_KEEP: INLAY__TRY(jump(m, in, ip)); break;
        case INLAY__OP_COMPARE:
        case INLAY__OP_COMPARE_CHAIN: INLAY__TRY(compare(m, in, ip)); break;
        case INLAY__OP_CALL:
        case INLAY__OP_FILTER:
        case INLAY__OP_TEST: INLAY__TRY(call(m, in, ip)); break;
        case INLAY__OP_FOR:
        case INLAY__OP_FOR_TRY:
        case INLAY__OP_FOR_KEEP:
        case INLAY__OP_FOR_NEXT:
        case INLAY__OP_FOR_ENTER:
        case INLAY__OP_FOR_END: INLAY__TRY(loop_step(m, in, ip)); break;
        case INLAY__OP_DEFAULT:
            *ip += m->scope->variables[in->m].value.kind != INLAY__V_ABSENT ? (size_t)in->a : 1;
            break;
        case INLAY__OP_RETURN:
            if (m->n_frames == 0) return INLAY_OK;
            INLAY__TRY(leave_macro(m, ip));
            break;
        default:
            INLAY__TRY(step(m, in));
            ++*ip;
            break;
        }
    }
}

int32_t inlay__machine_run(inlay__machine *m) {
    size_t ip = 0;
    m->frames = inlay__heap_take_array(&m->heap, INLAY__RENDER_MAX_CALLS, sizeof *m->frames);
    if (m->frames == NULL) return inlay__no_memory(m);
    INLAY__TRY(begin_scope(m, NULL));
    int32_t status = run(m, &ip);
    if (status != INLAY_ERR_TEMPLATE) return status;
    const inlay__jinja *p = m->program;
    return inlay__jinja_fail_at(p->name, p->source, p->size, p->code[ip].pos, status);
}

void inlay__machine_free(inlay__machine *m) {
    inlay__free(m->sys, m->out, m->out_capacity);
    inlay__free(m->sys, m->marks, m->marks_capacity);
    inlay__free(m->sys, m->stack, m->stack_capacity * sizeof *m->stack);
    inlay__heap_free(&m->heap);
}
