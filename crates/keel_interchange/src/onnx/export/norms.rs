//! Batch norm and per-sample norms.

use keel_nn::graph::Node;
use keel_nn::layers::{BatchNorm, SampleNorm};
use keel_nn::{Layer, Shape};

use super::builder::{float, integer};
use super::walk::Walk;
use crate::onnx::Tensor;

/// Returns `scale / sqrt(variance + epsilon)` and `shift - mean * scale / sqrt(variance + epsilon)` for each channel.
pub(super) fn channel_factors(walk: &Walk<'_>, node: &Node, norm: &BatchNorm) -> (Vec<f64>, Vec<f64>) {
    let places = norm.running_places(node.state.start);
    let (mean, variance) = (&walk.network.state[places.mean], &walk.network.state[places.variance]);
    let (scale, shift) = (walk.parameter(node, "scale"), walk.parameter(node, "shift"));
    let mut factors = (Vec::with_capacity(mean.len()), Vec::with_capacity(mean.len()));
    for c in 0..mean.len() {
        let scale = scale.map_or(1.0, |scale| f64::from(scale[c]));
        let factor = scale / (f64::from(variance[c]) + f64::from(norm.spec().epsilon)).sqrt();
        factors.0.push(factor);
        factors.1.push(shift.map_or(0.0, |shift| f64::from(shift[c])) - f64::from(mean[c]) * factor);
    }
    factors
}

/// Adds a batch norm with its running statistics.
pub(super) fn batch_norm(walk: &mut Walk<'_>, node: &Node, norm: &BatchNorm, input: &str) -> String {
    let places = norm.running_places(node.state.start);
    let mean = walk.network.state[places.mean].to_vec();
    let variance = walk.network.state[places.variance].to_vec();
    let channels = mean.len();
    let scale = walk.parameter(node, "scale").map_or_else(|| vec![1.0; channels], <[f32]>::to_vec);
    let shift = walk.parameter(node, "shift").map_or_else(|| vec![0.0; channels], <[f32]>::to_vec);
    let mut names = vec![input.to_owned()];
    for (name, values) in [("scale", scale), ("shift", shift), ("running_mean", mean), ("running_variance", variance)] {
        names.push(walk.builder.constant(name, Tensor::floats([channels], values)));
    }
    let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
    walk.builder.node("BatchNormalization", &inputs, vec![float("epsilon", norm.spec().epsilon)])
}

/// Adds a layer norm, group norm or instance norm: the values of a group are reshaped to a row while they are normalised.
pub(super) fn sample_norm(walk: &mut Walk<'_>, node: &Node, norm: &SampleNorm, input: &str) -> String {
    let shape = norm.output_shape();
    let (groups, channels) = (norm.groups(), shape.channels());
    let scale = walk.parameter(node, "scale").unwrap_or_default().to_vec();
    let shift = walk.parameter(node, "shift").unwrap_or_default().to_vec();
    let epsilon = float("epsilon", norm.epsilon());
    if matches!(shape, Shape::Features(_)) && groups == 1 {
        let scale = walk.builder.constant("scale", Tensor::floats([channels], scale));
        let shift = walk.builder.constant("shift", Tensor::floats([channels], shift));
        return walk.builder.node("LayerNormalization", &[input, &scale, &shift], vec![integer("axis", -1), epsilon]);
    }
    let rows = walk.builder.reshape(input, &[0, groups as i64, -1]);
    let ones = walk.builder.constant("no_scale", Tensor::floats([groups], vec![1.0; groups]));
    let zeros = walk.builder.constant("no_shift", Tensor::floats([groups], vec![0.0; groups]));
    let normalised = walk.builder.node("InstanceNormalization", &[&rows, &ones, &zeros], vec![epsilon]);
    let (back, affine) = match shape {
        Shape::Features(features) => (vec![0, features as i64], vec![features]),
        Shape::Image { height, width, channels } => {
            (vec![0, channels as i64, height as i64, width as i64], vec![channels, 1, 1])
        }
    };
    let normalised = walk.builder.reshape(&normalised, &back);
    let scale = walk.builder.constant("scale", Tensor::floats(affine.clone(), scale));
    let shift = walk.builder.constant("shift", Tensor::floats(affine, shift));
    let scaled = walk.builder.node("Mul", &[&normalised, &scale], Vec::new());
    walk.builder.node("Add", &[&scaled, &shift], Vec::new())
}
