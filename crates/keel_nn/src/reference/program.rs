//! A whole graph, computed node by node with the definitions.

use std::sync::Arc;

use super::losses::{self, LossGradient};
use super::{Call, with_definition};
use crate::graph::{Graph, Node, Value};
use crate::losses::WeightedTargets;
use crate::program::Target;
use crate::{Mode, Network, NodeId, RandomKey};

/// Target that computes every node with its definition, in f64 and without fusion.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Target for Reference {
    type Program = ReferenceProgram;

    fn lower(&self, graph: &Arc<Graph>) -> ReferenceProgram {
        ReferenceProgram { graph: Arc::clone(graph) }
    }
}

/// Parameters and state of a network in f64, laid out as in its graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Learned parameters.
    pub parameters: Vec<f64>,
    /// State; updated by a training pass.
    pub state: Vec<f64>,
}

impl Numbers {
    /// Converts the parameters and state of `network`.
    pub fn of(network: &Network) -> Self {
        let widened = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
        Numbers { parameters: widened(&network.parameters), state: widened(&network.state) }
    }
}

/// One pass: the batch, and the output of every node.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Mode of the pass.
    pub mode: Mode,
    /// Key of the step's random numbers, as in [`crate::BatchInput::random`].
    pub random: RandomKey,
    /// Input, `[batch, ...]` of the graph's input shape.
    pub input: Vec<f64>,
    /// Output of each node, `[batch, ...]`; empty before the pass.
    pub values: Vec<Vec<f64>>,
    /// State before the pass, which backward uses.
    state: Vec<f64>,
}

impl Pass {
    /// Creates a pass that has not been run.
    pub fn new(mode: Mode, input: &[f32], random: RandomKey) -> Self {
        let input = input.iter().map(|&value| f64::from(value)).collect();
        Pass { mode, random, input, values: Vec::new(), state: Vec::new() }
    }
}

/// A graph that is computed with the definitions.
#[derive(Clone, Debug)]
pub struct ReferenceProgram {
    graph: Arc<Graph>,
}

impl ReferenceProgram {
    /// Returns the graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Runs all nodes forward and returns the outputs `[batch, outputs]`; the pass keeps the output of every node.
    pub fn forward<'a>(&self, numbers: &mut Numbers, pass: &'a mut Pass) -> &'a [f64] {
        pass.values.clear();
        pass.state.clone_from(&numbers.state);
        for node in self.graph.nodes() {
            let output = self.output(node, numbers, pass);
            pass.values.push(output);
        }
        self.value(self.graph.output(), pass)
    }

    /// Reruns the pass from node `first`, with the state that the nodes had before the pass, after some of their parameters have
    /// changed; returns the outputs `[batch, outputs]`.
    pub fn forward_from<'a>(&self, first: NodeId, numbers: &mut Numbers, pass: &'a mut Pass) -> &'a [f64] {
        for node in &self.graph.nodes()[first.index()..] {
            numbers.state[node.state.clone()].copy_from_slice(&pass.state[node.state.clone()]);
            let output = self.output(node, numbers, pass);
            pass.values[node.id.index()] = output;
        }
        self.value(self.graph.output(), pass)
    }

    /// Returns the branches ([`Definition::branches`](super::Definition::branches)) of node `first` and of each later node.
    pub fn branches_from(&self, first: NodeId, numbers: &Numbers, pass: &Pass) -> Vec<Vec<u32>> {
        let branches = |node: &Node| {
            let mut state = pass.state[node.state.clone()].to_vec();
            let call = self.call(node, &numbers.parameters, &mut state, pass);
            with_definition(&node.op, |definition| definition.branches(&call))
        };
        self.graph.nodes()[first.index()..].iter().map(branches).collect()
    }

    /// Returns the loss of a pass, by the graph's loss, and the gradient of the sum of the members' mean losses with respect to its
    /// outputs; `None` for a custom loss, or in a graph without a loss. `targets` has one entry for each prediction of each sample.
    pub fn loss<'a>(&self, pass: &Pass, targets: impl Into<WeightedTargets<'a>>) -> Option<LossGradient> {
        let node = self.graph.loss()?;
        let mut result = losses::evaluate(&node.loss, self.value(node.input, pass), targets)?;
        result.gradient.iter_mut().for_each(|gradient| *gradient *= node.members as f64);
        Some(result)
    }

    /// Returns the gradient with respect to all parameters from the gradient with respect to the outputs, `[batch, outputs]`; zeros
    /// for frozen parameters.
    pub fn backward(&self, numbers: &Numbers, pass: &Pass, grad_outputs: &[f64]) -> Vec<f64> {
        let mut gradients = vec![0.0; numbers.parameters.len()];
        let mut arriving: Vec<Vec<f64>> = pass.values.iter().map(|values| vec![0.0; values.len()]).collect();
        if let Value::Node(last) = self.graph.output() {
            arriving[last.index()].copy_from_slice(grad_outputs);
        }
        for node in self.graph.nodes().iter().rev() {
            let mut state = pass.state[node.state.clone()].to_vec();
            let call = self.call(node, &numbers.parameters, &mut state, pass);
            let grad_output = &arriving[node.id.index()];
            let result = with_definition(&node.op, |definition| definition.backward(&call, grad_output));
            for (&input, gradient) in node.inputs.iter().zip(&result.inputs) {
                if let Value::Node(source) = input {
                    arriving[source.index()].iter_mut().zip(gradient).for_each(|(sum, part)| *sum += part);
                }
            }
            gradients[node.parameters.clone()].copy_from_slice(&result.parameters);
        }
        for parameter in self.graph.parameters().iter().filter(|parameter| parameter.is_frozen()) {
            gradients[parameter.range.clone()].fill(0.0);
        }
        gradients
    }

    /// Returns the output of `node` in `pass` and updates its state in `numbers`.
    fn output(&self, node: &Node, numbers: &mut Numbers, pass: &Pass) -> Vec<f64> {
        let mut state = numbers.state[node.state.clone()].to_vec();
        let output = {
            let mut call = self.call(node, &numbers.parameters, &mut state, pass);
            with_definition(&node.op, |definition| definition.forward(&mut call))
        };
        numbers.state[node.state.clone()].copy_from_slice(&state);
        output
    }

    fn call<'a>(&self, node: &Node, parameters: &'a [f64], state: &'a mut [f64], pass: &'a Pass) -> Call<'a> {
        Call {
            batch: pass.input.len() / self.graph.input_shape().len(),
            mode: pass.mode,
            inputs: node.inputs.iter().map(|&input| self.value(input, pass)).collect(),
            parameters: &parameters[node.parameters.clone()],
            state,
            random: pass.random.child(node.random_word()),
        }
    }

    fn value<'a>(&self, value: Value, pass: &'a Pass) -> &'a [f64] {
        match value {
            Value::Input => &pass.input,
            Value::Node(node) => &pass.values[node.index()],
        }
    }
}
