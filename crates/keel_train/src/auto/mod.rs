//! Automatic choices: settings that a config leaves open, chosen from the properties of the data.
//!
//! `model.preset = "auto"`, the default, leaves the network and every key in [`CHOSEN`] open; a key that is given keeps its
//! value. The choice is a function of config and data only, so that it is the same on every machine; only the number of epochs
//! also depends on the time that a step takes ([`crate::planning::Pace`]), and is written to the run's config like all others.

mod images;
mod reason;
mod rows;

use keel_data::{Dataset, SampleShape, SplitDataset, TableColumn, Targets};
pub use reason::{ImageKind, ImageReason, PhotoReason, RateScaling, Reason, RowReason, TrainingReason};
use serde::{Deserialize, Serialize};

use crate::config::{Config, SOURCE, take_source};
use crate::error::TrainError;
use crate::metrics::MetricName;

/// Ratio of the sizes of the largest and the smallest class from which classes count as imbalanced.
const UNBALANCED: usize = 10;

/// Keys that an automatic choice can set.
pub const CHOSEN: &[&str] = &[
    "data.validation",
    "data.test",
    "preprocess.steps",
    "augment.flip",
    "augment.crop_padding",
    "augment.random_resized_crop",
    "model.preset",
    "model.width",
    "model.depth",
    "model.members",
    "model.dropout",
    "train.epochs",
    "train.batch_size",
    "train.loss",
    "train.class_weights",
    "train.metric",
    "train.averaging",
    "train.mirrored_evaluation",
    "train.early_stopping",
    "optimizer",
    "schedule",
];

/// One key with the value chosen for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Dotted key.
    pub key: String,
    /// Value in TOML syntax.
    pub value: String,
    /// Reason for the value, in English.
    pub reason: String,
    /// The same reason as a value; absent in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "Reason::read")]
    pub kind: Option<Reason>,
}

impl Choice {
    /// Creates the choice of `value`, in TOML syntax, for `key`.
    pub(crate) fn new(key: &str, value: String, reason: impl Into<Reason>) -> Self {
        let reason = reason.into();
        Choice { key: key.to_owned(), value, reason: reason.sentence().english, kind: Some(reason) }
    }

    /// Returns the reason in Chinese; `None` in runs of older versions.
    pub fn chinese_reason(&self) -> Option<String> {
        self.kind.map(|reason| reason.sentence().chinese)
    }
}

/// A config without open settings, and the data split accordingly.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Config.
    pub config: Config,
    /// Data.
    pub data: SplitDataset,
    /// Choices in the order of the config; empty if nothing was open.
    pub choices: Vec<Choice>,
}

/// Properties of the data that the choices depend on: known from the headers of images as well as from data in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Shape of a sample.
    pub shape: SampleShape,
    /// Number of features that measure something, in contrast to those that are 0 or 1 for a category; every value of an image.
    pub numeric_features: usize,
    /// Number of samples in the training, validation and test part of the source; all are in the first if the source has no
    /// parts.
    pub parts: [usize; 3],
    /// True if the targets are values, not classes.
    pub values: bool,
    /// Ratio of the sizes of the largest and the smallest class; 1 for values.
    pub imbalance: usize,
}

impl Facts {
    /// Collects the properties of data in memory.
    pub fn of_data(dataset: &Dataset) -> Self {
        let parts = match dataset.division() {
            Some(division) => [division.train.len(), division.validation.len(), division.test.len()],
            None => [dataset.samples(), 0, 0],
        };
        let all: Vec<usize> = (0..dataset.samples()).collect();
        let numeric_features = match dataset.columns() {
            [] => dataset.sample_shape().len(),
            columns => columns.iter().map(TableColumn::numeric_features).sum(),
        };
        Facts {
            shape: *dataset.sample_shape(),
            numeric_features,
            parts,
            values: matches!(dataset.targets(), Targets::Values { .. }),
            imbalance: imbalance(dataset.class_counts(&all)),
        }
    }

    /// Returns true if `config` has validation samples to choose the best epoch with.
    fn has_validation(&self, config: &Config) -> bool {
        self.parts[1] > 0 || config.data.validation > 0.0
    }

    /// Returns the number of samples that `config` leaves for training.
    pub fn training_samples(&self, config: &Config) -> usize {
        let [train, validation, test] = self.parts;
        let share = |own: usize, share: f64| if own > 0 { 1.0 } else { (1.0 - share).clamp(0.0, 1.0) };
        (train as f64 * share(test, config.data.test) * share(validation, config.data.validation)).round() as usize
    }
}

/// Returns the ratio of the sizes of the largest and the smallest class that is not empty, rounded.
pub fn imbalance(class_samples: impl IntoIterator<Item = usize>) -> usize {
    let counts: Vec<usize> = class_samples.into_iter().filter(|&samples| samples > 0).collect();
    match (counts.iter().max(), counts.iter().min()) {
        (Some(largest), Some(smallest)) => (largest + smallest / 2) / smallest,
        _ => 1,
    }
}

/// Chooses the open settings of `config` for `data`. A config that names its network is returned unchanged, and data that was
/// split differently from the config keeps its split.
///
/// # Errors
/// If the data cannot be split as chosen, or a network file cannot be read.
pub fn resolve(config: &Config, data: SplitDataset) -> Result<Resolved, TrainError> {
    let division = (config.data.validation, config.data.test);
    let mut open = config.clone();
    // A config made by a program may still name a file; the file of a config read from text has already been read.
    take_source(&mut open).map_err(|message| TrainError::setting(SOURCE, message))?;
    if data.split != Some(open.clone().settled().data.split()) {
        ["data.validation", "data.test"].into_iter().for_each(|key| open.given.insert(key));
    }
    let (mut config, mut choices) = decide(&open, &Facts::of_data(&data.dataset));
    let data = match (config.data.validation, config.data.test) == division {
        true => data,
        false => config.clone().settled().data.split().divide(data.dataset)?,
    };
    // A fraction of very few samples is zero samples.
    if data.validation.is_empty() && choices.iter().any(|choice| choice.key == "train.metric") {
        config.train.metric = open.train.metric;
        choices.retain(|choice| choice.key != "train.metric");
    }
    Ok(Resolved { config, data, choices })
}

/// Chooses the open settings of `config` for data with these `facts`, and returns the choices in the order of the config.
pub fn decide(config: &Config, facts: &Facts) -> (Config, Vec<Choice>) {
    if !config.model.is_auto() {
        return (config.clone(), Vec::new());
    }
    let mut chooser = Chooser { config: config.clone(), open: config.clone(), choices: Vec::new() };
    match facts.shape {
        SampleShape::Features(_) => rows::choose(&mut chooser, facts),
        SampleShape::Image { .. } => images::choose(&mut chooser, facts),
    }
    if facts.imbalance >= UNBALANCED {
        let ratio = facts.imbalance;
        chooser.choose("train.class_weights", TrainingReason::Imbalance { ratio }, |_| {});
        if matches!(facts.shape, SampleShape::Image { .. }) && facts.has_validation(&chooser.config) {
            chooser.choose("train.metric", TrainingReason::RareClasses, |config| {
                config.train.metric = MetricName::LogLoss;
            });
        }
    }
    (chooser.config, chooser.choices)
}

/// A config whose settings are being chosen.
struct Chooser {
    config: Config,
    /// The original config.
    open: Config,
    choices: Vec<Choice>,
}

impl Chooser {
    /// Lets `set` change `key`, unless it was given.
    fn choose(&mut self, key: &'static str, reason: impl Into<Reason>, set: impl FnOnce(&mut Config)) {
        debug_assert!(CHOSEN.contains(&key), "{key} is not listed in CHOSEN");
        if self.open.is_given(key) {
            return;
        }
        set(&mut self.config);
        self.choices.push(Choice::new(key, self.config.value_text(key), reason));
    }
}

#[cfg(test)]
mod tests;
