/* Refinement: is every step here a step of another model, or none?
 *
 * A step is looked at if it changes bits that the image depends on, and the image.  What the other
 * model allows is found by expanding the image there; pairs of images that were found to be
 * allowed are remembered, as many as there is room for.
 */
#ifndef QUORATE_REFINE_H
#define QUORATE_REFINE_H

#include "model.h"

enum { REMEMBERED_BYTES = 1 << 20 }; /* of each worker, for each other model */

typedef struct Refinement {
    const Image *image;
    const Model *other;
    u32 steps;       /* a step here may be so many there */
    u32 what;        /* under this number it is reported */
    u64 *remembered; /* pairs of images; of a slot that is free, both are the same */
    u64 room;        /* for so many pairs, a power of two */
    u64 *before, *after;
    u8 know_before;  /* whether `before` is the image of the state that is expanded now, */
    u8 has_before;   /* and whether it has one */
    Out there;
} Refinement;

static inline int same_words(const u64 *a, const u64 *b, u32 words) {
    u64 differs = 0;
    for (u32 i = 0; i < words; i++) differs |= a[i] ^ b[i];
    return !differs;
}

static void refinement_begin(Refinement *r, const Image *image, const Model *other, u32 steps,
                             u32 what) {
    size_t size = image->words * sizeof(u64);
    r->image = image;
    r->other = other;
    r->steps = steps;
    r->what = what;
    r->room = 1;
    while (r->room * 4 * size <= REMEMBERED_BYTES) r->room *= 2;
    r->remembered = calloc(2 * r->room, size);
    r->before = calloc(1, size);
    r->after = calloc(1, size);
    r->there.actions = calloc(other->actions + 1, sizeof(u64));
    r->there.taken = calloc(other->taken + 1, 1);
    if (!r->remembered || !r->before || !r->after) abort();
}

static void refinement_end(Refinement *r) {
    free(r->remembered), free(r->before), free(r->after);
    free(r->there.next), free(r->there.actions), free(r->there.taken);
}

/* Add the successors of an image to `there`. */
static int expand_there(Refinement *r, const u64 *image) {
    Out *out = &r->there;
    u32 words = r->image->words;
    if (out->room - out->count < r->other->most) {
        out->room = out->room * 2 + r->other->most;
        out->next = realloc(out->next, (size_t)out->room * words * sizeof(u64));
        if (!out->next) abort();
    }
    out->failed = 0;
    r->other->expand(image, out);
    return !out->failed;
}

/* Whether at most so many steps there lead from `before` to `after`: the successors' successors,
 * and so on, as far as needed. */
static int allowed_there(Refinement *r) {
    u32 words = r->image->words;
    Out *out = &r->there;
    out->count = 0;
    if (!expand_there(r, r->before)) return 0;
    u32 done = 0, level_end = out->count, step = 1;
    for (;;) {
        for (u32 i = done; i < level_end; i++)
            if (same_words(out->next + (size_t)i * words, r->after, words)) return 1;
        if (step++ == r->steps || done == level_end) return 0;
        for (u32 end = level_end; done < end; done++) {
            u64 image[words];
            memcpy(image, out->next + (size_t)done * words, sizeof image);
            if (!expand_there(r, image)) return 0;
        }
        level_end = out->count;
    }
}

static int refinement_allows(Refinement *r, const u64 *s, const u64 *t) {
    u64 differs = 0;
    for (int i = 0; i < NW; i++) differs |= (s[i] ^ t[i]) & r->image->reads[i];
    if (!differs) return 1;
    if (!r->know_before) {
        r->know_before = 1;
        r->has_before = (u8)r->image->of(s, r->before);
    }
    if (!r->has_before || !r->image->of(t, r->after)) return 1; /* that is reported by itself */
    u32 words = r->image->words;
    size_t size = words * sizeof(u64);
    if (same_words(r->before, r->after, words)) return 1;
    u64 hash = 0;
    for (u32 i = 0; i < words; i++)
        hash = folded(hash ^ r->before[i], r->after[i] ^ 0xd1b54a32d192ed03u);
    u64 *pair = r->remembered + (folded(hash, 0xe7037ed1a0b428dbu) & (r->room - 1)) * 2 * words;
    if (same_words(pair, r->before, words) && same_words(pair + words, r->after, words)) return 1;
    if (!allowed_there(r)) return 0;
    memcpy(pair, r->before, size);
    memcpy(pair + words, r->after, size);
    return 1;
}

#endif
