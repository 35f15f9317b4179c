/* A search that knows nothing but Paxos: what a C programmer would write for this one protocol.
 *
 *     gcc -O3 -march=native -DBALLOTS=4 -DVALUES=1 -o paxos_by_hand paxos_by_hand.c
 *
 * Single-decree Paxos, as in spec/paxos.py: 3 acceptors, any two of which are a quorum.  A state is
 * one word, one for one with those of spec/paxos.py: what an acceptor has promised and what it
 * voted last follow from its messages, and are not kept.  Breadth first, one thread; the states
 * are in a queue and in a hash table with open addressing.  Steps that change nothing are left
 * out, and so are the choices of quorum and witness: they add transitions, never states.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

typedef uint64_t u64;

#define ACCEPTORS 3
#define VOTES (BALLOTS * VALUES) /* vote number: ballot * VALUES + value */
#define LOW(n) ((1ull << (n)) - 1)

/* An acceptor's bits: an Accepted for each vote, then its Promise of each ballot: 0 if it sent
 * none, 1 if it reports no vote, 2 + that vote.  Ballot 0 needs one bit, the others have three. */
#define PROMISE(b) ((b) == 0 ? VOTES : VOTES + 3 * (b) - 2)
#define WIDTH PROMISE(BALLOTS)
/* After the acceptors: an Accept for each vote, then a Prepare for each ballot. */
#define ACCEPT (ACCEPTORS * WIDTH)
#define PREPARE (ACCEPT + VOTES)

_Static_assert(PREPARE + BALLOTS <= 64, "a state is one word");
_Static_assert(2 + (BALLOTS - 1) * VALUES <= 8, "a promise has three bits");

enum { BATCH = 8, MOST = 64 }; /* states extended at a time; successors of one, at most */

static u64 *table, *queue;
static u64 slots, count;

static inline u64 acceptor(u64 s, int a) { return s >> a * WIDTH & LOW(WIDTH); }
static inline u64 promise_of(u64 w, int b) { return w >> PROMISE(b) & (b == 0 ? 1 : 7); }
static inline int highest_bit(u64 w) { return w ? 63 - __builtin_clzll(w) : -1; }

static inline int highest_ballot(u64 w) {
    int voted = highest_bit(w & LOW(VOTES));
    int ballot = voted < 0 ? -1 : voted / VALUES;
    for (int b = BALLOTS - 1; b > ballot; b--)
        if (promise_of(w, b)) return b;
    return ballot;
}

/* The values that two promises allow: any, or that of the higher vote. */
static inline u64 allowed(u64 x, u64 y) {
    if (!x || !y) return 0;
    u64 highest = x > y ? x : y;
    return highest == 1 ? LOW(VALUES) : 1ull << (highest - 2) % VALUES;
}

static u64 *expand(u64 s, u64 *next) {
    u64 w[ACCEPTORS];
    for (int a = 0; a < ACCEPTORS; a++) w[a] = acceptor(s, a);
    for (int b = 0; b < BALLOTS; b++) {
        u64 prepare = 1ull << (PREPARE + b);
        if (!(s & prepare)) *next++ = s | prepare;
        if (s >> (ACCEPT + b * VALUES) & LOW(VALUES)) continue;
        u64 p[ACCEPTORS];
        for (int a = 0; a < ACCEPTORS; a++) p[a] = promise_of(w[a], b);
        u64 values = allowed(p[0], p[1]) | allowed(p[0], p[2]) | allowed(p[1], p[2]);
        for (int v = 0; v < VALUES; v++)
            if (values >> v & 1) *next++ = s | 1ull << (ACCEPT + b * VALUES + v);
    }
    for (int a = 0; a < ACCEPTORS; a++) {
        int joined = highest_ballot(w[a]);
        u64 report = (u64)(2 + highest_bit(w[a] & LOW(VOTES)));
        for (int b = joined + 1; b < BALLOTS; b++)
            if (s >> (PREPARE + b) & 1) *next++ = s | report << (a * WIDTH + PROMISE(b));
        u64 votes = s >> ACCEPT & LOW(VOTES) & ~w[a];
        for (int vote = joined < 0 ? 0 : joined * VALUES; vote < VOTES; vote++)
            if (votes >> vote & 1) *next++ = s | 1ull << (a * WIDTH + vote);
    }
    return next;
}

static int agreement(u64 s) {
    u64 x = acceptor(s, 0), y = acceptor(s, 1), z = acceptor(s, 2), values = 0;
    u64 chosen = ((x & y) | (x & z) | (y & z)) & LOW(VOTES);
    for (int b = 0; b < BALLOTS; b++) values |= chosen >> b * VALUES & LOW(VALUES);
    return !(values & (values - 1));
}

static inline u64 slot_of(u64 s) {
    s *= 0x9e3779b97f4a7c15ull;
    return (s ^ s >> 32) & (slots - 1);
}

/* An empty slot is 0; a state is kept as its complement, for the first one is 0. */
static void insert(u64 s) {
    u64 at = slot_of(s);
    for (; table[at]; at = (at + 1) & (slots - 1))
        if (table[at] == ~s) return;
    if (!agreement(s) || count == slots / 2) {
        fprintf(stderr, count == slots / 2 ? "the table is full\n" : "no agreement\n");
        exit(1);
    }
    table[at] = ~s;
    queue[count++] = s;
}

int main(int argc, char **argv) {
    slots = 1ull << (argc > 1 ? atoi(argv[1]) : 23);
    table = calloc(slots, sizeof *table);
    queue = malloc(slots / 2 * sizeof *queue);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    insert(0);
    for (u64 done = 0; done < count;) {
        /* All slots of a batch are on their way from memory before the first is read. */
        u64 next[BATCH * MOST], *last = next;
        for (int i = 0; i < BATCH && done < count; i++) last = expand(queue[done++], last);
        for (u64 *s = next; s < last; s++) __builtin_prefetch(&table[slot_of(*s)], 1);
        for (u64 *s = next; s < last; s++) insert(*s);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) +
                     (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("errors: 0\n%llu states, stored\n", (unsigned long long)count);
    printf("elapsed time %.3f seconds\npeak memory %ld KiB\n", seconds, used.ru_maxrss);
    return 0;
}
