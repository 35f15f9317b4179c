/* The search goes on when memory is full: all states are in a file, memory holds some of them.
 *
 * The file holds the states in the order of their numbers, so a level is one piece of it, and is
 * read in order when it is expanded.  The table in memory holds states that were met lately.  A
 * successor that is not in the table is put there and is a candidate: it may be new, or be an old
 * state that memory does not hold.  When memory is full, and at the end of each level, the
 * candidates are sifted: the whole file is read once, each of its states is looked for in the
 * table, and the candidates found so are struck out.  The others are new: they are judged and
 * added to the file.  Nothing is lost and nothing is guessed, so the answer is the same as with
 * enough memory (Korf, "Delayed duplicate detection", 2003).
 *
 * A file that cannot be read or written ends the search: `Disk.error` says why.
 */
#ifndef QUORATE_DISK_H
#define QUORATE_DISK_H

#include "engine.h"
#include "cut.h"
#include <errno.h>
#include <unistd.h>

enum { SIFTED_AT_ONCE = 8 * BLOCK };

/* Read or write whole states.  0: that failed. */
static int disk_move(Engine *engine, int writing, u8 *bytes, u64 number, u64 count) {
    size_t left = count * BYTES;
    off_t at = (off_t)(number * BYTES);
    while (left) {
        ssize_t done = writing ? pwrite(engine->disk.file, bytes, left, at)
                               : pread(engine->disk.file, bytes, left, at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            engine->disk.error = done ? errno : EIO;
            return 0;
        }
        bytes += done;
        at += done;
        left -= (size_t)done;
    }
    return 1;
}

/* The states from a number on, BYTES each: as many as asked for, at most BLOCK.  They stay until
 * the worker asks for others.  NULL: they cannot be read. */
static const u8 *states_from(Worker *worker, u64 number, u64 count) {
    Engine *engine = worker->engine;
#if PARTS
    if (engine->all.cut) return joined(worker, number, count);
#endif
    if (engine->disk.file < 0) return engine->all.bytes + number * BYTES;
    if (number < worker->block_from || number + count > worker->block_end) {
        u64 end = number + BLOCK < engine->disk.count ? number + BLOCK : engine->disk.count;
        worker->block_end = 0;
        if (!disk_move(engine, 0, worker->block, number, end - number)) return NULL;
        worker->block_from = number;
        worker->block_end = end;
    }
    return worker->block + (number - worker->block_from) * BYTES;
}

/* ------------------------------------------------------------------ sifting */

/* Strike out the candidates that are in this piece of the file. */
static int strike_piece(Worker *worker, u64 from, u64 end) {
    enum { AHEAD = 16 };
    Engine *engine = worker->engine;
    Disk *disk = &engine->disk;
    u64 hashes[BLOCK];
    while (from < end) {
        u64 count = end - from < BLOCK ? end - from : BLOCK, s[NW];
        const u8 *bytes = states_from(worker, from, count);
        if (!bytes) return 0;
        for (u64 i = 0; i < count; i++) {
            unpack(bytes + i * BYTES, s);
            fetch_line(&engine->all, hashes[i] = hash_of(s));
        }
        for (u64 i = 0; i < count + AHEAD; i++) {
            if (i < count) fetch_state(&engine->all, hashes[i]);
            if (i < AHEAD) continue;
            unpack(bytes + (i - AHEAD) * BYTES, s);
            u32 number = find_or_add(&engine->all, s, hashes[i - AHEAD], MOST_STATES);
            if (number == MOST_STATES || number < disk->sifted) continue;
            u32 bit = number - disk->sifted;
            __atomic_fetch_or(&disk->old[bit / 64], 1ull << bit % 64, __ATOMIC_RELAXED);
        }
        from += count;
    }
    return 1;
}

static void strike(Worker *worker) {
    Disk *disk = &worker->engine->disk;
    do {
        u64 from = __atomic_fetch_add(&disk->cursor, SIFTED_AT_ONCE, __ATOMIC_RELAXED);
        if (from >= disk->count) return;
        u64 end = from + SIFTED_AT_ONCE < disk->count ? from + SIFTED_AT_ONCE : disk->count;
        if (!strike_piece(worker, from, end)) return;
    } while (!disk->error && now() < worker->engine->deadline);
}

/* Judge this worker's new states and write them, up to the most that are allowed. */
static int write_fresh(Worker *worker) {
    Engine *engine = worker->engine;
    u64 count = worker->fresh_count, s[NW];
    worker->fresh_count = 0;
    u64 number = __atomic_fetch_add(&engine->disk.written, count, __ATOMIC_RELAXED);
    if (number >= engine->most) return 1;
    if (count > engine->most - number) count = engine->most - number;
    seen_at = engine->depth + 1;
    for (u64 i = 0; i < count; i++) {
        unpack(worker->fresh + i * BYTES, s);
        engine->model->judge(s, worker->open, &worker->report);
    }
    return disk_move(engine, 1, worker->fresh, number, count);
}

static void keep_new(Worker *worker) {
    Engine *engine = worker->engine;
    Disk *disk = &engine->disk;
    do {
        u64 from = __atomic_fetch_add(&disk->cursor, SIFTED_AT_ONCE, __ATOMIC_RELAXED);
        if (from >= engine->used) break;
        u64 end = from + SIFTED_AT_ONCE < engine->used ? from + SIFTED_AT_ONCE : engine->used;
        for (u64 i = from; i < end; i++) {
            u64 bit = i - disk->sifted;
            if (disk->old[bit / 64] >> bit % 64 & 1) continue;
            memcpy(worker->fresh + (u64)worker->fresh_count * BYTES, engine->all.bytes + i * BYTES,
                   BYTES);
            if (++worker->fresh_count == BLOCK && !write_fresh(worker)) return;
        }
    } while (!disk->error && now() < engine->deadline);
    write_fresh(worker);
}

/* Sift the candidates, as far as time allows.  0: there is more to do, or it failed. */
static int sifted(Engine *engine) {
    Disk *disk = &engine->disk;
    if (disk->stage == IDLE) {
        if (disk->sifted == engine->used) return 1;
        disk->old = calloc((engine->used - disk->sifted) / 64 + 1, sizeof(u64));
        if (!disk->old) abort();
        disk->cursor = 0;
        disk->stage = STRIKING;
    }
    if (disk->stage == STRIKING) {
        together(engine, strike, disk->count - disk->cursor < SMALL_LEVEL);
        if (disk->error || disk->cursor < disk->count) return 0;
        disk->cursor = disk->sifted;
        disk->stage = KEEPING;
    }
    together(engine, keep_new, engine->used - disk->cursor < SMALL_LEVEL);
    if (disk->error || disk->cursor < engine->used) return 0;
    disk->count = disk->written < engine->most ? disk->written : engine->most;
    disk->sifted = engine->used;
    disk->stage = IDLE;
    free(disk->old);
    disk->old = NULL;
    return 1;
}

/* Keep only the half of the states that memory holds which were met last.  The table must be made
 * again.  0: all of them are candidates. */
static void forget_old(Engine *engine) {
    u64 kept = engine->capacity / 2;
    if (engine->used <= kept) return;
    memmove(engine->all.bytes, engine->all.bytes + (engine->used - kept) * BYTES, kept * BYTES);
    engine->used = engine->disk.sifted = (u32)kept;
}

/* ------------------------------------------------------------------ from memory to the disk */

#if PARTS
/* Write all states, and have as many of the last of them in memory, whole, as there is room for. */
static int disk_begin_cut(Engine *engine) {
    u64 used = engine->used, kept = engine->whole_room / 2;
    if (kept > used) kept = used;
    for (u64 from = 0; from < used; from += BLOCK) {
        u64 count = used - from < BLOCK ? used - from : BLOCK;
        u8 *bytes = (u8 *)joined(&engine->workers[0], from, count);
        if (!disk_move(engine, 1, bytes, from, count)) return 0;
    }
    forget_parts(engine);
    engine->used = engine->disk.sifted = (u32)kept;
    return disk_move(engine, 0, engine->all.bytes, used - kept, kept);
}
#endif

/* From now on the states are in this file, which is empty and open.  0: that failed. */
static int disk_begin(Engine *engine, int file) {
    Disk *disk = &engine->disk;
    disk->file = file;
    disk->count = disk->written = disk->sifted = engine->used;
    for (u32 i = 0; i < engine->worker_count; i++) {
        if (!engine->workers[i].block) engine->workers[i].block = malloc(BLOCK * BYTES);
        engine->workers[i].fresh = malloc(BLOCK * BYTES);
    }
#if PARTS
    if (engine->all.cut) return disk_begin_cut(engine);
#endif
    return disk_move(engine, 1, engine->all.bytes, 0, engine->used);
}

#endif
