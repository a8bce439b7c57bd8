//! Weights of the first layer of an image network, one image per unit.

use crate::graph::Op;
use crate::layer::ParameterRole;
use crate::network::Network;
use crate::shape::Shape;

/// Minimum number of pixels of a filter that is worth showing.
const FEWEST_PIXELS: usize = 4;

/// Incoming weights of the units of the first layer, as images.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstFilters {
    /// Name of the layer.
    pub layer: String,
    /// Number of units.
    pub units: usize,
    /// Height, width and channels of a filter.
    pub size: [usize; 3],
    /// Weights `[units, height, width, channels]`, those of each unit divided by their maximum magnitude: -1 to 1.
    pub values: Vec<f32>,
}

impl FirstFilters {
    /// Returns the filters of a network that reads images and begins with a convolution or with a linear layer over all pixels;
    /// `None` for any other network and for filters of fewer than four pixels.
    pub fn of(network: &Network) -> Option<Self> {
        let graph = &network.graph;
        let Shape::Image { height, width, channels } = graph.input_shape() else { return None };
        let parameter = graph.parameters().iter().find(|parameter| parameter.spec.role == ParameterRole::Weight)?;
        let node = graph.node(parameter.node);
        let (size, units) = match (&node.op, parameter.spec.shape.as_slice()) {
            // `[kernel_height, kernel_width, in_channels, out_channels]`
            (Op::Conv2d(_), &[height, width, channels, units]) => ([height, width, channels], units),
            // `[in_features, out_features]`, where the features are the pixels row by row
            (Op::Linear(_), &[features, units]) if features == height * width * channels => {
                ([height, width, channels], units)
            }
            _ => return None,
        };
        if size[0] * size[1] < FEWEST_PIXELS || units == 0 {
            return None;
        }
        let weights = &network.parameters[parameter.range.clone()];
        let values = (0..units).flat_map(|unit| {
            let own = || weights.iter().skip(unit).step_by(units);
            let largest = own().fold(f32::MIN_POSITIVE, |largest, weight| largest.max(weight.abs()));
            own().map(move |weight| weight / largest)
        });
        Some(FirstFilters { layer: node.name.clone(), units, size, values: values.collect() })
    }

    /// Iterates over the weights of each unit.
    pub fn each(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.size.iter().product())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerSpec;
    use crate::{Graph, RandomKey};

    fn network(shape: Shape, layers: &str) -> Network {
        let layers: Vec<LayerSpec> = serde_json::from_str(layers).unwrap();
        let mut network = Network::new(Graph::build(shape, &layers, 2).unwrap(), RandomKey::new(0));
        network.parameters.iter_mut().enumerate().for_each(|(place, value)| *value = place as f32);
        network
    }

    #[test]
    fn filters_are_the_weights_of_each_unit() {
        let image = Shape::Image { height: 2, width: 3, channels: 1 };
        let convolution = r#"[{"type":"conv2d","out_channels":2,"kernel":2},{"type":"flatten"},{"type":"linear"}]"#;
        let filters = FirstFilters::of(&network(image, convolution)).unwrap();
        assert_eq!((filters.units, filters.size), (2, [2, 2, 1]));
        let expected =
            [[0.0, 2.0, 4.0, 6.0].map(|weight| weight / 6.0), [1.0, 3.0, 5.0, 7.0].map(|weight| weight / 7.0)];
        assert_eq!(filters.each().collect::<Vec<_>>(), expected);
        let linear = r#"[{"type":"flatten"},{"type":"linear"}]"#;
        let filters = FirstFilters::of(&network(image, linear)).unwrap();
        assert_eq!((filters.units, filters.size), (2, [2, 3, 1]));
        assert_eq!(filters.values[6..9], [1.0, 3.0, 5.0].map(|weight| weight / 11.0));
    }

    #[test]
    fn rows_and_single_pixels_have_none() {
        assert_eq!(FirstFilters::of(&network(Shape::Features(6), r#"[{"type":"linear"}]"#)), None);
        let image = Shape::Image { height: 2, width: 3, channels: 1 };
        let pointwise = r#"[{"type":"conv2d","out_channels":2,"kernel":1},{"type":"flatten"},{"type":"linear"}]"#;
        assert_eq!(FirstFilters::of(&network(image, pointwise)), None);
    }
}
