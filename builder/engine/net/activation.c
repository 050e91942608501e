/* Activations, four lanes at a time.
 * exp: Cody-Waite reduction x = n·ln 2 + r, |r| ≤ ln 2 / 2, polynomial of degree 6 (own Chebyshev fit, error 3e-9), times 2^n.
 * Below −87.3 it gives 1e-38 instead of less, above 88.37 infinity.
 * tanh, erf, log(1 + t) for t in 0 … 1: own least-squares fits on Chebyshev nodes (errors below 1.3e-7), exp beyond them.
 * Order: rows, then lanes; tails run the same vector arithmetic, so a value never depends on its place. */
#include "activation.h"
#include "logarithm.h"

/* Constants come from memory, through volatile reads: V8 builds a constant vector anew with four instructions at every use. */
enum {
    EXP_LOW, EXP_HIGH, LOG2_E, SHIFT, LN2_HEAD, LN2_TAIL, ONE, TWO, HALF, ROOT_HALF, TANH_NEAR, ERF_END,
    EXP_FIT, EXP_TERMS = 7,
    TANH_FIT = EXP_FIT + EXP_TERMS, TANH_TERMS = 6,
    ERF_NEAR_FIT = TANH_FIT + TANH_TERMS, ERF_NEAR_TERMS = 7,
    ERF_FAR_FIT = ERF_NEAR_FIT + ERF_NEAR_TERMS, ERF_FAR_TERMS = 8,
    LOG_FIT = ERF_FAR_FIT + ERF_FAR_TERMS, LOG_TERMS = 9
};

#define LANES(x) {x, x, x, x}
static const _Alignas(16) float CONSTANTS[][4] = {
    LANES(-87.3f), LANES(88.7f), LANES(1.44269504f),
    LANES(12583039.0f), /* 1.5·2²³ + 127: adding it rounds to an integer n and leaves n + 127, an exponent, in the low bits */
    LANES(0.693359375f), LANES(-2.12194440e-4f), LANES(1.0f), LANES(2.0f), LANES(0.5f), LANES(0.707106781f), LANES(0.64f), LANES(4.0f),
    LANES(1.0f), LANES(1.0f), LANES(0.5f), LANES(0.166664153f), LANES(0.0416662171f), LANES(0.00837515946f), LANES(0.00139486243f),
    LANES(-0.33333333f), LANES(0.13333294f), LANES(-0.053957f), LANES(0.02175073f), LANES(-0.00828538f), LANES(0.00222776f),
    LANES(1.12837917f), LANES(-0.376126271f), LANES(0.112836002f), LANES(-0.0268544440f), LANES(0.00518953420f),
    LANES(-8.02083112e-4f), LANES(7.88908559e-5f),
    LANES(7.43852827e-4f), LANES(1.12597178f), LANES(-0.360972596f), LANES(0.103369607f), LANES(-0.0226444514f),
    LANES(0.00344263999f), LANES(-3.18369268e-4f), LANES(1.33551670e-5f),
    LANES(0.999999971f), LANES(-0.499995015f), LANES(0.333192713f), LANES(-0.248443699f), LANES(0.191114311f),
    LANES(-0.136747697f), LANES(0.078361668f), LANES(-0.0295885074f), LANES(0.0052534578f),
};

ALWAYS_INLINE vec constant(uint32_t index) { return *(const volatile vec *)CONSTANTS[index]; }

ALWAYS_INLINE vec horner(vec x, uint32_t first, const uint32_t terms) {
    vec sum = constant(first + terms - 1);
#pragma clang loop unroll(full)
    for (uint32_t i = terms - 1; i-- > 0;) sum = vec_add(vec_mul(sum, x), constant(first + i));
    return sum;
}

ALWAYS_INLINE vec negate(vec x) { return vec_sub(vec_zero(), x); }

vec vec_exp(vec x) {
    vec bounded = vec_at_most(vec_at_least(x, constant(EXP_LOW)), constant(EXP_HIGH)), shift = constant(SHIFT);
    vec shifted = vec_add(vec_mul(bounded, constant(LOG2_E)), shift), n = vec_sub(shifted, shift);
    vec r = vec_sub(vec_sub(bounded, vec_mul(n, constant(LN2_HEAD))), vec_mul(n, constant(LN2_TAIL)));
    return vec_mul(horner(r, EXP_FIT, EXP_TERMS), vec_exponent(shifted));
}

static vec vec_tanh(vec x) {
    vec z = vec_mul(x, x), size = vec_abs(x), one = constant(ONE);
    vec near = vec_add(x, vec_mul(vec_mul(x, z), horner(z, TANH_FIT, TANH_TERMS)));
    vec far = vec_sub(one, vec_div(constant(TWO), vec_add(vec_exp(vec_add(size, size)), one)));
    return vec_select(vec_less(constant(TANH_NEAR), size), vec_select(vec_less(x, vec_zero()), negate(far), far), near);
}

static vec vec_erf(vec x) {
    vec size = vec_at_most(vec_abs(x), constant(ERF_END)), z = vec_mul(size, size), one = constant(ONE);
    vec near = vec_mul(x, horner(z, ERF_NEAR_FIT, ERF_NEAR_TERMS));
    vec far = vec_sub(one, vec_exp(negate(vec_add(horner(size, ERF_FAR_FIT, ERF_FAR_TERMS), z)))); /* 1 − exp(−(fit + x²)) */
    return vec_select(vec_less(one, size), vec_select(vec_less(x, vec_zero()), negate(far), far), near);
}

static vec vec_sigmoid(vec x) {
    vec one = constant(ONE);
    return vec_div(one, vec_add(one, vec_exp(negate(x))));
}

static vec vec_hard_sigmoid(vec x, activation act) {
    vec line = vec_add(vec_mul(x, vec_splat(act.a)), vec_splat(act.b));
    return vec_at_most(vec_at_least(line, vec_zero()), constant(ONE));
}

static vec vec_elu(vec x, float a) {
    vec curve = vec_mul(vec_splat(a), vec_sub(vec_exp(x), constant(ONE)));
    return vec_select(vec_less(x, vec_zero()), curve, x);
}

static vec vec_softplus(vec x) { /* max(x, 0) + log(1 + exp(−|x|)) */
    vec t = vec_exp(negate(vec_abs(x)));
    return vec_add(vec_at_least(x, vec_zero()), vec_mul(t, horner(t, LOG_FIT, LOG_TERMS)));
}

static vec vec_gelu_tanh(vec x) {
    vec cube = vec_mul(vec_mul(vec_mul(x, x), x), vec_splat(0.044715f));
    vec inner = vec_tanh(vec_mul(vec_add(x, cube), vec_splat(0.797884561f)));
    return vec_mul(vec_mul(x, constant(HALF)), vec_add(inner, constant(ONE)));
}

/* Lane by lane in double precision: few networks have these, and only in small places. */
static vec vec_each(vec x, uint32_t kind, float a) {
    float lanes[4];
    vec_store(lanes, x);
    for (uint32_t i = 0; i < 4; i++) lanes[i] = kind == ACT_LOG ? (float)log_of(lanes[i]) : power_of(lanes[i], a);
    return vec_load(lanes);
}

ALWAYS_INLINE vec apply(vec x, uint32_t kind, activation act) {
    switch (kind) {
    case ACT_CLAMP: return vec_at_most(vec_at_least(x, vec_splat(act.a)), vec_splat(act.b));
    case ACT_SIGMOID: return vec_sigmoid(x);
    case ACT_HARD_SIGMOID: return vec_hard_sigmoid(x, act);
    case ACT_HARD_SWISH: return vec_mul(x, vec_hard_sigmoid(x, act));
    case ACT_SWISH: return vec_mul(x, vec_sigmoid(x));
    case ACT_TANH: return vec_tanh(x);
    case ACT_ELU: return vec_elu(x, act.a);
    case ACT_LEAKY_RELU: return vec_select(vec_less(x, vec_zero()), vec_mul(x, vec_splat(act.a)), x);
    case ACT_GELU: return vec_mul(vec_mul(x, constant(HALF)), vec_add(vec_erf(vec_mul(x, constant(ROOT_HALF))), constant(ONE)));
    case ACT_ERF: return vec_erf(x);
    case ACT_EXP: return vec_exp(x);
    case ACT_SQRT: return vec_sqrt(x);
    case ACT_ABS: return vec_abs(x);
    case ACT_SELU: return vec_mul(vec_splat(act.b), vec_elu(x, act.a));
    case ACT_SOFTSIGN: return vec_div(x, vec_add(constant(ONE), vec_abs(x)));
    case ACT_RECIPROCAL: return vec_div(constant(ONE), x);
    case ACT_SQUARE: return vec_mul(x, x);
    case ACT_GELU_TANH: return vec_gelu_tanh(x);
    case ACT_SOFTPLUS: return vec_softplus(x);
    case ACT_MISH: return vec_mul(x, vec_tanh(vec_softplus(x)));
    case ACT_LOG:
    case ACT_POWER: return vec_each(x, kind, act.a);
    default: return x;
    }
}

#define ABREAST(v, expression)                             \
    do {                                                   \
        for (int j = 0; j < 4; j++) (v)[j] = (expression); \
        KEEP_ABREAST(v);                                   \
    } while (0)

/* exp of four vectors side by side, operation by operation as vec_exp: the same bits in little more than half the time. */
ALWAYS_INLINE void exp_abreast(vec x[4]) {
    vec shifted[4], n[4], sum[4], k = constant(EXP_LOW), shift = constant(SHIFT);
    ABREAST(x, vec_at_least(x[j], k));
    k = constant(EXP_HIGH);
    ABREAST(x, vec_at_most(x[j], k));
    k = constant(LOG2_E);
    ABREAST(shifted, vec_add(vec_mul(x[j], k), shift));
    ABREAST(n, vec_sub(shifted[j], shift));
    k = constant(LN2_HEAD);
    ABREAST(x, vec_sub(x[j], vec_mul(n[j], k)));
    k = constant(LN2_TAIL);
    ABREAST(x, vec_sub(x[j], vec_mul(n[j], k)));
    k = constant(EXP_FIT + EXP_TERMS - 1);
    ABREAST(sum, k);
#pragma clang loop unroll(full)
    for (int i = EXP_TERMS - 2; i >= 0; i--) {
        k = constant(EXP_FIT + i);
        ABREAST(sum, vec_add(vec_mul(sum[j], x[j]), k));
    }
    ABREAST(x, vec_mul(sum[j], vec_exponent(shifted[j])));
}

/* Sigmoid and swish of sixteen neighbours. */
ALWAYS_INLINE void sigmoid_abreast(float *data, int swish) {
    vec gate[4], one = constant(ONE);
    for (int j = 0; j < 4; j++) gate[j] = negate(vec_load(data + 4 * j));
    exp_abreast(gate);
    ABREAST(gate, vec_div(one, vec_add(one, gate[j])));
    for (int j = 0; j < 4; j++) vec_store(data + 4 * j, swish ? vec_mul(vec_load(data + 4 * j), gate[j]) : gate[j]);
}

vec vec_activate(vec x, activation act) { return apply(x, act.kind, act); }

ALWAYS_INLINE void pass(float *data, uint32_t rows, uint32_t width, uint32_t stride, uint32_t kind, activation act) {
    for (uint32_t r = 0; r < rows; r++, data += stride) {
        uint32_t c = 0;
        if (kind == ACT_SIGMOID || kind == ACT_SWISH)
            for (; c + 16 <= width; c += 16) sigmoid_abreast(data + c, kind == ACT_SWISH);
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
