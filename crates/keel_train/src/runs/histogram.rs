//! A histogram as stored in the database.

/// One histogram of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramRecord {
    /// Step at which it was taken, counted from 1.
    pub step: u64,
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the tensor.
    pub name: String,
    /// Lower bound of the first bin.
    pub low: f64,
    /// Upper bound of the last bin.
    pub high: f64,
    /// Number of values in each bin; all bins have the same width.
    pub counts: Vec<u64>,
}
