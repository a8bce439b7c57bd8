//! The shape of one sample.

use std::fmt;

/// The shape of one sample between layers; a batch of `n` holds `n * len()` floats, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A vector: a batch is `[batch, features]`.
    Features(usize),
    /// An image: a batch is `[batch, height, width, channels]`.
    Image {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Values at each position, contiguous in memory.
        channels: usize,
    },
}

impl Shape {
    /// Returns the number of floats in one sample.
    pub fn len(self) -> usize {
        self.positions() * self.channels()
    }

    /// Returns true if a sample is empty; no layer accepts such a shape.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the number of values per position: the channels of an image, all features of a vector.
    pub fn channels(self) -> usize {
        match self {
            Shape::Features(features) => features,
            Shape::Image { channels, .. } => channels,
        }
    }

    /// Returns the number of positions: `height * width` of an image, 1 of a vector.
    pub fn positions(self) -> usize {
        match self {
            Shape::Features(_) => 1,
            Shape::Image { height, width, .. } => height * width,
        }
    }

    /// Returns the dimensions, without the batch.
    pub fn dimensions(self) -> Vec<usize> {
        match self {
            Shape::Features(features) => vec![features],
            Shape::Image { height, width, channels } => vec![height, width, channels],
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Features(features) => write!(formatter, "{features}"),
            Shape::Image { height, width, channels } => write!(formatter, "{height}x{width}x{channels}"),
        }
    }
}
