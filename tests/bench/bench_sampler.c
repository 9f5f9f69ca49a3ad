/* What choosing a token costs with a vocabulary of 262,144: the median of many choices, for each stage and for a chain
 * of many.
 *
 *     cmake --build --preset release --target bench_sampler && build/release/tests/bench_sampler
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <inlay.h>

enum { N_VOCAB = 262144, N_RUNS = 41 };

static float logits[N_VOCAB];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* A bell of logits as models give them, the sum of uniform numbers, with a few that stand out. */
static void fill_logits(void) {
    uint32_t noise = 1;
    for (size_t i = 0; i < N_VOCAB; i++) {
        float sum = 0.0f;
        for (int k = 0; k < 6; k++) {
            noise = noise * 1664525u + 1013904223u;
            sum += (float)(noise >> 8) * 0x1p-24f;
        }
        logits[i] = (sum - 3.0f) * 4.0f + (i % 5000 == 7 ? 12.0f : 0.0f);
    }
}

static void measure(const char *name, const int32_t *stages, size_t n) {
    inlay_sampler *sampler = NULL;
    int32_t token = 0, text[4096];
    double times[N_RUNS];
    int32_t status = inlay_sampler_new(N_VOCAB, NULL, &sampler);
    for (size_t i = 0; i < n && status == INLAY_OK; i++)
        status = inlay_sampler_add(sampler, stages[i]);
    for (size_t i = 0; i < 4096; i++)
        text[i] = (int32_t)(i * i % 700);
    if (status == INLAY_OK) status = inlay_sampler_accept(sampler, text, 4096);
    for (size_t i = 0; i < N_RUNS && status == INLAY_OK; i++) {
        double begin = now();
        status = inlay_sampler_sample(sampler, logits, &token);
        times[i] = now() - begin;
    }
    if (status != INLAY_OK) {
        fprintf(stderr, "%s: %s\n", name, inlay_error());
        exit(1);
    }
    qsort(times, N_RUNS, sizeof *times, ascending);
    printf("%-24s %7.3f ms\n", name, times[N_RUNS / 2]);
    inlay_sampler_free(sampler);
}

int main(void) {
    static const struct {
        const char *name;
        int32_t stages[9];
        size_t n;
    } chains[] = {
        {"(draw from all)", {0}, 0},
        {"temperature", {INLAY_STAGE_TEMPERATURE}, 1},
        {"dynamic temperature", {INLAY_STAGE_DYNAMIC_TEMPERATURE}, 1},
        {"top-k 40", {INLAY_STAGE_TOP_K}, 1},
        {"top-p 0.95", {INLAY_STAGE_TOP_P}, 1},
        {"min-p 0.05", {INLAY_STAGE_MIN_P}, 1},
        {"typical 0.95", {INLAY_STAGE_TYPICAL}, 1},
        {"top-n-sigma 1", {INLAY_STAGE_TOP_N_SIGMA}, 1},
        {"xtc", {INLAY_STAGE_XTC}, 1},
        {"mirostat", {INLAY_STAGE_MIROSTAT}, 1},
        {"mirostat v2", {INLAY_STAGE_MIROSTAT_V2}, 1},
        {"penalties", {INLAY_STAGE_PENALTIES}, 1},
        {"dry, 4096 tokens", {INLAY_STAGE_DRY}, 1},
        {"all, top-n-sigma first",
         {INLAY_STAGE_PENALTIES, INLAY_STAGE_DRY, INLAY_STAGE_TOP_N_SIGMA, INLAY_STAGE_TOP_K, INLAY_STAGE_TYPICAL,
          INLAY_STAGE_TOP_P, INLAY_STAGE_MIN_P, INLAY_STAGE_XTC, INLAY_STAGE_TEMPERATURE},
         9},
        {"all, top-k first",
         {INLAY_STAGE_PENALTIES, INLAY_STAGE_DRY, INLAY_STAGE_TOP_K, INLAY_STAGE_TYPICAL, INLAY_STAGE_TOP_P,
          INLAY_STAGE_MIN_P, INLAY_STAGE_XTC, INLAY_STAGE_TEMPERATURE},
         8},
    };
    fill_logits();
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++)
        measure(chains[i].name, chains[i].stages, chains[i].n);
    return 0;
}
