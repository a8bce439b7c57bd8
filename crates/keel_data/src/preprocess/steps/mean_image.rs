//! `x - mean image`, pixel by pixel, as AlexNet (Krizhevsky et al. 2012).

use super::{CatalogEntry, DataError, FittedStep, TrainingView};

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "mean_image", summary: "images: subtract the mean image (AlexNet)" };

pub(super) fn fit(view: &TrainingView) -> Result<FittedStep, DataError> {
    view.require_images(ENTRY.name, "center")?;
    Ok(super::subtract_means(ENTRY.name, &view.moments()?))
}
