//! Weights under PyTorch's names: the part of `import` and `export` that reads and writes safetensors files.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use keel_interchange::torch::{self, Converted, TorchError};
use keel_nn::Preset;
use serde::Serialize;

use super::existing::refuse_existing;
use crate::failure::{Failure, Stop, from_sentence};
use crate::terminal::{Output, Status, wrapped};

/// Extensions of files with weights.
const ENDINGS: [&str; 5] = ["safetensors", "pth", "pt", "bin", "ckpt"];
/// Extension of the files that are written.
const WRITTEN: &str = "safetensors";

/// Networks of torchvision whose weights are known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TorchPreset {
    /// ResNet-18
    Resnet18,
    /// ResNet-34
    Resnet34,
    /// ResNet-50
    Resnet50,
}

impl TorchPreset {
    fn preset(self) -> Preset {
        match self {
            TorchPreset::Resnet18 => Preset::Resnet18,
            TorchPreset::Resnet34 => Preset::Resnet34,
            TorchPreset::Resnet50 => Preset::Resnet50,
        }
    }
}

/// Conversion as shown by `--json`.
#[derive(Debug, Serialize)]
struct Written {
    file: PathBuf,
    tensors: usize,
    /// Tensors of the source without a counterpart in the network.
    unused: Vec<String>,
    /// Tensors of the network that the source lacks.
    missing: Vec<String>,
}

/// Returns true if a file to read contains weights, by its extension.
pub(super) fn is_read(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Returns true if a file to write is to contain weights, by its extension.
pub(super) fn is_written(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(WRITTEN))
}

/// Converts a file with torchvision's names to `out`, or to a file with the suffix `-weights` next to it.
pub(super) fn import(
    file: &Path,
    preset: Option<TorchPreset>,
    out: Option<&Path>,
    output: &mut Output,
) -> Result<Status, Stop> {
    let preset = required(preset, file)?;
    let beside = || {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        file.with_file_name(format!("{stem}-weights.safetensors"))
    };
    let out = out.map_or_else(beside, Path::to_owned);
    refuse_existing([out.as_path()])?;
    show(torch::import(file, preset, &out), &out, output)
}

/// Writes the model of a run with torchvision's names.
pub(super) fn export(
    run: &Path,
    preset: Option<TorchPreset>,
    file: &Path,
    output: &mut Output,
) -> Result<Status, Stop> {
    let preset = required(preset, file)?;
    let model = if run.is_dir() { run.join("model.safetensors") } else { run.to_owned() };
    show(torch::export(&model, preset, file), file, output)
}

fn required(preset: Option<TorchPreset>, file: &Path) -> Result<Preset, Stop> {
    let missing = || {
        let failure = Failure::new(format!("{}: a file of weights does not name its network", file.display()));
        let names: Vec<&str> = torch::presets().iter().map(|(name, _)| *name).collect();
        failure.next_step(format!("Name it: --preset {}", names.join(", --preset ")))
    };
    Ok(preset.ok_or_else(missing)?.preset())
}

fn show(converted: Result<Converted, TorchError>, file: &Path, output: &mut Output) -> Result<Status, Stop> {
    let Converted { tensors, unused, missing } = converted.map_err(|error| from_sentence(&error.to_string()))?;
    let written = Written { file: file.to_owned(), tensors, unused, missing };
    output.result(&written, || text(&written))?;
    Ok(Status::Done)
}

fn text(written: &Written) -> String {
    let mut text = format!("{}: {} tensors\n", written.file.display(), written.tensors);
    for (title, names) in [("not used    ", &written.unused), ("missing     ", &written.missing)] {
        if !names.is_empty() {
            text.push_str(&format!("{}\n", wrapped(title, &names.join(", "))));
        }
    }
    text
}
