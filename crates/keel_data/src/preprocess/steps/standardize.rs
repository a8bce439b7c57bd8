//! `(x - mean) / std`, feature by feature; the population standard deviation.

use super::{CatalogEntry, DataError, FittedStep, TrainingView};

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "standardize",
    summary: "subtract the mean of each feature and divide by its standard deviation",
};

pub(super) fn fit(view: &TrainingView) -> Result<FittedStep, DataError> {
    Ok(super::standardize_moments(ENTRY.name, &view.moments()?))
}
