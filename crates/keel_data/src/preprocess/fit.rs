//! Fitting a pipeline to the training split, and its statistics before and after.

use super::fitted::FittedStep;
use super::plan::PreprocessScratch;
use super::preprocessor::Preprocessor;
use super::steps::{PreprocessStep, impute};
use super::training_view::TrainingView;
use crate::dataset::{Dataset, Work};
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
    /// Fits `steps` in order to the samples `training_indices` of `dataset`; each step is fitted to the output of the
    /// steps before it. If the dataset may have missing cells, their replacements are fitted first. Processes that hold
    /// the dataset together all call this at the same time and each read a part; all get the same steps, bit for bit
    /// equal to those of a single process.
    ///
    /// # Errors
    /// Fails if there is no training sample, a step does not fit the shape, a cell without a replacement is missing, or
    /// a value is NaN.
    pub fn fit(dataset: &Dataset, training_indices: &[usize], steps: &[PreprocessStep]) -> Result<Self, DataError> {
        if training_indices.is_empty() {
            return Err(DataError::shape("training split for preprocessing", "at least one sample", 0));
        }
        let mut fitted: Vec<FittedStep> = impute::fit(dataset, training_indices)?.into_iter().collect();
        for step in steps {
            let so_far = Self::from_steps(*dataset.sample_shape(), fitted)?;
            let next = so_far.view(dataset, Work::Shared, training_indices, |view| step.fit(view))?;
            fitted = so_far.into_steps();
            fitted.push(next);
        }
        Self::from_steps(*dataset.sample_shape(), fitted)
    }

    /// Calls `look` with a view of the samples `indices` of `dataset` after these steps, read by the processes of `work`.
    pub(super) fn view<T>(
        &self,
        dataset: &Dataset,
        work: Work,
        indices: &[usize],
        look: impl FnOnce(&TrainingView) -> T,
    ) -> T {
        let gather = |indices: &[usize], rows: &mut [f32]| {
            self.gather(dataset, indices, rows, &mut PreprocessScratch::default())
        };
        look(&TrainingView { dataset, work, indices, shape: *self.output_shape(), gather: &gather })
    }

    /// Computes statistics of the samples `indices` before and after preprocessing, for reports.
    pub fn statistics(&self, dataset: &Dataset, indices: &[usize]) -> Result<PreprocessStatistics, DataError> {
        let imputation =
            self.steps().iter().filter(|step| matches!(step, FittedStep::Impute { .. })).cloned().collect();
        let raw = Self::from_steps(*self.input_shape(), imputation)?;
        let moments = |preprocessor: &Self| {
            preprocessor.view(dataset, Work::Alone, indices, |view| match view.shape().is_image() {
                true => view.channel_moments(),
                false => view.moments(),
            })
        };
        Ok(PreprocessStatistics {
            names: dataset.feature_names().to_vec(),
            before: moments(&raw)?,
            after: moments(self)?,
        })
    }
}
