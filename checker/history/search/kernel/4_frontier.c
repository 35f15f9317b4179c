/* The general search, 4 of 6: breadth over returns.

   The front is all configurations (but those that others dominate) before a return.  At the
   return, each must come to one in which the operation has taken effect, by as few steps as that
   takes.  Only two fronts are kept, so that memory does not grow with the history. */

typedef struct Snapshot {
    u32 at;
    u64 count;
    Node *front;
} Snapshot;

enum { MOST_SNAPSHOTS = 512 };
#define NOBODY 0xFFFFFFFFu
#define NO_RECORD 0xFFFFFFFFFFFFFFFFull

INLINE u64 node_hash(const Pending *p, const Node *n) {
    u64 h = n->state;
    for (u32 w = 0; w < MASK_WORDS; w++) h = mixed(h ^ (n->mask[w] & ~p->reads[w]));
    return h;
}

/* R4: whatever can follow `b` can follow `a`.  They have the same state and the same operations
   that are not reads. */
INLINE int dominates(const Pending *p, const Node *a, const Node *b) {
    for (u32 w = 0; w < MASK_WORDS; w++) if (b->mask[w] & ~a->mask[w]) return 0;
    for (u32 w = 0; w < USED_WORDS; w++)
        if (((b->used[w] | p->guard[w]) - a->used[w] & p->guard[w]) != p->guard[w]) return 0;
    return 1;
}

INLINE int same_bucket(const Pending *p, const Node *a, const Node *b) {
    if (a->state != b->state) return 0;
    u64 differ = 0;
    for (u32 w = 0; w < MASK_WORDS; w++) differ |= (a->mask[w] ^ b->mask[w]) & ~p->reads[w];
    return !differ;
}

static int heads_grow(Search *s) {
    u64 count = s->head_count ? 4 * s->head_count : 256;
    u64 *heads = calloc(count, 8);
    if (!heads || (s->memory_limit && count > 1 << 13 &&
                   resident() + count * 8 > s->memory_limit)) {
        free(heads);
        return s->failure = OUT_OF_MEMORY;
    }
    free(s->heads);
    s->heads = heads;
    s->bytes += (count - s->head_count) * 8;
    s->head_count = count;
    s->stamp = 1;
    /* A bucket's nodes have one hash, and buckets may share a head: their order is kept. */
    for (u64 i = 0; i < s->count; i++) {
        Node *n = s->nodes + i;
        if (n->state == DEAD) continue;
        u64 *head = heads + (node_hash(s->pending, n) & (count - 1));
        n->next = *head >> 32 == s->stamp ? (u32)*head : NOBODY;
        *head = (u64)s->stamp << 32 | i;
    }
    return 0;
}

/* Adds a configuration to this level, unless another dominates it. */
INLINE int level_insert(Search *s, const Node *n, u32 parent, u64 record_at) {
    Pending *p = s->pending;
    if (UNLIKELY(s->count >= s->head_count) && heads_grow(s)) return s->failure;
    u64 *head = s->heads + (node_hash(p, n) & (s->head_count - 1));
    u32 first = *head >> 32 == s->stamp ? (u32)*head : NOBODY, work = 1;
    for (u32 i = first, before = NOBODY; i != NOBODY; work++) {
        Node *other = s->nodes + i;
        u32 following = other->next;
        if (same_bucket(p, other, n)) {
            if (dominates(p, other, n)) return tick(s, work);
            if (dominates(p, n, other)) {
                other->state = DEAD;
                if (before == NOBODY) {
                    first = following;
                    *head = following == NOBODY ? 0 : (u64)s->stamp << 32 | following;
                } else s->nodes[before].next = following;
                i = following;
                continue;
            }
        }
        before = i;
        i = following;
    }
    if (UNLIKELY(s->count >= NOBODY - 1)) return s->failure = OUT_OF_MEMORY;
    if (!ROOM(s, s->nodes, s->count, s->room)) return s->failure;
    if (s->logging) {
        if (!ROOM(s, s->parents, s->count, s->parents_room)) return s->failure;
        if (!ROOM(s, s->records, s->count, s->records_room)) return s->failure;
        s->parents[s->count] = parent;
        s->records[s->count] = record_at;
    }
    Node *to = s->nodes + s->count;
    *to = *n;
    to->next = first;
    *head = (u64)s->stamp << 32 | s->count;
    s->count++;
    s->configurations++;
    return tick(s, work);
}

static int level_emit(Search *s, const Node *child, u32 depth, u32 slot) {
    u64 record_at = s->log_count;
    if (s->logging && record(s, child, depth, slot)) return s->failure;
    int stop = level_insert(s, child, (u32)s->next, record_at);
    if (stop) return stop;
    return PAUSES(s) && !s->logging ? RUNNING : 0;
}

static void snapshots_thin(Search *s) {
    u64 kept = 0;
    for (u64 i = 0; i < s->snapshot_count; i++) {
        if (i % 2) { free(s->snapshots[i].front); s->bytes -= s->snapshots[i].count * sizeof(Node); }
        else s->snapshots[kept++] = s->snapshots[i];
    }
    s->snapshot_count = kept;
    s->snapshot_every *= 2;
}

static int snapshot_take(Search *s) {
    if (s->snapshot_count == MOST_SNAPSHOTS) snapshots_thin(s);
    if (s->levels % s->snapshot_every) return 0;
    Snapshot *to = s->snapshots + s->snapshot_count;
    to->at = s->pending->at;
    to->count = s->front_count;
    to->front = copied(s->front, s->front_count * sizeof(Node));
    if (!to->front) return s->failure = OUT_OF_MEMORY;
    s->bytes += s->front_count * sizeof(Node);
    s->snapshot_count++;
    return 0;
}

static void stamp_new(Search *s) {
    s->count = 0;
    if (++s->stamp) return;
    memset(s->heads, 0, s->head_count * 8);
    s->stamp = 1;
}

/* To the next return, and the front as the level's first configurations.  END: no return. */
static int level_begin(Search *s) {
    Pending *p = s->pending;
    if (s->snapshots && !s->logging && snapshot_take(s)) return s->failure;
    u32 op = cursor_to_return(p, s->machine);
    if (op == END) return LINEARIZABLE;
    s->target = p->slot[op];
    s->furthest = p->at;
    stamp_new(s);
    for (u64 i = 0; i < s->front_count; i++) {
        Node n = s->front[i];
        absorb(s, &n);
        if (level_insert(s, &n, (u32)i, NO_RECORD)) return s->failure;
    }
    s->next = 0;
    s->in_level = 1;
    return 0;
}

/* Has the operation that returns taken effect?  If pending operations can be used again, nobody
   knows of those that are no reads. */
INLINE int passes(const Search *s, const Node *n) {
    if (n->state == DEAD) return 0;
    return BIT(n->mask, s->target) || (s->reusable && !BIT(s->pending->reads, s->target));
}

/* Those in which the operation has taken effect are the next front.  If there are none, the
   front stays as it was. */
static int level_end(Search *s) {
    u64 passed = 0;
    for (u64 i = 0; i < s->count; i++)
        passed += passes(s, s->nodes + i);
    if (!passed) return VIOLATED;
    while (s->front_room < passed)
        if (!grow(s, (void **)&s->front, &s->front_room, sizeof(Node))) return s->failure;
    s->front_count = 0;
    for (u64 i = 0; i < s->count; i++) {
        Node *n = s->nodes + i;
        if (!passes(s, n)) continue;
        Node *to = s->front + s->front_count++;
        *to = *n;
        CLEAR(to->mask, s->target);
        to->next = (u32)i;  /* for the log */
    }
    if (passed > s->widest) s->widest = passed;
    cursor_forward(s->pending, s->machine);
    s->in_level = 0;
    s->levels++;
    return 0;
}

/* RUNNING: the return is passed; 0: paused. */
static int level_run(Search *s) {
    int stop;
    if (!s->in_level && (stop = level_begin(s))) return stop;
    for (; s->next < s->count; s->next++) {
        Node n = s->nodes[s->next];
        if (n.state == DEAD || BIT(n.mask, s->target)) continue;
        stop = expand(s, &n, DIRECT | CHAINS);
        if (stop == RUNNING) return PAUSED;
        if (stop) return stop;
    }
    stop = level_end(s);
    return stop ? stop : RUNNING;
}

static int frontier_run(Search *s) {
    for (;;) {
        int stop = level_run(s);
        if (stop != RUNNING) return stop;
        if (PAUSES(s)) return PAUSED;
    }
}
