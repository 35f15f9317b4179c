/* Which states walks have met, to count them: a hash of 64 bits stands for a state.
 *
 * Each slot also holds the first walk that met the state.  So the states of the walks up to one
 * can be counted afterwards, although other threads were ahead of it.  Many threads may add at
 * once, without locks; a slot is never emptied.
 */
#ifndef QUORATE_SEEN_H
#define QUORATE_SEEN_H

#include "states.h"

typedef struct Meeting {
    u64 hash;  /* 0: nobody was here */
    u64 early; /* the number of the first walk, inverted: greater is earlier */
} Meeting;

typedef struct Seen {
    Meeting *slots;
    u64 size;
} Seen;

static int seen_begin(Seen *seen, u64 size) {
    seen->size = size;
    seen->slots = reserve(size * sizeof(Meeting));
    if (!seen->slots) return 0;
    madvise(seen->slots, size * sizeof(Meeting), MADV_HUGEPAGE);
    return 1;
}

static void seen_end(Seen *seen) {
    if (seen->slots) munmap(seen->slots, seen->size * sizeof(Meeting));
}

static inline Meeting *seen_home(const Seen *seen, u64 hash) {
    return &seen->slots[(u64)((__uint128_t)hash * seen->size >> 64)];
}

/* Whether the state was new.  There must be room. */
static inline int seen_add(Seen *seen, u64 hash, u64 early) {
    Meeting *at = seen_home(seen, hash);
    for (;;) {
        u64 held = __atomic_load_n(&at->hash, __ATOMIC_RELAXED);
        int fresh = !held && __atomic_compare_exchange_n(&at->hash, &held, hash, 0,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        if (fresh || held == hash) {
            u64 was = __atomic_load_n(&at->early, __ATOMIC_RELAXED);
            while (was < early && !__atomic_compare_exchange_n(&at->early, &was, early, 0,
                                                               __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                ;
            return fresh;
        }
        if (++at == seen->slots + seen->size) at = seen->slots;
    }
}

/* Make it larger, if there is memory.  Nobody else may use it. */
static void seen_grow(Seen *seen, u64 size) {
    Seen larger;
    if (!seen_begin(&larger, size)) return;
    for (u64 i = 0; i < seen->size; i++)
        if (seen->slots[i].hash) seen_add(&larger, seen->slots[i].hash, seen->slots[i].early);
    seen_end(seen);
    *seen = larger;
}

/* How many states the walks up to one have met. */
static u64 seen_until(const Seen *seen, u64 walk) {
    u64 count = 0;
    for (u64 i = 0; i < seen->size; i++)
        count += seen->slots[i].hash && seen->slots[i].early >= ~walk;
    return count;
}

#endif
