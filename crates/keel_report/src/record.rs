//! Content of the folder of a run.

use std::path::Path;

use keel_health::{Finding, Level};
use keel_train::config::HealthLevel;
use keel_train::remedies::{Proof, proofs_of};
use keel_train::runs::files::read_text;
use keel_train::runs::{
    EpochRecord, HistogramRecord, LayerSeries, MetricReader, RunFolder, Status, StepRecord, Summary,
};
use keel_train::{Config, Importance};

use crate::error::ReportError;

/// Everything a run wrote, as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Name of the folder.
    pub(crate) name: String,
    /// The resolved config as text.
    pub(crate) config_text: String,
    /// The resolved config, unless it is of another version.
    pub(crate) config: Option<Config>,
    /// The run in brief, unless it is missing or of another version.
    pub(crate) summary: Option<Summary>,
    /// Scalars of every step.
    pub(crate) steps: Vec<StepRecord>,
    /// Scalars of every epoch.
    pub(crate) epochs: Vec<EpochRecord>,
    /// Measurements of layers, layers in the order of the network.
    pub(crate) layers: Vec<LayerSeries>,
    /// Histograms of layers, layers in the order of the network.
    pub(crate) histograms: Vec<HistogramRecord>,
    /// Findings of the health rules, causes first.
    pub(crate) findings: Vec<Finding>,
    /// Tested findings, with the outcome.
    pub(crate) proofs: Vec<Proof>,
    /// The columns the model relies on, where they were measured.
    pub(crate) importance: Option<Importance>,
    /// Parts that could not be read, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl Record {
    /// Reads the run in `folder`.
    pub(crate) fn read(folder: &Path) -> Result<Self, ReportError> {
        let run = RunFolder::open(folder)?;
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let name = absolute.file_name().unwrap_or(absolute.as_os_str()).to_string_lossy().into_owned();
        let mut record = Record { name, ..Record::default() };
        record.config_text = record.or_note(read_text(&run.config()), "config.toml");
        let config = keel_train::config::parse(&run.config(), &record.config_text, &[]);
        record.config = record.or_note(config.map(Some), "config.toml");
        record.summary = record.or_note(run.read_summary().map(Some), "summary.json");
        record.importance = record.or_note(Importance::read(&run), "importance.json");
        record.read_metrics(&run);
        record.findings = record.all_findings();
        record.proofs = record.summary.as_ref().map(proofs_of).unwrap_or_default();
        record.order_layers();
        Ok(record)
    }

    fn read_metrics(&mut self, run: &RunFolder) {
        let file = "metrics.sqlite";
        let Some(reader) = self.or_note(MetricReader::open(&run.metrics()).map(Some), file) else { return };
        self.steps = self.or_note(reader.steps(), file);
        self.epochs = self.or_note(reader.epochs(), file);
        self.layers = self.or_note(reader.layers(), file);
        self.histograms = self.or_note(reader.histograms(), file);
        self.findings = self.or_note(reader.latest_findings(), file);
    }

    /// The value that was read, or nothing and a note.
    fn or_note<T: Default, E: std::fmt::Display>(&mut self, result: Result<T, E>, file: &str) -> T {
        result.unwrap_or_else(|error| {
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            self.notes.push(format!("{file}: {reason}"));
            T::default()
        })
    }

    /// The summary's findings, which are ordered and complete once a run has ended; before that, those stored so far.
    fn all_findings(&mut self) -> Vec<Finding> {
        let stored = std::mem::take(&mut self.findings);
        let ended = self.summary.iter().filter(|summary| summary.status != Status::Running);
        let listed = ended.flat_map(|summary| &summary.findings);
        let findings: Vec<Finding> = listed.filter_map(|value| serde_json::from_value(value.clone()).ok()).collect();
        if findings.is_empty() { stored } else { findings }
    }

    fn order_layers(&mut self) {
        let names = self.layer_names();
        self.layers.sort_by_key(|series| place(&names, &series.layer));
        self.histograms.sort_by_key(|histogram| place(&names, &histogram.layer));
    }

    /// Names of the layers in the order of the network.
    pub(crate) fn layer_names(&self) -> Vec<String> {
        self.summary.iter().flat_map(|summary| &summary.layers).map(|layer| layer.name.clone()).collect()
    }

    /// State of the run; `None` if it is not recorded.
    pub(crate) fn status(&self) -> Option<Status> {
        self.summary.as_ref().map(|summary| summary.status)
    }

    /// Returns true if layers were not watched at all.
    pub(crate) fn health_is_off(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.health.level == HealthLevel::Off)
    }

    /// Last step of each epoch that ended.
    pub(crate) fn last_step_of_epoch(&self, epoch: u64) -> Option<u64> {
        let after = self.steps.partition_point(|step| step.epoch <= epoch);
        self.steps.get(after.checked_sub(1)?).filter(|step| step.epoch == epoch).map(|step| step.step)
    }

    /// Number of findings of `level` that no proof withdrew.
    pub(crate) fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level && !self.is_withdrawn(finding)).count()
    }

    fn is_withdrawn(&self, finding: &Finding) -> bool {
        self.proofs.iter().any(|proof| proof.withdraws() && proof.concerns(finding))
    }
}

/// Place in the network of a layer, or of a parameter named after its layer; unknown names come last.
fn place(names: &[String], name: &str) -> usize {
    let owns =
        |layer: &String| name == layer || name.strip_prefix(layer.as_str()).is_some_and(|rest| rest.starts_with('.'));
    names.iter().position(owns).unwrap_or(names.len())
}
