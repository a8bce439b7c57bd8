//! Backward pass of batch norm, derived step by step: every line of the derivation is computed by hand in f64 and
//! compared with the engine, whose layer runs forward and backward on the same batch.
//!
//! Sources: Ioffe & Szegedy (2015), section 3; assignment 2 of CS231n.

mod engine;
mod hand;
mod page;

use keel_nn::RandomKey;
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::signal::normal_values;
use engine::Engine;
use hand::Hand;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<BatchNormBackward>();

struct BatchNormBackward;

impl Experiment for BatchNormBackward {
    const NAME: &'static str = "batch_norm_backward";
    const TITLE: [&'static str; 2] =
        ["The backward pass of batch norm, line by line", "批量归一化的反向传播，逐行推导"];
    const SUMMARY: [&'static str; 2] = [
        "dx, dγ and dβ derived step by step, every line checked against the engine's numbers; and why the gradients of a batch sum to zero.",
        "逐步推导 dx、dγ 与 dβ，每一行都与引擎的数值核对；以及一批样本的梯度之和为何为零。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let batch = Batch::drawn(config, RandomKey::new(seed));
        let hand = Hand::new(&batch);
        let engine = Engine::run(&batch)?;
        let channels = (0..CHANNELS).map(|channel| hand.channel(channel, &engine)).collect();
        Ok(Document {
            seed,
            batch: config.batch,
            epsilon: config.epsilon,
            lines: lines(&batch, &hand, &engine)?,
            channels,
            samples: hand.samples(&engine),
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Number of channels in the batch.
const CHANNELS: usize = 3;
/// Location and scale of the inputs, γ, β, and the mean and the slope along the input of the upstream gradient, by channel.
const LOCATION: [f32; CHANNELS] = [4.0, -1.0, 0.0];
const SPREAD: [f32; CHANNELS] = [2.0, 0.5, 10.0];
const SCALE: [f32; CHANNELS] = [1.5, 1.0, 0.5];
const SHIFT: [f32; CHANNELS] = [0.0, 1.0, -2.0];
const GRADIENT_MEAN: f32 = 0.8;
const GRADIENT_SLOPE: f32 = 0.7;
const GRADIENT_NOISE: f32 = 0.6;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Samples N of the batch.
    #[schemars(extend("zh" = "批的样本数 N。"))]
    #[schemars(range(min = 3, max = 1024))]
    batch: usize,
    /// Number ε added to the variance.
    #[schemars(extend("zh" = "加在方差上的 ε。"))]
    #[schemars(range(min = 0.00000001, max = 10.0))]
    epsilon: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config { batch: 24, epsilon: 1e-5 }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    batch: usize,
    epsilon: f64,
    /// Lines of the derivation, in order.
    lines: Vec<LineCheck>,
    channels: Vec<ChannelFigures>,
    /// Samples of the first channel, smallest input first.
    samples: Vec<Sample>,
}

/// A line of the derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Output,
    Shift,
    Scale,
    Direct,
    Variance,
    Mean,
    ThreePaths,
    Collected,
    Numerical,
}

/// A line computed by hand and by the engine.
#[derive(Debug, Serialize)]
struct LineCheck {
    line: Line,
    /// Largest magnitude of the line's values.
    largest: f64,
    /// Largest difference between hand computation and engine.
    difference: f64,
}

/// Numbers of one channel.
#[derive(Debug, Serialize)]
struct ChannelFigures {
    mean: f64,
    variance: f64,
    gamma: f64,
    beta: f64,
    d_gamma: f64,
    d_beta: f64,
    d_mean: f64,
    d_variance: f64,
    /// Sum of the engine's dx over the batch.
    sum_dx: f64,
    /// Sum of the engine's dx times the normalised input.
    sum_dx_normalised: f64,
    /// Sum of the magnitudes of dx, for comparison.
    sum_magnitudes: f64,
}

/// Numbers of one sample in the first channel.
#[derive(Serialize)]
struct Sample {
    normalised: f64,
    upstream: f64,
    /// dx of the engine.
    dx: f64,
    direct: f64,
    by_variance: f64,
    by_mean: f64,
    /// Remaining part of the upstream gradient: dx without the factor γ/√(σ²+ε).
    left: f64,
}

/// Operands of one call: values are `[batch, channels]`.
struct Batch {
    x: Vec<f32>,
    upstream: Vec<f32>,
    epsilon: f32,
}

impl Batch {
    /// Draws an upstream gradient with its own mean and slope along the input, so that the part removed by batch norm
    /// is visible.
    fn drawn(config: &Config, key: RandomKey) -> Self {
        let length = config.batch * CHANNELS;
        let draws = normal_values(length, key.named("input"));
        let noise = normal_values(length, key.named("gradient"));
        let x = draws.iter().enumerate().map(|(index, draw)| {
            let channel = index % CHANNELS;
            LOCATION[channel] + SPREAD[channel] * draw
        });
        let upstream = draws
            .iter()
            .zip(&noise)
            .map(|(draw, noise)| GRADIENT_MEAN + GRADIENT_SLOPE * draw + GRADIENT_NOISE * noise);
        Batch { x: x.collect(), upstream: upstream.collect(), epsilon: config.epsilon as f32 }
    }

    fn samples(&self) -> usize {
        self.x.len() / CHANNELS
    }
}

/// Returns every line computed by hand, with the engine's result.
fn lines(batch: &Batch, hand: &Hand, engine: &Engine) -> Result<Vec<LineCheck>, LabError> {
    let check = |line, by_hand: &[f64], by_engine: &[f64]| {
        let largest = by_hand.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let pairs = by_hand.iter().zip(by_engine);
        LineCheck { line, largest, difference: pairs.fold(0.0_f64, |largest, (a, b)| largest.max((a - b).abs())) }
    };
    let slopes = engine::Slopes::measured(batch)?;
    Ok(vec![
        check(Line::Output, &hand.y, &engine.y),
        check(Line::Shift, &hand.d_shift, &engine.d_shift),
        check(Line::Scale, &hand.d_scale, &engine.d_scale),
        check(Line::Direct, &hand.direct, &engine::frozen_dx(batch)?),
        check(Line::Variance, &hand.d_variance, &slopes.variance),
        check(Line::Mean, &hand.d_mean, &slopes.mean),
        check(Line::ThreePaths, &hand.three_paths(), &engine.dx),
        check(Line::Collected, &hand.collected(), &engine.dx),
        check(Line::Numerical, &slopes.input, &engine.dx),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_agrees_with_the_engine() {
        for (seed, config) in [
            (0, Config::default()),
            (1, Config { batch: 3, ..Config::default() }),
            (2, Config { batch: 257, epsilon: 0.5 }),
            (3, Config { batch: 8, epsilon: 1e-3 }),
        ] {
            let document = BatchNormBackward::compute(&config, seed).unwrap();
            assert_eq!(document.lines.len(), 9);
            for check in &document.lines {
                assert!(check.largest > 1e-3, "{check:?} has something to compare");
                assert!(check.difference < 1e-5 * check.largest.max(1.0), "{config:?}: {check:?}");
            }
        }
    }

    #[test]
    fn the_gradients_of_a_batch_sum_to_zero_and_are_uncorrelated_with_the_input() {
        for seed in 0..5 {
            let document = BatchNormBackward::compute(&Config::default(), seed).unwrap();
            for channel in &document.channels {
                assert!(channel.sum_dx.abs() < 1e-5 * channel.sum_magnitudes, "{channel:?}");
                // Equal up to epsilon's share of the variance.
                let share = document.epsilon / (channel.variance + document.epsilon);
                assert!(channel.sum_dx_normalised.abs() < (1e-5 + 2.0 * share) * channel.sum_magnitudes, "{channel:?}");
                assert!(channel.d_beta.abs() > 1.0, "the upstream gradient itself does not sum to zero: {channel:?}");
            }
        }
    }

    #[test]
    fn a_large_epsilon_leaves_its_share_along_the_input_and_still_sums_to_zero() {
        let config = Config { epsilon: 1.0, ..Config::default() };
        let document = BatchNormBackward::compute(&config, 0).unwrap();
        let second = &document.channels[1];
        assert!(second.sum_dx.abs() < 1e-5 * second.sum_magnitudes, "{second:?}");
        let deviation = (second.variance + 1.0).sqrt();
        let expected = second.gamma * second.d_gamma / deviation * (1.0 / (second.variance + 1.0));
        assert!((second.sum_dx_normalised / expected - 1.0).abs() < 1e-4, "{second:?}, expected {expected}");
    }
}
