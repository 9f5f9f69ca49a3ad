/* Writes the saved state that tests/api/states keeps of each version: three tokens of the tiny model, as the library
 * saves them that it is linked with. Build and run it where a version is new, and keep what it wrote for ever:
 *
 *     cmake --build --preset test --target write_state
 *     build/test/tests/write_state tests/api/states/version_N.state
 */
#include <stdio.h>

#include "support/tiny_open.h"

int main(int argc, char **argv) {
    int32_t tokens[3];
    if (argc != 2) return fprintf(stderr, "usage: %s FILE\n", argv[0]), 2;
    tiny t = tiny_open(NULL, NULL);
    inlay_session *session = tiny_session(t.model, INLAY_OPT_CONTEXT, 32, INLAY_OPT_SEED, 7, 0);
    tiny_tokens(tokens, 3);
    int32_t status = inlay_eval(session, tokens, 3);
    if (status == INLAY_OK) status = inlay_sequence_save_file(session, 0, argv[1]);
    if (status != INLAY_OK) fprintf(stderr, "%s: %s\n", argv[0], inlay_error());
    inlay_session_free(session);
    tiny_close(&t);
    return status == INLAY_OK ? 0 : 1;
}
