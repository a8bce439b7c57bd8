//! Conversion of the layers of a network to nodes. Images are `[batch, channels, height, width]` here, so that
//! convolutions need no layout change at run time: their weights are transposed once, and so are the rows of a linear
//! layer after a flatten.

use keel_nn::graph::Node;
use keel_nn::layers::GlobalAvgPool;
use keel_nn::{Graph, Layer, Network, NodeId, Op, Value};

use super::builder::{Builder, integer};
use super::walk::{ImageShape, Walk};
use super::{activations, norms, pools, products};
use crate::InterchangeError;

/// Adds the nodes of `network` to `builder`; returns its output, `[batch, outputs]`.
///
/// # Errors
/// Fails on a layer defined by a program.
pub(super) fn export(
    builder: &mut Builder,
    network: &Network,
    input: &str,
    keeps_batch_norm: bool,
) -> Result<String, InterchangeError> {
    let graph = &network.graph;
    let mut walk = Walk { builder, network, keeps_batch_norm, values: Vec::new(), pending: Vec::new() };
    for node in graph.nodes() {
        let inputs: Vec<String> = node.inputs.iter().map(|&value| walk.name(value, input)).collect();
        walk.builder.enter(&node.name);
        let inherited = node.inputs.first().and_then(|&value| walk.pending_of(value));
        let value = walk.node(node, &inputs, inherited)?;
        walk.values.push(value);
    }
    let output = walk.name(graph.output(), input);
    walk.builder.enter("outputs");
    match ImageShape::of(graph.output_shape()) {
        Some(shape) => Ok(walk.flattened(&output, shape)),
        None => Ok(output),
    }
}

impl Walk<'_> {
    fn name(&self, value: Value, input: &str) -> String {
        match value {
            Value::Input => input.to_owned(),
            Value::Node(id) => self.values[id.index()].clone(),
        }
    }

    fn pending_of(&self, value: Value) -> Option<ImageShape> {
        match value {
            Value::Input => None,
            Value::Node(id) => self.pending[id.index()],
        }
    }

    /// Adds the nodes of one operation; `pending` is the order of a flattened input.
    fn node(
        &mut self,
        node: &Node,
        inputs: &[String],
        pending: Option<ImageShape>,
    ) -> Result<String, InterchangeError> {
        let input = inputs[0].as_str();
        let shape = self.input_shape(node);
        let mut passes_order = false;
        let value = match &node.op {
            Op::Conv2d(layer) => products::convolution(self, node, layer, input),
            Op::Linear(layer) => products::linear(self, node, layer, input, pending),
            Op::Maxout(layer) => products::maxout(self, node, layer, input, pending),
            Op::Members(layer) => products::members(self, node, layer, input),
            Op::BatchNorm(_) if self.is_folded(node) => input.to_owned(),
            Op::BatchNorm(layer) => norms::batch_norm(self, node, layer, input),
            Op::LayerNorm(layer) | Op::GroupNorm(layer) | Op::InstanceNorm(layer) => {
                norms::sample_norm(self, node, layer, input)
            }
            Op::Activation(layer) => {
                passes_order = true;
                activations::activation(self, node, layer.activation(), input)
            }
            Op::MaxPool(layer) => pools::max_pool(self, layer, input),
            Op::AvgPool(layer) => pools::avg_pool(self, layer, input),
            Op::GlobalAvgPool(layer) => self.global_average(layer, input),
            Op::Flatten(_) => match ImageShape::of(shape) {
                Some(image) if !image.is_trivial() && self.absorbs_order(node.id) => {
                    self.pending.push(Some(image));
                    return Ok(self.builder.node("Flatten", &[input], vec![integer("axis", 1)]));
                }
                Some(image) => self.flattened(input, image),
                None => {
                    passes_order = true;
                    input.to_owned()
                }
            },
            Op::Dropout(_) => {
                passes_order = true;
                input.to_owned()
            }
            Op::Rescale(layer) => {
                passes_order = true;
                let factor = self.builder.number("factor", layer.factor());
                self.builder.node("Mul", &[input, &factor], Vec::new())
            }
            Op::Add(_) => self.builder.node("Add", &[input, &inputs[1]], Vec::new()),
            Op::Custom(_) => return Err(custom(node)),
        };
        self.pending.push(pending.filter(|_| passes_order));
        Ok(value)
    }

    /// Flattens an image in the order `[height, width, channels]`.
    fn flattened(&mut self, input: &str, image: ImageShape) -> String {
        let ordered = match image.is_trivial() {
            true => input.to_owned(),
            false => self.builder.transpose(input, &[0, 2, 3, 1]),
        };
        self.builder.node("Flatten", &[&ordered], vec![integer("axis", 1)])
    }

    /// Returns true if every reader of the flattened node `id` either has weights for each of its values, whose rows
    /// can be reordered, or treats all values alike.
    fn absorbs_order(&self, id: NodeId) -> bool {
        let graph: &Graph = &self.network.graph;
        let mut readers = graph.readers(id).peekable();
        readers.peek().is_some()
            && readers.all(|reader| match &reader.op {
                Op::Linear(linear) => linear.spec().groups == 1,
                Op::Maxout(_) => true,
                Op::Activation(layer) => layer.parameters().is_empty() && self.absorbs_order(reader.id),
                Op::Dropout(_) | Op::Rescale(_) | Op::Flatten(_) => self.absorbs_order(reader.id),
                _ => false,
            })
    }

    fn global_average(&mut self, _layer: &GlobalAvgPool, input: &str) -> String {
        let pooled = self.builder.node("GlobalAveragePool", &[input], Vec::new());
        self.builder.node("Flatten", &[&pooled], vec![integer("axis", 1)])
    }

    /// Returns true if the batch norm `node` is folded into the weights before it.
    fn is_folded(&self, node: &Node) -> bool {
        let Value::Node(id) = node.inputs[0] else { return false };
        self.folded_norm(self.network.graph.node(id)).is_some()
    }
}

fn custom(node: &Node) -> InterchangeError {
    InterchangeError::Export {
        part: format!("layer {} `{}`", node.place, node.name),
        reason: "only the program that defines this layer knows its arithmetic".to_owned(),
        next: "replace it by layers that `evenkeel catalog` lists".to_owned(),
    }
}
