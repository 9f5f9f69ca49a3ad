/* What the public headers promise, read from the headers themselves. */
#ifndef INLAY_DOCUMENTED_H
#define INLAY_DOCUMENTED_H

#include <stdint.h>

/* The statuses that a function's comment lists behind "Errors", as bits: 1 << -status. Functions that it names there
 * ("as inlay_eval", "as above") count with theirs. Ends the program when the headers have no such function. */
uint32_t documented_errors(const char *function);

#endif
