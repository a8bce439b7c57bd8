//! Commands that exchange models and measurements with other programs.

mod existing;
pub(super) mod export;
pub(super) mod import;
pub(super) mod metrics;
mod torch_weights;
