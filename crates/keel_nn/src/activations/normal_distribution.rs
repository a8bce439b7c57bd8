//! Density and cumulative distribution function of the standard normal distribution.
//!
//! ```text
//! phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
//! Phi(x) = 1/2 + phi(x) (x + x^3 / 3 + x^5 / (3 * 5) + x^7 / (3 * 5 * 7) + ...)       a series (Marsaglia 2004)
//! Phi(-x) = phi(x) / (x + 1 / (x + 2 / (x + 3 / (x + ...))))                          a continued fraction (Laplace)
//! ```
//!
//! The series is accurate near zero and loses digits in the lower tail; the continued fraction is for the tails.

use std::f64::consts::PI;

/// Argument from which the continued fraction is used.
const TAIL: f64 = 3.0;

/// Number of terms of the series: up to an argument of 3, later ones no longer change the sum.
const TERMS: u32 = 60;

/// Depth of the continued fraction: from an argument of 3, more levels give the same f64.
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

/// Returns `x + x^3 / 3 + x^5 / (3 * 5) + ...` for `x` between -[`TAIL`] and [`TAIL`].
fn series(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for level in 1..TERMS {
        term *= x * x / f64::from(2 * level + 1);
        sum += term;
    }
    sum
}

/// Returns `Phi(-x)` for `x >=` [`TAIL`].
fn lower_tail(x: f64) -> f64 {
    let mut fraction = x;
    for level in (1..=DEPTH).rev() {
        fraction = x + f64::from(level) / fraction;
    }
    density(x) / fraction
}
