/* Sequential consistency: is there a legal order in which each process stands as it went?

   Behind kernel/1_transitions.c.  The rules that leave something out are argued in
   ../sequential.py: reads at once (S1), values that are needed still (S2).

   A *line* is what one process did; each operation that never returned is a line of its own, that
   begins (its gate) when its process came to it, and may be left out.  A configuration is how far
   each line came and the state of each key.  It is one path that is walked and walked back, and
   only configurations from which there is no way are remembered, as whole vectors. */

#define READ 1
enum { PAUSED, ORDERED, NO_ORDER, OUT_OF_TIME, OUT_OF_MEMORY, ASK_FAILED };
enum { LOOK_EVERY = 4096, MEMORY_EVERY = 16 };
#define FREE 0xFFFFFFFFu

typedef struct {
    u32 line, state, held;  /* what was there before: of the key of the operation */
} Step;

typedef struct {
    u32 line, after;
    u64 rank;
} Choice;

typedef struct {
    u64 path, from, next, to;  /* the path's length; choices from .. to, the next one to try */
} Decision;

typedef struct {
    Machine *machine;
    u32 lines, closed, keys, ids, width;  /* lines below `closed` are processes */
    u32 *first, *kind, *key, *installs, *observes, *gate_line, *gate_at;
    u64 *rank;
    u8 *flags;
    u32 *at, *state, *held, *sources, *needed;
    u64 left, all, furthest;
    Step *path; u64 path_count, path_room;
    Choice *choices; u64 choice_count, choice_room;
    Decision *decisions; u64 decision_count, decision_room;
    u32 *arena; u64 arena_count, arena_room;   /* vectors without a way */
    u64 *slots, slot_count, dead;              /* index of a vector plus 1 */
    u32 *vector;
    u64 work, pause_at, look_at, looks;
    double deadline;
    u64 memory;
    u32 failure;
} Ordered;

static int room(Ordered *s, void **at, u64 count, u64 *has, u64 each, u64 more) {
    if (count + more <= *has) return 1;
    u64 wanted = *has + *has / 2 + more + 1024, added = (wanted - *has) * each;
    if (s->memory && added > 1 << 16 && resident() + added > s->memory) {
        s->failure = OUT_OF_MEMORY;
        return 0;
    }
    void *made = realloc(*at, wanted * each);
    if (!made) { s->failure = OUT_OF_MEMORY; return 0; }
    *at = made;
    *has = wanted;
    return 1;
}
#define ROOM(s, array, count, has, more) \
    room(s, (void **)&(array), count, &(has), sizeof *(array), more)

static u32 *zeros(u64 count) { return calloc(count + 1, 4); }

static u32 *same(const u32 *from, u64 count) {
    u32 *made = malloc(4 * count + 4);
    if (made) memcpy(made, from, 4 * count);
    return made;
}

void ordered_free(Ordered *s) {
    if (!s) return;
    free(s->first); free(s->kind); free(s->key); free(s->installs); free(s->observes);
    free(s->gate_line); free(s->gate_at); free(s->rank); free(s->flags); free(s->at);
    free(s->state); free(s->held); free(s->sources); free(s->needed); free(s->path);
    free(s->choices); free(s->decisions); free(s->arena); free(s->slots); free(s->vector);
    free(s);
}

/* Operations are by line; `first` says where each line begins, and the last one ends.  `installs`
   and `observes`: numbers of values (each of one key), or FREE.  `held`: of each key the number of
   the first value. */
Ordered *ordered_new(Machine *m, u32 lines, u32 closed, u32 keys, u32 ids, const u32 *first,
                     const u32 *kind, const u32 *key, const u32 *installs, const u32 *observes,
                     const u32 *gate_line, const u32 *gate_at, const u64 *rank, const u8 *flags,
                     const u32 *held) {
    Ordered *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    u32 count = first[lines];
    s->machine = m;
    s->lines = lines;
    s->closed = closed;
    s->keys = keys;
    s->ids = ids;
    s->width = closed + keys + (lines - closed + 31) / 32;
    s->first = same(first, lines + 1);
    s->kind = same(kind, count);
    s->key = same(key, count);
    s->installs = same(installs, count);
    s->observes = same(observes, count);
    s->gate_line = same(gate_line, lines);
    s->gate_at = same(gate_at, lines);
    s->held = same(held, keys);
    s->rank = malloc(8ull * count + 8);
    s->flags = malloc(m->kinds + 1);
    s->at = same(first, lines);
    s->state = zeros(keys);
    s->sources = zeros(ids);
    s->needed = zeros(ids);
    s->vector = zeros(s->width);
    s->slot_count = 1024;
    s->slots = calloc(s->slot_count, 8);
    if (!s->first || !s->kind || !s->key || !s->installs || !s->observes || !s->gate_line ||
        !s->gate_at || !s->held || !s->rank || !s->flags || !s->at || !s->state || !s->sources ||
        !s->needed || !s->vector || !s->slots) { ordered_free(s); return NULL; }
    memcpy(s->rank, rank, 8ull * count);
    memcpy(s->flags, flags, m->kinds);
    for (u32 i = 0; i < count; i++) {
        if (installs[i] != FREE) s->sources[installs[i]]++;
        if (observes[i] != FREE) s->needed[observes[i]]++;
    }
    s->left = s->all = first[closed];
    return s;
}

/* --- one step forward, one back --- */

static int take(Ordered *s, u32 line, u32 after) {
    u32 i = s->at[line], key = s->key[i];
    if (!ROOM(s, s->path, s->path_count, s->path_room, 1)) return 0;
    s->path[s->path_count++] = (Step){line, s->state[key], s->held[key]};
    if (s->installs[i] != FREE) s->sources[s->installs[i]]--;
    if (s->observes[i] != FREE) s->needed[s->observes[i]]--;
    if (after != s->state[key] || s->installs[i] != FREE) s->held[key] = s->installs[i];
    s->state[key] = after;
    s->at[line]++;
    if (line < s->closed && --s->left < s->all - s->furthest) s->furthest = s->all - s->left;
    return 1;
}

static void untake(Ordered *s) {
    Step was = s->path[--s->path_count];
    u32 i = --s->at[was.line], key = s->key[i];
    s->state[key] = was.state;
    s->held[key] = was.held;
    if (s->installs[i] != FREE) s->sources[s->installs[i]]++;
    if (s->observes[i] != FREE) s->needed[s->observes[i]]++;
    s->left += was.line < s->closed;
}

INLINE u32 next_state(Ordered *s, u32 i) {
    u32 value = next_of(s->machine, s->state[s->key[i]], s->kind[i]);
    if (UNLIKELY(value == FAILED)) s->failure = ASK_FAILED;
    s->work++;
    return value;
}

/* S1: reads that agree with the state, until there are none. */
static int settle(Ordered *s) {
    for (u32 line = 0; line < s->closed; line++) {
        while (s->at[line] < s->first[line + 1]) {
            u32 i = s->at[line];
            if (!(s->flags[s->kind[i]] & READ)) break;
            u32 after = next_state(s, i);
            if (s->failure) return 0;
            if (after != s->state[s->key[i]]) break;
            if (!take(s, line, after)) return 0;
        }
    }
    return 1;
}

/* S2: would a value go that is needed still, and that nobody brings back? */
INLINE int loses(const Ordered *s, u32 i, u32 after) {
    u32 key = s->key[i], held = s->held[key], installs = s->installs[i];
    if (held == FREE || installs == held) return 0;
    if (after == s->state[key] && installs == FREE) return 0;
    return s->needed[held] > (s->observes[i] == held) && s->sources[held] == 0;
}

/* --- configurations without a way --- */

static void vector_made(Ordered *s) {
    u32 *to = s->vector;
    memcpy(to, s->at, 4ull * s->closed);
    memcpy(to + s->closed, s->state, 4ull * s->keys);
    memset(to + s->closed + s->keys, 0, 4ull * (s->width - s->closed - s->keys));
    for (u32 line = s->closed; line < s->lines; line++) {
        u32 bit = line - s->closed;
        if (s->at[line] != s->first[line]) to[s->closed + s->keys + bit / 32] |= 1u << bit % 32;
    }
}

static u64 hash_of(const Ordered *s, const u32 *vector) {
    u64 h = 1;
    for (u32 i = 0; i < s->width; i++) h = mixed(h ^ vector[i]) + i;
    return h;
}

static u64 *place(Ordered *s, const u32 *vector) {
    u64 at = hash_of(s, vector) & (s->slot_count - 1);
    for (; s->slots[at]; at = (at + 1) & (s->slot_count - 1))
        if (!memcmp(s->arena + (s->slots[at] - 1) * s->width, vector, 4ull * s->width)) break;
    return s->slots + at;
}

static int is_dead(Ordered *s) {
    if (!s->dead) return 0;
    vector_made(s);
    return *place(s, s->vector) != 0;
}

static int remember(Ordered *s) {
    if (2 * s->dead >= s->slot_count) {
        u64 *old = s->slots, count = s->slot_count;
        if (s->memory && resident() + 16 * count > s->memory) {
            s->failure = OUT_OF_MEMORY;
            return 0;
        }
        u64 *made = calloc(2 * count, 8);
        if (!made) { s->failure = OUT_OF_MEMORY; return 0; }
        s->slots = made;
        s->slot_count = 2 * count;
        for (u64 i = 0; i < count; i++)
            if (old[i]) *place(s, s->arena + (old[i] - 1) * s->width) = old[i];
        free(old);
    }
    if (!ROOM(s, s->arena, s->arena_count, s->arena_room, s->width)) return 0;
    vector_made(s);
    u64 *to = place(s, s->vector);
    if (*to) return 1;
    memcpy(s->arena + s->arena_count, s->vector, 4ull * s->width);
    s->arena_count += s->width;
    *to = ++s->dead;
    return 1;
}

/* --- the search --- */

static int offer(Ordered *s, u32 line, u32 after) {
    u32 i = s->at[line];
    if (loses(s, i, after)) return 1;
    if (!ROOM(s, s->choices, s->choice_count, s->choice_room, 1)) return 0;
    s->choices[s->choice_count++] = (Choice){line, after, s->rank[i]};
    return 1;
}

static int offers(Ordered *s, u32 line) {
    u32 i = s->at[line], value = next_state(s, i);
    if (s->failure) return 0;
    for (u32 k = 0, count = many(s->machine, value); k < count; k++) {
        u32 after = one_of(s->machine, value, k);
        if (line >= s->closed && after == s->state[s->key[i]]) continue;
        if (!offer(s, line, after)) return 0;
    }
    return 1;
}

/* Of operations that never returned, one of each kind and key. */
static int is_first(const Ordered *s, u32 line) {
    u32 i = s->first[line];
    for (u32 other = s->closed; other < line; other++) {
        u32 j = s->first[other];
        if (s->at[other] != j || s->kind[j] != s->kind[i] || s->key[j] != s->key[i]) continue;
        if (s->gate_line[other] == FREE || s->at[s->gate_line[other]] >= s->gate_at[other]) return 0;
    }
    return 1;
}

static int decide(Ordered *s) {
    if (!ROOM(s, s->decisions, s->decision_count, s->decision_room, 1)) return 0;
    u64 from = s->choice_count;
    for (u32 line = 0; line < s->closed; line++)
        if (s->at[line] < s->first[line + 1] && !offers(s, line)) return 0;
    /* by the clock: it is most often right */
    for (u64 i = from + 1; i < s->choice_count; i++) {
        Choice moved = s->choices[i];
        u64 to = i;
        for (; to > from && s->choices[to - 1].rank > moved.rank; to--)
            s->choices[to] = s->choices[to - 1];
        s->choices[to] = moved;
    }
    for (u32 line = s->closed; line < s->lines; line++) {
        if (s->at[line] != s->first[line]) continue;
        u32 gate = s->gate_line[line];
        if (gate != FREE && s->at[gate] < s->gate_at[line]) continue;
        if (is_first(s, line) && !offers(s, line)) return 0;
    }
    s->decisions[s->decision_count++] = (Decision){s->path_count, from, from, s->choice_count};
    return 1;
}

static void back_to(Ordered *s, u64 path) {
    while (s->path_count > path) untake(s);
}

static int looks(Ordered *s) {
    s->look_at = s->work + LOOK_EVERY;
    if (now() > s->deadline) return s->failure = OUT_OF_TIME;
    if (s->memory && ++s->looks % MEMORY_EVERY == 0 && resident() > s->memory)
        return s->failure = OUT_OF_MEMORY;
    return 0;
}

/* Until it is decided, a limit, or so much work: then PAUSED, and it may be called again. */
int ordered_run(Ordered *s, u64 work, double deadline, u64 memory) {
    u64 until = s->work + work < s->work ? ~0ull : s->work + work;
    s->deadline = deadline;
    s->memory = memory;
    if (now() > deadline) return OUT_OF_TIME;
    if (!s->decision_count) {
        if (!settle(s)) return s->failure;
        if (!s->left) return ORDERED;
        if (!decide(s)) return s->failure;
    }
    for (;;) {
        if (s->work >= s->look_at && looks(s)) return s->failure;
        if (s->work >= until) return PAUSED;
        Decision *d = s->decisions + s->decision_count - 1;
        back_to(s, d->path);
        if (d->next == d->to) {
            if (!remember(s)) return s->failure;
            s->choice_count = d->from;
            if (!--s->decision_count) return NO_ORDER;
            continue;
        }
        Choice chosen = s->choices[d->next++];
        if (!take(s, chosen.line, chosen.after) || !settle(s)) return s->failure;
        if (!s->left) return ORDERED;
        if (is_dead(s)) continue;
        if (!decide(s)) return s->failure;
    }
}

u64 ordered_furthest(const Ordered *s) { return s->furthest; }
u64 ordered_work(const Ordered *s) { return s->work; }

/* After ORDERED: the operations in order, by their places here; how many. */
u64 ordered_order(const Ordered *s, u32 *to) {
    u32 *at = same(s->first, s->lines);
    if (!at) return 0;
    for (u64 i = 0; i < s->path_count; i++) to[i] = at[s->path[i].line]++;
    free(at);
    return s->path_count;
}
