//! Content of the folder of a run.

use std::path::Path;

use keel_health::{Finding, Level};
use keel_train::config::HealthLevel;
use keel_train::remedies::{Proof, findings_in, proofs_of};
use keel_train::runs::files::read_text;
use keel_train::runs::{
    EpochRecord, HistogramRecord, LayerSeries, MetricReader, RunFolder, Status, StepRecord, Summary,
};
use keel_train::{Config, Importance};

use crate::error::ReportError;

/// Everything a run wrote that can be read.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Name of the folder.
    pub(crate) name: String,
    /// Resolved config as text.
    pub(crate) config_text: String,
    /// Resolved config, unless it is of another version.
    pub(crate) config: Option<Config>,
    /// Summary of the run, unless it is missing or of another version.
    pub(crate) summary: Option<Summary>,
    /// Scalars of every step.
    pub(crate) steps: Vec<StepRecord>,
    /// Scalars of every epoch.
    pub(crate) epochs: Vec<EpochRecord>,
    /// Measurements of layers, in network order.
    pub(crate) layers: Vec<LayerSeries>,
    /// Histograms of layers, in network order.
    pub(crate) histograms: Vec<HistogramRecord>,
    /// Findings of the health rules, causes first.
    pub(crate) findings: Vec<Finding>,
    /// Tested findings with their outcomes.
    pub(crate) proofs: Vec<Proof>,
    /// Columns the model relies on, if measured.
    pub(crate) importance: Option<Importance>,
    /// Notes on parts that could not be read, one sentence each.
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
        record.summary = record.or_note(run.read_progress().map(Some), "summary.json");
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

    /// Returns the value that was read, or the default with a note.
    fn or_note<T: Default, E: std::fmt::Display>(&mut self, result: Result<T, E>, file: &str) -> T {
        result.unwrap_or_else(|error| {
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            self.notes.push(format!("{file}: {reason}"));
            T::default()
        })
    }

    /// Returns the findings of the summary, which are complete and ordered once a run has ended; before that, those
    /// stored so far.
    fn all_findings(&mut self) -> Vec<Finding> {
        let stored = std::mem::take(&mut self.findings);
        let ended = self.summary.iter().filter(|summary| summary.status != Status::Running);
        let findings: Vec<Finding> = ended.flat_map(findings_in).collect();
        if findings.is_empty() { stored } else { findings }
    }

    fn order_layers(&mut self) {
        let names = self.layer_names();
        self.layers.sort_by_key(|series| place(&names, &series.layer));
        self.histograms.sort_by_key(|histogram| place(&names, &histogram.layer));
    }

    /// Returns the names of the layers in network order.
    pub(crate) fn layer_names(&self) -> Vec<String> {
        self.summary.iter().flat_map(|summary| &summary.layers).map(|layer| layer.name.clone()).collect()
    }

    /// Returns the state of the run, or `None` if it is not recorded.
    pub(crate) fn status(&self) -> Option<Status> {
        self.summary.as_ref().map(|summary| summary.status)
    }

    /// Returns true if layers were not monitored at all.
    pub(crate) fn health_is_off(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.health.level == HealthLevel::Off)
    }

    /// Returns the last step of a completed epoch.
    pub(crate) fn last_step_of_epoch(&self, epoch: u64) -> Option<u64> {
        let after = self.steps.partition_point(|step| step.epoch <= epoch);
        self.steps.get(after.checked_sub(1)?).filter(|step| step.epoch == epoch).map(|step| step.step)
    }

    /// Counts the findings of `level` that no proof withdrew.
    pub(crate) fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level && !self.is_withdrawn(finding)).count()
    }

    fn is_withdrawn(&self, finding: &Finding) -> bool {
        self.proofs.iter().any(|proof| proof.withdraws() && proof.concerns(finding))
    }
}

/// Returns the position in the network of a layer, or of a parameter named after its layer; unknown names come last.
fn place(names: &[String], name: &str) -> usize {
    let owns =
        |layer: &String| name == layer || name.strip_prefix(layer.as_str()).is_some_and(|rest| rest.starts_with('.'));
    names.iter().position(owns).unwrap_or(names.len())
}
