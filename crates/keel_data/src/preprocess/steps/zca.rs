//! `(x - mean) U / sqrt(S + epsilon) U^T`: the whitening that changes the original least (Bell and Sejnowski 1997).

use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};
use crate::preprocess::{Matrix, PrincipalAxes};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of the step `zca`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ZcaSpec {
    /// Added to each variance before the square root.
    pub epsilon: f64,
}

impl ZcaSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "zca", summary: "whiten and rotate back, so that images stay images" };
}

impl Default for ZcaSpec {
    fn default() -> Self {
        Self { epsilon: 1e-5 }
    }
}

impl StepDefinition for ZcaSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        let epsilon = self.epsilon;
        super::check_epsilon(Self::ENTRY.name, epsilon)?;
        let axes = PrincipalAxes::fit(view, Self::ENTRY.name)?;
        let scales = axes.whitening_scales(epsilon);
        let length = scales.len();
        let scaled = Mat::from_fn(length, length, |row, column| axes.axes[(row, column)] * scales[column]);
        let mut product = Mat::zeros(length, length);
        matmul(product.as_mut(), Accum::Replace, scaled.as_ref(), axes.axes.transpose(), 1.0, Par::Seq);
        let values = (0..length * length).map(|entry| product[(entry / length, entry % length)] as f32).collect();
        let matrix = Matrix { in_features: length, out_features: length, values };
        Ok(axes.step(Self::ENTRY.name, matrix, view.shape()))
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn is_projection(&self) -> bool {
        true
    }
}
