/* Four-lane float vectors: WebAssembly SIMD intrinsics, or compiler vectors where the sources are built natively for the sanitizers. */
#ifndef NET_SIMD_H
#define NET_SIMD_H
#include "types.h"

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
typedef v128_t vec;
static inline vec vec_load(const float *p) { return wasm_v128_load(p); }
static inline void vec_store(float *p, vec v) { wasm_v128_store(p, v); }
static inline vec vec_splat(float x) { return wasm_f32x4_splat(x); }
static inline vec vec_load_splat(const float *p) { return wasm_v128_load32_splat(p); }
static inline vec vec_add(vec a, vec b) { return wasm_f32x4_add(a, b); }
static inline vec vec_sub(vec a, vec b) { return wasm_f32x4_sub(a, b); }
static inline vec vec_mul(vec a, vec b) { return wasm_f32x4_mul(a, b); }
static inline vec vec_div(vec a, vec b) { return wasm_f32x4_div(a, b); }
static inline vec vec_sqrt(vec a) { return wasm_f32x4_sqrt(a); }
static inline vec vec_abs(vec a) { return wasm_f32x4_abs(a); }
/* a where the mask is set, b elsewhere */
static inline vec vec_select(vec mask, vec a, vec b) { return wasm_v128_bitselect(a, b, mask); }
static inline vec vec_less(vec a, vec b) { return wasm_f32x4_lt(a, b); }
static inline vec vec_is_nan(vec a) { return wasm_f32x4_ne(a, a); }
/* Both return x where x is not a number: NaN must reach the output, never vanish. */
static inline vec vec_at_least(vec x, vec low) { return wasm_f32x4_pmax(x, low); }
static inline vec vec_at_most(vec x, vec high) { return wasm_f32x4_pmin(x, high); }
/* 2^n from a float whose low bits hold n + 127 (n = −126 … 128, the last giving infinity). */
static inline vec vec_exponent(vec shifted) { return wasm_i32x4_shl(shifted, 23); }
static inline float vec_sum(vec v) {
    return (wasm_f32x4_extract_lane(v, 0) + wasm_f32x4_extract_lane(v, 1)) +
           (wasm_f32x4_extract_lane(v, 2) + wasm_f32x4_extract_lane(v, 3));
}
#ifdef __wasm_relaxed_simd__
static inline vec vec_multiply_add(vec a, vec b, vec c) { return wasm_f32x4_relaxed_madd(a, b, c); }
#else
static inline vec vec_multiply_add(vec a, vec b, vec c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
#endif
#else
typedef float vec __attribute__((vector_size(16)));
typedef uint32_t vec_uint __attribute__((vector_size(16)));
typedef int32_t vec_int __attribute__((vector_size(16)));
typedef float vec_loose __attribute__((vector_size(16), aligned(4), may_alias));
static inline vec vec_load(const float *p) { return *(const vec_loose *)p; }
static inline void vec_store(float *p, vec v) { *(vec_loose *)p = v; }
static inline vec vec_splat(float x) { return (vec){x, x, x, x}; }
static inline vec vec_load_splat(const float *p) { return vec_splat(*p); }
static inline vec vec_add(vec a, vec b) { return a + b; }
static inline vec vec_sub(vec a, vec b) { return a - b; }
static inline vec vec_mul(vec a, vec b) { return a * b; }
static inline vec vec_div(vec a, vec b) { return a / b; }
static inline vec vec_sqrt(vec a) {
    for (int i = 0; i < 4; i++) a[i] = __builtin_sqrtf(a[i]);
    return a;
}
static inline vec vec_abs(vec a) { return (vec)((vec_int)a & 0x7fffffff); }
static inline vec vec_select(vec mask, vec a, vec b) { return (vec)(((vec_int)mask & (vec_int)a) | (~(vec_int)mask & (vec_int)b)); }
static inline vec vec_less(vec a, vec b) { return (vec)(a < b); }
static inline vec vec_is_nan(vec a) { return (vec)(a != a); }
static inline vec vec_at_least(vec x, vec low) { return vec_select((vec)(x < low), low, x); }
static inline vec vec_at_most(vec x, vec high) { return vec_select((vec)(high < x), high, x); }
static inline vec vec_exponent(vec shifted) { return (vec)((vec_uint)shifted << 23); }
static inline float vec_sum(vec v) { return (v[0] + v[1]) + (v[2] + v[3]); }
static inline vec vec_multiply_add(vec a, vec b, vec c) { return a * b + c; }
#endif

/* Keeps four chains of operations side by side in the code: LLVM would lay them one behind the other, and processors look only some
 * 60 floating-point operations ahead. */
#ifdef __wasm_simd128__
#define KEEP_ABREAST(v) __asm__("" : "+r"((v)[0]), "+r"((v)[1]), "+r"((v)[2]), "+r"((v)[3])::"memory")
#else
#define KEEP_ABREAST(v) (void)(v)
#endif

static inline vec vec_zero(void) { return vec_splat(0.0f); }

/* The first n (1 … 3) lanes; the others are zero, so that tails run the same arithmetic as full vectors. */
static inline vec vec_load_part(const float *p, uint32_t n) {
    float lanes[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (uint32_t i = 0; i < n; i++) lanes[i] = p[i];
    return vec_load(lanes);
}
static inline void vec_store_part(float *p, vec v, uint32_t n) {
    float lanes[4];
    vec_store(lanes, v);
    for (uint32_t i = 0; i < n; i++) p[i] = lanes[i];
}
#endif
