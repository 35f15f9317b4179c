/* The state that stands for an orbit, where the blocks of one Sort do not say it all.
 *
 * What is above this text knows the specification:
 *
 *     SORTS, FIRST, SIZE   the Sorts whose orders are tried here; the points are their members
 *                          (FIRST: the number of the first), then those of the other Sorts: POINTS
 *     EXCHANGE             for each point: exchange this member with the next in a state
 *     settle               replace a state by the one that stands for it, if only the other Sorts'
 *                          members are permuted
 *     features             list what holds in a state and is about some point
 *     TOUCH_FIRST, TOUCH   for each feature: the points that it is about, each with its role
 *
 * Every point gets a colour, which depends on what holds of it and not on its name: it is the same
 * in the whole orbit.  The orders in which colours ascend are tried, and the least state is taken.
 * Two colours that are equal by accident only mean that more orders are tried.
 */

static inline u64 mixed(u64 x) {
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
    return x ^ x >> 29;
}

/* What holds of each point, and of those that it is related to: one round of refinement. */
static void refine(const u32 *list, u32 count, u64 *colour) {
    u64 next[POINTS];
    for (u32 p = 0; p < POINTS; p++) next[p] = mixed(colour[p] + 1);
    for (u32 i = 0; i < count; i++) {
        const Touch *touch = TOUCH + TOUCH_FIRST[list[i]], *end = TOUCH + TOUCH_FIRST[list[i] + 1];
        u64 all = 0;
        for (const Touch *t = touch; t < end; t++) all += mixed(t->role ^ colour[t->point]);
        for (const Touch *t = touch; t < end; t++) next[t->point] += mixed(all ^ t->role);
    }
    memcpy(colour, next, sizeof next);
}

static u32 colours(const u64 *colour) {
    u32 different = 0;
    for (u32 p = 0; p < POINTS; p++) {
        u32 q = 0;
        while (q < p && colour[q] != colour[p]) q++;
        different += q == p;
    }
    return different;
}

/* Bring the members of each Sort into ascending order of colour.  Returns how many orders are as
 * good as this one, or 1000 if there are more. */
static u32 order_by_colour(u64 *s, u64 *colour) {
    u32 orders = 1;
    for (u32 k = 0; k < SORTS; k++) {
        u32 first = FIRST[k], end = first + SIZE[k], equal = 1;
        for (u32 p = first + 1; p < end; p++)
            for (u32 q = p; q > first && colour[q] < colour[q - 1]; q--) {
                u64 held = colour[q];
                colour[q] = colour[q - 1], colour[q - 1] = held;
                EXCHANGE[q - 1](s);
            }
        for (u32 p = first + 1; p < end; p++) {
            equal = colour[p] == colour[p - 1] ? equal + 1 : 1;
            orders = orders * equal > 1000 ? 1000 : orders * equal;
        }
    }
    return orders;
}

/* Whether two members are twins: exchanging them leads to nothing new.  `settled` is what the
 * state becomes without that. */
static int twins(const u64 *s, const u64 *settled, u32 p, u32 q) {
    u64 t[NW];
    memcpy(t, s, sizeof t);
    for (u32 i = p; i < q; i++) EXCHANGE[i](t);
    for (u32 i = q - 1; i-- > p;) EXCHANGE[i](t);
    settle(t);
    return memcmp(t, settled, sizeof t) == 0;
}

/* Try the orders in which the members before `p` stay.  `best` holds the least state so far. */
static void try_orders(const u64 *s, const u64 *colour, u32 p, u64 *best) {
    u32 end = p + 1;
    while (p < TRIED && (end == TRIED || STARTS[end] || colour[end] != colour[p])) p = end++;
    u64 settled[NW], t[NW];
    memcpy(settled, s, sizeof settled);
    settle(settled);
    if (p >= TRIED) {
        if (before(settled, best)) memcpy(best, settled, sizeof settled);
        return;
    }
    while (end < TRIED && !STARTS[end] && colour[end] == colour[p]) end++;
    memcpy(t, s, sizeof t);
    for (u32 q = p; q < end; q++) {
        /* In `t` the members p .. q have moved up by one, and q was brought to p. */
        if (q > p) {
            memcpy(t, s, sizeof t);
            for (u32 i = q; i-- > p;) EXCHANGE[i](t);
            int known = 0;
            if (end - p > 2)
                for (u32 r = p; r < q && !known; r++) known = twins(s, settled, r, q);
            if (known) continue;
        }
        try_orders(t, colour, p + 1, best);
    }
}

static void canonical(u64 *s) {
    u32 list[CELLS], count = features(s, list), different = 1;
    u64 colour[POINTS] = {0}, ordered[POINTS];
    for (u32 i = 0; i < count; i++)
        for (u32 t = TOUCH_FIRST[list[i]]; t < TOUCH_FIRST[list[i] + 1]; t++)
            colour[TOUCH[t].point] += TOUCH[t].role;
    for (;;) {
    }
}
