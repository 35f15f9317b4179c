/* Stubborn sets: which of the enabled bindings are enough in a state.
 *
 * What they are and why they are enough is said in `native/reduction`; its tables are a `Reduction`.
 * A set of bindings is an array of words, one bit for each.  Which set is chosen depends on the
 * state only, so that the reduced search is the same for any number of workers.
 */
#ifndef QUORATE_REDUCE_H
#define QUORATE_REDUCE_H

#include "model.h"

/* One worker's sets. */
typedef struct Chooser {
    const Reduction *r;
    u32 words;       /* of a set */
    u64 *held;       /* the guards that hold in the state */
    u64 *enabled;    /* the bindings that are enabled */
    u64 *seeds;      /* enabled bindings from which a set may be grown */
    u64 *tried;      /* the seeds of the sets grown so far */
    u64 *set, *todo; /* the set that grows; its members whose needs were not looked at */
    u64 *chosen;     /* the smallest set, without what is not enabled */
} Chooser;

static u32 words_for(u32 bits) { return (bits + 63) / 64; }

static void chooser_begin(Chooser *c, const Reduction *r) {
    c->r = r;
    c->words = words_for(r->bindings);
    c->held = calloc(words_for(r->guards) + 7 * (u64)c->words, sizeof(u64));
    if (!c->held) abort();
    c->enabled = c->held + words_for(r->guards);
    c->seeds = c->enabled + c->words;
    c->tried = c->seeds + c->words;
    c->set = c->tried + c->words;
    c->todo = c->set + c->words;
    c->chosen = c->todo + c->words;
}

static void chooser_end(Chooser *c) { free(c->held); }

static inline int has(const u64 *set, u32 member) { return set[member / 64] >> member % 64 & 1; }

/* How many members two sets share. */
static inline u32 shared(const u64 *a, const u64 *b, u32 words) {
    u32 n = 0;
    for (u32 w = 0; w < words; w++) n += (u32)__builtin_popcountll(a[w] & b[w]);
    return n;
}

/* Find the bindings that are enabled, and how many they are. */
static u32 find_enabled(Chooser *c) {
    const Reduction *r = c->r;
    u32 n = 0;
    memset(c->enabled, 0, c->words * sizeof(u64));
    for (u32 b = 0; b < r->bindings; b++) {
        const u16 *need = r->needs + r->first_need[b], *end = r->needs + r->first_need[b + 1];
        while (need < end && has(c->held, *need)) need++;
        if (need < end) continue;
        c->enabled[b / 64] |= 1ul << b % 64;
        n++;
    }
    for (u32 w = 0; w < c->words; w++) c->seeds[w] = c->enabled[w] & r->useful[w];
    return n;
}

/* Those that may make true one of the false guards of a binding that is not enabled: for the guard
 * that makes the set grow least, first by what is enabled. */
static const u64 *enabling(const Chooser *c, u32 binding) {
    const Reduction *r = c->r;
    const u64 *best = NULL;
    u32 least = ~0u;
    for (u32 n = r->first_need[binding]; n < r->first_need[binding + 1]; n++) {
        if (has(c->held, r->needs[n])) continue;
        const u64 *adds = r->enabling + (u64)r->needs[n] * c->words;
        u32 cost = 0;
        for (u32 w = 0; w < c->words; w++) {
            u64 more = adds[w] & ~c->set[w];
            cost += (u32)__builtin_popcountll(more);
            cost += r->bindings * (u32)__builtin_popcountll(more & c->enabled[w]);
        }
        if (cost < least) {
            least = cost;
            best = adds;
        }
    }
    return best;
}

/* Grow a stubborn set.  0: it is not smaller than `limit`, or it has a seed that was tried already
 * (that one's set was no larger), or an enabled binding that no smaller set may have. */
static int grow(Chooser *c, u32 seed, u32 limit) {
    const Reduction *r = c->r;
    memset(c->set, 0, c->words * sizeof(u64));
    memset(c->todo, 0, c->words * sizeof(u64));
    c->set[seed / 64] = c->todo[seed / 64] = 1ul << seed % 64;
    u32 size = 1;
    for (u32 w = 0; w < c->words;) {
        if (!c->todo[w]) {
            w++;
            continue;
        }
        u32 b = w * 64 + (u32)__builtin_ctzll(c->todo[w]);
        c->todo[w] &= c->todo[w] - 1;
        const u64 *adds = has(c->enabled, b) ? r->against + (u64)b * c->words : enabling(c, b);
        for (u32 i = 0; i < c->words; i++) {
            u64 more = adds[i] & ~c->set[i];
            if (!more) continue;
            if (more & (c->tried[i] | (c->enabled[i] & r->blocking[i]))) return 0;
            size += (u32)__builtin_popcountll(more & c->enabled[i]);
            if (size >= limit) return 0;
            c->set[i] |= more;
            c->todo[i] |= more;
            if (i < w) w = i;
        }
    }
    return 1;
}

/* Choose the smallest set that has one of the seeds, if it is smaller than `enabled`, the number
 * of all.  0: there is none. */
static int choose(Chooser *c, u32 enabled) {
    u32 least = enabled;
    memset(c->tried, 0, c->words * sizeof(u64));
    for (u32 w = 0; w < c->words && least > 1; w++) {
        for (u64 left = c->seeds[w]; left && least > 1; left &= left - 1) {
            if (grow(c, w * 64 + (u32)__builtin_ctzll(left), least)) {
                for (u32 i = 0; i < c->words; i++) c->chosen[i] = c->set[i] & c->enabled[i];
                least = shared(c->chosen, c->chosen, c->words);
            }
            c->tried[w] |= left & -left;
        }
    }
    return least < enabled;
}

#endif
