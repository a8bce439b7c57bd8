//! `model.source`: the network of an ONNX file instead of a preset or a list of layers.

use std::path::Path;

use keel_nn::layers::LayerSpec;
use keel_nn::losses::LossSpec;
use keel_onnx::foreign::check_start;
use keel_onnx::import::{Ending, Imported, import};
use serde::Deserialize;

use super::{Config, LossConfig};

/// Dotted key of the file.
pub(crate) const KEY: &str = "model.source";

/// Training settings that an export of Evenkeel stores and a config can set.
#[derive(Deserialize)]
struct KnownTraining {
    loss: LossSpec,
    members: usize,
}

/// Puts the layers of the file into `config`, if it names one, and uses the file for the initial weights. The last linear layer
/// is as wide as the data requires. Members and loss are taken from the file if the config does not set them.
///
/// # Errors
/// A message if the file cannot be read as layers, or other keys also determine the network.
pub(crate) fn take(config: &mut Config) -> Result<(), String> {
    if config.model.source.is_empty() {
        return Ok(());
    }
    if let Some(key) = ["model.preset", "model.layers", "model.weights"].into_iter().find(|key| config.is_given(key)) {
        return Err(format!("the file defines the layers and weights, but `{key}` is given too; remove one of them"));
    }
    let source = std::mem::take(&mut config.model.source);
    let imported = read(Path::new(&source))?;
    let known = imported.training.as_deref().and_then(|text| serde_json::from_str::<KnownTraining>(text).ok());
    let loss = match (&known, imported.ending) {
        (Some(known), _) => Some(known.loss.clone()),
        (None, Ending::Sigmoid) => Some(LossSpec::Bce {}),
        (None, Ending::Softmax | Ending::Open) => None,
    };
    if let Some(loss) = loss.filter(|_| !config.is_given("train.loss")) {
        config.train.loss = LossConfig::Chosen(loss);
    }
    if !config.is_given("model.members") {
        config.model.members = known.map_or(1, |known| known.members);
    }
    config.model.layers = imported.layers;
    open_last_linear(&mut config.model.layers);
    config.model.weights = source;
    Ok(())
}

/// Leaves the width of the last linear layer open, so that it becomes the one that the data needs. If another layer determines
/// the number of outputs, nothing changes.
pub fn open_last_linear(layers: &mut [LayerSpec]) {
    let determines = |layer: &&mut LayerSpec| {
        matches!(
            layer,
            LayerSpec::Linear(_)
                | LayerSpec::Conv2d(_)
                | LayerSpec::Maxout(_)
                | LayerSpec::Residual(_)
                | LayerSpec::Custom(_)
        )
    };
    if let Some(LayerSpec::Linear(last)) = layers.iter_mut().rev().find(determines) {
        last.out_features = None;
    }
}

/// Reads the network of the ONNX file at `path`.
///
/// # Errors
/// A message if the file cannot be read as layers.
pub(crate) fn read(path: &Path) -> Result<Imported, String> {
    let name = path.display().to_string();
    keel_data::check_is_file(path).map_err(|error| error.to_string())?;
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {name}: {error}; give an ONNX file"))?;
    check_start(path, &bytes).map_err(|error| error.to_string())?;
    let model = keel_onnx::decode(&bytes, &name).map_err(|error| error.to_string())?;
    import(&model, &name).map_err(|error| error.to_string())
}

/// Returns true if the file at `path` has the extension of ONNX.
pub(crate) fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"))
}
