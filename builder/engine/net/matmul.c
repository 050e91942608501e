/* Matrix product of two computed tensors, (…, M, K) × (…, K, N), leading axes broadcast as in numpy.
 *
 * Loop order: matrices; b is packed once into panels [N/8][K][8] in scratch; panels; tiles of 4 rows. Packing costs K·N against
 * M·K·N products and lets the micro-tile of the convolution do the work. Constant b never comes here: the compiler
 * makes it a 1×1 convolution. */
#include "activation.h"
#include "gemm.h"

enum { ACTIVATION = 0 };

static uint64_t matrices(const tensor *t) {
    uint64_t n = 1;
    for (uint32_t i = 0; i + 2 < t->rank; i++) n *= t->dims[i];
    return n;
}

static int leads_broadcast(const tensor *t, const tensor *out) {
    if (t->rank > out->rank) return 0;
    for (uint32_t i = 0; i + 2 < t->rank; i++) {
        uint32_t joint = out->dims[out->rank - t->rank + i];
        if (t->dims[i] != 1 && t->dims[i] != joint) return 0;
    }
    return 1;
}

enum net_status check_matmul(const step *s, uint64_t *scratch_bytes) {
    const tensor *a = s->in[0], *b = s->in[1], *y = s->out;
    activation act;
    if (a == NULL || b == NULL) return NET_OPERAND;
    if (a->rank < 2 || b->rank < 2 || y->rank < 2 || !leads_broadcast(a, y) || !leads_broadcast(b, y)) return NET_SHAPE;
    uint32_t depth = a->width;
    if (b->dims[b->rank - 2] != depth || b->width != y->width || a->dims[a->rank - 2] != y->dims[y->rank - 2]) return NET_SHAPE;
    *scratch_bytes = (uint64_t)divide_up(y->width, TILE_COLUMNS) * TILE_COLUMNS * depth * sizeof(float);
    return read_activation(s, ACTIVATION, &act);
}

/* Row at which matrix `index` of the output starts in t. */
static size_t find_matrix(const tensor *t, const tensor *out, uint64_t index) {
    size_t row = 0, step = t->dims[t->rank - 2];
    for (uint32_t i = out->rank - 2; i-- > 0;) {
        uint32_t place = (uint32_t)(index % out->dims[i]), from_end = out->rank - i;
        index /= out->dims[i];
        if (from_end > t->rank) break;
        uint32_t size = t->dims[t->rank - from_end];
        row += (size == 1 ? 0 : place) * step;
        step *= size;
    }
    return row;
}

static void pack(const float *b, uint32_t stride, uint32_t depth, uint32_t width, uint32_t left, uint32_t right, float *to) {
    for (uint32_t n = left; n < right; n += TILE_COLUMNS)
        for (uint32_t k = 0; k < depth; k++, to += TILE_COLUMNS) {
            const float *row = b + (size_t)k * stride + n;
            for (uint32_t j = 0; j < TILE_COLUMNS; j++) to[j] = n + j < width ? row[j] : 0.0f;
        }
}

static void multiply(const float *a, uint32_t a_stride, const float *packed, float *y, const tensor *out, uint32_t left, uint32_t right, uint32_t height, uint32_t depth, activation act) {
    for (uint32_t n = left; n < right; n += TILE_COLUMNS) {
        panel p = {packed + (size_t)(n - left) * depth, NULL, 1, depth, 0, min_u32(TILE_COLUMNS, out->width - n), clamp_low(act), clamp_high(act)};
        for (uint32_t m = 0; m < height; m += TILE_ROWS) {
            const float *rows[TILE_ROWS];
            for (uint32_t i = 0; i < TILE_ROWS; i++) rows[i] = a + (size_t)min_u32(m + i, height - 1) * a_stride;
            tile t = {rows, y + (size_t)m * out->stride + n, out->stride, NULL, 0};
            run_tile(&p, &t, min_u32(TILE_ROWS, height - m));
        }
    }
}

/* Columns `left` … `right` − 1 of matrix `index`. */
static void run_columns(const step *s, float *packed, uint32_t index, uint32_t left, uint32_t right, activation act) {
    const tensor *a = s->in[0], *b = s->in[1], *y = s->out;
    uint32_t height = y->dims[y->rank - 2], depth = a->width;
    pack(b->data + find_matrix(b, y, index) * b->stride, b->stride, depth, y->width, left, right, packed);
    float *to = y->data + (size_t)index * height * y->stride;
    multiply(a->data + find_matrix(a, y, index) * a->stride, a->stride, packed, to, y, left, right, height, depth, act);
    if (needs_pass(act)) activate(to + left, height, right - left, y->stride, act);
}

/* Pieces are column panels of one matrix: all of them, or fewer where there are few matrices. */
void run_matmul(const step *s, unsigned char *scratch, share *mine) {
    const tensor *y = s->out;
    activation act;
    if (read_activation(s, ACTIVATION, &act) != NET_OK) return;
    uint32_t count = (uint32_t)matrices(y), panels = divide_up(y->width, TILE_COLUMNS), total = count * panels;
    uint32_t size = min_u32(panels, piece_size(mine, total, 1, 1)), parts = divide_up(panels, size);
    for (uint32_t piece, end; take_range(mine, count * parts, mine->count == 1 ? count * parts : 1, &piece, &end);)
        for (; piece < end; piece++) {
            uint32_t left = piece % parts * size * TILE_COLUMNS;
            run_columns(s, (float *)scratch, piece / parts, left, min_u32(left + size * TILE_COLUMNS, y->width), act);
        }
}
