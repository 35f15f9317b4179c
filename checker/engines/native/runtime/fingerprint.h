/* What stands for a state in a search by fingerprints: one half of 64 bits, or two.
 *
 * A half takes in the words of a state one by one, each followed by a mix that is a bijection of 64
 * bits.  So two states that differ in one word only never have the same half, and for others it
 * depends on the last words that differ: by chance, once in 2^64.  The halves have different keys
 * and different mixes.
 *
 * The mixes: variant 13 of D. Stafford, as in G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable
 * Pseudorandom Number Generators" (2014); and the last step of A. Appleby's MurmurHash3.
 */
#ifndef QUORATE_FINGERPRINT_H
#define QUORATE_FINGERPRINT_H

#include "model.h"

#ifndef KEPT_BITS
#define KEPT_BITS 64 /* of each half; a test keeps few, and loses states */
#endif

static inline u64 first_half(const u64 *s) {
    u64 h = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < NW; i++) {
        h ^= s[i];
        h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
        h = (h ^ h >> 27) * 0x94d049bb133111ebu;
        h ^= h >> 31;
    }
    return h & ~0ull >> (64 - KEPT_BITS);
}

static inline u64 second_half(const u64 *s) {
    u64 h = 0xd1b54a32d192ed03u;
    for (int i = 0; i < NW; i++) {
        h ^= s[i];
        h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
        h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
        h ^= h >> 33;
    }
    return h & ~0ull >> (64 - KEPT_BITS);
}

#endif
