//! `(x - mean) U / sqrt(S + epsilon) U^T`: whitening that stays as near to the original as possible (Bell and
//! Sejnowski 1997).

use super::{CatalogEntry, DataError, FittedStep, TrainingView};
use crate::preprocess::{Matrix, PrincipalAxes};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "zca", summary: "whiten and rotate back, so that images stay images" };

pub(super) fn fit(view: &TrainingView, epsilon: f64) -> Result<FittedStep, DataError> {
    super::check_epsilon(ENTRY.name, epsilon)?;
    let axes = PrincipalAxes::fit(view, ENTRY.name)?;
    let scales = axes.whitening_scales(epsilon);
    let length = scales.len();
    let scaled = Mat::from_fn(length, length, |row, column| axes.axes[(row, column)] * scales[column]);
    let mut product = Mat::zeros(length, length);
    matmul(product.as_mut(), Accum::Replace, scaled.as_ref(), axes.axes.transpose(), 1.0, Par::Seq);
    let values = (0..length * length).map(|entry| product[(entry / length, entry % length)] as f32).collect();
    let matrix = Matrix { in_features: length, out_features: length, values };
    Ok(axes.step(ENTRY.name, matrix, view.shape()))
}
