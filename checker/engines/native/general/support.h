/* What every generated model needs. */

/* Parts of a value that are not in use are not set; what a spec says needlessly, stays. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wtautological-compare"
#pragma GCC diagnostic ignored "-Wunused-const-variable"

typedef int16_t i16;

/* How the run of a function ended. */
enum {
    DONE,     /* to its end */
    BLOCKED,  /* a guard failed, or a value left a domain that blocks: no step */
    PRUNED,   /* a value left a domain that prunes: no step, and the state is cut off */
    WHOLE,    /* what narrows a parameter cannot be evaluated: walk the whole domains */
    ERROR,    /* a model error */
    NO_ROOM   /* a number or a container grew beyond what this library holds */
};

/* An absent value, where the type has small values: no number in use is as low. */
#define NONE (-32768)

/* As deep as calls of a function by itself may go. */
#define DEEPEST 800

/* As many members a set may have whose subsets are walked. */
#define MOST_CHOSEN 20

/* ---- numbers: as in Python, // and % round towards minus infinity ---- */

static inline i64 floor_div(i64 a, i64 b) {
    i64 q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static inline i64 floor_mod(i64 a, i64 b) {
    i64 r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/* An index or an end of a slice, as a place among `n` items. */
static inline i64 clamped(i64 at, i64 n) {
    if (at < 0) at += n;
    return at < 0 ? 0 : at > n ? n : at;
}

static inline int compare(i64 a, i64 b) { return (a > b) - (a < b); }

/* ---- bit sets of a fixed number of words ---- */

static inline int has_bit(const u64 *w, u32 i) { return w[i >> 6] >> (i & 63) & 1; }
static inline void set_bit(u64 *w, u32 i) { w[i >> 6] |= (u64)1 << (i & 63); }
static inline void clear_bit(u64 *w, u32 i) { w[i >> 6] &= ~((u64)1 << (i & 63)); }

/* The first bit at `from` or after it that is set; `n` * 64 if there is none. */
static inline u32 next_bit(const u64 *w, u32 n, u32 from) {
    for (u32 word = from >> 6; word < n; word++) {
        u64 left = word == from >> 6 ? w[word] >> (from & 63) << (from & 63) : w[word];
        if (left) return word * 64 + (u32)__builtin_ctzll(left);
    }
    return n * 64;
}

static inline i64 count_bits(const u64 *w, u32 n) {
    i64 count = 0;
    for (u32 i = 0; i < n; i++) count += __builtin_popcountll(w[i]);
    return count;
}

static inline int same_bits(const u64 *a, const u64 *b, u32 n) {
    u64 different = 0;
    for (u32 i = 0; i < n; i++) different |= a[i] ^ b[i];
    return !different;
}

static inline int subset_bits(const u64 *a, const u64 *b, u32 n) {
    u64 beyond = 0;
    for (u32 i = 0; i < n; i++) beyond |= a[i] & ~b[i];
    return !beyond;
}

/* Canonical order: smaller sets first, then by the first member that only one of them has. */
static inline int compare_bits(const u64 *a, const u64 *b, u32 n) {
    int by_size = compare(count_bits(a, n), count_bits(b, n));
    if (by_size) return by_size;
    for (u32 i = 0; i < n; i++) {
        u64 different = a[i] ^ b[i];
        if (different) return a[i] & (different & -different) ? -1 : 1;
    }
    return 0;
}

/* ---- packed states: `bits` bits from the bit `at` on; what is not written is zero ---- */

static inline u64 low_bits(u32 bits) { return bits >= 64 ? ~(u64)0 : ((u64)1 << bits) - 1; }

static inline void put(u64 *w, u32 at, u32 bits, u64 value) {
    if (bits == 0) return;
    u32 shift = at & 63;
    w[at >> 6] |= value << shift;
    if (shift + bits > 64) w[(at >> 6) + 1] |= value >> (64 - shift);
}

static inline u64 take(const u64 *w, u32 at, u32 bits) {
    if (bits == 0) return 0;
    u32 shift = at & 63;
    u64 value = w[at >> 6] >> shift;
    if (shift + bits > 64) value |= w[(at >> 6) + 1] << (64 - shift);
    return value & low_bits(bits);
}

/* Make room for a field that is written again. */
static inline void wipe(u64 *w, u32 at, u32 bits) {
    for (u32 end = at + bits; at < end;) {
        u32 shift = at & 63, some = 64 - shift < end - at ? 64 - shift : end - at;
        w[at >> 6] &= ~(low_bits(some) << shift);
        at += some;
    }
}

/* ---- numbers without bounds: nonzero where the result is too large to be held ---- */

#define LARGEST ((i64)1 << 62)

static inline int too_large(i64 x) { return x >= LARGEST || x <= -LARGEST; }

static inline int add_large(i64 a, i64 b, i64 *sum) {
    return __builtin_add_overflow(a, b, sum) || too_large(*sum);
}

static inline int subtract_large(i64 a, i64 b, i64 *difference) {
    return __builtin_sub_overflow(a, b, difference) || too_large(*difference);
}

static inline int multiply_large(i64 a, i64 b, i64 *product) {
    return __builtin_mul_overflow(a, b, product) || too_large(*product);
}
