/* Group normalisation over rows (pixels) of channels, instance normalisation being one channel a group.
 *
 *   y[r][c] = (x[r][c] − mean) / √(variance + ε) · scale[c] + shift[c],  mean and variance over all rows and the channels of c's group
 *
 * Three passes over x: sums, sums of squared distances, result. Sums run per channel in blocks of 16 rows that are added to a total, as
 * for means (rows.c): channels are contiguous, and the rounding error grows with the number of blocks, not of rows. */
#include "network.h"
#include "simd.h"

enum { GROUPS = 0, EPSILON = 1, BLOCK = 16 };

enum net_status check_group_norm(const step *s, uint64_t *scratch_bytes) {
    const tensor *x = s->in[0], *table = s->in[1], *y = s->out;
    if (x == NULL || table == NULL) return NET_OPERAND;
    if (x->rows != y->rows || x->width != y->width) return NET_SHAPE;
    if (!is_dense(table) || table->count != 2 * (uint64_t)y->width) return NET_SHAPE;
    uint32_t groups = s->parameters[GROUPS];
    if (groups == 0 || groups > x->width || x->width % groups != 0 || !(step_float(s, EPSILON) >= 0.0f)) return NET_PARAMETER;
    *scratch_bytes = 3 * (uint64_t)x->width * sizeof(float); /* totals, means, factors */
    return NET_OK;
}

ALWAYS_INLINE vec load_lanes(const float *p, uint32_t n) { return n == 4 ? vec_load(p) : vec_load_part(p, n); }

ALWAYS_INLINE void store_lanes(float *p, vec v, uint32_t n) {
    if (n == 4) vec_store(p, v);
    else vec_store_part(p, v, n);
}

/* Σ over the rows of x − mean (power 1) or of its square (power 2), per channel. */
ALWAYS_INLINE void total_channels(const tensor *x, const float *mean, float *total, const int squared) {
    for (uint32_t c = 0; c < x->width; c += 4) {
        uint32_t n = min_u32(4, x->width - c);
        const float *p = x->data + c;
        vec sum = vec_zero(), middle = squared ? load_lanes(mean + c, n) : vec_zero();
        for (uint32_t first = 0; first < x->rows; first += BLOCK) {
            vec part = vec_zero();
            for (uint32_t r = first, end = min_u32(first + BLOCK, x->rows); r < end; r++, p += x->stride) {
                vec d = vec_sub(load_lanes(p, n), middle);
                part = vec_add(part, squared ? vec_mul(d, d) : d);
            }
            sum = vec_add(sum, part);
        }
        store_lanes(total + c, sum, n);
    }
}

static float average(const float *total, uint32_t channels, uint32_t rows) {
    double sum = 0.0;
    for (uint32_t c = 0; c < channels; c++) sum += total[c];
    return (float)(sum / ((double)channels * rows));
}

static void write_rows(const tensor *x, const float *mean, const float *factor, const float *shift, const tensor *y) {
    for (uint32_t r = 0; r < y->rows; r++) {
        const float *from = x->data + (size_t)r * x->stride;
        float *to = y->data + (size_t)r * y->stride;
        for (uint32_t c = 0; c < y->width; c += 4) {
            uint32_t n = min_u32(4, y->width - c);
            vec d = vec_sub(load_lanes(from + c, n), load_lanes(mean + c, n));
            store_lanes(to + c, vec_add(vec_mul(d, load_lanes(factor + c, n)), load_lanes(shift + c, n)), n);
        }
    }
}

void run_group_norm(const step *s, unsigned char *scratch) {
    const tensor *x = s->in[0];
    const uint32_t width = x->width, channels = width / s->parameters[GROUPS];
    const float *scale = s->in[1]->data, *shift = scale + width;
    float *total = (float *)scratch, *mean = total + width, *factor = mean + width;
    total_channels(x, mean, total, 0);
    for (uint32_t c = 0; c < width; c++) mean[c] = c % channels == 0 ? average(total + c, channels, x->rows) : mean[c - 1];
    total_channels(x, mean, total, 1);
    float deviation = 1.0f;
    for (uint32_t c = 0; c < width; c++) {
        if (c % channels == 0) deviation = __builtin_sqrtf(average(total + c, channels, x->rows) + step_float(s, EPSILON));
        factor[c] = scale[c] / deviation;
    }
    write_rows(x, mean, factor, shift, s->out);
}
