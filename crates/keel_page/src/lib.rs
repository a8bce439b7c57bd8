//! Pages: text, formulas, tables and charts as self-contained HTML documents, in English and Chinese.
//!
//! Charts are inline SVG generated here rather than by an embedded charting library: a page stays small, opens offline,
//! prints, and follows the reader's light or dark setting; a short script adds readouts and zoom. The lab, the reports
//! of runs and the studio use the same charts.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod charts;
mod escaped;
mod histogram;
mod interval;
mod language;
pub mod page;

pub use escaped::escaped;
pub use histogram::Histogram;
pub use interval::Interval;
pub use language::{Language, Text};
