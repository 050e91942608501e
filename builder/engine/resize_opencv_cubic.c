/* OpenCV INTER_CUBIC, a = -0.75.
 *
 * The usual x86 build of OpenCV hands this to Intel IPP, which works in float32; its arithmetic was found by
 * measurement. x = (d + 0.5) * (n / m) - 0.5 in float64, i = floor(x); t = float32(x - i), then t = (1 + t) - 1 in
 * float32, which leaves 23 fraction bits; the four weights are computed in float64 and rounded to float32. Horizontally
 * the taps are added from left to right with fused multiply-add; vertically in two pairs,
 * fma(S0, w0, S1 * w1) + fma(S2, w2, S3 * w3). 8-bit results are rounded half to even and limited to 0...255.
 * WebAssembly has no fused multiply-add without relaxed SIMD: the product of two float32 is exact in float64, so
 * float32(float64(a) * b + c) stands in for it.
 * 8-bit images with a side under 4 go OpenCV's own way: 11-bit integer weights horizontally, float32 vertically
 * eight values at a time and integers for the remaining ones.
 * Loop order: target rows outside; the last four horizontally resized source rows stay in a ring, since they overlap.
 */
#include "engine.h"

enum { TAPS = 4, RING = 4, SMALLEST_SIDE = 4, LANES = 8 };

typedef struct {
    uint32_t source[TAPS];
    float weight[TAPS];
    int32_t whole[TAPS];
} tap_row;

static const double A = -0.75;

static void fill_weights(tap_row *taps, double t) {
    double u = 1.0 - t;
    taps->weight[0] = (float)(A * t * u * u);
    taps->weight[1] = (float)(((A + 2.0) * t - (A + 3.0)) * t * t + 1.0);
    taps->weight[2] = (float)(((A + 2.0) * u - (A + 3.0)) * u * u + 1.0);
    taps->weight[3] = (float)(A * u * t * t);
}

static void fill_whole_weights(tap_row *taps, float t) {
    const float a = -0.75f;
    float v = t + 1.0f, u = 1.0f - t, weight[TAPS];
    weight[0] = ((a * v - 5.0f * a) * v + 8.0f * a) * v - 4.0f * a;
    weight[1] = ((a + 2.0f) * t - (a + 3.0f)) * t * t + 1.0f;
    weight[2] = ((a + 2.0f) * u - (a + 3.0f)) * u * u + 1.0f;
    weight[3] = 1.0f - weight[0] - weight[1] - weight[2];
    for (int k = 0; k < TAPS; k++) taps->whole[k] = (int32_t)__builtin_rintf(weight[k] * 2048.0f);
}

static tap_row make_taps(uint32_t n, uint32_t m, uint32_t d, int is_small) {
    tap_row taps = {0};
    double scale = is_small ? 1.0 / ((double)m / n) : (double)n / m;
    double x = (d + 0.5) * scale - 0.5;
    if (is_small) x = (float)x;
    int64_t index = (int64_t)__builtin_floor(x);
    float t = is_small ? (float)x - (float)index : (float)(x - (double)index);
    if (is_small) fill_whole_weights(&taps, t);
    else fill_weights(&taps, (1.0f + t) - 1.0f);
    for (int k = 0; k < TAPS; k++) taps.source[k] = (uint32_t)clamp_index(index - 1 + k, n);
    return taps;
}

static float fused(float a, float b, float c) { return (float)((double)a * b + c); }

static float sample(const image *source, size_t at) { return source->bytes ? source->bytes[at] : source->values[at]; }

static void resize_row(const image *source, uint32_t y, const tap_row *columns, uint32_t width, float *out) {
    size_t channels = source->channels, row = (size_t)y * source->width * channels;
    for (uint32_t x = 0; x < width; x++) {
        const tap_row *taps = columns + x;
        for (size_t c = 0; c < channels; c++) {
            float sum = sample(source, row + taps->source[0] * channels + c) * taps->weight[0];
            for (int k = 1; k < TAPS; k++) {
                sum = fused(sample(source, row + taps->source[k] * channels + c), taps->weight[k], sum);
            }
            *out++ = sum;
        }
    }
}

static uint8_t to_byte(float value) {
    float rounded = __builtin_rintf(value);
    return (uint8_t)(rounded < 0.0f ? 0.0f : rounded > 255.0f ? 255.0f : rounded);
}

static void mix_rows(float *const *rows, const tap_row *taps, image *target, uint32_t y, size_t count) {
    const float *w = taps->weight;
    size_t start = (size_t)y * count;
    for (size_t x = 0; x < count; x++) {
        float upper = fused(rows[0][x], w[0], rows[1][x] * w[1]), lower = fused(rows[2][x], w[2], rows[3][x] * w[3]);
        if (target->bytes) target->bytes[start + x] = to_byte(upper + lower);
        else target->values[start + x] = upper + lower;
    }
}

static void resize_row_whole(const image *source, uint32_t y, const tap_row *columns, uint32_t width, int32_t *out) {
    size_t channels = source->channels;
    const uint8_t *row = source->bytes + (size_t)y * source->width * channels;
    for (uint32_t x = 0; x < width; x++) {
        for (size_t c = 0; c < channels; c++) {
            int32_t sum = 0;
            for (int k = 0; k < TAPS; k++) sum += row[columns[x].source[k] * channels + c] * columns[x].whole[k];
            *out++ = sum;
        }
    }
}

static void mix_rows_whole(int32_t *const *rows, const tap_row *taps, uint8_t *out, size_t count) {
    const float unit = 1.0f / (2048.0f * 2048.0f);
    size_t in_lanes = count / LANES * LANES;
    for (size_t x = 0; x < in_lanes; x++) {
        float sum = (float)rows[3][x] * ((float)taps->whole[3] * unit);
        for (int k = 2; k >= 0; k--) sum = (float)rows[k][x] * ((float)taps->whole[k] * unit) + sum;
        out[x] = to_byte(sum);
    }
    for (size_t x = in_lanes; x < count; x++) {
        int64_t sum = 1 << 21;
        for (int k = 0; k < TAPS; k++) sum += (int64_t)rows[k][x] * taps->whole[k];
        sum >>= 22;
        out[x] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

/* The ring slot of source row y is y % RING; the four rows of one target row are neighbours, so they never collide. */
status resize_opencv_cubic(const image *source, image *target) {
    int is_small = source->bytes && (source->height < SMALLEST_SIDE || source->width < SMALLEST_SIDE);
    size_t count = (size_t)target->width * source->channels;
    tap_row *columns = allocate(target->width * sizeof(tap_row));
    uint8_t *ring = allocate((uint64_t)RING * count * sizeof(float));
    if (!columns || !ring) return STATUS_MEMORY;
    for (uint32_t x = 0; x < target->width; x++) columns[x] = make_taps(source->width, target->width, x, is_small);
    int64_t held[RING] = {-1, -1, -1, -1};
    for (uint32_t y = 0; y < target->height; y++) {
        tap_row taps = make_taps(source->height, target->height, y, is_small);
        void *rows[TAPS];
        for (int k = 0; k < TAPS; k++) {
            uint32_t wanted = taps.source[k], slot = wanted % RING;
            rows[k] = ring + slot * count * sizeof(float);
            if (held[slot] == wanted) continue;
            held[slot] = wanted;
            if (is_small) resize_row_whole(source, wanted, columns, target->width, rows[k]);
            else resize_row(source, wanted, columns, target->width, rows[k]);
        }
        if (is_small) mix_rows_whole((int32_t *const *)rows, &taps, target->bytes + y * count, count);
        else mix_rows((float *const *)rows, &taps, target, y, count);
    }
    return STATUS_OK;
}
