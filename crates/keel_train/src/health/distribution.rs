//! The distribution of a tensor at one step.

use keel_kernels::statistics::histogram;

/// Bins of a histogram.
const BINS: usize = 64;

/// Histogram of a tensor's finite values over their range.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Index of the layer in the model description.
    pub layer: usize,
    /// `output`, `gradient`, or the role of a parameter: `weight`, `bias`, ….
    pub name: &'static str,
    /// Lower end of the first bin.
    pub low: f32,
    /// Upper end of the last bin.
    pub high: f32,
    /// Values in each of 64 equal bins.
    pub counts: Vec<u64>,
}

impl Distribution {
    /// The distribution of `values`; `None` if none of them is finite.
    pub(super) fn of(layer: usize, name: &'static str, values: &[f32]) -> Option<Self> {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return None;
        }
        // A constant tensor gets a range around its value that single precision can tell apart.
        let margin = if low < high { 0.0 } else { low.abs().max(1.0) * 1e-3 };
        let (low, high) = ((low - margin).max(f32::MIN), (high + margin).min(f32::MAX));
        let mut counts = vec![0; BINS];
        histogram(values, (low, high), &mut counts);
        Some(Distribution { layer, name, low, high, counts })
    }
}
