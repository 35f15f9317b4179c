/* A search: its workers, what they found, and the phases in which they work together. */
#ifndef QUORATE_ENGINE_H
#define QUORATE_ENGINE_H

#include "states.h"
#include "reduce.h"
#include "refine.h"
#include <pthread.h>
#include <time.h>

enum {
    BATCH = 32,             /* states that are expanded together */
    STAGES = 2,             /* expanded, and their lines fetched; looked up */
    BLOCK = 1024,           /* states that a worker takes, and reads, at once, at most */
    CHUNK = 1024,           /* numbers that a worker takes at once: with fewer, two workers would write
                               to the same cache lines, which costs an eighth of the time */
    SMALL_LEVEL = 4096,     /* so many states are left to one worker */
    RECENT = 1 << 12,
    FEW_LINES = 1 << 15,    /* up to here the table grows sixteenfold: all is put into it anew */
    MANY_LINES = 1 << 19    /* from here on it doubles */
};
#ifndef FIRST_LINES
#define FIRST_LINES (5u << 12)
#endif
#ifndef FULLEST
#error "FULLEST: the share of the table's slots that is used before it grows"
#endif

typedef enum Status { RUNNING, LEVEL_DONE, COMPLETE, FULL, NO_MEMORY, NEED_DISK, DISK_FAILED } Status;

/* What was reported under one number: the least state (and step), and whether there is one. */
typedef struct Found {
    u64 s[NW], t[NW];
    u32 level;
    u8 any, step;
} Found;

/* The file that holds all states, once memory does not (`disk.h`). */
typedef struct Disk {
    int file;           /* -1: none, all states are in memory */
    int error;          /* errno of what failed; 0: nothing */
    u64 count, written; /* states in the file; with those that are being added */
    u32 sifted;         /* the states in memory from this number on may be old or new */
    u64 *old;           /* while they are sifted: a bit for each that is old */
    enum { IDLE, STRIKING, KEEPING } stage;
    u64 cursor;         /* how far this stage has come */
} Disk;

struct Engine;

/* The successors of a batch, on their way into the table. */
typedef struct Batch {
    u64 *next, *hashes;
    u32 count, room, hash_room;
    u32 looked;  /* so many were looked up */
    u32 parents; /* the states that were expanded for it */
} Batch;

typedef struct Worker {
    Report report; /* first, so that a pointer to it is one to the worker */
    struct Engine *engine;
    Out out;
    Found *found;
    u64 *open;
    Batch batches[STAGES];
    u32 turn;                   /* of the batch to be expanded next */
    u64 extended;
    u32 next_number, chunk_end; /* the numbers taken and not used yet */
    u64 at, end;                /* the states of its block not expanded yet */
    Found before;
    u64 (*recent)[NW];          /* some of the states met last, by hash */
    Refinement *refinements;    /* one for each of the model's images */
    Chooser chooser;            /* if the model is reduced */
    u8 *block;                  /* states read from the disk, and their numbers */
    u64 block_from, block_end;
    u8 *fresh;                  /* new states to be written to the disk */
    u32 fresh_count;
    u8 cut, failed;
    pthread_t thread;
    u32 id;
} __attribute__((aligned(64))) Worker;

#define OWN_LINE __attribute__((aligned(64)))

typedef struct Engine {
    const Model *model;
    States all;
    u32 worker_count, what_count, goal_words;
    u32 deadlock, error, no_room; /* under these numbers they are reported; ~0: it is not */
    Worker *workers;
    u64 *starts; /* where each level begins */
    u32 depth, start_room;
    u64 most;       /* states, at most, */
    u8 *settled; /* by number, if the model is reduced: see `ahead` in explore.c */
    u64 most_lines; /* and lines of the table */
    u64 whole_room; /* whole states that memory has room for: a measure of memory */
    double part_bytes; /* what parts of states may take */

    /* The phase that the workers are in. */
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    u32 phase_number, busy;
    void (*phase)(Worker *);
    u32 phase_workers;
    u8 quit;

    /* What all workers write now and then is away from what they only read. */
    u64 cursor OWN_LINE; /* the next state to be expanded */
    u32 used OWN_LINE;   /* numbers taken so far */
    u64 capacity OWN_LINE; /* how many may be, before the table must grow */
    u64 level_end;       /* the first state of the next level */
    u32 block;
    volatile u8 pause;
    double deadline;
    Found *found;
    u64 *open;
    const u64 *wanted;   /* a search for a state before this one */
    Disk disk;
} Engine;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ------------------------------------------------------------------ what is reported */

static int less(const u64 *a, const u64 *b) {
    for (int i = 0; i < NW; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return 0;
}

static void note(Found *held, const u64 *s, const u64 *t, u32 level) {
    int better = !held->any || level < held->level ||
                 (level == held->level &&
                  (less(s, held->s) || (t && !less(held->s, s) && less(t, held->t))));
    if (!better) return;
    held->any = 1;
    held->step = t != NULL;
    held->level = level;
    memcpy(held->s, s, sizeof held->s);
    if (t) memcpy(held->t, t, sizeof held->t);
}

/* The level of a state that is reported: of one that is expanded, this one; of a new one, the
 * next.  Workers are told by `judging`. */
static __thread u32 seen_at;

static void see(Report *to, u32 what, const u64 *s, const u64 *t) {
    note(&((Worker *)to)->found[what], s, t, seen_at);
}

/* ------------------------------------------------------------------ phases */

static void *work(void *argument) {
    Worker *worker = argument;
    Engine *engine = worker->engine;
    u32 seen = 0;
    for (;;) {
        pthread_mutex_lock(&engine->lock);
        while (engine->phase_number == seen && !engine->quit)
            pthread_cond_wait(&engine->begin, &engine->lock);
        seen = engine->phase_number;
        int quit = engine->quit;
        pthread_mutex_unlock(&engine->lock);
        if (quit) return NULL;
        engine->phase(worker);
        pthread_mutex_lock(&engine->lock);
        if (--engine->busy == 0) pthread_cond_signal(&engine->end);
        pthread_mutex_unlock(&engine->lock);
    }
}

/* Let all workers do something, and wait for them. */
static void together(Engine *engine, void (*phase)(Worker *), int alone) {
    if (alone || engine->worker_count == 1) {
        engine->phase_workers = 1;
        phase(&engine->workers[0]);
        return;
    }
    pthread_mutex_lock(&engine->lock);
    engine->phase = phase;
    engine->phase_workers = engine->worker_count;
    engine->busy = engine->worker_count - 1;
    engine->phase_number++;
    pthread_cond_broadcast(&engine->begin);
    pthread_mutex_unlock(&engine->lock);
    phase(&engine->workers[0]);
    pthread_mutex_lock(&engine->lock);
    while (engine->busy) pthread_cond_wait(&engine->end, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
}

#endif
