/* Fixed-size integers without a C library. */
#ifndef NET_TYPES_H
#define NET_TYPES_H
#include <stddef.h>
#include <stdint.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static inline uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }
static inline uint32_t divide_up(uint32_t a, uint32_t b) { return (a + b - 1) / b; }
#endif
