/* The weights of a network, in the form it runs: stacks of layers, layers of blocks.
 *
 * A block reads the residual stream through a norm, mixes what it read along the positions (attention, a recurrence) or
 * along the channels (feed-forward), and gives a branch that joins the stream. What kinds of blocks there are stands in
 * model/block_NAME.c; each has its own weights.
 */
#ifndef INLAY_LAYERS_H
#define INLAY_LAYERS_H

#include "format/ngrams.h"
#include "kernels/matrix.h"
#include "model/arch.h"
#include "model/model.h"

/* ------------------------------------------------------------------- parts */

typedef enum inlay__norm_kind { INLAY__NORM_NONE, INLAY__NORM_RMS, INLAY__NORM_LAYER } inlay__norm_kind;

typedef struct inlay__norm {
    inlay__norm_kind kind;
    const float *weight; /* [n] */
    const float *bias;   /* [n] of layer norms, or NULL */
    float epsilon;
} inlay__norm;

/* A product with a matrix and a sum. */
typedef struct inlay__linear {
    inlay__matrix matrix;
    const float *bias; /* [n_rows] or NULL */
} inlay__linear;

/* Rotary positions: pairs of a head's dimensions turn by position times frequency. Which pairs belongs to the
 * family. */
typedef struct inlay__rope {
    size_t n;                        /* dimensions that rotate */
    const double *frequencies;       /* [n / 2] radians per position */
    const double *long_frequencies;  /* [n / 2] of sequences with room for more than n_original positions; or NULL */
    size_t n_original;
    double magnitude;                /* sines and cosines are multiplied by it */
} inlay__rope;

/* Layers may turn at different paces: some families have local ones. */
enum { INLAY__ROPE_GLOBAL, INLAY__ROPE_LOCAL, INLAY__N_ROPES, INLAY__NO_ROPE };
typedef enum inlay__rope_pairs { INLAY__ROPE_ADJACENT, INLAY__ROPE_HALVES } inlay__rope_pairs;

/* ------------------------------------------------------------------ blocks */

/* What a block asks for, in floats. */
enum { INLAY__N_WORK = 6 };
typedef struct inlay__needs {
    size_t work[INLAY__N_WORK]; /* of each shared buffer, a column */
    size_t input;               /* of prepared inputs, a column: the widest matrix input */
    bool quantizes;             /* no more of them than its matrices say is kept, and floats only for float matrices */
    size_t thread;              /* of each thread's scratch */
    size_t tile;                /* the same, a column: what a thread keeps of a task of many columns */
    size_t part;                /* of what attention to one block of keys gives, for one token */
    size_t state;               /* of the state that a recurrent block keeps of a sequence */
} inlay__needs;

struct inlay__phase;

/* A kind of block: its phases, and what others must know of its weights, whose struct is its own. */
typedef struct inlay__layer_block_kind {
    const char *name;
    const struct inlay__phase *phases; /* [n_phases] the first prepares inputs from the stream, the last makes the branch */
    size_t n_phases;
    inlay__matrix *(*matrix)(void *weights, size_t i); /* its matrices, in the order they run; NULL beyond the last */
    void (*measure)(const void *weights, inlay__needs *needs);
    size_t (*token_bytes)(void *weights); /* of weights read for a token; NULL: all matrices */
} inlay__layer_block_kind;

/* stream = stream_norm(stream + scale * branch_norm(mix(norm(stream)))) */
typedef struct inlay__layer_block {
    const inlay__layer_block_kind *kind;
    void *weights;
    inlay__norm norm, branch_norm, stream_norm;
    float scale;   /* of the branch */
    bool replaces; /* the branch becomes the stream instead of joining it */
    bool parallel; /* reads the stream as the block before it did, and both branches join together */
    size_t state;  /* where its state begins in a sequence's, in floats */
} inlay__layer_block;

enum { INLAY__MAX_BLOCKS = 3 }; /* self-attention, cross-attention, feed-forward */

typedef struct inlay__layer {
    size_t n_blocks;
    inlay__layer_block blocks[INLAY__MAX_BLOCKS];
} inlay__layer;

/* ------------------------------------------------------------------- model */

/* Biases of scores by how far a key is from the query, in buckets that widen with it [Raffel et al. 2020, 2.1]. */
typedef struct inlay__relative {
    size_t n_buckets;
    size_t max_distance; /* all farther share the last bucket */
    bool both_ways;      /* half of the buckets are of keys behind the query */
    const float *bias;   /* [n_buckets, n_head]; NULL: there are none */
} inlay__relative;

/* Layers that run one after another over one stream. */
typedef struct inlay__stack {
    const char *prefix;         /* of its tensors' names: "", or of two stacks "enc.", "dec." */
    size_t n_head, n_head_kv, n_head_dim; /* of its attention blocks */
    size_t n_ff;                /* of its feed-forward blocks */
    size_t n_layer;
    inlay__layer *layers;       /* [n_layer] */
    inlay__relative relative;   /* of its tokens among themselves */
    inlay__matrix positions;    /* [n_positions, n_embd] learned, added to embeddings; n_rows 0: none */
    size_t first_position;      /* the row of position 0 */
    inlay__matrix types;        /* [n_types, n_embd] learned, of a token's segment; n_rows 0: none */
    inlay__norm embd_norm;      /* of the sum */
    inlay__norm entry_norm;     /* after it, of families whose first block does not norm its own input */
    inlay__norm output_norm;
} inlay__stack;

/* What is made of states behind the last norm: a block that replaces them, and a product. */
typedef struct inlay__head {
    inlay__layer_block transform; /* kind NULL: none */
    inlay__linear output;         /* n_rows 0: there is no such head */
} inlay__head;

/* What changes in a model after it was opened. */
typedef struct inlay__packing {
    atomic_size_t n_tokens; /* evaluated from rows so far */
    atomic_int busy;        /* a session packs them */
    atomic_int ready;       /* they are packed: what the matrices' `ready` points to */
} inlay__packing;

/* Memory of a model, freed together. */
typedef struct inlay__model_block {
    void *memory;
    size_t size;
} inlay__model_block;

struct inlay__model {
    const inlay__sys *sys;
    const inlay__weights *weights;
    inlay__kernels kernels;
    inlay__keys keys;
    inlay__hparams hparams;
    inlay__rope ropes[INLAY__N_ROPES]; /* n 0: not in use */
    float embd_scale;            /* embeddings are multiplied by it */
    float logit_scale;           /* and logits by this */
    float logit_soft_cap;        /* logits x become cap tanh(x / cap); 0: they stay */
    inlay__linear embd_in;       /* [n_embd, width of token_embd] where embeddings are narrower than the stream; n_rows 0: they are not */
    inlay__linear embd_out;      /* and back before the head */
    inlay__matrix token_embd;    /* [n_vocab, n_embd] */
    inlay__stack encoder;        /* reads whole sequences, whose tokens see one another; n_layer 0: none */
    inlay__stack decoder;        /* reads tokens one after another; n_layer 0: none */
    const inlay__ngrams *ngrams; /* that take the place of all layers; NULL: there are layers */
    inlay__head head;            /* [n_vocab, n_embd] predicts tokens; the matrix is token_embd where the two are tied */
    int32_t pooling;             /* INLAY_POOLING_ of a sequence's states; _MODEL: the file does not say */
    int32_t label_pooling;       /* of what is classified: INLAY_POOLING_FIRST or _MEAN */
    inlay__head labels;          /* [n_labels, n_embd] classifies a sequence */
    inlay__layer_block **all_blocks; /* [n_all_blocks] of both stacks and the heads, in the order they run */
    size_t n_all_blocks;
    inlay__matrix **matrices;    /* [n_matrices] that products are made with, in the order they run, the head last */
    size_t n_matrices;
    size_t packed_size;          /* bytes for panels of all that are packed */
    size_t panel_size;           /* bytes of the greatest panel that is packed to be multiplied; 0: all are in memory */
    inlay__packing *packing;     /* of matrices that are packed when they are used enough; NULL: none are */
    size_t n_cached;             /* attention blocks that keep keys and values of the sequence */
    size_t n_state;              /* floats of a sequence's recurrent state */
    uint64_t vectors_hash;       /* of those that were loaded: model/fingerprint.h */
    const float *norm_ones;      /* [n_embd] of norms without weights; or NULL */
    int32_t start_token;         /* that a decoder behind an encoder begins with; -1: there is no such decoder */
    int32_t forced_token;        /* that always comes next; -1: none */
    size_t n_crossed;            /* attention blocks that keep keys and values of what the encoder gave */
    bool *used;                  /* [weights->n_tensors] found by name, while the model loads */
    inlay__stack *stack;         /* that loads: tensors' names get its prefix, blocks its sizes */
    inlay__model_block *blocks;  /* [n_blocks] */
    size_t n_blocks, block_capacity;
};

/* Cleared memory that lives as long as the model; NULL when there is none. */
void *inlay__model_alloc(inlay__model *model, size_t count, size_t size);
/* The same, not cleared. */
void *inlay__model_alloc_raw(inlay__model *model, size_t size);

#endif
