//! Normalisation layers: over the batch, and over each sample separately.

mod batch_norm;
mod divided_batch;
mod group_norm;
mod instance_norm;
mod layer_norm;
mod norm_block;
mod sample_norm;

pub use batch_norm::{BatchNorm, BatchNormSpec, PopulationStatistics, RunningPlaces, RunningStatistics};
pub use group_norm::GroupNormSpec;
pub use instance_norm::InstanceNormSpec;
pub use layer_norm::LayerNormSpec;
pub use norm_block::NormBlock;
pub(in crate::layers) use norm_block::{GradientSums, GradientTables};
pub use sample_norm::SampleNorm;
