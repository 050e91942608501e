/* 3×3 convolution with stride 1 by Winograd's minimal filtering F(2×2, 3×3) (Lavin & Gray 2016): 16 products instead of 36.
 *
 *   y = Aᵀ [ Σ_c (G g Gᵀ) ∘ (Bᵀ d B) ] A      for tiles of 2×2 outputs from 4×4 inputs d and filters g
 *
 * The sum over channels is, for each of the 16 places of a tile, one matrix product: the micro-tile of gemm.h does it.
 * Loop order: filters are transformed once per run (storing them would add 7/9 to every download); blocks of tiles whose transformed
 * inputs stay near the second-level cache; places; panels; tiles. Inside a block all 16 places of the inputs are made first, then
 * the products place by place (one place of the filters streams once per block), then the outputs.
 * F(4×4, 3×3) would need 9 products per 4 outputs instead of 16, but its constants cost about one decimal digit. */
#include "activation.h"
#include "gemm.h"
#include "window.h"

enum { GROUPS = 10, ACTIVATION = 11 };
enum { IN_X = 0, IN_WEIGHTS = 1, IN_BIAS = 2, IN_RESIDUAL = 3 };
enum { PLACES = 16, BLOCK_BYTES = 256 * 1024, BLOCK_MIN_TILES = 52 };

typedef struct {
    window w;
    activation act;
    uint32_t tiles_w, tiles, block, columns; /* columns: outputs rounded up to panels */
} layer;

static enum net_status read_layer(const step *s, layer *l) {
    enum net_status status = read_window(s, &l->w);
    if (status == NET_OK) status = read_activation(s, ACTIVATION, &l->act);
    if (status != NET_OK) return status;
    const window *w = &l->w;
    int fits = w->kernel_h == 3 && w->kernel_w == 3 && w->stride_h == 1 && w->stride_w == 1 && w->dilation_h == 1 && w->dilation_w == 1;
    if (!fits || s->parameters[GROUPS] != 1 || w->in_c % 4 != 0 || w->out_c % 4 != 0) return NET_PARAMETER;
    l->tiles_w = divide_up(w->out_w, 2);
    l->tiles = l->tiles_w * divide_up(w->out_h, 2);
    l->columns = divide_up(w->out_c, TILE_COLUMNS) * TILE_COLUMNS;
    l->block = max_u32(BLOCK_BYTES / PLACES / sizeof(float) / w->in_c / TILE_ROWS * TILE_ROWS, BLOCK_MIN_TILES);
    l->block = min_u32(l->block, divide_up(l->tiles, TILE_ROWS) * TILE_ROWS);
    return NET_OK;
}

enum net_status check_winograd(const step *s, uint64_t *scratch_bytes) {
    layer l;
    enum net_status status = read_layer(s, &l);
    if (status != NET_OK) return status;
    const tensor *weights = s->in[IN_WEIGHTS], *bias = s->in[IN_BIAS], *residual = s->in[IN_RESIDUAL];
    if (weights == NULL || bias == NULL) return NET_OPERAND;
    if (!is_dense(weights) || weights->count != 9 * (uint64_t)l.columns * l.w.in_c) return NET_SHAPE;
    if (!is_dense(bias) || bias->count != l.columns) return NET_SHAPE;
    if (residual != NULL && !same_shape(residual, s->out)) return NET_SHAPE;
    uint64_t inputs = (uint64_t)l.block * l.w.in_c, sums = (uint64_t)l.block * l.columns;
    *scratch_bytes = PLACES * sizeof(float) * (inputs + sums) + l.w.in_c * sizeof(float);
    return NET_OK;
}

uint64_t common_winograd(const step *s) {
    layer l;
    return read_layer(s, &l) == NET_OK ? (uint64_t)PLACES * l.columns * l.w.in_c * sizeof(float) : 0;
}

/* G g Gᵀ of one vector of outputs: from taps (stride `from_step`) to places (stride `to_step`). */
static void transform_filter(const float *from, size_t from_step, float *to, size_t to_step) {
    vec half = vec_splat(0.5f), rows[4][3];
    for (uint32_t x = 0; x < 3; x++) {
        vec g0 = vec_load(from + x * from_step), g1 = vec_load(from + (3 + x) * from_step), g2 = vec_load(from + (6 + x) * from_step);
        vec ends = vec_add(g0, g2);
        rows[0][x] = g0;
        rows[1][x] = vec_mul(vec_add(ends, g1), half);
        rows[2][x] = vec_mul(vec_sub(ends, g1), half);
        rows[3][x] = g2;
    }
    for (uint32_t y = 0; y < 4; y++, to += 4 * to_step) {
        vec ends = vec_add(rows[y][0], rows[y][2]);
        vec_store(to, rows[y][0]);
        vec_store(to + to_step, vec_mul(vec_add(ends, rows[y][1]), half));
        vec_store(to + 2 * to_step, vec_mul(vec_sub(ends, rows[y][1]), half));
        vec_store(to + 3 * to_step, rows[y][2]);
    }
}

/* From panels [n/8][9][c][8] to [16][n/8][c][8]. */
static void transform_filters(const layer *l, const float *weights, uint32_t first, uint32_t end, float *to) {
    size_t channels = (size_t)l->w.in_c * TILE_COLUMNS, place = (size_t)l->columns * l->w.in_c;
    for (uint32_t n = first; n < end; n++)
        for (size_t i = 0; i < channels; i += 4) transform_filter(weights + n * 9 * channels + i, channels, to + n * channels + i, place);
}

/* Bᵀ d B for one tile and all channels; `pixels` are the 16 inputs in reading order. */
static void transform_tile(const float *const pixels[PLACES], uint32_t channels, float *to, size_t place) {
    for (uint32_t c = 0; c < channels; c += 4) {
        vec rows[4][4];
#pragma clang loop unroll(full)
        for (uint32_t x = 0; x < 4; x++) {
            vec d0 = vec_load(pixels[x] + c), d1 = vec_load(pixels[4 + x] + c), d2 = vec_load(pixels[8 + x] + c), d3 = vec_load(pixels[12 + x] + c);
            rows[0][x] = vec_sub(d0, d2);
            rows[1][x] = vec_add(d1, d2);
            rows[2][x] = vec_sub(d2, d1);
            rows[3][x] = vec_sub(d1, d3);
        }
#pragma clang loop unroll(full)
        for (uint32_t y = 0; y < 4; y++) {
            float *out = to + (size_t)y * 4 * place + c;
            vec_store(out, vec_sub(rows[y][0], rows[y][2]));
            vec_store(out + place, vec_add(rows[y][1], rows[y][2]));
            vec_store(out + 2 * place, vec_sub(rows[y][2], rows[y][1]));
            vec_store(out + 3 * place, vec_sub(rows[y][1], rows[y][3]));
        }
    }
}

static void transform_inputs(const layer *l, const tensor *x, const float *zeros, uint32_t first, uint32_t end, float *to) {
    const window *w = &l->w;
    for (uint32_t t = first; t < end; t++, to += w->in_c) {
        const float *pixels[PLACES];
        for (uint32_t i = 0; i < PLACES; i++) {
            uint32_t iy = t / l->tiles_w * 2 + i / 4 - w->pad_top, ix = t % l->tiles_w * 2 + i % 4 - w->pad_left;
            pixels[i] = iy < w->in_h && ix < w->in_w ? x->data + ((size_t)iy * w->in_w + ix) * x->stride : zeros;
        }
        transform_tile(pixels, w->in_c, to, (size_t)l->block * w->in_c);
    }
}

/* Column panels first … end − 1, counted through all places. */
static void multiply_panels(const layer *l, const float *filters, const float *inputs, uint32_t count, uint32_t first, uint32_t end, float *sums) {
    uint32_t depth = l->w.in_c, panels = l->columns / TILE_COLUMNS;
    for (uint32_t index = first; index < end; index++) {
        uint32_t place = index / panels, n = index % panels * TILE_COLUMNS;
        const float *x = inputs + (size_t)place * l->block * depth, *u = filters + (size_t)place * l->columns * depth;
        float *y = sums + (size_t)place * l->block * l->columns;
        panel p = {u + (size_t)n * depth, NULL, 1, depth, 0, TILE_COLUMNS, -__builtin_inff(), __builtin_inff()};
        for (uint32_t m = 0; m < count; m += TILE_ROWS) {
            const float *rows[TILE_ROWS];
            for (uint32_t i = 0; i < TILE_ROWS; i++) rows[i] = x + (size_t)min_u32(m + i, count - 1) * depth;
            tile t = {rows, y + (size_t)m * l->columns + n, l->columns, NULL, 0};
            run_tile(&p, &t, min_u32(TILE_ROWS, count - m));
        }
    }
}

static void store_pixel(const step *s, const layer *l, uint32_t oy, uint32_t ox, uint32_t n, vec value) {
    const tensor *y = s->out, *residual = s->in[IN_RESIDUAL];
    if (oy >= l->w.out_h || ox >= l->w.out_w) return;
    size_t row = (size_t)oy * l->w.out_w + ox;
    value = vec_add(value, vec_load(s->in[IN_BIAS]->data + n));
    if (residual != NULL) value = vec_add(value, vec_load(residual->data + row * residual->stride + n));
    value = vec_at_most(vec_at_least(value, vec_splat(clamp_low(l->act))), vec_splat(clamp_high(l->act)));
    vec_store(y->data + row * y->stride + n, value);
}

/* Aᵀ m A for one tile. */
static void transform_output(const step *s, const layer *l, uint32_t t, const float *sums) {
    size_t place = (size_t)l->block * l->columns;
    uint32_t oy = t / l->tiles_w * 2, ox = t % l->tiles_w * 2;
    for (uint32_t n = 0; n < l->w.out_c; n += 4) {
        vec top[4], bottom[4];
#pragma clang loop unroll(full)
        for (uint32_t x = 0; x < 4; x++) {
            const float *m = sums + x * place + n;
            vec m1 = vec_load(m + 4 * place), m2 = vec_load(m + 8 * place);
            top[x] = vec_add(vec_add(vec_load(m), m1), m2);
            bottom[x] = vec_sub(vec_sub(m1, m2), vec_load(m + 12 * place));
        }
        store_pixel(s, l, oy, ox, n, vec_add(vec_add(top[0], top[1]), top[2]));
        store_pixel(s, l, oy, ox + 1, n, vec_sub(vec_sub(top[1], top[2]), top[3]));
        store_pixel(s, l, oy + 1, ox, n, vec_add(vec_add(bottom[0], bottom[1]), bottom[2]));
        store_pixel(s, l, oy + 1, ox + 1, n, vec_sub(vec_sub(bottom[1], bottom[2]), bottom[3]));
    }
}

typedef struct {
    const float *filters, *zeros;
    float *inputs, *sums;
} buffers;

static buffers find_buffers(const layer *l, const share *mine, unsigned char *scratch) {
    float *inputs = (float *)scratch, *sums = inputs + (size_t)PLACES * l->block * l->w.in_c;
    return (buffers){(const float *)mine->common, sums + (size_t)PLACES * l->block * l->columns, inputs, sums};
}

/* One block by all threads of `mine`, in three parts. */
static void run_block(const step *s, const layer *l, buffers b, share *mine, uint32_t first, uint32_t end) {
    uint32_t count = end - first, panels = PLACES * (l->columns / TILE_COLUMNS), from, to;
    while (take_rows(mine, count, PLACES * l->w.in_c, &from, &to))
        transform_inputs(l, s->in[IN_X], b.zeros, first + from, first + to, b.inputs + (size_t)from * l->w.in_c);
    meet(mine);
    while (take_range(mine, panels, piece_size(mine, panels, 1, 1), &from, &to)) multiply_panels(l, b.filters, b.inputs, count, from, to, b.sums);
    meet(mine);
    while (take_rows(mine, count, PLACES * l->columns, &from, &to))
        for (uint32_t t = from; t < to; t++) transform_output(s, l, first + t, b.sums + (size_t)t * l->columns);
    meet(mine);
}

/* Many blocks are shared out; few are done by all threads together, in the scratch of thread 0. */
static void run_blocks(const step *s, const layer *l, unsigned char *scratch, share *mine) {
    uint32_t blocks = divide_up(l->tiles, l->block), block, next;
    share alone = {.count = 1, .common = mine->common};
    if (mine->count == 1 || blocks >= 2 * mine->count) {
        while (take_range(mine, blocks, 1, &block, &next)) {
            alone.next = 0;
            run_block(s, l, find_buffers(l, mine, scratch), &alone, block * l->block, min_u32(next * l->block, l->tiles));
        }
        if (needs_pass(l->act)) meet(mine);
        return;
    }
    for (block = 0; block < blocks; block++)
        run_block(s, l, find_buffers(l, mine, mine->leading), mine, block * l->block, min_u32((block + 1) * l->block, l->tiles));
}

void run_winograd(const step *s, unsigned char *scratch, share *mine) {
    layer l;
    if (read_layer(s, &l) != NET_OK) return;
    const tensor *y = s->out;
    uint32_t panels = l.columns / TILE_COLUMNS, first, end;
    float *zeros = (float *)find_buffers(&l, mine, scratch).zeros; /* each thread its own, thread 0 for blocks done together */
    for (uint32_t c = 0; c < l.w.in_c; c++) zeros[c] = 0.0f;
    while (take_range(mine, panels, piece_size(mine, panels, 1, 1), &first, &end))
        transform_filters(&l, s->in[IN_WEIGHTS]->data, first, end, (float *)mine->common);
    meet(mine);
    run_blocks(s, &l, scratch, mine);
    if (!needs_pass(l.act)) return;
    while (take_rows(mine, y->rows, y->width, &first, &end)) activate(y->data + (size_t)first * y->stride, end - first, y->width, y->stride, l.act);
}
