//! `x - mean image`, pixel by pixel, as in AlexNet (Krizhevsky et al. 2012).

use super::center::CenterSpec;
use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};

/// The step `mean_image`; it has no keys.
pub(super) struct MeanImageSpec;

impl MeanImageSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "mean_image", summary: "images: subtract the mean image (AlexNet)" };
}

impl StepDefinition for MeanImageSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        view.require_images(Self::ENTRY.name, CenterSpec::ENTRY.name)?;
        Ok(super::subtract_means(Self::ENTRY.name, &view.moments()?))
    }

    fn is_scaling(&self) -> bool {
        true
    }
}
