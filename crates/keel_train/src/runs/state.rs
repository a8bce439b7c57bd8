//! State of a run: the status in its summary, with the lock of the process that writes to it.

use serde::Serialize;

use super::{RunFolder, Status, Summary, Writer};
use crate::error::TrainError;

/// State of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// A process is writing to it.
    Running,
    /// Completed.
    Finished,
    /// Stopped by the user or a limit; it can be resumed.
    Stopped,
    /// Ended by an error.
    Failed,
    /// Ended without recording its end: no process writes to it.
    Killed,
    /// The summary is damaged or of a later version.
    Unreadable,
}

impl RunState {
    /// Returns the state in one word.
    pub fn name(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Stopped => "stopped",
            RunState::Failed => "failed",
            RunState::Killed => "killed",
            RunState::Unreadable => "unreadable",
        }
    }
}

impl RunFolder {
    /// Returns the state, given the process that writes to the run and its summary. The writer has to be queried before the
    /// summary is read, so that a run that ends in between is not taken for a killed one.
    pub fn state(&self, writer: Option<&Writer>, summary: Result<&Summary, &TrainError>) -> RunState {
        match (summary.map(|summary| summary.status), writer) {
            (Ok(Status::Finished), _) => RunState::Finished,
            (_, Some(_)) => RunState::Running,
            (Ok(Status::Running), None) => RunState::Killed,
            (Ok(Status::Stopped), None) => RunState::Stopped,
            (Ok(Status::Failed), None) => RunState::Failed,
            // A training run killed while reading its data leaves no summary.
            (Err(_), None) if !self.summary().exists() => RunState::Killed,
            (Err(_), None) => RunState::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_from_the_summary_and_the_writer() {
        let directory = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(directory.path(), "run").unwrap();
        let text = |status: &str| {
            format!(
                r#"{{"status": "{status}", "data": "d", "metrics": {{}}, "epochs": 1, "best_epoch": 1, "steps": 1, "seed": 0,
                "findings": [], "layers": [], "inferred": [], "version": "0", "machine":
                {{"architecture": "", "system": "", "simd": "", "threads": 1}}}}"#
            )
        };
        let writer = Writer { name: "process 1".to_owned(), process: Some(1) };
        let states = |content: Option<String>| {
            std::fs::remove_file(folder.summary()).ok();
            content.iter().for_each(|content| std::fs::write(folder.summary(), content).unwrap());
            let summary = folder.read_summary();
            [folder.state(None, summary.as_ref()), folder.state(Some(&writer), summary.as_ref())]
        };
        let cases = [
            (Some(text("finished")), [RunState::Finished, RunState::Finished]),
            (Some(text("running")), [RunState::Killed, RunState::Running]),
            // A run that is resumed keeps its old summary until its first step.
            (Some(text("stopped")), [RunState::Stopped, RunState::Running]),
            (Some(text("failed")), [RunState::Failed, RunState::Running]),
            (None, [RunState::Killed, RunState::Running]),
            (Some("{".to_owned()), [RunState::Unreadable, RunState::Running]),
        ];
        for (content, expected) in cases {
            assert_eq!(states(content.clone()), expected, "{content:?}");
        }
    }
}
