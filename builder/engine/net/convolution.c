/* Convolution as indirect matrix product (Dukhan 2019, "The Indirect Convolution Algorithm").
 *
 *   y[m][n] = act(bias[n] + Σ_tap Σ_c x[pixel(m, tap)][c] · w[n][tap][c] + residual[m][n])
 *
 * Loop order: groups; blocks of output pixels whose inputs stay in the second-level cache; panels of 8 output channels,
 * whose weights stay in the first level; tiles of 4 pixels. Row starts are looked up in a table made once per block.
 * 1×1 kernels have one tap: the table holds the rows of the input itself. With few input channels (the first layer) the image
 * is copied once with its padding, and a kernel row becomes one tap of kernel_w · channels contiguous floats.
 * A prologue (per-channel affine and ReLU in front of a 1×1 kernel) is applied block by block into scratch. */
#include "activation.h"
#include "gemm.h"
#include "window.h"

enum { GROUPS = 10, ACTIVATION = 11, PROLOGUE_LOW = 14 };
enum { IN_X = 0, IN_WEIGHTS = 1, IN_BIAS = 2, IN_RESIDUAL = 3, IN_PROLOGUE = 4 };
enum { PART = 256 };
enum { BLOCK_BYTES = 192 * 1024, BLOCK_MIN_ROWS = 16, BLOCK_MAX_ROWS = 2048, SMALL_CHANNELS = 8 };

typedef struct {
    window w;
    uint32_t groups, group_in, group_out, panels; /* per group */
    uint32_t joined;                              /* kernel rows joined to single taps */
    uint32_t taps, depth, block_rows;
    activation act;
    float prologue_low;
} layer;

static uint32_t choose_block_rows(const layer *l) {
    uint64_t row_bytes = ((uint64_t)l->taps * l->depth + l->w.out_c) * sizeof(float); /* inputs and outputs of a pixel */
    uint64_t rows = BLOCK_BYTES / row_bytes / TILE_ROWS * TILE_ROWS;
    return rows < BLOCK_MIN_ROWS ? BLOCK_MIN_ROWS : rows > BLOCK_MAX_ROWS ? BLOCK_MAX_ROWS : (uint32_t)rows;
}

static enum net_status read_layer(const step *s, layer *l) {
    enum net_status status = read_window(s, &l->w);
    if (status != NET_OK) return status;
    status = read_activation(s, ACTIVATION, &l->act);
    if (status != NET_OK) return status;
    l->prologue_low = step_float(s, PROLOGUE_LOW);
    l->groups = s->parameters[GROUPS];
    if (l->groups == 0 || l->w.in_c % l->groups != 0 || l->w.out_c % l->groups != 0) return NET_PARAMETER;
    l->group_in = l->w.in_c / l->groups;
    l->group_out = l->w.out_c / l->groups;
    l->panels = divide_up(l->group_out, TILE_COLUMNS);
    l->joined = l->groups == 1 && l->w.kernel_w > 1 && l->w.dilation_w == 1 && l->w.in_c < SMALL_CHANNELS;
    l->taps = l->joined ? l->w.kernel_h : l->w.kernel_h * l->w.kernel_w;
    l->depth = l->joined ? l->w.kernel_w * l->w.in_c : l->group_in;
    l->block_rows = choose_block_rows(l);
    return NET_OK;
}

static uint64_t padded_pixels(const window *w) {
    return ((uint64_t)w->in_h + w->pad_top + w->pad_bottom) * ((uint64_t)w->in_w + w->pad_left + w->pad_right);
}

/* Scratch: row table of a block, then zeros for pixels outside or the rows behind a prologue. Scratch of all: the padded image. */
static uint64_t table_bytes(const layer *l) { return ((uint64_t)l->block_rows * l->taps * sizeof(float *) + 63) / 64 * 64; }

static uint64_t rest_bytes(const layer *l, int prologue) {
    if (l->joined) return 0;
    if (prologue) return (uint64_t)l->block_rows * l->w.in_c * sizeof(float);
    return (uint64_t)l->group_in * sizeof(float);
}

static int is_pointwise(const window *w) { return w->kernel_h == 1 && w->kernel_w == 1 && w->pad_top == 0 && w->pad_left == 0; }

enum net_status check_convolution(const step *s, uint64_t *scratch_bytes) {
    layer l;
    enum net_status status = read_layer(s, &l);
    if (status != NET_OK) return status;
    const tensor *weights = s->in[IN_WEIGHTS], *bias = s->in[IN_BIAS], *residual = s->in[IN_RESIDUAL], *prologue = s->in[IN_PROLOGUE];
    if (weights == NULL || bias == NULL) return NET_OPERAND;
    uint64_t columns = (uint64_t)l.groups * l.panels * TILE_COLUMNS;
    if (!is_dense(weights) || weights->count != columns * l.taps * l.depth) return NET_SHAPE;
    if (!is_dense(bias) || bias->count != columns) return NET_SHAPE;
    if (residual != NULL && !same_shape(residual, s->out)) return NET_SHAPE;
    if (prologue != NULL) {
        if (l.groups != 1 || !is_pointwise(&l.w) || l.prologue_low != l.prologue_low) return NET_PARAMETER;
        if (!is_dense(prologue) || prologue->count != 2 * (uint64_t)l.w.in_c) return NET_SHAPE;
    }
    *scratch_bytes = table_bytes(&l) + rest_bytes(&l, prologue != NULL);
    return NET_OK;
}

uint64_t common_convolution(const step *s) {
    layer l;
    return read_layer(s, &l) == NET_OK && l.joined ? padded_pixels(&l.w) * l.w.in_c * sizeof(float) : 0;
}

/* Rows first … end − 1 of the padded image. */
static void copy_padded(const tensor *x, const window *w, uint32_t first, uint32_t end, float *to) {
    uint32_t row = (w->in_w + w->pad_left + w->pad_right) * w->in_c;
    for (uint32_t y = first; y < end; y++) {
        float *line = to + (size_t)y * row, *pixel = line + (size_t)w->pad_left * w->in_c;
        for (uint32_t i = 0; i < row; i++) line[i] = 0.0f;
        if (y - w->pad_top >= w->in_h) continue; /* wraps to a huge number above the image */
        const float *from = x->data + (size_t)(y - w->pad_top) * w->in_w * x->stride;
        for (uint32_t i = 0; i < w->in_w; i++, from += x->stride, pixel += w->in_c)
            for (uint32_t c = 0; c < w->in_c; c++) pixel[c] = from[c];
    }
}

/* Fills table[tile][tap][4] for output pixels first … end − 1; the last pixel stands in for missing ones. */
static void fill_table(const layer *l, const tensor *x, const float *zeros, uint32_t first, uint32_t end, const float **table) {
    const window *w = &l->w;
    for (uint32_t m = first; m < end; m += TILE_ROWS)
        for (uint32_t i = 0; i < TILE_ROWS; i++) {
            uint32_t pixel = min_u32(m + i, end - 1), oy = pixel / w->out_w, ox = pixel % w->out_w;
            const float **entry = table + (size_t)(m - first) * l->taps + i;
            for (uint32_t ky = 0; ky < w->kernel_h; ky++) {
                uint32_t iy = oy * w->stride_h + ky * w->dilation_h - w->pad_top; /* wraps to a huge number above the image */
                for (uint32_t kx = 0; kx < w->kernel_w; kx++, entry += TILE_ROWS) {
                    uint32_t ix = ox * w->stride_w + kx * w->dilation_w - w->pad_left;
                    *entry = iy < w->in_h && ix < w->in_w ? x->data + ((size_t)iy * w->in_w + ix) * x->stride : zeros;
                }
            }
        }
}

static void fill_joined_table(const layer *l, const float *padded, uint32_t first, uint32_t end, const float **table) {
    const window *w = &l->w;
    size_t row = (size_t)(w->in_w + w->pad_left + w->pad_right) * w->in_c;
    for (uint32_t m = first; m < end; m += TILE_ROWS)
        for (uint32_t i = 0; i < TILE_ROWS; i++) {
            uint32_t pixel = min_u32(m + i, end - 1), oy = pixel / w->out_w, ox = pixel % w->out_w;
            const float **entry = table + (size_t)(m - first) * l->taps + i;
            for (uint32_t ky = 0; ky < w->kernel_h; ky++, entry += TILE_ROWS)
                *entry = padded + (oy * w->stride_h + ky * w->dilation_h) * row + (size_t)ox * w->stride_w * w->in_c;
        }
}

/* Moves the rows of a 1×1 table behind the prologue: scratch row = max(x · scale + shift, low). */
static void apply_prologue(const layer *l, const tensor *prologue, uint32_t count, const float **table, float *to) {
    uint32_t width = l->w.in_c;
    const float *scale = prologue->data, *shift = prologue->data + width;
    vec low = vec_splat(l->prologue_low);
    for (uint32_t m = 0; m < count; m++, to += width) {
        const float *from = table[m];
        uint32_t c = 0;
        for (; c + 4 <= width; c += 4) {
            vec value = vec_add(vec_mul(vec_load(from + c), vec_load(scale + c)), vec_load(shift + c));
            vec_store(to + c, vec_at_least(value, low));
        }
        for (; c < width; c++) {
            float value = from[c] * scale[c] + shift[c];
            to[c] = value < l->prologue_low ? l->prologue_low : value;
        }
        table[m] = to;
    }
    for (uint32_t m = count; m % TILE_ROWS != 0; m++) table[m] = table[count - 1];
}

static void shift_table(const float **table, size_t entries, uint32_t channels, const float *zeros) {
    for (size_t i = 0; i < entries; i++)
        if (table[i] != zeros) table[i] += channels;
}

/* One part of the sum of a column panel for all tiles of a block; parts but the first add to what stands in y already. */
static void multiply_part(const step *s, const layer *l, const panel *p, uint32_t column, uint32_t tap, int is_first, uint32_t first, uint32_t end, const float **table) {
    const tensor *y = s->out, *base = is_first ? s->in[IN_RESIDUAL] : y;
    for (uint32_t m = first; m < end; m += TILE_ROWS) {
        tile t = {table + (size_t)(m - first) * l->taps + (size_t)tap * TILE_ROWS, y->data + (size_t)m * y->stride + column, y->stride,
                  base == NULL ? NULL : base->data + (size_t)m * base->stride + column, base == NULL ? 0 : base->stride};
        run_tile(p, &t, min_u32(TILE_ROWS, end - m));
    }
}

/* Long sums are cut into parts of about PART products: their weights fit the first-level cache, and rounding errors grow with the
 * length of a part and the number of parts, not with their product. */
static void multiply_panel(const step *s, const layer *l, const panel *whole, uint32_t column, uint32_t first, uint32_t end, const float **table) {
    uint32_t taps = max_u32(1, PART / l->depth), depth = l->depth > PART ? PART : l->depth;
    for (uint32_t tap = 0; tap < l->taps; tap += taps)
        for (uint32_t k = 0; k < l->depth; k += depth) {
            int is_first = tap == 0 && k == 0, is_last = tap + taps >= l->taps && k + depth >= l->depth;
            panel p = *whole;
            p.weights += ((size_t)tap * l->depth + k) * TILE_COLUMNS;
            p.taps = min_u32(taps, l->taps - tap);
            p.depth = min_u32(depth, l->depth - k);
            p.offset = k;
            if (!is_first) p.bias = NULL;
            if (!is_last) p.low = -__builtin_inff(), p.high = __builtin_inff();
            multiply_part(s, l, &p, column, tap, is_first, first, end, table);
        }
}

/* Panels first_panel … end_panel − 1 of all groups, for the pixels of one block. */
static void multiply_block(const step *s, const layer *l, uint32_t first_panel, uint32_t end_panel, uint32_t first, uint32_t end, const float **table) {
    for (uint32_t index = first_panel; index < end_panel; index++) {
        uint32_t n = index % l->panels, column = index / l->panels * l->group_out + n * TILE_COLUMNS;
        panel p = {.weights = s->in[IN_WEIGHTS]->data + (size_t)index * TILE_COLUMNS * l->taps * l->depth,
                   .bias = s->in[IN_BIAS]->data + (size_t)index * TILE_COLUMNS,
                   .columns = min_u32(TILE_COLUMNS, l->group_out - n * TILE_COLUMNS), .low = clamp_low(l->act), .high = clamp_high(l->act)};
        multiply_panel(s, l, &p, column, first, end, table);
    }
}

static void prepare_block(const step *s, const layer *l, const float *padded, uint32_t first, uint32_t end, const float **table, float *rest) {
    if (l->joined) fill_joined_table(l, padded, first, end, table);
    else fill_table(l, s->in[IN_X], rest, first, end, table);
    if (s->in[IN_PROLOGUE] != NULL) apply_prologue(l, s->in[IN_PROLOGUE], end - first, table, rest);
}

/* Pieces are panels of one block. Where weights outweigh inputs, blocks stay large and panels are shared out: each weight is read by one
 * thread. Elsewhere blocks are shared out, and panels only if there are too few blocks. */
typedef struct {
    uint32_t block_rows, blocks, piece_panels, pieces; /* pieces per block */
} division;

static division divide_work(const layer *l, uint32_t rows, const share *mine) {
    uint32_t wanted = mine->count * PIECES_PER_THREAD, panels = l->groups * l->panels, block_rows = l->block_rows;
    if (mine->count == 1) return (division){block_rows, divide_up(rows, block_rows), panels, 1};
    uint64_t weights = (uint64_t)l->taps * l->depth * l->w.out_c, inputs = (uint64_t)rows * l->w.in_c;
    uint32_t even_rows = divide_up(divide_up(rows, wanted), TILE_ROWS) * TILE_ROWS;
    if (weights <= inputs) block_rows = min_u32(block_rows, max_u32(even_rows, BLOCK_MIN_ROWS));
    uint32_t blocks = divide_up(rows, block_rows), piece_panels = divide_up(panels, min_u32(panels, divide_up(wanted, blocks)));
    return (division){block_rows, blocks, piece_panels, divide_up(panels, piece_panels)};
}

static void run_pieces(const step *s, const layer *l, unsigned char *scratch, share *mine) {
    const tensor *y = s->out;
    const float **table = (const float **)scratch, *padded = (const float *)mine->common;
    float *rest = (float *)(scratch + table_bytes(l));
    division work = divide_work(l, y->rows, mine);
    uint32_t prepared = UINT32_MAX, group = 0;
    for (uint32_t piece, next; take_range(mine, work.blocks * work.pieces, 1, &piece, &next);) {
        uint32_t block = piece / work.pieces, first = block * work.block_rows, end = min_u32(first + work.block_rows, y->rows);
        uint32_t panel_now = piece % work.pieces * work.piece_panels, last = min_u32(panel_now + work.piece_panels, l->groups * l->panels);
        if (block != prepared) prepare_block(s, l, padded, first, end, table, rest), group = 0;
        prepared = block;
        uint32_t left = panel_now / l->panels * l->group_out + panel_now % l->panels * TILE_COLUMNS;
        for (uint32_t stop; panel_now < last; panel_now = stop) { /* group by group */
            uint32_t wanted = panel_now / l->panels;
            size_t entries = (size_t)divide_up(end - first, TILE_ROWS) * TILE_ROWS * l->taps;
            if (wanted > group) shift_table(table, entries, (wanted - group) * l->group_in, rest);
            group = wanted;
            stop = min_u32(last, (wanted + 1) * l->panels);
            multiply_block(s, l, panel_now, stop, first, end, table);
        }
        uint32_t right = last / l->panels * l->group_out + last % l->panels * TILE_COLUMNS;
        if (needs_pass(l->act)) activate(y->data + (size_t)first * y->stride + left, end - first, right - left, y->stride, l->act);
    }
}

void run_convolution(const step *s, unsigned char *scratch, share *mine) {
    layer l;
    if (read_layer(s, &l) != NET_OK) return;
    if (l.joined) {
        uint32_t rows = l.w.in_h + l.w.pad_top + l.w.pad_bottom;
        for (uint32_t first, end; take_rows(mine, rows, l.w.in_w * l.w.in_c, &first, &end);)
            copy_padded(s->in[IN_X], &l.w, first, end, (float *)mine->common);
        meet(mine);
    } else if (s->in[IN_PROLOGUE] == NULL) {
        float *zeros = (float *)(scratch + table_bytes(&l));
        for (uint32_t c = 0; c < l.group_in; c++) zeros[c] = 0.0f;
    }
    run_pieces(s, &l, scratch, mine);
}
