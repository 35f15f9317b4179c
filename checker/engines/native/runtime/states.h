/* The states found so far: whole, by number, and a table from a state to its number.
 *
 * A state is kept in BYTES bytes (the bits that are never used at the end of its last word are left
 * out), so that its number says where it stands.  The table is made of lines of twelve slots, each
 * line one cache line: a slot holds a state's number (from 1; 0: empty) and one byte of its hash.
 * A byte that differs saves a look at the state; one that does not is no proof: states are
 * compared whole.
 *
 * Wide states may be cut in two parts once there are many, and are then two numbers (`parts.h`).
 *
 * In a search by fingerprints (FINGERPRINT words of hash stand for a state) the fingerprints are
 * compared instead, and a state's hash is the first word of its fingerprint.  States are whole only
 * as long as they wait to be expanded.
 *
 * Many threads may add at once, without locks.  Slots fill from left to right and are never
 * emptied.  A slot is taken by a compare-and-swap of its number, after the state was written; its
 * byte follows, and is 0 until then.  So two threads that add the same state meet at the same
 * slot, and the second finds the first.
 */
#ifndef QUORATE_STATES_H
#define QUORATE_STATES_H

#include "model.h"
#include <sys/mman.h>
#include <unistd.h>

#ifndef FINGERPRINT
#define FINGERPRINT 0 /* 0: a state itself is compared */
#endif
#if FINGERPRINT
#include "fingerprint.h"
#endif

#ifndef BYTES
#error "BYTES: how many bytes of a state are used"
#endif

#ifndef CUT_FROM
#define CUT_FROM 17 /* bytes; at least 9 */
#endif
#define PARTS (!FINGERPRINT && BYTES >= CUT_FROM) /* states are wide, and may be cut in two */
#if PARTS
#include "parts.h"
#endif

enum { SLOTS = 12 };
#define MOST_STATES 0xfffffff0u

typedef struct Line {
    u32 number[SLOTS];
    u8 byte[16]; /* the last four are always 0 */
} __attribute__((aligned(64))) Line;

typedef struct States {
    u8 *bytes;      /* the states, BYTES each; far more address space than memory */
    u64 *prints;    /* their fingerprints, FINGERPRINT words each */
    u64 forgotten;  /* so many bytes at the start of `bytes` were given back */
    u64 room;       /* how many states the address space holds */
    Line *lines;
    u64 line_count;
#if PARTS
    u64 cut;        /* 0: states are whole; else `bytes` holds two numbers of parts for each */
    Pool parts[2];  /* the bytes before the cut, and those after it */
#endif
} States;

/* Address space; the system gives memory when it is first touched. */
static void *reserve(size_t size) {
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return made == MAP_FAILED ? NULL : made;
}

/* Address space for so many states; 0: there is not so much.  Where whole states are given back, it
 * is shared memory (with nobody): a limit of the process's data counts private address space,
 * used or not. */
static int reserve_states(States *all, u64 room) {
    all->room = room;
#if FINGERPRINT
    all->bytes = mmap(NULL, (room + 1) * BYTES, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all->bytes == MAP_FAILED) return 0;
    all->prints = reserve(room * FINGERPRINT * sizeof(u64));
    if (!all->prints) munmap(all->bytes, (room + 1) * BYTES);
    else madvise(all->prints, room * FINGERPRINT * sizeof(u64), MADV_HUGEPAGE);
    return all->prints != NULL;
#else
    all->bytes = reserve((room + 1) * BYTES);
    if (all->bytes) madvise(all->bytes, room * BYTES, MADV_HUGEPAGE);
    return all->bytes != NULL;
#endif
}

static void free_states(States *all) {
    munmap(all->bytes, (all->room + 1) * BYTES);
    if (all->prints) munmap(all->prints, all->room * FINGERPRINT * sizeof(u64));
}

/* Give back the memory of the whole states below a number, page by page. */
static void forget_whole(States *all, u64 number) {
    u64 page = (u64)sysconf(_SC_PAGESIZE), end = number * BYTES / page * page;
    if (end <= all->forgotten) return;
    madvise(all->bytes + all->forgotten, end - all->forgotten, MADV_REMOVE);
    all->forgotten = end;
}

/* The state that is kept in BYTES bytes.  Its last word is put together in a register: one that was
 * written to memory in two pieces could not be read again before both have arrived there. */
static inline void unpack(const u8 *bytes, u64 *s) {
    enum { LAST = BYTES - (NW - 1) * 8, HALF = BYTES >= 4 ? 4 : BYTES >= 2 ? 2 : 1 };
    if (BYTES >= 8) {
        u64 end;
        memcpy(&end, bytes + BYTES - 8, 8);
        memcpy(s, bytes, (NW - 1) * 8);
        s[NW - 1] = end >> (8 - LAST) * 8;
    } else {
        u64 begin = 0, end = 0;
        memcpy(&begin, bytes, HALF);
        memcpy(&end, bytes + BYTES - HALF, HALF);
        s[0] = begin | end << (BYTES - HALF) * 8;
    }
}

static inline void load_state(const States *all, u64 number, u64 *s) {
#if PARTS
    if (all->cut) {
        s[NW - 1] = 0;
        load_parts(all->parts, ((const u64 *)all->bytes)[number], (u8 *)s);
        return;
    }
#endif
    unpack(all->bytes + number * BYTES, s);
}

/* A product of 128 bits, folded: as wyhash mixes. */
static inline u64 folded(u64 a, u64 b) {
    __uint128_t product = (__uint128_t)a * b;
    return (u64)product ^ (u64)(product >> 64);
}

static inline u64 hash_of(const u64 *s) {
#if FINGERPRINT
    return first_half(s);
#endif
    u64 h = 0x9e3779b97f4a7c15u;
    for (int i = 0; i + 1 < NW; i += 2)
        h = folded(s[i] ^ h, s[i + 1] ^ 0xd1b54a32d192ed03u);
    if (NW & 1) h = folded(s[NW - 1] ^ h, 0xa0761d6478bd642fu);
    return folded(h, 0xe7037ed1a0b428dbu);
}

/* The hash of the state of a number. */
static inline u64 hash_at(const States *all, u64 number) {
    if (FINGERPRINT) return all->prints[number * FINGERPRINT];
    u64 s[NW];
    load_state(all, number, s);
    return hash_of(s);
}

static inline void store_state(States *all, u64 number, const u64 *s, u64 hash) {
#if PARTS
    if (all->cut) {
        ((u64 *)all->bytes)[number] = number_parts(all->parts, (const u8 *)s);
        return;
    }
#endif
    memcpy(all->bytes + number * BYTES, s, BYTES);
#if FINGERPRINT
    all->prints[number * FINGERPRINT] = hash;
    if (FINGERPRINT == 2) all->prints[number * 2 + 1] = second_half(s);
#endif
}

static inline int same_state(const States *all, u64 number, const u64 *s, u64 hash) {
#if FINGERPRINT
    return all->prints[number * FINGERPRINT] == hash &&
           (FINGERPRINT == 1 || all->prints[number * 2 + 1] == second_half(s));
#endif
#if PARTS
    if (all->cut) return same_parts(all->parts, ((const u64 *)all->bytes)[number], (const u8 *)s);
#endif
    return memcmp(all->bytes + number * BYTES, s, BYTES) == 0;
}

/* Fetch what `same_state` will compare. */
static inline void fetch_compared(const States *all, u64 number) {
    const u8 *at = all->bytes + number * BYTES;
#if PARTS
    if (all->cut) at = all->bytes + number * sizeof(u64);
#endif
    if (FINGERPRINT) at = (const u8 *)(all->prints + number * FINGERPRINT);
    __builtin_prefetch(at);
    if (!FINGERPRINT && BYTES > 8) __builtin_prefetch(at + BYTES - 1);
}

static inline u64 line_of(const States *all, u64 hash) {
    return (u64)(((__uint128_t)hash * all->line_count) >> 64);
}

/* One byte of the hash that the choice of the line hardly uses; never 0. */
static inline u8 byte_of(u64 hash) {
    u8 byte = (u8)hash;
    return byte ? byte : 1;
}

#define EACH_BYTE 0x0101010101010101u

/* The highest bit of each byte that is zero (and perhaps of some that follow such a byte). */
static inline u64 zero_bytes(u64 x) { return (x - EACH_BYTE) & ~x & (EACH_BYTE << 7); }

static inline u64 eight_bytes(const Line *line, int half) {
    return __atomic_load_n((const u64 *)line->byte + half, __ATOMIC_ACQUIRE);
}

/* Fetch what `find_or_add` will look at, and most often write to, so that it need not wait. */
static inline void fetch_line(const States *all, u64 hash) {
    __builtin_prefetch(&all->lines[line_of(all, hash)], 1);
}

static inline void fetch_state(const States *all, u64 hash) {
    const Line *line = &all->lines[line_of(all, hash)];
    u64 wanted = byte_of(hash) * EACH_BYTE;
    for (int half = 0; half < 2; half++) {
        u64 found = zero_bytes(eight_bytes(line, half) ^ wanted);
        if (found) {
            int slot = half * 8 + (__builtin_ctzll(found) >> 3);
            u32 number = __atomic_load_n(&line->number[slot], __ATOMIC_RELAXED);
            fetch_compared(all, (u64)number - 1);
            return;
        }
    }
}

/* The number of a state; where it is not known it is added as `fresh`, a number that nobody else
 * uses, unless that is MOST_STATES, which then comes back. */
static inline u32 find_or_add(States *all, const u64 *s, u64 hash, u32 fresh) {
    u64 at = line_of(all, hash);
    u8 byte = byte_of(hash);
    for (;;) {
        Line *line = &all->lines[at];
        for (int half = 0; half < 2; half++) {
            u64 bytes = eight_bytes(line, half);
            u64 found = zero_bytes(bytes ^ byte * EACH_BYTE);
            while (found) {
                int slot = half * 8 + (__builtin_ctzll(found) >> 3);
                if (slot < SLOTS) {
                    u32 number = __atomic_load_n(&line->number[slot], __ATOMIC_ACQUIRE);
                    if (number && same_state(all, number - 1, s, hash)) return number - 1;
                }
                found &= found - 1;
            }
            u64 empty = zero_bytes(bytes);
            if (!empty) continue;
            for (int slot = half * 8 + (__builtin_ctzll(empty) >> 3); slot < SLOTS; slot++) {
                u32 number = __atomic_load_n(&line->number[slot], __ATOMIC_ACQUIRE);
                if (!number) {
                    if (fresh == MOST_STATES) return MOST_STATES;
                    store_state(all, fresh, s, hash);
                    if (__atomic_compare_exchange_n(&line->number[slot], &number, fresh + 1, 0,
                                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
                        __atomic_store_n(&line->byte[slot], byte, __ATOMIC_RELEASE);
                        return fresh;
                    }
                }
                if (same_state(all, number - 1, s, hash)) return number - 1;
            }
            break; /* the rest of this line is full by now */
        }
        if (++at == all->line_count) at = 0;
    }
}

/* Put a state's number into a table that does not have it.  `alone`: nobody else uses the table. */
static inline void add_number(States *all, u64 hash, u32 number, int alone) {
    u64 at = line_of(all, hash);
    u8 byte = byte_of(hash);
    for (;;) {
        Line *line = &all->lines[at];
        for (int half = 0; half < 2; half++) {
            u64 empty = zero_bytes(eight_bytes(line, half));
            if (!empty) continue;
            for (int slot = half * 8 + (__builtin_ctzll(empty) >> 3); slot < SLOTS; slot++) {
                u32 none = 0;
                if (alone) {
                    line->number[slot] = number + 1;
                } else if (!__atomic_compare_exchange_n(&line->number[slot], &none, number + 1, 0,
                                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
                    continue;
                }
                __atomic_store_n(&line->byte[slot], byte, __ATOMIC_RELEASE);
                return;
            }
            break; /* this line is full by now */
        }
        if (++at == all->line_count) at = 0;
    }
}

/* Give a state that is in the table another number.  Nobody else may use the table. */
static inline void renumber(States *all, u64 hash, u32 from, u32 to) {
    u64 at = line_of(all, hash);
    for (;;) {
        Line *line = &all->lines[at];
        for (int slot = 0; slot < SLOTS; slot++)
            if (line->number[slot] == from + 1) {
                line->number[slot] = to + 1;
                return;
            }
        if (++at == all->line_count) at = 0;
    }
}

#endif
