/* JSON Schema: which texts a schema's grammar matches, what is refused and where, and that nothing runs away. What is
 * made of schemas is held against a validator in tests/python/test_json_schema.py. */
#include "grammar/json_schema.h"
#include "support/fail_sys.h"
#include "support/grammar_check.h"
#include "test.h"

/* Texts, one a line: those that match, and those that do not. Single quotes in schemas and texts stand for double ones.
 */
static void check_texts(const char *schema, int32_t flags, const char *yes, const char *no) {
    static char quoted[4096], text[1024];
    grammar_check check;
    size_t size = strlen(schema);
    for (size_t i = 0; i <= size; i++)
        quoted[i] = (char)(schema[i] == '\'' ? '"' : schema[i]);
    int32_t status = grammar_check_schema(&check, quoted, size, flags);
    CHECK_INT(status, INLAY_OK);
    if (status != INLAY_OK) {
        fprintf(stderr, "%s: %s\n", schema, inlay__error_text());
        return;
    }
    for (int wanted = 1; wanted >= 0; wanted--) {
        for (const char *line = wanted ? yes : no; *line != '\0';) {
            size_t n = strcspn(line, "\n");
            for (size_t i = 0; i < n; i++)
                text[i] = (char)(line[i] == '\'' ? '"' : line[i]);
            if ((grammar_check_text(&check, text, n) == 1) != wanted) {
                test_failures++;
                fprintf(stderr, "%.*s is %smatched by %s\n", (int)n, line, wanted ? "not " : "", schema);
            }
            line += n + (line[n] == '\n');
        }
    }
    grammar_check_free(&check);
}

static void check_schema(const char *schema, const char *yes, const char *no) { check_texts(schema, 0, yes, no); }

static void check_refused(const char *schema, int32_t status, const char *words) {
    static char quoted[4096];
    grammar_check check;
    size_t size = strlen(schema);
    for (size_t i = 0; i <= size; i++)
        quoted[i] = (char)(schema[i] == '\'' ? '"' : schema[i]);
    int32_t found = grammar_check_schema(&check, quoted, size, 0);
    if (found == INLAY_OK) grammar_check_free(&check);
    if (found != status) {
        test_failures++;
        fprintf(stderr, "%s gives %d, expected %d\n", schema, found, status);
    }
    CHECK_HAS(inlay__error_text(), words);
}

/* ---------------------------------------------------------------------- values */

TEST(types_are_matched) {
    check_schema("{'type':'null'}", "null", "true\n0");
    check_schema("{'type':'boolean'}", "true\nfalse", "null\n1");
    check_schema("{'type':'integer'}", "0\n-1\n12345678901234567890", "-0\n01\n1.0\n1e3\n'1'\n123456789012345678901");
    check_schema("{'type':'number'}", "0\n-0.0\n1.5\n1e3\n1E-05\n-2.5e+10\n5e-324", "01\n.5\n1.\n1e400\n+1\nNaN");
    check_schema("{'type':'string'}", "''\n'a'\n'\\n\\u00e4\\ud83d\\ude00\\/'\n'\xc3\xa4'",
                 "a\n'\n'\\x'\n'\\ud83d'\n'\\ude00'\n'\t'\n'\xff'");
    check_schema("{'type':['integer','null']}", "1\nnull", "'1'\n1.5");
    check_schema("{'type':'array'}", "[]\n[1, 'a', [null], {}]", "{}\n[1,]\n[1 2]");
    check_schema("{'type':'object'}", "{}\n{'a': 1, 'b': {'c': []}}", "[]\n{'a'}\n{'a': 1,}\n{a: 1}");
    check_schema("{}", "1\n'a'\n{'a': [1.5e3, true]}\nnull", "nul\n");
    check_schema("true", "[]\n0", "x");
    /* keywords without a type mean the type that they are about */
    check_schema("{'minLength':2}", "'ab'", "'a'\n1\n[]");
    check_schema("{'minimum':2,'items':{}}", "2\n[1]", "1\n'a'");
}

TEST(white_space_is_bounded) {
    check_schema("{'type':'array','items':{'type':'integer'}}", "[1,2]\n[1, 2]\n[ 1, 2 ]",
                 "[1,  2]\n[1 ,2]\n [1]\n[1] ");
    check_schema("{'properties':{'a':{'type':'integer'}}}", "{'a':1}\n{'a': 1}\n{ 'a': 1 }", "{'a' :1}\n{'a':  1}");
    check_texts("{'properties':{'a':{'type':'integer'}}}", INLAY__SCHEMA_COMPACT, "{'a':1}\n{}", "{'a': 1}\n{ }");
    grammar_check check;
    static const char schema[] = "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}";
    char text[64];
    CHECK_INT(grammar_check_schema(&check, schema, sizeof schema - 1, 0), INLAY_OK);
    CHECK_INT(grammar_check_text(&check, "[\n  1,\n  2\n]", 12), 1);
    CHECK_INT(grammar_check_text(&check, "[\n\t1,\n\t2\n]", 10), 1);
    CHECK_INT(grammar_check_text(&check, "[\n\n1]", 5), -1);
    memset(text, ' ', sizeof text);
    text[0] = '[';
    text[1] = '\n';
    CHECK_INT(grammar_check_text(&check, text, 34), 0);
    CHECK_INT(grammar_check_text(&check, text, 35), -1);
    grammar_check_free(&check);
}

TEST(enum_and_const_give_their_values) {
    check_schema("{'const':'a\\n\\u0001\\u00e4'}", "'a\\n\\u0001\xc3\xa4'", "'a'\n'a\\n\\u0001\\u00e4'");
    check_schema("{'enum':['a',1,null,[1,{'x':[]}]]}", "'a'\n1\nnull\n[1,{'x':[]}]\n[1, {'x': []}]", "'b'\n[1]\n1.0");
    check_schema("{'type':'string','enum':['a',1,null]}", "'a'", "1\nnull");
    check_schema("{'type':'integer','enum':[1.0,1.5,2]}", "1.0\n2", "1.5");
    check_schema("{'enum':['a','abc','\xc3\xa4\xc3\xa4'],'minLength':2,'maxLength':2}", "'\xc3\xa4\xc3\xa4'",
                 "'a'\n'abc'");
    check_schema("{'enum':[1,5,9,9.5],'minimum':5,'exclusiveMaximum':9.5}", "5\n9", "1\n9.5");
    check_schema("{'allOf':[{'enum':[1,2,3]},{'enum':[3,2,4]},{'type':'integer'}]}", "2\n3", "1\n4");
    check_schema("{'enum':[1,2],'const':2}", "2", "1");
    check_refused("{'enum':[]}", INLAY_ERR_FORMAT, "no text matches");
    check_refused("{'enum':['a'],'pattern':'a'}", INLAY_ERR_UNSUPPORTED, "'pattern': beside enum");
}

/* --------------------------------------------------------------------- numbers */

TEST(bounds_of_integers_are_exact) {
    check_schema("{'type':'integer','minimum':0,'maximum':130}", "0\n9\n10\n99\n100\n129\n130",
                 "-1\n131\n200\n1000\n00\n-0");
    check_schema("{'type':'integer','minimum':-15,'maximum':-3}", "-15\n-10\n-9\n-3", "-2\n-16\n0\n3\n-100");
    check_schema("{'type':'integer','exclusiveMinimum':7,'exclusiveMaximum':10}", "8\n9", "7\n10");
    check_schema("{'type':'integer','minimum':0.5,'maximum':3.99}", "1\n2\n3", "0\n4");
    check_schema("{'type':'integer','minimum':1e2}", "100\n101\n999999999", "99\n-100");
    check_schema("{'type':'integer','maximum':5}", "5\n0\n-1\n-12345678901234567890", "6\n10");
    check_schema("{'type':'integer','minimum':-9007199254740991,'maximum':9007199254740991}",
                 "-9007199254740991\n9007199254740991\n0", "9007199254740992\n-9007199254740992");
    check_schema("{'type':'integer','minimum':4567,'maximum':123456}", "4567\n9999\n10000\n99999\n123456\n123399",
                 "4566\n123457\n200000\n999");
    check_schema("{'type':'integer','minimum':-1e400,'maximum':1e400}", "0\n-12345678901234567890", "1.5");
    check_refused("{'type':'integer','minimum':5,'maximum':4}", INLAY_ERR_FORMAT, "no text matches");
    check_refused("{'type':'integer','exclusiveMinimum':5,'exclusiveMaximum':6}", INLAY_ERR_FORMAT, "no text matches");
}

TEST(bounds_of_numbers_are_exact) {
    check_schema("{'type':'number','minimum':0,'maximum':1}", "0\n0.5\n0.0\n1\n1.0\n0.99999999999999",
                 "-0\n1.00001\n1.5\n2\n10\n1e0");
    check_schema("{'type':'number','exclusiveMinimum':0}", "0.00000000000001\n1\n123456.789", "0\n0.0\n-1\n0.00");
    check_schema("{'type':'number','exclusiveMaximum':1,'minimum':-1}", "0.9\n-1\n-1.0\n-0.5\n0",
                 "1\n1.0\n-1.1\n-1.00001");
    check_schema("{'type':'number','minimum':1.25,'maximum':12.5}", "1.25\n1.250\n1.3\n2\n9.9\n10\n12.5\n12.50\n12.499",
                 "1.2\n1\n1.24\n12.51\n12.500001\n13\n100");
    check_schema("{'type':'number','minimum':0.001,'exclusiveMaximum':0.0021}", "0.001\n0.002\n0.00209",
                 "0.0009\n0.0021\n0\n1");
    check_schema("{'type':'number','maximum':-2.5}", "-2.5\n-3\n-100.25", "-2.4\n0\n2.5\n-2");
    check_refused("{'type':'number','minimum':1,'exclusiveMaximum':1}", INLAY_ERR_FORMAT, "no text matches");
    check_refused("{'type':'number','exclusiveMaximum':0.12345678901234567}", INLAY_ERR_UNSUPPORTED, "15 digits");
}

TEST(multiples_are_powers_of_ten_or_listed) {
    check_schema("{'type':'number','multipleOf':1}", "1\n-20\n0", "1.5");
    check_schema("{'type':'integer','multipleOf':10}", "0\n10\n-120", "1\n15\n00");
    check_schema("{'type':'integer','multipleOf':100,'minimum':-150,'maximum':1000}", "-100\n0\n100\n1000",
                 "-200\n1100\n50");
    check_schema("{'type':'number','multipleOf':0.01,'minimum':0}", "0\n0.01\n12.5\n12.50", "0.001\n-1");
    check_schema("{'type':'integer','multipleOf':7,'minimum':-10,'maximum':15}", "-7\n0\n7\n14", "-14\n1\n21");
    check_refused("{'type':'integer','multipleOf':7}", INLAY_ERR_UNSUPPORTED, "'multipleOf'");
    check_refused("{'type':'number','multipleOf':0.5,'minimum':0,'maximum':1}", INLAY_ERR_UNSUPPORTED, "'multipleOf'");
}

/* --------------------------------------------------------------------- strings */

TEST(lengths_count_characters) {
    check_schema("{'type':'string','minLength':1,'maxLength':2}",
                 "'a'\n'\xc3\xa4\xf0\x9f\x98\x80'\n'\\n\\u00e4'\n'\\ud83d\\ude00a'", "''\n'abc'\n'\\n\\n\\n'");
    check_schema("{'type':'string','maxLength':0}", "''", "'a'");
    check_schema("{'type':'string','minLength':3}", "'abc'\n'abcdefghij'", "'ab'");
    check_refused("{'type':'string','minLength':2,'maxLength':1}", INLAY_ERR_FORMAT, "no text matches");
}

TEST(patterns_and_lengths_hold_together) {
    check_schema("{'type':'string','pattern':'^a+$'}", "'a'\n'aaa'", "''\n'b'\n'ab'");
    check_schema("{'type':'string','pattern':'^[a-z]+$','maxLength':3}", "'a'\n'abc'", "''\n'abcd'");
    check_schema("{'type':'string','pattern':'^[a-z]{2,5}$','minLength':2,'maxLength':5}", "'ab'\n'abcde'",
                 "'a'\n'abcdef'");
    check_schema("{'type':'string','pattern':'^x[0-9]*y$','minLength':4}", "'x12y'\n'x12345y'", "'x1y'\n'x12'");
    check_schema("{'type':'string','pattern':'^a.*b.*c$','minLength':4,'maxLength':5}",
                 "'axbc'\n'abxxc'\n'a\xc3\xa4\xc3\xa4\x62\x63'", "'abc'\n'axxxbc'\n'axxc'");
    check_schema("{'type':'string','pattern':'^(ab|c)*$','minLength':3,'maxLength':4}", "'abc'\n'cab'\n'abab'\n'cccc'",
                 "'ab'\n'ababc'\n'aab'");
    check_schema("{'type':'string','pattern':'\\\\n\\\\\\\\','minLength':5}", "'abc\\n\\\\'\n'\\n\\\\\\t\\u0000\\\"'",
                 "'\\n\\\\'");
    check_schema("{'type':'string','pattern':'^a{3}$','minLength':2}", "'aaa'", "'aa'");
    check_refused("{'type':'string','pattern':'^a{3}$','minLength':4}", INLAY_ERR_FORMAT, "no text matches");
    check_refused("{'type':'string','pattern':'^a.*b.*c$','maxLength':1000000}", INLAY_ERR_UNSUPPORTED,
                  "held to a length");
    check_refused("{'properties':{'a/b':{'pattern':'a(?=b)'}}}", INLAY_ERR_UNSUPPORTED,
                  "at '#/properties/a~1b/pattern': the regular expression has '(?=' at byte 1");
    check_refused("{'allOf':[{'pattern':'a'},{'pattern':'b'}]}", INLAY_ERR_UNSUPPORTED, "'pattern': two of them");
    check_refused("{'pattern':'a','format':'date'}", INLAY_ERR_UNSUPPORTED, "beside a format");
}

TEST(formats_are_matched) {
    check_schema("{'format':'date'}", "'2024-02-29'\n'2023-12-31'\n'2000-02-29'\n'0001-01-01'",
                 "'2023-02-29'\n'1900-02-29'\n'2024-04-31'\n'2024-13-01'\n'0000-01-01'\n'2024-1-1'");
    check_schema("{'format':'time'}", "'23:59:59Z'\n'00:00:00.123+05:30'", "'24:00:00Z'\n'12:00:00'\n'12:60:00Z'");
    check_schema("{'format':'date-time'}", "'2024-02-29T12:00:00Z'", "'2024-02-30T12:00:00Z'\n'2024-02-29'");
    check_schema("{'format':'duration'}", "'P1Y2M3D'\n'PT1H'\n'P4W'\n'P1DT12H30M'",
                 "'P'\n'PT'\n'P1Y1W'\n'P1YT'\n'P1Y3D'");
    check_schema("{'format':'uuid'}", "'2eb8aa08-aa98-11ea-b4aa-73b441d16380'", "'2eb8aa08aa9811eab4aa73b441d16380'");
    check_schema("{'format':'ipv4'}", "'0.0.0.0'\n'255.249.199.99'", "'256.0.0.1'\n'1.2.3'\n'01.2.3.4'");
    check_schema("{'format':'ipv6'}", "'::'\n'::1'\n'1::'\n'1:2:3:4:5:6:7:8'\n'fe80::a:b'\n'1:2:3:4:5:6:7::'",
                 "':::'\n'1::2::3'\n'1:2:3:4:5:6:7'\n'12345::'\n'1:2:3:4:5:6:7:8:9'");
    check_schema("{'format':'hostname'}", "'a'\n'www.example.com'\n'x-1.y'", "''\n'-a'\n'a-'\n'a..b'\n'a_b'");
    check_schema("{'format':'email'}", "'a.b@example.com'\n'x+y@z'", "'a'\n'@b'\n'a@'\n'.a@b'\n'a..b@c'");
    check_schema("{'format':'uri'}", "'http://a.b:80/c?d=e#f'\n'mailto:a@b.c'\n'urn:x:y'\n'a:/b/%20'",
                 "'/a'\n'a'\n'http://a b'\n'a:b%2'\n'1a:b'\n'http://a:b:c'");
    check_schema("{'type':'string','format':'password'}", "'x'", "1"); /* an annotation */
    check_schema("{'type':'integer','format':'int32'}", "1", "'1'");
    check_refused("{'format':'regex'}", INLAY_ERR_UNSUPPORTED, "'format': this one is not supported");
}

/* ---------------------------------------------------------------------- arrays */

TEST(arrays_have_their_items) {
    check_schema("{'items':{'type':'integer'},'minItems':1,'maxItems':3}", "[1]\n[1,2,3]", "[]\n[1,2,3,4]\n['a']");
    check_schema("{'type':'array','maxItems':0}", "[]\n[ ]", "[1]");
    check_schema("{'items':false}", "[]", "[1]");
    check_schema("{'type':'array','prefixItems':[{'type':'integer'},{'type':'string'}]}", "[]\n[1]\n[1,'a']",
                 "['a']\n[1,'a',2]");
    check_schema("{'prefixItems':[{'type':'integer'},{'type':'string'}],'items':{'type':'null'},'minItems':1}",
                 "[1]\n[1,'a']\n[1,'a',null,null]", "[]\n[1,null]\n[1,'a',1]");
    check_schema("{'prefixItems':[{'type':'integer'}],'minItems':3,'maxItems':3}", "[1,2,'x']",
                 "[1]\n[1,2,3,4]\n['x',1,2]");
    check_schema("{'prefixItems':[{'type':'integer'},false],'items':true}", "[]\n[1]", "[1,2]");
    check_schema("{'allOf':[{'items':{'type':'number'}},{'items':{'minimum':3}}]}", "[3,4.5]\n[]", "[1]\n['a']");
    check_refused("{'items':[{'type':'integer'}]}", INLAY_ERR_UNSUPPORTED, "prefixItems");
    check_refused("{'type':'array','uniqueItems':true}", INLAY_ERR_UNSUPPORTED, "'uniqueItems'");
    check_refused("{'type':'array','minItems':2,'maxItems':1}", INLAY_ERR_FORMAT, "no text matches");
}

/* --------------------------------------------------------------------- objects */

TEST(properties_come_in_order_and_optional_ones_may_be_missing) {
    const char *schema =
        "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'},'c':{'type':'integer'},"
        "'d':{'type':'integer'}},'required':['b']}";
    check_schema(schema, "{'b':1}\n{'a':1,'b':2}\n{'b':1,'c':2}\n{'a':1,'b':2,'c':3,'d':4}\n{'b':1,'d':2}",
                 "{}\n{'a':1}\n{'b':1,'a':2}\n{'b':1,'b':2}\n{'b':1,'x':2}\n{'b':'x'}\n{'b':1,}\n{,'b':1}");
    schema = "{'properties':{'a':{'type':'integer'},'b':{'type':'integer'},'c':{'type':'integer'}}}";
    check_schema(schema, "{}\n{'a':1}\n{'b':1}\n{'c':1}\n{'a':1,'c':2}\n{'b':1,'c':2}\n{'a':1,'b':2,'c':3}",
                 "{'c':1,'a':2}\n{'a':1,'a':1}\n{'d':1}");
    schema = "{'properties':{'q\\'\\n\xc3\xa4':{'type':'null'}}}";
    check_schema("{'properties':{'q\\u0022\\n\xc3\xa4':{'type':'null'}},'required':['q\\u0022\\n\xc3\xa4']}",
                 "{'q\\'\\n\xc3\xa4':null}", "{'q\\'\\n\\u00e4':null}");
    check_schema("{'type':'object','properties':{}}", "{}", "{'a':1}");
    check_schema("{'type':'object','required':['x']}", "{'x':1}\n{'x':1,'y':2}", "{}\n{'y':2}");
    check_schema("{'properties':{'a':false,'b':{'type':'null'}}}", "{}\n{'b':null}", "{'a':1}");
    check_refused("{'properties':{'a':false},'required':['a']}", INLAY_ERR_FORMAT, "no text matches");
    check_refused("{'properties':{},'required':['a'],'additionalProperties':false}", INLAY_ERR_FORMAT,
                  "no text matches");
}

TEST(other_properties_have_other_names) {
    check_schema("{'additionalProperties':{'type':'integer'}}", "{}\n{'a':1}\n{'a':1,'\\u00e4':2}", "{'a':'x'}");
    check_schema("{'properties':{'ab':{'type':'null'}},'additionalProperties':{'type':'integer'}}",
                 "{}\n{'ab':null}\n{'a':1}\n{'abc':1}\n{'ab':null,'':1,'x':2}\n{'b':1}",
                 "{'ab':1}\n{'x':1,'ab':1}\n{'\\u0061b':1}");
    check_schema("{'properties':{'a\\n':{'type':'null'},'\xc3\xa4':{'type':'null'}},'additionalProperties':true}",
                 "{'a':1}\n{'a\\t':1}\n{'\xc3\xa5':1}\n{'\xe2\x82\xac':1}", "{'a\\n':1}\n{'\xc3\xa4':1}");
    check_schema("{'required':['a'],'additionalProperties':{'type':'integer'}}", "{'a':1}\n{'a':1,'b':2}",
                 "{'a':'x'}\n{'b':2}");
    check_schema("{'type':'object','additionalProperties':false}", "{}", "{'a':1}");
    check_schema("{'propertyNames':{'pattern':'^[a-z]+$'},'additionalProperties':{'type':'integer'}}", "{}\n{'abc':1}",
                 "{'A':1}\n{1:1}");
    check_schema("{'propertyNames':{'enum':['x','y',1]}}", "{'x':1}\n{'y':[],'x':2}", "{'z':1}\n{1:1}");
    check_schema("{'patternProperties':{'^x-':{'type':'integer'}},'properties':{'a':{'type':'null'}}}",
                 "{}\n{'a':null,'x-1':2}\n{'x-':0}", "{'y':1}\n{'x-1':'s'}\n{'a':1}");
    check_refused("{'patternProperties':{'^x':{}},'properties':{'xa':{}}}", INLAY_ERR_UNSUPPORTED,
                  "also matches a name");
    check_refused("{'patternProperties':{'^x':{},'y$':{}}}", INLAY_ERR_UNSUPPORTED, "more than one pattern");
    check_refused("{'patternProperties':{'^x':{}},'additionalProperties':true}", INLAY_ERR_UNSUPPORTED,
                  "'patternProperties'");
    check_refused("{'propertyNames':{'maxLength':3},'properties':{'a':{}}}", INLAY_ERR_UNSUPPORTED, "'propertyNames'");
}

TEST(numbers_of_properties_are_held_where_that_can_be_right) {
    check_schema("{'properties':{'a':{},'b':{}},'minProperties':1}", "{'a':1}\n{'b':1}\n{'a':1,'b':2}", "{}");
    check_schema("{'properties':{'a':{'type':'null'},'b':{'type':'null'}},'minProperties':2}", "{'a':null,'b':null}",
                 "{}\n{'a':null}");
    check_schema("{'properties':{'a':{'type':'null'},'b':{'type':'null'}},'required':['b'],'maxProperties':1}",
                 "{'b':null}", "{'a':null,'b':null}");
    check_schema("{'type':'object','maxProperties':2,'minProperties':1}", "{'a':1}\n{'a':1,'b':2}",
                 "{}\n{'a':1,'b':2,'c':3}");
    check_schema("{'type':'object','maxProperties':0}", "{}", "{'a':1}");
    check_refused("{'type':'object','minProperties':2}", INLAY_ERR_UNSUPPORTED, "'minProperties'");
    check_refused("{'properties':{'a':{},'b':{},'c':{}},'maxProperties':2}", INLAY_ERR_UNSUPPORTED, "'maxProperties'");
    check_refused("{'properties':{'a':{}},'minProperties':2}", INLAY_ERR_FORMAT, "no text matches");
}

/* --------------------------------------------------------------- combinations */

TEST(all_of_is_merged) {
    check_schema(
        "{'allOf':[{'properties':{'a':{'type':'integer'}},'required':['a']},{'properties':{'b':{'type':'null'},"
        "'a':{'minimum':3}}}]}",
        "{'a':3}\n{'a':4,'b':null}", "{'a':2}\n{'b':null}\n{'a':'x'}");
    check_schema("{'type':'number','allOf':[{'type':['integer','string']},{'minimum':2}]}", "2", "2.5\n1\n'a'");
    check_schema("{'allOf':[{'additionalProperties':false,'properties':{'a':{}}},{'properties':{'b':{}}}]}",
                 "{}\n{'a':1}", "{'b':1}");
    check_schema(
        "{'allOf':[{'additionalProperties':{'type':'integer'},'properties':{'a':{'type':'null'}}},{'required':['b']}]}",
        "{'a':null,'b':1}\n{'b':1,'c':2}", "{'b':'x'}\n{'a':1,'b':1}");
    check_schema("{'allOf':[true,{'type':'null'}]}", "null", "1");
    check_refused("{'allOf':[{'type':'string'},{'type':'integer'}]}", INLAY_ERR_FORMAT, "no text matches");
}

TEST(any_of_chooses_and_keeps_what_stands_beside_it) {
    check_schema("{'anyOf':[{'type':'integer'},{'type':'string','maxLength':1}]}", "1\n'a'", "1.5\n'ab'\nnull");
    check_schema("{'type':'object','properties':{'a':{'type':'null'},'b':{'type':'null'}},'anyOf':[{'required':['a']},{"
                 "'required':['b']}]}",
                 "{'a':null}\n{'b':null}\n{'a':null,'b':null}", "{}");
    check_schema("{'anyOf':[{'minimum':5},{'maximum':1}],'type':'integer'}", "0\n7", "3");
    check_schema("{'anyOf':[{'type':'string'},{'type':'integer'}],'type':'integer'}", "1", "'a'");
    check_schema("{'anyOf':[{'$ref':'#'},{'type':'null'}]}", "null", "1");
    check_refused("{'anyOf':[]}", INLAY_ERR_FORMAT, "'anyOf': expected an array");
}

TEST(one_of_is_any_of_where_the_branches_exclude_each_other) {
    check_schema("{'oneOf':[{'type':'integer'},{'type':'string'}]}", "1\n'a'", "null");
    check_schema("{'oneOf':[{'properties':{'k':{'const':'a'},'x':{'type':'null'}},'required':['k']},"
                 "{'properties':{'k':{'enum':['b','c']}},'required':['k']}],'type':'object'}",
                 "{'k':'a'}\n{'k':'a','x':null}\n{'k':'c'}", "{'k':'b','x':null}\n{}");
    check_schema("{'oneOf':[{'const':1},{'const':2},{'type':'string'}]}", "1\n2\n'a'", "3");
    check_schema(
        "{'type':'object','oneOf':[{'properties':{'a':{}},'required':['a']},{'properties':{'b':{}},'required':['b']}]}",
        "{'a':1}\n{'b':1}", "{'a':1,'b':1}\n{}");
    check_schema(
        "{'oneOf':[{'$ref':'#/$defs/x'},{'type':'null'}],'$defs':{'x':{'type':'array','items':{'type':'null'}}}}",
        "null\n[null]", "1");
    check_schema("{'oneOf':[{'type':'integer'},false]}", "1", "'a'");
    check_refused("{'oneOf':[{'type':'integer'},{'type':'number'}]}", INLAY_ERR_UNSUPPORTED,
                  "two branches may hold at once");
    check_refused("{'oneOf':[{'const':1},{'const':1.0}]}", INLAY_ERR_UNSUPPORTED, "two branches may hold at once");
    check_refused("{'type':'object','oneOf':[{'properties':{'k':{'const':1}}},{'properties':{'k':{'const':2}}}]}",
                  INLAY_ERR_UNSUPPORTED, "two branches");
    check_refused("{'oneOf':[{'properties':{'a':{}},'required':['a'],'additionalProperties':true},{'properties':{'b':{}"
                  "},'required':['b']}],"
                  "'type':'object'}",
                  INLAY_ERR_UNSUPPORTED, "two branches");
}

TEST(branches_that_are_no_schemas_are_refused) {
    check_refused(
        "{'type':'object','oneOf':[{'properties':['a'],'required':['a']},{'properties':{'a':{}},'required':'a'}]}",
        INLAY_ERR_UNSUPPORTED, "two branches");
    check_refused(
        "{'type':'object','oneOf':[{'properties':{'a\\u0000b':{'const':1},'a':{'const':1}},'required':['a\\u0000b']},"
        "{'properties':{'a\\u0000b':{'const':1},'a':{'const':2}},'required':['a\\u0000b']}]}",
        INLAY_ERR_UNSUPPORTED, "two branches");
    check_refused("{'oneOf':[3,{'type':'null'}]}", INLAY_ERR_FORMAT, "expected an object, true or false");
}

TEST(references_are_followed_and_may_go_round) {
    check_schema("{'$ref':'#/$defs/a~1b%25','$defs':{'a/b%':{'type':'null'}}}", "null", "1");
    check_schema("{'items':{'$ref':'#x'},'$defs':{'a':{'$anchor':'x','type':'null'}}}", "[null]", "[1]");
    check_schema("{'$id':'http://a/b','$ref':'http://a/b#/$defs/x','$defs':{'x':{'type':'null'}}}", "null", "1");
    check_schema("{'definitions':{'n':{'type':'object','properties':{'v':{'type':'integer'},'next':{'anyOf':[{'$ref':'#"
                 "/definitions/n'},"
                 "{'type':'null'}]}},'required':['v']}},'$ref':'#/definitions/n'}",
                 "{'v':1}\n{'v':1,'next':null}\n{'v':1,'next':{'v':2,'next':{'v':3}}}",
                 "{}\n{'v':1,'next':{}}\n{'v':1,'next':1}");
    check_schema("{'properties':{'a':{'$ref':'#/properties/b','minimum':3},'b':{'type':'integer'}}}", "{'a':3,'b':1}",
                 "{'a':2}");
    check_schema("{'type':'array','items':{'$ref':'#'}}", "[]\n[[],[[]]]", "[1]");
    check_refused("{'$ref':'#'}", INLAY_ERR_FORMAT, "it leads back to itself");
    check_refused("{'$ref':'#/$defs/a','$defs':{'a':{'$ref':'#/$defs/b'},'b':{'allOf':[{'$ref':'#/$defs/a'}]}}}",
                  INLAY_ERR_FORMAT, "it leads back to itself");
    check_refused("{'$ref':'#/nope'}", INLAY_ERR_FORMAT, "'$ref': it leads to nothing");
    check_refused("{'$ref':'other.json'}", INLAY_ERR_UNSUPPORTED, "out of this document");
    check_refused("{'properties':{'a':{'$ref':'#'}},'required':['a']}", INLAY_ERR_FORMAT, "no text matches");
}

TEST(what_would_constrain_and_is_not_known_is_an_error_that_says_where) {
    static const char *const schemas[] = {"'not':{}",
                                          "'if':{}",
                                          "'contains':{}",
                                          "'dependentRequired':{'a':['b']}",
                                          "'$dynamicRef':'#a'",
                                          "'uniqueItems':true",
                                          "'dependentSchemas':{'a':{}}",
                                          "'unevaluatedProperties':false",
                                          "'unevaluatedItems':false",
                                          "'$id':'x'"};
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        char schema[256], words[64];
        snprintf(schema, sizeof schema, "{'type':'array','prefixItems':[{},{%s}]}", schemas[i]);
        snprintf(words, sizeof words, "at '#/prefixItems/1': %.*s", (int)strcspn(schemas[i], ":"), schemas[i]);
        check_refused(schema, INLAY_ERR_UNSUPPORTED, words);
    }
    check_schema("{'title':'t','description':'d','default':1,'examples':[1],'$comment':'c','deprecated':true,'x-y':{},"
                 "'contentEncoding':'base64','readOnly':true,'$schema':'s','type':'null'}",
                 "null", "1");
    check_refused("{'type':'strin'}", INLAY_ERR_FORMAT, "'type': expected null");
    check_refused("{'properties':{'a':3}}", INLAY_ERR_FORMAT, "at '#/properties/a': 'schema': expected an object");
    check_refused("{'minLength':-1}", INLAY_ERR_FORMAT, "'minLength': expected a whole number");
    check_refused("{'minimum':'1'}", INLAY_ERR_FORMAT, "'minimum': expected a number");
    check_refused("{'required':'a','type':'object'}", INLAY_ERR_FORMAT, "'required': expected an array of texts");
    check_refused("{'type':'null'", INLAY_ERR_FORMAT, "the schema: line 1, column 15");
    check_refused("3", INLAY_ERR_FORMAT, "expected an object, true or false");
    check_refused("", INLAY_ERR_FORMAT, "the schema: line 1");
    check_refused("false", INLAY_ERR_FORMAT, "no text matches");
}

/* ---------------------------------------------------------------------- hostile */

static int32_t try_schema(const char *before, const char *repeated, size_t n, const char *after) {
    size_t size = strlen(repeated), before_size = strlen(before), after_size = strlen(after), i;
    char *text = malloc(before_size + n * (size + 12) + n * after_size + after_size + 1), *out = text;
    if (text == NULL) exit(1);
    out += sprintf(out, "%s", before);
    for (i = 0; i < n; i++) {
        memcpy(out, repeated, size + 1);
        char *mark = strchr(out, '@'); /* stands for the number */
        if (mark != NULL) {
            const char *rest = strchr(repeated, '@') + 1;
            mark += sprintf(mark, "%zu", i);
            memcpy(mark, rest, strlen(rest) + 1);
        }
        out += strlen(out);
    }
    out += sprintf(out, "%s", after);
    for (char *c = text; c < out; c++)
        if (*c == '\'') *c = '"';
    grammar_check check;
    int32_t status = grammar_check_schema(&check, text, (size_t)(out - text), 0);
    if (status == INLAY_OK) {
        grammar_check_text(&check, "{\"p0\":[[[[[[1,2,3,", 19);
        grammar_check_free(&check);
    }
    free(text);
    return status;
}

TEST(hostile_counts_and_depths_end_soon) { /* llama.cpp issues 25283, 21919 */
    CHECK_INT(try_schema("{'type':'array','minItems':1000000000}", "", 0, ""), INLAY_OK);
    CHECK_INT(try_schema("{'type':'array','minItems':1e30}", "", 0, ""), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(try_schema("{'type':'array','maxItems':1e30,'minItems':4294967294}", "", 0, ""), INLAY_OK);
    CHECK_INT(try_schema("{'type':'string','minLength':999999999,'maxLength':1e10}", "", 0, ""), INLAY_OK);
    CHECK_INT(try_schema("{'type':'object','maxProperties':999999999}", "", 0, ""), INLAY_OK);
    CHECK_INT(try_schema("", "{'items':", 100000, ""), INLAY_ERR_FORMAT);
    CHECK_INT(try_schema("{'pattern':'((a{0,999}){0,999}){0,999}','maxLength':100}", "", 0, ""), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(try_schema("{'pattern':'(a+)+$','maxLength':100}", "", 0, ""), INLAY_OK);
}

TEST(hostile_alternatives_and_references_end_soon) {
    CHECK_INT(try_schema("{'allOf':[true", ",{'anyOf':[{'minLength':@},{'maxLength':99}]}", 30, "]}"),
              INLAY_ERR_UNSUPPORTED);
    CHECK_INT(try_schema("{'$ref':'#/$defs/d0','$defs':{'x':{}",
                         ",'d@':{'anyOf':[{'$ref':'#/$defs/d0'},{'$ref':'#/$defs/x'}]}", 100, "}}"),
              INLAY_OK);
    CHECK_INT(try_schema("{'allOf':[true", ",{'$ref':'#/$defs/x'}", 50000, "],'$defs':{'x':{'type':'null'}}}"),
              INLAY_OK);
    CHECK_INT(try_schema("{'allOf':[true", ",{'enum':[0,1,2,3,4,5,6,7,8,9]}", 5000, "]}"), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(try_schema("{'oneOf':[false", ",{'const':@}", 256, "]}"), INLAY_ERR_UNSUPPORTED);
    CHECK_INT(try_schema("{'oneOf':[false", ",{'const':@}", 255, "]}"), INLAY_OK);
}

TEST(thousands_of_properties_and_values_are_linear) {
    CHECK_INT(try_schema("{'properties':{'x':{}", ",'p@':{'type':'integer'}", 10000, "}}"), INLAY_OK);
    CHECK_INT(try_schema("{'properties':{'x':{}", ",'p@':{'type':'integer'}", 10000, "},'additionalProperties':true}"),
              INLAY_OK);
    CHECK_INT(try_schema("{'enum':[0", ",'value @'", 50000, "]}"), INLAY_OK);
    CHECK_INT(try_schema("{'prefixItems':[true", ",{'const':@}", 2000, "]}"), INLAY_OK);
    CHECK_INT(try_schema("{'properties':{'x':{}", ",'p@':{'pattern':'^\\\\p{L}$'}", 5000, "}}"), INLAY_ERR_UNSUPPORTED);
}

/* ----------------------------------------------------------------------- memory */

TEST(every_allocation_may_fail_and_nothing_is_left_behind) {
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"^a.*b.*[\\\\p{Lu}c-e]$\",\"maxLength\":6},"
        "\"b\":{\"enum\":[1,[2]]},\"c\":{\"oneOf\":[{\"$ref\":\"#\"},{\"type\":\"number\",\"minimum\":1.5}]}},"
        "\"additionalProperties\":{\"type\":\"array\",\"prefixItems\":[{\"format\":\"date\"}]},"
        "\"allOf\":[{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}]}";
    static fail_sys f;
    size_t n = 1;
    fail_sys_init(&f);
    for (int32_t status = INLAY_ERR_MEMORY; status != INLAY_OK && n < 10000; n++) {
        inlay__rules rules;
        fail_sys_arm(&f, n, n % 2 == 0);
        inlay__rules_init(&rules, &f.sys);
        status = inlay__schema_rules(&rules, schema, sizeof schema - 1, 0);
        CHECK_INT(status, f.n_failed > 0 ? INLAY_ERR_MEMORY : INLAY_OK);
        inlay__rules_free(&rules);
        CHECK(fail_sys_is_clean(&f));
    }
    CHECK(n > 40 && n < 10000);
}

TEST_MAIN(CASE(types_are_matched), CASE(white_space_is_bounded), CASE(enum_and_const_give_their_values),
          CASE(bounds_of_integers_are_exact), CASE(bounds_of_numbers_are_exact),
          CASE(multiples_are_powers_of_ten_or_listed), CASE(lengths_count_characters),
          CASE(patterns_and_lengths_hold_together), CASE(formats_are_matched), CASE(arrays_have_their_items),
          CASE(properties_come_in_order_and_optional_ones_may_be_missing), CASE(other_properties_have_other_names),
          CASE(numbers_of_properties_are_held_where_that_can_be_right), CASE(all_of_is_merged),
          CASE(any_of_chooses_and_keeps_what_stands_beside_it),
          CASE(one_of_is_any_of_where_the_branches_exclude_each_other), CASE(branches_that_are_no_schemas_are_refused),
          CASE(references_are_followed_and_may_go_round),
          CASE(what_would_constrain_and_is_not_known_is_an_error_that_says_where),
          CASE(hostile_counts_and_depths_end_soon), CASE(hostile_alternatives_and_references_end_soon),
          CASE(thousands_of_properties_and_values_are_linear),
          CASE(every_allocation_may_fail_and_nothing_is_left_behind))
