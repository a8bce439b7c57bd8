//! Statistics of tensors, each in one pass, for health checks of activations, gradients and weights.
//!
//! Tensors are divided into chunks that depend only on their shape, and the chunks are combined in order in double precision, so
//! that the same values give the same bits with any number of threads. Non-finite values are counted and excluded from everything
//! else. A kernel that already reads the values can use the functions for one chunk ([`signal_chunk`], [`gradient_chunk`]) and
//! combine the parts itself.

mod chunk;
mod gradient;
mod histogram;
mod limits;
mod signal;
mod signs;
mod units;

#[cfg(test)]
mod tests;

pub(crate) use chunk::{CountedUnits, unit_signal_chunk};
pub use chunk::{SignalPart, signal_chunk};
pub use gradient::{GradientPart, GradientSignal, gradient, gradient_chunk};
pub use histogram::histogram;
pub use limits::Limits;
pub use signal::{ChannelMoments, Signal, activation_signal, signal};
pub use signs::{SignCounts, sign_agreement};
pub use units::UnitCounts;

/// Number of floats of one chunk: it fits the second-level cache.
pub const CHUNK: usize = 16 * 1024;

/// Interval of images in which fused kernels measure values that exist only in the cache: samples are shuffled, so that these
/// represent all. A non-finite value shows up in sums over all images (norm, weight gradient).
pub const SAMPLED_IMAGES: usize = 8;
