/* OpenCV INTER_LINEAR on 8-bit values, bit by bit (reference: preprocessing, "OpenCV INTER_LINEAR").
 *
 * f = float32((d + 0.5) * (1 / (m / n)) - 0.5), i = floor(f), f = f - i; weights rint((1 - f) * 2048), rint(f * 2048).
 * Horizontally the fraction becomes 0 where the taps leave the image; vertically the fraction stays and only the row
 * numbers are clipped. out = (((b0 * (D0 >> 4)) >> 16) + ((b1 * (D1 >> 4)) >> 16) + 2) >> 2.
 * Factor 2 on both axes: (sum of four + 2) >> 2. INTER_AREA that enlarges takes the same path with other taps:
 * i = floor(d * s), f = (d + 1) - (i + 1) / s, its fraction where positive, else 0.
 * Loop order: target rows outside; the two horizontally resized source rows are kept, because neighbours share them.
 */
#include "engine.h"

typedef struct {
    uint32_t first, second;
    int32_t weight_first, weight_second;
} tap_pair;

static tap_pair make_pair(uint32_t n, uint32_t m, uint32_t d, int area_taps, int clip_fraction) {
    double inverse = (double)m / n, scale = 1.0 / inverse;
    float fraction;
    int64_t index;
    if (area_taps) {
        index = (int64_t)__builtin_floor(d * scale);
        fraction = (float)((d + 1) - (double)(index + 1) * inverse);
        fraction = fraction <= 0.0f ? 0.0f : fraction - __builtin_floorf(fraction);
    } else {
        fraction = (float)((d + 0.5) * scale - 0.5);
        index = (int64_t)__builtin_floorf(fraction);
        fraction -= (float)index;
    }
    if (clip_fraction && (index < 0 || index >= (int64_t)n - 1)) fraction = 0.0f;
    return (tap_pair){
        .first = (uint32_t)clamp_index(index, n),
        .second = (uint32_t)clamp_index(index + 1, n),
        .weight_first = (int32_t)__builtin_rintf((1.0f - fraction) * 2048.0f),
        .weight_second = (int32_t)__builtin_rintf(fraction * 2048.0f),
    };
}

static void resize_row(const uint8_t *row, int32_t *out, const tap_pair *columns, uint32_t width, uint32_t channels) {
    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *a = row + (size_t)columns[x].first * channels, *b = row + (size_t)columns[x].second * channels;
        for (uint32_t c = 0; c < channels; c++) {
            *out++ = a[c] * columns[x].weight_first + b[c] * columns[x].weight_second;
        }
    }
}

static void mix_rows(const int32_t *upper, const int32_t *lower, tap_pair rows, uint8_t *out, size_t count) {
    for (size_t x = 0; x < count; x++) {
        int32_t a = (rows.weight_first * (upper[x] >> 4)) >> 16, b = (rows.weight_second * (lower[x] >> 4)) >> 16;
        out[x] = (uint8_t)((a + b + 2) >> 2);
    }
}

static void halve(const image *source, image *target) {
    size_t channels = source->channels, stride = (size_t)source->width * channels;
    for (size_t y = 0; y < target->height; y++) {
        const uint8_t *a = source->bytes + 2 * y * stride, *b = a + stride;
        uint8_t *out = target->bytes + y * target->width * channels;
        for (size_t x = 0; x < target->width; x++) {
            for (size_t c = 0; c < channels; c++) {
                size_t at = 2 * x * channels + c;
                out[x * channels + c] = (uint8_t)((a[at] + a[at + channels] + b[at] + b[at + channels] + 2) >> 2);
            }
        }
    }
}

status resize_opencv_linear(const image *source, image *target, int area_taps) {
    if (source->height == 2ull * target->height && source->width == 2ull * target->width) {
        halve(source, target);
        return STATUS_OK;
    }
    size_t count = (size_t)target->width * source->channels, stride = (size_t)source->width * source->channels;
    tap_pair *columns = allocate(target->width * sizeof(tap_pair));
    int32_t *kept[2] = {allocate(count * sizeof(int32_t)), allocate(count * sizeof(int32_t))};
    if (!columns || !kept[0] || !kept[1]) return STATUS_MEMORY;
    for (uint32_t x = 0; x < target->width; x++) columns[x] = make_pair(source->width, target->width, x, area_taps, 1);
    int64_t held[2] = {-1, -1};
    for (uint32_t y = 0; y < target->height; y++) {
        tap_pair rows = make_pair(source->height, target->height, y, area_taps, area_taps);
        uint32_t wanted[2] = {rows.first, rows.second};
        if (held[0] != wanted[0] && held[1] == wanted[0]) {
            int32_t *spare = kept[0];
            kept[0] = kept[1], held[0] = held[1];
            kept[1] = spare, held[1] = -1;
        }
        for (int k = 0; k < 2; k++) {
            if (held[k] == wanted[k]) continue;
            resize_row(source->bytes + wanted[k] * stride, kept[k], columns, target->width, source->channels);
            held[k] = wanted[k];
        }
        mix_rows(kept[0], kept[1], rows, target->bytes + y * count, count);
    }
    return STATUS_OK;
}
