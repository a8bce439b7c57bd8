//! Failure of batch norm with weights so small that ε outweighs the variance: the signal by layer, in theory and as
//! measured, and the same training run with a smaller ε.

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use keel_nn::layers::{BatchNormSpec, LayerSpec};
use serde::Serialize;

use super::{Config, EPSILON, Runs, Start, Trained, UNITS};
use crate::error::LabError;
use crate::samples::Part;
use crate::signal::Stack;
use crate::statistics::Moments;

/// Standard deviation of weights that are too small even for batch norm.
const SCALE: f64 = 1e-4;
/// Values of ε: the engine's default and two that stay below the variance.
const EPSILONS: [f64; 3] = [EPSILON, 1e-8, 1e-11];

/// Numbers of the same network with different ε.
#[derive(Debug, Serialize)]
pub(super) struct EpsilonFigures {
    /// Standard deviation of the weights.
    pub(super) scale: f64,
    pub(super) runs: Vec<EpsilonRun>,
}

/// One value of ε.
#[derive(Debug, Serialize)]
pub(super) struct EpsilonRun {
    pub(super) epsilon: f64,
    pub(super) layers: Vec<EpsilonLayer>,
    #[serde(flatten)]
    pub(super) trained: Trained,
}

/// One layer before training.
#[derive(Debug, Serialize)]
pub(super) struct EpsilonLayer {
    pub(super) layer: usize,
    /// Standard deviation after batch norm, 1 if ε were negligible.
    pub(super) normalised_std: f64,
    pub(super) theory: f64,
}

/// Measures and trains with each ε.
///
/// # Errors
/// Fails if a network cannot be built.
pub(super) fn figures(config: &Config, data: &Part, key: RandomKey) -> Result<EpsilonFigures, LabError> {
    let run = |epsilon: f64| {
        let norm = BatchNormSpec { epsilon: epsilon as f32, ..BatchNormSpec::default() };
        let start = Start { init: InitSpec::normal(SCALE as f32), learning_rate: config.learning_rate };
        let trained = Runs { config, data, key }.train(start, Some(LayerSpec::BatchNorm(norm)))?;
        Ok(EpsilonRun { epsilon, layers: layers(config, epsilon, key), trained })
    };
    Ok(EpsilonFigures { scale: SCALE, runs: EPSILONS.into_iter().map(run).collect::<Result<_, LabError>>()? })
}

/// Measures a relu stack with the depth and width of the trained network, on a standard normal input.
fn layers(config: &Config, epsilon: f64, key: RandomKey) -> Vec<EpsilonLayer> {
    let (depth, batch) = (config.depth, config.batch);
    let init = InitSpec::normal(SCALE as f32);
    let stack = Stack { width: UNITS, depth, batch, activation: Activation::Relu, init };
    // Over the batch a sum varies as its inputs do, since batch norm subtracts their mean. Relu leaves 1/2 − 1/2π of
    // the variance of a normal variable.
    let mut input_variance = 1.0;
    let signals = stack.forward_with_batch_norm(key.named("epsilon"), epsilon);
    let layer = |(index, signal): (usize, &crate::signal::LayerSignal)| {
        let variance = UNITS as f64 * SCALE * SCALE * input_variance;
        let normalised = variance / (variance + epsilon);
        input_variance = (0.5 - 0.5 / std::f64::consts::PI) * normalised;
        EpsilonLayer {
            layer: index + 1,
            normalised_std: Moments::of_slice(&signal.pre_activation).std,
            theory: normalised.sqrt(),
        }
    };
    signals.iter().enumerate().map(layer).collect()
}

#[cfg(test)]
mod tests {
    use keel_data::PreprocessStep;

    use super::*;
    use crate::samples::Digits;

    #[test]
    fn epsilon_outweighs_the_variance_of_tiny_weights_and_a_smaller_one_lets_them_learn() {
        for seed in 0..2 {
            let train = Digits::preprocessed(&[PreprocessStep::Standardize], seed).unwrap().train;
            let figures = figures(&Config::default(), &train, RandomKey::new(seed)).unwrap();
            let [usual, _, tiny] = &figures.runs[..] else { panic!("three values") };
            assert!(usual.trained.train_accuracy < 0.2, "{usual:?}");
            assert!(tiny.trained.train_accuracy > 0.8, "{tiny:?}");
            for run in [usual, tiny] {
                for layer in &run.layers {
                    let ratio = layer.normalised_std / layer.theory;
                    // Each layer compounds the previous layer's deviation from infinite width.
                    let limit = 1.25_f64.powi(layer.layer as i32);
                    assert!((1.0 / limit..limit).contains(&ratio), "ε {}: {layer:?}", run.epsilon);
                }
            }
            assert!(usual.layers[3].normalised_std < 1e-3 && tiny.layers[3].normalised_std > 0.99);
        }
    }
}
