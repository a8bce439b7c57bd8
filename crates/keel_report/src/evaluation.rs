//! Evaluation of the stored model on the run's data.

use std::path::Path;

use keel_data::{Dataset, PreprocessStatistics, SplitDataset, Targets};
use keel_page::charts::Point;
use keel_train::metrics::Metrics;
use keel_train::{ChangedData, Importance, Prediction, Predictor, TrainError};

use crate::filters::Filters;
use crate::mistakes::{Mistake, worst};
use crate::options::ReportOptions;
use crate::record::Record;
use crate::shown_columns::ShownColumns;

/// Number of training samples whose statistics are shown.
const STATISTICS_SAMPLES: usize = 5_000;

/// Results of the model on one part of the data. Anything may be missing.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    /// `test`, or `validation` if there is no test split.
    pub(crate) part: &'static str,
    /// Number of samples evaluated.
    pub(crate) samples: usize,
    /// Number of samples in the part.
    pub(crate) part_samples: usize,
    /// Metrics on the evaluated samples.
    pub(crate) metrics: Option<Metrics>,
    /// Names of the classes.
    pub(crate) class_names: Vec<String>,
    /// The worst predictions, worst first.
    pub(crate) mistakes: Vec<Mistake>,
    /// Columns of the table that are shown with them.
    pub(crate) columns: ShownColumns,
    /// Values of each target; empty for classification.
    pub(crate) targets: Vec<TargetValues>,
    /// First-layer weights of image networks.
    pub(crate) filters: Option<Filters>,
    /// Moments of the training split before and after preprocessing.
    pub(crate) statistics: Option<PreprocessStatistics>,
    /// Description of the preprocessing, one sentence per step.
    pub(crate) preprocessing: Vec<String>,
    /// Number of samples in the three splits.
    pub(crate) splits: Option<[usize; 3]>,
}

impl Evaluation {
    /// Loads the model of `run`, whose folder is read in `record`, and evaluates it; failures are added to the notes there.
    pub(crate) fn of(run: &Path, record: &mut Record, options: &ReportOptions) -> Self {
        let mut evaluation = Evaluation::default();
        if !run.join("model.safetensors").is_file() {
            record.notes.push("model.safetensors: not written yet, so there are no predictions to show".to_owned());
            return evaluation;
        }
        match evaluation.fill(run, record.importance.as_ref(), options) {
            Ok(()) => {}
            // Predictions for other samples are not results of this run.
            Err(TrainError::ChangedData { what, .. }) => {
                record.notes.push(format!("predictions: the run was trained on {what}"));
            }
            Err(error) => {
                record.notes.push(format!("predictions: {}", error.to_string().lines().next().unwrap_or_default()));
            }
        }
        evaluation
    }

    fn fill(&mut self, run: &Path, importance: Option<&Importance>, options: &ReportOptions) -> Result<(), TrainError> {
        let predictor = Predictor::load(run)?;
        self.class_names = predictor.class_names().to_vec();
        self.preprocessing = predictor.preprocessor().describe();
        self.filters = Filters::of(predictor.network());
        let data = match &options.data {
            Some(data) => data.clone(),
            None => predictor.load_run_data(ChangedData::Refused)?.split,
        };
        self.splits = Some([&data.train, &data.validation, &data.test].map(Vec::len));
        self.columns = ShownColumns::of(&data.dataset, importance);
        let training = spread(&data.train, STATISTICS_SAMPLES);
        self.statistics = Some(predictor.preprocessor().statistics(&data.dataset, &training)?);
        self.ask(&predictor, &data, options.samples)
    }

    fn ask(&mut self, predictor: &Predictor, data: &SplitDataset, most: usize) -> Result<(), TrainError> {
        let (part, indices) = match data.test.is_empty() {
            true => ("validation", &data.validation),
            false => ("test", &data.test),
        };
        (self.part, self.part_samples) = (part, indices.len());
        let indices = spread(indices, most);
        self.samples = indices.len();
        if indices.is_empty() {
            return Ok(());
        }
        let predictions = predictor.predict_samples(&data.dataset, &indices)?;
        self.mistakes = worst(&data.dataset, &indices, &predictions, &self.columns)?;
        self.targets = targets(&data.dataset, &indices, &predictions);
        self.metrics = Some(predictor.evaluate(&data.dataset, &indices)?);
        Ok(())
    }
}

/// Returns at most `most` of `indices`, evenly spaced.
fn spread(indices: &[usize], most: usize) -> Vec<usize> {
    let count = indices.len().min(most);
    (0..count).map(|index| indices[index * indices.len() / count]).collect()
}

/// True and predicted values of one target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TargetValues {
    /// Name of the target.
    pub(crate) name: String,
    /// True and predicted value of each sample.
    pub(crate) pairs: Vec<Point>,
}

/// Collects true and predicted values of each target.
fn targets(dataset: &Dataset, indices: &[usize], predictions: &[Prediction]) -> Vec<TargetValues> {
    let Targets::Values { values, target_names } = dataset.targets() else { return Vec::new() };
    let width = target_names.len();
    let pairs = |target: usize| {
        let pair = |(&sample, prediction): (&usize, &Prediction)| match prediction {
            Prediction::Values(predicted) => {
                let truth = f64::from(values[sample * width + target]) + dataset.target_origin();
                Some((truth, *predicted.get(target)?))
            }
            Prediction::Class { .. } | Prediction::Undefined { .. } => None,
        };
        indices.iter().zip(predictions).filter_map(pair).collect()
    };
    let of_target = |(target, name): (usize, &String)| TargetValues { name: name.clone(), pairs: pairs(target) };
    target_names.iter().enumerate().map(of_target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_over_the_whole_part() {
        assert_eq!(spread(&[5, 6, 7, 8], 2), [5, 7]);
        assert_eq!(spread(&[5, 6], 10), [5, 6]);
        assert!(spread(&[], 10).is_empty());
    }
}
