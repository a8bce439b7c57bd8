//! A histogram as the database keeps it.

/// One histogram of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramRecord {
    /// Step at which it was taken, counted from 1.
    pub step: u64,
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the tensor that was counted.
    pub name: String,
    /// Lower border of the first bin.
    pub low: f64,
    /// Upper border of the last bin.
    pub high: f64,
    /// Values in each bin; all bins have the same width.
    pub counts: Vec<u64>,
}
