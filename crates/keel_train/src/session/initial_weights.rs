//! Loads initial weights from a file instead of drawing them at random: `model.weights`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keel_nn::{Graph, Network};
use keel_onnx::foreign::check_start;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::config::{is_onnx, read_onnx};
use crate::error::TrainError;
use crate::runs::{Checkpoint, files, is_own_file};

/// Maximum number of tensor names listed in a note.
const NAMED: usize = 6;

/// Result of loading weights from a file.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Names of the loaded parameters and running statistics.
    pub(super) names: BTreeSet<String>,
    /// Name of the file.
    pub(super) file: String,
    /// Sentences about the tensors that keep their random values and those of the file that were not used.
    pub(super) notes: Vec<String>,
}

/// Copies the tensors of the file at `path` that match a parameter or running statistic by name and shape into `network`, and
/// reports the tensors that keep their random values and those that were not used. The last layer with weights, and the layers
/// after it, may differ in shape: they are the head for another task.
///
/// # Errors
/// If the file cannot be read, a tensor differs in shape or type from the network's, a value is not finite, or no tensor
/// matches.
pub(super) fn apply(network: &mut Network, path: &Path) -> Result<Taken, TrainError> {
    if is_onnx(path) {
        let imported = read_onnx(path).map_err(|message| TrainError::setting("model.weights", message))?;
        return fill(network, path, of_network(&imported.network));
    }
    let bytes = files::read(path).map_err(|error| TrainError::unreadable(path, error))?;
    if is_own_file(&bytes) {
        // Files written by Evenkeel have a checksum; those of other programs have none.
        Checkpoint::<serde_json::Value>::of_bytes(&bytes, path)?;
    }
    check_start(path, &bytes).map_err(|error| TrainError::setting("model.weights", error.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| {
        TrainError::setting("model.weights", format!("{}: not a safetensors file: {error}", path.display()))
    })?;
    fill(network, path, tensors.iter().map(|(name, tensor)| (name.to_owned(), Tensor::Stored(tensor))).collect())
}

/// Returns the parameters and running statistics of a network by name.
fn of_network(network: &Network) -> BTreeMap<String, Tensor<'_>> {
    let graph = &network.graph;
    let parameters = graph.parameters().iter().map(|parameter| {
        let values = &network.parameters[parameter.range.clone()];
        (parameter.name.clone(), Tensor::Read { shape: parameter.spec.shape.clone(), values })
    });
    let state = graph.state().iter().map(|entry| {
        let values = &network.state[entry.range.clone()];
        (entry.name.clone(), Tensor::Read { shape: vec![values.len()], values })
    });
    parameters.chain(state).collect()
}

/// Copies all matching tensors.
fn fill(network: &mut Network, path: &Path, tensors: BTreeMap<String, Tensor<'_>>) -> Result<Taken, TrainError> {
    let Network { graph, parameters, state, .. } = network;
    // The head is loaded completely or not at all: biases without their weights are useless.
    let head = head_of(graph);
    let of_head = graph.parameters().iter().filter(|parameter| parameter.node.index() >= head);
    let head_fits = of_head
        .into_iter()
        .all(|parameter| tensors.get(&parameter.name).is_some_and(|tensor| tensor.shape() == parameter.spec.shape));
    let mut file = WeightFile { path, tensors, head_fits, used: BTreeSet::new(), kept: Vec::new() };
    for parameter in graph.parameters() {
        let place = &mut parameters[parameter.range.clone()];
        file.fill(&parameter.name, &parameter.spec.shape, parameter.node.index() >= head, place)?;
    }
    for entry in graph.state() {
        file.fill(&entry.name, &[entry.range.len()], entry.node.index() >= head, &mut state[entry.range.clone()])?;
    }
    file.taken()
}

/// Returns the index of the last node with a weight matrix.
fn head_of(graph: &Graph) -> usize {
    graph.last_weight_node().map_or(usize::MAX, |node| node.id.index())
}

/// Values of a tensor in a file.
enum Tensor<'a> {
    /// Bytes of a safetensors file, not yet converted.
    Stored(TensorView<'a>),
    /// Values that are already floats.
    Read { shape: Vec<usize>, values: &'a [f32] },
}

impl Tensor<'_> {
    fn shape(&self) -> &[usize] {
        match self {
            Tensor::Stored(tensor) => tensor.shape(),
            Tensor::Read { shape, .. } => shape,
        }
    }

    /// Copies the values to `place`, which has the same length.
    fn copy(&self, place: &mut [f32]) -> Result<(), String> {
        match self {
            Tensor::Stored(tensor) => place.copy_from_slice(&floats(tensor)?),
            Tensor::Read { values, .. } => place.copy_from_slice(values),
        }
        Ok(())
    }
}

struct WeightFile<'a> {
    path: &'a Path,
    tensors: BTreeMap<String, Tensor<'a>>,
    /// True if the file has all parameters of the head in the network's shapes.
    head_fits: bool,
    used: BTreeSet<String>,
    /// Names that the file lacks, or has in another shape.
    kept: Vec<String>,
}

impl WeightFile<'_> {
    fn refusal(&self, message: String) -> TrainError {
        TrainError::setting("model.weights", format!("{}: {message}", self.path.display()))
    }

    /// Copies the tensor `name` to `place`.
    fn fill(&mut self, name: &str, shape: &[usize], is_head: bool, place: &mut [f32]) -> Result<(), TrainError> {
        let Some(tensor) = self.tensors.get(name) else {
            self.kept.push(name.to_owned());
            return Ok(());
        };
        if is_head && !self.head_fits {
            self.kept.push(format!("{name} (the file has {:?}, the network {shape:?})", tensor.shape()));
            return Ok(());
        }
        if tensor.shape() != shape {
            let message = format!(
                "tensor `{name}` has the shape {:?}, the network's {shape:?}; use the network that the file was saved from",
                tensor.shape()
            );
            return Err(self.refusal(message));
        }
        tensor.copy(place).map_err(|message| self.refusal(format!("tensor `{name}` {message}")))?;
        self.used.insert(name.to_owned());
        Ok(())
    }

    fn taken(self) -> Result<Taken, TrainError> {
        let unused: Vec<String> =
            self.tensors.keys().filter(|name| !self.used.contains(name.as_str())).cloned().collect();
        if self.used.is_empty() {
            let message = format!(
                "no tensor name matches one of the network's; the file has {}, the network {}; convert files of other programs with \
                 `evenkeel import`",
                listed(&unused),
                listed(&self.kept)
            );
            return Err(self.refusal(message));
        }
        let mut notes = vec![format!("{} tensors taken from {}", self.used.len(), self.path.display())];
        if !self.kept.is_empty() {
            notes.push(format!("drawn at random, since the file does not have them: {}", listed(&self.kept)));
        }
        if !unused.is_empty() {
            notes.push(format!("unused tensors of the file: {}", listed(&unused)));
        }
        let file = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned();
        Ok(Taken { names: self.used, file, notes })
    }
}

/// Joins the first few names.
fn listed(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Converts the values of an f32 tensor.
fn floats(tensor: &TensorView<'_>) -> Result<Vec<f32>, String> {
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("holds {:?}; save it as F32", tensor.dtype()));
    }
    let (words, _) = tensor.data().as_chunks::<4>();
    let values: Vec<f32> = words.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("holds {} at place {at}", values[at])),
        None => Ok(values),
    }
}
