/* The plan: what the compiler writes and the loader checks. docs/engine.md describes it byte by byte;
 * webipred/engine/compiler/plan_format.py holds the same numbers, and a test compares them. */
#ifndef NET_PLAN_H
#define NET_PLAN_H
#include "types.h"

enum { PLAN_MAGIC = 0x4e4c5057, PLAN_VERSION = 1, PLAN_RANK = 6, PLAN_OUTPUTS = 8, PLAN_OPERANDS = 5, PLAN_PARAMETERS = 25 };
enum { PLAN_MAX_ELEMENTS = 1 << 29, PLAN_MAX_TENSORS = 1 << 16, PLAN_MAX_OPERATORS = 1 << 16 };
#define NO_TENSOR 0xffffffffu

enum plan_space { SPACE_ARENA = 0, SPACE_FULL = 1, SPACE_HALF = 2 };

enum net_status {
    NET_OK = 0,
    NET_TRUNCATED = 1,  /* fewer bytes than the header or its sections say */
    NET_MAGIC = 2,      /* not a plan */
    NET_VERSION = 3,    /* a plan of another version */
    NET_CHECKSUM = 4,   /* the bytes were changed */
    NET_SECTION = 5,    /* a section lies outside the file or has a wrong size */
    NET_TENSOR = 6,     /* a tensor lies outside its space */
    NET_OPERATOR = 7,   /* an operator code that this engine does not have */
    NET_OPERAND = 8,    /* an operand is missing, unknown or read-only */
    NET_SHAPE = 9,      /* operand shapes do not fit the operator */
    NET_PARAMETER = 10, /* an operator parameter is out of range */
    NET_MEMORY = 11,    /* memory cannot grow; net_need() tells by how much it had to */
    NET_STATE = 12,     /* no plan is loaded */
    NET_ARGUMENT = 13,  /* an argument of the call points outside memory or is out of range */
    NET_THREAD = 14     /* a thread has died; this instance can run nothing more */
};

enum plan_code {
    CODE_CONVOLUTION = 1,
    CODE_DEPTHWISE = 2,
    CODE_MAX_POOL = 3,
    CODE_AVERAGE_POOL = 4,
    CODE_MEAN_OF_ROWS = 5,
    CODE_AFFINE = 6,
    CODE_BINARY = 7,
    CODE_UNARY = 8,
    CODE_SOFTMAX = 9,
    CODE_LAYER_NORM = 10,
    CODE_MATMUL = 11,
    CODE_COPY = 12,
    CODE_FILL = 13,
    CODE_RESIZE = 14,
    CODE_MEAN_OF_LAST = 15,
    CODE_WINOGRAD = 16,
    CODE_REDUCTION = 17,
    CODE_GROUP_NORM = 18,
    CODE_RESPONSE = 19,
    CODE_COUNT = 20
};

enum plan_activation {
    ACT_NONE = 0,
    ACT_CLAMP = 1,        /* a … b */
    ACT_SIGMOID = 2,
    ACT_HARD_SIGMOID = 3, /* clamp(a·x + b, 0, 1) */
    ACT_HARD_SWISH = 4,   /* x · clamp(a·x + b, 0, 1) */
    ACT_SWISH = 5,
    ACT_TANH = 6,
    ACT_ELU = 7,          /* x > 0 ? x : a·(exp(x) − 1) */
    ACT_LEAKY_RELU = 8,   /* x > 0 ? x : a·x */
    ACT_GELU = 9,         /* x/2 · (1 + erf(x/√2)) */
    ACT_ERF = 10,
    ACT_EXP = 11,
    ACT_SQRT = 12,
    ACT_ABS = 13,
    ACT_SELU = 14,        /* b · (x > 0 ? x : a·(exp(x) − 1)) */
    ACT_SOFTSIGN = 15,
    ACT_RECIPROCAL = 16,
    ACT_SQUARE = 17,
    ACT_GELU_TANH = 18,   /* x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))) */
    ACT_SOFTPLUS = 19,    /* log(1 + exp(x)) */
    ACT_MISH = 20,        /* x · tanh(softplus(x)) */
    ACT_LOG = 21,
    ACT_POWER = 22,       /* x^a */
    ACT_COUNT = 23
};

enum plan_binary { BINARY_ADD = 0, BINARY_SUB = 1, BINARY_MUL = 2, BINARY_DIV = 3, BINARY_MAX = 4, BINARY_MIN = 5, BINARY_PRELU = 6, BINARY_COUNT = 7 };

/* 32 words, then tensors, then operators, then (at multiples of 64 bytes) the weights. */
typedef struct {
    uint32_t magic, version, file_bytes, sum, weighted_sum;
    uint32_t tensor_count, operator_count, arena_bytes;
    uint32_t full_offset, full_bytes, half_offset, half_bytes;
    uint32_t input, output_count, outputs[PLAN_OUTPUTS];
    uint32_t reserved[10];
} plan_header;

/* Row-major; all axes but the last make `rows`, which lie `stride` elements apart. */
typedef struct {
    uint32_t space, offset_bytes, rank, dims[PLAN_RANK], stride, reserved[2];
} plan_tensor;

typedef struct {
    uint32_t code, inputs[PLAN_OPERANDS], output, parameters[PLAN_PARAMETERS];
} plan_operator;
#endif
