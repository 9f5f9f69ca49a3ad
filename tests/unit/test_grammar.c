/* Grammars: what they match, what is refused, and that nothing takes more than its share of time and memory. */
#include "test.h"

#include "grammar/gbnf.h"
#include "grammar/reader.h"

typedef struct grammar {
    inlay__grammar compiled;
    inlay__reader reader;
} grammar;

static int32_t compile(const char *text, size_t size, inlay__grammar *compiled) {
    inlay__rules rules;
    inlay__rules_init(&rules, &inlay__sys_default);
    int32_t status = inlay__gbnf_read(&rules, text, size, NULL, NULL);
    if (status == INLAY_OK) status = inlay__grammar_compile(&rules, compiled);
    inlay__rules_free(&rules);
    return status;
}

static void open(grammar *g, const char *text) {
    int32_t status = compile(text, strlen(text), &g->compiled);
    if (status == INLAY_OK) status = inlay__reader_init(&g->reader, &inlay__sys_default, &g->compiled, 2);
    if (status == INLAY_OK) return;
    fprintf(stderr, "%s\n%s\n", text, inlay__error_text());
    exit(1);
}

static void close(grammar *g) {
    inlay__reader_free(&g->reader);
    inlay__grammar_free(&g->compiled);
}

/* -1: the text cannot be read; 0: it can go on; 1: and may also end. */
static int read_text(grammar *g, const char *text, size_t size) {
    CHECK_INT(inlay__reader_begin(&g->reader, INLAY__ROOT_NOW), INLAY_OK);
    for (size_t i = 0; i < size; i++) {
        int32_t status = inlay__reader_step(&g->reader, INLAY__ROOT_NOW, (uint8_t)text[i], INLAY__ROOT_NOW);
        CHECK_INT(status, INLAY_OK);
        if (status != INLAY_OK || inlay__reader_is_dead(&g->reader, INLAY__ROOT_NOW)) return -1;
    }
    return inlay__reader_ends(&g->reader, INLAY__ROOT_NOW);
}

/* Texts parted by spaces: those that match, and those that do not (whether or not they could go on). */
static void check_texts(const char *source, const char *yes, const char *no) {
    grammar g;
    open(&g, source);
    for (int wanted = 1; wanted >= 0; wanted--) {
        const char *text = wanted ? yes : no;
        while (*text != '\0') {
            size_t n = strcspn(text, " ");
            if ((read_text(&g, text, n) == 1) != wanted) {
                test_failures++;
                fprintf(stderr, "'%.*s' is %smatched by\n%s\n", (int)n, text, wanted ? "not " : "", source);
            }
            text += n + (text[n] == ' ');
        }
    }
    close(&g);
}

static void check_refused(const char *source, int32_t status, const char *words) {
    inlay__grammar compiled;
    int32_t found = compile(source, strlen(source), &compiled);
    if (found == INLAY_OK) inlay__grammar_free(&compiled);
    if (found != status) {
        test_failures++;
        fprintf(stderr, "gives %d, expected %d:\n%s\n", found, status, source);
    }
    CHECK_HAS(inlay__error_text(), words);
}

TEST(every_form_of_item_matches_what_it_says) {
    check_texts("root ::= \"yes\" | \"no\"", "yes no", "y ye yess n on");
    check_texts("root ::= [a-c0-9_]", "a b c 5 _", "d A ab");
    check_texts("root ::= [^a-c]", "d \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "a b \xc3 dd");
    check_texts("root ::= [\\x41-\\u00e4\\U0001F600]", "A z \xc3\xa4 \xf0\x9f\x98\x80", "@ \xc3\xa5");
    check_texts("root ::= .", "a \xf4\x8f\xbf\xbf", "ab \xed\xa0\x80 \xf4\x90\x80\x80 \xc0\x80");
    check_texts("root ::= \"\\\"\\\\\\x2d\\[\\]\"", "\"\\-[]", "x");
    check_texts("root ::= a b\na ::= \"x\"\nb ::= \"y\" | a", "xy xx", "x y yx");
    check_texts("root ::= (\"a\" | \"b\") \"c\"", "ac bc", "a c");
    check_texts("root ::= \"a\"\n  | \"b\" # with a comment |\n  # and one alone\n  | \"c\"\n", "a b c", "d");
    check_texts("root ::= (\n \"a\"\n \"b\"\n)\r\nother ::= root", "ab", "a");
}

TEST(repetitions_match_their_counts) {
    check_texts("root ::= \"a\"* \"b\"+ \"c\"?", "b ab aabbc bc", "a c ac abcc");
    check_texts("root ::= \"a\"{2}", "aa", "a aaa");
    check_texts("root ::= \"a\"{2,}", "aa aaa aaaaaa", "a");
    check_texts("root ::= \"a\"{2,4}", "aa aaa aaaa", "a aaaaa");
    check_texts("root ::= \"a\"{,2} \"b\"", "b ab aab", "aaab");
    check_texts("root ::= \"a\"{0} \"b\"", "b", "ab");
    check_texts("root ::= (\"ab\"{2}){2}", "abababab", "ababab");
    check_texts("root ::= (\"a\"*)* \"b\"", "b ab aab", "a c");
    check_texts("root ::= (\"a\"? \"b\"?)* \"c\"", "c ac bc abbac", "ab");
    check_texts("root ::= (\"\" | \"a\")+ (\"\" | \"b\"){2,5} \"c\"", "c ac aaaac abbbbbc", "abbbbbbc");
}

/* More than is made inline: by rules that double. */
TEST(large_counts_are_exact) {
    grammar g;
    char text[40001];
    memset(text, 'a', sizeof text);
    open(&g, "root ::= \"a\"{10000,30007}");
    CHECK_INT(read_text(&g, text, 9999), 0);
    CHECK_INT(read_text(&g, text, 10000), 1);
    CHECK_INT(read_text(&g, text, 20011), 1);
    CHECK_INT(read_text(&g, text, 30007), 1);
    CHECK_INT(read_text(&g, text, 30008), -1);
    close(&g);
    open(&g, "root ::= (\"a\"{1,3} \"b\"){9001} \"c\"");
    for (size_t i = 0; i < 18002; i++)
        text[i] = i % 2 == 0 ? 'a' : 'b';
    text[18002] = 'c';
    CHECK_INT(read_text(&g, text, 18003), 1);
    CHECK_INT(read_text(&g, text, 18002), 0);
    text[18000] = 'c';
    CHECK_INT(read_text(&g, text, 18001), -1);
    close(&g);
}

TEST(rules_nest_and_return) {
    check_texts("root ::= \"(\" root \")\" | \"x\"", "x (x) ((x)) ((((((((x))))))))", "(x x) ((x)");
    check_texts("root ::= item (\",\" item)*\nitem ::= [0-9]+ | \"[\" root? \"]\"", "1 1,23 [] [1,[2,[]],3],4",
                ", 1, [1 [,]");
    check_texts("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"", "ab ac aabc aaabbb aacb", "a aab abb");
    check_texts("root ::= a a a\na ::= \"x\"?\n", "x xx xxx", "xxxx");
    check_texts("root ::= a \"z\"\na ::= b c\nb ::= \"\" | \"b\"\nc ::= b b", "z bz bbz bbbz", "bbbbz b");
    check_texts("root ::= list\nlist ::= \"x\" | \"x,\" list", "x x,x x,x,x,x", "x, ,x");
    check_texts("root ::= s \"!\"\ns ::= \"x\" s | \"y\"", "y! xy! xxxy!", "x! xx");
    /* a rule that calls the root at its beginning is no left recursion */
    check_texts("root ::= \"(\" tail | \"o\"\ntail ::= root \")\"", "o (o) ((o))", "( (o");
}

TEST(ambiguous_grammars_take_polynomial_time) {
    grammar g;
    char text[2001];
    memset(text, 'a', sizeof text);
    open(&g, "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"");
    CHECK_INT(read_text(&g, text, 2000), 0);
    close(&g);
    open(&g, "root ::= s\ns ::= \"a\" s s | \"a\"");
    CHECK_INT(read_text(&g, text, 101), 1);
    close(&g);
    open(&g, "root ::= (\"a\" | \"aa\" | \"aaa\")*");
    CHECK_INT(read_text(&g, text, 2000), 1);
    CHECK(g.reader.states.n < 20);
    close(&g);
    open(&g, "root ::= x x x x x x x x x x x x x x x x x x x x\nx ::= \"a\"*");
    CHECK_INT(read_text(&g, text, 2000), 1);
    close(&g);
}

TEST(what_is_forgotten_is_not_missed) {
    grammar g;
    static char text[200001];
    open(&g, "root ::= \"(\" root \")\" | \"x\" root | \"\"");
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 100000; i++)
            text[i] = i % 100 < 50 ? '(' : ')';
        CHECK_INT(read_text(&g, text, 50), 0);
        CHECK_INT(read_text(&g, text, 100), 1);
        memset(text, '(', 3000);
        memset(text + 3000, ')', 3000);
        CHECK_INT(read_text(&g, text, 5999), 0);
        CHECK_INT(read_text(&g, text, 6000), 1);
        CHECK_INT(read_text(&g, text, 6001), -1);
    }
    close(&g);
}

TEST(errors_say_where) {
    check_refused("", INLAY_ERR_FORMAT, "no rule 'root'");
    check_refused("rot ::= \"a\"", INLAY_ERR_FORMAT, "no rule 'root'");
    check_refused("root ::= \"a", INLAY_ERR_FORMAT, "line 1, column 10: \" without its end");
    check_refused("root ::= x\n", INLAY_ERR_FORMAT, "rule 'x' is used and not defined");
    check_refused("root ::= \"a\"\nroot ::= \"b\"", INLAY_ERR_FORMAT, "line 2, column 1: this rule is defined twice");
    check_refused("root = \"a\"", INLAY_ERR_FORMAT, "expected ::=");
    check_refused("root ::= (\"a\"", INLAY_ERR_FORMAT, "( without its )");
    check_refused("root ::= \"a\")", INLAY_ERR_FORMAT, ") without its (");
    check_refused("root ::= *", INLAY_ERR_FORMAT, "a repetition of nothing");
    check_refused("root ::= \"a\"{3,2}", INLAY_ERR_FORMAT, "most below its least");
    check_refused("root ::= \"a\"{99999999999}", INLAY_ERR_FORMAT, "a number above");
    check_refused("root ::= [b-a]", INLAY_ERR_FORMAT, "ends before it begins");
    check_refused("root ::= [a", INLAY_ERR_FORMAT, "[ without its ]");
    check_refused("root ::= \"\\q\"", INLAY_ERR_FORMAT, "an escape that is not known");
    check_refused("root ::= \"\\ud800\"", INLAY_ERR_FORMAT, "no character");
    check_refused("root ::= \"\\x4\"", INLAY_ERR_FORMAT, "hexadecimal");
    check_refused("root ::= \"\xff\"", INLAY_ERR_FORMAT, "not UTF-8");
    check_refused("root ::= <nope>", INLAY_ERR_FORMAT, "no token of this name");
    check_refused("root ::= <[12", INLAY_ERR_FORMAT, "expected ]>");
    check_refused("root ::= !", INLAY_ERR_FORMAT, "cannot begin an item");
    check_refused("root ::= \"a\" root", INLAY_ERR_FORMAT, "no text matches");
    check_refused("root ::= []", INLAY_ERR_FORMAT, "no text matches");
}

TEST(left_recursion_is_refused_at_once_by_others_and_past_what_can_be_empty) {
    check_refused("root ::= root \"a\" | \"a\"", INLAY_ERR_UNSUPPORTED, "rule 'root' calls itself at its beginning");
    check_refused("root ::= \"x\" | a\na ::= b \"y\"\nb ::= a | \"z\"", INLAY_ERR_UNSUPPORTED, "left recursion");
    check_refused("root ::= e root \"a\" | \"a\"\ne ::= \"\" | \"e\"", INLAY_ERR_UNSUPPORTED, "rule 'root'");
    check_refused("root ::= (\"a\"? root)? \"b\"", INLAY_ERR_UNSUPPORTED, "left recursion");
}

/* ---------------------------------------------------------------------- hostile */

static char *repeated(const char *before, const char *part, size_t n, const char *after) {
    size_t size = strlen(part);
    char *text = malloc(strlen(before) + n * size + strlen(after) + 1), *out = text;
    if (text == NULL) exit(1);
    out += sprintf(out, "%s", before);
    for (size_t i = 0; i < n; i++, out += size)
        memcpy(out, part, size);
    strcpy(out, after);
    return text;
}

/* Whatever the status, it comes soon, and what was compiled reads a text. */
static int32_t try_hostile(char *text) {
    inlay__grammar compiled;
    int32_t status = compile(text, strlen(text), &compiled);
    if (status == INLAY_OK) {
        grammar g = {.compiled = compiled};
        int32_t read = inlay__reader_init(&g.reader, &inlay__sys_default, &g.compiled, 2);
        for (size_t i = 0; i < 2000 && read == INLAY_OK; i++)
            read = inlay__reader_step(&g.reader, INLAY__ROOT_NOW, i % 7 == 0 ? '(' : 'a', INLAY__ROOT_NOW);
        CHECK(read == INLAY_OK || read == INLAY_ERR_UNSUPPORTED); /* too many ways at once */
        inlay__reader_free(&g.reader);
        inlay__grammar_free(&g.compiled);
    }
    free(text);
    return status;
}

/* llama.cpp issue 26600: 60 000 of ( end a server. */
TEST(a_million_parentheses_are_an_error) {
    CHECK_INT(try_hostile(repeated("root ::= ", "(", 1000000, "")), INLAY_ERR_FORMAT);
    char *nested = repeated("root ::= ", "(", 100000, "\"a\"");
    char *closed = repeated(nested, ")", 100000, "");
    free(nested);
    CHECK_INT(try_hostile(closed), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= ", "[", 1000000, "")), INLAY_ERR_FORMAT);
    CHECK_INT(try_hostile(repeated("root ::= \"a\"", "|\"a\"", 300000, "")), INLAY_OK);
}

/* llama.cpp issues 18988, 18604, CVE-2026-2069: loops of what can be empty. */
TEST(loops_of_nothing_end) {
    CHECK_INT(try_hostile(repeated("root ::= (\"a\"*)*", "", 0, "")), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= ", "((\"a\"?)*)* ", 100, "")), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= (x*)*\nx ::= (y*)*\ny ::= \"\" | \"a\"", "", 0, "")), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= ((\"\")*)*", "", 0, "")), INLAY_OK);
}

/* llama.cpp issues 4218, 6555: choices that double, products of counts. */
TEST(products_of_counts_are_bounded) {
    CHECK_INT(try_hostile(repeated("root ::= ", "\"a\"? ", 1000, "")), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= ", "\"a\"? ", 50000, "")), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= ((\"a\"{0,999}){0,999}){0,999}", "", 0, "")), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= \"a\"", "{2147483647}", 5, "")), INLAY_OK);
    CHECK_INT(try_hostile(repeated("root ::= (\"a\" | \"aa\")", "{0,9}", 40, "")), INLAY_OK);
    try_hostile(repeated("root ::= ", "[^a]{8000} ", 200, ""));
}

/* Chains of rules, each of which calls the next. */
TEST(long_chains_of_rules_are_read_in_linear_time) {
    char *text = malloc(100000 * 40);
    char *out = text;
    if (text == NULL) exit(1);
    out += sprintf(out, "root ::= r0\n");
    for (int i = 0; i < 60000; i++)
        out += sprintf(out, "r%d ::= r%d | \"(\"\n", i, i + 1);
    sprintf(out, "r60000 ::= \"a\"\n");
    CHECK_INT(try_hostile(text), INLAY_OK);
}

TEST_MAIN(CASE(every_form_of_item_matches_what_it_says), CASE(repetitions_match_their_counts),
          CASE(large_counts_are_exact), CASE(rules_nest_and_return), CASE(ambiguous_grammars_take_polynomial_time),
          CASE(what_is_forgotten_is_not_missed), CASE(errors_say_where),
          CASE(left_recursion_is_refused_at_once_by_others_and_past_what_can_be_empty),
          CASE(a_million_parentheses_are_an_error), CASE(loops_of_nothing_end), CASE(products_of_counts_are_bounded),
          CASE(long_chains_of_rules_are_read_in_linear_time))
