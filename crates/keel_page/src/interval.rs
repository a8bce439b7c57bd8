//! A stretch of the number line.

/// Numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval<T = f64> {
    /// Its low end.
    pub low: T,
    /// Its high end.
    pub high: T,
}
