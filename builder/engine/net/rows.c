/* Reductions along rows or over rows.
 *
 *   softmax:    y[c] = exp(x[c] − max x) / Σ exp(x − max x)
 *   layer norm: y[c] = (x[c] − mean) / √(variance + ε) · scale[c] + shift[c]
 *   mean of last: y = mean of a row         mean of rows: y[c] = mean over all rows of x[·][c]
 *
 * Sums run in four lanes and are joined at the end in one fixed order. The mean of rows walks the rows and keeps sums of
 * up to 16 rows before it adds them to the total: the rounding error grows with the number of blocks, not of rows. */
#include "activation.h"

static enum net_status check_same_rows(const step *s, uint64_t *scratch_bytes) {
    if (s->in[0] == NULL) return NET_OPERAND;
    *scratch_bytes = 0;
    return s->in[0]->rows == s->out->rows && s->in[0]->width == s->out->width ? NET_OK : NET_SHAPE;
}

enum net_status check_softmax(const step *s, uint64_t *scratch_bytes) { return check_same_rows(s, scratch_bytes); }

static float sum_row(const float *x, uint32_t width) {
    vec sum = vec_zero();
    uint32_t c = 0;
    for (; c + 4 <= width; c += 4) sum = vec_add(sum, vec_load(x + c));
    if (c < width) sum = vec_add(sum, vec_load_part(x + c, width - c));
    return vec_sum(sum);
}

static void softmax_rows(const step *s, uint32_t first, uint32_t end) {
    const tensor *x = s->in[0], *y = s->out;
    for (uint32_t r = first; r < end; r++) {
        const float *from = x->data + (size_t)r * x->stride;
        float *to = y->data + (size_t)r * y->stride, top = from[0];
        for (uint32_t c = 1; c < y->width; c++) top = from[c] < top ? top : from[c];
        for (uint32_t c = 0; c < y->width; c++) to[c] = from[c] - top;
        activate(to, 1, y->width, y->width, (activation){ACT_EXP, 0.0f, 0.0f});
        float sum = sum_row(to, y->width);
        for (uint32_t c = 0; c < y->width; c++) to[c] = to[c] / sum;
    }
}

void run_softmax(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    for (uint32_t first, end; take_rows(mine, s->out->rows, s->out->width, &first, &end);) softmax_rows(s, first, end);
}

enum net_status check_layer_norm(const step *s, uint64_t *scratch_bytes) {
    enum net_status status = check_same_rows(s, scratch_bytes);
    if (status != NET_OK) return status;
    if (s->in[1] == NULL) return NET_OPERAND;
    if (!(step_float(s, 0) >= 0.0f)) return NET_PARAMETER;
    return is_dense(s->in[1]) && s->in[1]->count == 2 * (uint64_t)s->out->width ? NET_OK : NET_SHAPE;
}

static void normalize_rows(const step *s, uint32_t first, uint32_t end) {
    const tensor *x = s->in[0], *y = s->out;
    uint32_t width = y->width;
    const float *scale = s->in[1]->data, *shift = scale + width;
    for (uint32_t r = first; r < end; r++) {
        const float *from = x->data + (size_t)r * x->stride;
        float *to = y->data + (size_t)r * y->stride;
        vec mean = vec_splat(sum_row(from, width) / (float)width), sum = vec_zero();
        for (uint32_t c = 0; c < width; c += 4) {
            uint32_t n = min_u32(4, width - c);
            vec d = n == 4 ? vec_sub(vec_load(from + c), mean) : vec_sub(vec_load_part(from + c, n), mean);
            if (n < 4) { /* the missing lanes hold −mean: leave them out */
                float lanes[4];
                vec_store(lanes, d);
                d = vec_load_part(lanes, n);
            }
            sum = vec_add(sum, vec_mul(d, d));
        }
        float variance = vec_sum(sum) / (float)width;
        float deviation = __builtin_sqrtf(variance + step_float(s, 0));
        for (uint32_t c = 0; c < width; c++) to[c] = (from[c] - vec_sum(mean) / 4.0f) / deviation * scale[c] + shift[c];
    }
}

void run_layer_norm(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    for (uint32_t first, end; take_rows(mine, s->out->rows, s->out->width, &first, &end);) normalize_rows(s, first, end);
}

enum net_status check_mean_of_last(const step *s, uint64_t *scratch_bytes) {
    if (s->in[0] == NULL) return NET_OPERAND;
    *scratch_bytes = 0;
    return s->out->count == s->in[0]->rows && is_dense(s->out) ? NET_OK : NET_SHAPE;
}

void run_mean_of_last(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    const tensor *x = s->in[0];
    for (uint32_t first, end; take_rows(mine, x->rows, x->width, &first, &end);)
        for (uint32_t r = first; r < end; r++) s->out->data[r] = sum_row(x->data + (size_t)r * x->stride, x->width) / (float)x->width;
}

enum net_status check_mean_of_rows(const step *s, uint64_t *scratch_bytes) {
    if (s->in[0] == NULL) return NET_OPERAND;
    *scratch_bytes = 0;
    return s->out->count == s->in[0]->width && is_dense(s->out) ? NET_OK : NET_SHAPE;
}

enum { MEAN_BLOCK = 16 };

/* Adds rows first … end − 1 of channels `left` … `right` − 1 to the totals, which stand in y. */
static void add_rows(const tensor *x, uint32_t first, uint32_t end, uint32_t left, uint32_t right, float *y) {
    for (uint32_t c = left; c < right; c += 4) {
        uint32_t n = min_u32(4, right - c);
        const float *p = x->data + (size_t)first * x->stride + c;
        vec sum = vec_zero();
        for (uint32_t r = first; r < end; r++, p += x->stride) sum = vec_add(sum, n == 4 ? vec_load(p) : vec_load_part(p, n));
        if (n == 4) vec_store(y + c, vec_add(vec_load(y + c), sum));
        else vec_store_part(y + c, vec_add(vec_load_part(y + c, n), sum), n);
    }
}

void run_mean_of_rows(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    const tensor *x = s->in[0];
    float *y = s->out->data;
    uint32_t size = piece_size(mine, x->width, 4, divide_up(PIECE_MIN_FLOATS, x->rows)); /* channels: every sum stays whole */
    for (uint32_t left, right; take_range(mine, x->width, size, &left, &right);) {
        for (uint32_t c = left; c < right; c++) y[c] = 0.0f;
        for (uint32_t first = 0; first < x->rows; first += MEAN_BLOCK) add_rows(x, first, min_u32(first + MEAN_BLOCK, x->rows), left, right, y);
        for (uint32_t c = left; c < right; c++) y[c] = y[c] / (float)x->rows;
    }
}
