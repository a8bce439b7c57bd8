//! `(x - mean) U[:, ..components]`: the coordinates along the principal axes of largest variance.

use super::{CatalogEntry, DataError, FittedStep, TrainingView};
use crate::preprocess::PrincipalAxes;

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "pca",
    summary: "keep the given number of principal axes: { type = \"pca\", components = 32 }",
};

pub(super) fn fit(view: &TrainingView, components: usize) -> Result<FittedStep, DataError> {
    let length = view.shape().len();
    if components == 0 || components > length {
        return Err(DataError::setting(
            "preprocess.steps",
            format!("pca cannot keep {components} components of {length} values"),
            format!("Give components from 1 to {length}"),
        ));
    }
    let axes = PrincipalAxes::fit(view, ENTRY.name)?;
    Ok(axes.project(ENTRY.name, &vec![1.0; length], components))
}
