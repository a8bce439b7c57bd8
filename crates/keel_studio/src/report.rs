//! Parts of the report of a run, computed individually, and files of a run.

use std::sync::Arc;

use keel_page::Language;
use keel_report::{ReportOptions, report_parts};
use keel_train::remedies::{config_of, treatments};
use keel_train::runs::files::{read, read_text};
use keel_train::runs::{MetricReader, RunFolder, TensorName};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::live::Distribution;
use crate::shared::Shared;

/// Number of samples evaluated for a page; a full report evaluates more.
const SAMPLES: usize = 2_000;

/// Requested parts of the report of a run.
#[derive(Debug, Deserialize)]
pub(crate) struct PartsRequest {
    /// Names of parts, separated by commas.
    only: String,
    #[serde(default)]
    lang: String,
}

/// Returns parts of the report of run `name`, cached until a file of the run changes.
///
/// # Errors
/// Fails if there is no such run.
pub(crate) fn parts(shared: &Shared, name: &str, request: &PartsRequest) -> Result<Arc<str>, Refusal> {
    let folder = shared.listing.find(name)?;
    let language = Language::with_code(&request.lang).unwrap_or_default();
    let anchors: Vec<&str> = request.only.split(',').collect();
    let options = ReportOptions { language, samples: SAMPLES, ..ReportOptions::default() };
    let question = format!("parts {} {language}", request.only);
    shared.hub.answer_apart(name, &folder, question, || {
        report_parts(folder.path(), &options, &anchors).map_err(Refusal::conflict)
    })
}

/// Returns the report of a run as written at the end of training.
///
/// # Errors
/// Fails if there is no such run or it has no report yet.
pub(crate) fn page(shared: &Shared, name: &str) -> Result<String, Refusal> {
    let folder = shared.listing.find(name)?;
    read_text(&folder.report())
        .map_err(|_| Refusal::missing(format!("{name} has no report yet; it is written at the end")))
}

/// Returns the picture of the first batch, a PNG file.
///
/// # Errors
/// Fails if there is no such run or its data is not images.
pub(crate) fn samples(shared: &Shared, name: &str) -> Result<Vec<u8>, Refusal> {
    let folder = shared.listing.find(name)?;
    read(&folder.samples_picture()).map_err(|_| Refusal::missing(format!("{name} has no picture of its samples")))
}

/// Returns the available parts of a run, its config, its columns, and the findings with a remedy.
///
/// # Errors
/// Fails if there is no such run.
pub(crate) fn details(shared: &Shared, name: &str) -> Result<Value, Refusal> {
    let (folder, entry) = (shared.listing.find(name)?, shared.listing.entry(name)?);
    let summary = folder.read_summary().ok();
    let classes =
        summary.as_ref().and_then(|summary| summary.metrics.test.as_ref().or(summary.metrics.validation.as_ref()));
    Ok(json!({
        "run": *entry,
        "path": folder.path(),
        "config": read_text(&folder.config()).unwrap_or_default(),
        "columns": summary.as_ref().map(|summary| &summary.columns),
        "classes": classes.map(|metrics| metrics.classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>()),
        "input": input_kind(&folder),
        "samples": folder.samples_picture().exists(),
        "model": folder.model().exists(),
        "report": folder.report().exists(),
        "resumable": folder.last_checkpoint().exists(),
        "treatable": treatable(&folder),
    }))
}

/// Returns the kind of input that a page can send to the model of this run: `image`, `row` or neither.
fn input_kind(folder: &RunFolder) -> Option<&'static str> {
    let summary = folder.read_summary().ok()?;
    match (summary.columns.is_empty(), folder.samples_picture().exists()) {
        (false, _) => Some("row"),
        (true, true) => Some("image"),
        (true, false) => None,
    }
}

/// Returns codes and layers of the findings whose remedies can be applied by a program.
fn treatable(folder: &RunFolder) -> Vec<Value> {
    let Ok(config) = config_of(folder) else { return Vec::new() };
    let stored = keel_train::remedies::findings_of(folder).unwrap_or_default();
    let can =
        stored.iter().filter(|finding| treatments(&config, finding).is_ok_and(|treatments| !treatments.is_empty()));
    can.map(|finding| json!({ "code": finding.code, "layer": finding.layer })).collect()
}

/// Lists the measurements of layers and the tensors with histograms of run `name`.
///
/// # Errors
/// Fails if there is no such run or its database cannot be read.
pub(crate) fn layers(shared: &Shared, name: &str) -> Result<Arc<str>, Refusal> {
    let folder = shared.listing.find(name)?;
    shared.hub.answer(name, &folder, "layers".to_owned(), |data| {
        let mut tensors =
            MetricReader::open(&folder.metrics()).and_then(|reader| reader.histogram_names()).unwrap_or_default();
        tensors.sort_by_key(|tensor| data.place(&tensor.layer));
        let tensors: Vec<Value> =
            tensors.iter().map(|tensor| json!({ "layer": tensor.layer, "name": tensor.name })).collect();
        json!({ "measurements": data.measurements(), "tensors": tensors })
    })
}

/// A tensor whose histograms are requested.
#[derive(Debug, Deserialize)]
pub(crate) struct DistributionRequest {
    layer: String,
    name: String,
    #[serde(default = "rows")]
    rows: usize,
}

fn rows() -> usize {
    40
}

/// Returns the histograms of one tensor of run `name`.
///
/// # Errors
/// Fails if there is no such run or its database cannot be read.
pub(crate) fn distribution(shared: &Shared, name: &str, request: DistributionRequest) -> Result<Distribution, Refusal> {
    let folder = shared.listing.find(name)?;
    let DistributionRequest { layer, name, rows } = request;
    let reader = MetricReader::open(&folder.metrics()).map_err(Refusal::conflict)?;
    let records = reader.histograms_of(&TensorName { layer, name }).map_err(Refusal::conflict)?;
    Ok(Distribution::of(records, rows))
}
