/* Pillow bilinear and bicubic (a = -0.5), which always widen the filter when they shrink.
 *
 * Per axis: s = n / m, k = max(s, 1), centre (d + 0.5) * s, taps from max(0, trunc(centre - r k + 0.5)) to
 * min(n, trunc(centre + r k + 0.5)), weight filter((x - centre + 0.5) / k) divided by the sum, all in float64.
 * 8-bit: weights become integers of 22 fraction bits (half away from zero) and every pass ends in 8 bits:
 * clip((sum + 2^21) >> 22). Float (Pillow's mode F): float64 sums, rounded to float32 after each pass.
 * Order: horizontal first, but by the rule of Pillow >= 13 vertical first if H - h > 0 and H - h > 2 (W - w).
 * An axis that keeps its size is skipped. Vertical pass: whole rows are added, so that the inner loop runs over
 * neighbours in memory; horizontal pass: one pixel after the other, its taps are neighbours in memory.
 */
#include "engine.h"

enum { FRACTION_BITS = 22 };

static double radius_of(uint32_t method) { return method == METHOD_BICUBIC ? 2.0 : 1.0; }

static double filter(double x, uint32_t method) {
    const double a = -0.5;
    if (x < 0.0) x = -x;
    if (method != METHOD_BICUBIC) return x < 1.0 ? 1.0 - x : 0.0;
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

uint32_t filter_window_limit(uint32_t source, uint32_t target, uint32_t method) {
    double scale = (double)source / target, reach = radius_of(method) * (scale > 1.0 ? scale : 1.0);
    return (uint32_t)__builtin_ceil(reach) * 2 + 1;
}

window filter_window(uint32_t source, uint32_t target, uint32_t position, uint32_t method, double *weights) {
    double scale = (double)source / target, stretch = scale > 1.0 ? scale : 1.0;
    double reach = radius_of(method) * stretch, centre = (position + 0.5) * scale, unit = 1.0 / stretch, sum = 0.0;
    int64_t first = (int64_t)(centre - reach + 0.5), end = (int64_t)(centre + reach + 0.5);
    if (first < 0) first = 0;
    if (end > (int64_t)source) end = source;
    uint32_t count = (uint32_t)(end - first);
    for (uint32_t k = 0; k < count; k++) {
        weights[k] = filter(((double)(first + k) - centre + 0.5) * unit, method);
        sum += weights[k];
    }
    for (uint32_t k = 0; k < count && sum != 0.0; k++) weights[k] /= sum;
    return (window){(uint32_t)first, count};
}

typedef struct {
    window *windows;
    double *weights;
    int32_t *whole;
    uint32_t limit;
} filter_table;

static status make_table(filter_table *table, uint32_t n, uint32_t m, uint32_t method) {
    uint32_t limit = filter_window_limit(n, m, method);
    table->limit = limit;
    table->windows = allocate((uint64_t)m * sizeof(window));
    table->weights = allocate((uint64_t)m * limit * sizeof(double));
    table->whole = allocate((uint64_t)m * limit * sizeof(int32_t));
    if (!table->windows || !table->weights || !table->whole) return STATUS_MEMORY;
    for (uint32_t d = 0; d < m; d++) {
        double *weights = table->weights + (size_t)d * limit;
        table->windows[d] = filter_window(n, m, d, method, weights);
        for (uint32_t k = 0; k < table->windows[d].count; k++) {
            double scaled = weights[k] * (double)(1 << FRACTION_BITS);
            table->whole[(size_t)d * limit + k] = (int32_t)(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
        }
    }
    return STATUS_OK;
}

static uint8_t to_byte(int32_t sum) {
    int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void horizontal_bytes(const image *source, image *target, const filter_table *table) {
    size_t channels = source->channels;
    for (size_t y = 0; y < target->height; y++) {
        uint8_t *out = target->bytes + y * target->width * channels;
        for (size_t x = 0; x < target->width; x++) {
            const uint8_t *from = source->bytes + (y * source->width + table->windows[x].first) * channels;
            const int32_t *weights = table->whole + x * table->limit;
            for (size_t c = 0; c < channels; c++) {
                int32_t sum = 1 << (FRACTION_BITS - 1);
                for (size_t k = 0; k < table->windows[x].count; k++) sum += from[k * channels + c] * weights[k];
                *out++ = to_byte(sum);
            }
        }
    }
}

static void horizontal_values(const image *source, image *target, const filter_table *table) {
    size_t channels = source->channels;
    for (size_t y = 0; y < target->height; y++) {
        float *out = target->values + y * target->width * channels;
        for (size_t x = 0; x < target->width; x++) {
            const float *from = source->values + (y * source->width + table->windows[x].first) * channels;
            const double *weights = table->weights + x * table->limit;
            for (size_t c = 0; c < channels; c++) {
                double sum = 0.0;
                for (size_t k = 0; k < table->windows[x].count; k++) sum += from[k * channels + c] * weights[k];
                *out++ = (float)sum;
            }
        }
    }
}

static status vertical_bytes(const image *source, image *target, const filter_table *table) {
    size_t count = (size_t)source->width * source->channels;
    int32_t *sums = allocate(count * sizeof(int32_t));
    if (!sums) return STATUS_MEMORY;
    for (size_t y = 0; y < target->height; y++) {
        for (size_t x = 0; x < count; x++) sums[x] = 1 << (FRACTION_BITS - 1);
        for (size_t k = 0; k < table->windows[y].count; k++) {
            const uint8_t *row = source->bytes + (table->windows[y].first + k) * count;
            int32_t weight = table->whole[y * table->limit + k];
            for (size_t x = 0; x < count; x++) sums[x] += row[x] * weight;
        }
        for (size_t x = 0; x < count; x++) target->bytes[y * count + x] = to_byte(sums[x]);
    }
    return STATUS_OK;
}

static status vertical_values(const image *source, image *target, const filter_table *table) {
    size_t count = (size_t)source->width * source->channels;
    double *sums = allocate(count * sizeof(double));
    if (!sums) return STATUS_MEMORY;
    for (size_t y = 0; y < target->height; y++) {
        for (size_t x = 0; x < count; x++) sums[x] = 0.0;
        for (size_t k = 0; k < table->windows[y].count; k++) {
            const float *row = source->values + (table->windows[y].first + k) * count;
            double weight = table->weights[y * table->limit + k];
            for (size_t x = 0; x < count; x++) sums[x] += row[x] * weight;
        }
        for (size_t x = 0; x < count; x++) target->values[y * count + x] = (float)sums[x];
    }
    return STATUS_OK;
}

static status run_pass(const image *source, image *target, uint32_t method, int is_vertical) {
    filter_table table;
    status made = is_vertical ? make_table(&table, source->height, target->height, method)
                              : make_table(&table, source->width, target->width, method);
    if (made != STATUS_OK) return made;
    if (is_vertical) return source->bytes ? vertical_bytes(source, target, &table) : vertical_values(source, target, &table);
    if (source->bytes) horizontal_bytes(source, target, &table);
    else horizontal_values(source, target, &table);
    return STATUS_OK;
}

static int is_vertical_first(const image *source, const image *target, uint32_t order) {
    int64_t rows = (int64_t)source->height - target->height, columns = (int64_t)source->width - target->width;
    return order == ORDER_PILLOW_13 && rows > 0 && rows > 2 * columns;
}

status resize_pillow(const image *source, image *target, uint32_t method, uint32_t order) {
    if (source->height == target->height) return run_pass(source, target, method, 0);
    if (source->width == target->width) return run_pass(source, target, method, 1);
    int vertical_first = is_vertical_first(source, target, order);
    uint32_t height = vertical_first ? target->height : source->height;
    uint32_t width = vertical_first ? source->width : target->width;
    status checked = check_size(height, width);
    if (checked != STATUS_OK) return checked;
    image between;
    int ok = source->bytes ? allocate_bytes(&between, height, width, source->channels)
                           : allocate_values(&between, height, width, source->channels);
    if (!ok) return STATUS_MEMORY;
    status passed = run_pass(source, &between, method, vertical_first);
    return passed == STATUS_OK ? run_pass(&between, target, method, !vertical_first) : passed;
}
