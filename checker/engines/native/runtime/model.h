/* What generated code and the runtime know of each other.
 *
 * A state is NW words (a macro given to the compiler).  Generated code is one shared library with
 * one symbol, `model`; the runtime is another, which is the same for every specification with
 * states of NW words.
 */
#ifndef QUORATE_MODEL_H
#define QUORATE_MODEL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;
typedef int64_t i64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Where something is wrong.  `what` is a number that the generator gives a meaning: an invariant,
 * a step property, the model error.  `t` is the state after the step, or NULL. */
typedef struct Report {
    void (*see)(struct Report *to, u32 what, const u64 *s, const u64 *t);
} Report;

/* What expanding states adds to.  One for each worker. */
typedef struct Out {
    u64 *next;       /* the successors, NW words each; steps that change nothing are left out */
    u32 count;       /* how many successors there are now */
    u32 room;        /* for how many there is room */
    u64 *actions;    /* one more for each enabled binding of an action, stutters too */
    u8 *taken;       /* set to 1 where something (the generator knows what) was once taken */
    u16 *labels;     /* if given, and there are labels: what kind of step led to each successor */
    u8 cut;          /* set to 1: steps of this state were cut off by a bound that prunes */
    u8 failed;       /* set to 1: extending this state is a model error (2: it needs more room); nothing else has changed */
    Report *report;  /* of step properties */
} Out;

/* A state as a state of another model. */
typedef struct Image {
    int (*of)(const u64 *s, u64 *image); /* 0: it has none, which is a model error */
    const u64 *reads;                    /* NW words: the bits that the image depends on */
    u32 words;                           /* of the other model */
} Image;

/* For partial-order reduction: tables over bindings and the guards that they need.  A set of
 * bindings is words of bits; what the tables mean is said in `native/reduction`. */
typedef struct Reduction {
    u32 bindings, guards;
    /* Which guards hold: a bit for each.  As `expand`, tells of failing and of steps cut off. */
    void (*look)(const u64 *s, u64 *held, Out *out);
    /* Add the successor by an enabled binding, unless it is the same state. */
    void (*take)(const u64 *s, u32 binding, Out *out);
    const u32 *first_need; /* by binding: where its part of `needs` begins; and the end */
    const u16 *needs;      /* guards */
    const u64 *enabling;   /* by guard: a set */
    const u64 *against;    /* by binding: a set */
    const u64 *useful;     /* by these the search may get on */
    const u64 *blocking;   /* with these, all that are enabled must be taken */
    const u16 *action;     /* by binding: whose it is */
} Reduction;

typedef struct Model {
    u32 words;         /* NW */
    u32 actions;       /* length of Out.actions */
    u32 taken;         /* length of Out.taken */
    u32 goals;         /* how many goals `judge` knows */
    u32 most;          /* successors of one state at most; 0: not known, `expand` makes room */

    /* Add the successors of a state. */
    void (*expand)(const u64 *s, Out *out);
    /* Report what is wrong with a state, and clear the bits in `open` of the goals that it meets. */
    void (*judge)(const u64 *s, u64 *open, Report *report);
    /* Whether a constraint cuts the state off: it is not extended then.  NULL: never. */
    int (*cut)(const u64 *s);
    /* Whether a run may end in this state.  NULL: never. */
    int (*final)(const u64 *s, Report *report);
    /* Turn a state into the one that stands for its orbit.  NULL: no symmetry. */
    void (*canonical)(u64 *s);
    /* The refinements that are judged. */
    u32 images;
    const Image *image;
    /* NULL: nothing may be left for later. */
    const Reduction *reduction;
} Model;

/* Make room for `more` successors.  A model that cannot say `most` calls it before each one. */
static inline void make_room(Out *out, u32 more) {
    if (LIKELY(out->room - out->count >= more)) return;
    u32 room = out->room * 2 + more;
    out->next = realloc(out->next, (size_t)room * NW * sizeof(u64));
    if (out->labels) out->labels = realloc(out->labels, (size_t)room * sizeof(u16));
    if (!out->next) abort();
    out->room = room;
}

#endif
