//! From the folder of a run to its report.

use std::path::{Path, PathBuf};

use keel_data::SplitDataset;
use keel_train::runs::RunFolder;
use serde::Serialize;

use super::evaluation::Evaluation;
use super::record::Record;
use super::sections::{Contents, body};
use crate::error::LabError;
use crate::language::Language;
use crate::page::styled_document;

/// What a report is made of beside the run.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Where it goes; `report.html` in the folder of the run if not given.
    pub out: Option<PathBuf>,
    /// Its language.
    pub language: Language,
    /// Most samples the model is asked about, spread evenly over the test split. Counts and shares of a finished run
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

/// A report that was written.
#[derive(Debug, Clone, Serialize)]
pub struct WrittenReport {
    /// Folder of the run.
    pub run: PathBuf,
    /// The file.
    pub report: PathBuf,
    /// Its size.
    pub bytes: usize,
    /// Titles of its sections, in order.
    pub sections: Vec<String>,
    /// What could not be read or shown, one sentence each.
    pub notes: Vec<String>,
}

/// Writes the report of the run in the folder `run`.
///
/// # Errors
/// [`LabError::Run`] if there is no run in the folder, [`LabError::Write`] if the file cannot be written.
pub fn write_report(run: &Path, options: &ReportOptions) -> Result<WrittenReport, LabError> {
    let mut record = Record::read(run)?;
    let evaluation = Evaluation::of(run, &mut record.notes, options);
    let contents = Contents { record: &record, evaluation: &evaluation, language: options.language };
    let (html, sections) = body(&contents);
    let title = format!("{} · {}", record.name, options.language.choose("run report", "训练报告"));
    let document = styled_document(&title, (super::STYLE, &html), options.language);
    let path = options.out.clone().map_or_else(|| RunFolder::open(run).map(|folder| folder.report()), Ok)?;
    std::fs::write(&path, &document).map_err(|source| LabError::Write { path: path.clone(), source })?;
    let bytes = document.len();
    Ok(WrittenReport { run: run.to_owned(), report: path, bytes, sections, notes: record.notes })
}
