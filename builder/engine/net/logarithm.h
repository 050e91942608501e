/* Logarithm and powers of single floats, computed in double precision: rounded once, and the same everywhere. */
#ifndef NET_LOGARITHM_H
#define NET_LOGARITHM_H

/* Natural logarithm; −∞ for 0, NaN below. */
double log_of(double x);
/* e^x for |x| ≤ 700 with a relative error below 1e-15; 0 and ∞ beyond. */
double exp_of(double x);
/* x^exponent as C's pow() defines it, for finite exponents. */
float power_of(float x, float exponent);
#endif
