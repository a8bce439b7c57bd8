//! Records a training run: rows of the database, files of the run, events for its observer.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keel_data::Batch;

use super::record::Record;
use super::{EpochEvent, EvaluationEvent, Event, Started, StepEvent, TrainingObserver};
use crate::auto::{Choice, TrainingReason};
use crate::config::Config;
use crate::error::TrainError;
use crate::flight_recorder::{FlightRecorder, RecordedStep};
use crate::health::Watch;
use crate::metrics::{Detail, Metrics};
use crate::planning::Timing;
use crate::runs::{
    EpochRecord, Machine, MetricStore, PartMetrics, Rows, SUMMARY_FORMAT, Status, StepRecord, Summary, TrainingState,
    VERSION,
};
use crate::session::checkpoint::BestWeights;
use crate::session::{Session, StepPlace, StepResult};

/// Maximum number of samples shown in `samples.png`.
const PICTURE_SAMPLES: usize = 64;

/// Writes everything that is recorded of a run.
pub(super) struct Journal<'a> {
    pub(super) record: &'a mut dyn Record,
    observer: &'a mut dyn TrainingObserver,
    store: MetricStore,
    flight: FlightRecorder,
    /// Automatic choices of this run, for its summary.
    choices: Vec<Choice>,
    notes: Vec<String>,
    /// True if the targets are classes.
    classification: bool,
    began: Instant,
    /// Seconds trained before this start.
    seconds_before: f64,
    checkpointed: Instant,
    first_step_at: Option<f64>,
}

impl<'a> Journal<'a> {
    /// Opens the store of `record`, discarding rows after `state`.
    pub(super) fn open(
        record: &'a mut dyn Record,
        observer: &'a mut dyn TrainingObserver,
        session: &Session,
        state: &TrainingState,
        notes: RunNotes,
    ) -> Result<Self, TrainError> {
        let position = Rows { step: state.step, epoch: state.epoch, findings: state.finding_rows };
        let store = record.measurements().store(position)?;
        let began = Instant::now();
        Ok(Journal {
            record,
            observer,
            store,
            flight: FlightRecorder::new(session.training_batches().largest_batch()),
            choices: notes.choices,
            notes: notes.notes,
            classification: !session.objective().class_names().is_empty(),
            began,
            seconds_before: state.seconds,
            checkpointed: began,
            first_step_at: None,
        })
    }

    /// Start time of this part of the run.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Seconds trained, including those before the run was resumed.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds_before + self.began.elapsed().as_secs_f64()
    }

    /// Reports the start of the run to the observer.
    pub(super) fn started(&mut self, view: RunView<'_>, timing: Option<Timing>) {
        let RunView { config, session, state, .. } = view;
        let data = session.data();
        let started = Started {
            folder: self.record.folder().cloned(),
            data: data.dataset.name().to_owned(),
            samples: [data.train.len(), data.validation.len(), data.test.len()],
            classes: data.dataset.class_names().to_vec(),
            columns: data.dataset.column_reports().to_vec(),
            preprocessing: session.preprocessor().describe(),
            layers: session.layers(),
            inferred: session.inferred(),
            parameters: session.network().graph.parameter_length(),
            threads: rayon::current_num_threads(),
            epochs: config.train.epochs,
            steps_per_epoch: session.training_batches().steps_per_epoch() as u64,
            choices: self.choices.clone(),
            notes: self.notes.clone(),
            timing,
            resumed_steps: state.step,
        };
        self.observer.event(Event::Started(&started));
    }

    /// Writes a picture of the first batch; does nothing if the data are not images.
    pub(super) fn picture(&mut self, session: &Session, inputs: &[f32]) {
        let range = session.data().dataset.value_range();
        if let Ok(bytes) = keel_data::batch_picture(inputs, session.preprocessor(), range, PICTURE_SAMPLES) {
            self.record.write_picture(&bytes);
        }
    }

    /// Records a finished step, which `state` already counts.
    pub(super) fn step(&mut self, batch: &Batch, place: StepPlace, done: StepDone, state: &TrainingState) {
        let StepDone { result, waited } = done;
        self.first_step_at.get_or_insert_with(seconds_since_1970);
        let (step, epoch) = (state.step, state.epoch + 1);
        let StepResult { loss, gradient_norm, .. } = result;
        let learning_rate = place.learning_rate;
        self.store.step(StepRecord { step, epoch, loss, learning_rate, gradient_norm });
        self.flight.record(RecordedStep::new(step, epoch, learning_rate, result), &batch.indices);
        let seen = state.epoch_samples as f64;
        self.observer.event(Event::Step(StepEvent {
            step,
            epoch,
            step_in_epoch: state.step_in_epoch,
            samples: batch.step_samples(),
            loss,
            epoch_loss: state.epoch_loss_sum / seen,
            epoch_accuracy: self.classification.then(|| state.epoch_right as f64 / seen),
            learning_rate,
            gradient_norm,
            waited: waited.as_secs_f64(),
        }));
    }

    /// Replays a step whose loss or gradient was not finite and writes a record of the cause.
    ///
    /// # Errors
    /// Always: returns the error that ends the run.
    pub(super) fn broken_step(&mut self, session: &Session, batch: &Batch, result: StepResult) -> TrainError {
        let record = self.flight.examine(session, batch);
        if let Err(error) = self.record.write_flight_record(&record) {
            return error;
        }
        let loss = if result.loss.is_finite() { result.gradient_norm } else { result.loss };
        TrainError::NonFinite { loss, step: record.step, epoch: record.epoch, account: record.account() }
    }

    /// Records new findings and measurements of the health rules after `step` steps.
    pub(super) fn news(&mut self, watch: Option<&mut Watch>, step: u64) {
        let Some(watch) = watch else { return };
        let news = watch.take_news();
        for record in news.finding_records(step) {
            self.store.finding(record);
        }
        for finding in &news.findings {
            self.observer.event(Event::Finding(finding));
        }
        if !news.layers.is_empty() {
            self.store.layers(news.layers);
        }
        if !news.histograms.is_empty() {
            self.store.histograms(news.histograms);
        }
    }

    /// Records the metrics of a split (`train`, `val` or `test`) after `epoch` epochs.
    pub(super) fn metrics(&mut self, metrics: &Metrics, part: &'static str, epoch: u64) {
        let seconds = self.seconds();
        self.store.epoch(EpochRecord::new(metrics, part, epoch, seconds));
    }

    /// Reports a finished epoch to the observer.
    pub(super) fn epoch(&mut self, event: EpochEvent<'_>) {
        self.observer.event(Event::Epoch(event));
    }

    /// Computes the metrics of a split and reports the progress to the observer.
    pub(super) fn evaluate(
        &mut self,
        session: &mut Session,
        part: &'static str,
        indices: &[usize],
        detail: Detail,
    ) -> Result<Option<Metrics>, TrainError> {
        let samples = indices.len();
        let observer = &mut *self.observer;
        let watch = |done| observer.event(Event::Evaluation(EvaluationEvent { part, done, samples }));
        session.evaluate_watched(indices, detail, watch)
    }

    /// Records that the run was shortened from `planned` epochs to `total_steps` steps, or `epochs` epochs.
    pub(super) fn shortened(&mut self, total_steps: u64, epochs: f64, planned: u64) {
        self.choices.retain(|choice| choice.key != "train.epochs");
        let epochs_text = format!("{}", (epochs * 100.0).round() / 100.0);
        self.choices.push(Choice::new("train.epochs", epochs_text, TrainingReason::Shortened { planned }));
        self.observer.event(Event::Shortened { total_steps, epochs });
    }

    /// Returns true if the last checkpoint is at least `seconds` old.
    pub(super) fn checkpoint_is_due(&self, seconds: f64) -> bool {
        self.checkpointed.elapsed().as_secs_f64() >= seconds
    }

    /// Number of findings recorded so far.
    pub(super) fn findings(&self) -> u64 {
        self.store.findings()
    }

    /// Waits until all rows are on disk.
    pub(super) fn flush(&mut self) -> Result<(), TrainError> {
        self.store.flush()
    }

    /// Writes a checkpoint with everything needed to resume, after the rows that belong to it.
    pub(super) fn checkpoint(&mut self, session: &Session, state: &TrainingState) -> Result<(), TrainError> {
        self.flush()?;
        self.record.write_last(session, state)?;
        self.checkpointed = Instant::now();
        self.observer.event(Event::Checkpoint { step: state.step });
        Ok(())
    }

    /// Stores the current weights, or their average if there is one, as the best so far.
    pub(super) fn best(&mut self, session: &mut Session, state: &TrainingState) -> Result<(), TrainError> {
        let weights = BestWeights { fingerprint: state.fingerprint.clone(), epoch: state.epoch };
        session.with_average(|session| self.record.write_best(session, weights))
    }

    /// Returns the summary of the run in its current state.
    pub(super) fn summary(&self, view: RunView<'_>, status: Status) -> Summary {
        let RunView { config, session, state, watch, planned_steps } = view;
        let seconds = self.seconds();
        let train_samples = session.data().train.len() as f64;
        let epochs = state.epoch as f64 + state.epoch_samples as f64 / train_samples;
        Summary {
            format: SUMMARY_FORMAT,
            status,
            reason: None,
            data: session.data().dataset.name().to_owned(),
            data_fingerprint: Some(state.data_fingerprint.clone()),
            metrics: PartMetrics::default(),
            epochs: state.epoch,
            best_epoch: state.best_epoch,
            steps: state.step,
            planned_steps: Some(planned_steps),
            seconds,
            first_step_at: self.first_step_at,
            samples_per_second: if seconds > 0.0 { epochs * train_samples / seconds } else { 0.0 },
            seed: config.train.seed,
            findings: watch.map(Watch::finding_documents).unwrap_or_default(),
            layers: session.layers(),
            columns: session.data().dataset.column_reports().to_vec(),
            inferred: session.inferred(),
            choices: self.choices.clone(),
            notes: self.notes.clone(),
            version: VERSION.to_owned(),
            machine: Machine::this(),
            ranks: session.ranks().summary(),
        }
    }

    /// Waits until all rows are written and closes the store.
    pub(super) fn close(self) -> Result<(), TrainError> {
        self.store.close()
    }
}

/// Result of a step, and the time it waited for its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepDone {
    pub(super) result: StepResult,
    pub(super) waited: Duration,
}

/// Notes on a run that are shown in addition to its results.
#[derive(Debug, Clone, Default)]
pub(super) struct RunNotes {
    pub(super) choices: Vec<Choice>,
    /// Reasons why results may differ from those of an uninterrupted run.
    pub(super) notes: Vec<String>,
}

/// Current state of a run, as needed for its summary.
#[derive(Clone, Copy)]
pub(super) struct RunView<'a> {
    pub(super) config: &'a Config,
    pub(super) session: &'a Session,
    pub(super) state: &'a TrainingState,
    pub(super) watch: Option<&'a Watch>,
    /// Number of steps of the whole run.
    pub(super) planned_steps: u64,
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
