//! Fitting a pipeline to the training split, and its statistics before and after.

use super::fitted::FittedStep;
use super::preprocessor::Preprocessor;
use super::steps::{PreprocessStep, impute};
use super::training_view::TrainingView;
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::moments::Moments;
use serde::{Deserialize, Serialize};

/// Statistics of every value of a sample, or of every channel of images, before and after preprocessing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreprocessStatistics {
    /// Name of each feature or channel before preprocessing.
    pub names: Vec<String>,
    /// Moments of the raw values, one per name.
    pub before: Vec<Moments>,
    /// Moments after preprocessing: one per channel of images, one per value of rows.
    pub after: Vec<Moments>,
}

impl Preprocessor {
    /// Fits `steps` in order to the samples `training_indices` of `dataset`; each is fitted to what the steps before
    /// it leave. Where the dataset may have missing cells, their stand-ins are fitted first.
    ///
    /// # Errors
    /// No training sample, a step that does not fit the shape, a missing cell or a NaN.
    pub fn fit(dataset: &Dataset, training_indices: &[usize], steps: &[PreprocessStep]) -> Result<Self, DataError> {
        if training_indices.is_empty() {
            return Err(DataError::shape("training split for preprocessing", "at least one sample", 0));
        }
        let mut fitted: Vec<FittedStep> = impute::fit(dataset, training_indices)?.into_iter().collect();
        for step in steps {
            let so_far = Self::from_steps(*dataset.sample_shape(), fitted)?;
            let view = TrainingView { dataset, indices: training_indices, preprocessor: &so_far };
            let next = step.fit(&view)?;
            fitted = so_far.into_steps();
            fitted.push(next);
        }
        Self::from_steps(*dataset.sample_shape(), fitted)
    }

    /// Statistics of the samples `indices` before and after preprocessing, for reports.
    pub fn statistics(&self, dataset: &Dataset, indices: &[usize]) -> Result<PreprocessStatistics, DataError> {
        let imputation =
            self.steps().iter().filter(|step| matches!(step, FittedStep::Impute { .. })).cloned().collect();
        let raw = Self::from_steps(*self.input_shape(), imputation)?;
        let moments = |preprocessor| {
            let view = TrainingView { dataset, indices, preprocessor };
            if view.shape().is_image() { view.channel_moments() } else { view.moments() }
        };
        Ok(PreprocessStatistics {
            names: dataset.feature_names().to_vec(),
            before: moments(&raw)?,
            after: moments(self)?,
        })
    }
}
