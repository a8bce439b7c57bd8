//! Settings of a report.

use std::path::PathBuf;

use keel_data::SplitDataset;
use keel_page::Language;

/// Settings of a report.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// File of the report; `report.html` in the folder of the run if not given.
    pub out: Option<PathBuf>,
    /// Language.
    pub language: Language,
    /// Maximum number of samples evaluated, spread evenly over the test split. Counts and shares of a finished run come
    /// from its summary and cover all samples.
    pub samples: usize,
    /// Data of the run, if available; otherwise they are read again.
    pub data: Option<SplitDataset>,
}

impl Default for ReportOptions {
    fn default() -> Self {
        ReportOptions { out: None, language: Language::English, samples: 10_000, data: None }
    }
}
