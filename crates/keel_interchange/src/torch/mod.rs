//! Conversion of weights between Evenkeel and PyTorch's names and layouts, for the residual networks of torchvision.
//!
//! | torchvision | Evenkeel |
//! |---|---|
//! | `conv1.weight`, `layer2.0.conv1.weight`, `[out, in, height, width]` | `conv2d_N.weight`, `[height, width, in, out]` |
//! | `fc.weight`, `[out, in]` | `linear_1.weight`, `[in, out]` |
//! | `bn1.weight`, `bn1.bias` | `batch_norm_N.scale`, `batch_norm_N.shift` |
//! | `bn1.running_mean`, `bn1.running_var`, `bn1.num_batches_tracked` | `batch_norm_N.running_mean`, `.running_variance`, `.updates` |
//! | `layer2.0.downsample.0`, `layer2.0.downsample.1` | the projection of the first block of a stage |

mod error;
mod layout;
mod names;
mod pair;
mod tensor;

use std::path::Path;

use keel_nn::Graph;
use keel_nn::Shape;
use keel_nn::model::{ModelConfig, Preset};
use keel_onnx::foreign::check_start;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

pub use error::TorchError;
use names::pairs;
use pair::Pair;
use tensor::{Tensor, read_tensor};

/// Image side for the lookup of names; every side that fits all stages gives the same names.
const SIDE: usize = 224;

/// Result of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// Number of tensors converted.
    pub tensors: usize,
    /// Tensors of the source without a counterpart.
    pub unused: Vec<String>,
    /// Tensors of the network that the source lacks.
    pub missing: Vec<String>,
}

/// Returns the presets whose weights can be converted.
pub fn presets() -> [(&'static str, Preset); 3] {
    [("resnet18", Preset::Resnet18), ("resnet34", Preset::Resnet34), ("resnet50", Preset::Resnet50)]
}

/// Converts the safetensors file `from`, with torchvision's names for `preset`, to the file `to` with Evenkeel's names,
/// which a config can use as `model.weights`. The last layer keeps its number of classes.
///
/// # Errors
/// Fails if a file cannot be read or written, is a pickle or not a safetensors file, a tensor has another shape or
/// type, a value is not finite, or the network has no counterpart in the file.
pub fn import(from: &Path, preset: Preset, to: &Path) -> Result<Converted, TorchError> {
    let bytes = keel_train::runs::files::read(from).map_err(|error| TorchError::file(from, error))?;
    let source = open(from, &bytes)?;
    let classes = source.tensor("fc.weight").ok().and_then(|tensor| tensor.shape().first().copied());
    let graph = graph_of(preset, classes.unwrap_or(1000).max(1), from)?;
    let (mut tensors, mut missing) = (Vec::new(), Vec::new());
    let pairs = pairs(&graph, preset);
    for pair in &pairs {
        match source.tensor(&pair.theirs) {
            Ok(tensor) => tensors
                .push(read_tensor(pair, &tensor).map_err(|message| TorchError::tensor(from, &pair.theirs, message))?),
            Err(_) => missing.push(pair.theirs.clone()),
        }
    }
    let known = |name: &str| pairs.iter().any(|pair| pair.theirs == name);
    let mut unused: Vec<String> = source.names().into_iter().filter(|name| !known(name)).map(str::to_owned).collect();
    unused.sort();
    if tensors.is_empty() {
        return Err(TorchError::NothingFits { path: from.to_owned(), first: unused.into_iter().take(4).collect() });
    }
    write(to, &tensors)?;
    Ok(Converted { tensors: tensors.len(), unused, missing })
}

/// Converts the weights of the model file `from` (or of any file with Evenkeel's names) to the file `to` with
/// torchvision's names.
///
/// # Errors
/// Fails under the same conditions as [`import`].
pub fn export(from: &Path, preset: Preset, to: &Path) -> Result<Converted, TorchError> {
    let bytes = keel_train::runs::files::read(from).map_err(|error| TorchError::file(from, error))?;
    let source = open(from, &bytes)?;
    let classes = source.tensor("linear_1.weight").ok().and_then(|tensor| tensor.shape().get(1).copied());
    let graph = graph_of(preset, classes.unwrap_or(1000).max(1), from)?;
    let pairs = pairs(&graph, preset);
    let (mut tensors, mut missing) = (Vec::new(), Vec::new());
    for pair in pairs.iter().map(Pair::reversed) {
        match source.tensor(&pair.theirs) {
            Ok(tensor) => tensors
                .push(read_tensor(&pair, &tensor).map_err(|message| TorchError::tensor(from, &pair.theirs, message))?),
            Err(_) => missing.push(pair.theirs.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(TorchError::NotThisNetwork {
            path: from.to_owned(),
            missing: missing.into_iter().take(4).collect(),
        });
    }
    write(to, &tensors)?;
    Ok(Converted { tensors: tensors.len(), unused: Vec::new(), missing })
}

fn graph_of(preset: Preset, classes: usize, path: &Path) -> Result<Graph, TorchError> {
    let model = ModelConfig { preset, ..ModelConfig::default() };
    let input = Shape::Image { height: SIDE, width: SIDE, channels: 3 };
    Graph::build(input, &model.layers(), classes)
        .map_err(|error| TorchError::tensor(path, "fc.weight", error.to_string()))
}

/// Reads the header of a file of tensors.
fn open<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, TorchError> {
    check_start(path, bytes)?;
    SafeTensors::deserialize(bytes).map_err(|error| {
        let next = "give a .safetensors file, or the network as an ONNX file";
        TorchError::file(path, format!("not a safetensors file ({error}); {next}"))
    })
}

/// Writes f32 tensors and i64 counters as one safetensors file.
fn write(path: &Path, tensors: &[Tensor]) -> Result<(), TorchError> {
    let views = tensors.iter().map(|tensor| {
        let dtype = if tensor.is_counter { Dtype::I64 } else { Dtype::F32 };
        let view = TensorView::new(dtype, tensor.shape.clone(), &tensor.bytes);
        view.map(|view| (tensor.name.as_str(), view)).map_err(|error| TorchError::file(path, error))
    });
    let views = views.collect::<Result<Vec<_>, _>>()?;
    let bytes = safetensors::serialize(views, None).map_err(|error| TorchError::file(path, error))?;
    keel_train::runs::write_atomically(path, |file| std::io::Write::write_all(file, &bytes))
        .map_err(|error| TorchError::file(path, error))
}
