//! Statistics of tensors, each in one pass: what a health check wants to know of activations, gradients and weights.
//!
//! Tensors are cut into chunks by their shape alone and the chunks are combined in order in double precision, so the
//! same values give the same bits with any number of threads. Values that are not finite are counted and left out of
//! everything else. A kernel that holds the values anyway can use the functions for one chunk ([`signal_chunk`],
//! [`gradient_chunk`]) and combine the parts itself.

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

/// Floats of one chunk: it fits the second-level cache.
pub const CHUNK: usize = 16 * 1024;

/// Kernels that join several operations measure values that exist in the cache only in one of this many images: samples are
/// shuffled, so these stand for all. A value that is not finite shows in sums over all images (norm, weight gradient).
pub const SAMPLED_IMAGES: usize = 8;
