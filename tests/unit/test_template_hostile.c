/* Hostile templates: an error each, within 100 ms, and no memory is held. */
#include <time.h>

#include "support/accounting_sys.h"
#include "template/template.h"
#include "test.h"

enum { SLOWEST_MS = 100 };

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int32_t render(accounting *a, const char *source, size_t size) {
    static const char variables[] = "{\"d\": {\"a\": 1}, \"s\": \"text\"}";
    const inlay__template_input input = {NULL, variables, sizeof variables - 1};
    inlay__rendering r;
    int32_t status = inlay__template_render(&a->sys, "template", source, size, &input, 1, NULL, 0, &r);
    if (status == INLAY_OK) inlay__rendering_free(&a->sys, &r);
    return status;
}

static void check_refused(const char *source, size_t size) {
    accounting a;
    accounting_init(&a);
    double took = 2 * SLOWEST_MS;
    for (int i = 0; i < 5 && took >= SLOWEST_MS; i++) { /* a busy machine may slow one down */
        double begin = now_ms();
        CHECK_INT(render(&a, source, size), INLAY_ERR_TEMPLATE);
        took = now_ms() - begin;
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(took < SLOWEST_MS);
#endif
    if (took >= SLOWEST_MS) fprintf(stderr, "%.60s took %.0f ms\n", source, took);
    CHECK_HAS(inlay__error_text(), "line");
    CHECK_INT(a.n_live, 0);
}

static void refused(const char *source) { check_refused(source, strlen(source)); }

/* `n` times `open`, then `middle`, then `n` times `close`. */
static void nested(const char *before, const char *open, size_t n, const char *close, const char *after) {
    size_t size = strlen(before) + n * (strlen(open) + strlen(close)) + strlen(after), at = strlen(before);
    char *text = malloc(size + 1);
    memcpy(text, before, at);
    for (size_t i = 0; i < n; i++, at += strlen(open)) memcpy(text + at, open, strlen(open));
    for (size_t i = 0; i < n; i++, at += strlen(close)) memcpy(text + at, close, strlen(close));
    memcpy(text + at, after, strlen(after) + 1);
    check_refused(text, size);
    free(text);
}

TEST(a_range_of_a_billion_is_refused) {
    refused("{% for i in range(1000000000) %}x{% endfor %}");
    refused("{{ range(1000000000) | list | length }}");
}

TEST(a_string_repeated_without_end_is_refused) {
    refused("{{ '-' * 10000000000 }}");
    refused("{{ 10000000000 * '-' }}");
    refused("{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}");
    refused("{{ '%099999d%099999d' % (1, 2) * 1000 }}{{ 'a' | center(9999999999) }}");
    refused("{{ [0] * 10000000000 }}");
}

TEST(loops_within_loops_run_out_of_steps) {
    refused("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
    refused("{% for a in range(99999) %}{% for b in range(99) %}{{ 'x' | upper | replace('x', 'y') }}{% endfor %}{% endfor %}");
    refused("{% set l = range(50000) | list %}{% for a in l %}{{ 'q' in l }}{% endfor %}");
    refused("{% set l = range(99999) | map('string') | list %}{{ l | unique | list | length }}");
}

TEST(a_macro_that_calls_itself_is_refused) {
    refused("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
    refused("{% macro f(n) %}{{ f(n + 1) ~ f(n + 1) }}{% endmacro %}{{ f(0) }}");
    refused("{% macro f() %}{% call f() %}{{ caller }}{% endcall %}{% endmacro %}{{ f() }}");
}

TEST(blocks_nested_a_hundred_thousand_deep_are_refused) {
    enum { N = 40000 };
    nested("", "{% if 1 %}", N, "{%endif%}", "");
    nested("", "{% for i in d %}", N, "{%endfor%}", "");
}

TEST(brackets_nested_deep_are_refused) {
    enum { N = 100000 };
    nested("{{ ", "(", N, ")", " }}");
    nested("{{ ", "[", N, "]", " }}");
    nested("{{ ", "{1:", 200, "}", " }}");
    nested("{{ 1", " if (1", 200, ")", " }}");
}

TEST(huge_literals_are_refused) {
    refused("{{ 99999999999999999999999999 }}");
    refused("{{ 1e999 }}");
    refused("{{ 9223372036854775807 + 1 }}");
    refused("{{ 2 ** 64 }}");
    refused("{{ 99 ** 99 ** 99 }}");
}

TEST(names_with_two_underscores_lead_nowhere) {
    refused("{{ ''.__class__.__mro__[1].__subclasses__() }}");
    refused("{{ d.__init__.__globals__['os'].system('id') }}");
    refused("{{ cycler.__init__.__globals__.os }}");
    refused("{% include '/etc/passwd' %}");
    refused("{% import 'os' as os %}");
}

TEST(values_are_never_changed) {
    refused("{{ d.update({'b': 2}) }}");
    refused("{{ [1].append(2) }}");
    refused("{% set d.a = 2 %}");
}

TEST(any_failed_allocation_is_an_error) {
    static const char source[] = "{% macro m(a) %}{{ a }}{% endmacro %}{% for k, v in d.items() %}{{ m(k) ~ v }}{{ s | upper }}{% endfor %}";
    accounting a;
    for (size_t n = 1; n < 200; n++) {
        accounting_init(&a);
        a.fail_at = n;
        int32_t status = render(&a, source, sizeof source - 1);
        CHECK_INT(a.n_live, 0);
        if (status == INLAY_OK) return;
        CHECK_INT(status, INLAY_ERR_MEMORY);
    }
    CHECK_INT(a.fail_at, 0); /* never came to an end */
}

TEST_MAIN(CASE(a_range_of_a_billion_is_refused), CASE(a_string_repeated_without_end_is_refused), CASE(loops_within_loops_run_out_of_steps),
          CASE(a_macro_that_calls_itself_is_refused), CASE(blocks_nested_a_hundred_thousand_deep_are_refused),
          CASE(brackets_nested_deep_are_refused), CASE(huge_literals_are_refused), CASE(names_with_two_underscores_lead_nowhere),
          CASE(values_are_never_changed), CASE(any_failed_allocation_is_an_error))
