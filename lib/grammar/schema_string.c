/* Strings: lengths, patterns, formats. */
#include "grammar/regex.h"
#include "grammar/schema_reader.h"

/* Formats as regular expressions. Each takes only what the format's definition allows, though not always all of it:
 * where it says less, the comment tells. */
#define DIGIT "[0-9]"
#define HEX "[0-9a-fA-F]"
#define LEAP_YEAR                                                        \
    "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
#define YEAR "(?:[1-9][0-9]{3}|0(?:[1-9][0-9]{2}|0(?:[1-9][0-9]|0[1-9])))"
#define DATE                                                                                                      \
    "(?:" YEAR "-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"          \
    "02-(?:0[1-9]|1[0-9]|2[0-8]))|" LEAP_YEAR "-02-29)"
/* Without leap seconds; at most nine digits of a second. */
#define HOUR_MINUTE "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
#define TIME HOUR_MINUTE ":[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-]" HOUR_MINUTE ")"
/* At most nine digits a number; weeks stand alone. */
#define NUMBER "[0-9]{1,9}"
#define DURATION_TIME "T(?:" NUMBER "H(?:" NUMBER "M(?:" NUMBER "S)?)?|" NUMBER "M(?:" NUMBER "S)?|" NUMBER "S)"
#define DURATION                                                                                     \
    "P(?:(?:" NUMBER "Y(?:" NUMBER "M(?:" NUMBER "D)?)?|" NUMBER "M(?:" NUMBER "D)?|" NUMBER "D)"       \
    "(?:" DURATION_TIME ")?|" DURATION_TIME "|" NUMBER "W)"
#define UUID HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}"
#define OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4 "(?:" OCTET "\\.){3}" OCTET
/* Eight groups, or :: in place of one or more; no IPv4 at the end. */
#define GROUP HEX "{1,4}"
#define IPV6                                                                                        \
    "(?:(?:" GROUP ":){7}" GROUP "|(?:" GROUP ":){1,7}:|(?:" GROUP ":){1,6}:" GROUP                     \
    "|(?:" GROUP ":){1,5}(?::" GROUP "){1,2}|(?:" GROUP ":){1,4}(?::" GROUP "){1,3}"                    \
    "|(?:" GROUP ":){1,3}(?::" GROUP "){1,4}|(?:" GROUP ":){1,2}(?::" GROUP "){1,5}"                    \
    "|" GROUP ":(?::" GROUP "){1,6}|:(?:(?::" GROUP "){1,7}|:))"
/* At most four labels of at most 62 letters, which is below 253 together. */
#define LABEL "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,60}[a-zA-Z0-9])?"
#define HOSTNAME LABEL "(?:\\." LABEL "){0,3}"
/* No quoted local parts, no addresses in brackets; at most 64 letters before the @. */
#define ATOM "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}"
#define EMAIL ATOM "(?:\\." ATOM "){0,2}@" HOSTNAME
/* No addresses in brackets. */
#define ESCAPED "%" HEX "{2}"
#define PATH_CHARACTER "(?:[a-zA-Z0-9._~!$&'()*+,;=:@-]|" ESCAPED ")"
#define AUTHORITY "(?:[a-zA-Z0-9._~!$&'()*+,;=-]|" ESCAPED ")+(?::[0-9]{1,5})?"
#define PATH "(?://" AUTHORITY "(?:/" PATH_CHARACTER "*)*|/?" PATH_CHARACTER "+(?:/" PATH_CHARACTER "*)*)"
#define QUERY "(?:" PATH_CHARACTER "|[/?])*"
#define URI "[a-zA-Z][a-zA-Z0-9+.-]*:" PATH "(?:\\?" QUERY ")?(?:#" QUERY ")?"

static const struct {
    const char *name, *text;
} formats[] = {
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "T" TIME "$"},
    {"duration", "^" DURATION "$"},
    {"uuid", "^" UUID "$"},
    {"ipv4", "^" IPV4 "$"},
    {"ipv6", "^" IPV6 "$"},
    {"hostname", "^" HOSTNAME "$"},
    {"email", "^" EMAIL "$"},
    {"uri", "^" URI "$"},
};

/* Formats of the standard that are not made: to leave them out would be to let through what is not valid. */
static const char *const refused[] = {"idn-email",    "idn-hostname",          "uri-reference", "iri",  "iri-reference",
                                      "uri-template", "json-pointer", "relative-json-pointer", "regex"};

static const char *text_of(const inlay__json_node *name) {
    for (size_t i = 0; i < INLAY__COUNT(formats); i++)
        if (inlay__json_equals(name, formats[i].name)) return formats[i].text;
    return NULL;
}

static bool is_refused(const inlay__json_node *name) {
    for (size_t i = 0; i < INLAY__COUNT(refused); i++)
        if (inlay__json_equals(name, refused[i])) return true;
    return false;
}

bool inlay__schema_is_format(const inlay__json_node *name) { return text_of(name) != NULL || is_refused(name); }

int32_t inlay__schema_string(inlay__schema *s, const inlay__schema_facts *facts, inlay__expression *e) {
    inlay__rules *rules = s->rules;
    inlay__expression quote = inlay__rules_byte(rules, '"', '"'), inner;
    const char *text = NULL;
    uint32_t least = facts->least_length;
    uint32_t most = facts->most_length == UINT32_MAX ? INLAY__RULES_NO_END : facts->most_length;
    if (facts->format != NULL) {
        if (is_refused(facts->format))
            return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, facts->format, "format", "this one is not supported");
        text = text_of(facts->format);
    }
    size_t size = text != NULL ? strlen(text) : 0;
    if (facts->pattern != NULL) {
        if (text != NULL)
            return inlay__schema_fail(s, INLAY_ERR_UNSUPPORTED, facts->pattern, "pattern",
                                      "beside a format it is not supported");
        text = facts->pattern->text;
        size = facts->pattern->size;
    }
    if (text != NULL) {
        INLAY__TRY(inlay__schema_work(s, size));
        int32_t status = inlay__ecma_parse(&s->tree, text, size);
        if (status == INLAY_OK) status = inlay__ecma_resolve(&s->tree, true);
        if (status == INLAY_OK) status = inlay__regex_expression(rules, &s->tree, true, least, most, &inner);
        if (status != INLAY_OK) return inlay__schema_explain(s, status, facts->pattern);
    } else if (least == 0 && most == INLAY__RULES_NO_END) {
        *e = inlay__schema_common(s, INLAY__SCHEMA_STRING);
        return INLAY_OK;
    } else {
        inner = inlay__rules_repeat(rules, inlay__schema_common(s, INLAY__SCHEMA_CHARACTER), least, most);
    }
    *e = inlay__rules_sequence(rules, quote, inlay__rules_sequence(rules, inner, quote));
    return rules->status;
}
