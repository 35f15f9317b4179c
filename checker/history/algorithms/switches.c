/* The pass of switches.py over events, which says what it does and why.

   event: in order of time, object by object: operation i is invoked (i) or returns (~i).
   kinds: UP 0, DOWN 1, ON 2, OFF 3.  deadline: the return, or more than all events if it crashed.
   failed (of each object), turn: -1 everywhere at first.  failed, turn, gap: what is found.
   Returns 0, or -1 without memory. */

#include <stdint.h>
#include <stdlib.h>

typedef struct { int64_t deadline, operation; } entry;
typedef struct { entry *at; int64_t length; } heap;

static int before(entry a, entry b) {
    return a.deadline < b.deadline || (a.deadline == b.deadline && a.operation < b.operation);
}

static void push(heap *h, entry e) {
    int64_t i = h->length++;
    while (i > 0 && before(e, h->at[(i - 1) / 2])) {
        h->at[i] = h->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->at[i] = e;
}

static entry pop(heap *h) {
    entry top = h->at[0], e = h->at[--h->length];
    int64_t i = 0;
    for (;;) {
        int64_t c = 2 * i + 1;
        if (c >= h->length) break;
        if (c + 1 < h->length && before(h->at[c + 1], h->at[c])) c++;
        if (!before(h->at[c], e)) break;
        h->at[i] = h->at[c];
        i = c;
    }
    h->at[i] = e;
    return top;
}

typedef struct { int64_t state, turns, seen[2]; heap pending[2]; } object;

static void make(object *o, int64_t *turn, int64_t *gap, int64_t i, int64_t at) {
    o->seen[o->state] = at;
    o->state = 1 - o->state;
    turn[i] = 2 * ++o->turns;
    gap[i] = at;
}

/* Let a pending operation turn the object to `to`. */
static int other(object *o, int64_t *turn, int64_t *gap, int64_t to, int64_t at) {
    while (o->pending[to].length > 0) {
        entry e = pop(&o->pending[to]);
        if (turn[e.operation] < 0) {
            make(o, turn, gap, e.operation, at);
            return 1;
        }
    }
    return 0;
}

int64_t switches_pass(int64_t events, int64_t operations, const int64_t *event,
                      const int64_t *kinds, const int64_t *objects, const int64_t *invoked,
                      const int64_t *deadline, int64_t *failed, int64_t *turn, int64_t *gap) {
    object o = {0};
    int64_t current = -1;
    size_t room = (size_t)(operations + 1) * sizeof(entry);
    o.pending[0].at = malloc(room);
    o.pending[1].at = malloc(room);
    if (!o.pending[0].at || !o.pending[1].at) events = 0, operations = -1;
    for (int64_t k = 0; k < events; k++) {
        int64_t e = event[k], i = e >= 0 ? e : ~e;
        int64_t kind = kinds[i], to = 1 - (kind & 1), at = deadline[i];
        if (objects[i] != current) {
            current = objects[i];
            o.state = o.turns = 0;
            o.seen[0] = o.seen[1] = -1;
            o.pending[0].length = o.pending[1].length = 0;
        }
        if (e >= 0) {
            if (kind < 2) push(&o.pending[to], (entry){at, i});
        } else if (turn[i] >= 0 || failed[current] >= 0) {
            continue;
        } else if (kind < 2) {
            if (o.state != to || other(&o, turn, gap, 1 - to, at)) make(&o, turn, gap, i, at);
            else failed[current] = i;
        } else if (o.state != to && o.seen[to] > invoked[i]) {
            turn[i] = 2 * o.turns - 1;
            gap[i] = o.seen[to];
        } else if (o.state == to || other(&o, turn, gap, to, at)) {
            turn[i] = 2 * o.turns + 1;
            gap[i] = at;
        } else {
            failed[current] = i;
        }
    }
    free(o.pending[0].at);
    free(o.pending[1].at);
    return operations < 0 ? -1 : 0;
}
