/* Elementwise operators over rows of floats.
 *
 *   affine: y = act(x · scale[c] + shift[c])      unary: y = act(x)      binary: y = act(a ∘ b), b broadcast
 *
 * Loop order: rows, then lanes of 4; memory bound, so one pass each and the activation inside the same row. */
#include "activation.h"

static enum net_status check_like_input(const step *s, uint32_t activation_index, uint64_t *scratch_bytes) {
    activation act;
    if (s->in[0] == NULL) return NET_OPERAND;
    enum net_status status = read_activation(s, activation_index, &act);
    if (status != NET_OK) return status;
    *scratch_bytes = 0;
    /* same rows of the same width: the shapes may differ otherwise */
    return s->in[0]->rows == s->out->rows && s->in[0]->width == s->out->width ? NET_OK : NET_SHAPE;
}

enum net_status check_unary(const step *s, uint64_t *scratch_bytes) { return check_like_input(s, 0, scratch_bytes); }

void run_unary(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    const tensor *x = s->in[0], *y = s->out;
    activation act;
    if (read_activation(s, 0, &act) != NET_OK) return;
    for (uint32_t first, end; take_rows(mine, y->rows, y->width, &first, &end);) {
        for (uint32_t r = first; r < end; r++) {
            const float *from = x->data + (size_t)r * x->stride;
            float *to = y->data + (size_t)r * y->stride;
            if (to != from)
                for (uint32_t c = 0; c < y->width; c++) to[c] = from[c];
        }
        activate(y->data + (size_t)first * y->stride, end - first, y->width, y->stride, act);
    }
}

enum net_status check_affine(const step *s, uint64_t *scratch_bytes) {
    enum net_status status = check_like_input(s, 0, scratch_bytes);
    if (status != NET_OK) return status;
    if (s->in[1] == NULL) return NET_OPERAND;
    return is_dense(s->in[1]) && s->in[1]->count == 2 * (uint64_t)s->out->width ? NET_OK : NET_SHAPE;
}

static void affine_rows(const step *s, uint32_t first, uint32_t end) {
    const tensor *x = s->in[0], *y = s->out;
    const float *scale = s->in[1]->data, *shift = scale + y->width;
    activation act;
    if (read_activation(s, 0, &act) != NET_OK) return;
    vec low = vec_splat(clamp_low(act)), high = vec_splat(clamp_high(act));
    for (uint32_t r = first; r < end; r++) {
        const float *from = x->data + (size_t)r * x->stride;
        float *to = y->data + (size_t)r * y->stride;
        uint32_t c = 0;
        for (; c + 4 <= y->width; c += 4) {
            vec v = vec_add(vec_mul(vec_load(from + c), vec_load(scale + c)), vec_load(shift + c));
            vec_store(to + c, vec_at_most(vec_at_least(v, low), high));
        }
        if (c < y->width) {
            uint32_t n = y->width - c;
            vec v = vec_add(vec_mul(vec_load_part(from + c, n), vec_load_part(scale + c, n)), vec_load_part(shift + c, n));
            vec_store_part(to + c, vec_at_most(vec_at_least(v, low), high), n);
        }
        if (needs_pass(act)) activate(to, 1, y->width, y->width, act);
    }
}

void run_affine(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    for (uint32_t first, end; take_rows(mine, s->out->rows, s->out->width, &first, &end);) affine_rows(s, first, end);
}

ALWAYS_INLINE vec combine(uint32_t kind, vec a, vec b) {
    switch (kind) {
    case BINARY_ADD: return vec_add(a, b);
    case BINARY_SUB: return vec_sub(a, b);
    case BINARY_MUL: return vec_mul(a, b);
    case BINARY_DIV: return vec_div(a, b);
    case BINARY_MAX: return vec_select(vec_is_nan(b), b, vec_at_least(a, b)); /* NaN of either side stays */
    case BINARY_MIN: return vec_select(vec_is_nan(b), b, vec_at_most(a, b));
    default: return vec_select(vec_less(a, vec_zero()), vec_mul(a, b), a); /* PReLU */
    }
}

ALWAYS_INLINE vec fetch(const float *p, uint32_t c, uint32_t lanes, int single) {
    if (single) return vec_splat(*p);
    return lanes == 4 ? vec_load(p + c) : vec_load_part(p + c, lanes);
}

ALWAYS_INLINE void combine_row(const uint32_t kind, const float *a, int a_single, const float *b, int b_single, float *y, uint32_t width) {
    uint32_t c = 0;
    for (; c + 4 <= width; c += 4) vec_store(y + c, combine(kind, fetch(a, c, 4, a_single), fetch(b, c, 4, b_single)));
    if (c < width) vec_store_part(y + c, combine(kind, fetch(a, c, width - c, a_single), fetch(b, c, width - c, b_single)), width - c);
}

static void combine_any(uint32_t kind, const float *a, int a_single, const float *b, int b_single, float *y, uint32_t width) {
    switch (kind) { /* constant kinds inside the loops */
    case BINARY_ADD: combine_row(BINARY_ADD, a, a_single, b, b_single, y, width); return;
    case BINARY_MUL: combine_row(BINARY_MUL, a, a_single, b, b_single, y, width); return;
    default: combine_row(kind, a, a_single, b, b_single, y, width); return;
    }
}

enum { KIND = 0, BINARY_ACTIVATION = 1 };

/* numpy's rule: ranks are aligned at the end, axes of size 1 repeat; the output has the joint shape. */
static int broadcasts(const tensor *t, const tensor *out) {
    if (t->rank > out->rank) return 0;
    for (uint32_t i = 0; i < t->rank; i++) {
        uint32_t size = t->dims[i], joint = out->dims[out->rank - t->rank + i];
        if (size != 1 && size != joint) return 0;
    }
    return 1;
}

enum net_status check_binary(const step *s, uint64_t *scratch_bytes) {
    activation act;
    if (s->in[0] == NULL || s->in[1] == NULL) return NET_OPERAND;
    enum net_status status = read_activation(s, BINARY_ACTIVATION, &act);
    if (status != NET_OK) return status;
    if (s->parameters[KIND] >= BINARY_COUNT) return NET_PARAMETER;
    *scratch_bytes = 0;
    return broadcasts(s->in[0], s->out) && broadcasts(s->in[1], s->out) ? NET_OK : NET_SHAPE;
}

/* The row of t that meets row r of the output. */
static const float *find_row(const tensor *t, const tensor *out, uint32_t r) {
    size_t row = 0, step = 1;
    for (uint32_t i = out->rank - 1; i-- > 0;) {
        uint32_t place = r % out->dims[i], from_end = out->rank - i;
        r /= out->dims[i];
        if (from_end > t->rank) break;
        uint32_t size = t->dims[t->rank - from_end];
        row += (size == 1 ? 0 : place) * step;
        step *= size;
    }
    return t->data + row * t->stride;
}

static void combine_rows(const step *s, uint32_t first, uint32_t end) {
    const tensor *a = s->in[0], *b = s->in[1], *y = s->out;
    activation act;
    if (read_activation(s, BINARY_ACTIVATION, &act) != NET_OK) return;
    int a_same = same_shape(a, y), b_same = same_shape(b, y);
    for (uint32_t r = first; r < end; r++) {
        const float *from_a = a_same ? a->data + (size_t)r * a->stride : find_row(a, y, r);
        const float *from_b = b_same ? b->data + (size_t)r * b->stride : find_row(b, y, r);
        float *to = y->data + (size_t)r * y->stride;
        combine_any(s->parameters[KIND], from_a, a->width != y->width, from_b, b->width != y->width, to, y->width);
        if (act.kind != ACT_NONE) activate(to, 1, y->width, y->width, act);
    }
}

void run_binary(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    for (uint32_t first, end; take_rows(mine, s->out->rows, s->out->width, &first, &end);) combine_rows(s, first, end);
}
