/* The general search, 3 of 6: configurations, and what can happen next in one.

   A configuration belongs to a return, that of operation o, which must have taken effect before:
   a state, the pending operations that have taken effect (mask), and how many open operations of
   each kind have (used).  Why what is left out here may be left out is argued in ../engine.py:
   rules R1 (reads at once), R2 (of the same kind, that which returns first), R3 (open operations
   late), R4 (dominance). */

typedef struct {
    u32 state, next;          /* next: of its bucket in the table of a level */
    u64 mask[MASK_WORDS];
    u64 used[USED_WORDS];
} Node;

#define DEAD 0xFFFFFFFFu

enum Status { PAUSED, LINEARIZABLE, VIOLATED, OUT_OF_TIME, OUT_OF_MEMORY, ASK_FAILED, RUNNING };
enum { DIRECT = 1, CHAINS = 2 };
#define BY_READ 0xFFFFFFFFu   /* the last step of a chain: reads that agree with the state */

/* A chain of open operations, one after another. */
typedef struct {
    Node node;       /* after it */
    u32 kind, field, choice;
} Link;

typedef struct Search Search;
typedef int (*Emit)(Search *, const Node *, u32 depth, u32 slot);

typedef struct {
    u32 state, mark, depth, at;
    u64 mask[MASK_WORDS];
    u64 used[USED_WORDS];
} Known;

typedef struct {
    Node node;
    u32 at, path, flags;
    u64 record;
} Entry;

struct Search {
    Machine *machine;
    Pending *pending;
    Emit emit;
    int unlimited;            /* relaxed: open operations of a kind are used without end, */
    int reusable;             /* and so are pending ones that are no reads */
    int latest_first;         /* order in which operations are tried */
    u32 target;               /* the slot of the operation that returns */
    u32 failure;              /* a Status, or 0 */
    /* limits */
    u64 work, pause_at, check_at, memory_at, asked;
    double deadline;
    u64 memory_limit, bytes;  /* limit: of the process; bytes: of this search */
    /* chains */
    Link *chain;
    u32 chain_room;
    /* counts */
    u64 configurations, widest, deepest;
    u32 furthest;             /* the furthest return (event) that a configuration stood at */
    /* breadth over returns (4) */
    Node *nodes, *front;
    u64 count, room, front_count, front_room, next;
    u64 *heads;
    u64 head_count;
    u32 stamp;
    int in_level, logging;
    u32 *parents; u64 parents_room; u64 *records; u64 records_room;
    struct Snapshot *snapshots;
    u64 snapshot_count, snapshot_every, levels;
    /* depth first (5) */
    Entry *stack;
    u64 stack_count, stack_room;
    Known *known;
    u64 known_slots, known_count, forgotten;
    u64 *path;
    u64 path_count, path_room;
    u32 *log;
    u64 log_count, log_room;
    Node *last;
    u32 last_count;
    u32 initial;
};

enum { CHECK_EVERY = 4096, MEMORY_EVERY = 16 * CHECK_EVERY, ASKING = 64 };

/* The clock and memory, now and then.  An answer of the model counts as much work. */
static __attribute__((noinline)) int limits(Search *s) {
    if (s->failure) return s->failure;
    u64 asked = s->machine->asked;
    s->work += ASKING * (asked - s->asked);
    s->asked = asked;
    s->check_at = s->work + CHECK_EVERY;
    if (now() > s->deadline) return s->failure = OUT_OF_TIME;
    if (s->memory_limit && s->work >= s->memory_at) {
        s->memory_at = s->work + MEMORY_EVERY;
        if (resident() > s->memory_limit) return s->failure = OUT_OF_MEMORY;
    }
    return 0;
}

/* 0, or why the search must stop or pause. */
INLINE int tick(Search *s, u64 work) {
    s->work += work;
    if (UNLIKELY(s->work >= s->check_at || s->machine->asked != s->asked)) {
        u64 asked = s->machine->asked - s->asked;
        s->work += ASKING * asked;
        s->asked += asked;
        if (s->work >= s->check_at && limits(s)) return s->failure;
    }
    return s->failure;
}

#define PAUSES(s) ((s)->work >= (s)->pause_at)

/* Room for one more, or 0 and the failure is set.  Before much is added, memory is looked at. */
static __attribute__((noinline)) int grow(Search *s, void **at, u64 *room, u64 each) {
    u64 more = *room + *room / 2 + 64, added = (more - *room) * each;
    if (s->memory_limit && added > 1 << 16) {
        u64 held = resident();
        if (held + added > s->memory_limit) {
            added = held < s->memory_limit ? (s->memory_limit - held) / each * each : 0;
            more = *room + added / each;
            if (added < *room / 64 * each || !added) { s->failure = OUT_OF_MEMORY; return 0; }
        }
    }
    void *made = realloc(*at, more * each);
    if (!made) { s->failure = OUT_OF_MEMORY; return 0; }
    s->bytes += added;
    *at = made;
    *room = more;
    return 1;
}

#define ROOM(s, array, count, room) \
    ((count) < (room) || grow(s, (void **)&(array), &(room), sizeof *(array)))

INLINE u32 next_state(Search *s, u32 state, u32 kind) {
    u32 value = next_of(s->machine, state, kind);
    if (UNLIKELY(value == FAILED)) s->failure = s->machine->full ? OUT_OF_MEMORY : ASK_FAILED;
    return value;
}

/* The pending reads that agree with a state, beyond those that a mask has. */
INLINE void agreeing(Search *s, u32 state, const u64 *mask, u64 *found) {
    Pending *p = s->pending;
    if (s->machine->states) {
        const u64 *agree = p->agreeing + (u64)state * MASK_WORDS;
        for (u32 w = 0; w < MASK_WORDS; w++) found[w] = agree[w] & ~mask[w];
        return;
    }
    memset(found, 0, 8 * MASK_WORDS);
    EACH(w, j, p->reads[w] & ~mask[w])
        if (next_state(s, state, p->slot_kind[j]) == state) SET(found, j);
}

INLINE int any(const u64 *mask) {
    u64 all = 0;
    for (u32 w = 0; w < MASK_WORDS; w++) all |= mask[w];
    return all != 0;
}

/* R1: reads that agree with the state take effect. */
INLINE void absorb(Search *s, Node *n) {
    u64 found[MASK_WORDS];
    agreeing(s, n->state, n->mask, found);
    for (u32 w = 0; w < MASK_WORDS; w++) n->mask[w] |= found[w];
}

/* R2: no other pending operation of its kind returns earlier and has not taken effect. */
INLINE int is_first(const Pending *p, const Node *n, u64 slot) {
    for (u32 w = 0; w < MASK_WORDS; w++)
        if (p->earlier[slot][w] & ~n->mask[w]) return 0;
    return 1;
}

INLINE u64 field_value(const Node *n, const Field *f) {
    return n->used[f->word] >> f->shift & f->bits;
}

INLINE int twin_pending(const Field *f, const Node *n) {
    for (u32 w = 0; w < MASK_WORDS; w++)
        if (f->twins[w] & ~n->mask[w]) return 1;
    return 0;
}


/* R3: can one of the chain's operations be left out, or happen after `kind`, which leads from
   the chain's end to `after`?  `field`: that of `kind` if it is open, else NONE. */
static int needless(Search *s, u32 start, u32 depth, u32 kind, u32 field, u32 after) {
    if (field != NONE) {  /* a loop */
        if (after == start) return 1;
        for (u32 i = 0; i < depth; i++) if (s->chain[i].node.state == after) return 1;
    }
    for (u32 i = 0; i < depth; i++) {
        u32 at = i ? s->chain[i - 1].node.state : start;
        for (u32 j = i + 1; j < depth && at < FAILED && !(at & MANY); j++)
            at = next_state(s, at, s->chain[j].kind);
        if (at >= FAILED || at & MANY) continue;
        at = next_state(s, at, kind);
        if (at >= FAILED || at & MANY) continue;
        if (at == after) return 1;
        if (field == NONE || (i + 1 == depth && field < s->chain[i].field)) {
            if (next_state(s, at, s->chain[i].kind) == after) return 1;
        }
    }
    return 0;
}

/* The last to return first: a stack gives them back in the opposite order. */
static void by_return(const Pending *p, u32 *slots, u32 count) {
    for (u32 i = 1; i < count; i++) {
        u32 moved = slots[i], to = i;
        for (; to && p->returned[p->slot_op[slots[to - 1]]] < p->returned[p->slot_op[moved]]; to--)
            slots[to] = slots[to - 1];
        slots[to] = moved;
    }
}

/* What can follow a chain of `depth` open operations (0: none), except more of them. */
static int after_chain(Search *s, const Node *from, const Node *n, u32 depth) {
    Pending *p = s->pending;
    if (depth) {
        u64 found[MASK_WORDS];
        agreeing(s, n->state, n->mask, found);
        if (any(found)) {
            Node child = *n;
            for (u32 w = 0; w < MASK_WORDS; w++) child.mask[w] |= found[w];
            return s->emit(s, &child, depth, BY_READ);
        }
    }
    u32 slots[SLOTS], slot_count = 0;
    EACH(w, j, p->active[w] & ~n->mask[w] & ~p->reads[w])
        if (is_first(p, n, j)) slots[slot_count++] = j;
    if (s->latest_first) by_return(p, slots, slot_count);
    for (u32 at = 0; at < slot_count; at++) {
        u32 j = slots[at];
        u32 kind = p->slot_kind[j], value = next_state(s, n->state, kind);
        for (u32 i = 0, count = many(s->machine, value); i < count; i++) {
            Node child = *n;
            child.state = one_of(s->machine, value, i);
            if (depth && needless(s, from->state, depth, kind, NONE, child.state)) continue;
            if (!s->reusable) SET(child.mask, j);
            absorb(s, &child);
            int stop = s->emit(s, &child, depth, j);
            if (stop) return stop;
        }
    }
    return tick(s, 1);
}

/* Every chain of open operations, and what can follow it.  Depth first, without recursion. */
static int chains(Search *s, const Node *from) {
    Pending *p = s->pending;
    u32 depth = 0, field = 0, choice = 0;  /* to be tried next, after `depth` operations */
    for (;;) {
        const Node *n = depth ? &s->chain[depth - 1].node : from;
        if (field >= p->active_fields) {
            if (!depth) return s->failure;
            depth--;
            field = s->chain[depth].field;
            choice = s->chain[depth].choice + 1;
            continue;
        }
        Field *f = p->fields + field;
        u32 value = NONE, after;
        int stop = tick(s, 1);
        if (stop) return stop;
        if (field_value(n, f) >= f->available || twin_pending(f, n) ||
            choice >= many(s->machine, value = next_state(s, n->state, f->kind)) ||
            (after = one_of(s->machine, value, choice)) == n->state) {
            if (s->failure) return s->failure;
            /* one of several states may be this one: go on to the next choice */
            if (field_value(n, f) < f->available && !twin_pending(f, n) &&
                choice < many(s->machine, value)) { choice++; continue; }
            field++;
            choice = 0;
            continue;
        }
        if (needless(s, from->state, depth, f->kind, field, after)) { choice++; continue; }
        if (depth >= s->chain_room) {
            u64 room = s->chain_room;
            if (!grow(s, (void **)&s->chain, &room, sizeof *s->chain)) return s->failure;
            s->chain_room = room;
            n = depth ? &s->chain[depth - 1].node : from;
        }
        Link *link = s->chain + depth;
        link->node = *n;
        link->node.state = after;
        if (!s->unlimited) link->node.used[f->word] += 1ull << f->shift;
        link->kind = f->kind;
        link->field = field;
        link->choice = choice;
        u64 found[MASK_WORDS];
        agreeing(s, after, link->node.mask, found);
        stop = after_chain(s, from, &link->node, depth + 1);
        if (stop) return stop;
        if (any(found)) { choice++; continue; }  /* the reads come first: they cost nothing */
        depth++;
        field = choice = 0;
    }
}

/* All that can happen next, of one kind or both. */
static int expand(Search *s, const Node *n, int which) {
    int stop = 0;
    if (which & DIRECT) stop = after_chain(s, n, n, 0);
    if (!stop && which & CHAINS && s->pending->active_fields) stop = chains(s, n);
    return stop ? stop : s->failure;
}

/* A record of what was done: the event, the chain (kind, state after), the operation that ended
   it plus 1 (0: reads), the state after. */
static int record(Search *s, const Node *child, u32 depth, u32 slot) {
    while (s->log_count + 2 * depth + 4 > s->log_room)
        if (!grow(s, (void **)&s->log, &s->log_room, sizeof *s->log)) return s->failure;
    u32 *to = s->log + s->log_count;
    *to++ = s->pending->at;
    *to++ = depth;
    for (u32 i = 0; i < depth; i++) {
        *to++ = s->chain[i].kind;
        *to++ = s->chain[i].node.state;
    }
    *to++ = slot == BY_READ ? 0 : s->pending->slot_op[slot] + 1;
    *to++ = child->state;
    s->log_count = to - s->log;
    return 0;
}
