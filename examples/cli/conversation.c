/* What was said becomes tokens by the chat template; of those, the session evaluates only the ones that are new to
 * it. */
#include "conversation.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ messages */

int conversation_add(conversation *c, const char *role, cli_text text) {
    if (c->n == c->capacity) {
        size_t capacity = c->capacity > 0 ? 2 * c->capacity : 16;
        conversation_message *larger = realloc(c->messages, capacity * sizeof *larger);

        if (larger == NULL) {
            free(text.text);
            return cli_error("there is not enough memory for another message");
        }
        c->messages = larger;
        c->capacity = capacity;
    }
    c->messages[c->n++] = (conversation_message){role, text};
    return CLI_OK;
}

void conversation_forget(conversation *c, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        free(c->messages[i].text.text);
    if (to > from) memmove(c->messages + from, c->messages + to, (c->n - to) * sizeof *c->messages);
    c->n -= to - from;
}

size_t conversation_begin(const conversation *c) {
    return c->n > 0 && strcmp(c->messages[0].role, "system") == 0 ? 1 : 0;
}

size_t conversation_next_turn(const conversation *c, size_t from) {
    for (size_t i = from + 1; i < c->n; i++)
        if (strcmp(c->messages[i].role, "user") == 0) return i;
    return 0;
}

void conversation_free(conversation *c) {
    conversation_forget(c, 0, c->n);
    free(c->messages);
}

/* -------------------------------------------------------------------- tokens */

/* The system text and the messages from `from` on as JSON. free() it; NULL when there is no memory. */
static char *to_json(const conversation *c, size_t from, size_t *size) {
    size_t n_system = conversation_begin(c);
    const char *comma = "";
    char *json = NULL;
    FILE *out = open_memstream(&json, size);
    bool failed;

    if (out == NULL) return NULL;
    putc('[', out);
    for (size_t i = 0; i < c->n; i++) {
        if (i >= n_system && i < from) continue;
        fprintf(out, "%s{\"role\": \"%s\", \"content\": ", comma, c->messages[i].role);
        json_string(out, c->messages[i].text.text, c->messages[i].text.size);
        putc('}', out);
        comma = ", ";
    }
    putc(']', out);
    failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) return json;
    free(json);
    return NULL;
}

/* More room for ids; those that are there stay. */
static bool make_room(int32_t **ids, size_t capacity) {
    int32_t *larger = capacity <= SIZE_MAX / sizeof *larger ? realloc(*ids, capacity * sizeof *larger) : NULL;

    if (larger != NULL) *ids = larger;
    return larger != NULL;
}

int32_t conversation_tokens(const conversation *c, size_t from, cli_ids *ids) {
    size_t json_size = 0, capacity = 1024;
    char *json = to_json(c, from, &json_size);
    int32_t status = json != NULL ? INLAY_OK : INLAY_ERR_MEMORY;

    *ids = (cli_ids){NULL, 0};
    while (status == INLAY_OK) {
        if (!make_room(&ids->ids, capacity)) {
            status = INLAY_ERR_MEMORY;
            break;
        }
        status = inlay_chat_tokenize(c->model, c->format, json, json_size, NULL, 0, c->variables, INLAY_ALL,
                                     INLAY_CHAT_GENERATE, ids->ids, capacity, &ids->n);
        if (status != INLAY_ERR_BUFFER) break;
        status = INLAY_OK;
        capacity = ids->n;
    }
    free(json);
    if (status == INLAY_OK) return INLAY_OK;
    free(ids->ids);
    *ids = (cli_ids){NULL, 0};
    return status;
}

/* ------------------------------------------------------------------- session */

int32_t conversation_read(conversation *c, const cli_ids *ids) {
    return inlay_eval_prompt(c->session, ids->ids, ids->n, &c->n_reused);
}

int32_t conversation_append(conversation *c, int32_t token) { return inlay_eval(c->session, &token, 1); }
