//! What the first layer of an image network looks for.

use keel_data::SampleShape;
use keel_nn::{Network, Op, ParameterRole};

use super::thumbnail::{ImageSize, Thumbnail, thumbnail};
use crate::interval::Interval;

/// Maximum number of filters shown.
const MOST: usize = 64;

/// Incoming weights of the first layer, unit by unit, as pictures.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    /// Name of the layer.
    pub(super) layer: String,
    /// Units of the layer, some of which may not be shown.
    pub(super) units: usize,
    /// One picture a unit; grey is 0, each is scaled to its own largest weight.
    pub(super) pictures: Vec<Thumbnail>,
}

impl Filters {
    /// The filters of `network` on images of shape `input`; `None` for tables and for networks that begin otherwise.
    pub(super) fn of(network: &Network, input: &SampleShape) -> Option<Self> {
        let SampleShape::Image { height, width, channels } = *input else { return None };
        let graph = &network.graph;
        let parameter = graph.parameters().iter().find(|parameter| parameter.spec.role == ParameterRole::Weight)?;
        let node = graph.node(parameter.node);
        let size = match (&node.op, parameter.spec.shape.as_slice()) {
            // `[kernel_h, kernel_w, in_channels, out_channels]`
            (Op::Conv2d(_), &[kernel_h, kernel_w, in_channels, _]) => {
                ImageSize { height: kernel_h, width: kernel_w, channels: in_channels }
            }
            // `[in_features, out_features]`, the features being the image row by row
            (Op::Linear(_), &[in_features, _]) if in_features == height * width * channels => {
                ImageSize { height, width, channels }
            }
            _ => return None,
        };
        let weights = &network.parameters[parameter.range.clone()];
        let units = *parameter.spec.shape.last()?;
        let picture = |unit: usize| {
            let values: Vec<f32> = weights.iter().skip(unit).step_by(units).copied().collect();
            let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            thumbnail(&values, size, Interval { low: -largest, high: largest })
        };
        let too_small = size.height * size.width < 4;
        let pictures: Vec<Thumbnail> = if too_small { Vec::new() } else { (0..units.min(MOST)).map(picture).collect() };
        (!pictures.is_empty()).then(|| Filters { layer: node.name.clone(), units, pictures })
    }
}
