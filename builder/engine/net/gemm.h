/* The micro-tile of every matrix product: up to 4 rows × 8 columns in 8 accumulators.
 *
 *   y[r][j] = clamp(bias[j] + Σ_t Σ_k rows[t][r][k] · weights[t][k][j] + residual[r][j])
 *
 * Loop order: taps, then depth; the tile stays in registers. Per k: 2 weight vectors, 4 broadcasts, 8 multiply-adds,
 * 14 of the 16 vector registers that V8 and Cranelift have on x86 (5 and 6 rows spill). The sum runs over k in
 * ascending order for every element, whatever the row count: equal bits for every split of the rows. */
#ifndef NET_GEMM_H
#define NET_GEMM_H
#include "simd.h"

enum { TILE_ROWS = 4, TILE_COLUMNS = 8 };

typedef struct {
    const float *weights;  /* [taps][depth][8] of this column panel */
    const float *bias;     /* 8 values, or null for zero */
    uint32_t taps, depth;
    uint32_t offset;       /* floats from the row starts to the first product */
    uint32_t columns;      /* 1 … 8 valid columns */
    float low, high;
} panel;

typedef struct {
    const float *const *rows; /* [taps][4] row starts */
    float *out;
    uint32_t out_stride;
    const float *residual;    /* or null */
    uint32_t residual_stride;
} tile;

/* Panel and tile come by value: what a pointer leads to would be read again after every store. */
ALWAYS_INLINE void finish_row(vec x0, vec x1, const panel p, const tile t, uint32_t r) {
    vec low = vec_splat(p.low), high = vec_splat(p.high);
    float *out = t.out + (size_t)r * t.out_stride;
    const float *residual = t.residual == NULL ? NULL : t.residual + (size_t)r * t.residual_stride;
    if (p.columns == TILE_COLUMNS) {
        if (residual != NULL) {
            x0 = vec_add(x0, vec_load(residual));
            x1 = vec_add(x1, vec_load(residual + 4));
        }
        vec_store(out, vec_at_most(vec_at_least(x0, low), high));
        vec_store(out + 4, vec_at_most(vec_at_least(x1, low), high));
        return;
    }
    float lanes[TILE_COLUMNS];
    vec_store(lanes, x0);
    vec_store(lanes + 4, x1);
    for (uint32_t j = 0; j < p.columns; j++) {
        float value = residual == NULL ? lanes[j] : lanes[j] + residual[j];
        value = value < p.low ? p.low : value;
        out[j] = p.high < value ? p.high : value;
    }
}

/* One step of depth for up to 4 rows; `rows` is a constant where this is inlined. */
#define TILE_STEP(offset)                                                            \
    do {                                                                             \
        vec w0 = vec_load(w + 8 * (offset)), w1 = vec_load(w + 8 * (offset) + 4), v; \
        v = vec_load_splat(a0 + (offset));                                           \
        x00 = vec_multiply_add(v, w0, x00);                                          \
        x01 = vec_multiply_add(v, w1, x01);                                          \
        if (rows > 1) {                                                              \
            v = vec_load_splat(a1 + (offset));                                       \
            x10 = vec_multiply_add(v, w0, x10);                                      \
            x11 = vec_multiply_add(v, w1, x11);                                      \
        }                                                                            \
        if (rows > 2) {                                                              \
            v = vec_load_splat(a2 + (offset));                                       \
            x20 = vec_multiply_add(v, w0, x20);                                      \
            x21 = vec_multiply_add(v, w1, x21);                                      \
        }                                                                            \
        if (rows > 3) {                                                              \
            v = vec_load_splat(a3 + (offset));                                       \
            x30 = vec_multiply_add(v, w0, x30);                                      \
            x31 = vec_multiply_add(v, w1, x31);                                      \
        }                                                                            \
    } while (0)

ALWAYS_INLINE void multiply_tile(const panel p, const tile t, const uint32_t rows) {
    vec b0 = p.bias == NULL ? vec_zero() : vec_load(p.bias), b1 = p.bias == NULL ? vec_zero() : vec_load(p.bias + 4);
    vec x00 = b0, x01 = b1, x10 = b0, x11 = b1, x20 = b0, x21 = b1, x30 = b0, x31 = b1;
    const float *w = p.weights;
    const float *const *starts = t.rows;
    for (uint32_t tap = 0; tap < p.taps; tap++, starts += TILE_ROWS) {
        const float *a0 = starts[0] + p.offset, *a1 = starts[1] + p.offset, *a2 = starts[2] + p.offset, *a3 = starts[3] + p.offset;
        uint32_t k = p.depth;
        for (; k > 0; k--, a0++, a1++, a2++, a3++, w += 8) TILE_STEP(0);
    }
    finish_row(x00, x01, p, t, 0);
    if (rows > 1) finish_row(x10, x11, p, t, 1);
    if (rows > 2) finish_row(x20, x21, p, t, 2);
    if (rows > 3) finish_row(x30, x31, p, t, 3);
}

/* Runs one tile of 1 … 4 rows. */
static inline void run_tile(const panel *p, const tile *t, uint32_t rows) {
    switch (rows) {
    case 1: multiply_tile(*p, *t, 1); return;
    case 2: multiply_tile(*p, *t, 2); return;
    case 3: multiply_tile(*p, *t, 3); return;
    default: multiply_tile(*p, *t, 4); return;
    }
}
#endif
