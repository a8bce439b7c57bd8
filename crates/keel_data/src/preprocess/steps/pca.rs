//! `(x - mean) U[:, ..components]`: coordinates along the principal axes of largest variance.

use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};
use crate::preprocess::PrincipalAxes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of the step `pca`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PcaSpec {
    /// Number of axes kept.
    pub components: usize,
}

impl PcaSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "pca",
        summary: "keep the given number of principal axes: { type = \"pca\", components = 32 }",
    };
}

impl StepDefinition for PcaSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        let components = self.components;
        let length = view.shape().len();
        if components == 0 || components > length {
            return Err(DataError::setting(
                "preprocess.steps",
                format!("pca cannot keep {components} components of {length} values"),
                format!("Give components from 1 to {length}"),
            ));
        }
        let axes = PrincipalAxes::fit(view, Self::ENTRY.name)?;
        Ok(axes.project(Self::ENTRY.name, &vec![1.0; length], components))
    }

    fn is_default(&self) -> bool {
        false
    }

    fn is_projection(&self) -> bool {
        true
    }

    fn makes_rows_of_images(&self) -> bool {
        true
    }
}
