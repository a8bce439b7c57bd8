//! Permutation importance: the decrease of the model's score when the values of one column are permuted among the samples
//! (Breiman 2001). A column is permuted as a whole, with all its features.
//!
//! A column that another one can replace appears unimportant, and the importances describe this model, not the real-world
//! process.

use keel_data::{Dataset, SampleShape};
use keel_nn::RandomKey;
use serde::{Deserialize, Serialize};

use super::{Prediction, Predictor};
use crate::error::TrainError;
use crate::metrics::{MetricName, Metrics, finite};
use crate::runs::{RunFolder, files};
use keel_data::shell_path;

/// Maximum number of samples that are permuted; of more, this many are chosen, evenly spread.
const SAMPLES: usize = 10_000;

/// Settings of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportanceOptions {
    /// Number of permutations of each column.
    pub repeats: usize,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Metric whose decrease is measured; auto is `train.metric`, or accuracy and R2 if that is auto as well.
    pub metric: MetricName,
}

impl Default for ImportanceOptions {
    fn default() -> Self {
        ImportanceOptions { repeats: 5, seed: 0, metric: MetricName::Auto }
    }
}

/// Importance of the columns of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Part: `test`, `validation`, or the name of the given data.
    pub part: String,
    /// The metric.
    pub metric: MetricName,
    /// Value on the unpermuted samples.
    #[serde(default = "finite::absent", with = "finite")]
    pub score: f64,
    /// Number of samples that were permuted.
    pub samples: u64,
    /// Number of permutations of each column.
    pub repeats: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Columns, the most important first.
    pub columns: Vec<ColumnImportance>,
}

/// Importance of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnImportance {
    /// Name in the header.
    pub name: String,
    /// Mean of `drops`.
    #[serde(default = "finite::absent", with = "finite")]
    pub mean: f64,
    /// Standard deviation of `drops`, with their number as the divisor.
    #[serde(default = "finite::absent", with = "finite")]
    pub std: f64,
    /// Decrease of the metric in each repeat, in its own unit: positive is worse, whether larger values are better or not.
    pub drops: Vec<f64>,
}

impl Importance {
    /// Measures the columns of the samples `indices` of labelled data; `part` is their name.
    ///
    /// # Errors
    /// If the data are images, there are fewer than two samples with a finite result, or the metric does not fit or is
    /// undefined on them.
    pub fn measure(
        predictor: &Predictor,
        dataset: &Dataset,
        indices: &[usize],
        part: &str,
        options: ImportanceOptions,
    ) -> Result<Self, TrainError> {
        let groups = predictor.schema().groups();
        if matches!(predictor.schema().sample_shape, SampleShape::Image { .. }) || groups.is_empty() {
            return Err(refusal("the model was trained on images, which have no columns; use the run of a table"));
        }
        let rows = dataset.selected(&answered(predictor, dataset, &spread(indices))?)?;
        let all: Vec<usize> = (0..rows.samples()).collect();
        if all.len() < 2 {
            return Err(refusal("there are fewer than two samples to permute; use more data"));
        }
        let before = predictor.evaluate(&rows, &all)?;
        let metric = chosen(options.metric, predictor.config().train.metric, &before)?;
        let score = defined(metric, &before)?;
        let mut columns = Vec::with_capacity(groups.len());
        for (name, features) in groups {
            let key = RandomKey::new(options.seed).named("importance").named(&name);
            let mut drops = Vec::with_capacity(options.repeats);
            for repeat in 0..options.repeats {
                let order = permutation(key.child(repeat as u64), all.len());
                let metrics = predictor.evaluate(&rows.with_features_of(features.clone(), &order), &all)?;
                drops.push(score - defined(metric, &metrics)?);
            }
            columns.push(ColumnImportance::new(name, drops));
        }
        // The sort is stable: columns of equal importance keep the order of the table.
        columns.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        Ok(Importance {
            part: part.to_owned(),
            metric,
            score: metric.value(&before).unwrap_or(f64::NAN),
            samples: all.len() as u64,
            repeats: options.repeats as u64,
            seed: options.seed,
            columns,
        })
    }

    /// Writes `importance.json` into the folder of a run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<(), TrainError> {
        let path = folder.importance();
        let text = serde_json::to_string_pretty(self).map_err(|error| TrainError::run(&path, error))?;
        folder.write_text(&path, &(text + "\n"))
    }

    /// Reads `importance.json`; `None` if the run has none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(folder: &RunFolder) -> Result<Option<Self>, TrainError> {
        let path = folder.importance();
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path).map_err(|error| TrainError::unreadable(&path, error))?;
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let next = format!("measure it again with `evenkeel importance {}`", shell_path(folder.path()));
            TrainError::of_file(&path, error, next)
        })
    }
}

impl ColumnImportance {
    fn new(name: String, drops: Vec<f64>) -> Self {
        let count = drops.len().max(1) as f64;
        let mean = drops.iter().sum::<f64>() / count;
        let variance = drops.iter().map(|drop| (drop - mean).powi(2)).sum::<f64>() / count;
        ColumnImportance { name, mean, std: variance.sqrt(), drops }
    }
}

fn refusal(message: impl Into<String>) -> TrainError {
    TrainError::setting("importance", message)
}

/// Returns the samples of `indices` for which the model has a finite result.
fn answered(predictor: &Predictor, dataset: &Dataset, indices: &[usize]) -> Result<Vec<usize>, TrainError> {
    let predictions = predictor.predict_samples(dataset, indices)?;
    let with_result = indices.iter().zip(predictions);
    let kept = with_result.filter(|(_, prediction)| !matches!(prediction, Prediction::Undefined { .. }));
    Ok(kept.map(|(&sample, _)| sample).collect())
}

fn spread(indices: &[usize]) -> Vec<usize> {
    let count = indices.len().min(SAMPLES);
    (0..count).map(|index| indices[index * indices.len() / count]).collect()
}

/// Returns the requested metric, or that of training, or accuracy and R2 (the RMSE if R2 is undefined).
fn chosen(asked: MetricName, trained: MetricName, metrics: &Metrics) -> Result<MetricName, TrainError> {
    let classification = metrics.is_classification();
    if !asked.fits(classification) {
        let names: Vec<&str> = MetricName::shown(classification).map(MetricName::name).collect();
        return Err(refusal(format!("{} does not fit the targets; use one of {}", asked.name(), names.join(", "))));
    }
    let first = [asked, trained].into_iter().find(|&metric| metric != MetricName::Auto);
    Ok(match first {
        Some(metric) => metric,
        None if classification => MetricName::Accuracy,
        None if MetricName::R2.value(metrics).is_some() => MetricName::R2,
        None => MetricName::Rmse,
    })
}

/// Returns the score, for which larger is better.
fn defined(metric: MetricName, metrics: &Metrics) -> Result<f64, TrainError> {
    metric.score(metrics).ok_or_else(|| {
        let reason = metrics.undefined.get(metric.name()).map_or("its value is not finite", String::as_str);
        refusal(format!("{} is undefined on these samples ({reason}); choose another metric", metric.name()))
    })
}

/// Returns a random permutation of `0..count` (Fisher & Yates), which depends only on the key.
fn permutation(key: RandomKey, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let below = (u128::from(key.bits(last as u64)) * (last as u128 + 1)) >> 64;
        order.swap(last, below as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_functions_of_their_key_and_uniform() {
        let key = RandomKey::new(7);
        assert_eq!(permutation(key, 100), permutation(key, 100));
        assert_ne!(permutation(key.child(0), 100), permutation(key.child(1), 100));
        let mut sorted = permutation(key, 100);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        let mut firsts = [0; 3];
        (0..3_000).for_each(|draw| firsts[permutation(key.child(draw), 3)[0]] += 1);
        // 1,000 expected; five standard deviations are 129.
        assert!(firsts.iter().all(|&count: &i32| (871..1_129).contains(&count)), "{firsts:?}");
    }

    #[test]
    fn spread_and_mean_of_the_drops_are_those_of_scikit_learn() {
        let column = ColumnImportance::new("a".to_owned(), vec![1.0, 3.0]);
        assert_eq!((column.mean, column.std), (2.0, 1.0));
    }
}
