//! Convolution, linear, maxout and members layers: operations with a weight matrix.

use keel_nn::graph::Node;
use keel_nn::layers::{Conv2d, Linear, Maxout, Members};

use super::builder::{integer, integers};
use super::norms::channel_factors;
use super::walk::{ImageShape, Walk};
use crate::onnx::Tensor;

/// Adds a convolution; weights `[out_channels, in_channels / groups, kernel_h, kernel_w]`.
pub(super) fn convolution(walk: &mut Walk<'_>, node: &Node, layer: &Conv2d, input: &str) -> String {
    let shape = *layer.shape();
    let [kernel_h, kernel_w] = shape.kernel;
    let (in_channels, out_channels) = (shape.in_channels / shape.groups, shape.out_channels);
    let own = walk.parameter(node, "weight").unwrap_or_default();
    let mut weights = vec![0.0; own.len()];
    for (place, &value) in own.iter().enumerate() {
        let (position, out) = (place / out_channels, place % out_channels);
        let (tap, channel) = (position / in_channels, position % in_channels);
        weights[(out * in_channels + channel) * kernel_h * kernel_w + tap] = value;
    }
    let mut bias = walk.parameter(node, "bias").map(<[f32]>::to_vec);
    if let Some(factors) = folded_factors(walk, node) {
        let taps = in_channels * kernel_h * kernel_w;
        for (filter, factor) in weights.chunks_exact_mut(taps).zip(&factors.scale) {
            filter.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
        }
        bias = Some(factors.apply_to_bias(bias.as_deref()));
    }
    let dimensions = [out_channels, in_channels, kernel_h, kernel_w];
    let weights = walk.builder.constant("weight", Tensor::floats(dimensions, weights));
    let bias = bias.map(|bias| walk.builder.constant("bias", Tensor::floats([out_channels], bias)));
    let [[top, bottom], [left, right]] = shape.padding;
    let signed = |sizes: &[usize]| -> Vec<i64> { sizes.iter().map(|&size| size as i64).collect() };
    let attributes = vec![
        integers("kernel_shape", &signed(&shape.kernel)),
        integers("strides", &signed(&shape.stride)),
        integers("dilations", &signed(&shape.dilation)),
        integers("pads", &signed(&[top, left, bottom, right])),
        integer("group", shape.groups as i64),
    ];
    let inputs: Vec<&str> = [input, &weights].into_iter().chain(bias.as_deref()).collect();
    walk.builder.node("Conv", &inputs, attributes)
}

/// Scale and shift of the batch norm folded into the weights of `node`.
struct Folded {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

impl Folded {
    fn apply_to_bias(&self, bias: Option<&[f32]>) -> Vec<f32> {
        let bias = |channel: usize| bias.map_or(0.0, |bias| f64::from(bias[channel]));
        (0..self.scale.len()).map(|c| (bias(c) * self.scale[c] + self.shift[c]) as f32).collect()
    }
}

fn folded_factors(walk: &Walk<'_>, node: &Node) -> Option<Folded> {
    let (norm_node, norm) = walk.folded_norm(node)?;
    let (scale, shift) = channel_factors(walk, norm_node, norm);
    Some(Folded { scale, shift })
}

/// Adds a linear layer; with groups, one matrix product per group.
pub(super) fn linear(
    walk: &mut Walk<'_>,
    node: &Node,
    layer: &Linear,
    input: &str,
    pending: Option<ImageShape>,
) -> String {
    let (groups, out_features) = (layer.spec().groups, layer.out_features());
    let columns = out_features / groups;
    let mut weights = walk.parameter(node, "weight").unwrap_or_default().to_vec();
    let mut bias = walk.parameter(node, "bias").map(<[f32]>::to_vec);
    if let Some(factors) = folded_factors(walk, node) {
        let rows = layer.in_features() / groups;
        for (row, values) in weights.chunks_exact_mut(columns).enumerate() {
            let own = &factors.scale[row / rows * columns..][..columns];
            values.iter_mut().zip(own).for_each(|(weight, factor)| *weight = (f64::from(*weight) * factor) as f32);
        }
        bias = Some(factors.apply_to_bias(bias.as_deref()));
    }
    if groups > 1 {
        return grouped(walk, layer, input, weights, bias);
    }
    let weights = reordered(weights, columns, pending);
    let weights = walk.builder.constant("weight", Tensor::floats([layer.in_features(), out_features], weights));
    let bias = bias.map(|bias| walk.builder.constant("bias", Tensor::floats([out_features], bias)));
    let inputs: Vec<&str> = [input, &weights].into_iter().chain(bias.as_deref()).collect();
    walk.builder.node("Gemm", &inputs, Vec::new())
}

/// Reorders the rows of a weight for a flattened channels-first image.
fn reordered(weights: Vec<f32>, columns: usize, pending: Option<ImageShape>) -> Vec<f32> {
    match pending {
        Some(shape) => shape.places().flat_map(|row| weights[row * columns..][..columns].to_vec()).collect(),
        None => weights,
    }
}

fn grouped(walk: &mut Walk<'_>, layer: &Linear, input: &str, weights: Vec<f32>, bias: Option<Vec<f32>>) -> String {
    let groups = layer.spec().groups;
    let (rows, columns) = (layer.in_features() / groups, layer.out_features() / groups);
    let weights = walk.builder.constant("weight", Tensor::floats([groups, rows, columns], weights));
    let parts = walk.builder.reshape(input, &[0, groups as i64, rows as i64]);
    let parts = walk.builder.transpose(&parts, &[1, 0, 2]);
    let products = walk.builder.node("MatMul", &[&parts, &weights], Vec::new());
    let products = walk.builder.transpose(&products, &[1, 0, 2]);
    let joined = walk.builder.reshape(&products, &[0, layer.out_features() as i64]);
    let Some(bias) = bias else { return joined };
    let bias = walk.builder.constant("bias", Tensor::floats([layer.out_features()], bias));
    walk.builder.node("Add", &[&joined, &bias], Vec::new())
}

/// Adds the maximum of several linear maps.
pub(super) fn maxout(
    walk: &mut Walk<'_>,
    node: &Node,
    layer: &Maxout,
    input: &str,
    pending: Option<ImageShape>,
) -> String {
    let columns = layer.columns();
    let weights = reordered(walk.parameter(node, "weight").unwrap_or_default().to_vec(), columns, pending);
    let bias = walk.parameter(node, "bias").unwrap_or_default().to_vec();
    let weights = walk.builder.constant("weight", Tensor::floats([layer.in_features(), columns], weights));
    let bias = walk.builder.constant("bias", Tensor::floats([columns], bias));
    let maps = walk.builder.node("Gemm", &[input, &weights, &bias], Vec::new());
    let pieces = walk.builder.reshape(&maps, &[0, layer.pieces() as i64, layer.out_features() as i64]);
    walk.builder.reduce("ReduceMax", &pieces, 1)
}

/// Adds scaled copies of a row, arranged as the pixels of an image with one row.
pub(super) fn members(walk: &mut Walk<'_>, node: &Node, layer: &Members, input: &str) -> String {
    let (features, count) = (layer.features(), layer.count());
    let own = walk.parameter(node, "scale").unwrap_or_default();
    let scales = (0..features).flat_map(|feature| (0..count).map(move |member| own[member * features + feature]));
    let scales = Tensor::floats([1, features, 1, count], scales.collect());
    let scales = walk.builder.constant("scale", scales);
    let column = walk.builder.reshape(input, &[0, features as i64, 1, 1]);
    walk.builder.node("Mul", &[&column, &scales], Vec::new())
}
