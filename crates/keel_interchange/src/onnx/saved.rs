//! Files of an imported network: a model to evaluate and explain, and a config for further training.

use std::path::{Path, PathBuf};

use keel_data::{FittedStep, Preprocessor, SampleShape, Schema, TargetKind};
use keel_nn::Shape;
use keel_nn::losses::LossSpec;
use keel_onnx::OnnxError;
use keel_train::config::{LossConfig, open_last_linear};
use keel_train::runs::{Checkpoint, NamedTensor, write_atomically};
use keel_train::{Config, TargetScale};
use serde_json::json;

use super::export::KnownTraining;
use super::import::{Ending, Imported, Outputs};
use crate::InterchangeError;

/// Name of the file with the weights.
const MODEL: &str = "model.safetensors";
/// Name of the config.
const CONFIG: &str = "config.toml";

/// Files of an imported network.
#[derive(Debug)]
pub struct SavedModel {
    /// Model, for `eval`, `predict` and `importance`.
    pub model: PathBuf,
    /// Config, for `check` and `train`.
    pub config: PathBuf,
}

impl SavedModel {
    /// Returns the files of a model in `folder`, which need not exist.
    pub fn in_folder(folder: &Path) -> Self {
        SavedModel { model: folder.join(MODEL), config: folder.join(CONFIG) }
    }
}

/// Writes the model and a config into `folder`, which is created if needed; files of an earlier import are overwritten. `file` is
/// the name of the imported file.
///
/// # Errors
/// Fails if the files cannot be written, or if a single output represents two classes.
pub fn save(imported: &Imported, folder: &Path, file: &str, outputs: Outputs) -> Result<SavedModel, InterchangeError> {
    let training = imported.training.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Saving { imported, training }.save(folder, file, outputs)
}

/// An imported network to be saved.
struct Saving<'a> {
    imported: &'a Imported,
    training: Option<KnownTraining>,
}

impl Saving<'_> {
    fn save(&self, folder: &Path, file: &str, outputs: Outputs) -> Result<SavedModel, InterchangeError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source| InterchangeError::Write { path, source }
        };
        std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
        let (schema, preprocessor) = self.description(file, outputs)?;
        let config = self.config(outputs);
        let scaling: Vec<TargetScale> = match (&schema.target, &self.training) {
            (TargetKind::Values(_), Some(training)) => training.scaling.clone(),
            (TargetKind::Values(names), None) => names.iter().map(|_| TargetScale { mean: 0.0, std: 1.0 }).collect(),
            _ => Vec::new(),
        };
        let description = json!({
            "config": config.to_toml(),
            "preprocessor": preprocessor,
            "schema": schema,
            "scaling": scaling,
        });
        let saved = SavedModel::in_folder(folder);
        let checkpoint = Checkpoint { description, tensors: self.tensors() };
        checkpoint.write(&saved.model).map_err(keel_train::TrainError::from)?;
        let text = self.config_text(&config, file);
        write_atomically(&saved.config, |writer| writer.write_all(text.as_bytes()))
            .map_err(unwritable(&saved.config))?;
        Ok(saved)
    }

    fn tensors(&self) -> Vec<NamedTensor<'_>> {
        let network = &self.imported.network;
        let parameters = network.graph.parameters().iter().map(|parameter| NamedTensor {
            name: parameter.name.clone(),
            shape: parameter.spec.shape.clone(),
            values: network.parameters[parameter.range.clone()].into(),
        });
        let state = network.graph.state().iter().map(|entry| NamedTensor {
            name: entry.name.clone(),
            shape: vec![entry.range.len()],
            values: network.state[entry.range.clone()].into(),
        });
        parameters.chain(state).collect()
    }

    /// Returns schema and preprocessing: those of the export, or raw values with numbered names.
    fn description(&self, file: &str, outputs: Outputs) -> Result<(Schema, Preprocessor), InterchangeError> {
        if let Some((schema, preprocessor)) = &self.imported.model {
            return Ok((schema.clone(), preprocessor.clone()));
        }
        let graph = &self.imported.network.graph;
        let width = graph.output_shape().len();
        if outputs == Outputs::Classes && width < 2 {
            let reason = "one output cannot distinguish classes".to_owned();
            let next = "give the network an output for each class, or import it with --task regression".to_owned();
            return Err(OnnxError::Model { file: file.to_owned(), reason, next }.into());
        }
        let names =
            self.imported.class_names.clone().unwrap_or_else(|| (0..width).map(|number| number.to_string()).collect());
        let target = match outputs {
            Outputs::Classes => TargetKind::Classes(names),
            Outputs::Values => TargetKind::Values(names),
        };
        let sample_shape = match graph.input_shape() {
            Shape::Features(features) => SampleShape::Features(features),
            Shape::Image { height, width, channels } => SampleShape::Image { height, width, channels },
        };
        let feature_names = (0..sample_shape.channels()).map(|number| number.to_string()).collect();
        let schema = Schema {
            name: file.to_owned(),
            sample_shape,
            value_range: (0.0, 1.0),
            target,
            feature_names,
            columns: Vec::new(),
            identifiers: Vec::new(),
            table_target: None,
            imputation: None,
            image_decoding: None,
        };
        Ok((schema, Preprocessor::identity(sample_shape)))
    }

    fn config(&self, outputs: Outputs) -> Config {
        let mut config = Config::default();
        config.model.layers = self.imported.layers.clone();
        config.model.members = self.training.as_ref().map_or(1, |training| training.members);
        config.preprocess.steps.clear();
        config.train.loss = LossConfig::Chosen(match (&self.training, outputs, self.imported.ending) {
            (Some(training), ..) => training.loss.clone(),
            (None, Outputs::Values, _) => LossSpec::Mse {},
            (None, Outputs::Classes, Ending::Sigmoid) => LossSpec::Bce {},
            (None, Outputs::Classes, _) => LossSpec::cross_entropy(),
        });
        config
    }

    /// Returns the config keys determined by the network, with the width of the last layer left to the data. The others keep their defaults, and the user fills in the data,
    /// without which the config is refused.
    fn config_text(&self, config: &Config, file: &str) -> String {
        let mut text =
            format!("# The network of {file}. Set `source` to train it further.\n\n[data]\nsource = \"\"\n\n");
        text += "[preprocess]\n";
        let mut steps = Vec::new();
        if let Some((_, preprocessor)) = &self.imported.model {
            text += "# Its samples were preprocessed with these steps, which are fitted again to your data:\n";
            preprocessor.describe().iter().for_each(|step| text += &format!("#   {step}\n"));
            let named = preprocessor.steps().iter().filter(|step| matches!(step, FittedStep::Elementwise { .. }));
            steps.extend(named.map(|step| step.name().to_owned()));
        }
        let (steps, members) = (json!(steps), config.model.members);
        text += &format!("steps = {steps}\n\n[model]\nweights = \"{MODEL}\"\nmembers = {members}\n");
        let mut open = config.clone();
        open_last_linear(&mut open.model.layers);
        text + &toml_layers(&open)
    }
}

/// Returns the list of layers as TOML: the part of the whole config that lists them.
fn toml_layers(config: &Config) -> String {
    let text = config.to_toml();
    let start = text.find("[[model.layers]]").unwrap_or(text.len());
    let layers = &text[start..];
    let end = layers.find("\n[train").map_or(layers.len(), |end| end + 1);
    let loss = match &config.train.loss {
        LossConfig::Chosen(loss) => format!("\n[train]\nloss = \"{}\"\n", loss.name()),
        LossConfig::Auto(_) => String::new(),
    };
    format!("\n{}\n{loss}", layers[..end].trim_end())
}
