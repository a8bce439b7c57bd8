//! Preprocessing of three classic image networks.

use super::steps::PreprocessStep;
use crate::catalog::CatalogEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A classic recipe for images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// AlexNet (Krizhevsky et al. 2012): subtract the mean image.
    #[serde(rename = "alexnet")]
    AlexNet,
    /// VGG (Simonyan and Zisserman 2015): subtract the mean of each channel.
    Vgg,
    /// The usual recipe for ResNet: subtract the mean of each channel and divide by its standard deviation.
    #[serde(rename = "resnet")]
    ResNet,
}

impl Recipe {
    /// All recipes.
    pub const ALL: [Self; 3] = [Self::AlexNet, Self::Vgg, Self::ResNet];

    /// Returns the steps of the recipe.
    pub fn steps(self) -> Vec<PreprocessStep> {
        vec![match self {
            Self::AlexNet => PreprocessStep::MeanImage,
            Self::Vgg => PreprocessStep::ChannelMean,
            Self::ResNet => PreprocessStep::ChannelStandardize,
        }]
    }

    /// Returns the name in the config file and the effect of the recipe.
    pub fn entry(self) -> CatalogEntry {
        match self {
            Self::AlexNet => CatalogEntry { name: "alexnet", summary: "subtract the mean image of the training split" },
            Self::Vgg => CatalogEntry { name: "vgg", summary: "subtract the mean of each channel" },
            Self::ResNet => CatalogEntry {
                name: "resnet",
                summary: "subtract the mean of each channel and divide by its standard deviation",
            },
        }
    }
}
