/* Inlay: run language models inside your program.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *     #include <inlay.h>
 *     #include <stdio.h>
 *
 *     inlay_model *model;
 *     inlay_session *session;
 *     int32_t tokens[512], token;
 *     char piece[64];
 *     size_t n;
 *
 *     if (inlay_model_open("smollm2.gguf", NULL, &model) != INLAY_OK)
 *         return puts(inlay_error()), 1;
 *     inlay_session_new(model, NULL, &session);
 *     inlay_tokenize(model, "The capital of France is", INLAY_ALL, INLAY_ADD_SPECIAL, tokens, 512, &n);
 *     inlay_eval(session, tokens, n);
 *     while (inlay_sample(session, &token) == INLAY_OK && !inlay_token_is_end(model, token)) {
 *         inlay_token_bytes(model, token, piece, sizeof piece, &n);
 *         fwrite(piece, 1, n, stdout);
 *         inlay_eval(session, &token, 1);
 *     }
 *     inlay_session_free(session);
 *     inlay_model_free(model);
 *
 * The complete program, with its error checks, is examples/hello.c.
 *
 * Two handles carry everything. An inlay_model is immutable once open and may be
 * shared by any number of threads. An inlay_session holds a sequence or several: their
 * key/value cache, a sampler, scratch memory; one thread at a time uses it.
 *
 * Rules that hold for every function:
 *  - A call that can fail returns an int32_t status: INLAY_OK (0) or a negative
 *    INLAY_ERR_ value. inlay_error() then tells, in a sentence, what was wrong.
 *    inlay_eval_step alone also returns INLAY_AGAIN (1), which is no error.
 *  - After an error every handle is as it was before the call.
 *  - Strings are UTF-8, given by pointer and length in bytes. A length of
 *    INLAY_ALL means "up to the terminating NUL".
 *  - Results go into the caller's buffers. Where a buffer is too small the call
 *    returns INLAY_ERR_BUFFER, writes nothing into it, and reports the size needed.
 *  - Pointers that the library returns stay its own; each function says how long
 *    they live.
 *  - The library never exits, aborts, prints, installs a signal handler or reads
 *    the environment. It calls back only through functions you gave it, on the
 *    thread that made the call, and holds no lock while doing so.
 *  - A call on a session that is in use, by another thread or by the call whose
 *    callback makes it, returns INLAY_ERR_BUSY and touches nothing.
 *  - Functions and constants are never removed or changed; new ones say "Since".
 */
#ifndef INLAY_H
#define INLAY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && !defined(INLAY_STATIC)
#  ifdef INLAY_BUILD
#    define INLAY_API __declspec(dllexport)
#  else
#    define INLAY_API __declspec(dllimport)
#  endif
#elif defined(__GNUC__)
#  define INLAY_API __attribute__((visibility("default")))
#else
#  define INLAY_API
#endif

/* ------------------------------------------------------------------ version */

/* The release this header belongs to. */
#define INLAY_VERSION_MAJOR 0
#define INLAY_VERSION_MINOR 1
#define INLAY_VERSION_PATCH 0

/* The ABI, and with it the file name libinlay.so.1. It never changes. */
#define INLAY_ABI_VERSION 1

/* A length meaning "the string ends at its NUL". */
#define INLAY_ALL ((size_t)-1)

/* The release of the library that runs, as "0.1.0". Static storage.
 * Thread rule: any. Since 0.1. */
INLAY_API const char *inlay_version(void);

/* The ABI of the library that runs; compare with INLAY_ABI_VERSION.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_abi_version(void);

/* The version of the arithmetic. Two builds with the same number compute the same
 * logits, bit for bit, from the same model and tokens, on every CPU.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_arithmetic_version(void);

/* One line on this build: compiler, options, CPU levels compiled in. Static storage.
 * Thread rule: any. Since 0.1. */
INLAY_API const char *inlay_build_info(void);

/* The name of the best CPU level that this machine can run: "scalar", "avx2",
 * "avxvnni", "avx512", "neon", ... Static storage. Lower it with INLAY_OPT_CPU.
 * Thread rule: any. Since 0.1. */
INLAY_API const char *inlay_cpu(void);

/* ------------------------------------------------------------------- status */

/* Every status: X(name, value, what it means). The values never change. */
#define INLAY_STATUS_LIST(X)                                                        \
    X(OK, 0, "success")                                                             \
    X(ERR_ARGUMENT, -1, "an argument is NULL, out of its range, or of a wrong kind") \
    X(ERR_MEMORY, -2, "the allocator returned NULL")                                \
    X(ERR_IO, -3, "a file could not be opened or read")                             \
    X(ERR_FORMAT, -4, "the bytes are not a well-formed file of their kind")         \
    X(ERR_UNSUPPORTED, -5, "well-formed, but not something this library runs")      \
    X(ERR_BUFFER, -6, "the caller's buffer is too small; the needed size was reported") \
    X(ERR_CONTEXT, -7, "the tokens do not fit into the session's context")          \
    X(ERR_TOKEN, -8, "a token id is outside the vocabulary")                        \
    X(ERR_STATE, -9, "the call does not fit the handle's state, such as sampling before eval") \
    X(ERR_BUSY, -10, "another call is using this session")                          \
    X(ERR_CANCELLED, -11, "inlay_session_cancel stopped the call")                  \
    X(ERR_KEY, -12, "no option, fact or metadata of that key")                      \
    X(ERR_NUMERIC, -13, "the model produced a value that is not finite")            \
    X(ERR_CHANGED, -14, "the model file changed while it was open")                 \
    X(ERR_THREAD, -15, "a thread could not be started")                            \
    X(ERR_TEMPLATE, -16, "a chat template is wrong, refuses what it was given, or goes over a limit") \
    X(ERR_DIFFERENT, -17, "a recording was run again and came out otherwise")       \
    X(AGAIN, 1, "no error: there is more to do, call again")

enum {
#define INLAY_STATUS_ENUM(name, value, text) INLAY_##name = value,
    INLAY_STATUS_LIST(INLAY_STATUS_ENUM)
#undef INLAY_STATUS_ENUM
    INLAY_STATUS_END_ = 2 /* not a status */
};

/* The name of a status, such as "INLAY_ERR_FORMAT"; "unknown status" for others.
 * Static storage. Thread rule: any. Since 0.1. */
INLAY_API const char *inlay_status_name(int32_t status);

/* What a status means, in a few words. Static storage.
 * Thread rule: any. Since 0.1. */
INLAY_API const char *inlay_status_text(int32_t status);

/* What went wrong in the last failed call on the calling thread: one sentence that
 * names the file, key, tensor or argument, what was expected and what was found.
 * "" when no call has failed. The text lives until the next failed call on this
 * thread. Thread rule: any; each thread has its own. Since 0.1. */
INLAY_API const char *inlay_error(void);

/* ------------------------------------------------------------------ handles */

typedef struct inlay_options inlay_options;
typedef struct inlay_model inlay_model;
typedef struct inlay_session inlay_session;

/* ---------------------------------------------------------------- callbacks */

/* Returns `size` bytes aligned to `alignment` (a power of two, at most 4096), or NULL.
 * May be called from any thread that calls into the library. */
typedef void *(*inlay_alloc_fn)(void *user, size_t size, size_t alignment);

/* Takes back what inlay_alloc_fn gave; `size` is what was asked for. Never gets NULL. May be called from any thread
 * that calls into the library. */
typedef void (*inlay_free_fn)(void *user, void *memory, size_t size);

/* One message, without a newline, which lives until the function returns; `level` is one of INLAY_LOG_. */
typedef void (*inlay_log_fn)(void *user, int32_t level, const char *text);

/* `done` of `total` units of the current call are complete. A value other than 0
 * cancels the call. */
typedef int32_t (*inlay_progress_fn)(void *user, uint64_t done, uint64_t total);

/* Up to `size` bytes, at least one, of a file from `offset` on into `buffer`: returns how many, and 0 or less where
 * there are none or it fails. What it is asked for lies within the size that was told. */
typedef int64_t (*inlay_read_fn)(void *user, void *buffer, size_t size, uint64_t offset);

/* Part `index` of a piece of work, for an inlay_parallel_fn to call. */
typedef void (*inlay_task_fn)(void *task, size_t index);

/* Calls run(task, i) once for every i from 0 to n - 1, in any order, on any threads or one after another on this one,
 * and returns when all of them have returned. Parts never wait for one another. */
typedef void (*inlay_parallel_fn)(void *user, size_t n, inlay_task_fn run, void *task);

enum { INLAY_LOG_DEBUG = 1, INLAY_LOG_INFO = 2, INLAY_LOG_WARNING = 3 };

/* ------------------------------------------------------------------ options */

/* The options: what a key is called, where it acts and what it takes. Integer keys
 * are set by inlay_options_set_int, float keys by _set_float, string keys by
 * _set_string. Ranges and defaults are told by inlay_option_describe. */
enum {
    /* int: threads that work on one call, the caller's among them; never more than the
     * CPUs this process may run on, as others would only keep them waiting. 0 (default): as
     * many as there are CPUs, at most 16. Used by: model open, session. */
    INLAY_OPT_THREADS = 100,
    /* string: the highest CPU level to use: "scalar", "avx2", ... "" (default): the best
     * this machine has. Results are the same bits at every level. Used by: model open. */
    INLAY_OPT_CPU = 101,
    /* int, one of INLAY_LOAD_, INLAY_LOAD_AUTO by default: how a file's bytes come into memory.
     * Used by: model open. */
    INLAY_OPT_LOAD = 102,
    /* int: 1 opens only the metadata and the tokenizer; sessions cannot be made. 0 (default): all.
     * Used by: model open. */
    INLAY_OPT_VOCAB_ONLY = 103,
    /* int, one of INLAY_PACK_, INLAY_PACK_AUTO by default: whether weights are packed for the CPU in memory of their
     * own. Results are the same bits. Used by: model open. */
    INLAY_OPT_PACK = 104,
    /* int: the type that matrices of type F32, F16 and BF16 get while the model opens: INLAY_TYPE_Q16_0,
     * INLAY_TYPE_Q8_0, INLAY_TYPE_Q4_0, INLAY_TYPE_Q4_K, INLAY_TYPE_Q6_K or INLAY_TYPE_F16. Norms, positions and what
     * else is not multiplied with keep theirs, the embedding and the head get a finer one than Q4_0 and Q4_K, and rows
     * that blocks of 256 do not fit get Q8_0. Q16_0 has integers of 16 bits for weights and activations in blocks of
     * 128: results differ from those of F32 by about 1e-4 of their size, and reading many tokens is several times as
     * fast on CPUs with AMX, whose tiles the process then asks the system for, unless INLAY_OPT_CPU names a level
     * without. Rows that its blocks do not fit stay as they are. -1 (default): all as in the file. Other types are
     * INLAY_ERR_UNSUPPORTED. Used by: model open. */
    INLAY_OPT_QUANTIZE = 105,

    /* int: tokens that a session can hold; of encoders, the longest sequence; of encoder-decoders, both. At most 2^20.
     * 0 (default): what the model was trained with, of models with LongRoPE what they were trained with first, at most
     * 4096. Used by: session. */
    INLAY_OPT_CONTEXT = 200,
    /* int: tokens evaluated together while a prompt is read, or while an encoder reads sequences, 1 to 4096, 256 by
     * default; of encoders at least the context. More is faster and takes more memory; the result is the same bits.
     * Used by: session. */
    INLAY_OPT_BATCH = 201,
    /* int, one of INLAY_TYPE_F32, INLAY_TYPE_F16 (default) or INLAY_TYPE_Q8_0: how keys
     * and values are kept. Q8_0 takes about half the memory of F16 and reads long
     * prompts faster, a little less exactly; it needs heads of a multiple of 32
     * (INLAY_ERR_UNSUPPORTED otherwise). Encoders keep none. Used by: session. */
    INLAY_OPT_CACHE_TYPE = 202,
    /* int: this many tokens at the beginning of a sequence all see one another, as in a prefix decoder; those after
     * them see what is before. 0 (default): none. The first eval must bring the whole prefix. A session makes its
     * batch that large; inlay_session_set_int changes it within the batch, while the sequence is empty.
     * Models that cannot (INLAY_CAN_PREFIX) give INLAY_ERR_UNSUPPORTED. Used by: session. */
    INLAY_OPT_PREFIX = 203,
    /* int, one of INLAY_POOLING_, INLAY_POOLING_MODEL by default: how inlay_embeddings makes one vector of a
     * sequence's. Used by: session. */
    INLAY_OPT_POOLING = 204,
    /* int: embeddings have only their first so many numbers, for models trained to allow that (Matryoshka).
     * 0 (default): all. Used by: session. */
    INLAY_OPT_DIMENSIONS = 205,
    /* int: 1 (default) makes embeddings vectors of length 1, after INLAY_OPT_DIMENSIONS; 0 leaves them.
     * Used by: session. */
    INLAY_OPT_NORMALIZE = 206,
    /* int: sequences that the session has, 1 to 4096, each with room for the whole context, of which memory is first
     * touched when it is needed. 1 (default). More than one needs INLAY_CAN_GENERATE (INLAY_ERR_UNSUPPORTED
     * otherwise). Used by: session. */
    INLAY_OPT_SEQUENCES = 207,
    /* int: the sequence, counted from 0, that inlay_eval, inlay_eval_all, inlay_logits, inlay_sample,
     * inlay_session_truncate, inlay_eval_prompt, INLAY_OPT_PREFIX and INLAY_SESSION_LENGTH are about;
     * inlay_session_set_int changes it at any time. 0 (default). Used by: session. */
    INLAY_OPT_SEQUENCE = 208,
    /* int: texts that the session keeps beside its sequences for inlay_eval_prompt and inlay_session_recall, 0 to 4096.
     * They take what memory for keys and values the sequences leave free, and leave it to them, those first whose last
     * use is the longest ago. 0 (default): only what the sequences themselves have is found. More needs
     * INLAY_CAN_GENERATE (INLAY_ERR_UNSUPPORTED otherwise). Used by: session. */
    INLAY_OPT_KEEP = 209,
    /* int: room for so many tokens of texts that are kept, beside that of the sequences. Texts that begin alike share
     * it. 0 (default). Used by: session. */
    INLAY_OPT_KEEP_TOKENS = 210,
    /* int: tokens that a sequence can be cut back by for certain (inlay_session_truncate, inlay_session_recall).
     * Layers whose attention has a window then keep no more keys and values than it, so many tokens and a batch ask
     * for, which INLAY_SESSION_CACHE_MEMORY and inlay_plan tell; to cut back further is INLAY_ERR_UNSUPPORTED. -1
     * (default): to any length, and such layers keep the whole context. Models with a recurrent state, which cannot be
     * cut, keep no more whatever it says. No bit depends on it. Used by: session. */
    INLAY_OPT_REWIND = 211,

    /* float: 0 (default) always takes the most probable token; above 0, to 100, draws, from a
     * distribution that is the flatter the higher the value. Used by: session. */
    INLAY_OPT_TEMPERATURE = 300,
    /* int: draw only among this many most probable tokens. 0 (default): all. Used by: session. */
    INLAY_OPT_TOP_K = 301,
    /* float: draw only among the most probable tokens whose probabilities sum to at
     * least this, 0 to 1 [Holtzman et al. 2020]. 1 (default): all. Used by: session. */
    INLAY_OPT_TOP_P = 302,
    /* float: draw only among tokens at least this fraction as probable as the most
     * probable one, 0 to 1 [Nguyen et al. 2024]. 0 (default): all. Used by: session. */
    INLAY_OPT_MIN_P = 303,
    /* int, not negative: the seed of the random numbers. Same seed, same text. Default 0. Used by: session. */
    INLAY_OPT_SEED = 304
};

/* Values of INLAY_OPT_LOAD. */
enum {
    /* Copy files below 64 MiB, map larger ones. */
    INLAY_LOAD_AUTO = 0,
    /* Map: opens at once and shares memory between processes. While it is open the file must not be truncated or
     * written to; replace it by renaming a new one over it. A file that was changed between calls is
     * INLAY_ERR_CHANGED of every call that would read it; one that is truncated while a call reads it ends the process
     * (SIGBUS), which no library can prevent without a signal handler. */
    INLAY_LOAD_MAP = 1,
    /* Copy into memory: independent of the file once open. */
    INLAY_LOAD_COPY = 2
};

/* Values of INLAY_OPT_PACK. */
enum {
    /* Pack what the CPU level has kernels for, but for what a packed file (inlay_pack_file) holds already. Opening
     * takes the memory; it is filled when more than a few tokens are evaluated, by the call that evaluates them. */
    INLAY_PACK_AUTO = 0,
    /* Run from the file's own rows: a mapped model takes hardly any memory of its own, and tokens come slower. */
    INLAY_PACK_NEVER = 1,
    /* Pack while the model opens, so that the first prompt need not wait for it. */
    INLAY_PACK_OPEN = 2
};

/* Values of INLAY_OPT_POOLING. */
enum {
    INLAY_POOLING_MODEL = 0, /* as the model says, the mean where it says nothing */
    INLAY_POOLING_MEAN = 1,  /* the mean over all tokens */
    INLAY_POOLING_FIRST = 2, /* the first token's, [CLS] */
    INLAY_POOLING_LAST = 3   /* the last token's */
};

/* Kinds of option values. */
enum { INLAY_KIND_INT = 1, INLAY_KIND_FLOAT = 2, INLAY_KIND_STRING = 3 };

/* A set of options, all at their defaults, with memory from malloc. `*options` is yours; free it with
 * inlay_options_free. It may be freed once the handle made with it exists. Errors: INLAY_ERR_ARGUMENT,
 * INLAY_ERR_MEMORY.
 * Thread rule: any; one options handle is used by one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_options_new(inlay_options **options);

/* The same with an allocator. The options, every model opened with them and every session made with them take all
 * their memory from it; `user` is handed to both functions. A session made with NULL options uses its model's
 * allocator.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_MEMORY. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_options_new_with_allocator(inlay_alloc_fn alloc, inlay_free_fn release, void *user,
                                                   inlay_options **options);

/* Frees options; NULL is fine. Handles made with them stay as they are. Thread rule: one thread at a time. Since
 * 0.1. */
INLAY_API void inlay_options_free(inlay_options *options);

/* Set one option; texts are copied. After an error it is as it was. Errors: INLAY_ERR_KEY for a key that does not
 * exist, INLAY_ERR_ARGUMENT for one of another kind or a value out of range (NaN is out of every range),
 * INLAY_ERR_MEMORY. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_options_set_int(inlay_options *options, int32_t key, int64_t value);
INLAY_API int32_t inlay_options_set_float(inlay_options *options, int32_t key, double value);
INLAY_API int32_t inlay_options_set_string(inlay_options *options, int32_t key, const char *text, size_t size);

/* Set one option from text, whatever its kind: what a command line or a settings file needs. Numbers are read the same
 * in every locale. Errors: as above.
 * Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_options_set_text(inlay_options *options, int32_t key, const char *text, size_t size);

/* Get one option. A string ends with a NUL that `*size` does not count; it lives until it is set again or the options
 * are freed. Errors: INLAY_ERR_KEY, INLAY_ERR_ARGUMENT. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_options_get_int(const inlay_options *options, int32_t key, int64_t *value);
INLAY_API int32_t inlay_options_get_float(const inlay_options *options, int32_t key, double *value);
INLAY_API int32_t inlay_options_get_string(const inlay_options *options, int32_t key, const char **text, size_t *size);

/* Where messages go; NULL (default) drops them. Used by: model open, session.
 * Errors: INLAY_ERR_ARGUMENT. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_options_set_log(inlay_options *options, inlay_log_fn log, void *user);

/* Told while a model opens (in bytes, of which those that are copied first count twice; of several files `total`
 * grows as they are found) and while a session evaluates (in tokens). Opening that is cancelled leaves nothing.
 * Errors: INLAY_ERR_ARGUMENT. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_options_set_progress(inlay_options *options, inlay_progress_fn progress, void *user);

/* Lends threads: work is cut into INLAY_OPT_THREADS parts, and `parallel` has a host's job system run them; the library
 * then starts no thread at all. It is called many times a token, once for each step that the parts do between two
 * meetings, on the thread that made the call. Results have the same bits. NULL (default): threads of the library's own.
 * Used by: model open, session, pack, tokenizing of batches (as its model was opened). A function that leaves parts out
 * makes the call fail with INLAY_ERR_THREAD. Errors: INLAY_ERR_ARGUMENT. Thread rule: one thread at a time. Since 0.1. */
INLAY_API int32_t inlay_options_set_parallel(inlay_options *options, inlay_parallel_fn parallel, void *user);

/* The number of options there are; their keys are told by inlay_option_key.
 * Thread rule: any. Since 0.1. */
INLAY_API size_t inlay_option_count(void);

/* The key of option `index`, 0 to inlay_option_count() - 1; 0 beyond.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_option_key(size_t index);

/* What there is to know of a key: its kind (INLAY_KIND_), its name such as "top-k" (static storage), and for numbers
 * its least, greatest and default value. Any out pointer may be NULL. Errors: INLAY_ERR_KEY. Thread rule: any. Since
 * 0.1. */
INLAY_API int32_t inlay_option_describe(int32_t key, int32_t *kind, const char **name, double *least, double *greatest,
                                        double *initial);

/* -------------------------------------------------------------------- model */

/* Opens the model at `path` (NUL-terminated, UTF-8): a GGUF file, version 2 or 3, whole or split (give the first part,
 * -00001-of-0000N); a Hugging Face folder with config.json and safetensors files, one or several with their index; one
 * .safetensors file beside its config.json; or an n-gram model in ARPA format, whose words are its tokens, so that text
 * is split at white space. `options` may be NULL. `*model` is yours; free it with inlay_model_free. On failure `*model`
 * is NULL. A folder's tensors and metadata have the names that GGUF gives them. The file is not trusted: any bytes give
 * a model or an error. Errors: INLAY_ERR_ARGUMENT, _MEMORY, _IO, _FORMAT (not a model file, damaged or contradictory),
 * _UNSUPPORTED (its architecture, tensor type or tokenizer), _CANCELLED, _THREAD, _CHANGED. Thread rule: any. Since
 * 0.1. */
INLAY_API int32_t inlay_model_open(const char *path, const inlay_options *options, inlay_model **model);

/* Opens a model from memory, used in place: `data` must stay unchanged until the model
 * and all its sessions are freed. Any alignment will do. Errors and thread rule: as
 * inlay_model_open. Since 0.1. */
INLAY_API int32_t inlay_model_open_memory(const void *data, size_t size, const inlay_options *options,
                                          inlay_model **model);

/* A size meaning "up to the end of the file". */
#define INLAY_TO_END ((uint64_t)-1)

/* Opens a model that stands inside another file, as in an archive that stores it as it is: `size` bytes of the open
 * file `fd` from `offset` on, at any alignment, which are a GGUF file, packed or not, and not one part of several.
 * INLAY_OPT_LOAD says how: mapped in place, where all else in the pages around is left alone, or copied. The
 * descriptor stays yours, its position as it is, and it may be closed as soon as the call returns. While a mapped
 * model is open any change to the outer file, not only to these bytes, is INLAY_ERR_CHANGED at the next evaluation.
 * Errors: as inlay_model_open; INLAY_ERR_IO (no descriptor, or of no regular file), INLAY_ERR_ARGUMENT (bytes beyond
 * its end). Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_open_fd(int32_t fd, uint64_t offset, uint64_t size, const inlay_options *options,
                                      inlay_model **model);

/* Opens a model through a function that reads it, as from a host's virtual file system: a GGUF file of `size` bytes,
 * packed or not, and not one part of several. `read` is called with `user` on the thread that makes this call, mostly
 * at rising offsets in pieces of up to 16 MiB, or of a tensor that is kept as it is, and never after the call has
 * returned. Nothing is in memory twice: weights that the CPU level packs are packed piece by piece as they come, as
 * with INLAY_PACK_OPEN, and with INLAY_PACK_NEVER, or in a packed file, all are kept as they are; INLAY_OPT_LOAD says
 * nothing. Errors: as inlay_model_open, INLAY_ERR_IO when `read` fails, gives none of the bytes it is asked for or
 * more than those. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_open_read(inlay_read_fn read, void *user, uint64_t size, const inlay_options *options,
                                        inlay_model **model);

/* Writes the model file at `path` anew as `packed_path`, with its weights as the kernels read them: such a file is
 * opened by inlay_model_open like any other, but at once, and its memory is shared by all processes that map it. It
 * gives the same results, bit for bit, on every CPU; other programs do not read its weights. Metadata stay as they
 * are, the parts of a split model or the files of a Hugging Face folder become one file. It is written beside its final name and renamed when whole; after
 * an error or a cancel nothing is left. Of the options, threads, load, allocator, log and progress (in bytes of the
 * new file) are used; NULL: the defaults. Errors: as inlay_model_open, and INLAY_ERR_ARGUMENT for a file that is
 * packed already, INLAY_ERR_IO when the new file cannot be written. A
 * file that has the new name already is replaced, also when it is `path` itself. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_pack_file(const char *path, const char *packed_path, const inlay_options *options);

/* Writes the model at `path`, whatever inlay_model_open takes, as one GGUF file `gguf_path` (version 3), under the names
 * of tensors and metadata that GGUF has: a Hugging Face folder with its tokenizer's files whole
 * (tokenizer.huggingface.json and, of Inlay's own, .config and .special_tokens_map), a split model as one file. With
 * INLAY_OPT_QUANTIZE matrices of F32, F16 and BF16 are quantised as they are when a model opens so (not to Q16_0). The
 * new file opens to the bits that `path` has with the same option. It is written tensor by tensor, so that the largest
 * is what is in memory, beside its final name, and renamed when whole; after an error or a cancel nothing is left. Of
 * the options, threads, load, quantize, allocator, log and progress (in bytes of the new file) are used; NULL: the
 * defaults. Errors: as inlay_model_open, and INLAY_ERR_ARGUMENT for a packed file, INLAY_ERR_IO when the new file cannot
 * be written. A file that has the new name already is replaced. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_convert_file(const char *path, const char *gguf_path, const inlay_options *options);

/* Frees a model; NULL is fine. Sessions of it stay valid: its memory goes with the
 * last of them. Thread rule: any. Since 0.1. */
INLAY_API void inlay_model_free(inlay_model *model);

/* What went wrong in the last failed call of the calling thread on this model, "" when its
 * last failure was elsewhere. Thread rule: any. Since 0.1. */
INLAY_API const char *inlay_model_error(const inlay_model *model);

/* Facts of a model. */
enum {
    INLAY_MODEL_ARCHITECTURE = 1,      /* string: as in the file, "llama" */
    INLAY_MODEL_NAME = 2,              /* string: what its author called it, "" if unknown */
    INLAY_MODEL_CPU = 3,               /* string: the CPU level its kernels run at */
    INLAY_MODEL_TYPE_NAME = 4,         /* string: the tensor type most of its weights have */
    INLAY_MODEL_TOKENIZER = 5,         /* string: family and pre-tokenizer, "gpt2/smollm" */
    INLAY_MODEL_CHAT_TEMPLATE = 6,     /* string: the template as in the file, "" if none */
    INLAY_MODEL_KIND = 7,              /* string: "decoder", "encoder" or "encoder-decoder"; "" without weights */
    INLAY_MODEL_N_VOCAB = 100,         /* int: tokens in the vocabulary */
    INLAY_MODEL_N_CONTEXT_TRAIN = 101, /* int: positions it was trained with */
    INLAY_MODEL_N_EMBD = 102,          /* int: width of the hidden state */
    INLAY_MODEL_N_LAYER = 103,         /* int */
    INLAY_MODEL_N_HEAD = 104,          /* int: query heads */
    INLAY_MODEL_N_HEAD_KV = 105,       /* int: key/value heads */
    INLAY_MODEL_N_FF = 106,            /* int: inner width of the feed-forward block */
    INLAY_MODEL_N_PARAMS = 107,        /* int: elements in all its tensors */
    INLAY_MODEL_FILE_BYTES = 108,      /* int: bytes of the file or files */
    INLAY_MODEL_TOKEN_BYTES = 109,     /* int: bytes of weights that evaluating one token reads; 0 without weights */
    INLAY_MODEL_PACKED = 110,          /* int: the version of the form that inlay_pack_file wrote; 0: as published */
    INLAY_MODEL_CAPABILITIES = 111,    /* int: INLAY_CAN_ bits; 0 without weights */
    INLAY_MODEL_N_LABELS = 112,        /* int: labels that inlay_scores tells; 0 where it cannot */
    INLAY_MODEL_TOKEN_BOS = 120,       /* int: begins a sequence; -1 if none */
    INLAY_MODEL_TOKEN_EOS = 121,       /* int: ends a sequence; -1 if none */
    INLAY_MODEL_TOKEN_UNKNOWN = 122,   /* int: -1 if none */
    INLAY_MODEL_TOKEN_PAD = 123,       /* int: -1 if none */
    INLAY_MODEL_TOKEN_MASK = 124,      /* int: stands for what a masked-language model is to guess; -1 if none */
    INLAY_MODEL_TOKEN_START = 125,     /* int: what an encoder-decoder's decoder begins with; -1 for other models */
    INLAY_MODEL_TOKEN_FORCED = 126,    /* int: what such a decoder always goes on with after it; -1 if none */
    INLAY_MODEL_TOKENS_HASH = 127 /* int: a hash of all tokens' texts in their order: models with the same number mean
                                   * the same by an id. Of an n-gram model over another model's tokens it is that
                                   * model's, as `inlay count --model` wrote it. 0: no tokenizer */
};

/* What a model can do; a call that asks for anything else returns INLAY_ERR_UNSUPPORTED. */
enum {
    INLAY_CAN_GENERATE = 1, /* inlay_eval, inlay_logits, inlay_sample */
    INLAY_CAN_PREFIX = 2,   /* INLAY_OPT_PREFIX */
    INLAY_CAN_TRUNCATE = 4, /* inlay_session_truncate to any length; others can only be emptied */
    INLAY_CAN_ENCODE = 8,   /* inlay_encode, inlay_hidden_states */
    INLAY_CAN_EMBED = 16,   /* inlay_embeddings */
    INLAY_CAN_FILL_MASK = 32, /* inlay_logits_at */
    INLAY_CAN_CLASSIFY = 64,  /* inlay_scores */
    INLAY_CAN_SHIFT = 128     /* inlay_session_drop; all but recurrent models and those with learnt positions */
};

/* One fact. A string lives as long as the model. Errors: INLAY_ERR_ARGUMENT,
 * INLAY_ERR_KEY for a fact that does not exist or is of the other kind. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_get_int(const inlay_model *model, int32_t fact, int64_t *value);
INLAY_API int32_t inlay_model_get_string(const inlay_model *model, int32_t fact, const char **text, size_t *size);

/* The file's metadata: `*count` pairs, numbered from 0 in the file's order.
 * Errors: INLAY_ERR_ARGUMENT. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_metadata_count(const inlay_model *model, size_t *count);

/* Pair `index`: its key (lives as long as the model, NUL-terminated) and the number of its
 * values (1 for a scalar, the length for an array). Errors: INLAY_ERR_ARGUMENT.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_metadata_key(const inlay_model *model, size_t index, const char **key, size_t *n_values);

/* The index of the pair whose key is `key`, `size` bytes. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_KEY when there is none.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_metadata_find(const inlay_model *model, const char *key, size_t size, size_t *index);

/* Value `element` of pair `index` as text (numbers in decimal, booleans as true/false),
 * with a NUL after it. `*size` gets its bytes without the NUL, also when `text` is NULL
 * and `capacity` 0. Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_BUFFER.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_metadata_text(const inlay_model *model, size_t index, size_t element, char *text,
                                            size_t capacity, size_t *size);

/* Tensor types, as GGUF numbers them. */
enum {
    INLAY_TYPE_F32 = 0,
    INLAY_TYPE_F16 = 1,
    INLAY_TYPE_Q4_0 = 2,
    INLAY_TYPE_Q4_1 = 3,
    INLAY_TYPE_Q5_0 = 6,
    INLAY_TYPE_Q5_1 = 7,
    INLAY_TYPE_Q8_0 = 8,
    INLAY_TYPE_Q2_K = 10,
    INLAY_TYPE_Q3_K = 11,
    INLAY_TYPE_Q4_K = 12,
    INLAY_TYPE_Q5_K = 13,
    INLAY_TYPE_Q6_K = 14,
    INLAY_TYPE_IQ2_XXS = 16,
    INLAY_TYPE_IQ2_XS = 17,
    INLAY_TYPE_IQ3_XXS = 18,
    INLAY_TYPE_IQ1_S = 19,
    INLAY_TYPE_IQ4_NL = 20,
    INLAY_TYPE_IQ3_S = 21,
    INLAY_TYPE_IQ2_S = 22,
    INLAY_TYPE_IQ4_XS = 23,
    INLAY_TYPE_IQ1_M = 29,
    INLAY_TYPE_BF16 = 30,
    INLAY_TYPE_TQ1_0 = 34,
    INLAY_TYPE_TQ2_0 = 35,
    INLAY_TYPE_MXFP4 = 39,
    INLAY_TYPE_Q16_0 = 60 /* of this library alone, in no file: see INLAY_OPT_QUANTIZE */
};

/* The name of a tensor type, "Q4_K"; NULL for a number that names none.
 * Static storage. Thread rule: any. Since 0.1. */
INLAY_API const char *inlay_type_name(int32_t type);

/* The number of tensors. Errors: INLAY_ERR_ARGUMENT. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_tensor_count(const inlay_model *model, size_t *count);

/* Tensor `index`, in the file's order: its name (lives as long as the model), its type
 * and its shape, fastest dimension first, unused ones 1. Any out pointer may be NULL.
 * Errors: INLAY_ERR_ARGUMENT. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_model_tensor(const inlay_model *model, size_t index, const char **name, int32_t *type,
                                     uint64_t shape[4]);

/* ------------------------------------------------------------------- tokens */

/* Flags of inlay_tokenize. */
enum {
    /* Add the tokens that the model wants at the beginning and end (BOS, EOS). */
    INLAY_ADD_SPECIAL = 1,
    /* Turn text such as "<|im_end|>" into the control token of that name. Without it such
     * text is plain text: keep it so for anything a user typed. */
    INLAY_PARSE_SPECIAL = 2
};

/* Splits `text` into tokens: `*n_tokens` ids into `tokens`, which has room for `capacity`. With too little room,
 * INLAY_ERR_BUFFER and the number needed in `*n_tokens`. `tokens` may be NULL when `capacity` is 0. Bytes that are not
 * UTF-8 are encoded as the bytes they are, wherever the vocabulary has bytes. Time grows as n log n at most.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_BUFFER, INLAY_ERR_MEMORY (scratch in proportion to the text),
 * INLAY_ERR_UNSUPPORTED (a byte the vocabulary cannot express, or a model without a tokenizer: that goes for every
 * function of this part).
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_tokenize(const inlay_model *model, const char *text, size_t size, int32_t flags,
                                 int32_t *tokens, size_t capacity, size_t *n_tokens);

/* The same, and where in the text each token stands: token i became of bytes spans[2 i] to spans[2 i + 1] - 1, where
 * `spans` has room for 2 * `capacity` numbers. Tokens that no byte became (BOS, EOS) have empty spans; those of the
 * bytes of one character may share one. Errors and thread rule: as inlay_tokenize. Since 0.1. */
INLAY_API int32_t inlay_tokenize_spans(const inlay_model *model, const char *text, size_t size, int32_t flags,
                                       int32_t *tokens, size_t *spans, size_t capacity, size_t *n_tokens);

/* Tokenizes `n_texts` texts on up to `n_threads` threads (0: one a CPU; 1, whatever is asked, with an allocator of
 * your own). The tokens of text i are tokens[starts[i]] to tokens[starts[i + 1] - 1]; `starts` has room for n_texts +
 * 1 numbers, and the last is how many tokens there are. `sizes` are lengths in bytes; NULL: every text ends with its
 * NUL. The tokens are those of inlay_tokenize, for any number of threads. With too little room, INLAY_ERR_BUFFER, and
 * `starts` is filled in. Errors: as inlay_tokenize, of the first text that fails, and INLAY_ERR_THREAD. Thread rule:
 * any. Since 0.1. */
INLAY_API int32_t inlay_tokenize_batch(const inlay_model *model, const char *const *texts, const size_t *sizes,
                                       size_t n_texts, int32_t flags, int32_t n_threads, int32_t *tokens,
                                       size_t capacity, size_t *starts);

/* Two texts, such as a question and its answer, as one sequence of an encoder, with the tokens that it wants around
 * and between them: "[CLS] first [SEP] second [SEP]", or "<s> first </s></s> second </s>". `segments`, which may be
 * NULL, gets the segment of each token: 1 for the second text and its end, where the model tells segments apart. No
 * text becomes a control token. Errors and thread rule: as inlay_tokenize; INLAY_ERR_UNSUPPORTED when the model wants
 * no tokens around a text. Since 0.1. */
INLAY_API int32_t inlay_tokenize_pair(const inlay_model *model, const char *first, size_t first_size,
                                      const char *second, size_t second_size, int32_t *tokens, uint8_t *segments,
                                      size_t capacity, size_t *n_tokens);

/* The text of `n_tokens` tokens: `*size` bytes into `text`, which has room for `capacity` and may be NULL when that is
 * 0; no NUL is added. It is the inverse of inlay_tokenize: a space that the tokenizer put before the text, as
 * SentencePiece does, is taken away. Control tokens give no bytes; ask inlay_token_text for their names. Errors:
 * INLAY_ERR_ARGUMENT, INLAY_ERR_TOKEN, INLAY_ERR_BUFFER with the size needed in `*size`, INLAY_ERR_MEMORY. Thread
 * rule: any. Since 0.1. */
INLAY_API int32_t inlay_detokenize(const inlay_model *model, const int32_t *tokens, size_t n_tokens, char *text,
                                   size_t capacity, size_t *size);

/* The bytes that one token adds to a text it stands inside of: for printing as tokens come. No NUL is added. They may
 * be a part of a character; inlay_stream_text waits for the rest. Errors and thread rule: as inlay_detokenize. Since
 * 0.1. */
INLAY_API int32_t inlay_token_bytes(const inlay_model *model, int32_t token, char *text, size_t capacity,
                                    size_t *size);

/* Detokenizes one token at a time and never writes a part of a UTF-8 character: bytes of an unfinished one wait in
 * `*state` (at most three), which starts as 0 and belongs to one stream of text. All that a stream writes is what
 * inlay_detokenize gives of its tokens, so that the space which the tokenizer put before a text is not written. To go
 * on with a text, as after a prompt, give the stream its last token first and drop what that writes. A byte sequence
 * that can no longer become a character is written as U+FFFD. `token` = -1 ends the stream and writes U+FFFD for what
 * was left.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_TOKEN, INLAY_ERR_BUFFER with the size needed in `*size`; `*state` is then
 * unchanged. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_stream_text(const inlay_model *model, uint64_t *state, int32_t token, char *text,
                                    size_t capacity, size_t *size);

/* The text of a token as the vocabulary has it, control tokens by their names ("<|im_end|>"). It lives as long as the
 * model and need not end with a NUL.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_TOKEN. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_token_text(const inlay_model *model, int32_t token, const char **text, size_t *size);

/* Bits that describe a token. */
enum {
    INLAY_TOKEN_CONTROL = 1, /* a mark of the format, not text */
    INLAY_TOKEN_END = 2,     /* generation ends here: EOS, end of turn, ... */
    INLAY_TOKEN_UNKNOWN = 4, /* stands for what the vocabulary lacks */
    INLAY_TOKEN_BYTE = 8,    /* one raw byte */
    INLAY_TOKEN_ADDED = 16,  /* added by the author, matched whole before splitting */
    INLAY_TOKEN_UNUSED = 32  /* never produced by inlay_tokenize */
};

/* INLAY_TOKEN_ bits of a token; 0 for an ordinary one, -1 when `model` is NULL or the id is outside the vocabulary.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_token_flags(const inlay_model *model, int32_t token);

/* 1 when generation ends with this token, else 0, also when there is no such token. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_token_is_end(const inlay_model *model, int32_t token);

/* The id of the token whose text is exactly `text`, `size` bytes.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_KEY when there is none. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_token_find(const inlay_model *model, const char *text, size_t size, int32_t *token);

/* The prompt with which a model that was trained to fill in gaps [Bavarian et al. 2022] writes what stands between
 * `prefix` and `suffix`: their tokens with the model's marks around them, in its order, behind those that begin a text.
 * `files` [n_files, 2] are other files that belong to it, name and text by turns, each ending with a NUL, which come
 * first; `name` is that of the file with the gap, or NULL. A mark in a text is text. Where generation gives another mark
 * or an end, the gap is filled. Errors: INLAY_ERR_BUFFER with `*n_tokens` set, INLAY_ERR_UNSUPPORTED (a model without
 * such marks), INLAY_ERR_ARGUMENT, and as inlay_tokenize. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_fill_tokens(const inlay_model *model, const char *prefix, size_t prefix_size,
                                    const char *suffix, size_t suffix_size, const char *name,
                                    const char *const *files, size_t n_files, int32_t *tokens, size_t capacity,
                                    size_t *n_tokens);

/* --------------------------------------------------------------------- chat */

/* Flags of inlay_chat_render and inlay_chat_tokenize. */
enum {
    /* Let the text end where the model's answer begins: add_generation_prompt. */
    INLAY_CHAT_GENERATE = 1,
    /* inlay_chat_tokenize: text such as "<|im_end|>" becomes that control token within messages, too. Without it only
     * the template's own text does: keep it so for anything a user typed. */
    INLAY_CHAT_PARSE_SPECIAL = 2
};

/* A conversation as the text that the model was trained to go on from, by a Jinja template.
 *   format     which one. NULL: the model's own, and "chatml" where it has none. A name: the model's template of that
 *              name ("tool_use"), or a built-in one: "chatml", "llama2", "llama3", "gemma", "mistral", "zephyr",
 *              "phi3". Text with "{{" or "{%" in it: the template itself. NUL-terminated.
 *   messages   JSON, a list of objects: [{"role": "user", "content": "Hi"}, ...]
 *   tools      JSON, a list of tools, or NULL
 *   variables  JSON, an object with more variables of the template, or NULL. "now", as "2026-11-24T12:00:00", is the
 *              time that the template sees; without it that is the clock's.
 * The template also sees bos_token, eos_token, unk_token, pad_token, add_generation_prompt and documents, which is none
 * unless the variables have it. `flags` are INLAY_CHAT_. `*needed` gets the bytes of the text, for which `text` has
 * room for `capacity` (NULL when that is 0); no NUL is added. docs/templates.md tells what templates may use, and their
 * limits.
 * Errors: INLAY_ERR_ARGUMENT, INLAY_ERR_FORMAT (the JSON), INLAY_ERR_KEY (no template of that name), INLAY_ERR_TEMPLATE
 * (with line and column), INLAY_ERR_BUFFER with the size needed, INLAY_ERR_MEMORY. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_chat_render(const inlay_model *model, const char *format, const char *messages,
                                    size_t messages_size, const char *tools, size_t tools_size, const char *variables,
                                    size_t variables_size, int32_t flags, char *text, size_t capacity, size_t *needed);

/* The same text as tokens: `*n_tokens` of them into `tokens`, which has room for `capacity`. Control tokens come only
 * from the template's own text and from roles that are one plain word; nothing in messages, tools and variables
 * becomes one unless INLAY_CHAT_PARSE_SPECIAL is given. No token is added that the template does not write.
 * Errors: as inlay_chat_render and inlay_tokenize. Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_chat_tokenize(const inlay_model *model, const char *format, const char *messages,
                                      size_t messages_size, const char *tools, size_t tools_size, const char *variables,
                                      size_t variables_size, int32_t flags, int32_t *tokens, size_t capacity,
                                      size_t *n_tokens);

/* Renders any Jinja template without a model. `variables` is a JSON object with all its variables, or NULL; "now" is as
 * above. `*needed` gets the bytes of the text; no NUL is added. Errors: as inlay_chat_render.
 * Thread rule: any. Since 0.1. */
INLAY_API int32_t inlay_template_render(const char *source, size_t size, const char *variables, size_t variables_size,
                                        char *text, size_t capacity, size_t *needed);

#ifdef __cplusplus
}
#endif

#include "inlay_session.h"     /* evaluating tokens: sequences, batches, encoders */
#include "inlay_sampler.h"     /* chains of sampling stages, probabilities */
#include "inlay_speculation.h" /* guessing what comes next */
#include "inlay_grammar.h"     /* answers of a form */
#include "inlay_replay.h"      /* recordings, for proving that another machine does the same */

#endif /* INLAY_H */
