/* Texts that a decoder keeps beside its sequences, so that a prompt that begins like one of them is not read anew. They
 * share pages with the sequences they come from and take no memory of their own but what no sequence needs: when pages
 * run short, those that were not used for the longest time go.
 *
 * A network whose layers attend can go on from any token of a text; one with a recurrent state only from where the
 * state was kept, at the end of each text, and one whose layers give back what lies behind their windows from little
 * before. */
#ifndef INLAY_KEPT_H
#define INLAY_KEPT_H

#include "model/decoder_state.h"

/* The sequence becomes the longest beginning of `tokens`, short of the last, that a sequence has or that is kept; how
 * long it is. What it was is kept, where it was more than that. */
size_t inlay__kept_recall(inlay__decoder *d, size_t sequence, const int32_t *tokens, size_t n);
/* The sequence, as it is, is kept too. */
void inlay__kept_keep(inlay__decoder *d, size_t sequence);
/* Of a prompt of n tokens, `done` of which were read: up to where to read it now, for a state to be kept there. */
size_t inlay__kept_next_stop(const inlay__decoder *d, size_t sequence, const int32_t *tokens, size_t n, size_t done);

/* So many pages of a cache are free, or nothing is kept any more. */
void inlay__kept_make_room(inlay__decoder *d, const inlay__kv_cache *cache, size_t n_pages);
void inlay__kept_forget(inlay__decoder *d);
/* Texts there are. */
size_t inlay__kept_count(const inlay__decoder *d);

#endif
