//! `x - mean`, feature by feature.

use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};

/// The step `center`; it has no keys.
pub(super) struct CenterSpec;

impl CenterSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "center", summary: "subtract the mean of each feature" };
}

impl StepDefinition for CenterSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        Ok(super::subtract_means(Self::ENTRY.name, &view.moments()?))
    }

    fn is_scaling(&self) -> bool {
        true
    }
}
