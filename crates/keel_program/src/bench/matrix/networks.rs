//! The networks of the matrix.

use keel_nn::Shape;
use keel_nn::activations::{self, Activation};
use keel_nn::layers::{
    AvgPoolSpec, BatchNormSpec, Conv2dSpec, DropoutSpec, FlattenSpec, GlobalAvgPoolSpec, GroupNormSpec,
    InstanceNormSpec, LayerNormSpec, LayerSpec, LinearSpec, MaxPoolSpec, Padding, ResidualSpec,
};
use keel_nn::model;
use keel_train::optimizers::{AdamwConfig, OptimizerConfig};

use super::super::networks::Description;

/// Families of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Linear layers only.
    Dense,
    /// With convolutions.
    Convolutional,
}

impl Family {
    pub(super) fn name(self) -> &'static str {
        match self {
            Family::Dense => "dense",
            Family::Convolutional => "convolutional",
        }
    }
}

/// Returns every network of the matrix.
pub(super) fn all() -> Vec<(Family, Description)> {
    let dense = dense().into_iter().map(|network| (Family::Dense, network));
    dense.chain(convolutional().into_iter().map(|network| (Family::Convolutional, network))).collect()
}

fn dense() -> Vec<Description> {
    let layer_norm = || LayerSpec::LayerNorm(LayerNormSpec::default());
    let dropout = || LayerSpec::Dropout(DropoutSpec { probability: 0.2 });
    let relu = Activation::Relu;
    let mut networks = vec![
        perceptron("64-64-64-10 relu", 64, &[64, 64], 32, &[function(relu)]),
        perceptron("256-128-128-10 relu", 256, &[128; 2], 32, &[function(relu)]),
        perceptron("256-512-512-10 relu", 256, &[512; 2], 1, &[function(relu)]),
        perceptron("256-512-512-10 relu", 256, &[512; 2], 32, &[function(relu)]),
        perceptron("256-512-512-10 relu", 256, &[512; 2], 4096, &[function(relu)]),
        perceptron("784-512-512-10 relu", 784, &[512; 2], 128, &[function(relu)]),
        perceptron("256-1024-1024-10 relu", 256, &[1024; 2], 256, &[function(relu)]),
        perceptron("256-2048-2048-10 relu", 256, &[2048; 2], 128, &[function(relu)]),
        perceptron("256-2048-2048-10 relu", 256, &[2048; 2], 1024, &[function(relu)]),
        perceptron("512-4096-10 relu", 512, &[4096], 64, &[function(relu)]),
        perceptron("256-8x256-10 relu", 256, &[256; 8], 128, &[function(relu)]),
        perceptron("100-200-100-50-10 relu", 100, &[200, 100, 50], 100, &[function(relu)]),
        perceptron("256-1024-1024-10 batch norm relu", 256, &[1024; 2], 256, &[batch_norm(), function(relu)]),
        perceptron("256-1024-1024-10 layer norm relu", 256, &[1024; 2], 256, &[layer_norm(), function(relu)]),
        perceptron(
            "256-1024-1024-10 layer norm gelu",
            256,
            &[1024; 2],
            256,
            &[layer_norm(), function(Activation::Gelu)],
        ),
        perceptron("784-512-512-10 relu dropout", 784, &[512; 2], 128, &[function(relu), dropout()]),
    ];
    let adamw = perceptron("784-512-512-10 relu adamw", 784, &[512; 2], 128, &[function(relu)]);
    let optimizer = OptimizerConfig::Adamw(AdamwConfig::default());
    networks.push(Description { optimizer, ..adamw });
    let others = activations::all().filter(|other| ![Activation::Identity, relu].contains(other));
    networks.extend(others.map(|other| {
        perceptron(&format!("256-1024-1024-10 {}", other.name()), 256, &[1024; 2], 256, &[function(other)])
    }));
    networks
}

fn convolutional() -> Vec<Description> {
    [architectures(), kernels_and_norms(), shapes()].concat()
}

/// Returns networks after published architectures.
fn architectures() -> Vec<Description> {
    let pool = || LayerSpec::MaxPool(MaxPoolSpec::new(2));
    vec![
        images(
            "VGG 64-128-256",
            32,
            32,
            join([
                normed(conv(64, 3)),
                normed(conv(64, 3)),
                vec![pool()],
                normed(conv(128, 3)),
                normed(conv(128, 3)),
                vec![pool()],
                normed(conv(256, 3)),
                normed(conv(256, 3)),
                vec![pool()],
                head(),
            ]),
        ),
        images("residual width 64", 32, 16, model::resnet(64, 2)),
        images("residual width 24", 32, 64, model::resnet(24, 2)),
        images("ResNet-18-like 64x64", 64, 16, model::photo(64, 2, 0.0)),
        images("residual on 224x224", 224, 8, model::photo(32, 1, 0.0)),
        images("depthwise separable", 32, 64, separable()),
        images("inverted residual hard swish 96x96", 96, 32, inverted_residual()),
        images("depthwise separable 224x224", 224, 4, join([normed(strided(conv(32, 3), 2)), separable()])),
    ]
}

/// Returns networks with other kernel sizes, and with norms other than batch norm.
fn kernels_and_norms() -> Vec<Description> {
    let relu = || function(Activation::Relu);
    let pool = || LayerSpec::MaxPool(MaxPoolSpec::new(2));
    let instance_norm = || LayerSpec::InstanceNorm(InstanceNormSpec::default());
    vec![
        images(
            "7x7 stride 2 stem 96x96",
            96,
            32,
            join([
                normed(strided(conv(64, 7), 2)),
                vec![pool()],
                normed(conv(64, 3)),
                normed(strided(conv(128, 3), 2)),
                head(),
            ]),
        ),
        images(
            "5x5 tanh no norm",
            32,
            128,
            join([
                activated(conv(32, 5), Activation::Tanh),
                vec![pool()],
                activated(conv(64, 5), Activation::Tanh),
                vec![pool(), LayerSpec::Flatten(FlattenSpec::default())],
                vec![linear(256), function(Activation::Tanh), output()],
            ]),
        ),
        images(
            "LeNet-like 28x28",
            28,
            128,
            join([
                activated(conv(6, 5), Activation::Relu),
                vec![LayerSpec::AvgPool(AvgPoolSpec::new(2))],
                activated(valid(conv(16, 5)), Activation::Relu),
                vec![LayerSpec::AvgPool(AvgPoolSpec::new(2)), LayerSpec::Flatten(FlattenSpec::default())],
                vec![linear(120), relu(), linear(84), relu(), output()],
            ]),
        ),
        images(
            "group norm silu",
            32,
            128,
            join([
                layered(conv(64, 3), LayerSpec::GroupNorm(GroupNormSpec::new(8)), Activation::Silu),
                vec![pool()],
                layered(conv(128, 3), LayerSpec::GroupNorm(GroupNormSpec::new(8)), Activation::Silu),
                vec![pool()],
                layered(conv(128, 3), LayerSpec::GroupNorm(GroupNormSpec::new(8)), Activation::Silu),
                head(),
            ]),
        ),
        images(
            "instance norm selu relu",
            32,
            64,
            join([
                layered(conv(32, 3), instance_norm(), Activation::Selu),
                layered(strided(conv(64, 3), 2), instance_norm(), Activation::Relu),
                layered(strided(conv(128, 3), 2), instance_norm(), Activation::Relu),
                head(),
            ]),
        ),
    ]
}

/// Returns convolutions of many shapes, with channel counts that are not a multiple of the vector length.
fn shapes() -> Vec<Description> {
    let relu = || function(Activation::Relu);
    let pool = || LayerSpec::MaxPool(MaxPoolSpec::new(2));
    vec![
        images(
            "1x1 16x16 maps",
            16,
            128,
            join([normed(conv(128, 1)), normed(conv(256, 1)), normed(conv(128, 1)), head()]),
        ),
        images("dilation 2", 32, 64, join([normed(conv(48, 3)), normed(dilated(48)), normed(dilated(48)), head()])),
        images(
            "groups of 4",
            32,
            64,
            join([
                normed(conv(64, 1)),
                normed(grouped(64, 4)),
                normed(strided(grouped(128, 4), 2)),
                normed(grouped(128, 4)),
                head(),
            ]),
        ),
        images("3x3 on 8x8 maps 256 channels", 8, 128, join([normed(conv(256, 3)), normed(conv(256, 3)), head()])),
        images(
            "20 and 40 channels dropout",
            32,
            64,
            join([
                normed(conv(20, 3)),
                vec![pool()],
                normed(conv(40, 3)),
                vec![pool(), LayerSpec::Flatten(FlattenSpec::default())],
                vec![linear(100), relu(), LayerSpec::Dropout(DropoutSpec::default()), output()],
            ]),
        ),
        images(
            "3x3 relu no norm",
            64,
            16,
            join([
                activated(conv(32, 3), Activation::Relu),
                activated(conv(32, 3), Activation::Relu),
                vec![pool()],
                activated(conv(64, 3), Activation::Relu),
                vec![pool(), LayerSpec::Flatten(FlattenSpec::default()), linear(128), relu(), output()],
            ]),
        ),
    ]
}

/// Returns linear layers of these widths, each followed by `between`, and one for the classes.
fn perceptron(name: &str, features: usize, widths: &[usize], batch: usize, between: &[LayerSpec]) -> Description {
    let mut layers = Vec::new();
    for &width in widths {
        layers.push(linear(width));
        layers.extend_from_slice(between);
    }
    layers.push(output());
    Description::new(format!("{name} b{batch}"), Shape::Features(features), batch, layers)
}

/// Returns a network for square images with three channels.
fn images(name: &str, side: usize, batch: usize, layers: Vec<LayerSpec>) -> Description {
    let input = Shape::Image { height: side, width: side, channels: 3 };
    Description::new(format!("{name} b{batch}"), input, batch, layers)
}

/// Returns a stem and five pairs of a depthwise 3x3 and a 1x1 convolution, two of them with stride 2 (Howard et al. 2017).
fn separable() -> Vec<LayerSpec> {
    let mut layers = normed(conv(32, 3));
    let mut channels = 32;
    for (width, stride) in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1)] {
        layers.extend(normed(strided(grouped(channels, channels), stride)));
        layers.extend(normed(conv(width, 1)));
        channels = width;
    }
    layers.extend(head());
    layers
}

/// Returns blocks of a widening 1x1, a depthwise 3x3 and a narrowing 1x1 convolution (Sandler et al. 2018).
fn inverted_residual() -> Vec<LayerSpec> {
    let swish = Activation::HardSwish;
    let mut layers = layered(strided(conv(16, 3), 2), batch_norm(), swish);
    for (width, expanded, stride) in [(16, 64, 1), (24, 64, 2), (24, 96, 1), (40, 96, 2), (40, 160, 1)] {
        let mut body = layered(conv(expanded, 1), batch_norm(), swish);
        body.extend(layered(strided(grouped(expanded, expanded), stride), batch_norm(), swish));
        body.extend([LayerSpec::Conv2d(conv(width, 1)), batch_norm()]);
        match stride {
            1 => layers
                .push(LayerSpec::Residual(ResidualSpec { after: Activation::Identity, ..ResidualSpec::new(body) })),
            _ => layers.extend(body),
        }
    }
    layers.extend(head());
    layers
}

fn join<const N: usize>(parts: [Vec<LayerSpec>; N]) -> Vec<LayerSpec> {
    parts.concat()
}

fn function(activation: Activation) -> LayerSpec {
    LayerSpec::Activation(activation)
}

fn batch_norm() -> LayerSpec {
    LayerSpec::BatchNorm(BatchNormSpec::default())
}

fn linear(features: usize) -> LayerSpec {
    LayerSpec::Linear(LinearSpec::new(features))
}

/// Returns the last layer, with as many outputs as classes.
fn output() -> LayerSpec {
    LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) })
}

fn head() -> Vec<LayerSpec> {
    vec![LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default()), output()]
}

/// Returns a convolution that keeps the size of the image at stride 1.
fn conv(channels: usize, kernel: usize) -> Conv2dSpec {
    Conv2dSpec { padding: Padding::Each(kernel / 2), ..Conv2dSpec::new(channels, kernel) }
}

fn valid(convolution: Conv2dSpec) -> Conv2dSpec {
    Conv2dSpec { padding: Padding::Valid, ..convolution }
}

fn strided(convolution: Conv2dSpec, stride: usize) -> Conv2dSpec {
    Conv2dSpec { stride: stride.into(), ..convolution }
}

fn dilated(channels: usize) -> Conv2dSpec {
    Conv2dSpec { dilation: 2, padding: Padding::Each(2), ..conv(channels, 3) }
}

fn grouped(channels: usize, groups: usize) -> Conv2dSpec {
    Conv2dSpec { groups, ..conv(channels, 3) }
}

fn activated(convolution: Conv2dSpec, activation: Activation) -> Vec<LayerSpec> {
    vec![LayerSpec::Conv2d(convolution), function(activation)]
}

/// Returns a convolution without bias, a norm and an activation.
fn layered(convolution: Conv2dSpec, norm: LayerSpec, activation: Activation) -> Vec<LayerSpec> {
    vec![LayerSpec::Conv2d(Conv2dSpec { bias: false, ..convolution }), norm, function(activation)]
}

/// Returns a convolution without bias, batch norm and relu.
fn normed(convolution: Conv2dSpec) -> Vec<LayerSpec> {
    layered(convolution, batch_norm(), Activation::Relu)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keel_nn::graph::Graph;

    use super::super::super::formula::CLASSES;
    use super::*;

    #[test]
    fn every_network_fits_its_input_and_has_a_name_of_its_own() {
        let networks = all();
        for (_, network) in &networks {
            Graph::build(network.input, &network.layers, CLASSES)
                .unwrap_or_else(|error| panic!("{}: {error}", network.name));
        }
        let names: BTreeSet<&str> = networks.iter().map(|(_, network)| network.name.as_str()).collect();
        assert_eq!(names.len(), networks.len());
    }

    #[test]
    fn every_activation_norm_and_kind_of_layer_is_measured() {
        let text: String = all().iter().map(|(_, network)| network.to_json().to_string()).collect();
        for activation in activations::all().filter(|activation| *activation != Activation::Identity) {
            assert!(text.contains(&format!("\"{}\"", activation.name())), "{}", activation.name());
        }
        for layer in ["batch_norm", "layer_norm", "group_norm", "instance_norm", "dropout", "max_pool", "avg_pool"] {
            assert!(text.contains(&format!("\"{layer}\"")), "{layer}");
        }
    }
}
