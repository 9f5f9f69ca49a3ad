/* Every call to the system that can fail is made to, in whatever the library does: the table of
 * support/fault_scenarios.h lists it.
 * support/faults.h tells what is held to; INLAY_FAULTS=all in the environment runs every point. */
#include "test.h"

#include <errno.h>
#include <unistd.h>

#include "support/fault_scenarios.h"
#include "support/family_folder.h"
#include "support/faults.h"
#include "support/temp_file.h"

/* What the library takes without options, as for a template that needs no model, comes straight from the C library:
 * the test is linked so that it comes through here. */
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    return fail_sys_fails(&faults_sys) ? ENOMEM : __real_posix_memalign(memory, alignment, size);
}

/* ------------------------------------------------------------------ families */

static bool every_point(void) {
    const char *wanted = getenv("INLAY_FAULTS");
    return wanted != NULL && strcmp(wanted, "all") == 0;
}

/* Each family opens and runs from a folder, and from a GGUF file with one tokenizer after the other: shapes of a family
 * differ in little, and a part of them will do. */
static void run_families(bool gguf) {
    size_t every = every_point() ? 5 : 9;
    for (size_t i = 0; i < family_count(); i += every) {
        family_folder folder = family_folder_make(i);
        char name[128];
        const char *tokenizer = family_tokenizers[i % FAMILY_TOKENIZERS];
        snprintf(name, sizeof name, "%s, %s", family_name(i), gguf ? tokenizer : "folder");
        opening how = {.load = i % 2 == 0 ? INLAY_LOAD_MAP : INLAY_LOAD_COPY, .pack = (int)(i / 2 % 3),
                       .tokens_below = 80};
        if (gguf) {
            size_t size;
            uint8_t *data = family_gguf(&folder, tokenizer, &size);
            how.path = temp_file("family.gguf", data, size);
            free(data);
        } else {
            temp_file("config.json", folder.config, folder.config_size);
            temp_file("tokenizer.json", folder.tokenizer, folder.tokenizer_size);
            temp_file("model.safetensors", folder.weights, folder.weights_size);
            how.path = temp_path(".");
        }
        faults_run(name, open_and_run, &how);
        family_folder_free(&folder);
    }
}

TEST(folders_of_every_family_open_and_run) { run_families(false); }
TEST(gguf_files_of_every_family_open_and_run) { run_families(true); }

/* ------------------------------------------------------------------ everything else */

TEST(everything_else_that_can_be_done) {
    prepare_files();
    for (size_t i = 0; i < n_scenarios; i++) faults_run(scenarios[i].name, scenarios[i].run, scenarios[i].what);
}

TEST(every_point_was_recovered) { CHECK(faults_report(every_point() ? 25000 : 300)); }

TEST_MAIN(CASE(folders_of_every_family_open_and_run), CASE(gguf_files_of_every_family_open_and_run),
          CASE(everything_else_that_can_be_done), CASE(every_point_was_recovered))
