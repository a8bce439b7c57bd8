//! Watches a training run: requests its measurements, evaluates the rules, keeps the findings.

use keel_health::measurement::EvaluationMeasurement;
use keel_health::{Finding, Level, Monitor, MonitorState};
use keel_nn::probe::InputProbe;
use keel_nn::{Observer, Probe};

use super::{
    DecayTerm, EpochLosses, StepProbe, Thoroughness, describe_model, layer_records, measure_data, measure_epoch,
    measure_residuals, measure_start,
};
use crate::Config;
use crate::config::{HealthConfig, HealthLevel, OnError};
use crate::error::TrainError;
use crate::metrics::Metrics;
use crate::runs::{FindingRecord, HistogramRecord, LayerRecord, PartMetrics};
use crate::session::{FinishedStep, Session, StepObserver, StepPlace};

/// Approximate number of layer measurements kept of a whole training run.
const RECORDED_STEPS: u64 = 200;

/// Minimum number of steps between two records of layer measurements.
const LEAST_INTERVAL: u64 = 10;

/// Health of a training run in progress.
#[derive(Debug)]
pub struct Watch {
    config: HealthConfig,
    weight_decay: f64,
    /// True if the decay is not included in the optimizer's averages.
    decoupled: bool,
    classification: bool,
    monitor: Monitor,
    probe: StepProbe,
    interval: u64,
    news: Vec<Finding>,
    layers: Vec<LayerRecord>,
    histograms: Vec<HistogramRecord>,
}

/// New findings and records since the last request.
#[derive(Debug, Default)]
pub struct News {
    /// Findings that are new or have become more serious; a consequence names its cause.
    pub findings: Vec<Finding>,
    /// Measurements of layers.
    pub layers: Vec<LayerRecord>,
    /// Histograms, at level full.
    pub histograms: Vec<HistogramRecord>,
}

impl Watch {
    /// Begins to watch `session`, made from `config`, with `steps` steps in total: the model, the data and, in a new training run,
    /// the state before the first update are evaluated immediately. `state` is that of a resumed training run. `None` at level off.
    ///
    /// # Errors
    /// If a sample cannot be preprocessed.
    pub fn begin(
        config: &Config,
        session: &mut Session,
        steps: u64,
        state: Option<MonitorState>,
    ) -> Result<Option<Self>, TrainError> {
        let thoroughness = match config.health.level {
            HealthLevel::Off => return Ok(None),
            HealthLevel::Standard => Thoroughness::Standard,
            HealthLevel::Full => Thoroughness::Full,
        };
        let model = describe_model(config, session);
        let probe = StepProbe::new(&model, session, thoroughness);
        let known = state.is_some();
        let monitor = match state {
            Some(state) => Monitor::restore(model, state),
            None => Monitor::new(model),
        };
        let mut watch = Watch {
            config: config.health.clone(),
            weight_decay: config.optimizer.weight_decay(),
            decoupled: config.optimizer.decouples_weight_decay(),
            classification: !session.objective().class_names().is_empty(),
            monitor,
            probe,
            interval: (steps / RECORDED_STEPS).max(LEAST_INTERVAL),
            news: Vec::new(),
            layers: Vec::new(),
            histograms: Vec::new(),
        };
        if !known {
            watch.news = watch.monitor.findings();
            let data = measure_data(session)?;
            watch.news.extend(watch.monitor.data(&data));
            let start = measure_start(session, watch.monitor.model())?;
            watch.news.extend(watch.monitor.start(&start));
        }
        Ok(Some(watch))
    }

    /// Measures and evaluates the end of an epoch.
    ///
    /// # Errors
    /// If a sample cannot be preprocessed.
    pub fn epoch(&mut self, session: &mut Session, losses: EpochLosses) -> Result<(), TrainError> {
        let measurement = measure_epoch(session, self.monitor.model(), losses)?;
        self.news.extend(self.monitor.epoch(&measurement));
        Ok(())
    }

    /// Evaluates the rules on the metrics of the validation split at the end of an epoch.
    pub fn validation(&mut self, metrics: &Metrics) {
        self.news.extend(self.monitor.validation(without_result("validation", metrics)));
    }

    /// Evaluates the rules on the metrics of all splits at the end of the training run.
    pub fn evaluation(&mut self, metrics: &PartMetrics) {
        let parts = [("train", &metrics.train), ("test", &metrics.test)];
        let measured = parts.iter().filter_map(|(split, metrics)| Some(without_result(split, metrics.as_ref()?)));
        self.news.extend(self.monitor.evaluation(measured.collect()));
    }

    /// Measures the errors of the trained network before the end of the training run, if a rule needs them.
    ///
    /// # Errors
    /// If a sample cannot be preprocessed.
    pub fn residuals(&mut self, session: &mut Session) -> Result<(), TrainError> {
        if self.monitor.wants_residuals()
            && let Some(residuals) = measure_residuals(session)?
        {
            self.monitor.residuals(residuals);
        }
        Ok(())
    }

    /// Evaluates the rules at the end of the training run.
    pub fn end(&mut self) {
        self.news.extend(self.monitor.end());
    }

    /// Returns what is new since the last call.
    pub fn take_news(&mut self) -> News {
        let mut findings = std::mem::take(&mut self.news);
        if !findings.is_empty() {
            let explained = self.monitor.findings();
            for finding in &mut findings {
                let known = explained.iter().find(|known| known.reference() == finding.reference());
                finding.explained_by = known.and_then(|known| known.explained_by.clone());
            }
        }
        News { findings, layers: std::mem::take(&mut self.layers), histograms: std::mem::take(&mut self.histograms) }
    }

    /// Returns all findings so far: causes first, each followed by its consequences.
    pub fn findings(&self) -> Vec<Finding> {
        self.monitor.findings()
    }

    /// Returns the findings as JSON documents, for a summary.
    pub fn finding_documents(&self) -> Vec<serde_json::Value> {
        self.findings().iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect()
    }

    /// Returns the reason to stop the training run now, if any: `health.on_error` is `stop` and there is a finding of level error.
    pub fn reason_to_stop(&self) -> Option<String> {
        if self.config.on_error != OnError::Stop {
            return None;
        }
        let findings = self.monitor.findings();
        let worst = findings.iter().find(|finding| finding.level == Level::Error)?;
        let place = worst.layer.as_ref().map(|layer| format!(" in {layer}")).unwrap_or_default();
        Some(format!("{} {}{place}: {}; health.on_error is stop", worst.code, worst.rule, worst.message))
    }

    /// Returns the monitor.
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Returns the state for a checkpoint.
    pub fn state(&self) -> MonitorState {
        self.monitor.state()
    }

    /// Returns true if the measurements of step `step`, counted from 0, are kept.
    fn is_recorded(&self, step: u64) -> bool {
        step.is_multiple_of(self.interval)
    }

    fn record(&mut self, step: u64) {
        let model = self.monitor.model();
        self.layers.extend(layer_records(self.probe.measurement(), model, step));
        self.histograms.extend(self.probe.histograms(model, step));
    }
}

impl Observer for Watch {
    fn input(&mut self) -> Option<&mut InputProbe> {
        self.probe.input()
    }

    fn probe(&mut self, instruction: usize) -> Option<&mut Probe> {
        self.probe.probe(instruction)
    }
}

impl StepObserver for Watch {
    fn begin(&mut self, place: StepPlace) {
        let histograms = self.config.level == HealthLevel::Full && self.is_recorded(place.step);
        self.probe.begin(place.step, histograms);
    }

    /// Evaluates the rules on the step.
    fn end(&mut self, step: &FinishedStep<'_>) {
        let FinishedStep { place, samples, result, network, .. } = *step;
        self.probe.finish(place.step);
        match step.norms {
            Some(norms) => {
                let decoupled_rate = self.decoupled.then_some(place.learning_rate);
                let decay = DecayTerm { weight_decay: self.weight_decay, decoupled_rate };
                self.probe.parameters(&network.graph, norms, decay);
            }
            None => self.probe.failed_parameters(&network.graph, &network.parameters, step.gradients),
        }
        let measurement = self.probe.measurement_mut();
        // Findings count steps as everything shown to users does: the first one is 1, and 0 is before it.
        measurement.step = place.step + 1;
        measurement.epoch = place.epoch;
        measurement.samples = samples as u64;
        measurement.loss = result.loss as f32;
        measurement.accuracy = self.classification.then(|| result.right as f32 / samples as f32);
        measurement.learning_rate = Some(place.learning_rate as f32);
        measurement.gradient_norm = Some(result.gradient_norm as f32);
        let outcome = self.monitor.step(measurement);
        self.news.extend(outcome.findings);
        if self.is_recorded(place.step) {
            self.record(place.step + 1);
        }
    }
}

/// Returns the samples of a split that have no result.
fn without_result(split: &str, metrics: &Metrics) -> EvaluationMeasurement {
    let left_out = metrics.left_out.clone().unwrap_or_default();
    EvaluationMeasurement {
        split: split.to_owned(),
        samples: metrics.samples + left_out.samples,
        non_finite: left_out.samples,
        first: left_out.first,
        suspects: metrics.suspects.clone(),
    }
}

impl News {
    /// Returns the findings as rows of the database, recorded after `step` steps.
    pub fn finding_records(&self, step: u64) -> Vec<FindingRecord> {
        let record = |finding: &Finding| FindingRecord {
            step,
            code: finding.code.clone(),
            level: finding.level.name().to_owned(),
            layer: finding.layer.clone().unwrap_or_default(),
            document: serde_json::to_string(finding).unwrap_or_default(),
        };
        self.findings.iter().map(record).collect()
    }
}
