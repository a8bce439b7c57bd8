//! Conversion of library errors to the exceptions of `evenkeel.errors`, with the same messages.

use keel_data::DataError;
use keel_health::HealthError;
use keel_report::ReportError;
use keel_train::TrainError;
use keel_train::config::ConfigError as WrongConfig;
use pyo3::prelude::*;

mod exceptions {
    // The macro generates items that cannot be documented.
    #![allow(missing_docs, unreachable_pub)]

    pyo3::import_exception!(evenkeel.errors, ConfigError);
    pyo3::import_exception!(evenkeel.errors, DataError);
    pyo3::import_exception!(evenkeel.errors, RunError);
    pyo3::import_exception!(evenkeel.errors, TrainingError);
}

/// Conversion of a library error to an exception.
pub(crate) trait Raise {
    /// Returns the exception.
    fn raise(self) -> PyErr;
}

impl Raise for TrainError {
    fn raise(self) -> PyErr {
        let text = self.to_string();
        match self {
            TrainError::Config(_) | TrainError::Model(_) | TrainError::Loss(_) => {
                exceptions::ConfigError::new_err(text)
            }
            TrainError::Data(_) | TrainError::ChangedData { .. } => exceptions::DataError::new_err(text),
            TrainError::Setting { field, .. } if field.starts_with("data") => exceptions::DataError::new_err(text),
            TrainError::Setting { .. } => exceptions::ConfigError::new_err(text),
            TrainError::Checkpoint(_) | TrainError::Run { .. } => exceptions::RunError::new_err(text),
            _ => exceptions::TrainingError::new_err(text),
        }
    }
}

impl Raise for WrongConfig {
    fn raise(self) -> PyErr {
        exceptions::ConfigError::new_err(self.to_string())
    }
}

impl Raise for DataError {
    fn raise(self) -> PyErr {
        exceptions::DataError::new_err(self.to_string())
    }
}

impl Raise for ReportError {
    fn raise(self) -> PyErr {
        exceptions::RunError::new_err(self.to_string())
    }
}

impl Raise for HealthError {
    fn raise(self) -> PyErr {
        exceptions::ConfigError::new_err(self.to_string())
    }
}

/// Returns an exception for a run that cannot do the requested work.
pub(crate) fn run_error(text: impl Into<String>) -> PyErr {
    exceptions::RunError::new_err(text.into())
}

/// Returns an exception for unusable data.
pub(crate) fn data_error(text: impl Into<String>) -> PyErr {
    exceptions::DataError::new_err(text.into())
}

/// Returns an exception for a failed training run.
pub(crate) fn training_error(text: impl Into<String>) -> PyErr {
    exceptions::TrainingError::new_err(text.into())
}
