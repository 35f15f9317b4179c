/* What generated code tells of liveness: one symbol, `liveness`.
 *
 * A *label* is what a build with labels says of each successor: which fairness assumption the step
 * serves, and under which condition.  An *instance* is a property with known arguments.
 */
#ifndef QUORATE_GRAPH_H
#define QUORATE_GRAPH_H

#include "model.h"

#define SERVES_NONE 0xffffu

enum { FIRST = 1, SECOND = 2 }; /* what `observe` gives: SECOND is what a leads-to leads to */

typedef struct Liveness {
    u32 assumptions;   /* 0: no step is fair, and there are no labels */
    const u16 *serves; /* by label: the number of an assumption, or SERVES_NONE */
    const u8 *strong;  /* by assumption */

    /* Whether a step from this state counts for what its label serves.  -1: a model error. */
    int (*counts)(u32 label, const u64 *s);
    /* What an instance says of a state. */
    int (*observe)(u32 instance, const u64 *s);
    /* Whether some instance is a model error in this state. */
    int (*fails)(const u64 *s);
} Liveness;

#endif
