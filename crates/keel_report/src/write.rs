//! Writing of the report of a run.

use std::path::{Path, PathBuf};

use keel_page::page::HtmlDocument;
use keel_train::runs::{RunFolder, write_atomically};
use serde::Serialize;

use crate::error::ReportError;
use crate::evaluation::Evaluation;
use crate::options::ReportOptions;
use crate::record::Record;
use crate::sections::{Contents, body};

/// A report that was written.
#[derive(Debug, Clone, Serialize)]
pub struct WrittenReport {
    /// Folder of the run.
    pub run: PathBuf,
    /// File of the report.
    pub report: PathBuf,
    /// Size of the file.
    pub bytes: usize,
    /// Titles of the sections, in order.
    pub sections: Vec<String>,
    /// Notes on parts that could not be read or shown, one sentence each.
    pub notes: Vec<String>,
}

/// Writes the report of the run in the folder `run`.
///
/// # Errors
/// [`ReportError::Run`] if there is no run in the folder, [`ReportError::Write`] if the file cannot be written.
pub fn write_report(run: &Path, options: &ReportOptions) -> Result<WrittenReport, ReportError> {
    let mut record = Record::read(run)?;
    let evaluation = Evaluation::of(run, &mut record, options);
    let contents = Contents { record: &record, evaluation: &evaluation, language: options.language };
    let (html, sections) = body(&contents);
    let title = format!("{} · {}", record.name, options.language.choose("run report", "训练报告"));
    let document = HtmlDocument { title: &title, style: crate::STYLE, body: &html }.html(options.language);
    let path = options.out.clone().map_or_else(|| RunFolder::open(run).map(|folder| folder.report()), Ok)?;
    write_atomically(&path, |file| file.write_all(document.as_bytes()))
        .map_err(|source| ReportError::Write { path: path.clone(), source })?;
    let bytes = document.len();
    Ok(WrittenReport { run: run.to_owned(), report: path, bytes, sections, notes: record.notes })
}
