//! Automatic choices: what a config leaves open, decided from what the data is.
//!
//! `model.preset = "auto"`, the default, opens the network and every key in [`CHOSEN`]; a key that was given keeps its value.
//! The choice is a function of config and data alone, so that the same run is chosen on every machine; only the number of
//! epochs also depends on the time a step takes ([`crate::planning::Pace`]), and is written into the run's config like all others.

mod images;
mod rows;

use keel_data::{Dataset, SampleShape, SplitDataset, Targets};
use serde::{Deserialize, Serialize};

use crate::config::{Config, SOURCE, take_source};
use crate::error::TrainError;
use crate::metrics::MetricName;

/// Samples of the largest class for each one of the smallest, from which on classes count as unbalanced.
const UNBALANCED: usize = 10;

/// Keys that an automatic choice may set.
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

/// One key with the value that was chosen for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The dotted key.
    pub key: String,
    /// Its value, as TOML writes it.
    pub value: String,
    /// Why this value.
    pub reason: String,
}

/// A config with nothing left open, and the data divided as it says.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The config.
    pub config: Config,
    /// The data.
    pub data: SplitDataset,
    /// What was chosen, in the order of the config; empty where nothing was open.
    pub choices: Vec<Choice>,
}

/// What the choices depend on: known from the headers of images as well as from data in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Shape of a sample.
    pub shape: SampleShape,
    /// Samples of the training, validation and test part that the source comes with; all are of the first where it has no
    /// parts.
    pub parts: [usize; 3],
    /// The targets are values, not classes.
    pub values: bool,
    /// Samples of the largest class for each one of the smallest; 1 for values.
    pub imbalance: usize,
}

impl Facts {
    /// The facts of data in memory.
    pub fn of_data(dataset: &Dataset) -> Self {
        let parts = match dataset.division() {
            Some(division) => [division.train.len(), division.validation.len(), division.test.len()],
            None => [dataset.samples(), 0, 0],
        };
        let all: Vec<usize> = (0..dataset.samples()).collect();
        Facts {
            shape: *dataset.sample_shape(),
            parts,
            values: matches!(dataset.targets(), Targets::Values { .. }),
            imbalance: imbalance(dataset.class_counts(&all)),
        }
    }

    /// Returns true if `config` has samples to choose the best epoch by.
    fn has_validation(&self, config: &Config) -> bool {
        self.parts[1] > 0 || config.data.validation > 0.0
    }

    /// Number of samples that `config` leaves for training.
    pub fn training_samples(&self, config: &Config) -> usize {
        let [train, validation, test] = self.parts;
        let share = |own: usize, share: f64| if own > 0 { 1.0 } else { (1.0 - share).clamp(0.0, 1.0) };
        (train as f64 * share(test, config.data.test) * share(validation, config.data.validation)).round() as usize
    }
}

/// Samples of the largest class for each one of the smallest that has any, rounded.
pub fn imbalance(class_samples: impl IntoIterator<Item = usize>) -> usize {
    let counts: Vec<usize> = class_samples.into_iter().filter(|&samples| samples > 0).collect();
    match (counts.iter().max(), counts.iter().min()) {
        (Some(largest), Some(smallest)) => (largest + smallest / 2) / smallest,
        _ => 1,
    }
}

/// Decides what `config` leaves open for `data`. A config that names its network is returned as it is, and data that was
/// divided in another way than the config says stays as it was divided.
///
/// # Errors
/// Data that cannot be divided as chosen, or a network file that cannot be read.
pub fn resolve(config: &Config, data: SplitDataset) -> Result<Resolved, TrainError> {
    let division = (config.data.validation, config.data.test);
    let mut open = config.clone();
    // A config that a program made may still name a file; that of a text has been read with it.
    take_source(&mut open).map_err(|message| TrainError::setting(SOURCE, message))?;
    if data.split != Some(open.clone().settled().data.split()) {
        ["data.validation", "data.test"].into_iter().for_each(|key| open.given.insert(key));
    }
    let (mut config, mut choices) = decide(&open, &Facts::of_data(&data.dataset));
    let data = match (config.data.validation, config.data.test) == division {
        true => data,
        false => config.clone().settled().data.split().divide(data.dataset)?,
    };
    // A share of very few samples is none.
    if data.validation.is_empty() && choices.iter().any(|choice| choice.key == "train.metric") {
        config.train.metric = open.train.metric;
        choices.retain(|choice| choice.key != "train.metric");
    }
    Ok(Resolved { config, data, choices })
}

/// Decides what `config` leaves open for data with these `facts`, and returns the choices in the order of the config.
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
        let reason = format!(
            "the largest class has {} samples for one of the smallest; unweighted, probabilities stay true (\"balanced\" finds \
             more of the rare class)",
            facts.imbalance
        );
        chooser.choose("train.class_weights", reason, |_| {});
        if matches!(facts.shape, SampleShape::Image { .. }) && facts.has_validation(&chooser.config) {
            chooser.choose("train.metric", "few samples of a class say little in an accuracy", |config| {
                config.train.metric = MetricName::LogLoss;
            });
        }
    }
    (chooser.config, chooser.choices)
}

/// A config being decided.
struct Chooser {
    config: Config,
    /// The config as it was given.
    open: Config,
    choices: Vec<Choice>,
}

impl Chooser {
    /// Lets `set` change `key`, unless it was given.
    fn choose(&mut self, key: &'static str, reason: impl Into<String>, set: impl FnOnce(&mut Config)) {
        debug_assert!(CHOSEN.contains(&key), "{key} is not among the keys that may be chosen");
        if self.open.is_given(key) {
            return;
        }
        set(&mut self.config);
        self.choices.push(Choice { key: key.to_owned(), value: self.config.value_text(key), reason: reason.into() });
    }
}

#[cfg(test)]
mod tests;
