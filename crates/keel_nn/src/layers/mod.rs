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
pub(crate) use catalog::LayerDefinition;
pub use catalog::LayerEntry;
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
use crate::catalog_enum;

catalog_enum! {
    /// One layer as a config file describes it: `type` and the layer's own keys.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    pub enum LayerSpec: LayerDefinition, LayerEntry {
        Conv2d(conv2d: Conv2dSpec),
        Linear(linear: LinearSpec),
        BatchNorm(batch_norm: BatchNormSpec),
        LayerNorm(layer_norm: LayerNormSpec),
        GroupNorm(group_norm: GroupNormSpec),
        InstanceNorm(instance_norm: InstanceNormSpec),
        Activation(activation: Activation),
        MaxPool(max_pool: MaxPoolSpec),
        AvgPool(avg_pool: AvgPoolSpec),
        GlobalAvgPool(global_avg_pool: GlobalAvgPoolSpec),
        Flatten(flatten: FlattenSpec),
        Dropout(dropout: DropoutSpec),
        Residual(residual: ResidualSpec),
        Maxout(maxout: MaxoutSpec),
        Members(members: MembersSpec),
        Custom(custom: CustomLayer),
    }
}

impl LayerSpec {
    /// The layer's name in config files.
    pub fn name(&self) -> &'static str {
        self.entry().name
    }

    /// Builds the operation for one input shape. A residual block is several nodes of a graph and is refused here.
    ///
    /// # Errors
    /// If the layer does not fit the input or a key has an impossible value.
    pub fn build(&self, input: Shape) -> Result<Op, BuildError> {
        self.definition().operation(input)
    }
}
