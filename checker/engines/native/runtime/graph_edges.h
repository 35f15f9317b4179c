/* The explored graph: the states of a complete search, by number, and the steps between them.
 *
 * The edges of state `i` are `first[i] .. first[i + 1] - 1`, in the order in which generated code
 * gives them; none leads back to `i`.  An edge holds where it leads and which assumption it serves.
 *
 * The numbers of states depend on which worker was first; what they contain, their levels and the
 * order of their edges do not.  So that the answer does not either, whatever is chosen among
 * states is chosen by their contents.
 */
#ifndef QUORATE_GRAPH_EDGES_H
#define QUORATE_GRAPH_EDGES_H

#include "engine.h"
#include "graph.h"

#define NOBODY 0xffffffffu

/* What an instance says of a state; and whether it was reached. */
enum { REGION = 1, TRIGGER = 2, VISIT = 4, REACHED = 8 };

typedef enum Kind { EVENTUALLY, INFINITELY_OFTEN, EVENTUALLY_ALWAYS, LEADS_TO } Kind;

typedef struct List {
    u64 *items;
    u64 count, room;
} List;

/* What the components know of a state: the part of the region that it is in (0: none), and what
 * Tarjan's algorithm calls `low` (0: not visited). */
typedef struct Node {
    u32 part, low;
} Node;

typedef struct Frame {
    u32 state, index, next_edge;
} Frame;

/* The states `order[from .. to - 1]`.  Of a fair component: where it is entered, and when. */
typedef struct Part {
    u32 from, to, id;
    u32 entry, distance;
} Part;

typedef struct Parts {
    Part *items;
    u64 count, room;
} Parts;

/* The graph; or one search for lassos in it, which has arrays of its own and shares the graph's:
 * several may search at once. */
typedef struct Graph {
    const Engine *engine; /* its search is complete */
    const States *all;
    const Model *model;   /* with labels, if any step is fair */
    const Liveness *live;
    u32 hands;            /* so many threads may work on it */
    u32 states;
    u64 *first;
    u32 *target;
    u16 *serves;          /* NULL: no step is fair */
    u8 *cut;              /* whether steps of a state were cut off */

    volatile u8 stop;     /* set by the caller, from another thread: give up */
    u64 cursor;           /* the next state to be looked at, while many threads look */
    u32 failing;          /* the nearest state where something is a model error, or NOBODY */

    /* The search for a lasso. */
    u32 instance;
    Kind kind;
    u8 caused;            /* whether what a leads-to leads from is true anywhere */
    u8 searches;          /* 0: this is the graph */
    u8 *flags;
    u32 *queue;           /* the states reached, nearest first */
    List cuts;            /* where in the queue each distance begins */
    Node *nodes;
    u32 *order, *scratch;
    Frame *frames;
    Parts waiting, fair;
    u32 last_part, stamp;
    u64 *possible;        /* by assumption: in how many states it is possible */
    u64 *seen_in, looks;  /* by assumption: the look at a state at which it was seen last */
    u8 *taken, *broken;
    List stem, loop;      /* states; edges */
} Graph;

static void push(List *list, u64 item) {
    if (list->count == list->room) {
        list->room = list->room * 2 + 16;
        list->items = realloc(list->items, list->room * sizeof(u64));
        if (!list->items) abort();
    }
    list->items[list->count++] = item;
}

static Part *push_part(Parts *parts, Part part) {
    if (parts->count == parts->room) {
        parts->room = parts->room * 2 + 16;
        parts->items = realloc(parts->items, parts->room * sizeof(Part));
        if (!parts->items) abort();
    }
    parts->items[parts->count] = part;
    return &parts->items[parts->count++];
}

static inline u32 level_start(const Graph *g, u32 level) {
    u32 levels = g->engine->depth + 1;
    return level < levels ? g->engine->starts[level] : g->states;
}

static u32 level_of(const Graph *g, u32 state) {
    u32 low = 0, high = g->engine->depth + 1;
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;
        if (g->engine->starts[middle] <= state) low = middle;
        else high = middle;
    }
    return low;
}

/* Whether state `a` comes before `b` in the order of their contents.  NOBODY comes last. */
static int comes_before(const Graph *g, u32 a, u32 b) {
    if (a == NOBODY || b == NOBODY) return a != NOBODY;
    u64 s[NW], t[NW];
    load_state(g->all, a, s);
    load_state(g->all, b, t);
    return less(s, t);
}

/* The one of the lower level, and of the same level the one that comes before. */
static u32 nearer(const Graph *g, u32 a, u32 b) {
    if (a == NOBODY || b == NOBODY) return a == NOBODY ? b : a;
    u32 level = level_of(g, a), other = level_of(g, b);
    if (level != other) return level < other ? a : b;
    return comes_before(g, a, b) ? a : b;
}

/* ------------------------------------------------------------------ many threads */

/* One thread's share of the work on a graph. */
typedef struct Hand {
    Report report; /* of step properties: not listened to */
    Graph *graph;
    void (*work)(struct Hand *hand, u32 from, u32 to);
    Out out;
    u64 *hashes;
    u32 failing;
    u8 caused;
    pthread_t thread;
} Hand;

enum { SHARE = 512 }; /* states that a thread takes at once */

static void ignore(Report *to, u32 what, const u64 *s, const u64 *t) {
    (void)to, (void)what, (void)s, (void)t;
}

static void *work_on_blocks(void *argument) {
    Hand *hand = argument;
    Graph *g = hand->graph;
    while (!g->stop) {
        u64 from = __atomic_fetch_add(&g->cursor, SHARE, __ATOMIC_RELAXED);
        if (from >= g->states) break;
        hand->work(hand, (u32)from, (u32)(from + SHARE < g->states ? from + SHARE : g->states));
    }
    return NULL;
}

/* Do something with every state. */
static void with_all_states(Graph *g, void (*work)(Hand *, u32, u32)) {
    u32 count = g->states < 8 * SHARE ? 1 : g->hands;
    Hand *hands = calloc(count, sizeof(Hand));
    g->cursor = 0;
    g->failing = NOBODY;
    for (u32 i = 0; i < count; i++) {
        Hand *hand = &hands[i];
        hand->report.see = ignore;
        hand->graph = g;
        hand->work = work;
        hand->failing = NOBODY;
        hand->out.actions = calloc(g->model->actions + 1, sizeof(u64));
        hand->out.taken = calloc(g->model->taken + 1, 1);
        hand->out.labels = g->live->assumptions ? malloc(1) : NULL;
        hand->out.report = &hand->report;
        make_room(&hand->out, 1024);
    }
    u32 started = 0;
    while (started + 1 < count &&
           !pthread_create(&hands[started + 1].thread, NULL, work_on_blocks, &hands[started + 1]))
        started++;
    work_on_blocks(&hands[0]);
    for (u32 i = 0; i < count; i++) {
        Hand *hand = &hands[i];
        if (i && i <= started) pthread_join(hand->thread, NULL);
        g->failing = nearer(g, hand->failing, g->failing);
        g->caused |= hand->caused;
        free(hand->out.next), free(hand->out.labels), free(hand->out.actions);
        free(hand->out.taken), free(hand->hashes);
    }
    free(hands);
}

/* ------------------------------------------------------------------ edges */

/* Add the steps from a state, as the search took them. */
static void expand_state(Hand *hand, u32 state, const u64 *s) {
    Graph *g = hand->graph;
    Out *out = &hand->out;
    out->cut = out->failed = 0;
    if (g->model->cut && g->model->cut(s)) {
        out->cut = 1;
    } else {
        if (g->model->most) make_room(out, g->model->most);
        g->model->expand(s, out);
    }
    g->cut[state] = out->cut;
}

static void count_edges(Hand *hand, u32 from, u32 to) {
    Graph *g = hand->graph;
    u64 s[NW];
    for (u32 i = from; i < to; i++) {
        load_state(g->all, i, s);
        hand->out.count = 0;
        expand_state(hand, i, s);
        g->first[i + 1] = hand->out.count;
        if (g->live->fails(s)) hand->failing = nearer(g, i, hand->failing);
    }
}

/* Which assumption a step serves. */
static u16 served(Hand *hand, u32 state, const u64 *s, u32 label) {
    const Liveness *live = hand->graph->live;
    u16 assumption = live->serves[label];
    if (assumption == SERVES_NONE) return assumption;
    int counts = live->counts(label, s);
    if (counts < 0) hand->failing = nearer(hand->graph, state, hand->failing);
    return counts ? assumption : SERVES_NONE;
}

static void fill_edges(Hand *hand, u32 from, u32 to) {
    Graph *g = hand->graph;
    States *all = (States *)g->all; /* nothing is added */
    Out *out = &hand->out;
    u64 s[NW];
    for (u32 start = from; start < to; start += BATCH) {
        u32 end = start + BATCH < to ? start + BATCH : to;
        u64 base = g->first[start];
        out->count = 0;
        for (u32 i = start; i < end; i++) {
            load_state(all, i, s);
            expand_state(hand, i, s);
            if (g->serves)
                for (u64 e = g->first[i]; e < g->first[i + 1]; e++)
                    g->serves[e] = served(hand, i, s, out->labels[e - base]);
        }
        hand->hashes = realloc(hand->hashes, ((size_t)out->room + 1) * sizeof(u64));
        if (!hand->hashes) abort();
        for (u32 k = 0; k < out->count; k++)
            fetch_line(all, hand->hashes[k] = hash_of(out->next + (u64)k * NW));
        for (u32 k = 0; k < out->count; k++) fetch_state(all, hand->hashes[k]);
        for (u32 k = 0; k < out->count; k++) {
            u32 found = find_or_add(all, out->next + (u64)k * NW, hand->hashes[k], MOST_STATES);
            if (found >= g->states) abort(); /* the search was not complete */
            g->target[base + k] = found;
        }
    }
}

/* ------------------------------------------------------------------ what an instance says */

static void observe_states(Hand *hand, u32 from, u32 to) {
    Graph *g = hand->graph;
    u64 s[NW];
    for (u32 i = from; i < to; i++) {
        load_state(g->all, i, s);
        int said = g->live->observe(g->instance, s);
        u8 flags = 0;
        switch (g->kind) {
        case LEADS_TO:
            hand->caused |= said & FIRST;
            if (!(said & SECOND)) flags |= said & FIRST ? REGION | TRIGGER : REGION;
            break;
        case EVENTUALLY_ALWAYS:
            flags |= REGION | TRIGGER | (said & FIRST ? 0 : VISIT);
            break;
        case INFINITELY_OFTEN:
            if (!(said & FIRST)) flags |= REGION | TRIGGER;
            break;
        case EVENTUALLY:
            if (!(said & FIRST)) flags |= i < level_start(g, 1) ? REGION | TRIGGER : REGION;
            break;
        }
        g->flags[i] = flags;
        g->nodes[i] = (Node){0, 0};
    }
}

#endif
