//! The Gaussian error linear unit in its exact form.
//!
//! f(x) = x Phi(x); derivative: Phi(x) + x phi(x).
//! Use: transformers and deep residual networks.
//! Source: Hendrycks, Gimpel: Gaussian error linear units (2016).

use super::Facts;

/// What the catalog says about `gelu`.
pub(super) const FACTS: Facts = Facts {
    name: "gelu",
    summary: "x * Phi(x), Phi the normal distribution function",
    formula: "x Phi(x)",
    derivative: "Phi(x) + x phi(x)",
    when_to_use: "transformers and deep residual networks",
    source: "Hendrycks, Gimpel: Gaussian error linear units (2016)",
    zero_centred: false,
    piecewise_linear: false,
};
