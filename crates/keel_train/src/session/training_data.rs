//! The data of a session: split, preprocessed, in batches.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use keel_data::{
    Augmenter, BatchOptions, BatchSource, Dataset, Peers, PreprocessStep, Preprocessor, SplitDataset, TrainingRanges,
};

use super::ranks::Ranks;
use crate::config::{Config, HealthLevel};
use crate::error::TrainError;
use crate::loading::data_config;
use crate::memory;

/// Data with its fitted preprocessing, and the source of training batches.
#[derive(Debug)]
pub(super) struct TrainingData {
    pub(super) split: SplitDataset,
    pub(super) preprocessor: Arc<Preprocessor>,
    pub(super) batches: BatchSource,
    /// Value ranges of the training split, which are stored in the model.
    pub(super) ranges: TrainingRanges,
    /// Sentences about everything that was decided or left out.
    pub(super) notes: Vec<String>,
}

impl TrainingData {
    /// Fits the preprocessing and augmentation of `config` on the training split.
    pub(super) fn new(config: &Config, split: SplitDataset) -> Result<Self, TrainError> {
        let steps = config.preprocess.resolved_steps();
        memory::check_preprocessing(config, split.dataset.sample_shape())?;
        let preprocessor = Arc::new(Preprocessor::fit(&split.dataset, &split.train, &steps)?);
        let options = BatchOptions::shuffled(config.train.batch_size, config.train.seed);
        let augmenter = Arc::new(Augmenter::fit(&split.dataset, &split.train, &config.augment)?);
        let batches = BatchSource::new(Arc::clone(&split.dataset), &split.train, Arc::clone(&preprocessor), options)?
            .with_augmentation(augmenter);
        let ranges = TrainingRanges::of(&split.dataset, &split.train)?;
        let notes = notes(config, &split)?;
        Ok(TrainingData { split, preprocessor, batches, ranges, notes })
    }

    /// Number of samples of the largest split.
    pub(super) fn largest_part(&self) -> usize {
        let SplitDataset { train, validation, test, .. } = &self.split;
        [train, validation, test].map(Vec::len).into_iter().max().unwrap_or(1)
    }
}

/// Returns the reader's notes on the data and a sentence for each requested split that stayed empty; if health rules are off,
/// also notes about duplicates and about augmentation combined with `standardize`.
fn notes(config: &Config, data: &SplitDataset) -> Result<Vec<String>, TrainError> {
    let mut notes = data.dataset.notes().to_vec();
    let splits = [("validation", config.data.validation, &data.validation), ("test", config.data.test, &data.test)];
    for (name, share, samples) in splits {
        if share > 0.0 && samples.is_empty() {
            notes.push(format!("no {name} split: {}", reason_of_none(&data.dataset)));
        }
    }
    // The findings of the health rules describe the rest better.
    if config.health.level != HealthLevel::Off {
        return Ok(notes);
    }
    if data.dataset.is_reported_here() {
        notes.extend(data.duplicate_notes()?);
    }
    let by_pixel = config.preprocess.resolved_steps().contains(&PreprocessStep::Standardize);
    if let Some(key) = config.augment.moving_key().filter(|_| by_pixel) {
        notes.push(format!(
            "augment.{key} moves pixels that standardize scales each by its own spread: one that hardly varies blows \
             up what comes to lie on it; channel_standardize scales all alike"
        ));
    }
    Ok(notes)
}

/// Returns the reason why no samples of `dataset` could be spared for a split.
fn reason_of_none(dataset: &Dataset) -> String {
    let keys = dataset.split_keys();
    let groups = keys.groups.as_ref().map(|groups| groups.iter().collect::<BTreeSet<_>>().len());
    match groups {
        Some(1) => "data.group has one group, which stays whole".to_owned(),
        Some(groups) => format!("data.group has {groups} groups, which stay whole and are too large to spare one"),
        None if keys.times.is_some() => "there are too few samples to spare any".to_owned(),
        None => "there are too few samples of each class to spare any".to_owned(),
    }
}

/// Like [`crate::load_data`], called on all ranks at the same time: each rank keeps its part of the samples.
///
/// # Errors
/// See [`crate::load_data`]; the same on all ranks. Also if a rank is lost.
pub(crate) fn load_share(config: &Config, ranks: &Ranks) -> Result<SplitDataset, TrainError> {
    let data = data_config(config)?;
    let peers: Arc<dyn Peers> = Arc::new(ranks.clone());
    let dataset = keel_data::load_shared(&data, Path::new(""), &peers);
    ranks.check()?;
    Ok(dataset?.split(data.split())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_data::{Inputs, SampleShape, SplitKeys, Targets};

    #[test]
    fn a_split_without_samples_has_its_reason() {
        let targets = Targets::Classes { labels: vec![0, 1, 0, 1], class_names: vec!["a".into(), "b".into()] };
        let data = Dataset::from_memory("a", SampleShape::Features(1), Inputs::Bytes(vec![0; 4]), targets).unwrap();
        let with = |groups, times| data.clone().with_split_keys(SplitKeys { groups, times }).unwrap();
        let cases = [
            (with(Some(vec![0, 0, 0, 0]), None), "one group, which stays whole"),
            (with(Some(vec![0, 0, 0, 1]), None), "2 groups, which stay whole"),
            (with(None, Some(vec![0.0; 4])), "too few samples to spare any"),
            (data.clone(), "too few samples of each class"),
        ];
        for (dataset, expected) in cases {
            let reason = reason_of_none(&dataset);
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
