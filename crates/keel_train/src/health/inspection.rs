//! Inspection of the samples: duplicates, leaking columns, extreme values, over-strong augmentation.

use keel_data::{BatchOptions, Batches, DataError, FittedStep, Position};
use keel_health::measurement::{
    AugmentationMeasurement, ColumnScore, DataMeasurement, FeatureOutliers, SplitDuplicates,
};

use crate::error::TrainError;
use crate::session::Session;

/// Maximum number of rows that are searched for extreme values, evenly spread over the training split, and of their values.
const ROWS: usize = 65_536;
const CELLS: usize = 4 * 1024 * 1024;
/// Maximum number of images that are augmented, evenly spread over the training split, and of their values.
const IMAGES: usize = 256;
const VALUES: usize = 4 * 1024 * 1024;
/// Number of images in a batch.
const BATCH: usize = 32;

/// Adds to `measurement` what the samples of `session` show: on the first of several ranks, which writes the findings.
///
/// # Errors
/// If a sample cannot be preprocessed.
pub(super) fn inspect(session: &Session, measurement: &mut DataMeasurement) -> Result<(), TrainError> {
    let data = session.data();
    if !data.dataset.is_reported_here() {
        return Ok(());
    }
    measurement.duplicates = data.duplicates()?.into_iter().map(duplicates).collect();
    let columns = data.survey_columns()?;
    let score = |column: keel_data::ScoredColumn| ColumnScore { name: column.name, score: column.score as f32 };
    measurement.column_scores = columns.scores.into_iter().map(score).collect();
    measurement.identifiers = columns.identifiers;
    measurement.outliers = outliers(session)?;
    measurement.augmentation = augmentation(session)?;
    Ok(())
}

fn duplicates(found: keel_data::SplitDuplicates) -> SplitDuplicates {
    SplitDuplicates {
        split: found.split.to_owned(),
        samples: found.samples as u64,
        exact: found.exact as u64,
        compared: found.compared as u64,
        near: found.near as u64,
    }
}

/// Returns the extreme values of the features that are columns of the table, scaled or not.
fn outliers(session: &Session) -> Result<Vec<FeatureOutliers>, TrainError> {
    let preprocessor = session.preprocessor();
    let mixed = preprocessor.steps().iter().any(|step| matches!(step, FittedStep::Projection { .. }));
    if mixed || preprocessor.output_shape().len() != preprocessor.input_shape().len() {
        return Ok(Vec::new());
    }
    let limit = ROWS.min(CELLS / preprocessor.output_shape().len().max(1));
    let found = preprocessor.extremes(&session.data().dataset, &spread(session, limit))?;
    let outliers = found.into_iter().map(|found| FeatureOutliers {
        feature: found.feature,
        samples: found.samples as u64,
        extreme: found.extreme as u64,
        variance_share: found.variance_share as f32,
        rest_std: found.rest_std as f32,
    });
    Ok(outliers.collect())
}

/// Returns the magnitude of images with and without the augmentation of the first epoch; `None` if there is none.
fn augmentation(session: &Session) -> Result<Option<AugmentationMeasurement>, TrainError> {
    let source = session.training_batches();
    let Some(augmenter) = source.augmenter() else { return Ok(None) };
    let length = session.preprocessor().output_shape().len().max(1);
    let samples = spread(session, IMAGES.min(VALUES / length).max(1));
    let source_of = || source.of_samples(&samples, BatchOptions::in_order(BATCH));
    let plain = size(Batches::new(source_of()?.without_augmentation(), Position::default()))?;
    let augmented = size(Batches::new(source_of()?, Position::default()))?;
    Ok(Some(AugmentationMeasurement {
        samples: samples.len() as u64,
        plain_rms: plain.rms() as f32,
        augmented_rms: augmented.rms() as f32,
        largest: augmented.largest,
        moving_key: augmenter.moving_key().unwrap_or_default().to_owned(),
    }))
}

/// Returns at most `limit` samples of the training split, evenly spread.
fn spread(session: &Session, limit: usize) -> Vec<usize> {
    let train = &session.data().train;
    let count = train.len().min(limit);
    (0..count).map(|index| train[index * train.len() / count]).collect()
}

/// Sums over the values of batches.
#[derive(Debug, Default)]
struct Size {
    squares: f64,
    values: u64,
    largest: f32,
}

impl Size {
    fn rms(&self) -> f64 {
        (self.squares / self.values.max(1) as f64).sqrt()
    }
}

/// Returns the magnitude of the values of one epoch of `batches`.
fn size(mut batches: Batches) -> Result<Size, DataError> {
    let mut size = Size::default();
    while let Some(batch) = batches.next() {
        for &value in &batch?.inputs {
            size.squares += f64::from(value).powi(2);
            size.largest = size.largest.max(value.abs());
            size.values += 1;
        }
    }
    Ok(size)
}
