//! Six layers of 4,096 units before training: what the initial weights do to the signal and to its gradient.
//!
//! Reference values: the theory of infinitely wide layers, `signal::infinite_width`.

mod config;
mod page;

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use serde::Serialize;

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::interval::Interval;
use crate::page::Page;
use crate::signal::{LayerSignal, Stack, infinite_width, weight_std};
use crate::statistics::{Histogram, Moments, fraction};
use config::{Config, Kind};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Initialisation>();

struct Initialisation;

impl Experiment for Initialisation {
    const NAME: &'static str = "initialisation";
    const TITLE: [&'static str; 2] = ["Initialisation: signal and gradient by layer", "初始化：逐层的信号与梯度"];
    const SUMMARY: [&'static str; 2] = [
        "Histograms, mean and standard deviation of every layer's outputs and gradients before training, for any initialiser.",
        "训练开始前，不同初始化下每一层输出与梯度的直方图、均值和标准差。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let (init, activation) = (config.init_spec(), config.activation.0);
        init.validate()?;
        let Config { width, depth, batch, .. } = *config;
        let signals = Stack { width, depth, batch, activation, init }.run(RandomKey::new(seed));
        check_finite(&signals)?;
        let std = weight_std(init, activation, width);
        let theory = std.map(|std| infinite_width(activation, width as f64 * std * std, depth));
        let frame = Frame {
            activation,
            range: histogram_range(activation, &signals),
            first_std: Moments::of_slice(&signals[0].output).std,
        };
        let theory = |index: usize| theory.as_ref().map(|theory| theory[index]);
        let layers =
            signals.iter().enumerate().map(|(index, signal)| frame.layer(index, signal, theory(index))).collect();
        let init = used_init(config, init, std);
        Ok(Document { width, depth, batch, activation: activation.name(), init, seed, layers })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

const BINS: usize = 60;
/// A function is flat where its derivative is below this share of its largest: for tanh where |h| > 0.99.
const FLAT: f32 = 0.0199;

/// Numbers of the figures.
#[derive(Debug, PartialEq, Serialize)]
struct Document {
    width: usize,
    depth: usize,
    batch: usize,
    activation: &'static str,
    init: UsedInit,
    seed: u64,
    layers: Vec<Layer>,
}

/// The initialiser as it was used.
#[derive(Debug, PartialEq, Serialize)]
struct UsedInit {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Standard deviation of the weights, where they are independent draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
    /// Value of constant weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Standard deviation times the square root of the number of inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    gain: Option<f64>,
}

/// Numbers of one layer.
#[derive(Debug, PartialEq, Serialize)]
struct Layer {
    layer: usize,
    pre_activation: Moments,
    activation: Output,
    gradient: GradientSizes,
    verdict: Verdict,
    /// Moments of the outputs at infinite width.
    #[serde(skip_serializing_if = "Option::is_none")]
    theory: Option<Moments>,
}

/// Distribution of the outputs of a layer.
#[derive(Debug, PartialEq, Serialize)]
struct Output {
    mean: f64,
    std: f64,
    second_moment: f64,
    zero_fraction: f64,
    near_zero_fraction: f64,
    saturated_fraction: f64,
    mean_derivative: f64,
    histogram: Histogram,
}

/// Root mean squares of gradients.
#[derive(Debug, PartialEq, Serialize)]
struct GradientSizes {
    /// Equal to `weight_rms`.
    rms: f64,
    weight_rms: f64,
    activation_rms: f64,
}

/// State of the signal of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// Below a tenth of the first layer's.
    TooSmall,
    /// More than a quarter of the outputs lie where the activation is flat.
    Saturated,
    /// More than ten times the first layer's.
    TooLarge,
    InRange,
}

/// Describes the initialiser, whose weights have the standard deviation `std`.
fn used_init(config: &Config, init: InitSpec, std: Option<f64>) -> UsedInit {
    let used = UsedInit { kind: init.name(), std: None, value: None, gain: None };
    match config.init.kind {
        Kind::Normal | Kind::Uniform => UsedInit { std: Some(config.init.std), ..used },
        Kind::Constant => UsedInit { value: Some(config.init.std), ..used },
        _ => UsedInit { std, gain: std.map(|std| std * (config.width as f64).sqrt()), ..used },
    }
}

fn check_finite(signals: &[LayerSignal]) -> Result<(), LabError> {
    for (index, signal) in signals.iter().enumerate() {
        let parts = [
            ("the pre-activation", &signal.pre_activation),
            ("the output", &signal.output),
            ("the gradient", &signal.grad_output),
        ];
        for (part, values) in parts {
            if values.iter().any(|value| !value.is_finite()) {
                return Err(LabError::NotFinite {
                    experiment: Initialisation::NAME,
                    what: format!("{part} of layer {}", index + 1),
                });
            }
        }
    }
    Ok(())
}

/// The same bins for all layers: the range of the function where it has one, else that of the values.
fn histogram_range(activation: Activation, signals: &[LayerSignal]) -> Interval {
    match activation {
        Activation::Tanh => Interval { low: -1.0, high: 1.0 },
        Activation::Sigmoid => Interval { low: 0.0, high: 1.0 },
        _ => {
            let first = Moments::of_slice(&signals[0].output);
            let reach = (first.mean.abs() + 4.0 * first.std).max(f64::MIN_POSITIVE);
            let negative = signals.iter().any(|signal| signal.output.iter().any(|&value| value < 0.0));
            Interval { low: if negative { -reach } else { 0.0 }, high: reach }
        }
    }
}

/// Values that all layers of a stack are seen against.
struct Frame {
    activation: Activation,
    /// Ends of the histograms.
    range: Interval,
    /// Standard deviation of the outputs of the first layer.
    first_std: f64,
}

impl Frame {
    /// Measures the layer `index`.
    fn layer(&self, index: usize, signal: &LayerSignal, theory: Option<Moments>) -> Layer {
        let function = self.activation.initial_function();
        let largest = (-800..=800).map(|x| function.derivative(x as f32 * 0.01).abs()).fold(0.0, f32::max);
        let output = Moments::of_slice(&signal.output);
        let derivatives: Vec<f32> = signal.pre_activation.iter().map(|&z| function.derivative(z)).collect();
        let flat = derivatives
            .iter()
            .zip(&signal.output)
            .filter(|(slope, output)| slope.abs() < FLAT * largest && **output != 0.0);
        let saturated = flat.count() as f64 / signal.output.len() as f64;
        Layer {
            layer: index + 1,
            pre_activation: Moments::of_slice(&signal.pre_activation),
            activation: Output {
                mean: output.mean,
                std: output.std,
                second_moment: output.second_moment,
                zero_fraction: fraction(&signal.output, |value| value == 0.0),
                near_zero_fraction: fraction(&signal.output, |value| value.abs() < 0.05),
                saturated_fraction: saturated,
                mean_derivative: Moments::of_slice(&derivatives).mean,
                histogram: Histogram::of(&signal.output, self.range, BINS),
            },
            gradient: GradientSizes {
                rms: signal.grad_weight_rms,
                weight_rms: signal.grad_weight_rms,
                activation_rms: Moments::of_slice(&signal.grad_output).second_moment.sqrt(),
            },
            verdict: self.verdict(output.std, saturated),
            theory,
        }
    }

    fn verdict(&self, std: f64, saturated: f64) -> Verdict {
        match () {
            () if std < 0.1 * self.first_std => Verdict::TooSmall,
            () if saturated > 0.25 => Verdict::Saturated,
            () if std > 10.0 * self.first_std => Verdict::TooLarge,
            () => Verdict::InRange,
        }
    }
}

#[cfg(test)]
mod tests;
