/* Pooling over windows, NHWC.
 *
 *   maximum: y[o][c] = max over window pixels inside the image; −∞ where there is none
 *   average: y[o][c] = (Σ over window pixels inside the image) / n, n = pixels counted (see `mode`)
 *
 * Loop order: output pixels; channels by 4; window pixels. Channels run inside the pixels because they are contiguous. */
#include "activation.h"
#include "window.h"

enum { MODE = 10 };
/* What an average divides by: pixels inside the image; inside image and declared padding; the whole kernel. */
enum { COUNT_INSIDE = 0, COUNT_PADDED = 1, COUNT_KERNEL = 2 };

static enum net_status check_pool(const step *s, uint64_t *scratch_bytes) {
    window w;
    enum net_status status = read_window(s, &w);
    if (status != NET_OK) return status;
    if (w.in_c != w.out_c) return NET_SHAPE;
    if (s->parameters[MODE] > COUNT_KERNEL) return NET_PARAMETER;
    *scratch_bytes = 0;
    return NET_OK;
}

enum net_status check_max_pool(const step *s, uint64_t *scratch_bytes) { return check_pool(s, scratch_bytes); }
enum net_status check_average_pool(const step *s, uint64_t *scratch_bytes) { return check_pool(s, scratch_bytes); }

/* Kernel positions first … end − 1 of one axis that lie inside `size`; `padded` counts those inside size + padding. */
typedef struct {
    uint32_t start, first, end, padded;
} span;

static span clip(uint32_t out, uint32_t stride, uint32_t dilation, uint32_t kernel, uint32_t before, uint32_t after, uint32_t size) {
    span r = {out * stride - before, 0, 0, 0};
    for (uint32_t k = 0, found = 0; k < kernel; k++) {
        uint32_t place = out * stride + k * dilation; /* in padded coordinates */
        if (place < size + before + after) r.padded++;
        if (place < before || place - before >= size) continue;
        if (!found) r.first = k;
        found = 1;
        r.end = k + 1;
    }
    return r;
}

ALWAYS_INLINE vec load_lanes(const float *p, uint32_t lanes) { return lanes == 4 ? vec_load(p) : vec_load_part(p, lanes); }

ALWAYS_INLINE vec pool_lanes(const window *w, const tensor *x, span v, span h, uint32_t c, uint32_t lanes, const int average) {
    vec sum = average ? vec_zero() : vec_splat(-__builtin_inff());
    for (uint32_t ky = v.first; ky < v.end; ky++)
        for (uint32_t kx = h.first; kx < h.end; kx++) {
            uint32_t iy = v.start + ky * w->dilation_h, ix = h.start + kx * w->dilation_w;
            vec value = load_lanes(x->data + ((size_t)iy * w->in_w + ix) * x->stride + c, lanes);
            sum = average ? vec_add(sum, value) : vec_select(vec_less(value, sum), sum, value); /* NaN replaces the maximum */
        }
    return sum;
}

static float count_of(uint32_t mode, const window *w, span v, span h) {
    if (mode == COUNT_KERNEL) return (float)(w->kernel_h * w->kernel_w);
    if (mode == COUNT_PADDED) return (float)(v.padded * h.padded);
    return (float)((v.end - v.first) * (h.end - h.first));
}

ALWAYS_INLINE void pool_rows(const step *s, const int average, uint32_t first, uint32_t end) {
    window w;
    if (read_window(s, &w) != NET_OK) return;
    const tensor *x = s->in[0], *y = s->out;
    for (uint32_t oy = first; oy < end; oy++) {
        span v = clip(oy, w.stride_h, w.dilation_h, w.kernel_h, w.pad_top, w.pad_bottom, w.in_h);
        for (uint32_t ox = 0; ox < w.out_w; ox++) {
            span h = clip(ox, w.stride_w, w.dilation_w, w.kernel_w, w.pad_left, w.pad_right, w.in_w);
            vec count = vec_splat(count_of(s->parameters[MODE], &w, v, h));
            float *out = y->data + ((size_t)oy * w.out_w + ox) * y->stride;
            uint32_t c = 0;
            for (; c + 4 <= w.in_c; c += 4) {
                vec value = pool_lanes(&w, x, v, h, c, 4, average);
                vec_store(out + c, average ? vec_div(value, count) : value);
            }
            if (c == w.in_c) continue;
            vec value = pool_lanes(&w, x, v, h, c, w.in_c - c, average);
            vec_store_part(out + c, average ? vec_div(value, count) : value, w.in_c - c);
        }
    }
}

void run_max_pool(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    for (uint32_t first, end; take_rows(mine, s->out->dims[1], s->out->dims[2] * s->out->width, &first, &end);) pool_rows(s, 0, first, end);
}

void run_average_pool(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    for (uint32_t first, end; take_rows(mine, s->out->dims[1], s->out->dims[2] * s->out->width, &first, &end);) pool_rows(s, 1, first, end);
}
