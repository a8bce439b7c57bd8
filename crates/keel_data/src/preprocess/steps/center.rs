//! `x - mean`, feature by feature.

use super::{CatalogEntry, DataError, FittedStep, TrainingView};

pub(super) const ENTRY: CatalogEntry = CatalogEntry { name: "center", summary: "subtract the mean of each feature" };

pub(super) fn fit(view: &TrainingView) -> Result<FittedStep, DataError> {
    Ok(super::subtract_means(ENTRY.name, &view.moments()?))
}
