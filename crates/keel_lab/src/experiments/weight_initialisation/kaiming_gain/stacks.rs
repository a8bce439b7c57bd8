//! Signals through deep relu stacks with weights of variance g/n.

use keel_nn::RandomKey;
use keel_nn::activations::{Activation, LeakyReluSpec};
use keel_nn::init::InitSpec;
use serde::Serialize;

use super::{Comparison, Config, KAIMING, KaimingGain};
use crate::error::LabError;
use crate::experiment::Experiment;
use crate::signal::{LayerSignal, Stack, normal_moments};
use crate::statistics::{Moments, fraction};

/// Signal of the last layer divided by that of the first, with one factor.
#[derive(Debug, Serialize)]
pub(super) struct Scanned {
    pub(super) factor: f64,
    pub(super) log10_ratio: f64,
    /// Standard deviation over networks.
    pub(super) spread: f64,
    pub(super) predicted: f64,
}

/// Steps of the derivation, measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Steps {
    pub(crate) positive_fraction: f64,
    pub(crate) second_moment_over_variance: f64,
    pub(crate) variance_over_variance: f64,
    pub(crate) next_variance_over_prediction: f64,
}

/// Integrals over the density of a normal number y, computed numerically.
#[derive(Debug, Serialize)]
pub(super) struct HalfIntegral {
    /// Integral of y² over all y, for variance 1.
    pub(super) whole: f64,
    /// Integral of y² over y above 0, for variance 1.
    pub(super) positive_half: f64,
    /// Mean of max(0, y) for variance 2.
    pub(super) mean_at_variance_2: f64,
    /// Standard deviation of max(0, y) for variance 2.
    pub(super) std_at_variance_2: f64,
    /// Mean of max(0, y)² for variance 2.
    pub(super) second_moment_at_variance_2: f64,
}

/// Variance of the pre-activations by layer, with one factor.
#[derive(Debug, Serialize)]
pub(super) struct Profile {
    pub(super) factor: f64,
    pub(super) layers: Vec<ProfileLayer>,
}

/// Variance of the pre-activations of one layer.
#[derive(Debug, Serialize)]
pub(super) struct ProfileLayer {
    pub(super) layer: usize,
    /// Ratio to the variance of the layer before; `None` for the first.
    pub(super) step: Option<f64>,
    /// Ratio to the variance of the first layer.
    pub(super) product: Comparison,
}

/// Outputs of one layer with Kaiming's factor: means over networks, and their spread.
#[derive(Debug, Serialize)]
pub(super) struct LayerFigures {
    pub(super) layer: usize,
    pub(super) mean: f64,
    pub(super) std: f64,
    /// Standard deviation of `std` over networks.
    pub(super) std_spread: f64,
    pub(super) second_moment: f64,
}

/// Standard deviations of the outputs with a separate factor in the first layer.
#[derive(Debug, Serialize)]
pub(super) struct FirstLayer {
    pub(super) factor: f64,
    pub(super) first: f64,
    pub(super) last: f64,
}

/// Leaky relu with one slope.
#[derive(Debug, Serialize)]
pub(super) struct SlopeFigures {
    pub(super) slope: f64,
    /// 2 / (1 + slope²)
    pub(super) factor: f64,
    /// E[x²] / Var(y)
    pub(super) kept: Comparison,
    /// log10 of the last layer over the first with its own factor; 0 in theory.
    pub(super) log10_ratio: f64,
    /// log10 of the last layer over the first with relu's factor 2.
    pub(super) log10_ratio_with_two: Comparison,
}

/// Returns log10 of the last layer's standard deviation over the first's, averaged over networks, and its prediction.
///
/// # Errors
/// Fails if the signal is not finite.
pub(super) fn scan(config: &Config, factor: f64, seed: u64) -> Result<Scanned, LabError> {
    let ratios = log10_ratios(config, Activation::Relu, factor, seed);
    if !ratios.mean.is_finite() {
        return Err(LabError::NotFinite {
            experiment: KaimingGain::NAME,
            what: format!("the signal with factor {factor}"),
        });
    }
    let predicted = 0.5 * (config.depth - 1) as f64 * (factor / KAIMING).log10();
    Ok(Scanned { factor, log10_ratio: ratios.mean, spread: ratios.std, predicted })
}

/// Measures the steps of the derivation at factor 2, averaged over networks.
pub(super) fn steps(config: &Config, seed: u64) -> Steps {
    let all: Vec<Steps> = networks(config, seed)
        .map(|seed| Steps::of(&signals(config, Activation::Relu, KAIMING, seed), KAIMING))
        .collect();
    let mean = |part: fn(&Steps) -> f64| Moments::of(all.iter().map(part)).mean;
    Steps {
        positive_fraction: mean(|steps| steps.positive_fraction),
        second_moment_over_variance: mean(|steps| steps.second_moment_over_variance),
        variance_over_variance: mean(|steps| steps.variance_over_variance),
        next_variance_over_prediction: mean(|steps| steps.next_variance_over_prediction),
    }
}

impl Steps {
    /// Measures the steps after the first layer of one network with weights of variance `factor`/n, where the input is normal.
    pub(crate) fn of(signals: &[LayerSignal], factor: f64) -> Steps {
        let (pre, output) = (Moments::of_slice(&signals[0].pre_activation), Moments::of_slice(&signals[0].output));
        let next = Moments::of_slice(&signals[1].pre_activation);
        let variance = pre.std * pre.std;
        Steps {
            positive_fraction: fraction(&signals[0].pre_activation, |z| z > 0.0),
            second_moment_over_variance: output.second_moment / variance,
            variance_over_variance: output.std * output.std / variance,
            next_variance_over_prediction: next.std * next.std / (factor * output.second_moment),
        }
    }
}

/// Computes the moments of relu's outputs under a normal density.
pub(super) fn half_integral() -> HalfIntegral {
    let two = normal_moments(Activation::Relu, 2.0_f64.sqrt());
    HalfIntegral {
        whole: normal_moments(Activation::Identity, 1.0).second_moment,
        positive_half: normal_moments(Activation::Relu, 1.0).second_moment,
        mean_at_variance_2: two.mean,
        std_at_variance_2: two.std,
        second_moment_at_variance_2: two.second_moment,
    }
}

/// Computes the variance by layer with one factor, averaged (as logarithms) over networks.
pub(super) fn profile(config: &Config, factor: f64, seed: u64) -> Profile {
    let mut logarithms = vec![0.0; config.depth];
    for seed in networks(config, seed) {
        for (sum, signal) in logarithms.iter_mut().zip(signals(config, Activation::Relu, factor, seed)) {
            *sum += 2.0 * Moments::of_slice(&signal.pre_activation).std.ln() / config.seeds as f64;
        }
    }
    let layer = |(index, logarithm): (usize, &f64)| ProfileLayer {
        layer: index + 1,
        step: index.checked_sub(1).map(|before| (logarithm - logarithms[before]).exp()),
        product: Comparison {
            theory: (factor / KAIMING).powi(index as i32),
            measured: (logarithm - logarithms[0]).exp(),
        },
    };
    Profile { factor, layers: logarithms.iter().enumerate().map(layer).collect() }
}

/// Measures the outputs of every layer with Kaiming's factor.
pub(super) fn by_layer(config: &Config, seed: u64) -> Vec<LayerFigures> {
    let runs: Vec<Vec<Moments>> = networks(config, seed)
        .map(|seed| {
            let signals = signals(config, Activation::Relu, KAIMING, seed);
            signals.iter().map(|signal| Moments::of_slice(&signal.output)).collect()
        })
        .collect();
    let layer = |layer: usize| {
        let over_networks = |part: fn(&Moments) -> f64| Moments::of(runs.iter().map(|run| part(&run[layer])));
        let std = over_networks(|moments| moments.std);
        LayerFigures {
            layer: layer + 1,
            mean: over_networks(|moments| moments.mean).mean,
            std: std.mean,
            std_spread: std.std,
            second_moment: over_networks(|moments| moments.second_moment).mean,
        }
    };
    (0..config.depth).map(layer).collect()
}

/// Measures the first and the last layer with `factor` in the first layer and Kaiming's in all others. A factor of the
/// first weights is equivalent to a factor of the input, since relu is positively homogeneous.
pub(super) fn first_layer(config: &Config, factor: f64, seed: u64) -> FirstLayer {
    let scale = (factor / KAIMING).sqrt();
    let deviations: Vec<(f64, f64)> = networks(config, seed)
        .map(|seed| {
            let signals = signals_of_input(config, scale as f32, seed);
            let std = |layer: usize| Moments::of_slice(&signals[layer].output).std;
            (std(0), std(config.depth - 1))
        })
        .collect();
    let mean = |part: fn(&(f64, f64)) -> f64| Moments::of(deviations.iter().map(part)).mean;
    FirstLayer { factor, first: mean(|one| one.0), last: mean(|one| one.1) }
}

/// Measures leaky relu with one slope: the remaining second moment, and a deep stack with its own factor and with relu's.
pub(super) fn slope(config: &Config, slope: f64, seed: u64) -> SlopeFigures {
    let activation = Activation::LeakyRelu(LeakyReluSpec { slope: slope as f32 });
    let share = 0.5 * (1.0 + slope * slope);
    let kept = networks(config, seed).map(|seed| {
        let first = Config { depth: 1, ..config.clone() };
        let signal = &signals(&first, activation, KAIMING, seed)[0];
        let pre = Moments::of_slice(&signal.pre_activation);
        Moments::of_slice(&signal.output).second_moment / (pre.std * pre.std)
    });
    let with_two = 0.5 * (config.depth - 1) as f64 * (KAIMING * share).log10();
    SlopeFigures {
        slope,
        factor: 1.0 / share,
        kept: Comparison { theory: share, measured: Moments::of(kept).mean },
        log10_ratio: log10_ratios(config, activation, 1.0 / share, seed).mean,
        log10_ratio_with_two: Comparison {
            theory: with_two,
            measured: log10_ratios(config, activation, KAIMING, seed).mean,
        },
    }
}

/// Returns the seeds of the networks that are averaged.
pub(super) fn networks(config: &Config, seed: u64) -> impl Iterator<Item = u64> {
    (0..config.seeds as u64).map(move |index| seed.wrapping_add(index))
}

fn stack(config: &Config, activation: Activation, factor: f64) -> Stack {
    let Config { width, depth, batch, .. } = *config;
    Stack { width, depth, batch, activation, init: InitSpec::normal((factor / width as f64).sqrt() as f32) }
}

fn signals(config: &Config, activation: Activation, factor: f64, seed: u64) -> Vec<LayerSignal> {
    stack(config, activation, factor).forward(RandomKey::new(seed))
}

/// Runs a stack with Kaiming's factor and an input of standard deviation `scale`.
fn signals_of_input(config: &Config, scale: f32, seed: u64) -> Vec<LayerSignal> {
    stack(config, Activation::Relu, KAIMING).forward_from(RandomKey::new(seed), scale)
}

/// Returns the moments over networks of log10 of the last layer's pre-activations over the first's.
fn log10_ratios(config: &Config, activation: Activation, factor: f64, seed: u64) -> Moments {
    let ratio = |seed: u64| {
        let signals = signals(config, activation, factor, seed);
        let std = |layer: usize| Moments::of_slice(&signals[layer].pre_activation).std;
        (std(config.depth - 1) / std(0)).log10()
    };
    Moments::of(networks(config, seed).map(ratio))
}
