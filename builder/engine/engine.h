/* webipred preprocessing engine: shared types.
 *
 * No libc, no imports: the module sees nothing but its own memory, so that the same bytes give the same numbers in
 * wasmtime and in every browser. All addresses that cross the boundary are 32-bit offsets into that memory.
 * docs/preprocessor.md describes the ABI, the program format and the status codes byte by byte.
 */
#ifndef WEBIPRED_ENGINE_H
#define WEBIPRED_ENGINE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    STATUS_OK = 0,
    STATUS_MEMORY = 1,                 /* memory cannot grow any further */
    STATUS_POINTER = 2,                /* an offset or size lies outside the memory */
    STATUS_PROGRAM_SIZE = 3,           /* the program's bytes do not match its header */
    STATUS_PROGRAM_MAGIC = 4,          /* the bytes are no program */
    STATUS_PROGRAM_VERSION = 5,        /* a program of another format version */
    STATUS_PROGRAM_STEP = 6,           /* a step with an unknown operation */
    STATUS_PROGRAM_PARAMETER = 7,      /* a parameter outside its range */
    STATUS_IMAGE_EMPTY = 8,            /* the image has no pixels */
    STATUS_IMAGE_TOO_LARGE = 9,        /* the image is over the pixel budget */
    STATUS_IMAGE_CHANNELS = 10,        /* the image has not the channels that the program takes */
    STATUS_STEP_CHANNELS = 11,         /* a step cannot work on this number of channels */
    STATUS_STEP_TYPE = 12,             /* a step cannot work on this type of value (8-bit or float) */
    STATUS_CROP_TOO_LARGE = 13,        /* the image is smaller than the crop */
    STATUS_VALUE_RANGE = 14,           /* a value lies outside 0...255 where the step needs that range */
    STATUS_INTERMEDIATE_TOO_LARGE = 15,/* a step would make an image over the pixel budget */
    STATUS_RESULT_SHAPE = 16,          /* the result has not the shape that the network takes */
    STATUS_NOT_FINITE = 17             /* the result holds an infinity or not-a-number */
} status;

enum { PIXEL_BUDGET = 64000000, MAX_SIDE = 4096, MAX_STEPS = 32, MAX_CHANNELS = 3 };

enum operation {
    OP_TO_CHANNELS = 1,
    OP_PAD_TO_SQUARE = 2,
    OP_CROP_CENTER = 3,
    OP_RESIZE = 4,
    OP_CLIP = 5,
    OP_RESCALE = 6,
    OP_STANDARDIZE = 7
};

enum luma { LUMA_AUCMEDI = 0, LUMA_PILLOW = 1 };
enum padding { PAD_EDGE = 0, PAD_CONSTANT = 1 };
enum method { METHOD_BILINEAR = 0, METHOD_NEAREST = 1, METHOD_BICUBIC = 2, METHOD_AREA = 3 };
enum library { LIKE_OPENCV = 0, LIKE_PILLOW = 1, LIKE_TENSORFLOW = 2, LIKE_TORCH = 3 };
enum pass_order { ORDER_PILLOW_13 = 0, ORDER_HORIZONTAL_FIRST = 1 };
enum factor { FACTOR_MULTIPLY = 0, FACTOR_DIVIDE = 1 };
enum mode {
    MODE_NONE = 0,
    MODE_Z_SCORE = 1,
    MODE_MINMAX = 2,
    MODE_GRAYSCALE = 3,
    MODE_TF = 4,
    MODE_CAFFE = 5,
    MODE_TORCH = 6
};

/* An image in row-major order [row][column][channel]; exactly one of `bytes` and `values` is set. */
typedef struct {
    uint8_t *bytes;
    float *values;
    uint32_t height, width, channels;
} image;

/* A 32-byte step of the program: the operation and its seven parameters, unused ones zero. */
typedef struct {
    uint32_t operation;
    uint32_t parameters[7];
} step;

typedef struct {
    uint32_t height, width, method, library, antialias, order;
} resize_rule;

/* memory.c */
uint8_t *memory_at(uint32_t offset);
uint32_t memory_offset(const void *address);
int memory_holds(uint32_t offset, uint64_t size);
void *allocate(uint64_t size);
uint32_t memory_mark(void);
void memory_release(uint32_t mark);

/* image.c */
size_t image_length(const image *picture);
int allocate_bytes(image *picture, uint32_t height, uint32_t width, uint32_t channels);
int allocate_values(image *picture, uint32_t height, uint32_t width, uint32_t channels);
status check_size(uint64_t height, uint64_t width);
status make_float(image *picture);
int values_within_bytes(const image *picture);
int is_finite(float value);

/* One file per family; each replaces or changes the image and returns a status. */
status convert_channels(image *picture, uint32_t channels, uint32_t luma);
status pad_to_square(image *picture, uint32_t padding, float value);
status crop_center(image *picture, uint32_t height, uint32_t width);
status clip_values(image *picture, float low, float high);
status rescale_values(image *picture, uint32_t factor_kind, float factor, float offset);
status standardize(image *picture, uint32_t mode);

status resize(image *picture, const resize_rule *rule);
status resize_nearest(const image *source, image *target, uint32_t library);
status resize_opencv_linear(const image *source, image *target, int area_taps);
status resize_opencv_cubic(const image *source, image *target);
status resize_opencv_area(const image *source, image *target);
status resize_pillow(const image *source, image *target, uint32_t method, uint32_t order);
status resize_float(const image *source, image *target, const resize_rule *rule);

/* The window of source samples of one output sample of an antialiased filter; resize_pillow.c. */
typedef struct {
    uint32_t first, count;
} window;
uint32_t filter_window_limit(uint32_t source, uint32_t target, uint32_t method);
window filter_window(uint32_t source, uint32_t target, uint32_t position, uint32_t method, double *weights);

static inline uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline int64_t clamp_index(int64_t index, uint32_t count) {
    return index < 0 ? 0 : index >= (int64_t)count ? (int64_t)count - 1 : index;
}

#endif
