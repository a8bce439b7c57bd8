//! Files of a run: config and summary, checkpoints, models, measurements.

use std::path::Path;

use keel_train::Predictor;
use keel_train::config::parse;
use keel_train::runs::{Checkpoint, MetricReader, RunFolder, TrainingState};

use crate::bytes::Bytes;
use crate::scratch::Scratch;

/// Opens the folder of a run: two bytes for the length of its config, the config, then its summary.
pub fn run_folder(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let length = usize::from(u16::from_le_bytes([bytes.byte(), bytes.byte()]));
    let scratch = Scratch::new();
    scratch.write("config.toml", bytes.take(length));
    scratch.write("summary.json", bytes.rest());
    let Ok(folder) = RunFolder::open(scratch.path()) else { return };
    if let Ok(text) = std::fs::read_to_string(folder.config()) {
        let _ = parse(&folder.config(), &text, &[]);
    }
    let Ok(summary) = folder.read_summary() else { return };
    let _ = summary.read_findings();
    folder.write_summary(&summary).expect("a summary that was read can be written");
    let again = folder.read_summary().expect("a summary that was written can be read");
    assert_eq!(format!("{again:?}"), format!("{summary:?}"), "a summary that was written and read differs");
}

/// Reads a checkpoint.
pub fn checkpoint(input: &[u8]) {
    let scratch = Scratch::new();
    let path = scratch.write("last.safetensors", &tensor_file(input));
    let Ok(read) = Checkpoint::<TrainingState>::read(&path) else { return };
    read.write(&path).expect("a checkpoint that was read can be written");
    let again = Checkpoint::<TrainingState>::read(&path).expect("a checkpoint that was written can be read");
    // Text, because NaN is not equal to itself.
    assert_eq!(format!("{again:?}"), format!("{read:?}"), "a checkpoint that was written and read differs");
}

/// Loads a model.
pub fn model(input: &[u8]) {
    let scratch = Scratch::new();
    let path = scratch.write("model.safetensors", &tensor_file(input));
    if let Ok(predictor) = Predictor::load(&path) {
        drop(predictor.class_names().join(", "));
    }
}

/// Reads every table of a database of measurements.
pub fn metrics_database(input: &[u8]) {
    let scratch = Scratch::new();
    let path = scratch.write("metrics.sqlite", input);
    read_all(&path);
}

fn read_all(path: &Path) {
    let Ok(reader) = MetricReader::open(path) else { return };
    let _ = reader.steps();
    let _ = reader.epochs();
    let _ = reader.layers();
    let _ = reader.histograms();
    let _ = reader.findings();
}

/// A file of tensors: a byte, then raw bytes where bit 0 of it is not set; else two bytes for the length of the header and the
/// header, which gets the right length before it, and the tensors.
pub(crate) fn tensor_file(input: &[u8]) -> Vec<u8> {
    let mut bytes = Bytes::new(input);
    if bytes.byte() & 1 == 0 {
        return bytes.rest().to_vec();
    }
    let length = usize::from(u16::from_le_bytes([bytes.byte(), bytes.byte()]));
    let header = bytes.take(length);
    [&(header.len() as u64).to_le_bytes()[..], header, bytes.rest()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_whole_files() {
        let seed = |target: &str, name: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target).join(name);
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let scratch = Scratch::new();
        let path = scratch.write("last.safetensors", &tensor_file(&seed("checkpoint", "moons")));
        assert!(Checkpoint::<TrainingState>::read(&path).is_ok());
        let path = scratch.write("model.safetensors", &tensor_file(&seed("model", "moons")));
        assert!(Predictor::load(&path).is_ok());
        let path = scratch.write("metrics.sqlite", &seed("metrics_database", "moons"));
        assert!(!MetricReader::open(&path).unwrap().steps().unwrap().is_empty());
    }
}
