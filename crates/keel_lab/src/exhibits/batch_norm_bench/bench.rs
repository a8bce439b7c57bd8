//! The layer and its measurements: linear map, batch norm, and the same map with batch norm folded into it.

use keel_data::PreprocessStep;
use keel_nn::init::InitSpec;
use keel_nn::layers::{BatchNormSpec, LayerSpec, LinearSpec};
use keel_nn::{Cpu, Network, Op, ParameterRole, RandomKey, Shape};
use serde::Serialize;

use super::{BenchMode, Source, State};
use crate::error::LabError;
use crate::experiments::batch_normalisation::batch_norm_folding::fold::{Channel, channels, fold};
use crate::samples::{Digits, FEATURES, Order, Part, Parts, Task};
use crate::signal::normal_values;
use crate::statistics::Moments;
use crate::training::Classifier;

/// Number of units of the layer.
pub(super) const UNITS: usize = 32;
/// Number of normal samples for gathering statistics, and for display.
const NORMAL_SAMPLES: [usize; 2] = [2048, 256];
/// Number of folded channels listed.
const LISTED: usize = 4;

/// Samples of the last answer.
#[derive(Default)]
pub(crate) struct Data {
    kept: Option<(Source, u64, Parts)>,
}

impl Data {
    /// Returns the samples of `source`, reusing those of the last answer if possible.
    ///
    /// # Errors
    /// Fails if the digits cannot be preprocessed.
    pub(super) fn samples(&mut self, source: Source, seed: u64) -> Result<&Parts, LabError> {
        if !matches!(&self.kept, Some((kept, of, _)) if (*kept, *of) == (source, seed)) {
            self.kept = None;
        }
        if self.kept.is_none() {
            let parts = match source {
                Source::Normal => normal(RandomKey::new(seed).named("inputs")),
                Source::Digits => Digits::preprocessed(&[PreprocessStep::Standardize], seed)?,
            };
            self.kept = Some((source, seed, parts));
        }
        let (_, _, parts) = self.kept.as_ref().expect("it was filled above");
        Ok(parts)
    }
}

fn normal(key: RandomKey) -> Parts {
    let [train, test] = NORMAL_SAMPLES;
    let part = |name: &str, samples: usize| Part {
        inputs: normal_values(samples * FEATURES, key.named(name)),
        labels: vec![0; samples],
    };
    Parts { train: part("train", train), test: part("test", test) }
}

/// Numbers of the figures.
#[derive(Debug, Serialize)]
pub(crate) struct Numbers {
    /// Moments over all units.
    pub(super) before: Moments,
    /// Moments with γ = 1 and β = 0.
    pub(super) normalised: Moments,
    pub(super) after: Moments,
    pub(super) units: Vec<Unit>,
    /// Share of ε in the sum under the square root, averaged over the units.
    pub(super) epsilon_share: f64,
    /// Largest difference between output and input relative to the largest input, if γ and β are set to recover it.
    pub(super) identity_difference: Option<f64>,
    pub(super) warm_up: Vec<WarmUp>,
    /// Mean of the means and mean of the variances of all units, over all training samples.
    pub(super) whole: [f64; 2],
    pub(super) folded: Option<Folded>,
    /// Values for the drawings, `[batch, units]` each.
    #[serde(skip)]
    pub(super) values: Values,
}

/// Values of the displayed batch, `[batch, units]` each.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) before: Vec<f32>,
    pub(super) normalised: Vec<f32>,
    pub(super) after: Vec<f32>,
}

/// One unit of the layer.
#[derive(Debug, Serialize)]
pub(super) struct Unit {
    pub(super) before: Moments,
    pub(super) normalised: Moments,
    /// Standard deviation of the normalised values according to the formula.
    pub(super) theory: f64,
    /// Mean that is subtracted.
    pub(super) subtracted: f64,
    /// Divisor √(variance + ε).
    pub(super) divisor: f64,
    pub(super) gamma: f64,
    pub(super) beta: f64,
}

/// Running statistics after a number of batches, averaged over the units.
#[derive(Debug, Serialize)]
pub(super) struct WarmUp {
    pub(super) batches: usize,
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// Weight of the initial value according to the formula.
    pub(super) start: f64,
}

impl WarmUp {
    /// Returns the share of the initial value, 1, in the running variance: small weights have a variance far below it.
    pub(super) fn share_of_start(&self) -> f64 {
        self.start / self.variance.max(f64::MIN_POSITIVE)
    }
}

/// The layer with folded batch norm, compared with the layer in evaluation mode.
#[derive(Debug, Serialize)]
pub(super) struct Folded {
    /// Largest difference of an output folded by the formula.
    pub(super) largest: f64,
    /// `largest` relative to the largest output.
    pub(super) relative: f64,
    /// Largest difference of an output in the engine's own inference program.
    pub(super) engine: f64,
    /// Largest difference from the output in training mode, which uses batch statistics.
    pub(super) from_training: f64,
    /// First channels.
    pub(super) channels: Vec<Channel>,
}

impl Numbers {
    /// Returns true if every output is finite.
    pub(super) fn is_finite(&self) -> bool {
        let Values { before, normalised, after } = &self.values;
        [before, normalised, after].into_iter().flatten().all(|value| value.is_finite())
            && self.warm_up.iter().all(|row| row.mean.is_finite() && row.variance.is_finite())
    }
}

/// Builds the layer, gathers its running statistics and runs one batch through it.
///
/// # Errors
/// Fails if the layer cannot be built.
pub(super) fn measured(state: &State, seed: u64, parts: &Parts) -> Result<Numbers, LabError> {
    let key = RandomKey::new(seed).named("bench");
    let mut normed = layer(state, Norm::With, key)?;
    let mut plain = layer(state, Norm::Without, key)?;
    for network in [&mut normed.network, &mut plain.network] {
        set(network, ParameterRole::Bias, &[state.mean as f32; UNITS]);
    }
    let weights: Vec<f32> = places(&normed.network, ParameterRole::Weight)
        .flat_map(|range| normed.network.parameters[range].to_vec())
        .collect();
    set(&mut plain.network, ParameterRole::Weight, &weights);
    let warm_up = warm_up(state, &mut normed, &parts.train, key);
    let shown = Order::new(parts.test.len(), key.named("shown")).next(state.batch);
    let batch = parts.test.take(&shown);
    let before = plain.scores(&batch.inputs);
    let run = |normed: &mut Classifier| match state.mode {
        BenchMode::Train => normed.scores_with_own_statistics(&batch.inputs),
        BenchMode::Evaluate => normed.scores(&batch.inputs),
    };
    let normalised = run(&mut normed);
    let units = units(state, &normed.network, &before, &normalised);
    let [gamma, beta]: [Vec<f32>; 2] = [|unit: &Unit| unit.gamma, |unit: &Unit| unit.beta]
        .map(|of| units.iter().map(|unit| of(unit) as f32).collect());
    set(&mut normed.network, ParameterRole::Scale, &gamma);
    set(&mut normed.network, ParameterRole::Shift, &beta);
    let after = run(&mut normed);
    let whole = averages(&column_moments(&plain.scores_by(&Cpu::unfused(), &parts.train)));
    let folded = state.fold.then(|| folded(&mut normed, &mut plain, &batch));
    let (epsilon, largest) = (state.epsilon, largest(before.iter().copied()));
    let identity = state.recover.then(|| difference(&before, &after) / largest.max(f64::MIN_POSITIVE));
    Ok(Numbers {
        before: Moments::of_slice(&before),
        normalised: Moments::of_slice(&normalised),
        after: Moments::of_slice(&after),
        epsilon_share: units.iter().map(|unit| epsilon / unit.divisor.powi(2)).sum::<f64>() / units.len() as f64,
        units,
        identity_difference: identity,
        warm_up,
        whole,
        folded,
        values: Values { before, normalised, after },
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Norm {
    With,
    Without,
}

/// Builds the linear map from 64 inputs, with or without batch norm after it.
fn layer(state: &State, norm: Norm, key: RandomKey) -> Result<Classifier, LabError> {
    let std = state.std / (FEATURES as f64).sqrt();
    let linear = LinearSpec { init: InitSpec::normal(std as f32), ..LinearSpec::new(UNITS) };
    let spec =
        BatchNormSpec { momentum: state.momentum as f32, epsilon: state.epsilon as f32, ..BatchNormSpec::default() };
    let norm = (norm == Norm::With).then(|| LayerSpec::BatchNorm(spec));
    let layers: Vec<LayerSpec> = std::iter::once(LayerSpec::Linear(linear)).chain(norm).collect();
    let task = Task { input: Shape::Features(FEATURES), classes: UNITS };
    Classifier::for_task(task, &layers, state.batch, key)
}

/// Returns the ranges of all parameters with a role.
fn places(network: &Network, role: ParameterRole) -> impl Iterator<Item = std::ops::Range<usize>> {
    let parameters = network.graph.parameters().iter().filter(move |parameter| parameter.spec.role == role);
    parameters.map(|parameter| parameter.range.clone())
}

fn set(network: &mut Network, role: ParameterRole, values: &[f32]) {
    let places: Vec<_> = places(network, role).collect();
    places.into_iter().for_each(|place| network.parameters[place].copy_from_slice(values));
}

/// Returns running mean and variance of every unit.
fn running(network: &Network) -> Vec<[f64; 2]> {
    let norm = network.graph.nodes().iter().find_map(|node| match &node.op {
        Op::BatchNorm(norm) => Some(norm.running_places(node.state.start)),
        _ => None,
    });
    let pairs = norm.map(|places| {
        let (means, variances) = (&network.state[places.mean], &network.state[places.variance]);
        means.iter().zip(variances).map(|(&mean, &variance)| [mean, variance].map(f64::from)).collect()
    });
    pairs.unwrap_or_default()
}

/// Gathers running statistics batch by batch, starting from mean 0 and variance 1.
fn warm_up(state: &State, normed: &mut Classifier, train: &Part, key: RandomKey) -> Vec<WarmUp> {
    let mut order = Order::new(train.len(), key.named("order"));
    let mut rows = Vec::with_capacity(state.batches + 1);
    let mut start = 1.0;
    for batches in 0..=state.batches {
        if batches > 0 {
            normed.gather_statistics(&train.take(&order.next(state.batch)).inputs);
            start *= 1.0 - state.momentum;
        }
        let [mean, variance] = averages(&running(&normed.network));
        rows.push(WarmUp { batches, mean, variance, start });
    }
    rows
}

/// Averages the means and the variances.
fn averages(moments: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|index| moments.iter().map(|moments| moments[index]).sum::<f64>() / moments.len().max(1) as f64)
}

/// Returns mean and variance of each unit of `values`, `[samples, units]`.
fn column_moments(values: &[f32]) -> Vec<[f64; 2]> {
    (0..UNITS).map(|unit| unit_moments(values, unit)).map(|Moments { mean, std, .. }| [mean, std * std]).collect()
}

/// Returns the moments of one unit, computed relative to its first value, so that a small deviation with a large mean
/// keeps its digits.
fn unit_moments(values: &[f32], unit: usize) -> Moments {
    let column = || values.iter().skip(unit).step_by(UNITS).map(|&value| f64::from(value));
    let first = column().next().unwrap_or_default();
    let moments = Moments::of(column().map(|value| value - first));
    let mean = first + moments.mean;
    Moments { mean, std: moments.std, second_moment: moments.std * moments.std + mean * mean }
}

fn units(state: &State, network: &Network, before: &[f32], normalised: &[f32]) -> Vec<Unit> {
    let running = running(network);
    let unit = |(unit, running): (usize, [f64; 2])| {
        let own = unit_moments(before, unit);
        let [subtracted, variance] = match state.mode {
            BenchMode::Train => [own.mean, own.std * own.std],
            BenchMode::Evaluate => running,
        };
        let divisor = (variance + state.epsilon).sqrt();
        let [gamma, beta] = if state.recover { [divisor, subtracted] } else { [state.gamma, state.beta] };
        Unit {
            before: own,
            normalised: unit_moments(normalised, unit),
            theory: own.std / divisor,
            subtracted,
            divisor,
            gamma,
            beta,
        }
    };
    running.into_iter().enumerate().map(unit).collect()
}

/// Folds batch norm into the plain map, and compares the outputs for one batch.
fn folded(normed: &mut Classifier, plain: &mut Classifier, batch: &Part) -> Folded {
    fold(&normed.network, &mut plain.network);
    let evaluated = normed.scores(&batch.inputs);
    let largest = difference(&evaluated, &plain.scores(&batch.inputs));
    let mut listed = channels(&normed.network);
    listed.truncate(LISTED);
    Folded {
        largest,
        relative: largest / self::largest(evaluated.iter().copied()).max(f64::MIN_POSITIVE),
        engine: difference(&evaluated, &normed.scores_by(&Cpu::fused(), batch)),
        from_training: difference(&evaluated, &normed.scores_with_own_statistics(&batch.inputs)),
        channels: listed,
    }
}

fn largest(values: impl Iterator<Item = f32>) -> f64 {
    values.fold(0.0, |largest, value| largest.max(f64::from(value).abs()))
}

/// Returns the largest difference of corresponding values.
fn difference(left: &[f32], right: &[f32]) -> f64 {
    left.iter().zip(right).fold(0.0, |largest, (&a, &b)| (f64::from(a) - f64::from(b)).abs().max(largest))
}
