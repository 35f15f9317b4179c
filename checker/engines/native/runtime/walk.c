/* Random walks on all cores.
 *
 * Walks are numbered, and each has its own chance (`chance.h`): what it does depends on the seed
 * and its number alone.  A walk begins in an initial state, and takes one of the steps that
 * change something, again and again.  It ends after `depth` steps, where nothing changes any
 * more, where a constraint cuts it off, or where something is wrong.
 *
 * The workers take walks in the order of their numbers.  Where a walk goes wrong, those with
 * greater numbers are given up: what is reported, and what is counted, is that of the walks up to
 * the first wrong one, whatever the number of workers.  For that, each walk counts in a row of
 * its own.  Walks are made in rounds of as many as there are rows; goals met in one round are not
 * judged in the next.
 *
 * The caller's thread is worker 0.  `walks_run` returns now and then (its caller shows progress,
 * keeps limits and hears the user) and is called again: a worker holds the walk that it was in.
 */
#define _GNU_SOURCE
#include "chance.h"
#include "seen.h"
#include "refine.h"
#include <pthread.h>
#include <time.h>

enum { WAITING = 8, FIRST_SLOTS = 1 << 14, STEPS_BETWEEN_LOOKS = 256 };
#define FULLEST 0.6
#define NO_WALK (~0ull)

typedef enum Status { RUNNING, DONE, WRONG, NO_ROOM } Status;

/* What one walk did. */
typedef struct Row {
    u64 steps;
    u32 cut, done;
    u64 more[]; /* for each action how often it was taken, then the goals not met */
} Row;

struct Walks;

typedef struct Worker {
    Report report; /* first, so that a pointer to it is one to the worker */
    struct Walks *walks;
    Out out;
    Refinement *refinements; /* one for each of the model's images */
    u64 *possible;           /* for each action, how many steps it has now */

    u64 walk;                /* the walk that this worker is in, or NO_WALK */
    Row *row;
    Chance chance;
    u64 s[NW];
    u8 wrong, has_after;     /* something was reported here: a state, or the step to `after` */
    u64 after[NW];
    u64 *path;               /* where to write the next state of the walk, or NULL */

    u64 hashes[WAITING], early[WAITING]; /* states met, whose slots are being fetched */
    u32 arrivals;
    u64 fresh, room;         /* states that it was the first to meet; how many more it may */
    u32 id;
    pthread_t thread;
} __attribute__((aligned(64))) Worker;

typedef struct Walks {
    const Model *model;
    u64 seed, depth, total;
    u32 worker_count;
    u8 deadlock;             /* whether it is judged */
    u8 by_steps;             /* whether an action's chance grows with its number of steps */
    const u16 *action_of;    /* by label */
    const u32 *weights;      /* by action */
    u64 *starts;
    u32 start_count;
    Worker *workers;

    u8 *rows;
    size_t row_size;
    u64 row_count, round;    /* how many walks a round has; the first walk of this one */
    Row *before;             /* what the rounds before have done; its goals are open in this one */
    u64 longest, finished;   /* among them */

    u64 cursor;              /* the next walk that nobody has taken */
    u64 wrong;               /* the first walk known to go wrong, or NO_WALK */
    Seen seen;
    u64 most_slots;
    u8 counting;             /* whether there is room to count more states */
    u8 no_room;              /* whether a state was too large for the generated code */
    volatile u8 pause;
    double deadline;
} Walks;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static Row *row_at(const Walks *walks, u64 i) { return (Row *)(walks->rows + i * walks->row_size); }

static u64 *open_goals(const Walks *walks, Row *row) { return row->more + walks->model->actions; }

static u32 goal_words(const Walks *walks) { return (walks->model->goals + 63) / 64; }

/* ------------------------------------------------------------------ one walk */

/* Something is wrong: the first that is reported ends the walk. */
static void see(Report *to, u32 what, const u64 *s, const u64 *t) {
    Worker *worker = (Worker *)to;
    (void)what, (void)s;
    if (worker->wrong) return;
    worker->wrong = 1;
    worker->has_after = t != NULL;
    if (t) memcpy(worker->after, t, sizeof worker->after);
}

static void count_waiting(Worker *worker, u32 slot) {
    if (!worker->hashes[slot]) return;
    u64 fresh = (u64)seen_add(&worker->walks->seen, worker->hashes[slot], worker->early[slot]);
    worker->hashes[slot] = 0;
    worker->fresh += fresh;
    worker->room -= fresh < worker->room ? fresh : worker->room;
    if (UNLIKELY(worker->room <= WAITING)) worker->walks->pause = 1;
}

/* Count a state, a few states later: until then its slot has been fetched. */
static void meet(Worker *worker, const u64 *s) {
    const Walks *walks = worker->walks;
    if (!walks->counting || worker->path) return;
    u32 slot = worker->arrivals++ % WAITING;
    count_waiting(worker, slot);
    u64 hash = hash_of(s);
    worker->hashes[slot] = hash ? hash : 1;
    worker->early[slot] = ~worker->walk;
    __builtin_prefetch(seen_home(&walks->seen, hash), 1);
}

static void arrive(Worker *worker) {
    const Walks *walks = worker->walks;
    meet(worker, worker->s);
    if (worker->path) worker->path = mempcpy(worker->path, worker->s, sizeof worker->s);
    walks->model->judge(worker->s, open_goals(walks, worker->row), &worker->report);
}

static void begin_walk(Worker *worker, u64 walk, Row *row) {
    const Walks *walks = worker->walks;
    worker->walk = walk;
    worker->row = row;
    worker->wrong = 0;
    worker->chance = chance_of(walks->seed, walk);
    memset(row, 0, walks->row_size);
    memcpy(open_goals(walks, row), open_goals(walks, walks->before),
           goal_words(walks) * sizeof(u64));
    u64 start = chance_below(&worker->chance, walks->start_count);
    memcpy(worker->s, walks->starts + start * NW, sizeof worker->s);
    arrive(worker);
}

/* The number of the successor to go to; ~0: none may be taken.  First an action by chance, as its
 * weight (and, `by_steps`, its number of steps) says; then any step of it. */
static u32 choose(Worker *worker) {
    const Walks *walks = worker->walks;
    const Out *out = &worker->out;
    const u16 *action_of = walks->action_of, *labels = out->labels;
    u64 *possible = worker->possible;
    u32 actions = walks->model->actions;
    memset(possible, 0, actions * sizeof(u64));
    for (u32 i = 0; i < out->count; i++) possible[action_of[labels[i]]]++;
    u64 all = 0;
    for (u32 a = 0; a < actions; a++) {
        u64 steps = walks->by_steps ? possible[a] : possible[a] > 0;
        all += steps * walks->weights[a];
    }
    if (!all) return ~0u;
    u64 at = chance_below(&worker->chance, all);
    u32 action = 0;
    for (;; action++) {
        u64 steps = walks->by_steps ? possible[action] : possible[action] > 0;
        u64 share = steps * walks->weights[action];
        if (at < share) break;
        at -= share;
    }
    u64 left = chance_below(&worker->chance, possible[action]);
    for (u32 i = 0;; i++)
        if (action_of[labels[i]] == action && left-- == 0) return i;
}

/* What is possible in the state where the walk is; whether it can go on. */
static int look_around(Worker *worker) {
    const Walks *walks = worker->walks;
    const Model *model = walks->model;
    Out *out = &worker->out;
    out->count = 0;
    out->cut = out->failed = 0;
    if (model->most) make_room(out, model->most);
    model->expand(worker->s, out);
    if (UNLIKELY(out->failed)) {
        if (out->failed == 2) worker->walks->no_room = 1;
        see(&worker->report, 0, worker->s, NULL);
        return 0;
    }
    worker->row->cut |= out->cut;
    if (UNLIKELY(!out->count) && !out->cut && walks->deadlock)
        if (!model->final || !model->final(worker->s, &worker->report))
            see(&worker->report, 0, worker->s, NULL);
    return out->count && !worker->wrong;
}

static void judge_images(Worker *worker, const u64 *t) {
    for (u32 k = 0; k < worker->walks->model->images; k++) {
        Refinement *r = &worker->refinements[k];
        r->know_before = 0;
        if (!refinement_allows(r, worker->s, t)) see(&worker->report, 0, worker->s, t);
    }
}

/* One step of the walk; 0: it has ended. */
static int step(Worker *worker) {
    const Walks *walks = worker->walks;
    const Model *model = walks->model;
    Row *row = worker->row;
    if (worker->wrong || row->steps == walks->depth) return 0;
    if (model->cut && model->cut(worker->s)) {
        row->cut = 1;
        return 0;
    }
    if (!look_around(worker)) return 0;
    u32 chosen = choose(worker);
    if (chosen == ~0u) return 0;
    const u64 *t = worker->out.next + (size_t)chosen * NW;
    judge_images(worker, t);
    row->steps++;
    row->more[walks->action_of[worker->out.labels[chosen]]]++;
    if (UNLIKELY(worker->wrong)) return 0;
    memcpy(worker->s, t, sizeof worker->s);
    arrive(worker);
    return 1;
}

/* ------------------------------------------------------------------ workers */

/* Note that a walk went wrong. */
static void note(Walks *walks, u64 walk) {
    u64 first = __atomic_load_n(&walks->wrong, __ATOMIC_RELAXED);
    while (walk < first && !__atomic_compare_exchange_n(&walks->wrong, &first, walk, 0,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static u64 round_end(const Walks *walks) {
    u64 end = walks->round + walks->row_count;
    return end < walks->total ? end : walks->total;
}

/* Whether nothing that the walk does matters any more. */
static int too_late(const Walks *walks, u64 walk) {
    return walk > __atomic_load_n(&walks->wrong, __ATOMIC_RELAXED);
}

/* Go on with the worker's walk; whether it has ended. */
static int walk_on(Worker *worker) {
    Walks *walks = worker->walks;
    for (u32 steps = 1; step(worker); steps++) {
        if (steps % STEPS_BETWEEN_LOOKS && !walks->pause) continue;
        if (worker->id == 0 && now() >= walks->deadline) walks->pause = 1;
        if (walks->pause) return 0;
        if (too_late(walks, worker->walk)) return 1;
    }
    worker->row->done = 1;
    if (worker->wrong) note(walks, worker->walk);
    return 1;
}

static void *work(void *argument) {
    Worker *worker = argument;
    Walks *walks = worker->walks;
    u64 end = round_end(walks);
    while (!walks->pause) {
        if (worker->walk == NO_WALK) {
            u64 walk = __atomic_fetch_add(&walks->cursor, 1, __ATOMIC_RELAXED);
            if (walk >= end || too_late(walks, walk)) break;
            begin_walk(worker, walk, row_at(walks, walk - walks->round));
        }
        if (walk_on(worker)) worker->walk = NO_WALK;
        if (worker->id == 0 && now() >= walks->deadline) walks->pause = 1;
    }
    for (u32 slot = 0; slot < WAITING; slot++) count_waiting(worker, slot);
    return NULL;
}

/* Let all workers walk, and wait for them. */
static void together(Walks *walks) {
    walks->pause = 0;
    for (u32 i = 1; i < walks->worker_count; i++)
        if (pthread_create(&walks->workers[i].thread, NULL, work, &walks->workers[i])) abort();
    work(&walks->workers[0]);
    for (u32 i = 1; i < walks->worker_count; i++) pthread_join(walks->workers[i].thread, NULL);
}

static u64 room_of(const Walks *walks) { return (u64)(FULLEST * (double)walks->seen.size); }

/* Give each worker its part of the room for states, after making more of it if need be.  When
 * there is no more, states are no longer counted. */
static void share_room(Walks *walks) {
    u64 used = 0;
    int starved = 0;
    for (u32 i = 0; i < walks->worker_count; i++) {
        used += walks->workers[i].fresh;
        starved |= walks->workers[i].room <= WAITING;
    }
    u64 larger = walks->seen.size * 4;
    if (starved && used > room_of(walks) / 2 && larger <= walks->most_slots)
        seen_grow(&walks->seen, larger);
    u64 share = used < room_of(walks) ? (room_of(walks) - used) / walks->worker_count : 0;
    if (share <= 2 * WAITING) walks->counting = 0;
    for (u32 i = 0; i < walks->worker_count; i++)
        walks->workers[i].room = walks->counting ? share : NO_WALK;
}

/* Whether every walk of the round that matters has ended. */
static int round_done(const Walks *walks) {
    for (u32 i = 0; i < walks->worker_count; i++) {
        u64 walk = walks->workers[i].walk;
        if (walk != NO_WALK && !too_late(walks, walk)) return 0;
    }
    return walks->cursor >= round_end(walks) || too_late(walks, walks->cursor);
}

/* ------------------------------------------------------------------ what they did */

/* Add what the walks of this round have done so far, as far as it matters. */
static void add_round(const Walks *walks, Row *to, u64 *longest, u64 *finished) {
    u64 end = round_end(walks);
    if (walks->cursor < end) end = walks->cursor;
    if (walks->wrong < end) end = walks->wrong + 1;
    for (u64 walk = walks->round; walk < end; walk++) {
        Row *row = row_at(walks, walk - walks->round);
        to->steps += row->steps;
        to->cut |= row->cut;
        *finished += row->done;
        if (row->steps > *longest) *longest = row->steps;
        for (u32 a = 0; a < walks->model->actions; a++) to->more[a] += row->more[a];
        for (u32 w = 0; w < goal_words(walks); w++)
            open_goals(walks, to)[w] &= open_goals(walks, row)[w];
    }
}

static void begin_round(Walks *walks, u64 first) {
    walks->round = walks->cursor = first;
    memset(walks->rows, 0, walks->row_size * walks->row_count);
}

/* ------------------------------------------------------------------ for the caller */

/* `action_of`: by label.  `weights`: by action.  `starts`: the initial states, NW words each.
 * `rounds`: how many walks a round has. */
Walks *walks_new(const Model *model, u32 workers, u64 seed, u64 depth, u64 total, u64 rounds,
                 u32 deadlock, u32 by_steps, const u16 *action_of, const u32 *weights,
                 const u64 *starts, u32 start_count, u64 most_slots) {
    Walks *walks = calloc(1, sizeof *walks);
    if (!walks) return NULL;
    walks->model = model;
    walks->seed = seed, walks->depth = depth, walks->total = total;
    walks->worker_count = workers;
    walks->deadlock = (u8)deadlock, walks->by_steps = (u8)by_steps;
    walks->action_of = action_of, walks->weights = weights;
    walks->starts = starts, walks->start_count = start_count;
    walks->row_count = rounds < total ? rounds : total;
    size_t row = sizeof(Row) + (model->actions + goal_words(walks)) * sizeof(u64);
    walks->row_size = (row + 63) / 64 * 64;
    walks->rows = aligned_alloc(64, walks->row_size * walks->row_count);
    walks->before = calloc(1, walks->row_size);
    walks->workers = aligned_alloc(64, workers * sizeof(Worker));
    if (!walks->rows || !walks->before || !walks->workers) return NULL;
    for (u32 goal = 0; goal < model->goals; goal++)
        open_goals(walks, walks->before)[goal / 64] |= 1ull << goal % 64;
    walks->wrong = NO_WALK;
    walks->most_slots = most_slots;
    walks->counting = 1;
    if (!seen_begin(&walks->seen, FIRST_SLOTS)) return NULL;
    memset(walks->workers, 0, workers * sizeof(Worker));
    for (u32 i = 0; i < workers; i++) {
        Worker *worker = &walks->workers[i];
        worker->id = i;
        worker->walks = walks;
        worker->walk = NO_WALK;
        worker->room = NO_WALK;
        worker->report.see = see;
        worker->possible = calloc(model->actions + 1, sizeof(u64));
        worker->refinements = calloc(model->images + 1, sizeof(Refinement));
        worker->out.actions = calloc(model->actions + 1, sizeof(u64));
        worker->out.taken = calloc(model->taken + 1, 1);
        worker->out.labels = malloc(sizeof(u16));
        worker->out.report = &worker->report;
        make_room(&worker->out, 64);
    }
    begin_round(walks, 0);
    return walks;
}

/* The other model of the model's image `k`; before `walks_run`. */
void walks_refine(Walks *walks, u32 k, const Model *other, u32 steps) {
    for (u32 i = 0; i < walks->worker_count; i++)
        refinement_begin(&walks->workers[i].refinements[k], &walks->model->image[k], other, steps,
                         0);
}

/* Walk for about so many seconds, at most until it is known which walk is the first wrong one. */
int walks_run(Walks *walks, double seconds) {
    walks->deadline = now() + seconds;
    do {
        share_room(walks);
        together(walks);
        if (walks->no_room) return NO_ROOM;
        if (!round_done(walks)) continue;
        if (walks->wrong != NO_WALK) return WRONG;
        add_round(walks, walks->before, &walks->longest, &walks->finished);
        begin_round(walks, round_end(walks));
        if (walks->round == walks->total) return DONE;
    } while (now() < walks->deadline);
    return RUNNING;
}

/* numbers: walks that ended, steps, the longest walk, distinct states, whether states were cut
 * off, whether all states were counted.  Then `actions`, how often each was taken, and `open`,
 * the goals not met. */
void walks_numbers(const Walks *walks, u64 *numbers, u64 *actions, u64 *open) {
    Row *all = malloc(walks->row_size);
    if (!all) abort();
    memcpy(all, walks->before, walks->row_size);
    u64 longest = walks->longest, finished = walks->finished, distinct = 0;
    add_round(walks, all, &longest, &finished);
    for (u32 i = 0; i < walks->worker_count; i++) distinct += walks->workers[i].fresh;
    if (walks->wrong != NO_WALK) distinct = seen_until(&walks->seen, walks->wrong);
    u64 made[] = {finished, all->steps, longest, distinct, all->cut, walks->counting};
    memcpy(numbers, made, sizeof made);
    memcpy(actions, all->more, walks->model->actions * sizeof(u64));
    memcpy(open, open_goals(walks, all), goal_words(walks) * sizeof(u64));
    free(all);
}

/* The most states that `walks_path` writes; 0: no walk is known to go wrong. */
u64 walks_path_room(const Walks *walks) {
    return walks->wrong == NO_WALK ? 0 : row_at(walks, walks->wrong - walks->round)->steps + 2;
}

/* Walk the first wrong walk again, and write its states: up to the one where something is wrong,
 * or up to the one after a wrong step, which need not be the step that was taken.  How many. */
u64 walks_path(Walks *walks, u64 *path) {
    Worker *worker = &walks->workers[0];
    worker->path = path;
    begin_walk(worker, walks->wrong, row_at(walks, walks->wrong - walks->round));
    while (step(worker))
        ;
    worker->row->done = 1;
    if (worker->has_after) worker->path = mempcpy(worker->path, worker->after, sizeof worker->after);
    return (u64)(worker->path - path) / NW;
}

void walks_free(Walks *walks) {
    for (u32 i = 0; i < walks->worker_count; i++) {
        Worker *worker = &walks->workers[i];
        for (u32 k = 0; k < walks->model->images; k++) refinement_end(&worker->refinements[k]);
        free(worker->refinements), free(worker->possible), free(worker->out.actions);
        free(worker->out.taken), free(worker->out.labels), free(worker->out.next);
    }
    seen_end(&walks->seen);
    free(walks->rows), free(walks->before), free(walks->workers), free(walks);
}
