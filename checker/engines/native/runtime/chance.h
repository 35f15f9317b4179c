/* Chance: a generator of its own for each walk, so that a walk is the same whoever walks it.
 *
 * xoshiro256** 1.0, with its state filled by SplitMix64 as its authors advise: D. Blackman and
 * S. Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47(4), 2021.
 */
#ifndef QUORATE_CHANCE_H
#define QUORATE_CHANCE_H

#include "model.h"

typedef struct Chance {
    u64 s[4];
} Chance;

static inline u64 splitmix(u64 *x) {
    u64 z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The generator of one walk.  The seed is mixed first: else walk 1 of one seed would be walk 0 of
 * another. */
static inline Chance chance_of(u64 seed, u64 walk) {
    u64 x = splitmix(&seed) ^ walk;
    Chance made;
    for (int i = 0; i < 4; i++) made.s[i] = splitmix(&x);
    return made;
}

static inline u64 rotated(u64 x, int by) { return x << by | x >> (64 - by); }

static inline u64 chance_next(Chance *c) {
    u64 *s = c->s, made = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return made;
}

/* A number below `n`, all equally likely: D. Lemire, "Fast Random Integer Generation in an
 * Interval", ACM TOMACS 29(1), 2019. */
static inline u64 chance_below(Chance *c, u64 n) {
    __uint128_t product = (__uint128_t)chance_next(c) * n;
    if (UNLIKELY((u64)product < n)) {
        u64 least = -n % n;
        while ((u64)product < least) product = (__uint128_t)chance_next(c) * n;
    }
    return (u64)(product >> 64);
}

#endif
