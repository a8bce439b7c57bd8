//! ln(1 + u) without branches.

/// Returns ln(1 + u) for u in 0..=1 with a relative error below 3e-7; NaN for NaN.
///
/// With s = u / (2 + u), ln(1 + u) = 2 artanh(s) = 2 s + 2 s^3 L(s^2), with L interpolating at Chebyshev nodes.
#[inline(always)]
pub fn ln_1p(u: f32) -> f32 {
    let s = u / (2.0 + u);
    let square = s * s;
    let l = 1.161_216_5e-1;
    let l = l * square + 1.085_328_8e-1;
    let l = l * square + 1.429_617_9e-1;
    let l = l * square + 1.999_985_3e-1;
    let l = l * square + 3.333_333_4e-1;
    let twice = s + s;
    twice + twice * (square * l)
}
