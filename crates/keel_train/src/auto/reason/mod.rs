//! Reasons for automatic choices, in both languages.

mod image_reason;
mod photo_reason;
mod row_reason;
mod training_reason;

use keel_data::Bilingual;
use serde::{Deserialize, Deserializer, Serialize};

pub use image_reason::{ImageKind, ImageReason};
pub use photo_reason::PhotoReason;
pub use row_reason::RowReason;
pub use training_reason::{RateScaling, TrainingReason};

/// Reason for the value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Property of images.
    Image(ImageReason),
    /// Property of photos.
    Photo(PhotoReason),
    /// Property of rows of numbers.
    Row(RowReason),
    /// Property of any data, of the machine or of the ranks.
    Training(TrainingReason),
}

impl Reason {
    /// Returns the sentence.
    pub(super) fn sentence(self) -> Bilingual {
        match self {
            Reason::Image(reason) => reason.sentence(),
            Reason::Photo(reason) => reason.sentence(),
            Reason::Row(reason) => reason.sentence(),
            Reason::Training(reason) => reason.sentence(),
        }
    }

    /// Reads a recorded reason; `None` for one that only a later version knows.
    pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reason>, D::Error> {
        Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
    }
}

impl From<ImageReason> for Reason {
    fn from(reason: ImageReason) -> Self {
        Reason::Image(reason)
    }
}

impl From<PhotoReason> for Reason {
    fn from(reason: PhotoReason) -> Self {
        Reason::Photo(reason)
    }
}

impl From<RowReason> for Reason {
    fn from(reason: RowReason) -> Self {
        Reason::Row(reason)
    }
}

impl From<TrainingReason> for Reason {
    fn from(reason: TrainingReason) -> Self {
        Reason::Training(reason)
    }
}
