//! A relu network with layers of different widths, forward and backward: weights scaled by the inputs of a layer or by
//! its outputs.

use keel_kernels::activation::{self, ActivationGradient};
use keel_kernels::matmul::{self, Factors, Sizes};
use keel_kernels::{Scratch, simd};
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use serde::Serialize;

use super::{Comparison, Config, KAIMING, stacks};
use crate::signal::normal_values;
use crate::statistics::Moments;

/// Widths from the input to the last layer.
const WIDTHS: [usize; 6] = [1024, 512, 256, 128, 64, 32];
/// Number of samples: many, because the last layers have few units.
const BATCH: usize = 64;

/// Numbers of the network.
#[derive(Debug, Serialize)]
pub(super) struct FunnelFigures {
    pub(super) widths: [usize; 6],
    pub(super) choices: Vec<FunnelChoice>,
}

/// The network with one choice of the weight variance.
#[derive(Debug, Serialize)]
pub(super) struct FunnelChoice {
    pub(super) choice: Fans,
    /// Variance of the last pre-activations divided by that of the first.
    pub(super) forward: Comparison,
    /// Mean square of the gradient with respect to the first layer's outputs divided by that with respect to the last layer's.
    pub(super) backward: Comparison,
}

/// Number of connections by which 2 is divided to give the weight variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fans {
    In,
    Out,
}

/// Returns both choices, as geometric means over networks.
pub(super) fn figures(config: &Config, seed: u64) -> FunnelFigures {
    let choice = |choice: Fans| {
        let ratios: Vec<Ratios> = stacks::networks(config, seed).map(|seed| run(choice, seed)).collect();
        let mean = |part: fn(&Ratios) -> f64| Moments::of(ratios.iter().map(|ratios| part(ratios).ln())).mean.exp();
        let (mut forward, mut backward) = (1.0, 1.0);
        // The first layer has no relu before it, so the comparison begins after it.
        for pair in WIDTHS.windows(2).skip(1) {
            let (fan_in, fan_out) = (pair[0] as f64, pair[1] as f64);
            let variance = KAIMING / if choice == Fans::In { fan_in } else { fan_out };
            forward *= 0.5 * fan_in * variance;
            backward *= 0.5 * fan_out * variance;
        }
        FunnelChoice {
            choice,
            forward: Comparison { theory: forward, measured: mean(|ratios| ratios.forward) },
            backward: Comparison { theory: backward, measured: mean(|ratios| ratios.backward) },
        }
    };
    FunnelFigures { widths: WIDTHS, choices: [Fans::In, Fans::Out].map(choice).into() }
}

/// Changes of magnitude through the network.
struct Ratios {
    forward: f64,
    backward: f64,
}

/// Runs one network of standard normal weights times their deviation, with a standard normal input and a standard
/// normal gradient with respect to the last outputs.
fn run(choice: Fans, seed: u64) -> Ratios {
    let key = RandomKey::new(seed).named("funnel");
    let relu = Activation::Relu.initial_function();
    let mut weights: Vec<Vec<f32>> = Vec::new();
    let mut pre_activations: Vec<Vec<f32>> = Vec::new();
    let mut input = normal_values(BATCH * WIDTHS[0], key.named("input"));
    for (layer, pair) in WIDTHS.windows(2).enumerate() {
        let (fan_in, fan_out) = (pair[0], pair[1]);
        let fan = if choice == Fans::In { fan_in } else { fan_out };
        let std = (KAIMING / fan as f64).sqrt() as f32;
        let drawn = normal_values(fan_in * fan_out, key.named("weights").child(layer as u64));
        weights.push(drawn.into_iter().map(|value| std * value).collect());
        let z = product(&input, &weights[layer], Sizes { rows: BATCH, depth: fan_in, columns: fan_out });
        input = vec![0.0; z.len()];
        activation::forward(simd::level(), relu, &z, &mut input);
        pre_activations.push(z);
    }
    let last = WIDTHS.len() - 2;
    let last_gradient = normal_values(BATCH * WIDTHS[last + 1], key.named("gradient"));
    let mut gradient = last_gradient.clone();
    for layer in (1..=last).rev() {
        let (fan_in, fan_out) = (WIDTHS[layer], WIDTHS[layer + 1]);
        let given = ActivationGradient { saved: &pre_activations[layer], grad_output: &gradient };
        let mut grad_pre = vec![0.0; gradient.len()];
        activation::backward(simd::level(), relu, given, &mut grad_pre);
        gradient = transposed(&grad_pre, &weights[layer], Sizes { rows: BATCH, depth: fan_out, columns: fan_in });
    }
    let square = |values: &[f32]| Moments::of_slice(values).second_moment;
    Ratios {
        forward: square(&pre_activations[last]) / square(&pre_activations[0]),
        backward: square(&gradient) / square(&last_gradient),
    }
}

fn product(left: &[f32], right: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut scratch = vec![0.0; matmul::scratch_length(simd::level(), sizes)];
    let mut result = vec![0.0; sizes.rows * sizes.columns];
    matmul::matmul(simd::level(), sizes, Factors { left, right, bias: None }, &mut result, Scratch(&mut scratch));
    result
}

/// Returns `left` times the transpose of `right`, `[columns, depth]`.
fn transposed(left: &[f32], right: &[f32], sizes: Sizes) -> Vec<f32> {
    let mut scratch = vec![0.0; matmul::scratch_length(simd::level(), sizes)];
    let mut result = vec![0.0; sizes.rows * sizes.columns];
    let factors = Factors { left, right, bias: None };
    matmul::matmul_transposed(simd::level(), sizes, factors, &mut result, Scratch(&mut scratch));
    result
}
