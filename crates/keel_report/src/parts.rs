//! Individual parts of a report, for use on other pages.

use std::path::Path;

use keel_page::charts;
use keel_page::page;
use serde::Serialize;

use crate::error::ReportError;
use crate::evaluation::Evaluation;
use crate::options::ReportOptions;
use crate::record::Record;
use crate::sections::{self, Contents, ReportPart};

/// Parts that need no predictions of the model and are therefore available immediately.
const WITHOUT_MODEL: [&str; 7] = ["findings", "curves", "importance", "layers", "histograms", "model", "choices"];

/// Some parts of the report of a run.
#[derive(Debug, Clone, Serialize)]
pub struct ReportParts {
    /// Parts with content, in the order of the report.
    pub parts: Vec<ReportPart>,
    /// Notes on parts that could not be read or shown, one sentence each.
    pub notes: Vec<String>,
}

/// Returns the parts with these `anchors` of the report of the run in the folder `run`: findings, metrics, curves,
/// classes, regression, predictions, importance, layers, histograms, filters, model, data, choices, setup. The model is
/// evaluated only if a part needs its predictions.
///
/// # Errors
/// [`ReportError::Run`] if there is no run in the folder.
pub fn report_parts(run: &Path, options: &ReportOptions, anchors: &[&str]) -> Result<ReportParts, ReportError> {
    let mut record = Record::read(run)?;
    let evaluation = match anchors.iter().all(|anchor| WITHOUT_MODEL.contains(anchor)) {
        true => Evaluation::default(),
        false => Evaluation::of(run, &mut record, options),
    };
    let contents = Contents { record: &record, evaluation: &evaluation, language: options.language };
    let parts = sections::parts(&contents, anchors);
    Ok(ReportParts { parts, notes: record.notes })
}

/// Returns the style sheet of reports.
pub fn page_style() -> String {
    [page::STYLE, charts::STYLE, crate::STYLE].concat()
}

/// Returns the script for axes and their marks, which declares `axisOf`, `valueAt`, `placeOf`, `number` and `ticks`.
pub fn chart_ticks() -> &'static str {
    charts::TICKS
}

/// Returns the script that adds readouts, zoom and legends to charts.
pub fn page_script() -> &'static str {
    charts::SCRIPT
}
