/* Depthwise convolution, one filter per channel, without im2col.
 *
 *   y[oy][ox][c] = act(bias[c] + Σ_ky Σ_kx x[oy·s + ky·d − pad][ox·s + kx·d − pad][c] · w[ky][kx][c])
 *
 * Loop order: output rows; runs of 4 output pixels whose windows lie inside the row; channels by 4; then ky, and kx over the
 * pixels of the input row, each loaded once for all outputs that it feeds (3×3, stride 1: 6 loads and 3 weights for 12
 * products). Channels run inside the pixels because they are contiguous: whole cache lines are used, and the filters stay in
 * the first-level cache. Pixels at the left and right border, and other kernels, run one by one.
 * Both paths add the products in the order (ky, kx), so a value does not depend on the path. */
#include "activation.h"
#include "window.h"

enum { ACTIVATION = 10, RUN = 4, RUN_KERNEL = 7 };
enum { IN_X = 0, IN_WEIGHTS = 1, IN_BIAS = 2 };

enum net_status check_depthwise(const step *s, uint64_t *scratch_bytes) {
    window w;
    activation act;
    enum net_status status = read_window(s, &w);
    if (status == NET_OK) status = read_activation(s, ACTIVATION, &act);
    if (status != NET_OK) return status;
    const tensor *weights = s->in[IN_WEIGHTS], *bias = s->in[IN_BIAS];
    if (weights == NULL || bias == NULL) return NET_OPERAND;
    if (w.in_c != w.out_c || !is_dense(weights) || !is_dense(bias) || bias->count != w.in_c) return NET_SHAPE;
    if (weights->count != (uint64_t)w.kernel_h * w.kernel_w * w.in_c) return NET_SHAPE;
    *scratch_bytes = 0;
    return NET_OK;
}

typedef struct {
    window w;
    const tensor *x, *y;
    const float *weights, *bias;
    float low, high;
    activation act;
} filter;

/* Kernel rows that lie inside the image: *first … *end − 1. */
ALWAYS_INLINE void clip_rows(const window *w, uint32_t oy, uint32_t *first, uint32_t *end) {
    *first = *end = 0;
    for (uint32_t ky = 0, found = 0; ky < w->kernel_h; ky++) {
        if (oy * w->stride_h + ky * w->dilation_h - w->pad_top >= w->in_h) continue;
        if (!found) *first = ky;
        found = 1;
        *end = ky + 1;
    }
}

ALWAYS_INLINE vec load_lanes(const float *p, uint32_t lanes) { return lanes == 4 ? vec_load(p) : vec_load_part(p, lanes); }

/* Everything that a run of output pixels needs, in registers: a struct that escapes would be read again after every store. */
typedef struct {
    const float *x, *taps, *bias;
    float *y;
    size_t x_row, x_pixel, tap_row, tap_pixel, y_pixel;
    uint32_t rows;
    float low, high;
} run;

ALWAYS_INLINE void store_clamped(float *p, vec v, uint32_t lanes, float low, float high) {
    v = vec_at_most(vec_at_least(v, vec_splat(low)), vec_splat(high));
    if (lanes == 4) vec_store(p, v);
    else vec_store_part(p, v, lanes);
}

/* RUN outputs of 4 channels; kernel width K and stride S are constants where this is inlined. */
ALWAYS_INLINE void run_lanes(const run r, uint32_t c, uint32_t lanes, const uint32_t K, const uint32_t S) {
    vec sum0 = load_lanes(r.bias + c, lanes), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    const float *row = r.x + c, *taps = r.taps + c;
    for (uint32_t ky = 0; ky < r.rows; ky++, row += r.x_row, taps += r.tap_row) {
        vec k[RUN_KERNEL];
#pragma clang loop unroll(full)
        for (uint32_t i = 0; i < K; i++) k[i] = load_lanes(taps + i * r.tap_pixel, lanes);
        const float *pixel = row;
#pragma clang loop unroll(full)
        for (uint32_t j = 0; j < K + 3 * S; j++, pixel += r.x_pixel) {
            vec v = load_lanes(pixel, lanes);
            if (j < K) sum0 = vec_multiply_add(v, k[j], sum0);
            if (j >= S && j < K + S) sum1 = vec_multiply_add(v, k[j - S], sum1);
            if (j >= 2 * S && j < K + 2 * S) sum2 = vec_multiply_add(v, k[j - 2 * S], sum2);
            if (j >= 3 * S) sum3 = vec_multiply_add(v, k[j - 3 * S], sum3);
        }
    }
    float *out = r.y + c;
    store_clamped(out, sum0, lanes, r.low, r.high);
    store_clamped(out + r.y_pixel, sum1, lanes, r.low, r.high);
    store_clamped(out + 2 * r.y_pixel, sum2, lanes, r.low, r.high);
    store_clamped(out + 3 * r.y_pixel, sum3, lanes, r.low, r.high);
}

ALWAYS_INLINE void run_pixels(const filter *f, uint32_t oy, uint32_t ox, uint32_t first, uint32_t end, const uint32_t K, const uint32_t S) {
    const window *w = &f->w;
    uint32_t channels = w->in_c, iy = oy * S + first - w->pad_top, ix = ox * S - w->pad_left, c = 0;
    const run r = {.x = f->x->data + ((size_t)iy * w->in_w + ix) * f->x->stride, .taps = f->weights + (size_t)first * K * channels,
                   .bias = f->bias, .y = f->y->data + ((size_t)oy * w->out_w + ox) * f->y->stride,
                   .x_row = (size_t)w->in_w * f->x->stride, .x_pixel = f->x->stride, .tap_row = (size_t)K * channels,
                   .tap_pixel = channels, .y_pixel = f->y->stride, .rows = end - first, .low = f->low, .high = f->high};
    for (; c + 4 <= channels; c += 4) run_lanes(r, c, 4, K, S);
    if (c < channels) run_lanes(r, c, channels - c, K, S);
}

ALWAYS_INLINE void pixel_lanes(const run r, uint32_t columns, uint32_t c, uint32_t lanes) {
    vec sum = load_lanes(r.bias + c, lanes);
    for (uint32_t ky = 0; ky < r.rows; ky++) {
        const float *pixel = r.x + ky * r.x_row + c, *tap = r.taps + ky * r.tap_row + c;
        for (uint32_t kx = 0; kx < columns; kx++, pixel += r.x_pixel, tap += r.tap_pixel)
            sum = vec_multiply_add(load_lanes(pixel, lanes), load_lanes(tap, lanes), sum);
    }
    store_clamped(r.y + c, sum, lanes, r.low, r.high);
}

/* One output pixel of any kernel; kernel columns that lie outside the row are left out. */
static void run_pixel(const filter *f, uint32_t oy, uint32_t ox, uint32_t first, uint32_t end) {
    const window *w = &f->w;
    uint32_t channels = w->in_c, start = 0, columns = 0;
    for (uint32_t kx = 0; kx < w->kernel_w; kx++) {
        if (ox * w->stride_w + kx * w->dilation_w - w->pad_left >= w->in_w) continue;
        if (columns++ == 0) start = kx;
    }
    uint32_t iy = oy * w->stride_h + first * w->dilation_h - w->pad_top, ix = ox * w->stride_w + start * w->dilation_w - w->pad_left;
    const run r = {.x = f->x->data + ((size_t)iy * w->in_w + ix) * f->x->stride,
                   .taps = f->weights + ((size_t)first * w->kernel_w + start) * channels, .bias = f->bias,
                   .y = f->y->data + ((size_t)oy * w->out_w + ox) * f->y->stride, .x_row = (size_t)w->dilation_h * w->in_w * f->x->stride,
                   .x_pixel = (size_t)w->dilation_w * f->x->stride, .tap_row = (size_t)w->kernel_w * channels, .tap_pixel = channels,
                   .rows = columns == 0 ? 0 : end - first, .low = f->low, .high = f->high};
    uint32_t c = 0;
    for (; c + 4 <= channels; c += 4) pixel_lanes(r, columns, c, 4);
    if (c < channels) pixel_lanes(r, columns, c, channels - c);
}

/* Outputs *first … *end − 1 have their whole window inside the row. */
static void find_inner(const window *w, uint32_t *first, uint32_t *end) {
    *first = min_u32(divide_up(w->pad_left, w->stride_w), w->out_w);
    uint32_t reach = (w->kernel_w - 1) * w->dilation_w + 1;
    uint32_t last = w->in_w + w->pad_left < reach ? 0 : (w->in_w + w->pad_left - reach) / w->stride_w + 1;
    *end = max_u32(*first, min_u32(last, w->out_w));
}

ALWAYS_INLINE void run_rows(const filter *f, uint32_t start, uint32_t stop, const uint32_t K, const uint32_t S) {
    const window *w = &f->w;
    uint32_t inner, inner_end;
    find_inner(w, &inner, &inner_end);
    for (uint32_t oy = start; oy < stop; oy++) {
        uint32_t first, end, ox = 0;
        clip_rows(w, oy, &first, &end);
        for (; ox < inner; ox++) run_pixel(f, oy, ox, first, end);
        if (K != 0 && inner_end - inner >= RUN) /* the last run may compute some pixels again, to the same bits */
            for (; ox < inner_end; ox = min_u32(ox + RUN, inner_end)) run_pixels(f, oy, min_u32(ox, inner_end - RUN), first, end, K, S);
        for (; ox < w->out_w; ox++) run_pixel(f, oy, ox, first, end);
        if (needs_pass(f->act)) /* while the row is in the cache */
            activate(f->y->data + (size_t)oy * w->out_w * f->y->stride, w->out_w, w->in_c, f->y->stride, f->act);
    }
}

void run_depthwise(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    filter f = {.x = s->in[IN_X], .y = s->out, .weights = s->in[IN_WEIGHTS]->data, .bias = s->in[IN_BIAS]->data};
    if (read_window(s, &f.w) != NET_OK || read_activation(s, ACTIVATION, &f.act) != NET_OK) return;
    f.low = clamp_low(f.act);
    f.high = clamp_high(f.act);
    const window *w = &f.w;
    int even = w->stride_h == w->stride_w && w->dilation_h == 1 && w->dilation_w == 1;
    uint32_t shape = even ? w->kernel_w * 10 + w->stride_w : 0;
    for (uint32_t start, stop; take_rows(mine, w->out_h, w->out_w * w->in_c * w->kernel_h, &start, &stop);)
        switch (shape) {
        case 31: run_rows(&f, start, stop, 3, 1); break;
        case 32: run_rows(&f, start, stop, 3, 2); break;
        case 51: run_rows(&f, start, stop, 5, 1); break;
        case 52: run_rows(&f, start, stop, 5, 2); break;
        case 71: run_rows(&f, start, stop, 7, 1); break;
        case 72: run_rows(&f, start, stop, 7, 2); break;
        default: run_rows(&f, start, stop, 0, 0); break;
        }
}
