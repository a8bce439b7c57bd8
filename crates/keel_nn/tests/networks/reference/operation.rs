//! A layer and its reference, built from the same config.

use keel_nn::layers::{Add, BuildError, LayerSpec};
use keel_nn::reference::{Call, Definition, Gradients, with_definition};
use keel_nn::{Mode, Op, RandomKey, Shape};

use crate::reference::widened;
use crate::single_layer::SingleLayer;

/// One operation: the CPU layer with its parameters and state, whose definition is the reference.
pub(crate) struct Operation {
    pub(crate) single: SingleLayer,
    pub(crate) op: Op,
}

impl Operation {
    /// Builds both from a config; `{"type": "add"}` is a sum of two inputs.
    pub(crate) fn new(config: &str, input: Shape, batch: usize) -> Result<Self, BuildError> {
        let op = if config == ADD {
            Op::Add(Add::new(input))
        } else {
            let spec: LayerSpec = serde_json::from_str(config).unwrap_or_else(|error| panic!("{config}: {error}"));
            spec.build(input)?
        };
        Ok(Operation { single: SingleLayer::of(op.clone(), input, batch), op })
    }

    /// Returns the operands of a reference call in `mode`, with the layer's parameters and state.
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

/// Config of a sum, which no config file can name.
pub(crate) const ADD: &str = r#"{"type": "add"}"#;

/// Operands of one call of a reference.
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
    /// Returns the output; updates the state in training mode.
    pub(crate) fn forward(&mut self, op: &Op) -> Vec<f64> {
        with_definition(op, |definition: &dyn Definition| definition.forward(&mut self.call()))
    }

    /// Returns the gradients of the call.
    pub(crate) fn backward(&mut self, op: &Op, grad_output: &[f64]) -> Gradients {
        with_definition(op, |definition: &dyn Definition| definition.backward(&self.call(), grad_output))
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
