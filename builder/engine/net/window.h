/* The sliding window that convolutions and pools share: parameters 0 … 9 of their operators. */
#ifndef NET_WINDOW_H
#define NET_WINDOW_H
#include "network.h"

enum { WINDOW_PARAMETERS = 10, WINDOW_LIMIT = 1 << 12 };

typedef struct {
    uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    uint32_t pad_top, pad_left, pad_bottom, pad_right;
    uint32_t in_h, in_w, in_c, out_h, out_w, out_c;
} window;

static inline uint32_t window_extent(uint32_t size, uint32_t before, uint32_t after, uint32_t kernel, uint32_t stride, uint32_t dilation) {
    uint32_t padded = size + before + after, reach = (kernel - 1) * dilation + 1;
    return padded < reach ? 0 : (padded - reach) / stride + 1;
}

/* Reads the window of a step from (1, H, W, C) to (1, H', W', C'); every number is bounded, and H', W' follow from the rest. */
static inline enum net_status read_window(const step *s, window *w) {
    const tensor *x = s->in[0], *y = s->out;
    if (x == NULL) return NET_OPERAND;
    if (x->rank != 4 || y->rank != 4 || x->dims[0] != 1 || y->dims[0] != 1) return NET_SHAPE;
    const uint32_t *p = s->parameters;
    for (uint32_t i = 0; i < WINDOW_PARAMETERS; i++)
        if (p[i] > WINDOW_LIMIT || (i < 6 && p[i] == 0)) return NET_PARAMETER;
    *w = (window){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9],
                  x->dims[1], x->dims[2], x->dims[3], y->dims[1], y->dims[2], y->dims[3]};
    if ((uint64_t)w->in_h + w->in_w > (1u << 24)) return NET_SHAPE;
    if (w->out_h != window_extent(w->in_h, w->pad_top, w->pad_bottom, w->kernel_h, w->stride_h, w->dilation_h)) return NET_SHAPE;
    if (w->out_w != window_extent(w->in_w, w->pad_left, w->pad_right, w->kernel_w, w->stride_w, w->dilation_w)) return NET_SHAPE;
    return NET_OK;
}
#endif
