//! Checkpoints of a session: the state needed to resume it exactly.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Session;
use super::averaging::WeightAverage;
use crate::error::TrainError;
use crate::runs::{Checkpoint, CheckpointError, NamedTensor, TrainingState, network_tensors, restore_network};

fn flat(name: String, values: &[f32]) -> NamedTensor<'_> {
    NamedTensor { name, shape: vec![values.len()], values: Cow::Borrowed(values) }
}

/// Description of the best weights, as stored in `best.safetensors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BestWeights {
    pub(crate) fingerprint: String,
    pub(crate) epoch: u64,
}

impl Session {
    /// Returns a checkpoint with everything needed to resume.
    pub(crate) fn last_checkpoint(&self, state: &TrainingState) -> Checkpoint<'_, TrainingState> {
        let mut tensors = network_tensors(self.network());
        tensors.extend(self.optimizer().slots().map(|(name, values)| flat(format!("optimizer.{name}"), values)));
        let average = self.average().map(WeightAverage::parts).into_iter().flatten();
        tensors.extend(average.map(|(name, values)| flat(name.to_owned(), values)));
        let description = TrainingState { optimizer_steps: self.optimizer().steps(), ..state.clone() };
        Checkpoint { description, tensors }
    }

    /// Writes a checkpoint with everything needed to resume to `path`.
    pub(crate) fn write_last(&self, state: &TrainingState, path: &Path) -> Result<(), TrainError> {
        Ok(self.last_checkpoint(state).write(path)?)
    }

    /// Restores the checkpoint written by [`Session::write_last`] and returns its position.
    pub(crate) fn read_last(&mut self, fingerprint: &str, path: &Path) -> Result<TrainingState, TrainError> {
        self.restore_last(fingerprint, &Checkpoint::read(path)?, path)
    }

    /// Restores a checkpoint of [`Session::last_checkpoint`] and returns its position; `path` names it in error messages.
    pub(crate) fn restore_last(
        &mut self,
        fingerprint: &str,
        checkpoint: &Checkpoint<'_, TrainingState>,
        path: &Path,
    ) -> Result<TrainingState, TrainError> {
        if checkpoint.description.fingerprint != fingerprint {
            let reason = "it was written with a different config than the config.toml next to it".to_owned();
            return Err(CheckpointError::Foreign { path: path.to_owned(), reason }.into());
        }
        restore_network(self.network_mut(), checkpoint, path)?;
        let optimizer = &mut self.update.optimizer;
        let slots: Vec<(&'static str, usize)> = optimizer.slots().map(|(name, values)| (name, values.len())).collect();
        for (name, length) in slots {
            let values = checkpoint.values(path, &format!("optimizer.{name}"), length)?;
            optimizer.restore_slot(name, values);
        }
        if let Some(average) = &mut self.update.average {
            let [parameters, state] = average.parts().map(|(name, values)| (name, values.len()));
            let values = |(name, length)| checkpoint.values(path, name, length);
            average.restore([values(parameters)?, values(state)?]);
        }
        optimizer.restore_steps(checkpoint.description.optimizer_steps);
        Ok(checkpoint.description.clone())
    }

    /// Returns a checkpoint of the current weights as the best so far.
    pub(crate) fn best_checkpoint(&self, best: BestWeights) -> Checkpoint<'_, BestWeights> {
        Checkpoint { description: best, tensors: network_tensors(self.network()) }
    }

    /// Loads the weights of the best epoch into the session.
    pub(crate) fn read_best(&mut self, path: &Path) -> Result<(), TrainError> {
        let checkpoint = Checkpoint::<BestWeights>::read(path)?;
        restore_network(self.network_mut(), &checkpoint, path)?;
        Ok(())
    }
}
