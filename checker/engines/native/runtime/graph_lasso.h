/* Lassos: from fair components to a short run.
 *
 * The stem is shortest.  The loop begins where the stem ends; while going round it would break an
 * assumption, it is led on to the nearest step or state that mends that.  The nearest components
 * are tried, and staying for ever in the nearest state where that is fair.
 */
#ifndef QUORATE_GRAPH_LASSO_H
#define QUORATE_GRAPH_LASSO_H

#include "graph_components.h"

enum { NEAREST = 8 }; /* so many components are tried for the shortest lasso */

/* ------------------------------------------------------------------ stems */

/* The least of the states `from .. to - 1` (of the queue, if it is given) from which a step leads to
 * this one. */
static u32 state_before(const Graph *g, const u32 *queue, u64 from, u64 to, u32 state) {
    u32 best = NOBODY;
    for (u64 k = from; k < to && !g->stop; k++) {
        u32 source = queue ? queue[k] : (u32)k;
        for (u64 e = g->first[source]; e < g->first[source + 1]; e++)
            if (g->target[e] == state) {
                if (comes_before(g, source, best)) best = source;
                break;
            }
    }
    return best;
}

static int begins_here(const Graph *g, u32 state, u32 distance) {
    return g->flags[state] & TRIGGER && level_of(g, state) == distance;
}

/* The states of a shortest run to a reached state, the last one first. */
static void find_stem(Graph *g, u32 state, u32 distance) {
    g->stem.count = 0;
    push(&g->stem, state);
    while (!begins_here(g, state, distance) && !g->stop) {
        distance--;
        const u64 *cut = g->cuts.items + distance;
        state = state_before(g, g->queue, cut[0], cut[1], state);
        push(&g->stem, state);
    }
    while (distance && !g->stop) { /* from an initial state to the trigger */
        distance--;
        state = state_before(g, NULL, level_start(g, distance), level_start(g, distance + 1), state);
        push(&g->stem, state);
    }
}

/* ------------------------------------------------------------------ loops */

/* What a way must end with: the entry; or what mends a loop. */
typedef struct Goal {
    u32 entry; /* or NOBODY */
    int visit; /* a state to be visited */
    u32 weak;  /* how many weak assumptions are broken: a state where one is not possible */
} Goal;

static int all_weak_possible(Graph *g, u32 state, u32 weak) {
    u32 found = 0;
    u64 look = ++g->looks;
    for (u64 e = g->first[state]; e < g->first[state + 1]; e++) {
        u16 a = g->serves[e];
        if (a == SERVES_NONE || g->seen_in[a] == look) continue;
        g->seen_in[a] = look;
        found += g->broken[a] && !g->live->strong[a];
    }
    return found == weak;
}

static int reaches(Graph *g, const Goal *goal, u64 edge, int is_new) {
    u32 target = g->target[edge];
    if (goal->entry != NOBODY) return target == goal->entry;
    u16 a = served_by(g, edge);
    if (a != SERVES_NONE && g->broken[a]) return 1;
    if (!is_new) return 0;
    return (goal->visit && g->flags[target] & VISIT) ||
           (goal->weak && !all_weak_possible(g, target, goal->weak));
}

/* Add the edges of a shortest way inside a component that ends with the goal.  0: there is none. */
static int add_way(Graph *g, u32 part, u32 start, const Goal *goal, List *path) {
    u32 *queue = g->scratch, *came_from = (u32 *)g->frames; /* free by now */
    u32 stamp = --g->stamp;
    u64 head = 0, end = 0;
    g->nodes[start].low = stamp;
    queue[end++] = start;
    while (head < end && !g->stop) {
        u32 state = queue[head++];
        for (u64 e = g->first[state]; e < g->first[state + 1]; e++) {
            u32 target = g->target[e];
            if (g->nodes[target].part != part) continue;
            int is_new = g->nodes[target].low != stamp;
            if (reaches(g, goal, e, is_new)) {
                u64 at = path->count;
                push(path, e);
                while (state != start) {
                    u32 before = came_from[state];
                    u64 edge = g->first[before];
                    while (g->target[edge] != state) edge++;
                    push(path, edge);
                    state = before;
                }
                for (u64 low = at, high = path->count - 1; low < high; low++, high--) {
                    u64 held = path->items[low];
                    path->items[low] = path->items[high];
                    path->items[high] = held;
                }
                return 1;
            }
            if (is_new) {
                g->nodes[target].low = stamp;
                came_from[target] = state;
                queue[end++] = target;
            }
        }
    }
    return 0;
}

/* What going round these edges from the entry for ever lacks; 0: nothing. */
static int lacks(Graph *g, u32 entry, const List *round, Goal *goal) {
    u64 count = round->count ? round->count : 1;
    int visits = g->kind != EVENTUALLY_ALWAYS;
    forget_assumptions(g);
    for (u64 k = 0; k < count; k++) {
        u32 state = round->count ? g->target[round->items[k]] : entry;
        visits |= !!(g->flags[state] & VISIT);
        if (!g->serves) continue;
        note_steps(g, state, 0);
        if (round->count && g->serves[round->items[k]] != SERVES_NONE)
            g->taken[g->serves[round->items[k]]] = 1;
    }
    int broken = any_broken(g, count);
    *goal = (Goal){NOBODY, !visits, 0};
    for (u32 a = 0; a < g->live->assumptions; a++)
        goal->weak += g->broken[a] && !g->live->strong[a];
    return broken || !visits;
}

/* A short fair loop in a fair component, from its entry back to it; 0: given up. */
static int find_loop(Graph *g, const Part *part) {
    List path = {0}, *round = &g->loop;
    for (u32 k = part->from; k < part->to; k++) g->nodes[g->order[k]].low = 0;
    g->stamp = NOBODY;
    int found = 0;
    for (;;) {
        u32 at = path.count ? g->target[path.items[path.count - 1]] : part->entry;
        Goal goal = {part->entry, 0, 0};
        round->count = 0;
        for (u64 k = 0; k < path.count; k++) push(round, path.items[k]);
        if (at != part->entry && !add_way(g, part->id, at, &goal, round)) break;
        if (!lacks(g, part->entry, round, &goal)) {
            found = 1;
            break;
        }
        if (!add_way(g, part->id, at, &goal, &path)) break;
    }
    free(path.items);
    return found;
}

/* ------------------------------------------------------------------ the shortest */

/* The fair component of a state, or NULL.  The components are in the order of their ids. */
static Part *component_of(Graph *g, u32 state) {
    u32 id = g->nodes[state].part;
    u64 low = 0, high = g->fair.count;
    while (low < high) {
        u64 middle = low + (high - low) / 2;
        if (g->fair.items[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return id && low < g->fair.count && g->fair.items[low].id == id ? &g->fair.items[low] : NULL;
}

/* Put a component whose entry is known among the nearest. */
static void keep_near(const Graph *g, Part **nearest, u32 *count, Part *part) {
    u32 at = *count;
    while (at && part->distance == nearest[at - 1]->distance &&
           comes_before(g, part->entry, nearest[at - 1]->entry))
        at--;
    if (at == NEAREST) return;
    u32 last = *count < NEAREST ? (*count)++ : NEAREST - 1;
    memmove(nearest + at + 1, nearest + at, (last - at) * sizeof *nearest);
    nearest[at] = part;
}

/* Find out where the fair components are entered: the nearest ones, nearest first.  Also the
 * nearest state of all where a run may stay for ever. */
static u32 enter(Graph *g, Part **nearest, u32 *still, u32 *still_distance) {
    u32 count = 0;
    List new = {0};
    *still = NOBODY;
    for (u32 d = 0; d + 1 < g->cuts.count && !g->stop; d++) {
        if (*still != NOBODY && count == NEAREST) break;
        int still_known = *still != NOBODY;
        new.count = 0;
        for (u64 q = g->cuts.items[d]; q < g->cuts.items[d + 1]; q++) {
            u32 state = g->queue[q];
            Part *part = component_of(g, state);
            if (!part) continue;
            if (part->entry == NOBODY) {
                push(&new, (u64)(part - g->fair.items));
                part->distance = d;
            }
            if (part->distance == d && comes_before(g, state, part->entry)) part->entry = state;
            if (still_known || (g->kind == EVENTUALLY_ALWAYS && !(g->flags[state] & VISIT))) continue;
            if (may_stay(g, state) && comes_before(g, state, *still)) {
                *still = state;
                *still_distance = d;
            }
        }
        for (u64 k = 0; k < new.count && (count < NEAREST || nearest[NEAREST - 1]->distance == d);
             k++)
            keep_near(g, nearest, &count, &g->fair.items[new.items[k]]);
    }
    free(new.items);
    return count;
}

/* A short lasso into one of the fair components: in `stem` and `loop`.  0: given up. */
static int find_lasso(Graph *g) {
    Part *nearest[NEAREST];
    u32 still, distance = 0;
    u32 count = enter(g, nearest, &still, &distance);
    u64 best = ~0ull;
    List loop = {0};
    if (still != NOBODY) {
        find_stem(g, still, distance);
        best = distance;
    }
    for (u32 k = 0; g->serves && k < count && nearest[k]->distance < best; k++) {
        if (!find_loop(g, nearest[k])) break;
        if (nearest[k]->distance + g->loop.count >= best) continue;
        best = nearest[k]->distance + g->loop.count;
        List held = loop;
        loop = g->loop;
        g->loop = held;
        find_stem(g, nearest[k]->entry, nearest[k]->distance);
    }
    free(g->loop.items);
    g->loop = loop;
    return best != ~0ull && !g->stop;
}

#endif
