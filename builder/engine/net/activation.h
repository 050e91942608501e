/* Activations: vector mathematics and the pass over rows. */
#ifndef NET_ACTIVATION_H
#define NET_ACTIVATION_H
#include "network.h"
#include "simd.h"

typedef struct {
    uint32_t kind;
    float a, b;
} activation;

/* Parameters index, index + 1 and index + 2 hold kind, a and b. */
enum net_status read_activation(const step *s, uint32_t index, activation *act);

/* Applies the activation in place to `rows` rows of `width` floats, `stride` floats apart. */
void activate(float *data, uint32_t rows, uint32_t width, uint32_t stride, activation act);

vec vec_exp(vec x);
vec vec_activate(vec x, activation act);

/* The bounds that a kernel may apply in registers; infinite where there is no clamp. */
static inline float clamp_low(activation act) { return act.kind == ACT_CLAMP ? act.a : -__builtin_inff(); }
static inline float clamp_high(activation act) { return act.kind == ACT_CLAMP ? act.b : __builtin_inff(); }
/* True for activations that need their own pass after the clamp. */
static inline int needs_pass(activation act) { return act.kind > ACT_CLAMP; }
#endif
