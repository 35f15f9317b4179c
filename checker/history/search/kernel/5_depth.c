/* The general search, 5 of 6: depth first, with a memory of configurations that were met.

   The operation that returns next is tried first, then those that return later, then chains of
   open operations.  The memory may forget when it cannot grow: what was forgotten is searched
   again if it is met again, so that the verdict stays right and only time is lost. */

enum { WAYS = 4, MOST_LAST = 64 };

static int depth_emit(Search *s, const Node *child, u32 depth, u32 slot) {
    if (!ROOM(s, s->stack, s->stack_count, s->stack_room)) return s->failure;
    u64 record_at = s->log_count;
    if (record(s, child, depth, slot)) return s->failure;
    Entry *to = s->stack + s->stack_count++;
    to->node = *child;
    to->at = s->pending->at;
    to->path = (u32)s->path_count;
    to->flags = DIRECT;
    to->record = record_at;
    return tick(s, 1);
}

INLINE u64 known_hash(const Node *n, u32 at) {
    u64 h = mixed((u64)at << 32 | n->state);
    for (u32 w = 0; w < MASK_WORDS; w++) h = mixed(h ^ n->mask[w]);
    for (u32 w = 0; w < USED_WORDS; w++) h = mixed(h ^ n->used[w]);
    return h;
}

INLINE int known_is(const Known *k, const Node *n, u32 at) {
    if (!k->mark || k->at != at || k->state != n->state) return 0;
    for (u32 w = 0; w < MASK_WORDS; w++) if (k->mask[w] != n->mask[w]) return 0;
    for (u32 w = 0; w < USED_WORDS; w++) if (k->used[w] != n->used[w]) return 0;
    return 1;
}

/* The place of a configuration: where it is, or where it can be put (an empty one, if any). */
static Known *known_place(Known *known, u64 slots, const Node *n, u32 at, u64 turn) {
    u64 base = known_hash(n, at) & (slots - 1) & ~(u64)(WAYS - 1);
    Known *free_one = NULL;
    for (u32 i = 0; i < WAYS; i++) {
        if (known_is(known + base + i, n, at)) return known + base + i;
        if (!known[base + i].mark && !free_one) free_one = known + base + i;
    }
    return free_one ? free_one : known + base + turn % WAYS;
}

/* Twice as large, if memory allows it; a third of what is left may go there. */
static void known_grow(Search *s) {
    u64 slots = s->known_slots ? 2 * s->known_slots : 1024, bytes = slots * sizeof(Known);
    if (s->memory_limit && bytes > 1 << 16) {
        u64 held = resident();
        if (held >= s->memory_limit || bytes > (s->memory_limit - held) / 3) return;
    }
    Known *made = calloc(slots, sizeof(Known));
    if (!made) return;
    for (u64 i = 0; i < s->known_slots; i++) {
        Known *k = s->known + i;
        if (!k->mark) continue;
        Node n;
        n.state = k->state;
        memcpy(n.mask, k->mask, sizeof n.mask);
        memcpy(n.used, k->used, sizeof n.used);
        *known_place(made, slots, &n, k->at, i) = *k;
    }
    free(s->known);
    s->bytes += (slots - s->known_slots) * sizeof(Known);
    s->known = made;
    s->known_slots = slots;
}

/* 1: it was met before. */
static int known_add(Search *s, const Node *n, u32 at) {
    if (s->known_count * 10 >= s->known_slots * 7) known_grow(s);
    if (!s->known_slots) { s->failure = OUT_OF_MEMORY; return 0; }
    Known *k = known_place(s->known, s->known_slots, n, at, s->configurations);
    if (known_is(k, n, at)) return 1;
    if (k->mark) s->forgotten++;
    else s->known_count++;
    k->mark = 1;
    k->at = at;
    k->state = n->state;
    memcpy(k->mask, n->mask, sizeof k->mask);
    memcpy(k->used, n->used, sizeof k->used);
    return 0;
}

/* Past the returns of operations that have taken effect: 1 at the end of the history. */
static int depth_advance(Search *s, Node *n) {
    Pending *p = s->pending;
    for (;;) {
        u32 op = cursor_to_return(p, s->machine);
        if (op == END) return 1;
        absorb(s, n);
        s->target = p->slot[op];
        if (!BIT(n->mask, s->target)) return 0;
        CLEAR(n->mask, s->target);
        cursor_forward(p, s->machine);
        s->levels++;
    }
}

static void keep_last(Search *s, const Node *n) {
    if (s->pending->at > s->furthest) {
        s->furthest = s->pending->at;
        s->last_count = 0;
    }
    if (s->pending->at == s->furthest && s->last_count < MOST_LAST) s->last[s->last_count++] = *n;
}

static int depth_pop(Search *s) {
    Entry e = s->stack[--s->stack_count];
    Pending *p = s->pending;
    cursor_to(p, s->machine, e.at);
    s->path_count = e.path;
    if (e.record != NO_RECORD) {
        s->log_count = e.record + 4 + 2 * s->log[e.record + 1];
        if (!ROOM(s, s->path, s->path_count, s->path_room)) return s->failure;
        s->path[s->path_count++] = e.record;
    }
    if (e.flags == DIRECT) {
        if (depth_advance(s, &e.node)) return LINEARIZABLE;
        e.at = p->at;
        if (known_add(s, &e.node, e.at)) return 0;
        s->configurations++;
        keep_last(s, &e.node);
    } else s->target = p->slot[p->event[p->at] >> 1];
    if (s->stack_count > s->deepest) s->deepest = s->stack_count;
    if (e.flags == DIRECT && p->active_fields) {  /* once more, for the chains */
        if (!ROOM(s, s->stack, s->stack_count, s->stack_room)) return s->failure;
        Entry *again = s->stack + s->stack_count++;
        *again = e;
        again->flags = CHAINS;
        again->path = (u32)(s->path_count - (e.record != NO_RECORD));
    }
    int stop = expand(s, &e.node, e.flags);
    return stop ? stop : tick(s, 1);
}

static int depth_run(Search *s) {
    for (;;) {
        if (!s->stack_count) return VIOLATED;
        int stop = depth_pop(s);
        if (stop) return stop;
        if (PAUSES(s)) return PAUSED;
    }
}
