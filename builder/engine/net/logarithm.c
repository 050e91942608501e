/* Logarithm and powers of single floats.
 *
 *   log x = e·ln 2 + 2·atanh s,  x = 2^e·m, m in √½ … √2, s = (m − 1)/(m + 1), |s| ≤ 0.172: atanh s = s + s³/3 + s⁵/5 + …
 *   e^x   = 2^n·Σ r^k/k!,        n = round(x / ln 2), |r| ≤ 0.347
 *
 * Double precision throughout, so that the rounding to float decides the last bit, and no table to trust. */
#include "logarithm.h"
#include "types.h"

static const double LN2_HEAD = 0x1.62e42feep-1, LN2_TAIL = 0x1.a39ef35793c76p-33; /* ln 2 in two parts: n·head is exact */

static uint64_t bits_of(double x) {
    union { double value; uint64_t bits; } word = {x};
    return word.bits;
}

static double double_of(uint64_t bits) {
    union { uint64_t bits; double value; } word = {bits};
    return word.value;
}

double log_of(double x) {
    if (x != x || x < 0.0) return __builtin_nan("");
    if (x == 0.0) return -__builtin_inf();
    if (x == __builtin_inf()) return x;
    int32_t exponent = 0;
    if (x < 0x1p-1022) { /* subnormal doubles; floats never are */
        x *= 0x1p54;
        exponent = -54;
    }
    uint64_t bits = bits_of(x);
    exponent += (int32_t)(bits >> 52) - 1023;
    double m = double_of((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1.0) / (m + 1.0), z = s * s, sum = 0.0;
    for (uint32_t k = 21; k >= 3; k -= 2) sum = (sum + 1.0 / k) * z;
    return exponent * LN2_HEAD + (exponent * LN2_TAIL + 2.0 * (s + s * sum));
}

double exp_of(double x) {
    if (x != x) return x;
    if (x > 700.0) return __builtin_inf();
    if (x < -700.0) return 0.0;
    double scaled = x * 1.4426950408889634;
    int32_t n = (int32_t)(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
    double r = x - n * LN2_HEAD - n * LN2_TAIL, sum = 1.0;
    for (uint32_t k = 14; k >= 1; k--) sum = 1.0 + sum * r / k;
    return sum * double_of((uint64_t)(int64_t)(n + 1023) << 52);
}

static int is_odd(float exponent) { /* whole numbers beyond 2²⁴ are even */
    float size = __builtin_fabsf(exponent);
    return size < 0x1p24f && (int32_t)size % 2 == 1;
}

static int is_whole(float exponent) { return __builtin_fabsf(exponent) >= 0x1p23f || (float)(int32_t)exponent == exponent; }

float power_of(float x, float exponent) {
    if (exponent == 0.0f || x == 1.0f) return 1.0f;
    if (x != x) return x;
    int negative = x < 0.0f || (x == 0.0f && 1.0f / x < 0.0f);
    if (x < 0.0f && x != -__builtin_inff() && !is_whole(exponent)) return __builtin_nanf("");
    float sign = negative && is_whole(exponent) && is_odd(exponent) ? -1.0f : 1.0f, size = __builtin_fabsf(x);
    if (size == 0.0f) return sign * (exponent > 0.0f ? 0.0f : __builtin_inff());
    if (size == __builtin_inff()) return sign * (exponent > 0.0f ? size : 0.0f);
    return sign * (float)exp_of(exponent * log_of(size));
}
