//! The layers: one file each, with the keys a config file gives and the [`Layer`](crate::Layer) built from them.

mod activation;
mod add;
mod avg_pool;
mod build_error;
mod catalog;
mod conv2d;
mod convolution_block;
mod custom;
mod dense;
mod dropout;
mod flatten;
mod global_avg_pool;
mod max_pool;
mod normalization;
mod op;
mod residual;
pub(crate) mod sizes;
mod window;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use activation::ActivationLayer;
pub use add::Add;
pub use avg_pool::{AvgPool, AvgPoolSpec};
pub use build_error::BuildError;
pub use catalog::{CatalogEntry, catalog};
pub use conv2d::{Conv2d, Conv2dSpec};
pub use convolution_block::ConvolutionBlock;
pub use custom::CustomLayer;
pub use dense::{Linear, LinearSpec, Maxout, MaxoutSpec, Members, MembersSpec};
pub use dropout::{Dropout, DropoutSpec};
pub use flatten::{Flatten, FlattenSpec};
pub use global_avg_pool::{GlobalAvgPool, GlobalAvgPoolSpec};
pub use max_pool::{MaxPool, MaxPoolSpec};
pub use normalization::{
    BatchNorm, BatchNormSpec, GroupNormSpec, InstanceNormSpec, LayerNormSpec, NormBlock, PopulationStatistics,
    RunningPlaces, RunningStatistics, SampleNorm,
};
pub use op::Op;
pub use residual::{ResidualSpec, Shortcut};
pub use window::{Extent, Padding};

use crate::Shape;
use crate::activations::Activation;

/// One layer as a config file describes it: `type` and the layer's own keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerSpec {
    /// Two-dimensional convolution over images.
    Conv2d(Conv2dSpec),
    /// Every output is a weighted sum of all inputs.
    Linear(LinearSpec),
    /// Normalises each channel or feature over the batch.
    BatchNorm(BatchNormSpec),
    /// Normalises each sample over all its values.
    LayerNorm(LayerNormSpec),
    /// Normalises each sample over groups of channels.
    GroupNorm(GroupNormSpec),
    /// Normalises each sample over the positions of each channel.
    InstanceNorm(InstanceNormSpec),
    /// A function applied to every value.
    Activation(Activation),
    /// Largest value of each window of an image.
    MaxPool(MaxPoolSpec),
    /// Average of each window of an image.
    AvgPool(AvgPoolSpec),
    /// Average of each channel over the whole image.
    GlobalAvgPool(GlobalAvgPoolSpec),
    /// Image to vector.
    Flatten(FlattenSpec),
    /// Sets random values to zero during training.
    Dropout(DropoutSpec),
    /// Layers whose output is added to their input.
    Residual(ResidualSpec),
    /// Largest of several linear maps.
    Maxout(MaxoutSpec),
    /// Several copies of the features, each scaled in its own way.
    Members(MembersSpec),
    /// A layer of the program that uses the library.
    Custom(CustomLayer),
}

impl LayerSpec {
    /// The layer's name in config files.
    pub fn name(&self) -> &'static str {
        match self {
            LayerSpec::Conv2d(_) => "conv2d",
            LayerSpec::Linear(_) => "linear",
            LayerSpec::BatchNorm(_) => "batch_norm",
            LayerSpec::LayerNorm(_) => "layer_norm",
            LayerSpec::GroupNorm(_) => "group_norm",
            LayerSpec::InstanceNorm(_) => "instance_norm",
            LayerSpec::Activation(_) => "activation",
            LayerSpec::MaxPool(_) => "max_pool",
            LayerSpec::AvgPool(_) => "avg_pool",
            LayerSpec::GlobalAvgPool(_) => "global_avg_pool",
            LayerSpec::Flatten(_) => "flatten",
            LayerSpec::Dropout(_) => "dropout",
            LayerSpec::Residual(_) => "residual",
            LayerSpec::Maxout(_) => "maxout",
            LayerSpec::Members(_) => "members",
            LayerSpec::Custom(_) => "custom",
        }
    }

    /// Builds the operation for one input shape. A residual block is several nodes of a graph and is refused here.
    ///
    /// # Errors
    /// If the layer does not fit the input or a key has an impossible value.
    pub fn build(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(match self {
            LayerSpec::Conv2d(spec) => Op::Conv2d(spec.build(input)?),
            LayerSpec::Linear(spec) => Op::Linear(spec.build(input)?),
            LayerSpec::BatchNorm(spec) => Op::BatchNorm(spec.build(input)?),
            LayerSpec::LayerNorm(spec) => Op::LayerNorm(spec.build(input)?),
            LayerSpec::GroupNorm(spec) => Op::GroupNorm(spec.build(input)?),
            LayerSpec::InstanceNorm(spec) => Op::InstanceNorm(spec.build(input)?),
            LayerSpec::Activation(activation) => Op::Activation(activation.build(input)?),
            LayerSpec::MaxPool(spec) => Op::MaxPool(spec.build(input)?),
            LayerSpec::AvgPool(spec) => Op::AvgPool(spec.build(input)?),
            LayerSpec::GlobalAvgPool(spec) => Op::GlobalAvgPool(spec.build(input)?),
            LayerSpec::Flatten(spec) => Op::Flatten(spec.build(input)?),
            LayerSpec::Dropout(spec) => Op::Dropout(spec.build(input)?),
            LayerSpec::Residual(_) => return Err(BuildError::SeveralLayers { kind: self.name() }),
            LayerSpec::Maxout(spec) => Op::Maxout(spec.build(input)?),
            LayerSpec::Members(spec) => Op::Members(spec.build(input)?),
            LayerSpec::Custom(custom) => Op::Custom(custom.build(input)?.into()),
        })
    }
}
