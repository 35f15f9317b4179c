/* What limits are compared with; and the names of this C's numbers. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Bytes of the process that are in memory. */
static u64 resident(void) {
    static long page;
    char text[128];
    unsigned long all, held;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    long got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0) return 0;
    text[got] = 0;
    if (!page) page = sysconf(_SC_PAGESIZE);
    return sscanf(text, "%lu %lu", &all, &held) == 2 ? (u64)held * page : 0;
}
