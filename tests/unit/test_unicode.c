/* The generated tables: counts of Unicode 16.0, and characters known to be of each kind. */
#include "test.h"

#include "base/unicode.h"

static size_t count_flag(uint8_t flag) {
    size_t n = 0;
    for (uint32_t code = 0; code <= 0x10FFFF; code++)
        if ((inlay__unicode_flags(code) & flag) != 0) n++;
    return n;
}

TEST(every_kind_has_as_many_characters_as_unicode_16) {
    CHECK_STR(inlay__unicode_version, "16.0.0");
    CHECK_INT(count_flag(INLAY__CHAR_LETTER), 141028);
    CHECK_INT(count_flag(INLAY__CHAR_NUMBER), 1911);
    CHECK_INT(count_flag(INLAY__CHAR_MARK), 2501);
    CHECK_INT(count_flag(INLAY__CHAR_PUNCTUATION), 855);
    CHECK_INT(count_flag(INLAY__CHAR_SYMBOL), 8514);
    CHECK_INT(count_flag(INLAY__CHAR_SEPARATOR), 19);
    CHECK_INT(count_flag(INLAY__CHAR_SPACE), 25);
    CHECK_INT(count_flag(INLAY__CHAR_NEWLINE), 2);
}

TEST(no_character_is_of_two_kinds) {
    const uint8_t kinds = INLAY__CHAR_LETTER | INLAY__CHAR_NUMBER | INLAY__CHAR_MARK | INLAY__CHAR_PUNCTUATION |
                          INLAY__CHAR_SYMBOL | INLAY__CHAR_SEPARATOR;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        uint8_t kind = inlay__unicode_flags(code) & kinds;
        if ((kind & (kind - 1)) != 0) CHECK_INT(code, -1);
    }
}

TEST(white_space_is_the_property_white_space) {
    static const uint32_t spaces[] = {9,      10,     11,     12,     13,     32,     0x85,   0xA0,   0x1680,
                                      0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                      0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    for (size_t i = 0; i < INLAY__COUNT(spaces); i++)
        if ((inlay__unicode_flags(spaces[i]) & INLAY__CHAR_SPACE) == 0) CHECK_INT(spaces[i], -1);
    CHECK_INT(inlay__unicode_flags(0x200B), 0); /* ZERO WIDTH SPACE is none */
    CHECK_INT(inlay__unicode_flags(0x1C), 0);   /* nor are the information separators */
}

TEST(known_characters_have_their_categories) {
    CHECK_INT(inlay__unicode_category('a'), INLAY__UNICODE_LL);
    CHECK_INT(inlay__unicode_category('A'), INLAY__UNICODE_LU);
    CHECK_INT(inlay__unicode_category('7'), INLAY__UNICODE_ND);
    CHECK_INT(inlay__unicode_category('_'), INLAY__UNICODE_PC);
    CHECK_INT(inlay__unicode_category('$'), INLAY__UNICODE_SC);
    CHECK_INT(inlay__unicode_category(0xAD), INLAY__UNICODE_CF);
    CHECK_INT(inlay__unicode_category(0x1C5), INLAY__UNICODE_LT);
    CHECK_INT(inlay__unicode_category(0x301), INLAY__UNICODE_MN);
    CHECK_INT(inlay__unicode_category(0x20DD), INLAY__UNICODE_ME);
    CHECK_INT(inlay__unicode_category(0x2028), INLAY__UNICODE_ZL);
    CHECK_INT(inlay__unicode_category(0x2167), INLAY__UNICODE_NL);
    CHECK_INT(inlay__unicode_category(0x4E00), INLAY__UNICODE_LO);
    CHECK_INT(inlay__unicode_category(0xD800), INLAY__UNICODE_CS);
    CHECK_INT(inlay__unicode_category(0xE000), INLAY__UNICODE_CO);
    CHECK_INT(inlay__unicode_category(0x1F600), INLAY__UNICODE_SO);
    CHECK_INT(inlay__unicode_category(0x323AF), INLAY__UNICODE_LO);
    CHECK_INT(inlay__unicode_category(0x10FFFF), INLAY__UNICODE_CN);
    CHECK_INT(inlay__unicode_category(0x110000), INLAY__UNICODE_CN);
    CHECK_INT(inlay__unicode_category(UINT32_MAX), INLAY__UNICODE_CN);
}

TEST(ascii_has_the_same_bits_by_its_own_table) {
    for (uint32_t code = 0; code < 128; code++) {
        uint8_t category = inlay__unicode_category(code), flags = inlay__unicode_flags(code);
        CHECK_INT((flags & INLAY__CHAR_LETTER) != 0, category >= INLAY__UNICODE_LL && category <= INLAY__UNICODE_LU);
        CHECK_INT((flags & INLAY__CHAR_NUMBER) != 0, category >= INLAY__UNICODE_ND && category <= INLAY__UNICODE_NO);
        CHECK_INT((flags & INLAY__CHAR_PUNCTUATION) != 0,
                  category >= INLAY__UNICODE_PC && category <= INLAY__UNICODE_PS);
        CHECK_INT((flags & INLAY__CHAR_SYMBOL) != 0, category >= INLAY__UNICODE_SC && category <= INLAY__UNICODE_SO);
    }
}

TEST_MAIN(CASE(every_kind_has_as_many_characters_as_unicode_16), CASE(no_character_is_of_two_kinds),
          CASE(white_space_is_the_property_white_space), CASE(known_characters_have_their_categories),
          CASE(ascii_has_the_same_bits_by_its_own_table))
