//! Density and distribution function of the standard normal distribution.
//!
//! ```text
//! phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
//! Phi(x) = 1/2 + phi(x) (x + x^3 / 3 + x^5 / (3 * 5) + x^7 / (3 * 5 * 7) + ...)       a series (Marsaglia 2004)
//! Phi(-x) = phi(x) / (x + 1 / (x + 2 / (x + 3 / (x + ...))))                          a continued fraction (Laplace)
//! ```
//!
//! The series is exact to rounding near zero and loses digits in the lower tail; the continued fraction is for the tails.

use std::f64::consts::PI;

/// Where the continued fraction takes over.
const TAIL: f64 = 3.0;

/// Depth of the continued fraction: at 3 and beyond, deeper ones give the same f64.
const DEPTH: u32 = 200;

/// Returns `phi(x)`.
pub(super) fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Returns `Phi(x)`, the probability that a standard normal value is below `x`.
pub(super) fn cumulative(x: f64) -> f64 {
    if x < -TAIL {
        lower_tail(-x)
    } else if x > TAIL {
        1.0 - lower_tail(x)
    } else {
        0.5 + density(x) * series(x)
    }
}

fn series(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, 0.0, 1.0);
    while sum + term != sum {
        sum += term;
        odd += 2.0;
        term *= x * x / odd;
    }
    sum
}

/// Returns `Phi(-x)` for `x` of [`TAIL`] or more.
fn lower_tail(x: f64) -> f64 {
    let mut fraction = x;
    for level in (1..=DEPTH).rev() {
        fraction = x + f64::from(level) / fraction;
    }
    density(x) / fraction
}
