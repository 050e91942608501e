/* The heap begins behind the module's own data and grows with the WebAssembly memory. native/memory.c stands in under sanitizers. */
#include "memory.h"

enum { ALIGNMENT = 64, PAGE = 65536 };

#define EXPORT(name) __attribute__((export_name(name)))
extern unsigned char __heap_base;
static uintptr_t heap_start(void) { return ((uintptr_t)&__heap_base + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }
static int grow_to(uint64_t end) {
    uint64_t present = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
    if (end <= present) return 1;
    return end <= 0xffff0000u && __builtin_wasm_memory_grow(0, (end - present + PAGE - 1) / PAGE) != (size_t)-1;
}

static uintptr_t heap_end, heap_floor; /* 0 = nothing taken */

void *take(uint64_t size_bytes) {
    if (heap_end == 0) heap_end = heap_start();
    uint64_t end = ((uint64_t)heap_end + size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (end < heap_end || !grow_to(end)) return NULL;
    void *start = (void *)heap_end;
    heap_end = (uintptr_t)end;
    return start;
}

int is_taken(const void *start, uint64_t size_bytes) {
    uintptr_t place = (uintptr_t)start;
    return heap_end != 0 && place >= heap_start() && place <= heap_end && size_bytes <= heap_end - place;
}

void keep(void) { heap_floor = heap_end; }

void net_forget(void);

EXPORT("reserve") void *reserve(uint32_t size_bytes) { return take(size_bytes); }

EXPORT("reset") void reset(void) {
    heap_end = heap_floor;
    net_forget();
}
