//! Progress of a run that has not ended: the numbers since its summary was written are in the database.

use super::{MetricReader, RunFolder, Status, Summary};
use crate::error::TrainError;

impl RunFolder {
    /// Reads the summary; of a run in progress, or killed, with the epochs, steps and seconds of the database.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the summary cannot be read.
    pub fn read_progress(&self) -> Result<Summary, TrainError> {
        let mut summary = self.read_summary()?;
        if summary.status != Status::Running {
            return Ok(summary);
        }
        let Ok(reader) = MetricReader::open(&self.metrics()) else { return Ok(summary) };
        if let Ok(Some(step)) = reader.last_step() {
            summary.steps = step;
        }
        if let Some(last) = reader.epochs().unwrap_or_default().last() {
            summary.epochs = last.epoch;
            summary.seconds = last.seconds;
        }
        Ok(summary)
    }
}
