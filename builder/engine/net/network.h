/* A loaded plan: tensors resolved to pointers, and what checks and kernels see of an operator. */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H
#include "team.h"

typedef struct {
    float *data;
    uint32_t writable, rank, dims[PLAN_RANK];
    uint32_t rows, width, stride; /* width = last axis; element (r, c) is data[r · stride + c] */
    uint32_t count;               /* rows · width */
} tensor;

/* One operator with its operands; absent operands are null. */
typedef struct {
    const tensor *in[PLAN_OPERANDS];
    const tensor *out;
    const uint32_t *parameters;
} step;

/* Checks an operator before anything runs; tells the scratch bytes that each thread needs for its kernel. */
typedef enum net_status (*step_check)(const step *s, uint64_t *scratch_bytes);
/* Scratch bytes that all threads share, of an operator that has passed its check. */
typedef uint64_t (*step_common)(const step *s);
/* A kernel for one thread, and one that threads share out (team.h). */
typedef void (*step_kernel)(const step *s, unsigned char *scratch);
typedef void (*shared_kernel)(const step *s, unsigned char *scratch, share *mine);

static inline float step_float(const step *s, uint32_t index) {
    union { uint32_t bits; float value; } word = {s->parameters[index]};
    return word.value;
}

static inline int is_dense(const tensor *t) { return t->stride == t->width; }

static inline int same_shape(const tensor *a, const tensor *b) {
    if (a->rank != b->rank) return 0;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return 0;
    return 1;
}

#define DECLARE_STEP(name)                                                          \
    enum net_status check_##name(const step *s, uint64_t *scratch_bytes);           \
    void run_##name(const step *s, unsigned char *scratch);
DECLARE_STEP(reduction)
DECLARE_STEP(group_norm)
DECLARE_STEP(response)
#define DECLARE_SHARED_STEP(name)                                                   \
    enum net_status check_##name(const step *s, uint64_t *scratch_bytes);           \
    void run_##name(const step *s, unsigned char *scratch, share *mine);
DECLARE_SHARED_STEP(convolution)
DECLARE_SHARED_STEP(winograd)
DECLARE_SHARED_STEP(depthwise)
DECLARE_SHARED_STEP(max_pool)
DECLARE_SHARED_STEP(average_pool)
DECLARE_SHARED_STEP(mean_of_rows)
DECLARE_SHARED_STEP(affine)
DECLARE_SHARED_STEP(binary)
DECLARE_SHARED_STEP(unary)
DECLARE_SHARED_STEP(softmax)
DECLARE_SHARED_STEP(layer_norm)
DECLARE_SHARED_STEP(matmul)
DECLARE_SHARED_STEP(copy)
DECLARE_SHARED_STEP(fill)
DECLARE_SHARED_STEP(resize)
DECLARE_SHARED_STEP(mean_of_last)
#undef DECLARE_SHARED_STEP
#undef DECLARE_STEP
uint64_t common_convolution(const step *s);
uint64_t common_winograd(const step *s);
#endif
