/* What the library can do, as scenarios for support/faults.h: each makes all it needs with options of its own, records
 * its results and frees everything. */
#ifndef INLAY_FAULT_SCENARIOS_H
#define INLAY_FAULT_SCENARIOS_H

#include <stddef.h>
#include <stdint.h>

/* How open_and_run opens a model. */
typedef struct opening {
    const char *path;
    int load, pack;       /* INLAY_LOAD_, INLAY_PACK_ */
    int32_t tokens_below; /* ids that the model certainly has */
} opening;

/* Opens it, tokenizes, runs what its kind runs: generates, encodes, or both. */
void open_and_run(const void *opening);

/* Writes the files that those below open. */
void prepare_files(void);

/* All but families, one after another, each with what it is given. */
typedef struct scenario {
    const char *name;
    void (*run)(const void *what);
    const void *what;
} scenario;

extern const scenario scenarios[];
extern const size_t n_scenarios;

#endif
