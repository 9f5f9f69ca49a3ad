/* What stages there are, and what they take. */
#include "sample/stage_table.h"

#define MOST_TOKENS 1048576

static const char *const names[] = {
    [INLAY_STAGE_TEMPERATURE] = "temperature",
    [INLAY_STAGE_DYNAMIC_TEMPERATURE] = "dynamic temperature",
    [INLAY_STAGE_TOP_K] = "top-k",
    [INLAY_STAGE_TOP_P] = "top-p",
    [INLAY_STAGE_MIN_P] = "min-p",
    [INLAY_STAGE_TYPICAL] = "typical",
    [INLAY_STAGE_TOP_N_SIGMA] = "top-n-sigma",
    [INLAY_STAGE_XTC] = "xtc",
    [INLAY_STAGE_MIROSTAT] = "mirostat",
    [INLAY_STAGE_MIROSTAT_V2] = "mirostat v2",
    [INLAY_STAGE_PENALTIES] = "penalties",
    [INLAY_STAGE_DRY] = "dry",
    [INLAY_STAGE_BIAS] = "bias",
    [INLAY_STAGE_ALLOWED] = "allowed",
    [INLAY_STAGE_CALLBACK] = "callback",
    [INLAY_STAGE_GRAMMAR] = "grammar",
};

static const inlay__stage_parameter parameters[] = {
    {INLAY_PARAMETER_TEMPERATURE, INLAY_STAGE_TEMPERATURE, 0, "temperature", 0, 100, 1, false},
    {INLAY_PARAMETER_TEMPERATURE_LOWEST, INLAY_STAGE_DYNAMIC_TEMPERATURE, 0, "lowest temperature", 0, 100, 0.5, false},
    {INLAY_PARAMETER_TEMPERATURE_HIGHEST, INLAY_STAGE_DYNAMIC_TEMPERATURE, 1, "highest temperature", 0, 100, 1.5,
     false},
    {INLAY_PARAMETER_TEMPERATURE_EXPONENT, INLAY_STAGE_DYNAMIC_TEMPERATURE, 2, "exponent", 0.01, 100, 1, false},
    {INLAY_PARAMETER_TOP_K, INLAY_STAGE_TOP_K, 0, "k", 0, INT32_MAX, 40, true},
    {INLAY_PARAMETER_TOP_P, INLAY_STAGE_TOP_P, 0, "p", 0, 1, 0.95, false},
    {INLAY_PARAMETER_MIN_P, INLAY_STAGE_MIN_P, 0, "p", 0, 1, 0.05, false},
    {INLAY_PARAMETER_TYPICAL, INLAY_STAGE_TYPICAL, 0, "p", 0, 1, 0.95, false},
    {INLAY_PARAMETER_TOP_N_SIGMA, INLAY_STAGE_TOP_N_SIGMA, 0, "n", 0, 1000, 1, false},
    {INLAY_PARAMETER_XTC_PROBABILITY, INLAY_STAGE_XTC, 0, "probability", 0, 1, 0.5, false},
    {INLAY_PARAMETER_XTC_THRESHOLD, INLAY_STAGE_XTC, 1, "threshold", 0, 1, 0.1, false},
    {INLAY_PARAMETER_MIROSTAT_TAU, INLAY_STAGE_MIROSTAT, 0, "tau", 0, 100, 5, false},
    {INLAY_PARAMETER_MIROSTAT_ETA, INLAY_STAGE_MIROSTAT, 1, "eta", 0, 1, 0.1, false},
    {INLAY_PARAMETER_MIROSTAT_M, INLAY_STAGE_MIROSTAT, 2, "m", 2, MOST_TOKENS, 100, true},
    {INLAY_PARAMETER_MIROSTAT_V2_TAU, INLAY_STAGE_MIROSTAT_V2, 0, "tau", 0, 100, 5, false},
    {INLAY_PARAMETER_MIROSTAT_V2_ETA, INLAY_STAGE_MIROSTAT_V2, 1, "eta", 0, 1, 0.1, false},
    {INLAY_PARAMETER_PENALTY_LAST, INLAY_STAGE_PENALTIES, 0, "last", 0, MOST_TOKENS, 64, true},
    {INLAY_PARAMETER_PENALTY_REPEAT, INLAY_STAGE_PENALTIES, 1, "repeat", 0.01, 100, 1, false},
    {INLAY_PARAMETER_PENALTY_FREQUENCY, INLAY_STAGE_PENALTIES, 2, "frequency", -100, 100, 0, false},
    {INLAY_PARAMETER_PENALTY_PRESENCE, INLAY_STAGE_PENALTIES, 3, "presence", -100, 100, 0, false},
    {INLAY_PARAMETER_DRY_MULTIPLIER, INLAY_STAGE_DRY, 0, "multiplier", 0, 100, 0.8, false},
    {INLAY_PARAMETER_DRY_BASE, INLAY_STAGE_DRY, 1, "base", 1, 100, 1.75, false},
    {INLAY_PARAMETER_DRY_ALLOWED, INLAY_STAGE_DRY, 2, "allowed length", 1, MOST_TOKENS, 2, true},
    {INLAY_PARAMETER_DRY_LAST, INLAY_STAGE_DRY, 3, "last", 0, MOST_TOKENS, 4096, true},
};

const inlay__stage_parameter *inlay__stage_parameter_find(int32_t key) {
    for (size_t i = 0; i < INLAY__COUNT(parameters); i++)
        if (parameters[i].key == key) return &parameters[i];
    return NULL;
}

const char *inlay__stage_name(int32_t stage) {
    return stage > 0 && (size_t)stage < INLAY__COUNT(names) ? names[stage] : NULL;
}

bool inlay__stage_is_plain(int32_t stage) { return inlay__stage_name(stage) != NULL && stage < INLAY_STAGE_BIAS; }

void inlay__stage_initial(int32_t stage, double *values) {
    for (size_t i = 0; i < INLAY__COUNT(parameters); i++)
        if (parameters[i].stage == stage) values[parameters[i].place] = parameters[i].initial;
}
