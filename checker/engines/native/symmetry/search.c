/* The state that stands for an orbit, where sorting blocks is not enough.
 *
 * What stands above this text in the generated file:
 *
 *     TRIED, POINTS        points are members of symmetric Sorts; the orders of the first TRIED of
 *                          them are tried here, Sort by Sort, and SORT_OF says which is of which
 *     EXCHANGE             for each point: exchange this member with the next one
 *     settle               replace a state by the one that stands for it among those that differ
 *                          in the order of the other points only
 *     features             list what holds in a state and is about a point that is tried
 *     TOUCH_FIRST, TOUCH   for each of these features: the points that it is about, and its role for
 *                          each; TOUCH_OTHER: the first that is not tried, or where they end
 *
 * Every point gets a colour, which depends on what holds of it and not on its name, so that the
 * members of one orbit have the same colours.  Orders in which colours do not descend are tried,
 * and the least state is taken.  If two colours are equal by accident, more orders are tried.
 */

static inline u64 mixed(u64 x) {
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
}

/* Colours that also tell apart what is related to points of different colours. */
static void refine(const u32 *list, u32 count, u64 *colour) {
    u64 next[POINTS];
    for (u32 p = 0; p < POINTS; p++) next[p] = mixed(colour[p] + 1);
    for (u32 i = 0; i < count; i++) {
        const Touch *first = TOUCH + TOUCH_FIRST[list[i]], *end = TOUCH + TOUCH_FIRST[list[i] + 1];
        u64 all = 0;
        for (const Touch *t = first; t < end; t++) all += mixed(t->role ^ colour[t->point]);
        for (const Touch *t = first; t < end; t++) next[t->point] += mixed(all ^ t->role);
    }
    memcpy(colour, next, sizeof next);
}

/* How many different colours there are. */
static u32 colours(const u64 *colour) {
    u32 different = 0;
    for (u32 p = 0; p < POINTS; p++) {
        u32 q = 0;
        while (colour[q] != colour[p]) q++;
        different += q == p;
    }
    return different;
}

/* How many orders do not descend, or 1000 if there are more. */
static u32 orders(const u64 *colour) {
    u32 found = 1;
    for (u32 p = 0; p < TRIED; p++) {
        u32 equal = 1;
        for (u32 q = 0; q < p; q++) equal += SORT_OF[q] == SORT_OF[p] && colour[q] == colour[p];
        found = found * equal > 1000 ? 1000 : found * equal;
    }
    return found;
}

static void order_by_colour(u64 *s, u64 *colour) {
    for (u32 p = 1; p < TRIED; p++)
        for (u32 q = p; q > 0 && SORT_OF[q] == SORT_OF[q - 1] && colour[q] < colour[q - 1]; q--) {
            u64 held = colour[q];
            colour[q] = colour[q - 1], colour[q - 1] = held;
            EXCHANGE[q - 1](s);
        }
}

/* Whether exchanging two members leads to nothing new. */
static int twins(const u64 *s, u32 p, u32 q) {
    u64 t[NW], u[NW];
    memcpy(t, s, sizeof t);
    memcpy(u, s, sizeof u);
    for (u32 i = p; i < q; i++) EXCHANGE[i](t);
    for (u32 i = q - 1; i-- > p;) EXCHANGE[i](t);
    settle(t);
    settle(u);
    return memcmp(t, u, sizeof t) == 0;
}

/* The least of `best` and the states that other orders of the points from `p` on lead to. */
static void try_orders(const u64 *s, const u64 *colour, u32 p, u64 *best) {
    u32 end;
    for (;; p++) {
        end = p + 1;
        while (end < TRIED && SORT_OF[end] == SORT_OF[p] && colour[end] == colour[p]) end++;
        if (end > p + 1 || p >= TRIED) break;
    }
    u64 t[NW];
    if (p >= TRIED) {
        memcpy(t, s, sizeof t);
        settle(t);
        if (before(t, best)) memcpy(best, t, sizeof t);
        return;
    }
    for (u32 q = p; q < end; q++) {
        int known = 0;
        /* Of two, trying the other costs no more than asking. */
        if (end - p > 2)
            for (u32 r = p; r < q && !known; r++) known = twins(s, r, q);
        if (known) continue;
        memcpy(t, s, sizeof t);
        for (u32 i = q; i-- > p;) EXCHANGE[i](t);
        try_orders(t, colour, p + 1, best);
    }
}

static void canonical(u64 *s) {
    u32 list[LISTED], count = features(s, list);
    u64 colour[POINTS] = {0};
    for (u32 i = 0; i < count; i++) {
        const Touch *t = TOUCH + TOUCH_FIRST[list[i]], *end = TOUCH + TOUCH_OTHER[list[i]];
        do colour[t->point] += t->role;
        while (++t < end);
    }
    u32 left = orders(colour), different = 0;
    while (left > 2 && colours(colour) > different) {
        different = colours(colour);
        refine(list, count, colour);
        left = orders(colour);
    }
    order_by_colour(s, colour);
    if (left == 1) {
        settle(s);
        return;
    }
    u64 best[NW];
    memset(best, 0xff, sizeof best);
    try_orders(s, colour, 0, best);
    memcpy(s, best, sizeof best);
}
