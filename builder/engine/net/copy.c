/* Strided copies: transposition, slices, concatenation, repetition, padding (after a fill).
 *
 *   y[y_start + Σ i_a · y_step_a] = x[x_start + Σ i_a · x_step_a]   for all i_a < size_a, six axes
 *
 * Starts and steps count floats of the tensors' memory (their stride included); a step of 0 in x repeats.
 * Loop order: axes as given; the compiler puts the axis that is contiguous in y last. */
#include "network.h"
#include "simd.h"

enum { AXES = 6, X_START = 0, Y_START = 1, SIZES = 2, X_STEPS = 8, Y_STEPS = 14 };

/* Floats from the first to behind the last element that the tensor may touch. */
static uint64_t memory_extent(const tensor *t) { return (uint64_t)(t->rows - 1) * t->stride + t->width; }

static uint64_t reached(const uint32_t *p, uint32_t start, const uint32_t *steps) {
    uint64_t last = start;
    for (uint32_t i = 0; i < AXES; i++) last += (uint64_t)(p[SIZES + i] - 1) * steps[i];
    return last;
}

enum net_status check_copy(const step *s, uint64_t *scratch_bytes) {
    const uint32_t *p = s->parameters;
    if (s->in[0] == NULL) return NET_OPERAND;
    uint64_t total = 1, room = memory_extent(s->out);
    for (uint32_t i = 0; i < AXES; i++) {
        if (p[SIZES + i] == 0 || p[SIZES + i] > PLAN_MAX_ELEMENTS) return NET_PARAMETER;
        if (p[X_STEPS + i] > PLAN_MAX_ELEMENTS || p[Y_STEPS + i] > PLAN_MAX_ELEMENTS) return NET_PARAMETER;
        if (p[SIZES + i] > 1 && p[Y_STEPS + i] == 0) return NET_PARAMETER; /* would write one place again and again */
        total *= p[SIZES + i];
        if (total > room) return NET_PARAMETER; /* more writes than places: would only waste time */
    }
    if (reached(p, p[X_START], p + X_STEPS) >= memory_extent(s->in[0])) return NET_PARAMETER;
    if (reached(p, p[Y_START], p + Y_STEPS) >= memory_extent(s->out)) return NET_PARAMETER;
    *scratch_bytes = 0;
    return NET_OK;
}

static void copy_line(const float *x, uint32_t x_step, float *y, uint32_t y_step, uint32_t size) {
    uint32_t i = 0;
    if (x_step == 1 && y_step == 1)
        for (; i + 4 <= size; i += 4) vec_store(y + i, vec_load(x + i));
    for (; i < size; i++) y[(size_t)i * y_step] = x[(size_t)i * x_step];
}

static void copy_axes(const uint32_t *p, uint32_t axis, const float *x, float *y) {
    uint32_t size = p[SIZES + axis], x_step = p[X_STEPS + axis], y_step = p[Y_STEPS + axis];
    if (axis == AXES - 1) {
        copy_line(x, x_step, y, y_step, size);
        return;
    }
    for (uint32_t i = 0; i < size; i++) copy_axes(p, axis + 1, x + (size_t)i * x_step, y + (size_t)i * y_step);
}

/* Pieces are parts of the first axis that is one. */
void run_copy(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    uint32_t p[PLAN_PARAMETERS], axis = 0, inner = 1;
    for (uint32_t i = 0; i < PLAN_PARAMETERS; i++) p[i] = s->parameters[i];
    while (axis < AXES - 1 && p[SIZES + axis] == 1) axis++;
    for (uint32_t i = axis + 1; i < AXES; i++) inner *= p[SIZES + i];
    const float *x = s->in[0]->data + p[X_START];
    float *y = s->out->data + p[Y_START];
    for (uint32_t first, end, size = p[SIZES + axis]; take_rows(mine, size, inner, &first, &end);) {
        p[SIZES + axis] = end - first;
        copy_axes(p, axis, x + (size_t)first * p[X_STEPS + axis], y + (size_t)first * p[Y_STEPS + axis]);
    }
}

enum net_status check_fill(const step *s, uint64_t *scratch_bytes) {
    (void)s;
    *scratch_bytes = 0;
    return NET_OK;
}

void run_fill(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    float value = step_float(s, 0);
    for (uint32_t first, end; take_rows(mine, s->out->rows, s->out->width, &first, &end);)
        for (uint32_t r = first; r < end; r++)
            for (uint32_t c = 0; c < s->out->width; c++) s->out->data[(size_t)r * s->out->stride + c] = value;
}
