//! A stretch of the number line.

/// Numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval<T = f64> {
    /// Its low end.
    pub(crate) low: T,
    /// Its high end.
    pub(crate) high: T,
}
