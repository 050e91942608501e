/* Reductions of rows to one number each: y[r] = Σ, Π, max or min over c of x[r][c].
 *
 * Loop order: rows, then their elements in order. Sums and products run in double precision. The compiler brings
 * the axes that vanish to the end; means have kernels of their own (rows.c). */
#include "network.h"

enum { KIND = 0 };
enum { REDUCE_SUM = 0, REDUCE_PRODUCT = 1, REDUCE_MAX = 2, REDUCE_MIN = 3, REDUCE_COUNT = 4 };

enum net_status check_reduction(const step *s, uint64_t *scratch_bytes) {
    if (s->in[0] == NULL) return NET_OPERAND;
    if (s->parameters[KIND] >= REDUCE_COUNT) return NET_PARAMETER;
    *scratch_bytes = 0;
    return s->out->count == s->in[0]->rows && is_dense(s->out) ? NET_OK : NET_SHAPE;
}

static float add_up(const float *x, uint32_t width) {
    double sum = 0.0;
    for (uint32_t c = 0; c < width; c++) sum += x[c];
    return (float)sum;
}

static float multiply_up(const float *x, uint32_t width) {
    double product = 1.0;
    for (uint32_t c = 0; c < width; c++) product *= x[c];
    return (float)product;
}

/* NaN stays, wherever it stands: nothing is greater or smaller than it. */
static float find_extreme(const float *x, uint32_t width, float sign) {
    float best = x[0];
    for (uint32_t c = 1; c < width; c++) {
        if (x[c] != x[c]) return x[c];
        if (sign * x[c] > sign * best) best = x[c];
    }
    return best;
}

static float reduce(uint32_t kind, const float *x, uint32_t width) {
    switch (kind) {
    case REDUCE_SUM: return add_up(x, width);
    case REDUCE_PRODUCT: return multiply_up(x, width);
    case REDUCE_MAX: return find_extreme(x, width, 1.0f);
    default: return find_extreme(x, width, -1.0f);
    }
}

void run_reduction(const step *s, unsigned char *scratch) {
    (void)scratch;
    const tensor *x = s->in[0];
    for (uint32_t r = 0; r < x->rows; r++) s->out->data[r] = reduce(s->parameters[KIND], x->data + (size_t)r * x->stride, x->width);
}
