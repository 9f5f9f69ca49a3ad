/* The families of models that Hugging Face folders hold, and how their names and numbers become those of GGUF.
 *
 * A family is one entry of a table: its model_type, the architecture it becomes, a line for each key of config.json and a
 * line for each tensor. Everything behind this layer sees GGUF's names alone.
 */
#ifndef INLAY_FAMILY_H
#define INLAY_FAMILY_H

#include "base/json.h"
#include "format/gguf_write.h"
#include "format/recipe.h"

/* -------------------------------------------------------------------- tensors */

typedef enum inlay__tensor_kind {
    INLAY__AS_IT_IS,
    INLAY__ROTARY_Q,       /* rows of attention.head_count heads */
    INLAY__ROTARY_K,       /* rows of attention.head_count_kv heads */
    INLAY__FUSED_QKV,      /* [head_count_kv][queries, key, value] */
    INLAY__TRANSPOSED,     /* a matrix the other way round; a bias as it is */
    INLAY__PLUS_ONE,
    INLAY__NEGATED_EXP,
    INLAY__NEGATED_EXP_COLUMN, /* and [n] becomes [n, 1] */
    INLAY__COLUMN,         /* [n] becomes [n, 1] */
    INLAY__GROUP_ROWS,     /* [n] becomes [ssm.group_count, n / ssm.group_count] */
    INLAY__FLAT,           /* all dimensions become one */
    INLAY__POSITIONS,      /* without the first position_offset rows, which no position has */
    INLAY__CLASSIFIER,     /* in models that classify; others have no use for it */
    INLAY__IGNORED         /* says nothing new */
} inlay__tensor_kind;

/* In `from` and `to`, % is a number (the block; a second one in `from` is an expert, which is stacked with the others)
 * and * at the end is "weight" or "bias". */
typedef struct inlay__tensor_line {
    const char *from, *to;
    inlay__tensor_kind kind;
} inlay__tensor_line;

/* ---------------------------------------------------------------------- config */

typedef enum inlay__config_kind {
    INLAY__CONFIG_INT,
    INLAY__CONFIG_FLOAT,
    INLAY__CONFIG_BOOL,
    INLAY__CONFIG_ACTIVATION, /* a name, of which there are several for each function */
    INLAY__CONFIG_EXPECT,     /* gives no key: `absent` is the only value, or values between bars, that is run */
    INLAY__CONFIG_EXPECT_ACTIVATION
} inlay__config_kind;

/* `key` behind "ARCHITECTURE." from the first of the config's keys `from` (between bars) that is there and not null.
 * `absent` is what the network has otherwise: NULL nothing, "!" refuses, "=key" another key's value, or the value. */
typedef struct inlay__config_line {
    const char *key;
    inlay__config_kind kind;
    const char *from;
    const char *absent;
} inlay__config_line;

/* A tensor that the config gives: factors of rotary frequencies. */
typedef struct inlay__config_tensor {
    const char *name; /* GGUF's */
    float *values;    /* [n] */
    size_t n;
} inlay__config_tensor;

enum { INLAY__CONFIG_TENSORS = 2 };

/* A config.json on its way to metadata. */
typedef struct inlay__config {
    const inlay__sys *sys;
    const char *name;            /* the file, for messages */
    const struct inlay__family *family;
    inlay__json json;
    inlay__gguf_writer *out;
    inlay__config_tensor tensors[INLAY__CONFIG_TENSORS];
    size_t n_tensors;
    uint64_t position_offset;    /* rows of position embeddings before that of position 0 */
} inlay__config;

typedef struct inlay__family {
    const char *model_type;
    const char *architecture;
    const char *prefix;          /* of tensor names, which published files may leave out; or "" */
    const inlay__config_line *config;   /* up to one whose `from` is NULL */
    const inlay__tensor_line *tensors;  /* up to one whose `from` is NULL */
    int32_t (*special)(inlay__config *config); /* what lines cannot say; may be NULL */
} inlay__family;

/* NULL when there is none. */
const inlay__family *inlay__family_find(const char *model_type);
/* Family number i; NULL behind the last. */
const inlay__family *inlay__family_at(size_t i);

extern const inlay__family inlay__families_decoder[], inlay__families_encoder[], inlay__families_recurrent[];

/* --------------------------------------------- what special functions work with */

/* The value of the first of the keys (between bars) that is there and not null, and its name. */
const inlay__json_node *inlay__config_get(const inlay__config *config, const char *keys, inlay__text *key);

/* Numbers that must be there unless `absent` is not negative. */
int32_t inlay__config_int(const inlay__config *config, const char *keys, int64_t absent, int64_t *value);
int32_t inlay__config_float(const inlay__config *config, const char *keys, double absent, double *value);
int32_t inlay__config_bool(const inlay__config *config, const char *keys, bool absent, bool *value);

/* Puts "ARCHITECTURE.key". */
void inlay__config_put_int(inlay__config *config, const char *key, int64_t value);
void inlay__config_put_float(inlay__config *config, const char *key, double value);
void inlay__config_put_bool(inlay__config *config, const char *key, bool value);
void inlay__config_put_string(inlay__config *config, const char *key, const char *value);

/* Width of a head: head_dim, or an even share of the embedding. */
int32_t inlay__config_head_width(const inlay__config *config, int64_t *value);

/* RoPE in both dialects: base, scaling, and how much of a head turns (0 to 1 where the config does not say). */
int32_t inlay__config_put_rope(inlay__config *config, double rotary_part);

/* Which layers attend to a window only, where the config does not list them: */
typedef enum inlay__window_rule {
    INLAY__WINDOW_ALL,     /* all */
    INLAY__WINDOW_NOT_LAST,  /* all but the last of each n */
    INLAY__WINDOW_NOT_FIRST, /* all but the first of each n */
    INLAY__WINDOW_FROM     /* those from number n on */
} inlay__window_rule;

/* The window, from the first of these keys, and a boolean for each layer: attention.sliding_window and
 * attention.sliding_window_pattern. Puts neither where no layer has one. */
int32_t inlay__config_put_window(inlay__config *config, const char *keys, inlay__window_rule rule, int64_t n);

/* The key's value is not one of those expected. */
int32_t inlay__config_fail(const inlay__config *config, int32_t status, inlay__text key, const inlay__json_node *value,
                           const char *expected);

#endif
