//! The shape of one sample.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of one sample, without the batch dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SampleShape {
    /// An image `[height, width, channels]`, stored row by row with interleaved channels.
    Image {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Values per pixel: 1 for greyscale, 3 for colour.
        channels: usize,
    },
    /// A row of a table `[features]`.
    Features(usize),
}

impl SampleShape {
    /// Returns the number of values in a sample, or `usize::MAX` on overflow, which no memory can hold.
    pub fn len(&self) -> usize {
        match *self {
            Self::Image { height, width, channels } => height.saturating_mul(width).saturating_mul(channels),
            Self::Features(features) => features,
        }
    }

    /// Returns true if a sample holds no values.
    pub fn is_empty(&self) -> bool {
        self.dimensions().contains(&0)
    }

    /// Returns the dimensions: `[height, width, channels]` or `[features]`.
    pub fn dimensions(&self) -> Vec<usize> {
        match *self {
            Self::Image { height, width, channels } => vec![height, width, channels],
            Self::Features(features) => vec![features],
        }
    }

    /// Returns true if samples are images.
    pub fn is_image(&self) -> bool {
        matches!(self, Self::Image { .. })
    }

    /// Returns the size of the last dimension: channels of an image, features of a row.
    pub fn channels(&self) -> usize {
        match *self {
            Self::Image { channels, .. } => channels,
            Self::Features(features) => features,
        }
    }
}

impl fmt::Display for SampleShape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.dimensions())
    }
}
