//! A layer and its reference, built from the same config.

use keel_nn::layers::{Add, BuildError, LayerSpec};
use keel_nn::reference::{Call, Gradients, Reference};
use keel_nn::{Layer, Mode, RandomKey, Shape};

use crate::single_layer::SingleLayer;
use crate::widened;

/// One operation: the CPU layer with its parameters and state, and the reference.
pub(crate) struct Operation {
    pub(crate) single: SingleLayer,
    pub(crate) reference: Box<dyn Reference>,
}

impl Operation {
    /// Builds both from a config; `{"type": "add"}` is a sum of two inputs.
    pub(crate) fn new(config: &str, input: Shape, batch: usize) -> Result<Self, BuildError> {
        let (layer, reference) = if config == ADD {
            both(Add::new(input))
        } else {
            build(&serde_json::from_str(config).unwrap_or_else(|error| panic!("{config}: {error}")), input)?
        };
        Ok(Operation { single: SingleLayer::of(layer, input, batch), reference })
    }

    /// Returns the numbers a reference call in `mode` reads, with the layer's parameters and state.
    pub(crate) fn values(&self, mode: Mode, inputs: &[&[f32]]) -> Values {
        Values {
            batch: self.single.batch,
            mode,
            inputs: inputs.iter().map(|input| widened(input)).collect(),
            parameters: widened(&self.single.parameters),
            state: widened(&self.single.state),
            random: self.single.random,
        }
    }
}

/// The config of a sum, which no config file can name.
pub(crate) const ADD: &str = r#"{"type": "add"}"#;

/// The numbers of one call of a reference.
#[derive(Clone)]
pub(crate) struct Values {
    pub(crate) batch: usize,
    pub(crate) mode: Mode,
    pub(crate) inputs: Vec<Vec<f64>>,
    pub(crate) parameters: Vec<f64>,
    pub(crate) state: Vec<f64>,
    pub(crate) random: RandomKey,
}

impl Values {
    /// Returns the output; moves the state in training mode.
    pub(crate) fn forward(&mut self, reference: &dyn Reference) -> Vec<f64> {
        reference.forward(&mut self.call())
    }

    /// Returns the gradients of the call.
    pub(crate) fn backward(&mut self, reference: &dyn Reference, grad_output: &[f64]) -> Gradients {
        reference.backward(&self.call(), grad_output)
    }

    fn call(&mut self) -> Call<'_> {
        Call {
            batch: self.batch,
            mode: self.mode,
            inputs: self.inputs.iter().map(Vec::as_slice).collect(),
            parameters: &self.parameters,
            state: &mut self.state,
            random: self.random,
        }
    }
}

fn build(spec: &LayerSpec, input: Shape) -> Result<(Box<dyn Layer>, Box<dyn Reference>), BuildError> {
    Ok(match spec {
        LayerSpec::Conv2d(spec) => both(spec.build(input)?),
        LayerSpec::Linear(spec) => both(spec.build(input)?),
        LayerSpec::BatchNorm(spec) => both(spec.build(input)?),
        LayerSpec::LayerNorm(spec) => both(spec.build(input)?),
        LayerSpec::GroupNorm(spec) => both(spec.build(input)?),
        LayerSpec::InstanceNorm(spec) => both(spec.build(input)?),
        LayerSpec::Activation(spec) => both(spec.build(input)?),
        LayerSpec::MaxPool(spec) => both(spec.build(input)?),
        LayerSpec::AvgPool(spec) => both(spec.build(input)?),
        LayerSpec::GlobalAvgPool(spec) => both(spec.build(input)?),
        LayerSpec::Flatten(spec) => both(spec.build(input)?),
        LayerSpec::Dropout(spec) => both(spec.build(input)?),
        LayerSpec::Maxout(spec) => both(spec.build(input)?),
        LayerSpec::Members(spec) => both(spec.build(input)?),
        LayerSpec::Residual(_) | LayerSpec::Custom(_) => panic!("{} has no reference", spec.name()),
    })
}

fn both<T: Layer + Reference + Clone + 'static>(built: T) -> (Box<dyn Layer>, Box<dyn Reference>) {
    (Box::new(built.clone()), Box::new(built))
}
