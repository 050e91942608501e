/* Memory: bump allocation from the end of the static data, 16-byte aligned, growing by WebAssembly pages.
 *
 * There is nothing to free one by one: a run's reservations are forgotten together by reset(), and a step releases its
 * own scratch space by going back to a mark. Natively (sanitizer builds) a static arena stands in for the linear memory.
 */
#include "engine.h"

#define ALIGNMENT 16u
#define PAGE_BYTES 65536u

#ifdef __wasm__
extern uint8_t __heap_base;

static uint8_t *base(void) { return (uint8_t *)0; }
static uint32_t first_free(void) { return (uint32_t)(uintptr_t)&__heap_base; }
static uint64_t size_now(void) { return (uint64_t)__builtin_wasm_memory_size(0) * PAGE_BYTES; }

static int grow_to(uint64_t end) {
    uint64_t have = size_now();
    if (end <= have) return 1;
    if (end > 0xFFFF0000u) return 0;
    return __builtin_wasm_memory_grow(0, (size_t)((end - have + PAGE_BYTES - 1) / PAGE_BYTES)) != (size_t)-1;
}
#else
static _Alignas(16) uint8_t arena[1u << 28];

static uint8_t *base(void) { return arena; }
static uint32_t first_free(void) { return ALIGNMENT; }
static uint64_t size_now(void) { return sizeof arena; }
static int grow_to(uint64_t end) { return end <= sizeof arena; }
#endif

static uint32_t top;

uint8_t *memory_at(uint32_t offset) { return base() + offset; }

uint32_t memory_offset(const void *address) { return (uint32_t)((const uint8_t *)address - base()); }

/* Only what the caller reserved counts: anything behind it may become scratch space during the run. */
int memory_holds(uint32_t offset, uint64_t size) { return offset != 0 && (uint64_t)offset + size <= top; }

static uint32_t take(uint64_t size) {
    if (top == 0) top = (first_free() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    uint64_t end = (uint64_t)top + (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > 0xFFFFFFF0u || !grow_to(end)) return 0;
    uint32_t start = top;
    top = (uint32_t)end;
    return start;
}

void *allocate(uint64_t size) {
    uint32_t offset = take(size);
    return offset == 0 ? NULL : memory_at(offset);
}

uint32_t memory_mark(void) { return top; }

void memory_release(uint32_t mark) { top = mark; }

__attribute__((export_name("reserve"))) uint32_t reserve(uint32_t size_bytes) { return take(size_bytes); }

__attribute__((export_name("reset"))) void reset(void) { top = 0; }
