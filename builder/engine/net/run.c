/* What the host calls. One plan at a time: reserve → copy the plan in → net_load → (fill input → net_run → read outputs)*. */
#include "load.h"
#include "memory.h"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
#else
#define EXPORT(name)
#endif

enum { ABI_VERSION = 1, PORT_WORDS = 2 + PLAN_RANK };

/* Kernels that threads share out, and those that run on thread 0. */
static const shared_kernel SHARED[CODE_COUNT] = {
    [CODE_CONVOLUTION] = run_convolution, [CODE_WINOGRAD] = run_winograd, [CODE_DEPTHWISE] = run_depthwise,
    [CODE_MAX_POOL] = run_max_pool, [CODE_AVERAGE_POOL] = run_average_pool, [CODE_MEAN_OF_ROWS] = run_mean_of_rows,
    [CODE_AFFINE] = run_affine, [CODE_BINARY] = run_binary, [CODE_UNARY] = run_unary, [CODE_SOFTMAX] = run_softmax,
    [CODE_LAYER_NORM] = run_layer_norm, [CODE_MATMUL] = run_matmul, [CODE_COPY] = run_copy, [CODE_FILL] = run_fill,
    [CODE_RESIZE] = run_resize, [CODE_MEAN_OF_LAST] = run_mean_of_last,
};
static const step_kernel KERNELS[CODE_COUNT] = {
    [CODE_REDUCTION] = run_reduction, [CODE_GROUP_NORM] = run_group_norm, [CODE_RESPONSE] = run_response,
};

static loaded_plan plan;
static int is_loaded;
static struct { uint32_t first, end; } job;

void net_forget(void) { is_loaded = 0; }

EXPORT("net_abi_version") uint32_t net_abi_version(void) { return ABI_VERSION; }

/* Checks the plan and takes the memory it needs. The plan must lie in reserved memory and stay there. */
EXPORT("net_load") int32_t net_load(const unsigned char *bytes, uint32_t size_bytes) {
    is_loaded = 0;
    if ((uintptr_t)bytes % 64 != 0 || !is_taken(bytes, size_bytes)) return NET_ARGUMENT;
    enum net_status status = load_plan(&plan, bytes, size_bytes);
    is_loaded = status == NET_OK;
    return (int32_t)status;
}

/* Bytes that the last net_load wanted behind the plan itself; meaningful after NET_OK and NET_MEMORY. */
EXPORT("net_need") uint32_t net_need(void) { return plan.need_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)plan.need_bytes; }

/* Port 0 is the input, port 1 + i output i. Writes pointer, rank and six sizes. */
EXPORT("net_port") int32_t net_port(uint32_t port, uintptr_t *words) {
    if (!is_loaded) return NET_STATE;
    if (port > plan.header->output_count) return NET_ARGUMENT;
    if ((uintptr_t)words % sizeof *words != 0 || !is_taken(words, PORT_WORDS * sizeof *words)) return NET_ARGUMENT;
    const tensor *t = &plan.tensors[port == 0 ? plan.header->input : plan.header->outputs[port - 1]];
    words[0] = (uintptr_t)t->data;
    words[1] = t->rank;
    for (uint32_t i = 0; i < PLAN_RANK; i++) words[2 + i] = t->dims[i];
    return NET_OK;
}

EXPORT("net_operators") uint32_t net_operators(void) { return is_loaded ? plan.header->operator_count : 0; }

static void run_operators(uint32_t index) {
    uint32_t first = job.first, end = job.end; /* the next job may be written as soon as the last meeting is over */
    unsigned char *leading = plan.scratch + plan.common_bytes;
    share mine = {.index = index, .count = team_size(), .common = plan.scratch, .leading = leading};
    for (uint32_t i = first; i < end && !team_failed(); i++) {
        uint32_t code = plan.operators[i].code;
        if (SHARED[code] != NULL) SHARED[code](&plan.steps[i], leading + index * plan.scratch_bytes, &mine);
        else if (index == 0) KERNELS[code](&plan.steps[i], leading);
        meet(&mine);
    }
}

/* Runs operators first … end − 1 (end may lie behind the last): the whole plan, or a part of it to report progress. */
EXPORT("net_run") int32_t net_run(uint32_t first, uint32_t end) {
    if (!is_loaded) return NET_STATE;
    end = min_u32(end, plan.header->operator_count);
    if (first >= end) return NET_OK;
    job.first = first;
    job.end = end;
    share mine = {.count = team_size()};
    if (!await_run(&mine)) return NET_THREAD;
    run_operators(0);
    return team_failed() ? NET_THREAD : NET_OK;
}

#ifdef __wasm_atomics__
/* Takes part in every run as thread `index`, and returns when a thread has died. Its instance has a stack of its own (net_stack). */
EXPORT("net_help") int32_t net_help(uint32_t index) {
    if (index == 0 || index >= team_size()) return NET_ARGUMENT;
    share mine = {.index = index, .count = team_size()};
    while (await_run(&mine)) run_operators(index);
    return NET_THREAD;
}
#endif
