/* The table of pre-tokenizers, and walking over the words that they cut. */
#include "tokenizer/pretokenize.h"

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "\\s+(?!\\S)|\\s+"
#define LINES "\\s*[\\r\\n]+|" SPACES
#define SIGNS " ?[^\\s\\p{L}\\p{N}]+"
#define DIGIT "\\p{N}"
#define DIGITS_3 "\\p{N}{1,3}"
#define CJK "[\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff]+"

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|" SIGNS "|" SPACES

/* Words, then numbers, signs with the line breaks after them, lines. */
#define WORDS(number) CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" number "|" SIGNS "[\\r\\n]*|" LINES
#define LLAMA3 WORDS(DIGITS_3)
#define QWEN2 WORDS(DIGIT)

/* The same with capitals and small letters told apart: a word goes over to the next where it would rise again. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(upper, lower, suffix) \
    "[^\\r\\n\\p{L}\\p{N}]?" upper "*" lower "+" suffix "|[^\\r\\n\\p{L}\\p{N}]?" upper "+" lower "*" suffix
#define GPT4O CASED(UPPER, LOWER, CONTRACTION "?") "|" DIGITS_3 "|" SIGNS "[\\r\\n/]*|" LINES
#define NOT_HAN "&&[^\\p{Han}]]"

/* DeepSeek's third pass: identifiers after a sign, words with their marks, signs. */
#define DEEPSEEK_WORDS \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|" \
    " ?[\\p{P}\\p{S}]+"
#define DEEPSEEK3 DEEPSEEK_WORDS "[\\r\\n]*|" LINES

/* Cased letters, as DeepSeek LLM lists them. */
#define DEEPSEEK_LETTERS                                                                                            \
    "A-Za-z\\u00b5\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u01ba\\u01bc-\\u01bf\\u01c4-\\u0293\\u0295-\\u02af"        \
    "\\u0370-\\u0373\\u0376\\u0377\\u037b-\\u037d\\u037f\\u0386\\u0388-\\u038a\\u038c\\u038e-\\u03a1\\u03a3-\\u03f5" \
    "\\u03f7-\\u0481\\u048a-\\u052f\\u0531-\\u0556\\u10a0-\\u10c5\\u13a0-\\u13f5\\u13f8-\\u13fd\\u1c90-\\u1cba"      \
    "\\u1cbd-\\u1cbf\\u1d00-\\u1d2b\\u1d6b-\\u1d77\\u1d79-\\u1d9a\\u1e00-\\u1f15\\u1f18-\\u1f1d\\u1f20-\\u1f45"      \
    "\\u1f48-\\u1f4d\\u1f50-\\u1f57\\u1f59\\u1f5b\\u1f5d\\u1f5f-\\u1f7d\\u1f80-\\u1fb4\\u1fb6-\\u1fbc\\u1fbe"        \
    "\\u1fc2-\\u1fc4\\u1fc6-\\u1fcc\\u1fd0-\\u1fd3\\u1fd6-\\u1fdb\\u1fe0-\\u1fec\\u1ff2-\\u1ff4\\u1ff6-\\u1ffc"      \
    "\\u2102\\u2107\\u210a-\\u2113\\u2115\\u2119-\\u211d\\u2124\\u2126\\u2128\\u212a-\\u212d\\u212f-\\u2134\\u2139"  \
    "\\u213c-\\u213f\\u2145-\\u2149\\u214e\\u2183\\u2184\\u2c00-\\u2c7b\\u2c7e-\\u2ce4\\u2ceb-\\u2cee\\u2cf2\\u2cf3" \
    "\\ua640-\\ua66d\\ua680-\\ua69b\\ua722-\\ua76f\\ua771-\\ua787\\ua78b-\\ua78e\\uab70-\\uabbf\\ufb00-\\ufb06"      \
    "\\ufb13-\\ufb17\\uff21-\\uff3a\\uff41-\\uff5a\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}\\x{104d8}-\\x{104fb}"   \
    "\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}\\x{1e900}-\\x{1e943}"
#define DEEPSEEK_CJK "[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+"

/* Scripts without spaces. */
#define AFMOE_SCRIPTS                                                                                           \
    "[\\u4e00-\\u9fff\\u3400-\\u4dbf\\uf900-\\ufaff\\u3040-\\u309f\\u30a0-\\u30ff\\uff65-\\uff9f\\u2f00-\\u2fdf" \
    "\\u0e40-\\u0e7f\\u0e80-\\u0eff\\u1780-\\u17ff\\u1000-\\u109f\\uaa60-\\uaa7f\\ua9e0-\\ua9ff\\uac00-\\ud7af"  \
    "\\u1100-\\u11ff]+"

#define BLOOM " ?[^(\\s|.,!?\\u2026\\u3002\\uff0c\\u3001\\u0964\\u06d4\\u060c)]+"

/* Runs of spaces in powers of two. */
#define JAIS2_SPACES                                                                                              \
    "\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|" \
    "\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"

enum { WHOLE = INLAY__PRE_IGNORE_MERGES, BOS = INLAY__PRE_ADD_BOS, NO_BOS = INLAY__PRE_NO_BOS };

static const inlay__pretokenizer pretokenizers[] = {
    {"gpt-2 gpt2 phi-2 mpt olmo jais trillion granite-docling gigachat a.x-4.0 mellum modern-bert exaone4 "
     "jina-es jina-de jina-v2-es jina-v2-de jina-v1-en jina-v2-code roberta-bpe", 0,
     {GPT2}},
    {"starcoder refact command-r smollm codeshell exaone minerva-7b mellum2", 0, {DIGIT, GPT2}},
    {"falcon", 0, {"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {"default", 0, {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},

    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", WHOLE | BOS, {LLAMA3}},
    {"dbrx smaug-bpe", 0, {LLAMA3}},
    {"chatglm-bpe", NO_BOS, {LLAMA3}},
    {"glm4 glm5", WHOLE | NO_BOS, {LLAMA3}},
    {"minicpm5", WHOLE, {DIGITS_3, WORDS("\\p{N}+")}},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2", 0, {QWEN2}},
    {"qwen35", 0,
     {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|" DIGIT "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" LINES}},
    {"laguna", 0, {"[^\\n]+|[\\n]+", QWEN2}},
    {"ufakzeka", 0, {"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" DIGIT "|" SIGNS "[\\r\\n]*|" LINES}},
    {"seed-coder", 0, {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" DIGIT "| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" LINES}},
    {"bailingmoe bailingmoe2 llada-moe", 0,
     {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|" DIGIT
      "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|" SPACES}},
    {"exaone-moe", 0,
     {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|" DIGIT "|" SIGNS
                  "[\\r\\n/]?|\\s*[\\r\\n]|" SPACES}},
    {"jais-2", 0,
     {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" DIGITS_3 "|" SIGNS "[\\r\\n]*|\\s*[\\r\\n]+|" JAIS2_SPACES}},

    {"gpt-4o llama4 kanana2 talkie minimax-m2", 0, {GPT4O}},
    {"granite-embed-multi-97m", WHOLE, {GPT4O}},
    {"tiny_aya cohere2moe", 0, {"\\d{1,3}(?=(?:\\d{3})*\\b)", GPT4O}},
    {"tekken", WHOLE | BOS, {CASED(UPPER, LOWER, "") "|" DIGIT "|" SIGNS "[\\r\\n/]*|" LINES}},
    {"kimi-k2", 0,
     {"\\p{Han}+|" CASED("[" UPPER NOT_HAN, "[" LOWER NOT_HAN, CONTRACTION "?") "|" DIGITS_3 "|" SIGNS
                                                                                "[\\r\\n]*|" LINES}},
    {"youtu", WHOLE,
     {"[\\uac00-\\ud7a3\\u3131-\\u318e]+|[\\uff01\\u2026\\u201c\\u201d\\u2018\\u2019\\u2014\\uff1a\\uff1b\\uff0c"
      "\\u3001-\\u303f\\ufe30-\\ufe4f]+|[\\u3105-\\u312f]+|" CJK,
      CASED(UPPER, LOWER, CONTRACTION "?") "|" DIGIT "|" SIGNS "[\\r\\n/]*|" LINES}},

    {"deepseek-llm", 0,
     {"[\\r\\n]", "\\s?[" DEEPSEEK_LETTERS "]+",
      "\\s?[!-/:-~\\uff01-\\uff0f\\uff1a-\\uff5e\\u2018-\\u201f\\u3000-\\u3002]+", "\\s+$", DEEPSEEK_CJK, "\\p{N}+"}},
    {"deepseek-coder", 0, {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_CJK, DIGIT}},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4", 0, {DIGITS_3, CJK, DEEPSEEK3}},
    {"spark2_5", 0, {DIGITS_3, CJK, DEEPSEEK_WORDS "|[\\r\\n]|" SPACES, DIGIT}},
    {"afmoe", 0, {"\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))", AFMOE_SCRIPTS, DEEPSEEK3}},

    {"bloom poro-chat gpt3-finnish", 0, {BLOOM}},
    {"viking", 0, {BLOOM, DIGIT}},
    {"superbpe", 0, {"\\p{N}+", "(?=(\\d{3})+(?!\\d))"}},
    {"chameleon", BOS,
     {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", DIGIT, "[\\p{P}!-/:-@\\[-`{-~]",
      GPT2}},
};

const inlay__pretokenizer *inlay__pretokenizer_at(size_t i) {
    return i < INLAY__COUNT(pretokenizers) ? &pretokenizers[i] : NULL;
}

/* Whether a list with spaces between its names has this one. */
static bool has_name(const char *names, const char *name, size_t size) {
    while (*names != '\0') {
        size_t n = strcspn(names, " ");
        if (n == size && memcmp(names, name, n) == 0) return true;
        names += n;
        names += *names == ' ';
    }
    return false;
}

const inlay__pretokenizer *inlay__pretokenizer_find(const char *name, size_t size) {
    for (size_t i = 0; i < INLAY__COUNT(pretokenizers); i++)
        if (has_name(pretokenizers[i].names, name, size)) return &pretokenizers[i];
    return NULL;
}

int32_t inlay__cutter_init(const inlay__sys *sys, const inlay__pretokenizer *pretokenizer, inlay__cutter *cutter) {
    *cutter = (inlay__cutter){.n = 0};
    for (size_t i = 0; i < INLAY__MAX_PASSES && pretokenizer->patterns[i] != NULL; i++) {
        const char *regex = pretokenizer->patterns[i];
        INLAY__TRY(inlay__pattern_compile(sys, "pre-tokenizer", regex, strlen(regex), &cutter->patterns[i]));
        cutter->n++;
    }
    return INLAY_OK;
}

void inlay__cutter_free(inlay__cutter *cutter) {
    for (size_t i = 0; i < cutter->n; i++)
        inlay__pattern_free(cutter->patterns[i]);
    cutter->n = 0;
}

void inlay__words_init(inlay__words *words, const inlay__cutter *cutter) {
    words->cutter = cutter;
    words->pos = words->size = 0;
    words->status = INLAY_OK;
    for (size_t i = 0; i < cutter->n; i++)
        inlay__matcher_init(&words->matchers[i], cutter->patterns[i]);
}

void inlay__words_free(inlay__words *words) {
    for (size_t i = 0; i < words->cutter->n; i++)
        inlay__matcher_free(&words->matchers[i]);
}

int32_t inlay__words_begin(inlay__words *words, const uint8_t *text, size_t size) {
    words->text = text;
    words->pos = 0;
    words->size = size;
    memset(words->ends, 0, sizeof words->ends);
    words->starts[0] = 0;
    words->status = inlay__matcher_begin(&words->matchers[0], text, size);
    return words->status;
}

bool inlay__words_next(inlay__words *words, const uint8_t **word, size_t *size) {
    size_t pos = words->pos, end = words->size;
    bool anew = false; /* the pass before has come to another piece */
    if (pos >= end || words->status != INLAY_OK) return false;
    for (size_t i = 0; i < words->cutter->n; i++) {
        inlay__matcher *matcher = &words->matchers[i];
        if (anew) {
            words->starts[i] = pos;
            words->status = inlay__matcher_begin(matcher, words->text + pos, end - pos);
            if (words->status != INLAY_OK) return false;
        }
        anew = words->ends[i] <= pos;
        if (anew) {
            size_t piece_begin, piece_end;
            bool is_match;
            /* never: pos < end */
            if (!inlay__matcher_piece(matcher, &piece_begin, &piece_end, &is_match)) return false;
            words->ends[i] = words->starts[i] + piece_end;
        }
        end = words->ends[i];
    }
    *word = words->text + pos;
    *size = end - pos;
    words->pos = end;
    return true;
}
