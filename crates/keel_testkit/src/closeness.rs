//! Comparison of computed with expected values; NaN never passes.

use std::fmt;

/// Allowed distance of `actual` from `expected`: `abs(actual - expected) <= absolute + relative * abs(expected)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Allowed difference relative to the expected magnitude.
    pub relative: f64,
    /// Allowed difference for expected values near zero.
    pub absolute: f64,
}

impl Tolerance {
    /// Tolerance for a few f32 operations per value: 1e-5 relative, 1e-6 absolute.
    pub const TIGHT: Self = Self { relative: 1e-5, absolute: 1e-6 };
    /// Tolerance for sums of hundreds of f32 products: 1e-4 relative, 1e-5 absolute.
    pub const SUMS: Self = Self { relative: 1e-4, absolute: 1e-5 };

    /// Creates a tolerance of `relative` times the expected magnitude plus `absolute`.
    pub const fn new(relative: f64, absolute: f64) -> Self {
        Self { relative, absolute }
    }

    /// Returns true if `actual` is close enough. NaN is close to no value, an infinity only to itself.
    pub fn accepts(self, actual: f64, expected: f64) -> bool {
        self.excess(actual, expected) <= 1.0
    }

    /// Returns the difference in units of the tolerance: at most 1 if accepted, infinite for NaN or an unequal infinity.
    fn excess(self, actual: f64, expected: f64) -> f64 {
        if actual == expected {
            return 0.0;
        }
        let allowed = self.absolute + self.relative * expected.abs();
        let ratio = (actual - expected).abs() / allowed;
        if ratio.is_nan() || !actual.is_finite() || !expected.is_finite() { f64::INFINITY } else { ratio }
    }
}

/// Differences between two slices.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// The slices have different lengths.
    Length {
        /// Length of the computed values.
        actual: usize,
        /// Length of the expected values.
        expected: usize,
    },
    /// At least one value is outside the tolerance.
    Values {
        /// Index of the worst value.
        worst: usize,
        /// Computed value at `worst`.
        actual: f32,
        /// Expected value at `worst`.
        expected: f32,
        /// Number of values outside the tolerance.
        wrong: usize,
        /// Number of values compared.
        compared: usize,
        /// Tolerance used.
        tolerance: Tolerance,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { actual, expected } => write!(formatter, "{actual} values instead of {expected}"),
            Self::Values { worst, actual, expected, wrong, compared, tolerance } => write!(
                formatter,
                "{wrong} of {compared} values differ; worst at index {worst}: {actual:e} instead of {expected:e} \
                 (difference {:e}, allowed {:e} absolute + {:e} relative)",
                (f64::from(*actual) - f64::from(*expected)).abs(),
                tolerance.absolute,
                tolerance.relative
            ),
        }
    }
}

/// Compares two slices element by element.
///
/// # Errors
/// Fails with a [`Mismatch`] that names the worst element if a length or a value differs.
pub fn compare(actual: &[f32], expected: &[f32], tolerance: Tolerance) -> Result<(), Mismatch> {
    if actual.len() != expected.len() {
        return Err(Mismatch::Length { actual: actual.len(), expected: expected.len() });
    }
    let mut worst = 0;
    let mut worst_excess = 0.0;
    let mut wrong = 0;
    for (index, (&computed, &wanted)) in actual.iter().zip(expected).enumerate() {
        let excess = tolerance.excess(f64::from(computed), f64::from(wanted));
        wrong += usize::from(excess > 1.0);
        if excess > worst_excess {
            (worst, worst_excess) = (index, excess);
        }
    }
    if wrong == 0 {
        return Ok(());
    }
    let (actual_value, expected_value) = (actual[worst], expected[worst]);
    Err(Mismatch::Values {
        worst,
        actual: actual_value,
        expected: expected_value,
        wrong,
        compared: actual.len(),
        tolerance,
    })
}

/// Like [`compare`], but panics with `what` and the worst element.
///
/// # Panics
/// Panics if a length or a value differs.
#[track_caller]
pub fn assert_close(actual: &[f32], expected: &[f32], tolerance: Tolerance, what: &str) {
    if let Err(mismatch) = compare(actual, expected, tolerance) {
        panic!("{what}: {mismatch}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Tolerance = Tolerance::new(1e-3, 1e-6);

    #[test]
    fn accepts_what_is_near_and_nothing_else() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let cases = [
            (1.0, 1.0, true),
            (1.0009, 1.0, true),
            (1.0011, 1.0, false),
            (1e-6, 0.0, true),
            (2e-6, 0.0, false),
            (-1.0, 1.0, false),
            (nan, 1.0, false),
            (1.0, nan, false),
            (nan, nan, false),
            (inf, inf, true),
            (-inf, inf, false),
            (1.0, inf, false),
            (inf, 1.0, false),
        ];
        for (actual, expected, accepted) in cases {
            assert_eq!(TOLERANCE.accepts(actual, expected), accepted, "{actual} against {expected}");
        }
    }

    #[test]
    fn zero_tolerance_accepts_equal_values_only() {
        let exact = Tolerance::new(0.0, 0.0);
        assert!(exact.accepts(0.0, 0.0));
        assert!(exact.accepts(-0.0, 0.0));
        assert!(!exact.accepts(1e-300, 0.0));
    }

    #[test]
    fn names_the_worst_element() {
        let error = compare(&[1.0, 2.1, 3.2, 4.0], &[1.0, 2.0, 3.0, 4.0], TOLERANCE).unwrap_err();
        let Mismatch::Values { worst, wrong, compared, .. } = error else { panic!("{error}") };
        assert_eq!((worst, wrong, compared), (2, 2, 4));
        let text = error.to_string();
        assert!(text.contains("worst at index 2") && text.contains("2 of 4"), "{text}");
    }

    #[test]
    fn not_a_number_is_the_worst() {
        let error = compare(&[9.0, f32::NAN], &[1.0, 1.0], TOLERANCE).unwrap_err();
        assert!(matches!(error, Mismatch::Values { worst: 1, wrong: 2, .. }), "{error}");
    }

    #[test]
    fn lengths_must_agree() {
        let error = compare(&[1.0], &[], TOLERANCE).unwrap_err();
        assert_eq!(error.to_string(), "1 values instead of 0");
        assert!(compare(&[], &[], TOLERANCE).is_ok());
    }
}
