//! Activation functions.

use keel_nn::Shape;
use keel_nn::activations::Activation;
use keel_nn::graph::Node;

use super::builder::float;
use super::walk::Walk;
use crate::onnx::Tensor;

/// Factor and limit of selu (Klambauer et al. 2017).
const SELU_GAMMA: f32 = 1.050_701;
const SELU_ALPHA: f32 = 1.673_263_2;

/// Adds one or more nodes that compute the function.
pub(super) fn activation(walk: &mut Walk<'_>, node: &Node, activation: Activation, input: &str) -> String {
    let operation = match activation {
        Activation::Identity => return input.to_owned(),
        Activation::LeakyRelu(spec) => {
            return walk.builder.node("LeakyRelu", &[input], vec![float("alpha", spec.slope)]);
        }
        Activation::Elu(spec) => return walk.builder.node("Elu", &[input], vec![float("alpha", spec.alpha)]),
        Activation::Selu => {
            let attributes = vec![float("alpha", SELU_ALPHA), float("gamma", SELU_GAMMA)];
            return walk.builder.node("Selu", &[input], attributes);
        }
        Activation::Prelu(_) => return prelu(walk, node, input),
        Activation::Gelu => return gelu(walk, input),
        Activation::Silu => return gated(walk, "Sigmoid", input, input),
        Activation::Mish => {
            let softplus = walk.builder.node("Softplus", &[input], Vec::new());
            return gated(walk, "Tanh", input, &softplus);
        }
        Activation::Sigmoid => "Sigmoid",
        Activation::Tanh => "Tanh",
        Activation::Relu => "Relu",
        Activation::Softplus => "Softplus",
        Activation::HardSwish => "HardSwish",
    };
    walk.builder.node(operation, &[input], Vec::new())
}

/// Adds `input * gate(of)`.
fn gated(walk: &mut Walk<'_>, gate: &str, input: &str, of: &str) -> String {
    let gate = walk.builder.node(gate, &[of], Vec::new());
    walk.builder.node("Mul", &[input, &gate], Vec::new())
}

/// Adds `x (1 + erf(x / sqrt(2))) / 2`; ONNX has a single operation for it only from version 20 on.
fn gelu(walk: &mut Walk<'_>, input: &str) -> String {
    if walk.builder.opset >= 20 {
        return walk.builder.node("Gelu", &[input], Vec::new());
    }
    let root = walk.builder.number("inverse_root", std::f32::consts::FRAC_1_SQRT_2);
    let one = walk.builder.number("one", 1.0);
    let half = walk.builder.number("half", 0.5);
    let scaled = walk.builder.node("Mul", &[input, &root], Vec::new());
    let error = walk.builder.node("Erf", &[&scaled], Vec::new());
    let sum = walk.builder.node("Add", &[&error, &one], Vec::new());
    let halved = walk.builder.node("Mul", &[input, &half], Vec::new());
    walk.builder.node("Mul", &[&halved, &sum], Vec::new())
}

fn prelu(walk: &mut Walk<'_>, node: &Node, input: &str) -> String {
    let slopes = walk.parameter(node, "slope").unwrap_or_default().to_vec();
    let shape = match walk.input_shape(node) {
        Shape::Features(features) => vec![features],
        Shape::Image { channels, .. } => vec![channels, 1, 1],
    };
    let slopes = walk.builder.constant("slope", Tensor::floats(shape, slopes));
    walk.builder.node("PRelu", &[input, &slopes], Vec::new())
}
