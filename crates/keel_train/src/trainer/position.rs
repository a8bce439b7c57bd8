//! Checkpoints of a session: what an exact continuation needs.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Session;
use super::averaging::WeightAverage;
use crate::error::TrainError;
use crate::runs::{Checkpoint, CheckpointError, TrainingState};

/// The best weights, as `best.safetensors` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BestWeights {
    pub(super) fingerprint: String,
    pub(super) epoch: u64,
}

/// Parameters and running statistics by name.
pub(crate) fn network_tensors(session: &Session) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let network = session.network();
    let parameters = network.graph.parameters().iter().map(|parameter| {
        let values = network.parameters[parameter.range.clone()].to_vec();
        (parameter.name.clone(), parameter.spec.shape.clone(), values)
    });
    let state = network.graph.state().iter().map(|entry| {
        let values = network.state[entry.range.clone()].to_vec();
        (entry.name.clone(), vec![values.len()], values)
    });
    parameters.chain(state).collect()
}

/// Puts the tensors of a file into a network of the same graph.
pub(crate) fn restore_network<Description>(
    network: &mut keel_nn::Network,
    checkpoint: &Checkpoint<Description>,
    path: &Path,
) -> Result<(), CheckpointError>
where
    Description: Serialize + for<'de> Deserialize<'de>,
{
    for parameter in network.graph.parameters() {
        let values = checkpoint.values(path, &parameter.name, parameter.range.len())?;
        network.parameters[parameter.range.clone()].copy_from_slice(values);
    }
    for entry in network.graph.state() {
        let values = checkpoint.values(path, &entry.name, entry.range.len())?;
        network.state[entry.range.clone()].copy_from_slice(values);
    }
    Ok(())
}

/// Writes everything a continuation needs.
pub(crate) fn write_last(session: &Session, state: &TrainingState, path: &Path) -> Result<(), TrainError> {
    Ok(last(session, state).write(path)?)
}

/// Everything a continuation needs.
pub(super) fn last(session: &Session, state: &TrainingState) -> Checkpoint<TrainingState> {
    let mut tensors = network_tensors(session);
    let slots = session.optimizer().slots();
    tensors.extend(slots.map(|(name, values)| (format!("optimizer.{name}"), vec![values.len()], values.to_vec())));
    let parts = session.average().map(WeightAverage::parts);
    tensors.extend(
        parts.into_iter().flatten().map(|(name, values)| (name.to_owned(), vec![values.len()], values.to_vec())),
    );
    let description = TrainingState { optimizer_steps: session.optimizer().steps(), ..state.clone() };
    Checkpoint { description, tensors }
}

/// Puts back what [`write_last`] wrote and returns the position.
pub(crate) fn read_last(session: &mut Session, fingerprint: &str, path: &Path) -> Result<TrainingState, TrainError> {
    let checkpoint = Checkpoint::<TrainingState>::read(path)?;
    if checkpoint.description.fingerprint != fingerprint {
        let reason = "it belongs to another config than the config.toml beside it".to_owned();
        return Err(CheckpointError::Foreign { path: path.to_owned(), reason }.into());
    }
    restore_network(session.network_mut(), &checkpoint, path)?;
    let slots: Vec<(&'static str, usize)> =
        session.optimizer().slots().map(|(name, values)| (name, values.len())).collect();
    for (name, length) in slots {
        let values = checkpoint.values(path, &format!("optimizer.{name}"), length)?;
        session.optimizer_mut().restore_slot(name, values);
    }
    if let Some(average) = session.average_mut() {
        let [parameters, state] = average.parts().map(|(name, values)| (name, values.len()));
        let values = |(name, length)| checkpoint.values(path, name, length);
        average.restore([values(parameters)?, values(state)?]);
    }
    session.optimizer_mut().restore_steps(checkpoint.description.optimizer_steps);
    Ok(checkpoint.description)
}

/// The weights of the best epoch so far.
pub(super) fn best(session: &Session, best: BestWeights) -> Checkpoint<BestWeights> {
    Checkpoint { description: best, tensors: network_tensors(session) }
}

/// Puts the weights of the best epoch into the session.
pub(super) fn read_best(session: &mut Session, path: &Path) -> Result<(), TrainError> {
    let checkpoint = Checkpoint::<BestWeights>::read(path)?;
    restore_network(session.network_mut(), &checkpoint, path)?;
    Ok(())
}
