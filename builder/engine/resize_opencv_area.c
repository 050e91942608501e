/* OpenCV INTER_AREA.
 *
 * Whole factors on both axes: rint(sum * float32(1 / area)), half to even; factor 2 x 2 on 8-bit values
 * (sum + 2) >> 2. Other shrinking: weights of the covered cells in float32, cells thinner than 1e-3 left out; the sum of
 * a row first, left to right, then row by row from the top, float32 throughout, rounded half to even at the end.
 * If one axis grows, INTER_AREA is a linear interpolation with its own taps (resize_opencv.c, resize_float.c).
 * Loop order: source rows outside, because each is read once and added to one or two target rows.
 */
#include "engine.h"

typedef struct {
    uint32_t target, source;
    float weight;
} cell;

typedef struct {
    cell *cells;
    uint32_t count;
} cell_list;

static const double THINNEST = 1e-3;

static void add_cell(cell_list *list, uint32_t target, int64_t source, double weight, uint32_t n) {
    list->cells[list->count++] = (cell){target, (uint32_t)clamp_index(source, n), (float)weight};
}

static int make_cells(cell_list *list, uint32_t n, uint32_t m) {
    double scale = 1.0 / ((double)m / n);
    list->count = 0;
    list->cells = allocate(((uint64_t)n + 2ull * m) * sizeof(cell));
    if (!list->cells) return 0;
    for (uint32_t d = 0; d < m; d++) {
        double start = d * scale, end = start + scale;
        double width = scale < n - start ? scale : n - start;
        int64_t first = (int64_t)__builtin_ceil(start), last = (int64_t)__builtin_floor(end);
        if (last > (int64_t)n - 1) last = (int64_t)n - 1;
        if (first > last) first = last;
        if ((double)first - start > THINNEST) add_cell(list, d, first - 1, ((double)first - start) / width, n);
        for (int64_t s = first; s < last; s++) add_cell(list, d, s, 1.0 / width, n);
        double rest = end - (double)last;
        if (rest > THINNEST) {
            rest = rest < 1.0 ? rest : 1.0;
            add_cell(list, d, last, (rest < width ? rest : width) / width, n);
        }
    }
    return 1;
}

static float sample(const image *source, size_t at) { return source->bytes ? source->bytes[at] : source->values[at]; }

static void store_row(image *target, uint32_t y, const float *sums, size_t count) {
    size_t start = (size_t)y * count;
    for (size_t x = 0; x < count; x++) {
        if (!target->bytes) {
            target->values[start + x] = sums[x];
            continue;
        }
        float value = __builtin_rintf(sums[x]);
        target->bytes[start + x] = (uint8_t)(value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value);
    }
}

static void sum_row(const image *source, uint32_t y, const cell_list *columns, float *out) {
    size_t channels = source->channels, row = (size_t)y * source->width * channels;
    for (uint32_t k = 0; k < columns->count; k++) {
        cell column = columns->cells[k];
        for (size_t c = 0; c < channels; c++) {
            out[column.target * channels + c] += sample(source, row + column.source * channels + c) * column.weight;
        }
    }
}

static status shrink(const image *source, image *target) {
    size_t count = (size_t)target->width * source->channels;
    cell_list columns, rows;
    float *row = allocate(count * sizeof(float)), *sums = allocate(count * sizeof(float));
    if (!row || !sums) return STATUS_MEMORY;
    if (!make_cells(&columns, source->width, target->width)) return STATUS_MEMORY;
    if (!make_cells(&rows, source->height, target->height)) return STATUS_MEMORY;
    for (uint32_t k = 0; k < rows.count; k++) {
        cell line = rows.cells[k];
        int is_new = k == 0 || rows.cells[k - 1].target != line.target;
        if (is_new && k > 0) store_row(target, rows.cells[k - 1].target, sums, count);
        for (size_t x = 0; x < count; x++) row[x] = 0.0f;
        sum_row(source, line.source, &columns, row);
        for (size_t x = 0; x < count; x++) sums[x] = is_new ? line.weight * row[x] : sums[x] + line.weight * row[x];
    }
    if (rows.count > 0) store_row(target, rows.cells[rows.count - 1].target, sums, count);
    return STATUS_OK;
}

static float mean_of_block(const image *source, size_t top, size_t left, size_t c, uint32_t high, uint32_t wide) {
    uint64_t whole = 0;
    float sum = 0.0f, scale = 1.0f / (float)((uint64_t)high * wide);
    for (size_t y = top; y < top + high; y++) {
        for (size_t x = left; x < left + wide; x++) {
            size_t at = (y * source->width + x) * source->channels + c;
            if (source->bytes) whole += source->bytes[at];
            else sum += source->values[at];
        }
    }
    return (source->bytes ? (float)whole : sum) * scale;
}

static status shrink_by_blocks(const image *source, image *target) {
    uint32_t high = source->height / target->height, wide = source->width / target->width;
    size_t count = (size_t)target->width * source->channels;
    float *sums = allocate(count * sizeof(float));
    if (!sums) return STATUS_MEMORY;
    for (uint32_t y = 0; y < target->height; y++) {
        for (size_t x = 0; x < target->width; x++) {
            for (size_t c = 0; c < source->channels; c++) {
                sums[x * source->channels + c] = mean_of_block(source, (size_t)y * high, x * wide, c, high, wide);
            }
        }
        store_row(target, y, sums, count);
    }
    return STATUS_OK;
}

status resize_opencv_area(const image *source, image *target) {
    int grows = source->height < target->height || source->width < target->width;
    int is_half = source->height == 2ull * target->height && source->width == 2ull * target->width;
    int is_whole = source->height % target->height == 0 && source->width % target->width == 0;
    resize_rule linear = {target->height, target->width, METHOD_AREA, LIKE_OPENCV, 0, 0};
    if (grows || (is_half && source->bytes)) {
        return source->bytes ? resize_opencv_linear(source, target, grows) : resize_float(source, target, &linear);
    }
    return is_whole ? shrink_by_blocks(source, target) : shrink(source, target);
}
