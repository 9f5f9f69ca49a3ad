/* The smallest whole program on Inlay: opens a model and continues a text.
 *
 *     cc hello.c -linlay -o hello
 *     ./hello MODEL.gguf "The capital of France is"
 */
#include <inlay.h>
#include <stdio.h>

enum { MAX_PROMPT = 512, MAX_NEW = 64 };

/* Prints what the model writes after `prompt`. Returns the status of the call that failed, or INLAY_OK. */
static int32_t complete(inlay_model *model, inlay_session *session, const char *prompt) {
    int32_t tokens[MAX_PROMPT], token, status;
    uint64_t stream = 0; /* the bytes of a character whose end has not come yet */
    char piece[256];
    size_t n;

    status = inlay_tokenize(model, prompt, INLAY_ALL, INLAY_ADD_SPECIAL, tokens, MAX_PROMPT, &n);
    if (status == INLAY_OK) status = inlay_eval(session, tokens, n);
    /* The text goes on where the prompt ends: what its last token writes stands there already. */
    if (status == INLAY_OK && n > 0) status = inlay_stream_text(model, &stream, tokens[n - 1], piece, sizeof piece, &n);

    for (int i = 0; status == INLAY_OK && i < MAX_NEW; i++) {
        status = inlay_sample(session, &token);
        if (status != INLAY_OK || inlay_token_is_end(model, token)) break;
        status = inlay_stream_text(model, &stream, token, piece, sizeof piece, &n);
        if (status != INLAY_OK) break;
        fwrite(piece, 1, n, stdout);
        fflush(stdout);
        status = inlay_eval(session, &token, 1);
    }
    putchar('\n');
    return status;
}

int main(int argc, char **argv) {
    inlay_model *model = NULL;
    inlay_session *session = NULL;
    int32_t status;

    if (argc < 2 || argc > 3) return fprintf(stderr, "usage: %s MODEL [PROMPT]\n", argv[0]), 2;

    status = inlay_model_open(argv[1], NULL, &model);
    if (status == INLAY_OK) status = inlay_session_new(model, NULL, &session);
    if (status == INLAY_OK) status = complete(model, session, argc == 3 ? argv[2] : "The capital of France is");
    if (status != INLAY_OK) fprintf(stderr, "%s: %s\n", argv[0], inlay_error());

    inlay_session_free(session);
    inlay_model_free(model);
    return status == INLAY_OK ? 0 : 1;
}
