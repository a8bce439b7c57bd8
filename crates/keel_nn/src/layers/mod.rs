//! The layers: one file each, with its keys in a config file and the [`Layer`] built from them. This file contains the two lists of
//! them: [`LayerSpec`], an entry of a config, and [`Op`], an operation of a graph with everything resolved.

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
mod extent;
mod flatten;
mod global_avg_pool;
mod max_pool;
mod normalization;
mod rescale;
mod residual;
pub(crate) mod sizes;
mod window;

use std::sync::Arc;

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
pub use dense::{Linear, LinearBlock, LinearSpec, Maxout, MaxoutSpec, Members, MembersSpec};
pub use dropout::{Dropout, DropoutSpec};
pub use extent::Extent;
pub use flatten::{Flatten, FlattenSpec};
pub use global_avg_pool::{GlobalAvgPool, GlobalAvgPoolSpec};
pub use max_pool::{MaxPool, MaxPoolSpec};
pub use normalization::{
    BatchNorm, BatchNormSpec, GroupNormSpec, InstanceNormSpec, LayerNormSpec, NormBlock, PopulationStatistics,
    RunningPlaces, RunningStatistics, SampleNorm,
};
pub use rescale::{Rescale, RescaleSpec};
pub use residual::{ResidualSpec, Shortcut};
pub use window::Padding;

use crate::Shape;
use crate::activations::Activation;
use crate::catalog_enum;
use crate::layer::{Layer, ParameterRole, ParameterSpec, StateSpec, Trained};

catalog_enum! {
    /// One layer as written in a config file: `type` and the keys of the layer.
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
        Rescale(rescale: RescaleSpec),
        Residual(residual: ResidualSpec),
        Maxout(maxout: MaxoutSpec),
        Members(members: MembersSpec),
        Custom(custom: CustomLayer),
    }
}

impl LayerSpec {
    /// Returns the layer's name in config files.
    pub fn name(&self) -> &'static str {
        self.entry().name
    }

    /// Builds the operation for one input shape. A residual block consists of several nodes of a graph and is rejected here.
    ///
    /// # Errors
    /// If the layer does not fit the input or a key has an invalid value.
    pub fn build(&self, input: Shape) -> Result<Op, BuildError> {
        self.definition().operation(input)
    }
}

/// One operation. Code that depends on the kind of a node matches on it.
#[derive(Clone, Debug)]
pub enum Op {
    /// Two-dimensional convolution over images.
    Conv2d(Conv2d),
    /// Weighted sums of all inputs.
    Linear(Linear),
    /// Maximum of several linear maps.
    Maxout(Maxout),
    /// Copies of the features, each with its own scales.
    Members(Members),
    /// Normalisation over the batch.
    BatchNorm(BatchNorm),
    /// Normalisation of each sample over all its values.
    LayerNorm(SampleNorm),
    /// Normalisation of each sample over groups of channels.
    GroupNorm(SampleNorm),
    /// Normalisation of each sample over the positions of each channel.
    InstanceNorm(SampleNorm),
    /// A function applied to every value.
    Activation(ActivationLayer),
    /// Maximum of each window.
    MaxPool(MaxPool),
    /// Average of each window.
    AvgPool(AvgPool),
    /// Average of each channel.
    GlobalAvgPool(GlobalAvgPool),
    /// Image reshaped to a vector.
    Flatten(Flatten),
    /// Random values set to zero during training.
    Dropout(Dropout),
    /// Multiplication by a fixed factor.
    Rescale(Rescale),
    /// Sum at the end of a residual block.
    Add(Add),
    /// A custom layer of the program.
    Custom(Arc<dyn Layer>),
}

impl Op {
    /// Returns the implementation for CPUs.
    pub fn layer(&self) -> &dyn Layer {
        match self {
            Op::Conv2d(layer) => layer,
            Op::Linear(layer) => layer,
            Op::Maxout(layer) => layer,
            Op::Members(layer) => layer,
            Op::BatchNorm(layer) => layer,
            Op::LayerNorm(layer) | Op::GroupNorm(layer) | Op::InstanceNorm(layer) => layer,
            Op::Activation(layer) => layer,
            Op::MaxPool(layer) => layer,
            Op::AvgPool(layer) => layer,
            Op::GlobalAvgPool(layer) => layer,
            Op::Flatten(layer) => layer,
            Op::Dropout(layer) => layer,
            Op::Rescale(layer) => layer,
            Op::Add(layer) => layer,
            Op::Custom(layer) => layer.as_ref(),
        }
    }

    /// Returns the name in config files, the first part of a node's name.
    pub fn kind(&self) -> &'static str {
        self.layer().kind()
    }

    /// Returns the shape of one output sample.
    pub fn output_shape(&self) -> Shape {
        self.layer().output_shape()
    }

    /// Returns a short text of the settings, such as `3x3, 32 -> 64, stride 1`.
    pub fn describe(&self) -> String {
        self.layer().describe()
    }

    /// Returns the learned parameters, in memory order.
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        self.layer().parameters()
    }

    /// Returns the values kept between steps that have no gradient.
    pub fn state(&self) -> Vec<StateSpec> {
        self.layer().state()
    }

    /// Returns the number of multiply-adds of the forward pass for one sample.
    pub fn multiply_adds(&self) -> u64 {
        self.layer().multiply_adds()
    }

    /// Returns true if the output is the input with another shape.
    pub fn is_view(&self) -> bool {
        self.layer().is_view()
    }

    /// Returns the function of an activation.
    pub fn activation(&self) -> Option<Activation> {
        match self {
            Op::Activation(layer) => Some(layer.activation()),
            _ => None,
        }
    }

    /// Returns true for an operation that multiplies its input by a weight matrix.
    pub fn has_weight_matrix(&self) -> bool {
        match self {
            Op::Conv2d(_) | Op::Linear(_) | Op::Maxout(_) => true,
            Op::Custom(layer) => layer.parameters().iter().any(|parameter| parameter.role == ParameterRole::Weight),
            _ => false,
        }
    }

    /// Returns the epochs in which training changes the parameters of a role.
    pub fn trained(&self, role: ParameterRole) -> Trained {
        self.layer().trained(role)
    }

    /// Makes training normalise by the running statistics without updating them; an operation without running statistics is unchanged.
    pub(crate) fn freeze(&mut self) {
        if let Op::BatchNorm(norm) = self {
            norm.freeze();
        }
    }

    /// Returns true if training mixes the samples of a batch, so that a batch of one is rejected.
    pub fn needs_batch(&self) -> bool {
        matches!(self, Op::BatchNorm(norm) if norm.output_shape().positions() == 1 && !norm.is_frozen())
    }
}

impl From<Arc<dyn Layer>> for Op {
    fn from(layer: Arc<dyn Layer>) -> Self {
        Op::Custom(layer)
    }
}

impl<L: Layer + 'static> From<L> for Op {
    fn from(layer: L) -> Self {
        Op::Custom(Arc::new(layer))
    }
}
