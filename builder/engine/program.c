/* The program: a header of 32 bytes and steps of 32 bytes each, little endian (docs/preprocessor.md, "Program format").
 *
 * Everything in it is checked before the first pixel is touched, whoever wrote it: a bad program is a status, never a
 * trap. Only what depends on the image (its size, type and values at a step) is checked while running.
 */
#include "engine.h"

enum { MAGIC = 0x45525057, FORMAT_VERSION = 1, ABI_VERSION = 1, HEADER_BYTES = 32, STEP_BYTES = 32 };

typedef struct {
    uint32_t magic, version, steps, image_channels, height, width, channels, reserved;
} header;

static float as_float(uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

static int is_side(uint32_t value) { return value >= 1 && value <= MAX_SIDE; }

static int is_channels(uint32_t value) { return value == 1 || value == 3; }

/* The number of parameters that an operation uses; the others must be zero. */
static uint32_t parameter_count(uint32_t operation) {
    static const uint8_t counts[] = {0, 2, 2, 2, 6, 2, 3, 1};
    return operation < sizeof counts ? counts[operation] : 0;
}

static int is_resize_valid(const uint32_t *p) {
    if (!is_side(p[0]) || !is_side(p[1]) || p[2] > METHOD_AREA || p[3] > LIKE_TORCH || p[4] > 1 || p[5] > 1) return 0;
    int is_framework = p[3] == LIKE_TENSORFLOW || p[3] == LIKE_TORCH;
    if (p[2] == METHOD_AREA && p[3] != LIKE_OPENCV && p[3] != LIKE_TENSORFLOW) return 0;
    if (p[4] && !(is_framework && (p[2] == METHOD_BILINEAR || p[2] == METHOD_BICUBIC))) return 0;
    return p[5] == ORDER_PILLOW_13 || p[3] == LIKE_PILLOW;
}

static int are_parameters_valid(const step *line) {
    const uint32_t *p = line->parameters;
    for (uint32_t k = parameter_count(line->operation); k < 7; k++) {
        if (p[k] != 0) return 0;
    }
    float first = as_float(p[0]), second = as_float(p[1]), third = as_float(p[2]);
    switch (line->operation) {
    case OP_TO_CHANNELS: return is_channels(p[0]) && p[1] <= LUMA_PILLOW;
    case OP_PAD_TO_SQUARE: return p[0] <= PAD_CONSTANT && second >= 0.0f && second <= 255.0f;
    case OP_CROP_CENTER: return is_side(p[0]) && is_side(p[1]);
    case OP_RESIZE: return is_resize_valid(p);
    case OP_CLIP: return is_finite(first) && is_finite(second) && first <= second;
    case OP_RESCALE: return p[0] <= FACTOR_DIVIDE && is_finite(second) && is_finite(third) &&
                            (p[0] == FACTOR_MULTIPLY || second > 0.0f);
    default: return p[0] <= MODE_TORCH;
    }
}

static status check_program(const uint8_t *bytes, uint32_t size, header *head) {
    if (size < HEADER_BYTES) return STATUS_PROGRAM_SIZE;
    __builtin_memcpy(head, bytes, sizeof *head);
    if (head->magic != MAGIC) return STATUS_PROGRAM_MAGIC;
    if (head->version != FORMAT_VERSION) return STATUS_PROGRAM_VERSION;
    if (head->steps > MAX_STEPS || size != HEADER_BYTES + head->steps * STEP_BYTES) return STATUS_PROGRAM_SIZE;
    if (!is_side(head->height) || !is_side(head->width) || head->reserved != 0) return STATUS_PROGRAM_PARAMETER;
    if (!is_channels(head->channels) || !is_channels(head->image_channels)) return STATUS_PROGRAM_PARAMETER;
    for (uint32_t k = 0; k < head->steps; k++) {
        step line;
        __builtin_memcpy(&line, bytes + HEADER_BYTES + k * STEP_BYTES, sizeof line);
        if (line.operation < OP_TO_CHANNELS || line.operation > OP_STANDARDIZE) return STATUS_PROGRAM_STEP;
        if (!are_parameters_valid(&line)) return STATUS_PROGRAM_PARAMETER;
    }
    return STATUS_OK;
}

static status run_step(const step *line, image *picture) {
    const uint32_t *p = line->parameters;
    resize_rule rule = {p[0], p[1], p[2], p[3], p[4], p[5]};
    switch (line->operation) {
    case OP_TO_CHANNELS: return convert_channels(picture, p[0], p[1]);
    case OP_PAD_TO_SQUARE: return pad_to_square(picture, p[0], as_float(p[1]));
    case OP_CROP_CENTER: return crop_center(picture, p[0], p[1]);
    case OP_RESIZE: return resize(picture, &rule);
    case OP_CLIP: return clip_values(picture, as_float(p[0]), as_float(p[1]));
    case OP_RESCALE: return rescale_values(picture, p[0], as_float(p[1]), as_float(p[2]));
    default: return standardize(picture, p[0]);
    }
}

static status check_image(const header *head, uint32_t offset, uint32_t height, uint32_t width, uint32_t channels) {
    if (height == 0 || width == 0) return STATUS_IMAGE_EMPTY;
    if ((uint64_t)height * width > PIXEL_BUDGET) return STATUS_IMAGE_TOO_LARGE;
    if (channels != head->image_channels) return STATUS_IMAGE_CHANNELS;
    return memory_holds(offset, (uint64_t)height * width * channels) ? STATUS_OK : STATUS_POINTER;
}

static status check_result(const header *head, const image *picture) {
    int fits = picture->height == head->height && picture->width == head->width && picture->channels == head->channels;
    if (!fits) return STATUS_RESULT_SHAPE;
    size_t length = image_length(picture);
    int finite = 1;
    for (size_t i = 0; i < length; i++) finite &= is_finite(picture->values[i]);
    return finite ? STATUS_OK : STATUS_NOT_FINITE;
}

/* Steps may work in place, so they get a copy: the caller's pixels stay as they are. */
static status copy_image(image *picture, uint32_t offset) {
    const uint8_t *original = memory_at(offset);
    if (!allocate_bytes(picture, picture->height, picture->width, picture->channels)) return STATUS_MEMORY;
    __builtin_memcpy(picture->bytes, original, image_length(picture));
    return STATUS_OK;
}

__attribute__((export_name("abi_version"))) uint32_t abi_version(void) { return ABI_VERSION; }

__attribute__((export_name("preprocess"))) int32_t preprocess(
    uint32_t program, uint32_t program_bytes, uint32_t pixels, uint32_t height, uint32_t width, uint32_t channels,
    uint32_t result) {
    header head;
    if (!memory_holds(program, program_bytes) || !memory_holds(result, 4 * sizeof(uint32_t))) return STATUS_POINTER;
    status done = check_program(memory_at(program), program_bytes, &head);
    if (done == STATUS_OK) done = check_image(&head, pixels, height, width, channels);
    image picture = {.height = height, .width = width, .channels = channels};
    if (done == STATUS_OK) done = copy_image(&picture, pixels);
    for (uint32_t k = 0; done == STATUS_OK && k < head.steps; k++) {
        step line;
        __builtin_memcpy(&line, memory_at(program) + HEADER_BYTES + k * STEP_BYTES, sizeof line);
        done = run_step(&line, &picture);
    }
    if (done == STATUS_OK) done = make_float(&picture);
    if (done == STATUS_OK) done = check_result(&head, &picture);
    if (done != STATUS_OK) return done;
    uint32_t shape[4] = {memory_offset(picture.values), picture.height, picture.width, picture.channels};
    __builtin_memcpy(memory_at(result), shape, sizeof shape);
    return STATUS_OK;
}
