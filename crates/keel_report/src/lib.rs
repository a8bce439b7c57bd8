//! The report of a run: one self-contained HTML file, to be read, printed and passed on.
//!
//! It shows the content of the run folder and the predictions of the stored model on the run's data. Missing parts (a run
//! under way, one that failed, one of an older version, data that have moved) is left out and said so; only a folder
//! without a run is refused.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod decimate;
mod doctor_page;
mod error;
mod evaluation;
mod filters;
mod mistakes;
mod options;
mod parts;
mod record;
mod sections;
mod thumbnail;
mod write;

pub use decimate::{decimate, smooth};
pub use doctor_page::write_doctor_page;
pub use error::ReportError;
pub use options::ReportOptions;
pub use parts::{ReportParts, chart_ticks, page_script, page_style, report_parts};
pub use sections::ReportPart;
pub use write::{WrittenReport, write_report};

/// The style sheet of reports, after that of all pages.
const STYLE: &str = include_str!("report.css");
