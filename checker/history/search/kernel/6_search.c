/* The general search, 6 of 6: what Python calls. */

enum { FRONTIER = 0, DEPTH_FIRST = 1, UNLIMITED = 2, REUSABLE = 3 };

void search_free(Search *s) {
    if (!s) return;
    if (s->pending) pending_free(s->pending);
    for (u64 i = 0; i < s->snapshot_count; i++) free(s->snapshots[i].front);
    free(s->snapshots); free(s->chain); free(s->nodes); free(s->front); free(s->heads);
    free(s->parents); free(s->records); free(s->stack); free(s->known); free(s->path);
    free(s->log); free(s->last); free(s);
}

Search *search_new(Machine *m, int engine, u32 operations, u32 events, const u32 *kind,
                   const u32 *event, const u8 *flags, const u32 *field_of, u32 field_count,
                   const u32 *fields, u32 initial, int with_order) {
    Search *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->machine = m;
    s->initial = initial;
    s->pending = pending_new(m, operations, events, kind, event, flags, field_of, field_count,
                             fields);
    s->front = calloc(1, sizeof(Node));
    s->stack = calloc(1, sizeof(Entry));
    s->last = calloc(MOST_LAST, sizeof(Node));
    if (with_order && engine == FRONTIER) s->snapshots = calloc(MOST_SNAPSHOTS, sizeof(Snapshot));
    if (!s->pending || !s->front || !s->stack || !s->last ||
        (with_order && engine == FRONTIER && !s->snapshots)) { search_free(s); return NULL; }
    s->snapshot_every = 64;
    s->front_room = s->stack_room = 1;
    s->front->state = initial;
    s->front_count = 1;
    s->emit = engine == DEPTH_FIRST ? depth_emit : level_emit;
    s->unlimited = engine >= UNLIMITED;
    s->reusable = engine == REUSABLE;
    s->latest_first = engine == DEPTH_FIRST;
    s->stack->node = *s->front;
    s->stack->flags = DIRECT;
    s->stack->record = NO_RECORD;
    s->stack_count = 1;
    s->widest = 1;
    s->asked = m->asked;
    return s;
}

/* Works until a verdict, a limit, or so much work (transitions and comparisons) is done: then
   PAUSED.  `deadline`: of the monotonic clock.  `memory`: of the process, 0: no limit. */
int search_run(Search *s, int engine, u64 work, double deadline, u64 memory) {
    s->pause_at = s->work + work < s->work ? ~0ull : s->work + work;
    s->deadline = deadline;
    s->memory_limit = s->machine->memory_limit = memory;
    s->machine->full = 0;
    if (now() > deadline) return OUT_OF_TIME;
    int status = engine == DEPTH_FIRST ? depth_run(s) : frontier_run(s);
    /* A transition that could not be asked gives no way on: that is no verdict. */
    if (s->failure) return s->failure;
    return status;
}

void search_numbers(const Search *s, u64 *to) {
    u64 numbers[] = {s->configurations, s->widest,   s->levels, s->furthest,
                     s->bytes,          s->forgotten, s->work};
    memcpy(to, numbers, sizeof numbers);
}

/* The configurations at the furthest return: state, then mask words, then used words, each. */
u64 search_last(Search *s, int engine, u64 most, u64 *to) {
    const Node *from = engine == DEPTH_FIRST ? s->last : s->front;
    u64 count = engine == DEPTH_FIRST ? s->last_count : s->front_count;
    if (count > most) count = most;
    cursor_to(s->pending, s->machine, s->furthest);
    for (u64 i = 0; i < count; i++) {
        Node n = from[i];
        absorb(s, &n);
        *to++ = n.state;
        for (u32 w = 0; w < MASK_WORDS; w++) *to++ = n.mask[w];
        for (u32 w = 0; w < USED_WORDS; w++) *to++ = n.used[w];
    }
    return count;
}

/* What is pending there: the operation of each slot, or NONE. */
void search_pending(const Search *s, u32 *to) {
    for (u32 i = 0; i < SLOTS; i++) to[i] = BIT(s->pending->active, i) ? s->pending->slot_op[i] : NONE;
}

/* --- the order --- */

typedef struct {
    u32 *to;
    u64 count;
    Node node;
} Order;

static void order_reads(Search *s, Order *o) {
    u64 found[MASK_WORDS];
    agreeing(s, o->node.state, o->node.mask, found);
    EACH(w, j, found[w]) {
        SET(o->node.mask, j);
        o->to[o->count++] = s->pending->slot_op[j];
    }
}

/* Forward over events before `at`, and over the invocations that follow. */
static int order_forward(Search *s, Order *o, u32 at) {
    Pending *p = s->pending;
    for (;;) {
        u32 op = cursor_to_return(p, s->machine);
        order_reads(s, o);
        if (p->at >= at || op == END) return 1;
        if (!BIT(o->node.mask, p->slot[op])) return 0;
        CLEAR(o->node.mask, p->slot[op]);
        cursor_forward(p, s->machine);
    }
}

static int order_record(Search *s, Order *o, const u32 *r) {
    Pending *p = s->pending;
    if (!order_forward(s, o, r[0])) return 0;
    u32 depth = r[1];
    for (u32 i = 0; i < depth; i++) {
        Field *f = p->fields + p->field_of[r[2 + 2 * i]];
        u64 value = field_value(&o->node, f);
        if (value >= f->available) return 0;
        o->to[o->count++] = p->open_ops[f->first + value];
        o->node.used[f->word] += 1ull << f->shift;
        o->node.state = r[3 + 2 * i];
        order_reads(s, o);
    }
    r += 2 + 2 * depth;
    if (r[0]) {
        o->to[o->count++] = r[0] - 1;
        SET(o->node.mask, p->slot[r[0] - 1]);
        o->node.state = r[1];
        order_reads(s, o);
    }
    return !s->failure;
}

/* What a level of the logged segment leaves, to walk back through. */
typedef struct {
    u32 *parents, *passed;  /* of each node; the node of each configuration of the next front */
    u64 *records;
} Level;

typedef struct {
    u32 **at;     /* records, from the last to the first */
    u64 count, room;
} Steps;

static int steps_add(Steps *steps, const u32 *r) {
    if (steps->count == steps->room) {
        u64 room = steps->room ? 2 * steps->room : 1024;
        u32 **at = realloc(steps->at, room * sizeof *at);
        if (!at) return 0;
        steps->at = at;
        steps->room = room;
    }
    u32 *kept = copied(r, (4 + 2 * r[1]) * 4);
    if (!kept) return 0;
    steps->at[steps->count++] = kept;
    return 1;
}

/* Runs from a snapshot to `until` with a log, and walks back from configuration `*target` of the
   front there to one of the snapshot's. */
static int segment(Search *s, const Snapshot *from, u32 until, u64 *target, Steps *steps) {
    Level *levels = NULL;
    u64 count = 0, room = 0;
    int good = 0;
    cursor_to(s->pending, s->machine, from->at);
    while (s->front_room < from->count)
        if (!grow(s, (void **)&s->front, &s->front_room, sizeof(Node))) return 0;
    memcpy(s->front, from->front, from->count * sizeof(Node));
    s->front_count = from->count;
    s->in_level = 0;
    s->log_count = 0;
    while (s->pending->at < until) {
        int stop = level_run(s);
        if (stop == LINEARIZABLE) break;
        if (stop != RUNNING) goto out;
        if (count == room) {
            room = room ? 2 * room : 64;
            Level *made = realloc(levels, room * sizeof *levels);
            if (!made) goto out;
            levels = made;
        }
        Level *l = levels + count++;
        l->parents = copied(s->parents, s->count * 4);
        l->records = copied(s->records, s->count * 8);
        l->passed = malloc(s->front_count * 4 + 4);
        if (!l->parents || !l->records || !l->passed) goto out;
        for (u64 i = 0; i < s->front_count; i++) l->passed[i] = s->front[i].next;
    }
    for (u64 i = count; i-- > 0;) {
        u32 node = levels[i].passed[*target];
        for (; levels[i].records[node] != NO_RECORD; node = levels[i].parents[node])
            if (!steps_add(steps, s->log + levels[i].records[node])) goto out;
        *target = levels[i].parents[node];
    }
    good = 1;
out:
    for (u64 i = 0; i < count; i++) {
        free(levels[i].parents); free(levels[i].records); free(levels[i].passed);
    }
    free(levels);
    return good;
}

static int frontier_steps(Search *s, Steps *steps) {
    u64 target = 0;
    u32 until = s->pending->events;
    s->logging = 1;
    for (u64 i = s->snapshot_count; i-- > 0; until = s->snapshots[i].at)
        if (!segment(s, s->snapshots + i, until, &target, steps)) return 0;
    return 1;
}

/* After LINEARIZABLE: the operations that take effect, in order.  Returns how many, or 0 with
   the status in `status`. */
u64 search_order(Search *s, int engine, double deadline, u64 memory, u32 *to, int *status) {
    Steps steps = {0};
    Order order = {.to = to};
    int good = 1;
    s->failure = 0;
    s->deadline = deadline;
    s->memory_limit = memory;
    s->pause_at = ~0ull;
    if (engine == FRONTIER) good = frontier_steps(s, &steps);
    else
        for (u64 i = s->path_count; good && i-- > 0;) good = steps_add(&steps, s->log + s->path[i]);
    cursor_to(s->pending, s->machine, 0);
    order.node.state = s->initial;
    for (u64 i = steps.count; good && i-- > 0;) good = order_record(s, &order, steps.at[i]);
    if (good) good = order_forward(s, &order, END);
    for (u64 i = 0; i < steps.count; i++) free(steps.at[i]);
    free(steps.at);
    *status = good ? 0 : s->failure ? s->failure : -1;
    return good ? order.count : 0;
}
