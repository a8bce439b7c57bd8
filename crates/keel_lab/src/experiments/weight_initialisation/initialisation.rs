//! Six layers of 4,096 units before training: the effect of the initial weights on the signal and its gradient, in the
//! lecture's five settings and in any other.
//!
//! Reference values: the theory of infinitely wide layers, `signal::infinite_width`.

mod config;
pub(crate) mod layers;
pub(crate) mod lecture;
pub(crate) mod page;

use keel_nn::RandomKey;
use keel_nn::init::InitSpec;
use keel_page::page::Page;
use serde::Serialize;

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::signal::{Stack, infinite_width, weight_std};
use config::{Config, Kind};
use layers::{Layer, measured};
use lecture::LectureSetting;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Initialisation>();

struct Initialisation;

impl Experiment for Initialisation {
    const NAME: &'static str = "initialisation";
    const TITLE: [&'static str; 2] = ["Initialisation: signal and gradient by layer", "初始化：逐层的信号与梯度"];
    const SUMMARY: [&'static str; 2] = [
        "The lecture's five settings side by side: histograms of every layer's outputs before training, with the printed, the measured and the predicted deviation; gradients; and any other initialiser.",
        "课程的五种设置并排对比：训练前每一层输出的直方图，附课件数值、实测值与理论值；还有梯度，以及任意其他初始化。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let (init, activation) = (config.init_spec(), config.activation.0);
        init.validate()?;
        let Config { width, depth, batch, .. } = *config;
        let key = RandomKey::new(seed);
        let std = weight_std(init, activation, width);
        let theory = std.map(|std| infinite_width(activation, width as f64 * std * std, depth));
        let signals = Stack { width, depth, batch, activation, init }.run(key);
        let layers = measured(Self::NAME, activation, &signals, theory.as_deref())?;
        drop(signals);
        let lecture = lecture::settings(config, key)?;
        let init = used_init(config, init, std);
        Ok(Document { width, depth, batch, activation: activation.name(), init, seed, layers, lecture })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

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
    /// The lecture's five settings, with the same width, depth and batch.
    lecture: Vec<LectureSetting>,
}

/// Initialiser as used.
#[derive(Debug, PartialEq, Serialize)]
struct UsedInit {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Standard deviation of the weights, if they are independent draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
    /// Value of constant weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Standard deviation times the square root of the number of inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    gain: Option<f64>,
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

#[cfg(test)]
mod tests;
