/* Images: allocation, the 8-bit to float step and the checks that several families share. */
#include "engine.h"

size_t image_length(const image *picture) {
    return (size_t)picture->height * picture->width * picture->channels;
}

int allocate_bytes(image *picture, uint32_t height, uint32_t width, uint32_t channels) {
    uint8_t *bytes = allocate((uint64_t)height * width * channels);
    *picture = (image){.bytes = bytes, .height = height, .width = width, .channels = channels};
    return bytes != NULL;
}

int allocate_values(image *picture, uint32_t height, uint32_t width, uint32_t channels) {
    float *values = allocate((uint64_t)height * width * channels * sizeof(float));
    *picture = (image){.values = values, .height = height, .width = width, .channels = channels};
    return values != NULL;
}

status check_size(uint64_t height, uint64_t width) {
    return height * width > PIXEL_BUDGET ? STATUS_INTERMEDIATE_TOO_LARGE : STATUS_OK;
}

status make_float(image *picture) {
    if (picture->values) return STATUS_OK;
    image target;
    if (!allocate_values(&target, picture->height, picture->width, picture->channels)) return STATUS_MEMORY;
    size_t length = image_length(picture);
    for (size_t i = 0; i < length; i++) target.values[i] = picture->bytes[i];
    *picture = target;
    return STATUS_OK;
}

/* Written so that not-a-number fails too. */
int values_within_bytes(const image *picture) {
    if (picture->bytes) return 1;
    size_t length = image_length(picture);
    int within = 1;
    for (size_t i = 0; i < length; i++) within &= picture->values[i] >= 0.0f && picture->values[i] <= 255.0f;
    return within;
}

int is_finite(float value) { return value - value == 0.0f; }
