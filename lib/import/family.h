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

/* ------------------------------------------------------------------------ tables */

/* A table is text, so that its lines cost no more than they say. A line for tensors is "FROM TO" or "FROM TO KIND":
 *
 *     layers.%.self_attn.q_proj.* blk.%.attn_q.* rotary_q
 *
 * % is a number (the block; a second one in FROM is an expert, stacked with the others) and * at the end is "weight" or
 * "bias"; + in its place says that one is never there without the other. The kinds, by the names that lines have for them: */
#define INLAY__TENSOR_KINDS(X)                                                                 \
    X(as_it_is)                                                                                \
    X(rotary_q)           /* rows of attention.head_count heads, GGUF's in pairs */            \
    X(rotary_k)           /* the same with attention.head_count_kv */                          \
    X(fused_qkv)          /* [head_count_kv][queries, key, value], GGUF's one behind another */ \
    X(transposed)         /* matrices the other way round; a bias as it is */                   \
    X(plus_one)           /* GGUF has one more */                                              \
    X(negated_exp)        /* GGUF has -e^x */                                                  \
    X(negated_exp_column) /* the same, and [n] becomes [n, 1] */                               \
    X(column)             /* [n] becomes [n, 1] */                                             \
    X(group_rows)         /* [n] becomes [ssm.group_count, n / ssm.group_count] */             \
    X(flat)               /* all dimensions become one */                                      \
    X(positions)          /* without the first position_offset rows, which no position has */  \
    X(classifier)         /* in models that classify; others have no use for it */             \
    X(spare)              /* where nothing else gives TO, the first of such lines */           \
    X(ignored)            /* says nothing new; TO is "-" */                                    \
    X(needed)             /* no tensor's line: FROM must be there where TO is */

#define INLAY__TENSOR_KIND(name) INLAY__TENSOR_##name,
typedef enum inlay__tensor_kind { INLAY__TENSOR_KINDS(INLAY__TENSOR_KIND) INLAY__N_TENSOR_KINDS } inlay__tensor_kind;

typedef struct inlay__tensor_line {
    inlay__text from, to;
    inlay__tensor_kind kind;
} inlay__tensor_line;

/* A line for config.json is "KEY KIND FROM" or "KEY KIND FROM ABSENT":
 *
 *     attention.head_count_kv int num_key_value_heads|num_kv_heads =num_attention_heads
 *
 * "ARCHITECTURE.KEY" comes from the first of the config's keys FROM that is there and not null. ABSENT is what the
 * network has otherwise: nothing, "!" refuses, "=key" another of the config's keys, or the value itself. */
#define INLAY__CONFIG_KINDS(X)                                                                 \
    X(int)                                                                                     \
    X(float)                                                                                   \
    X(bool)                                                                                    \
    X(activation)         /* a name, of which there are several for each function */           \
    X(expect)             /* gives no key: ABSENT has the only values, between bars, that run */ \
    X(expect_activation)                                                                       \
    X(has_bias)           /* gives none: KEY, "blk.%.attn_q.*", has a bias where FROM is true, and none where false */

#define INLAY__CONFIG_KIND(name) INLAY__CONFIG_##name,
typedef enum inlay__config_kind { INLAY__CONFIG_KINDS(INLAY__CONFIG_KIND) INLAY__N_CONFIG_KINDS } inlay__config_kind;

enum { INLAY__CONFIG_FIELD = 96 };

typedef struct inlay__config_line {
    inlay__config_kind kind;
    char key[INLAY__CONFIG_FIELD], from[INLAY__CONFIG_FIELD];
    char absent[INLAY__CONFIG_FIELD]; /* "" for nothing */
} inlay__config_line;

/* The line at *table, which moves to the next; false at the end. */
bool inlay__tensor_line_next(const char **table, inlay__tensor_line *line);
bool inlay__config_line_next(const char **table, inlay__config_line *line);

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
    const char *config;          /* its tables */
    const char *tensors;
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

/* The name that metadata have for a function of a config; NULL where it is not one of these. */
#define INLAY__CONFIG_ACTIVATIONS                                                                  \
    "silu, gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, relu2, tanh or another name of one"
const char *inlay__config_activation(const inlay__json_node *node);

/* RoPE in both dialects: base and scaling. In the families of the second the config may say how much of a head turns,
 * and rotary_part is that (0 to 1) where it does not; the heads of all others turn as a whole, whatever it says. */
int32_t inlay__config_put_rope(inlay__config *config);
int32_t inlay__config_put_partial_rope(inlay__config *config, double rotary_part);

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
