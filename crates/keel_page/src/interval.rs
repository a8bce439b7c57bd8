//! Numeric intervals.

/// Numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval<T = f64> {
    /// Low end.
    pub low: T,
    /// High end.
    pub high: T,
}
