/* Reading tokenizer.json: what its parts share while a pipeline is made of them. */
#ifndef INLAY_TOKENIZER_JSON_H
#define INLAY_TOKENIZER_JSON_H

#include "base/json.h"
#include "tokenizer/pipeline.h"

typedef struct inlay__json_reader {
    const inlay__sys *sys;
    const char *name;            /* the file in error messages */
    const inlay__json *json;     /* tokenizer.json */
    const inlay__json *config;   /* tokenizer_config.json, or NULL */
    const inlay__json *map;      /* special_tokens_map.json, or NULL */
    inlay__vocab *vocab;
    inlay__pipeline *pipeline;
} inlay__json_reader;

/* Steps of a kind, those of sequences one by one. */
typedef struct inlay__json_list {
    const inlay__json_node **items; /* [n] */
    size_t n, capacity;
} inlay__json_list;

/* All steps below `root`, which may be NULL or null: an object whose "type" is "Sequence" stands for those in its array
 * `key`. `part` names them in error messages. Free the list, also after an error. */
int32_t inlay__json_list_steps(const inlay__json_reader *r, const char *part, const inlay__json_node *root,
                               const char *key, inlay__json_list *list);
void inlay__json_list_free(const inlay__sys *sys, inlay__json_list *list);

/* Values of an object's keys; `part` and the object's "type" name it in error messages. Absent and null give what is
 * there already. */
int32_t inlay__json_read_bool(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                              const char *key, bool *value);
int32_t inlay__json_read_size(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                              const char *key, size_t *value);
int32_t inlay__json_read_text(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                              const char *key, inlay__text *value);
/* A copy in the pipeline's arena. */
int32_t inlay__json_keep_text(const inlay__json_reader *r, inlay__text *text);
int32_t inlay__json_fail_key(const inlay__json_reader *r, const char *part, const inlay__json_node *node,
                             const char *key, const char *expected);
int32_t inlay__json_fail_type(const inlay__json_reader *r, const char *part, const inlay__json_node *node);

static inline inlay__text inlay__json_text_of(const inlay__json_node *node) {
    return (inlay__text){node->text, node->size};
}
static inline bool inlay__json_is_null(const inlay__json_node *node) {
    return node == NULL || node->kind == INLAY__JSON_NULL;
}

/* The parts of a pipeline. The model and its vocabulary come first. */
int32_t inlay__json_read_model(const inlay__json_reader *r);
int32_t inlay__json_read_normalizers(const inlay__json_reader *r);
int32_t inlay__json_read_splitters(const inlay__json_reader *r);
/* After the model and the splitters: see there. */
void inlay__json_take_bytes(const inlay__json_reader *r);
int32_t inlay__json_read_decoders(const inlay__json_reader *r);
int32_t inlay__json_read_processors(const inlay__json_reader *r);
/* The ids with a role, from the other files. After the model. */
int32_t inlay__json_read_roles(const inlay__json_reader *r);

/* json_bytes.c: whether a tokenizer_config.json is of ByT5, whose tokens are bytes; and the tokenizer.json that it
 * would have, of which *size of *capacity bytes are text. */
bool inlay__json_is_bytes(const inlay__json *config);
int32_t inlay__json_write_bytes(const inlay__sys *sys, const char *name, const inlay__json *config, char **text,
                                size_t *size, size_t *capacity);

#endif
