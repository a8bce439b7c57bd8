//! View of the training split after the steps fitted so far, which the next step is fitted to.

use crate::dataset::{Dataset, RowReader, SampleShape, Work};
use crate::error::DataError;
use crate::moments::Moments;
use serde::{Serialize, de::DeserializeOwned};

/// Samples of a dataset after the steps fitted so far.
#[derive(Clone, Copy)]
pub(crate) struct TrainingView<'a> {
    pub(crate) dataset: &'a Dataset,
    /// Processes that read the samples, if several hold them.
    pub(crate) work: Work,
    pub(crate) indices: &'a [usize],
    /// Shape after the steps so far.
    pub(crate) shape: SampleShape,
    /// Writes the samples with these indices, `[samples, values]`, after the steps fitted so far.
    pub(crate) gather: &'a Gather<'a>,
}

/// Writes samples after some steps.
pub(crate) type Gather<'a> = dyn Fn(&[usize], &mut [f32]) -> Result<(), DataError> + Sync + 'a;

impl TrainingView<'_> {
    /// Returns the shape after the steps fitted so far.
    pub(crate) fn shape(&self) -> SampleShape {
        self.shape
    }

    /// Applies `map` to chunks of transformed samples, `[up to 256, values]`, in parallel; returns the results in order.
    pub(crate) fn map_chunks<R: Send + Serialize + DeserializeOwned>(
        &self,
        map: impl Fn(&[f32]) -> R + Sync,
    ) -> Result<Vec<R>, DataError> {
        let length = self.shape().len();
        self.dataset.map_chunks(self.work, self.indices, |indices| {
            let mut rows = vec![0.0; indices.len() * length];
            (self.gather)(indices, &mut rows)?;
            Ok(map(&rows))
        })
    }

    /// Computes the moments of every value of a sample, `[values]`.
    pub(crate) fn moments(&self) -> Result<Vec<Moments>, DataError> {
        let length = self.shape().len();
        let parts = self.map_chunks(|rows| {
            let mut moments = vec![Moments::default(); length];
            for row in rows.chunks_exact(length) {
                moments.iter_mut().zip(row).for_each(|(moments, &value)| moments.add(f64::from(value)));
            }
            moments
        })?;
        let mut total = vec![Moments::default(); length];
        for part in parts {
            total.iter_mut().zip(&part).for_each(|(total, part)| total.merge(part));
        }
        Ok(total)
    }

    /// Applies `map` to every feature and its values in ascending order, `[samples]`; returns the results.
    pub(crate) fn map_sorted_columns<R: Send>(
        &self,
        map: impl Fn(usize, &[f32]) -> R + Sync,
    ) -> Result<Vec<R>, DataError> {
        let rows = RowReader { length: self.shape().len(), read: &self.gather };
        self.dataset.map_columns(self.work, self.indices, rows, |feature, mut column| {
            column.sort_unstable_by(f32::total_cmp);
            map(feature, &column)
        })
    }

    /// Computes the moments of every channel of images, `[channels]`.
    pub(crate) fn channel_moments(&self) -> Result<Vec<Moments>, DataError> {
        let channels = self.shape().channels();
        let mut total = vec![Moments::default(); channels];
        for (position, moments) in self.moments()?.iter().enumerate() {
            total[position % channels].merge(moments);
        }
        Ok(total)
    }

    /// Fails for a step that needs images if the samples are not images.
    pub(crate) fn require_images(&self, step: &str, instead: &str) -> Result<(), DataError> {
        if self.shape().is_image() {
            return Ok(());
        }
        Err(DataError::setting(
            "preprocess.steps",
            format!("{step} needs images, but the samples here have the shape {}", self.shape()),
            format!("Use {instead} for rows of a table"),
        ))
    }
}
