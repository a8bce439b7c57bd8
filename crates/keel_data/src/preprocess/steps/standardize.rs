//! `(x - mean) / std`, feature by feature, with the population standard deviation.

use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};

/// The step `standardize`; it has no keys.
pub(super) struct StandardizeSpec;

impl StandardizeSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "standardize",
        summary: "subtract the mean of each feature and divide by its standard deviation",
    };
}

impl StepDefinition for StandardizeSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        Ok(super::standardize_moments(Self::ENTRY.name, &view.moments()?))
    }

    fn is_scaling(&self) -> bool {
        true
    }
}
