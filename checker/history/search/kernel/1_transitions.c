/* The general search, 1 of 6: transitions between states, which are numbers.

   The files of this folder are one C source: Python joins them in the order of their names, and
   sets MASK_WORDS and USED_WORDS, the 64-bit words that one configuration takes.

   It is part of the search for sequential consistency, too (../ordered.c).

   A model is Python, or compiled (../compiled.c).  What it answers is kept: in a complete table, if
   the states that a history can reach are few; otherwise in a hash table that is filled as the
   search goes on. */

#define INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What `next` gives: a state; or that the operation cannot happen; or, with MANY set, which list
   of states.  FAILED: the model cannot tell, and the search ends. */
#define NONE 0xFFFFFFFFu
#define FAILED 0xFFFFFFFEu
#define MANY 0x80000000u
#define MOST_STATES 0x7FFFFFF0u

/* Asks the model: how many states follow, which it writes into `answer`; negative: it failed. */
typedef int (*Ask)(void *asked, u32 state, u32 kind);

typedef struct {
    u32 kinds;
    u32 states;  /* of the complete table; 0: there is none */
    u32 *complete;
    u64 *keys;   /* state and kind, plus 1: 0 is an empty slot */
    u32 *values;
    u64 slots, filled;
    u32 **lists; /* each: its length, and the states */
    u32 list_count, list_room;
    Ask ask;
    void *asked_of;
    const u32 *answer;
    u64 asked;
    u64 bytes;
    u64 memory_limit; /* of the process, 0: none */
    int full;         /* there is no memory for more */
} Machine;

INLINE u64 mixed(u64 x) {
    x *= 0x9E3779B97F4A7C15ull;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93ull;
    return x ^ x >> 32;
}

Machine *machine_new(u32 kinds, u32 states, const u32 *complete, Ask ask, void *asked_of,
                     const u32 *answer) {
    Machine *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->kinds = kinds;
    m->ask = ask;
    m->asked_of = asked_of;
    m->answer = answer;
    if (states) {
        m->states = states;
        m->bytes = (u64)states * kinds * 4 + 4;
        m->complete = malloc(m->bytes);
        if (!m->complete) { free(m); return NULL; }
        memcpy(m->complete, complete, (u64)states * kinds * 4);
        return m;
    }
    m->slots = 1024;
    m->keys = calloc(m->slots, 8);
    m->values = malloc(m->slots * 4);
    m->bytes = m->slots * 12;
    if (!m->keys || !m->values) { free(m->keys); free(m->values); free(m); return NULL; }
    return m;
}

void machine_free(Machine *m) {
    for (u32 i = 0; i < m->list_count; i++) free(m->lists[i]);
    free(m->lists); free(m->complete); free(m->keys); free(m->values); free(m);
}

u64 machine_asked(const Machine *m) { return m->asked; }

static int machine_grow(Machine *m) {
    u64 slots = 2 * m->slots;
    m->full = m->memory_limit && slots > 1 << 16 && resident() + slots * 12 > m->memory_limit;
    if (m->full) return 0;
    u64 *keys = calloc(slots, 8);
    u32 *values = malloc(slots * 4);
    if (!keys || !values) { free(keys); free(values); m->full = 1; return 0; }
    for (u64 i = 0; i < m->slots; i++) {
        if (!m->keys[i]) continue;
        u64 at = mixed(m->keys[i]) & (slots - 1);
        while (keys[at]) at = (at + 1) & (slots - 1);
        keys[at] = m->keys[i];
        values[at] = m->values[i];
    }
    free(m->keys); free(m->values);
    m->keys = keys; m->values = values;
    m->bytes += (slots - m->slots) * 12;
    m->slots = slots;
    return 1;
}

/* The answer as one number. */
static u32 machine_answer(Machine *m, u32 state, u32 kind) {
    m->asked++;
    int count = m->ask(m->asked_of, state, kind);
    if (count < 0) return FAILED;
    if (count == 0) return NONE;
    if (count == 1) return m->answer[0];
    if (m->list_count == m->list_room) {
        u32 room = m->list_room ? 2 * m->list_room : 64;
        u32 **lists = realloc(m->lists, room * sizeof *lists);
        if (!lists) return FAILED;
        m->lists = lists;
        m->list_room = room;
    }
    u32 *list = malloc(4 * (count + 1));
    if (!list) return FAILED;
    list[0] = count;
    memcpy(list + 1, m->answer, 4 * count);
    m->bytes += 4 * (count + 1);
    m->lists[m->list_count] = list;
    return MANY | m->list_count++;
}

static __attribute__((noinline)) u32 machine_find(Machine *m, u32 state, u32 kind) {
    u64 key = ((u64)state << 32 | kind) + 1;
    u64 at = mixed(key) & (m->slots - 1);
    for (; m->keys[at]; at = (at + 1) & (m->slots - 1))
        if (m->keys[at] == key) return m->values[at];
    u32 value = machine_answer(m, state, kind);
    if (value == FAILED) return FAILED;
    if (2 * (m->filled + 1) > m->slots && !machine_grow(m)) return FAILED;
    at = mixed(key) & (m->slots - 1);
    while (m->keys[at]) at = (at + 1) & (m->slots - 1);
    m->keys[at] = key;
    m->values[at] = value;
    m->filled++;
    return value;
}

INLINE u32 next_of(Machine *m, u32 state, u32 kind) {
    if (m->states) return m->complete[(u64)state * m->kinds + kind];
    return machine_find(m, state, kind);
}

/* The states behind one number: how many, and each. */
INLINE u32 many(const Machine *m, u32 value) {
    if (value >= FAILED) return 0;
    return value & MANY ? m->lists[value & ~MANY][0] : 1;
}

INLINE u32 one_of(const Machine *m, u32 value, u32 i) {
    return value & MANY ? m->lists[value & ~MANY][i + 1] : value;
}
