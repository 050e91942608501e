/* The loader: nothing of a plan is believed before it is checked, and nothing runs before all of it is checked.
 *
 * 1. header and sections lie inside the bytes given, and the checksum holds; 2. every tensor lies inside its space;
 * 3. every operator's operands exist, and its own check accepts shapes and parameters and tells the scratch it needs.
 * After that no kernel can leave the tensors it was given. */
#include "load.h"
#include "memory.h"

static const step_check CHECKS[CODE_COUNT] = {
    [CODE_CONVOLUTION] = check_convolution, [CODE_WINOGRAD] = check_winograd, [CODE_DEPTHWISE] = check_depthwise,
    [CODE_MAX_POOL] = check_max_pool, [CODE_AVERAGE_POOL] = check_average_pool, [CODE_MEAN_OF_ROWS] = check_mean_of_rows,
    [CODE_AFFINE] = check_affine, [CODE_BINARY] = check_binary, [CODE_UNARY] = check_unary, [CODE_SOFTMAX] = check_softmax,
    [CODE_LAYER_NORM] = check_layer_norm, [CODE_MATMUL] = check_matmul, [CODE_COPY] = check_copy, [CODE_FILL] = check_fill,
    [CODE_RESIZE] = check_resize, [CODE_MEAN_OF_LAST] = check_mean_of_last,
    [CODE_REDUCTION] = check_reduction, [CODE_GROUP_NORM] = check_group_norm, [CODE_RESPONSE] = check_response,
};

/* Operators with scratch that all threads share. */
static const step_common COMMON[CODE_COUNT] = {[CODE_CONVOLUTION] = common_convolution, [CODE_WINOGRAD] = common_winograd};

enum { SECTION_ALIGNMENT = 64, SUMMED_FROM = 5 };

/* Two sums over the words behind the sums: Σ w and Σ (position · w), mod 2³². Finds every change of one word;
 * against forgery the host compares SHA-256 before it hands the bytes over. */
static int checksum_holds(const plan_header *header) {
    const uint32_t *words = (const uint32_t *)header;
    uint32_t sum = 0, weighted = 0;
    for (uint32_t i = SUMMED_FROM, n = header->file_bytes / 4; i < n; i++) {
        sum += words[i];
        weighted += i * words[i];
    }
    return sum == header->sum && weighted == header->weighted_sum;
}

static int section_fits(uint64_t offset, uint64_t size_bytes, uint64_t start, uint64_t end) {
    return offset % SECTION_ALIGNMENT == 0 && offset >= start && offset <= end && size_bytes <= end - offset;
}

static enum net_status check_header(const plan_header *header, uint32_t size_bytes) {
    if (size_bytes < sizeof *header) return NET_TRUNCATED;
    if (header->magic != PLAN_MAGIC) return NET_MAGIC;
    if (header->version != PLAN_VERSION) return NET_VERSION;
    if (header->file_bytes > size_bytes || header->file_bytes % 4 != 0 || header->file_bytes < sizeof *header) return NET_TRUNCATED;
    if (!checksum_holds(header)) return NET_CHECKSUM;
    if (header->tensor_count == 0 || header->tensor_count > PLAN_MAX_TENSORS) return NET_SECTION;
    if (header->operator_count > PLAN_MAX_OPERATORS) return NET_SECTION;
    if (header->output_count == 0 || header->output_count > PLAN_OUTPUTS) return NET_SECTION;
    uint64_t start = sizeof *header + (uint64_t)header->tensor_count * sizeof(plan_tensor);
    start += (uint64_t)header->operator_count * sizeof(plan_operator);
    if (start > header->file_bytes) return NET_TRUNCATED;
    if (!section_fits(header->full_offset, header->full_bytes, start, header->file_bytes)) return NET_SECTION;
    if (!section_fits(header->half_offset, header->half_bytes, start, header->file_bytes)) return NET_SECTION;
    return header->full_bytes % 4 == 0 && header->half_bytes % 4 == 0 && header->arena_bytes % 4 == 0 ? NET_OK : NET_SECTION;
}

/* float16 → float32, exact; subnormals by scaling, infinities and NaN keep their meaning. */
static float expand_half(uint32_t half) {
    union { uint32_t bits; float value; } word;
    uint32_t sign = (half & 0x8000u) << 16, rest = half & 0x7fffu;
    word.bits = rest << 13;
    if (rest >= 0x7c00u) word.bits |= 0x7f800000u;
    else word.value *= 0x1p112f; /* exponent bias 127 − 15 */
    word.bits |= sign;
    return word.value;
}

static enum net_status take_spaces(loaded_plan *plan, const unsigned char *bytes) {
    const plan_header *header = plan->header;
    uint64_t halves = header->half_bytes / 2;
    plan->spaces[SPACE_FULL] = (float *)(bytes + header->full_offset);
    plan->space_bytes[SPACE_FULL] = header->full_bytes;
    plan->space_bytes[SPACE_HALF] = halves * sizeof(float);
    plan->space_bytes[SPACE_ARENA] = header->arena_bytes;
    plan->need_bytes = plan->space_bytes[SPACE_HALF] + header->arena_bytes + header->tensor_count * sizeof(tensor) + header->operator_count * sizeof(step);
    plan->spaces[SPACE_HALF] = take(halves * sizeof(float));
    plan->spaces[SPACE_ARENA] = take(header->arena_bytes);
    plan->tensors = take(header->tensor_count * sizeof(tensor));
    plan->steps = take(header->operator_count * sizeof(step));
    if (plan->spaces[SPACE_HALF] == NULL || plan->spaces[SPACE_ARENA] == NULL || plan->tensors == NULL || plan->steps == NULL) return NET_MEMORY;
    const uint16_t *packed = (const uint16_t *)(bytes + header->half_offset);
    for (uint64_t i = 0; i < halves; i++) plan->spaces[SPACE_HALF][i] = expand_half(packed[i]);
    return NET_OK;
}

static enum net_status resolve_tensor(const loaded_plan *plan, const plan_tensor *from, tensor *to) {
    if (from->space > SPACE_HALF || from->rank == 0 || from->rank > PLAN_RANK || from->offset_bytes % 4 != 0) return NET_TENSOR;
    uint64_t rows = 1;
    for (uint32_t i = 0; i < PLAN_RANK; i++) {
        uint32_t size = from->dims[i];
        if (i < from->rank ? size == 0 || size > PLAN_MAX_ELEMENTS : size != 0) return NET_TENSOR;
        to->dims[i] = size;
        if (i + 1 < from->rank) rows *= size;
        if (rows > PLAN_MAX_ELEMENTS) return NET_TENSOR;
    }
    uint32_t width = from->dims[from->rank - 1];
    if (from->stride < width || from->stride > PLAN_MAX_ELEMENTS || rows * width > PLAN_MAX_ELEMENTS) return NET_TENSOR;
    uint64_t extent = ((rows - 1) * from->stride + width) * sizeof(float);
    uint64_t space = plan->space_bytes[from->space];
    if (from->offset_bytes > space || extent > space - from->offset_bytes) return NET_TENSOR;
    to->data = plan->spaces[from->space] + from->offset_bytes / sizeof(float);
    to->writable = from->space == SPACE_ARENA;
    to->rank = from->rank;
    to->rows = (uint32_t)rows;
    to->width = width;
    to->stride = from->stride;
    to->count = (uint32_t)rows * width;
    return NET_OK;
}

static enum net_status resolve_step(loaded_plan *plan, const plan_operator *from, step *to) {
    uint32_t tensors = plan->header->tensor_count;
    if (from->code == 0 || from->code >= CODE_COUNT || CHECKS[from->code] == NULL) return NET_OPERATOR;
    for (uint32_t i = 0; i < PLAN_OPERANDS; i++) {
        if (from->inputs[i] != NO_TENSOR && from->inputs[i] >= tensors) return NET_OPERAND;
        to->in[i] = from->inputs[i] == NO_TENSOR ? NULL : &plan->tensors[from->inputs[i]];
    }
    if (from->output >= tensors || !plan->tensors[from->output].writable) return NET_OPERAND;
    to->out = &plan->tensors[from->output];
    to->parameters = from->parameters;
    uint64_t scratch_bytes = 0;
    enum net_status status = CHECKS[from->code](to, &scratch_bytes);
    if (status != NET_OK) return status;
    uint64_t common_bytes = COMMON[from->code] == NULL ? 0 : COMMON[from->code](to);
    if (scratch_bytes > plan->scratch_bytes) plan->scratch_bytes = scratch_bytes;
    if (common_bytes > plan->common_bytes) plan->common_bytes = common_bytes;
    return NET_OK;
}

static int is_port(const loaded_plan *plan, uint32_t index) {
    return index < plan->header->tensor_count && plan->tensors[index].writable && is_dense(&plan->tensors[index]);
}

static enum net_status check_ports(const loaded_plan *plan) {
    if (!is_port(plan, plan->header->input)) return NET_OPERAND;
    for (uint32_t i = 0; i < plan->header->output_count; i++)
        if (!is_port(plan, plan->header->outputs[i])) return NET_OPERAND;
    return NET_OK;
}

enum net_status load_plan(loaded_plan *plan, const unsigned char *bytes, uint32_t size_bytes) {
    *plan = (loaded_plan){.header = (const plan_header *)bytes};
    enum net_status status = check_header(plan->header, size_bytes);
    if (status != NET_OK) return status;
    status = take_spaces(plan, bytes);
    const plan_tensor *tensors = (const plan_tensor *)(bytes + sizeof *plan->header);
    for (uint32_t i = 0; status == NET_OK && i < plan->header->tensor_count; i++)
        status = resolve_tensor(plan, &tensors[i], &plan->tensors[i]);
    plan->operators = (const plan_operator *)(tensors + plan->header->tensor_count);
    for (uint32_t i = 0; status == NET_OK && i < plan->header->operator_count; i++)
        status = resolve_step(plan, &plan->operators[i], &plan->steps[i]);
    if (status == NET_OK) status = check_ports(plan);
    if (status != NET_OK) return status;
    plan->scratch_bytes = (plan->scratch_bytes + SECTION_ALIGNMENT - 1) / SECTION_ALIGNMENT * SECTION_ALIGNMENT;
    plan->common_bytes = (plan->common_bytes + SECTION_ALIGNMENT - 1) / SECTION_ALIGNMENT * SECTION_ALIGNMENT;
    uint64_t scratch_bytes = plan->common_bytes + plan->scratch_bytes * team_size();
    plan->need_bytes += scratch_bytes;
    plan->scratch = take(scratch_bytes);
    return plan->scratch == NULL ? NET_MEMORY : NET_OK;
}
