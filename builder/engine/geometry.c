/* Geometry: padding to a square and the centre crop.
 *
 * Pad (AUCMEDI Padding "square", numpy.pad): before = difference / 2, after = the rest, so the odd pixel goes to the end.
 * Crop (albumentations CenterCrop): start = (size - crop) / 2, rounded down.
 * Whole rows are copied where a row is contiguous; the values' type only changes the size of an element.
 */
#include "engine.h"

static size_t element_bytes(const image *picture) { return picture->bytes ? 1 : sizeof(float); }

static uint8_t *raw(const image *picture) { return picture->bytes ? picture->bytes : (uint8_t *)picture->values; }

static int allocate_like(image *target, const image *source, uint32_t height, uint32_t width) {
    return source->bytes ? allocate_bytes(target, height, width, source->channels)
                         : allocate_values(target, height, width, source->channels);
}

static void fill(image *target, float value) {
    size_t length = image_length(target);
    if (target->bytes) __builtin_memset(target->bytes, (uint8_t)value, length);
    else for (size_t i = 0; i < length; i++) target->values[i] = value;
}

static void repeat_edges(image *target, const image *source, uint32_t top, uint32_t left) {
    size_t pixel = element_bytes(source) * source->channels;
    for (uint32_t y = 0; y < target->height; y++) {
        size_t from_y = (size_t)clamp_index((int64_t)y - top, source->height);
        const uint8_t *row = raw(source) + from_y * source->width * pixel;
        uint8_t *out = raw(target) + (size_t)y * target->width * pixel;
        for (uint32_t x = 0; x < target->width; x++) {
            size_t from_x = (size_t)clamp_index((int64_t)x - left, source->width);
            __builtin_memcpy(out + x * pixel, row + from_x * pixel, pixel);
        }
    }
}

static void paste(image *target, const image *source, uint32_t top, uint32_t left) {
    size_t pixel = element_bytes(source) * source->channels;
    for (uint32_t y = 0; y < source->height; y++) {
        uint8_t *out = raw(target) + (((size_t)y + top) * target->width + left) * pixel;
        __builtin_memcpy(out, raw(source) + (size_t)y * source->width * pixel, source->width * pixel);
    }
}

status pad_to_square(image *picture, uint32_t padding, float value) {
    uint32_t side = picture->height > picture->width ? picture->height : picture->width;
    if (picture->height == picture->width) return STATUS_OK;
    if (picture->bytes && padding == PAD_CONSTANT && value != (float)(uint8_t)value) return STATUS_STEP_TYPE;
    status checked = check_size(side, side);
    if (checked != STATUS_OK) return checked;
    image target;
    if (!allocate_like(&target, picture, side, side)) return STATUS_MEMORY;
    uint32_t top = (side - picture->height) / 2, left = (side - picture->width) / 2;
    if (padding == PAD_EDGE) {
        repeat_edges(&target, picture, top, left);
    } else {
        fill(&target, value);
        paste(&target, picture, top, left);
    }
    *picture = target;
    return STATUS_OK;
}

status crop_center(image *picture, uint32_t height, uint32_t width) {
    if (picture->height < height || picture->width < width) return STATUS_CROP_TOO_LARGE;
    image target;
    if (!allocate_like(&target, picture, height, width)) return STATUS_MEMORY;
    uint32_t top = (picture->height - height) / 2, left = (picture->width - width) / 2;
    size_t pixel = element_bytes(picture) * picture->channels;
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = raw(picture) + (((size_t)y + top) * picture->width + left) * pixel;
        __builtin_memcpy(raw(&target) + (size_t)y * width * pixel, row, width * pixel);
    }
    *picture = target;
    return STATUS_OK;
}
