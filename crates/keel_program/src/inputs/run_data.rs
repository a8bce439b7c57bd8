//! The data that a run was trained on, read again.

use std::path::Path;

use clap::Args;
use keel_data::DataError;
use keel_data::shell_path;
use keel_train::{ChangedData, Predictor, RunData, TrainError};

use crate::failure::{Failure, Stop, from_sentence};
use crate::terminal::Output;

/// Option of the commands that read the data of a run again.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct ChangedDataOption {
    /// Use the data of the run although it has changed since the run was trained
    #[arg(long)]
    allow_changed_data: bool,
}

impl ChangedDataOption {
    /// Returns the treatment of changed data.
    pub(crate) fn treatment(self) -> ChangedData {
        if self.allow_changed_data { ChangedData::Allowed } else { ChangedData::Refused }
    }

    /// Returns the option as part of a command, after a space; empty if it is not given.
    pub(crate) fn argument(self) -> &'static str {
        if self.allow_changed_data { " --allow-changed-data" } else { "" }
    }
}

/// A command that reads the data of a run again, or other data instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunDataReader<'a> {
    /// Name of the command.
    pub(crate) command: &'static str,
    /// Folder of the run, or its model.
    pub(crate) run: &'a Path,
    /// Treatment of changed data.
    pub(crate) changed: ChangedData,
}

impl RunDataReader<'_> {
    /// Reads the data that the model was trained on; a change since then that is allowed is reported.
    ///
    /// # Errors
    /// If the data has changed and that is refused, or cannot be read; the next step names the command for other data.
    pub(crate) fn read(self, predictor: &Predictor, output: &Output) -> Result<RunData, Stop> {
        let read = predictor.load_run_data(self.changed).map_err(|error| self.failure(&error))?;
        if let Some(change) = &read.change {
            report_change(change, output);
        }
        Ok(read)
    }

    fn failure(self, error: &TrainError) -> Failure {
        let other = format!("`evenkeel {} {} FILE`", self.command, shell_path(self.run));
        let failure = run_data_failure(self.run, error);
        match error {
            TrainError::ChangedData { .. } => failure.next_step(format!(
                "Give the data it was trained on, allow the change with --allow-changed-data, or name other data: {other}"
            )),
            _ => failure.and_next_step(&format!("To use other data: {other}")),
        }
    }
}

/// Returns the failure for the data of `run` that could not be read again.
pub(crate) fn run_data_failure(run: &Path, error: &TrainError) -> Failure {
    let TrainError::Data(DataError::UnknownSource { source_name, .. }) = error else {
        return from_sentence(&error.to_string());
    };
    let failure = Failure::new(format!("the data of {} is no longer at {source_name}", run.display()));
    failure.next_step("Move it back to this path")
}

/// Reports an allowed change of the data of a run.
pub(crate) fn report_change(change: &str, output: &Output) {
    output.remark(&format!("note        the run was trained on {change}"));
}
