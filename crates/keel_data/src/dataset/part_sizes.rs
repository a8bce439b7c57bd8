//! Training, validation and test parts that a source comes with, read one after the other.

use super::OfficialDivision;

/// Number of samples of each part, in reading order: training, validation, test.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PartSizes {
    pub(crate) train: usize,
    pub(crate) validation: usize,
    pub(crate) test: usize,
}

impl PartSizes {
    /// The official division; `None` if the source has no validation and no test part, or nothing but a test part.
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
