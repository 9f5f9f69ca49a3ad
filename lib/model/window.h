/* Windows of attention [Beltagy et al. 2020]: a layer that sees only the last so many positions need not keep those
 * before them. Such layers have a cache of their own then, with as many pages as its window, a call and what sequences
 * can be cut back by ask for, however long they become:
 *
 *                      begins        length before                          length        room for the pass
 *     whole pages  ....|-- rewind + window --|.......|----- rewind + window -----|-----------|
 *                 given back, when the       given back while a long call is
 *                 call begins                done; what it comes back to stays
 *
 * What follows acts on all pages of a sequence, those of the other layers too. */
#ifndef INLAY_WINDOW_H
#define INLAY_WINDOW_H

#include "model/decoder_state.h"

/* The caches, and which layer has its place in which. Errors: as inlay__kv_cache_init. */
int32_t inlay__window_init(inlay__decoder *d);

/* A call with the sequence begins; in a pass of it there is to be room for `end` tokens; it went well. */
void inlay__window_begin(inlay__decoder *d, inlay__sequence *sequence);
void inlay__window_extend(inlay__decoder *d, inlay__sequence *sequence, size_t end);
void inlay__window_commit(inlay__decoder *d, inlay__sequence *sequence);
/* It did not: back to n tokens. */
void inlay__window_discard(inlay__decoder *d, inlay__sequence *sequence, size_t n);

/* Whether the sequence can go on from its first n tokens. */
bool inlay__window_reaches(const inlay__decoder *d, const inlay__sequence *sequence, size_t n);
/* Gives back what lies behind the first n tokens, from which it can go on. */
void inlay__window_cut(inlay__decoder *d, inlay__sequence *sequence, size_t n);
/* `to`, which has none, has the first n tokens of `from` too, from which it can go on. */
void inlay__window_share(inlay__decoder *d, const inlay__sequence *from, size_t n, inlay__sequence *to);
/* The pages of tokens [begin, end), which it has, become the sequence's own. */
void inlay__window_own(inlay__decoder *d, inlay__sequence *sequence, size_t begin, size_t end);
/* An empty sequence has room for n tokens, of which layers with a window know those from the return value on, not
 * before `n_gone`. */
size_t inlay__window_load(inlay__decoder *d, inlay__sequence *sequence, size_t n, size_t n_gone);

#endif
