/* General categories by name, as regular expressions write them: \p{Lu}, \p{Uppercase_Letter}. */
#include "unicode.h"

#define BIT(category) (1u << INLAY__UNICODE_##category)
#define LETTERS (BIT(LL) | BIT(LM) | BIT(LO) | BIT(LT) | BIT(LU))
#define MARKS (BIT(MC) | BIT(ME) | BIT(MN))
#define NUMBERS (BIT(ND) | BIT(NL) | BIT(NO))
#define PUNCTUATION (BIT(PC) | BIT(PD) | BIT(PE) | BIT(PF) | BIT(PI) | BIT(PO) | BIT(PS))
#define SYMBOLS (BIT(SC) | BIT(SK) | BIT(SM) | BIT(SO))
#define SEPARATORS (BIT(ZL) | BIT(ZP) | BIT(ZS))
#define OTHERS (BIT(CC) | BIT(CF) | BIT(CN) | BIT(CO) | BIT(CS))

static const struct {
    const char *name;
    uint32_t categories;
} properties[] = {
    {"l", LETTERS},      {"letter", LETTERS},    {"lu", BIT(LU)},      {"ll", BIT(LL)},
    {"lt", BIT(LT)},     {"lm", BIT(LM)},        {"lo", BIT(LO)},      {"m", MARKS},
    {"mark", MARKS},     {"mn", BIT(MN)},        {"mc", BIT(MC)},      {"me", BIT(ME)},
    {"n", NUMBERS},      {"number", NUMBERS},    {"nd", BIT(ND)},      {"digit", BIT(ND)},
    {"nl", BIT(NL)},     {"no", BIT(NO)},        {"p", PUNCTUATION},   {"punctuation", PUNCTUATION},
    {"pc", BIT(PC)},     {"pd", BIT(PD)},        {"ps", BIT(PS)},      {"pe", BIT(PE)},
    {"pi", BIT(PI)},     {"pf", BIT(PF)},        {"po", BIT(PO)},      {"s", SYMBOLS},
    {"symbol", SYMBOLS}, {"sm", BIT(SM)},        {"sc", BIT(SC)},      {"sk", BIT(SK)},
    {"so", BIT(SO)},     {"z", SEPARATORS},      {"separator", SEPARATORS}, {"zs", BIT(ZS)},
    {"zl", BIT(ZL)},     {"zp", BIT(ZP)},        {"c", OTHERS},        {"other", OTHERS},
    {"cc", BIT(CC)},     {"cf", BIT(CF)},        {"co", BIT(CO)},      {"cn", BIT(CN)},
    {"any", INLAY__UNICODE_ALL_CATEGORIES},
    {"uppercaseletter", BIT(LU)}, {"lowercaseletter", BIT(LL)}, {"titlecaseletter", BIT(LT)},
    {"modifierletter", BIT(LM)},  {"otherletter", BIT(LO)},     {"nonspacingmark", BIT(MN)},
    {"spacingmark", BIT(MC)},     {"enclosingmark", BIT(ME)},   {"decimalnumber", BIT(ND)},
    {"letternumber", BIT(NL)},    {"othernumber", BIT(NO)},     {"connectorpunctuation", BIT(PC)},
    {"dashpunctuation", BIT(PD)}, {"openpunctuation", BIT(PS)}, {"closepunctuation", BIT(PE)},
    {"initialpunctuation", BIT(PI)}, {"finalpunctuation", BIT(PF)}, {"otherpunctuation", BIT(PO)},
    {"mathsymbol", BIT(SM)},      {"currencysymbol", BIT(SC)},  {"modifiersymbol", BIT(SK)},
    {"othersymbol", BIT(SO)},     {"spaceseparator", BIT(ZS)},  {"lineseparator", BIT(ZL)},
    {"paragraphseparator", BIT(ZP)}, {"control", BIT(CC)},      {"format", BIT(CF)},
    {"privateuse", BIT(CO)},      {"unassigned", BIT(CN)},
};

uint32_t inlay__unicode_named_categories(const char *name) {
    for (size_t i = 0; i < INLAY__COUNT(properties); i++)
        if (strcmp(properties[i].name, name) == 0) return properties[i].categories;
    return 0;
}
