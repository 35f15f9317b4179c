/* A compiled model: its states as numbers, for the search that asks which of them follow.

   Behind the C of the model's actions (`model_step`, of states of NW words), and kernel/0_limits.c. */

#define MOST_STATES 0x7FFFFFF0u
#define LOOK_FROM (1u << 16) /* so many states, and memory is looked at when there are to be more */
enum { FINE, FAILED, FULL, TOO_MANY }; /* FAILED: a step is an error of the model */

typedef struct {
    const u32 *first, *action; /* of each kind the first of its bindings, of each its action */
    const u64 *arguments;      /* of each binding */
    u32 argument_words;
    u64 *states;
    u32 count, room;
    u32 *slots, slot_count;    /* numbers plus 1; 0 is an empty slot */
    u32 *answer, most;
    u64 memory_limit;          /* of the process, 0: none */
    u32 failure, failed_state, failed_binding;
} Compiled;

static u64 hashed(const u64 *s) {
    u64 h = 0;
    for (u32 i = 0; i < NW; i++) {
        h = (h ^ s[i]) * 0x9E3779B97F4A7C15ull;
        h ^= h >> 32;
    }
    return h * 0xD6E8FEB86659FD93ull >> 20;
}

static int grow(Compiled *c) {
    u32 room = c->room * 2;
    u64 more = (u64)room * (NW * 8 + 8);
    if (room >= MOST_STATES / 2) return 0;
    if (c->memory_limit && room > LOOK_FROM && resident() + more > c->memory_limit) return 0;
    u64 *states = realloc(c->states, (u64)room * NW * 8);
    if (!states) return 0;
    c->states = states;
    u32 *slots = calloc(2ull * room, 4);
    if (!slots) return 0;
    free(c->slots);
    c->slots = slots;
    c->slot_count = 2 * room;
    c->room = room;
    for (u32 i = 0; i < c->count; i++) {
        u32 at = hashed(states + (u64)i * NW) & (c->slot_count - 1);
        while (slots[at]) at = (at + 1) & (c->slot_count - 1);
        slots[at] = i + 1;
    }
    return 1;
}

/* The number of a state; MOST_STATES: there is no memory for it. */
static u32 number_of(Compiled *c, const u64 *s) {
    u32 at = hashed(s) & (c->slot_count - 1);
    for (; c->slots[at]; at = (at + 1) & (c->slot_count - 1))
        if (!memcmp(c->states + (u64)(c->slots[at] - 1) * NW, s, NW * 8)) return c->slots[at] - 1;
    if (c->count == c->room) {
        if (!grow(c)) return MOST_STATES;
        at = hashed(s) & (c->slot_count - 1);
        while (c->slots[at]) at = (at + 1) & (c->slot_count - 1);
    }
    memcpy(c->states + (u64)c->count * NW, s, NW * 8);
    c->slots[at] = ++c->count;
    return c->count - 1;
}

void compiled_free(Compiled *c) {
    if (!c) return;
    free(c->states);
    free(c->slots);
    free(c);
}

/* `answer` has room for `most` numbers.  The arrays are the caller's, and stay. */
Compiled *compiled_new(const u32 *first, const u32 *action, const u64 *arguments,
                       u32 argument_words, const u64 *initial, u32 *answer, u32 most) {
    Compiled *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->first = first;
    c->action = action;
    c->arguments = arguments;
    c->argument_words = argument_words;
    c->answer = answer;
    c->most = most;
    c->room = 512;
    if (!grow(c)) { compiled_free(c); return NULL; }
    number_of(c, initial);
    return c;
}

void compiled_limit(Compiled *c, u64 memory) { c->memory_limit = memory; }
const u64 *compiled_state(const Compiled *c, u32 state) { return c->states + (u64)state * NW; }

/* What went wrong, and where. */
u32 compiled_failure(Compiled *c, u32 *state, u32 *binding) {
    u32 failure = c->failure;
    *state = c->failed_state;
    *binding = c->failed_binding;
    c->failure = FINE;
    return failure;
}

/* As `Ask` of kernel/1_transitions.c says. */
int compiled_ask(void *asked, u32 state, u32 kind) {
    Compiled *c = asked;
    u32 found = 0;
    for (u32 binding = c->first[kind]; binding < c->first[kind + 1]; binding++) {
        u64 to[NW];
        const u64 *from = c->states + (u64)state * NW;
        const u64 *arguments = c->arguments + (u64)binding * c->argument_words;
        int status = model_step(from, c->action[binding], arguments, to);
        if (status == BLOCKED || status == PRUNED) continue;
        u32 number = MOST_STATES;
        if (status != DONE) c->failure = FAILED;
        else if ((number = number_of(c, to)) == MOST_STATES) c->failure = FULL;
        u32 i = 0;
        while (i < found && c->answer[i] != number) i++;
        if (!c->failure && i == found && found == c->most) c->failure = TOO_MANY;
        if (c->failure) {
            c->failed_state = state;
            c->failed_binding = binding;
            return -1;
        }
        if (i == found) c->answer[found++] = number;
    }
    return (int)found;
}

/* All transitions of all states that can be reached: `table[state * kinds + kind]`, or NONE.  How many
   states there are; 0: more than `most`, or several follow an operation, or a step is an error. */
u32 compiled_complete(Compiled *c, u32 kinds, u32 most, u32 *table) {
    for (u32 state = 0; state < c->count; state++) {
        if (c->count > most) return 0;
        for (u32 kind = 0; kind < kinds; kind++) {
            int found = compiled_ask(c, state, kind);
            if (found < 0) c->failure = FINE;
            if (found < 0 || found > 1) return 0;
            table[(u64)state * kinds + kind] = found ? c->answer[0] : 0xFFFFFFFFu;
        }
    }
    return c->count;
}
