//! Reasons why a report could not be written.

use std::path::PathBuf;

use keel_train::TrainError;

/// Errors of reports. Every message states the fault, the place, and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder holds no run that could be reported.
    #[error(transparent)]
    Run(Box<TrainError>),
    /// The page could not be written.
    #[error("cannot write {}: {source}; choose another file with --out", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
}

impl From<TrainError> for ReportError {
    fn from(error: TrainError) -> Self {
        ReportError::Run(Box::new(error))
    }
}
