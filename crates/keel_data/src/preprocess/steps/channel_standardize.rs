//! `(x - mean) / std` of the channel, the usual recipe for ResNet.

use super::{CatalogEntry, DataError, FittedStep, TrainingView};

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "channel_standardize",
    summary: "images: subtract the mean of each channel and divide by its standard deviation (ResNet)",
};

pub(super) fn fit(view: &TrainingView) -> Result<FittedStep, DataError> {
    view.require_images(ENTRY.name, "standardize")?;
    Ok(super::standardize_moments(ENTRY.name, &view.channel_moments()?))
}
