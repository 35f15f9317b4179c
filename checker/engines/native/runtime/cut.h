/* When states are cut in two parts (`parts.h`), and how much memory they may take then.
 *
 * Memory has room for `whole_room` whole states with their slots of the table.  What that comes to
 * is shared by the table, the numbers of parts and the parts, once states are cut.  How many states
 * there is room for is reckoned again whenever the table grows, by what parts took so far.
 *
 * On disk, and in memory when there is a disk, states are whole.
 */
#ifndef QUORATE_CUT_H
#define QUORATE_CUT_H

#include "engine.h"

/* The lines of a table for so many states. */
static u64 lines_for(double states) { return (u64)(states / (FULLEST * SLOTS)) + 1; }

/* The most states that there may be where there is address space for so many whole ones. */
static u64 most_known(u64 whole) {
    double most = (double)whole * BYTES / sizeof(u64);
    return !PARTS ? whole : most < MOST_STATES ? (u64)most : MOST_STATES;
}

#if PARTS

enum { SPARE = 1 << 24 }; /* parts that workers may add before they hear that there is no room */

/* What a state takes beside itself: a slot of the table, a bit on disk, a byte if reduced. */
static double beside(const Engine *engine) {
    return sizeof(Line) / (FULLEST * SLOTS) + 0.125 + (engine->settled != NULL);
}

/* The most parts of one kind, SPARE included. */
static u64 parts_room(const Engine *engine) {
    u64 most = most_known(engine->whole_room) + SPARE;
    return most < MOST_STATES ? most : MOST_STATES;
}

static double parts_bytes(const Engine *engine) {
    const Pool *parts = engine->all.parts;
    return (double)pool_bytes(&parts[0]) + (double)pool_bytes(&parts[1]);
}

/* How many lines there may be, and what is left for parts when there are `lines`. */
static void share_memory(Engine *engine, u64 lines) {
    double memory = (double)engine->whole_room * (BYTES + beside(engine));
    double number = sizeof(u64) + beside(engine);
    double each = number + parts_bytes(engine) / (engine->used + 1.0);
    u64 most = (u64)(memory / each), room = most_known(engine->whole_room);
    engine->most_lines = lines_for((double)(most < room ? most : room));
    engine->part_bytes = memory - (double)lines * FULLEST * SLOTS * number;
}

/* Whether there is no memory, or there are no numbers, for more parts. */
static int parts_full(const Engine *engine) {
    if (!engine->all.cut) return 0;
    u64 room = parts_room(engine) - SPARE;
    return parts_bytes(engine) > engine->part_bytes || engine->all.parts[0].used > room ||
           engine->all.parts[1].used > room;
}

static int parts_crowded(const Engine *engine) {
    return engine->all.cut && (crowded(&engine->all.parts[0]) || crowded(&engine->all.parts[1]));
}

/* Nobody may be at work.  0: there is no memory. */
static int more_room_for_parts(Engine *engine) {
    for (int side = 0; side < 2; side++)
        if (engine->all.cut && crowded(&engine->all.parts[side]) &&
            !more_slots(&engine->all.parts[side]))
            return 0;
    return 1;
}

/* Give back the memory behind the first `used` bytes of the states. */
static void trim(Engine *engine, u64 used) {
    u64 page = (u64)sysconf(_SC_PAGESIZE), from = (used + page - 1) / page * page;
    u64 end = (engine->whole_room + 1) * BYTES;
    if (from < end) madvise(engine->all.bytes + from, end - from, MADV_DONTNEED);
}

/* Cut all states, if that is worth it.  Nobody may be at work. */
static void cut_states(Engine *engine) {
    States *all = &engine->all;
    u64 cut = best_cut(all->bytes, engine->used), room = parts_room(engine);
    if (!cut) return;
    if (!pool_begin(&all->parts[0], cut, room) || !pool_begin(&all->parts[1], BYTES - cut, room)) {
        pool_end(&all->parts[0], room);
        return;
    }
    /* Two numbers are no longer than a state: those not read yet are not written over. */
    for (u64 n = 0; n < engine->used; n++) {
        u8 state[BYTES];
        memcpy(state, all->bytes + n * BYTES, BYTES);
        ((u64 *)all->bytes)[n] = number_parts(all->parts, state);
        for (int side = 0; side < 2; side++)
            if (crowded(&all->parts[side]) && !more_slots(&all->parts[side])) abort();
    }
    all->cut = cut;
    all->room = most_known(engine->whole_room);
    trim(engine, engine->used * sizeof(u64));
}

/* There are no states in memory any more, and those to come are whole. */
static void forget_parts(Engine *engine) {
    States *all = &engine->all;
    for (int side = 0; side < 2; side++) pool_end(&all->parts[side], parts_room(engine));
    all->cut = 0;
    all->room = engine->whole_room;
    engine->most_lines = lines_for((double)all->room);
    trim(engine, 0);
}

/* Whether memory has room for so many more states that are put back. */
static int room_to_restore(Engine *engine, u64 count) {
    States *all = &engine->all;
    if (!all->cut && engine->used >= TRAINING && engine->used + count > all->room)
        cut_states(engine);
    if (all->cut) share_memory(engine, lines_for(engine->used + count));
    return engine->used + count <= all->room && !parts_full(engine);
}

/* Whole states from a number on, at most BLOCK.  They stay until the worker asks for others. */
static const u8 *joined(Worker *worker, u64 number, u64 count) {
    const States *all = &worker->engine->all;
    if (!worker->block && !(worker->block = malloc(BLOCK * BYTES))) abort();
    for (u64 i = 0; i < count; i++)
        load_parts(all->parts, ((const u64 *)all->bytes)[number + i], worker->block + i * BYTES);
    return worker->block;
}

#else

static int more_room_for_parts(Engine *engine) { return 1; }

static int room_to_restore(const Engine *engine, u64 count) {
    return engine->used + count <= engine->all.room;
}

#endif
#endif
