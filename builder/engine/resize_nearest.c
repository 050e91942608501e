/* Nearest neighbour, four libraries; n source and m target samples, d the target index. Rounding decides, so each
 * library's own arithmetic is copied (reference: preprocessing, "Nearest neighbour").
 *
 * OpenCV      min(n - 1, floor(d * (1 / (m / n)))) in float64
 * Pillow      the position starts at s / 2 and grows by adding s = n / m in float64; index = truncated position
 * TensorFlow  min(n - 1, floor((d + 0.5) * s)), s = n / m in float32 (half_pixel_centers)
 * PyTorch     min(n - 1, floor(d * s)), s = n / m in float32
 * The column indices are computed once; rows are walked in memory order.
 */
#include "engine.h"

static int64_t nearest_index(uint32_t n, uint32_t m, uint32_t d, uint32_t library) {
    float scale = (float)n / (float)m;
    if (library == LIKE_OPENCV) return (int64_t)__builtin_floor(d * (1.0 / ((double)m / n)));
    if (library == LIKE_TENSORFLOW) return (int64_t)__builtin_floorf(((float)d + 0.5f) * scale);
    return (int64_t)__builtin_floorf((float)d * scale);
}

static void fill_indices(uint32_t *indices, uint32_t n, uint32_t m, uint32_t library) {
    double scale = (double)n / m, position = scale * 0.5;
    for (uint32_t d = 0; d < m; d++) {
        int64_t index = library == LIKE_PILLOW ? (int64_t)position : nearest_index(n, m, d, library);
        indices[d] = (uint32_t)clamp_index(index, n);
        position += scale;
    }
}

status resize_nearest(const image *source, image *target, uint32_t library) {
    uint32_t *columns = allocate((uint64_t)target->width * sizeof(uint32_t));
    uint32_t *rows = allocate((uint64_t)target->height * sizeof(uint32_t));
    if (!columns || !rows) return STATUS_MEMORY;
    fill_indices(columns, source->width, target->width, library);
    fill_indices(rows, source->height, target->height, library);
    size_t channels = source->channels;
    for (size_t y = 0; y < target->height; y++) {
        for (size_t x = 0; x < target->width; x++) {
            size_t from = ((size_t)rows[y] * source->width + columns[x]) * channels;
            size_t to = (y * target->width + x) * channels;
            for (size_t c = 0; c < channels; c++) {
                if (source->bytes) target->bytes[to + c] = source->bytes[from + c];
                else target->values[to + c] = source->values[from + c];
            }
        }
    }
    return STATUS_OK;
}
