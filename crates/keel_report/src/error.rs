//! Errors in writing reports.

use std::path::PathBuf;

use keel_train::TrainError;

/// Errors of reports. Every message states the fault, the location, and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder contains no run.
    #[error(transparent)]
    Run(Box<TrainError>),
    /// The page could not be written.
    #[error("cannot write {}: {source}; choose another file with --out", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Message of the operating system.
        source: std::io::Error,
    },
}

impl From<TrainError> for ReportError {
    fn from(error: TrainError) -> Self {
        ReportError::Run(Box::new(error))
    }
}
