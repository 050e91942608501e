/* Activations, four lanes at a time.
 * exp: Cody-Waite reduction x = n·ln 2 + r, |r| ≤ ln 2 / 2, polynomial of degree 6 (own Chebyshev fit, error 3e-9), times 2^n.
 * Below −87.3 it gives 1e-38 instead of less, above 88.37 infinity.
 * tanh, erf: own least-squares fits on Chebyshev nodes (errors below 1.3e-7), exp beyond them.
 * Order: rows, then lanes; tails run the same vector arithmetic, so a value never depends on its place. */
#include "activation.h"

ALWAYS_INLINE vec horner(vec x, const float *coefficients, uint32_t count) {
    vec sum = vec_splat(coefficients[count - 1]);
#pragma clang loop unroll(full)
    for (uint32_t i = count - 1; i-- > 0;) sum = vec_add(vec_mul(sum, x), vec_splat(coefficients[i]));
    return sum;
}

vec vec_exp(vec x) {
    static const float fit[] = {1.0f, 1.0f, 0.5f, 0.166664153f, 0.0416662171f, 0.00837515946f, 0.00139486243f};
    const vec shift = vec_splat(12582912.0f); /* 1.5·2²³: adding it rounds to an integer, which then stands in the low bits */
    vec bounded = vec_at_most(vec_at_least(x, vec_splat(-87.3f)), vec_splat(88.7f));
    vec shifted = vec_add(vec_mul(bounded, vec_splat(1.44269504f)), shift), n = vec_sub(shifted, shift);
    vec r = vec_sub(vec_sub(bounded, vec_mul(n, vec_splat(0.693359375f))), vec_mul(n, vec_splat(-2.12194440e-4f)));
    return vec_mul(horner(r, fit, 7), vec_power_of_two(shifted));
}

static vec vec_tanh(vec x) {
    static const float fit[] = {-0.33333333f, 0.13333294f, -0.053957f, 0.02175073f, -0.00828538f, 0.00222776f};
    vec z = vec_mul(x, x), size = vec_abs(x);
    vec near = vec_add(x, vec_mul(vec_mul(x, z), horner(z, fit, 6)));
    vec one = vec_splat(1.0f);
    vec far = vec_sub(one, vec_div(vec_splat(2.0f), vec_add(vec_exp(vec_add(size, size)), one)));
    vec signed_far = vec_select(vec_less(x, vec_zero()), vec_sub(vec_zero(), far), far);
    return vec_select(vec_less(vec_splat(0.64f), size), signed_far, near);
}

static vec vec_erf(vec x) {
    static const float fit_near[] = {1.12837917f, -0.376126271f, 0.112836002f, -0.0268544440f, 0.00518953420f, -8.02083112e-4f, 7.88908559e-5f};
    static const float fit_far[] = {7.43852827e-4f, 1.12597178f, -0.360972596f, 0.103369607f, -0.0226444514f, 0.00344263999f, -3.18369268e-4f, 1.33551670e-5f};
    vec size = vec_at_most(vec_abs(x), vec_splat(4.0f)), z = vec_mul(size, size), one = vec_splat(1.0f);
    vec near = vec_mul(x, horner(z, fit_near, 7));
    vec far = vec_sub(one, vec_exp(vec_sub(vec_zero(), vec_add(horner(size, fit_far, 8), z)))); /* 1 − exp(−(fit + x²)) */
    vec signed_far = vec_select(vec_less(x, vec_zero()), vec_sub(vec_zero(), far), far);
    return vec_select(vec_less(one, size), signed_far, near);
}

static vec vec_sigmoid(vec x) {
    vec one = vec_splat(1.0f);
    return vec_div(one, vec_add(one, vec_exp(vec_sub(vec_zero(), x))));
}

static vec vec_hard_sigmoid(vec x, activation act) {
    vec line = vec_add(vec_mul(x, vec_splat(act.a)), vec_splat(act.b));
    return vec_at_most(vec_at_least(line, vec_zero()), vec_splat(1.0f));
}

static vec vec_elu(vec x, float a) {
    vec curve = vec_mul(vec_splat(a), vec_sub(vec_exp(x), vec_splat(1.0f)));
    return vec_select(vec_less(x, vec_zero()), curve, x);
}

static vec vec_gelu_tanh(vec x) {
    vec cube = vec_mul(vec_mul(vec_mul(x, x), x), vec_splat(0.044715f));
    vec inner = vec_tanh(vec_mul(vec_add(x, cube), vec_splat(0.797884561f)));
    return vec_mul(vec_mul(x, vec_splat(0.5f)), vec_add(inner, vec_splat(1.0f)));
}

ALWAYS_INLINE vec apply(vec x, uint32_t kind, activation act) {
    vec one = vec_splat(1.0f);
    switch (kind) {
    case ACT_CLAMP: return vec_at_most(vec_at_least(x, vec_splat(act.a)), vec_splat(act.b));
    case ACT_SIGMOID: return vec_sigmoid(x);
    case ACT_HARD_SIGMOID: return vec_hard_sigmoid(x, act);
    case ACT_HARD_SWISH: return vec_mul(x, vec_hard_sigmoid(x, act));
    case ACT_SWISH: return vec_mul(x, vec_sigmoid(x));
    case ACT_TANH: return vec_tanh(x);
    case ACT_ELU: return vec_elu(x, act.a);
    case ACT_LEAKY_RELU: return vec_select(vec_less(x, vec_zero()), vec_mul(x, vec_splat(act.a)), x);
    case ACT_GELU: return vec_mul(vec_mul(x, vec_splat(0.5f)), vec_add(vec_erf(vec_mul(x, vec_splat(0.707106781f))), one));
    case ACT_ERF: return vec_erf(x);
    case ACT_EXP: return vec_exp(x);
    case ACT_SQRT: return vec_sqrt(x);
    case ACT_ABS: return vec_abs(x);
    case ACT_SELU: return vec_mul(vec_splat(act.b), vec_elu(x, act.a));
    case ACT_SOFTSIGN: return vec_div(x, vec_add(one, vec_abs(x)));
    case ACT_RECIPROCAL: return vec_div(one, x);
    case ACT_SQUARE: return vec_mul(x, x);
    case ACT_GELU_TANH: return vec_gelu_tanh(x);
    default: return x;
    }
}

vec vec_activate(vec x, activation act) { return apply(x, act.kind, act); }

ALWAYS_INLINE void pass(float *data, uint32_t rows, uint32_t width, uint32_t stride, uint32_t kind, activation act) {
    for (uint32_t r = 0; r < rows; r++, data += stride) {
        uint32_t c = 0;
        for (; c + 4 <= width; c += 4) vec_store(data + c, apply(vec_load(data + c), kind, act));
        if (c < width) vec_store_part(data + c, apply(vec_load_part(data + c, width - c), kind, act), width - c);
    }
}

void activate(float *data, uint32_t rows, uint32_t width, uint32_t stride, activation act) {
    if (stride == width) { /* one long row has one tail */
        width *= rows;
        stride = width;
        rows = 1;
    }
    switch (act.kind) { /* the kind is a constant inside each pass: no test per vector */
    case ACT_NONE: return;
    case ACT_CLAMP: pass(data, rows, width, stride, ACT_CLAMP, act); return;
    case ACT_SIGMOID: pass(data, rows, width, stride, ACT_SIGMOID, act); return;
    case ACT_HARD_SWISH: pass(data, rows, width, stride, ACT_HARD_SWISH, act); return;
    case ACT_SWISH: pass(data, rows, width, stride, ACT_SWISH, act); return;
    case ACT_GELU: pass(data, rows, width, stride, ACT_GELU, act); return;
    default: pass(data, rows, width, stride, act.kind, act); return;
    }
}

enum net_status read_activation(const step *s, uint32_t index, activation *act) {
    *act = (activation){s->parameters[index], step_float(s, index + 1), step_float(s, index + 2)};
    if (act->kind >= ACT_COUNT || act->a != act->a || act->b != act->b) return NET_PARAMETER;
    return NET_OK;
}
