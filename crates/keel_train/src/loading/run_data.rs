//! The data of an earlier run, read again and compared with the data that the run was trained on.

use keel_data::{SplitDataset, Targets};

use crate::config::Config;
use crate::error::TrainError;
use crate::metrics::Metrics;
use crate::runs::{Checkpoint, PartMetrics, RunFolder, TrainingState};

/// Treatment of data that has changed since a run was trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedData {
    /// It is an error: samples of the training split may be in the test split now.
    Refused,
    /// It is used, and the change is described.
    Allowed,
}

/// Data of an earlier run.
#[derive(Debug, Clone)]
pub struct RunData {
    /// The samples and their splits.
    pub split: SplitDataset,
    /// The change since the run was trained, if there is one: `other samples: the data given has …`.
    pub change: Option<String>,
}

/// Facts that a run recorded about the data it was trained on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DataRecord {
    /// [`SplitDataset::fingerprint`]; `None` if the run recorded none.
    fingerprint: Option<String>,
    /// Number of samples in the splits whose number is known, by name.
    samples: Vec<(&'static str, u64)>,
    /// Names of the classes; empty if they are not known, or for values.
    classes: Vec<String>,
}

impl DataRecord {
    /// Reads the record of the run of `config` in `folder`.
    pub(crate) fn of(folder: &RunFolder, config: &Config) -> Self {
        let summary = folder.read_summary().ok();
        let in_brief = summary.as_ref().and_then(|summary| summary.data_fingerprint.clone());
        let fingerprint = in_brief.or_else(|| {
            let last = Checkpoint::<TrainingState>::read(&folder.last_checkpoint()).ok()?;
            Some(last.description.data_fingerprint).filter(|fingerprint| !fingerprint.is_empty())
        });
        let PartMetrics { train, validation, test } = summary.map(|summary| summary.metrics).unwrap_or_default();
        let named = [&test, &validation, &train].into_iter().flatten().find(|metrics| !metrics.classes.is_empty());
        let classes = named.map(|metrics| metrics.classes.iter().map(|class| class.name.clone()).collect());
        // Otherwise only some of the training samples were evaluated.
        let train = train.filter(|_| config.train.evaluated_training_samples == 0);
        let number = |(name, metrics): (&'static str, Option<Metrics>)| {
            metrics.map(|metrics| (name, metrics.samples + metrics.left_out.map_or(0, |left_out| left_out.samples)))
        };
        DataRecord {
            fingerprint,
            classes: classes.unwrap_or_default(),
            samples: [("training", train), ("validation", validation), ("test", test)]
                .into_iter()
                .filter_map(number)
                .collect(),
        }
    }

    /// Sets the classes to those of a model.
    pub(crate) fn with_classes(self, classes: &[String]) -> Self {
        DataRecord { classes: classes.to_vec(), ..self }
    }

    /// Describes the difference between the recorded data and `given`; `None` if they are the same, as far as recorded.
    pub(crate) fn change(&self, given: &SplitDataset) -> Option<String> {
        let differences = self.differences(given).join(", ");
        let Some(began) = &self.fingerprint else {
            let named = !self.classes.is_empty() && self.classes != classes_of(given);
            return named.then(|| format!("other classes: the data given {differences}"));
        };
        let now = given.fingerprint();
        if *began == now {
            return None;
        }
        let samples = |fingerprint: &str| fingerprint.split('-').next().map(str::to_owned);
        if samples(began) == samples(&now) {
            let what = "the same samples, but a different split into training, validation and test";
            return Some(format!("{what} (fingerprint {began}, the data given has {now})"));
        }
        let account = match (differences.is_empty(), self.samples.len()) {
            (false, _) => format!("the data given {differences}"),
            (true, 0) => return Some(format!("other samples (fingerprint {began}, the data given has {now})")),
            (true, _) => "the data given has as many, in another order or with other values".to_owned(),
        };
        Some(format!("other samples: {account} (fingerprint {began}, the data given has {now})"))
    }

    /// Returns every known difference as the end of a sentence about `given`.
    fn differences(&self, given: &SplitDataset) -> Vec<String> {
        let now = classes_of(given);
        let mut differences = Vec::new();
        if !self.classes.is_empty() {
            let missing = self.classes.iter().filter(|name| !now.contains(name));
            differences.extend(missing.map(|name| format!("lacks the class `{name}`")));
            let new = now.iter().filter(|name| !self.classes.contains(name));
            differences.extend(new.map(|name| format!("has the new class `{name}`")));
            if differences.is_empty() && self.classes != now {
                differences.push("has the classes in another order".to_owned());
            }
        }
        let SplitDataset { train, validation, test, .. } = given;
        for (name, before) in &self.samples {
            let part = match *name {
                "training" => train,
                "validation" => validation,
                _ => test,
            };
            if part.len() as u64 != *before {
                differences.push(format!("has {} {name} samples instead of {before}", part.len()));
            }
        }
        differences
    }
}

fn classes_of(data: &SplitDataset) -> &[String] {
    match data.dataset.targets() {
        Targets::Classes { class_names, .. } => class_names,
        _ => &[],
    }
}

/// Compares `given` with the data that the run of `config` in `folder` was trained on; returns the change if it is allowed.
///
/// # Errors
/// [`TrainError::ChangedData`] if it is refused.
pub(crate) fn compare_data(
    folder: &RunFolder,
    config: &Config,
    given: &SplitDataset,
    changed: ChangedData,
) -> Result<Option<String>, TrainError> {
    match (DataRecord::of(folder, config).change(given), changed) {
        (Some(what), ChangedData::Refused) => Err(TrainError::ChangedData { run: folder.path().to_owned(), what }),
        (change, _) => Ok(change),
    }
}

#[cfg(test)]
mod tests {
    use keel_data::{Dataset, Inputs, SampleShape, Split};

    use super::*;

    fn data(labels: &[u32], names: &[&str], seed: u64) -> SplitDataset {
        let class_names = names.iter().map(|name| (*name).to_owned()).collect();
        let inputs = Inputs::Floats((0..labels.len()).map(|row| row as f32).collect());
        let targets = Targets::Classes { labels: labels.to_vec(), class_names };
        let dataset = Dataset::from_memory("rows", SampleShape::Features(1), inputs, targets).unwrap();
        dataset.split(Split { validation: 0.25, test: 0.25, seed }).unwrap()
    }

    #[test]
    fn a_change_names_the_classes_and_numbers_of_samples() {
        let labels: Vec<u32> = (0..32).map(|row| row % 2).collect();
        let began = data(&labels, &["a", "b"], 0);
        let names = vec!["a".to_owned(), "b".to_owned()];
        let samples = vec![("training", 18), ("validation", 6), ("test", 8)];
        let record = DataRecord { fingerprint: Some(began.fingerprint()), samples, classes: names.clone() };
        assert_eq!(record.change(&began), None);
        let swapped: Vec<u32> = labels.iter().map(|label| 1 - label).collect();
        let more: Vec<u32> = (0..64).map(|row| row % 2).collect();
        let third: Vec<u32> = (0..33).map(|row| row % 3).collect();
        let cases: [(SplitDataset, &str); 6] = [
            (
                data(&labels, &["a", "b"], 1),
                "the same samples, but a different split into training, validation and test (",
            ),
            (
                data(&swapped, &["a", "b"], 0),
                "other samples: the data given has as many, in another order or with other values (",
            ),
            (
                data(&more, &["a", "b"], 0),
                "has 36 training samples instead of 18, has 12 validation samples instead of 6",
            ),
            (data(&labels, &["a", "c"], 0), "the data given lacks the class `b`, has the new class `c` (fingerprint"),
            (data(&labels, &["b", "a"], 0), "has the classes in another order"),
            (data(&third, &["a", "b", "c"], 0), "other samples: the data given has the new class `c`"),
        ];
        for (given, expected) in cases {
            let change = record.change(&given).unwrap();
            assert!(change.contains(expected), "{change}\nlacks: {expected}");
        }
        // A model alone knows its classes.
        let model = DataRecord::default().with_classes(&names);
        assert_eq!(model.change(&data(&swapped, &["a", "b"], 0)), None);
        let change = model.change(&data(&labels, &["a", "c"], 0)).unwrap();
        assert_eq!(change, "other classes: the data given lacks the class `b`, has the new class `c`");
    }
}
