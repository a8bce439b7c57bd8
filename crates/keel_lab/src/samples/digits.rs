//! The embedded digits.

use keel_data::{PreprocessStep, Split};

use super::images::Images;
use super::part::Parts;
use crate::error::LabError;

/// The digits: four fifths for training, one fifth for testing.
pub(crate) struct Digits;

impl Digits {
    /// Divides them, and preprocesses both parts with statistics of the training part.
    ///
    /// # Errors
    /// Fails if a step cannot be fitted.
    pub(crate) fn preprocessed(steps: &[PreprocessStep], seed: u64) -> Result<Parts, LabError> {
        Images::digits(Split { validation: 0.0, test: 0.2, seed })?.preprocessed(steps)
    }
}
