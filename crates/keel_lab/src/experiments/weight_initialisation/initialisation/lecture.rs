//! The lecture's five settings (CS231n 2020, lecture 7, pages 60 to 74) with the numbers printed on its slides.

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use serde::Serialize;

use super::Initialisation;
use super::config::Config;
use super::layers::{Layer, measured};
use crate::error::LabError;
use crate::experiment::Experiment;
use crate::signal::verdict;
use crate::signal::{Stack, infinite_width};

/// One setting as in the lecture: 16 samples through six layers of 4,096 units.
struct Slide {
    setting: Setting,
    activation: Activation,
    weights: WeightStd,
    /// Printed standard deviations of the six layers.
    std: [f64; 6],
    /// Printed means; `None` for tanh, where they are 0.
    mean: Option<[f64; 6]>,
}

/// A setting, named after its characteristic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Setting {
    TanhSmall,
    TanhLarge,
    TanhXavier,
    ReluXavier,
    ReluKaiming,
}

/// Standard deviation of the weights.
enum WeightStd {
    Fixed(f64),
    /// The square root of this divided by the number of inputs.
    Scaled(f64),
}

const SLIDES: [Slide; 5] = [
    Slide {
        setting: Setting::TanhSmall,
        activation: Activation::Tanh,
        weights: WeightStd::Fixed(0.01),
        std: [0.49, 0.29, 0.18, 0.11, 0.07, 0.05],
        mean: None,
    },
    Slide {
        setting: Setting::TanhLarge,
        activation: Activation::Tanh,
        weights: WeightStd::Fixed(0.05),
        std: [0.87, 0.85, 0.85, 0.85, 0.85, 0.85],
        mean: None,
    },
    Slide {
        setting: Setting::TanhXavier,
        activation: Activation::Tanh,
        weights: WeightStd::Scaled(1.0),
        std: [0.63, 0.49, 0.41, 0.36, 0.32, 0.30],
        mean: None,
    },
    Slide {
        setting: Setting::ReluXavier,
        activation: Activation::Relu,
        weights: WeightStd::Scaled(1.0),
        std: [0.58, 0.41, 0.30, 0.21, 0.15, 0.10],
        mean: Some([0.39, 0.28, 0.20, 0.14, 0.10, 0.07]),
    },
    Slide {
        setting: Setting::ReluKaiming,
        activation: Activation::Relu,
        weights: WeightStd::Scaled(2.0),
        std: [0.83, 0.83, 0.83, 0.81, 0.81, 0.81],
        mean: Some([0.57, 0.57, 0.56, 0.55, 0.55, 0.55]),
    },
];

/// Number of units of every layer on the slides.
pub(crate) const SLIDE_WIDTH: usize = 4096;

/// Returns the printed standard deviations for weights of variance `scaled_variance / inputs` with `activation`, or
/// `None` if no slide has such weights.
pub(crate) fn printed_std(activation: Activation, scaled_variance: f64) -> Option<[f64; 6]> {
    let scaled = |slide: &Slide| match slide.weights {
        WeightStd::Fixed(std) => SLIDE_WIDTH as f64 * std * std,
        WeightStd::Scaled(factor) => factor,
    };
    let same = |slide: &&Slide| slide.activation == activation && (scaled(slide) / scaled_variance - 1.0).abs() < 0.01;
    SLIDES.iter().find(same).map(|slide| slide.std)
}

/// Numbers of one of the settings.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct LectureSetting {
    pub(super) setting: Setting,
    pub(super) activation: &'static str,
    /// Standard deviation of the weights.
    pub(super) weight_std: f64,
    /// Number of inputs times the variance of a weight, which decides the outcome.
    pub(super) scaled_variance: f64,
    /// Values printed on the slide, for up to six layers.
    pub(super) slide_std: Vec<f64>,
    pub(super) slide_mean: Option<Vec<f64>>,
    /// Factor of dL/dh from one layer to the one before, averaged over the stack.
    pub(super) gradient_factor: f64,
    pub(super) layers: Vec<Layer>,
}

/// Measures all five; they share their draws, so that they differ only in the scale of the weights and the activation.
///
/// # Errors
/// Fails if a value is not finite.
pub(super) fn settings(config: &Config, key: RandomKey) -> Result<Vec<LectureSetting>, LabError> {
    let Config { width, depth, batch, .. } = *config;
    let stacks = SLIDES.map(|Slide { activation, weights, .. }| {
        let std = match weights {
            WeightStd::Fixed(std) => std,
            WeightStd::Scaled(factor) => (factor / width as f64).sqrt(),
        };
        (Stack { width, depth, batch, activation, init: InitSpec::normal(std as f32) }, std)
    });
    let runs = Stack::run_together(&stacks, key);
    let setting = |((slide, (_, std)), signals): ((Slide, (Stack, f64)), _)| {
        let scaled_variance = width as f64 * std * std;
        let theory = infinite_width(slide.activation, scaled_variance, depth);
        let layers = measured(Initialisation::NAME, slide.activation, signals, Some(&theory))?;
        let back: Vec<f64> = layers.iter().rev().map(|layer| layer.gradient.activation_rms).collect();
        let printed = |values: [f64; 6]| values[..depth.min(6)].to_vec();
        Ok(LectureSetting {
            setting: slide.setting,
            activation: slide.activation.name(),
            weight_std: std,
            scaled_variance,
            slide_std: printed(slide.std),
            slide_mean: slide.mean.map(printed),
            gradient_factor: verdict::mean_factor(&back),
            layers,
        })
    };
    SLIDES.into_iter().zip(stacks).zip(runs.iter().map(Vec::as_slice)).map(setting).collect()
}
