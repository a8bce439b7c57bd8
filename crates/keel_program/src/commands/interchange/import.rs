//! `import`: converts the network of an ONNX file to a model and a config, or weights of PyTorch.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use keel_interchange::check_format;
use keel_interchange::onnx::import::{Outputs, import};
use keel_interchange::onnx::read;
use keel_interchange::onnx::saved::{self, SavedModel};
use serde::Serialize;

use super::existing::refuse_existing;
use super::export::failure;
use super::torch_weights::{self, TorchPreset};
use crate::failure::Stop;
use crate::terminal::{Output, Status, wrapped};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel import net.onnx                        writes net/model.safetensors and net/config.toml
  evenkeel import net.onnx --out nets/first
  evenkeel eval net/model.safetensors photos/     then: metrics on labelled data
  evenkeel train net/config.toml --set data.source=photos/
  evenkeel import resnet18.safetensors --preset resnet18
                                                  weights of torchvision, for model.weights

Reads networks of the layers that `evenkeel catalog` lists, with their weights. Any other node is
reported by its name, and nothing is written. A file that exists already is never overwritten.")]
pub(crate) struct Arguments {
    /// File to import
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder to write to, or file for weights [default: the name of the file without its extension, or with -weights]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Network of a file of weights with torchvision's names
    #[arg(long, value_enum, value_name = "PRESET")]
    preset: Option<TorchPreset>,
    /// Meaning of the outputs
    #[arg(long, value_enum, default_value_t = Task::Auto, value_name = "TASK")]
    task: Task,
}

/// Meaning of the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Task {
    /// Inferred from the file and the number of outputs
    Auto,
    /// Scores of classes
    Classification,
    /// Values
    Regression,
}

/// Files that were written.
#[derive(Debug, Serialize)]
struct Written {
    model: PathBuf,
    config: PathBuf,
    layers: Vec<Layer>,
    parameters: usize,
    task: &'static str,
    notes: Vec<String>,
}

/// A node of the network.
#[derive(Debug, Serialize)]
struct Layer {
    name: String,
    settings: String,
    output: String,
}

/// Reads the file, writes the results and prints a summary.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    check_format(&arguments.file).map_err(failure)?;
    if arguments.preset.is_some() || torch_weights::is_read(&arguments.file) {
        return torch_weights::import(&arguments.file, arguments.preset, arguments.out.as_deref(), output);
    }
    let folder = arguments.out.clone().unwrap_or_else(|| arguments.file.with_extension(""));
    let SavedModel { model, config } = SavedModel::in_folder(&folder);
    refuse_existing([config.as_path(), model.as_path()])?;
    let model = read(&arguments.file).map_err(failure)?;
    let name = arguments.file.display().to_string();
    let imported = import(&model, &name).map_err(|error| failure(error.into()))?;
    let outputs = match arguments.task {
        Task::Auto => imported.outputs(),
        Task::Classification => Outputs::Classes,
        Task::Regression => Outputs::Values,
    };
    let saved = saved::save(&imported, &folder, &name, outputs).map_err(failure)?;
    let graph = &imported.network.graph;
    let layer = |node: &keel_nn::graph::Node| Layer {
        name: node.name.clone(),
        settings: node.op.describe(),
        output: node.op.output_shape().to_string(),
    };
    let written = Written {
        model: saved.model,
        config: saved.config,
        layers: graph.nodes().iter().map(layer).collect(),
        parameters: graph.parameter_length(),
        task: if outputs == Outputs::Classes { "classification" } else { "regression" },
        notes: imported.notes.clone(),
    };
    output.result(&written, || text(&written))?;
    Ok(Status::Done)
}

fn text(written: &Written) -> String {
    let mut text = String::new();
    for Layer { name, settings, output } in &written.layers {
        text.push_str(&format!("{name:18} {output:>12}  {settings}\n"));
    }
    text.push_str(&format!("{} layers, {} parameters, {}\n", written.layers.len(), written.parameters, written.task));
    written.notes.iter().for_each(|note| text.push_str(&wrapped("note        ", note)));
    let (model, config) = (written.model.display(), written.config.display());
    text.push_str(&format!("model       {model}: for eval, predict and export\n"));
    text.push_str(&format!("config      {config}: name your data in it, then check or train\n"));
    text
}
