//! `x - mean of the channel`, as in VGG (Simonyan and Zisserman 2015).

use super::center::CenterSpec;
use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};

/// The step `channel_mean`; it has no keys.
pub(super) struct ChannelMeanSpec;

impl ChannelMeanSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "channel_mean", summary: "images: subtract the mean of each channel (VGG)" };
}

impl StepDefinition for ChannelMeanSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        view.require_images(Self::ENTRY.name, CenterSpec::ENTRY.name)?;
        Ok(super::subtract_means(Self::ENTRY.name, &view.channel_moments()?))
    }

    fn is_scaling(&self) -> bool {
        true
    }
}
