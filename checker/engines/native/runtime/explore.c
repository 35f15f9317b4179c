/* Breadth-first exploration on all cores.
 *
 * Levels are numbered by distance; the states of a level have consecutive numbers.  The workers
 * take blocks of a level's states, expand some (a batch), fetch the lines of the table that their
 * successors will need, then look the successors up, and judge those that are new.  A worker
 * takes numbers for new states in chunks; what is left of them when the level ends is filled with
 * the last states of the level, so that no number is left out.
 *
 * The caller's thread is worker 0.  `explore` returns now and then (its caller shows progress,
 * keeps limits and hears the user) and is called again.  Within a level nothing depends on which
 * worker was first but the order of numbers: what is reported is the least in the order of words.
 */
#define _GNU_SOURCE
#include "engine.h"
#include "cut.h"
#include "disk.h"
#include "checkpoint.h"

/* ------------------------------------------------------------------ the table grows */

static void insert_all(Worker *worker) {
    enum { AHEAD = 16 };
    Engine *engine = worker->engine;
    u64 hashes[AHEAD];
    int alone = engine->phase_workers == 1;
    for (;;) {
        u64 from = __atomic_fetch_add(&engine->cursor, 4096, __ATOMIC_RELAXED);
        u64 end = from + 4096 < engine->used ? from + 4096 : engine->used;
        if (from >= end) return;
        for (u64 i = from; i < end + AHEAD; i++) {
            if (i >= from + AHEAD)
                add_number(&engine->all, hashes[i % AHEAD], (u32)(i - AHEAD), alone);
            if (i < end) fetch_line(&engine->all, hashes[i % AHEAD] = hash_at(&engine->all, i));
        }
    }
}

/* A table of so many lines, or as many as before if there is no memory for more.  0: for none. */
static int make_table(Engine *engine, u64 lines) {
    States *all = &engine->all;
    if (all->lines) munmap(all->lines, all->line_count * sizeof(Line));
    all->lines = reserve(lines * sizeof(Line));
    if (!all->lines && engine->used <= engine->capacity) {
        lines = all->line_count;
        all->lines = reserve(lines * sizeof(Line));
    }
    if (!all->lines) return 0;
#if PARTS
    if (all->cut) share_memory(engine, lines);
#endif
    madvise(all->lines, lines * sizeof(Line), MADV_HUGEPAGE);
    all->line_count = lines;
    u64 room = (u64)(FULLEST * SLOTS * (double)lines);
    if (room > all->room) room = all->room;
    engine->capacity = room < engine->most || engine->disk.file >= 0 ? room : engine->most;
    u64 cursor = engine->cursor;
    engine->cursor = 0;
    together(engine, insert_all, engine->used < SMALL_LEVEL);
    engine->cursor = cursor;
    return 1;
}

/* Whether there is no room for more states. */
static int is_full(const Engine *engine) {
#if PARTS
    if (parts_full(engine)) return 1;
#endif
    return engine->used >= engine->capacity;
}

/* There is no number left: make room for more states. */
static Status make_way(Engine *engine) {
    if (engine->disk.file >= 0) {
        forget_old(engine);
        return make_table(engine, engine->all.line_count) ? RUNNING : NO_MEMORY;
    }
    if (engine->used >= engine->most) return FULL;
    u64 lines = engine->all.line_count;
#if PARTS
    if (!engine->all.cut && engine->used >= TRAINING) cut_states(engine);
    if (engine->all.cut) share_memory(engine, lines);
    if (parts_full(engine)) return NEED_DISK;
#endif
    if (lines >= engine->most_lines) return NEED_DISK;
    lines *= lines < FEW_LINES ? 16 : lines < MANY_LINES ? 4 : 2;
    if (!make_table(engine, lines < engine->most_lines ? lines : engine->most_lines))
        return NO_MEMORY;
    return engine->used < engine->capacity ? RUNNING : NEED_DISK;
}

/* ------------------------------------------------------------------ expanding */

/* A number for one more state; MOST_STATES if there is none until the table has grown. */
static u32 fresh_number(Worker *worker) {
    if (LIKELY(worker->next_number != worker->chunk_end)) return worker->next_number;
    Engine *engine = worker->engine;
    u32 used = __atomic_load_n(&engine->used, __ATOMIC_RELAXED), chunk;
    do {
        chunk = CHUNK;
        if (used >= engine->capacity) return MOST_STATES;
#if PARTS
        if (parts_full(engine)) return MOST_STATES;
        if (parts_crowded(engine)) engine->pause = 1;
#endif
        if (used + (u64)chunk > engine->capacity) chunk = (u32)(engine->capacity - used);
    } while (!__atomic_compare_exchange_n(&engine->used, &used, used + chunk, 0, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    worker->next_number = used;
    worker->chunk_end = used + chunk;
    return used;
}

/* Fill the recent states with ones that are not where they would stand. */
static void forget(u64 (*recent)[NW]) {
    u64 other[NW] = {0};
    memset(recent, 0, sizeof *recent * RECENT);
    u64 home = hash_of(other) % RECENT;
    while (hash_of(other) % RECENT == home) other[0]++;
    memcpy(recent[home], other, sizeof other);
}

/* Make the hashes of the successors in `out`, a batch now, and fetch the lines that looking them up
 * will need.  Those that this worker met a short while ago are dropped: often two parents near to
 * each other lead to the same state. */
static void prepare(Worker *worker, Batch *batch) {
    const States *all = &worker->engine->all;
    Out *out = &worker->out;
    batch->next = out->next;
    batch->room = out->room;
    if (UNLIKELY(batch->hash_room < out->room)) {
        batch->hash_room = out->room;
        batch->hashes = realloc(batch->hashes, batch->hash_room * sizeof(u64));
        if (!batch->hashes) abort();
    }
    void (*canonical)(u64 *) = worker->engine->model->canonical;
    u64 *next = out->next, *hashes = batch->hashes, (*recent)[NW] = worker->recent;
    u32 count = out->count, kept = 0;
    if (canonical)
        for (u32 i = 0; i < count; i++) canonical(next + (u64)i * NW);
    for (u32 i = 0; i < count; i++) {
        const u64 *s = next + (u64)i * NW;
        u64 hash = hash_of(s), *held = recent[hash % RECENT];
        /* No branch: nobody could guess it. */
        u64 differs = 0;
        for (int w = 0; w < NW; w++) {
            u64 word = s[w];
            differs |= held[w] ^ word;
            held[w] = next[(u64)kept * NW + w] = word;
        }
        hashes[kept] = hash;
        kept += differs != 0;
        fetch_line(all, hash);
    }
    batch->count = kept;
    out->count = 0;
}

/* Look up the states of a batch; judge and add those that are new.  0: the table is full.  Their
 * lines have come by now; the states that they are compared with come while the first are looked
 * up, and the lines stay near. */
static int look_up(Worker *worker, Batch *batch) {
    Engine *engine = worker->engine;
    seen_at = engine->depth + 1;
    for (u32 i = batch->looked; i < batch->count; i++) fetch_state(&engine->all, batch->hashes[i]);
    for (u32 i = batch->looked; i < batch->count; i++) {
        const u64 *s = batch->next + (u64)i * NW;
        u32 fresh = fresh_number(worker);
        u32 number = find_or_add(&engine->all, s, batch->hashes[i], fresh);
        if (UNLIKELY(number == MOST_STATES)) {
            batch->looked = i;
            return 0;
        }
        if (number == fresh) {
            worker->next_number++;
            if (engine->disk.file < 0) engine->model->judge(s, worker->open, &worker->report);
        }
    }
    worker->extended += batch->parents;
    batch->count = batch->looked = batch->parents = 0;
    return 1;
}

/* Look up all that waits, the oldest first.  0: the table is full. */
static int look_up_all(Worker *worker) {
    for (u32 age = STAGES; age > 0; age--) {
        if (!look_up(worker, &worker->batches[(worker->turn + STAGES - age) % STAGES])) return 0;
    }
    return 1;
}

/* Whether the other models allow the steps from `s` to the successors from `first` on. */
static void judge_images(Worker *worker, const u64 *s, u32 first) {
    Out *out = &worker->out;
    for (u32 k = 0; k < worker->engine->model->images; k++) {
        Refinement *r = &worker->refinements[k];
        r->know_before = 0;
        for (u32 i = first; i < out->count; i++) {
            const u64 *t = out->next + (u64)i * NW;
            if (!refinement_allows(r, s, t)) see(&worker->report, r->what, s, t);
        }
    }
}

/* The proviso: what is left for later in one state may not be left for ever.
 *
 * A state with all its successors is settled.  So is one that has a useful step, among those that
 * were taken, to a state of an earlier level that is settled.  Any other must have a useful step
 * to a new state, one of the next level.  Then useful steps lead from every state to one that has
 * all its successors.  Which worker found a state first does not matter. */
typedef enum Ahead { NOTHING, NEW, SETTLED } Ahead;

static Ahead ahead(Engine *engine, const u64 *s) {
    u32 number = find_or_add(&engine->all, s, hash_of(s), MOST_STATES);
    if (number == MOST_STATES || number >= engine->level_end) return NEW;
    int earlier = number < engine->starts[engine->depth];
    return earlier && engine->settled[number] ? SETTLED : NOTHING;
}

/* Add the successors by the bindings chosen; the best that a useful one leads to. */
static Ahead take_chosen(Worker *worker, const u64 *s) {
    const Chooser *c = &worker->chooser;
    Out *out = &worker->out;
    Ahead best = NOTHING;
    for (u32 w = 0; w < c->words; w++) {
        for (u64 left = c->chosen[w]; left; left &= left - 1) {
            u32 before = out->count;
            c->r->take(s, w * 64 + (u32)__builtin_ctzll(left), out);
            if (before == out->count || !(c->r->useful[w] & left & -left)) continue;
            Ahead found = ahead(worker->engine, out->next + (u64)before * NW);
            if (found > best) best = found;
        }
    }
    return best;
}

/* Add the successors by a stubborn set, if there is one that is smaller than all that is enabled
 * and that keeps to the proviso.  0: there is none, and nothing has changed. */
static int expand_reduced(Worker *worker, const u64 *s) {
    Chooser *c = &worker->chooser;
    Out *out = &worker->out;
    u32 before = out->count;
    c->r->look(s, c->held, out);
    if (out->failed) return 0;
    u32 enabled = find_enabled(c);
    make_room(out, enabled);
    while (choose(c, enabled)) {
        Ahead found = take_chosen(worker, s);
        if (found != NOTHING) {
            worker->engine->settled[worker->at] = found == SETTLED;
            for (u32 b = 0; b < c->r->bindings; b++) {
                if (!has(c->chosen, b)) continue;
                out->actions[c->r->action[b]]++;
                out->taken[b] = 1;
            }
            return 1;
        }
        out->count = before;
        for (u32 w = 0; w < c->words; w++) c->seeds[w] &= ~c->chosen[w];
    }
    return 0;
}

static void expand_one(Worker *worker, const u64 *s) {
    Engine *engine = worker->engine;
    const Model *model = engine->model;
    Out *out = &worker->out;
    u32 before = out->count;
    if (model->cut && model->cut(s)) {
        worker->cut = 1;
        return;
    }
    if (model->most) make_room(out, model->most);
    out->cut = out->failed = 0;
    if (!model->reduction) {
        model->expand(s, out);
    } else if (!expand_reduced(worker, s)) {
        engine->settled[worker->at] = 1;
        model->expand(s, out);
    }
    if (model->images) judge_images(worker, s, before);
    if (UNLIKELY(out->failed)) {
        worker->failed = 1;
        see(&worker->report, out->failed == 2 ? engine->no_room : engine->error, s, NULL);
    } else if (UNLIKELY(out->cut)) {
        worker->cut = 1;
    } else if (UNLIKELY(out->count == before) && engine->deadlock != ~0u) {
        if (!model->final || !model->final(s, &worker->report))
            see(&worker->report, engine->deadlock, s, NULL);
    }
}

/* The next states for this worker, at most a batch; 0: there are none. */
static int take_states(Worker *worker) {
    Engine *engine = worker->engine;
    if (worker->at < worker->end) return 1;
    u64 from = __atomic_fetch_add(&engine->cursor, engine->block, __ATOMIC_RELAXED);
    u64 end = from + engine->block;
    if (end > engine->level_end) end = engine->level_end;
    if (from >= end) return 0;
    worker->at = from;
    worker->end = end;
    return 1;
}

static void expand_batch(Worker *worker, Batch *batch) {
    Engine *engine = worker->engine;
    u64 s[NW];
    u64 stop = worker->at + BATCH < worker->end ? worker->at + BATCH : worker->end;
    worker->out.next = batch->next;
    worker->out.room = batch->room;
    batch->parents = (u32)(stop - worker->at);
    seen_at = engine->depth;
    const u8 *bytes = states_from(worker, worker->at, batch->parents);
    for (; bytes && worker->at < stop; worker->at++, bytes += BYTES) {
        unpack(bytes, s);
        expand_one(worker, s);
    }
    if (UNLIKELY(!bytes)) engine->pause = 1;
    prepare(worker, batch);
}

static void expand_level(Worker *worker) {
    Engine *engine = worker->engine;
    int full = !look_up_all(worker);
    while (!full && !engine->pause && take_states(worker)) {
        u32 turn = worker->turn++;
        expand_batch(worker, &worker->batches[turn % STAGES]);
        full = !look_up(worker, &worker->batches[(turn + 1) % STAGES]);
        if (worker->id == 0 && worker->at == worker->end && now() >= engine->deadline)
            engine->pause = 1;
    }
    if (full || !look_up_all(worker)) engine->pause = 1;
}

/* Whether successors wait, or states that nobody else will expand. */
static int has_work(const Worker *worker) {
    u32 waiting = 0;
    for (u32 i = 0; i < STAGES; i++) waiting |= worker->batches[i].count;
    return waiting || worker->at < worker->end;
}

/* Whether every state of the level was expanded. */
static int level_done(const Engine *engine) {
    if (engine->cursor < engine->level_end) return 0;
    for (u32 i = 0; i < engine->worker_count; i++)
        if (has_work(&engine->workers[i])) return 0;
    return 1;
}

/* Whether worker 0 does the rest of the level sooner alone. */
static int little_to_do(const Engine *engine) {
    if (engine->level_end - engine->cursor >= SMALL_LEVEL) return 0;
    for (u32 i = 1; i < engine->worker_count; i++)
        if (has_work(&engine->workers[i])) return 0;
    return 1;
}

/* Fill the numbers that were taken and not used with the last states of the level. */
static void close_gaps(Engine *engine) {
    u64 s[NW];
    for (;;) {
        Worker *lowest = NULL;
        for (u32 i = 0; i < engine->worker_count; i++) {
            Worker *worker = &engine->workers[i];
            if (worker->next_number == worker->chunk_end) continue;
            if (worker->chunk_end == engine->used) { /* a gap at the end is no gap */
                engine->used = worker->next_number;
                worker->chunk_end = worker->next_number;
                lowest = NULL;
                i = ~0u;
                continue;
            }
            if (!lowest || worker->next_number < lowest->next_number) lowest = worker;
        }
        if (!lowest) return;
        u32 last = --engine->used;
        u32 gap = lowest->next_number++;
        load_state(&engine->all, last, s);
        u64 hash = hash_of(s);
        store_state(&engine->all, gap, s, hash);
        renumber(&engine->all, hash, last, gap);
    }
}

/* Put together what the workers found; whether anything was reported so far. */
static int merge_found(Engine *engine) {
    int any = 0;
    for (u32 i = 0; i < engine->worker_count; i++) {
        Worker *worker = &engine->workers[i];
        for (u32 what = 0; what < engine->what_count; what++) {
            Found *found = &worker->found[what];
            const u64 *t = found->step ? found->t : NULL;
            if (found->any) note(&engine->found[what], found->s, t, found->level);
            found->any = 0;
            any |= engine->found[what].any;
        }
        for (u32 w = 0; w < engine->goal_words; w++) engine->open[w] &= worker->open[w];
    }
    for (u32 i = 0; i < engine->worker_count; i++)
        memcpy(engine->workers[i].open, engine->open, engine->goal_words * sizeof(u64));
    return any;
}

/* How many states are known. */
static u64 total(const Engine *engine) {
    return engine->disk.file < 0 ? engine->used : engine->disk.count;
}

static void begin_level(Engine *engine, u64 start) {
    if (FINGERPRINT) forget_whole(&engine->all, start);
    if (engine->depth + 2 >= engine->start_room) {
        engine->start_room = engine->start_room * 2 + 64;
        engine->starts = realloc(engine->starts, engine->start_room * sizeof(u64));
        if (!engine->starts) abort();
    }
    engine->starts[engine->depth] = start;
    engine->starts[engine->depth + 1] = total(engine);
    engine->cursor = start;
    engine->level_end = total(engine);
    u64 share = (engine->level_end - start) / (engine->worker_count * 8u);
    engine->block = share < BATCH ? BATCH : share > BLOCK ? BLOCK : (u32)share;
}

/* ------------------------------------------------------------------ for the caller */

/* `most`: states, in all; `in_memory`: those that memory has room for. */
Engine *engine_new(const Model *model, u32 workers, u32 whats, int deadlock, u64 most,
                   u64 in_memory) {
    Engine *engine = aligned_alloc(_Alignof(Engine), sizeof *engine);
    if (!engine) return NULL;
    memset(engine, 0, sizeof *engine);
    engine->model = model;
    engine->worker_count = workers;
    engine->what_count = whats;
    engine->deadlock = deadlock ? whats - 3 : ~0u;
    engine->error = whats - 2;
    engine->no_room = whats - 1;
    engine->most = most;
    engine->disk.file = -1;
    engine->goal_words = (model->goals + 63) / 64;
    engine->found = calloc(whats, sizeof(Found));
    engine->open = calloc(engine->goal_words + 1, sizeof(u64));
    for (u32 goal = 0; goal < model->goals; goal++) engine->open[goal / 64] |= 1ull << goal % 64;
    if (in_memory > MOST_STATES) in_memory = MOST_STATES;
    while (!reserve_states(&engine->all, in_memory))
        if (!(in_memory /= 2)) return NULL;
    if (model->reduction && !(engine->settled = reserve(most_known(in_memory)))) return NULL;
    engine->whole_room = in_memory;
    engine->most_lines = lines_for((double)in_memory);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_cond_init(&engine->begin, NULL);
    pthread_cond_init(&engine->end, NULL);
    engine->workers = aligned_alloc(64, workers * sizeof(Worker));
    memset(engine->workers, 0, workers * sizeof(Worker));
    for (u32 i = 0; i < workers; i++) {
        Worker *worker = &engine->workers[i];
        worker->engine = engine;
        worker->id = i;
        worker->report.see = see;
        worker->recent = malloc(sizeof *worker->recent * RECENT);
        forget(worker->recent);
        worker->found = calloc(whats, sizeof(Found));
        worker->open = calloc(engine->goal_words + 1, sizeof(u64));
        memcpy(worker->open, engine->open, engine->goal_words * sizeof(u64));
        worker->out.actions = calloc(model->actions + 1, sizeof(u64));
        worker->out.taken = calloc(model->taken + 1, 1);
        worker->out.report = &worker->report;
        worker->refinements = calloc(model->images + 1, sizeof(Refinement));
        if (model->reduction) chooser_begin(&worker->chooser, model->reduction);
        for (u32 k = 0; k < STAGES; k++) {
            worker->out.next = NULL;
            worker->out.room = 0;
            make_room(&worker->out, 1024);
            worker->batches[k].next = worker->out.next;
            worker->batches[k].room = worker->out.room;
        }
        if (i && pthread_create(&worker->thread, NULL, work, worker)) return NULL;
    }
    u64 first = FIRST_LINES < engine->most_lines ? FIRST_LINES : engine->most_lines;
    return make_table(engine, first) ? engine : NULL;
}

/* The other model of the model's image `k`; before `engine_begin`. */
void engine_refines(Engine *engine, u32 k, const Model *other, u32 steps, u32 what) {
    for (u32 i = 0; i < engine->worker_count; i++)
        refinement_begin(&engine->workers[i].refinements[k], &engine->model->image[k], other, steps,
                         what);
}

/* Add initial states, `count` of NW words each.  Call it once, before `engine_run`. */
int engine_begin(Engine *engine, const u64 *states, u32 count) {
    Worker *worker = &engine->workers[0];
    engine->phase_workers = 1;
    seen_at = 0;
    for (u32 i = 0; i < count; i++) {
        u64 s[NW];
        memcpy(s, states + (u64)i * NW, sizeof s);
        if (engine->model->canonical) engine->model->canonical(s);
        u32 fresh, number;
        while (fresh = fresh_number(worker),
               (number = find_or_add(&engine->all, s, hash_of(s), fresh)) == MOST_STATES) {
            Status status = make_way(engine);
            if (status != RUNNING) return status == FULL ? FULL : NO_MEMORY;
        }
        if (number != fresh) continue;
        worker->next_number++;
        engine->model->judge(s, worker->open, &worker->report);
    }
    close_gaps(engine);
    begin_level(engine, 0);
    return merge_found(engine) ? LEVEL_DONE : RUNNING;
}

/* The level is done: begin the next. */
static Status next_level(Engine *engine) {
    int any = merge_found(engine);
    if (total(engine) == engine->level_end) return COMPLETE;
    engine->depth++;
    begin_level(engine, engine->level_end);
    return any ? LEVEL_DONE : RUNNING;
}

/* Expand what was not expanded yet of the level, as far as time allows; make room when there is
 * none.  1: the level is done, and all its successors are known. */
static int expanded(Engine *engine, Status *status) {
    Disk *disk = &engine->disk;
    *status = RUNNING;
#if PARTS
    if (!more_room_for_parts(engine)) {
        *status = NO_MEMORY;
        return 0;
    }
#endif
    if (disk->stage == IDLE) {
        engine->pause = 0;
        together(engine, expand_level, little_to_do(engine));
        if (disk->error) *status = DISK_FAILED;
        if (disk->error || !(level_done(engine) || is_full(engine))) return 0;
        close_gaps(engine);
    }
    int done = level_done(engine);
    if (disk->file >= 0) {
        if (!sifted(engine)) *status = disk->error ? DISK_FAILED : RUNNING;
        else if (disk->written > engine->most) *status = FULL;
        if (*status != RUNNING || disk->stage != IDLE) return 0;
    }
    if (!done || (disk->file >= 0 && engine->used > engine->capacity / 4 * 3)) *status = make_way(engine);
    return done && *status == RUNNING;
}

/* Go on for about so many seconds, at most to the end of a level where something was reported.
 * After NEED_DISK call `engine_to_disk`, and then go on. */
int engine_run(Engine *engine, double seconds) {
    engine->deadline = now() + seconds;
    for (;;) {
        Status status;
        if (expanded(engine, &status)) status = next_level(engine);
        if (status == FULL || status == DISK_FAILED) merge_found(engine);
        if (status != RUNNING || now() >= engine->deadline) return status;
    }
}

/* Keep the states in this file, which is empty and open. */
int engine_to_disk(Engine *engine, int file) {
    if (!disk_begin(engine, file)) return DISK_FAILED;
    if (engine->all.line_count > engine->most_lines) /* states were cut, and are whole again */
        return make_table(engine, engine->most_lines) ? RUNNING : NO_MEMORY;
    return make_way(engine);
}

/* The errno of what failed on the disk. */
int engine_disk_error(const Engine *engine) { return engine->disk.error; }

/* Finish what was begun, so that the search can be written down: every state before the cursor is
 * expanded, none after it, and all successors are known.  Call it again while it returns RUNNING
 * or, after `engine_to_disk`, NEED_DISK; LEVEL_DONE: it is done. */
int engine_settle(Engine *engine) {
    u64 cursor = engine->cursor < engine->level_end ? engine->cursor : engine->level_end;
    engine->deadline = now() + 1e9;
    engine->cursor = engine->level_end; /* so that no worker takes more */
    Status status;
    int done = expanded(engine, &status);
    engine->cursor = cursor;
    if (done) merge_found(engine);
    return done ? LEVEL_DONE : status;
}

/* The states were put back: go on from there. */
int engine_resume(Engine *engine, const u64 *starts, u32 depth, u64 cursor) {
    u64 lines = lines_for(engine->used) * 2 + FIRST_LINES;
#if PARTS
    if (engine->all.cut) share_memory(engine, lines);
#endif
    if (lines > engine->most_lines || engine->disk.file >= 0) lines = engine->most_lines;
    if (!make_table(engine, lines))
        return NO_MEMORY;
    for (engine->depth = 0; engine->depth <= depth; engine->depth++)
        begin_level(engine, starts[engine->depth]);
    engine->depth = depth;
    engine->cursor = cursor;
    engine->level_end = engine->starts[depth + 1] = starts[depth + 1];
    return RUNNING;
}

/* numbers: distinct states, states extended, depth, states of this level not expanded yet, bytes
 * of the table, whether states were cut off, whether extending one failed, and states
 * in memory. */
void engine_numbers(const Engine *engine, u64 *to) {
    u64 extended = 0, cut = 0, failed = 0;
    for (u32 i = 0; i < engine->worker_count; i++) {
        extended += engine->workers[i].extended;
        cut |= engine->workers[i].cut;
        failed |= engine->workers[i].failed;
    }
    u64 unused = 0; /* numbers that were taken */
    for (u32 i = 0; i < engine->worker_count && engine->disk.file < 0; i++)
        unused += engine->workers[i].chunk_end - engine->workers[i].next_number;
    u64 numbers[] = {total(engine) - unused, extended, engine->depth,
                     engine->all.line_count * sizeof(Line), cut, failed, engine->used};
    memcpy(to, numbers, sizeof numbers);
}

void engine_actions(const Engine *engine, u64 *actions, u8 *taken) {
    for (u32 i = 0; i < engine->worker_count; i++) {
        for (u32 a = 0; a < engine->model->actions; a++)
            actions[a] += engine->workers[i].out.actions[a];
        for (u32 t = 0; t < engine->model->taken; t++) taken[t] |= engine->workers[i].out.taken[t];
    }
}

void engine_open(const Engine *engine, u64 *open) {
    memcpy(open, engine->open, engine->goal_words * sizeof(u64));
}

/* What was reported under `what`: 0: nothing; 1: a state; 2: a step. */
int engine_found(const Engine *engine, u32 what, u64 *s, u64 *t, u32 *level) {
    const Found *found = &engine->found[what];
    if (!found->any) return 0;
    memcpy(s, found->s, sizeof found->s);
    memcpy(t, found->t, sizeof found->t);
    *level = found->level;
    return found->step ? 2 : 1;
}

/* 0: it cannot be read. */
int engine_state(Engine *engine, u64 number, u64 *s) {
    const u8 *bytes = states_from(&engine->workers[0], number, 1);
    if (bytes) unpack(bytes, s);
    return bytes != NULL;
}

/* The number of a state; MOST_STATES if it is not known. */
u32 engine_number(Engine *engine, const u64 *s) {
    return find_or_add(&engine->all, s, hash_of(s), MOST_STATES);
}

/* Turn a state into the one that stands for its orbit. */
void engine_canonical(const Engine *engine, u64 *s) {
    if (engine->model->canonical) engine->model->canonical(s);
}

u64 engine_level_start(const Engine *engine, u32 level) { return engine->starts[level]; }

static void seek(Worker *worker) {
    Engine *engine = worker->engine;
    Out *out = &worker->out;
    u64 s[NW];
    Found *best = &worker->before;
    Batch *batch = &worker->batches[0];
    out->next = batch->next;
    out->room = batch->room;
    for (;;) {
        u64 from = __atomic_fetch_add(&engine->cursor, BLOCK, __ATOMIC_RELAXED);
        u64 end = from + BLOCK < engine->level_end ? from + BLOCK : engine->level_end;
        if (from >= end) break;
        const u8 *bytes = states_from(worker, from, end - from);
        if (!bytes) break;
        for (; from < end; from++, bytes += BYTES) {
            unpack(bytes, s);
            if (best->any && !less(s, best->s)) continue;
            if (engine->model->cut && engine->model->cut(s)) continue;
            out->count = 0;
            out->failed = 0;
            if (engine->model->most) make_room(out, engine->model->most);
            engine->model->expand(s, out);
            for (u32 k = 0; k < out->count; k++) {
                u64 *t = out->next + (u64)k * NW;
                if (engine->model->canonical) engine->model->canonical(t);
                if (memcmp(t, engine->wanted, NW * sizeof(u64)) == 0) {
                    note(best, s, NULL, 0);
                    break;
                }
            }
            out->count = 0;
        }
    }
    batch->next = out->next;
    batch->room = out->room;
}

/* The least state of a level from which one step leads to `t`.  Only after the search has ended:
 * what it counts is no longer counted rightly. */
int engine_before(Engine *engine, u32 level, const u64 *t, u64 *s) {
    for (u32 i = 0; i < engine->worker_count; i++) engine->workers[i].before.any = 0;
    engine->wanted = t;
    engine->cursor = engine->starts[level];
    engine->level_end = engine->starts[level + 1];
    together(engine, seek, engine->level_end - engine->cursor < SMALL_LEVEL);
    Found best = {.any = 0};
    for (u32 i = 0; i < engine->worker_count; i++) {
        const Found *found = &engine->workers[i].before;
        if (found->any) note(&best, found->s, NULL, 0);
    }
    memcpy(s, best.s, sizeof best.s);
    return best.any;
}

void engine_free(Engine *engine) {
    pthread_mutex_lock(&engine->lock);
    engine->quit = 1;
    pthread_cond_broadcast(&engine->begin);
    pthread_mutex_unlock(&engine->lock);
    for (u32 i = 0; i < engine->worker_count; i++) {
        Worker *worker = &engine->workers[i];
        if (i) pthread_join(worker->thread, NULL);
        free(worker->found), free(worker->open), free(worker->recent);
        for (u32 k = 0; k < STAGES; k++)
            free(worker->batches[k].next), free(worker->batches[k].hashes);
        for (u32 k = 0; k < engine->model->images; k++) refinement_end(&worker->refinements[k]);
        free(worker->refinements), free(worker->block), free(worker->fresh);
        if (engine->model->reduction) chooser_end(&worker->chooser);
        free(worker->out.actions), free(worker->out.taken);
    }
    if (engine->settled) munmap(engine->settled, most_known(engine->whole_room));
#if PARTS
    engine->all.room = engine->whole_room;
    for (int side = 0; side < 2; side++) pool_end(&engine->all.parts[side], parts_room(engine));
#endif
    free_states(&engine->all);
    munmap(engine->all.lines, engine->all.line_count * sizeof(Line));
    free(engine->workers), free(engine->found), free(engine->open), free(engine->starts);
    free(engine->disk.old);
    free(engine);
}
