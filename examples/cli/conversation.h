/* A conversation with a model: what was said, and how much of it the session had read. */
#ifndef INLAY_CLI_CONVERSATION_H
#define INLAY_CLI_CONVERSATION_H

#include "cli.h"

typedef struct conversation_message {
    const char *role; /* "system", "user", "assistant" */
    cli_text text;
} conversation_message;

typedef struct conversation {
    const inlay_model *model;
    inlay_session *session;
    const char *format;    /* as inlay_chat_render takes it */
    const char *variables; /* JSON, or NULL */
    conversation_message *messages; /* [n] */
    size_t n, capacity;
    size_t n_reused;  /* by the last conversation_read: tokens that needed no work */
} conversation;

/* Takes `text` over, also on failure. `role` must outlive the conversation. */
int conversation_add(conversation *c, const char *role, cli_text text);
/* Forgets messages [from, to). */
void conversation_forget(conversation *c, size_t from, size_t to);
/* The first message behind the system text. */
size_t conversation_begin(const conversation *c);
/* What the user said next behind message `from`; 0 when that was nothing. */
size_t conversation_next_turn(const conversation *c, size_t from);
void conversation_free(conversation *c);

/* The system text and the messages from `from` on as tokens, up to where the answer begins. What they say never becomes
 * a control token. free() ids->ids. The status is the library's; its failures are not reported. */
int32_t conversation_tokens(const conversation *c, size_t from, cli_ids *ids);

/* Lets the session hold exactly these tokens; only what is new to it is evaluated. Not reported. */
int32_t conversation_read(conversation *c, const cli_ids *ids);
/* Appends a token of the answer. Not reported. */
int32_t conversation_append(conversation *c, int32_t token);

#endif
