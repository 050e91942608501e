/* Resize: picks the family by library, method and type of value.
 *
 * OpenCV and Pillow keep 8-bit images 8-bit; TensorFlow and PyTorch turn them into float32, except for nearest
 * neighbour, which only moves values. Float images go through the float paths.
 * The target is allocated first and the scratch space behind it, so that the scratch space can be released.
 */
#include "engine.h"

static int keeps_bytes(const image *source, const resize_rule *rule) {
    if (!source->bytes) return 0;
    return rule->method == METHOD_NEAREST || rule->library == LIKE_OPENCV || rule->library == LIKE_PILLOW;
}

static status fill_target(const image *source, image *target, const resize_rule *rule) {
    if (rule->method == METHOD_NEAREST) return resize_nearest(source, target, rule->library);
    if (rule->library == LIKE_PILLOW) return resize_pillow(source, target, rule->method, rule->order);
    if (rule->library != LIKE_OPENCV) return resize_float(source, target, rule);
    if (rule->method == METHOD_BICUBIC) return resize_opencv_cubic(source, target);
    if (rule->method == METHOD_AREA) return resize_opencv_area(source, target);
    return source->bytes ? resize_opencv_linear(source, target, 0) : resize_float(source, target, rule);
}

status resize(image *picture, const resize_rule *rule) {
    image target;
    int is_bytes = keeps_bytes(picture, rule);
    if (picture->height == rule->height && picture->width == rule->width) {
        return is_bytes ? STATUS_OK : make_float(picture);
    }
    int ok = is_bytes ? allocate_bytes(&target, rule->height, rule->width, picture->channels)
                      : allocate_values(&target, rule->height, rule->width, picture->channels);
    if (!ok) return STATUS_MEMORY;
    uint32_t mark = memory_mark();
    status filled = fill_target(picture, &target, rule);
    memory_release(mark);
    if (filled == STATUS_OK) *picture = target;
    return filled;
}
