//! Training, validation and test parts of a source, read one after another.

use super::OfficialDivision;

/// Number of samples of each part, in reading order: training, validation, test.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PartSizes {
    pub(crate) train: usize,
    pub(crate) validation: usize,
    pub(crate) test: usize,
}

impl PartSizes {
    /// Returns the official division, or `None` if the source has neither a validation nor a test part, or only a test part.
    pub(crate) fn division(self) -> Option<OfficialDivision> {
        if self.train == 0 || self.validation + self.test == 0 {
            return None;
        }
        let test_start = self.train + self.validation;
        Some(OfficialDivision {
            train: (0..self.train).collect(),
            validation: (self.train..test_start).collect(),
            test: (test_start..test_start + self.test).collect(),
        })
    }
}
