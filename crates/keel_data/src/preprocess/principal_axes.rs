//! Covariance of the training split and its eigenvectors, in f64.

use super::training_view::TrainingView;
use super::{FittedStep, Matrix};
use crate::dataset::SampleShape;
use crate::error::DataError;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par, Side};
use rayon::prelude::*;

/// Maximum number of values of a sample; the covariance holds the square of it.
const LARGEST: usize = 4_096;
/// Columns of the covariance computed by one task. Fixed, so that results do not depend on the number of threads.
const PANEL: usize = 128;
/// Ratio to the largest eigenvalue below which a direction counts as having no variance.
const NO_VARIANCE: f64 = 1e-10;

/// Principal axes of the training split, by descending variance.
pub(crate) struct PrincipalAxes {
    /// Mean of each value, `[values]`.
    pub(crate) mean: Vec<f64>,
    /// Variance along each axis, descending, never negative, `[values]`.
    pub(crate) variances: Vec<f64>,
    /// Axes as columns, `[values, values]`; the largest entry of each is positive.
    pub(crate) axes: Mat<f64>,
}

impl PrincipalAxes {
    /// Computes the eigenvectors of the covariance `X^T X / samples` of centred samples.
    pub(crate) fn fit(view: &TrainingView, step: &str) -> Result<Self, DataError> {
        let length = view.shape().len();
        if length > LARGEST || view.indices.len() < 2 {
            return Err(DataError::setting(
                "preprocess.steps",
                format!("{step} cannot be fitted to {} samples of {length} values", view.indices.len()),
                format!(
                    "It needs at least 2 samples of at most {LARGEST} values; make images smaller with data.image_size"
                ),
            ));
        }
        let mean: Vec<f64> = view.moments()?.iter().map(|moments| moments.mean).collect();
        let covariance = covariance(view, &mean)?;
        let eigen = covariance.self_adjoint_eigen(Side::Lower).map_err(|_| {
            DataError::setting("preprocess.steps", format!("{step}: eigenvectors did not converge"), "Use standardize")
        })?;
        let order: Vec<usize> = (0..length).rev().collect();
        let variances = order.iter().map(|&column| eigen.S()[column].max(0.0)).collect();
        let axes = Mat::from_fn(length, length, |row, column| eigen.U()[(row, order[column])]);
        let signs: Vec<f64> = (0..length).map(|column| sign_of_largest(&axes, column)).collect();
        let axes = Mat::from_fn(length, length, |row, column| axes[(row, column)] * signs[column]);
        Ok(Self { mean, variances, axes })
    }

    /// Returns `1 / sqrt(variance + epsilon)` for each axis, 0 for axes without variance.
    pub(crate) fn whitening_scales(&self, epsilon: f64) -> Vec<f64> {
        let floor = self.variances[0] * NO_VARIANCE;
        let scale = |&variance: &f64| if variance > floor { 1.0 / (variance + epsilon).sqrt() } else { 0.0 };
        self.variances.iter().map(scale).collect()
    }

    /// Returns the first `components` axes, each multiplied by its scale, as a fitted step.
    pub(crate) fn project(self, step: &str, scales: &[f64], components: usize) -> FittedStep {
        let length = self.mean.len();
        let mut values = Vec::with_capacity(length * components);
        for row in 0..length {
            values.extend((0..components).map(|column| (self.axes[(row, column)] * scales[column]) as f32));
        }
        let matrix = Matrix { in_features: length, out_features: components, values };
        self.step(step, matrix, SampleShape::Features(components))
    }

    /// Returns a fitted step with this matrix.
    pub(crate) fn step(self, step: &str, matrix: Matrix, output_shape: SampleShape) -> FittedStep {
        let total: f64 = self.variances.iter().sum();
        let kept: f64 = self.variances[..matrix.out_features].iter().sum();
        let floor = self.variances[0] * NO_VARIANCE;
        FittedStep::Projection {
            step: step.to_string(),
            dropped_directions: self.variances.iter().filter(|&&variance| variance <= floor).count(),
            kept_variance: if total > 0.0 { kept / total } else { 1.0 },
            mean: self.mean,
            matrix,
            output_shape,
        }
    }
}

/// Computes `X^T X / samples` of centred samples; at least the lower triangle and the diagonal are filled.
fn covariance(view: &TrainingView, mean: &[f64]) -> Result<Mat<f64>, DataError> {
    let length = mean.len();
    let starts: Vec<usize> = (0..length).step_by(PANEL).collect();
    let mut panels: Vec<Mat<f64>> =
        starts.iter().map(|&start| Mat::zeros(length - start, PANEL.min(length - start))).collect();
    for indices in view.indices.chunks(2_048) {
        let part = TrainingView { indices, ..*view };
        let rows = part.map_chunks(|rows| rows.to_vec())?.concat();
        let centred =
            Mat::from_fn(indices.len(), length, |row, column| f64::from(rows[row * length + column]) - mean[column]);
        panels.par_iter_mut().zip(&starts).for_each(|(panel, &start)| {
            let below = centred.as_ref().subcols(start, length - start);
            let columns = centred.as_ref().subcols(start, panel.ncols());
            matmul(panel.as_mut(), Accum::Add, below.transpose(), columns, 1.0, Par::Seq);
        });
    }
    let samples = view.indices.len() as f64;
    let entry = |row: usize, column: usize| {
        let panel = column / PANEL;
        panels[panel][(row - starts[panel], column - starts[panel])] / samples
    };
    Ok(Mat::from_fn(length, length, |row, column| entry(row.max(column), row.min(column))))
}

fn sign_of_largest(axes: &Mat<f64>, column: usize) -> f64 {
    let largest = (0..axes.nrows()).fold(0.0f64, |largest, row| {
        let value = axes[(row, column)];
        if value.abs() > largest.abs() { value } else { largest }
    });
    if largest < 0.0 { -1.0 } else { 1.0 }
}
