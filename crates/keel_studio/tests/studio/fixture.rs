//! Runs in the form that training runs leave behind.

use std::path::Path;

use keel_train::Config;
use keel_train::runs::{EpochRecord, LayerRecord, MetricStore, Rows, RunFolder, StepRecord};
use serde_json::{Value, json};

/// Creates a run in `folder` with `status` in its summary.
pub(crate) fn run(folder: &Path, name: &str, status: &str) -> RunFolder {
    run_of(folder, name, status, &Config::default())
}

/// Works like [`run`], with `config`.
pub(crate) fn run_of(folder: &Path, name: &str, status: &str, config: &Config) -> RunFolder {
    let run = RunFolder::create(folder, name).unwrap();
    std::fs::write(run.config(), config.to_toml()).unwrap();
    write_summary(&run, status, json!({}));
    run
}

/// Writes a summary, in which `more` replaces the usual fields.
pub(crate) fn write_summary(run: &RunFolder, status: &str, more: Value) {
    let mut summary = json!({
        "format": 2,
        "status": status,
        "data": "digits",
        "metrics": {},
        "epochs": 0,
        "best_epoch": 0,
        "steps": 0,
        "planned_steps": 1000,
        "seconds": 1.5,
        "samples_per_second": 100.0,
        "seed": 0,
        "findings": [],
        "layers": [
            { "name": "conv2d_1", "kind": "conv2d", "description": "", "output_shape": [8, 8, 4], "parameters": 40 },
            { "name": "activation_1", "kind": "activation", "description": "", "output_shape": [8, 8, 4], "parameters": 0 },
        ],
        "inferred": [],
        "version": "0.1.0",
        "machine": { "architecture": "x86_64", "system": "linux", "simd": "avx2", "threads": 2 },
    });
    summary.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    std::fs::write(run.summary(), summary.to_string()).unwrap();
}

/// Opens the store of a run, keeping its rows.
pub(crate) fn store(run: &RunFolder) -> MetricStore {
    MetricStore::open(&run.metrics(), Rows { step: u64::MAX >> 1, epoch: u64::MAX >> 1, findings: u64::MAX >> 1 })
        .unwrap()
}

/// Returns a step whose loss is one over its number.
pub(crate) fn step(step: u64) -> StepRecord {
    StepRecord { step, epoch: 1 + step / 100, loss: 1.0 / step as f64, learning_rate: 0.1, gradient_norm: 1.0 }
}

/// Returns a result on the validation split.
pub(crate) fn epoch(epoch: u64, accuracy: f64) -> EpochRecord {
    EpochRecord { epoch, part: "val", loss: 0.5, accuracy: Some(accuracy), rmse: None, r2: None, seconds: 1.0 }
}

/// Returns a measurement of a layer.
pub(crate) fn layer(step: u64, layer: &str, name: &'static str, value: f64) -> LayerRecord {
    LayerRecord { step, layer: layer.to_owned(), name, value }
}
