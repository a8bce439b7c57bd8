//! `(x - mean) / std` of the channel, the usual recipe for ResNet.

use super::standardize::StandardizeSpec;
use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};

/// The step `channel_standardize`; it has no keys.
pub(super) struct ChannelStandardizeSpec;

impl ChannelStandardizeSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "channel_standardize",
        summary: "images: subtract the mean of each channel and divide by its standard deviation (ResNet)",
    };
}

impl StepDefinition for ChannelStandardizeSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        view.require_images(Self::ENTRY.name, StandardizeSpec::ENTRY.name)?;
        Ok(super::standardize_moments(Self::ENTRY.name, &view.channel_moments()?))
    }

    fn is_scaling(&self) -> bool {
        true
    }
}
