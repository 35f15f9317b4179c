/* Wide states in two parts, each of which is kept once.
 *
 * A state's bytes are cut at one place.  What stands before the cut, and what stands after it, are
 * kept in two pools, in which each part has a number; a state is then its two numbers, 8 bytes.
 * Most steps change one part only, so there are far fewer parts than states.  Where to cut is
 * measured: the states found so far are counted at every cut, and the best one is taken, if it is
 * worth it.  Until then, and for ever if it is not, states are whole.
 *
 * Nothing is lost: a state is put together again before it is compared.  So it does no harm if a
 * part is kept twice, which happens when many parts crowd the same slots.
 *
 * Many threads may add at once, without locks, as in `states.h`: a slot is taken by a
 * compare-and-swap of its number, after the part was written, and never emptied.  Only while nobody
 * adds is the table of a pool made again, larger.
 *
 * Sources: G. J. Holzmann, "State Compression in SPIN: Recursive Indexing and Compression Training
 * Runs" (1997); A. Laarman, J. van de Pol and M. Weber, "Parallel Recursive State Compression for
 * Free" (2011).
 */
#ifndef QUORATE_PARTS_H
#define QUORATE_PARTS_H

#include "model.h"
#include <sys/mman.h>

#ifndef TRAINING
#define TRAINING (1u << 19) /* states that there must be before they are cut */
#endif
#ifndef WORTH
#define WORTH 75 /* percent of a whole state: what a cut one may take at most */
#endif

static void *reserve(size_t size);         /* in `states.h` */
static inline u64 folded(u64 a, u64 b);

enum { SAMPLE = 1 << 17, MARKS = 16 * SAMPLE, FIRST_SLOTS = 1 << 10 };
#ifndef PROBES
#define PROBES 16 /* slots that are tried for a part */
#endif
#define SLOT_BYTES 12 /* of the table of a pool, for each part, about */

typedef struct Pool {
    u8 *items;   /* parts, `size` bytes each; far more address space than memory */
    u64 size;
    u64 used;
    u32 *slots;  /* 1 + the number of a part; 0: empty */
    u64 slot_count;
} Pool;

/* ------------------------------------------------------------------ adding parts */

static inline u64 hash_of_part(const u8 *part, u64 size) {
    u64 h = 0x9e3779b97f4a7c15u ^ size, word;
    for (; size >= 8; part += 8, size -= 8) {
        memcpy(&word, part, 8);
        h = folded(h ^ word, 0xd1b54a32d192ed03u);
    }
    if (size) {
        word = 0;
        memcpy(&word, part, size);
        h = folded(h ^ word, 0xa0761d6478bd642fu);
    }
    return folded(h, 0xe7037ed1a0b428dbu);
}

static inline u64 slot_of(const Pool *pool, u64 hash) {
    return (u64)(((__uint128_t)hash * pool->slot_count) >> 64);
}

/* The number of a part, which is added if it is not found near its slot. */
static u32 part_number(Pool *pool, const u8 *part) {
    u64 at = slot_of(pool, hash_of_part(part, pool->size)), mine = 0;
    for (int i = 0; i < PROBES; i++) {
        u32 held = __atomic_load_n(&pool->slots[at], __ATOMIC_ACQUIRE);
        if (!held) {
            if (!mine) {
                mine = __atomic_add_fetch(&pool->used, 1, __ATOMIC_RELAXED);
                memcpy(pool->items + (mine - 1) * pool->size, part, pool->size);
            }
            if (__atomic_compare_exchange_n(&pool->slots[at], &held, (u32)mine, 0, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
                return (u32)(mine - 1);
        }
        if (memcmp(pool->items + (held - 1ull) * pool->size, part, pool->size) == 0)
            return held - 1;
        if (++at == pool->slot_count) at = 0;
    }
    if (!mine) {
        mine = __atomic_add_fetch(&pool->used, 1, __ATOMIC_RELAXED);
        memcpy(pool->items + (mine - 1) * pool->size, part, pool->size);
    }
    return (u32)(mine - 1);
}

/* ------------------------------------------------------------------ a state as two numbers */

static inline u64 number_parts(Pool *parts, const u8 *state) {
    u64 before = part_number(&parts[0], state);
    return before | (u64)part_number(&parts[1], state + parts[0].size) << 32;
}

static inline const u8 *part_of(const Pool *parts, u64 numbers, int side) {
    return parts[side].items + (u32)(numbers >> 32 * side) * parts[side].size;
}

static inline void load_parts(const Pool *parts, u64 numbers, u8 *state) {
    memcpy(state, part_of(parts, numbers, 0), parts[0].size);
    memcpy(state + parts[0].size, part_of(parts, numbers, 1), parts[1].size);
}

static inline int same_parts(const Pool *parts, u64 numbers, const u8 *state) {
    return memcmp(state, part_of(parts, numbers, 0), parts[0].size) == 0 &&
           memcmp(state + parts[0].size, part_of(parts, numbers, 1), parts[1].size) == 0;
}

/* ------------------------------------------------------------------ room */

static int crowded(const Pool *pool) {
    return __atomic_load_n(&pool->used, __ATOMIC_RELAXED) > pool->slot_count / 2;
}

/* Make the table of a pool again, with room for as many parts as there are, and as many again.
 * Nobody else may use the pool.  0: there is no memory. */
static int more_slots(Pool *pool) {
    u64 count = pool->slot_count;
    while (pool->used > count / 4) count *= 2;
    u32 *slots = reserve(count * sizeof(u32));
    if (!slots) return 0;
    madvise(slots, count * sizeof(u32), MADV_HUGEPAGE);
    if (pool->slots) munmap(pool->slots, pool->slot_count * sizeof(u32));
    pool->slots = slots;
    pool->slot_count = count;
    for (u64 n = 0; n < pool->used; n++) {
        u64 at = slot_of(pool, hash_of_part(pool->items + n * pool->size, pool->size));
        while (slots[at])
            if (++at == count) at = 0;
        slots[at] = (u32)n + 1;
    }
    return 1;
}

static u64 pool_bytes(const Pool *pool) {
    return __atomic_load_n(&pool->used, __ATOMIC_RELAXED) * pool->size +
           pool->slot_count * sizeof(u32);
}

/* An empty pool, with address space for so many parts.  0: there is not so much. */
static int pool_begin(Pool *pool, u64 size, u64 room) {
    *pool = (Pool){.size = size, .slot_count = FIRST_SLOTS, .items = reserve(room * size)};
    if (!pool->items) return 0;
    madvise(pool->items, room * size, MADV_HUGEPAGE);
    return more_slots(pool);
}

static void pool_end(Pool *pool, u64 room) {
    if (pool->items) munmap(pool->items, room * pool->size);
    if (pool->slots) munmap(pool->slots, pool->slot_count * sizeof(u32));
    *pool = (Pool){0};
}

/* ------------------------------------------------------------------ where to cut */

/* About how many of the hashes differ: each sets one of many marks. */
static u64 about_different(const u64 *hashes, u64 count, u64 *marks) {
    memset(marks, 0, MARKS / 8);
    for (u64 i = 0; i < count; i++)
        marks[hashes[i] % MARKS / 64] |= 1ull << hashes[i] % 64;
    u64 set = 0;
    for (u64 i = 0; i < MARKS / 64; i++) set += (u64)__builtin_popcountll(marks[i]);
    return set;
}

/* By cut: about how many different parts there are on one side of it, among `count` states of
 * BYTES bytes; `step` 1: before it; -1: after it. */
static void count_parts(const u8 *states, u64 count, int step, u64 *different) {
    u64 *hashes = calloc(count, sizeof(u64)), *marks = malloc(MARKS / 8);
    if (!hashes || !marks) abort();
    for (u64 taken = 1; taken < BYTES; taken++) {
        u64 byte = step > 0 ? taken - 1 : BYTES - taken;
        for (u64 i = 0; i < count; i++)
            hashes[i] = folded(hashes[i] ^ states[i * BYTES + byte] ^ 0x9e3779b97f4a7c15u,
                               0xd1b54a32d192ed03u);
        different[step > 0 ? taken : BYTES - taken] = about_different(hashes, count, marks);
    }
    free(hashes), free(marks);
}

/* The best cut for these states; 0: none is worth it.  The first of them are counted: they are a
 * smaller search of the same kind, in which parts are met again less often than they will be. */
static u64 best_cut(const u8 *states, u64 count) {
    u64 before[BYTES], after[BYTES];
    u64 best = 0;
    if (count > SAMPLE) count = SAMPLE;
    count_parts(states, count, 1, before);
    count_parts(states, count, -1, after);
    double least = WORTH / 100.0 * BYTES;
    for (u64 cut = 1; cut < BYTES; cut++) {
        double parts = (double)(before[cut] * (cut + SLOT_BYTES) + after[cut] * (BYTES - cut + SLOT_BYTES));
        double each = 8 + parts / (double)count;
        if (each < least) least = each, best = cut;
    }
    return best;
}

#endif
