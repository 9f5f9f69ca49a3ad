/* The machine's own limits, measured: bytes read from memory and products of 8-bit numbers, each a second. */
#include "cli.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86 1
#elif defined(__aarch64__)
#include <arm_neon.h>
#define HAVE_NEON 1
#if (defined(__clang__) && __clang_major__ >= 16) || (!defined(__clang__) && __GNUC__ >= 10)
#define HAVE_ARM_LEVELS 1
#endif
#endif

enum { N_ROUNDS = 7, MAX_THREADS = 256, PRODUCT_LOOPS = 1 << 19, SCALAR_N = 4096 };
static const size_t BUFFER_SIZE = (size_t)256 << 20; /* bytes, beyond any cache that is near */

typedef struct worker worker;
/* Does a share of a measurement and returns how much that was: bytes, products. */
typedef double work_fn(worker *w);

struct worker {
    pthread_t thread;
    pthread_barrier_t *start, *end;
    work_fn *work;
    const uint8_t *data; /* [size], a multiple of 256 */
    size_t size;
    double done, began, ended;
    volatile uint64_t sink; /* keeps the work from being left out */
};

/* --------------------------------------------------------------------- work */

static double read_scalar(worker *w) {
    uint64_t sums[8] = {0}, words[8];

    for (size_t i = 0; i < w->size; i += sizeof words) {
        memcpy(words, w->data + i, sizeof words);
        for (int k = 0; k < 8; k++)
            sums[k] ^= words[k];
    }
    for (int k = 0; k < 8; k++)
        w->sink ^= sums[k];
    return (double)w->size;
}

static double products_scalar(worker *w) {
    const int8_t *x = (const int8_t *)w->data, *y = x + SCALAR_N;

    for (int loop = 0; loop < PRODUCT_LOOPS / SCALAR_N; loop++) {
        int32_t sum = 0;

        for (int i = 0; i < SCALAR_N; i++)
            sum += x[i] * y[i];
        w->sink += (uint64_t)(int64_t)sum;
    }
    return (double)PRODUCT_LOOPS;
}

#if defined(HAVE_X86)
__attribute__((target("avx2"))) static double read_avx2(worker *w) {
    __m256i sums[8];
    uint64_t words[4];

    for (int k = 0; k < 8; k++)
        sums[k] = _mm256_setzero_si256();
    for (size_t i = 0; i < w->size; i += sizeof sums)
        for (size_t k = 0; k < 8; k++)
            sums[k] = _mm256_xor_si256(sums[k], _mm256_loadu_si256((const __m256i *)(const void *)(w->data + i) + k));
    for (int k = 1; k < 8; k++)
        sums[0] = _mm256_xor_si256(sums[0], sums[k]);
    _mm256_storeu_si256((__m256i *)(void *)words, sums[0]);
    w->sink ^= words[0] ^ words[1] ^ words[2] ^ words[3];
    return (double)w->size;
}

/* vpmaddubsw, summed in 16 bits: 32 products an instruction. */
__attribute__((target("avx2"))) static double products_avx2(worker *w) {
    __m256i sums[10], x = _mm256_loadu_si256((const __m256i *)(const void *)w->data), y = x;
    uint64_t words[4];

    for (int k = 0; k < 10; k++)
        sums[k] = _mm256_setzero_si256();
    for (int loop = 0; loop < PRODUCT_LOOPS; loop++) {
        for (int k = 0; k < 10; k++) {
            __asm__ volatile("" : "+x"(y)); /* else one product would do for all */
            sums[k] = _mm256_add_epi16(sums[k], _mm256_maddubs_epi16(x, y));
        }
    }
    for (int k = 1; k < 10; k++)
        sums[0] = _mm256_xor_si256(sums[0], sums[k]);
    _mm256_storeu_si256((__m256i *)(void *)words, sums[0]);
    w->sink ^= words[0] ^ words[1] ^ words[2] ^ words[3];
    return 32.0 * 10 * PRODUCT_LOOPS;
}

#if (defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11)
#define HAVE_AVXVNNI 1
/* vpdpbusd: 32 products an instruction. */
__attribute__((target("avx2,avxvnni"))) static double products_avxvnni(worker *w) {
    __m256i sums[12], x = _mm256_loadu_si256((const __m256i *)(const void *)w->data), y = x;
    uint64_t words[4];

    for (int k = 0; k < 12; k++)
        sums[k] = _mm256_setzero_si256();
    for (int loop = 0; loop < PRODUCT_LOOPS; loop++) {
        __asm__ volatile("" : "+x"(x), "+x"(y));
        for (int k = 0; k < 12; k++)
            sums[k] = _mm256_dpbusd_avx_epi32(sums[k], x, y);
    }
    for (int k = 1; k < 12; k++)
        sums[0] = _mm256_xor_si256(sums[0], sums[k]);
    _mm256_storeu_si256((__m256i *)(void *)words, sums[0]);
    w->sink ^= words[0] ^ words[1] ^ words[2] ^ words[3];
    return 32.0 * 12 * PRODUCT_LOOPS;
}
#endif

/* vpdpbusd: 64 products an instruction. */
__attribute__((target("avx512f,avx512vnni"))) static double products_avx512(worker *w) {
    __m512i sums[16], x = _mm512_loadu_si512(w->data), y = x;

    for (int k = 0; k < 16; k++)
        sums[k] = _mm512_setzero_si512();
    for (int loop = 0; loop < PRODUCT_LOOPS; loop++) {
        __asm__ volatile("" : "+v"(x), "+v"(y));
        for (int k = 0; k < 16; k++)
            sums[k] = _mm512_dpbusd_epi32(sums[k], x, y);
    }
    for (int k = 1; k < 16; k++)
        sums[0] = _mm512_xor_si512(sums[0], sums[k]);
    w->sink ^= (uint64_t)_mm512_reduce_add_epi64(sums[0]);
    return 64.0 * 16 * PRODUCT_LOOPS;
}
#endif

#if defined(HAVE_NEON)
static double read_neon(worker *w) {
    uint8x16_t sums[8];

    for (int k = 0; k < 8; k++)
        sums[k] = vdupq_n_u8(0);
    for (size_t i = 0; i < w->size; i += sizeof sums)
        for (size_t k = 0; k < 8; k++)
            sums[k] = veorq_u8(sums[k], vld1q_u8(w->data + i + 16 * k));
    for (int k = 1; k < 8; k++)
        sums[0] = veorq_u8(sums[0], sums[k]);
    w->sink ^= vaddlvq_u8(sums[0]);
    return (double)w->size;
}

/* smlal, summed in 16 bits: 8 products an instruction. */
static double products_neon(worker *w) {
    int16x8_t sums[12];
    int8x8_t x = vld1_s8((const int8_t *)w->data), y = x;

    for (int k = 0; k < 12; k++)
        sums[k] = vdupq_n_s16(0);
    for (int loop = 0; loop < PRODUCT_LOOPS; loop++) {
        __asm__ volatile("" : "+w"(x), "+w"(y)); /* else one product would do for all */
        for (int k = 0; k < 12; k++)
            sums[k] = vmlal_s8(sums[k], x, y);
    }
    for (int k = 0; k < 12; k++)
        w->sink ^= (uint64_t)vaddlvq_s16(sums[k]);
    return 8.0 * 12 * PRODUCT_LOOPS;
}

#if defined(HAVE_ARM_LEVELS)
/* sdot: 16 products an instruction. */
__attribute__((target("arch=armv8.2-a+dotprod"))) static double products_dotprod(worker *w) {
    int32x4_t sums[12];
    int8x16_t x = vld1q_s8((const int8_t *)w->data), y = x;

    for (int k = 0; k < 12; k++)
        sums[k] = vdupq_n_s32(0);
    for (int loop = 0; loop < PRODUCT_LOOPS; loop++) {
        __asm__ volatile("" : "+w"(x), "+w"(y));
        for (int k = 0; k < 12; k++)
            sums[k] = vdotq_s32(sums[k], x, y);
    }
    for (int k = 0; k < 12; k++)
        w->sink ^= (uint64_t)vaddlvq_s32(sums[k]);
    return 16.0 * 12 * PRODUCT_LOOPS;
}

/* usmmla: 32 products an instruction. */
__attribute__((target("arch=armv8.2-a+dotprod+i8mm"))) static double products_i8mm(worker *w) {
    int32x4_t sums[12];
    uint8x16_t x = vld1q_u8(w->data);
    int8x16_t y = vreinterpretq_s8_u8(x);

    for (int k = 0; k < 12; k++)
        sums[k] = vdupq_n_s32(0);
    for (int loop = 0; loop < PRODUCT_LOOPS; loop++) {
        __asm__ volatile("" : "+w"(x), "+w"(y));
        for (int k = 0; k < 12; k++)
            sums[k] = vusmmlaq_s32(sums[k], x, y);
    }
    for (int k = 0; k < 12; k++)
        w->sink ^= (uint64_t)vaddlvq_s32(sums[k]);
    return 32.0 * 12 * PRODUCT_LOOPS;
}
#endif
#endif

static work_fn *read_for(const char *cpu) {
#if defined(HAVE_X86)
    if (strcmp(cpu, "scalar") != 0) return read_avx2;
#elif defined(HAVE_NEON)
    if (strcmp(cpu, "scalar") != 0) return read_neon;
#endif
    (void)cpu;
    return read_scalar;
}

static work_fn *products_for(const char *cpu) {
#if defined(HAVE_X86)
    if (strcmp(cpu, "avx512") == 0) return products_avx512;
#if defined(HAVE_AVXVNNI)
    if (strcmp(cpu, "avxvnni") == 0) return products_avxvnni;
#endif
    if (strcmp(cpu, "scalar") != 0) return products_avx2;
#elif defined(HAVE_NEON)
#if defined(HAVE_ARM_LEVELS)
    if (strcmp(cpu, "i8mm") == 0) return products_i8mm;
    if (strcmp(cpu, "dotprod") == 0) return products_dotprod;
#endif
    if (strcmp(cpu, "scalar") != 0) return products_neon;
#endif
    (void)cpu;
    return products_scalar;
}

/* ------------------------------------------------------------------ threads */

static void *run_worker(void *arg) {
    worker *w = arg;

    for (int i = 0; i < N_ROUNDS; i++) {
        pthread_barrier_wait(w->start);
        w->began = cli_seconds();
        w->done = w->work(w);
        w->ended = cli_seconds();
        pthread_barrier_wait(w->end);
    }
    return NULL;
}

/* The best of the rounds, a second: others may be using the machine as well. 0 when it cannot be measured. */
static double measure(work_fn *work, const uint8_t *data, size_t size, int64_t n_threads) {
    static worker workers[MAX_THREADS];
    static pthread_barrier_t start, end;
    size_t share = size / (size_t)n_threads / 256 * 256;
    double best = 0;

    if (pthread_barrier_init(&start, NULL, (unsigned)n_threads + 1) != 0) return 0;
    if (pthread_barrier_init(&end, NULL, (unsigned)n_threads + 1) != 0) return 0;
    for (int64_t i = 0; i < n_threads; i++) {
        workers[i] =
            (worker){.start = &start, .end = &end, .work = work, .data = data + (size_t)i * share, .size = share};
        /* Threads that wait at a barrier for one that does not come end with the program. */
        if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0) return 0;
    }
    for (int round = 0; round < N_ROUNDS; round++) {
        double began = 0, ended = 0, done = 0;

        pthread_barrier_wait(&start);
        pthread_barrier_wait(&end);
        for (int64_t i = 0; i < n_threads; i++) { /* from the first to begin to the last to end */
            if (i == 0 || workers[i].began < began) began = workers[i].began;
            if (i == 0 || workers[i].ended > ended) ended = workers[i].ended;
            done += workers[i].done;
        }
        if (ended > began && done / (ended - began) > best) best = done / (ended - began);
    }
    for (int64_t i = 0; i < n_threads; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_barrier_destroy(&start);
    pthread_barrier_destroy(&end);
    return best;
}

cli_machine cli_measure_machine(const char *cpu, int64_t n_threads) {
    cli_machine machine = {0, 0};
    uint8_t *data;

    if (n_threads > MAX_THREADS) n_threads = MAX_THREADS;
    data = malloc(BUFFER_SIZE);
    if (data == NULL) return machine;
    memset(data, 1, BUFFER_SIZE); /* else all of it is one page of zeros */
    machine.read_bytes = measure(read_for(cpu), data, BUFFER_SIZE, n_threads);
    machine.products = measure(products_for(cpu), data, BUFFER_SIZE, n_threads);
    free(data);
    return machine;
}
