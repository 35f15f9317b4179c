/* Fair components: the largest sets of states of which a fair loop can visit all.
 *
 * First the states that runs reach inside the region, each by a shortest run, nearest first.  Then
 * Tarjan's strongly connected components of what was reached, and of each what Emerson and Lei
 * (1987) leave of it: nothing, if a weak assumption is possible in all its states and no step
 * inside serves it; only the states where it is not possible, if a strong one is possible anywhere
 * and not served; and these are looked at again.
 */
#ifndef QUORATE_GRAPH_COMPONENTS_H
#define QUORATE_GRAPH_COMPONENTS_H

#include "graph_edges.h"

enum { PATIENCE = 1 << 14 }; /* steps between two looks at `stop` */

/* ------------------------------------------------------------------ what is reached */

/* Fill the queue: at distance d the triggers of level d, and what one more step leads to.  Where
 * every state of the region is a trigger, steps lead to nothing new. */
static void reach(Graph *g) {
    int everywhere = g->kind == INFINITELY_OFTEN || g->kind == EVENTUALLY_ALWAYS;
    u64 end = 0, start = 0;
    u32 levels = g->engine->depth + 1;
    g->cuts.count = 0;
    for (u32 d = 0; d < levels || start < end; d++) {
        u64 before = start;
        start = end;
        push(&g->cuts, start);
        for (u32 i = level_start(g, d); i < level_start(g, d + 1); i++)
            if ((g->flags[i] & (TRIGGER | REACHED)) == TRIGGER) {
                g->flags[i] |= REACHED;
                g->queue[end++] = i;
            }
        for (u64 q = before; !everywhere && q < start; q++) {
            u32 state = g->queue[q];
            if (q % PATIENCE == 0 && g->stop) return;
            for (u64 e = g->first[state]; e < g->first[state + 1]; e++) {
                u32 target = g->target[e];
                if ((g->flags[target] & (REGION | REACHED)) == REGION) {
                    g->flags[target] |= REACHED;
                    g->queue[end++] = target;
                }
            }
        }
    }
    push(&g->cuts, end);
}

/* ------------------------------------------------------------------ fairness */

static inline u16 served_by(const Graph *g, u64 edge) {
    return g->serves ? g->serves[edge] : SERVES_NONE;
}

/* Whether no fair step is possible in a state: staying there for ever is fair. */
static int may_stay(const Graph *g, u32 state) {
    for (u64 e = g->first[state]; e < g->first[state + 1]; e++)
        if (served_by(g, e) != SERVES_NONE) return 0;
    return 1;
}

static void forget_assumptions(Graph *g) {
    memset(g->possible, 0, g->live->assumptions * sizeof(u64));
    memset(g->taken, 0, g->live->assumptions);
}

/* Count what is possible in a state, each assumption once; what a step inside a part serves is
 * taken. */
static void note_steps(Graph *g, u32 state, u32 part) {
    u64 look = ++g->looks;
    for (u64 e = g->first[state]; e < g->first[state + 1]; e++) {
        u16 a = g->serves[e];
        if (a == SERVES_NONE) continue;
        if (g->seen_in[a] != look) {
            g->seen_in[a] = look;
            g->possible[a]++;
        }
        if (!g->taken[a] && part && g->nodes[g->target[e]].part == part) g->taken[a] = 1;
    }
}

/* From what is possible in so many states, and taken: the assumptions that going round breaks. */
static int any_broken(Graph *g, u64 states) {
    int any = 0;
    for (u32 a = 0; a < g->live->assumptions; a++) {
        u64 possible = g->possible[a];
        g->broken[a] = !g->taken[a] && (g->live->strong[a] ? possible > 0 : possible == states);
        any |= g->broken[a];
    }
    return any;
}

/* A strong assumption that is broken and possible in this state. */
static int hinders(const Graph *g, u32 state) {
    for (u64 e = g->first[state]; e < g->first[state + 1]; e++) {
        u16 a = g->serves[e];
        if (a != SERVES_NONE && g->broken[a]) return 1;
    }
    return 0;
}

static int has_visit(const Graph *g, u32 from, u32 to) {
    if (g->kind != EVENTUALLY_ALWAYS) return 1;
    for (u32 k = from; k < to; k++)
        if (g->flags[g->order[k]] & VISIT) return 1;
    return 0;
}

static void leave_out(Graph *g, u32 from, u32 to) {
    for (u32 k = from; k < to; k++) g->nodes[g->order[k]].part = 0;
}

/* A component was found, the states `order[from .. to - 1]`, all of which are in the part `id`:
 * keep it, or what may be left of it for another round, or nothing. */
static void judge_component(Graph *g, u32 from, u32 to, u32 id) {
    const Liveness *live = g->live;
    if (!has_visit(g, from, to)) return leave_out(g, from, to);
    if (to - from == 1) {
        if (!may_stay(g, g->order[from])) return leave_out(g, from, to);
        push_part(&g->fair, (Part){from, to, id, NOBODY, 0});
        return;
    }
    forget_assumptions(g);
    for (u32 k = from; k < to; k++) note_steps(g, g->order[k], id);
    if (!any_broken(g, to - from)) {
        push_part(&g->fair, (Part){from, to, id, NOBODY, 0});
        return;
    }
    for (u32 a = 0; a < live->assumptions; a++)
        if (g->broken[a] && g->possible[a] == to - from) return leave_out(g, from, to);
    u32 kept = from;
    for (u32 k = from; k < to; k++) {
        u32 state = g->order[k];
        if (hinders(g, state)) {
            g->nodes[state].part = 0;
        } else {
            g->nodes[state].low = 0;
            g->order[kept++] = state;
        }
    }
    if (kept > from) push_part(&g->waiting, (Part){from, kept, id, NOBODY, 0});
}

/* ------------------------------------------------------------------ Tarjan's algorithm */

/* Find the components of a part.  They take the places of its states in `order`: those that are
 * finished from the front on, and the stack of those that are not from the back. */
static void split(Graph *g, Part part) {
    Node *nodes = g->nodes;
    Frame *frames = g->frames;
    u32 *roots = g->scratch, *order = g->order;
    u32 size = part.to - part.from, index = 0, done = part.from, top = part.to, work = 0;
    u64 steps = 0;
    memcpy(roots, order + part.from, size * sizeof(u32));
    for (u32 r = 0; r < size; r++) {
        if (nodes[roots[r]].part != part.id || nodes[roots[r]].low) continue;
        frames[work++] = (Frame){roots[r], ++index, 0};
        nodes[roots[r]].low = index;
        order[--top] = roots[r];
        while (work) {
            Frame *frame = &frames[work - 1];
            u32 state = frame->state;
            u64 e = g->first[state] + frame->next_edge;
            if (++steps % PATIENCE == 0 && g->stop) return;
            for (; e < g->first[state + 1]; e++) {
                Node *target = &nodes[g->target[e]];
                if (target->part != part.id) continue;
                if (!target->low) break;
                if (target->low < nodes[state].low) nodes[state].low = target->low;
            }
            if (e < g->first[state + 1]) { /* visit the target, then look at this edge again */
                u32 target = g->target[e];
                frame->next_edge = (u32)(e - g->first[state]);
                frames[work++] = (Frame){target, ++index, 0};
                nodes[target].low = index;
                order[--top] = target;
                continue;
            }
            work--;
            if (nodes[state].low != frame->index) continue;
            u32 from = done, id = ++g->last_part, other;
            do {
                other = order[top++];
                order[done++] = other;
                nodes[other].part = id;
            } while (other != state);
            judge_component(g, from, done, id);
        }
    }
}

/* Find the fair components of what was reached. */
static void find_fair(Graph *g) {
    u64 reached = g->cuts.items[g->cuts.count - 1];
    u32 inside = 0;
    g->waiting.count = g->fair.count = 0;
    g->last_part = 1;
    for (u64 q = 0; q < reached; q++) {
        u32 state = g->queue[q];
        /* What is possible in a state with steps cut off is not known, so that it is not known
         * whether staying near it is fair.  A run may pass it, but a loop avoids it. */
        if (g->serves && g->cut[state]) continue;
        g->nodes[state].part = 1;
        g->order[inside++] = state;
    }
    if (!g->serves) { /* staying anywhere is fair: components do not matter */
        if (inside && has_visit(g, 0, inside)) push_part(&g->fair, (Part){0, inside, 1, NOBODY, 0});
        return;
    }
    if (inside) push_part(&g->waiting, (Part){0, inside, 1, NOBODY, 0});
    while (g->waiting.count && !g->stop) split(g, g->waiting.items[--g->waiting.count]);
}

#endif
