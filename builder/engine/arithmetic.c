/* Arithmetic: clip and rescale.
 *
 * Clip: every value limited to low...high. An 8-bit image stays 8-bit when every 8-bit input gives a whole number in
 * 0...255, that is when the bounds are whole or out of reach; otherwise it becomes float first, as in numpy.
 * Rescale: y = x * factor + offset or x / factor + offset, float32, two roundings and no fused multiply-add.
 * One pass in memory order, four values at a time by the compiler.
 */
#include "engine.h"

static int stays_bytes(float low, float high) {
    if (low > 255.0f || high < 0.0f) return 0;
    int low_fits = low <= 0.0f || low == __builtin_floorf(low);
    int high_fits = high >= 255.0f || high == __builtin_floorf(high);
    return low_fits && high_fits;
}

static void clip_bytes(image *picture, float low, float high) {
    uint8_t least = low <= 0.0f ? 0 : (uint8_t)low, most = high >= 255.0f ? 255 : (uint8_t)high;
    size_t length = image_length(picture);
    uint8_t *bytes = picture->bytes;
    for (size_t i = 0; i < length; i++) {
        uint8_t value = bytes[i] < least ? least : bytes[i];
        bytes[i] = value > most ? most : value;
    }
}

status clip_values(image *picture, float low, float high) {
    if (picture->bytes && stays_bytes(low, high)) {
        clip_bytes(picture, low, high);
        return STATUS_OK;
    }
    status made = make_float(picture);
    if (made != STATUS_OK) return made;
    size_t length = image_length(picture);
    float *values = picture->values;
    for (size_t i = 0; i < length; i++) {
        float value = values[i] < low ? low : values[i];
        values[i] = value > high ? high : value;
    }
    return STATUS_OK;
}

status rescale_values(image *picture, uint32_t factor_kind, float factor, float offset) {
    status made = make_float(picture);
    if (made != STATUS_OK) return made;
    size_t length = image_length(picture);
    float *values = picture->values;
    if (factor_kind == FACTOR_DIVIDE) {
        for (size_t i = 0; i < length; i++) values[i] = values[i] / factor + offset;
    } else {
        for (size_t i = 0; i < length; i++) values[i] = values[i] * factor + offset;
    }
    return STATUS_OK;
}
