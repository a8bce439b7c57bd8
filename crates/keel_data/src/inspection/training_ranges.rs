//! Ranges of the training inputs, to recognise samples far outside them.

use super::spread;
use crate::dataset::{ColumnEncoding, Dataset, NumberEncoding, Row, Work};
use crate::error::DataError;
use crate::moments::Moments;
use serde::{Deserialize, Serialize};

/// Number of standard deviations from the mean beyond which a value outside the training range counts as unlike the
/// training data.
const FAR_DEVIATIONS: f64 = 6.0;
/// Maximum number of images whose brightness is measured.
const BRIGHTNESS_SAMPLES: usize = 2_000;
/// Name of the mean over all values of an image.
const BRIGHTNESS: &str = "brightness";

/// Scale of features that do not come from a table.
static PLAIN: NumberEncoding = NumberEncoding::PLAIN;

/// Mean, standard deviation and range of one number over the training split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainingRange {
    /// Mean.
    pub mean: f64,
    /// Population standard deviation.
    pub std: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

impl TrainingRange {
    fn of(moments: &Moments) -> Option<Self> {
        let range = TrainingRange { mean: moments.mean, std: moments.std(), min: moments.min, max: moments.max };
        (moments.count > 0).then_some(range)
    }

    /// Returns true if `value` is outside the range and either exceeds it by more than the width of the range or lies
    /// more than six standard deviations from the mean. A missing value (NaN) is never unlike the training data.
    pub fn is_unlike(&self, value: f64) -> bool {
        let beyond = (self.min - value).max(value - self.max);
        beyond > 0.0 && (beyond > self.max - self.min || (value - self.mean).abs() > FAR_DEVIATIONS * self.std)
    }
}

/// Ranges over the training split: of each numeric feature of a table, or of the brightness of images. Stored with the
/// model; models of earlier versions have none and report nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingRanges {
    /// One per feature, in order; `None` for a feature that is not numeric or always missing. Empty for images.
    pub features: Vec<Option<TrainingRange>>,
    /// Mean of all values of an image; `None` for tables.
    pub brightness: Option<TrainingRange>,
}

/// A value of a sample that is far from all values of the training split.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlike {
    /// Name of the column, or `brightness`.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Ranges of the values in the training split.
    pub training: TrainingRange,
}

impl TrainingRanges {
    /// Computes the ranges over the samples `training` of `dataset`. Processes that hold the dataset together all call
    /// this at the same time.
    ///
    /// # Errors
    /// [`DataError::Peers`] if a process cannot answer.
    pub fn of(dataset: &Dataset, training: &[usize]) -> Result<Self, DataError> {
        let is_image = dataset.sample_shape().is_image();
        let chosen = if is_image { spread(training, BRIGHTNESS_SAMPLES) } else { training.to_vec() };
        let numeric: Vec<bool> = match is_image {
            true => Vec::new(),
            false => number_features(dataset).iter().map(Option::is_some).collect(),
        };
        let parts = dataset.map_chunks(Work::Shared, &chosen, |chunk| {
            let mut moments = vec![Moments::default(); numeric.len().max(1)];
            for row in dataset.rows(chunk)?.iter() {
                if is_image {
                    moments[0].add(brightness(dataset, row));
                    continue;
                }
                for (feature, moments) in moments.iter_mut().enumerate().filter(|(feature, _)| numeric[*feature]) {
                    let value = f64::from(row.value(feature));
                    if value.is_finite() {
                        moments.add(value);
                    }
                }
            }
            Ok(moments)
        })?;
        let mut total = vec![Moments::default(); numeric.len().max(1)];
        for part in parts {
            total.iter_mut().zip(&part).for_each(|(total, part)| total.merge(part));
        }
        let mut ranges = total.iter().map(TrainingRange::of);
        Ok(match is_image {
            true => TrainingRanges { features: Vec::new(), brightness: ranges.next().flatten() },
            false => TrainingRanges { features: ranges.collect(), brightness: None },
        })
    }

    /// Returns the values of sample `sample` of `dataset`, read for the same model, that are unlike the training data.
    /// Empty for a sample held by another process that cannot be reached.
    pub fn unlike(&self, dataset: &Dataset, sample: usize) -> Vec<Unlike> {
        let mut found = Vec::new();
        let samples = [sample];
        let Ok(rows) = dataset.rows(&samples) else { return found };
        if let Some(training) = self.brightness {
            let value = brightness(dataset, rows.row(0));
            if training.is_unlike(value) {
                found.push(Unlike { name: BRIGHTNESS.to_string(), value, training });
            }
        }
        let length = dataset.sample_shape().len();
        for (feature, training) in self.features.iter().enumerate().take(length) {
            let Some(training) = training else { continue };
            let value = f64::from(rows.row(0).value(feature));
            if training.is_unlike(value) {
                let name =
                    dataset.feature_names().get(feature).cloned().unwrap_or_else(|| format!("feature_{feature}"));
                let scale = number_features(dataset)[feature].cloned().unwrap_or_default();
                let own = |feature: f64| feature * scale.unit + scale.origin;
                let TrainingRange { mean, std, min, max } = *training;
                let training = TrainingRange { mean: own(mean), std: std * scale.unit, min: own(min), max: own(max) };
                found.push(Unlike { name, value: own(value), training });
            }
        }
        found
    }
}

/// Returns the scale of each numeric feature; `None` for features of categories, dates, words and flags.
fn number_features(dataset: &Dataset) -> Vec<Option<&NumberEncoding>> {
    if dataset.columns().is_empty() {
        return vec![Some(&PLAIN); dataset.sample_shape().len()];
    }
    let mut features = Vec::with_capacity(dataset.sample_shape().len());
    for column in dataset.columns() {
        let first = match &column.encoding {
            ColumnEncoding::Number(encoding) => Some(encoding),
            _ => None,
        };
        features.push(first);
        features.resize(features.len() + column.features() - 1, None);
    }
    features
}

/// Returns the mean of all values of a sample.
fn brightness(dataset: &Dataset, row: Row) -> f64 {
    let length = dataset.sample_shape().len();
    (0..length).map(|place| f64::from(row.value(place))).sum::<f64>() / length as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Inputs, SampleShape, Targets};

    #[test]
    fn values_far_outside_the_range_are_unlike_and_those_inside_never() {
        let narrow = TrainingRange { mean: 0.0, std: 1.0, min: -3.0, max: 3.0 };
        let tailed = TrainingRange { mean: 0.0, std: 1.0, min: -1.0, max: 100.0 };
        let constant = TrainingRange { mean: 5.0, std: 0.0, min: 5.0, max: 5.0 };
        let cases = [
            (narrow, 2.9, false),
            (narrow, 5.0, false),
            (narrow, 6.5, true),
            (narrow, -9.5, true),
            (narrow, f64::NAN, false),
            (narrow, f64::INFINITY, true),
            (tailed, 99.0, false),
            (tailed, 101.0, true),
            (constant, 5.0, false),
            (constant, 5.1, true),
        ];
        for (range, value, unlike) in cases {
            assert_eq!(range.is_unlike(value), unlike, "{value} in {range:?}");
        }
    }

    #[test]
    fn features_and_brightness_are_named() {
        let table = |inputs: Vec<f32>| {
            Dataset::from_memory("t", SampleShape::Features(2), Inputs::Floats(inputs), Targets::Unlabelled).unwrap()
        };
        let names = vec!["x".to_string(), "y".to_string()];
        let data = table(vec![0.0, 10.0, 1.0, 11.0, 2.0, 12.0]).with_feature_names(names.clone()).unwrap();
        let ranges = TrainingRanges::of(&data, &[0, 1]).unwrap();
        let new = table(vec![0.5, 10.5, 0.5, 1e6]).with_feature_names(names).unwrap();
        assert!(ranges.unlike(&new, 0).is_empty());
        let unlike = ranges.unlike(&new, 1);
        assert_eq!((unlike.len(), unlike[0].name.as_str(), unlike[0].training.max), (1, "y", 11.0));

        let image = |value: u8| {
            let shape = SampleShape::Image { height: 2, width: 2, channels: 1 };
            Dataset::from_memory("i", shape, Inputs::Bytes(vec![value; 8]), Targets::Unlabelled).unwrap()
        };
        let ranges = TrainingRanges::of(&image(20), &[0, 1]).unwrap();
        assert_eq!(ranges.unlike(&image(200), 1)[0].name, "brightness");
        assert!(ranges.unlike(&image(20), 0).is_empty());
        assert_eq!(TrainingRanges::default().unlike(&image(200), 0), []);
    }
}
