//! The training split after the steps so far, to which the next step is fitted.

use crate::dataset::SampleShape;
use crate::error::DataError;
use crate::moments::Moments;
use rayon::prelude::*;

/// Samples read at once. Fixed, so that sums are formed in the same order for any number of threads.
const CHUNK: usize = 256;

/// Samples of a dataset after the steps fitted so far.
#[derive(Clone, Copy)]
pub(crate) struct TrainingView<'a> {
    pub(crate) indices: &'a [usize],
    /// Shape after the steps so far.
    pub(crate) shape: SampleShape,
    /// Writes the samples with these numbers, `[samples, values]`, as the steps so far leave them.
    pub(crate) gather: &'a Gather<'a>,
}

/// Writes samples after some steps.
pub(crate) type Gather<'a> = dyn Fn(&[usize], &mut [f32]) -> Result<(), DataError> + Sync + 'a;

impl TrainingView<'_> {
    /// Shape after the steps so far.
    pub(crate) fn shape(&self) -> SampleShape {
        self.shape
    }

    /// `map` over chunks of transformed samples, `[up to 256, values]`, in parallel; results in order.
    pub(crate) fn map_chunks<R: Send>(&self, map: impl Fn(&[f32]) -> R + Sync) -> Result<Vec<R>, DataError> {
        let length = self.shape().len();
        self.indices
            .par_chunks(CHUNK)
            .map(|indices| {
                let mut rows = vec![0.0; indices.len() * length];
                (self.gather)(indices, &mut rows)?;
                Ok(map(&rows))
            })
            .collect()
    }

    /// Moments of every value of a sample, `[values]`.
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

    /// The values of every feature in ascending order, `[values][samples]`.
    pub(crate) fn sorted_columns(&self) -> Result<Vec<Vec<f32>>, DataError> {
        let length = self.shape().len();
        let parts = self.map_chunks(<[f32]>::to_vec)?;
        let column = |position: usize| {
            let mut column: Vec<f32> =
                parts.iter().flat_map(|part| part.iter().skip(position).step_by(length).copied()).collect();
            column.sort_unstable_by(f32::total_cmp);
            column
        };
        Ok((0..length).into_par_iter().map(column).collect())
    }

    /// Moments of every channel of images, `[channels]`.
    pub(crate) fn channel_moments(&self) -> Result<Vec<Moments>, DataError> {
        let channels = self.shape().channels();
        let mut total = vec![Moments::default(); channels];
        for (position, moments) in self.moments()?.iter().enumerate() {
            total[position % channels].merge(moments);
        }
        Ok(total)
    }

    /// The error of a step that needs images, unless the samples are images.
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
