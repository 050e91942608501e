/* Local response normalisation across channels (Krizhevsky et al. 2012, as ONNX's LRN defines it).
 *
 *   y[c] = x[c] / (k + α/n · Σ x[i]²)^β,  i from c − ⌊(n − 1)/2⌋ to c + ⌈(n − 1)/2⌉ inside the row
 *
 * Loop order: rows, channels, window. Only networks of the first years have it, so it is plain rather than fast. */
#include "logarithm.h"
#include "network.h"

enum { SIZE = 0, ALPHA = 1, BETA = 2, BIAS = 3, SIZE_LIMIT = 1 << 12 };

enum net_status check_response(const step *s, uint64_t *scratch_bytes) {
    const tensor *x = s->in[0];
    if (x == NULL) return NET_OPERAND;
    if (x->rows != s->out->rows || x->width != s->out->width) return NET_SHAPE;
    if (s->parameters[SIZE] == 0 || s->parameters[SIZE] > SIZE_LIMIT) return NET_PARAMETER;
    for (uint32_t i = ALPHA; i <= BIAS; i++)
        if (!(__builtin_fabsf(step_float(s, i)) < __builtin_inff())) return NET_PARAMETER;
    *scratch_bytes = (uint64_t)x->width * sizeof(float); /* the row's result, so that y may lie where x does */
    return NET_OK;
}

static double sum_squares(const float *x, uint32_t first, uint32_t end) {
    double sum = 0.0;
    for (uint32_t c = first; c < end; c++) sum += (double)x[c] * x[c];
    return sum;
}

void run_response(const step *s, unsigned char *scratch) {
    const tensor *x = s->in[0], *y = s->out;
    uint32_t size = s->parameters[SIZE], before = (size - 1) / 2, after = size - 1 - before;
    float alpha = step_float(s, ALPHA), beta = step_float(s, BETA), bias = step_float(s, BIAS), *row = (float *)scratch;
    for (uint32_t r = 0; r < y->rows; r++) {
        const float *from = x->data + (size_t)r * x->stride;
        float *to = y->data + (size_t)r * y->stride;
        for (uint32_t c = 0; c < y->width; c++) {
            uint32_t first = c < before ? 0 : c - before, end = min_u32(y->width, c + after + 1);
            double base = bias + (double)alpha / size * sum_squares(from, first, end);
            row[c] = (float)(from[c] / exp_of(beta * log_of(base)));
        }
        for (uint32_t c = 0; c < y->width; c++) to[c] = row[c];
    }
}
