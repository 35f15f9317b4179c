/* The general search, 2 of 6: the history, a cursor in it, and what is pending there.

   A pending operation that will return has a slot, a bit of a configuration's mask.  Operations
   that never return (open) have none: they are counted by kind in fields of `used`.  The cursor
   moves both ways, so that a depth-first search can step back. */

enum { READ = 1, OPEN = 2 };
#define SLOTS (64 * MASK_WORDS)
#define NO_SLOT 0xFFFFFFFFu
#define END 0xFFFFFFFFu

/* How many open operations of one kind a configuration has used: bits of one word, below a guard
   bit that is always 0 in a configuration. */
typedef struct {
    u32 kind, word;
    u64 shift, bits;     /* bits: those of the field, not shifted */
    u32 available;       /* invoked before the cursor */
    u32 first;           /* where its operations begin in `open_ops` */
    u64 twins[MASK_WORDS]; /* pending closed operations that do the same: they go first */
} Field;

typedef struct {
    u32 operations, events, kinds;
    u32 *kind;       /* of each operation */
    u32 *event;      /* operation << 1 | is a return */
    u32 *slot;       /* of each operation; NO_SLOT: open */
    u32 *returned;   /* event of the return */
    u8 *flags;       /* of each kind */
    u32 *field_of;   /* of each kind: open: its field; closed: its twin's; NONE */
    Field *fields;
    u32 field_count;
    u32 *open_ops;   /* by field, in the order of invocation */
    u64 guard[USED_WORDS + 1];
    /* the cursor: all events before `at` are applied */
    u32 at, active_fields; /* those behind have nothing available */
    u64 active[MASK_WORDS], reads[MASK_WORDS];
    u32 slot_op[SLOTS], slot_kind[SLOTS];
    u64 earlier[SLOTS][MASK_WORDS]; /* pending, of the same kind, and returning earlier */
    u64 *agreeing;   /* of each state of a complete table: the pending reads that agree with it */
} Pending;

#define BIT(mask, i) ((mask)[(i) >> 6] >> ((i) & 63) & 1)
#define SET(mask, i) ((mask)[(i) >> 6] |= 1ull << ((i) & 63))
#define CLEAR(mask, i) ((mask)[(i) >> 6] &= ~(1ull << ((i) & 63)))
/* For each bit j of an expression of word w. */
#define EACH(w, j, expression) \
    for (u32 w = 0; w < MASK_WORDS; w++) \
        for (u64 left_ = (expression), j; left_ && (j = 64 * w + __builtin_ctzll(left_), 1); \
             left_ &= left_ - 1)

static void slot_add(Pending *p, const Machine *m, u32 op) {
    u32 slot = p->slot[op], kind = p->kind[op];
    memset(p->earlier[slot], 0, sizeof p->earlier[slot]);
    EACH(w, j, p->active[w]) {
        if (p->slot_kind[j] != kind) continue;
        if (p->returned[p->slot_op[j]] < p->returned[op]) SET(p->earlier[slot], j);
        else SET(p->earlier[j], slot);
    }
    SET(p->active, slot);
    p->slot_op[slot] = op;
    p->slot_kind[slot] = kind;
    if (p->field_of[kind] != NONE) SET(p->fields[p->field_of[kind]].twins, slot);
    if (!(p->flags[kind] & READ)) return;
    SET(p->reads, slot);
    for (u32 s = 0; s < m->states; s++)
        if (m->complete[(u64)s * m->kinds + kind] == s) SET(p->agreeing + s * MASK_WORDS, slot);
}

static void slot_remove(Pending *p, const Machine *m, u32 op) {
    u32 slot = p->slot[op], kind = p->kind[op];
    CLEAR(p->active, slot);
    EACH(w, j, p->active[w]) CLEAR(p->earlier[j], slot);
    if (p->field_of[kind] != NONE) CLEAR(p->fields[p->field_of[kind]].twins, slot);
    if (!(p->flags[kind] & READ)) return;
    CLEAR(p->reads, slot);
    for (u32 s = 0; s < m->states; s++) CLEAR(p->agreeing + s * MASK_WORDS, slot);
}

INLINE void cursor_forward(Pending *p, const Machine *m) {
    u32 event = p->event[p->at++], op = event >> 1;
    if (event & 1) { slot_remove(p, m, op); return; }
    if (p->slot[op] != NO_SLOT) { slot_add(p, m, op); return; }
    u32 field = p->field_of[p->kind[op]];
    if (p->fields[field].available++ == 0 && field >= p->active_fields) p->active_fields = field + 1;
}

INLINE void cursor_back(Pending *p, const Machine *m) {
    u32 event = p->event[--p->at], op = event >> 1;
    if (event & 1) { slot_add(p, m, op); return; }
    if (p->slot[op] != NO_SLOT) { slot_remove(p, m, op); return; }
    u32 field = p->field_of[p->kind[op]];
    p->fields[field].available--;
    while (p->active_fields && !p->fields[p->active_fields - 1].available) p->active_fields--;
}

static void cursor_to(Pending *p, const Machine *m, u32 at) {
    while (p->at < at) cursor_forward(p, m);
    while (p->at > at) cursor_back(p, m);
}

/* Over invocations, up to the next return: its operation, or END. */
INLINE u32 cursor_to_return(Pending *p, const Machine *m) {
    while (p->at < p->events && !(p->event[p->at] & 1)) cursor_forward(p, m);
    return p->at < p->events ? p->event[p->at] >> 1 : END;
}

static void *copied(const void *from, u64 bytes) {
    void *made = malloc(bytes + 8);
    if (made) memcpy(made, from, bytes);
    return made;
}

/* The least slot that is free: SLOTS is the most that are pending at a time, or more. */
static int slots_given(Pending *p) {
    u64 taken[MASK_WORDS] = {0};
    for (u32 e = 0; e < p->events; e++) {
        u32 op = p->event[e] >> 1;
        if (p->event[e] & 1) p->returned[op] = e;
    }
    for (u32 e = 0; e < p->events; e++) {
        u32 op = p->event[e] >> 1;
        if (p->returned[op] == END) continue;
        if (p->event[e] & 1) { CLEAR(taken, p->slot[op]); continue; }
        u32 slot = 0;
        while (slot < SLOTS && BIT(taken, slot)) slot++;
        if (slot == SLOTS) return 0;
        SET(taken, slot);
        p->slot[op] = slot;
    }
    return 1;
}

static void pending_free(Pending *p) {
    free(p->kind); free(p->event); free(p->slot); free(p->returned); free(p->flags);
    free(p->field_of); free(p->fields); free(p->open_ops); free(p->agreeing); free(p);
}

/* `fields`: four numbers each: kind, word, shift, bits.  Best in the order of the first invocation of
   their kinds: but any will do, and the events may be only some of a history's. */
static Pending *pending_new(const Machine *m, u32 operations, u32 events, const u32 *kind,
                            const u32 *event, const u8 *flags, const u32 *field_of,
                            u32 field_count, const u32 *fields) {
    Pending *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->operations = operations;
    p->events = events;
    p->kinds = m->kinds;
    p->kind = copied(kind, 4ull * operations);
    p->event = copied(event, 4ull * events);
    p->flags = copied(flags, m->kinds);
    p->field_of = copied(field_of, 4ull * m->kinds);
    p->slot = malloc(4ull * operations + 4);
    p->returned = malloc(4ull * operations + 4);
    p->fields = calloc(field_count + 1, sizeof(Field));
    p->field_count = field_count;
    p->open_ops = malloc(4ull * operations + 4);
    p->agreeing = calloc((u64)m->states * MASK_WORDS + 1, 8);
    if (!p->kind || !p->event || !p->flags || !p->field_of || !p->slot || !p->returned ||
        !p->fields || !p->open_ops || !p->agreeing) { pending_free(p); return NULL; }
    memset(p->slot, 0xFF, 4ull * operations);
    memset(p->returned, 0xFF, 4ull * operations);
    for (u32 f = 0; f < field_count; f++) {
        Field *field = p->fields + f;
        field->kind = fields[4 * f];
        field->word = fields[4 * f + 1];
        field->shift = fields[4 * f + 2];
        field->bits = (1ull << fields[4 * f + 3]) - 1;
        p->guard[field->word] |= (field->bits + 1) << field->shift;
    }
    if (!slots_given(p)) { pending_free(p); return NULL; }
    u32 filled = 0;
    if (field_count) {
        u32 *count = calloc(field_count + 1, 4);
        if (!count) { pending_free(p); return NULL; }
        for (u32 e = 0; e < events; e++)
            if (p->slot[event[e] >> 1] == NO_SLOT) count[field_of[kind[event[e] >> 1]]]++;
        for (u32 f = 0; f < field_count; f++) {
            p->fields[f].first = filled;
            filled += count[f];
            count[f] = p->fields[f].first;
        }
        for (u32 e = 0; e < events; e++)
            if (p->slot[event[e] >> 1] == NO_SLOT)
                p->open_ops[count[field_of[kind[event[e] >> 1]]]++] = event[e] >> 1;
        free(count);
    }
    return p;
}
