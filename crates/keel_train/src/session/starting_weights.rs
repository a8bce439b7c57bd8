//! Weights of another model that a training starts from.

use std::path::Path;

use keel_nn::Network;

use crate::config::Config;
use crate::error::TrainError;
use crate::runs::Checkpoint;

/// Puts the tensors of `model.weights` into the network, by name. The last layer with weights keeps its initial ones where the
/// file has another number of outputs.
///
/// # Errors
/// A file that cannot be read, or a tensor that is missing or of another shape.
pub(super) fn apply(network: &mut Network, config: &Config) -> Result<(), TrainError> {
    if config.model.weights.is_empty() {
        return Ok(());
    }
    let path = Path::new(&config.model.weights);
    let file: Checkpoint<'static, serde_json::Value> = Checkpoint::read(path)?;
    let graph = std::sync::Arc::clone(&network.graph);
    let last = graph.last_weight_node().map(|node| node.id);
    let found = |name: &str| file.tensors.iter().find(|tensor| tensor.name == name);
    for parameter in graph.parameters() {
        match found(&parameter.name) {
            Some(tensor) if tensor.shape == parameter.spec.shape => {
                network.parameters[parameter.range.clone()].copy_from_slice(&tensor.values);
            }
            Some(_) if Some(parameter.node) == last => {}
            other => {
                let has = other.map_or("no such tensor".to_owned(), |tensor| format!("{:?}", tensor.shape));
                return Err(misfit(path, &parameter.name, &parameter.spec.shape, &has));
            }
        }
    }
    for entry in graph.state() {
        match found(&entry.name) {
            Some(tensor) if tensor.values.len() == entry.range.len() => {
                network.state[entry.range.clone()].copy_from_slice(&tensor.values);
            }
            other => {
                let has = other.map_or("no such tensor".to_owned(), |tensor| format!("{:?}", tensor.shape));
                return Err(misfit(path, &entry.name, &[entry.range.len()], &has));
            }
        }
    }
    Ok(())
}

fn misfit(path: &Path, name: &str, wanted: &[usize], has: &str) -> TrainError {
    let path = path.display();
    let message = format!(
        "the network wants `{name}` of shape {wanted:?}, and {path} has {has}; list the layers the weights were made for"
    );
    TrainError::setting("model.weights", message)
}
