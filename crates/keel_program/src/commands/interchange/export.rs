//! `export`: writes a trained model as one file for other programs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use keel_data::{Dataset, Inputs};
use keel_interchange::InterchangeError;
use keel_interchange::onnx::export::{ExportOptions, PictureValues, export, least_opset};
use keel_interchange::onnx::verify::{Verification, verify};
use keel_interchange::onnx::{read, write};
use keel_train::Predictor;
use serde::Serialize;

use super::torch_weights::{self, TorchPreset};
use crate::failure::{Failure, Stop, from_sentence};
use crate::terminal::{Output, Status, wrapped};

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel export runs/digits-cnn digits.onnx            ONNX, for any program that reads it
  evenkeel export runs/wine-mlp wine.onnx --opset 21
  evenkeel export runs/photos photos.onnx --float16      half the size, three digits of each weight
  evenkeel export runs/digits-cnn digits.onnx --json     inputs, outputs, the comparison
  evenkeel export runs/photos photos.safetensors --preset resnet18
                                                         weights with torchvision's names

The graph takes raw samples: images as bytes with channels last, at the size of the training images,
or one input for each column of a table, categories as text. It includes preprocessing, labels and
probabilities. Before it is written, the graph is computed on random samples and on the run's own
data, and nothing is written if its predictions differ from those of the model.")]
pub(crate) struct Arguments {
    /// Folder of a run, or its model.safetensors
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// File to write, NAME.onnx, or NAME.safetensors for weights with torchvision's names
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Network of the run whose weights are written with torchvision's names
    #[arg(long, value_enum, value_name = "PRESET")]
    preset: Option<TorchPreset>,
    /// Version of the operator set, 17 to 21 [default: the oldest that supports the model]
    #[arg(long, value_name = "N")]
    opset: Option<i64>,
    /// Store large weights in 16 bits; the arithmetic stays in 32
    #[arg(long)]
    float16: bool,
    /// Keep batch norms as separate nodes instead of folding them into the weights
    #[arg(long)]
    keep_batch_norm: bool,
    /// Type of the values of images
    #[arg(long, value_enum, default_value_t = Pictures::Auto, value_name = "TYPE")]
    pictures: Pictures,
}

/// Type of the values of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pictures {
    /// The type of the data the model was trained on
    Auto,
    /// Bytes
    Uint8,
    /// 32-bit floats
    Float32,
}

/// Files that were written.
#[derive(Debug, Serialize)]
struct Written {
    file: PathBuf,
    bytes: u64,
    opset: i64,
    nodes: usize,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    verification: Verification,
}

/// An input or an output.
#[derive(Debug, Serialize)]
struct Port {
    name: String,
    shape: Vec<String>,
    holds: String,
}

/// Exports the model, compares it, writes it and prints a summary.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    if torch_weights::is_written(&arguments.file) {
        return torch_weights::export(&arguments.run, arguments.preset, &arguments.file, output);
    }
    check_name(&arguments.file)?;
    let predictor = Predictor::load(&arguments.run)?;
    let real = match predictor.load_inputs(&predictor.config().data.source) {
        Ok(dataset) => Some(dataset),
        Err(error) => {
            output.remark(&format!("note        not compared on the run's own data: {error}"));
            None
        }
    };
    if real.is_some() && predictor.schema().has_times() {
        output.remark(
            "note        the real samples are compared with random dates, because a model does not keep the dates",
        );
    }
    let options = ExportOptions {
        opset: arguments.opset.unwrap_or_else(|| least_opset(&predictor)),
        keeps_batch_norm: arguments.keep_batch_norm,
        float16: arguments.float16,
        pictures: pictures(arguments.pictures, &predictor, real.as_ref()),
        run: run_name(&arguments.run),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let exported = export(&predictor, &options).map_err(failure)?;
    let verification = verify(&predictor, &exported, &options, real.as_ref()).map_err(failure)?;
    let bytes = write(&arguments.file, &exported.model).map_err(failure)?;
    let model = read(&arguments.file).map_err(failure)?;
    let graph = model.graph.unwrap_or_default();
    let written = Written {
        file: arguments.file.clone(),
        bytes,
        opset: options.opset,
        nodes: graph.node.len(),
        inputs: graph.input.iter().map(Port::of).collect(),
        outputs: graph.output.iter().map(Port::of).collect(),
        verification,
    };
    output.result(&written, || text(&written))?;
    Ok(Status::Done)
}

/// Rejects any other extension.
fn check_name(file: &Path) -> Result<(), Stop> {
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
        return Ok(());
    }
    let failure = Failure::new(format!("{}: models are exported as ONNX or as weights", file.display()));
    Err(failure.next_step("Give a file name that ends in .onnx or .safetensors").into())
}

/// Returns the requested type, that of the data, or the one suggested by the range of the values.
fn pictures(wanted: Pictures, predictor: &Predictor, real: Option<&Dataset>) -> PictureValues {
    let are_bytes = match (wanted, real.map(Dataset::inputs)) {
        (Pictures::Uint8, _) | (Pictures::Auto, Some(Inputs::Bytes(_))) => true,
        (Pictures::Float32, _) | (Pictures::Auto, Some(Inputs::Floats(_))) => false,
        (Pictures::Auto, None) => {
            let (low, high) = predictor.schema().value_range;
            low == 0.0 && high > 1.0 && high <= 255.0 && high.fract() == 0.0
        }
    };
    if are_bytes { PictureValues::Bytes } else { PictureValues::Floats }
}

/// Returns the name of the folder of a run.
fn run_name(run: &Path) -> String {
    let folder = if run.is_dir() { Some(run) } else { run.parent() };
    let name = folder
        .and_then(|folder| folder.canonicalize().ok())
        .and_then(|folder| folder.file_name().map(|name| name.to_string_lossy().into_owned()));
    name.unwrap_or_default()
}

impl Port {
    fn of(info: &keel_interchange::onnx::schema::ValueInfoProto) -> Self {
        let shape = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()?.shape.as_ref());
        let size = |dim: &keel_interchange::onnx::schema::DimensionProto| match dim.dim_value {
            Some(size) => size.to_string(),
            None => dim.dim_param.clone().unwrap_or_default(),
        };
        let shape = shape.map_or_else(Vec::new, |shape| shape.dim.iter().map(size).collect());
        Port { name: info.name.clone(), shape, holds: info.doc_string.clone() }
    }

    fn line(&self, title: &str) -> String {
        wrapped(title, &format!("{} [{}]: {}", self.name, self.shape.join(", "), self.holds))
    }
}

fn text(written: &Written) -> String {
    let mut text = format!(
        "{} ({} KB, opset {}, {} nodes)\n",
        written.file.display(),
        written.bytes.div_ceil(1000),
        written.opset,
        written.nodes
    );
    for input in &written.inputs {
        text.push_str(&input.line("input       "));
    }
    for output in &written.outputs {
        text.push_str(&output.line("output      "));
    }
    let Verification { random_samples, real_samples, largest_difference, allowed_difference } = written.verification;
    let samples = match real_samples {
        0 => format!("{random_samples} random samples, none of the run's own data"),
        _ => format!("{random_samples} random and {real_samples} real samples"),
    };
    let lead = format!(
        "computed on {samples}: it predicts as the model does, with a \
         largest difference of {largest_difference:.1e} of the scale of an output ({allowed_difference:.0e} is allowed)"
    );
    text.push_str(&wrapped("verified    ", &lead));
    text
}

/// Converts the error of an export or import.
pub(super) fn failure(error: InterchangeError) -> Stop {
    match error {
        InterchangeError::Train(error) => error.into(),
        other => from_sentence(&other.to_string()).into(),
    }
}
