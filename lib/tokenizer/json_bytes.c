/* ByT5's vocabulary of bytes has no tokenizer.json: its tokenizer_config.json names the class, and this writes what
 * such a file would say. */
#include "base/text.h"
#include "tokenizer/tokenizer_json.h"

enum { N_EXTRA = 125, MOST_EXTRA = 1 << 16, ROOM = 64 }; /* bytes of text a token, at most */

static const char head
    [] = "{\"added_tokens\":[",
    middle
        [] = "],\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"byte_fallback\":true,\"vocab\":{",
  tail[] =
      "},\"merges\":[]},\"decoder\":{\"type\":\"ByteFallback\"},\"post_processor\":{\"type\":\"TemplateProcessing\","
      "\"single\":"
      "[{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"</s>\"}}],"
      "\"special_tokens\":{\"</s>\":{\"ids\":[1]}}}}";
static const char *const names[] = {"<pad>", "</s>", "<unk>"};

bool inlay__json_is_bytes(const inlay__json *config) {
    return inlay__json_equals(inlay__json_get(config, config->nodes, "tokenizer_class"), "ByT5Tokenizer");
}

/* How many sentinel tokens stand behind the bytes. */
static int32_t read_extra(const char *name, const inlay__json *config, size_t *n) {
    const inlay__json_node *extra = inlay__json_get(config, config->nodes, "extra_ids");
    int64_t number = N_EXTRA;
    if (!inlay__json_is_null(extra) && (!inlay__json_i64(extra, &number) || number < 0 || number > MOST_EXTRA))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': 'extra_ids' is '%s', expected an integer from 0 to %d", name,
                           extra->text != NULL ? extra->text : "", MOST_EXTRA);
    *n = (size_t)number;
    return INLAY_OK;
}

int32_t inlay__json_write_bytes(const inlay__sys *sys, const char *name, const inlay__json *config, char **text,
                                size_t *size, size_t *capacity) {
    size_t n_extra = 0, at;
    INLAY__TRY(read_extra(name, config, &n_extra));
    *capacity = sizeof head + sizeof middle + sizeof tail + (2 * INLAY__COUNT(names) + 256 + n_extra) * ROOM;
    char *out = *text = inlay__alloc(sys, *capacity);
    if (out == NULL) return INLAY_ERR_MEMORY;
    at = inlay__format(out, *capacity, "%s", head);
    for (size_t i = 0; i < INLAY__COUNT(names); i++)
        at += inlay__format(out + at, *capacity - at, "%s{\"content\":\"%s\",\"special\":true}", i > 0 ? "," : "",
                            names[i]);
    for (size_t i = 0; i < n_extra; i++)
        at += inlay__format(out + at, *capacity - at, ",{\"content\":\"<extra_id_%zu>\",\"special\":true}", i);
    at += inlay__format(out + at, *capacity - at, "%s", middle);
    for (size_t i = 0; i < INLAY__COUNT(names); i++)
        at += inlay__format(out + at, *capacity - at, "\"%s\":%zu,", names[i], i);
    for (size_t byte = 0; byte < 256; byte++)
        at += inlay__format(out + at, *capacity - at, "\"<0x%c%c>\":%zu%s", "0123456789ABCDEF"[byte >> 4],
                            "0123456789ABCDEF"[byte & 15], INLAY__COUNT(names) + byte, byte < 255 ? "," : "");
    at += inlay__format(out + at, *capacity - at, "%s", tail);
    *size = at;
    return INLAY_OK;
}
