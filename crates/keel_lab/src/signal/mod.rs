//! A deep stack of equal layers before training: the signal on its way forward, the gradient on its way back.
//!
//! `z_l = h_{l-1} W_l`, `h_l = f(z_l)`, without biases; `h_0` is standard normal, and so is the gradient with respect
//! to the last output. Weights are kept for the backward pass if they fit in [`KEPT_BYTES`]; for deeper stacks they are
//! drawn a second time from their key, so that depth costs no memory.

mod draws;
pub(crate) mod verdict;

use keel_kernels::activation::{self, ActivationGradient};
use keel_kernels::matmul::{self, Factors, Sizes};
use keel_kernels::{Scratch, simd};
use keel_nn::activations::Activation;
use keel_nn::init::{
    InitSpec, KaimingNormalSpec, KaimingUniformSpec, NormalSpec, OrthogonalSpec, UniformSpec, XavierNormalSpec,
    XavierUniformSpec,
};
use keel_nn::{ParameterRole, ParameterSpec, RandomKey};
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

pub(crate) use draws::{Draws, Scales, affordable_width};

use crate::statistics::Moments;

/// Maximum size of weights that are kept rather than drawn twice, in bytes: slightly more than six layers of 4,096 units.
const KEPT_BYTES: usize = 512 << 20;

/// A stack of layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stack {
    /// Number of units of every layer and of the input.
    pub(crate) width: usize,
    /// Number of layers.
    pub(crate) depth: usize,
    /// Number of samples.
    pub(crate) batch: usize,
    /// Function of every layer.
    pub(crate) activation: Activation,
    /// Initialiser of every weight matrix.
    pub(crate) init: InitSpec,
}

/// Values of one layer; every slice is `[batch, width]`.
#[derive(Clone, Debug)]
pub(crate) struct LayerSignal {
    /// z
    pub(crate) pre_activation: Vec<f32>,
    /// h
    pub(crate) output: Vec<f32>,
    /// dL/dh
    pub(crate) grad_output: Vec<f32>,
    /// Root mean square of dL/dW.
    pub(crate) grad_weight_rms: f64,
}

impl Stack {
    /// Runs forward and backward; returns one entry per layer.
    pub(crate) fn run(&self, key: RandomKey) -> Vec<LayerSignal> {
        self.run_through(&mut self.kept_weights(key), key, 1.0)
    }

    /// Runs stacks of one shape, each with normal weights, on the same draws: the weights of a stack are those standard
    /// normal numbers times its standard deviation. The results equal those of [`Stack::run`], up to rounding.
    pub(crate) fn run_together(stacks: &[(Stack, f64)], key: RandomKey) -> Vec<Vec<LayerSignal>> {
        let Some((first, _)) = stacks.first() else { return Vec::new() };
        let mut weights = Stack { init: InitSpec::normal(1.0), ..*first }.kept_weights(key);
        let run = |(stack, std): &(Stack, f64)| {
            weights.scale = *std as f32;
            stack.run_through(&mut weights, key, 1.0)
        };
        stacks.iter().map(run).collect()
    }

    fn run_through(&self, weights: &mut Weights, key: RandomKey, input_std: f32) -> Vec<LayerSignal> {
        let input = self.input(key, input_std);
        let mut layers = self.layers(&input, weights, |_| {});
        self.backward(&input, &mut layers, weights, normal_values(input.len(), key.named("gradient")));
        layers
    }

    /// Draws normal inputs of standard deviation `std`, `[batch, width]`.
    fn input(&self, key: RandomKey, std: f32) -> Vec<f32> {
        let mut input = normal_values(self.batch * self.width, key.named("input"));
        input.iter_mut().for_each(|value| *value *= std);
        input
    }

    /// Returns weights that are kept for the backward pass if memory allows.
    fn kept_weights(&self, key: RandomKey) -> Weights {
        let mut weights = Weights::new(self, key.named("weights"));
        weights.keep = self.depth * self.width * self.width * size_of::<f32>() <= KEPT_BYTES;
        weights
    }

    /// Runs only forward: gradients stay empty.
    pub(crate) fn forward(&self, key: RandomKey) -> Vec<LayerSignal> {
        self.forward_from(key, 1.0)
    }

    /// Works like [`Stack::forward`], with an input of standard deviation `std`.
    pub(crate) fn forward_from(&self, key: RandomKey, std: f32) -> Vec<LayerSignal> {
        self.layers(&self.input(key, std), &mut Weights::new(self, key.named("weights")), |_| {})
    }

    /// Works like [`Stack::forward`], with batch norm (scale 1, shift 0) between each linear map and its activation; `epsilon` is
    /// added to every variance.
    pub(crate) fn forward_with_batch_norm(&self, key: RandomKey, epsilon: f64) -> Vec<LayerSignal> {
        let input = normal_values(self.batch * self.width, key.named("input"));
        let mut weights = Weights::new(self, key.named("weights"));
        self.layers(&input, &mut weights, |values| normalise_columns(values, self.width, epsilon))
    }

    fn layers(&self, input: &[f32], weights: &mut Weights, normalise: impl Fn(&mut [f32])) -> Vec<LayerSignal> {
        let mut layers: Vec<LayerSignal> = Vec::with_capacity(self.depth);
        for layer in 0..self.depth {
            let previous = layers.last().map_or(input, |last| &last.output[..]);
            let mut pre_activation = vec![0.0; input.len()];
            weights.draw(layer);
            weights.forward(previous, &mut pre_activation);
            normalise(&mut pre_activation);
            let mut output = vec![0.0; input.len()];
            activation::forward(simd::level(), self.activation.initial_function(), &pre_activation, &mut output);
            layers.push(LayerSignal { pre_activation, output, grad_output: Vec::new(), grad_weight_rms: 0.0 });
        }
        layers
    }

    fn backward(&self, input: &[f32], layers: &mut [LayerSignal], weights: &mut Weights, mut gradient: Vec<f32>) {
        let mut grad_pre = vec![0.0; gradient.len()];
        for layer in (0..self.depth).rev() {
            let function = self.activation.initial_function();
            let given = ActivationGradient { saved: &layers[layer].pre_activation, grad_output: &gradient };
            activation::backward(simd::level(), function, given, &mut grad_pre);
            let previous = if layer == 0 { input } else { &layers[layer - 1].output };
            let rms = outer_product_rms(previous, &grad_pre, self.batch);
            layers[layer].grad_weight_rms = rms;
            let mut next = vec![0.0; gradient.len()];
            if layer > 0 {
                weights.draw(layer);
                weights.backward(&grad_pre, &mut next);
            }
            layers[layer].grad_output = std::mem::replace(&mut gradient, next);
        }
    }
}

/// Returns the standard deviation of a weight drawn with `init` before `activation`, or `None` if weights are not
/// independent draws.
pub(crate) fn weight_std(init: InitSpec, activation: Activation, fan_in: usize) -> Option<f64> {
    let fan = (fan_in as f64).sqrt();
    match init.resolve(Some(activation)) {
        InitSpec::Normal(NormalSpec { std }) => Some(f64::from(std)),
        InitSpec::Uniform(UniformSpec { limit }) => Some(f64::from(limit) / 3.0_f64.sqrt()),
        InitSpec::XavierNormal(XavierNormalSpec { gain, .. })
        | InitSpec::XavierUniform(XavierUniformSpec { gain, .. })
        | InitSpec::Orthogonal(OrthogonalSpec { gain }) => Some(f64::from(gain) / fan),
        InitSpec::KaimingNormal(KaimingNormalSpec { gain: Some(gain), .. })
        | InitSpec::KaimingUniform(KaimingUniformSpec { gain: Some(gain), .. }) => Some(f64::from(gain) / fan),
        InitSpec::LecunNormal => Some(1.0 / fan),
        _ => None,
    }
}

/// Returns the moments of the outputs of every layer at infinite width: `q_1 = n s^2`,
/// `q_l = n s^2 E[f(sqrt(q_{l-1}) z)^2]` with z standard normal and s the standard deviation of a weight.
pub(crate) fn infinite_width(activation: Activation, scaled_variance: f64, depth: usize) -> Vec<Moments> {
    let mut variance = scaled_variance;
    let mut moments = Vec::with_capacity(depth);
    for _ in 0..depth {
        let outputs = normal_moments(activation, variance.sqrt());
        moments.push(outputs);
        variance = scaled_variance * outputs.second_moment;
    }
    moments
}

/// Root mean squares of the gradients of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct GradientTheory {
    /// Root mean square of dL/dh.
    pub(crate) activation_rms: f64,
    /// Root mean square of dL/dW.
    pub(crate) weight_rms: f64,
}

/// Returns the gradients of every layer at infinite width if the gradient with respect to the last output is standard
/// normal: `g_L = 1`, `g_{l-1} = n s^2 g_l E[f'(z_l)^2]` for the mean square of dL/dh, and
/// `batch E[h_{l-1}^2] g_l E[f'(z_l)^2]` for that of dL/dW. `outputs` are the moments returned by [`infinite_width`].
pub(crate) fn infinite_width_gradients(
    activation: Activation,
    scaled_variance: f64,
    batch: usize,
    outputs: &[Moments],
) -> Vec<GradientTheory> {
    let mut mean_square = 1.0;
    let mut gradients = Vec::with_capacity(outputs.len());
    for layer in (0..outputs.len()).rev() {
        let input = if layer == 0 { 1.0 } else { outputs[layer - 1].second_moment };
        let local = mean_square_slope(activation, (scaled_variance * input).sqrt());
        let weight = batch as f64 * input * mean_square * local;
        gradients.push(GradientTheory { activation_rms: f64::sqrt(mean_square), weight_rms: weight.sqrt() });
        mean_square *= scaled_variance * local;
    }
    gradients.reverse();
    gradients
}

/// Returns the moments of f(s z) with z standard normal and s = `std`.
pub(crate) fn normal_moments(activation: Activation, std: f64) -> Moments {
    let function = activation.initial_function();
    let (mut mean, mut second_moment) = (0.0, 0.0);
    over_normal(std, 0.0, |weight, z| {
        let value = f64::from(function.value(z));
        mean += weight * value;
        second_moment += weight * value * value;
    });
    Moments { mean, std: (second_moment - mean * mean).max(0.0).sqrt(), second_moment }
}

/// Returns the mean of f'(s z)^2 with z standard normal and s = `std`.
fn mean_square_slope(activation: Activation, std: f64) -> f64 {
    let function = activation.initial_function();
    let mut sum = 0.0;
    // Between the points used for the moments, since relu's slope jumps at 0.
    over_normal(std, 0.5, |weight, z| sum += weight * f64::from(function.derivative(z)).powi(2));
    sum
}

/// Iterates over weights and points of the trapezoidal rule for a normal variable of standard deviation `std`, up to
/// ten of them on each side; all points are moved by `shift` times their distance.
fn over_normal(std: f64, shift: f64, mut each: impl FnMut(f64, f32)) {
    let step = 1.0 / 64.0;
    for index in -640..=640 {
        let z = (f64::from(index) + shift) * step;
        let weight = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() * step;
        each(weight, (std * z) as f32);
    }
}

/// Draws standard normal values from `key`.
pub(crate) fn normal_values(length: usize, key: RandomKey) -> Vec<f32> {
    let mut generator = key.generator();
    (0..length).map(|_| StandardNormal.sample(&mut generator)).collect()
}

/// Normalises every column of `values`, `[batch, width]`, to mean 0 and, except for `epsilon`, variance 1.
fn normalise_columns(values: &mut [f32], width: usize, epsilon: f64) {
    for column in 0..width {
        let moments = Moments::of(values.iter().skip(column).step_by(width).map(|&value| f64::from(value)));
        let scale = 1.0 / (moments.std * moments.std + epsilon).sqrt();
        for value in values.iter_mut().skip(column).step_by(width) {
            *value = ((f64::from(*value) - moments.mean) * scale) as f32;
        }
    }
}

/// Returns the root mean square of `transpose(x) g`, `x` and `g` `[batch, width]`, without forming the product: the sum
/// of its squares equals the sum of the element-wise product of `x transpose(x)` and `g transpose(g)`.
fn outer_product_rms(x: &[f32], g: &[f32], batch: usize) -> f64 {
    let width = x.len() / batch;
    let (first, first_scale) = gram(x, batch);
    let (second, second_scale) = gram(g, batch);
    let sum: f64 = first.iter().zip(&second).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    sum.max(0.0).sqrt() * first_scale * second_scale / width as f64
}

/// Returns `x transpose(x)` for `x` divided by its largest magnitude, so that no square underflows, and that magnitude.
fn gram(x: &[f32], batch: usize) -> (Vec<f32>, f64) {
    let width = x.len() / batch;
    let scale = x.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if scale == 0.0 {
        return (vec![0.0; batch * batch], 0.0);
    }
    let scaled: Vec<f32> = x.iter().map(|value| value / scale).collect();
    let sizes = Sizes { rows: batch, depth: width, columns: batch };
    let mut scratch = vec![0.0; matmul::scratch_length(simd::level(), sizes)];
    let mut product = vec![0.0; batch * batch];
    let factors = Factors { left: &scaled, right: &scaled, bias: None };
    matmul::matmul_transposed(simd::level(), sizes, factors, &mut product, Scratch(&mut scratch));
    (product, f64::from(scale))
}

/// Weight matrices, `[width, width]`: those drawn so far, or only the last one.
struct Weights {
    matrices: Vec<Vec<f32>>,
    keep: bool,
    /// Factor applied to every product with a matrix.
    scale: f32,
    /// Layer whose matrix is current.
    layer: Option<usize>,
    /// Index of the current matrix.
    current: usize,
    scratch: Vec<f32>,
    sizes: Sizes,
    spec: ParameterSpec,
    stack: Stack,
    key: RandomKey,
}

impl Weights {
    fn new(stack: &Stack, key: RandomKey) -> Self {
        let width = stack.width;
        let sizes = Sizes { rows: stack.batch, depth: width, columns: width };
        let spec = ParameterSpec {
            name: "weight",
            shape: vec![width, width],
            role: ParameterRole::Weight,
            fan_in: width,
            fan_out: width,
            init: Some(stack.init),
        };
        Weights {
            matrices: Vec::new(),
            keep: false,
            scale: 1.0,
            layer: None,
            current: 0,
            scratch: vec![0.0; matmul::scratch_length(simd::level(), sizes)],
            sizes,
            spec,
            stack: *stack,
            key,
        }
    }

    /// Makes the matrix of `layer` the current one.
    fn draw(&mut self, layer: usize) {
        let Stack { init, activation, width, .. } = self.stack;
        self.current = if self.keep { layer } else { 0 };
        let known = if self.keep { layer < self.matrices.len() } else { self.layer == Some(layer) };
        self.layer = Some(layer);
        if known {
            return;
        }
        if self.current == self.matrices.len() {
            self.matrices.push(vec![0.0; width * width]);
        }
        let values = &mut self.matrices[self.current];
        init.fill(values, &self.spec, Some(activation), self.key.child(layer as u64));
    }

    fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        let factors = Factors { left: input, right: &self.matrices[self.current], bias: None };
        matmul::matmul(simd::level(), self.sizes, factors, output, Scratch(&mut self.scratch));
        self.rescale(output);
    }

    fn backward(&mut self, gradient: &[f32], result: &mut [f32]) {
        let factors = Factors { left: gradient, right: &self.matrices[self.current], bias: None };
        matmul::matmul_transposed(simd::level(), self.sizes, factors, result, Scratch(&mut self.scratch));
        self.rescale(result);
    }

    fn rescale(&self, product: &mut [f32]) {
        if self.scale != 1.0 {
            product.iter_mut().for_each(|value| *value *= self.scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rms_of_weight_gradients_needs_no_weight_gradient() {
        let (batch, width) = (3, 5);
        let (x, g) = (normal_values(15, RandomKey::new(1)), normal_values(15, RandomKey::new(2)));
        let mut squares = 0.0;
        for i in 0..width {
            for j in 0..width {
                let entry: f64 = (0..batch).map(|n| f64::from(x[n * width + i]) * f64::from(g[n * width + j])).sum();
                squares += entry * entry;
            }
        }
        let expected = (squares / 25.0).sqrt();
        assert!((outer_product_rms(&x, &g, batch) / expected - 1.0).abs() < 1e-5);
        let tiny: Vec<f32> = x.iter().map(|value| value * 1e-25).collect();
        assert!((outer_product_rms(&tiny, &g, batch) / expected / 1e-25 - 1.0).abs() < 1e-5);
        assert_eq!(outer_product_rms(&[0.0; 15], &g, batch), 0.0);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let init = InitSpec::normal(0.4);
        let stack = Stack { width: 6, depth: 3, batch: 2, activation: Activation::Tanh, init };
        let key = RandomKey::new(5);
        let layers = stack.run(key);
        // Changes one output of layer 1 and recomputes the rest.
        let loss = |shift: f32| {
            let mut weights = Weights::new(&stack, key.named("weights"));
            let mut h = layers[0].output.clone();
            h[7] += shift;
            for layer in 1..3 {
                let mut z = vec![0.0; 12];
                weights.draw(layer);
                weights.forward(&h, &mut z);
                h = z.iter().map(|z| z.tanh()).collect();
            }
            let upstream = normal_values(12, key.named("gradient"));
            h.iter().zip(&upstream).map(|(&h, &g)| f64::from(h) * f64::from(g)).sum::<f64>()
        };
        let slope = (loss(0.01) - loss(-0.01)) / 0.02;
        assert!((f64::from(layers[0].grad_output[7]) - slope).abs() < 1e-3 * slope.abs().max(0.1));
    }

    #[test]
    fn weights_that_are_drawn_twice_are_the_same() {
        let init = InitSpec::normal(0.4);
        let stack = Stack { width: 6, depth: 3, batch: 2, activation: Activation::Tanh, init };
        let (mut kept, mut drawn) = (Weights::new(&stack, RandomKey::new(1)), Weights::new(&stack, RandomKey::new(1)));
        kept.keep = true;
        for layer in [0, 1, 2, 2, 1, 0, 0, 2] {
            kept.draw(layer);
            drawn.draw(layer);
            assert_eq!(kept.matrices[kept.current], drawn.matrices[drawn.current], "layer {layer}");
        }
        assert_eq!((kept.matrices.len(), drawn.matrices.len()), (3, 1));
    }

    #[test]
    fn stacks_that_share_their_draws_give_the_numbers_of_stacks_of_their_own() {
        let stack = |activation, std: f64| {
            (Stack { width: 24, depth: 3, batch: 4, activation, init: InitSpec::normal(std as f32) }, std)
        };
        let stacks = [stack(Activation::Tanh, 0.3), stack(Activation::Relu, 0.1)];
        let key = RandomKey::new(4);
        for (together, (alone, _)) in Stack::run_together(&stacks, key).iter().zip(stacks) {
            for (together, alone) in together.iter().zip(alone.run(key)) {
                let pairs = [
                    (Moments::of_slice(&together.output).std, Moments::of_slice(&alone.output).std),
                    (Moments::of_slice(&together.grad_output).std, Moments::of_slice(&alone.grad_output).std),
                    (together.grad_weight_rms, alone.grad_weight_rms),
                ];
                assert!(pairs.iter().all(|(a, b)| (a / b - 1.0).abs() < 1e-5), "{pairs:?}");
            }
        }
    }

    #[test]
    fn theory_of_gradients_gives_the_measured_sizes() {
        // n Var(w), dL/dW of layers 1 to 6 with 16 samples, factor of dL/dh per layer.
        let cases = [
            (Activation::Tanh, 0.4096, [0.298, 0.289, 0.287, 0.287, 0.288, 0.288], 0.63),
            (Activation::Tanh, 10.24, [8.60, 5.78, 4.10, 2.92, 2.09, 1.49], 1.40),
            (Activation::Tanh, 1.0, [1.36, 1.25, 1.22, 1.20, 1.19, 1.18], 0.9),
            (Activation::Relu, 1.0, [0.5; 6], 0.5_f64.sqrt()),
            (Activation::Relu, 2.0, [2.83; 6], 1.0),
            (Activation::Sigmoid, 1.0, [0.0006, 0.0016, 0.0064, 0.027, 0.115, 0.487], 0.236),
        ];
        for (activation, scaled, weights, factor) in cases {
            let outputs = infinite_width(activation, scaled, 6);
            let theory = infinite_width_gradients(activation, scaled, 16, &outputs);
            for (layer, (found, expected)) in theory.iter().zip(weights).enumerate() {
                let close = (found.weight_rms - expected).abs() < 0.06 * expected + 0.0001;
                assert!(close, "{} {scaled}, layer {}: {found:?}", activation.name(), layer + 1);
            }
            let found = (theory[0].activation_rms / theory[5].activation_rms).powf(0.2);
            assert!((found / factor - 1.0).abs() < 0.05, "{} {scaled}: ×{found}", activation.name());
        }
    }

    #[test]
    fn theory_gives_the_known_fixed_points() {
        let kaiming = infinite_width(Activation::Relu, 2.0, 6);
        assert!(kaiming.iter().all(|one| (one.mean - 0.5642).abs() < 1e-3 && (one.std - 0.8256).abs() < 1e-3));
        let xavier = infinite_width(Activation::Tanh, 1.0, 100);
        for (layer, expected) in [(0, 0.6279), (5, 0.2944), (9, 0.228), (29, 0.131), (99, 0.071)] {
            assert!((xavier[layer].std - expected).abs() < 1e-3, "layer {}: {}", layer + 1, xavier[layer].std);
        }
    }
}
