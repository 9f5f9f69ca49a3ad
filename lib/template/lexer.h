/* A template's text as tokens: template text, and what stands between {{ }} and {% %}. White space control is done
 * here, with trim_blocks and lstrip_blocks on. */
#ifndef INLAY_LEXER_H
#define INLAY_LEXER_H

#include "value.h"

typedef enum inlay__token_kind {
    INLAY__T_END,
    INLAY__T_DATA,        /* text of the template */
    INLAY__T_PRINT,       /* {{ */
    INLAY__T_PRINT_END,   /* }} */
    INLAY__T_BLOCK,       /* {% */
    INLAY__T_BLOCK_END,   /* %} */
    INLAY__T_NAME,
    INLAY__T_STRING,
    INLAY__T_INT,
    INLAY__T_FLOAT,
    INLAY__T_ADD, INLAY__T_SUB, INLAY__T_MUL, INLAY__T_DIV, INLAY__T_FLOORDIV, INLAY__T_MOD, INLAY__T_POW,
    INLAY__T_TILDE,
    INLAY__T_EQ, INLAY__T_NE, INLAY__T_LT, INLAY__T_LE, INLAY__T_GT, INLAY__T_GE,
    INLAY__T_ASSIGN, INLAY__T_DOT, INLAY__T_COLON, INLAY__T_PIPE, INLAY__T_COMMA, INLAY__T_SEMICOLON,
    INLAY__T_LPAREN, INLAY__T_RPAREN, INLAY__T_LBRACKET, INLAY__T_RBRACKET, INLAY__T_LBRACE, INLAY__T_RBRACE
} inlay__token_kind;

typedef struct inlay__token {
    inlay__token_kind kind;
    uint32_t pos;     /* in the source */
    uint32_t size;    /* bytes of text */
    const char *text; /* of names and data; of strings, with the escapes read */
    union {
        int64_t integer;
        double number;
    } of;
} inlay__token;

typedef struct inlay__tokens {
    inlay__token *items; /* [n], the last is INLAY__T_END */
    size_t n, capacity;
} inlay__tokens;

/* Line and column (in characters), from 1, of a place in the source. */
void inlay__source_place(const char *source, size_t size, size_t pos, size_t *line, size_t *column);

/* The tokens of a source, whose lines end with \n and which is UTF-8. Texts lie in the source or in `heap`. On failure
 * *error_pos is the place. Free with inlay__tokens_free in any case. */
int32_t inlay__lex(inlay__heap *heap, const char *source, size_t size, inlay__tokens *tokens, size_t *error_pos);
void inlay__tokens_free(const inlay__sys *sys, inlay__tokens *tokens);

#endif
