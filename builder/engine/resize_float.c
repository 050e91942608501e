/* Float resizing: OpenCV linear on floats, TensorFlow and PyTorch; every method is a table of taps per axis.
 *
 * Half-pixel centres: x = (d + 0.5) * s - 0.5, s = n / m. OpenCV takes x in float64, the other two in float32.
 * bilinear: floor(x) and its neighbour, weights 1 - t and t, clipped at the border.
 * bicubic, PyTorch: a = -0.75, taps clipped at the border. bicubic, TensorFlow: a = -0.5, t rounded to 1/1024, taps
 * outside dropped and the rest divided by its sum (ResizeBicubic with half_pixel_centers).
 * area, TensorFlow: the overlap of the cell [d s, (d + 1) s) with each pixel, divided by s (ResizeArea).
 * area that enlarges, OpenCV: two taps, see resize_opencv.c.
 * antialias: the filter of Pillow (a = -0.5, widened by s when shrinking) with float32 weights and no 8-bit rounding.
 * Sums are float32 in the order of the taps. Vertical pass first: it adds whole rows, reads 8-bit rows as they are and
 * leaves few rows for the horizontal pass, whose reads are scattered.
 */
#include "engine.h"

/* A cell touches at most two pixels more than its width, and some more where float32 counts in steps of 4. */
enum { SPARE_TAPS = 16 };

typedef struct {
    window *windows;
    float *weights;
    uint32_t limit;
} tap_table;

static void add_tap(tap_table *table, uint32_t d, uint32_t n, int64_t index, float weight) {
    window *place = table->windows + d;
    float *weights = table->weights + (size_t)d * table->limit;
    uint32_t source = (uint32_t)clamp_index(index, n);
    if (place->count == 0) place->first = source;
    if (source - place->first == place->count) weights[place->count++] = weight;
    else weights[source - place->first] += weight;
}

static float source_position(uint32_t n, uint32_t m, uint32_t d, uint32_t library, int64_t *index) {
    if (library == LIKE_OPENCV) {
        double x = (d + 0.5) * ((double)n / m) - 0.5;
        *index = (int64_t)__builtin_floor(x);
        return (float)(x - (double)*index);
    }
    float x = ((float)d + 0.5f) * ((float)n / (float)m) - 0.5f;
    *index = (int64_t)__builtin_floorf(x);
    return x - (float)*index;
}

static void add_linear(tap_table *table, uint32_t n, uint32_t m, uint32_t d, uint32_t library) {
    int64_t index;
    float t = source_position(n, m, d, library, &index);
    add_tap(table, d, n, index, 1.0f - t);
    add_tap(table, d, n, index + 1, t);
}

static void add_cubic_torch(tap_table *table, uint32_t n, uint32_t m, uint32_t d) {
    const float a = -0.75f;
    int64_t index;
    float t = source_position(n, m, d, LIKE_TORCH, &index), u = 1.0f - t, v = t + 1.0f, w = u + 1.0f;
    add_tap(table, d, n, index - 1, ((a * v - 5.0f * a) * v + 8.0f * a) * v - 4.0f * a);
    add_tap(table, d, n, index, ((a + 2.0f) * t - (a + 3.0f)) * t * t + 1.0f);
    add_tap(table, d, n, index + 1, ((a + 2.0f) * u - (a + 3.0f)) * u * u + 1.0f);
    add_tap(table, d, n, index + 2, ((a * w - 5.0f * a) * w + 8.0f * a) * w - 4.0f * a);
}

static float keys_weight(float distance) {
    const float a = -0.5f;
    if (distance <= 1.0f) return ((a + 2.0f) * distance - (a + 3.0f)) * distance * distance + 1.0f;
    return ((a * distance - 5.0f * a) * distance + 8.0f * a) * distance - 4.0f * a;
}

static void add_cubic_tensorflow(tap_table *table, uint32_t n, uint32_t m, uint32_t d) {
    int64_t index;
    float t = __builtin_rintf(source_position(n, m, d, LIKE_TENSORFLOW, &index) * 1024.0f) / 1024.0f;
    float weights[4] = {keys_weight(t + 1.0f), keys_weight(t), keys_weight(1.0f - t), keys_weight(2.0f - t)};
    float sum = 0.0f;
    for (int64_t k = 0; k < 4; k++) {
        if (index - 1 + k < 0 || index - 1 + k >= (int64_t)n) weights[k] = 0.0f;
        sum += weights[k];
    }
    for (int64_t k = 0; k < 4; k++) {
        if (index - 1 + k >= 0 && index - 1 + k < (int64_t)n) add_tap(table, d, n, index - 1 + k, weights[k] / sum);
    }
}

static void add_area_tensorflow(tap_table *table, uint32_t n, uint32_t m, uint32_t d) {
    float scale = (float)n / (float)m, start = (float)d * scale, end = (float)(d + 1) * scale;
    int64_t last = (int64_t)__builtin_ceilf(end);
    for (int64_t s = (int64_t)__builtin_floorf(start); s < last; s++) {
        float left = (float)s < start ? start : (float)s, right = (float)(s + 1) > end ? end : (float)(s + 1);
        add_tap(table, d, n, s, (right - left) / scale);
    }
}

static void add_area_opencv(tap_table *table, uint32_t n, uint32_t m, uint32_t d) {
    double inverse = (double)m / n;
    int64_t index = (int64_t)__builtin_floor(d * (1.0 / inverse));
    float t = (float)((d + 1) - (double)(index + 1) * inverse);
    t = t <= 0.0f || index >= (int64_t)n - 1 ? 0.0f : t - __builtin_floorf(t);
    add_tap(table, d, n, index, 1.0f - t);
    add_tap(table, d, n, index + 1, t);
}

static void add_filter(tap_table *table, uint32_t n, uint32_t m, uint32_t d, uint32_t method, double *scratch) {
    window place = filter_window(n, m, d, method, scratch);
    for (uint32_t k = 0; k < place.count; k++) add_tap(table, d, n, (int64_t)place.first + k, (float)scratch[k]);
}

static uint32_t tap_limit(uint32_t n, uint32_t m, const resize_rule *rule) {
    if (rule->antialias) return filter_window_limit(n, m, rule->method);
    return rule->method == METHOD_AREA ? n / m + SPARE_TAPS : SPARE_TAPS;
}

static status make_table(tap_table *table, uint32_t n, uint32_t m, const resize_rule *rule) {
    table->limit = tap_limit(n, m, rule);
    table->windows = allocate((uint64_t)m * sizeof(window));
    table->weights = allocate((uint64_t)m * table->limit * sizeof(float));
    double *scratch = allocate(table->limit * sizeof(double));
    if (!table->windows || !table->weights || !scratch) return STATUS_MEMORY;
    for (uint32_t d = 0; d < m; d++) {
        table->windows[d] = (window){0, 0};
        if (rule->antialias) add_filter(table, n, m, d, rule->method, scratch);
        else if (rule->method == METHOD_BILINEAR) add_linear(table, n, m, d, rule->library);
        else if (rule->method == METHOD_BICUBIC && rule->library == LIKE_TORCH) add_cubic_torch(table, n, m, d);
        else if (rule->method == METHOD_BICUBIC) add_cubic_tensorflow(table, n, m, d);
        else if (rule->library == LIKE_TENSORFLOW) add_area_tensorflow(table, n, m, d);
        else add_area_opencv(table, n, m, d);
    }
    return STATUS_OK;
}

static void add_row(const image *source, size_t y, float weight, float *sums, size_t count) {
    if (source->bytes) {
        const uint8_t *row = source->bytes + y * count;
        for (size_t x = 0; x < count; x++) sums[x] += (float)row[x] * weight;
    } else {
        const float *row = source->values + y * count;
        for (size_t x = 0; x < count; x++) sums[x] += row[x] * weight;
    }
}

static void mix_columns(const float *row, const tap_table *table, float *out, size_t width, size_t channels) {
    for (size_t x = 0; x < width; x++) {
        const float *from = row + table->windows[x].first * channels, *weights = table->weights + x * table->limit;
        for (size_t c = 0; c < channels; c++) {
            float sum = 0.0f;
            for (size_t k = 0; k < table->windows[x].count; k++) sum += from[k * channels + c] * weights[k];
            *out++ = sum;
        }
    }
}

status resize_float(const image *source, image *target, const resize_rule *rule) {
    size_t count = (size_t)source->width * source->channels, row_length = (size_t)target->width * source->channels;
    tap_table rows, columns;
    float *sums = allocate(count * sizeof(float));
    if (!sums) return STATUS_MEMORY;
    status made = make_table(&rows, source->height, target->height, rule);
    if (made == STATUS_OK) made = make_table(&columns, source->width, target->width, rule);
    if (made != STATUS_OK) return made;
    for (size_t y = 0; y < target->height; y++) {
        for (size_t x = 0; x < count; x++) sums[x] = 0.0f;
        for (size_t k = 0; k < rows.windows[y].count; k++) {
            add_row(source, rows.windows[y].first + k, rows.weights[y * rows.limit + k], sums, count);
        }
        mix_columns(sums, &columns, target->values + y * row_length, target->width, source->channels);
    }
    return STATUS_OK;
}
