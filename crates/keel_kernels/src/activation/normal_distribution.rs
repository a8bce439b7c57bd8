//! Density and cumulative distribution function of the standard normal distribution.

use super::exp;

/// 1 / sqrt(2 pi).
const DENSITY_AT_ZERO: f32 = 0.398_942_3;

/// Returns the probability that a standard normal value is below x, (1 + erf(x / sqrt 2)) / 2; absolute error below 4e-7.
#[inline(always)]
pub fn normal_cumulative(x: f32) -> f32 {
    let tail = upper_tail_ratio(x.abs()) * exp(-0.5 * (x * x));
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// Returns exp(-x^2 / 2) / sqrt(2 pi).
#[inline(always)]
pub fn normal_density(x: f32) -> f32 {
    DENSITY_AT_ZERO * exp(-0.5 * (x * x))
}

/// Returns P(X > x) exp(x^2 / 2) for x >= 0, which decreases smoothly from 1/2 to 0: t times a polynomial in t = 1 / (1 + 0.3 x),
/// interpolating at Chebyshev nodes; relative error 2.3e-7 before rounding.
#[inline(always)]
fn upper_tail_ratio(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.3 * x);
    let p = -1.549_831_6e-2;
    let p = p * t + 8.638_312e-2;
    let p = p * t - 1.716_894_3e-1;
    let p = p * t + 1.234_725_5e-1;
    let p = p * t - 2.908_034e-2;
    let p = p * t + 7.287_461e-2;
    let p = p * t + 8.508_986e-2;
    let p = p * t + 1.090_878_9e-1;
    let p = p * t + 1.196_773_6e-1;
    let p = p * t + 1.196_827_1e-1;
    p * t
}
