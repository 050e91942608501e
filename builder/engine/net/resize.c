/* Linear resize of (1, H, W, C) with tables that the compiler made (any coordinate rule; nearest has weight 0).
 *
 *   y[oy][ox][c] = lerp(lerp(x[y0][x0], x[y0][x1], u), lerp(x[y1][x0], x[y1][x1], u), v),  lerp(a, b, t) = a + (b − a)·t
 *
 * Tables hold, per output row and then per output column, three floats: first index, second index, weight.
 * Loop order: output pixels, then channels, which are contiguous. */
#include "network.h"
#include "simd.h"

enum { MAX_SIZE = 1 << 24 }; /* the largest index that a float holds exactly */

static int table_fits(const float *table, uint32_t count, uint32_t size) {
    for (uint32_t i = 0; i < count; i++, table += 3) {
        if (!(table[0] >= 0.0f && table[0] < (float)size && table[1] >= 0.0f && table[1] < (float)size)) return 0;
        if (!(table[2] >= 0.0f && table[2] <= 1.0f)) return 0;
    }
    return 1;
}

enum net_status check_resize(const step *s, uint64_t *scratch_bytes) {
    const tensor *x = s->in[0], *table = s->in[1], *y = s->out;
    if (x == NULL || table == NULL || table->writable) return NET_OPERAND;
    if (x->rank != 4 || y->rank != 4 || x->dims[0] != 1 || y->dims[0] != 1 || x->dims[3] != y->dims[3]) return NET_SHAPE;
    if (x->dims[1] > MAX_SIZE || x->dims[2] > MAX_SIZE) return NET_SHAPE;
    if (!is_dense(table) || table->count != 3 * ((uint64_t)y->dims[1] + y->dims[2])) return NET_SHAPE;
    if (!table_fits(table->data, y->dims[1], x->dims[1])) return NET_PARAMETER;
    if (!table_fits(table->data + 3 * (size_t)y->dims[1], y->dims[2], x->dims[2])) return NET_PARAMETER;
    *scratch_bytes = 0;
    return NET_OK;
}

ALWAYS_INLINE vec mix(vec a, vec b, vec t) { return vec_add(a, vec_mul(vec_sub(b, a), t)); }

static const float *pixel(const tensor *x, float row, float column) {
    return x->data + ((size_t)(uint32_t)row * x->dims[2] + (uint32_t)column) * x->stride;
}

static void resize_pixels(const step *s, uint32_t first, uint32_t end) {
    const tensor *x = s->in[0], *y = s->out;
    const float *rows = s->in[1]->data, *columns = rows + 3 * (size_t)y->dims[1];
    for (uint32_t m = first; m < end; m++) {
        const float *v = rows + 3 * (m / y->dims[2]), *h = columns + 3 * (m % y->dims[2]);
        const float *p00 = pixel(x, v[0], h[0]), *p01 = pixel(x, v[0], h[1]), *p10 = pixel(x, v[1], h[0]), *p11 = pixel(x, v[1], h[1]);
        float *to = y->data + (size_t)m * y->stride;
        vec u = vec_splat(h[2]), t = vec_splat(v[2]);
        for (uint32_t c = 0; c < y->width; c += 4) {
            uint32_t n = min_u32(4, y->width - c);
            if (n == 4) vec_store(to + c, mix(mix(vec_load(p00 + c), vec_load(p01 + c), u), mix(vec_load(p10 + c), vec_load(p11 + c), u), t));
            else vec_store_part(to + c, mix(mix(vec_load_part(p00 + c, n), vec_load_part(p01 + c, n), u), mix(vec_load_part(p10 + c, n), vec_load_part(p11 + c, n), u), t), n);
        }
    }
}

void run_resize(const step *s, unsigned char *scratch, share *mine) {
    (void)scratch;
    for (uint32_t first, end; take_rows(mine, s->out->rows, s->out->width, &first, &end);) resize_pixels(s, first, end);
}
