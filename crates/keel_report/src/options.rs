//! Settings of a report.

use std::path::PathBuf;

use keel_data::SplitDataset;
use keel_page::Language;

/// Settings of a report.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// File of the report; `report.html` in the folder of the run if not given.
    pub out: Option<PathBuf>,
    /// Its language.
    pub language: Language,
    /// Maximum number of samples evaluated, spread evenly over the test split. Counts and shares of a finished run
    /// come from its summary and are of all samples.
    pub samples: usize,
    /// The run's data, where they are at hand; they are read again if not given.
    pub data: Option<SplitDataset>,
}

impl Default for ReportOptions {
    fn default() -> Self {
        ReportOptions { out: None, language: Language::English, samples: 10_000, data: None }
    }
}
