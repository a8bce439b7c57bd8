//! Bounds of values that are not saturated.

/// Range of values that are not saturated; infinite limits saturate nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Smallest value that is not saturated.
    pub low: f32,
    /// Largest value that is not saturated.
    pub high: f32,
}

impl Limits {
    /// Limits that saturate nothing.
    pub const NONE: Limits = Limits { low: f32::NEG_INFINITY, high: f32::INFINITY };
}
