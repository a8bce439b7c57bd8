//! A network as named tensors.

use std::borrow::Cow;
use std::path::Path;

use keel_nn::Network;

use super::{Checkpoint, CheckpointError, NamedTensor};

/// Returns parameters and running statistics by name.
pub(crate) fn network_tensors(network: &Network) -> Vec<NamedTensor<'_>> {
    let parameters = network.graph.parameters().iter().map(|parameter| NamedTensor {
        name: parameter.name.clone(),
        shape: parameter.spec.shape.clone(),
        values: Cow::Borrowed(&network.parameters[parameter.range.clone()]),
    });
    let state = network.graph.state().iter().map(|entry| NamedTensor {
        name: entry.name.clone(),
        shape: vec![entry.range.len()],
        values: Cow::Borrowed(&network.state[entry.range.clone()]),
    });
    parameters.chain(state).collect()
}

/// Copies the tensors of a file into a network of the same graph.
pub(crate) fn restore_network<Description>(
    network: &mut Network,
    checkpoint: &Checkpoint<'_, Description>,
    path: &Path,
) -> Result<(), CheckpointError> {
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
