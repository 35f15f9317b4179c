/* JSON lines of a history, as columns of numbers: see scan.py.
 *
 * Only lines of the plain form are taken; at anything else `scan` gives up, and the block of lines
 * is decoded by the library for JSON, which also finds the words for what is wrong.  What is a text or
 * a number is not looked at here: each part of a line is interned as the bytes that it is, and all
 * different ones are decoded, once, by that library.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESS, F, KEY, VALUE, OTHER, TABLES };
enum { OK, INFO, FAIL, INVOKE };

#define NO_TIME INT64_MIN
#define MOST_DIGITS 18

typedef struct {
    char *bytes;       /* the texts, each with a newline after it */
    uint64_t used, room;
    uint64_t *begin;   /* of each text; begin[count] == used */
    uint32_t *hashes;
    uint32_t count, most;
    uint32_t *slots;   /* number + 1, 0 if free */
    uint32_t mask;
} Table;

typedef struct {
    Table tables[TABLES];
    uint32_t before[TABLES]; /* texts before the block that was scanned last */
} Scanner;

typedef struct {
    const char *at;
    uint64_t length;
} Span;

/* ---------------------------------------------------------------------------- interning */

static uint32_t hash_of(const char *at, uint64_t length) {
    uint64_t hash = length * 0x9E3779B97F4A7C15u, word;
    for (; length >= 8; at += 8, length -= 8) {
        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, at, length);
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
    hash *= 0xD6E8FEB86659FD93u;
    return (uint32_t)(hash >> 32);
}

static void place(Table *table, uint32_t number) {
    uint32_t slot = table->hashes[number] & table->mask;
    while (table->slots[slot]) slot = (slot + 1) & table->mask;
    table->slots[slot] = number + 1;
}

static int rebuilt(Table *table, uint32_t slots) {
    uint32_t *fresh = calloc(slots, sizeof *fresh);
    if (!fresh) return 0;
    free(table->slots);
    table->slots = fresh;
    table->mask = slots - 1;
    for (uint32_t number = 0; number < table->count; number++) place(table, number);
    return 1;
}

/* Room for one more text of this length. */
static int roomy(Table *table, uint64_t length) {
    if (table->used + length + 1 > table->room) {
        uint64_t room = 2 * (table->used + length + 1) + 4096;
        char *bytes = realloc(table->bytes, room);
        if (!bytes) return 0;
        table->bytes = bytes;
        table->room = room;
    }
    if (table->count == table->most) {
        if (table->most >= 1u << 30) return 0;
        uint32_t most = 2 * table->most + 64;
        uint64_t *begin = realloc(table->begin, (most + 1) * sizeof *begin);
        if (begin) table->begin = begin;
        uint32_t *hashes = realloc(table->hashes, most * sizeof *hashes);
        if (hashes) table->hashes = hashes;
        if (!begin || !hashes) return 0;
        table->most = most;
    }
    if (!table->slots || 2 * (table->count + 1) > table->mask)
        return rebuilt(table, table->slots ? 2 * (table->mask + 1) : 256);
    return 1;
}

/* The number of a text, -1 if there is no memory. */
static int64_t interned(Table *table, Span text) {
    uint32_t hash = hash_of(text.at, text.length);
    if (table->slots) {
        for (uint32_t slot = hash & table->mask; table->slots[slot]; slot = (slot + 1) & table->mask) {
            uint32_t number = table->slots[slot] - 1;
            if (table->hashes[number] != hash) continue;
            uint64_t begin = table->begin[number];
            if (table->begin[number + 1] - begin - 1 == text.length
                && !memcmp(table->bytes + begin, text.at, text.length))
                return number;
        }
    }
    if (!roomy(table, text.length)) return -1;
    uint32_t number = table->count;
    table->begin[number] = table->used;
    table->hashes[number] = hash;
    memcpy(table->bytes + table->used, text.at, text.length);
    table->used += text.length + 1;
    table->bytes[table->used - 1] = '\n';
    table->begin[number + 1] = table->used;
    table->count++;
    place(table, number);
    return number;
}

/* ---------------------------------------------------------------------------- parts of a line */

static const char *past_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
    return at;
}

/* After the quote that ends a text; `at` is after the one that begins it.  NULL: none on this line. */
static const char *past_text(const char *at, const char *end) {
    for (; at < end; at++) {
        if (*at == '"') return at + 1;
        if ((unsigned char)*at < 0x20) return NULL;
        if (*at == '\\' && ++at == end) return NULL;
    }
    return NULL;
}

static int is_of_number_or_name(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

static const char *past_nested(const char *at, const char *end) {
    int64_t depth = 0;
    while (at < end) {
        char c = *at++;
        if ((unsigned char)c < 0x20) return NULL;
        if (c == '"') {
            if (!(at = past_text(at, end))) return NULL;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (c == ']' || c == '}') {
            if (!--depth) return at;
        }
    }
    return NULL;
}

/* After a value, NULL if it does not look like one. */
static const char *past_value(const char *at, const char *end) {
    if (at == end) return NULL;
    if (*at == '"') return past_text(at + 1, end);
    if (*at == '[' || *at == '{') return past_nested(at, end);
    const char *begin = at;
    while (at < end && is_of_number_or_name(*at)) at++;
    return at > begin ? at : NULL;
}

static int is(Span span, const char *text) {
    return span.length == strlen(text) && !memcmp(span.at, text, span.length);
}

static int kind_of(Span span) {
    if (is(span, "\"invoke\"")) return INVOKE;
    if (is(span, "\"ok\"")) return OK;
    if (is(span, "\"fail\"")) return FAIL;
    return is(span, "\"info\"") ? INFO : -1;
}

/* An integer of few digits, or null.  0 if it is something else. */
static int time_of(Span span, int64_t *time) {
    if (is(span, "null")) return *time = NO_TIME, 1;
    int minus = span.length && *span.at == '-';
    const char *at = span.at + minus, *end = span.at + span.length;
    if (at == end || end - at > MOST_DIGITS || (*at == '0' && end - at > 1)) return 0;
    int64_t sum = 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') return 0;
        sum = sum * 10 + (*at - '0');
    }
    *time = minus ? -sum : sum;
    return 1;
}

/* ---------------------------------------------------------------------------- lines */

typedef struct {
    Span parts[TABLES];
    int kind;
    int64_t time, revision;
} Line;

static int given(Scanner *scanner, Line *line, Span name, Span value) {
    if (is(name, "process")) line->parts[PROCESS] = value;
    else if (is(name, "f")) line->parts[F] = value;
    else if (is(name, "key")) line->parts[KEY] = value;
    else if (is(name, "value")) line->parts[VALUE] = value;
    else if (is(name, "type")) return (line->kind = kind_of(value)) >= 0;
    else if (is(name, "time")) return time_of(value, &line->time);
    else if (is(name, "revision")) return time_of(value, &line->revision);
    else return interned(&scanner->tables[OTHER], value) >= 0; /* it must be JSON, that is all */
    return 1;
}

/* After the line and its newline; NULL if it is not plain. */
static const char *past_line(Scanner *scanner, const char *at, const char *end, Line *line) {
    at = past_blanks(at, end);
    if (at == end || *at++ != '{') return NULL;
    for (;;) {
        at = past_blanks(at, end);
        if (at == end || *at++ != '"') return NULL;
        Span name = {at, 0};
        while (at < end && *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\') at++;
        if (at == end || *at != '"') return NULL;
        name.length = at++ - name.at;
        at = past_blanks(at, end);
        if (at == end || *at++ != ':') return NULL;
        at = past_blanks(at, end);
        Span value = {at, 0};
        if (!(at = past_value(at, end))) return NULL;
        value.length = at - value.at;
        if (!given(scanner, line, name, value)) return NULL;
        at = past_blanks(at, end);
        if (at == end) return NULL;
        if (*at == '}') break;
        if (*at++ != ',') return NULL;
    }
    at = past_blanks(at + 1, end);
    if (at < end && *at++ != '\n') return NULL;
    return at;
}

/* Undo what the last block added. */
void scan_forget(Scanner *scanner) {
    for (int t = 0; t < TABLES; t++) {
        Table *table = &scanner->tables[t];
        if (table->count == scanner->before[t]) continue;
        table->count = scanner->before[t];
        table->used = table->begin[table->count];
        memset(table->slots, 0, (table->mask + 1) * sizeof *table->slots);
        for (uint32_t number = 0; number < table->count; number++) place(table, number);
    }
}

/* The events of whole lines: their kinds, times, revisions and, for each table but OTHER, a row
 * of numbers.
 * There is room for `most` events.  -1 if a line is not plain; then nothing was added. */
int64_t scan(Scanner *scanner, const char *at, int64_t length, int64_t most, int8_t *kinds,
             int64_t *times, int64_t *revisions, int32_t *numbers) {
    const char *end = at + length;
    int64_t row = 0;
    for (int t = 0; t < TABLES; t++) scanner->before[t] = scanner->tables[t].count;
    for (; at < end; row++) {
        static const Span null = {"null", 4};
        Line line = {{{NULL, 0}, {NULL, 0}, null, null, null}, -1, NO_TIME, NO_TIME};
        at = row < most ? past_line(scanner, at, end, &line) : NULL;
        if (!at || line.kind < 0 || !line.parts[PROCESS].at || !line.parts[F].at) goto not_plain;
        kinds[row] = (int8_t)line.kind;
        times[row] = line.time;
        revisions[row] = line.revision;
        for (int t = 0; t < OTHER; t++) {
            int64_t number = interned(&scanner->tables[t], line.parts[t]);
            if (number < 0) goto not_plain;
            numbers[t * most + row] = (int32_t)number;
        }
    }
    return row;
not_plain:
    scan_forget(scanner);
    return -1;
}

/* The texts that the last block added to a table, one a line: their bytes, and how many. */
const char *scan_fresh(Scanner *scanner, int t, int64_t *bytes, int64_t *count) {
    Table *table = &scanner->tables[t];
    *count = table->count - scanner->before[t];
    uint64_t begin = *count ? table->begin[scanner->before[t]] : 0;
    *bytes = *count ? (int64_t)(table->used - begin) : 0;
    return table->bytes + begin;
}

Scanner *scan_new(void) { return calloc(1, sizeof(Scanner)); }

void scan_free(Scanner *scanner) {
    for (int t = 0; t < TABLES; t++) {
        free(scanner->tables[t].bytes);
        free(scanner->tables[t].begin);
        free(scanner->tables[t].hashes);
        free(scanner->tables[t].slots);
    }
    free(scanner);
}
