/* Channels: gray to RGB by repetition, RGB to gray by luma.
 *
 * AUCMEDI 0.11 Chromer: .299 R + .587 G + .114 B, not rounded, refused outside 0...255; summed left to right in float64.
 * Pillow convert('L'): (19595 R + 38470 G + 7471 B + 32768) >> 16, 8-bit values only.
 * One pass over the pixels in memory order: each pixel is read once, nothing to reuse.
 */
#include "engine.h"

static status repeat_gray(image *picture) {
    image target;
    size_t pixels = (size_t)picture->height * picture->width;
    int is_bytes = picture->bytes != NULL;
    int ok = is_bytes ? allocate_bytes(&target, picture->height, picture->width, 3)
                      : allocate_values(&target, picture->height, picture->width, 3);
    if (!ok) return STATUS_MEMORY;
    for (size_t i = 0; i < pixels; i++) {
        for (size_t c = 0; c < 3; c++) {
            if (is_bytes) target.bytes[3 * i + c] = picture->bytes[i];
            else target.values[3 * i + c] = picture->values[i];
        }
    }
    *picture = target;
    return STATUS_OK;
}

static status mix_pillow(image *picture) {
    if (!picture->bytes) return STATUS_STEP_TYPE;
    image target;
    if (!allocate_bytes(&target, picture->height, picture->width, 1)) return STATUS_MEMORY;
    size_t pixels = image_length(&target);
    const uint8_t *rgb = picture->bytes;
    for (size_t i = 0; i < pixels; i++) {
        uint32_t sum = 19595u * rgb[3 * i] + 38470u * rgb[3 * i + 1] + 7471u * rgb[3 * i + 2] + 32768u;
        target.bytes[i] = (uint8_t)(sum >> 16);
    }
    *picture = target;
    return STATUS_OK;
}

static float mix(double red, double green, double blue) {
    return (float)(0.299 * red + 0.587 * green + 0.114 * blue);
}

static status mix_aucmedi(image *picture) {
    image target;
    if (!allocate_values(&target, picture->height, picture->width, 1)) return STATUS_MEMORY;
    size_t pixels = image_length(&target);
    for (size_t i = 0; i < pixels; i++) {
        target.values[i] = picture->bytes
            ? mix(picture->bytes[3 * i], picture->bytes[3 * i + 1], picture->bytes[3 * i + 2])
            : mix(picture->values[3 * i], picture->values[3 * i + 1], picture->values[3 * i + 2]);
    }
    *picture = target;
    return STATUS_OK;
}

status convert_channels(image *picture, uint32_t channels, uint32_t luma) {
    if (picture->channels == channels) return STATUS_OK;
    if (luma == LUMA_AUCMEDI && !values_within_bytes(picture)) return STATUS_VALUE_RANGE;
    if (picture->channels == 1 && channels == 3) return repeat_gray(picture);
    if (picture->channels == 3 && channels == 1) return luma == LUMA_PILLOW ? mix_pillow(picture) : mix_aucmedi(picture);
    return STATUS_STEP_CHANNELS;
}
