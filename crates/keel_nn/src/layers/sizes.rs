//! Limits of sizes, checked before any arithmetic with them.

use keel_kernels::convolution::ConvolutionShape;

use super::{AvgPoolSpec, BuildError, Extent, LayerSpec, MaxPoolSpec, Padding};
use crate::Shape;
use crate::layer::Layer;

/// Maximum number of channels or features: a row of weights of 64 MB for each input.
const LARGEST_WIDTH: usize = 1 << 24;
/// Maximum side of windows, strides and padding.
const LARGEST_SIDE: usize = 1 << 13;
/// Maximum number of weights of a layer, and of values of one output sample: 4 TB, so that sums over layers, batches and threads do
/// not overflow.
const LARGEST_LENGTH: u128 = 1 << 40;

/// Checks the numbers of a spec before a layer is built from it.
pub(crate) fn check_spec(spec: &LayerSpec) -> Result<(), BuildError> {
    let kind = spec.name();
    let width = |key, value| at_most(LARGEST_WIDTH, kind, key, value);
    let side = |key, value| at_most(LARGEST_SIDE, kind, key, value);
    let extent = |key, extent: Extent| side(key, extent.height).and(side(key, extent.width));
    let padding = |padding| match padding {
        Padding::Each(padding) => side("padding", padding),
        _ => Ok(()),
    };
    match spec {
        LayerSpec::Linear(linear) => width("out_features", linear.out_features.unwrap_or(1)),
        LayerSpec::Maxout(maxout) => width("out_features", maxout.out_features).and(width("pieces", maxout.pieces)),
        LayerSpec::Conv2d(conv) => {
            width("out_channels", conv.out_channels)?;
            extent("kernel", conv.kernel).and(extent("stride", conv.stride))?;
            padding(conv.padding).and(side("dilation", conv.dilation))
        }
        LayerSpec::Members(members) => width("count", members.count),
        LayerSpec::MaxPool(MaxPoolSpec { kernel, stride, padding: around })
        | LayerSpec::AvgPool(AvgPoolSpec { kernel, stride, padding: around }) => {
            extent("kernel", *kernel).and(extent("stride", stride.unwrap_or(*kernel)))?;
            padding(*around)
        }
        _ => Ok(()),
    }
}

/// Checks the number of weights and of outputs of a layer.
pub(crate) fn check_layer(layer: &dyn Layer) -> Result<(), BuildError> {
    let outputs = match layer.output_shape() {
        Shape::Features(features) => features as u128,
        Shape::Image { height, width, channels } => product(&[height, width, channels]),
    };
    let weights = layer.parameters().iter().map(|parameter| product(&parameter.shape)).max().unwrap_or(0);
    for (what, length) in [("weights", weights), ("values in an output sample", outputs)] {
        if length > LARGEST_LENGTH {
            return Err(BuildError::TooLarge { kind: layer.kind(), what, length });
        }
    }
    Ok(())
}

/// Checks a convolution whose window fits its image; the arithmetic accepts no other.
pub(super) fn check_convolution(kind: &'static str, shape: &ConvolutionShape) -> Result<(), BuildError> {
    if shape.is_valid() {
        return Ok(());
    }
    let [kernel_h, kernel_w] = shape.kernel;
    let lengths = [
        ("weights", product(&[kernel_h, kernel_w, shape.in_channels / shape.groups, shape.out_channels])),
        ("values in an output sample", product(&[shape.out_height(), shape.out_width(), shape.out_channels])),
    ];
    let widest = shape.in_channels.max(shape.out_channels);
    let padded = ("values in a padded image", product(&[shape.frame_height(), shape.frame_width(), widest]));
    let (what, length) = lengths.into_iter().find(|(_, length)| *length > LARGEST_LENGTH).unwrap_or(padded);
    Err(BuildError::TooLarge { kind, what, length })
}

fn product(sizes: &[usize]) -> u128 {
    sizes.iter().fold(1u128, |product, size| product.saturating_mul(*size as u128))
}

fn at_most(largest: usize, kind: &'static str, key: &'static str, value: usize) -> Result<(), BuildError> {
    if value <= largest { Ok(()) } else { Err(BuildError::AboveLargest { kind, key, value, largest }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::layers::{Conv2dSpec, LinearSpec, MaxoutSpec, MembersSpec};

    fn refused(input: Shape, layers: &[LayerSpec]) -> String {
        Graph::build(input, layers, 3).unwrap_err().to_string()
    }

    #[test]
    fn sizes_that_wrap_are_refused_by_name() {
        let image = Shape::Image { height: 8, width: 8, channels: 3 };
        let last = LayerSpec::Linear(LinearSpec::new(3));
        let mut padded = Conv2dSpec::new(4, 3);
        padded.padding = Padding::Each(usize::MAX);
        let far = MaxPoolSpec { stride: Some(Extent::square(1 << 62)), ..MaxPoolSpec::new(2) };
        let cases = [
            (LayerSpec::Linear(LinearSpec::new(1 << 58)), "out_features of linear is 288230376151711744"),
            (LayerSpec::Maxout(MaxoutSpec::new(1 << 60)), "out_features of maxout"),
            (LayerSpec::Conv2d(Conv2dSpec::new(1 << 62, 3)), "out_channels of conv2d"),
            (LayerSpec::Conv2d(Conv2dSpec::new(4, usize::MAX)), "kernel of conv2d"),
            (LayerSpec::Conv2d(padded), "padding of conv2d"),
            (LayerSpec::MaxPool(MaxPoolSpec::new(usize::MAX)), "kernel of max_pool"),
            (LayerSpec::MaxPool(far.clone()), "stride of max_pool is 4611686018427387904"),
            (
                LayerSpec::AvgPool(AvgPoolSpec { kernel: far.kernel, stride: far.stride, padding: far.padding }),
                "stride of avg_pool",
            ),
            (LayerSpec::Members(MembersSpec { count: usize::MAX }), "count of members"),
        ];
        for (layer, expected) in cases {
            let message = refused(image, &[layer, last.clone()]);
            assert!(message.contains(expected) && message.contains("at most"), "{message}");
        }
        let wide = LayerSpec::Linear(LinearSpec::new(1 << 24));
        let message = refused(image, &[wide.clone(), wide, last.clone()]);
        assert!(message.contains("linear would have 281474976710656 weights"), "{message}");
        let mut padded = Conv2dSpec::new(4, 3);
        padded.padding = Padding::Each(1 << 13);
        let deep = Shape::Image { height: 1, width: 1, channels: 1 << 24 };
        let message = refused(deep, &[LayerSpec::Conv2d(padded), last.clone()]);
        assert!(message.contains("conv2d would have 4504149399961600 values in a padded image"), "{message}");
        let message = refused(deep, &[LayerSpec::Conv2d(Conv2dSpec::new(1 << 24, 3)), last]);
        assert!(message.contains("conv2d would have 2533274790395904 weights"), "{message}");
    }
}
