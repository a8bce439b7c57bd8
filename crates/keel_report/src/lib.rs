//! The report of a run: one self-contained HTML file to read, print and pass on.
//!
//! It shows the content of the run folder and the predictions of the stored model on the run's data. Missing parts (of
//! a run in progress, a failed run, a run of an older version, or data that were moved) are left out with a note; only
//! a folder without a run is rejected.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod decimate;
mod doctor_page;
mod elements;
mod error;
mod evaluation;
mod filters;
mod mistakes;
mod options;
mod parts;
mod record;
mod sections;
mod shown_columns;
mod thumbnail;
mod write;

pub use decimate::{decimate, smooth};
pub use doctor_page::write_doctor_page;
pub use error::ReportError;
pub use options::ReportOptions;
pub use parts::{ReportParts, chart_ticks, page_script, page_style, report_parts};
pub use sections::ReportPart;
pub use write::{WrittenReport, write_report};

/// Style sheet of reports, after the common one.
const STYLE: &str = include_str!("report.css");
