/* What a search consists of, to be written down and put back: states by number, where its levels
 * begin, what was counted, what was reported.  `engine_settle` and `engine_resume` in `explore.c`
 * are the other half; `checkpoint.py` writes the file.
 */
#ifndef QUORATE_CHECKPOINT_H
#define QUORATE_CHECKPOINT_H

#include "disk.h"

/* Where each level begins, and where the last one ends: depth + 2 numbers. */
void engine_starts(const Engine *engine, u64 *starts, u64 *cursor) {
    memcpy(starts, engine->starts, (engine->depth + 2) * sizeof(u64));
    *cursor = engine->cursor;
}

/* Copy `count` states from a number on, BYTES each.  0: they cannot be read. */
int engine_states(Engine *engine, u64 number, u64 count, u8 *to) {
    while (count) {
        u64 some = count < BLOCK ? count : BLOCK;
        const u8 *bytes = states_from(&engine->workers[0], number, some);
        if (!bytes) return 0;
        memcpy(to, bytes, some * BYTES);
        to += some * BYTES;
        number += some;
        count -= some;
    }
    return 1;
}

/* Put back states, which follow those before.  0: they cannot be written; 2: memory has no room
 * for them, and there is no file yet. */
int engine_restore(Engine *engine, u8 *states, u64 count) {
    Disk *disk = &engine->disk;
    if (disk->file >= 0) {
        u64 number = disk->count;
        disk->count = disk->written = number + count;
        return disk_move(engine, 1, states, number, count);
    }
    if (!room_to_restore(engine, count)) return 2;
    for (; count; count--, states += BYTES) {
        u64 s[NW];
        s[NW - 1] = 0;
        memcpy(s, states, BYTES);
        store_state(&engine->all, engine->used++, s, 0);
        if (engine->used % BLOCK == 0 && !more_room_for_parts(engine)) return 2;
    }
    return 1;
}

/* Put back what was counted, and the goals that are open. */
void engine_restore_counts(Engine *engine, const u64 *actions, const u8 *taken, const u64 *open,
                           u64 extended, int cut, int failed) {
    Worker *worker = &engine->workers[0];
    memcpy(worker->out.actions, actions, engine->model->actions * sizeof(u64));
    memcpy(worker->out.taken, taken, engine->model->taken);
    memcpy(engine->open, open, engine->goal_words * sizeof(u64));
    for (u32 i = 0; i < engine->worker_count; i++)
        memcpy(engine->workers[i].open, open, engine->goal_words * sizeof(u64));
    worker->extended = extended;
    worker->cut = (u8)cut;
    worker->failed = (u8)failed;
}

/* Put back what was reported under `what`; `t`: NULL unless it was a step. */
void engine_restore_found(Engine *engine, u32 what, const u64 *s, const u64 *t, u32 level) {
    note(&engine->found[what], s, t, level);
}

#endif
