//! State shared by the nodes of all layers during the export of a network.

use keel_nn::graph::Node;
use keel_nn::layers::BatchNorm;
use keel_nn::{Network, Op, Shape};

use super::builder::Builder;

/// Traversal of a network.
pub(super) struct Walk<'a> {
    pub(super) builder: &'a mut Builder,
    pub(super) network: &'a Network,
    /// True if every batch norm remains a separate node.
    pub(super) keeps_batch_norm: bool,
    /// Name of the value of each node so far.
    pub(super) values: Vec<String>,
    /// Shape of the image a flattened value came from, if its order is still `[channels, height, width]`.
    pub(super) pending: Vec<Option<ImageShape>>,
}

/// Rows, columns and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImageShape {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl ImageShape {
    /// Returns the shape of an image, or `None` for a vector.
    pub(super) fn of(shape: Shape) -> Option<Self> {
        match shape {
            Shape::Image { height, width, channels } => Some(ImageShape { height, width, channels }),
            Shape::Features(_) => None,
        }
    }

    /// Returns true if both orders are the same.
    pub(super) fn is_trivial(self) -> bool {
        self.channels == 1 || self.height * self.width == 1
    }

    /// Maps every position in the order `[channels, height, width]` to its position in `[height, width, channels]`.
    pub(super) fn places(self) -> impl Iterator<Item = usize> {
        let ImageShape { height, width, channels } = self;
        (0..channels).flat_map(move |c| (0..height * width).map(move |position| position * channels + c))
    }
}

impl Walk<'_> {
    /// Returns the shape of a node's input.
    pub(super) fn input_shape(&self, node: &Node) -> Shape {
        self.network.graph.shape(node.inputs[0])
    }

    /// Returns the values of a parameter of `node`.
    pub(super) fn parameter(&self, node: &Node, name: &str) -> Option<&[f32]> {
        let parameter = self.network.graph.parameters_of(node.id).find(|parameter| parameter.spec.name == name)?;
        Some(&self.network.parameters[parameter.range.clone()])
    }

    /// Returns the batch norm folded into the weights of `node`, if it is their only reader.
    pub(super) fn folded_norm(&self, node: &Node) -> Option<(&Node, &BatchNorm)> {
        let graph = &self.network.graph;
        if self.keeps_batch_norm || !matches!(node.op, Op::Conv2d(_) | Op::Linear(_)) {
            return None;
        }
        let mut readers = graph.readers(node.id);
        match (readers.next(), readers.next()) {
            (Some(reader), None) => match &reader.op {
                Op::BatchNorm(norm) => Some((reader, norm)),
                _ => None,
            },
            _ => None,
        }
    }
}
