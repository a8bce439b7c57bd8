//! Layers found in a graph, with their weights.

use keel_nn::Shape;
use keel_nn::activations::Activation;
use keel_nn::layers::{LayerSpec, ResidualSpec, Shortcut};

/// A layer with its weights in Evenkeel's layout.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Index of the node it comes from.
    pub(super) place: usize,
    pub(super) layer: PartLayer,
}

/// One layer, or a block of several.
#[derive(Debug, Clone)]
pub(super) enum PartLayer {
    /// A layer with its parameters and state by name.
    Single(LayerSpec, Vec<(&'static str, Vec<f32>)>),
    /// A residual block.
    Residual {
        body: Vec<Part>,
        /// Weights and norm of the projection; `None` for the identity.
        projection: Option<Projection>,
        after: Activation,
    },
}

/// A 1x1 convolution or linear layer followed by a batch norm.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    pub(super) weight: Vec<f32>,
    pub(super) norm: Vec<(&'static str, Vec<f32>)>,
}

impl Part {
    /// Creates a layer without weights.
    pub(super) fn plain(place: usize, spec: LayerSpec) -> Self {
        Part { place, layer: PartLayer::Single(spec, Vec::new()) }
    }

    /// Creates a layer with weights.
    pub(super) fn with(place: usize, spec: LayerSpec, numbers: Vec<(&'static str, Vec<f32>)>) -> Self {
        Part { place, layer: PartLayer::Single(spec, numbers) }
    }

    /// Returns the entry in a config.
    pub(super) fn spec(&self) -> LayerSpec {
        match &self.layer {
            PartLayer::Single(spec, _) => spec.clone(),
            PartLayer::Residual { body, projection, after } => {
                let mut residual = ResidualSpec::new(body.iter().map(Part::spec).collect());
                residual.after = *after;
                residual.shortcut = if projection.is_some() { Shortcut::Projection } else { Shortcut::Identity };
                LayerSpec::Residual(residual)
            }
        }
    }
}

/// Values during the traversal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Values {
    /// Shape in Evenkeel's layout.
    pub(super) shape: Shape,
    pub(super) layout: Layout,
}

/// Order of values in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Layout {
    /// `[batch, channels, height, width]`.
    ChannelsFirst,
    /// `[batch, height, width, channels]`.
    ChannelsLast,
    /// `[batch, features]`, in Evenkeel's order.
    Features,
    /// `[batch, channels * height * width]` of an image; Evenkeel's order is height, width, channels.
    Flattened(Shape),
    /// `[batch, channels, 1, 1]`; a vector in Evenkeel.
    Pooled,
}

impl Values {
    /// Maps every position in the file's order to Evenkeel's, or returns `None` if both are the same.
    pub(super) fn places(self) -> Option<Vec<usize>> {
        let Layout::Flattened(Shape::Image { height, width, channels }) = self.layout else { return None };
        let positions = height * width;
        Some((0..channels).flat_map(|c| (0..positions).map(move |position| position * channels + c)).collect())
    }

    /// Reorders rows of `width` numbers, one per value, to Evenkeel's order.
    pub(super) fn reordered(self, rows: &[f32], width: usize) -> Vec<f32> {
        let Some(places) = self.places() else { return rows.to_vec() };
        let mut ordered = vec![0.0; rows.len()];
        for (row, place) in rows.chunks_exact(width.max(1)).zip(places) {
            ordered[place * width..(place + 1) * width].copy_from_slice(row);
        }
        ordered
    }
}

/// A node as at most one layer, with the values after it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) part: Option<Part>,
    pub(super) values: Values,
}

impl Step {
    /// Creates a layer that keeps shape and order.
    pub(super) fn same(part: Part, values: Values) -> Self {
        Step { part: Some(part), values }
    }

    /// Creates a change of shape or order without a layer.
    pub(super) fn silent(values: Values) -> Self {
        Step { part: None, values }
    }

    pub(super) fn new(part: Part, shape: Shape, layout: Layout) -> Self {
        Step { part: Some(part), values: Values { shape, layout } }
    }
}
