//! Commands that bring models and measurements to other programs, and back.

pub(super) mod export;
pub(super) mod import;
pub(super) mod metrics;
mod torch_weights;
