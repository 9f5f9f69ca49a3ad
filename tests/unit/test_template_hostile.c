/* Hostile templates: an error each, within 100 ms, on a stack of 64 KiB, and no memory is held. */
#include <pthread.h>
#include <time.h>

#include "support/accounting_sys.h"
#include "template/template.h"
#include "test.h"

enum { SLOWEST_MS = 100, STACK_SIZE = 64 * 1024 };

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

typedef struct job {
    accounting *a;
    const char *source, *variables;
    size_t size, variables_size;
    int32_t status;
    char error[1024];
    double took;
} job;

static void *work(void *arg) {
    job *j = arg;
    const inlay__template_input input = {NULL, j->variables, j->variables_size};
    inlay__rendering r;
    double begin = now_ms();
    j->status = inlay__template_render(&j->a->sys, "template", j->source, j->size, &input, 1, NULL, 0, &r);
    j->took = now_ms() - begin;
    snprintf(j->error, sizeof j->error, "%s", j->status == INLAY_OK ? "" : inlay__error_text());
    if (j->status == INLAY_OK) inlay__rendering_free(&j->a->sys, &r);
    return NULL;
}

/* On a thread whose stack is small; a sanitizer needs more for itself. */
static void run(job *j) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK_INT(pthread_attr_setstacksize(&attributes, STACK_SIZE), 0);
#endif
    if (CHECK(pthread_create(&thread, &attributes, work, j) == 0)) pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static const char usual[] = "{\"d\": {\"a\": 1}, \"s\": \"text\"}";

static job job_of(accounting *a, const char *source, size_t size) {
    return (job){.a = a, .source = source, .size = size, .variables = usual, .variables_size = sizeof usual - 1};
}

/* Runs it within the time; the status and the error are the last run's. */
static void run_in_time(job *j) {
    j->took = 2 * SLOWEST_MS;
    for (int i = 0; i < 5 && j->took >= SLOWEST_MS; i++) run(j); /* a busy machine may slow one down */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(j->took < SLOWEST_MS);
#endif
    if (j->took >= SLOWEST_MS) fprintf(stderr, "%.60s took %.0f ms\n", j->source, j->took);
    CHECK_INT(j->a->n_live, 0);
}

static void check_refused(const char *source, size_t size) {
    accounting a;
    accounting_init(&a);
    job j = job_of(&a, source, size);
    run_in_time(&j);
    CHECK_INT(j.status, INLAY_ERR_TEMPLATE);
    CHECK_HAS(j.error, "line");
}

static void refused(const char *source) { check_refused(source, strlen(source)); }

/* `n` times `open`, then `n` times `close`. */
static char *nest(const char *before, const char *open, size_t n, const char *close, const char *after) {
    size_t size = strlen(before) + n * (strlen(open) + strlen(close)) + strlen(after), at = strlen(before);
    char *text = malloc(size + 1);
    memcpy(text, before, at);
    for (size_t i = 0; i < n; i++, at += strlen(open)) memcpy(text + at, open, strlen(open));
    for (size_t i = 0; i < n; i++, at += strlen(close)) memcpy(text + at, close, strlen(close));
    memcpy(text + at, after, strlen(after) + 1);
    return text;
}

static void nested(const char *before, const char *open, size_t n, const char *close, const char *after) {
    char *text = nest(before, open, n, close, after);
    check_refused(text, strlen(text));
    free(text);
}

/* Long, but no deeper than others: it may run or be refused, in time and on the small stack. */
static void chained(const char *before, const char *part, size_t n, const char *after) {
    accounting a;
    char *text = nest(before, part, n, "", after);
    accounting_init(&a);
    job j = job_of(&a, text, strlen(text));
    run_in_time(&j);
    CHECK(j.status == INLAY_OK || j.status == INLAY_ERR_TEMPLATE);
    free(text);
}

TEST(a_range_of_a_billion_is_refused) {
    refused("{% for i in range(1000000000) %}x{% endfor %}");
    refused("{{ range(1000000000) | list | length }}");
}

TEST(a_string_repeated_without_end_is_refused) {
    refused("{{ '-' * 10000000000 }}");
    refused("{{ 10000000000 * '-' }}");
    refused(
        "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor "
        "%}");
    refused("{{ '%099999d%099999d' % (1, 2) * 1000 }}{{ 'a' | center(9999999999) }}");
    refused("{{ [0] * 10000000000 }}");
}

TEST(loops_within_loops_run_out_of_steps) {
    refused("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
    refused(
        "{% for a in range(99999) %}{% for b in range(99) %}{{ 'x' | upper | replace('x', 'y') }}{% endfor %}{% endfor "
        "%}");
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

TEST(long_chains_need_no_stack) {
    enum { N = 50000 };
    chained("{{ 1", " + 1", N, " }}");
    chained("{{ 1", " ** 1", N, " }}");
    chained("{{ 1", " < 2", N, " }}");
    chained("{{ 1", " and 1", N, " }}");
    chained("{{ 1", " if 1 else 2", N, " }}");
    chained("{{ ", "not ", N, "1 }}");
    chained("{{ ", "-", N, "1 }}");
    chained("{{ s", "~s", N, " }}");
    chained("{{ s", "|trim", N, " }}");
    chained("{{ s", "|map('trim')", N, "|list }}");
    chained("{{ d", ".a", N, " }}");
    chained("{{ s", "[0]", N, " }}");
    chained("{{ s", "()", N, " }}");
    chained("{{ ", "'a' ", N, " }}");
    chained("{{ [", "1,", N, "] }}");
    chained("{% if 0 %}", "{% elif 0 %}", N, "{% endif %}");
    chained("", "{% set s = s ~ 'a' %}", N, "");
    chained("", "{# #}", N, "");
    chained("", "{% macro m() %}{% endmacro %}", 20000, "");
}

TEST(macros_as_deep_as_allowed_fit_the_stack) {
    accounting a;
    accounting_init(&a);
    static const char source[] =
        "{% macro f(n) %}{% for i in [n] %}{{ f(n + 1) | trim if n < 60 else [n] | map('string') | list | tojson }}{% "
        "endfor %}{% endmacro %}{{ f(0) }}";
    job j = job_of(&a, source, sizeof source - 1);
    run_in_time(&j);
    CHECK_INT(j.status, INLAY_OK);
}

TEST(generators_within_generators_are_refused) {
    refused(
        "{% set ns = namespace(g=[1]) %}{% for i in range(99999) %}{% set ns.g = [ns.g] | map('list') %}{% endfor %}{{ "
        "ns.g | list }}");
    refused(
        "{% set ns = namespace(g=[1]) %}{% for i in range(5000) %}{% set ns.g = ns.g | map('string') %}{% endfor %}{{ "
        "ns.g | first }}");
    refused(
        "{% set ns = namespace(g=[1]) %}{% for i in range(5000) %}{% set ns.g = ns.g | select('sameas', ns) | reverse "
        "%}{% endfor %}{{ ns.g | map('nofilter') | list | length ~ none_.x.y }}");
}

TEST(values_that_hold_themselves_are_refused) {
    refused("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a | tojson }}");
    refused("{% set ns = namespace(l=[]) %}{% for i in range(2000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}");
    refused(
        "{% set ns = namespace(l=[]) %}{% for i in range(2000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson "
        "}}");
    refused(
        "{% set ns = namespace(l=[], m=[]) %}{% for i in range(2000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] "
        "%}{% endfor %}{{ ns.l == ns.m }}");
    refused(
        "{% set ns = namespace(l=[]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}");
    refused(
        "{% set ns = namespace(l=[]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l + [1] %}{% endfor %}{{ ns.l | "
        "length }}");
}

TEST(text_work_that_grows_as_its_square_is_refused) {
    refused("{% set t = 'ab' * 200000 %}{% for i in range(99999) %}{{ 'zz' in t }}{% endfor %}");
    refused("{% set t = 'a' * 400000 %}{% for i in range(99999) %}{{ t.rfind('b' * 999) }}{% endfor %}");
    refused("{% set t = 'a' * 1000000 %}{% for i in range(99999) %}{{ t | upper | length }}{% endfor %}");
    refused(
        "{% set t = 'a ' * 500000 %}{% for i in range(99) %}{{ t.split() | length }}{{ t | wordcount }}{% endfor %}");
    refused("{% set t = 'a' * 1000000 %}{{ t | list | sort | join | list | unique | list }}{{ t | replace('a', t) }}");
    refused("{{ 's' | indent(999999999) }}{{ 's' * 2 | center(99999999999) }}");
    refused("{% set t = '\\n' * 1000000 %}{{ t | indent(100000, true, true) }}");
    refused("{% for i in range(99999) %}{{ strftime_now('%A' * 999) | length }}{% endfor %}");
    refused("{{ '{:>9999999999}'.format(1) }}{{ '%*d' % (999999999, 1) }}");
    refused("{% set l = range(99999) | list %}{% for i in l %}{{ l | sort(reverse=true) | first }}{% endfor %}");
    refused("{% set l = range(99999) | list %}{% for i in l %}{{ l[::-1][0] }}{{ l | sum }}{% endfor %}");
    refused(
        "{% set ns = namespace(d={}) %}{% for i in range(99999) %}{% set ns.d = dict(ns.d, **{i ~ '': i}) %}{% endfor "
        "%}");
}

TEST(what_is_no_text_is_refused) {
    check_refused("{{ 1 }}\xff", 8);
    check_refused("\xed\xa0\x80", 3);
    check_refused("{{ 'a\0", 7);
    check_refused("{\0{{ }}", 8);
    refused("{{ '\\ud800' }}{{ 1 + }}");
}

TEST(a_template_of_more_than_a_megabyte_is_refused) {
    accounting a;
    char *text = nest("", "0123456789abcdef", (1 << 20) / 16 + 1, "", "");
    accounting_init(&a);
    job j = job_of(&a, text, strlen(text));
    run_in_time(&j);
    CHECK_INT(j.status, INLAY_ERR_TEMPLATE);
    CHECK_HAS(j.error, "expected at most 1048576");
    free(text);
}

TEST(data_that_is_nested_deep_or_wide_is_no_danger) {
    static const char source[] = "{{ x | tojson | length }}{% for i in x %}{{ i }}{% endfor %}";
    accounting a;
    for (int wide = 0; wide < 2; wide++) {
        char *data =
            wide ? nest("{\"x\": [", "{\"k\": 1},", 100000, "", "0]}") : nest("{\"x\": ", "[", 100000, "]", "}");
        accounting_init(&a);
        job j = job_of(&a, source, sizeof source - 1);
        j.variables = data;
        j.variables_size = strlen(data);
        run_in_time(&j);
        CHECK(j.status == INLAY_OK || j.status == INLAY_ERR_FORMAT || j.status == INLAY_ERR_TEMPLATE);
        if (!wide) CHECK(j.status != INLAY_OK);
        free(data);
    }
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
    static const char source[] =
        "{% macro m(a) %}{{ a }}{% endmacro %}{% for k, v in d.items() %}{{ m(k) ~ v }}{{ s | upper }}{% endfor %}"
        "{{ d | map('upper', x=1) | list if 0 }}{{ s | map('upper') | select | list | sort | "
        "tojson }}{{ d | dictsort }}";
    accounting a;
    for (size_t n = 1; n < 200; n++) {
        accounting_init(&a);
        a.fail_at = n;
        job j = job_of(&a, source, sizeof source - 1);
        run(&j);
        CHECK_INT(a.n_live, 0);
        if (j.status == INLAY_OK) return;
        CHECK_INT(j.status, INLAY_ERR_MEMORY);
    }
    CHECK_INT(a.fail_at, 0); /* never came to an end */
}

TEST_MAIN(CASE(a_range_of_a_billion_is_refused), CASE(a_string_repeated_without_end_is_refused),
          CASE(loops_within_loops_run_out_of_steps), CASE(a_macro_that_calls_itself_is_refused),
          CASE(blocks_nested_a_hundred_thousand_deep_are_refused), CASE(brackets_nested_deep_are_refused),
          CASE(long_chains_need_no_stack), CASE(macros_as_deep_as_allowed_fit_the_stack),
          CASE(generators_within_generators_are_refused), CASE(values_that_hold_themselves_are_refused),
          CASE(text_work_that_grows_as_its_square_is_refused), CASE(what_is_no_text_is_refused),
          CASE(a_template_of_more_than_a_megabyte_is_refused), CASE(data_that_is_nested_deep_or_wide_is_no_danger),
          CASE(huge_literals_are_refused), CASE(names_with_two_underscores_lead_nowhere),
          CASE(values_are_never_changed), CASE(any_failed_allocation_is_an_error))
