//! `(x - mean) U / sqrt(S + epsilon)`: principal axes U with variances S, each scaled to unit variance.

use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};
use crate::preprocess::PrincipalAxes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of the step `whiten`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WhitenSpec {
    /// Added to each variance before the square root.
    pub epsilon: f64,
}

impl WhitenSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "whiten",
        summary: "rotate to the principal axes and give each unit variance; images become rows",
    };
}

impl Default for WhitenSpec {
    fn default() -> Self {
        Self { epsilon: 1e-5 }
    }
}

impl StepDefinition for WhitenSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        let epsilon = self.epsilon;
        super::check_epsilon(Self::ENTRY.name, epsilon)?;
        let axes = PrincipalAxes::fit(view, Self::ENTRY.name)?;
        let scales = axes.whitening_scales(epsilon);
        let length = scales.len();
        Ok(axes.project(Self::ENTRY.name, &scales, length))
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn is_projection(&self) -> bool {
        true
    }

    fn makes_rows_of_images(&self) -> bool {
        true
    }
}
