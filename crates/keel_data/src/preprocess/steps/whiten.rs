//! `(x - mean) U / sqrt(S + epsilon)`: principal axes U with variances S, each brought to unit variance.

use super::{CatalogEntry, DataError, FittedStep, TrainingView};
use crate::preprocess::PrincipalAxes;

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "whiten",
    summary: "rotate to the principal axes and give each unit variance; images become rows",
};

pub(super) fn fit(view: &TrainingView, epsilon: f64) -> Result<FittedStep, DataError> {
    super::check_epsilon(ENTRY.name, epsilon)?;
    let axes = PrincipalAxes::fit(view, ENTRY.name)?;
    let scales = axes.whitening_scales(epsilon);
    let length = scales.len();
    Ok(axes.project(ENTRY.name, &scales, length))
}
