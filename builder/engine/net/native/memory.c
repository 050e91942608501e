/* Memory for native builds: each reservation is an allocation of its own, so that the address sanitizer sees every step beyond one. */
#include "../memory.h"
#include <stdlib.h>

enum { MOST = 16, ALIGNMENT = 64, LIMIT_BYTES = 64 << 20 };

static struct { unsigned char *start; uint64_t size_bytes; } taken[MOST];
static int count;

void net_forget(void);

void *take(uint64_t size_bytes) {
    if (count == MOST || size_bytes > LIMIT_BYTES) return NULL;
    unsigned char *start = aligned_alloc(ALIGNMENT, (size_bytes / ALIGNMENT + 1) * ALIGNMENT);
    if (start == NULL) return NULL;
    taken[count].start = start;
    taken[count++].size_bytes = size_bytes;
    return start;
}

int is_taken(const void *start, uint64_t size_bytes) {
    for (int i = 0; i < count; i++) {
        const unsigned char *p = start;
        if (p >= taken[i].start && p <= taken[i].start + taken[i].size_bytes)
            return size_bytes <= taken[i].size_bytes - (uint64_t)(p - taken[i].start);
    }
    return 0;
}

void *reserve(uint32_t size_bytes) { return take(size_bytes); }

void reset(void) {
    while (count > 0) free(taken[--count].start);
    net_forget();
}
