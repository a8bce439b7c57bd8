//! `x - mean of the channel`, as VGG (Simonyan and Zisserman 2015).

use super::{CatalogEntry, DataError, FittedStep, TrainingView};

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "channel_mean", summary: "images: subtract the mean of each channel (VGG)" };

pub(super) fn fit(view: &TrainingView) -> Result<FittedStep, DataError> {
    view.require_images(ENTRY.name, "center")?;
    Ok(super::subtract_means(ENTRY.name, &view.channel_moments()?))
}
