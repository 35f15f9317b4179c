/* Liveness on the explored graph: the functions that Python calls, in the order of their calls.
 *
 * A violation is a lasso: `checker/engines/python/liveness.py` says of which form.  Python calls
 * each function in a thread of its own and sets `stop` where the user or a limit wants an end.
 */
#define _GNU_SOURCE
#include "graph_lasso.h"

/* Arrays are large, and used as far as they are needed. */
static void *array(u64 count, size_t size) {
    void *made = reserve(count * size + 1);
    if (made) madvise(made, count * size + 1, MADV_HUGEPAGE);
    return made;
}

static void release(void *held, u64 count, size_t size) {
    if (held) munmap(held, count * size + 1);
}

void graph_free(Graph *g) {
    u64 n = g->states;
    if (g->searches) {
        release(g->flags, n, 1), release(g->queue, n, sizeof(u32));
        release(g->nodes, n, sizeof(Node)), release(g->order, n, sizeof(u32));
        release(g->scratch, n, sizeof(u32)), release(g->frames, n, sizeof(Frame));
        free(g->possible), free(g->seen_in), free(g->taken), free(g->broken);
        free(g->cuts.items), free(g->waiting.items), free(g->fair.items);
        free(g->stem.items), free(g->loop.items);
    } else {
        u64 edges = g->first ? g->first[n] : 0;
        release(g->target, edges, sizeof(u32)), release(g->serves, edges, sizeof(u16));
        release(g->first, n + 1, sizeof(u64)), release(g->cut, n, 1);
    }
    free(g);
}

/* The graph of a complete search.  `model`: with labels, if any step is fair.  NULL: no memory. */
Graph *graph_new(const Engine *engine, const Model *model, const Liveness *live) {
    Graph *g = calloc(1, sizeof *g);
    if (!g) return NULL;
    g->engine = engine;
    g->all = &engine->all;
    g->model = model;
    g->live = live;
    g->hands = engine->worker_count;
    g->states = engine->used;
    g->first = array(g->states + 1ull, sizeof(u64));
    g->cut = array(g->states, 1);
    if (g->first && g->cut) return g;
    graph_free(g);
    return NULL;
}

/* A search in a graph whose edges are known, by so many threads.  NULL: no memory. */
Graph *graph_searcher(const Graph *graph, u32 hands) {
    Graph *g = malloc(sizeof *g);
    if (!g) return NULL;
    *g = *graph;
    u64 n = g->states, assumptions = g->live->assumptions;
    g->hands = hands;
    g->searches = 1;
    g->flags = array(n, 1);
    g->queue = array(n, sizeof(u32));
    g->nodes = array(n, sizeof(Node));
    g->order = array(n, sizeof(u32));
    g->scratch = array(n, sizeof(u32));
    g->frames = array(n, sizeof(Frame));
    g->possible = calloc(assumptions + 1, sizeof(u64));
    g->seen_in = calloc(assumptions + 1, sizeof(u64));
    g->taken = calloc(assumptions + 1, 1);
    g->broken = calloc(assumptions + 1, 1);
    int whole = g->flags && g->queue && g->nodes && g->order && g->scratch && g->frames &&
                g->possible && g->seen_in && g->taken && g->broken;
    if (whole) return g;
    graph_free(g);
    return NULL;
}

u32 graph_hands(const Graph *g) { return g->hands; }

volatile u8 *graph_stop(Graph *g) { return &g->stop; }

/* Count the edges of each state, and find the nearest state where a property is a model error. */
u64 graph_count(Graph *g) {
    with_all_states(g, count_edges);
    for (u32 i = 0; i < g->states; i++) g->first[i + 1] += g->first[i];
    return g->first[g->states];
}

/* Fill the edges in; find the nearest state where it is a model error to tell whether a step
 * counts.  0: no memory. */
int graph_fill(Graph *g) {
    u64 edges = g->first[g->states];
    g->target = array(edges, sizeof(u32));
    if (g->live->assumptions) g->serves = array(edges, sizeof(u16));
    if (!g->target || (g->live->assumptions && !g->serves)) return 0;
    with_all_states(g, fill_edges);
    return 1;
}

/* After `graph_count` and `graph_fill`: the state found, or NOBODY; and its level. */
u32 graph_failing(const Graph *g, u32 *level) {
    if (g->failing != NOBODY) *level = level_of(g, g->failing);
    return g->failing;
}

/* Look for a fair lasso that violates an instance.  -1: given up; 0: there is none; 1: found. */
int graph_search(Graph *g, u32 instance, u32 kind, u8 *caused) {
    g->instance = instance;
    g->kind = (Kind)kind;
    g->caused = 0;
    with_all_states(g, observe_states);
    *caused = g->caused;
    reach(g);
    if (!g->stop) find_fair(g);
    if (g->stop) return -1;
    if (!g->fair.count) return 0;
    return find_lasso(g) ? 1 : -1;
}

/* The length of the lasso that was found: how many states the stem has, and edges the loop. */
void graph_length(const Graph *g, u64 *stem, u64 *loop) {
    *stem = g->stem.count;
    *loop = g->loop.count;
}

/* The states of the stem, the initial one first; where each step of the loop leads, and which
 * assumption it serves. */
void graph_lasso(const Graph *g, u32 *stem, u32 *loop, u16 *serves) {
    for (u64 k = 0; k < g->stem.count; k++) stem[k] = (u32)g->stem.items[g->stem.count - 1 - k];
    for (u64 k = 0; k < g->loop.count; k++) {
        loop[k] = g->target[g->loop.items[k]];
        serves[k] = served_by(g, g->loop.items[k]);
    }
}
